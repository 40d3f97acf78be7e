"""Really Simple Licensing: who refers to a licence document, and what the terms found there or in place come to.

Facts (RSL-SPEC-1.0 with errata to 2026-08-07, https://rslstandard.org/rsl; read in secondary text, except for excerpts)
- 4: every association is to be looked at. A document that nothing refers to binds nobody; there is no well-known place.
- 4.4: `License: URI` in robots.txt, in a group or for all; those of a crawler's group take the place of the global ones.
- 4.5: response field `Link` with `rel="license"` and the type below. 4.6: `<link>` of that relation and type, and `<script>`
  of that type with exactly one `content`, whose empty `url` means the place where it stands. 4.7: `rsl:content` in an item of
  a feed, on the feed's own origin. 4.8: `rsl:rsl` inside files.
- 4.9: where associations conflict the most restrictive counts.
- 3.2: no valid document, no licence.
- 4.6: in the body of a page a script speaks of the element around it. OURS: it is read as if it spoke of the whole page, but
  for what it allows. The same holds of what a feed says about another origin, and of a script that names another url.
- OURS: URIs should be absolute. A relative one is resolved against the place where it stands; one with user information or
  with another scheme than http is never fetched, and is a Fault.
- OURS: at most 20 references are followed from one place; more are a Fault.
- OURS: permitted for something in return (payment, a server, a report) is a disallow with terms.
- OURS: `ai-input` decides about input to AI. `ai-index` adds to it where it is prohibited or costs something; that it is left
  out of a list that permits `ai-input` takes nothing away.
Reading documents: rsl_document.py. Evaluating them: rsl_terms.py.
"""
from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from urllib.parse import urljoin, urlsplit

from lxml import etree

from .. import hidden, html
from ..containers import kind
from ..html_work import survey
from ..limits import (
    DETAIL_CHARS,
    FEED_BYTES,
    FEED_DEPTH,
    FIELD_LINES,
    FIELDS_BYTES,
    HTML_BYTES,
    HTML_ELEMENTS,
    RSL_REFERENCES,
    URL_CHARS,
)
from ..memo import memo
from ..metadata import RSL_TYPE
from ..model import (
    Access,
    Asker,
    Asset,
    Carrier,
    Evidence,
    Fault,
    FaultKind,
    Finding,
    Form,
    Preference,
    Reference,
    Statement,
    Terms,
    Use,
)
from ..scan import Trigger
from ..vocab import meaning
from ..xml_tree import NotXml, root
from . import robots_groups
from .link_field import links
from .rsl_document import NAMESPACE, OTHER, Document, authority, parse, read_contents
from .rsl_terms import Kind, Standing, evaluate

TRIGGERS = Trigger((hidden.MARKUP, b"rsl+xml", b"rsl&", NAMESPACE.lower().encode()), lambda seen: bool(seen.rsl_end))
FEED_ROOTS = frozenset({"rss", "feed", "RDF"})

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_UNUSABLE = re.compile(r"[\x00-\x20\x7f\"<>\\^`{|}\ud800-\udfff]")
_FEED_START = re.compile(rb"\s*+(?:\xef\xbb\xbf\s*+)?+<(?:\?xml|rss\b|feed\b|rdf:RDF\b)")


# ---- documents

def document(evidence: Evidence, asset: Asset, asker: Asker) -> list[Finding]:
    """What a licence document says about the asset."""
    return _findings(_document(evidence.body), evidence, "rsl.document", asset, asker)


def embedded(xml: bytes, evidence: Evidence, signal: str, where: str, asset: Asset, asker: Asker, *,
             partial: bool = False) -> list[Finding]:
    """What an `rsl` element that stands in the asset says about it; `where` it stands: "script 1", "xmp".

    `partial`: it may speak of a part of the asset, so that it allows nothing.
    """
    return _findings(_attached(xml), evidence, signal, asset, asker, where=where, attached=True, partial=partial)


@memo
def _document(body: bytes) -> Document:
    return parse(body)


@memo
def _attached(body: bytes) -> Document:
    return parse(body, attached=True)


