"""What is asked of a server, in which order, and what its answers mean: real Scrapy against real servers.

One crawl visits a server a case; each has its own port, and so is a site of its own.
"""
from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from rules import limits

from .crawling import crawl
from .webserver import Listener, Web, bomb, free_port, reply

pytestmark = pytest.mark.slow

ROBOTS, TDMREP = "/robots.txt", "/.well-known/tdmrep.json"
FORBID = "User-agent: *\nDisallow: /page\n"
TEXT = [("Content-Type", "text/plain")]
OTHERS = ("/ai.txt", "/trust.txt", "/.well-known/trust.txt")


@dataclass(frozen=True)
class Case:
    """How a server is set up, what it must be asked, and what must be on record."""
    name: str
    set_up: Callable[[Web], object]
    asked: list[str]
    access: dict[str, str]                           # carrier -> access
    target: str = "/page"
    detail: dict[str, str] = field(default_factory=dict)


def robots(answer: bytes) -> Callable[[Web], object]:
    return lambda web: web.raw(ROBOTS, answer, keep=True)


def chain(web: Web, hops: int) -> None:
    web.redirects(ROBOTS, hops, reply(FORBID, 200, TEXT))


def elsewhere(path: str, location: str) -> Callable[[Web], object]:
    return lambda web: web.put(path, status=302, fields=[("Location", location.format(port=web.port))])


GONE = {"http-fields": "not-collected", "body": "not-collected"}
CAME = {"http-fields": "obtained", "body": "obtained"}
LOST = {"http-fields": "unreachable", "body": "unreachable"}
STEPS = [f"{ROBOTS}.{i}" for i in range(1, 6)]
NEVER = {"robots.txt": "unreachable", "tdmrep.json": "not-collected", **GONE}
UNASKED = {**NEVER, "robots.txt": "not-collected"}
PAGE = [ROBOTS, TDMREP, "/page"]
CHUNKED = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n4\r\ntext\r\n0\r\n\r\n"

