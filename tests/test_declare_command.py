"""maymine declare: wishes in, files and steps out, in five languages; and what is refused, with what to do."""
from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner, Result

from crawler.cli import main
from crawler.declare.site.intent import STANCES
from crawler.declare.site.targets import targets
from crawler.report.catalogue import LANGUAGES, Catalogue, messages

from .webserver import free_port

SITE = ("--origin", "https://art.example")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["declare", *arguments])


def test_files_steps_and_the_declaration_are_written(tmp_path):
    out = tmp_path / "kit"
    done = run("--for", "nginx", *SITE, "--no-train", "--allow-search", "--owner", "Ana", "-o", str(out))
    assert done.exit_code == 0, done.output
    assert {p.name for p in out.rglob("*") if p.is_file()} == {
        "robots.txt", "license.xml", "trust.txt", "maymine-headers.conf", "maymine-server.conf", "STEPS.md", "declared.json"}
    assert "Read back and as meant, for 140 names of crawlers on 4 paths." in done.output.replace("\n", " ")
    told = json.loads((out / "declared.json").read_text())
    assert (told["target"], told["said"], told["away"]) == ("nginx", {"search": True, "train": False}, "nobody")
    again = run("--declared", str(out), "-o", str(out))          # the same, and nothing would be lost
    assert again.exit_code == 0, again.output


def test_a_flag_with_no_refuses_and_one_with_allow_allows():
    told = json.loads(run("--for", "static", *SITE, "--no-train", "--allow-ai-use", "--no-search", "--format", "json").output)
    assert {row["use"]: row["answer"] for row in told["meant"]} == {
        "search": "refused", "train": "refused", "ai-use": "allowed", "tdm": "nothing-said"}


def test_no_mining_is_no_training_and_no_use_for_ai():
    told = json.loads(run("--for", "static", *SITE, "--no-tdm", "--format", "json").output)
    assert [row["answer"] for row in told["meant"]] == ["nothing-said", "refused", "refused", "refused"]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_target_is_explained_in_every_language(lang):
    say = Catalogue(lang)
    for target in targets().values():
        for step in target.steps:
            assert say.text(f"declare.step-{step}", files="a", origin="b", dot="c")
        for left in target.left:
            assert say.text(f"declare.left-{left}")
    done = run("--for", "squarespace", *SITE, "--stance", "no-train", "--lang", lang)
    assert done.exit_code == 0, done.output
    assert say.text("declare.uncovered") in done.output


@pytest.mark.parametrize("stance, value", [("reserve", "except-search"), ("no-train", "no-ai-training"), ("closed", "no-mining"),
                                           ("answers", "no-ai-training"), ("open", "")])
def test_pictures_are_to_be_tagged_with_what_the_site_says(stance, value):
    told = json.loads(run("--for", "static", *SITE, "--stance", stance, "--format", "json").output)
    assert [note for note in told["notes"] if "maymine tag" in note] == (
        [Catalogue("en").text("declare.note-tag", value=value)] if value else [])
    if value:
        from crawler.declare.values import VALUES
        assert value in VALUES


def test_no_message_is_left_over():
    used = {f"step-{step}" for t in targets().values() for step in t.steps} | {f"left-{left}" for t in targets().values() for left in t.left}
    assert {key for key in messages("declare") if key.startswith(("step-", "left-"))} == used


def test_the_list_names_targets_and_stances():
    told = json.loads(run("--list", "--format", "json").output)
    assert [row["target"] for row in told["targets"]] == [*targets()]
    assert [row["stance"] for row in told["stances"]] == [*STANCES]
    assert "squarespace" in run("--list").output
    for lang in LANGUAGES[1:]:
        told = run("--list", "--lang", lang).output
        assert all(f" {word} " not in told for word in ("target", "stance", "turned away", "nobody", "a setting", "response fields", "builder"))
        assert Catalogue(lang).text("declare.title-static") in told
    assert all(Catalogue("en").text(f"declare.{key}") == targets()[key[6:]].title for key in messages("declare") if key.startswith("title-"))


