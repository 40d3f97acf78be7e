"""What it costs to keep a million uses: posted, verified and reported, beside what hashing alone costs; and the summary of a run."""
from __future__ import annotations

import hashlib
import json
import random
import resource
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from crawler.archive.records import RECORDS, table
from crawler.archive.warc import digest_of
from crawler.cli import main
from crawler.ledger import book
from crawler.run import begin, write_manifest
from rules import Asker, to_record
from tests.test_run import POLICIES, assessed, page

pytestmark = [pytest.mark.bench, pytest.mark.timeout(1_200)]
ENTRIES = 1_000_000


def run(*words: object) -> str:
    result = CliRunner().invoke(main, [*map(str, words)])
    assert result.exit_code == 0, result.output
    return result.output


def measured(work: Callable[[], object]) -> tuple[float, float]:
    """Wall clock and processor time, in seconds."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cpu


def test_a_million_entries(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A training manifest in Parquet, 20,000 domains, 2,000 holders by their domains; charged by a tariff, by holder, with an HTML page."""
    dice = random.Random(1)
    hosts = [f"site{n}.example" for n in range(20_000)]
    pq.write_table(pa.table({
        "url": [f"https://{dice.choice(hosts)}/article/{n}" for n in range(ENTRIES)], "tokens": [dice.randrange(20, 5_000) for _ in range(ENTRIES)],
        "epochs": [dice.choice((1.0, 1.5, 4.0)) for _ in range(ENTRIES)], "content_hash": [f"sha256:{n:064x}" for n in range(ENTRIES)]}), tmp_path / "train.parquet")
    (tmp_path / "holders.csv").write_text("domain,holder,class,society\n" + "".join(
        f"{host},holder {n % 2_000},news,society {n % 7}\n" for n, host in enumerate(hosts) if n % 3))
    led, given = tmp_path / "ledger", ("--given", "net_income=1234567.89", "--given", "minimum=1000")
    steps = {
        "post": lambda: run("ledger", "post", led, "--manifest", tmp_path / "train.parquet", "--holders", tmp_path / "holders.csv", "--model", "m1"),
        "report": lambda: run("ledger", "report", led, "--tariff", "gema-two-pillars-2024", *given, "-o", tmp_path / "r.html"),
        "verify": lambda: run("ledger", "verify", led),
        "sha256 of the segments": lambda: [hashlib.sha256(path.read_bytes()).hexdigest() for path in book.segments(led)]}
    took = {name: measured(step) for name, step in steps.items()}
    told = json.loads(run("ledger", "report", led, "--tariff", "gema-two-pillars-2024", *given, "--format", "json"))
    size = sum(path.stat().st_size for path in book.segments(led))
    with capsys.disabled():
        print(f"\nledger of {ENTRIES:,} entries, {size / 1e6:,.0f} MB, {size / ENTRIES:.0f} B an entry; peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3:,.0f} MB")
        for name, (wall, cpu) in took.items():
            print(f"  {name:<24} {wall:6.1f} s, {cpu:6.1f} s of processor, {ENTRIES / cpu:11,.0f} entries/s of processor")
    assert told["uses"] == ENTRIES
    assert told["tariff"]["charged"] == "370370.37"
    assert sum(round(float(row["amount"]) * 100) for row in told["views"]["holder"]) == 37037037


def test_a_summary_of_a_million_records(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The records of 5,000 pages, 200 times over, each time on other hosts."""
    from crawler.archive.records import Row
    pages = [assessed(page(n)) for n in range(2_500)]
    rows = table([Row(f"https://site{n}.example/", to_record(a), (None,) * len(a.evidence), n) for n, one in enumerate(pages) for a in one.assessments])
    folder = tmp_path / "run"
    folder.mkdir()
    told = begin(folder, POLICIES, Asker("OurBot"))
    for part in range(200):
        hosts = pa.array([f"www.d{(n * 7919 + part) % 9_973}.example" for n in range(len(rows))])
        path = folder / "records" / f"{part + 1:06}.parquet"
        pq.write_table(rows.set_column(RECORDS.names.index("host"), "host", hosts), path, compression="zstd")
        told["parts"].append({"file": f"records/{path.name}", "rows": len(rows), **digest_of(path)})
    write_manifest(folder, told | {"status": "complete", "ended": datetime.now(UTC).isoformat()})
    made: list[str] = []
    wall, cpu = measured(lambda: made.append(run("summary", folder, "--for", "eu", "--format", "json")))
    with capsys.disabled():
        print(f"\nsummary of {200 * len(rows):,} records: {wall:.1f} s, {cpu:.1f} s of processor, {200 * len(rows) / cpu:,.0f} records/s of processor")
    domains = json.loads(made[0])["domains"]
    assert (domains["all"], len(domains["listed"])) == (9_973, 998)
