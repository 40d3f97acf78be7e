"""All signals of a page against extruct with all its syntaxes, in one run."""
from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from rules import Asker, Asset, Carrier, Evidence
from rules.model import Access
from rules.signals import READERS, SIGNALS

pytestmark = pytest.mark.bench

ROUNDS = 7
PROSE = SIGNALS["prose.html"].read   # natural language, sentence by sentence, where a page holds words that could be a notice
ASSET, ASKER = Asset("https://site.example/a", "text/html"), Asker("OurBot")
HEAD = ('<!doctype html><html lang="en"><head><meta charset="utf-8"><title>A day at the sea</title><meta name="viewport" content="width=device-width">'
        '<meta name="description" content="x"><meta property="og:title" content="A day at the sea"><meta property="og:type" content="article">'
        '<link rel="stylesheet" href="/a.css"><link rel="canonical" href="https://site.example/a"><script>var relation = {a: 1};</script>'
        '<script type="application/ld+json">{"@context": "https://schema.org", "@type": "NewsArticle", "headline": "x", "author": {"name": "y"}}</script>')
SPOKEN = ('<meta name="robots" content="noai, noimageai"><meta name="tdm-reservation" content="1"><meta name="dcterms.license" '
          'content="https://creativecommons.org/licenses/by/4.0/"><link rel="license" href="https://creativecommons.org/licenses/by/4.0/">'
          '<script type="application/ld+json">{"@type": "Article", "license": "https://creativecommons.org/licenses/by/4.0/"}</script>')
STORY = "".join(
    f'<section class="part" id="s{n}"><h2>Part {n}</h2><p itemscope itemtype="https://schema.org/Thing"><span itemprop="name">The sea</span> was '
    f'calm &amp; wide, and <a class="link" href="/t/{n}" rel="nofollow">nobody</a> spoke.</p><ul><li>salt<li>sand<li>wind</ul>'
    f'<img src="/i/{n}.jpg" alt="a boat" loading="lazy"></section>' for n in range(175))


def page(head: str) -> bytes:
    return f"{HEAD}{head}</head><body>{STORY}</body></html>".encode()


def fastest(run: Callable[[], object]) -> float:
    """CPU seconds of the fastest of some rounds."""
    def once() -> float:
        start = time.process_time()
        run()
        return time.process_time() - start
    return min(once() for _ in range(ROUNDS))


def our_reading(body: bytes, *, prose: bool = True) -> None:
    fresh = bytes(bytearray(body))   # or the readers would remember it
    for read in READERS[Carrier.BODY]:
        if not prose and read is PROSE:
            continue
        read(Evidence(Carrier.BODY, ASSET.url, None, Access.OBTAINED, fresh), ASSET, ASKER)


@pytest.mark.parametrize("head, times", [("", 20), (SPOKEN, 10)], ids=["silent page", "page that speaks"])
@pytest.mark.filterwarnings("default")      # of extruct's own readers
def test_the_signals_of_a_page_cost_a_small_part_of_extruct(head: str, times: int, capsys: pytest.CaptureFixture[str]) -> None:
    from extruct import extract

    body = page(head)
    our_reading(body)
    everything, words = fastest(lambda: our_reading(body)), fastest(lambda: our_reading(body, prose=False))
    theirs = fastest(lambda: extract(body, base_url=ASSET.url))
    with capsys.disabled():
        print(f"\n{len(body)} bytes: signals {words * 1e6:.0f} us, with prose {everything * 1e6:.0f} us, extruct {theirs * 1e6:.0f} us: "
              f"{theirs / words:.0f} and {theirs / everything:.0f} times")
    assert theirs > times * words
    if not head:
        assert theirs > 10 * everything
