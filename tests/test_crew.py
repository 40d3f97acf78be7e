"""Workers and whole runs that are killed at any moment: nothing is lost, nothing is there twice, and what kills is named."""
from __future__ import annotations

import contextlib
import json
import os
import pty
import random
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from datetime import timedelta
from multiprocessing import Pipe
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from crawler import crew, nursery
from crawler.archive import site_files, sites
from crawler.cli import main
from crawler.crew import Crew
from crawler.filtering import Job, Task
from crawler.recorded import rows
from crawler.run import RunError, text_of
from rules import Asker, policies
from tests.archives import AT, Maker
from tests.test_filter import SITE, command_of, finished, parent_of, run, start, urls_in
from tests.test_site_copies import copy

FILES, PAGES, ROUNDS = 15, 120, 8


def many(folder: Path) -> Counter[str]:
    """Archives and tables; the addresses in them."""
    folder.mkdir()
    for n in range(FILES):
        some = [{"url": f"{SITE}/{n}/{m}", "html": "<p>words <meta name=robots content=noai>" * 60 if m % 3 else "<p>words" * 90,
                 "http_headers": "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n", "date": "2026-11-20T12:00:00Z"} for m in range(PAGES)]
        if n % 3 == 0:
            maker = Maker()
            for one in some:
                maker.add(one["url"], one["html"].encode())
            maker.write(folder / f"{n:02}.warc.gz")
        elif n % 3 == 1:
            pq.write_table(pa.Table.from_pylist(some), folder / f"{n:02}.parquet")
        else:
            (folder / f"{n:02}.jsonl").write_text("".join(json.dumps(one) + "\n" for one in some))
    return Counter(f"{SITE}/{n}/{m}" for n in range(FILES) for m in range(PAGES))


def nursery_of(pid: int) -> list[int]:
    """The process that its workers are forked from."""
    return [int(one) for one in os.listdir("/proc") if one.isdigit() and b"forkserver" in command_of(one) and parent_of(one) == pid]


def workers_of(pid: int) -> list[int]:
    return [int(one) for one in os.listdir("/proc") if one.isdigit() and b"forkserver" in command_of(one) and parent_of(one) in nursery_of(pid)]


def whole(folder: Path, wanted: Counter[str]) -> None:
    assert Counter(row.requested for row in rows(folder / "run")) == wanted
    split = Counter(url for side in "kd" for path in (folder / side).iterdir() for url in urls_in(path))
    assert split == wanted
    assert json.loads((folder / "run" / "manifest.json").read_bytes())["status"] == "complete"
    assert not (folder / "run" / "unfinished").exists()
    assert CliRunner().invoke(main, ["replay", str(folder / "run")]).exit_code == 0


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", range(2))
def test_kills_at_random_moments_lose_nothing_and_double_nothing(seed, tmp_path):
    chance, wanted = random.Random(seed), many(tmp_path / "in")
    args = (tmp_path / "in", "-o", tmp_path / "run", "--sites", "none", "--workers", 2, "--kept", tmp_path / "k", "--dropped", tmp_path / "d")
    killed: Counter[str] = Counter()
    for _ in range(ROUNDS):
        process, done = start(*args), finished(tmp_path / "run")
        deadline = time.monotonic() + 60
        while process.poll() is None and finished(tmp_path / "run") == done and time.monotonic() < deadline:
            time.sleep(0.01)                 # so that each round gets somewhere
        while process.poll() is None:
            time.sleep(chance.random() * 0.2)
            if chance.random() < 0.4 and (there := workers_of(process.pid)):
                os.kill(chance.choice(there), signal.SIGKILL)
                killed["worker"] += 1
            elif chance.random() < 0.2 and (there := nursery_of(process.pid)):
                os.kill(there[0], signal.SIGKILL)
                killed["nursery"] += 1
            elif chance.random() < 0.5:
                process.send_signal(signal.SIGKILL)
                killed["run"] += 1
                break
        process.wait()
        if finished(tmp_path / "run") == FILES:
            break
    assert start(*args).wait() == 0
    assert killed["run"]
    whole(tmp_path, wanted)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_an_input_that_kills_its_workers_is_named_and_the_rest_is_done(tmp_path):
    wanted, poison = many(tmp_path / "in"), str(tmp_path / "in" / "04.parquet")
    args = (tmp_path / "in", "-o", tmp_path / "run", "--sites", "none", "--workers", 2, "--kept", tmp_path / "k", "--dropped", tmp_path / "d")
    process, killed = start(*args, out=subprocess.PIPE), list[int]()

    def kill() -> None:
        while process.poll() is None:
            for pid in workers_of(process.pid):
                if poison in open_files(pid):
                    os.kill(pid, signal.SIGKILL)
                    killed.append(pid)
    killer = threading.Thread(target=kill)
    killer.start()
    out, _ = process.communicate()
    killer.join()
    assert process.returncode == 3
    assert len(set(killed)) == crew.ATTEMPTS
    assert f"{poison}: {crew.LOST}".encode() in out
    assert Counter(row.requested for row in rows(tmp_path / "run")) == Counter(u for u in wanted if not u.startswith(f"{SITE}/4/"))
    assert start(*args).wait() == 0          # nobody kills any more
    whole(tmp_path, wanted)


