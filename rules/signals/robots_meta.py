"""Robots directives: the response field `X-Robots-Tag` and `<meta name="robots">`.

Facts (draft-illyes-repext-00, https://datatracker.ietf.org/doc/draft-illyes-repext/00/; Google, robots meta tag; DeviantArt,
2022-11-11)
- repext 3: names and values are case-insensitive, unknown directives are ignored, and of the directives that bear on one
  crawler the negative ones add up.
- Google: directives stand between commas. In the field, `token:` opens a scope that lasts to the end of its line or the next
  scope; `max-snippet`, `max-image-preview`, `max-video-preview` and `unavailable_after` carry a value and open no scope.
- A date of `unavailable_after` may hold a comma after the day of the week.
- DeviantArt: `noai` speaks of the page, `noimageai` of its images. When the asset is an image itself, it is the image meant;
  when the page around the asset says so, the asset is one of its images, and nothing else of that page is about it.
- `nosnippet` and `max-snippet:0` keep a text out of excerpts and direct answers; leave is a matter of length, so they carry
  terms.
- Bing (2023-09-22): `noarchive` keeps a page out of Copilot and of training; `nocache` leaves them its address, title and
  snippet; a page with both is one with `nocache`. Amazon: `noarchive` keeps it out of training. These are words to the
  operator's own crawlers (vocab, word@operator), and evidence to others. Google dropped `noarchive` in 2024.
- Mojeek (proposal, 2023): `noml` allows search and refuses machine learning.
- PRACTICE: `;` and spaces stand for commas, and proxies fold lines of different scopes into one. OURS: both are read as
  lenient; so is a directive after the first in the scope of another crawler, for a proxy may have taken it from a line for
  everyone.
- OURS: a directive with a value that nobody knows opens no scope where its name starts with `max-` or is a directive's.
- OURS: a meta in the body counts, as lenient: crawlers differ, and doubt is no leave.
- OURS: of metas with other names, those are read that name the asker or a crawler of AI training.
"""
from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from .. import html as pages
from ..agents import agents, training_operator
from ..limits import QUOTE_CHARS
from ..model import Asker, Asset, Audience, Carrier, Evidence, Fault, Finding, Form, Preference, Statement, Subject, Terms
from ..vocab import TERMS, Term, meaning
from . import http_fields

FIELD = b"x-robots-tag"
VALUED = frozenset({"max-snippet", "max-image-preview", "max-video-preview", "unavailable_after"})
EVERYONE = frozenset({"", "*", "robots"})
PAGE = Asset("", "text/html")        # every page that embeds something
NO_IMAGES = ("application/", "audio/", "font/", "model/", "text/", "video/")
UNTYPED = frozenset({"application/octet-stream", "text/plain"})     # what servers say of files that they do not know
OF_IMAGES = frozenset({"noimageai", "noimageindex"})
NO_CACHE = Terms(conditions=("url", "title", "snippet"))
# Directive -> operator, in lower case, that reads it in its own way -> what it reads.
OWN: dict[str, dict[str, Term]] = {}
for _own in TERMS.values():
    if _own.protocol == "robots-meta" and "@" in _own.word:
        OWN.setdefault(_own.word.partition("@")[0], {})[_own.word.partition("@")[2]] = _own

NO_SNIPPET = Terms(conditions=("nosnippet",))