def _findings(document: Document, evidence: Evidence, signal: str, asset: Asset, asker: Asker, *, where: str = "",
              attached: bool = False, partial: bool = False) -> list[Finding]:
    out: list[Finding] = []
    if document.failure:
        out.append(Fault(evidence.carrier, *document.failure, where))
    if document.flaws:
        out.append(Fault(evidence.carrier, FaultKind.MALFORMED, "; ".join(document.flaws)[:DETAIL_CHARS], where))
    told = evaluate(document.contents, asset, asker, attached=attached)
    answers = {atom: _settled(standings) for atom, standings in told.items()}
    answers["ai-input"] = _input(answers["ai-input"], answers.pop("ai-index"))
    mining = [answers[atom] for atom in ("ai-train", "ai-input", OTHER)]
    if len({_gist(answer) for answer in mining}) == 1:
        said = {Use.SEARCH: answers["search"], Use.TDM: mining[0]}
    else:
        said = {Use.SEARCH: answers["search"], Use.TDM_OTHER: answers[OTHER],
                **{use: answers[word] for word in ("ai-train", "ai-input") for use in _uses(word)}}
    unresolved: dict[str, list[Use]] = {}
    for use, answer in said.items():
        if isinstance(answer, str):
            unresolved.setdefault(answer, []).append(use)
        elif answer and answer.license and (preference := answer.preference):
            if preference is Preference.ALLOW and (document.flaws or partial):
                continue
            form, note = _form(document)
            out.append(Statement(
                signal, use, preference, form=form, terms=_terms(answer, evidence.uri), note=note,
                where=f"{where}, {answer.license.where}" if where else answer.license.where, quote=answer.license.quote))
    out += [Fault(evidence.carrier, FaultKind.UNRESOLVED,
                  f"{', '.join(use.value for use in uses)}: it hangs on the kind of user or on the country", place)
            for place, uses in unresolved.items()]
    return out


def _uses(word: str) -> tuple[Use, ...]:
    term = meaning("rsl", word)
    return term.uses if term else ()


def _settled(standings: tuple[Standing, ...]) -> Standing | str | None:
    """What the standings agree on; where they do not, the place of one of them; None: silence."""
    preferences = {s.preference for s in standings}
    if Preference.DISALLOW not in preferences:
        return standings[0] if preferences == {Preference.ALLOW} else None
    if len(preferences) > 1:
        return next(s.license.where for s in standings if s.license)
    return next((s for s in standings if s.kind is not Kind.GRANTED), standings[0])


def _input(given: Standing | str | None, indexed: Standing | str | None) -> Standing | str | None:
    """Input to AI, with an index made for it: the more restrictive of the two, but for what is only left out of a list."""
    if isinstance(given, Standing) and given.preference is Preference.DISALLOW:
        return given
    if isinstance(indexed, Standing) and indexed.preference is Preference.DISALLOW and indexed.kind is not Kind.DENIED:
        return indexed
    return indexed if isinstance(indexed, str) and given is not None else given


def _gist(answer: Standing | str | None) -> object:
    return (answer.preference, answer.terms) if isinstance(answer, Standing) else answer


def _terms(answer: Standing, uri: str) -> Terms | None:
    return replace(answer.terms, url=answer.terms.url or uri[:URL_CHARS]) if answer.terms else None


def _form(document: Document) -> tuple[Form, str]:
    if document.flaws:
        return Form.LENIENT, document.flaws[0]
    return (Form.LEGACY, document.legacy) if document.legacy else (Form.EXACT, "")


# ---- associations: documents that others refer to

@dataclass(frozen=True, slots=True)
class _Pointer:
    href: str
    where: str


def in_robots(evidence: Evidence, asset: Asset, asker: Asker) -> list[Reference]:
    return _references(_robots_pointers(evidence, asker), evidence)


def in_fields(evidence: Evidence, asset: Asset, asker: Asker) -> list[Reference]:
    return _references(_field_pointers(evidence, asset), evidence)


def in_page(evidence: Evidence, asset: Asset, asker: Asker) -> list[Reference]:
    page = read(evidence, asset)
    return _references(page.pointers, evidence) if page else []


def robots(evidence: Evidence, asset: Asset, asker: Asker) -> list[Finding]:
    """License records that lead nowhere."""
    return _unusable(_robots_pointers(evidence, asker), evidence)


