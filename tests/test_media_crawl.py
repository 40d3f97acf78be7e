"""Images and documents of pages: what is asked for, what of the page goes with them, and what copies are taken for."""
from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from crawler.cli import main
from crawler.evidence import now
from crawler.frontier import Frontier
from crawler.items import CollectedPage
from crawler.media import Medium, embedding, media, unseen
from crawler.renditions import candidates, original_of
from crawler.spiders.collector import is_yes
from rules import Access, Asker, Asset, Carrier, Evidence, Fault, FaultKind, Use, Verdict, assess, find
from rules.policies import load
from tests.crawling import crawl
from tests.fixtures.media import file
from tests.webserver import Web

PAGE = "https://a.example/p/"
ASKER = Asker("maymine")


def page(html: str, url: str = PAGE, media_type: str = "text/html") -> CollectedPage:
    evidence = (Evidence(Carrier.ROBOTS_TXT, "https://a.example/robots.txt", now(), Access.UNAVAILABLE),
                Evidence(Carrier.HTTP_FIELDS, url, now(), Access.OBTAINED, b"HTTP/1.1 200 OK\r\n", 200),
                Evidence(Carrier.BODY, url, now(), Access.OBTAINED, html.encode(), 200))
    return CollectedPage(url, Asset(url, media_type), evidence)


def found(html: str) -> dict[str, tuple[str, bool]]:
    return {m.url.removeprefix("https://a.example"): (m.variant_of.removeprefix("https://a.example"), m.embedded)
            for m in media(page(f"<!doctype html>{html}"))}


# ---- what is asked for

@pytest.mark.parametrize("html, wanted", [
    ("<img src=a.jpg>", {"/p/a.jpg": ("", True)}),
    ("<base href=/b/><img src=a.jpg#x>", {"/b/a.jpg": ("", True)}),
    ("<img src=s.jpg srcset='s.jpg 300w, l.jpg 1200w, m.jpg 600w'>", {"/p/l.jpg": ("", True), "/p/s.jpg": ("/p/l.jpg", True)}),
    ("<img src=/x-300x200.jpg srcset='/x-300x200.jpg 1x, /x-600x400.jpg 2x'>",
     {"/x-600x400.jpg": ("/x.jpg", True), "/x-300x200.jpg": ("/x.jpg", True)}),
    ("<picture><source srcset='a.avif 1x, b.avif 2x'><img src=a.jpg></picture>", {"/p/b.avif": ("", True), "/p/a.jpg": ("", True)}),
    ("<video poster=/p.jpg><source src=/v.mp4 srcset=/no.jpg></video>", {"/p.jpg": ("", True)}),
    ("<meta property='og:image' content='/og.png?w=1200'>", {"/og.png?w=1200": ("/og.png", True)}),
    ("<a href=/paper.PDF>1</a><a href=/page>2</a><a href=book.epub>3</a>", {"/paper.PDF": ("", False), "/p/book.epub": ("", False)}),
    ("<img src=data:image/png;base64,AA><img src=''><img><img src='http://[x/'><a href=javascript:1.pdf>", {}),
    ("<img src=https://cdn.example/a.jpg>", {"https://cdn.example/a.jpg": ("", True)}),
])
def test_images_and_documents_of_a_page(html: str, wanted: dict[str, Any]) -> None:
    assert found(html) == wanted


def test_they_are_bounded_and_looked_for_in_pages_alone() -> None:
    assert len(found("".join(f"<img src={n}.jpg>" for n in range(2_000)))) == 500
    assert media(page("%PDF-1.7 <img src=a.jpg>", media_type="application/pdf")) == []
    start = time.monotonic()
    found("<picture>" * 20_000 + "<source srcset='a 1x'>" * 20_000)
    found(f"<img srcset='{',' * 200_000}'>" + f"<img srcset='{'a ' * 200_000}'>" + f"<img srcset='a 1x{',b 2x' * 100_000}'>")
    assert time.monotonic() - start < 30


@pytest.mark.parametrize("url, original", [
    ("https://a.example/x-300x200.jpg", "https://a.example/x.jpg"),
    ("https://a.example/x-scaled.jpg", "https://a.example/x.jpg"),
    ("https://a.example/x.jpg?v=2&W=300&q=1", "https://a.example/x.jpg?v=2&q=1"),
    ("https://a.example/_next/image?url=%2Fa.jpg&w=640&q=75", "https://a.example/a.jpg"),
    ("https://a.example/cdn-cgi/image/width=80,fit=cover/a/b.jpg", "https://a.example/a/b.jpg"),
    ("https://a.example/cdn-cgi/image/width=80/https://b.example/b.jpg", "https://b.example/b.jpg"),
    ("https://a.example/x.jpg", ""), ("https://a.example/2024-10x2.html/x", ""), ("https://a.example/x.jpg?id=7", ""),
    ("https://a.example/_next/image?url=javascript:x", ""),
])
def test_addresses_of_copies(url: str, original: str) -> None:
    assert original_of(url) == original


