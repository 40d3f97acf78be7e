"""Notices in natural language: terms of use, the text of pages, notes of copyright, comments in robots.txt.

Facts (Directive (EU) 2019/790, recital 18, https://eur-lex.europa.eu/eli/dir/2019/790/oj; OLG Hamburg, 2025-12-10, 5 U 104/24)
- Recital 18 names the terms and conditions of a website among the means of reservation. The court held that machines could not
  follow natural language in 2021 and left open what holds today; so what is found has the form `prose`, and policies answer.
- Prose never permits: a sentence that allows is no finding.
- schema.org, copyrightNotice: text of a notice about the work. Dublin Core, rights: the same in a meta.
- Content Signals Policy (Cloudflare, 2025-09-24, https://contentsignals.org/): its comment says that restrictions expressed by
  signals are reservations under Article 4. It expresses nothing by itself; it is the text of a `no` that the file says to all.
- OURS: which sentences reserve is told by phrases.py. What follows a `#` on lines without a gap is one text.
- OURS: text is taken from a page by its tags alone, without a parser: it can only restrict, and what styles hide is read. Where
  tags are not certain (html_work), a tag is what looks like one.
- OURS: of a page only the lines are looked into that hold a word which every notice needs. `exact` reads all. What is found is
  the same (INVARIANT, tested).
"""
from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import chain
from typing import NamedTuple

from ..hidden import TEXT, unescape
from ..html import XHTML, is_html, markup, utf8
from ..html_work import INLINE, SPACED, Survey, survey
from ..limits import HTML_BYTES, PROSE_CHARS, QUOTE_CHARS, ROBOTS_BYTES
from ..memo import memo
from ..model import Asker, Asset, Carrier, Evidence, Fault, FaultKind, Finding, Form, Preference, Statement, Use
from ..phrases import WORDS, notice, sentences
from ..scan import Scan, Trigger
from ..vocab import TERMS
from .content_signal import parse as content_signals

Texts = Iterable[tuple[str, str]]    # where a text stands, and the text

NOTICES = ("copyrightNotice", "usageInfo", "conditionsOfAccess")         # of schema.org; escapes can hide words in them
SCAN = Scan((*WORDS, TEXT))
_NAMES = tuple(f'"{name}"'.lower().encode() for name in NOTICES)
_NAMED = Scan(_NAMES)
LINES_KEPT, LINE_BYTES = 4_096, 1_000            # OURS: whose answer is remembered, as many pages of a site show the same
ART4_WORDS = ("content signals", "reservation", "2019/790")
META_NAMES = frozenset({"copyright", "rights", "dc.rights", "dcterms.rights", "dc.rights.license", "dcterms.accessrights"})
ABOUT_AI = frozenset(use for term in TERMS.values() if term.protocol == "prose" for use in term.uses)

_TOO_MUCH = f"only the first {PROSE_CHARS} characters of sentences that could be notices were read"


def robots(evidence: Evidence, asset: Asset, asker: Asker) -> list[Finding]:
    """Comments in robots.txt."""
    return [*_robots(evidence.body)]


def page(evidence: Evidence, asset: Asset, asker: Asker) -> list[Finding]:
    """The text of a page, its metas and its JSON-LD."""
    body, media_type = evidence.body, asset.media_type
    return _of_page("prose.html", Carrier.BODY, body, media_type) if is_html(body, media_type) else []


def page_exact(evidence: Evidence, asset: Asset, asker: Asker) -> list[Finding]:
    """The same, by reading all."""
    if not is_html(evidence.body, asset.media_type):
        return []
    told, shown = _page(evidence.body, asset.media_type)
    return stated("prose.html", Carrier.BODY, [*told, ("text", _text(shown))])


def terms(evidence: Evidence, asset: Asset, asker: Asker) -> list[Finding]:
    """Terms of use, be they a page or plain text."""
    return [*_terms(evidence.body)]


@memo
def _terms(body: bytes) -> tuple[Finding, ...]:
    if is_html(body):
        return tuple(_of_page("prose.terms", Carrier.TERMS_PAGE, body, ""))
    text = utf8(body[:HTML_BYTES]).decode("utf-8", "replace")
    return tuple(stated("prose.terms", Carrier.TERMS_PAGE, [("text", text)]))


