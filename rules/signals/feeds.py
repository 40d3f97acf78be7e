"""Licences in Atom and RSS: of a feed, of its entries, and of what they enclose.

Facts (RFC 4287, https://www.rfc-editor.org/rfc/rfc4287; RFC 4946, https://www.rfc-editor.org/rfc/rfc4946; RSS 2.0 and its
modules creativeCommons, cc, Media RSS and Podcasting 2.0, https://podcasting2.org/docs/podcast-namespace/tags/license)
- RFC 4946, 2: `link rel=license` in a feed or an entry. 2.1: the address `#unspecified` says that no licence was named. 2.4:
  an entry without one has that of its source, and else that of its feed. OURS: so has an item of RSS.
- RFC 4287, 4.2.10: `rights` is text for people, and so is `copyright` in RSS: prose (prose.py), unless they are an address of
  a licence.
- creativeCommons, cc and Podcasting 2.0 name a licence by address or by SPDX identifier. A licence of Media RSS is that of
  the medium.
- `itunes:block` and `podcast:block` speak of directories of podcasts, and `rsl:content` is RSL: neither is read here.
- OURS: an asset is the entry whose address, identifier or enclosure is its URL; in a feed that holds it no more, what the
  feed says counts.
- OURS: where the asset is the feed itself, its entries are embedded in it.
"""
from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from lxml import etree

from ..creative_commons import licence
from ..limits import FEED_BYTES, FEED_DEPTH
from ..metadata import RSL_TYPE
from ..model import Asker, Asset, Evidence, Fault, FaultKind, Finding, Subject
from ..xml_tree import NotXml, root
from .licence import NO_LICENCE, capped, resolved, state
from .prose import stated

ATOM, RSS_1, RDF = "http://www.w3.org/2005/Atom", "http://purl.org/rss/1.0/", "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
MEDIA = "http://search.yahoo.com/mrss"
PODCAST = frozenset({"https://podcastindex.org/namespace/1.0",
                     "https://github.com/Podcastindex-org/podcast-namespace/blob/main/docs/1.0.md"})
BY_ADDRESS = frozenset({"http://backend.userland.com/creativeCommonsRssModule", "http://web.resource.org/cc/",
                        "http://creativecommons.org/ns#", "http://cyber.law.harvard.edu/rss/creativeCommonsRssModule.html"})
LICENSE_RELS = frozenset({"license", "http://www.iana.org/assignments/relation/license"})
ADDRESSES = frozenset({"link", "id", "guid", "origLink"})
NOTICES = frozenset({"rights", "copyright"})
MEDIA_TYPES = frozenset({"application/atom+xml", "application/rss+xml", "application/rdf+xml"})
WORDS = (b"license", b"rights", b"copyright")

# The root of a feed, after declarations and comments.
_START = re.compile(rb"(?:\xef\xbb\xbf)?+\s*+(?:<(?:\?.*?\?>|!(?=--).*?-->|!(?!--).*?>)\s*+)*+"
                    rb"<(?:[\w.-]{1,40}:)?(?:rss|feed|RDF)[\s>]", re.DOTALL)
PROLOG_BYTES = 8_192                 # in which a feed that nobody calls one shows what it is


@dataclass(frozen=True, slots=True)
class _Said:
    """One licence or notice."""
    value: str
    of_medium: bool = False
    notice: bool = False


def feed(evidence: Evidence, asset: Asset, asker: Asker) -> list[Finding]:
    """What a feed says of one of its entries, by licences and in natural language."""
    page, tree, faults = _tree(evidence)
    if tree is None:
        return faults
    number, entry = next(((n, e) for n, e in enumerate(_entries(tree), 1) if _key(asset.url) in _addresses(e, page)), (0, None))
    medium = entry is not None and _key(asset.url) in _addresses(entry, page, media_only=True)
    places = [] if entry is None else [entry, *(e for e in entry if _name(e) == (ATOM, "source"))]
    said = [[*_licences(place)] for place in (*places, _channel(tree))]
    out: list[Finding] = []
    for s in next(filter(None, ([s for s in each if not s.notice] for each in said)), []):
        subject = Subject.EMBEDDED if s.of_medium and not medium else Subject.ASSET
        out += state("licence.feed", s.value, asker, subject, f"entry {number}" if number else "feed", page)
    notices = next(filter(None, ([s.value for s in each if s.notice] for each in said)), [])
    return capped(out + stated("prose.feed", evidence.carrier, [("rights", text) for text in notices]), evidence.carrier)