def test_candidates_of_a_srcset_largest_first() -> None:
    assert candidates("a.jpg 1x,b.jpg 2x") == ["b.jpg", "a.jpg"]
    assert candidates("a.jpg, b.jpg 1.5x") == ["b.jpg", "a.jpg"]
    assert candidates(" a,b.jpg 300w 200h,\n c.jpg 1200w ") == ["c.jpg", "a,b.jpg"]
    assert candidates("") == candidates(",,, ,") == []


# ---- what goes with them

def test_what_a_page_says_of_its_images_goes_with_an_image_and_not_with_a_document() -> None:
    around = page("<!doctype html><meta name=robots content='noimageai'><meta name=tdm-reservation content=1><img src=a.jpg><a href=b.pdf>")
    image, document = media(around)
    for medium, verdict in ((image, Verdict.PROHIBITED), (document, Verdict.PERMITTED)):
        came = medium.of(page("\xff\xd8\xff", medium.url, "image/jpeg"))
        assert came.asset.embedder == PAGE
        decided = assess(came.asset, came.evidence, load("eu-dsm-art4"), ASKER)
        assert decided.decisions[Use.TRAIN_GENAI].verdict is verdict


def test_a_long_page_goes_cut_and_an_unseen_one_is_a_fault() -> None:
    long = page("<!doctype html>" + "x" * (5 << 20))
    fields, body = embedding(long)
    assert (fields.carrier, body.carrier, body.access) == (Carrier.EMBEDDING_FIELDS, Carrier.EMBEDDING_PAGE, Access.TRUNCATED)
    came = Medium("https://a.example/a.jpg", PAGE, evidence=unseen(PAGE)).of(page("", "https://a.example/a.jpg", "image/jpeg"))
    decided = assess(came.asset, came.evidence, load("eu-dsm-art4"), ASKER)
    assert decided.decisions[Use.TDM].verdict is Verdict.UNDETERMINED


# ---- copies

def faults(body: bytes, variant_of: str, *more: Evidence) -> list[FaultKind]:
    evidence = (Evidence(Carrier.BODY, "https://a.example/s.jpg", None, Access.OBTAINED, body), *more)
    asset = Asset("https://a.example/s.jpg", "image/jpeg", variant_of=variant_of)
    return [f.kind for f in find(evidence, asset, ASKER) if isinstance(f, Fault)]


def test_the_silence_of_a_copy_is_none() -> None:
    original = "https://a.example/l.jpg"
    assert faults(file("jpeg+absent"), "") == []
    assert faults(file("jpeg+absent"), original) == [FaultKind.UNRESOLVED]
    assert faults(file("jpeg+prohibited"), original) == []
    assert faults(file("jpeg+allowed"), original) == []
    licensed = b"<!doctype html><link rel=license href='https://creativecommons.org/licenses/by/4.0/'>"
    assert faults(licensed, original) == [FaultKind.UNRESOLVED]
    seen = Evidence(Carrier.BODY, original, None, Access.OBTAINED, file("jpeg+prohibited"))
    assert faults(file("jpeg+absent"), original, seen) == []
    assert faults(file("jpeg+absent"), original, Evidence(Carrier.BODY, original, None, Access.UNAVAILABLE)) == [FaultKind.MISSING, FaultKind.UNRESOLVED]


def test_a_silent_copy_is_undetermined_and_what_its_original_says_is_its_own() -> None:
    asset = Asset("https://a.example/s.jpg", "image/jpeg", variant_of="https://a.example/l.jpg")
    evidence = [Evidence(Carrier.ROBOTS_TXT, "https://a.example/robots.txt", None, Access.UNAVAILABLE),
                Evidence(Carrier.HTTP_FIELDS, asset.url, None, Access.OBTAINED),
                Evidence(Carrier.BODY, asset.url, None, Access.OBTAINED, file("jpeg+absent"))]
    policy = load("eu-dsm-art4")
    assert assess(asset, evidence, policy, ASKER).decisions[Use.TDM].verdict is Verdict.UNDETERMINED
    for spelling, verdict in (("prohibited", Verdict.PROHIBITED), ("absent", Verdict.PERMITTED)):
        original = Evidence(Carrier.BODY, asset.variant_of, None, Access.OBTAINED, file(f"jpeg+{spelling}"))
        assert assess(asset, [*evidence, original], policy, ASKER).decisions[Use.TDM].verdict is verdict


