"""One bounded parse of a page, shared by every reader of HTML.

Facts (HTML Living Standard, https://html.spec.whatwg.org/multipage/parsing.html; MIME Sniffing,
https://mimesniff.spec.whatwg.org/)
- 13.2: only a full parser knows what is an element and what is a comment, a script, a template or an attribute; Lexbor is
  one. OURS: it parses as a crawler without scripting does, so the metas in `<noscript>` count.
- 13.2.3: a byte order mark decides the encoding before `<meta charset>` in the first 1024 bytes does. OURS: UTF-8 otherwise,
  UTF-16 without a mark is known by its zeros, and encodings that the standard does not name are not decoded.
- 13.2.6.4: a meta after the end of the head is not in the head.
- MIME Sniffing 7.1: what a page starts with. OURS: that, or a declared type of HTML, makes a body a page.
- XHTML closes `<script/>`, HTML does not; in a body that says it is XHTML such elements are closed before the parse.
- OURS: a page that would cost more than its size is worth (html_work) is a Fault, and its metas are read without their
  places.
- OURS: a page without a meta that could say anything is not parsed, and of other pages no more than needed, as far as
  html_work.survey can tell; `exact` parses all. What is found is the same (INVARIANT, tested).
"""
from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import islice, pairwise

from selectolax.lexbor import LexborDocumentOptions, LexborHTMLParser

from . import hidden
from .html_work import ATTRIBUTES, Survey, is_bounded, survey
from .limits import FIELD_BYTES, HTML_BYTES, HTML_ELEMENTS
from .memo import latest
from .model import Asker, Asset, Carrier, Evidence, Fault, FaultKind, Finding
from .scan import Trigger

XHTML = "application/xhtml+xml"
MEDIA_TYPES = frozenset({"text/html", XHTML})
IN_BODY, UNPLACED = "meta-in-body", "structure-unread"
SENTINEL = "\ue000"              # an attribute name; of private use, so that few pages hold it
_SENTINEL = SENTINEL.encode()
MANY_METAS = 4 * HTML_ELEMENTS     # more are not worth a parse
START_BYTES, CHARSET_BYTES = 2_048, 1_024        # in which a body tells that it is a page, and its encoding

# Label of an encoding -> codec. Encoding Standard, 4.2; UTF-8 and what the standard treats so are left out.
CODECS = {
    **{f"{label}{n}": f"cp{n}" for n in (866, 874, *range(1250, 1259)) for label in ("windows-", "cp", "x-cp", "dos-", "ibm")},
    **{f"iso{dash}8859-{n}": f"iso8859-{n}" for n in (*range(2, 9), 10, 13, 14, 15, 16) for dash in ("-", "")},
    **dict.fromkeys(("iso-8859-1", "iso8859-1", "latin1", "us-ascii", "ascii", "x-user-defined"), "cp1252"),
    **dict.fromkeys(("iso-8859-9", "iso8859-9"), "cp1254"), "iso-8859-11": "cp874", "tis-620": "cp874",
    **dict.fromkeys(("gb2312", "gbk", "x-gbk", "gb18030", "gb_2312-80"), "gb18030"),
    **dict.fromkeys(("big5", "big5-hkscs", "x-x-big5"), "big5hkscs"),
    **dict.fromkeys(("shift_jis", "shift-jis", "sjis", "x-sjis", "windows-31j", "ms_kanji"), "cp932"),
    **dict.fromkeys(("euc-jp", "x-euc-jp"), "euc_jp"), **dict.fromkeys(("euc-kr", "ks_c_5601-1987", "ksc5601"), "cp949"),
    "iso-2022-jp": "iso2022_jp", "koi8-r": "koi8_r", "koi8-u": "koi8_u",
    "macintosh": "mac_roman", "x-mac-cyrillic": "mac_cyrillic",
}
ESCAPING = "iso2022_jp"          # the one in which ASCII can stand for something else

_CHARSET = re.compile(rb"charset[\t\n\f\r ]*=[\t\n\f\r \"']*([a-z0-9_:.-]+)")
_START = re.compile(
    rb"\s*(?:<!--(?:(?!-->).)*+-->\s*+)*+<(?:!doctype\s+html|html|head|body|title|meta|link|script|style|iframe|table|div|font|h1|br|a|b|p)"
    rb"[\s/>]", re.IGNORECASE | re.DOTALL)
_XHTML = re.compile(rb"\s*<\?xml\b[^>]*>.{0,900}?<(?:!doctype\s+html|html)[\s>]", re.IGNORECASE | re.DOTALL)
_XHTML_START = re.compile(
    rb"\s*+<\?xml\b[^>]*>(?:\s|<!--(?:(?!-->).)*+-->|<!doctype\s[^<>]*+>)*+<html[\s>]", re.IGNORECASE | re.DOTALL)
