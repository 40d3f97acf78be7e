"""Reading a part of a page finds what reading all of it finds; no page costs more than its size is worth."""
from __future__ import annotations

import random
import time

import pytest

from rules import html
from rules.assess import find
from rules.html_work import ATTRIBUTES, is_bounded
from rules.limits import HTML_BYTES, HTML_ELEMENTS
from rules.model import Access, Asker, Asset, Carrier, Evidence, Fault, FaultKind

NOAI = '<meta name="robots" content="noai">'
TDM = '<meta name="tdm-reservation" content="1">'
RUNAWAY_S = 5                    # for 1 MiB; a quadratic parse takes minutes

WRAPPERS = (
    ("<!--", "-->"), ("<!-- ", " --!>"), ("<!-->", "-->"), ("<!--->", "-->"), ("<!", ">"), ("<?", ">"), ("</ ", ">"),
    ("<script>", "</script>"), ("<script><!--", "</script>"), ("<script><!--<script>", "</script>--></script>"),
    ("<script><!--<script></script>", "--></script>"), ("<script>'</scr'", "</script >"),
    ("<style>", "</style>"), ("<title>", "</title>"), ("<title>", "</TITLE/>"), ("<textarea>", "</textarea>"),
    ("<iframe>", "</iframe>"), ("<noscript>", "</noscript>"), ("<noembed>", "</noembed>"), ("<noframes>", "</noframes>"),
    ("<xmp>", "</xmp>"), ("<plaintext>", ""), ("<template>", "</template>"), ("<template><table>", "</template>"),
    ("<svg>", "</svg>"), ("<svg><title>", "</title></svg>"), ("<svg><style>", "</style></svg>"),
    ("<svg><script>", "</script></svg>"), ("<svg><![CDATA[", "]]></svg>"), ("<![CDATA[", "]]>"),
    ("<svg><foreignObject>", "</foreignObject></svg>"), ("<math><mi>", "</mi></math>"), ("<math><annotation-xml>", "</math>"),
    ("<select>", "</select>"), ("<select><option>", "</select>"), ("<table>", "</table>"), ("<table><tr><td>", "</table>"),
    ("<table><caption>", "</table>"), ("<table><colgroup>", "</table>"), ("<frameset>", "</frameset>"),
    ("<body>", "</body>"), ("</head>", ""), ("</head><body>", ""), ("</html>", ""), ("<p>", "<frameset>"),
    ("<a title='", "'>"), ('<a title="', '">'), ("<a title=", ">"), ("<a b='>'>", "</a>"), ("<a b'>", "'>"),
    ("<b><p>", "</b></p>"), ("<object>", "</object>"), ("<button>", "</button>"), ("<dialog open>", "</dialog>"), ("<", ""),
    ("<a ", ""), ("<a '", ""), ("x", ""), ("&lt;", ""), ("\0", "\0"), ("\x1b(B", ""), ("<meta ", ""), ("<meta a='", "'>"), ("<!doctype html>", ""),
)
METAS = (
    NOAI, TDM, "<META NAME=ROBOTS CONTENT=NOAI>", '<meta name="&#114;obots" content="no&#97;i">', "<meta name='robots'content='noai'/>",
    '<meta content="noai" name=" robots\n">', "<meta\fname=robots\tcontent\n=\rnoai>", '<meta name="robots" data-x="a>b" content="noai">',
    '<meta name=robots content=noai name=x content=y>', '<meta name="robots" content="<meta name=robots content=noai>">',
    "<meta/name=robots/content=noai>", '<meta name="r\0obots" content="noai">', '<meta =name=robots content=noai>',
    '<meta name="robots" content="noai', '<meta name=robots content="&#x6e;&#x000000006F;ai">', '<meta name=description content="no&shy;ai">',
    '<meta\x0bname=robots content=noai>', '<metaname=robots content=noai>', '<meta name=robots content=index>', '<meta name="description">',
    "<meta \ue000>",
)


def told(body: str | bytes, *, exact: bool) -> tuple[html.Meta, ...]:
    return html.page(body if isinstance(body, bytes) else body.encode(), exact=exact).metas


def read(body: bytes, media_type: str = "") -> html.Page:
    return html.read(Evidence(Carrier.BODY, "https://site.example/", None, Access.OBTAINED, body),
                     Asset("https://site.example/", media_type))


def test_part_and_whole_agree_on_hostile_pages() -> None:
    pages = [f"<!doctype html><head>{open_}{meta}{close}{after}" for open_, close in WRAPPERS for meta in METAS
             for after in ("", "<p>x</p>", "-->" + TDM)]
    assert [p for p in pages if told(p, exact=True) != told(p, exact=False)] == []
    assert sum(bool(told(p, exact=True)) for p in pages) > len(pages) // 4


