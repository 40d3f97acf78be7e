"""A post that is killed leaves a valid chain, and the same command goes on: real processes, kill -9 at random moments."""
from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from crawler.ledger import book, entry
from crawler.ledger.verify import Verified, verify

ROOT = Path(__file__).parents[1]
ROWS = 15_000
KILLS, MOST_KILLS = 8, 30         # it goes on until the beginning of an entry was left behind
RUNAWAY_S = 200
# Small buffers and segments, and a system that takes few bytes at once, so that a kill finds the process in every kind of place.
POST = """
import os, sys
from crawler.cli import main
from crawler.ledger import book
write, most = os.write, int(sys.argv[2])
os.write = lambda file, data: write(file, bytes(data[:most]))
book.BUFFER_BYTES, book.SEGMENT_BYTES = int(sys.argv[1]), 1_500_000
main(["ledger", "post", sys.argv[3], "--manifest", sys.argv[4], "--model", "m1", "--date", "2026-11-22"])
"""

pytestmark = pytest.mark.slow


def manifest(folder: Path) -> Path:
    path = folder / "train.csv"
    path.write_text("url,tokens,epochs\n" + "".join(f"https://site{n % 97}.example/{n},{n + 1},2\n" for n in range(ROWS)))
    return path


def command(buffer: int, most: int, ledger: Path, table: Path) -> list[str]:
    return [sys.executable, "-c", POST, str(buffer), str(most), str(ledger), str(table)]


def size(ledger: Path) -> int:
    return sum(path.stat().st_size for path in book.segments(ledger))


def test_kills_at_random_moments_lose_nothing_and_post_nothing_twice(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table, ledger, dice = manifest(tmp_path), tmp_path / "ledger", random.Random(11)
    torn = unsealed = before = 0
    kills = 0
    while kills < KILLS or (not torn and kills < MOST_KILLS):
        kills += 1
        words = command(*((100_000, 20) if kills % 2 else (dice.choice((200, 100_000)), 1 << 20)), ledger, table)
        wanted = size(ledger) + dice.randrange(200_000)
        with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            begun = time.monotonic()
            while size(ledger) <= wanted and process.poll() is None and time.monotonic() < begun + RUNAWAY_S:
                time.sleep(.001)
            os.kill(process.pid, signal.SIGKILL)
            assert process.wait(RUNAWAY_S) == -signal.SIGKILL
        into = Verified()
        assert list(verify(ledger, into)) == [], f"kill {kills}"
        assert into.entries >= before, "what was there is there"
        before, torn, unsealed = into.entries, torn + bool(into.torn_bytes), unsealed + bool(into.unsealed)
    done = subprocess.run(command(100_000, 1 << 20, ledger, table), cwd=ROOT, capture_output=True, text=True, timeout=RUNAWAY_S, check=True)
    into = Verified()
    assert list(verify(ledger, into)) == []
    assert into.entries == ROWS
    entries = [entry.read(text) for _, _, text in book.lines(ledger)]
    assert [e["source"]["row"] for e in entries] == list(range(1, ROWS + 1))
    assert [e["quantity"]["value"] for e in entries] == [str(n + 1) for n in range(ROWS)]
    assert json.loads((ledger / "ledger.json").read_bytes())["entries"] == ROWS
    assert torn
    assert unsealed
    with capsys.disabled():
        print(f"\nledger: {kills} kills; {unsealed} left entries after the seal, {torn} the beginning of one; then: {done.stdout.splitlines()[0]}")


def test_a_second_process_is_refused(tmp_path: Path) -> None:
    table, ledger = manifest(tmp_path), tmp_path / "ledger"
    with book.opened(ledger) as opened:
        second = subprocess.run(command(200, 3_000, ledger, table), cwd=ROOT, capture_output=True, text=True, timeout=RUNAWAY_S, check=False)
        opened.append([entry.new(occurred_at="2026-11-22T10:00:00Z", scheme="other", work="a", use_type="train")])
    assert second.returncode == 2
    assert "is being written by another process" in " ".join(second.stderr.split())
    into = Verified()
    assert list(verify(ledger, into)) == []
    assert into.entries == 1
