"""Five policies over a million records: seconds, memory, and what of it is reading the columns at all."""
from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from crawler.archive import records
from crawler.run import add_part, begin, parts, write_manifest
from tests.test_run import ASKER, POLICIES, make

pytestmark = pytest.mark.bench
RECORDS, REAL = 1_000_000, 2_000
MEMORY_MB = 2_000
NAMES = ("eu-dsm-art4", "kr-item32-2025", "kr-item32-2026", "kr-permission-first", "us-107")
COMPARE = """
import resource, sys, time
from pathlib import Path
from crawler.compare import compare
from rules import policies
start = time.process_time()
c = compare([Path(sys.argv[1])], [policies.load(name) for name in sys.argv[2:]])
print(c.items, len(c.sides), time.process_time() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def tiled(folder: Path, few: Path) -> None:
    """A run of many pages with the findings of a few, on 50,000 domains."""
    make(few, REAL, "none", (POLICIES[0],))
    table = pa.concat_tables([pq.read_table(part) for part in parts(few)])
    folder.mkdir()
    manifest, r = begin(folder, [POLICIES[0]], ASKER), random.Random(1)
    for number in range(1, RECORDS // REAL // 50 + 1):
        made = []
        for n in range(50):
            hosts = [f"h{r.randrange(3)}.site{r.randrange(50_000)}.example" for _ in range(REAL)]
            urls = [f"https://{host}/{number}/{n}/{m}" for m, host in enumerate(hosts)]
            sizes = [r.randrange(200_000) if r.random() < .9 else None for _ in hosts]
            columns = {"requested": pa.array(urls), "host": pa.array(hosts), "size_bytes": pa.array(sizes, pa.int64())}
            made.append(pa.table([columns.get(name, table[name]) for name in table.column_names], schema=table.schema))
        path = folder / "records" / f"{number:06}.parquet"
        records.write(path, pa.concat_tables(made))
        add_part(folder, manifest, path, 50 * REAL)
    write_manifest(folder, manifest | {"status": "complete"})


def test_a_million_records_and_five_policies(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "run"
    tiled(folder, tmp_path / "few")
    done = subprocess.run([sys.executable, "-c", COMPARE, str(folder), *NAMES], capture_output=True, text=True, check=True)
    items, sides, cpu_s, peak_mb = done.stdout.split()
    start = time.process_time()
    for part in parts(folder):
        pq.read_table(part)
    whole = time.process_time() - start
    with capsys.disabled():
        print(f"\ncompare: {int(items):,} records, {sides} policies: {float(cpu_s):.1f} s CPU, peak {float(peak_mb):.0f} MB; reading "
              f"all columns of the records: {whole:.1f} s")
    assert int(items) == RECORDS
    assert float(peak_mb) < MEMORY_MB
