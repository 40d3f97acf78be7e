"""A usage ledger keeps what was posted, in order, and shows every change; sums are exact; corrections never edit."""
from __future__ import annotations

import hashlib
import json
import os
import random
import re
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import jsonschema
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crawler.cli import main
from crawler.ledger import book, correct, entry, manifest
from crawler.ledger.gather import Asked, gather
from crawler.ledger.holders import Holder, read
from crawler.ledger.verify import Trouble, Verified, verify
from crawler.run import Run, RunError
from rules import Asker, load_policy, policies
from rules.strict_yaml import DataError
from tests.test_summary import ROBOTS, page

ROOT = Path(__file__).parents[1]
AT = "2026-11-22T10:00:00Z"
SCHEMA = json.loads((ROOT / "schema" / "ledger-entry.json").read_text("utf-8"))
FEW = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def one(n: int, **more: object) -> dict:
    given = {"occurred_at": AT, "scheme": "url", "work": f"https://a.example/{n}", "use_type": "train", "unit": "token", "value": str(n + 1),
             "source": ("sha256:s", n + 1), **more}
    return entry.new(**given)


def post(folder: Path, entries: list[dict]) -> book.Book:
    with book.opened(folder) as opened:
        assert opened.append(entries) == len(entries)
    return opened


def made(folder: Path) -> list[dict]:
    return [entry.read(text) for _, _, text in book.lines(folder)]


def troubles(folder: Path, noted: str = "") -> list[Trouble]:
    return list(verify(folder, Verified(), noted))


def ledger(*args: object, code: int = 0) -> str:
    result = CliRunner().invoke(main, ["ledger", *map(str, args)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result.output


def flat(text: str) -> str:
    return " ".join(text.replace("│", " ").split())


# ---- the chain

def test_a_line_is_what_the_format_says(tmp_path: Path) -> None:
    """Made again from the words of the schema alone."""
    post(tmp_path / "l", [one(n) for n in range(5)])
    prev = "0" * 64
    for line in (tmp_path / "l" / "000001.jsonl").read_bytes().splitlines():
        rest = line[len(b'{"entry_id":"') + 32 + 2:]
        value = json.loads(line)
        assert value["entry_id"] == hashlib.sha256(rest).hexdigest()[:32]
        assert value["prev_hash"] == f"sha256:{prev}"
        assert list(value) == [name for name in SCHEMA["properties"] if name in value]
        jsonschema.validate(value, SCHEMA)
        prev = hashlib.sha256(rest).hexdigest()
    seal = json.loads((tmp_path / "l" / "ledger.json").read_bytes())
    assert (seal["head"], seal["entries"], seal["sources"]) == (f"sha256:{prev}", 5, {"sha256:s": 5})


def test_the_schema_has_the_fields_and_words_of_the_code() -> None:
    known = SCHEMA["properties"]
    assert tuple(known) == entry.FIELDS
    assert tuple(known["status"]["enum"]) == entry.STATUSES
    assert tuple(known["use_type"]["enum"]) == entry.USE_TYPES
    assert tuple(known["rights_basis"]["enum"]) == entry.BASES
    assert tuple(known["work_ref"]["properties"]["scheme"]["enum"]) == entry.SCHEMES
    assert tuple(known["quantity"]["properties"]["unit"]["enum"]) == entry.UNITS
    assert tuple(SCHEMA["required"]) == entry.REQUIRED


def test_segments_go_on_one_chain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(book, "SEGMENT_BYTES", 2_000)
    monkeypatch.setattr(book, "BUFFER_BYTES", 500)
    for n in range(6):
        post(tmp_path, [one(n * 5 + k) for k in range(5)])
    assert len(book.segments(tmp_path)) > 3
    assert [e["quantity"]["value"] for e in made(tmp_path)] == [str(n + 1) for n in range(30)]
    assert troubles(tmp_path) == []
    middle = book.segments(tmp_path)[1]
    middle.unlink()
    assert troubles(tmp_path)[0].where.startswith("000001.jsonl:")
    with pytest.raises(book.LedgerError, match="were sealed are gone"), book.opened(tmp_path):
        pass


def relinked(lines: list[bytes], at: int) -> list[bytes]:
    """The lines, the one at that place given the id that its content asks for."""
    body = lines[at][len(b'{"entry_id":"') + 34:]
    return [*lines[:at], b'{"entry_id":"' + hashlib.sha256(body).hexdigest()[:32].encode() + b'",' + body, *lines[at + 1:]]


@FEW
@given(n=st.integers(1, 8), data=st.data())
def test_any_tampered_entry_is_found_and_named(n: int, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("l")
    post(folder, [one(k) for k in range(n)])
    path = folder / "000001.jsonl"
    lines = path.read_bytes().splitlines()
    at = data.draw(st.integers(0, n - 1))
    way = data.draw(st.sampled_from(["byte", "byte and id", "amount and id", "link and id", "remove", "double", "swap", "forge"]))
    where = at + 1
    match way:
        case "byte" | "byte and id":
            place = data.draw(st.integers(0, len(lines[at]) - 1))
            old = lines[at][place]
            new = data.draw(st.integers(0, 255).filter(lambda b: b not in (old, 10)))
            lines[at] = lines[at][:place] + bytes([new]) + lines[at][place + 1:]
            if way == "byte and id" and place >= 47:
                lines = relinked(lines, at)
        case "amount and id":
            lines[at] = lines[at].replace(b'"value":"', b'"value":"9')
            lines = relinked(lines, at)
        case "link and id":
            lines[at] = lines[at][:-66] + b"f" * 64 + b'"}'
            lines = relinked(lines, at)
            where = max(at, 1)
        case "remove":
            del lines[at]
            where = max(at, 1)
        case "double":
            lines.insert(at, lines[at])
        case "swap":
            if n == 1:
                return
            at = min(at, n - 2)
            lines[at], lines[at + 1] = lines[at + 1], lines[at]
            where = max(at, 1)
        case "forge":
            text, _ = entry.line(one(99), "sha256:" + "0" * 64)
            lines.insert(at, text)
            where = max(at, 1)
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    found = troubles(folder)
    assert found, way
    places = {t.where for t in found}
    assert f"000001.jsonl:{where}" in places or (not lines and "" in places) or f"000001.jsonl:{where + 1}" in places
    if way in ("byte", "byte and id", "amount and id"):
        assert f"000001.jsonl:{at + 1}" in places


def test_a_chain_that_was_written_anew_shows_against_a_noted_head(tmp_path: Path) -> None:
    noted = post(tmp_path / "a", [one(n) for n in range(4)]).seal.head
    post(tmp_path / "a", [one(n) for n in range(4, 9)])
    assert "entry 4." in ledger("verify", tmp_path / "a", "--head", noted)
    post(tmp_path / "b", [one(n, value="7") for n in range(9)])
    assert "no entry has the head" in ledger("verify", tmp_path / "b", "--head", noted, code=1)
    assert troubles(tmp_path / "b") == []


def test_cutting_off_the_end_shows_against_the_seal(tmp_path: Path) -> None:
    post(tmp_path, [one(n) for n in range(4)])
    path = tmp_path / "000001.jsonl"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:3]))
    assert [(t.where, t.what) for t in troubles(tmp_path)] == [("000001.jsonl:3", "gone after it, and sealed: 1 entry")]
    assert "were sealed are gone" in flat(ledger("post", tmp_path, "--manifest", table(tmp_path), code=2))