def test_part_and_whole_agree_on_random_pages() -> None:
    dice = random.Random(20261122)
    pieces = [x for pair in WRAPPERS for x in pair if x] + list(METAS) * 2
    for _ in range(3_000):
        page = "".join(dice.choice(pieces) for _ in range(dice.randint(1, 9)))
        assert told(page, exact=True) == told(page, exact=False), page


@pytest.mark.slow
def test_part_and_whole_agree_on_many_random_pages() -> None:
    dice = random.Random(7)
    pieces = [x for pair in WRAPPERS for x in pair if x] + list(METAS) * 2
    for _ in range(150_000):
        page = "".join(dice.choice(pieces) for _ in range(dice.randint(2, 14)))
        assert told(page, exact=True) == told(page, exact=False), page


def test_place_of_a_meta() -> None:
    metas = told(f"<!doctype html><head>{NOAI}<meta charset=utf-8></head><body>{TDM}", exact=False)
    assert [(m.name, m.index, m.deviation) for m in metas] == [("robots", 1, ""), ("tdm-reservation", 3, html.IN_BODY)]


def test_what_is_a_page() -> None:
    for body in (b"<!DOCTYPE html><p>", b" \n<!-- a --><!-- b --><html>", b"\xef\xbb\xbf<html >", b"<meta charset=utf-8>",
                 b'<?xml version="1.0"?>\n<!DOCTYPE html PUBLIC "x"><html>', "<html>".encode("utf-16-le"), "\ufeff<html>".encode("utf-16-be")):
        assert html.is_html(body), body
    for body in (b"", b"%PDF-1.7 <html>", b'{"a": "<html>"}', b"\x89PNG", b'<?xml version="1.0"?><rss>', b"<svg xmlns='x'>", b"<!--" * 500):
        assert not html.is_html(body), body
    assert read(b"words " + NOAI.encode(), "text/html").metas
    assert not read(b"words " + NOAI.encode(), "text/plain").metas


def test_encodings() -> None:
    meta = '<!doctype html><meta charset={}><meta name=robots content="noai \u65e5">'
    for label, codec in (("utf-8", "utf-8"), ("Shift_JIS", "cp932"), ("euc-jp", "euc_jp"), ("iso-2022-jp", "iso2022_jp"),
                         ("gbk", "gb18030"), ("'big5'", "big5hkscs")):
        assert [m.content for m in told(meta.format(label).encode(codec), exact=False)] == ["noai \u65e5"], label
    hidden = b'<meta charset=iso-2022-jp><meta name=ro\x1b(Bbots content=no\x1b(Bai>'
    assert [(m.name, m.content) for m in told(hidden, exact=False)] == [("robots", "noai")]
    for label in ("utf-7", "punycode", "unicode_escape", "rot13", "undefined", "no-such", "utf-16"):
        assert told(meta.format(label), exact=False), label


@pytest.mark.parametrize("codec", sorted({*html.CODECS.values()} - {html.ESCAPING}))
def test_ascii_is_itself_in_every_encoding_but_one(codec: str) -> None:
    pairs = bytes(byte for one in range(128) for other in range(128) for byte in (one, other))
    assert pairs.decode(codec, "replace") == pairs.decode("ascii")


def test_long_page_is_truncated_and_read() -> None:
    page = read(b"<!doctype html>" + NOAI.encode() + b" " * HTML_BYTES)
    assert [f.kind for f in page.faults] == [FaultKind.TRUNCATED]
    assert len(page.metas) == 1


def test_a_word_in_another_attribute_says_nothing_even_where_nothing_is_placed() -> None:
    page = b"<meta name=description class=noindex content=x>" + TDM.encode()
    assert [m.name for m in html._unplaced(page)] == ["tdm-reservation"]


def test_many_metas_are_truncated() -> None:
    page = read(b"<!doctype html>" + NOAI.encode() * (HTML_ELEMENTS + 1))
    assert [f.kind for f in page.faults] == [FaultKind.TRUNCATED]
    assert len(page.metas) == HTML_ELEMENTS


def test_last_page_is_kept_by_identity_and_type() -> None:
    body = b"words " + NOAI.encode()
    assert [bool(read(body, t).metas) for t in ("text/html", "text/plain", "text/html")] == [True, False, True]
    assert read(body, "text/html") is read(body, "text/html")


def joined(pattern: str, count: int) -> str:
    return "".join(pattern.replace("#", str(i)) for i in range(count))


