"""What it costs to write records down, in ratios measured in one run."""
from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from crawler.archive import records
from crawler.archive.records import Location, Row
from crawler.run import Run
from rules import policies, to_record
from tests.test_run import ASKER, POLICIES, assessed, page

pytestmark = pytest.mark.bench
ROWS = 5_000


def seconds(work: Callable[[], object]) -> float:
    best = float("inf")
    for _ in range(3):
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
    return best


def test_parquet_against_json_lines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = [to_record(a) for n in range(100) for a in assessed(page(n), POLICIES).assessments]
    rows = [Row(f"https://site.example/{n}", made[n % len(made)], (Location("evidence/000001.warc.gz", n, "urn:uuid:0"),) * 4)
            for n in range(ROWS)]
    part, lines = tmp_path / "part", tmp_path / "lines"
    parquet = seconds(lambda: records.write(part, records.table(rows)))
    plain = seconds(lambda: lines.write_text("\n".join(json.dumps(row.record) for row in rows), "utf-8"))
    back = seconds(lambda: list(records.read(part)))
    with capsys.disabled():
        print(f"\nrecords: Parquet {ROWS / parquet:,.0f} rows/s, {part.stat().st_size / ROWS:.0f} B/row; JSON Lines "
              f"{ROWS / plain:,.0f} rows/s, {lines.stat().st_size / ROWS:.0f} B/row; time {parquet / plain:.2f}; "
              f"read back {ROWS / back:,.0f} rows/s")
    assert parquet < 6 * plain
    assert part.stat().st_size * 5 < lines.stat().st_size


def test_a_run_against_deciding(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Keeping a page must not cost many times what deciding about it costs."""
    from crawler import rerun
    pages = [page(n) for n in range(1_000)]
    done = [assessed(one, POLICIES) for one in pages]
    deciding = seconds(lambda: [assessed(one, POLICIES) for one in pages])
    start = time.perf_counter()
    with Run.open(tmp_path, POLICIES, ASKER) as run:
        for one in done:
            run.write(one)
    writing = time.perf_counter() - start
    start = time.perf_counter()
    rerun.decide(tmp_path, policies.load("strictest"))
    later = time.perf_counter() - start
    start = time.perf_counter()
    outcomes = list(rerun.replay(tmp_path))
    replaying = time.perf_counter() - start
    with capsys.disabled():
        print(f"\nrun: decide {len(pages) / deciding:,.0f} pages/s; keep {len(pages) / writing:,.0f} pages/s with evidence; "
              f"decide later {len(pages) / later:,.0f} pages/s; replay {len(outcomes) / replaying:,.0f} records/s")
    assert writing < 30 * deciding
