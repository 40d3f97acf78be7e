"""What each engine makes of the same pages with two processors, start-up apart; and sites joined as of the capture by Spark.

The whole of the join, 10^6 rows and 10^5 sites: `python -m tests.bench.as_of FOLDER 1000000 100000`.
"""
from __future__ import annotations

import pytest
from fastwarc.warc import ArchiveIterator, WarcRecordType

from crawler.archive import sites
from crawler.archive.sites import Copy
from rules import Access
from tests import engines
from tests.bench import as_of, corpus

pytestmark = [pytest.mark.bench, pytest.mark.timeout(3_600)]

PARTS = 8
ROWS, SITES = 100_000, 10_000        # of the join, here


def test_engines_beside_a_single_process(tmp_path, capsys):
    """The records of each are compared, whole, with those of the single process."""
    engines.split(corpus.folder() / "sample.warc.gz", tmp_path / "pages", PARTS)
    known = tmp_path / "sites.parquet"
    sites.write(known, (Copy(f"https://{host}/robots.txt", corpus.START, Access.OBTAINED, 200, body) for host, body in corpus.robots()))
    held = sum(len(record.reader.read()) for path in (tmp_path / "pages").glob("*.gz")
               for record in ArchiveIterator(str(path), record_types=WarcRecordType.response, parse_http=True, fsspec_args=False))
    lines, want = [], []
    for engine in engines.ENGINES:
        took = engines.run(engine, tmp_path / "pages", known, tmp_path / engine)
        got = engines.whole(tmp_path / engine)
        want = want or got
        assert got == want, engine
        cpu_s = took["cpu_s"] if engine != "ray" else float("nan")       # of Ray not every process is seen
        lines.append(f"{engine:14}{took['start_s']:>9.1f}{took['work_s']:>9.1f}{cpu_s:>9.1f}{corpus.SAMPLE / took['work_s']:>12,.0f}"
                     f"{held / 1e6 / took['work_s']:>8.1f}{corpus.SAMPLE / cpu_s:>14,.0f}")
    assert len(want) == corpus.SAMPLE * len(engines.NAMES)
    with capsys.disabled():
        print(f"\n{corpus.SAMPLE} pages, {held / 1e6:.0f} MB, {len(engines.NAMES)} policies, two processors; records are the same for all\n"
              f"{'':14}{'start s':>9}{'work s':>9}{'CPU s':>9}{'pages/s':>12}{'MB/s':>8}{'pages/CPU s':>14}")
        print("\n".join(lines))


def test_sites_joined_as_of_the_capture(tmp_path, capsys):
    engines.needed("spark")
    took = as_of.run(*as_of.write(tmp_path, ROWS, SITES), tmp_path / "out", 8)
    with capsys.disabled():
        print(f"\nSpark, two processors: {ROWS:,} rows joined with {SITES:,} sites as of the capture and decided: start {took['start_s']:.1f} s, "
              f"work {took['work_s']:.1f} s, CPU {took['cpu_s']:.0f} s")
    assert took["rows"] == ROWS