def test_what_a_target_cannot_carry_is_in_the_last_sentence_too():
    told = " ".join(run("--for", "squarespace", *SITE, "--stance", "no-train").output.split()).rpartition("Not everything is covered here: ")
    assert told[2].startswith("fetching (pages, pictures, other files), training of AI (pictures, other files)")
    assert "Not everything" not in run("--for", "nginx", *SITE, "--stance", "no-train").output


def test_one_name_is_one_name():
    told = " ".join(run("--for", "deviantart", *SITE, "--stance", "no-train").output.split())
    assert "to 1 name of a crawler (Google-Extended)" in told


@pytest.mark.parametrize("stance, dotted", [("reserve", True), ("no-train", False)])
def test_a_dot_folder_is_spoken_of_only_where_there_is_one(stance, dotted):
    told = json.loads(run("--for", "static", *SITE, "--stance", stance, "--format", "json").output)
    assert any(name.startswith(".well-known/") for name in told["files"]) is dotted
    assert any("dot" in step for step in told["steps"]) is dotted
    assert not any("documentation" in note for note in told["notes"])


def test_what_is_there_is_not_overwritten_and_can_be_merged(tmp_path):
    there = tmp_path / "robots.txt"
    there.write_bytes(b"User-agent: Googlebot\r\nDisallow: /private/\r\n")
    wish = ("--for", "static", *SITE, "--stance", "reserve", "-o", str(tmp_path))
    refused = run(*wish)
    assert refused.exit_code == 1
    assert "--merge it" in refused.output
    assert not (tmp_path / "STEPS.md").exists()
    assert run(*wish, "--merge", str(there)).exit_code == 0
    assert there.read_bytes().startswith(b"License: https://art.example/license.xml\r\nUser-agent: Googlebot\r\nContent-Usage:")
    assert b"\r\nDisallow: /private/\r\n" in there.read_bytes()
    written = there.read_bytes()
    assert run("--declared", str(tmp_path), "-o", str(tmp_path)).exit_code == 0
    assert there.read_bytes() == written
    there.unlink()
    assert "is missing" in run("--declared", str(tmp_path)).output


def test_an_earlier_kit_is_told_from_a_site_that_is_there(tmp_path):
    wish = ("--for", "static", *SITE, "-o", str(tmp_path))
    assert run(*wish, "--stance", "reserve").exit_code == 0
    refused = run(*wish, "--stance", "search-only")
    assert refused.exit_code == 1
    assert "holds an earlier kit" in refused.output
    assert "--merge" not in refused.output
    assert run(*wish, "--stance", "search-only", "--overwrite").exit_code == 0


@pytest.mark.parametrize("arguments, words", [
    (("--for", "nginx"), "--origin is missing"),
    (("--for", "nginxx", *SITE, "--no-train"), "did you mean nginx?"),
    ((*SITE, "--no-train"), "say for what"),
    (("--for", "nginx", *SITE), "nothing is said yet"),
    (("--for", "nginx", *SITE, "--stance", "reserved"), "did you mean reserve?"),
    (("--for", "nginx", *SITE, "--no-tdm", "--allow-ai-use"), "no protocol for mining can say"),
    (("--for", "nginx", *SITE, "--no-train", "--except", "/press=train"), "from slash to slash"),
    (("--for", "nginx", *SITE, "--no-train", "--except", "/a/=train", "--except", "/a/=search"), "twice"),
    (("--for", "nginx", "--origin", "https://art.example/blog/", "--no-train"), "more than an origin"),
    (("--for", "nginx", *SITE, "--no-train", "--terms", "https://art.example/#ai"), "starts a comment"),
    (("--for", "nginx", *SITE, "--no-train", "--contact", "ana"), "neither an address of mail"),
    (("--for", "vercel", *SITE, "--no-train", "--except", "/open data/=train"), "letters of ASCII"),
])
def test_what_is_wrong_is_told_with_what_to_do(arguments, words):
    done = run(*arguments)
    assert done.exit_code == 2
    assert words in " ".join(done.output.split())


