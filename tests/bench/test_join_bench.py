"""A decision table of a million captures joined to a corpus of a million texts: rows a second, and how much memory it takes."""
from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

duckdb = pytest.importorskip("duckdb", reason="install duckdb")
pytestmark = [pytest.mark.bench, pytest.mark.timeout(1_800)]

FEW, MANY = 100_000, 1_000_000
PEAK_KIB = 1_600 << 10               # DuckDB may hold 1 GB (archive/decisions.py)
# Of this program alone: what getrusage(2) tells is at least what the process had that started it.
MEASURE = """
import json, sys, time
from click.testing import CliRunner
from crawler.cli import main
done = CliRunner().invoke(main, ["join", *sys.argv[1:], "--format", "json"])
assert done.exit_code == 0, done.output
peak_kib = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM:"))
print(json.dumps({**json.loads(done.output)[0], "cpu_s": time.process_time(), "peak_kib": peak_kib}))
"""


def corpus(folder: Path, many: int) -> tuple[Path, Path]:
    """decisions.parquet and texts.parquet, in opposite order; one text in a hundred has no decision."""
    folder.mkdir()
    url = "'https://h' || (i % 150) || '.example/' || i || '/page-of-words.html' AS url"
    duckdb.sql(f"""COPY (SELECT {url}, 'x' AS surt, TIMESTAMPTZ '2026-11-20 12:00:00+00' + INTERVAL (i % 10000) SECOND AS "at",
        'urn:uuid:' || uuid()::VARCHAR AS record_id, 'sha256:' || sha256(i::VARCHAR) AS digest,
        CASE WHEN i % 10 = 0 THEN 'prohibited' WHEN i % 7 = 0 THEN 'undetermined' ELSE 'permitted' END AS verdict,
        ['eu-dsm-art4@2026-11-22/reserved'] AS reasons FROM range({many}) t(i) WHERE i % 100 > 0) TO '{folder}/decisions.parquet'""")
    duckdb.sql(f"""COPY (SELECT {url}, repeat('words of a page ', 100) || i AS text, '2026-11-20T12:00:00Z' AS date,
        '<urn:uuid:' || uuid()::VARCHAR || '>' AS id FROM range({many} - 1, -1, -1) t(i)) TO '{folder}/texts.parquet'""")
    return folder / "decisions.parquet", folder / "texts.parquet"


def test_a_million_rows_joined_to_a_million(tmp_path, capsys):
    told = {}
    for many in (FEW, MANY):
        table, texts = corpus(tmp_path / str(many), many)
        done = subprocess.run([sys.executable, "-c", MEASURE, table, texts, "--kept", tmp_path / f"k{many}", "--dropped", tmp_path / f"d{many}"],
                              cwd=Path(__file__).parents[2], capture_output=True, text=True, check=True)
        told[many] = json.loads(done.stdout)
        assert (told[many]["rows"], told[many]["matched"]) == (many, many * 99 // 100)
    with capsys.disabled():
        print(f"\n{'rows':>10}{'CPU s':>8}{'rows/CPU s':>12}{'peak MB':>9}")
        for many, one in told.items():
            print(f"{many:>10,}{one['cpu_s']:>8.1f}{many / one['cpu_s']:>12,.0f}{one['peak_kib'] / 1024:>9,.0f}")
    assert told[MANY]["peak_kib"] < PEAK_KIB
