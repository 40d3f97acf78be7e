"""What the spiders ask for, within which bounds, and what a killed crawl leaves and takes up."""
from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from crawler.frontier import Frontier, key_of
from crawler.recorded import rows
from crawler.seeds import SeedError, seeds
from crawler.spiders.site import links, locations

from .crawling import ROOT, command, crawl
from .webserver import Web, bomb, reply

SITEMAP = '<?xml version="1.0"?><{root} xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{entries}</{root}>'


def sitemap(kind: str, *places: str) -> str:
    return SITEMAP.format(root="urlset" if kind == "url" else "sitemapindex",
                          entries="".join(f"<{kind}><loc>{p}</loc></{kind}>" for p in places))


# Where to begin

def test_seeds_from_text_csv_and_parquet(tmp_path: Path) -> None:
    want = ["http://a.example/", "http://b.example/ü"]
    (tmp_path / "list.txt").write_text("\ufeffhttp://a.example/\r\n\r\n# a comment\r\n  http://b.example/ü  \n", "utf-8")
    (tmp_path / "list.txt.gz").write_bytes(gzip.compress("\n".join(want).encode()))
    (tmp_path / "list.csv").write_text('id,link\n1,http://a.example/\n2,""\n3," http://b.example/ü"\n', "utf-8")
    pq.write_table(pa.table({"id": [1, 2, 3], "link": [want[0], None, want[1]]}), tmp_path / "list.parquet")
    for name in ("list.txt", "list.txt.gz", "list.csv", "list.parquet"):
        assert list(seeds(str(tmp_path / name), "link")) == want, name