def test_a_file_that_contradicts_is_named_and_nothing_is_written(tmp_path):
    there = tmp_path / "robots.txt"
    there.write_text("User-agent: *\nContent-Signal: search=no\n\x1b[31m# red\n")
    done = run("--for", "static", *SITE, "--stance", "reserve", "--merge", str(there), "-o", str(tmp_path / "kit"))
    assert done.exit_code == 1
    assert "Content-Signal: search=no" in done.output
    assert not (tmp_path / "kit").exists()
    (tmp_path / "page.txt").write_text("<!doctype html><title>404</title>")
    done = run("--for", "static", *SITE, "--stance", "reserve", "--merge", str(tmp_path / "page.txt"))
    assert done.exit_code == 2
    assert "a page, no robots.txt" in done.output


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"target": "nginx"}', '{"origin": "javascript:x", "except": {}, "said": {}, "target": 1}', "\xff"])
def test_a_declaration_that_is_none_is_refused(text, tmp_path):
    (tmp_path / "declared.json").write_bytes(text.encode("latin-1"))
    done = run("--declared", str(tmp_path))
    assert done.exit_code == 2
    assert "is no declaration" in done.output


@pytest.mark.slow
def test_what_does_not_answer_is_not_taken_for_what_is_not_said(tmp_path):
    origin = f"http://127.0.0.1:{free_port()}"
    assert run("--for", "nginx", "--origin", origin, "--stance", "reserve", "-o", str(tmp_path)).exit_code == 0
    done = subprocess.run([sys.executable, "-m", "crawler.cli", "declare", "--declared", str(tmp_path), "--allow-private", "--check", f"{origin}/"],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 3, done
    assert "robots.txt" in done.stdout
    assert "could not be read" in done.stdout


def test_everything_in_json_is_what_is_written(tmp_path):
    done = run("--for", "wordpress", *SITE, "--stance", "reserve", "--format", "json", "-o", str(tmp_path))
    told = json.loads(done.output)
    assert told["files"] == {"maymine.php": (tmp_path / "maymine.php").read_text()}
    assert told["gaps"] == []
    assert len(told["steps"]) == 3


SCHEMA = Path(__file__).parent.parent / "schema"


@pytest.mark.parametrize("arguments", [("--for", "nginx", "--stance", "reserve"), ("--for", "squarespace", "--stance", "closed", "--lang", "ko"),
                                       ("--for", "static", "--no-train", "--except", "/press/=train,fetch", "--owner", "Ana")])
def test_what_is_written_keeps_to_the_published_schemas(arguments, tmp_path):
    done = run(*SITE, *arguments, "--format", "json", "-o", str(tmp_path))
    jsonschema.validate(json.loads(done.output), json.loads((SCHEMA / "declared-kit.json").read_text()))
    declared = json.loads((tmp_path / "declared.json").read_text())
    jsonschema.validate(declared, json.loads((SCHEMA / "declaration.json").read_text()))


@pytest.mark.slow
def test_what_a_check_tells_keeps_to_its_schema(tmp_path):
    origin = f"http://127.0.0.1:{free_port()}"
    assert run("--for", "nginx", "--origin", origin, "--stance", "reserve", "-o", str(tmp_path)).exit_code == 0
    done = subprocess.run([sys.executable, "-m", "crawler.cli", "declare", "--declared", str(tmp_path), "--allow-private", "--check", f"{origin}/",
                           "--format", "json"], capture_output=True, text=True, check=False)
    jsonschema.validate(json.loads(done.stdout), json.loads((SCHEMA / "declared-check.json").read_text()))


def test_steps_are_markdown_beside_the_files(tmp_path: Path):
    assert run("--for", "wix", *SITE, "--stance", "reserve", "--lang", "ja", "-o", str(tmp_path)).exit_code == 0
    guide = (tmp_path / "STEPS.md").read_text("utf-8")
    assert guide.startswith("# https://art.example: Wix\n")
    assert "\n1. ダッシュボード" in guide
    assert "`head.html`" in guide