@pytest.mark.slow
@pytest.mark.parametrize("who", ["nursery", "nursery and workers"])
def test_the_process_that_workers_are_forked_from_may_be_killed_too(who, tmp_path):
    wanted = many(tmp_path / "in")
    process = start(tmp_path / "in", "-o", tmp_path / "run", "--sites", "none", "--workers", 2, "--kept", tmp_path / "k", "--dropped", tmp_path / "d")
    while not finished(tmp_path / "run"):
        time.sleep(0.01)
    workers, nurseries = workers_of(process.pid), nursery_of(process.pid)
    assert len(workers) == 2
    assert len(nurseries) == 1
    for pid in (*nurseries, *(workers if who != "nursery" else ())):
        os.kill(pid, signal.SIGKILL)
    assert process.wait() == 0
    whole(tmp_path, wanted)


@pytest.mark.slow
@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("number, name", [(signal.SIGINT, "interrupted"), (signal.SIGKILL, "running")])
def test_who_ends_the_command_ends_all_its_processes(number, name, tmp_path):
    """Ctrl-C goes to all of them."""
    wanted = many(tmp_path / "in")
    args = (tmp_path / "in", "-o", tmp_path / "run", "--sites", "none", "--workers", 2, "--kept", tmp_path / "k", "--dropped", tmp_path / "d")
    process = start(*args, out=subprocess.PIPE, err=subprocess.STDOUT, group=0)
    while not finished(tmp_path / "run"):
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGSTOP)   # so that it is in the middle of it, however busy the machine
    all_of_them = {*nursery_of(process.pid), *workers_of(process.pid)}
    assert len(all_of_them) == 3
    if number == signal.SIGINT:
        os.killpg(process.pid, number)
    else:
        process.kill()
    os.killpg(process.pid, signal.SIGCONT)
    told, _ = process.communicate()          # all have let go of it
    assert (process.returncode, told.strip()) == ((130, b"stopped; the same command goes on") if number == signal.SIGINT else (-number, b""))
    assert not any(b"forkserver" in command_of(str(pid)) for pid in all_of_them)
    assert json.loads((tmp_path / "run" / "manifest.json").read_bytes())["status"] == name
    assert start(*args).wait() == 0
    whole(tmp_path, wanted)


def open_files(pid: int) -> set[str]:
    try:
        return {os.readlink(f"/proc/{pid}/fd/{n}") for n in os.listdir(f"/proc/{pid}/fd")}
    except OSError:
        return set()


def task(folder: Path) -> Task:
    policy = policies.load("eu-dsm-art4")
    (folder / "records").mkdir(parents=True)
    return Task(((text_of(policy), policy.file),), Asker("maymine"), str(folder))


def job(folder: Path, number: int = 1) -> Job:
    path = Maker().add(f"{SITE}/{number}", b"<p>words").write(folder / f"{number}.warc.gz")
    return Job(number, str(path), path.stat().st_size, path.name)


@pytest.mark.slow
def test_a_worker_that_died_while_it_was_idle_is_replaced(tmp_path):
    made = Crew(task(tmp_path / "run"), 1)
    process, pipe = made._hire()
    process.kill()
    process.join()
    made._idle.append((process, pipe))
    assert [one.pages for one in made.work([job(tmp_path)], lambda job, at, pages: None)] == [1]


def die(task: Task, pipe) -> None:
    pipe.recv()
    os._exit(9)


@pytest.mark.slow
def test_where_every_worker_dies_all_ends(tmp_path, monkeypatch):
    monkeypatch.setattr(crew, "serve", die)
    jobs = [job(tmp_path, n) for n in range(1, 9)]
    with pytest.raises(RunError, match="ended one after another"):
        list(Crew(task(tmp_path / "run"), 1).work(jobs, lambda job, at, pages: None))
    few = Crew(task(tmp_path / "run2"), 1)
    assert not list(few.work(jobs[:2], lambda job, at, pages: None))
    assert [one.damage for one in few.lost] == [[crew.LOST]] * 2


def hang(task: Task, pipe) -> None:
    while True:
        pipe.recv()
        time.sleep(600)