def _of_page(signal: str, carrier: Carrier, body: bytes, media_type: str) -> list[Finding]:
    told, shown = _page(body, media_type)
    lines = _lines(shown)
    said, chars = list[_Read](), 0
    for one in chain((_read(text) for _, text in told), (_line(shown[start:stop]) for start, stop in lines)):
        said.append(one)
        chars += one.chars
        if chars > PROSE_CHARS:
            return stated(signal, carrier, [*told, ("text", _text(shown))])
    if not any(one.uses for one in said):
        return []
    end, uses = 0, set[Use]()        # the first of each use are read again with all before them, which tells their numbers
    for one, stop in zip(said, [*[0] * len(told), *[stop for _, stop in lines]], strict=True):
        if not one.uses <= uses:
            end, uses = stop, uses | one.uses
    return stated(signal, carrier, [*told, ("text", _text(shown[:end]))])


class _Read(NamedTuple):
    """What a text reserves, and how long its sentences are that could be notices."""
    uses: frozenset[Use]
    chars: int


def _read(text: str) -> _Read:
    uses, chars = set[Use](), 0
    for _, sentence in sentences(text):
        uses.update(_uses(sentence))
        chars += len(sentence)
        if chars > PROSE_CHARS:      # then all is read again
            break
    return _Read(frozenset(uses), chars)


def _any_line(source: bytes) -> _Read:
    return _read(_text(source))


_short_line = lru_cache(LINES_KEPT)(_any_line)


def _line(source: bytes) -> _Read:
    return (_short_line if len(source) <= LINE_BYTES else _any_line)(source)


def stated(signal: str, carrier: Carrier, texts: Texts) -> list[Finding]:
    """The first notice about each use, and a fault where too much was to be read."""
    found, read_chars = dict[Use, Finding](), 0
    for where, text in texts:
        for number, sentence in sentences(text):
            if read_chars > PROSE_CHARS:
                return [*found.values(), Fault(carrier, FaultKind.TRUNCATED, _TOO_MUCH, "prose")]
            read_chars += len(sentence)
            for use in _uses(sentence):
                found.setdefault(use, _statement(signal, use, f"sentence {number}" if where == "text" else where, sentence))
    return list(found.values())


def _uses(sentence: str) -> list[Use]:
    return [use for word in notice(sentence) for use in TERMS["prose", word].uses]


def _statement(signal: str, use: Use, where: str, quote: str) -> Statement:
    return Statement(signal, use, Preference.DISALLOW, form=Form.PROSE, where=where, quote=quote[:QUOTE_CHARS])


# ---- pages

_RAW = re.compile(rb"<(?:(!--)|((?i:script|style|template|iframe|noembed|noframes|xmp))(?=[\s/>]))")
_RAW_ENDS = {name: re.compile(rb"</" + name + rb"(?=[\s/>])", re.IGNORECASE)
             for name in b"script style template iframe noembed noframes xmp".split()}
