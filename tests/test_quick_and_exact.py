"""Pages of which the quick way could find less than the exact one, and what neither may miss."""
from __future__ import annotations

import threading
import time
import unicodedata

import pytest

from rules import hidden, html
from rules.assess import find
from rules.html import MANY_METAS
from rules.limits import PROSE_CHARS
from rules.memo import OVERHEAD_BYTES, memo
from rules.model import Access, Asker, Asset, Carrier, Evidence, Fault, FaultKind, Finding
from rules.phrases import WORDS
from rules.scan import Scan
from rules.signals import prose

from .test_prefilter import words  # noqa: F401  # a fixture

PORTABLE = Scan(WORDS, portable=True)

ASSET, ASKER = Asset("https://site.example/a", "text/html"), Asker("OurBot")
START = b"<!doctype html><html><body>"
NO = "You may not use this content to train machine{}learning systems."
LICENCE = (b'<script type=application/ld+json>{"@context":"https://schema.org","@type":"WebPage",'
           b'"license":"https://creativecommons.org/licenses/by/4.0/"}</script>')


def found(body: bytes, exact: bool = False) -> tuple[Finding, ...]:
    """By a copy of the bytes, as answers are remembered by their identity."""
    body = bytes(bytearray(body))
    return find((Evidence(Carrier.BODY, ASSET.url, None, Access.OBTAINED, body),), ASSET, ASKER, exact=exact)


SPEAK = {
    "a break inside a word, no start": b"<main><p>Text and data min<wbr>ing of this site is prohibited.",
    "a declaration inside a word, no start": b"<main><p>Text and data min<!>ing of this site is prohibited.",
    "a tag inside a word, behind what is uncertain": START + b"<math></math><p>Using this site to train <b>A</b>I models is prohibited.",
    "deep beyond reason": START + b"<div>" * 200_000,
    **{f"words parted by {gap}": START + b"<p>" + NO.format(gap).encode()
       for gap in ("&nbsp ", "&NonBreakingSpace;", "&VeryThinSpace;", "&#00000000000032;", "&#x000000000000020;", " ")},
    "a trigger in two lines": START + ("<p>" + ("x " * 900 + " machine<p>learning<p>") * 30 + NO.format(" ")).encode(),
    "a trigger around a sign": START + ("<p>" + ("x " * 900 + " machine & learning<p>") * 30 + NO.format(" ")).encode(),
    "narrow kana": START + "<p>本サイトのテキストﾏｲﾆﾝｸﾞを禁止します。".encode(),
    "letters in pieces": START + unicodedata.normalize("NFD", "<p>이 사이트의 콘텐츠를 인공지능 학습에 이용하는 것을 금지합니다.").encode(),
    "a number for a letter": START + "<p>Text and data ⅿining of this site is prohibited.".encode(),
    "many metas": b"<!doctype html><head><meta name=robots content=noai>" + b"<meta>" * (MANY_METAS + 5),
    "a meta in a table": START + b"<table><tr><td><meta name=robots content=noai></td></tr><meta name=x></table>",
    "a link in a table": START + b"<table><tr><td><link rel=license type=application/rsl+xml href=/x></td></tr><link href=y></table>",
    "a script in a table": START + b"<table><tr><td>" + LICENCE + b"</td></tr><div><script type=application/json>{}</script></div></table>",
    "a gap over the end of another": START + b"<p>machine < <p>You may not use this to train machine learning systems.<p> > learning",
    "a script": START + LICENCE + b"<p>words",
}


@pytest.mark.usefixtures("words")
@pytest.mark.parametrize("name", SPEAK)
def test_the_quick_way_finds_what_the_exact_one_does(name: str) -> None:
    told = found(SPEAK[name], exact=True)
    assert told
    assert found(SPEAK[name]) == told


def test_metas_that_cannot_speak_are_no_fault_however_many() -> None:
    body = b"<!doctype html><head>" + b"<meta>" * (MANY_METAS + 5)
    assert not [f for f in found(body, exact=True) if isinstance(f, Fault)]
    assert found(body) == found(body, exact=True)


BETWEEN = ("<img src=e.png>", "<svg viewBox='0 0 9 9'><g><path d='M0 0'/></g></svg>", "<script>1</script>", "<style>a{}</style>", "<template>x</template>",
           "<ruby>x<rp>(</rp><rt>y</rt></ruby>", "<button>x</button>", "<input>", "<nobr>x</nobr>", "<acronym>x</acronym>", "<del>x</del>")


@pytest.mark.parametrize("around", ["{}", "<math></math>{}"])
@pytest.mark.parametrize("between", BETWEEN)
def test_what_stands_in_a_sentence_does_not_end_it(between: str, around: str) -> None:
    body = START + around.format(f"<p>Text and data mining {between} of this site is prohibited.").encode()
    if "svg" not in between or around == "{}":       # where tags are uncertain, a drawing still does
        assert [f.signal for f in found(body)] == ["prose.html"]
    assert found(body) == found(body, exact=True)


def test_pictures_part_words() -> None:
    assert not found(START + b"<p>Text and data min<img src=e.png>ing of this site is prohibited.")


# ---- what costs more than it is worth

@pytest.mark.parametrize("some", [b"&machine;", b"machine <machine ", b"machine learning <p>", b"language "])
def test_words_are_looked_for_in_linear_time_without_hyperscan(some: bytes) -> None:
    start = time.process_time()
    PORTABLE.places(some * (1_000_000 // len(some)))
    assert time.process_time() - start < 30          # a bound on running away


def test_numbers_of_characters_can_be_long() -> None:
    zeros = "0" * 5_000
    assert hidden.unescape(f"a&#{zeros}65;b&#{zeros}65c&#{'9' * 5_000};&#x{zeros}41;") == "aAbAc\ufffdA"
    for body in (f"<p>mining &#{zeros}32;", f"<meta name=copyright content='mining &#{zeros}32;'>", f"<meta name=robots content='noai&#{zeros}32;'>"):
        assert found(START + body.encode()) == found(START + body.encode(), exact=True)
    assert html._unplaced(f"<meta name=robots content='noai&#{zeros}44;'>".encode())[0].content == "noai,"


def test_of_a_page_full_of_sentences_no_more_are_weighed_than_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    weighed: list[str] = []
    monkeypatch.setattr(prose, "notice", lambda sentence: weighed.append(sentence) or ())
    sentence = "It is prohibited to train AI, in the opinion of others, mining {}, genai, reserved, we use opt out. "
    for between in ("<p>", ""):
        body = START + between.join(map(sentence.format, range(4_000))).encode()
        weighed.clear()
        assert [getattr(f, "kind", "") for f in found(body)] == [FaultKind.TRUNCATED]
        assert sum(map(len, weighed)) < 3 * PROSE_CHARS
    prose._short_line.cache_clear()                  # it remembers what was not weighed


def test_what_is_remembered_is_counted_once_whatever_makes_it() -> None:
    """Two threads can make the same at once."""
    made: list[bytes] = []

    @memo
    def length(body: bytes) -> int:
        made.append(body)
        time.sleep(0.002)
        return len(body)
    bodies = [bytes([n]) * 1_000 for n in range(10)]
    threads = [threading.Thread(target=lambda: [length(body) for body in bodies]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) > len(bodies)
    held = dict(zip(length.__code__.co_freevars, (cell.cell_contents for cell in length.__closure__ or ()), strict=True))
    assert held["held_bytes"] == len(bodies) * (1_000 + OVERHEAD_BYTES)
