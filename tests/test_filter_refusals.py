"""What `filter` refuses before it makes anything, and what of a run that was begun may not change."""
from __future__ import annotations

import json
import os

import pytest

from crawler.recorded import rows
from crawler.run import read_manifest
from tests.archives import Maker
from tests.test_filter import ROWS, SITE, parquet, run


@pytest.fixture
def given(tmp_path):
    (tmp_path / "in").mkdir()
    return parquet(tmp_path / "in" / "a.parquet")


@pytest.mark.parametrize("kept, dropped", [("k", "k"), ("k", "./x/../k"), ("k", "k/d"), ("k/d", "k"), ("run", "d"), ("run/k", "d"),
                                           ("k", "link"), (".", "d")])
def test_folders_that_are_written_are_apart(kept, dropped, given, tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "k")
    code, out = run(given, "-o", tmp_path / "run", "--sites", "none", "--kept", tmp_path / kept, "--dropped", f"{tmp_path}/{dropped}")
    assert (code, "name two folders" in " ".join(out.split())) == (2, True), out
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("wrong", [("--sites", "nofile"), ("--sites", "no.parquet"), ("--column", "foo=url"), ("--column", "body=none"),
                                   ("--column", "url"), ("--kept", "{tmp}/in")])
def test_a_command_that_is_wrong_leaves_nothing_behind(wrong, given, tmp_path):
    code, out = run(given, "-o", tmp_path / "run", "--kept", tmp_path / "k", *(word.format(tmp=tmp_path) for word in wrong))
    assert code == 2, out
    assert not (tmp_path / "run" / "manifest.json").exists()
    assert run(given, "-o", tmp_path / "run", "--sites", "none", "--policy", "strictest", "--kept", tmp_path / "k")[0] == 0


@pytest.mark.parametrize("begun, other", [
    ((), ("--kept", "{tmp}/k2")), ((), ("--keep", "undetermined")), (("--kept", "{tmp}/k"), ()),
    (("--kept", "{tmp}/k"), ("--kept", "{tmp}/k", "--dropped", "{tmp}/d")), ((), ("--by", "eu-dsm-art4")), ((), ("--use", "tdm")),
    (("--use", "tdm"), ("--use", "train-ai"))])
def test_what_is_kept_may_not_change(begun, other, given, tmp_path):
    def words(some):
        return [word.format(tmp=tmp_path) for word in some]
    args = (given, "-o", tmp_path / "run", "--sites", "none")
    assert run(*args, *words(begun))[0] == 0
    code, out = run(*args, *words(other))
    assert (code, "another folder" in " ".join(out.split())) == (2, True), out
    assert not (tmp_path / "k2").exists()
    assert run(*args, *words(begun))[0] == 0


@pytest.mark.parametrize("change", [lambda path: os.utime(path, ns=(1, 1)), lambda path: path.write_bytes(path.read_bytes() + b"x")])
def test_an_input_that_has_changed_is_named(change, given, tmp_path):
    args = (given, "-o", tmp_path / "run", "--sites", "none")
    assert run(*args)[0] == 0
    change(given)
    code, out = run(*args)
    assert (code, "has changed since" in " ".join(out.split()), "a.parquet" in out.replace("\n", "")) == (2, True, True), out


def test_a_change_of_what_was_not_looked_at_is_none(given, tmp_path):
    args = (given, "-o", tmp_path / "run", "--sites", "none")
    assert run(*args)[0] == 0
    ledger = tmp_path / "run" / "inputs.jsonl"
    ledger.write_bytes(ledger.read_bytes().splitlines(keepends=True)[0])
    for part in (tmp_path / "run" / "records").iterdir():
        part.unlink()
    manifest = read_manifest(tmp_path / "run") | {"parts": [], "counts": {}}
    (tmp_path / "run" / "manifest.json").write_text(json.dumps(manifest))
    os.utime(given, ns=(1, 1))
    assert run(*args)[0] == 0
    assert run(*args)[0] == 0
    assert len(list(rows(tmp_path / "run"))) == len(ROWS)


@pytest.mark.parametrize("words", [("{tmp}/in",), ("{tmp}/in/**/*.parquet", "{tmp}/in/*.warc.gz")])
def test_what_it_wrote_is_no_input(words, given, tmp_path):
    words = [word.format(tmp=tmp_path) for word in words]
    folder = tmp_path / "in"
    Maker().add(f"{SITE}/1", b"<p>").write(folder / "b.warc.gz")
    (folder / "manifest.json").write_text("{}")
    for args in (("run", "kept", "dropped"), ("run", "kept", "dropped")):
        code, out = run(*words, "-o", folder / args[0], "--kept", folder / args[1], "--dropped", folder / args[2], "--format", "json",
                        "--sites", "none")
        assert code == 0, out
        assert json.loads(out)[0]["inputs"] == 2
    code, out = run(folder / "run" / "records" / "*.parquet", "-o", tmp_path / "other", "--sites", "none")     # by name
    assert "2 inputs" in out, code


def test_a_table_holds_no_words_of_sites(given, tmp_path):
    (tmp_path / "b.jsonl").write_text('{"url": "https://x.example/"}\n')
    code, out = run(given, "-o", tmp_path / "run", "--sites", tmp_path / "b.jsonl")
    assert (code, "b.jsonl is a table without words of sites" in " ".join(out.split())) == (2, True), out
    assert not (tmp_path / "run").exists()


def test_an_archive_that_was_cut_to_nothing_is_broken(tmp_path):
    (tmp_path / "a.warc.gz").write_bytes(b"")
    code, out = run(tmp_path / "a.warc.gz", "-o", tmp_path / "run")
    assert (code, "at byte 0: no records are in it" in out) == (3, True), out