@pytest.mark.parametrize("wrong, what", [
    ({"use_type": "read"}, "'use_type' cannot be \"read\""), ({"amount": "1"}, "an amount and its currency go together"),
    ({"weight": "1e3"}, "'weight' cannot be"), ({"colour": "red"}, "'colour' is no field"), ({"debit": "paid"}, "debit and credit of what is accrued"),
    ({"occurred_at": "2026-11-22T10:00:00+01:00"}, "'occurred_at' cannot be"), ({"status": "void"}, "a reversal says what it takes back"),
    ({"correction_of": "feed"}, "it corrects feed, which does not stand before it")])
def test_an_entry_that_is_none_is_told_though_its_links_hold(tmp_path: Path, wrong: dict, what: str) -> None:
    post(tmp_path, [one(0), {**one(1), **wrong}, one(2)])
    found = troubles(tmp_path)
    assert {t.where for t in found} == {"000001.jsonl:2"}
    assert what in found[0].what


def test_a_row_that_was_posted_twice_is_told(tmp_path: Path) -> None:
    post(tmp_path, [one(0), one(1)])
    seal = json.loads((tmp_path / "ledger.json").read_bytes())
    (tmp_path / "ledger.json").write_text(json.dumps(seal | {"sources": {"sha256:s": 1}}))
    assert [(t.where, t.what) for t in troubles(tmp_path)] == [("ledger.json", "how far each source was posted is not what the entries say")]
    post(tmp_path, [one(1)])
    assert [(t.where, t.what) for t in troubles(tmp_path)] == [("000001.jsonl:3", "row 2 of its source was posted before")]


# ---- kills

def test_a_post_that_was_cut_at_any_byte_goes_on(tmp_path: Path) -> None:
    """As a kill leaves it: sealed entries, then whole ones, then the beginning of one."""
    post(tmp_path / "whole", [one(n) for n in range(6)])
    whole = (tmp_path / "whole" / "000001.jsonl").read_bytes()
    ends = [m.end() for m in re.finditer(b"\n", whole)]
    dice = random.Random(3)
    for n, cut in enumerate([ends[1], ends[2], ends[2] + 1, ends[4] - 1, *(dice.randrange(ends[1], len(whole)) for _ in range(25))]):
        folder = tmp_path / str(n)
        post(folder, [one(k) for k in range(2)])
        kept = sum(end <= cut for end in ends)
        (folder / "000001.jsonl").write_bytes(whole[:cut])
        into = Verified()
        assert list(verify(folder, into)) == []
        assert (into.entries, into.unsealed, into.torn_bytes) == (kept, kept - 2, cut - ends[kept - 1])
        with book.opened(folder) as opened:
            assert opened.seal.sources["sha256:s"] == kept
            assert (opened.found, opened.cut) == (kept - 2, whole[ends[kept - 1]:cut])
            opened.append(one(k) for k in range(kept, 6))
        assert (folder / "000001.jsonl").read_bytes() == whole
        assert (folder / "torn.txt").exists() == bool(opened.cut)
        if opened.cut:
            assert opened.cut in (folder / "torn.txt").read_bytes()