_SELF_CLOSED = re.compile(rb"<((?i:script|style|title|textarea|iframe|noframes|noembed|xmp))\b([^<>]*)/>")
_META = re.compile(rb"<(?i:meta)(?=[\t\n\f\r />])")
_FRAMESET = re.compile(rb"<frameset", re.IGNORECASE)

# A meta can speak only if it holds one of these. A character reference can hide a letter or a hyphen.
_WORDS = r"tdm|max-snippet|disallowai|no(?:ai|image|index|ne|snippet|archive|cache|ml)"
# A word behind `<meta` and before the next `<` or `>`; or these themselves, or the end of the page, where no tag ends.
TRIGGERS = Trigger((hidden.MARKUP, re.compile(
    rb"<meta[\t\n\f\r /][^<>]*(?:<|$|=\s*(?:\"[^\"<>]*|'[^'<>]*)>|" + _WORDS.encode() + rb")")),
    lambda seen: bool(seen.meta_end))
_SPEAKS = re.compile(_WORDS.replace("snippet|", r"snippet(?!\s*:\s*-1)|", 1), re.IGNORECASE)    # -1 is no limit
_COULD_SPEAK = re.compile(
    rb"&#(?:x0*(?:2d|[46][1-9a-f]|[57][0-9a])(?![0-9a-f])|0*(?:45|6[5-9]|[78]\d|90|9[7-9]|1[01]\d|12[0-2])(?!\d))|"
    + _WORDS.encode(), re.IGNORECASE)