@pytest.mark.slow
def test_an_input_in_which_workers_hang_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(crew, "serve", hang)
    monkeypatch.setattr(crew, "SILENT_S", 1.0)
    monkeypatch.setattr(crew, "LOOK_S", 0.1)
    made = Crew(task(tmp_path / "run"), 2)
    assert not list(made.work([job(tmp_path, n) for n in (1, 2)], lambda job, at, pages: None))
    assert [one.damage for one in made.lost] == [[crew.LOST]] * 2


def test_whoever_tells_is_not_silent(tmp_path, monkeypatch):
    """Nor is anyone while nobody ran."""
    class Process:
        killed = 0

        def kill(self) -> None:
            self.killed += 1
    made, both, pipes = Crew(task(tmp_path / "run"), 2), [Process(), Process()], [Pipe(), Pipe()]
    for process, (ours, _), n in zip(both, pipes, (1, 2), strict=True):
        made._busy[ours], made._silent_s[ours] = (process, job(tmp_path, n)), 0.0
    clock = iter(range(0, 10**9, 10**6))
    monkeypatch.setattr(crew.time, "monotonic", lambda: next(clock))
    monkeypatch.setattr(crew, "LOOK_S", 0.01)
    monkeypatch.setattr(crew, "SILENT_S", 0.055)
    pipes[0][1].send(("tick", (0, 0)))
    for looks in range(1, 9):
        assert made._told() == [pipes[0][0]]
        assert [one.killed for one in both] == [0, max(0, looks - 5)]
    for pipe in (*pipes[0], *pipes[1]):
        pipe.close()


@pytest.mark.slow
def test_where_nobody_can_be_started_all_ends(tmp_path, monkeypatch):
    made = Crew(task(tmp_path / "run"), 1)

    def refuse() -> None:
        raise BlockingIOError(11, "Resource temporarily unavailable")
    monkeypatch.setattr(made, "_hire", refuse)
    with pytest.raises(RunError, match="ended one after another"):
        list(made.work([job(tmp_path)], lambda job, at, pages: None))


@pytest.mark.slow
def test_workers_where_there_is_no_fork(tmp_path, monkeypatch):
    monkeypatch.setattr(nursery, "FORKS", False)
    nursery.begin()
    made = Crew(task(tmp_path / "run"), 2)
    assert nursery.context().get_start_method() == "spawn"
    assert [one.pages for one in made.work([job(tmp_path, n) for n in (1, 2, 3)], lambda job, at, pages: None)] == [1, 1, 1]


LATER = """
import sys
import crawler.ready
from rules import policies, proof
from rules.scan import Scan
before, compiled = set(sys.modules), Scan._compiled
def late(scan, flags):
    print(len(scan._words), "words are compiled late")
    return compiled(scan, flags)
Scan._compiled = late
for name in policies.names():
    assert not proof.run_examples(policies.load(name))
print(*(name for name in sorted(set(sys.modules) - before) if not name.startswith(("encodings.", "_codecs", "_multibytecodec"))))
"""


def test_workers_have_loaded_what_pages_need():
    """Readers of pages and of files of sites; what reads media is loaded by the first of them."""
    told = subprocess.run([sys.executable, "-c", LATER], cwd=Path(__file__).parents[1], capture_output=True, text=True, check=True).stdout
    assert told.split() == []


@pytest.mark.parametrize("error, word", [(MemoryError("much"), "failed"), (RecursionError("deep"), "failed"), (OSError(28, "No space left"), "unwritable")])
def test_what_a_worker_tells_of_a_failure(error, word, tmp_path, monkeypatch):
    class Bad:
        def __init__(self, task: Task):
            pass

        def filter(self, job: Job, tick: object) -> None:
            raise error
    monkeypatch.setattr(crew, "Worker", Bad)
    ours, theirs = Pipe()
    thread = threading.Thread(target=crew.serve, args=(task(tmp_path), theirs))
    thread.start()
    ours.send(job(tmp_path))
    told, why = ours.recv()
    ours.close()
    thread.join()
    theirs.close()
    assert (told, str(error).partition(": ")[0] in why) == (word, True)


# ---- what all workers share

