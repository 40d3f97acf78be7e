"""Addresses of pages, and what their sites said over a month: as large a table as wanted, for joins as of the time of capture.

One site in five is asked by http and leads to https; a site was asked two to four times, and some answers were failures.
The whole: `python -m tests.bench.as_of FOLDER 1000000 100000`.
"""
from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pyarrow as pa
import pyarrow.parquet as pq

from crawler.archive import records, sites
from crawler.archive.records import Location
from crawler.archive.sites import Copy
from rules import Access
from tests import engines

START = datetime(2026, 10, 20, tzinfo=UTC)
DAYS = 30
PAGES = pa.schema([("url", pa.string()), ("warc_date", records.TIME)])
BODIES = tuple(f"User-agent: *\nDisallow: /closed{n}/\nCrawl-delay: {n}\n\nUser-agent: GPTBot\nDisallow: {path}\n".encode()
               for n in range(20) for path in ("/", "/a/", ""))
ROWS = 100_000                       # of a part
RUNAWAY_S = 1_800


def write(folder: Path, pages: int, many: int) -> tuple[Path, Path]:
    """Parquet of `pages` addresses at `many` sites, and of the copies of those."""
    folder.mkdir(parents=True, exist_ok=True)
    random = Random(5)
    sites.write(folder / "sites.parquet", copies(random, many))
    (folder / "pages").mkdir()
    for part in range(0, pages, ROWS):
        rows = min(ROWS, pages - part)
        hosts = [int(many * random.random() ** 2) for _ in range(rows)]            # some sites have many pages
        pq.write_table(pa.table([
            [f"{scheme(n)}://site{n}.example/{random.choice(('a', 'closed3', 'b'))}/{random.randrange(10**9)}" for n in hosts],
            [START + timedelta(seconds=random.randrange(DAYS * 86_400)) for _ in hosts]], schema=PAGES),
            folder / "pages" / f"{part:09}.parquet")
    return folder / "pages", folder / "sites.parquet"


def scheme(n: int) -> str:
    return "http" if n % 5 == 0 else "https"


def copies(random: Random, many: int) -> Iterator[Copy]:
    for n in range(many):
        for _ in range(2 + n % 3):
            at = START + timedelta(seconds=random.randrange(DAYS * 86_400))
            uri = f"https://site{n}.example/robots.txt"
            if n % 5 == 0:
                yield Copy(f"http://site{n}.example/robots.txt", at, Access.UNREACHABLE, 301, leads_to=uri)
            if random.random() < 0.05:
                yield Copy(uri, at, Access.UNREACHABLE, 503, detail="status 503")
            elif random.random() < 0.1:
                yield Copy(uri, at, Access.UNAVAILABLE, 404, detail="status 404")
            else:
                body = random.choice(BODIES) + f"# {n % 5_000}\n".encode()
                yield Copy(uri, at, Access.OBTAINED, 200, body, record=Location("robotstxt.warc.gz", n * 500, f"urn:uuid:{n}"))


def run(addresses: Path, known: Path, out: Path, partitions: int = 4, spread: int = 1) -> dict[str, float]:
    """The join by Spark with two processors, in a process of its own: start_s, work_s, cpu_s, rows."""
    return engines.counted("-m", "tests.bench.as_of", *map(str, (addresses, known, out, partitions, spread)), runaway_s=RUNAWAY_S)


def main(addresses: str, known: str, out: str, partitions: str, spread: str) -> None:
    began = time.perf_counter()
    from crawler.engines.spark import decide
    session = engines.spark_session(int(partitions))
    started = time.perf_counter()
    decide(session.read.parquet(addresses), sites=session.read.parquet(known), spread=int(spread), by="rfc9309-crawl",
           **engines.WORDS).write.parquet(out)
    ended = time.perf_counter()
    rows = session.read.parquet(out).count()
    engines.ended()
    print(json.dumps({"start_s": started - began, "work_s": ended - started, "rows": rows}), flush=True)


if __name__ == "__main__":
    if len(sys.argv) == 4:           # FOLDER ROWS SITES: the whole, by hand
        print(run(*write(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])), Path(sys.argv[1]) / "out", 32))
    else:
        main(*sys.argv[1:])
