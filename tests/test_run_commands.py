"""The verbs over a run: what they print, and the exit codes that scripts rely on."""
from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from crawler.commands import decide, explain, replay
from crawler.run import Run
from rules import Access, Asset, Carrier, Evidence
from tests.test_run import ASKER, POLICIES, START, CollectedPage, assessed, make, page, stored, warcs

VERBS = {"decide": decide.command, "explain": explain.command, "replay": replay.command}
EVIL = "\x1b]0;owned\x07\x9b31m\u202e[bold]"


def maymine(verb: str, *arguments: object) -> Result:
    result = CliRunner().invoke(VERBS[verb], [str(a) for a in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


@pytest.fixture
def run(tmp_path: Path) -> Path:
    make(tmp_path / "run", 12)
    return tmp_path / "run"


def test_replay(run: Path) -> None:
    assert maymine("replay", run).exit_code == 0
    file = warcs(run)[0]
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 4
    file.write_bytes(content)
    told = maymine("replay", run, "--format", "jsonl", "-v")
    assert told.exit_code == 1
    lines = list(map(json.loads, told.stdout.splitlines()))
    assert {line["outcome"] for line in lines} == {"evidence changed"}
    assert {"evidence/000001.warc.gz"} < {line["of"] for line in lines}


def test_replay_without_evidence_decides_nothing(tmp_path: Path) -> None:
    make(tmp_path / "run", 3, "none")
    told = maymine("replay", tmp_path / "run")
    assert told.exit_code == 3
    assert "evidence not kept" in told.stdout


def test_replay_of_records_that_are_broken(run: Path) -> None:
    (run / "records" / "000001.parquet").write_bytes(b"PAR1")
    assert maymine("replay", run).exit_code == 1
    assert maymine("explain", run, "https://a.example/").exit_code == 3


def test_decide(run: Path) -> None:
    told = maymine("decide", run, "--policy", "strictest", "--format", "jsonl")
    assert told.exit_code == 0
    for line in map(json.loads, told.stdout.splitlines()):
        assert line["permitted"] + line["undetermined"] + line["prohibited"] == 12
    assert len(stored(run)) == 12 * 3
    assert maymine("decide", run, "--policy", "strictest").exit_code == 2
    assert maymine("decide", run, "--policy", "strictest", "--again").exit_code == 0
    assert maymine("decide", run, "--policy", "no-such-policy").exit_code == 2


def test_decide_by_a_file(run: Path) -> None:
    from rules.data import read
    mine = run.parent / "mine.yaml"
    mine.write_text(read("policies/strictest.yaml").replace("policy: strictest", "policy: ../../evil"), "utf-8")
    assert maymine("decide", run, "--policy", mine, "-o", run.parent / "what-if").exit_code == 0
    mine.unlink()
    assert maymine("replay", run.parent / "what-if").exit_code == 0
    assert sorted(p.name for p in run.parent.iterdir()) == ["run", "what-if"]


def test_explain(run: Path) -> None:
    url = page(3).requested
    told = maymine("explain", run, url, "--policy", POLICIES[0].id)
    assert told.exit_code == 1
    assert "Directive (EU) 2019/790, Article 4(3)" in " ".join(told.stdout.split())
    views = json.loads(maymine("explain", run, url, "--format", "json").stdout)
    assert [view["policy"] for view in views] == [p.id for p in POLICIES]
    assert maymine("explain", run, url, "--policy", POLICIES[1].id).exit_code == 0
    assert maymine("explain", run, url, "--lang", "tlh").exit_code == 2
    assert maymine("explain", run, "https://nowhere.example/").exit_code == 2


@pytest.mark.parametrize("verb", [("decide", "--policy", "strictest"), ("explain", "https://a.example/"), ("replay",)])
def test_a_folder_that_is_no_run(tmp_path: Path, verb: tuple[str, ...]) -> None:
    assert maymine(verb[0], tmp_path, *verb[1:]).exit_code == 2
    (tmp_path / "manifest.json").write_text('{"schema": "\x9b31m"}', "utf-8")
    told = maymine(verb[0], tmp_path, *verb[1:])
    assert told.exit_code == 2
    assert "\x9b" not in told.output


def test_nothing_that_strangers_wrote_steers_the_terminal(tmp_path: Path) -> None:
    url = "https://a.example/"
    fields = Evidence(Carrier.HTTP_FIELDS, url, START, Access.OBTAINED, f"tdm-reservation: 1\r\ntdm-policy: {EVIL}\r\n".encode())
    robots = Evidence(Carrier.ROBOTS_TXT, url, START, Access.UNREACHABLE, detail=EVIL)
    with Run.open(tmp_path / "run", POLICIES, ASKER, "none") as run:
        run.write(assessed(CollectedPage(url, Asset(url), (robots, fields))))
    for told in (maymine("explain", tmp_path / "run", url, "-v"), maymine("replay", tmp_path / "run")):
        assert not set("\x1b\x07\x9b\u202e") & set(told.output)
