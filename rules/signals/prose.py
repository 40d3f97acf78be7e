"""Notices in natural language: terms of use, the text of pages, notes of copyright, comments in robots.txt.

Facts (Directive (EU) 2019/790, recital 18, https://eur-lex.europa.eu/eli/dir/2019/790/oj; OLG Hamburg, 2025-12-10, 5 U 104/24)
- Recital 18 names the terms and conditions of a website among the means of reservation. The court held that machines could not
  follow natural language in 2021 and left open what holds today; so what is found has the form `prose`, and policies answer.
- Prose never permits: a sentence that allows is no finding.
- schema.org, copyrightNotice: text of a notice about the work. Dublin Core, rights: the same in a meta.
- Content Signals Policy (Cloudflare, 2025-09-24, https://contentsignals.org/): its comment says that restrictions expressed by
  signals are reservations under Article 4. It expresses nothing by itself; it is the text of a `no` that the file says to all.
- OURS: which sentences reserve is told by phrases.py. What follows a `#` on lines without a gap is one text.
- OURS: text is taken from a page by its tags alone, without a parser: it can only restrict, and what styles hide is read.
  A page without a word that every notice needs is not looked into. Of one with such words only the blocks that hold them are,
  until one of them is a notice.
"""
from __future__ import annotations

import html as references
import json
import re
from collections.abc import Callable, Iterable, Iterator

from ..hidden import TEXT
from ..html import is_html, utf8
from ..limits import HTML_BYTES, PROSE_CHARS, QUOTE_CHARS, ROBOTS_BYTES
from ..memo import memo
from ..model import Asker, Asset, Carrier, Evidence, Fault, FaultKind, Finding, Form, Preference, Statement, Use
from ..phrases import SCAN, WORDS, notice, sentences
from ..scan import Scan, Word
from ..vocab import TERMS
from .content_signal import parse as content_signals

Texts = Iterable[tuple[str, str]]    # where a text stands, and the text

NOTICES = ("copyrightNotice", "usageInfo", "conditionsOfAccess")         # of schema.org; escapes can hide words in them
TRIGGERS: tuple[Word, ...] = (*WORDS, TEXT, *(name.lower().encode() for name in NOTICES))
_HIDING = Scan((TEXT,))
ART4_WORDS = ("content signals", "reservation", "2019/790")
META_NAMES = frozenset({"copyright", "rights", "dc.rights", "dcterms.rights", "dc.rights.license", "dcterms.accessrights"})
ABOUT_AI = frozenset(use for term in TERMS.values() if term.protocol == "prose" for use in term.uses)

_TOO_MUCH = f"only the first {PROSE_CHARS} characters of sentences that could be notices were read"


def robots(evidence: Evidence, asset: Asset, asker: Asker) -> list[Finding]:
    """Comments in robots.txt."""
    return [*_robots(evidence.body)]


def page(evidence: Evidence, asset: Asset, asker: Asker) -> list[Finding]:
    """The text of a page, its metas and its JSON-LD."""
    if not is_html(evidence.body, asset.media_type):
        return []
    return _findings("prose.html", Carrier.BODY, evidence.body, _page_texts)


def terms(evidence: Evidence, asset: Asset, asker: Asker) -> list[Finding]:
    """Terms of use, be they a page or plain text."""
    return [*_terms(evidence.body)]


@memo
def _terms(body: bytes) -> tuple[Finding, ...]:
    return tuple(_findings("prose.terms", Carrier.TERMS_PAGE, body, _page_texts if is_html(body) else _plain_texts))


def _findings(signal: str, carrier: Carrier, body: bytes, texts: Callable[[str], Texts]) -> list[Finding]:
    raw = utf8(body[:HTML_BYTES])
    text = raw.decode("utf-8", "replace")
    if not _HIDING.held(raw) and not stated(signal, carrier, _near(text)):
        return []
    return stated(signal, carrier, texts(text))


def stated(signal: str, carrier: Carrier, texts: Texts) -> list[Finding]:
    """The first notice about each use, and a fault where too much was to be read."""
    found: dict[Use, Finding] = {}
    read_chars = 0
    for where, text in texts:
        for number, sentence in sentences(text):
            if read_chars > PROSE_CHARS:
                return [*found.values(), Fault(carrier, FaultKind.TRUNCATED, _TOO_MUCH, "prose")]
            read_chars += len(sentence)
            for use in (use for word in notice(sentence) for use in TERMS["prose", word].uses):
                place = f"sentence {number}" if where == "text" else where
                found.setdefault(use, _statement(signal, use, place, sentence))
    return list(found.values())


