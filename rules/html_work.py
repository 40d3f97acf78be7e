"""One walk over a page without a parser, in linear time: what a parse would cost, what could say something, and what it shows.

Facts (measured on Lexbor 2; HTML Living Standard 13.2.6, https://html.spec.whatwg.org/multipage/parsing.html)
- Most tags make the parser look through the stack of open elements (13.2.4.2): work is tags x depth.
- Formatting elements that stay open are made anew in each block that follows (13.2.4.3): work and memory are tags x such
  elements.
- Each attribute is compared with all earlier ones of its tag: work is the square of their number. 13.2.6.4.7: those of every
  `<html>` and `<body>` end up in one tag.
- 13.1.2.4: some end tags may be left out; such elements close one another and do not nest by themselves.
- 13.2.5: inside `svg`, `math`, `select` and framesets, and in scripts that hold `<!--` and `<script`, what is a tag depends
  on more than the text. INVARIANT: from the first of them on every `<` with a letter counts as an element that is never
  closed; before it only an end tag that meets its own start tag closes anything. So the bound is never too low, and an honest
  page is far below it.
- 13.2.6.4.16: in `select` tags are ignored, and so what they would make of the text behind them. OURS: a `select` is certain as
  long as nothing in it would.
- 13.2.6.5: in `svg` a tag that ends in `/>` opens nothing. OURS: an `svg` is certain as long as it holds drawings alone, each
  end tag meets its own start tag, and titles and styles hold no `<`: icons stand on most pages.
- OURS: a page shows its text but for what scripts, styles, frames and templates hold; a tag that is not INLINE ends a line, or
  only parts words if it is SPACED or a drawing: pictures stand in the middle of sentences.
"""
from __future__ import annotations

import re
from dataclasses import dataclass

from .memo import latest

try:
    from . import _survey
except ImportError:                  # it was installed where there is no compiler
    _survey = None  # type: ignore[assignment]  # then it is never called

compiled = _survey
SAFE_TAGS, SAFE_BYTES = 400, 20_000   # whatever stands in so little costs less than 50 ms
NESTING_WORK = 60_000_000        # tags x depth; about 1 ns each
FORMATTING_WORK = 300_000        # tags x open formatting elements; about 1 us and 100 bytes each
ATTRIBUTE_WORK = 50_000_000      # attributes squared; about 1 ns each
LONG_TAG_BYTES = 1_000
WORK = (SAFE_TAGS, SAFE_BYTES, NESTING_WORK, FORMATTING_WORK, ATTRIBUTE_WORK, LONG_TAG_BYTES)

FORMATTING = frozenset(b"b big code em font i s small strike strong tt u".split())
UNNESTED = frozenset(
    b"area base br col embed hr img input link meta param source track wbr "
    b"p li dt dd option tr td th tbody thead tfoot colgroup caption a nobr".split())
MERGED = frozenset(b"html body".split())
UNCERTAIN = frozenset(b"math frameset plaintext".split())
SVG, SELECT = b"svg", b"select"
DRAWINGS = frozenset(
    b"svg g path circle ellipse line polygon polyline rect use defs symbol text tspan image clippath mask pattern filter "
    b"marker lineargradient radialgradient stop animate animatetransform animatemotion".split())
TEXTS = frozenset(b"title desc style".split())      # in svg
SHOWN = frozenset(b"title desc textarea".split())   # text without tags, that people see
INLINE = frozenset(
    b"a abbr acronym b bdi bdo big cite code data del dfn em font i ins kbd label mark nobr q rb rp rt ruby s samp script "
    b"small span strike strong style sub sup template time tt u var wbr".split())
SPACED = frozenset(b"br button img input svg".split())
RAW = {name: re.compile(rb"</" + name + rb"(?=[\t\n\f\r />])", re.IGNORECASE)
       for name in b"script style textarea title xmp iframe noembed noframes".split()}