@pytest.mark.parametrize("name", ["list.csv", "list.parquet"])
def test_a_missing_column_is_named(name: str, tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text("id,link\n1,http://a.example/\n")
    pq.write_table(pa.table({"id": [1], "link": ["x"]}), tmp_path / "list.parquet")
    with pytest.raises(SeedError, match="no column 'url'; there are: id, link"):
        list(seeds(str(tmp_path / name)))


def test_what_is_no_parquet_is_said(tmp_path: Path) -> None:
    (tmp_path / "list.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(SeedError, match=r"list\.parquet"):
        list(seeds(str(tmp_path / "list.parquet")))


# What is found

def test_links_are_absolute_different_and_few() -> None:
    body = b"""<base href="/x/"><a href="a">1</a><a href="a#b">2</a><A HREF=' b '>3</A><area href="//other.example/c">
               <a href="mailto:x@y">4</a><a href="javascript:1">5</a><a href="http://[bad/">6</a><a>7</a>"""
    assert links(body, "http://s.example/d/e") == ["http://s.example/x/a", "http://s.example/x/b", "http://other.example/c"]
    many = b"".join(b"<a href=/%d>" % i for i in range(3000))
    assert len(links(many, "http://s.example/")) == 2000


def test_sitemaps_are_read_as_far_as_they_go() -> None:
    page = sitemap("url", "/a", "http://s.example/b").encode()
    assert locations(page, "http://s.example/sitemap.xml") == ([], ["http://s.example/a", "http://s.example/b"])
    assert locations(gzip.compress(page), "http://s.example/x")[1] == ["http://s.example/a", "http://s.example/b"]
    assert locations(sitemap("sitemap", "/1.xml").encode(), "http://s.example/") == (["http://s.example/1.xml"], [])
    assert locations(page[:-30], "http://s.example/")[1][:1] == ["http://s.example/a"]
    for bad in (b"", b"no xml", b"\x1f\x8bno gzip", bomb(100 << 20), b"<a>" * 100_000):
        assert locations(bad, "http://s.example/") == ([], [])
    billion = b'<!DOCTYPE l [<!ENTITY a "' + b"x" * 1000 + b'">' + b"".join(
        b'<!ENTITY %c "%s">' % (98 + i, b"&%c;" % (97 + i) * 50) for i in range(6)) + b"]><urlset><url><loc>&g;</loc></url></urlset>"
    assert sum(map(len, locations(billion, "http://s.example/")[1])) < 100
    image = sitemap("url", "/a</loc><image:image xmlns:image='x'><image:loc>/i</image:loc></image:image><loc>/z").encode()
    assert locations(image, "http://s.example/")[1] == ["http://s.example/a"]


# The frontier

def test_the_frontier_forgets_nothing_and_takes_no_cut_line(tmp_path: Path) -> None:
    path = tmp_path / "run" / "frontier.jsonl"
    first = Frontier(path)
    assert first.add(["http://a.example/ü", "http://a.example/%C3%BC#x", "http://a.example/2"], 1, "http://a.example/") == [
        "http://a.example/%C3%BC", "http://a.example/2"]
    assert first.add_sitemaps(["http://a.example/s.xml", "http://a.example/t.xml"]) == ["http://a.example/s.xml", "http://a.example/t.xml"]
    first.sitemap_read("http://a.example/s.xml")
    first.close()
    with path.open("ab") as file:
        file.write(b'{"url": "http://a.example/3", "dep')
    again = Frontier(path)
    assert list(again.pending({"http://a.example/2"})) == [("http://a.example/%C3%BC", 1)]
    assert again.unread_sitemaps() == ["http://a.example/t.xml"]
    assert again.add(["http://a.example/3", "http://a.example/2"], 2) == ["http://a.example/3"]
    again.close()
    third = Frontier(path)
    third.close()
    assert list(third.depths) == ["http://a.example/%C3%BC", "http://a.example/2", "http://a.example/3"]


def test_the_frontier_has_bounds() -> None:
    frontier = Frontier()
    assert len(frontier.add((f"http://a.example/{i}" for i in range(50)), 0, most=10)) == 10
    assert frontier.add(["http://a.example/" + "x" * 5000, "http://a.example/new"], 0) == ["http://a.example/new"]
    assert len(frontier.add_sitemaps(f"http://a.example/{i}.xml" for i in range(600))) == 500


def test_keys_are_as_scrapy_writes_urls() -> None:
    from scrapy import Request
    for url in ("http://a.example/ü?q=ä b", "http://A.example", "http://a.example/%7Ex", "http://ü.example/"):
        assert Request(key_of(url)).url == key_of(url) == key_of(key_of(url))


BAD = ["not a url", "foo", "mailto:x@y.z", "", "http://", "http:///x", "http://[::1", "http://a.example:x/", "//a.example/"]


def test_what_is_no_url_never_enters_the_frontier(tmp_path: Path) -> None:
    frontier = Frontier(tmp_path / "frontier.jsonl")
    assert frontier.add(BAD, 0) == []
    assert [frontier.add_medium(url, 0, "", "", True) for url in BAD] == [""] * len(BAD)
    frontier.close()
    assert (tmp_path / "frontier.jsonl").read_bytes() == b""


def test_a_frontier_that_holds_what_is_no_url_is_taken_up_without_it(tmp_path: Path) -> None:
    lines = [{"url": url, "depth": 0} for url in ("not%20a%20url", "http://a.example/", "foo", "", "mailto:x@y.z")]
    (tmp_path / "frontier.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    frontier = Frontier(tmp_path / "frontier.jsonl")
    assert list(frontier.pending(set())) == [("http://a.example/", 0)]
    frontier.close()


def test_an_empty_path_is_the_root() -> None:
    assert [key_of(f"http://a.example{end}") for end in ("", "/", "#x", "?q=1", "/?q=1")] == [
        "http://a.example/", "http://a.example/", "http://a.example/", "http://a.example/?q=1", "http://a.example/?q=1"]
    assert Frontier().add(["http://a.example", "http://a.example/"], 0) == ["http://a.example/"]


# Crawls

@pytest.mark.slow
def test_pages_of_a_parquet_file(tmp_path: Path) -> None:
    with Web() as web:
        web.put("/a", "a", fields=[("TDM-Reservation", "1"), ("X-Robots-Tag", "noindex"), ("X-Robots-Tag", "noai")])
        web.put("/b", "b")
        pq.write_table(pa.table({"link": [f"{web.url}/a", f"{web.url}/b", f"{web.url}/a#again"]}), tmp_path / "list.parquet")
        pages, _ = crawl(tmp_path, "pages", urls=str(tmp_path / "list.parquet"), column="link")
    assert sorted(page["url"] for page in pages) == [f"{web.url}/a", f"{web.url}/b"]
    a = next(page for page in pages if page["url"].endswith("/a"))
    assert "X-Robots-Tag: noindex\r\nX-Robots-Tag: noai\r\n" in a["evidence"]["http-fields"]["head"]
    assert a["verdicts"]["eu-dsm-art4"]["tdm"] == "prohibited"


def small_site(web: Web) -> None:
    link = "<a href='{}'>x</a>".format
    web.put("/robots.txt", f"User-agent: *\nDisallow: /secret\nSitemap: {web.url}/index.xml\nSitemap: https://other.example/s.xml\n")
    web.put("/index.xml", sitemap("sitemap", "/one.xml", "/two.xml.gz", "/index.xml"), type="application/xml")
    web.put("/one.xml", sitemap("url", "/m1", "/m2", "https://other.example/x"), type="application/xml")
    web.put("/two.xml.gz", gzip.compress(sitemap("url", "/m3", "/secret/1").encode()), type="application/gzip")
    web.put("/", link("/l1") + link("/secret/2") + link("https://other.example/"))
    web.put("/l1", link("/l2") + link("/"))
    web.put("/l2", link("/l3"))
    web.put("/l3", "end")
    for name in ("/m1", "/m2", "/m3"):
        web.put(name, "map")


@pytest.mark.slow
def test_a_site_by_its_sitemaps_and_links(tmp_path: Path) -> None:
    with Web() as web:
        small_site(web)
        pages, log = crawl(tmp_path, "site", url=web.url + "/", depth=2)
        asked = web.requests
    found = {page["url"].removeprefix(web.url): page for page in pages}
    assert set(found) == {"/", "/l1", "/l2", "/m1", "/m2", "/m3", "/secret/1", "/secret/2"}
    assert len(pages) == len(found)
    assert not [target for target in asked if target.startswith("/secret")]
    assert asked.count("/index.xml") == 1
    assert {name: page["depth"] for name, page in found.items()} == {
        "/": 0, "/l1": 1, "/l2": 2, "/m1": 1, "/m2": 1, "/m3": 1, "/secret/1": 1, "/secret/2": 1}
    assert found["/"]["found"] == [f"{web.url}/l1", f"{web.url}/secret/2"]
    assert found["/secret/1"]["evidence"]["body"]["access"] == "not-collected"
    assert "Traceback" not in log


@pytest.mark.slow
def test_a_site_is_bounded(tmp_path: Path) -> None:
    with Web() as web:
        web.otherwise(lambda target: reply("".join(f"<a href='{target}{i}/'>x</a>" for i in range(9)), 200, [("Content-Type", "text/html")])
                      if target.endswith("/") else reply("", 404))
        pages, _ = crawl(tmp_path, "site", url=web.url + "/", pages=30)
    assert len(pages) == 30


@pytest.mark.slow
def test_killed_and_taken_up_no_record_is_lost_and_none_twice(tmp_path: Path) -> None:
    run, pages = tmp_path / "run", 500

    def page(target: str) -> bytes:
        if not target[1:].isdigit():
            return reply("", 404)
        time.sleep(0.002)
        n = int(target[1:])
        links = "".join(f"<a href='/{m}'>x</a>" for m in (2 * n + 1, 2 * n + 2) if m < pages)
        return reply(links + "words " * 500, 200, [("Content-Type", "text/html")])
    with Web() as web:
        web.otherwise(page)
        start = command(tmp_path / "items.jsonl", "site", {"MAYMINE_RUN": str(run)}, url=web.url + "/0", pages=pages, depth=50)
        kills = 0
        while kills < 3:
            crawler = subprocess.Popen(start, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            goal = len(web.requests) + 90
            while len(web.requests) < goal and crawler.poll() is None:
                time.sleep(.005)
            assert crawler.poll() is None, "it was to be killed in the middle"
            os.kill(crawler.pid, signal.SIGKILL)
            crawler.wait()
            kills += 1
        done = subprocess.run(start, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    urls = [row.record["asset"]["url"].removeprefix(web.url) for row in rows(run)]
    assert sorted(urls, key=lambda u: int(u[1:])) == [f"/{n}" for n in range(pages)]
    assert json.loads((run / "manifest.json").read_bytes())["status"] == "complete"


# Somebody else's project

FOREIGN = {
    "scrapy.cfg": "[settings]\ndefault = theirs.settings\n",
    "theirs/__init__.py": "",
    "theirs/settings.py": """
BOT_NAME = "theirs"
SPIDER_MODULES = ["theirs.spiders"]
USER_AGENT = "TheirBot/2.1 (+https://theirs.example)"
ROBOTSTXT_OBEY = True
ITEM_PIPELINES = {"theirs.pipelines.Upper": 300}
ADDONS = {"crawler.addon.Maymine": 300}
""",
    "theirs/pipelines.py": """
class Upper:
    def process_item(self, item):
        return item | {"title": item["title"].upper()}
""",
    "theirs/spiders/__init__.py": """
import scrapy

class Titles(scrapy.Spider):
    name = "titles"

    async def start(self):
        for path in self.paths.split(","):
            yield scrapy.Request(self.site + path, meta={"dont_obey_robotstxt": True})

    def parse(self, response):
        yield {"title": response.css("title::text").get(), "may": response.meta["maymine"]}
""",
}


@pytest.mark.slow
def test_one_line_adds_everything_to_a_foreign_project(tmp_path: Path) -> None:
    for name, text in FOREIGN.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    with Web() as web:
        web.put("/robots.txt", "User-agent: TheirBot\nDisallow: /no\n\nUser-agent: *\nDisallow: /\n")
        web.put("/yes", "<title>yes</title>")
        web.put("/reserved", "<title>reserved</title>", fields=[("TDM-Reservation", "1")])
        web.put("/no", "<title>no</title>")
        arguments = ["-s", "MAYMINE_ALLOW_PRIVATE=127.0.0.0/8", "-s", "MAYMINE_RUN=run", "-s", "JOBDIR=job", "-O", "items.jsonl"]

        def scrapy(paths: str) -> str:
            done = subprocess.run(
                [sys.executable, "-m", "scrapy", "crawl", "titles", "-a", f"site={web.url}", "-a", f"paths={paths}", *arguments],
                cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=60, check=False)
            assert done.returncode == 0, done.stderr
            return done.stderr
        log = scrapy("/yes,/reserved,/no,/gone")
    assert "Traceback" not in log
    assert [t for t in web.requests if t in ("/yes", "/reserved", "/no", "/gone")].count("/no") == 0
    assert all(b"User-Agent: TheirBot/2.1" in head for head in web.heads)
    items = {item["title"]: item["may"] for item in map(json.loads, (tmp_path / "items.jsonl").read_text().splitlines())}
    assert set(items) == {"YES", "RESERVED"}
    assert {uses["tdm"] for uses in items["RESERVED"].values()} == {"prohibited"}
    records: dict[str, Any] = {row.record["asset"]["url"].removeprefix(web.url): row.record for row in rows(tmp_path / "run")}
    assert set(records) == {"/yes", "/reserved", "/no", "/gone"}
    assert {e["carrier"]: e["access"] for e in records["/no"]["evidence"]}["body"] == "not-collected"
    assert records["/yes"]["asker"]["token"] == "TheirBot"


