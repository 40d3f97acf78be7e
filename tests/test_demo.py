"""The demo web: every story comes out as it is told, from a real crawl of real servers."""
from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from crawler.commands import options
from crawler.commands.demo import WHAT_IFS
from crawler.demo import served, sites
from rules import policies

ROOT = Path(__file__).parents[1]
RUNAWAY_S = 120
USES = policies.load("eu-dsm-art4").uses


def demo(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "crawler.cli", "demo", *words], capture_output=True, text=True, timeout=RUNAWAY_S,
                          cwd=folder, env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"})


def test_there_are_a_dozen_stories_and_each_says_what_comes_out():
    told = sites()
    assert len({site.name for site in told}) == len(told) >= 12
    assert all(set(site.expected) == set(USES) and site.moral for site in told)
    assert {verdict for site in told for verdict in site.expected.values()} == {"permitted", "undetermined", "prohibited"}
    assert all(site.page in site.replies for site in told)


@pytest.mark.slow
def test_every_story_comes_out_as_told(tmp_path):
    done = demo(tmp_path, "--format", "json")
    assert (done.returncode, done.stderr) == (0, "")
    out = json.loads(done.stdout)
    verdicts = {site["site"]: next(iter(site["verdicts"].values())) for site in out["sites"]}
    assert verdicts == {site.name: {use.value: verdict for use, verdict in site.expected.items()} for site in sites()}
    manifest = json.loads((tmp_path / out["run"] / "manifest.json").read_text("utf-8"))
    assert manifest["status"] == "complete"
    assert sum(manifest["counts"][policies.load("eu-dsm-art4").id]["tdm"].values()) == len(sites())


@pytest.mark.slow
def test_the_demo_tells_a_person_and_leaves_what_it_made_alone(tmp_path):
    first, second = demo(tmp_path), demo(tmp_path, "--policy", "strictest", "--policy", "eu-dsm-art4")
    assert (first.returncode, second.returncode) == (0, 0)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["maymine-demo", "maymine-demo-2"]
    for site in sites():
        assert site.name in first.stdout
        assert second.stdout.count(site.moral) == 2
    assert re.search(r"Leave may be had at: http://127\.0\.0\.1:\d+/licences\.json", first.stdout)
    shown = [line.strip() for line in first.stdout.splitlines() if re.search(r" (explain|decide|compare|replay) maymine-demo\b", line)]
    env = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"}
    codes = [subprocess.run(shlex.split(line), capture_output=True, timeout=RUNAWAY_S, cwd=tmp_path, env=env, check=False).returncode
             for line in shown]
    assert codes == [1, 0, 1, 0]


