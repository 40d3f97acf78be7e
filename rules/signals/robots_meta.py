"""Robots directives: the response field `X-Robots-Tag` and `<meta name="robots">`.

Facts (draft-illyes-repext-00, https://datatracker.ietf.org/doc/draft-illyes-repext/00/; Google, robots meta tag; DeviantArt,
2022-11-11)
- repext 3: names and values are case-insensitive, unknown directives are ignored, and of the directives that bear on one
  crawler the negative ones add up.
- Google: directives stand between commas. In the field, `token:` opens a scope that lasts to the end of its line or the next
  scope; `max-snippet`, `max-image-preview`, `max-video-preview` and `unavailable_after` carry a value and open no scope.
- A date of `unavailable_after` may hold a comma after the day of the week.
- DeviantArt: `noai` speaks of the page, `noimageai` of its images. When the asset is an image itself, it is the image meant.
- `nosnippet` and `max-snippet:0` keep a text out of excerpts and direct answers; leave is a matter of length, so they carry
  terms.
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
from ..agents import training_operator
from ..limits import QUOTE_CHARS
from ..model import Asker, Asset, Audience, Evidence, Finding, Form, Preference, Statement, Subject, Terms
from ..vocab import Term, meaning
from . import http_fields

VALUED = frozenset({"max-snippet", "max-image-preview", "max-video-preview", "unavailable_after"})
EVERYONE = frozenset({"", "*", "robots"})
OF_IMAGES = frozenset({"noimageai", "noimageindex"})
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
    lines = http_fields.values(evidence.body, b"x-robots-tag")
    if not lines:
        return []
    media_type = asset.media_type or "".join(http_fields.values(evidence.body, b"content-type")[:1]).lower()
    of_images = Subject.ASSET if media_type.startswith("image/") else Subject.EMBEDDED
    return _once(statement for number, line in enumerate(lines, 1) for directive in parse(line) for statement in _statements(
        "robots-meta.header", directive, asker, of_images, f"x-robots-tag {number}", line))


def html(evidence: Evidence, asset: Asset, asker: Asker) -> list[Finding]:
    return _once(statement for meta in pages.read(evidence, asset).metas if _is_for_robots(meta.name, asker)
                 for directive in parse(meta.content) for statement in _statements(
                     "robots-meta.html", _inside(meta, directive), asker, Subject.EMBEDDED, f"meta {meta.index}", meta.content))


def _is_for_robots(name: str, asker: Asker) -> bool:
    return name == "robots" or audience(name, asker) in (Audience.YOU, Audience.SOME_AI_TRAINING)


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


def _statements(signal: str, directive: Directive, asker: Asker, of_images: Subject, where: str,
                quote: str) -> Iterator[Statement]:
    if not (term := _term(directive)):
        return
    to = audience(directive.scope, asker)
    note = directive.note
    if not directive.first and to not in (Audience.YOU, Audience.EVERYONE):
        note = note or "folded-scope"
    for use in term.about(Preference.DISALLOW):
        yield Statement(
            signal, use, Preference.DISALLOW, to,
            form=term.form if term.form is Form.LEGACY else Form.LENIENT if note else Form.EXACT,
            subject=of_images if term.word in OF_IMAGES else Subject.ASSET,
            terms=NO_SNIPPET if term.word == "nosnippet" else None,
            where=where, quote=quote[:QUOTE_CHARS], note=note)


def _once(statements: Iterable[Statement]) -> list[Finding]:
    """The first of those that say the same to the same, so that repetition costs nothing later."""
    kept: dict[tuple[object, ...], Finding] = {}
    for s in statements:
        kept.setdefault((s.use, s.audience, s.form, s.subject, s.terms), s)
    return list(kept.values())
