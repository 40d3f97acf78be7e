"""The compiled walk says what the plain one says; no page is read in another way for it."""
from __future__ import annotations

import os
import random
from itertools import product

import pytest

from rules import html, html_work, metadata, prefilter, scan
from rules.assess import find
from rules.model import Access, Asker, Asset, Carrier, Evidence, FaultKind, Preference, Statement, Terms, Use
from rules.record import finding_record
from rules.signals import READERS, rsl

from . import test_html, test_vectors
from .without import imported_without

ASSET, ASKER, BASE = Asset("https://site.example/a", "text/html"), Asker("OurBot"), "https://site.example/a"
BODIES = [test_vectors.evidence("body", given).body for p in test_vectors.vectors()
          for carrier, given in p.values[0]["given"].items() if carrier == "body"]
TELLING = (
    '<link rel="license" href="https://creativecommons.org/licenses/by/4.0/">', '<a rel=license href=/l>l</a>', "<a REL='x LICENSE' href=/l>",
    '<script type="application/ld+json">{"@type":"Article","license":"https://creativecommons.org/licenses/by/4.0/"}</script>',
    '<script type=application/ld+json>{"lic\\u0065nse":"/l"}</script>', '<script type="application/ld&#43;json">{"license":"/l"}</script>',
    '<meta name="DC.rights" content="https://creativecommons.org/publicdomain/zero/1.0/">', '<p property="cc:license" resource="/l">',
    '<div itemscope><a itemprop="license" href="/l"></a></div>', '<link rel="license" type="application/rsl+xml" href="/r.xml">',
    '<script type="application/rsl+xml"><rsl xmlns="https://rslstandard.org/rsl"><content url=""><license/></content></rsl></script>',
    '<base href="/b/">', '<html about="/other">', "<figure><img src=/i><a rel=license href=/l></a></figure>", '<link rel="lic&#101;nse" href="/l">',
    '<meta name="robots" content="noai">', '<select><option>a</select>', "<select><title>", "<select><script>//</script></select>", "<b>", "</b>",
    "<p>", "<table>", "</table>", "<svg><path d='M0'/></svg>", "<script>if (a<b) {}</script>", "<textarea>", "</textarea>", "<!-- c -->", "<style>a>b{}</style>",
)
PIECES = (*TELLING, *(piece for pair in test_html.WRAPPERS for piece in pair), *test_html.METAS, "<", ">", "\"", "'", "/>", "-", "=", " ", "\0",
          "<script/>", "<title />", "<STYLE a='/>'>", "</", "<!", "x" * 40, "<i>", "<p>" * 30, "<a b=c d='e' f=\"g\">", "<svg><g id=\"x\"/><title>a</title></svg>", "<svg><style>a</style><desc>b</desc></svg>")


@pytest.fixture(scope="module", autouse=True)
def _built() -> None:
    if not html_work.compiled:
        message = "rules/_survey.c is not compiled; pip install --editable . does that"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)


def pages(number: int, seed: int) -> list[bytes]:
    dice = random.Random(seed)
    return ["".join(dice.choices(PIECES, k=dice.randint(1, 12))).encode() for _ in range(number)]


def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (html_work, prefilter):
        monkeypatch.setattr(module, "compiled", None)


