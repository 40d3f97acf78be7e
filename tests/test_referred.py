"""Licences and policies that words refer to: what is asked for, what comes of it, what is kept. Real Scrapy, real servers."""
from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from scrapy import Request, Spider
from scrapy.http import Response

from crawler.documents import Documents, max_age_s
from crawler.once import together
from crawler.recorded import rows
from crawler.rerun import Outcome, replay
from rules import Access, Carrier, limits
from rules.model import Reference

from .crawling import crawl
from .loop import in_loop
from .webserver import Web, free_port, reply

ROBOTS = "User-agent: *\nAllow: /\nLicense: {licence}\n"
RSL = '<rsl xmlns="https://rslstandard.org/rsl"><content url="/"><license>{terms}</license></content></rsl>'
FREE, NO_TRAINING = RSL.format(terms='<permits type="usage">all</permits>'), RSL.format(terms='<prohibits type="usage">ai-train</prohibits>')
XML = "application/rsl+xml"
OFFER = json.dumps({"@context": ["http://www.w3.org/ns/odrl.jsonld", "http://www.w3.org/ns/tdmrep.jsonld"], "@type": "Offer",
                    "profile": "http://www.w3.org/ns/tdmrep", "permission": [{"action": "tdm:mine", "duty": [{"action": "obtainConsent"}]}]})
SITE = {"/robots.txt", "/.well-known/tdmrep.json", "/ai.txt", "/trust.txt", "/.well-known/trust.txt"}
EXTRA_LOOPBACK = {"MAYMINE_ALLOW_PRIVATE": ["127.0.0.1"], "DOWNLOAD_TIMEOUT": 2}


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def documents(answer: Callable[[str], Response], clock: Clock) -> tuple[Documents, list[str]]:
    asked: list[str] = []

    async def get(url: str, limit: int) -> Any:
        asked.append(url)
        return answer(url)

    async def leave(url: str) -> str:
        return "closed.example is closed" if "closed" in url else ""
    return Documents(get, leave, clock), asked


def licence(uri: str, carrier: Carrier = Carrier.RSL) -> Reference:
    return Reference(carrier, uri, "robots.txt line 1")


# ---- without a network

def test_a_document_is_fetched_once_for_all_and_again_when_it_is_old() -> None:
    clock = Clock()
    store, asked = documents(lambda url: Response(url, headers={"Cache-Control": "public, max-age=3600"}, body=b"x"), clock)
    one = licence("http://a.example/l.xml")

    async def crowd() -> Any:
        return await together(store.of([one, one, licence("http://a.example/l.xml", Carrier.TDM_POLICY)]) for _ in range(5))
    for evidence in in_loop(crowd()):
        assert [(e.carrier, e.access, e.uri) for e in evidence] == [
            (carrier, Access.OBTAINED, one.uri) for carrier in (Carrier.RSL, Carrier.TDM_POLICY)]
    assert len(asked) == 2
    for at_s, times in ((3599, 2), (3600, 3)):
        clock.now_s = at_s
        in_loop(store.of([one]))
        assert len(asked) == times


@pytest.mark.parametrize("said, good_s", [
    ("", 86_400), ("max-age=60", 300), ("no-cache, max-age=0", 300), ("MAX-AGE=7200", 7200), ("s-max-age=5", 86_400),
    ("max-age=99999999", 86_400), ('max-age="600"', 600), ("max-age=-1", 86_400)])
def test_how_long_it_is_fresh(said: str, good_s: int) -> None:
    clock = Clock()
    store, asked = documents(lambda url: Response(url, headers={"Cache-Control": said}, body=b"x"), clock)
    for at_s, times in ((0, 1), (good_s - 1, 1), (good_s, 2)):
        clock.now_s = at_s
        in_loop(store.of([licence("http://a.example/l.xml")]))
        assert len(asked) == times
    assert max_age_s(None) == limits.SITE_CACHE_S


