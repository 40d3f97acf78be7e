"""What a crawl does when somebody stops it, or when its list is not what it should be: the real command."""
from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from crawler.recorded import rows

from .crawling import ROOT
from .webserver import Web, reply

pytestmark = pytest.mark.slow

RUNAWAY_S = 60
PROMPT_S = 8                         # generous; a crawl of everything takes far longer
PAGES = 200


def line(*words: str) -> list[str]:
    return [sys.executable, "-m", "crawler.cli", "crawl", "--allow-private", *words]


def finished(*words: str, given: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(line(*words), cwd=ROOT, capture_output=True, text=True, timeout=RUNAWAY_S, check=False, input=given)


def interrupted(web: Web, after: str, times: int, *words: str) -> subprocess.CompletedProcess[str]:
    """The command, stopped when the server has been asked for `after`; a second time as soon as the first has been seen."""
    with subprocess.Popen(line(*words), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        begun = time.monotonic()
        while after not in web.requests and time.monotonic() < begun + RUNAWAY_S:
            time.sleep(.01)
        for _ in range(times):
            os.kill(process.pid, signal.SIGINT)
            time.sleep(.3)
        out, err = process.communicate(timeout=PROMPT_S)
    return subprocess.CompletedProcess(words, process.returncode, out, err)


def status(run: Path) -> str:
    found: str = json.loads((run / "manifest.json").read_bytes())["status"]
    return found


def served(web: Web) -> list[str]:
    web.otherwise(lambda target: reply(target, 200 if target.startswith("/p") else 404, [("Content-Type", "text/html")]))
    return [f"{web.url}/p{n}" for n in range(PAGES)]


def test_the_first_interrupt_stops_soon_and_the_same_command_goes_on(tmp_path: Path) -> None:
    run, file = tmp_path / "run", tmp_path / "list.txt"
    with Web() as web:
        urls = served(web)
        file.write_text("\n".join(urls))
        words = ("--urls", str(file), "-o", str(run))
        done = interrupted(web, "/p2", 1, *words)
        kept = {row.requested: row.record for row in rows(run)}
        assert (done.returncode, done.stdout) == (130, "")
        assert done.stderr == f"stopped; {PAGES - len(kept)} left; the same command goes on\n"
        assert status(run) == "interrupted"
        assert 2 < len(kept) < PAGES
        accesses = {e["access"] for record in kept.values() for e in record["evidence"] if e["carrier"] == "body"}
        assert accesses == {"obtained"}
        again = finished(*words, "-s", "AUTOTHROTTLE_ENABLED=0", "-s", "CONCURRENT_REQUESTS_PER_DOMAIN=16")
    assert again.returncode == 0, again.stderr
    assert sorted(row.requested for row in rows(run)) == sorted(urls)
    assert status(run) == "complete"
    assert len(web.requests) == len(set(web.requests)) + len(set(web.requests) - {url.removeprefix(web.url) for url in urls})


def test_the_second_interrupt_does_not_wait_for_answers(tmp_path: Path) -> None:
    run = tmp_path / "run"
    with Web() as web:
        web.put("/a", "a")
        web.hang("/b")
        done = interrupted(web, "/b", 2, f"{web.url}/a", f"{web.url}/b", "-o", str(run))
    assert (done.returncode, done.stdout) == (130, "")
    assert done.stderr == "stopped; 1 left; the same command goes on\n"
    assert [row.requested for row in rows(run)] == [f"{web.url}/a"]
    assert status(run) == "interrupted"


def test_an_interrupt_while_a_site_is_asked_records_nothing_about_its_pages(tmp_path: Path) -> None:
    run = tmp_path / "run"
    with Web() as web:
        web.drip("/robots.txt", reply("#", 200, [("X", "x" * 20)]), .02)
        done = interrupted(web, "/robots.txt", 1, f"{web.url}/a", f"{web.url}/b", "-o", str(run))
    assert (done.returncode, done.stderr) == (130, "stopped; 2 left; the same command goes on\n")
    assert list(rows(run)) == []
    assert web.requests == ["/robots.txt"]


def test_bad_lines_are_left_out_and_the_run_can_be_taken_up(tmp_path: Path) -> None:
    run, file = tmp_path / "run", tmp_path / "list.txt"
    with Web() as web:
        web.put("/a", "a")
        file.write_text(f"# a comment\n\nnot a url\n{web.url}/a\nmailto:x@y.z\n")
        once, again = (finished("--urls", str(file), "-o", str(run)) for _ in range(2))
    for done in (once, again):
        assert (done.returncode, done.stderr) == (0, "2 lines are no web addresses and were left out; -v shows them.\n")
    assert [row.requested for row in rows(run)] == [f"{web.url}/a"]


@pytest.mark.parametrize("text", ["", "# nothing\n\n", "not a url\nfoo\n"])
@pytest.mark.parametrize("site", [(), ("--site",)], ids=["list", "site"])
def test_a_list_without_an_address_begins_no_run(text: str, site: tuple[str, ...], tmp_path: Path) -> None:
    done = finished("--urls", "-", "-o", str(tmp_path / "run"), *site, given=text)
    assert (done.returncode, done.stdout) == (2, "")
    assert "There is no web address in standard input" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "run").exists()


def test_a_bare_word_is_no_address(tmp_path: Path) -> None:
    done = finished("--site", "foo", "-o", str(tmp_path / "run"))
    assert (done.returncode, done.stdout) == (2, "")
    assert "'foo' is no web address; did you mean https://foo?" in done.stderr
    assert not (tmp_path / "run").exists()


def test_the_root_of_a_site_is_fetched_once_and_explained(tmp_path: Path) -> None:
    with Web() as web:
        web.put("/", "<a href='/'>x</a>")
        done = finished("--site", web.url, "-o", str(tmp_path / "run"), "--format", "json", "--policy", "strictest")
    assert done.returncode == 0, done.stderr
    assert web.requests.count("/") == 1
    assert [row.requested for row in rows(tmp_path / "run")] == [f"{web.url}/"]
    assert [d["use"] for d in json.loads(done.stdout)["decisions"]] == ["crawl", "search", "tdm", "train-ai", "train-genai", "ai-use"]


def test_a_crawl_whose_start_fails_is_no_success(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "frontier.jsonl").write_text("no JSON\n")
    with Web() as web:
        done = finished(f"{web.url}/a", "-o", str(tmp_path / "run"))
        assert web.requests == []
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"Error: {tmp_path}/run/frontier.jsonl:1: Expecting value: line 1 column 1 (char 0)\n"
    assert status(tmp_path / "run") == "interrupted"