_PAIR = re.compile(rb"(name|content)[\t\n\f\r ]*+=[\t\n\f\r ]*+(?:\"([^\"]*+)\"|'([^']*+)'|([^\t\n\f\r >\"'][^\t\n\f\r >]*+))",
                   re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Meta:
    """A meta element with a name, that could speak."""
    name: str                        # lower case, without white space around it
    content: str
    index: int                       # its place among the metas of the page, from 1
    deviation: str = ""              # IN_BODY or UNPLACED; "" for a meta in the head


@dataclass(frozen=True, slots=True)
class Page:
    metas: tuple[Meta, ...] = ()
    faults: tuple[Fault, ...] = ()


NO_PAGE = Page()
_last: tuple[bytes, str, Page] = (b"", "", NO_PAGE)


def read(evidence: Evidence, asset: Asset, *, exact: bool = False) -> Page:
    """The page in a body; an empty one where the body is none. Keeps the last page for the next reader."""
    global _last
    body, media_type = evidence.body, asset.media_type
    last = _last
    if last[0] is body and last[1] == media_type and not exact:      # INVARIANT: bytes never change
        return last[2]
    found = page(body, xhtml=media_type == XHTML, exact=exact) if is_html(body, media_type) else NO_PAGE
    _last = (body, media_type, found)
    return found


def faults(evidence: Evidence, asset: Asset, asker: Asker) -> list[Finding]:
    """What of the page could speak and was not read."""
    return list(read(evidence, asset).faults)


def is_html(body: bytes, media_type: str = "") -> bool:
    if media_type in MEDIA_TYPES:
        return True
    start = _utf8(body[:START_BYTES])
    return bool(_START.match(start) or _XHTML.match(start))


def surveyed(body: bytes, media_type: str) -> Survey | None:
    """What can be told of what starts as a page, without a parse; None where that is not certain."""
    text = markup(body, xhtml=media_type == XHTML)
    if not _START.match(text, 0, START_BYTES) and not _XHTML_START.match(text, 0, START_BYTES):
        return None
    seen = survey(text)
    return seen if seen.certain else None


def markup(body: bytes, *, xhtml: bool = False) -> bytes:
    """A page in UTF-8, up to HTML_BYTES of it, so that a parser of HTML reads it as it is meant."""
    return _markup_of_xhtml(body) if xhtml else _markup(body)


@latest
def _markup(body: bytes) -> bytes:
    text = utf8(body[:HTML_BYTES])
    return _closed(text) if _XHTML.match(text, 0, START_BYTES) else text


@latest
def _markup_of_xhtml(body: bytes) -> bytes:
    return _closed(utf8(body[:HTML_BYTES]))


def _closed(text: bytes) -> bytes:
    seen = survey(text)
    return text if seen.certain and not seen.closes else _SELF_CLOSED.sub(rb"<\1\2></\1>", text)


def page(body: bytes, *, xhtml: bool = False, exact: bool = False) -> Page:
    """Read a page. `exact`: parse all of it, whatever it holds. Time and memory in proportion to the body; raises nothing."""
    troubles: list[Fault] = []
    if len(body) > HTML_BYTES:
        body = body[:HTML_BYTES]
        troubles.append(_fault(FaultKind.TRUNCATED, f"only the first {HTML_BYTES} bytes were read"))
    text = markup(body, xhtml=xhtml)
    seen = survey(text)
    told = seen.meta_end if seen.certain else len(text)
    end = len(text) if exact else told
    metas: list[Meta] = []
    if end:
        try:
            metas = _metas(text, end, told)
        except _Unbounded:
            troubles.append(_fault(FaultKind.MALFORMED, "nested or formatted beyond reason; read without its structure"))
            metas = _unplaced(text)
    if len(metas) > HTML_ELEMENTS:
        troubles.append(_fault(FaultKind.TRUNCATED, f"only the first {HTML_ELEMENTS} metas were read"))
    return Page(tuple(metas[:HTML_ELEMENTS]), tuple(troubles))


class _Unbounded(Exception):
    """The page would cost more than its size is worth."""


def _metas(text: bytes, end: int, told: int) -> list[Meta]:
    """The metas of text[:end]; what could speak stands in text[:told]. Raises _Unbounded."""
    if any(islice(_META.finditer(text, 0, told), MANY_METAS, None)) or not is_bounded(text, end):
        raise _Unbounded
    tree = beginning(text, end)
    metas = _parsed(tree) if tree else []
    if not tree or (any(m.deviation for m in metas) and _FRAMESET.search(text)):      # a frameset can delete the body
        return _metas(text, len(text), told) if end < len(text) else _parsed(parse(text))
    return metas


def parse(text: bytes) -> LexborHTMLParser:
    return LexborHTMLParser(text, options=LexborDocumentOptions.WO_EVENTS)


def beginning(text: bytes, end: int) -> LexborHTMLParser | None:
    """The tree of text[:end] and a sentinel; None where the whole need not begin so.

    A sentinel that becomes an element proves that the part ends between two tags: so far the page parses alike. What follows
    can still move elements of the body (13.2.6.4.7), delete it by a frameset, and add attributes to `<html>` and `<body>`."""
    part = text[:end]
    if end == len(text) or _SENTINEL in part:
        return None
    tree = parse(part + b"<meta " + _SENTINEL + b">")
    metas = tree.tags("meta")
    if not metas or SENTINEL not in metas[-1].attributes or metas[-1].next is not None:
        return None
    around = metas[-1].parent
    while around is not None and around.tag != "table":      # in front of an open one elements can still come to stand
        around = around.parent
    return tree if around is None else None


def _parsed(tree: LexborHTMLParser) -> list[Meta]:
    """The metas that could speak."""
    head = tree.head.mem_id if tree.head else None
    metas = []
    for index, element in enumerate(tree.tags("meta"), 1):
        attributes = element.attributes
        name, content = (attributes.get("name") or "").strip().lower(), attributes.get("content") or ""
        if _speaks(name, content):
            around = element.parent
            while around is not None and around.mem_id != head:
                around = around.parent
            metas.append(Meta(name, content, index, IN_BODY if around is None else ""))
    return metas


def _unplaced(text: bytes) -> list[Meta]:
    """Whatever looks like a meta that could speak, be it in a comment; each up to the start of the next."""
    metas: list[Meta] = []
    starts = [start.end() for start in _META.finditer(text)]
    for index, (start, following) in enumerate(pairwise((*starts, len(text))), 1):
        tag = ATTRIBUTES.match(text, start, min(following, start + FIELD_BYTES))
        stop = tag.end() if tag else min(following, start + FIELD_BYTES)
        if not _COULD_SPEAK.search(text, start, stop):
            continue
        found: dict[str, str] = {}
        for pair in _PAIR.finditer(text, start, stop):
            value = (pair[2] or pair[3] or pair[4] or b"").decode("utf-8", "replace")
            found.setdefault(pair[1].decode().lower(), hidden.unescape(value))
        name, content = found.get("name", "").strip().lower(), found.get("content", "")
        if _speaks(name, content):
            metas.append(Meta(name, content, index, UNPLACED))
    return metas


def _speaks(name: str, content: str) -> bool:
    return bool(name) and bool(_SPEAKS.search(name) or _SPEAKS.search(content))


@latest
def utf8(body: bytes) -> bytes:
    """The body in UTF-8, or in what UTF-8 takes it for."""
    return _utf8(body)


def _utf8(body: bytes) -> bytes:
    if body.startswith(b"\xef\xbb\xbf"):
        return body[3:]
    if body.startswith((b"\xff\xfe", b"<\0")):
        return body.decode("utf-16-le", "replace").removeprefix("\ufeff").encode("utf-8", "replace")
    if body.startswith((b"\xfe\xff", b"\0<")):
        return body.decode("utf-16-be", "replace").removeprefix("\ufeff").encode("utf-8", "replace")
    label = _CHARSET.search(body[:CHARSET_BYTES].lower())
    codec = CODECS.get(label[1].decode()) if label else None
    if not codec or (codec != ESCAPING and body.isascii()):
        return body
    return body.decode(codec, "replace").encode("utf-8", "replace")


def _fault(kind: FaultKind, detail: str) -> Fault:
    return Fault(Carrier.BODY, kind, detail, "html")