@pytest.mark.slow
def test_one_crawl_has_three_outcomes_under_three_drafts_of_one_law(tmp_path):
    """As drafted, as split, and as the creators demand (legal regimes: Republic of Korea, item 32)."""
    demo(tmp_path)
    compare = [sys.executable, "-m", "crawler.cli", "compare", "maymine-demo", "--format", "json"]
    done = subprocess.run([*compare, *(word for name in WHAT_IFS for word in ("--policy", name))], capture_output=True, text=True,
                          timeout=RUNAWAY_S, cwd=tmp_path, env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"})
    assert (done.returncode, done.stderr) == (1, ""), "they differ"
    sides = [side["outcomes"] for side in json.loads(done.stdout)["sides"] if side["use"] == "train-genai"]
    assert [{outcome: n["items"] for outcome, n in side.items() if n["items"]} for side in sides] == [
        {"permitted-with-duties": 4, "undetermined": 3, "prohibited": 8}, {"permitted-with-duties": 3, "undetermined": 3, "prohibited": 9},
        {"permitted": 1, "prohibited": 14}]


@pytest.mark.parametrize("on_path", [False, True])
def test_commands_are_shown_as_the_program_was_called(on_path, tmp_path, monkeypatch):
    called = tmp_path / "bin of mine" / "maymine"
    called.parent.mkdir()
    called.write_text("#!/bin/sh\n")
    called.chmod(0o755)
    monkeypatch.setattr(sys, "argv", [str(called)])
    monkeypatch.setenv("PATH", str(called.parent) if on_path else "/nowhere")
    assert options.program() == ("maymine" if on_path else f"'{called}'")


@pytest.mark.slow
def test_a_folder_that_cannot_be_had_is_told(tmp_path):
    (tmp_path / "file").write_text("x")
    for place in ("file", "file/sub", "/proc/none/sub"):
        done = demo(tmp_path, "-o", place)
        assert (done.returncode, done.stdout) == (2, "")
        assert f"cannot write {place}" in " ".join(done.stderr.split())


@pytest.mark.slow
def test_a_folder_that_holds_other_things_is_left_alone(tmp_path):
    (tmp_path / "holiday").mkdir()
    (tmp_path / "holiday" / "beach.jpg").write_bytes(b"sand")
    done = demo(tmp_path, "-o", "holiday")
    assert (done.returncode, done.stdout) == (2, "")
    assert "holiday is not empty" in " ".join(done.stderr.split())
    assert [p.name for p in (tmp_path / "holiday").iterdir()] == ["beach.jpg"]


SIGNALS_AT_ONCE = {
    "robots.rule", "aipref.robots", "content-signal.robots", "robots-ai.robots", "prose.robots", "rsl.document", "tdmrep.file",
    "tdmrep.policy", "tdmrep.header", "tdmrep.html", "ai-txt.file", "trust-txt.file", "robots-meta.header", "aipref.header",
    "robots-meta.html", "licence.html", "licence.schema-org", "prose.html"}


def check(folder: Path, name: str, *words: str) -> str:
    """What `maymine check` says about the page of one story."""
    with served([site for site in sites() if site.name == name]) as web:
        done = subprocess.run([sys.executable, "-m", "crawler.cli", "check", "--allow-private", *words, *web], capture_output=True,
                              text=True, timeout=RUNAWAY_S, cwd=folder, env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"})
    assert (done.returncode, done.stderr) == (1, "")
    return done.stdout


@pytest.mark.slow
def test_everything_at_once_is_explained_with_its_place_and_its_contradictions(tmp_path):
    view, = json.loads(check(tmp_path, "everything-at-once", "--format", "json"))
    stated = [f for f in view["record"]["findings"] if f["kind"] == "statement"]
    assert {f["signal"] for f in stated} == SIGNALS_AT_ONCE
    assert len(SIGNALS_AT_ONCE) >= 15
    told = [s for r in view["reasons"] for s in (*r["because"], *r["also"])]
    for f in stated:
        assert any(f["where"] in s and f["quote"] in s for s in told), f
    kinds = {(c["kind"], c["grant"]["signal"]) for c in view["contradictions"]}
    assert kinds == {("licensed-and-reserved", "licence.html"), ("two-licences", "licence.html")}
    against = {c["against"]["signal"] for c in view["contradictions"]}
    assert against >= SIGNALS_AT_ONCE - {"robots.rule", "tdmrep.file", "tdmrep.policy", "tdmrep.header", "licence.html"}
    assert {c["against"]["place"].partition("/")[2].partition("/")[2].partition("/")[2] for c in view["contradictions"]} >= {
        "robots.txt, line 7", "ai.txt, line 2", "trust.txt, line 2", "essays/moss.html, meta 2", "license.xml, content 1, license 2"}
    assert view["unread"] == []


@pytest.mark.slow
def test_contradictions_stand_in_the_text_and_the_price_of_a_licence_too(tmp_path):
    text = " ".join(check(tmp_path, "everything-at-once").split())
    assert "Contradictions: - licence.html, link 1, names a licence" in text
    assert re.search(r"Other side: http://127\.0\.0\.1:\d+/trust\.txt, line 2: 'datatrainingallowed=no' \(trust-txt\.file\)", text)
    newspaper = " ".join(check(tmp_path, "newspaper").split())
    assert "Contradictions" not in newspaper
    assert "payment subscription 900.00 EUR" in newspaper


@pytest.mark.slow
def test_a_run_tells_contradictions_as_a_check_does(tmp_path):
    run = tmp_path / "run"
    with served([site for site in sites() if site.name == "two-minds"]) as web:
        crawl = [sys.executable, "-m", "crawler.cli", "crawl", "--allow-private", *web, "-o", str(run)]
        subprocess.run(crawl, capture_output=True, timeout=RUNAWAY_S, cwd=ROOT, check=True)
    explain = [sys.executable, "-m", "crawler.cli", "explain", str(run), *web]
    done = subprocess.run(explain, capture_output=True, text=True, timeout=RUNAWAY_S, cwd=ROOT, check=False)
    assert "allows training AI, and tdmrep.header" in done.stdout
