"""The verbs over a run: what they print, and the exit codes that scripts rely on."""
from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from crawler.commands import decide, explain, options, replay
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


def test_a_record_is_found_as_people_write_addresses_and_policies(run: Path) -> None:
    url = page(3).requested
    by_name = maymine("explain", run, url, "--policy", POLICIES[0].name, "--format", "json")
    assert [view["policy"] for view in json.loads(by_name.stdout)] == [POLICIES[0].id]
    other = maymine("explain", run, url, "--policy", "strictest")
    assert (other.exit_code, all(p.id in " ".join(other.stderr.split()) for p in POLICIES)) == (2, True)
    assert maymine("explain", run, url.partition("://")[2]).stdout == maymine("explain", run, url).stdout
    wrong = maymine("explain", run, url[:-1] + "x")
    assert wrong.exit_code == 2
    assert re.search(r"did you mean https?://", " ".join(wrong.stderr.split()))
    assert "did you mean" not in maymine("explain", run, "zzz").stderr


@pytest.mark.parametrize("stored_as", ["http://a.example", "http://a.example/"])
@pytest.mark.parametrize("asked", ["a.example", "a.example/", "http://a.example", "http://a.example/", "HTTP://A.example"])
def test_the_root_has_a_slash_or_none(stored_as: str, asked: str, tmp_path: Path) -> None:
    with Run.open(tmp_path / "run", POLICIES, ASKER, "none") as run:
        run.write(assessed(CollectedPage(stored_as, Asset(stored_as), ())))
    assert stored_as in maymine("explain", tmp_path / "run", asked).stdout.split()


def test_where_nothing_can_be_written_is_told(run: Path) -> None:
    (run.parent / "file").write_text("x")
    for place in (run.parent / "file", run.parent / "file" / "sub", Path("/proc/none/sub")):
        told = maymine("decide", run, "--policy", "strictest", "-o", place)
        assert (told.exit_code, told.stdout) == (2, "")
        if place.name == "sub":
            assert f"cannot write {place}" in " ".join(told.stderr.split())
            assert "use -o" in told.stderr


def test_decide_leaves_a_run_alone_that_cannot_be_written(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(options, "unwritable", lambda folder: "Read-only file system" if folder == run else "")
    told = maymine("decide", run, "--policy", "strictest")
    assert (told.exit_code, told.stdout) == (2, "")
    assert f"cannot write {run}: Read-only file system; use -o for another folder" in " ".join(told.stderr.split())
    assert maymine("decide", run, "--policy", "strictest", "-o", run.parent / "what-if").exit_code == 0


def test_replay_of_a_run_without_records(tmp_path: Path) -> None:
    with Run.open(tmp_path / "run", POLICIES, ASKER, "none"):
        pass
    told = maymine("replay", tmp_path / "run")
    assert (told.exit_code, told.stdout) == (3, "")
    assert "holds no records" in told.stderr


def test_nothing_that_strangers_wrote_steers_the_terminal(tmp_path: Path) -> None:
    url = "https://a.example/"
    fields = Evidence(Carrier.HTTP_FIELDS, url, START, Access.OBTAINED, f"tdm-reservation: 1\r\ntdm-policy: {EVIL}\r\n".encode())
    robots = Evidence(Carrier.ROBOTS_TXT, url, START, Access.UNREACHABLE, detail=EVIL)
    with Run.open(tmp_path / "run", POLICIES, ASKER, "none") as run:
        run.write(assessed(CollectedPage(url, Asset(url), (robots, fields))))
    for told in (maymine("explain", tmp_path / "run", url, "-v"), maymine("replay", tmp_path / "run")):
        assert not set("\x1b\x07\x9b\u202e") & set(told.output)


def test_captures_of_one_address_are_told_apart_by_their_times(run: Path) -> None:
    views = json.loads(maymine("explain", run, page(3).requested, "--format", "json").stdout)
    assert {len(view["locations"]) - len(view["evidence"]) for view in views} == {0}
    [at] = {view["at"] for view in views}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT.*Z", at)
    assert f"{views[0]['url']}  {at}" in maymine("explain", run, page(3).requested).stdout
