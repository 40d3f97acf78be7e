"""The checks of an audit by themselves, on values; what needs a site is in test_audit_site.py."""
from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.audit import checks, checks_robots
from crawler.audit.findings import kinds
from crawler.audit.hosts import host_of
from crawler.audit.report import from_json, made, to_json
from crawler.audit.site import Seen, Site, doors, let_go, origin, spread
from crawler.audit.visit import Collected, Visitor
from crawler.commands.audit import exit_code
from crawler.frontier import Frontier
from rules import Access, Asker, Asset, Carrier, Evidence, find

AT = datetime(2026, 11, 26, tzinfo=UTC)
HOME = "https://art.example/"
ROBOTS = b"User-agent: GPTBot\nDisallow: /\n\nUser-agent: *\nDisallow:\nContent-Usage: train-ai=n\n"
PAGE = b"<!doctype html><html><head><title>x</title></head><body><p>Prints</p></body></html>"
FIELDS = b"HTTP/1.1 200 OK\r\ntdm-reservation: 1\r\n"


@pytest.fixture(autouse=True, scope="module")
def _no_processes() -> Iterator[None]:
    """The reading of 1996 asks a process of its own; test_audit_site.py asks it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checks_robots, "opinions", lambda *asked: ())
        yield


def evidence(carrier: Carrier, uri: str, body: bytes | None, status: int = 404, access: Access = Access.UNAVAILABLE) -> Evidence:
    return Evidence(carrier, uri, AT, access, status=status) if body is None else Evidence(carrier, uri, AT, Access.OBTAINED, body, 200)


def seen(url: str = HOME, body: bytes | None = PAGE, fields: bytes = FIELDS, robots: bytes | None = ROBOTS, type: str = "text/html",
         **more: object) -> tuple[Seen, tuple[Evidence, ...]]:
    """One address and its evidence, whole."""
    root = origin(url)
    asset = Asset(url, type, **{k: v for k, v in more.items() if k in ("embedder", "variant_of")})  # type: ignore[arg-type]  # as the caller names them
    whole = (evidence(Carrier.ROBOTS_TXT, f"{root}/robots.txt", robots), evidence(Carrier.TDMREP_JSON, f"{root}/.well-known/tdmrep.json", None),
             evidence(Carrier.HTTP_FIELDS, url, fields), evidence(Carrier.BODY, url, body))
    came = whole[-1]
    return Seen(url, asset, came.access, came.status, "", tuple(map(let_go, whole)), find(whole, asset, Asker("maymine"))), whole


def site(home: tuple[Seen, tuple[Evidence, ...]] | None = None, **more: object) -> Site:
    one, whole = home or seen()
    made = Site(HOME, AT, one, whole, pages=(one,) if one.came else (), unseen=() if one.came else (one,), origins={origin(one.asset.url): one.evidence[:2]})
    return replace(made, **more)  # type: ignore[arg-type]  # as the caller names them


def to_mend(of: Site) -> list[str]:
    return [f.id for f in checks.found(of) if f.kind.fix]


def test_a_small_clean_site_has_nothing_to_mend():
    assert to_mend(site()) == []
    assert exit_code(made(site())) == 0


def test_nothing_said_is_told_once():
    silent = site(seen(fields=b"HTTP/1.1 200 OK\r\n", robots=b"User-agent: *\nDisallow: /admin/\n"))
    assert to_mend(silent) == ["OO001"]
    assert exit_code(made(silent)) == 1
    nothing = site(seen(fields=b"HTTP/1.1 200 OK\r\n", robots=None))
    assert to_mend(nothing) == ["OO001"]


def test_two_licences_on_one_thing():
    links = b'<link rel=license href="https://creativecommons.org/licenses/by/4.0/"><link rel=license href="https://creativecommons.org/licenses/by-nc/4.0/">'
    found = to_mend(site(seen(body=PAGE.replace(b"</head>", links + b"</head>"), fields=b"HTTP/1.1 200 OK\r\n")))
    assert "OO503" in found or "OO502" in found
    only = to_mend(site(seen(body=PAGE.replace(b"</head>", links + b"</head>"), fields=b"HTTP/1.1 200 OK\r\n", robots=b"User-agent: *\nDisallow:\n")))
    assert "OO503" in only


@pytest.mark.parametrize("url, others", [
    ("https://art.example/", ["http://art.example/", "https://www.art.example/", "http://www.art.example/"]),
    ("http://www.art.example/", ["https://www.art.example/", "https://art.example/", "http://art.example/"]),
    ("http://art.example:8080/", []), ("http://127.0.0.1/", []), ("http://[::1]/", []), ("http://localhost/", []),
])
def test_the_other_doors_of_a_house(url, others):
    assert sorted(doors(url)) == sorted(others)


def test_links_to_any_door_are_followed_and_to_nobody_else():
    visitor = Visitor(HOME, 5, 5, Collected(HOME))
    assert visitor.hosts == {"art.example", "www.art.example"}
    visitor.frontier = Frontier()
    visitor.frontier.add([HOME], 0)
    found = [f"{HOME}work/a", f"{HOME}work/b.pdf", "https://www.art.example/b", "https://other.example/", f"{HOME}site.css", "https://art.example:8443/x"]
    asked = {r.url for r in visitor._keep(found, 1, HOME)}
    assert asked == {f"{HOME}work/a", "https://www.art.example/b", "https://art.example:8443/x"}
    assert not visitor._keep([f"{HOME}{n}" for n in range(9)], 1, HOME)[1:]      # five pages in all, the home page is one


def test_doors_that_say_otherwise_are_told_and_those_that_only_redirect_are_not():
    www, _ = seen("https://www.art.example/", robots=b"User-agent: *\nDisallow:\n")
    robots = {"https://www.art.example": www.evidence[:2], "https://art.example": seen()[0].evidence[:2]}
    assert to_mend(site(doors={"https://www.art.example/": www}, origins=robots)) == ["OO121"]
    redirected = replace(www, asset=Asset(HOME, "text/html"))
    assert to_mend(site(doors={"https://www.art.example/": redirected}, origins=robots)) == []
    gone = replace(www, access=Access.UNREACHABLE)
    assert to_mend(site(doors={"https://www.art.example/": gone}, origins=robots)) == []
    alike, _ = seen("http://art.example/")
    assert to_mend(site(doors={"http://art.example/": alike}, origins={**robots, "http://art.example": alike.evidence[:2]})) == []
    bare, _ = seen("http://art.example/", robots=None)
    assert to_mend(site(doors={"http://art.example/": bare}, origins={**robots, "http://art.example": bare.evidence[:2]})) == ["OO121"]


def test_a_site_that_does_not_answer_is_no_finding_and_is_not_clean():
    silent = Evidence(Carrier.ROBOTS_TXT, f"{HOME}robots.txt", AT, Access.UNREACHABLE, detail="no such host")
    home = Seen(HOME, Asset(HOME), Access.UNREACHABLE, None, "no such host", (silent,), ())
    of = Site(HOME, AT, home, (silent,), unseen=(home,))
    assert [f.id for f in checks.found(of)] == ["OO901"]
    assert exit_code(made(of)) == 3


def test_what_was_not_fetched_is_told_by_its_reason():
    kept = Seen(f"{HOME}a", Asset(f"{HOME}a"), Access.NOT_COLLECTED, None, "art.example: robots.txt ...", (), ())
    lost = Seen(f"{HOME}b", Asset(f"{HOME}b"), Access.UNAVAILABLE, 404, "status 404", (), ())
    of = site(unseen=(kept, lost, replace(lost, requested=f"{HOME}c")))
    assert {f.id: f.parameters["n"] for f in checks.found(of) if f.id.startswith("OO9")} == {"OO902": 1, "OO903": 2}
    assert to_mend(of) == []


def test_a_firewall_that_only_turns_pages_away_is_not_told():
    assert to_mend(site(answers={"GPTBot": 200, "CCBot": 200})) == []
    assert to_mend(site(answers={"GPTBot": 403, "CCBot": 200})) == ["OO122"]
    assert made(site(answers={"GPTBot": 200})).as_agents


@pytest.mark.parametrize("line, finding", [
    (b"Content-Usage: train-ai=n", None), (b"Content-Usage: /img/ train-ai=n", None), (b"Content-Usage: /img/ train-ai = n", "OO111"),
    (b"Content-Usage: Train-AI=N", "OO111"), (b"Content-Signal: ai-train=no", None), (b"Content-Signal: AI-Train = No", "OO111"),
    (b"Disallow: /a # \xe2\x80\x93", None), (b"Disallow: /a\xe2\x80\x93b", None), (b"User-agent: Kangaroo Bot", None),
    (b"User-agent: img2dataset", None), (b"User-agent: GPT Bot", "OO112"), (b"User-agent: PetalBot;v2", "OO112"),
    (b"User-agent: MJ12bot", None), (b"User-agent: Download Ninja", None), (b"Disallow: /a/the-warrior\xe2\x80\x99s-guide/", None),
    (b"User\xe2\x80\x93agent: x", "OO113"), (b"Content-Usage: train\xe2\x80\x91ai=n", "OO113"), (b"Allow: .js", None), (b"Disallow /a", "OO114"), (b"Disallow: a", "OO123"),
    (b"Disallow: *.pdf$", None), (b"Crawl-delay: 3", None), (b"Sitemap: https://art.example/s.xml", None), (b"# Disallow: a", None),
])
def test_line_by_line(line, finding):
    body = b"User-agent: Bytespider\n" + line + b"\nDisallow: /\n\n" + ROBOTS
    assert to_mend(site(seen(robots=body))) == ([finding] if finding else [])


def test_whom_it_reaches_is_computed_by_the_engine():
    told = checks_robots.reach(Asset(HOME), evidence(Carrier.ROBOTS_TXT, f"{HOME}robots.txt", ROBOTS))
    assert told.turned_away == ["GPTBot"]
    assert len(told.reached) == len(told.rows) == len(checks_robots.trainers())
    none = checks_robots.reach(Asset(HOME), evidence(Carrier.ROBOTS_TXT, f"{HOME}robots.txt", b""))
    assert not none.reached
    assert none.missed == list(checks_robots.trainers())


@pytest.mark.parametrize("fields, head, host", [
    (b"Server: nginx/1.22", b"", "nginx"), (b"Server: Apache/2.4", b"", "apache"), (b"Server: Squarespace", b"", "squarespace"),
    (b"Server: nginx", b'<meta name="generator" content="WordPress 6.9">', "wordpress"), (b"server: GitHub.com", b"", "github-pages"),
    (b"Server: cloudflare", b'<META NAME=Generator content="Wix.com Website Builder">', "wix"), (b"X-Powered-By: Next.js", b"", "next"),
    (b"Server: own", b"", ""), (b"Server: own", b"<p>generator wordpress</p>", ""),
])
def test_what_a_site_runs_on(fields, head, host):
    of = site(seen(body=PAGE.replace(b"</head>", head + b"</head>"), fields=b"HTTP/1.1 200 OK\r\n" + fields + b"\r\ntdm-reservation: 1\r\n"))
    assert host_of(of) == host
    assert made(of, "caddy").host == "caddy"


def test_a_sample_sees_every_section():
    urls = [f"{HOME}work/{n}" for n in range(9)] + [f"{HOME}press/{n}" for n in range(3)] + [HOME + "about"]
    first = spread(urls)[:3]
    assert {u.split("/")[3] for u in first} == {"work", "press", "about"}
    assert sorted(spread(urls)) == sorted(urls)
    assert spread([]) == []


@given(st.data())
@settings(max_examples=30, deadline=None)
def test_whatever_a_site_sends_there_is_a_report(data):
    """Bytes of any kind, and those that almost say something."""
    words = st.sampled_from([b"User-agent: ", b"GPTBot", b"\nDisallow: ", b"/", b"Content-Usage: train-ai=n", b"\n\n", b"*", b"\xe2\x80\x93", b"=", b"[{",
                             b'"location": "/"', b'"tdm-reservation": 1', b"}]", b",", b"tdm-reservation: 1\r\n", b"X-Robots-Tag: no-ai, noia\r\n",
                             b"<meta name=robots content=noai>", b"<head>", b"</head>", b"\x00", b"\xff"])
    body = st.lists(words | st.binary(max_size=8), max_size=30).map(b"".join)
    robots, tdmrep, fields, page = (data.draw(body) for _ in range(4))
    one, whole = seen(body=page, fields=b"HTTP/1.1 200 OK\r\n" + fields, robots=robots)
    whole = (whole[0], evidence(Carrier.TDMREP_JSON, f"{HOME}.well-known/tdmrep.json", tdmrep), *whole[2:])
    one = replace(one, evidence=tuple(map(let_go, whole)), findings=find(whole, one.asset, Asker("maymine")))
    report = made(Site(HOME, AT, one, whole, pages=(one,), origins={origin(HOME): one.evidence[:2]}))
    assert from_json(to_json(report)) == report


def test_very_long_words_cost_no_more_than_they_are_worth():
    many = b"X-Robots-Tag: " + b"noaii, " * 9_000 + b"\r\n"
    began = time.monotonic()
    robots = (b"User-agent: x\n" + b"Content-Usage: a = n\n" * 20_000)[:400_000]
    found = to_mend(site(seen(fields=FIELDS + many, robots=robots + b"\n" + ROBOTS)))
    assert {"OO111", "OO306"} <= set(found)
    assert time.monotonic() - began < 60


def test_the_table_of_findings_is_sound():
    ids = list(kinds())
    assert ids == sorted(ids)
    assert all(kind.url.startswith("https://") for kind in kinds().values())
