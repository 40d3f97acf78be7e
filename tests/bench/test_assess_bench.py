"""One page with its robots.txt and its fields, from bytes to decisions, against a parse of the page alone, in one run."""
from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable

import pytest
from selectolax.lexbor import LexborHTMLParser

from rules import Asker, Asset, Carrier, Evidence, assess, policies
from rules.model import Access

pytestmark = pytest.mark.bench

PAGES, ROUNDS = 60, 5
ASKER = Asker("OurBot")
VOCABULARY = ("the of and to in painting photograph gallery exhibition water light colour artist studio work print canvas oil learn more about "
         "contact home shop cart")
ROBOTS = b"User-agent: *\nDisallow: /private/\nAllow: /\n\n" + b"".join(b"User-agent: %s\nDisallow: /\n\n" % t for t in (b"GPTBot", b"CCBot"))
FIELDS = (b"HTTP/1.1 200 OK\r\nDate: Mon, 01 Jan 2026 00:00:00 GMT\r\nContent-Type: text/html; charset=utf-8\r\nServer: nginx\r\n"
          b'Cache-Control: max-age=60\r\nETag: "abc%d"\r\nVary: Accept-Encoding\r\n')
HEADS = {
    "silent page": "",
    "with a robots meta": "<meta name=robots content='noai, noimageai'>",
    "with words of machines": "",
}
STORY = {"with words of machines": "<p>Our new course in machine learning and data mining shows how AI is made. Data are scraped no more.</p>\n"}


def page(number: int, what: str, size_bytes: int = 60_000) -> bytes:
    dice = random.Random(number)
    out = [f"<!doctype html><html><head><meta charset=utf-8><title>Page {number}</title><meta name=viewport content='width=device-width'>"
           f"{HEADS[what]}<link rel=stylesheet href=/a.css><script src=/x.js></script></head><body>", STORY.get(what, "")]
    held = 0
    while held < size_bytes:
        out.append(f"<p class='t'>{' '.join(dice.choices(VOCABULARY.split(), k=60))} <a href='/q/{held}'>it&#8217;s {held}</a></p>\n")
        held += len(out[-1])
    return "".join((*out, "<footer>&copy; 2026</footer></body></html>")).encode()


def seconds(run: Callable[[], Iterable[object]]) -> float:
    """CPU seconds of the fastest of some rounds."""
    def once() -> float:
        start = time.process_time()
        run()
        return time.process_time() - start
    return min(once() for _ in range(ROUNDS))


@pytest.mark.parametrize("what", HEADS)
def test_an_assessment_costs_about_as_much_as_a_parse(what: str, capsys: pytest.CaptureFixture[str]) -> None:
    policy = policies.load("eu-dsm-art4")
    bodies = [page(n, what) for n in range(PAGES)]

    def ours() -> list[object]:
        return [assess(Asset(f"https://e.example/p/{n}", "text/html"), (
            Evidence(Carrier.ROBOTS_TXT, "https://e.example/robots.txt", None, Access.OBTAINED, ROBOTS),
            Evidence(Carrier.HTTP_FIELDS, f"https://e.example/p/{n}", None, Access.OBTAINED, FIELDS % n),
            Evidence(Carrier.BODY, f"https://e.example/p/{n}", None, Access.OBTAINED, body)), policy, ASKER)
            for n, body in enumerate(bodies)]

    ours()
    assessed, parsed = seconds(ours) / PAGES, seconds(lambda: [LexborHTMLParser(body) for body in bodies]) / PAGES
    with capsys.disabled():
        print(f"\n{what}: assess {assessed * 1e6:.0f} us ({1 / assessed:.0f}/s), a parse {parsed * 1e6:.0f} us: ratio {assessed / parsed:.2f}")
    assert assessed < 20 * parsed
