"""Rows of pages that wait for each other: the same however many wait, and what they hold meanwhile is bounded."""
from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from crawler import filtering
from crawler.archive import surt
from crawler.archive.records import host
from crawler.filtering import Job, Task, Worker
from crawler.run import text_of
from rules import Asker, policies

from .archives import Maker

POLICIES = tuple((text_of(p), p.file) for p in map(policies.load, ("strictest", "rfc9309-crawl")))
FIELDS = [("Content-Type", "text/html"), ("X-Long", "x" * 1_000)]


def archive(path: Path) -> Path:
    made = Maker()
    for n in range(20):
        said = [("TDM-Reservation", "1")] if n % 3 == 0 else [("Link", f'<https://x.example/l{n % 2}>; rel="license"')] if n % 3 == 1 else []
        made.add(f"https://x{n % 4}.example/{n}", b"<html><p>words", [*FIELDS, *said], "402 Payment Required" if n % 5 == 0 else "200 OK")
    return made.write(path)


def filtered(given: Path, folder: Path) -> tuple[pa.Table, int, dict]:
    """Rows, in how many groups, and what was counted."""
    made = Worker(Task(POLICIES, Asker("mybot"), str(folder))).filter(Job(1, str(given), given.stat().st_size, given.name), lambda at, pages: None)
    files = [pq.ParquetFile(source) for source, _ in made.moves]
    return pa.concat_tables(file.read() for file in files), sum(file.num_row_groups for file in files), {**made.counts, "absent": made.absent}


@pytest.mark.parametrize("name, most, groups", [("ROWS_OF_BATCH", 7, 3), ("ROWS_OF_BATCH", 1, 20), ("HELD_BYTES", 4_000, 5), ("HELD_BYTES", 0, 20)])
def test_rows_are_the_same_however_many_pages_wait(name: str, most: int, groups: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = archive(tmp_path / "a.warc.gz")
    rows, at_once, counts = filtered(given, tmp_path / "at-once")
    assert (rows.num_rows, at_once, counts["absent"]) == (40, 1, {"robots.txt": 20})
    monkeypatch.setattr(filtering, name, most)
    again, parts, counted = filtered(given, tmp_path / "again")
    assert again.equals(rows)
    assert (parts, counted) == (groups, counts)


@pytest.mark.parametrize("url", [
    "https://X.example/a?B=2&a=1", "http://x.example", "https://x.example?a", "https://u@x.example:443/", " //x.example/a", "//x.example/a", "x",
    "https://[::1]/a", "https://[/a", "https://x.example/a?u=http://y.example/b", "HTTP://X.EXAMPLE/", "https://127.0.0.1/a"])
def test_a_host_is_that_of_a_parser(url: str) -> None:
    from urllib.parse import urlsplit
    try:
        assert host(url) == (urlsplit(url).hostname or "")
    except ValueError:
        assert host(url) == ""


@pytest.mark.parametrize("url, key", [
    ("https://www.X.example/A/b/?B=2&a=1&&c", "example,x)/a/b?&a=1&b=2&c"), ("https://x.example/?", "example,x)/"),
    ("https://x.example/a?sid=0123456789abcdef0123456789abcdef", "example,x)/a"), ("https://x.example?a=+b", "example,x)/?a=+b")])
def test_addresses_with_queries_have_keys(url: str, key: str) -> None:
    assert surt.surt(url) == key