def header(evidence: Evidence, asset: Asset, asker: Asker) -> list[Finding]:
    """Links that lead nowhere, or that were not read."""
    out = _unusable(_field_pointers(evidence, asset), evidence)
    body = evidence.body
    if (len(links(body)) == HTML_ELEMENTS or len(body) > FIELDS_BYTES or body.count(b"\n") > FIELD_LINES) \
            and _could_speak(body):
        out.append(Fault(evidence.carrier, FaultKind.TRUNCATED, "more links than are read", "link"))
    return out


def page(evidence: Evidence, asset: Asset, asker: Asker) -> list[Finding]:
    """What the scripts of a page say, and links that lead nowhere; what a feed says of itself."""
    found = read(evidence, asset)
    if not found:
        return feed(evidence, asset, asker) if kind(evidence.body) != "svg" else []
    out = [f for number, (xml, in_head) in enumerate(found.scripts, 1)
           for f in embedded(xml, evidence, "rsl.html", f"script {number}", asset, asker, partial=not in_head)]
    return [*out, *_unusable(found.pointers, evidence), *found.faults]


def _robots_pointers(evidence: Evidence, asker: Asker) -> list[_Pointer]:
    body = robots_groups.whole_lines(evidence.body) if evidence.access is Access.TRUNCATED else evidence.body
    found = robots_groups.parse(body).licenses(asker.token)
    return [_Pointer(href, f"robots.txt line {number}") for number, href in found]


def _field_pointers(evidence: Evidence, asset: Asset) -> list[_Pointer]:
    if not _could_speak(evidence.body):
        return []
    return [_Pointer(link.href, f"link {link.number}") for link in links(evidence.body)
            if "license" in link.rels and link.type == RSL_TYPE and _is_about(link.param("anchor"), asset)]


def _is_about(anchor: str | None, asset: Asset) -> bool:
    """Whether a link with this anchor speaks of the asset (RFC 8288, 3.2). What cannot be told is taken to."""
    if not anchor:
        return True
    try:
        return urljoin(asset.url, anchor).partition("#")[0] == asset.url.partition("#")[0]
    except ValueError:
        return True


def _references(pointers: Sequence[_Pointer], evidence: Evidence) -> list[Reference]:
    if not pointers:
        return []
    told = ((target(p.href, evidence), p) for p in pointers)
    return [Reference(Carrier.RSL, uri, p.where if _SCHEME.match(p.href.strip()) else f"{p.where}, relative")
            for uri, p in told if uri][:RSL_REFERENCES]


def _unusable(pointers: Sequence[_Pointer], evidence: Evidence) -> list[Finding]:
    if not pointers:
        return []
    bad = [p for p in pointers if not target(p.href, evidence)]
    out: list[Finding] = [
        Fault(evidence.carrier, FaultKind.MALFORMED, f"a licence at '{p.href[:80]}', which is no address", p.where)
        for p in bad[:RSL_REFERENCES]]
    if len(pointers) > RSL_REFERENCES:
        out.append(Fault(evidence.carrier, FaultKind.TRUNCATED, f"more than {RSL_REFERENCES} licences are referred to", "rsl"))
    return out


def target(href: str, evidence: Evidence) -> str:
    """Absolute URI without fragment; "" where nothing may be fetched from it."""
    try:
        uri = urljoin(evidence.final_uri or evidence.uri, href.strip()).partition("#")[0]
        parts = urlsplit(uri)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return ""
    usable = parts.scheme in ("http", "https") and host and "@" not in parts.netloc
    return uri if usable and 0 < len(uri) <= URL_CHARS and href.strip() and not _UNUSABLE.search(uri) else ""


# ---- pages

@dataclass(frozen=True, slots=True)
class _Page:
    pointers: tuple[_Pointer, ...] = ()
    scripts: tuple[tuple[bytes, bool], ...] = ()         # text, and whether it stands in the head
    faults: tuple[Fault, ...] = ()


NO_PAGE = _Page()
_last: tuple[bytes, str, _Page | None] = (b"", "", None)