def _statement(signal: str, use: Use, where: str, quote: str) -> Statement:
    return Statement(signal, use, Preference.DISALLOW, form=Form.PROSE, where=where, quote=quote[:QUOTE_CHARS])


# ---- pages

_RAW = re.compile(r"<(?:(!--)|(script|style|template|iframe|noembed|noframes|xmp)(?=[\s/>]))", re.IGNORECASE)
_RAW_ENDS = {name: re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE)
             for name in ("script", "style", "template", "iframe", "noembed", "noframes", "xmp")}
_INLINE = (r"</?(?:a|abbr|b|bdi|bdo|big|cite|code|data|dfn|em|font|i|ins|kbd|label|mark|q|s|samp|small|span|strike|strong|sub|"
           r"sup|time|tt|u|var|wbr)(?:[\s/][^<>]*)?>")
_BREAK = r"<br(?:[\s/][^<>]*)?>"
_TAG = r"<[a-zA-Z/!?][^<>]*>"
_INLINES, _BREAKS, _TAGS = (re.compile(tag, re.IGNORECASE) for tag in (_INLINE, _BREAK, _TAG))
_ANY_TAG = re.compile(_TAG.encode())
_EDGE = re.compile(f"(?!{_INLINE}|{_BREAK}){_TAG}".encode(), re.IGNORECASE)     # of a block
_META = re.compile(r"<meta[\s/]([^<>]*)>", re.IGNORECASE)
_PAIR = re.compile(r"\b(name|property|content)\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"']+))", re.IGNORECASE)
_NOTICE = re.compile(rf'"({"|".join(NOTICES)})"\s*:\s*("(?:[^"\\]|\\.){{0,5000}}+")')


def _page_texts(text: str) -> Iterator[tuple[str, str]]:
    yield from _told_texts(text)
    yield "text", visible(text)


def _plain_texts(text: str) -> Iterator[tuple[str, str]]:
    yield "text", text


def _near(text: str) -> Iterator[tuple[str, str]]:
    """Every text of a page that could hold a notice: a sentence never reaches beyond a block. Sentences are not numbered so."""
    yield from _told_texts(text)
    shown = _shown(text).encode("utf-8", "replace")
    done = read = 0
    for place in SCAN.places(shown):
        if place <= done:
            continue
        tag = _ANY_TAG.match(shown, max(shown.rfind(b"<", read, place - 1), read))
        if tag and tag.end() >= place:
            done = tag.end()         # it stands in a tag
            continue
        start = _block_start(shown, read, place - 1)
        done = read = _block_end(shown, place - 1)
        yield "text", _text(shown[start:read].decode("utf-8", "replace"))


def _block_start(shown: bytes, least: int, place: int) -> int:
    while (place := shown.rfind(b"<", least, place)) >= 0:
        if edge := _EDGE.match(shown, place):
            return edge.end()
    return least


def _block_end(shown: bytes, place: int) -> int:
    while (place := shown.find(b"<", place)) >= 0:
        if _EDGE.match(shown, place):
            return place
        place += 1
    return len(shown)


def _told_texts(text: str) -> Iterator[tuple[str, str]]:
    """Metas and JSON-LD."""
    for tag in _META.finditer(text):
        pairs = {p[1].lower(): references.unescape(p[2] or p[3] or p[4] or "") for p in _PAIR.finditer(tag[1])}
        name = (pairs.get("name") or pairs.get("property") or "").strip().lower()
        if name in META_NAMES:
            yield f"meta {name}", pairs.get("content", "")
    for noted in _NOTICE.finditer(text):
        try:
            yield f"json-ld {noted[1]}", json.loads(noted[2], strict=False)
        except ValueError:           # an escape that is none
            yield f"json-ld {noted[1]}", noted[2]


def visible(text: str) -> str:
    """What a page says to people: a new line for each block. Time in proportion to the page."""
    return _text(_shown(text))


def _shown(text: str) -> str:
    """A page without its scripts and comments, in one line."""
    kept: list[str] = []
    pos = 0
    while raw := _RAW.search(text, pos):
        kept.append(text[pos:raw.start()])
        if raw[1]:
            pos = end + 3 if (end := text.find("-->", raw.start() + 2)) >= 0 else len(text)
        else:
            closed = _RAW_ENDS[raw[2].lower()].search(text, raw.end())
            pos = closed.start() if closed else len(text)
    return " ".join((*kept, text[pos:])).replace("\n", " ")


def _text(shown: str) -> str:
    return references.unescape(_TAGS.sub("\n", _BREAKS.sub(" ", _INLINES.sub("", shown))))


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