# ---- crawls

def test_what_a_killed_crawl_left_is_known_to_be_media(tmp_path: Path) -> None:
    path = tmp_path / "frontier.jsonl"
    first = Frontier(path)
    assert first.add_medium("https://a.example/ü.jpg", 1, PAGE, "https://a.example/l.jpg", True) == "https://a.example/%C3%BC.jpg"
    assert first.add_medium("https://a.example/ü.jpg", 1, PAGE, "", False) == ""
    assert first.add_medium("https://a.example/2.jpg", 1, PAGE, "", True, most=1) == ""
    first.close()
    again = Frontier(path)
    again.close()
    assert again.media == {"https://a.example/%C3%BC.jpg": (PAGE, "https://a.example/l.jpg", True)}


def test_yes_and_no_in_the_words_of_scrapys_command_line() -> None:
    assert [is_yes(v) for v in (True, "yes", "True", "1", False, "no", "0", "")] == [True] * 4 + [False] * 4
    with pytest.raises(ValueError, match="neither"):
        is_yes("perhaps")


def gallery(web: Web) -> None:
    web.put("/robots.txt", "User-agent: *\nDisallow: /no/\n", type="text/plain")
    web.put("/", "<!doctype html><img src=/s.jpg srcset='/s.jpg 100w, /l.jpg 900w'><img src=/no/a.jpg><img src=/t-10x10.png>"
                 "<a href=/b.pdf>b</a><a href=/second>2</a>")
    web.put("/second", "<!doctype html><meta name=robots content=noimageai><img src=/k.gif>")
    web.put("/s.jpg", file("jpeg+absent"), type="image/jpeg")
    web.put("/l.jpg", file("jpeg+prohibited"), type="text/plain")
    web.put("/t-10x10.png", file("png+absent"), type="image/png")
    web.put("/k.gif", file("gif+absent"), type="image/gif")
    web.put("/b.pdf", b"%PDF-", type="application/pdf")


@pytest.mark.slow
def test_a_site_with_its_images(tmp_path: Path) -> None:
    with Web() as web:
        gallery(web)
        without, _ = crawl(tmp_path, "site", url=web.url + "/")
        (tmp_path / "items.jsonl").unlink()
        pages, log = crawl(tmp_path, "site", {"MAYMINE_RUN": str(tmp_path / "run")}, url=web.url + "/", media="yes")
        asked = web.requests
    assert {p["url"].removeprefix(web.url) for p in without} == {"/", "/second", "/b.pdf"}
    by_name = {p["url"].removeprefix(web.url): p for p in pages}
    assert set(by_name) == {"/", "/second", "/s.jpg", "/l.jpg", "/no/a.jpg", "/t-10x10.png", "/k.gif", "/b.pdf"}
    assert "/no/a.jpg" not in asked
    verdicts = {name: p["verdicts"]["eu-dsm-art4"]["train-genai"] for name, p in by_name.items()}
    assert verdicts["/s.jpg"] == "undetermined"          # a copy that says nothing
    assert verdicts["/l.jpg"] == "prohibited"            # in the file, whatever its type is said to be
    assert verdicts["/t-10x10.png"] == "undetermined"
    assert verdicts["/k.gif"] == "prohibited"            # the page around it
    assert "embedding-page" in by_name["/k.gif"]["evidence"]
    assert "embedding-page" not in by_name["/b.pdf"]["evidence"]
    assert "Traceback" not in log
    again = CliRunner().invoke(main, ["replay", str(tmp_path / "run")])
    assert again.exit_code == 0, again.output
    lines = [json.loads(line) for line in (tmp_path / "run" / "frontier.jsonl").read_text().splitlines()]
    assert {line["url"].removeprefix(web.url) for line in lines if "medium" in line} >= {"/s.jpg", "/l.jpg", "/k.gif"}


@pytest.mark.slow
def test_images_that_a_killed_crawl_left_are_not_let_through(tmp_path: Path) -> None:
    with Web() as web:
        gallery(web)
        run = tmp_path / "run"
        left = Frontier(run / "frontier.jsonl")
        left.add_medium(f"{web.url}/k.gif", 1, f"{web.url}/second", "", True)
        left.close()
        pages, log = crawl(tmp_path, "pages", {"MAYMINE_RUN": str(run)}, urls="-", media="yes")
    (page,) = pages
    assert page["evidence"]["embedding-page"]["access"] == "not-collected"
    assert page["verdicts"]["eu-dsm-art4"]["train-genai"] == "undetermined"
    assert "Traceback" not in log
