"""What a second worker brings, by the clock and by CPU time.

The clock counts where nobody else uses the machine. Elsewhere CPU time tells what is spent: by the command, by the process that its
workers are forked from (which loads while the command goes on), by each worker before it is at its pages, and a page, which costs
the same wherever it is decided. On cores of their own, a run by two workers takes at most as long as the longer of the first two, what a
worker spends once, and half of the pages; whether it does, the clock tells.
"""
from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from crawler.archive.records import requested
from crawler.run import parts
from tests.bench import corpus

pytestmark = [pytest.mark.bench, pytest.mark.timeout(3_600)]

ROOT = Path(__file__).parents[2]
FEW, MANY, ROUNDS = 2, 12, 3         # the sample so many times
WHOLE = 10                           # the corpus so many times: three quarters of a minute for one process
ARCHIVE_PAGES = 30_000               # about what a file of Common Crawl holds
GATE = 1.8
QUIET = 0.1                          # of others, in cores, beside what is measured
PR_SET_CHILD_SUBREAPER = 36          # prctl(2): who has lost its parent becomes ours, and so its time is told


def inputs(folder: Path, copies: int, name: str = "sample.warc.gz") -> Path:
    folder.mkdir()
    for n in range(copies):
        (folder / f"{n:02}.warc.gz").symlink_to(corpus.folder() / name)
    return folder


def measure(given: Path, out: Path, workers: int, code: int = 0) -> tuple[float, float, float]:
    """Seconds by the clock, of CPU of the command, and of all other processes. Bytecode is kept, as users have it."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    start = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-m", "crawler.cli", "filter", given, "-o", out, "--sites", corpus.folder() / "robots.warc.gz", "--workers",
                                str(workers), "--policy", "eu-dsm-art4", "--policy", "rfc9309-crawl", "--policy", "strictest"],
                               cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment(given.parent))
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    seconds, others = time.perf_counter() - start, os.times()
    assert process.returncode == code
    with suppress(ChildProcessError):
        while True:
            os.waitpid(-1, 0)        # of whom the command took no leave
    return seconds, used.ru_utime + used.ru_stime, sum(os.times()[2:4]) - sum(others[2:4])


def loading_s(folder: Path) -> float:
    """CPU seconds until a process has all that workers need."""
    before = os.times()
    subprocess.run([sys.executable, "-c", "import crawler.ready"], cwd=ROOT, check=True, env=environment(folder))
    return sum(os.times()[2:4]) - sum(before[2:4])


def environment(folder: Path) -> dict[str, str]:
    return {**os.environ, "PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(folder / "bytecode")}


def busy_s() -> float:
    """CPU seconds that anyone on this machine spent."""
    ticks = [int(n) for n in Path("/proc/stat").read_text().splitlines()[0].split()[1:]]
    return (sum(ticks) - ticks[3] - ticks[4]) / os.sysconf("SC_CLK_TCK")


def test_two_workers_against_one(tmp_path, capsys):
    measure(inputs(tmp_path / "in", 1), tmp_path / "run", 2)         # bytecode is written
    clock, command, others = dict[tuple[int, int], float](), dict[tuple[int, int], float](), dict[tuple[int, int], float]()
    for copies in (FEW, MANY):
        given = inputs(tmp_path / f"in{copies}", copies)
        for n in range(ROUNDS):
            for workers in (1, 2):
                told = measure(given, tmp_path / f"run{copies}-{n}-{workers}", workers)
                for kept, s in zip((clock, command, others), told, strict=True):
                    kept[copies, workers] = min(s, kept.get((copies, workers), s))
    loading = min(loading_s(tmp_path) for _ in range(ROUNDS))
    before = min(measure(tmp_path / "in", tmp_path / "run-", 0, code=2)[1] for _ in range(ROUNDS))      # until that is looked at
    pages = (MANY - FEW) * corpus.SAMPLE
    by_one, by_two = (command[MANY, 1] - command[FEW, 1]) / pages, (others[MANY, 2] - others[FEW, 2]) / pages
    a_page = min(by_one, by_two)     # who else uses the machine makes it dearer for one of them
    alone, each = command[FEW, 1] - FEW * corpus.SAMPLE * a_page, (others[FEW, 2] - loading - FEW * corpus.SAMPLE * a_page) / 2
    brings = {n: (alone + n * a_page) / (max(before + loading, command[MANY, 2]) + each + n * a_page / 2)
              for n in (MANY * corpus.SAMPLE, ARCHIVE_PAGES, 10 * ARCHIVE_PAGES)}
    with capsys.disabled():
        print(f"\n{MANY * corpus.SAMPLE:,} pages in {MANY} files; load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores\n"
              f"one process:  {clock[MANY, 1]:6.1f} s, CPU {command[MANY, 1]:6.1f} s: {alone:.2f} once, {1000 * by_one:.2f} ms a page\n"
              f"two workers:  {clock[MANY, 2]:6.1f} s, CPU {command[MANY, 2] + others[MANY, 2]:6.1f} s: {command[MANY, 2]:.2f} the command, "
              f"after {before:.2f} of it {loading:.2f} to load, {each:.2f} each worker once, {1000 * by_two:.2f} ms a page\n"
              f"two against one by the clock {clock[MANY, 1] / clock[MANY, 2]:.2f}; with a core each at least "
              + ", ".join(f"{x:.2f} for {n:,} pages" for n, x in brings.items()))
    first, second = (sorted(url for part in parts(tmp_path / f"run{MANY}-0-{w}") for url in requested(part)) for w in (1, 2))
    assert first == second
    assert brings[ARCHIVE_PAGES] > GATE


def test_two_workers_against_one_by_the_clock(tmp_path, capsys):
    measure(inputs(tmp_path / "few", 1), tmp_path / "run", 2)        # bytecode is written
    given, seconds, others = inputs(tmp_path / "in", WHOLE, "pages.warc.gz"), dict[int, float](), dict[int, float]()
    for n in range(ROUNDS):
        for workers in (1, 2):
            before = busy_s()
            s, *cpu_s = measure(given, tmp_path / f"run{n}-{workers}", workers)
            if s < seconds.get(workers, s + 1):
                seconds[workers], others[workers] = s, (busy_s() - before - sum(cpu_s)) / s
    with capsys.disabled():
        print(f"\n{WHOLE * corpus.PAGES:,} pages in {WHOLE} files: {seconds[1]:.1f} s by one process, {seconds[2]:.1f} s by two workers, "
              f"{seconds[1] / seconds[2]:.2f} times as fast; others used {others[1]:.2f} and {others[2]:.2f} cores meanwhile")
    if max(others.values()) > QUIET or (os.cpu_count() or 1) < 2:
        pytest.skip("the clock tells nothing here: others use this machine")
    assert seconds[1] / seconds[2] > GATE