def test_what_lost_its_bytes_with_the_power_is_cut(tmp_path: Path) -> None:
    post(tmp_path, [one(0)])
    with (tmp_path / "000001.jsonl").open("ab") as file:
        file.write(b'{"entry_id":"' + b"\0" * 500 + b"\n\0\0")
    assert post(tmp_path, [one(1)]).cut
    assert troubles(tmp_path) == []
    assert len(made(tmp_path)) == 2


def test_nothing_is_added_to_a_ledger_that_was_tampered_with_after_its_seal(tmp_path: Path) -> None:
    post(tmp_path, [one(0)])
    text, _ = entry.line(one(1), "sha256:" + "1" * 64)
    with (tmp_path / "000001.jsonl").open("ab") as file:
        file.write(text + b"\n")
    with pytest.raises(book.LedgerError, match="does not follow the one before"), book.opened(tmp_path):
        pass
    assert [t.where for t in troubles(tmp_path)] == ["000001.jsonl:1"]


def test_a_disk_that_is_full_leaves_whole_entries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(book, "BUFFER_BYTES", 1)
    real, calls = os.write, []

    def write(file: int, data: bytes) -> int:
        calls.append(file)
        if len(calls) == 3:
            real(file, bytes(data)[:10])
            raise OSError(28, "No space left on device")
        return real(file, data)
    monkeypatch.setattr("crawler.archive.warc.os.write", write)
    with pytest.raises(OSError), book.opened(tmp_path) as opened:
        opened.append(one(n) for n in range(9))
    monkeypatch.undo()
    assert troubles(tmp_path) == []
    assert len(made(tmp_path)) == book.read_seal(tmp_path).sources["sha256:s"] == 2
    post(tmp_path, [one(2)])
    assert troubles(tmp_path) == []


