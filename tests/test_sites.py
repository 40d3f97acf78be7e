"""The store of what sites say, without a network: when it asks, and when it asks again."""
from __future__ import annotations

from typing import Any

import pytest
from scrapy.http import Response

from crawler.evidence import decoded
from crawler.fetch import origin_of
from crawler.site import Sites, at_root
from rules import Access, Evidence, limits

from .loop import in_loop
from .webserver import bomb


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


class Answers:
    """A `get` that counts, and answers with what stands under the path."""

    def __init__(self, **status: int) -> None:
        self.status, self.asked = status, []  # type: ignore[var-annotated]  # its type does not matter

    async def __call__(self, url: str, limit: int) -> Any:
        self.asked.append(url)
        return Response(url, status=self.status.get(url.rpartition("/")[2].partition(".")[0], 404))


def ask(sites: Sites, url: str) -> tuple[Evidence, ...]:
    return in_loop(sites.of(url))


def test_a_site_is_asked_again_after_a_day() -> None:
    clock, get = Clock(), Answers(robots=200)
    sites = Sites(get, lambda asset, robots: True, clock)
    ask(sites, "http://a.example/1")
    once = len(get.asked)
    clock.now_s = limits.SITE_CACHE_S - 1
    ask(sites, "http://a.example/2")
    assert len(get.asked) == once
    clock.now_s = limits.SITE_CACHE_S
    ask(sites, "http://a.example/3")
    assert len(get.asked) == 2 * once


def test_a_site_that_did_not_answer_is_asked_sooner() -> None:
    clock, get = Clock(), Answers(robots=503)
    sites = Sites(get, lambda asset, robots: robots.access is not Access.UNREACHABLE, clock)
    assert ask(sites, "http://a.example/")[0].access is Access.UNREACHABLE
    clock.now_s = limits.SITE_RETRY_S
    ask(sites, "http://a.example/")
    assert get.asked == ["http://a.example/robots.txt"] * 2


def test_scheme_and_port_make_a_site() -> None:
    get = Answers()
    sites = Sites(get, lambda asset, robots: False)
    for url in ("http://a.example/", "https://a.example/", "http://a.example:8080/", "http://A.example:80/x", "http://u:p@a.example/"):
        ask(sites, url)
    assert get.asked == ["http://a.example/robots.txt", "https://a.example/robots.txt", "http://a.example:8080/robots.txt"]


def test_sites_are_forgotten_before_memory_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "SITES_CACHED", 3)
    sites = Sites(Answers(), lambda asset, robots: False)
    for i in range(5):
        ask(sites, f"http://{i}.example/")
    assert [bool(sites.known(f"http://{i}.example/")) for i in range(5)] == [False, False, True, True, True]


@pytest.mark.parametrize("url", ["ftp://x/", "http:///x", "x", "http://x:99999/", "http://[::1/"])
def test_what_is_no_site(url: str) -> None:
    with pytest.raises(ValueError):
        origin_of(url)


def test_root() -> None:
    assert at_root("http://user:secret@Example.org:81/a?b#c", "/robots.txt") == "http://Example.org:81/robots.txt"


def test_decoding_is_bounded() -> None:
    assert decoded(bomb(50 << 20), 1000) == (bytes(1000), False)
    assert decoded(bomb(1000), 4000) == (bytes(1000), True)
