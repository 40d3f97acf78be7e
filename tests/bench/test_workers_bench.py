"""What a second worker brings, start-up and all. The best of several rounds, one after the other, as nobody knows who else is there."""
from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from crawler.archive.records import requested
from crawler.run import parts
from tests.bench import corpus

pytestmark = [pytest.mark.bench, pytest.mark.timeout(3_600)]

COPIES, ROUNDS = int(os.environ.get("C", 10)), int(os.environ.get("R", 3))
GATE = 1.3                           # what is wanted is 1.8; a machine that others use does not give it


def inputs(folder: Path) -> Path:
    """The sample of the corpus COPIES times."""
    folder.mkdir()
    for n in range(COPIES):
        (folder / f"{n}.warc.gz").symlink_to(corpus.folder() / "sample.warc.gz")
    return folder


def measure(given: Path, out: Path, workers: int) -> tuple[float, float]:
    """Seconds by the clock, and of CPU of all processes."""
    before, start = os.times(), time.perf_counter()
    subprocess.run([sys.executable, "-m", "crawler.cli", "filter", given, "-o", out, "--sites", corpus.folder() / "robots.warc.gz", "--workers",
                    str(workers), "--policy", "eu-dsm-art4", "--policy", "rfc9309-crawl", "--policy", "strictest"],
                   cwd=Path(__file__).parents[2], check=True, stdout=subprocess.DEVNULL)
    after = os.times()
    return time.perf_counter() - start, after.children_user + after.children_system - before.children_user - before.children_system


def test_two_workers_against_one(tmp_path, capsys):
    given = inputs(tmp_path / "in")
    rounds = [[measure(given, tmp_path / f"run{n}-{workers}", workers) for workers in (1, 2)] for n in range(ROUNDS)]
    (one_s, one_cpu), (two_s, two_cpu) = (min(r[k] for r in rounds) for k in (0, 1))
    pages = COPIES * corpus.SAMPLE
    with capsys.disabled():
        print(f"\n{pages:,} pages in {COPIES} files, best of {ROUNDS} rounds; load of the machine {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores\n"
              f"{'':12}{'s':>8}{'CPU s':>8}{'pages/s':>10}{'pages/CPU s':>13}")
        for name, s, cpu in (("one worker", one_s, one_cpu), ("two workers", two_s, two_cpu)):
            print(f"{name:12}{s:>8.1f}{cpu:>8.1f}{pages / s:>10,.0f}{pages / cpu:>13,.0f}")
        print(f"two against one: {one_s / two_s:.2f} by the clock; {2 * one_cpu / two_cpu:.2f} if both had a core of their own all the time\n"
              f"rounds: {', '.join(f'{r[0][0] / r[1][0]:.2f}' for r in rounds)}")
    first, second = (sorted(url for part in parts(tmp_path / f"run0-{n}") for url in requested(part)) for n in (1, 2))
    assert first == second
    assert one_s / two_s > GATE