def test_copies_on_disk_answer_as_those_in_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(site_files, "HELD_BYTES", 20_000)        # so that they are sorted in many runs
    monkeypatch.setattr(site_files, "BATCH_ROWS", 7)
    chance = random.Random(4)
    hosts = [f"https://h{n}.example" for n in range(40)]
    made = [copy(chance.randrange(-90, 90), str(n).encode(), *chance.choice([("200 OK",), ("404 Not Found",), ("301 Moved", "Location: /x.txt"),
                                                                             ("301 Moved", f"Location: {chance.choice(hosts)}/robots.txt")]),
                 url=f"{chance.choice(hosts)}/{chance.choice(['robots.txt', 'ai.txt', 'trust.txt'])}") for n in range(600)]
    sites.write_mapped(tmp_path / "s.arrow", made)
    on_disk, in_memory = sites.Copies(sites.Mapped(tmp_path / "s.arrow")), sites.Copies(made)
    for _ in range(1_500):
        url = f"{chance.choice([*hosts, 'https://h.example', 'https://h00.example'])}/page"
        at = chance.choice([None, AT + timedelta(hours=chance.randrange(-120, 120))])
        assert on_disk.of(url, at) == in_memory.of(url, at)
    assert on_disk.of(f"{hosts[3]}/a", AT)[0] is on_disk.of(f"{hosts[3]}/b", AT)[0]
    assert sites.write(tmp_path / "s.parquet", made) == 600
    back = list(sites.read(tmp_path / "s.parquet"))
    assert [(c.uri, c.at) for c in back] == sorted((c.uri, c.at) for c in made)
    assert sites.files_in(tmp_path / "s.parquet") == len({c.uri for c in made})


def test_what_is_remembered_of_sites_is_bounded_in_bytes(tmp_path, monkeypatch):
    monkeypatch.setattr(site_files, "KEPT_BYTES", 10_000)
    monkeypatch.setattr(sites, "HELD_BYTES", 10_000)
    sites.write_mapped(tmp_path / "s.arrow", [copy(0, b"%d" % n * 500, url=f"https://h{n}.example/robots.txt") for n in range(100)])
    mapped = sites.Mapped(tmp_path / "s.arrow")
    known = sites.Copies(mapped)
    for n in (*range(100), *range(100)):
        assert known.of(f"https://h{n}.example/a", AT)[0][0].body == b"%d" % n * 500
    assert 5 < len(known._made) < 25
    assert 5 * 5 < len(mapped._known) < 25 * 5               # five places a site
    assert 0 < mapped._held <= 10_000
    assert sum(len(e.body) for evidence, _ in known._made.values() for e in evidence) == known._held <= 10_000


def test_no_copies_at_all(tmp_path):
    sites.write_mapped(tmp_path / "s.arrow", [])
    assert sites.Copies(sites.Mapped(tmp_path / "s.arrow")).of(f"{SITE}/a", AT) == sites.Copies([]).of(f"{SITE}/a", AT)


def test_inputs_that_come_later_bring_the_files_of_their_sites(tmp_path):
    first = Maker().add(f"{SITE}/a", b"<p>words").write(tmp_path / "1.warc.gz")
    other = "https://other.example"
    second = (Maker().add(f"{other}/a", b"<p>words").add(f"{other}/robots.txt", b"User-agent: *\nDisallow: /\n", [("Content-Type", "text/plain")])
              .write(tmp_path / "2.warc.gz"))
    assert run(first, "-o", tmp_path / "run")[0] == 0
    assert run(first, second, "-o", tmp_path / "run")[0] == 0
    told = {row.requested: row.record["decisions"]["tdm"]["verdict"] for row in rows(tmp_path / "run")}
    assert told[f"{other}/a"] == "prohibited"
    assert not (tmp_path / "run" / "sites.arrow").exists()


def test_damage_of_the_files_of_sites_is_told_again(tmp_path):
    given = Maker().add(f"{SITE}/a", b"<p>words").write(tmp_path / "1.warc.gz")
    bad = tmp_path / "robots.warc.gz"
    bad.write_bytes(b"no archive")
    for _ in range(2):
        code, out = run(given, "-o", tmp_path / "run", "--sites", bad)
        assert (code, "robots.warc.gz" in out) == (3, True)


@pytest.mark.slow
def test_progress_tells_speed_and_the_time_that_is_left(tmp_path):
    """On a terminal; nothing of it goes to standard output."""
    many(tmp_path / "in")
    ours, theirs = pty.openpty()
    process = subprocess.Popen([sys.executable, "-m", "crawler.cli", "filter", str(tmp_path / "in"), "-o", str(tmp_path / "run"), "--workers", "2"],
                               cwd=Path(__file__).parents[1], stdout=subprocess.PIPE, stderr=theirs, env={**os.environ, "TERM": "xterm", "COLUMNS": "150"})
    os.close(theirs)
    shown = bytearray()
    with contextlib.suppress(OSError):       # the other side is closed
        while part := os.read(ours, 65_536):
            shown += part
    out, _ = process.communicate()
    os.close(ours)
    assert process.returncode == 0
    assert re.search(rb"[\d,]+ pages/s", shown)
    assert re.search(rb"[\d.]+ ?[kM]?B/s", shown)
    assert re.search(rb"\d+:\d\d:\d\d", shown)
    assert b"pages/s" not in out
