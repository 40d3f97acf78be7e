"""Readers that are not called would have found nothing: on vectors, real pages, mutations, and words hidden in every way."""
from __future__ import annotations

import html as references
import os
import random
import re
import unicodedata
from html.entities import html5
from pathlib import Path

import pytest

from rules import hidden, html, html_work, metadata_words, phrases, prefilter, scan
from rules.model import Access, Asker, Asset, Carrier, Evidence
from rules.references import references as told
from rules.signals import READERS, SIGNALS, TRIGGERS, c2pa, gates
from rules.signals import prose as prose_words

from . import test_html, test_vectors
from .without import imported_without

ASSET, ASKER = Asset("https://site.example/a", "text/html"), Asker("OurBot")
PAGES = sorted(p for p in Path("/usr/share/doc").glob("**/*.html") if p.is_file())
WANTED = 1_000
BODIES = [test_vectors.evidence("body", given).body for p in test_vectors.vectors()
          for carrier, given in p.values[0]["given"].items() if carrier == "body"]
PORTABLE = scan.Scan(prefilter._words(), portable=True)


def body_of(body: bytes) -> Evidence:
    return Evidence(Carrier.BODY, ASSET.url, None, Access.OBTAINED, body)


def missed(body: bytes, asset: Asset = ASSET) -> list:
    """What readers find that are not called, and references that are not seen."""
    evidence = body_of(body)
    called = prefilter.readers(evidence, asset)
    found = [f for read in READERS[Carrier.BODY] if read not in called for f in read(evidence, asset, ASKER)]
    return [*found, *(set(told((evidence,), asset, ASKER, exact=True)) - set(told((evidence,), asset, ASKER)))]


def speaks(body: bytes) -> bool:
    return any(read(body_of(body), ASSET, ASKER) for read in READERS[Carrier.BODY])


