"""`maymine audit` as it is called: where the report goes, what is told beside it, exit codes."""
from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from .webserver import Web, free_port

ROOT = Path(__file__).parent.parent
COMMAND = [sys.executable, "-m", "crawler.cli", "audit"]


def audit(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *words], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture
def web():
    with Web() as web:
        web.put("/robots.txt", "User-agent: GPTBot\nDisallow: /\nContent-Usage: train-ai=n\n\nUser-agent: *\nContent-Usage: train-ai=n\nDisallow: /attic/\n",
                type="text/plain")
        web.put("/", "<html><head><title>x</title></head><body><a href=/b/x.html>x</a><a href=/attic/y>y</a></body></html>", fields=[("tdm-reservation", "1")])
        web.put("/b/x.html", "<html><head></head><body>hi</body></html>")
        yield web


def test_the_report_goes_into_a_file_and_a_sentence_to_whoever_called(web, tmp_path):
    done = audit(web.url, "--allow-private", "-o", str(tmp_path / "r.html"), "--lang", "de", "--as-agents", "--host", "caddy")
    assert done.returncode == 1
    assert done.stdout == ""
    assert "1 Sache zu beheben" in done.stderr
    assert '<html lang="de">' in (tmp_path / "r.html").read_text("utf-8")
    mentioned = [head for head in web.heads if b"how is" in head]
    assert len(mentioned) == 4
    assert all(head.startswith(b"GET /robots.txt ") and b"User-Agent: maymine/" in head for head in mentioned)
    assert "/attic/y" not in web.requests                # robots.txt of one's own site is obeyed
    report = subprocess.run([sys.executable, "-m", "crawler.cli", "report", "--from", str(tmp_path / "r.html"), "--format", "json"], cwd=ROOT,
                            capture_output=True, text=True, timeout=60, check=True)
    found = {f["id"]: f for f in json.loads(report.stdout)["findings"]}
    assert {"OO301", "OO902", "OO011", "OO013"} <= set(found)
    assert found["OO902"]["places"][0]["url"] == f"{web.url}/attic/y"


def test_what_cannot_be_reached_is_neither_clean_nor_a_finding():
    done = audit(f"http://127.0.0.1:{free_port()}", "--allow-private", "--format", "json")
    assert done.returncode == 3
    assert [f["id"] for f in json.loads(done.stdout)["findings"]] == ["OO901"]
    nowhere = audit("http://art.invalid/", "--format", "text")
    assert nowhere.returncode == 3
    assert nowhere.stdout.splitlines()[2].startswith("http://art.invalid/ could not be looked at, so much of this is open. Why: no such host: art.invalid")
    private = audit("http://127.0.0.1", "--format", "text")      # nobody said that private addresses may be asked
    assert private.returncode == 3
    assert "--allow-private" in private.stdout


@pytest.mark.parametrize("words", [("--host", "ngnix"), ("--lang", "xx"), ("--pages", "0"), ("ftp://art.example",), ()])
def test_what_is_wrong_is_said_at_once(words):
    done = audit(*(("https://art.example", *words) if words and words[0].startswith("-") else words))
    assert done.returncode == 2
    assert done.stderr


@pytest.mark.slow
def test_ctrl_c_ends_it_without_a_report(web, tmp_path):
    web.hang("/b/x.html")
    with subprocess.Popen([*COMMAND, web.url, "--allow-private", "-o", str(tmp_path / "r.html")], cwd=ROOT, stderr=subprocess.PIPE, text=True) as running:
        for _ in range(200):
            if "/b/x.html" in web.requests:
                break
            time.sleep(0.1)
        running.send_signal(signal.SIGINT)
        time.sleep(0.5)
        running.send_signal(signal.SIGINT)
        _, said = running.communicate(timeout=60)
    assert running.returncode == 130
    assert "there is no report" in said
    assert not (tmp_path / "r.html").exists()