NOT_IN_SELECT = frozenset((*RAW, b"template", SVG)) - {b"script"}

# What follows the name of a tag, to its `>`; 13.2.5.32 to 13.2.5.40. A quote that nothing closes is read past:
# then there is no tag and nothing after it, and seeing more does no harm.
ATTRIBUTE = (rb"(?:=[^\t\n\f\r />=]*+|[^\t\n\f\r />=]++)"
             rb"(?:[\t\n\f\r ]*+=[\t\n\f\r ]*+(?:\"[^\"]*+\"|'[^']*+'|[^\t\n\f\r >\"'][^\t\n\f\r >]*+)?+)?+")
ATTRIBUTES = re.compile(rb"(?:[\t\n\f\r /]++|" + ATTRIBUTE + rb")*+>")

_ATTRIBUTE = re.compile(ATTRIBUTE)
_TEXT_END = re.compile(rb"[^<]*+</(title|desc|style)[\t\n\f\r ]*+>", re.IGNORECASE)
_SELF_CLOSED = re.compile(                         # a slash behind a value without quotes is a part of it
    rb"(?:[\t\n\f\r ]++|/(?!>)|[^\t\n\f\r />=]++(?:[\t\n\f\r ]*+=[\t\n\f\r ]*+(?:\"[^\"]*+\"|'[^']*+'))?+)*+/>")
_MARK = re.compile(rb"<(?:(/?)([a-zA-Z][^\t\n\f\r />]*+)|!--|[!?/])")
_RIGHTS = re.compile(rb"right|&(?:#(?:x[0-9a-f]+|\d+)|plus|colon|fjlig|period)", re.IGNORECASE)
_COMMENT_END = re.compile(rb"--!?>")
_ABRUPT_END = re.compile(rb"-?>")


@dataclass(frozen=True, slots=True)
class Survey:
    """What the tags of a page tell, as far as they are certain; without a compiler an end is that of the page."""
    bounded: bool                    # parsing it takes time in proportion to its size
    certain: bool                    # all tags that a parser would see, and no others, have been seen
    closes: bool                     # a tag of XHTML has closed an element of RAW itself, which HTML does not know
    rights: list[tuple[int, int]]    # where metas stand that could be called `copyright` or `rights`
    meta_end: int                    # behind the last meta that could be html.Meta; 0: there is none, as below
    told_end: int                    # behind the last tag or script that could speak of licence or access
    items: bool                      # one of them is microdata
    rsl_end: int                     # behind the last one that could be RSL
    base_end: int                    # behind the last `<base>`
    root_end: int                    # behind the last `<html>`
    shown: bytes                     # what people see, references as they are; nothing where the tags are not certain


@latest
def survey(text: bytes) -> Survey:
    """What can be told of a page, in UTF-8, without a parse."""
    return Survey(*compiled.survey(text, len(text), WORK)) if compiled else walk(text, len(text))


def is_bounded(text: bytes, end: int) -> bool:
    """Whether parsing text[:end] takes time in proportion to its size."""
    seen = survey(text)
    if end == len(text) or (seen.bounded and seen.certain):
        return seen.bounded
    return bool(compiled.survey(text, end, WORK)[0]) if compiled else walk(text, end).bounded


def walk(text: bytes, end: int) -> Survey:
    """The same where there is no compiler. INVARIANT (tested): _survey.c says just that."""
    shown, rights = list[bytes](), list[tuple[int, int]]()
    bounded, certain, closes = _walked(text, end, shown, rights)
    safe = end <= SAFE_BYTES and text.count(b"<", 0, end) <= SAFE_TAGS
    return Survey(bounded or safe, certain, closes, rights, end, end, True, end, end, end, b"".join(shown) if certain else b"")


