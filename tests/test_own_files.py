"""`maymine images`, `tag` and `survives` as people meet them."""
from __future__ import annotations

import csv
import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from crawler.cli import main
from crawler.declare.values import VALUES, Tag, parse
from tests.fixtures import media
from tests.fixtures.pictures import PICTURES, picture, saved
from tests.webserver import Web

ROOT = Path(__file__).parents[1]


def run(*words: str | Path, stdin: str = "") -> Result:
    return CliRunner().invoke(main, [str(w) for w in words], input=stdin, prog_name="maymine")


def maymine(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "crawler.cli", *map(str, words)], capture_output=True, text=True, timeout=120, cwd=ROOT,
                          check=False)


@pytest.fixture
def portfolio(tmp_path: Path) -> Path:
    folder = tmp_path / "portfolio"
    (folder / "deep" / "er").mkdir(parents=True)
    (folder / "one.jpg").write_bytes(PICTURES["progressive.jpg"]())
    (folder / "deep" / "two.txt").write_bytes(PICTURES["alpha.png"]())       # a picture by its bytes
    (folder / "deep" / "er" / "three.gif").write_bytes(PICTURES["animated.gif"]())
    (folder / "notes.jpg").write_text("no picture")
    (folder / "link.jpg").symlink_to("one.jpg")
    os.mkfifo(folder / "pipe.jpg")
    return folder


def rows(*words: str | Path) -> dict[str, dict[str, object]]:
    done = run(*words, "--format", "json")
    return {Path(row.get("file") or row["copy"]).name: row for row in json.loads(done.stdout)}


# ---- images

def test_images_are_found_by_their_bytes_in_every_folder(portfolio: Path) -> None:
    found = rows("images", portfolio)
    assert {name: (row["kind"], row["status"]) for name, row in found.items()} == {
        "one.jpg": ("jpeg", "silent"), "two.txt": ("png", "silent"), "three.gif": ("gif", "silent")}
    assert run("images", portfolio).exit_code == 1


@pytest.mark.parametrize("what, status, says", [
    ("jpeg+prohibited-aimltraining", "speaks", ["no to training AI (plus.xmp, jpeg/app1)"]),
    ("png+prohibited-genaimltraining", "speaks", ["no to training generative AI (plus.xmp, png/iTXt)"]),
    ("gif+allowed", "speaks", ["yes to text and data mining (plus.xmp, gif/XMP Data)"]),
    ("mp4+prohibited", "speaks", ["no to text and data mining (plus.xmp, mp4/uuid)"]),
    ("jpeg+unspecified", "silent", []),
    ("hostile+xxe", "damaged", []),
])
def test_what_files_say_in_words(what: str, status: str, says: list[str], tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(media.file(what))
    (row,) = rows("images", tmp_path).values()
    assert (row["status"], row["says"]) == (status, says)
    assert bool(row["faults"]) == (status == "damaged")
    assert run("images", tmp_path).exit_code == {"speaks": 0, "silent": 1, "damaged": 3}[status]
    assert status in run("images", tmp_path).stdout


def test_csv_has_a_line_a_file_and_nothing_else(portfolio: Path) -> None:
    (portfolio / 'a"b,\n.png').write_bytes(PICTURES["rgb.png"]())
    done = run("images", "--format", "csv", portfolio)
    lines = list(csv.DictReader(io.StringIO(done.stdout)))
    assert {line["status"] for line in lines} == {"silent"}
    assert any(line["file"].endswith('a"b,\n.png') for line in lines)
    assert len(run("images", "--format", "jsonl", portfolio).stdout.splitlines()) == 4


def test_names_of_strangers_cannot_steer_a_terminal(tmp_path: Path) -> None:
    Path(os.fsdecode(bytes(tmp_path) + b"/\x1b[31m\xff.png")).write_bytes(PICTURES["rgb.png"]())
    for form in ("text", "csv", "json", "jsonl"):
        done = run("images", "--format", form, tmp_path)
        assert done.exit_code == 1, done.output
        assert form == "csv" or "\x1b" not in done.stdout


def test_a_file_that_cannot_be_opened_is_told_and_no_other_is_lost(portfolio: Path) -> None:
    done = run("images", portfolio / "pipe.jpg", portfolio / "one.jpg")
    assert "pipe.jpg" in done.stderr
    assert "one.jpg" in done.stdout
    assert "pipe.jpg" not in done.stdout


def test_pictures_that_cannot_be_looked_into_are_named(tmp_path: Path) -> None:
    (tmp_path / "scan.bmp").write_bytes(saved(picture("RGB", (8, 8)), "BMP"))
    (tmp_path / "bmw.txt").write_text("BMW is a car maker")
    done = run("images", tmp_path)
    assert (done.exit_code, "0 files; 1 other holds no words" in done.stdout) == (3, True)
    assert "scan.bmp: it is a bmp picture, which cannot be looked into here" in done.stderr
    assert "bmw.txt" not in done.stderr
    (tmp_path / "a.png").write_bytes(PICTURES["rgb.png"]())
    assert "1 file; 1 is silent; 1 other holds no words" in run("images", tmp_path).stdout


def test_a_folder_without_files_is_told(tmp_path: Path) -> None:
    done = run("images", tmp_path)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "no files there" in " ".join(done.stderr.split())


# ---- tag

def test_a_portfolio_is_tagged_and_restored(portfolio: Path, tmp_path: Path) -> None:
    before = {path: path.read_bytes() for path in portfolio.rglob("*") if path.is_file()}
    undo = tmp_path / "undo.jsonl"
    done = run("tag", portfolio, "--value", "no-ai-training", "--yes", "--undo-list", undo, "--format", "json")
    assert done.exit_code == 0, done.output
    assert {row["result"] for row in json.loads(done.stdout)} == {"tagged"}
    assert len(json.loads(done.stdout)) == 3
    assert str(undo) in done.stderr.replace("\n", "")
    assert run("images", portfolio).exit_code == 0
    assert (portfolio / "notes.jpg").read_bytes() == before[portfolio / "notes.jpg"]
    again = run("tag", portfolio, "--value", "no-ai-training", "--format", "json")      # nothing to do, nothing to ask
    assert {row["result"] for row in json.loads(again.stdout)} == {"as it was"}
    back = run("tag", "--undo", undo, "--yes")
    assert back.exit_code == 0
    assert {path: path.read_bytes() for path in before} == before
    assert "3 as it was" in run("tag", "--undo", undo, "--yes").stdout


def test_a_dry_run_writes_nothing(portfolio: Path) -> None:
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in portfolio.rglob("*") if path.is_file()}
    done = run("tag", portfolio, "--value", "no-mining", "--dry-run")
    assert (done.exit_code, done.stdout.count("would be tagged")) == (0, 4)
    assert {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in before} == before