@pytest.mark.parametrize("at", [0, 1, 3, 7])
def test_an_interrupt_loses_nothing_that_was_told_and_posts_nothing_twice(tmp_path: Path, at: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C while entries come; those before it stand, and the source goes on after them."""
    monkeypatch.setattr(book, "BUFFER_BYTES", 1_000)

    def entries(start: int, stop: int | None) -> Iterator[dict]:
        for n in range(start, 9):
            if n == stop:
                raise KeyboardInterrupt
            yield one(n)
    with pytest.raises(KeyboardInterrupt), book.opened(tmp_path) as opened:
        opened.append(entries(0, at))
    assert book.read_seal(tmp_path).sources.get("sha256:s", 0) == book.read_seal(tmp_path).entries == at
    with book.opened(tmp_path) as opened:
        opened.append(entries(at, None))
    assert [e["source"]["row"] for e in made(tmp_path)] == list(range(1, 10))
    assert troubles(tmp_path) == []


def test_what_is_posted_whole_is_there_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(book, "BUFFER_BYTES", 1)

    def entries() -> Iterator[dict]:
        yield one(0)
        raise ValueError
    with pytest.raises(ValueError), book.opened(tmp_path) as opened:
        opened.append(entries(), whole=True)
    assert made(tmp_path) == []


def test_one_writer_at_a_time(tmp_path: Path) -> None:
    with book.opened(tmp_path / "l"), pytest.raises(RunError, match="being written by another"), book.opened(tmp_path / "l"):
        pass


def test_a_folder_of_other_things_is_no_ledger(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    assert "holds other things (thesis.txt)" in flat(ledger("post", tmp_path, "--manifest", table(tmp_path.parent), code=2))
    for verb in ("verify", "report"):
        assert "is no ledger" in flat(ledger(verb, tmp_path, code=2))


@pytest.mark.parametrize("text", ["{", "[]", '{"schema": "other"}', '{"schema": "maymine/ledger/1"}'])
def test_a_seal_that_is_none_is_told(tmp_path: Path, text: str) -> None:
    post(tmp_path, [one(0)])
    (tmp_path / "ledger.json").write_text(text)
    assert "ledger.json" in ledger("verify", tmp_path, code=2)


# ---- debits and credits

WORKS = st.builds(dict, n=st.integers(0, 6), holder=st.sampled_from(["", "a", "b"]), status=st.sampled_from(["accrued", "disputed", "reported", "paid"]),
                  value=st.decimals("0", "1e9", places=3).map(lambda d: format(d, "f").rstrip("0").rstrip(".") or "0"),
                  amount=st.sampled_from(["", "0.01", "12345678901234567890.123456789012345678"]),
                  month=st.integers(1, 12), model=st.sampled_from(["", "m1"]), weight=st.sampled_from(["", "0.5", "3"]))


def of(w: dict, row: int) -> dict:
    return one(w["n"], holder=w["holder"], status=w["status"], value=w["value"], amount=w["amount"], currency="EUR" if w["amount"] else "",
               occurred_at=f"2026-{w['month']:02}-01T00:00:00Z", model_version=w["model"], weight=w["weight"], source=("sha256:s", row))


def corrected(folder: Path, picks: list[tuple[int, str]]) -> None:
    """Correct some of what stands: take it back, or move it to another holder."""
    for n, way in picks:
        standing = [e for e in made(folder) if e["status"] != "void" and e["entry_id"] not in correct.corrected(folder)]
        if standing:
            changes = {} if way == "void" else {"holder_ref": way} if way != "value" else {"quantity": "5"}
            post(folder, correct.correction(standing[n % len(standing)], changes, AT, "a reason"))


@pytest.mark.slow
@settings(FEW, max_examples=15)
@given(works=st.lists(WORKS, min_size=1, max_size=12), picks=st.lists(st.tuples(st.integers(0, 99), st.sampled_from(["void", "a", "c", "value"])), max_size=5))
def test_debits_equal_credits(works: list[dict], picks: list[tuple[int, str]], tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("l")
    post(folder, [of(w, n + 1) for n, w in enumerate(works)])
    corrected(folder, picks)
    into = Verified()
    assert list(verify(folder, into)) == []
    for unit in {unit for _, unit in into.sums}:
        assert sum(Fraction(v) for (_, u), v in into.sums.items() if u == unit) == 0
    for text in made(folder):
        jsonschema.validate(text, SCHEMA)
    gone = correct.corrected(folder)
    post(folder, [entry.reversal(e, AT, "all") for e in made(folder) if e["status"] != "void" and e["entry_id"] not in gone])
    into = Verified()
    assert list(verify(folder, into)) == []
    told = json.loads(ledger("verify", folder, "--format", "json"))
    assert {(b["account"], b["in"], b["balance"]) for b in told["balances"]} == {(account, unit, "0") for account, unit in into.sums}
    assert set(into.sums.values()) <= {Decimal(0)}, "what is all taken back is nowhere"
    assert gather(folder).uses == 0


@FEW
@given(works=st.lists(WORKS, min_size=1, max_size=15), picks=st.lists(st.tuples(st.integers(0, 99), st.sampled_from(["void", "c", "value"])), max_size=4),
       since=st.sampled_from(["", "2026-04"]), until=st.sampled_from(["", "2026", "2026-08", "2026-08-01"]))
def test_cells_are_what_the_entries_say(works: list[dict], picks: list[tuple[int, str]], since: str, until: str,
                                        tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("l")
    post(folder, [of(w, n + 1) for n, w in enumerate(works)])
    corrected(folder, picks)
    gone = correct.corrected(folder)
    uses = [e for e in made(folder) if e["status"] == "accrued" and e["entry_id"] not in gone
            and e["occurred_at"] >= since and (not until or e["occurred_at"][:len(until)] <= until)]
    told = gather(folder, asked=Asked(since, until))
    assert told.uses == sum(c.entries for c in told.cells) == len(uses)
    for holder in ("a", "b", "c", "unallocated"):
        mine = [e for e in uses if e["holder_ref"] == holder]
        wanted = sum((Decimal(e["quantity"]["value"]) * Decimal(e.get("weight", "1")) for e in mine), Decimal(0))
        cells = [c for c in told.cells if c.holder == holder]
        assert sum((c.quantity for c in cells), Decimal(0)) == wanted
        assert sum(c.works for c in cells) == len({e["work_ref"]["id"] for e in mine})
        assert {c.period for c in cells} == {e["occurred_at"][:7] for e in mine}


# ---- corrections

def test_a_correction_adds_and_changes_nothing(tmp_path: Path) -> None:
    post(tmp_path, [one(n) for n in range(3)])
    before = (tmp_path / "000001.jsonl").read_bytes()
    second = made(tmp_path)[1]
    ledger("correct", tmp_path, second["entry_id"][:12], "--set", "holder_ref=Ahn Publishing", "--set", "quantity=5", "--note", "their claim")
    assert (tmp_path / "000001.jsonl").read_bytes().startswith(before)
    back, instead = made(tmp_path)[3:]
    assert (back["status"], back["debit"], back["credit"], back["correction_of"]) == ("void", second["credit"], second["debit"], second["entry_id"])
    assert (instead["holder_ref"], instead["quantity"], instead["credit"], instead["note"]) == \
        ("Ahn Publishing", {"unit": "token", "value": "5"}, "owed/Ahn Publishing", "their claim")
    assert troubles(tmp_path) == []
    told = gather(tmp_path)
    assert {c.holder: c.quantity for c in told.cells} == {"unallocated": 4, "Ahn Publishing": 5}
    for wanted, wrong in ((second["entry_id"], "was taken back already"), (back["entry_id"], "what takes back stays"), ("0" * 12, "no entry has an id"),
                          ("short", "is too short")):
        assert wrong in flat(ledger("correct", tmp_path, wanted, "--void", "--note", "again", code=2))
    ledger("correct", tmp_path, instead["entry_id"], "--void", "--note", "withdrawn")
    assert {c.holder for c in gather(tmp_path).cells} == {"unallocated"}


@pytest.mark.parametrize("words, wrong", [
    (("--note", "n"), "--set or --void"), (("--void", "--set", "note=x", "--note", "n"), "--set or --void"), (("--void", "--note", " "), "cannot be empty"),
    (("--set", "debit=x", "--note", "n"), "'debit' cannot be set"), (("--set", "amount=5", "--note", "n"), "go together"),
    (("--set", "weight=-", "--note", "n"), "'weight' cannot be"), (("--set", "status=void", "--note", "n"), "--void takes an entry back"),
    (("--set", "x", "--note", "n"), "FIELD=VALUE")])
def test_a_correction_that_is_none_is_refused(tmp_path: Path, words: tuple[str, ...], wrong: str) -> None:
    post(tmp_path, [one(0)])
    assert wrong in flat(ledger("correct", tmp_path, made(tmp_path)[0]["entry_id"], *words, code=2))
    assert len(made(tmp_path)) == 1


def test_holders_that_were_found_later_get_what_waits_for_them(tmp_path: Path) -> None:
    post(tmp_path / "l", [one(n) for n in range(4)] + [one(9, holder="Baek")])
    listed = tmp_path / "h.csv"
    listed.write_text("url,holder,society\nhttps://a.example/1,Ahn,KOSA\nhttps://a.example/2,Ahn,KOSA\n")
    assert "2 entries moved from 'unallocated' to their holders; 2 stay there" in ledger("correct", tmp_path / "l", "--holders", listed, "--note", "search")
    assert "0 entries moved" in ledger("correct", tmp_path / "l", "--holders", listed, "--note", "search")
    assert {(c.holder, c.society): c.entries for c in gather(tmp_path / "l").cells} == {("unallocated", ""): 2, ("Ahn", "KOSA"): 2, ("Baek", ""): 1}
    assert troubles(tmp_path / "l") == []


# ---- holders

def test_the_narrowest_entry_says_the_holder(tmp_path: Path) -> None:
    path = tmp_path / "h.csv"
    path.write_text("domain,url,work,holder,class,society\nexample,,,Top,,\na.example,,,A,news,VG\n,https://a.example/b,,B,,\n,https://a.example/b/c/,,C,,\n"
                    ",,978-1,Book,,\nonly.example,,,,images,\n")
    holders = read(path)
    asked = {"https://a.example/": "A", "https://a.example/b": "B", "https://a.example/b?x=/c/": "B", "https://a.example/bc": "A", "https://a.example/b/1": "B",
             "https://a.example/b/c/1": "C", "https://a.example/b/c": "B", "https://x.a.example/b": "A", "https://z.example/": "Top", "https://z.test/": ""}
    assert {url: holders.of(url, url.split("/")[2]).holder for url in asked} == asked
    assert holders.of("978-1", "").holder == "Book"
    assert holders.of("https://only.example/", "only.example") == Holder("", "images", "")


def test_registers_say_whose_a_work_is_where_the_list_does_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAYMINE_CACHE", str(tmp_path / "cache"))
    (tmp_path / "lic.csv").write_text(
        "kind,match,value,holder,uses,from,until,society\nrepertoire,domain,a.example,Rep,,,,KOSA\nlicence,url-prefix,https://a.example/2,Press Ltd,train-ai,,,\n"
        "licence,url-prefix,https://a.example/3,Late Ltd,train-ai,2027-01-01,,\npublic-domain,domain,b.example,Nobody,,,,\n")
    (tmp_path / "h.csv").write_text("work,holder,class\nhttps://a.example/1,Listed,news\n")
    works = table(tmp_path, rows=[{"url": f"https://a.example/{n}", "tokens": 1} for n in range(4)] + [{"url": "https://b.example/", "tokens": 1}])
    words = ("--register", tmp_path / "lic.csv")
    ledger("post", tmp_path / "l", "--manifest", works, "--holders", tmp_path / "h.csv", *words, "--date", "2026-11-22")
    assert [(e["holder_ref"], e.get("society"), e.get("work_class")) for e in made(tmp_path / "l")] == [
        ("Rep", "KOSA", None), ("Listed", None, "news"), ("Press Ltd", "KOSA", None), ("Rep", "KOSA", None), ("unallocated", None, None)]
    ledger("post", tmp_path / "l2", "--manifest", works, "--date", "2026-11-22")
    assert "4 entries moved from 'unallocated' to their holders; 1 stays there" in ledger("correct", tmp_path / "l2", *words, "--note", "register")
    assert {c.holder: c.entries for c in gather(tmp_path / "l2").cells} == {"Rep": 3, "Press Ltd": 1, "unallocated": 1}


@pytest.mark.parametrize("text, wrong", [
    ("domain,holder\na.example,A\na.example,B\n", ":3: 'a.example' has another holder in line 2"), ("domain,owner\n", ":1: column 'owner' is not known"),
    ("holder\nA\n", ":1: one of work, url, domain is wanted"), ("domain,holder\na.example\n", ":2: 1 values stand where 2 columns are"),
    ("domain,holder\nhttps://a/,A\n", ":2: 'https://a/' is no domain"), ("url,holder\na.example,A\n", ":2: 'a.example' is no address"),
    ("domain,url,holder\na.example,https://a.example/,A\n", ":2: exactly one of"), ("domain,holder\na.example,\n", ":2: neither holder nor class"),
    ('domain,holder\n"a.example\n\n",A\n"x', ":5: unexpected end of data")])
def test_a_list_of_holders_that_is_none_is_refused_with_its_line(tmp_path: Path, text: str, wrong: str) -> None:
    (tmp_path / "h.csv").write_text(text)
    with pytest.raises(DataError, match=re.escape(wrong)):
        read(tmp_path / "h.csv")


# ---- manifests

ROWS = [{"url": "https://a.example/1", "tokens": 1200, "epochs": 1.5, "dataset": "d1"}, {"url": "https://a.example/2", "tokens": 7, "epochs": 2, "dataset": None},
        {"url": "https://b.example/é", "tokens": 12345678901234567, "epochs": 0.1, "dataset": "d2"}]


def table(folder: Path, suffix: str = "csv", rows: list[dict] | None = None) -> Path:
    path = folder / f"table.{suffix}"
    rows = ROWS if rows is None else rows
    if suffix == "parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    elif suffix == "jsonl":
        path.write_text("".join(json.dumps(row) + "\n\n" for row in rows))
    else:
        names = list(rows[0])
        path.write_text("\r\n".join(",".join("" if row.get(n) is None else str(row[n]) for n in names) for row in [dict(zip(names, names, strict=True)), *rows]))
    return path


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_every_form_of_a_manifest_makes_the_same_entries(tmp_path: Path, suffix: str) -> None:
    assert "token from 'tokens', weight from 'epochs'" in ledger("post", tmp_path / "l", "--manifest", table(tmp_path, suffix), "--model", "m1", "--date", "2026-11-22")
    assert [(e["work_ref"]["id"], e["quantity"], e["weight"], e.get("dataset"), e["model_version"], e["occurred_at"], e["domain"]) for e in made(tmp_path / "l")] == [
        ("https://a.example/1", {"unit": "token", "value": "1200"}, "1.5", "d1", "m1", "2026-11-22T00:00:00Z", "a.example"),
        ("https://a.example/2", {"unit": "token", "value": "7"}, "2", None, "m1", "2026-11-22T00:00:00Z", "a.example"),
        ("https://b.example/é", {"unit": "token", "value": "12345678901234567"}, "0.1", "d2", "m1", "2026-11-22T00:00:00Z", "b.example")]
    for e in made(tmp_path / "l"):
        jsonschema.validate(e, SCHEMA)


def test_a_source_is_posted_once_and_for_another_model_again(tmp_path: Path) -> None:
    path = table(tmp_path)
    assert "3 entries posted" in ledger("post", tmp_path / "l", "--manifest", path, "--model", "m1")
    assert "0 entries posted" in ledger("post", tmp_path / "l", "--manifest", path, "--model", "m1")
    assert "3 entries posted" in ledger("post", tmp_path / "l", "--manifest", path, "--model", "m2")
    assert len(made(tmp_path / "l")) == 6


def test_pixels_of_pictures_and_other_works(tmp_path: Path) -> None:
    ledger("post", tmp_path / "l", "--manifest", table(tmp_path, rows=[{"image": "x", "url": "https://a.example/1.png", "width": 640, "height": 480}]))
    ledger("post", tmp_path / "l", "--manifest", table(tmp_path, rows=[{"isbn": "978-0-306-40615-7", "title": "A book", "pages": 300}]))
    ledger("post", tmp_path / "l", "--manifest", table(tmp_path, rows=[{"work": "song", "holder": "Ahn", "status": "paid", "amount": "10.50", "currency": "EUR"}]))
    first, second, third = made(tmp_path / "l")
    assert first["quantity"] == {"unit": "pixel", "value": "307200"}
    assert (second["work_ref"], second["quantity"]["unit"]) == ({"scheme": "isbn", "id": "978-0-306-40615-7"}, "page")
    assert (third["debit"], third["credit"], third["amount"], third["work_ref"]["scheme"]) == ("reported/Ahn", "paid", "10.50", "other")


BAD = [
    ("a.csv", "url,tokens\nhttps://a.example/,12\nhttps://b.example/,1e3\n,5\n",
     ["a.csv:3: tokens: '1e3' is no decimal number", "a.csv:4: no work is named: url is empty"]),
    ("a.csv", "url,tokens\nhttps://a.example/\n", ["a.csv:2: 1 values stand where 2 columns are"]),
    ("a.csv", 'url,tokens\n"https://a.example/\n\n",1\nhttps://b.example/,-1\n', ["a.csv:5: tokens: it is less than nothing"]),
    ("a.csv", "tokens\n1\n", ["a.csv:1: no column names the work"]),
    ("a.csv", "", ["a.csv:1: no column names the work"]),
    ("a.csv", "url,tokens,bytes\nhttps://a.example/,1,2\n", ["a.csv:1: the columns count in token, byte; --unit says which"]),
    ("a.csv", "url,tokens,token_count\nhttps://a.example/,1,2\n", ["a.csv:1: the columns tokens, token_count are all token; keep one"]),
    ("a.csv", "url,use_type\nhttps://a.example/,read\n", ["a.csv:2: use_type 'read' is none of copy, train"]),
    ("a.csv", "url,date\nhttps://a.example/,22.11.2026\nhttps://a.example/,2026-11-22T10:00:00\n",
     ["a.csv:2: '22.11.2026' is no time", "a.csv:3: '2026-11-22T10:00:00' has no offset from UTC"]),
    ("a.csv", "url,amount\nhttps://a.example/,5\n", ["a.csv:2: an amount needs a currency"]),
    ("a.csv", b"url,tokens\nhttps://a.example/\xff,5\n", ["a.csv:2: this is not UTF-8 at byte 18 of the line"]),
    ("a.jsonl", '{"url": "https://a.example/", "tokens": 5}\n{"url": "https://a.example/", "tokens": true}\n', ["a.jsonl:2: tokens is True, where"]),
    ("a.jsonl", '{"url": "https://a.example/", "tokens": 5}\n{"tokens": 5}\n', ["a.jsonl:2: 'url' is missing"]),
    ("a.jsonl", '{"url": "https://a.example/", "tokens": NaN}\n', ["a.jsonl:1: tokens: 'nan' is no decimal number"]),
    ("a.jsonl", '{"url": "https://a.example/"}\n[1]\n', ["a.jsonl:2: an object is wanted"]),
    ("a.jsonl", '{"url": "https://a.example/"}\n{"url"\n', ["a.jsonl:2: this is no JSON"]),
    ("a.parquet", "PAR1", ["a.parquet: "]),
    ("a.xlsx", "PK", ["a.xlsx ends in none of .csv, .jsonl, .ndjson, .parquet"])]


@pytest.mark.parametrize("name, text, wrong", BAD)
def test_a_manifest_that_is_none_is_refused_whole_with_its_lines(tmp_path: Path, name: str, text: str | bytes, wrong: list[str]) -> None:
    (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(manifest.ManifestError) as error:
        manifest.find(tmp_path / name).check()
    lines = str(error.value).split("\n")
    assert len(lines) == len(wrong)
    for line, part in zip(lines, wrong, strict=True):
        assert part in line
    ledger("post", tmp_path / "l", "--manifest", tmp_path / name, code=2)
    assert not (tmp_path / "l").exists() or not made(tmp_path / "l")


def test_many_mistakes_are_cut(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("url,tokens\n" + "https://a.example/,x\n" * 50)
    with pytest.raises(manifest.ManifestError) as error:
        manifest.find(tmp_path / "a.csv").check()
    assert str(error.value).count("\n") == manifest.TOLD


# ---- runs

TEXT = (ROOT / "rules" / "policies" / "eu-dsm-art4.yaml").read_text("utf-8")
PAY = load_policy(TEXT.replace("policy: eu-dsm-art4", "policy: test-pay").replace(
    "because: art4-1, duties: [delete-after-use]}", "because: art4-1, duties: [remunerate, record-use]}"), "test-pay.yaml")


@pytest.fixture
def paid_run(tmp_path: Path) -> Path:
    """Twelve pages; every third is reserved, one did not come."""
    file = tmp_path / "test-pay.yaml"
    file.write_text(TEXT.replace("policy: eu-dsm-art4", "policy: test-pay").replace(
        "because: art4-1, duties: [delete-after-use]}", "because: art4-1, duties: [remunerate, record-use]}"))
    pay = load_policy(file.read_text(), str(file))
    from tests.test_run import assessed
    with Run.open(tmp_path / "run", (policies.load("rfc9309-crawl"), pay), Asker("OurBot"), "none") as out:
        for n in range(12):
            one_page = page(f"https://site{n % 4}.example/{n}", None if n == 11 else 10 + n, robots=ROBOTS if n % 3 == 0 else b"")
            out.write(assessed(one_page.page, (policies.load("rfc9309-crawl"), pay)))
    return tmp_path / "run"


def test_duties_of_a_run_become_entries(tmp_path: Path, paid_run: Path) -> None:
    told = ledger("post", tmp_path / "l", "--run", paid_run, "--policy", "test-pay", "--model", "m1")
    entries = made(tmp_path / "l")
    assert [e["work_ref"]["id"] for e in entries] == [f"https://site{n % 4}.example/{n}" for n in range(11) if n % 3]
    assert "7 entries posted of 12 rows" in told
    first = entries[0]
    assert (first["rights_basis"], first["duties"], first["use_type"], first["quantity"], first["jurisdiction_profile"]) == (
        "statutory", ["remunerate", "record-use"], "train", {"unit": "item", "value": "1"}, PAY.id)
    assert first["content_hash"] == "sha256:" + hashlib.sha256(b"x" * 11).hexdigest()
    part, row, use = first["decision_id"].split(":")
    [file] = (paid_run / "records").glob("*.parquet")
    assert hashlib.sha256(file.read_bytes()).hexdigest().startswith(part)
    record = pq.read_table(file).slice(int(row), 1).to_pylist()[0]
    assert (record["requested"], record["policy"]["id"], use) == (first["work_ref"]["id"], PAY.id, "train-genai")
    assert "0 entries posted" in ledger("post", tmp_path / "l", "--run", paid_run, "--policy", "test-pay", "--model", "m1")
    assert troubles(tmp_path / "l") == []


def test_what_policies_that_come_along_ask_for_becomes_entries(tmp_path: Path) -> None:
    """Korea's plan and India's paper charge what nobody reserved; the creators' demand permits nothing without a licence."""
    from tests.test_run import assessed
    known = [policies.load(name) for name in ("kr-item32-2026", "in-dpiit-2025", "kr-permission-first")]
    with Run.open(tmp_path / "run", known, Asker("OurBot"), "none") as out:
        for n in range(4):
            out.write(assessed(page(f"https://site.example/{n}", 5, robots=b"" if n else b"User-agent: *\nContent-Usage: train-ai=n\n").page, tuple(known)))
    for one_policy, posted in zip(known, (3, 4, 0), strict=True):
        assert f"{posted} {'entry' if posted == 1 else 'entries'} posted of 4 rows" in ledger("post", tmp_path / "l", "--run", tmp_path / "run", "--policy", one_policy.name)
    entries = made(tmp_path / "l")
    assert [e["rights_basis"] for e in entries] == ["statutory"] * 7
    assert {tuple(e["duties"]) for e in entries[:3]} == {("record-use", "remunerate")}
    told = json.loads(ledger("report", tmp_path / "l", "--policy", "kr-item32-2026", "--by", "policy", "--format", "json"))
    assert ([(r["name"], r["entries"]) for r in told["views"]["policy"]], told["outside"]) == ([(known[0].id, 3)], 4)
    both = ledger("report", tmp_path / "l", "--tariff", "kr-minimum-per-work", "--given", "minimum=100")
    assert "Uses under several policies are charged together: in-dpiit-2025" in flat(both)


def test_bytes_of_a_run_and_policies_without_duties(tmp_path: Path, paid_run: Path) -> None:
    ledger("post", tmp_path / "l", "--run", paid_run, "--policy", "test-pay", "--unit", "byte")
    assert [e["quantity"] for e in made(tmp_path / "l")][:2] == [{"unit": "byte", "value": "11"}, {"unit": "byte", "value": "12"}]
    told = ledger("post", tmp_path / "l2", "--run", paid_run, "--policy", "rfc9309-crawl", "--use", "crawl")
    assert "0 entries posted of 12 rows" in told
    assert "carries a duty to record" in told
    assert "does not answer for 'train-genai'" in flat(ledger("post", tmp_path / "l2", "--run", paid_run, "--policy", "rfc9309-crawl", code=2))
    assert "was not decided by 'strictest'" in flat(ledger("post", tmp_path / "l3", "--run", paid_run, "--policy", "strictest", code=2))
    assert "counts items or bytes" in ledger("post", tmp_path / "l3", "--run", paid_run, "--unit", "token", code=2)
    assert "--policy is one of a run" in flat(ledger("post", tmp_path / "l3", "--manifest", table(tmp_path), "--policy", "x", code=2))
    assert "name what is to be posted" in ledger("post", tmp_path / "l3", code=2)


def test_a_manifest_is_held_against_the_run(tmp_path: Path, paid_run: Path) -> None:
    used = table(tmp_path, rows=[{"url": f"https://site{n % 4}.example/{n}", "tokens": 100} for n in (0, 1, 11, 99)])
    told = json.loads(ledger("post", tmp_path / "l", "--manifest", used, "--run", paid_run, "--policy", "test-pay", "--format", "json", code=1))
    assert {k: told[k] for k in ("posted", "prohibited", "open", "unknown", "bases")} == {
        "posted": 4, "prohibited": 1, "open": 1, "unknown": 1, "bases": {"none": 3, "statutory": 1}}
    entries = made(tmp_path / "l")
    assert [e["rights_basis"] for e in entries] == ["none", "statutory", "none", "none"]
    assert [bool(e.get("decision_id")) for e in entries] == [True, True, True, False]
    assert entries[1]["duties"] == ["remunerate", "record-use"]


def test_a_run_that_is_not_finished_is_not_posted(tmp_path: Path) -> None:
    with Run.open(tmp_path / "run", (policies.load("eu-dsm-art4"),), Asker("OurBot"), "none") as out:
        out.write(page("https://a.example/", 5))
        assert "is not finished" in ledger("post", tmp_path / "l", "--run", tmp_path / "run", code=2)


def test_prices_that_licences_state(tmp_path: Path) -> None:
    """A licence that asks for money for each item, under a policy that takes such a licence for an agreement."""
    from crawler.ledger.posting import _ruling
    terms = [{"url": "https://a.example/l", "payment": "crawl", "amount": "0.015", "currency": "USD"}]
    ruling = _ruling("permitted", (), True, terms)
    assert (ruling.basis, ruling.amount, ruling.currency, ruling.tariff_ref, ruling.licence_ref, ruling.recorded) == (
        "licence", "0.015", "USD", "stated:crawl", "https://a.example/l", True)
    assert _ruling("permitted", (), False, terms * 2).amount == "", "which of two prices it is nobody knows"
    assert _ruling("permitted", (), False, [{**terms[0], "amount": "five"}]).recorded is False
    assert _ruling("permitted", (), False, [{**terms[0], "payment": "subscription"}]).amount == ""
    assert _ruling("prohibited", ("remunerate",), False, terms).recorded is False
    assert _ruling("permitted", ("record-use",), False, ()).basis == "exception"


def test_a_run_that_asked_registers_says_where_holders_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAYMINE_CACHE", str(tmp_path / "cache"))
    from tests.archives import Maker
    register = tmp_path / "granted.csv"
    register.write_text("kind,match,value,holder,uses\nlicence,domain,a.example,Press Ltd,train-genai\n")
    archive = Maker().add("https://a.example/1", b"<p>words").write(tmp_path / "a.warc.gz")
    filtered = CliRunner().invoke(main, ["filter", str(archive), "-o", str(tmp_path / "run"), "--register", str(register)])
    assert "1 page in 1 input." in filtered.output
    told = ledger("post", tmp_path / "l", "--run", tmp_path / "run")
    assert "1 entry posted of 1 row; the ledger has 1." in told
    assert "Without a known holder: 1 entry; what is due is owed to 'unallocated'." in told
    assert "The run asked registers (granted), which may name holders; 'maymine ledger correct LEDGER --register FILE" in told
    moved = ledger("correct", tmp_path / "l", "--register", register, "--note", "holders")
    assert "1 entry moved from 'unallocated' to their holders; 0 stay there." in moved
    again = ledger("post", tmp_path / "l2", "--run", tmp_path / "run", "--register", register)
    assert "register" not in again
    assert made(tmp_path / "l2")[0]["holder_ref"] == "Press Ltd"