HOSTILE = {
    "deep": "<div>" * 200_000, "deep in comments": "<div><!--</div>-->" * 60_000, "deep in titles": "<div title='</div>'>" * 50_000,
    "deep in cells": "<div><table><td></div>" * 45_000, "deep in templates": "<div><template></div></template>" * 30_000,
    "deep in scripts": "<div><script></div></script>" * 35_000, "deep in svg": "<svg><desc><div/></desc></svg>" * 30_000 + "<svg>" * 20_000,
    "cdata": "<div><svg><![CDATA[></div>]]></svg>" * 25_000, "svg style": "<div><svg><style><!--</style></svg></div>-->" * 20_000,
    "spans": "<span>" * 100_000 + "</i>" * 50_000, "select": "<select><div>" * 70_000, "ruby": "<rt>" * 200_000,
    "slashes in svg": "<svg>" + "<g id=a/>" * 100_000, "slashes after svg": "<svg><g><svg></g></svg>" + "<g/>" * 100_000,
    "texts in svg": "<svg>" + "<style></title>" * 60_000, "slashes without svg": "<template><col><svg></template>" + "<g/>" * 100_000,
    "svg never closed": "<svg>" + "<g>" * 100_000, "formatting": "<p>" + joined("<b id=#>", 30_000) + "</p>" + "<p>x" * 100_000, "fonts": joined("<font id=#><p>", 40_000),
    "formatting in cells": joined("<b id=#><table><td>", 30_000), "links": joined("<a id=#><div>", 40_000),
    "double escape": "<script><!--<script></script>" + joined("<b id=#><p>", 40_000),
    "bodies": joined("<body a#>", 80_000), "roots": joined("<html a#=b>", 80_000), "attributes": "<p " + joined("a# ", 150_000) + ">", "quoted attributes": "<p " + joined("a#='>'", 100_000) + ">",
    "attributes with tags": "<p " + joined("a#=<b ", 100_000) + ">", "many long tags": ("<p " + joined("a# ", 2_000) + ">") * 100,
}


@pytest.mark.parametrize("page", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_page_is_a_fault_and_its_meta_is_read(page: str) -> None:
    body = f"<!doctype html><body>{page}\n{NOAI}".encode()
    start = time.perf_counter()
    found = html.page(body)
    assert time.perf_counter() - start < RUNAWAY_S
    assert [f.kind for f in found.faults] == [FaultKind.MALFORMED]
    assert (found.metas[-1].name, found.metas[-1].deviation) == ("robots", html.UNPLACED)


HONEST = {
    "table": "<table>" + "<tr><td>x<td><b>y</b>" * 20_000 + "</table>", "list": "<ul>" + "<li><a href=/x>x</a>" * 30_000 + "</ul>",
    "article": '<div class="a"><p>Some <i>words</i> <a href="/x"><b>bold</b></a><br><img src=x></div>\n' * 8_000,
    "scripts": "<script>if (a<b && c) { d('<div>') }</script><p>x</p>" * 10_000, "comments": "<div><!-- <div> --></div>" * 10_000,
    "drawings": ('<li><svg viewBox="0 0 9 9"><title>x</title><style>a{b:c}</style><g><path d="M0 0"/><circle r=1></circle></g></svg><p>x</p>') * 4_000,
    "unclosed": "<div><p><span>x</div>" * 3_000, "icons": ("<svg><path d=x /></svg>" + "<li><span>x</span>" * 10) * 300,
}


@pytest.mark.parametrize("page", HONEST.values(), ids=HONEST.keys())
def test_honest_page_is_parsed(page: str) -> None:
    body = f"<!doctype html><body>{page}{NOAI}".encode()
    found = html.page(body)
    assert found.faults == ()
    assert [m.deviation for m in found.metas] == [html.IN_BODY]


@pytest.mark.parametrize("ending", ["<!--", "<!", "<a", "<a '", "<style>", "<script>", "</", "<b a='"])
def test_bound_of_a_page_that_ends_early(ending: str) -> None:
    page = ("<p>x" * 500 + ending).encode()
    assert is_bounded(page, len(page))


def test_attributes_end_where_the_standard_says() -> None:
    for tag, rest in ((" a='>'>", ""), (" a=\">\" b>c>", "c>"), (" a'>'>", "'>"), (" a=b'>'>", "'>"), ("/>x", "x"), (" =>x", "x"), (" a= >x", "x")):
        match = ATTRIBUTES.match(tag.encode())
        assert match
        assert tag[match.end():] == rest
    assert not ATTRIBUTES.match(b" a='")


def test_a_page_around_an_image_that_is_too_long_is_no_silence() -> None:
    page = b"<!doctype html>" + b" " * HTML_BYTES + b"<meta name=robots content=noimageai>"
    evidence = Evidence(Carrier.EMBEDDING_PAGE, "https://site.example/", None, Access.OBTAINED, page)
    image = Asset("https://site.example/i.jpg", "image/jpeg", "https://site.example/")
    fault, = find([evidence], image, Asker("mybot"))
    assert isinstance(fault, Fault)
    assert (fault.carrier, fault.kind) == (Carrier.EMBEDDING_PAGE, FaultKind.TRUNCATED)