_INLINES = re.compile(rb"</?(?:" + b"|".join(sorted(INLINE, reverse=True)) + rb")(?:[\s/][^<>]*)?>", re.IGNORECASE)
_BREAKS = re.compile(rb"</?(?:" + b"|".join(sorted(SPACED)) + rb")(?:[\s/][^<>]*)?>", re.IGNORECASE)
_TAGS = re.compile(rb"<[a-zA-Z/!?][^<>]*>")
_META = re.compile(rb"<(?i:meta)[\s/][^<>]*>")
_PAIR = re.compile(r"\b(name|property|content)\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"']+))", re.IGNORECASE)
_NOTICE = re.compile(rf'"({"|".join(NOTICES)})"\s*:\s*("(?:[^"\\]|\\.){{0,5000}}+")'.encode())


def _page(body: bytes, media_type: str) -> tuple[list[tuple[str, str]], bytes]:
    """What metas and JSON-LD say of rights, and where; and what the page shows, with its references as they are."""
    raw = markup(body, xhtml=media_type == XHTML)
    seen = survey(raw)
    metas = [raw[start:stop] for start, stop in seen.rights] if seen.certain else _META.findall(raw)
    return [*_of_metas(metas), *_noted(raw)], seen.shown if seen.certain else _tagless(raw)


def shown(body: bytes, media_type: str) -> bytes:
    """What a page says to people, a line for each block, with its references as they are. Time in proportion to the page."""
    return _page(body, media_type)[1]


def _lines(shown: bytes) -> list[tuple[int, int]]:
    """Every line that could hold a notice: a sentence never reaches beyond it."""
    found, stop = [], 0
    for place in SCAN.places(shown):
        if place > stop:
            start = shown.rfind(b"\n", stop, place - 1) + 1 or stop
            stop = end if (end := shown.find(b"\n", place - 1)) >= 0 else len(shown)
            found.append((start, stop))
    return found


def _of_metas(metas: Iterable[bytes]) -> Iterator[tuple[str, str]]:
    for tag in metas:
        attributes = _PAIR.finditer(tag.decode("utf-8", "replace"))
        pairs = {p[1].lower(): unescape(p[2] or p[3] or p[4] or "") for p in attributes}
        name = (pairs.get("name") or pairs.get("property") or "").strip().lower()
        if name in META_NAMES:
            yield f"meta {name}", pairs.get("content", "")


def _noted(raw: bytes) -> Iterator[tuple[str, str]]:
    for noted in _NOTICE.finditer(raw) if _NAMED.held(raw) else ():
        name, value = noted[1].decode(), noted[2].decode("utf-8", "replace")
        try:
            yield f"json-ld {name}", json.loads(value, strict=False)
        except ValueError:           # an escape that is none
            yield f"json-ld {name}", value


def _tagless(page: bytes) -> bytes:
    """A page without what looks like a script, a comment or a tag."""
    kept: list[bytes] = []
    pos = 0
    while raw := _RAW.search(page, pos):
        kept.append(page[pos:raw.start()])
        if raw[1]:
            pos = end + 3 if (end := page.find(b"-->", raw.start() + 2)) >= 0 else len(page)
        else:
            closed = _RAW_ENDS[raw[2].lower()].search(page, raw.end())
            pos = closed.start() if closed else len(page)
    text = b" ".join((*kept, page[pos:])).replace(b"\n", b" ")
    return _TAGS.sub(b"\n", _BREAKS.sub(b" ", _INLINES.sub(b"", text)))


def _text(shown: bytes) -> str:
    return unescape(shown.decode("utf-8", "replace"))


def _could_state(seen: Survey) -> bool:
    return bool(seen.rights or SCAN.places(seen.shown))


TRIGGERS = Trigger((*WORDS, TEXT, *_NAMES), _could_state, _NAMES)


# ---- robots.txt

_UNFINISHED = re.compile(r"(?<![.!?:;])\n")      # a line of a comment that goes on with the next


@memo
def _robots(body: bytes) -> tuple[Finding, ...]:
    if b"#" not in body:
        return ()
    comments, refused = _comments(body[:ROBOTS_BYTES].decode("utf-8", "replace"))
    found = stated("prose.robots", Carrier.ROBOTS_TXT, comments)
    for where, text in comments:
        if refused and all(word in text.lower() for word in ART4_WORDS):
            quote = text[_about_signals(text):].strip()
            found += [_statement("prose.robots", use, where, quote) for use in Use if use in refused]
            break
    return tuple(found)


def _about_signals(text: str) -> int:
    """Where the sentence about reservations starts."""
    at = text.lower().index(ART4_WORDS[1])
    return max(text.rfind(". ", 0, at), text.rfind("\n", 0, at)) + 1


def _comments(text: str) -> tuple[list[tuple[str, str]], set[Use]]:
    """Comments, those on lines next to each other as one, and the uses that signals to everyone refuse."""
    comments: list[tuple[str, str]] = []
    refused: set[Use] = set()
    agents: set[str] = set()
    naming, start, lines = False, 0, list[str]()
    for number, line in enumerate((*text.splitlines(), ""), 1):
        said, mark, comment = line.partition("#")
        if mark and (comment := comment.strip("# \t")):
            start, lines = (start, lines) if lines else (number, lines)
            lines.append(comment)
        elif lines:
            comments.append((f"line {start}", _UNFINISHED.sub(" ", "\n".join(lines))))
            lines = []
        key, colon, value = said.partition(":")
        if not colon:
            continue
        if (key := key.strip().lower()) == "user-agent":
            agents = agents if naming else set()
            agents.add(value.strip())
            naming = True
        elif key != "sitemap":
            naming = False
            if key == "content-signal" and "*" in agents:
                refused |= {use for term, preference, _ in content_signals(value) if preference is Preference.DISALLOW
                            for use in term.uses if use in ABOUT_AI}
    return comments, refused