_WEEKDAY = re.compile(r"\s*(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Directive:
    """One word of a list and the scope that it stands in, in lower case."""
    scope: str
    name: str
    value: str = ""
    first: bool = True               # of its scope
    note: str = ""                   # why it took leniency to read


@dataclass(frozen=True, slots=True)
class _Said:
    """A directive, where it stands, and whether a softer one stands beside it."""
    directive: Directive
    where: str
    quote: str
    softened: bool = False           # nocache stands beside it


def parse(value: str) -> list[Directive]:
    """The directives of one field line or one meta, known or not, each once and in order."""
    out: dict[Directive, None] = {}
    scope, fresh, folded, dated = "", True, "", False
    separator = "separator" if ";" in value else ""

    def say(words: list[str], note: str, its_value: str = "") -> None:
        nonlocal fresh
        for word in words:
            out[Directive(scope, word.lower(), its_value.lower(), fresh, folded or separator or note)] = None
            fresh = False

    for number, part in enumerate(value.replace(";", ",").split(",")):
        if dated:                    # the rest of `Fri, 25 Jun 2030 15:00:00 GMT`
            dated = False
            say(_known(part.split()), "separator")
            continue
        segments = part.split(":")
        words, at = segments[0].split(), 0
        while at < len(segments) - 1 and not (words and _takes_value(words[-1].lower())):
            if words:                # `token:` opens a scope
                say(words[:-1], "separator")
                folded = "folded-scope" if number or at or len(words) > 1 else ""
                scope, fresh = words[-1].lower(), True
            at += 1
            words = segments[at].split()
        if at == len(segments) - 1:
            say(words, "separator" if len(words) > 1 else "")
            continue
        rest = ":".join(segments[at + 1:])
        its_value, *strays = rest.split() or [""]
        say(words[:-1], "separator")
        say(words[-1:], "", its_value)
        say(_known(strays), "separator")
        dated = words[-1].lower() == "unavailable_after" and bool(_WEEKDAY.fullmatch(rest))
    return list(out)


def _takes_value(name: str) -> bool:
    return name in VALUED or name.startswith("max-") or meaning("robots-meta", name) is not None


def _known(words: list[str]) -> list[str]:
    """Directives that follow a value without a comma; the words of a date are none."""
    return [word for word in words if meaning("robots-meta", word.lower())]


def header(evidence: Evidence, asset: Asset, asker: Asker) -> list[Finding]:
    lines = http_fields.values(evidence.body, FIELD)
    if not lines:
        return []
    media_type = asset.media_type or "".join(http_fields.values(evidence.body, b"content-type")[:1]).lower()
    of_images = Subject.ASSET if media_type.startswith("image/") else Subject.EMBEDDED
    said = [_Said(d, f"x-robots-tag {number}", line) for number, line in enumerate(lines, 1) for d in parse(line)]
    return _once(s for one in _softened(said) for s in _statements("robots-meta.header", one, asker, of_images))


def html(evidence: Evidence, asset: Asset, asker: Asker) -> list[Finding]:
    said = [_Said(_inside(meta, d), f"meta {meta.index}", meta.content)
            for meta in pages.read(evidence, asset).metas if _is_for_robots(meta.name, asker) for d in parse(meta.content)]
    return _once(s for one in _softened(said) for s in _statements("robots-meta.html", one, asker, Subject.EMBEDDED))


def embedding_fields(evidence: Evidence, asset: Asset, asker: Asker) -> list[Finding]:
    """What the header of a page says of the image in it."""
    told = [*header(evidence, PAGE, asker), *http_fields.faults(evidence, PAGE, asker)]
    return _of_image("robots-meta.embedding-fields", told, evidence.carrier, asset)


def embedding_page(evidence: Evidence, asset: Asset, asker: Asker) -> list[Finding]:
    """What a page says of the image in it."""
    told = [*html(evidence, PAGE, asker), *pages.faults(evidence, PAGE, asker)]
    return _of_image("robots-meta.embedding-page", told, evidence.carrier, asset)


def _of_image(signal: str, told: list[Finding], carrier: Carrier, asset: Asset) -> list[Finding]:
    """Of what a page says, what is about this asset, as one of its images; and what of the page could not be read."""
    if asset.media_type.startswith(NO_IMAGES) and asset.media_type not in UNTYPED:
        return []
    said = [replace(s, signal=signal, subject=Subject.ASSET) for s in told
            if isinstance(s, Statement) and s.subject is Subject.EMBEDDED]
    return [*said, *(replace(f, carrier=carrier) for f in told if isinstance(f, Fault))]


def _is_for_robots(name: str, asker: Asker) -> bool:
    return (name == "robots" or audience(name, asker) in (Audience.YOU, Audience.SOME_AI_TRAINING)
            or any(_operator(name) in operators for operators in OWN.values()))


def _operator(token: str) -> str:
    """Who runs a crawler, in lower case; "" if nobody knows."""
    agent = agents().get(token.lower())
    return agent.operator.lower() if agent else ""


def _softened(said: list[_Said]) -> list[_Said]:
    """Mark `noarchive` where `nocache` stands beside it: in its scope, or for all."""
    scopes = {one.directive.scope for one in said if one.directive.name == "nocache"}
    if not scopes:
        return said
    for_all = bool(scopes & EVERYONE)
    return [replace(one, softened=one.directive.name == "noarchive" and (for_all or one.directive.scope in scopes))
            for one in said]


def _inside(meta: pages.Meta, directive: Directive) -> Directive:
    note = directive.note or meta.deviation
    if directive.scope:              # a field's grammar in a meta
        return replace(directive, note=note or "scope-in-meta")
    return replace(directive, scope=meta.name, first=True, note=note)


def audience(scope: str, asker: Asker) -> Audience:
    """Whom a scope or the name of a meta addresses; lower case."""
    if scope == asker.token.lower():
        return Audience.YOU
    if scope in EVERYONE:
        return Audience.EVERYONE
    return Audience.SOME_AI_TRAINING if training_operator(scope) else Audience.OTHER


def _term(directive: Directive) -> Term | None:
    if directive.name == "max-snippet":
        return meaning("robots-meta", "nosnippet") if directive.value == "0" else None
    return meaning("robots-meta", directive.name)


def _statements(signal: str, said: _Said, asker: Asker, of_images: Subject) -> Iterator[Statement]:
    directive = said.directive
    for term, to in _readings(said, asker):
        note = directive.note
        if not directive.first and to not in (Audience.YOU, Audience.EVERYONE):
            note = note or ("folded-scope" if directive.scope not in EVERYONE else "")
        for use in term.about(Preference.DISALLOW):
            yield Statement(
                signal, use, Preference.DISALLOW, to,
                form=term.form if term.form is Form.LEGACY else Form.LENIENT if note else Form.EXACT,
                subject=of_images if term.word in OF_IMAGES else Subject.ASSET,
                terms=NO_SNIPPET if term.word == "nosnippet" else NO_CACHE if directive.name == "nocache" else None,
                where=said.where, quote=said.quote[:QUOTE_CHARS], note=note)


def _readings(said: _Said, asker: Asker) -> Iterator[tuple[Term, Audience]]:
    """What a directive means, and to whom: to the asker only where it is theirs."""
    scope = said.directive.scope
    if term := _term(said.directive):
        yield term, audience(scope, asker)
    for operator, term in OWN.get(said.directive.name, {}).items():
        if said.softened and operator in OWN["nocache"]:
            continue
        if scope in EVERYONE:
            yield term, Audience.YOU if _operator(asker.token) == operator else Audience.OTHER
        elif _operator(scope) == operator:
            yield term, Audience.YOU if scope == asker.token.lower() else Audience.OTHER


def _once(statements: Iterable[Statement]) -> list[Finding]:
    """The first of those that say the same to the same, so that repetition costs nothing later."""
    kept: dict[tuple[object, ...], Finding] = {}
    for s in statements:
        kept.setdefault((s.use, s.audience, s.form, s.subject, s.terms), s)
    return list(kept.values())