@pytest.mark.parametrize("least", [True, False])
def test_both_walks_tell_alike(least: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where next to nothing is allowed, so that each count counts."""
    if least:
        for name in ("SAFE_TAGS", "SAFE_BYTES", "NESTING_WORK", "FORMATTING_WORK", "ATTRIBUTE_WORK", "LONG_TAG_BYTES"):
            monkeypatch.setattr(html_work, name, 8 if name.endswith("WORK") else 4)
        monkeypatch.setattr(html_work, "WORK", (4, 4, 8, 8, 8, 4))
    bounded = 0
    for n, page in enumerate((*BODIES, *pages(6_000, 1))):
        end = len(page) if n % 2 else len(page) * (n % 7) // 7
        seen, plainly = html_work.Survey(*html_work.compiled.survey(page, end, html_work.WORK)), html_work.walk(page, end)
        assert (seen.bounded, seen.certain, seen.shown, seen.closes) == (plainly.bounded, plainly.certain, plainly.shown, plainly.closes), (page, end)
        assert set(seen.rights) <= set(plainly.rights)
        bounded += plainly.bounded
    assert bounded
    assert not least or bounded < 6_000


def test_a_part_tells_what_the_whole_does() -> None:
    some = [f"<!doctype html><head>{a}{open_}{b}{close}{c}".encode() for (open_, close), a, (b, c) in product(
        test_html.WRAPPERS, ("", *TELLING[:4]), ((TELLING[0], ""), (TELLING[3], TELLING[6]), (TELLING[5], "<base href=/c/>"), ("", TELLING[1])))]
    told = 0
    for page in (*BODIES, *some, *pages(6_000, 3)):
        exact = metadata.describe(page, BASE, exact=True)
        fast = metadata.describe(page, BASE)
        assert (fast.properties, fast.faults) == (exact.properties, exact.faults), page
        assert not fast.properties or fast.base == exact.base, page
        assert html.page(page) == html.page(page, exact=True), page
        told += bool(exact.properties)
    assert told > 2_000


def test_a_machine_without_a_compiler_gets_the_same_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    bodies = [*BODIES, *pages(2_500, 4), b"<?xml version='1.0'?><html><title/><script src='a'/><meta name=robots content=noai>"]
    fast = [told(body) for body in bodies]
    plain(monkeypatch)
    assert [body for body, found in zip(bodies, fast, strict=True) if told(bytes(bytearray(body))) != found] == []
    assert sum(map(bool, fast)) > len(bodies) // 4


def told(body: bytes) -> list[object]:
    evidence = Evidence(Carrier.BODY, BASE, None, Access.OBTAINED, body)
    found = [f for read in READERS[Carrier.BODY] for f in read(evidence, ASSET, ASKER)]
    return [*found, *rsl.in_page(evidence, ASSET, ASKER)]


def test_what_is_not_compiled_is_not_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    without = imported_without(html_work, ("rules._survey",), monkeypatch)
    assert without.compiled is None
    assert without.survey(b"<p>a").shown == b"\na"
    assert without.is_bounded(b"<p>", 3)
    assert without.is_bounded(b"<math><p>", 5)


def test_a_few_words_are_found_alike() -> None:
    """In both cases, across the places that are looked at together, and in what ends within them."""
    words = (b"_cf_chl_opt", b"c2pa", b'"usageinfo"', b"px-captcha", b"word", b"wordy", b"\xe4\xba\xba\xe5")
    few, plainly, dice = scan.Words(words), scan.Scan(words, portable=True), random.Random(7)
    found = 0
    for _ in range(6_000):
        body = bytearray(dice.choices(b"cpw_x2a -or\xe4\xba", k=dice.randrange(90)))
        for word in dice.sample(words, dice.randrange(3)):
            at = dice.randrange(len(body) + 1)
            body[at:at] = dice.choice((word, word.upper(), word[:-1]))
        assert few.held(bytes(body)) == plainly.held(bytes(body)), body
        found += bool(few.held(bytes(body)))
    assert 1_000 < found < 5_500
    with pytest.raises(ValueError, match="at least"):
        scan.Words((b"abc",))
    with pytest.raises(ValueError, match="at most"):
        scan.Words((b"words",) * 300)


def test_exact_finds_the_same() -> None:
    for body in (*BODIES, *pages(300, 5)):
        evidence = [Evidence(Carrier.BODY, BASE, None, Access.OBTAINED, body)]
        for asset in (ASSET, Asset(BASE)):
            assert find(evidence, asset, ASKER) == find(evidence, asset, ASKER, exact=True), body


def test_empty_terms_are_left_out_of_a_record() -> None:
    said = Statement("licence.html", Use.TDM, Preference.ALLOW, terms=Terms())
    assert "terms" not in finding_record(said)


def test_what_costs_too_much_is_told_and_other_scripts_are_passed_by() -> None:
    deep = metadata.describe(b"<a rel=license href=/l>" + b"<div>" * 20_000, BASE)
    assert [f.kind for f in deep.faults] == [FaultKind.MALFORMED]
    assert metadata.describe(b'<script type="application/json">{"license": 1}</script><p><a rel=license href=/l>', BASE).properties
    assert [m.index for m in html._unplaced(b"<meta name=x><meta name=robots content=noai>")] == [2]
