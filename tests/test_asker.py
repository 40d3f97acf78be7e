"""Who asks, from the command line to the terms of a licence: RSL tells commercial users from others, and countries apart."""
from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .webserver import Web

ROOT = Path(__file__).parents[1]
RUNAWAY_S = 120
RSL = """<rsl xmlns="https://rslstandard.org/rsl"><content url="/"><license><permits type="usage">all</permits>
         <permits type="user">non-commercial</permits><permits type="geo">EU</permits></license></content></rsl>"""
ASKERS = [
    ([], "prohibited"),
    (["--commercial", "--country", "AT"], "prohibited"),
    (["--non-commercial"], "undetermined"),
    (["--non-commercial", "--country", "at"], "permitted"),
    (["--non-commercial", "--country", "US"], "prohibited"),
]


@pytest.fixture(scope="module")
def web() -> Iterator[Web]:
    with Web() as web:
        web.put("/robots.txt", f"License: {web.url}/l.xml\n", type="text/plain")
        web.put("/l.xml", RSL, type="application/rsl+xml")
        web.put("/page", "<!doctype html><title>page</title>")
        yield web


def maymine(*words: str, given: str = "") -> str:
    done = subprocess.run([sys.executable, "-m", "crawler.cli", *words], input=given, capture_output=True, text=True, cwd=ROOT,
                          timeout=RUNAWAY_S, check=False)
    assert done.returncode in (0, 1, 3), done.stderr
    return done.stdout


def told(record: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    return record["decisions"]["train-ai"]["verdict"], record["asker"]


def asker(words: list[str]) -> dict[str, Any]:
    country = words[words.index("--country") + 1].upper() if "--country" in words else ""
    return {"token": "maymine", "commercial": "--non-commercial" not in words, **({"country": country} if country else {})}


@pytest.mark.slow
@pytest.mark.parametrize(("words", "verdict"), ASKERS, ids=lambda x: " ".join(x) if isinstance(x, list) else x)
def test_check_and_crawl_ask_as_who_they_are(words: list[str], verdict: str, web: Web, tmp_path: Path) -> None:
    page = f"{web.url}/page"
    view, = json.loads(maymine("check", "--allow-private", "--format", "json", *words, page))
    assert told(view["record"]) == (verdict, asker(words))
    crawled = maymine("crawl", "--allow-private", "--format", "jsonl", "-o", str(tmp_path / "run"), *words, page)
    assert told(json.loads(crawled)) == (verdict, asker(words))
    explained, = json.loads(maymine("explain", str(tmp_path / "run"), page, "--format", "json"))
    assert told(explained["record"]) == (verdict, asker(words))
    assert "same" in maymine("replay", str(tmp_path / "run"))


@pytest.mark.parametrize(("words", "verdict"), ASKERS, ids=lambda x: " ".join(x) if isinstance(x, list) else x)
def test_assess_asks_as_who_it_is(words: list[str], verdict: str) -> None:
    url = "https://site.example/page"
    line = {"url": url, "evidence": [
        {"carrier": "robots.txt", "body": "License: https://site.example/l.xml"}, {"carrier": "tdmrep.json", "access": "unavailable"},
        {"carrier": "http-fields", "body": "HTTP/1.1 200 OK\r\n"}, {"carrier": "body", "body": ""},
        {"carrier": "rsl", "uri": "https://site.example/l.xml", "body": RSL}]}
    lines = [json.dumps(line), json.dumps({**line, "commercial": False, "country": "FR"})]
    own, other = map(json.loads, maymine("assess", *words, given="\n".join(lines)).splitlines())
    assert told(own) == (verdict, asker(words))
    assert told(other)[0] == "permitted"             # a line that says who asks is believed