def _walked(text: bytes, end: int, shown: list[bytes], rights: list[tuple[int, int]]) -> tuple[bool, bool, bool]:
    """Whether the page is bounded, is certain, and closes an element itself."""
    stack: list[bytes] = []
    merged = formatting = nesting_work = formatting_work = attribute_work = looked_at = 0
    certain, closes, selecting, pos, svgs = True, False, False, 0, 0        # svgs: how many are open
    begin = templates = 0            # where text begins that was not shown yet; templates that are open

    def show(stop: int, then: bytes = b"") -> None:
        if not templates:
            shown.append(text[begin:stop].replace(b"\n", b" ") + then)

    while mark := _MARK.search(text, pos, end):
        pos = mark.end()
        if mark[2] is None:
            certain = certain and not (svgs and mark[0] != b"<!--")       # CDATA, perhaps
            if certain:
                show(mark.start())
                if not (pos := _after_comment(text, mark, end)):
                    return True, True, closes
                begin = pos
            continue
        name, tag = mark[2].lower(), ATTRIBUTES.match(text, pos, end)
        stop = tag.end() if tag else end
        looked_at += stop - pos
        if name in MERGED or stop - pos > LONG_TAG_BYTES:
            count = sum(1 for _ in _ATTRIBUTE.finditer(text, pos, stop))
            merged += count if name in MERGED else 0
            attribute_work += count * max(count, merged)
        nesting_work += len(stack)
        formatting_work += formatting
        if (nesting_work > NESTING_WORK or formatting_work > FORMATTING_WORK or attribute_work > ATTRIBUTE_WORK
                or looked_at > 4 * end):
            return False, False, closes
        if certain:
            parts = name in SPACED or (svgs and name in DRAWINGS)
            show(mark.start(), b"" if not tag or name in INLINE else b" " if parts else b"\n")
            if not tag:
                return True, True, closes        # the page ends inside a tag, which then is none
            begin = pos = stop
            closes = closes or (name in RAW and not mark[1] and not svgs and text.endswith(b"/>", 0, stop))
            if name == b"meta" and not mark[1] and _RIGHTS.search(text, mark.end(), stop):
                rights.append((mark.start(), stop))
            if name == b"template":
                templates += 1 if not mark[1] else -1 if templates else 0
            certain = name not in UNCERTAIN and not (selecting and name in NOT_IN_SELECT)
            selecting = not mark[1] if name == SELECT else selecting
        if certain and svgs:
            if name in TEXTS and not mark[1] and (close := _TEXT_END.match(text, pos, end)) and close[1].lower() == name:
                if name in SHOWN:
                    show(close.start(1) - 2, b"\n")
                begin = pos = close.end()
                continue
            certain = name in DRAWINGS and (not mark[1] or stack[-1] == name)
            if certain and not mark[1] and text.endswith(b"/>", pos - 2, pos) and _SELF_CLOSED.fullmatch(text, mark.end(), pos):
                continue
        if name == SVG:
            svgs += 1 if not mark[1] else -1 if svgs else 0
        if mark[1]:
            if certain and stack and stack[-1] == name:
                stack.pop()
                formatting -= name in FORMATTING
        elif not certain or name not in UNNESTED:
            stack.append(name)
            formatting += name in FORMATTING
            if certain and name in RAW:
                close = RAW[name].search(text, pos, end)
                stop = close.start() if close else end
                if name == b"script" and close and _may_escape(text, pos, stop):
                    certain = False
                    continue
                if name in SHOWN:
                    show(stop)
                begin = pos = stop
    if certain and begin < end:
        show(end)
    return True, certain, closes


def _after_comment(text: bytes, mark: re.Match[bytes], end: int) -> int:
    """Where a comment or what is read as one ends; 0: not before the page does."""
    pos = mark.end()
    if mark[0] != b"<!--":
        return text.find(b">", pos, end) + 1
    close = _ABRUPT_END.match(text, pos, end) or _COMMENT_END.search(text, pos, end)
    return close.end() if close else 0


def _may_escape(text: bytes, start: int, stop: int) -> bool:
    inside = text[start:stop].lower()
    return b"<!--" in inside and b"<script" in inside
