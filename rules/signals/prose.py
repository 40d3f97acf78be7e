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
- OURS: of a page only the blocks are looked into that hold a word which every notice needs, first as they stand; what scripts
  and comments leave of it is worked out where one of them could be a notice. `exact` reads all. What is found is the same
  (INVARIANT, tested).
"""
from __future__ import annotations

import html as references
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ..hidden import TEXT
from ..html import is_html, utf8
from ..html_work import compiled
from ..limits import HTML_BYTES, PROSE_CHARS, PROSE_SENTENCE_CHARS, QUOTE_CHARS, ROBOTS_BYTES
from ..memo import memo
from ..model import Asker, Asset, Carrier, Evidence, Fault, FaultKind, Finding, Form, Preference, Statement, Use
from ..phrases import WORDS, could_reserve, notice, plain, sentences
from ..scan import Scan, Word
from ..vocab import TERMS
from .content_signal import parse as content_signals

Texts = Iterable[tuple[str, str]]    # where a text stands, and the text

NOTICES = ("copyrightNotice", "usageInfo", "conditionsOfAccess")         # of schema.org; escapes can hide words in them
TRIGGERS: tuple[Word, ...] = (*WORDS, TEXT, *(name.lower().encode() for name in NOTICES))
SCAN = Scan(TRIGGERS)
_NAMES, _NAME_CHARS = tuple(name.lower().encode() for name in NOTICES), max(map(len, NOTICES))
ART4_WORDS = ("content signals", "reservation", "2019/790")
META_NAMES = frozenset({"copyright", "rights", "dc.rights", "dcterms.rights", "dc.rights.license", "dcterms.accessrights"})
ABOUT_AI = frozenset(use for term in TERMS.values() if term.protocol == "prose" for use in term.uses)

_TOO_MUCH = f"only the first {PROSE_CHARS} characters of sentences that could be notices were read"


def robots(evidence: Evidence, asset: Asset, asker: Asker) -> list[Finding]:
    """Comments in robots.txt."""
    return [*_robots(evidence.body)]


def page(evidence: Evidence, asset: Asset, asker: Asker) -> list[Finding]:
    """The text of a page, its metas and its JSON-LD."""
    return _of_page("prose.html", Carrier.BODY, evidence.body) if is_html(evidence.body, asset.media_type) else []


def page_exact(evidence: Evidence, asset: Asset, asker: Asker) -> list[Finding]:
    """The same, by reading all."""
    if not is_html(evidence.body, asset.media_type):
        return []
    return stated("prose.html", Carrier.BODY, _page_texts(utf8(evidence.body[:HTML_BYTES])))


def terms(evidence: Evidence, asset: Asset, asker: Asker) -> list[Finding]:
    """Terms of use, be they a page or plain text."""
    return [*_terms(evidence.body)]


@memo
def _terms(body: bytes) -> tuple[Finding, ...]:
    if is_html(body):
        return tuple(_of_page("prose.terms", Carrier.TERMS_PAGE, body))
    text = utf8(body[:HTML_BYTES]).decode("utf-8", "replace")
    return tuple(stated("prose.terms", Carrier.TERMS_PAGE, [("text", text)]))


def _of_page(signal: str, carrier: Carrier, body: bytes) -> list[Finding]:
    raw = utf8(body[:HTML_BYTES])
    if not _could_state(raw, SCAN.places(raw)):
        return []
    told, shown = list(_told_texts(raw)), _shown(raw)
    blocks = list(_blocks(shown))
    end, uses = 0, set[Use]()        # the first of each use are read again with all before them, which tells their numbers
    for said in _notices([*told, *(("text", _text(shown[start:stop].decode("utf-8", "replace"))) for start, stop in blocks)]):
        if said is None or said.use not in uses:
            end = len(shown) if said is None else blocks[said.text - len(told)][1] if said.text >= len(told) else end
            uses.update(Use if said is None else (said.use,))
    return stated(signal, carrier, [*told, ("text", _text(shown[:end].decode("utf-8", "replace")))]) if uses else []


@dataclass(frozen=True, slots=True)
class _Said:
    """A sentence that reserves a use, and in which of some texts it stands."""
    text: int
    where: str
    sentence: str
    use: Use


def stated(signal: str, carrier: Carrier, texts: Texts) -> list[Finding]:
    """The first notice about each use, and a fault where too much was to be read."""
    found: dict[Use, Finding] = {}
    for said in _notices(texts):
        if said is None:
            return [*found.values(), Fault(carrier, FaultKind.TRUNCATED, _TOO_MUCH, "prose")]
        found.setdefault(said.use, _statement(signal, said.use, said.where, said.sentence))
    return list(found.values())


def _notices(texts: Texts) -> Iterator[_Said | None]:
    """None ends them where too much was to be read."""
    read_chars = 0
    for n, (where, text) in enumerate(texts):
        for number, sentence in sentences(text):
            if read_chars > PROSE_CHARS:
                yield None
                return
            read_chars += len(sentence)
            for use in (use for word in notice(sentence) for use in TERMS["prose", word].uses):
                yield _Said(n, f"sentence {number}" if where == "text" else where, sentence, use)


def _statement(signal: str, use: Use, where: str, quote: str) -> Statement:
    return Statement(signal, use, Preference.DISALLOW, form=Form.PROSE, where=where, quote=quote[:QUOTE_CHARS])


# ---- pages

_RAW = re.compile(rb"<(?:(!--)|((?i:script|style|template|iframe|noembed|noframes|xmp))(?=[\s/>]))")
_RAW_ENDS = {name: re.compile(rb"</" + name + rb"(?=[\s/>])", re.IGNORECASE)
             for name in b"script style template iframe noembed noframes xmp".split()}
_INLINE = (r"</?(?:a|abbr|b|bdi|bdo|big|cite|code|data|dfn|em|font|i|ins|kbd|label|mark|q|s|samp|small|span|strike|strong|sub|"
           r"sup|time|tt|u|var|wbr)(?:[\s/][^<>]*)?>")
_BREAK = r"<br(?:[\s/][^<>]*)?>"
_TAG = r"<[a-zA-Z/!?][^<>]*>"
_INLINES, _BREAKS, _TAGS = (re.compile(tag, re.IGNORECASE | re.ASCII) for tag in (_INLINE, _BREAK, _TAG))
_ANY_TAG = re.compile(_TAG.encode())
_EDGE = re.compile(f"(?!{_INLINE}|{_BREAK}){_TAG}".encode(), re.IGNORECASE)     # of a block
_META = re.compile(rb"<(?i:meta)[\s/]([^<>]*)>")
_PAIR = re.compile(r"\b(name|property|content)\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"']+))", re.IGNORECASE)
_NOTICE = re.compile(rf'"({"|".join(NOTICES)})"\s*:\s*("(?:[^"\\]|\\.){{0,5000}}+")'.encode())


def _page_texts(raw: bytes) -> Iterator[tuple[str, str]]:
    yield from _told_texts(raw)
    yield "text", _text(_shown(raw).decode("utf-8", "replace"))


def _could_state(raw: bytes, places: list[int]) -> bool:
    """Whether a page could hold a notice, told by the blocks around words as they stand in it, whatever scripts and comments
    make of them. Never False for a page that holds one or too much to read."""
    in_tag = done = 0
    texts: list[str] = []
    for place in places:
        if raw[max(place - _NAME_CHARS, 0):place].lower().endswith(_NAMES):
            return True
        if place <= in_tag:
            continue
        start = raw.rfind(b"<", done, place - 1)
        tag = _ANY_TAG.match(raw, start) if start >= 0 else None
        if tag and tag.end() >= place:
            in_tag = tag.end()
            if (raw.startswith(b"<!--", start) and place == start + 4) or _is_told(tag[0]):
                return True
            continue
        begin, end = _block_start(raw, done, place - 1), _block_end(raw, place - 1)
        if raw.find(b"<!--", max(begin - 1, 0), end + 4) >= 0 or raw.find(b"-->", begin, end) >= 0:
            return True              # a block may go on beyond a comment
        in_tag = done = end
        text = _text(raw[begin:end].replace(b"\n", b" ").decode("utf-8", "replace"))
        texts.append(text)
        if _could_reserve(plain(text)) and any(notice(sentence) for _, sentence in sentences(text)):
            return True
    return sum(map(len, texts)) > PROSE_CHARS // 2 and sum(len(s) for text in texts for _, s in sentences(text)) > PROSE_CHARS


def _could_reserve(text: str) -> bool:
    """`could_reserve`; of a long text some sentence must do so: it holds one of the words."""
    if len(text) <= 4 * PROSE_SENTENCE_CHARS:
        return could_reserve(text)
    page, reach = text.encode("utf-8", "replace"), 2 * PROSE_SENTENCE_CHARS * (1 if text.isascii() else 4)
    windows = {place // reach for place in SCAN.places(page)}
    return any(could_reserve(page[max(n - 1, 0) * reach:(n + 2) * reach].decode("utf-8", "replace")) for n in windows)


def _is_told(tag: bytes) -> bool:
    return tag[:5].lower() == b"<meta" and any(True for _ in _told_texts(tag))


def _blocks(shown: bytes) -> Iterator[tuple[int, int]]:
    """Every part of a page that could hold a notice: a sentence never reaches beyond a block."""
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
        yield start, read


def _block_start(page: bytes, least: int, place: int) -> int:
    while (place := page.rfind(b"<", least, place)) >= 0:
        if edge := _EDGE.match(page, place):
            return edge.end()
    return least


def _block_end(page: bytes, place: int) -> int:
    while (place := page.find(b"<", place)) >= 0:
        if _EDGE.match(page, place):
            return place
        place += 1
    return len(page)


def _told_texts(raw: bytes) -> Iterator[tuple[str, str]]:
    """Metas and JSON-LD."""
    for tag in _META.finditer(raw):
        attributes = _PAIR.finditer(tag[1].decode("utf-8", "replace"))
        pairs = {p[1].lower(): references.unescape(p[2] or p[3] or p[4] or "") for p in attributes}
        name = (pairs.get("name") or pairs.get("property") or "").strip().lower()
        if name in META_NAMES:
            yield f"meta {name}", pairs.get("content", "")
    for noted in _NOTICE.finditer(raw):
        name, value = noted[1].decode(), noted[2].decode("utf-8", "replace")
        try:
            yield f"json-ld {name}", json.loads(value, strict=False)
        except ValueError:           # an escape that is none
            yield f"json-ld {name}", value


def visible(text: str) -> str:
    """What a page says to people: a new line for each block. Time in proportion to the page."""
    return _text(_shown(text.encode("utf-8", "replace")).decode("utf-8", "replace"))


def _shown(page: bytes) -> bytes:
    """A page without its scripts and comments, in one line."""
    return compiled.shown(page) if compiled else _walked(page)


def _walked(page: bytes) -> bytes:
    """The same where there is no compiler."""
    kept: list[bytes] = []
    pos = 0
    while raw := _RAW.search(page, pos):
        kept.append(page[pos:raw.start()])
        if raw[1]:
            pos = end + 3 if (end := page.find(b"-->", raw.start() + 2)) >= 0 else len(page)
        else:
            closed = _RAW_ENDS[raw[2].lower()].search(page, raw.end())
            pos = closed.start() if closed else len(page)
    return b" ".join((*kept, page[pos:])).replace(b"\n", b" ")


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
