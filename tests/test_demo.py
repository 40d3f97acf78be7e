"""The demo web: every story comes out as it is told, from a real crawl of real servers."""
from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from crawler.demo import sites
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
    assert "Leave may be had at: https://photographer.example/licences.json" in first.stdout
    assert "maymine replay maymine-demo" in first.stdout


@pytest.mark.slow
def test_a_folder_that_holds_other_things_is_left_alone(tmp_path):
    (tmp_path / "holiday").mkdir()
    (tmp_path / "holiday" / "beach.jpg").write_bytes(b"sand")
    done = demo(tmp_path, "-o", "holiday")
    assert (done.returncode, done.stdout) == (2, "")
    assert "beach.jpg" in done.stderr
    assert [p.name for p in (tmp_path / "holiday").iterdir()] == ["beach.jpg"]
