"""A log of a million lines against the other tools that look for crawlers in logs, whole processes in one run."""
from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.fixtures import logs as story

pytestmark = [pytest.mark.bench, pytest.mark.timeout(600)]
LINES = 1_000_000
PEER_LINES = 200_000                 # ai-crawler-logs reads so many and no more
MOST_BYTES = 300 << 20


def made(path: Path, lines: int) -> None:
    """A site of 8,000 galleries: 8 % crawlers, 6,000 browsers, a week."""
    chance = random.Random(7)
    bots = [(story.GPTBOT, "20.171.206.%d"), (story.CLAUDEBOT, "216.73.216.%d"), (story.CCBOT, "18.97.9.%d"),
            (story.BYTESPIDER, "110.249.201.%d"), (story.CHATGPT_USER, "104.208.184.%d"),
            ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "66.249.66.%d")]
    people = [f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{v}.0.{b}.{c} Safari/537.36"
              for v in range(90, 140) for b in (0, 4472, 6099) for c in range(40)]
    at = datetime(2026, 8, 30, tzinfo=UTC)
    with path.open("w") as out:
        for _ in range(lines):
            at += timedelta(seconds=chance.random() * 1.2)
            if chance.random() < 0.08:
                agent, address = chance.choice(bots)
                address %= chance.randrange(1, 250)
                target = "/robots.txt" if chance.random() < 0.01 else f"/gallery/{chance.randrange(8000)}/{chance.randrange(30)}.jpg"
            else:
                agent, address = chance.choice(people), ".".join(str(chance.randrange(1, 255)) for _ in range(4))
                target = chance.choice(("/", "/about", f"/gallery/{chance.randrange(8000)}"))
            out.write(f'{address} - - [{at:%d/%b/%Y:%H:%M:%S +0000}] "GET {target} HTTP/1.1" {chance.choice((200, 200, 200, 304, 404))} '
                      f'{chance.randrange(200, 90_000)} "https://art.example/" "{agent}"\n')


def spent(*command: str) -> tuple[float, int, str]:
    """CPU seconds, peak bytes and output of a process and its children."""
    script = ("import resource, subprocess, sys; p = subprocess.run(sys.argv[1:], capture_output=True, text=True); "
              "u = resource.getrusage(resource.RUSAGE_CHILDREN); print(u.ru_utime + u.ru_stime, u.ru_maxrss); print(p.stdout); "
              "sys.stderr.write(p.stderr)")
    done = subprocess.run([sys.executable, "-c", script, *command], capture_output=True, text=True, check=True,
                          env=os.environ | {"COLUMNS": "200"})
    first, _, out = done.stdout.partition("\n")
    cpu, peak = first.split()
    return float(cpu), int(peak) * 1024, out


def test_a_million_lines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log, part, robots = tmp_path / "access.log", tmp_path / "part.log", tmp_path / "robots.txt"
    made(log, LINES)
    with log.open("rb") as whole, part.open("wb") as some:
        some.writelines(line for _, line in zip(range(PEER_LINES), whole, strict=False))
    robots.write_bytes(story.ROBOTS)
    ours = (sys.executable, "-m", "crawler.cli", "logs", "--policy", str(robots), "--since", "2026-08-01", "--host", "art.example")
    with capsys.disabled():
        print(f"\n{LINES:,} lines, {log.stat().st_size >> 20} MiB; CPU of whole processes, the best of 3")
        best: dict[str, tuple[float, int, str]] = {}
        commands = {"maymine": (*ours, str(log)), "maymine, first 200,000": (*ours, str(part))}
        if peer := shutil.which("rastrolog", path=str(Path(sys.executable).parent)) or shutil.which("rastrolog"):
            commands["rastrolog"] = (peer, "parse", str(log))
        if peer := shutil.which("ai-crawler-logs", path=str(Path(sys.executable).parent)) or shutil.which("ai-crawler-logs"):
            commands["ai-crawler-logs, first 200,000"] = (peer, "--no-verify", "--top", "8", str(part))
        for _ in range(3):
            for name, command in commands.items():
                best[name] = min(best.get(name, (1e9, 0, "")), spent(*command))
        for name, (cpu, peak, _) in best.items():
            print(f"{name:32} {cpu:6.2f} s  {peak >> 20:5} MiB")
        for name, (_, _, out) in best.items():
            print(f"\n--- {name}\n" + "\n".join(line[:160] for line in out.strip().splitlines()[:24]))
    assert best["maymine"][1] < MOST_BYTES
    assert best["maymine"][0] * 1.2 < best["rastrolog"][0]
    assert best["maymine, first 200,000"][0] * 1.2 < best["ai-crawler-logs, first 200,000"][0]