def test_of_one_host_so_many_are_asked_for_in_a_day() -> None:
    clock = Clock()
    store, asked = documents(lambda url: Response(url, body=b"x"), clock)
    many = [licence(f"http://a.example:{80 + n % 2}/{n}") for n in range(limits.DOCUMENTS_OF_HOST + 2)]
    evidence = in_loop(store.of([*many, licence("http://b.example/")]))
    assert [e.access for e in evidence] == [Access.OBTAINED] * limits.DOCUMENTS_OF_HOST + [Access.NOT_COLLECTED] * 2 + [Access.OBTAINED]
    assert "of this host" in evidence[-2].detail
    clock.now_s = limits.SITE_CACHE_S
    assert in_loop(store.of(many[-1:]))[0].access is Access.OBTAINED
    assert len(asked) == limits.DOCUMENTS_OF_HOST + 2


def test_leave_is_asked_before_every_hop() -> None:
    store, asked = documents(lambda url: Response(url, 302, {"Location": "http://closed.example/l.xml"}), Clock())
    evidence, = in_loop(store.of([licence("http://a.example/l.xml")]))
    assert (evidence.access, evidence.detail, evidence.uri) == (
        Access.NOT_COLLECTED, "closed.example is closed", "http://a.example/l.xml")
    assert asked == ["http://a.example/l.xml"]


def test_memory_has_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "DOCUMENTS_CACHED", 3)
    monkeypatch.setattr(limits, "SITES_CACHED", 3)
    store, asked = documents(lambda url: Response(url, body=b"x"), Clock())
    for n in (0, 1, 2, 3, 0, 3):
        in_loop(store.of([licence(f"http://{n}.example/")]))
    assert len(asked) == 5
    assert len(store._hosts) == 3


# ---- with servers

def page(folder: Path, web: Web, settings: dict[str, Any] | None = None, paths: tuple[str, ...] = ("/page",)) -> dict[str, Any]:
    """Evidence and verdicts of the first page."""
    items, log = crawl(folder, "pages", {**EXTRA_LOOPBACK, **(settings or {})}, given="\n".join(web.url + p for p in paths), urls="-")
    assert "Traceback" not in log
    assert len(items) == len(paths)
    return items[0]


def verdict(item: dict[str, Any], use: str = "train-genai") -> str:
    found: str = item["verdicts"]["eu-dsm-art4"][use]
    return found


@pytest.mark.slow
@pytest.mark.parametrize("set_up, access, detail, train", [
    (lambda web: web.put("/l.xml", FREE, type=XML), "obtained", "", "permitted"),
    (lambda web: web.put("/l.xml", NO_TRAINING, type="text/plain"), "obtained", "", "prohibited"),
    (lambda web: None, "unavailable", "status 404", "undetermined"),
    (lambda web: web.put("/l.xml", status=500), "unreachable", "status 500", "undetermined"),
    (lambda web: web.put("/l.xml", status=403), "refused", "status 403", "undetermined"),
    (lambda web: web.hang("/l.xml"), "unreachable", "no answer in time", "undetermined"),
    (lambda web: web.put("/l.xml", FREE + " " * limits.RSL_BYTES), "truncated", "", "undetermined"),
    (lambda web: web.put("/robots.txt", ROBOTS.format(licence="/l.xml") + "Disallow: /l.xml"), "not-collected", "127.0.0.1: ", "undetermined"),
    (lambda web: web.redirects("/l.xml", 5, reply(NO_TRAINING)), "obtained", "", "prohibited"),
    (lambda web: web.redirects("/l.xml", 6, reply(FREE)), "unavailable", "more than 5 redirects", "undetermined"),
    (lambda web: web.put("/l.xml", status=302, fields=[("Location", f"http://127.0.0.2:{web.port}/l.xml")]), "not-collected",
     "not a public address", "undetermined"),
    (lambda web: web.put("/l.xml", status=302, fields=[("Location", "file:///etc/passwd")]), "unreachable", "leads nowhere", "undetermined"),
], ids=["allows", "prohibits", "404", "500", "403", "hangs", "long", "robots", "5 hops", "6 hops", "private hop", "no http"])
def test_a_licence_that_robots_txt_refers_to(set_up: Callable[[Web], Any], access: str, detail: str, train: str, tmp_path: Path) -> None:
    with Web() as web:
        web.put("/robots.txt", ROBOTS.format(licence=f"{web.url}/l.xml"), type="text/plain")
        web.put("/page", "<title>page</title>")
        set_up(web)
        item = page(tmp_path, web)
    found = item["evidence"]["rsl"]
    assert (found["access"], verdict(item)) == (access, train), found
    assert detail in found["detail"]
    assert found["uri"] == f"{web.url}/l.xml"