def test_more_than_one_file_is_asked_about(portfolio: Path) -> None:
    done = run("tag", portfolio, "--value", "no-mining")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "--yes" in done.stderr
    assert "3 files would be tagged no-mining" in done.stderr
    one = run("tag", portfolio / "one.jpg", "--value", "allowed", "--undo-list", portfolio / "undo")
    assert one.exit_code == 0
    other = run("tag", portfolio, "--value", "no-mining")
    assert "1 of them says allowed now, which would be replaced" in other.stderr


def test_what_is_left_alone_is_told(tmp_path: Path) -> None:
    (tmp_path / "signed.jpg").write_bytes(media.file("jumbf-jpeg"))
    (tmp_path / "film.mp4").write_bytes(media.file("mp4+absent"))
    (tmp_path / "text").write_text("x")
    undo = tmp_path / "undo"
    done = run("tag", tmp_path / "signed.jpg", tmp_path / "film.mp4", tmp_path / "text", "--value", "no-mining", "--undo-list", undo)
    assert done.exit_code == 1
    for words in ("signed by C2PA", "not written here", "it is no file that holds such words"):
        assert words in done.stdout
    assert not undo.exists()
    assert run("tag", tmp_path / "signed.jpg", "--value", "no-mining", "--break-signature", "--undo-list", undo).exit_code == 0
    again = run("tag", tmp_path / "signed.jpg", "--value", "allowed", "--break-signature", "--undo-list", undo)
    assert again.exit_code == 2
    assert "is there already" in again.stderr


