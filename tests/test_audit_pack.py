"""A pack shows a stranger that the sample was not chosen and that each record follows; any changed byte is found."""
from __future__ import annotations

import hashlib
import json
import random
import shutil
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from crawler import merkle
from crawler.audit_pack import SAMPLING, draw, head_of, root_of, sums
from crawler.audit_verify import verify
from crawler.cli import main
from crawler.recorded import rows
from crawler.rerun import Outcome
from crawler.run import Run
from rules.record import dumps
from tests.archives import Maker
from tests.test_run import ASKER, POLICIES, assessed, make, page

SEED = "words of the auditor, 2026-11-26"


def run(*args: object) -> Result:
    result = CliRunner().invoke(main, [*map(str, args)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, str]:
    """A run, a pack of it, its root."""
    base = tmp_path_factory.mktemp("audit")
    make(base / "run", 40)
    root = run("audit-pack", "root", base / "run").stdout.strip()
    assert run("audit-pack", base / "run", "--sample", "12", "--seed", SEED, "-o", base / "pack").exit_code == 0
    return base / "run", base / "pack", root


@pytest.fixture
def pack(packed: tuple[Path, Path, str], tmp_path: Path) -> Path:
    """A copy to spoil."""
    return Path(shutil.copytree(packed[1], tmp_path / "pack"))


def seal(pack: Path) -> None:
    (pack / "SHA256SUMS").write_bytes(sums(pack))


def why(pack: Path, root: str = "") -> str:
    found = verify(pack, root)
    assert found.faults
    return "\n".join(" ".join(fault) for fault in found.faults)


# ---- the tree

def by_the_rfc(leaves: list[bytes]) -> bytes:
    """RFC 6962, 2.1, word by word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return hashlib.sha256(b"\x01" + by_the_rfc(leaves[:k]) + by_the_rfc(leaves[k:])).digest()


@pytest.mark.parametrize("size", [*range(18), 31, 33, 64, 100])
def test_the_tree_is_that_of_the_rfc_and_every_leaf_has_its_proof(size: int) -> None:
    data = [str(n).encode() for n in range(size)]
    tree = merkle.Tree(map(merkle.leaf, data))
    assert (tree.size, tree.root) == (size, by_the_rfc(data))
    for place in range(size):
        proof = tree.proof(place)
        assert merkle.root_of(merkle.leaf(data[place]), place, size, proof) == tree.root
        assert merkle.root_of(merkle.leaf(b"x"), place, size, proof) != tree.root
        assert merkle.root_of(merkle.leaf(data[place]), place, size, [*proof, b"\0" * 32]) != tree.root
        for other in {0, size // 2, size - 1} - {place}:
            assert merkle.root_of(merkle.leaf(data[place]), other, size, proof) != tree.root
    assert merkle.root_of(merkle.leaf(b""), size, size, []) is None


def test_test_vector_of_certificate_transparency() -> None:
    """The tree of eight leaves that the log of Certificate Transparency is tested with."""
    data = [bytes.fromhex(text) for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")]
    root = merkle.Tree(map(merkle.leaf, data)).root.hex()
    assert root == "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"


# ---- the sample

@given(seed=st.text(max_size=20), asked=st.integers(1, 60), size=st.integers(1, 50))
def test_a_sample_is_what_root_and_seed_give(seed: str, asked: int, size: int) -> None:
    root = "sha256:" + "ab" * 32
    try:
        seed.encode()
    except UnicodeEncodeError:
        return
    drawn = draw(root, seed, asked, size)
    assert len(set(drawn)) == len(drawn) == min(asked, size)
    assert set(drawn) <= set(range(size))
    first = hashlib.sha256(f"{SAMPLING}\n{root}\n{seed}\n0".encode()).hexdigest()
    assert drawn[0] == int(first, 16) % size
    assert draw(root, seed, asked + 1, size)[:len(drawn)] == drawn


def test_every_place_is_drawn_as_often() -> None:
    counts = [0] * 10
    for n in range(3_000):
        counts[draw("sha256:00", str(n), 1, 10)[0]] += 1
    assert all(220 < count < 380 for count in counts)


# ---- the pack

def test_a_pack_verifies_and_is_what_was_drawn(packed: tuple[Path, Path, str]) -> None:
    folder, pack, root = packed
    head, tree = head_of(folder)
    assert root == root_of(head) == "sha256:" + hashlib.sha256((pack / "head.json").read_bytes()).hexdigest()
    texts = [dumps(row.record) for row in rows(folder)]
    assert tree.size == len(texts) == 80
    lines = (pack / "records.jsonl").read_text("utf-8").splitlines()
    assert lines == [texts[n] for n in draw(root, SEED, 12, 80)]
    found = verify(pack, root)
    assert (found.faults, found.announced, found.records, found.sample) == ([], True, 80, 12)
    assert found.outcomes == {Outcome.SAME: 12}
    result = run("audit-pack", "verify", pack, "--root", root)
    assert result.exit_code == 0
    assert "12 of 12 records decided again alike" in result.stdout
    assert root in (pack / "VERIFY.md").read_text()


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="sha256sum is missing; install coreutils")
def test_sha256sum_checks_it(packed: tuple[Path, Path, str]) -> None:
    done = subprocess.run(["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=packed[1], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert done.stdout.count(": OK") == len([p for p in packed[1].rglob("*") if p.is_file()]) - 1


def test_every_changed_bit_is_found(pack: Path) -> None:
    """Random bits of every file of the pack, and the first and last of each."""
    r = random.Random(20261126)
    files = [p for p in sorted(pack.rglob("*")) if p.is_file()]
    assert {p.name for p in files} >= {"head.json", "sample.json", "records.jsonl", "VERIFY.md", "SHA256SUMS", "000001.warc.gz"}
    for file in files:
        whole = file.read_bytes()
        for place in [0, len(whole) * 8 - 1, *(r.randrange(len(whole) * 8) for _ in range(40))]:
            spoilt = bytearray(whole)
            spoilt[place // 8] ^= 1 << place % 8
            file.write_bytes(spoilt)
            assert verify(pack).faults, (file, place)
        file.write_bytes(whole)
    assert not verify(pack).faults


@pytest.mark.slow
def test_every_changed_bit_is_found_though_the_sums_are_made_anew(pack: Path, packed: tuple[Path, Path, str]) -> None:
    """Whoever can change a file can change SHA256SUMS; the root from elsewhere and the records find it."""
    r = random.Random(7)
    files = [p for p in sorted(pack.rglob("*")) if p.is_file() and p.name not in ("SHA256SUMS", "VERIFY.md")]
    sample = json.loads((pack / "sample.json").read_bytes())
    used = {spot[0] for one in sample["drawn"] for spot in one["locations"] if spot}
    assert used == {"evidence/000001.warc.gz"}
    for file in files:
        whole = file.read_bytes()
        for place in (r.randrange(len(whole) * 8) for _ in range(6)):
            spoilt = bytearray(whole)
            spoilt[place // 8] ^= 1 << place % 8
            file.write_bytes(spoilt)
            seal(pack)
            found = verify(pack, packed[2])
            if file.name == "sample.json" and not found.faults:      # the address is for people, and a way to the same bytes is one
                assert _without_ways(spoilt) == _without_ways(whole)
                assert found.outcomes == {Outcome.SAME: 12}
            elif file.suffix == ".gz" and not found.faults:          # a header that nobody reads, or a record that nobody drew
                assert found.outcomes == {Outcome.SAME: 12}
            else:
                assert found.faults, (file, place)
        file.write_bytes(whole)


def _without_ways(text: bytes) -> object:
    value = json.loads(text)
    for one in value["drawn"]:
        one.pop("requested", None)
        one.pop("locations", None)
    return value


def test_a_sample_that_was_chosen_is_found(packed: tuple[Path, Path, str], pack: Path, tmp_path: Path) -> None:
    folder, _, root = packed
    other = tmp_path / "other"
    run("audit-pack", "make", folder, "--sample", "12", "--seed", "another", "-o", other)
    told = json.loads((other / "sample.json").read_bytes())
    told["seed"] = SEED
    (other / "sample.json").write_text(dumps(told))
    seal(other)
    assert "another sample than the root and the seed give" in why(other, root)
    for change in (lambda s: s["drawn"].pop(), lambda s: s["drawn"].reverse(), lambda s: s.update(asked=11),
                   lambda s: s["drawn"][0].update(place=s["drawn"][0]["place"] + 1)):
        told = json.loads((packed[1] / "sample.json").read_bytes())
        change(told)
        (pack / "sample.json").write_text(dumps(told))
        seal(pack)
        assert "sample.json" in why(pack, root)


def test_another_run_is_found(packed: tuple[Path, Path, str], tmp_path: Path) -> None:
    make(tmp_path / "run", 41)
    run("audit-pack", "make", tmp_path / "run", "--sample", "12", "--seed", SEED, "-o", tmp_path / "pack")
    assert not verify(tmp_path / "pack").faults
    assert "another run than the root that was given" in why(tmp_path / "pack", packed[2])
    result = run("audit-pack", "verify", tmp_path / "pack", "--root", packed[2])
    assert result.exit_code == 1
    unasked = run("audit-pack", "verify", tmp_path / "pack")
    assert unasked.exit_code == 0
    assert "The root was not compared" in unasked.stderr


@pytest.mark.parametrize(("name", "change", "says"), [
    ("records.jsonl", lambda t: t.replace(b'"permitted"', b'"prohibited"', 1), "is not record"),
    ("records.jsonl", lambda t: t.rpartition(b"\n")[0].rpartition(b"\n")[0] + b"\n", "11 records, and 12 were drawn"),
    ("head.json", lambda t: t.replace(b'"records":80', b'"records":79'), "names another root"),
    ("sample.json", lambda t: t.replace(b"evidence/000001.warc.gz", b"../../../etc/passwd.gz", 1), "no file of a pack"),
    ("sample.json", lambda t: t.replace(b"evidence/000001.warc.gz", b"http://127.0.0.1/x.gz", 1), "no file of a pack"),
    ("sample.json", lambda t: b"[" * 100_000, "cannot be read"),
    ("sample.json", lambda t: b"{}", "cannot be read"),
    ("sample.json", lambda t: t.replace(b'"proof":["', b'"proof":["00', 1), "is not record"),
    ("sample.json", lambda t: t.replace(b'"proof":[', b'"proof" :[', 1), "is not canonical"),
    ("policies/eu-dsm-art4@2026-11-26.yaml", lambda t: t + b"# more\n", "is not the policy that head.json names"),
])
def test_what_was_changed_with_its_sums_is_found(pack: Path, name: str, change, says: str) -> None:
    file = pack / name
    file.write_bytes(change(file.read_bytes()))
    seal(pack)
    assert says in why(pack)


def test_files_that_do_not_belong_are_found(pack: Path) -> None:
    (pack / "more.txt").write_text("x")
    assert "more.txt stands not in SHA256SUMS" in why(pack)
    (pack / "more.txt").unlink()
    (pack / "link").symlink_to("/etc/passwd")
    assert "link is no file of a pack" in why(pack)
    (pack / "link").unlink()
    (pack / "VERIFY.md").unlink()
    assert "VERIFY.md is not there" in why(pack)
    (pack / "SHA256SUMS").unlink()
    assert "this is no audit pack" in why(pack)


def test_what_is_no_pack_and_no_root_is_no_finding(tmp_path: Path, packed: tuple[Path, Path, str]) -> None:
    told = run("audit-pack", "verify", tmp_path)
    assert (told.exit_code, "is no audit pack" in told.output) == (2, True)
    told = run("audit-pack", "verify", packed[1], "--root", "sha256:12")
    assert (told.exit_code, "is no root of a run" in told.output) == (2, True)
    assert run("audit-pack", "verify", packed[1], "--root", packed[2].removeprefix("sha256:").upper()).exit_code == 0


def test_an_archive_that_is_gone_is_told_once(tmp_path: Path) -> None:
    maker = Maker()
    for n in range(30):
        maker.add(f"https://a.example/{n}", b"<p>page %d" % n)
    run("filter", maker.write(tmp_path / "a.warc.gz"), "-o", tmp_path / "run")
    (tmp_path / "a.warc.gz").rename(tmp_path / "b.warc.gz")
    replayed = run("replay", tmp_path / "run")
    assert replayed.exit_code == 3
    assert [line for line in replayed.stdout.splitlines() if "a.warc.gz" in line] == [
        f"archive not there: {tmp_path / 'a.warc.gz'}: it is not there; put it back where it was"]
    made = run("audit-pack", tmp_path / "run", "--sample", "3", "--seed", SEED, "-o", tmp_path / "pack")
    assert (made.exit_code, "cannot be read" in made.output, "a.warc.gz" in made.output) == (3, True, True)


def test_evidence_that_the_run_did_not_keep_is_told(tmp_path: Path) -> None:
    make(tmp_path / "run", 10, "site")
    made = run("audit-pack", "make", tmp_path / "run", "--sample", "20", "--seed", SEED, "-o", tmp_path / "pack", "--format", "json")
    assert made.exit_code == 3
    assert json.loads(made.stdout)["sample"] == 20
    result = run("audit-pack", "verify", tmp_path / "pack", "--format", "json")
    assert result.exit_code == 3
    assert json.loads(result.stdout)["outcomes"]["evidence not kept"] > 0


def test_a_pack_of_archives_and_of_what_registers_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Evidence out of archives of others goes into the pack, and what registers said of the pages, entry by entry."""
    monkeypatch.setenv("MAYMINE_CACHE", str(tmp_path / "cache"))
    maker = Maker().add("https://a.example/robots.txt", b"User-agent: *\nContent-Usage: train-ai=n\n", [("Content-Type", "text/plain")])
    for n in range(8):
        maker.add(f"https://a.example/{n}", b"<p>page %d" % n)
    register = tmp_path / "granted.csv"
    register.write_text("kind,match,value,uses\nlicence,url,https://a.example/3,train-ai\n")
    run("filter", maker.write(tmp_path / "a.warc.gz"), "-o", tmp_path / "run", "--register", register)
    run("decide", tmp_path / "run", "--policy", "strictest", "--register", register, "-o", tmp_path / "later")
    for name, records in (("run", 9), ("later", 9)):
        pack = tmp_path / f"pack-{name}"
        assert run("audit-pack", tmp_path / name, "--sample", "100", "--seed", SEED, "-o", pack).exit_code == 0
        (tmp_path / "a.warc.gz").rename(tmp_path / "gone")           # the pack needs nothing but itself
        found = verify(pack)
        (tmp_path / "gone").rename(tmp_path / "a.warc.gz")
        assert (found.faults, found.outcomes) == ([], {Outcome.SAME: records})
        head = json.loads((pack / "head.json").read_bytes())
        assert head["registers"] == [{"name": "granted", "sha256": hashlib.sha256(register.read_bytes()).hexdigest(), "rows": 1, "entries": 1}]
        licensed = [r for line in (pack / "records.jsonl").read_bytes().splitlines()
                    if (r := json.loads(line))["decisions"]["train-ai"]["verdict"] == "permitted"]
        assert [r["asset"]["url"] for r in licensed] == ["https://a.example/3"]


def test_what_cannot_be_packed(tmp_path: Path, packed: tuple[Path, Path, str]) -> None:
    asked = ("--sample", "3", "--seed", SEED, "-o")
    assert run("audit-pack", packed[0], *asked, packed[1]).exit_code == 2
    make(tmp_path / "empty", 0)
    assert run("audit-pack", tmp_path / "empty", *asked, tmp_path / "pack").exit_code == 2
    with Run.open(tmp_path / "running", POLICIES, ASKER) as writing:
        writing.write(assessed(page(1)))
        assert run("audit-pack", "root", tmp_path / "running").exit_code == 2
    assert run("audit-pack", packed[0], "--sample", "3", "--seed", "a\nb", "-o", tmp_path / "pack").exit_code == 2
    assert run("audit-pack", tmp_path, *asked, tmp_path / "pack").exit_code == 2