@pytest.mark.slow
def test_private_addresses_are_not_reached_by_way_of_a_licence(tmp_path: Path) -> None:
    with Web() as web, Web() as other:
        web.put("/robots.txt", ROBOTS.format(licence=f"http://127.0.0.2:{other.port}/l.xml"), type="text/plain")
        web.put("/page", "page")
        item = page(tmp_path, web)
        assert other.requests == []
    assert item["evidence"]["rsl"]["access"] == "not-collected"
    assert "127.0.0.2 is not a public address" in item["evidence"]["rsl"]["detail"]
    assert verdict(item) == "undetermined"


@pytest.mark.slow
def test_a_licence_on_another_site_asks_that_site_for_leave_alone(tmp_path: Path) -> None:
    with Web() as web, Web() as other:
        other.put("/l.xml", RSL.replace('url="/"', f'url="{web.url}/"').format(terms='<prohibits type="usage">ai-train</prohibits>'))
        web.put("/robots.txt", ROBOTS.format(licence=f"{other.url}/l.xml"), type="text/plain")
        web.otherwise(lambda target: reply(target, 200 if target.startswith("/p") else 404))
        item = page(tmp_path, web, paths=tuple(f"/p{n}" for n in range(30)))
        assert other.requests == ["/robots.txt", "/l.xml"]
        assert len(web.requests) == 30 + len(SITE)
        assert set(web.requests) == {f"/p{n}" for n in range(30)} | SITE
    assert verdict(item) == "prohibited"


@pytest.mark.slow
def test_a_page_names_a_licence_and_a_policy_and_the_run_replays(tmp_path: Path) -> None:
    run = tmp_path / "run"
    with Web() as web:
        web.put("/l.xml", FREE, type=XML)
        web.put("/p.json", OFFER, type="application/json", fields=[("Cache-Control", "max-age=60")])
        web.put("/page", f'<link rel="license" type="{XML}" href="{web.url}/l.xml">', fields=[
            ("tdm-reservation", "1"), ("tdm-policy", f"{web.url}/p.json")])
        web.put("/gone", "x", fields=[("tdm-reservation", "1"), ("tdm-policy", f"http://127.0.0.1:{free_port()}/p.json")])
        item = page(tmp_path, web, {"MAYMINE_RUN": str(run)}, ("/page", "/gone"))
    kept = {row.requested.rpartition("/")[2]: row for row in rows(run)}
    evidence = kept["page"].record["evidence"]
    assert [e["carrier"] for e in evidence][-3:] == ["body", "tdm-policy", "rsl"]
    assert all(kept["page"].locations[n] for n in (-1, -2))
    said = [f for f in kept["page"].record["findings"] if f.get("signal") == "tdmrep.policy"]
    assert said[0]["terms"] == {"url": f"{web.url}/p.json", "conditions": ["obtainConsent"]}
    assert kept["gone"].record["evidence"][-1]["access"] == "not-collected"      # nobody knows what robots.txt there says
    assert [f for f in kept["gone"].record["findings"] if f["kind"] == "fault"] == []
    assert verdict(item) == "prohibited"
    assert [r.outcome for r in replay(run)] == [Outcome.SAME] * 2


@pytest.mark.slow
def test_spiders_of_others_get_their_licences_recorded(tmp_path: Path) -> None:
    run = tmp_path / "run"
    with Web() as web:
        web.put("/l.xml", NO_TRAINING, type=XML)
        web.put("/robots.txt", ROBOTS.format(licence=f"{web.url}/l.xml"), type="text/plain")
        web.put("/page", "page")
        items, _ = crawl(tmp_path, "foreign", {**EXTRA_LOOPBACK, "MAYMINE_RUN": str(run), "SPIDER_MODULES": ["tests.test_referred"]},
                         url=f"{web.url}/page")
    assert items == [{"verdict": "prohibited"}]
    row, = rows(run)
    assert [e["carrier"] for e in row.record["evidence"]][-2:] == ["body", "rsl"]


class Foreign(Spider):
    """As a project of others has it."""
    name = "foreign"

    async def start(self) -> Any:
        yield Request(self.url)  # type: ignore[attr-defined]  # spiders get it when they are made

    def parse(self, response: Any) -> Any:
        told = next(iter(response.meta["maymine"].values()))
        return {"verdict": told["train-genai"]}