CASES = [
    # robots.txt
    Case("lets us", robots(reply("User-agent: *\nDisallow: /other\n", 200, TEXT)), PAGE, {"robots.txt": "obtained", **CAME}),
    Case("forbids the page", robots(reply(FORBID, 200, TEXT)), [ROBOTS, TDMREP], {"robots.txt": "obtained", **GONE},
         detail={"body": "Disallow"}),
    Case("forbids all", robots(reply("User-agent: maymine\nDisallow: /\n", 200, TEXT)), [ROBOTS],
         {"robots.txt": "obtained", "tdmrep.json": "not-collected", **GONE}),
    Case("5 redirects", lambda web: chain(web, 5), [ROBOTS, *STEPS, TDMREP], {"robots.txt": "obtained", **GONE}),
    Case("6 redirects", lambda web: chain(web, 6), [ROBOTS, *STEPS, TDMREP, "/page"], {"robots.txt": "unavailable", **CAME}),
    Case("circle", elsewhere(ROBOTS, ROBOTS), PAGE, {"robots.txt": "unavailable", **CAME}),
    Case("redirect to no http", elsewhere(ROBOTS, "ftp://example.org/robots.txt"), [ROBOTS], NEVER),
    Case("redirect without place", robots(reply("", 301)), [ROBOTS], NEVER),
    Case("redirect to private", elsewhere(ROBOTS, "http://127.0.0.2:{port}/robots.txt"), [ROBOTS], UNASKED,
         detail={"robots.txt": "not asked: 127.0.0.2 is not a public address; --allow-private lets it be asked"}),
    *(Case(f"status {s}", robots(reply(FORBID, s)), PAGE, {"robots.txt": a, **CAME})
      for s, a in [(404, "unavailable"), (410, "unavailable"), (401, "refused"), (403, "refused")]),
    *(Case(f"status {s}", robots(reply("", s)), [ROBOTS], NEVER) for s in (304, 429, 500, 503)),
    Case("timeout", lambda web: web.hang(ROBOTS), [ROBOTS], NEVER, detail={"robots.txt": "no answer in time"}),
    Case("drip", lambda web: web.drip(ROBOTS, reply("#" * 1000, 200), .05), [ROBOTS], NEVER),
    Case("not http", robots(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"), [ROBOTS], NEVER),
    Case("closed early", lambda web: web.raw(ROBOTS, reply(FORBID)[:-5]), [ROBOTS], NEVER),
    Case("2 MB", robots(reply(FORBID + "# filler\n" * 230_000, 200, TEXT)), [ROBOTS, TDMREP], {"robots.txt": "truncated", **GONE}),
    Case("8 MB", robots(reply(FORBID + "# filler\n" * 930_000, 200, TEXT)), [ROBOTS, TDMREP], {"robots.txt": "truncated", **GONE}),
    Case("gzip", robots(reply(gzip.compress(FORBID.encode()), 200, [("Content-Encoding", "gzip")])), [ROBOTS, TDMREP],
         {"robots.txt": "obtained", **GONE}),
    Case("gzip bomb", robots(reply(gzip.compress(FORBID.encode() + bytes(200 << 20)), 200, [("Content-Encoding", "gzip")])),
         [ROBOTS, TDMREP], {"robots.txt": "truncated", **GONE}),
    Case("no gzip at all", robots(reply(FORBID, 200, [("Content-Encoding", "gzip")])), [ROBOTS], NEVER),
    # tdmrep.json
    Case("tdmrep", lambda web: web.put(TDMREP, "[]", type="application/json"), PAGE, {"tdmrep.json": "obtained", **CAME}),
    Case("tdmrep 404", lambda web: None, PAGE, {"tdmrep.json": "unavailable", **CAME}),
    Case("tdmrep 500", lambda web: web.put(TDMREP, status=500), PAGE, {"tdmrep.json": "unreachable", **CAME}),
    Case("tdmrep forbidden", robots(reply("User-agent: *\nDisallow: /.well-known/\n", 200, TEXT)), [ROBOTS, "/page"],
         {"tdmrep.json": "not-collected", **CAME}),
    # pages
    Case("page 404", lambda web: None, [ROBOTS, TDMREP, "/none"], {"http-fields": "obtained", "body": "unavailable"}, "/none"),
    Case("page 403", lambda web: web.put("/page", "no", 403), PAGE, {"http-fields": "obtained", "body": "refused"}),
    Case("page 500", lambda web: web.put("/page", "no", 500), PAGE, {"http-fields": "obtained", "body": "unreachable"}),
    Case("page hangs", lambda web: web.hang("/page"), PAGE, LOST, detail={"body": "no answer in time"}),
    Case("page cut", lambda web: web.raw("/page", reply("x" * 5000)[:-2000]), PAGE, LOST),
    Case("page bomb", lambda web: web.put("/page", bomb(300 << 20), fields=[("Content-Encoding", "gzip")]), PAGE,
         {"http-fields": "obtained", "body": "truncated"}),
    Case("page large", lambda web: web.put("/page", bytes(limits.MEDIA_BYTES + 1000)), PAGE,
         {"http-fields": "obtained", "body": "truncated"}),
    Case("page announced huge", lambda web: web.raw("/page", b"HTTP/1.1 200 OK\r\nContent-Length: 9000000000\r\n\r\nx"), PAGE,
         {"http-fields": "obtained", "body": "truncated"}),
    Case("page chunked", lambda web: web.raw("/page", CHUNKED), PAGE, CAME),
    Case("page read to the close", lambda web: web.put("/page", "until the end", length=False), PAGE, CAME),
    Case("page redirected", lambda web: web.put("/page.0", status=301, fields=[("Location", "/page")]),
         [ROBOTS, TDMREP, "/page.0", "/page"], CAME, "/page.0"),
    Case("page redirected too often", lambda web: web.redirects("/r", 6, reply("x")),
         [ROBOTS, TDMREP, "/r", *(f"/r.{i}" for i in range(1, 6))], {"http-fields": "unavailable", "body": "unavailable"}, "/r"),
    Case("page redirected to private", elsewhere("/page", "http://127.0.0.2:{port}/x"), PAGE,
         {"robots.txt": "not-collected", **GONE}),
    Case("page redirected to forbidden", lambda web: (web.put("/page.0", status=301, fields=[("Location", "/page")]),
                                                      web.put(ROBOTS, "User-agent: *\nDisallow: /page$\n")),
         [ROBOTS, TDMREP, "/page.0"], GONE, "/page.0"),
]
REFUSED_SPELLINGS = ["http://127.0.0.2:{port}/", "http://2130706434:{port}/", "http://0x7f.0.0.2:{port}/", "http://0177.0.0.2:{port}/",
                     "http://127.2:{port}/", "http://[::1]:{port}/", "http://[::ffff:127.0.0.2]:{port}/", "http://①②⑦.⓪.⓪.②:{port}/idna",
                     "http://169.254.169.254/latest/meta-data/"]
NO_HTTP = ["ftp://127.0.0.1/x", "file:///etc/passwd", "gopher://127.0.0.1/"]


@dataclass
class Crawled:
    webs: dict[str, Web]
    pages: dict[str, dict[str, Any]]
    log: str
    refused_port: int


@pytest.fixture(scope="module")
def crawled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crawled]:
    with ExitStack() as stack:
        webs: dict[str, Web] = {}
        for case in CASES:
            web = webs[case.name] = stack.enter_context(Web())
            web.put("/page", "<title>page</title>")
            case.set_up(web)
        crowd = webs["crowd"] = stack.enter_context(Web())
        crowd.otherwise(lambda target: reply(target, 200 if target.startswith("/p") else 404))
        port = free_port()
        urls = [webs[case.name].url + case.target for case in CASES]
        urls += [f"{crowd.url}/p{i}" for i in range(40)]
        urls += [f"http://127.0.0.1:{port}/", *NO_HTTP, "no url"]
        items, log = crawl(tmp_path_factory.mktemp("crawl"), "pages", {
            "MAYMINE_ALLOW_PRIVATE": ["127.0.0.1"], "CONCURRENT_REQUESTS": 64, "DOWNLOAD_TIMEOUT": 3}, given="\n".join(urls), urls="-")
        requested = [item["requested"] for item in items]
        assert len(requested) == len(set(requested))
        yield Crawled(webs, {item["requested"]: item for item in items}, log, port)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_is_asked_and_what_is_on_record(case: Case, crawled: Crawled) -> None:
    web = crawled.webs[case.name]
    assert [t for t in web.requests if t not in OTHERS] == case.asked
    evidence = crawled.pages[web.url + case.target]["evidence"]
    assert {carrier: evidence[carrier]["access"] for carrier in case.access} == case.access
    for carrier, words in case.detail.items():
        assert words in evidence[carrier]["detail"]


def test_no_page_is_lost(crawled: Crawled) -> None:
    assert "Traceback" not in crawled.log
    assert len(crawled.pages) == len(CASES) + 40 + 1 + len(NO_HTTP)


def test_a_site_is_asked_once_for_all_who_wait(crawled: Crawled) -> None:
    asked = [t for t in crawled.webs["crowd"].requests if t not in OTHERS]
    assert asked[:2] == [ROBOTS, TDMREP]
    assert sorted(asked[2:]) == sorted(f"/p{i}" for i in range(40))


def test_nobody_listens(crawled: Crawled) -> None:
    evidence = crawled.pages[f"http://127.0.0.1:{crawled.refused_port}/"]["evidence"]
    assert {name: e["access"] for name, e in evidence.items() if name in NEVER} == NEVER


@pytest.mark.parametrize("resolver", ["CachingThreadedResolver", "CachingHostnameResolver"])
def test_private_addresses_are_not_reached_in_any_spelling(resolver: str, tmp_path: Path) -> None:
    with Web() as web:
        urls = [url.format(port=web.port) for url in REFUSED_SPELLINGS]
        pages, _ = crawl(tmp_path, "pages", {"MAYMINE_ALLOW_PRIVATE": ["127.0.0.1"], "DOWNLOAD_TIMEOUT": 3,
                                             "TWISTED_DNS_RESOLVER": f"scrapy.resolver.{resolver}"}, given="\n".join(urls), urls="-")
        assert web.requests == []
    assert len(pages) == len(urls)
    for page in pages:
        assert page["evidence"]["body"]["access"] == "not-collected"
        robots = page["evidence"]["robots.txt"]
        if "[" not in page["requested"] or resolver == "CachingHostnameResolver":        # the other knows IPv4 only
            assert robots["access"] == "not-collected"
            assert "is not a public address" in robots["detail"], page["requested"]
            assert ("--allow-private" in robots["detail"]) == ("169.254" not in page["requested"])
        else:
            assert robots["access"] in ("not-collected", "unreachable")


def test_why_nothing_came_is_told_in_words(tmp_path: Path) -> None:
    with Web() as web, Listener(b"HTTP/1.1 400 Bad Request\r\n\r\n") as plain, Listener(b"") as closes:
        web.raw(ROBOTS, b"SSH-2.0-OpenSSH_9.2\r\n\r\n")
        want = {
            "http://no-such-host.invalid/": "no such host: no-such-host.invalid (check the address, or the connection)",
            f"https://127.0.0.1:{plain.port}/": "the server does not speak TLS here; try http://",
            f"https://127.0.0.1:{closes.port}/": "the server closed the connection before it had answered",
            f"http://127.0.0.1:{closes.port}/": "the server closed the connection before it had answered",
            f"http://127.0.0.1:{free_port()}/": "nobody listens there: the connection was refused",
            f"{web.url}/": "what came is no HTTP",
        }
        pages, _ = crawl(tmp_path, "pages", given="\n".join(want), urls="-")
    assert {page["requested"]: page["evidence"]["robots.txt"]["detail"] for page in pages} == want


def test_only_http_leaves(crawled: Crawled) -> None:
    for url in NO_HTTP:
        assert crawled.pages[url]["evidence"]["body"]["access"] == "not-collected"
    assert "'no url' is no URL" in crawled.log


def test_who_asks_says_so(crawled: Crawled) -> None:
    for head in crawled.webs["lets us"].heads:
        assert b"User-Agent: maymine/0.1.0 (+https://example.org/bot)\r\n" in head


def test_repeated_fields_are_kept(crawled: Crawled) -> None:
    redirected = crawled.pages[crawled.webs["page redirected"].url + "/page.0"]
    assert redirected["url"].endswith("/page")
    assert redirected["evidence"]["http-fields"]["head"].startswith("HTTP/1.1 200 OK\r\n")


def one_page(folder: Path, settings: dict[str, Any], **more: Any) -> tuple[list[str], list[dict[str, Any]], str]:
    """What one server was asked on the way to one page, the items, and the log."""
    with Web() as web:
        web.put("/page", "page")
        items, log = crawl(folder, "pages", settings, given=f"{web.url}/page", urls="-", **more)
        return web.requests, items, log


def test_a_proxy_is_used_only_if_it_is_trusted(tmp_path: Path) -> None:
    with Web() as proxy:
        proxy.otherwise(lambda target: reply("through the proxy", 404 if target.endswith((".txt", ".json")) else 200))
        env = {"http_proxy": proxy.url, "no_proxy": ""}
        asked, items, _ = one_page(tmp_path, {}, env=env)
        assert (asked, proxy.requests) == ([], [])
        assert "MAYMINE_TRUST_PROXY" in items[0]["evidence"]["body"]["detail"]
        asked, items, _ = one_page(tmp_path, {"MAYMINE_TRUST_PROXY": True}, env=env)
        assert asked == []
        assert [target.rpartition("/")[2] for target in proxy.requests if not target.endswith(OTHERS)] == [
            "robots.txt", "tdmrep.json", "page"]


def test_who_asks_must_be_who_is_named(tmp_path: Path) -> None:
    asked, items, _ = one_page(tmp_path, {"USER_AGENT": "Mozilla/5.0 (X11)", "MAYMINE_TOKEN": "maymine"})
    assert asked == []
    assert "does not name 'maymine'" in items[0]["evidence"]["body"]["detail"]


def test_a_handler_that_looks_names_up_by_itself_is_refused(tmp_path: Path) -> None:
    handler = "scrapy.core.downloader.handlers._aiohttp.AiohttpDownloadHandler"
    asked, items, log = one_page(tmp_path, {"DOWNLOAD_HANDLERS": {"http": handler}})
    assert (asked, items) == ([], [])
    assert f"'{handler}' for http" in log


# tdm under eu-dsm-art4, for the cases above
PERMITTED = {"lets us", "6 redirects", "circle", "status 404", "status 410", "status 401", "status 403", "tdmrep", "tdmrep 404",
             "page chunked", "page read to the close", "page redirected"}
PROHIBITED = {"forbids the page", "forbids all", "5 redirects", "2 MB", "8 MB", "gzip", "gzip bomb", "page redirected to forbidden"}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_it_comes_to(case: Case, crawled: Crawled) -> None:
    verdict = crawled.pages[crawled.webs[case.name].url + case.target]["verdicts"]["eu-dsm-art4"]["tdm"]
    assert verdict == ("permitted" if case.name in PERMITTED else "prohibited" if case.name in PROHIBITED else "undetermined")
