"""What a second worker brings. CPU time tells what it costs, whoever else uses the machine; the clock tells the rest, where nobody does.

From two sizes follow what is spent once and what is spent a page. With m seconds a page and s seconds once, n pages take at most
s + n * m / workers seconds on cores of their own, as the start of several workers overlaps.
"""
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

FEW, MANY, ROUNDS = 2, 10, 2
ARCHIVE_PAGES = 30_000               # about what a file of Common Crawl holds
FILES = 10                           # of which a worker takes several; what is spent once weighs less then
GATE = 1.8


def inputs(folder: Path, copies: int) -> Path:
    """The sample of the corpus so many times."""
    folder.mkdir()
    for n in range(copies):
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
    clock, cpu = dict[tuple[int, int], float](), dict[tuple[int, int], float]()
    for copies in (FEW, MANY):
        given = inputs(tmp_path / f"in{copies}", copies)
        for n in range(ROUNDS):
            for workers in (1, 2):
                s, cpu_s = measure(given, tmp_path / f"run{copies}-{n}-{workers}", workers)
                key = copies, workers
                clock[key], cpu[key] = min(s, clock.get(key, s)), min(cpu_s, cpu.get(key, cpu_s))
    a_page = {w: (cpu[MANY, w] - cpu[FEW, w]) / ((MANY - FEW) * corpus.SAMPLE) for w in (1, 2)}
    once = {w: cpu[FEW, w] - FEW * corpus.SAMPLE * a_page[w] for w in (1, 2)}
    wanted = [2 * corpus.SAMPLE * MANY, ARCHIVE_PAGES, FILES * ARCHIVE_PAGES]
    brings = {n: (once[1] + n * a_page[1]) / (once[2] + n * a_page[2] / 2) for n in wanted}
    with capsys.disabled():
        print(f"\n{'':12}{'s':>8}{'CPU s':>8}{'ms a page':>11}{'s once':>8}      ({MANY * corpus.SAMPLE:,} pages in {MANY} files; "
              f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores)")
        for w, name in ((1, "one worker"), (2, "two workers")):
            print(f"{name:12}{clock[MANY, w]:>8.1f}{cpu[MANY, w]:>8.1f}{1000 * a_page[w]:>11.2f}{once[w]:>8.2f}")
        print(f"two against one by the clock: {clock[MANY, 1] / clock[MANY, 2]:.2f}; with a core each: "
              + ", ".join(f"{x:.2f} for {n:,} pages" for n, x in brings.items()))
    first, second = (sorted(url for part in parts(tmp_path / f"run{MANY}-0-{w}") for url in requested(part)) for w in (1, 2))
    assert first == second
    assert brings[FILES * ARCHIVE_PAGES] > GATE
