"""What it costs to compile a register and to ask it, against SQLite in the same run.

Ten million rows: MAYMINE_BENCH_ROWS=10000000 python -m pytest -n 0 -m bench -s tests/bench/test_registers_bench.py
"""
from __future__ import annotations

import os
import random
import resource
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from crawler.registers import places
from crawler.registers.entries import COLUMNS
from crawler.registers.index import index_of
from crawler.registers.lookup import Registers, Source
from rules import Asset

pytestmark = pytest.mark.bench
ROWS = int(os.environ.get("MAYMINE_BENCH_ROWS", "300000"))
ASKED = 20_000
DIGEST = "sha256:" + "ab" * 32


def rows(n: int) -> Iterator[str]:
    """Domains, prefixes, digests and addresses, as registers hold them."""
    r = random.Random(1)
    for i in range(n):
        match i % 10:
            case 0 | 1 | 2 | 3:
                yield f"do-not-train,domain,site{i}.example{i % 977}.org,,,,,,,,,"
            case 4 | 5:
                yield (f"licence,url-prefix,https://www.site{i}.example/path/{i % 100}/,Holder {i % 5_000},train-ai,2026-01-01,"
                       f"2026-12-31,0.10,EUR,https://terms.example/{i % 50},,")
            case 6 | 7:
                yield f"do-not-train,sha256,{r.getrandbits(256):064x},,,,,,,,,"
            case 8:
                yield f"repertoire,url,https://music{i % 100_000}.example/work/{i},Composer {i % 5_000},,,,,,,GEMA,"
            case _:
                yield f"infringing-source,domain,pirate{i}.example,,,,,,,,,"


def seconds(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def candidates(url: str) -> list[tuple[str, str]]:
    """What SQLite is asked for: the same values as ours."""
    scheme, authority, path, query = places.address(url)
    base = f"{scheme}://{authority}"
    return [*(("domain", d) for d in places.domains(authority)), ("url", f"{base}{path}{query}"),
            *(("url-prefix", base + p) for p in places.prefixes(path, 3)), ("sha256", DIGEST)]


def test_a_register_against_sqlite(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAYMINE_CACHE", str(tmp_path))
    path = tmp_path / "r.csv"
    with path.open("w") as file:
        file.write(",".join(COLUMNS) + "\n")
        file.writelines(line + "\n" for line in rows(ROWS))
    built = seconds(lambda: index_of(path))
    again = seconds(lambda: index_of(path))
    assert index_of(path).about["entries"] == ROWS
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    registers = Registers.open([Source.told(str(path))])
    r = random.Random(2)
    hits = [10 * (r.randrange(ROWS) // 10) for _ in range(ASKED)]
    asked = {
        "nothing": [f"https://www.h{r.randrange(10**6)}.test/a/b/c{n}.html?x=1" for n in range(ASKED)],
        "domain": [f"https://www.site{i}.example{i % 977}.org/q/{i}" for i in hits],
        "prefix": [f"https://www.site{i + 4}.example/path/{(i + 4) % 100}/deep/page.html" for i in hits],
    }
    lite = sqlite3.connect(tmp_path / "r.sqlite")
    lite.execute("CREATE TABLE entry (match TEXT, value TEXT, line TEXT, PRIMARY KEY (match, value)) WITHOUT ROWID")
    entries = (line.split(",", 3) for line in rows(ROWS))
    sqlite_built = seconds(lambda: lite.executemany("INSERT OR IGNORE INTO entry VALUES (?, ?, ?)",
                                                    ((match, value, rest) for _, match, value, rest in entries)))
    told = [f"\nregister of {ROWS:,} rows: compiled in {built:.1f} s ({ROWS / built:,.0f} rows/s), peak {peak_mb:.0f} MB; opened again "
            f"in {again:.2f} s; SQLite, unchecked, {sqlite_built:.1f} s"]
    for what, urls in asked.items():
        assets = [Asset(url) for url in urls]
        found = 0

        def ours(assets: list[Asset] = assets) -> None:
            nonlocal found
            found = sum(bool(registers.of(asset, None, DIGEST).body) for asset in assets)

        def theirs(urls: list[str] = urls) -> None:
            for url in urls:
                for match, value in candidates(url):
                    lite.execute("SELECT line FROM entry WHERE match = ? AND value = ?", (match, value)).fetchone()
        us, lite_us = (seconds(work) / ASKED * 1e6 for work in (ours, theirs))
        told.append(f"  asked for {what}: {us:.1f} us an asset; SQLite {lite_us:.1f} us, {lite_us / us:.1f} times as long")
        assert found == (0 if what == "nothing" else ASKED)
        assert us < 2 * lite_us
    held = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("RssAnon")] if os.name == "posix" else []
    told.append(f"  memory of our own afterwards: {' '.join(held).removeprefix('RssAnon:').strip()}")
    with capsys.disabled():
        print("\n".join(told))