@pytest.mark.parametrize("line, says", [
    (["--value", "no-training"], "is no value; known are no-ai-training"),
    (["--value", "see-linked-rights:notaurl"], "'notaurl' is no http or https address"),
    (["--value", "no-mining", "--value", "allowed"], "give one --value, not 2"),
    (["--value", "see-constraints"], "see-constraints:TEXT"),
    (["--value", "no-mining:x"], "takes nothing"),
    (["--value", "see-constraints:a\x01b"], "control characters"),
    (["--value", "no-mining", "--web-statement", "art.example"], "no http or https address"),
    (["--value", "no-mining", "--licensor", "https://a.example/ x"], "no http or https address"),
    ([], "Give files or folders"),
])
def test_a_wrong_line_writes_nothing(line: list[str], says: str, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(PICTURES["rgb.png"]())
    done = run("tag", tmp_path, *line)
    assert (done.exit_code, done.stdout) == (2, "")
    assert says in " ".join(done.stderr.split())
    assert [p.name for p in tmp_path.iterdir()] == ["a.png"]


def test_paths_are_shown_from_where_one_stands(portfolio: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (portfolio / "film.mp4").write_bytes(media.file("mp4+absent"))
    line = ("tag", "portfolio", "--value", "no-mining", "--yes", "--undo-list", "undo", "--format", "json")
    wanted = {f"portfolio/{name}" for name in ("one.jpg", "film.mp4", "deep/two.txt", "deep/er/three.gif")}
    assert {row["file"] for row in json.loads(run(*line).stdout)} == wanted
    (portfolio / "one.jpg").write_bytes(b"x")
    back = {row["file"]: row for row in json.loads(run("tag", "--undo", "undo", "--yes", "--format", "json").stdout)}
    assert set(back) == wanted - {"portfolio/film.mp4"}
    assert "copy of yours" in back["portfolio/one.jpg"]["why"]


def test_help_has_every_value() -> None:
    told = "".join(run("tag", "--help").output.split())
    assert all(word in told for word in VALUES)


def test_an_undo_list_that_is_none_is_told(tmp_path: Path) -> None:
    (tmp_path / "undo").write_text("x\n")
    done = run("tag", "--undo", tmp_path / "undo")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "line 1 is no entry" in done.stderr


# ---- survives

@pytest.fixture
def master(tmp_path: Path) -> Path:
    path = tmp_path / "master.png"
    path.write_bytes(saved(picture("RGB", (600, 400), 1), "PNG"))
    assert run("tag", path, "--value", "no-ai-training", "--undo-list", tmp_path / "undo").exit_code == 0
    return path


def copies(folder: Path, master: Path) -> None:
    shown = picture("RGB", (600, 400), 1)
    (folder / "lost.jpg").write_bytes(saved(shown.resize((150, 100)), "JPEG", quality=50))
    (folder / "cut.webp").write_bytes(saved(shown.crop((100, 0, 500, 400)), "WEBP"))
    (folder / "less.jpg").write_bytes(saved(shown, "JPEG"))
    assert run("tag", folder / "less.jpg", "--value", "no-genai-training", "--undo-list", folder / "undo-2").exit_code == 0
    shutil.copy(master, folder / "kept.png")
    (folder / "other.png").write_bytes(saved(picture("RGB", (600, 400)).rotate(90), "PNG"))


def test_what_files_have_lost(master: Path, tmp_path: Path) -> None:
    copies(tmp_path, master)
    names = ["lost.jpg", "cut.webp", "less.jpg", "kept.png", "other.png", "undo"]
    found = rows("survives", master, *(tmp_path / name for name in names))
    assert {name: row["result"] for name, row in found.items()} == {
        "lost.jpg": "lost", "cut.webp": "lost", "less.jpg": "lost", "kept.png": "kept", "other.png": "another picture",
        "undo": "could not be read"}
    assert found["lost.jpg"]["lost"] == "training AI"
    assert found["less.jpg"]["lost"] == "training other AI"
    assert found["lost.jpg"]["lost_signals"] == ["plus.xmp"]
    assert found["kept.png"]["distance"] == 0
    assert (found["other.png"]["lost"], found["other.png"]["lost_signals"]) == ("", [])
    told = run("survives", master, tmp_path / "lost.jpg")
    assert told.exit_code == 1
    assert "has not released anything" in " ".join(told.stdout.split())
    assert run("survives", master, tmp_path / "kept.png").exit_code == 0
    assert run("survives", master, tmp_path / "other.png").exit_code == 3


def test_a_master_that_says_nothing_has_nothing_to_lose(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(PICTURES["rgb.png"]())
    done = run("survives", tmp_path / "a.png", tmp_path / "a.png")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "maymine tag" in done.stderr
    assert "says nothing about mining" in done.stderr
    (tmp_path / "text").write_text("x")
    assert "it is no picture" in run("survives", tmp_path / "text", tmp_path / "a.png").stderr
    assert "neither a file nor an address" in run("survives", tmp_path / "a.png", "none.jpg").stderr


@pytest.mark.slow
def test_what_a_page_has_lost(master: Path, tmp_path: Path) -> None:
    copies(tmp_path, master)
    with Web() as web:
        web.put("/robots.txt", "User-agent: *\nDisallow: /hidden\n", type="text/plain")
        web.put("/", "<img src=/lost.jpg srcset='/lost.jpg 150w, /kept.png 600w'><img src=/other.png><img src=/hidden/less.jpg>"
                     "<meta name=robots content=noimageai>")
        for name in ("lost.jpg", "kept.png", "other.png", "less.jpg"):
            web.put(f"/{name}", (tmp_path / name).read_bytes(), type="image/png")
        done = maymine("survives", "--allow-private", "--format", "json", master, web.url + "/", f"{web.url}/less.jpg", f"{web.url}/gone.jpg")
        asked = web.requests
    found = {row["copy"].rpartition("/")[2]: row for row in json.loads(done.stdout)}
    assert done.returncode == 1, done.stderr
    assert {name: row["result"] for name, row in found.items()} == {
        "lost.jpg": "lost", "kept.png": "kept", "less.jpg": "lost", "gone.jpg": "could not be read"}
    assert found["lost.jpg"]["elsewhere"] == ["robots-meta.embedding-page"]
    assert found["less.jpg"]["elsewhere"] == []
    assert "/hidden/less.jpg" not in asked


def test_tags_are_plain_values() -> None:
    assert Tag(*parse(" NO-MINING ")).uri.endswith("DMI-PROHIBITED")