def body(evidence: Evidence, asset: Asset, asker: Asker) -> list[Finding]:
    """What a feed says of itself, and of its entries as parts of it."""
    if not is_feed(evidence.body, asset.media_type):
        return []
    page, tree, faults = _tree(evidence)
    if tree is None:
        return faults
    out: list[Finding] = []
    for said in _licences(_channel(tree)):
        if not said.notice:
            subject = Subject.EMBEDDED if said.of_medium else Subject.ASSET
            out += state("licence.feed-body", said.value, asker, subject, "feed", page)
    for number, entry in enumerate(_entries(tree), 1):
        for said in _licences(entry):
            if not said.notice:
                out += state("licence.feed-body", said.value, asker, Subject.EMBEDDED, f"entry {number}", page)
    return capped(out, evidence.carrier)


def is_feed(body: bytes, media_type: str = "") -> bool:
    """Whether a body is called a feed or starts like one, after a declaration and comments."""
    return media_type in MEDIA_TYPES or bool(_START.match(body, 0, PROLOG_BYTES))


def _tree(evidence: Evidence) -> tuple[str, etree._Element | None, list[Finding]]:
    """Address and root of a feed in which anything could speak."""
    page, text = evidence.final_uri or evidence.uri, evidence.body
    low = text.lower()
    if not any(word in low for word in WORDS) and b"\0" not in text[:64]:
        return page, None, []
    if len(text) > FEED_BYTES:
        return page, None, [Fault(evidence.carrier, FaultKind.TRUNCATED, f"longer than {FEED_BYTES} bytes", "feed")]
    try:
        return page, root(text, FEED_DEPTH), []
    except NotXml as error:
        return page, None, [Fault(evidence.carrier, FaultKind.MALFORMED, str(error), "feed")]


def _channel(tree: etree._Element) -> etree._Element:
    return next((e for e in tree if _name(e)[1] == "channel"), tree)


def _entries(tree: etree._Element) -> Iterator[etree._Element]:
    """Atom entries; items of RSS 0.9 to 2.0, which stand in the channel or beside it."""
    if _name(tree)[1] == "entry":
        yield tree
    for parent in dict.fromkeys((_channel(tree), tree)):
        yield from (e for e in parent if _name(e)[1] in ("entry", "item"))


def _licences(element: etree._Element) -> Iterator[_Said]:
    """The licences and notices that stand directly in a feed or an entry; `#unspecified` is one, too."""
    for e in element:
        space, name = _name(e)
        text = (e.text or "").strip()
        if space == ATOM and name == "link":
            if e.get("rel", "").strip().lower() in LICENSE_RELS and e.get("type", "").strip().lower() != RSL_TYPE:
                yield _Said(e.get("href", "").strip() or NO_LICENCE)
        elif name == "license" and space in BY_ADDRESS:
            if value := e.get(f"{{{RDF}}}resource", "").strip() or text:
                yield _Said(value)
        elif name == "license" and space in PODCAST:
            address = e.get("url", "").strip()
            if value := text if licence(text) else address or text:
                yield _Said(value)
        elif space.rstrip("/") == MEDIA:
            yield from (_Said(m.get("href", "").strip() or (m.text or "").strip(), of_medium=True)
                        for m in e.iter() if _name(m)[1] == "license" and _name(m)[0].rstrip("/") == MEDIA)
        elif name in NOTICES and text:
            yield _Said(text, notice=licence(text) is None)


def _addresses(entry: etree._Element, page: str, *, media_only: bool = False) -> set[str]:
    """Every address by which an entry, or what it encloses, is known."""
    found: list[str] = []
    for e in entry.iter():
        space, name = _name(e)
        encloses = name == "enclosure" or (space.rstrip("/") == MEDIA and name == "content") or e.get("rel") == "enclosure"
        if encloses:
            found.append(e.get("url") or e.get("href") or "")
        elif not media_only and e.getparent() is entry and name in ADDRESSES and e.get("rel", "self") in ("alternate", "self"):
            found.append(e.get("href") or e.text or "")
    if not media_only:
        found.append(entry.get(f"{{{RDF}}}about") or "")
    return {_key(resolved(address, page)) for address in found if address.strip()}


def _key(url: str) -> str:
    return url.strip().split("#")[0].split("://")[-1].removeprefix("www.").rstrip("/")


def _name(e: etree._Element) -> tuple[str, str]:
    q = etree.QName(e)
    return q.namespace or "", q.localname