def read(evidence: Evidence, asset: Asset, *, exact: bool = False) -> _Page | None:
    """What a page says in RSL; None where the body is none, but perhaps a feed. Keeps the last page for who asks next. `exact`:
    parse all of it."""
    global _last
    body, media_type = evidence.body, asset.media_type
    last = _last
    if last[0] is not body or last[1] != media_type or exact:        # INVARIANT: bytes never change
        last = _last = body, media_type, _read(body, media_type, exact) if html.is_html(body, media_type) else None
    return last[2]


def _read(body: bytes, media_type: str, exact: bool) -> _Page | None:
    seen = html.surveyed(body, media_type)
    if seen and not seen.rsl_end and not exact and len(body) <= HTML_BYTES:
        return NO_PAGE
    if _could_speak(body):
        return _page(body, media_type, exact)
    return NO_PAGE if seen else None


def _could_speak(body: bytes) -> bool:
    """Whether the media type could stand there: any of it may be character references, and each character two bytes."""
    lowered = body.lower()
    if hidden.is_parted(lowered):
        lowered = lowered.replace(b"\0", b"")
    return b"rsl+xml" in lowered or b"rsl&" in lowered or (b"&" in lowered and bool(hidden.MARKUP.search(lowered)))


def _page(body: bytes, media_type: str, exact: bool) -> _Page:
    faults = [] if len(body) <= HTML_BYTES else [
        Fault(Carrier.BODY, FaultKind.TRUNCATED, f"only the first {HTML_BYTES} bytes were read", "rsl")]
    text = html.markup(body[:HTML_BYTES], xhtml=media_type == html.XHTML)
    seen = survey(text)
    if not seen.bounded:
        faults.append(Fault(Carrier.BODY, FaultKind.MALFORMED, "nested or formatted beyond reason", "rsl"))
        return _Page((), (), tuple(faults))
    tree = (html.beginning(text, seen.rsl_end) if seen.certain and not exact else None) or html.parse(text)
    in_head = {element.mem_id for element in tree.head.css("script")} if tree.head else set()
    pointers, scripts = [], []
    for number, element in enumerate(tree.css("link[href]"), 1):
        told = {key: value or "" for key, value in element.attributes.items()}
        if "license" in told.get("rel", "").lower().split() and _essence(told.get("type", "")) == RSL_TYPE:
            pointers.append(_Pointer(told["href"], f"link element {number}"))
    for element in tree.css("script[type]"):
        if _essence(element.attributes.get("type") or "") == RSL_TYPE:
            scripts.append(((element.text() or "").encode("utf-8", "replace"), element.mem_id in in_head))
    if len(scripts) > RSL_REFERENCES:
        faults.append(Fault(Carrier.BODY, FaultKind.TRUNCATED, f"more than {RSL_REFERENCES} licences stand in it", "rsl"))
    return _Page(tuple(pointers), tuple(scripts[:RSL_REFERENCES]), tuple(faults))


def _essence(media_type: str) -> str:
    return media_type.partition(";")[0].strip().lower()


# ---- feeds

def feed(evidence: Evidence, asset: Asset, asker: Asker) -> list[Finding]:
    """What the items of a feed say about the asset."""
    if not _FEED_START.match(evidence.body) or NAMESPACE.encode() not in evidence.body:
        return []
    elsewhere = authority(asset.url) != authority(evidence.final_uri or evidence.uri)
    signal = "rsl.feed" if evidence.carrier is Carrier.FEED else "rsl.feed-body"
    return _findings(_feed(evidence.body), evidence, signal, asset, asker, partial=elsewhere)


@memo
def _feed(body: bytes) -> Document:
    document = Document()
    if len(body) > FEED_BYTES:
        document.failure = FaultKind.TRUNCATED, f"longer than {FEED_BYTES} bytes"
        return document
    try:
        top = root(body, FEED_DEPTH)
    except NotXml as error:
        document.failure = FaultKind.MALFORMED, f"no feed: {error}"[:DETAIL_CHARS]
        return document
    if etree.QName(top).localname in FEED_ROOTS:
        contents = list(top.iter(f"{{{NAMESPACE}}}content"))
        read_contents(document, [c for c in contents if c.get("url")])
        if any(not c.get("url") for c in contents):
            document.flaw("a content without url stands in a feed")
    return document