@pytest.fixture(params=["tags", "hyperscan", "portable"])
def words(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """All ways of looking at a page: by its tags, where they are certain; for words, in both ways."""
    if request.param == "tags":
        if not prefilter.compiled:
            pytest.skip("rules/_survey.c is not compiled")
        return
    monkeypatch.setattr(prefilter, "compiled", None)
    if request.param == "portable":
        monkeypatch.setattr(prefilter, "_scan", lambda: PORTABLE)
        monkeypatch.setattr(prose_words.SCAN, "portable", True)
    elif PORTABLE.portable and prose_words.SCAN.portable:
        pytest.skip("there is no Hyperscan for this machine")


@pytest.mark.usefixtures("words")
def test_nothing_is_missed_in_vectors() -> None:
    assert len(BODIES) > 150
    for body in BODIES:
        for asset in (ASSET, Asset(ASSET.url)):
            assert missed(body, asset) == [], body


@pytest.mark.usefixtures("words")
def test_nothing_is_missed_in_mutations() -> None:
    dice = random.Random(20261122)
    pages = [b for b in BODIES if len(b) < 4_000]
    words = [word for word in prefilter._words() if isinstance(word, bytes)]
    pieces = [*words, *(piece.encode() for pair in test_html.WRAPPERS for piece in pair), *(m.encode() for m in test_html.METAS),
              b"<", b">", b"\"", b"'", b"&#105;", b"\0", b"\xc2\xad", b"<b>", b"<p>", b"ai ", b"no "]
    for _ in range(4_000):
        body = bytearray(dice.choice(pages))
        for _ in range(dice.randint(1, 4)):
            at = dice.randrange(len(body) + 1)
            body[at:at + dice.choice((0, 0, 1, 5, 40))] = dice.choice(pieces)
        assert missed(bytes(body)) == [], bytes(body)


def hidden_forms(page: str) -> list[bytes]:
    """A page with its letters written in other ways, outside its tags' names."""
    out = [page.upper().encode(), page.swapcase().encode(), page.encode("utf-16"), b"\xfe\xff" + page.encode("utf-16-be"),
           ("\ufeff" + page).encode(), page.replace(" ", "\n").encode()]
    values = re.compile(r"(?<=\")[^\"<>]+(?=\")|(?<=>)[^<>{}]+(?=<)")
    for how in ("&#{};", "&#{}", "&#x{:x};", "&#X000{:X}"):
        for every in (1, 2, 3):
            def spelled(m: re.Match[str], how: str = how, every: int = every) -> str:
                return "".join(how.format(ord(c)) + ("" if ";" in how or not c.isalnum() else ";") if n % every == 0 else c
                               for n, c in enumerate(m[0]))
            out.append(values.sub(spelled, page).encode())
    out.append(values.sub(lambda m: "".join(f"\\u{ord(c):04x}" if c.isalpha() else c for c in m[0]), page).encode())
    return out


def test_nothing_is_missed_in_other_spellings() -> None:
    pages = []
    for body in BODIES:
        try:
            pages.append(body.decode())
        except UnicodeDecodeError:
            continue
    pages = [p for p in pages if "<" in p and len(p) < 4_000]
    assert len(pages) > 100
    forms = [form for page in pages for form in hidden_forms(page)]
    assert [f for f in forms if missed(f)] == []
    assert sum(map(speaks, forms)) > len(forms) // 5


def test_nothing_is_missed_in_noise() -> None:
    dice = random.Random(3)
    for _ in range(500):
        assert missed(dice.randbytes(dice.randrange(300))) == []


@pytest.mark.slow
def test_both_ways_of_looking_agree() -> None:
    if scan.hyperscan is None:
        pytest.skip("there is no Hyperscan for this machine")
    wanted = prefilter._words()
    fast, near = scan.Scan(wanted, portable=False), [scan.Scan(phrases.WORDS, portable=portable) for portable in (False, True)]
    for body in (*BODIES, *(path.read_bytes() for path in PAGES[:300])):
        held, more = set(fast.held(body)), set(PORTABLE.held(body))
        assert held <= more, body
        assert all(isinstance(wanted[n], scan.Spread) for n in more - held), body
        shown = html_work.survey(html.markup(body)).shown or body
        lines = [{shown.rfind(b"\n", 0, place - 1) for place in way.places(shown)} for way in near]
        assert lines[0] <= lines[1], body


def test_a_machine_without_hyperscan_gets_the_same_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    without = imported_without(scan, ("hyperscan", "rules._words"), monkeypatch)
    words = without.Scan([b"mining", b"text data", re.compile(rb"no[ -]?ai")])
    assert words.portable
    assert without.Words is None
    for body, held, places in ((b"Data and TEXT Mining", [0, 1], [4, 13, 20]), (b"no-ai, NOAI", [2], [5, 11]), (b"date, min, ai", [], [])):
        assert words.held(body) == held
        assert words.places(body) == places


def test_nothing_is_missed_on_real_pages() -> None:
    if len(PAGES) < WANTED:
        message = f"needs {WANTED} pages of documentation in /usr/share/doc, and found {len(PAGES)}"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    dice = random.Random(1)
    for path in dice.sample(PAGES, WANTED):
        body = path.read_bytes()
        if len(body) < 400_000:
            assert missed(body) == [], path


def test_threads_take_turns_at_a_scan() -> None:
    from concurrent.futures import ThreadPoolExecutor

    from rules.scan import Scan
    scan = Scan([b"robots", b"license", b"noai"])
    pages = [b"x" * 500_000 + b"noai robots %d" % n for n in range(80)]
    with ThreadPoolExecutor(8) as threads:
        assert set(map(tuple, threads.map(scan.held, pages))) == {(0, 2)}
        assert {len(places) for places in threads.map(scan.places, pages)} == {2}


def test_silent_page_calls_next_to_nobody() -> None:
    """Words of typography hide nothing; most pages hold them."""
    silent = (b"<!doctype html><html><head><meta charset='utf-8'><title>It&#8217;s me</title><meta name=viewport content='width=device-width'></head>"
              b"<body><p>&#160;&copy;&nbsp;2026 &#39;A&#34; &ndash; &#8211; &#x2019; &#x2F; &amp; &lt;&#60; &#8230; &#128512; &#xe900; "
              b"&eacute;&#233; &trade;</p>" + b"<p>Words. " * 100 + b"<svg><path d='M0 0'/></svg></body></html>")
    called = prefilter.readers(body_of(silent), ASSET)
    assert {read for read in called if TRIGGERS[read] is not None} == set()
    assert len(called) < 5


def test_too_long_a_page_is_read_by_all() -> None:
    assert prefilter.readers(body_of(b"<html>" + b" " * html.HTML_BYTES), ASSET) == READERS[Carrier.BODY]
    assert prefilter.readers(body_of(b"\xff\xd8\xff"), ASSET) == READERS[Carrier.BODY]


def test_every_reader_of_bodies_has_its_place() -> None:
    """A row without triggers is always read."""
    assert set(TRIGGERS) == set(READERS[Carrier.BODY])
    for row in SIGNALS.values():
        if row.carrier is Carrier.BODY and row.triggers is None:
            assert TRIGGERS[row.read] is None
        elif row.triggers is not None:
            assert row.carrier is Carrier.BODY
    assert all(read in prefilter.readers(body_of(b""), ASSET) for read, triggers in TRIGGERS.items() if triggers is None)


def is_hiding(code: int) -> bool:
    """Whether a character hides a letter in the eyes of phrases.clean, and people read it as one."""
    c = chr(code)
    if code < 128:
        return c.isalpha() or c in "+-.:"
    name, plain = unicodedata.name(c, ""), phrases.clean(c).lower()
    if re.search(r"HIRAGANA|KATAKANA|HANGUL SYL|CJK UNIFIED|^FULLWIDTH LATIN|^MATHEMATICAL .*(SMALL|CAPITAL) [A-Z]$|^CIRCLED LATIN", name):
        return "SMALL KA" not in name and "PHONETIC" not in name and code < 0x30000
    return (plain == "" and not 0xfe00 <= code <= 0xfe0f) or c in "îÎ"


def test_references_that_hide_are_found() -> None:
    for code in (*range(33, 0xD800), *range(0xF900, 0x10000), *range(0x1D400, 0x1D7CC), *range(0x20000, 0x20100)):
        if is_hiding(code):
            for form in (f"&#{code};", f"&#00{code} ", f"&#x{code:x};", f"&#X0{code:X}!"):
                assert chr(code) in "+-.:" or hidden.TEXT.search(form.lower().encode()), (hex(code), form)
                assert code > 127 or hidden.MARKUP.search(form.lower().encode()), (hex(code), form)
    for name, value in html5.items():
        if any(c.isascii() and (c.isalpha() or c in "+-.:") for c in value):
            assert hidden.MARKUP.search(f"&{name}".lower().encode()), name
        if name.endswith(";") and any(phrases.clean(c) == "" and not 0xfe00 <= ord(c) <= 0xfe0f for c in value):
            assert hidden.TEXT.search(f"&{name}".lower().encode()), name


@pytest.mark.parametrize("code", [32, 34, 38, 39, 47, 60, 61, 62, 160, 169, 171, 174, 187, 215, 233, 8211, 8212, 8216, 8217, 8220, 8221, 8226,
                                  8230, 8364, 8482, 8592, 9654, 10003, 128512, 0xe900, 0xf101])
def test_references_of_typography_are_not(code: int) -> None:
    for form in (f"&#{code};", f"&#x{code:x};"):
        assert not hidden.TEXT.search(form.encode()), form
        assert not hidden.MARKUP.search(form.encode()), form


def test_what_a_page_needs_to_speak_is_among_the_triggers() -> None:
    """The readers' own looks are no wider than those of the prefilter."""
    assert {*html.TRIGGERS.words, *metadata_words.TRIGGERS.words, *prose_words.TRIGGERS.words} <= set(prefilter._words())
    assert {*prose_words.TRIGGERS.loose, *gates.TRIGGERS.loose, *c2pa.TRIGGERS.words} <= set(prefilter._loose())
    assert references.unescape("&#105;") == "i"
