"""Registers: what is wrong is told with its line, nothing is lost, and what they say decides and can be replayed."""
from __future__ import annotations

import hashlib
import io
import json
import random
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler import rerun
from crawler.cli import main
from crawler.demo import served
from crawler.recorded import rows
from crawler.registers import places
from crawler.registers.entries import COLUMNS, KINDS, MATCHES
from crawler.registers.index import index_of
from crawler.registers.kept import Kept
from crawler.registers.lookup import ENTRIES, Registers, Source
from crawler.registers.places import PlaceError
from crawler.registers.reading import READERS, RegisterError
from crawler.rerun import Outcome
from crawler.run import read_manifest
from rules import Access, Asset, Carrier, Evidence, Use, policies
from rules.signals import register as reader
from tests.archives import Maker
from tests.test_run import make, outcomes

HEAD = ",".join(COLUMNS)
INSTANCE = "ISCC:IAA6VDYWHWZYNAUS"               # of b"hello", by iscc-core
ART4 = policies.load("eu-dsm-art4")


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAYMINE_CACHE", str(tmp_path / "cache"))


def run(*args: object) -> Result:
    result = CliRunner().invoke(main, [*map(str, args)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def register(path: Path, *entries: dict[str, str] | str) -> Path:
    lines = [e if isinstance(e, str) else ",".join(e.get(c.replace("-", "_"), e.get(c, "")) for c in COLUMNS) for e in entries]
    path.write_text("\n".join([HEAD, *lines]) + "\n", "utf-8")
    return path


def entry(kind: str, match: str, value: str, **more: str) -> dict[str, str]:
    return {"kind": kind, "match": match, "value": value, **{k.rstrip("_"): v for k, v in more.items()}}


def found(path: Path, url: str, digest: str = "", **asset: str) -> list[str]:
    """The rows that speak of an asset."""
    evidence = Registers.open([Source.told(str(path))]).of(Asset(url, **asset), None, digest)
    assert evidence.access is Access.OBTAINED
    return [json.loads(line)["entry"] for line in evidence.body.splitlines()]


# ---- places

@pytest.mark.parametrize(("written", "same"), [
    ("HTTPS://Press.EXAMPLE:443/a", "https://press.example/a"), ("https://press.example", "https://press.example/"),
    ("http://press.example:80/", "http://press.example/"), ("http://press.example:443/", "http://press.example:443/"),
    ("https://press.example./a", "https://press.example/a"), ("https://bücher.example/", "https://xn--bcher-kva.example/"),
    ("https://press.example/%7Ea/%c3%a9", "https://press.example/~a/%C3%A9"), ("https://press.example/é", "https://press.example/%C3%A9"),
    ("https://press.example/a/./b/../c/", "https://press.example/a/c/"), ("https://press.example/a#part", "https://press.example/a"),
    ("https://[2001:DB8::1]/a", "https://[2001:db8::1]/a"),
])
def test_an_address_is_written_in_one_way(written: str, same: str) -> None:
    assert places.prefix(written) == places.whole(written) == same


@pytest.mark.parametrize("wrong", ["press.example/a", "ftp://press.example/", "https:///a", "https://a b.example/", "https://u:p@press.example/",
                                   "https://press.example:99999/", "https://press.example/a?b", "https://press.example/a b", "https://-a.example/"])
def test_what_is_no_prefix_is_refused(wrong: str) -> None:
    with pytest.raises(PlaceError):
        places.prefix(wrong)


@pytest.mark.parametrize("wrong", ["*.press.example", "com", "co.uk", "foo.ck", "press.example/a", "press.example:80", "", "a..b", "a b.example"])
def test_what_is_no_domain_is_refused(wrong: str) -> None:
    with pytest.raises(PlaceError):
        places.domain(wrong)


@pytest.mark.parametrize(("url", "rows"), [
    ("https://site77.com/", "2"), ("https://www.SITE77.com:8443/x", "2"), ("https://mysite77.com/", ""), ("https://site77.com.evil.example/", ""),
    ("https://press.example/a", "3 5"), ("https://press.example/a/", "3 4 5"), ("https://press.example/a/b.html?c", "3 4 5"),
    ("https://press.example/a?c=1", "3 5"), ("https://press.example/ab", "3"), ("https://press.example/A", "3"),
    ("http://press.example/a/b", "3 5"), ("https://press.example:444/a/b", ""), ("https://other.example/x?y=1#z", "6"),
    ("https://other.example/x", ""), ("https://other.example/x?y=12", ""), ("http://10.0.0.7/", "7"), ("http://110.0.0.7/", ""),
    ("mailto:a@site77.com", ""), ("https://press.example/a/%62", "3 4 5"), ("https://press.example/a/../b", "3"),
])
def test_entries_speak_of_what_lies_in_their_place(tmp_path: Path, url: str, rows: str) -> None:
    path = register(
        tmp_path / "r.csv", entry("do-not-train", "domain", "site77.com"), entry("do-not-train", "url-prefix", "https://press.example/"),
        entry("licence", "url-prefix", "https://press.example/a/", uses="tdm"), entry("repertoire", "url-prefix", "https://press.example/a"),
        entry("licence", "url", "https://other.example/x?y=1", uses="tdm"), entry("infringing-source", "domain", "10.0.0.7"))
    assert " ".join(found(path, url)) == rows


def test_a_licence_is_not_read_wider_nor_a_reservation_narrower_than_written(tmp_path: Path) -> None:
    path = register(tmp_path / "r.csv", entry("licence", "url", "https://a.example/x", uses="tdm"), entry("do-not-train", "url", "https://a.example/x"))
    assert found(path, "https://a.example/x") == ["2", "3"]
    assert found(path, "http://a.example/x") == ["3"]
    assert found(path, "https://cdn.example/small", variant_of="https://a.example/x") == ["3"]


def test_other_matches(tmp_path: Path) -> None:
    digest = "sha256:" + hashlib.sha256(b"x").hexdigest()
    path = register(tmp_path / "r.csv", entry("licence", "sha256", digest[7:].upper(), uses="tdm"), entry("repertoire", "domain", "a.example", holder="Press  LTD"),
                    entry("licence", "party", "press ltd", uses="tdm"), entry("licence", "party", "Other", uses="tdm"),
                    entry("do-not-train", "iscc", INSTANCE), entry("infringing-source", "domain", "b.example", holder="Other"))
    by_digest = Registers.open([Source.told(str(path))]).of(Asset("https://b.example/"), None, digest, "")
    assert [json.loads(line)["entry"] for line in by_digest.body.splitlines()] == ["2", "7"]
    assert found(path, "https://a.example/") == ["3", "4"]
    evidence = Registers.open([Source.told(str(path))]).of(Asset("https://c.example/"), None, instance=places.instance(INSTANCE))
    assert json.loads(evidence.body)["entry"] == "6"
    assert run("registers", "find", path, "--iscc", INSTANCE.lower().replace("iscc:", "")).stdout.startswith(f"{path}:6: ")


@given(body=st.binary(max_size=3_000))
@settings(max_examples=30)
def test_an_iscc_is_that_of_the_very_bytes(body: bytes) -> None:
    """Codes that iscc-core, which defines them, makes of the same bytes: alone, of two units, of four."""
    import iscc_core
    data = iscc_core.gen_data_code(io.BytesIO(body))["iscc"]
    alone = iscc_core.gen_instance_code(io.BytesIO(body))["iscc"]
    long = iscc_core.gen_instance_code(io.BytesIO(body), bits=256)["iscc"]
    meta, text = iscc_core.gen_meta_code("title")["iscc"], iscc_core.gen_text_code("some words")["iscc"]
    for code in (alone, long, iscc_core.gen_iscc_code([data, alone])["iscc"], iscc_core.gen_iscc_code([meta, text, data, alone])["iscc"]):
        assert places.instance(places.code(code)) == places.instance_of(body)
    for code in (data, meta, iscc_core.gen_instance_code(io.BytesIO(body), bits=32)["iscc"]):
        with pytest.raises(PlaceError, match="no Instance-Code"):
            places.code(code)


def test_entries_by_iscc_that_cannot_be_compared_are_no_silence(tmp_path: Path) -> None:
    """A stored run has no bytes at hand; a crawl has them."""
    path = register(tmp_path / "r.csv", entry("do-not-train", "iscc", INSTANCE))
    registers = Registers.open([Source.told(str(path))])
    assert registers.of(Asset("https://a.example/"), None, "sha256:" + "0" * 64).access is Access.TRUNCATED
    assert registers.of(Asset("https://a.example/"), None).access is Access.OBTAINED
    body = Evidence(Carrier.BODY, "https://a.example/", None, Access.OBTAINED, b"hello")
    entries, _ = Kept(registers).about(Asset("https://a.example/"), [body])
    assert (entries.access, json.loads(entries.body)["entry"]) == (Access.OBTAINED, "2")
    stored = replace(body, body=b"", recorded=body.digest)
    assert Kept(registers).about(Asset("https://a.example/"), [stored])[0].access is Access.TRUNCATED
    archive = Maker().add("https://a.example/", b"hello", [("Content-Type", "text/html")]).write(tmp_path / "a.warc.gz")
    assert run("filter", archive, "-o", tmp_path / "run", "--register", path).exit_code == 0
    assert next(rows(tmp_path / "run")).record["decisions"]["train-genai"]["verdict"] == "prohibited"


def test_a_party_of_one_register_is_found_in_another(tmp_path: Path) -> None:
    works = register(tmp_path / "works.csv", entry("repertoire", "domain", "a.example", holder="Press Ltd"))
    granted = register(tmp_path / "granted.csv", entry("licence", "party", "Press Ltd", uses="tdm"))
    body = Registers.open([Source.told(str(granted)), Source.told(f"w={works}")]).of(Asset("https://a.example/"), None).body
    assert [json.loads(line)["register"] for line in body.splitlines()] == ["granted", "w"]


@pytest.mark.parametrize("seed", range(3))
def test_the_index_finds_what_a_search_through_all_rows_finds(tmp_path: Path, seed: int) -> None:
    r = random.Random(seed)
    hosts = [f"{a}{b}.example" for a in ("", "www.", "x.y.") for b in ("one", "two", "on")]
    paths = ["/", "/a", "/a/", "/a/b", "/a/b/", "/ab", "/a/b/c"]
    made = []
    for _ in range(300):
        match = r.choice(["domain", "url-prefix", "url"])
        host, path_ = r.choice(hosts), r.choice(paths)
        made.append(entry(r.choice(KINDS), match, host if match == "domain" else f"https://{host}{path_}", uses="tdm"))
    path = register(tmp_path / "r.csv", *made)

    def speaks(one: dict[str, str], host: str, path_: str) -> bool:
        if one["match"] == "domain":
            return host == one["value"] or host.endswith("." + one["value"])
        there = one["value"].removeprefix(f"https://{host}") if one["value"].startswith(f"https://{host}/") else None
        if there is None or one["match"] == "url":
            return there == path_
        return path_ == there or path_.startswith(there if there.endswith("/") else there + "/")
    for host in hosts:
        for path_ in paths:
            expected = [str(n) for n, one in enumerate(made, 2) if speaks(one, host, path_)]
            assert found(path, f"https://{host}{path_}") == expected


# ---- files

def test_every_format_says_the_same(tmp_path: Path) -> None:
    entries = [{"kind": "licence", "match": "domain", "value": "a.example", "uses": "train-ai ai-use", "from": "2026-01-01",
                "fee": "0.10", "currency": "EUR", "holder": "Müller, \"A\""}, {"kind": "do-not-train", "match": "domain", "value": "b.example"}]
    objects = [{**e, "uses": e["uses"].split()} if "uses" in e else e for e in entries]
    quoted = [{k: '"' + v.replace('"', '""') + '"' for k, v in e.items()} for e in entries]
    register(tmp_path / "r.csv", *quoted)
    (tmp_path / "r.tsv").write_text((tmp_path / "r.csv").read_text().replace(HEAD, HEAD.replace(",", "\t")).replace('","', '"\t"').replace(",,", "\t\t")
                                    .replace(",,", "\t\t").replace("\t,", "\t\t").replace(',"', '\t"').replace('",', '"\t'))
    (tmp_path / "r.jsonl").write_text("".join(json.dumps(o) + "\n" for o in objects))
    (tmp_path / "r.json").write_text(json.dumps(objects, indent=2))
    (tmp_path / "r.yaml").write_text("".join("- " + json.dumps(o, ensure_ascii=False) + "\n" for o in objects))
    table = [{**o, "from": date.fromisoformat(o["from"])} if "from" in o else o for o in objects]
    pq.write_table(pa.Table.from_pylist(table), tmp_path / "r.parquet")
    said = {}
    for name in ("r.csv", "r.tsv", "r.jsonl", "r.json", "r.yaml", "r.parquet"):
        made = Registers.open([Source.told(str(tmp_path / name))])
        lines = [json.loads(line) for host in ("a", "b") for line in made.of(Asset(f"https://{host}.example/"), None).body.splitlines()]
        said[name] = [{k: v for k, v in line.items() if k != "entry"} for line in lines]
        assert len(lines) == 2
    assert all(one == said["r.jsonl"] for one in said.values())
    assert said["r.jsonl"][0]["holder"] == 'Müller, "A"'


BAD = [
    ("licens,domain,a.example,,,,,,,,,", "'licens' is no kind; did you mean licence?"),
    ("licence,host,a.example,,,,,,,,,", "'host' is no match"),
    ("licence,domain,,,,,,,,,,", "no value is said"),
    ("licence,domain,*.a.example,,,,,,,,,", "write 'a.example'"),
    ("licence,domain,a.example,,training,,,,,,,", "'training' is no use"),
    ("licence,domain,a.example,,tdm,2026-02-30,,,,,,", "'2026-02-30' is no day"),
    ("licence,domain,a.example,,tdm,2026-02-01T10:00,,,,,,", "no offset from UTC"),
    ("licence,domain,a.example,,tdm,2026-02-02,2026-02-01,,,,,", "ends (2026-02-01) before it begins"),
    ("licence,domain,a.example,,tdm,,,12,,,,", "a fee and its currency are said together"),
    ("licence,domain,a.example,,tdm,,,1e3,EUR,,,", "fee '1e3' is no amount"),
    ("licence,domain,a.example,,tdm,,,1,eur,,,", "currency 'eur' is no code"),
    ("licence,domain,a.example,,tdm,,,,,javascript:x,,", "terms: "),
    ("licence,domain,a.example,,tdm", "5 fields where the header has 12"),
    ("licence,domain,a.example,,tdm,,,,,,,,,", "14 fields where the header has 12"),
    ("do-not-train,sha256,zz,,,,,,,,,", "'zz' is no SHA-256"),
    ("do-not-train,iscc,zz,,,,,,,,,", "'ISCC:ZZ' is no ISCC"),
    ("do-not-train,url,https://a.example/\x07,,,,,,,,,", "no address"),
    ("do-not-train,domain,a.example,x\x1by,,,,,,,,", "holder holds a control character"),
    ('do-not-train,domain,a"b.example,,,,,,,,,', "is no host"),
]


@pytest.mark.parametrize(("row", "why"), BAD, ids=[why[:30] for _, why in BAD])
def test_a_bad_row_is_named_with_its_line(tmp_path: Path, row: str, why: str) -> None:
    path = register(tmp_path / "r.csv", entry("do-not-train", "domain", "first.example"), row, entry("do-not-train", "domain", "last.example"))
    result = run("registers", "check", path)
    assert result.exit_code == 1
    assert f"{path}:3: " in result.stdout
    assert why in result.stdout
    with pytest.raises(RegisterError, match=f"{path}:3: "):
        Registers.open([Source.told(str(path))])
    about = index_of(path).about
    assert (about["rows"], about["entries"], about["problems"]) == (3, 2, {"malformed": 1})


def test_no_row_is_lost(tmp_path: Path) -> None:
    r = random.Random(5)
    lines = [r.choice([row for row, _ in BAD]) if r.random() < 0.4 else f"do-not-train,domain,s{n}.example,,,,,,,,," for n in range(2_000)]
    path = register(tmp_path / "r.csv", *lines)
    view = json.loads(run("registers", "check", path, "--format", "json").stdout)[0]
    good = [n for n, line in enumerate(lines, 2) if line.startswith(f"do-not-train,domain,s{n - 2}.")]
    assert view["rows"] == len(lines)
    assert view["entries"] == len(good)
    assert sorted(p["line"] for p in view["problems"]) == [n for n in range(2, 2_002) if n not in set(good)]


@pytest.mark.parametrize("text", ["kind,match,valu\nlicence,domain,a.example\n", "kind,match,value,value\n", "kind,match\nlicence,domain\n", "",
                                  'kind,match,value\nlicence,domain,a.example\nlicence,domain,"b.example\nlicence,domain,c.example\n'])
def test_a_file_that_is_no_register_is_refused_with_its_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "r.csv"
    path.write_text(text)
    result = run("registers", "check", path)
    assert result.exit_code == 2
    assert f"{path}:{3 if 'b.example' in text else 1}: " in result.stderr


@pytest.mark.parametrize(("name", "text", "line"), [
    ("r.jsonl", '{"kind": "licence", "match": "domain", "value": "a.example"}\n{"kind": "do-not-train"\n', 2),
    ("r.jsonl", '\n{"kind": "do-not-train", "match": "domain", "value": "a.example", "value": "b.example"}\n', 2),
    ("r.jsonl", '{"kind": "do-not-train", "match": "domain", "value": "a.example", "region": "EU"}\n', 1),
    ("r.jsonl", '[1]\n', 1),
    ("r.json", '[\n {"kind": "do-not-train", "match": "domain", "value": "a.example"},\n {"kind": true, "match": "domain", "value": "b.example"}\n]', 3),
    ("r.yaml", "- {kind: do-not-train, match: domain, value: a.example}\n- {kind: do-not-train, match: domain, valeu: b.example}\n", 2),
])
def test_lines_of_other_formats(tmp_path: Path, name: str, text: str, line: int) -> None:
    path = tmp_path / name
    path.write_text(text)
    result = run("registers", "check", path)
    assert result.exit_code == 1
    assert f"{path}:{line}: " in result.stdout


@pytest.mark.parametrize(("name", "text"), [
    ("r.json", '{"kind": 1}'), ("r.json", '[{"kind": "licence"}'), ("r.json", '[{} {}]'), ("r.json", "[{}] x"), ("r.json", '[{"a": NaN}]'),
    ("r.yaml", "a: [b"), ("r.txt", ""), ("r.parquet", "PAR1"), ("r.csv.gz", "kind")])
def test_files_that_cannot_be_read_are_refused(tmp_path: Path, name: str, text: str) -> None:
    path = tmp_path / name
    path.write_text(text)
    assert run("registers", "check", path).exit_code == 2


def test_duplicates_overlaps_and_licences_out_of_time_are_told(tmp_path: Path) -> None:
    path = register(
        tmp_path / "r.csv",
        entry("licence", "domain", "a.example", uses="tdm", **{"from": "2026-01-01", "until": "2026-12-31"}),
        entry("licence", "domain", "a.example", uses="tdm", **{"from": "2026-12-31", "until": "2027-06-30"}, fee="1", currency="EUR"),
        entry("licence", "domain", "a.example", uses="tdm", **{"from": "2027-07-01"}),
        entry("do-not-train", "domain", "b.example"), entry("do-not-train", "domain", "B.example."),
        entry("licence", "domain", "c.example", uses="tdm", until="2020-01-01"),
        entry("licence", "domain", "d.example"))
    result = run("registers", "check", path, "--as-of", "2026-11-26")
    assert result.exit_code == 1
    told = {line.removeprefix(f"{path}:").partition(": ")[0]: line for line in result.stdout.splitlines() if line.startswith(f"{path}:")
            and line.removeprefix(f"{path}:")[0].isdigit()}
    assert told.keys() == {"3", "4", "6", "7", "8"}
    assert "at the same time as that of row 2, and differs in from, until, fee, currency" in result.stdout
    assert "begins 2026-12-31" in result.stdout
    assert "begins 2027-07-01" in told["4"]
    assert "says the same as row 5" in told["6"]
    assert "ended 2020-01-01" in told["7"]
    assert "names no use" in told["8"]
    assert found(path, "https://b.example/") == ["5", "6"]


def test_an_index_is_used_again_while_the_file_is_the_same(tmp_path: Path) -> None:
    path = register(tmp_path / "r.csv", entry("do-not-train", "domain", "a.example"))
    first = index_of(path)
    made = (first.folder / "about.json").stat().st_mtime_ns
    assert index_of(path).folder == first.folder
    assert (first.folder / "about.json").stat().st_mtime_ns == made
    register(path, entry("do-not-train", "domain", "b.example"))
    assert index_of(path).folder != first.folder
    assert found(path, "https://b.example/") == ["2"]
    (index_of(path).folder / "keys.u64").write_bytes(b"")
    with pytest.raises(RegisterError, match="not whole"):
        index_of(path)


def test_entries_that_are_too_many_are_no_silence(tmp_path: Path) -> None:
    path = register(tmp_path / "r.csv", *[entry("do-not-train", "domain", "a.example", holder=f"H{n}") for n in range(ENTRIES + 1)])
    evidence = Registers.open([Source.told(str(path))]).of(Asset("https://a.example/"), None)
    assert evidence.access is Access.TRUNCATED
    assert len(evidence.body.splitlines()) == ENTRIES


@pytest.mark.parametrize(("row", "access"), [("do-not-train,domain,*.x,,,,,,,,,", Access.TRUNCATED), ("licence,domain,*.x,,,,,,,,,", Access.OBTAINED)])
def test_a_row_left_out_that_may_restrict_is_no_silence(tmp_path: Path, row: str, access: Access) -> None:
    path = register(tmp_path / "r.csv", row)
    evidence = Registers.open([Source.told(str(path))], lenient=True).of(Asset("https://a.example/"), None)
    assert evidence.access is access


def test_a_value_that_every_row_is_about(tmp_path: Path) -> None:
    """Twenty thousand licences for one domain: compiled in one pass, and asked in bounded time."""
    lines = [f"licence,domain,a.example,H{n},tdm,2026-01-01,,,,,," for n in range(20_000)]
    path = register(tmp_path / "r.csv", *lines)
    index = index_of(path)
    assert index.about["problems"] == {"overlap": 19_999}
    registers, start = Registers.open([Source.told(str(path))]), time.process_time()
    evidence = registers.of(Asset("https://a.example/"), None)
    assert evidence.access is Access.TRUNCATED
    assert len(evidence.body.splitlines()) == ENTRIES
    assert time.process_time() - start < 5


def test_names_of_registers(tmp_path: Path) -> None:
    path = register(tmp_path / "r.csv", entry("do-not-train", "domain", "a.example"))
    assert Source.told(f"mine={path}") == Source("mine", str(path))
    with pytest.raises(RegisterError, match="two registers are called 'r'"):
        Registers.open([Source.told(str(path))] * 2)
    for name in ("body", "licence.schema-org"):
        with pytest.raises(RegisterError, match="no name"):
            Registers.open([Source.told(f"{name}={path}")])


def test_words_are_those_of_the_reader() -> None:
    assert set(KINDS) == set(reader.KINDS)
    assert {*COLUMNS, "register", "entry"} == set(reader.KEYS)
    assert MATCHES
    assert READERS


# ---- runs

def licensed(tmp_path: Path) -> Path:
    return register(tmp_path / "licences.csv", entry("licence", "domain", "site1.example", uses="tdm", fee="2", currency="EUR"),
                    entry("licence", "domain", "site0.example", uses="tdm", until="2026-11-21"))


@pytest.mark.parametrize("apart", [False, True])
def test_deciding_again_with_registers(tmp_path: Path, apart: bool) -> None:
    """The terms are judged by the time of the page; one that has ended by then is told and grants nothing."""
    folder = tmp_path / "run"
    make(folder)
    if apart:
        target, policy = tmp_path / "licensed", "eu-dsm-art4"
        result = run("decide", folder, "--policy", policy, "--register", licensed(tmp_path), "-o", target)
    else:
        target, policy = folder, "strictest"
        result = run("decide", folder, "--policy", policy, "--register", licensed(tmp_path))
    assert result.exit_code == 0
    seen = set()
    for row in rows(target, f"{policy}@{policies.load(policy).version}"):
        entries = next(e for e in row.record["evidence"] if e["carrier"] == "register")
        decision = row.record["decisions"]["tdm"]
        granted = "site1" in row.requested
        assert (decision["verdict"] == "permitted") is granted, row.requested
        assert entries["access"] == "obtained"
        seen.add(granted)
    assert seen == {False, True}
    assert outcomes(target).keys() == {Outcome.SAME}
    manifest = read_manifest(target)
    told = manifest["registers"] if apart else manifest["policies"][-1]["registers"]
    assert told[0]["name"] == "licences"
    assert run("registers", "find", licensed(tmp_path), "https://site1.example/").exit_code == 0
    assert run("registers", "find", licensed(tmp_path), "https://other.example/").exit_code == 1


def test_terms_can_be_judged_by_another_time(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    make(folder)
    run("decide", folder, "--policy", "eu-dsm-art4", "--register", licensed(tmp_path), "--as-of", "2026-11-20T00:00:00Z", "-o", tmp_path / "then")
    assert {row.record["decisions"]["tdm"]["verdict"] for row in rows(tmp_path / "then")} == {"permitted"}
    assert outcomes(tmp_path / "then").keys() == {Outcome.SAME}


def test_other_registers_take_the_place_of_those_that_were_asked(tmp_path: Path) -> None:
    make(tmp_path / "run")
    kept = Kept(Registers.open([Source.told(str(licensed(tmp_path)))]))
    rerun.decide(tmp_path / "run", ART4, tmp_path / "first", registers=kept)
    nothing = Kept(Registers.open([Source.told(str(register(tmp_path / "empty.csv")))]))
    rerun.decide(tmp_path / "first", ART4, tmp_path / "second", registers=nothing)
    rerun.decide(tmp_path / "run", ART4, tmp_path / "plain")
    before = {row.requested: row.record["decisions"] for row in rows(tmp_path / "plain")}
    after = {row.requested: row.record["decisions"] for row in rows(tmp_path / "second")}
    assert before == after
    assert outcomes(tmp_path / "second").keys() == {Outcome.SAME}


def test_what_a_page_says_of_a_market_stays_where_registers_change(tmp_path: Path) -> None:
    """What registers said is taken away, and nothing else that stands last."""
    body = b'<script type="application/ld+json">{"@type": "Article", "acquireLicensePage": "/buy"}</script>'
    archive = Maker().add("https://a.example/x", body).write(tmp_path / "a.warc.gz")
    market = register(tmp_path / "market.csv", entry("licensed-market", "domain", "a.example"))
    nothing = register(tmp_path / "nothing.csv")
    run("filter", archive, "-o", tmp_path / "plain")
    run("filter", archive, "-o", tmp_path / "asked", "--register", market)

    def sources(folder: Path) -> list[str]:
        return [f["source"] for row in rows(folder) for f in row.record["findings"] if f.get("circumstance") == "licensed-market"]
    assert (sources(tmp_path / "plain"), sources(tmp_path / "asked")) == (["licence.schema-org"], ["licence.schema-org", "market"])
    for name in ("plain", "asked"):
        for path, told in ((nothing, ["licence.schema-org"]), (market, ["licence.schema-org", "market"])):
            out = tmp_path / f"{name}-{path.stem}"
            assert run("decide", tmp_path / name, "--policy", "eu-dsm-art4", "--register", path, "-o", out).exit_code == 0
            assert sources(out) == told
            assert outcomes(out) == {Outcome.SAME: 1}


@pytest.mark.slow
def test_filter_asks_registers(tmp_path: Path) -> None:
    body = b"<p>the body of a page " * 20
    maker = Maker()
    for n in range(30):
        maker.add(f"https://a.example/{n}", body + str(n).encode(), [("Content-Type", "text/html"), ("tdm-reservation", "1")])
    archive = maker.write(tmp_path / "a.warc.gz")
    path = register(tmp_path / "r.csv", entry("licence", "url-prefix", "https://a.example/1", uses="tdm"),
                    entry("do-not-train", "sha256", hashlib.sha256(body + b"1").hexdigest()))
    args = ("filter", archive, "-o", tmp_path / "run", "--register", path, "--policy", "eu-dsm-art4", "--policy", "strictest")
    assert run(*args).exit_code == 0
    verdicts = {row.requested.rpartition("/")[2]: row.record for row in rows(tmp_path / "run", ART4.id)}
    assert [n for n, r in verdicts.items() if r["decisions"]["tdm"]["verdict"] == "permitted"] == ["1"]
    assert sum(f.get("signal", "").startswith("register.") for f in verdicts["1"]["findings"]) == 2
    assert outcomes(tmp_path / "run") == {Outcome.SAME: 60}
    manifest = read_manifest(tmp_path / "run")
    assert [f["file"] for f in manifest["files"]] == ["evidence/001001.warc.gz"]
    assert run(*args).exit_code == 0
    other = run("filter", archive, "-o", tmp_path / "run", "--policy", "eu-dsm-art4", "--policy", "strictest")
    assert other.exit_code == 2
    assert "other registers" in other.stderr
    run("decide", tmp_path / "run", "--policy", "eu-dsm-art3")
    assert outcomes(tmp_path / "run") == {Outcome.SAME: 90}


def test_a_register_with_bad_rows_stops_a_command(tmp_path: Path) -> None:
    make(tmp_path / "run")
    path = register(tmp_path / "r.csv", "do-not-train,domain,*.a,,,,,,,,,")
    refused = run("decide", tmp_path / "run", "--policy", "strictest", "--register", path)
    assert refused.exit_code == 2
    assert f"{path}:2: " in refused.stderr
    taken = run("decide", tmp_path / "run", "--policy", "strictest", "--register", path, "--bad-rows", "name")
    assert taken.exit_code == 0
    assert "1 malformed" in taken.stderr
    record = next(rows(tmp_path / "run", f"strictest@{policies.load('strictest').version}")).record
    assert {"kind": "fault", "carrier": "register", "fault": "truncated", "detail": "1 row of r could not be read"} in record["findings"]
    assert read_manifest(tmp_path / "run")["policies"][-1]["registers"][0]["problems"] == {"malformed": 1}


@pytest.mark.slow
def test_check_and_crawl_ask_registers(tmp_path: Path) -> None:
    """On a real server, whose page reserves what the licence grants."""
    from tests.test_cli import RESERVED

    def maymine(*words: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, "-m", "crawler.cli", *map(str, words)], capture_output=True, text=True, timeout=60,
                              check=False)
    with served([RESERVED]) as [url]:
        path = register(tmp_path / "r.csv", entry("licence", "url-prefix", url.rpartition("/")[0] + "/", uses="tdm"))
        plain = maymine("check", "--allow-private", "--format", "json", url)
        checked = maymine("check", "--allow-private", "--format", "json", "--register", path, url)
        folder = tmp_path / "run"
        crawled = maymine("crawl", "--allow-private", "--register", path, "-o", folder, url)
        other = maymine("crawl", "--allow-private", "-o", folder, url)
        bad = maymine("check", "--allow-private", "--register", register(tmp_path / "bad.csv", "x,y,z,,,,,,,,,"), url)
    assert [one.returncode for one in (plain, checked, crawled, other, bad)] == [1, 0, 0, 2, 2]
    assert [json.loads(one.stdout)[0]["verdicts"]["tdm"] for one in (plain, checked)] == ["prohibited", "permitted"]
    [row] = rows(folder)
    assert row.record["decisions"]["tdm"]["verdict"] == "permitted"
    assert outcomes(folder) == {Outcome.SAME: 1}
    assert "other registers" in other.stderr
    assert "bad.csv:2: 'x' is no kind" in bad.stderr


def test_indexes_are_kept_where_they_can_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("MAYMINE_CACHE", str(tmp_path / "file"))
    with pytest.raises(RegisterError, match="MAYMINE_CACHE=FOLDER"):
        index_of(register(tmp_path / "r.csv", entry("do-not-train", "domain", "a.example")))


def test_time_and_digest_of_a_page(tmp_path: Path) -> None:
    made = make(tmp_path / "run", 12)
    kept = Kept(Registers.open([Source.told(str(licensed(tmp_path)))]))
    for one in made:
        entries, where = kept.about(one.page.asset, one.page.evidence)
        page = [e.at for e in one.page.evidence if e.carrier in (Carrier.BODY, Carrier.HTTP_FIELDS)]
        assert entries.at == max(page)
        assert where is None
    assert Kept(kept.registers, datetime(2020, 1, 1, tzinfo=UTC)).about(made[0].page.asset, made[0].page.evidence)[0].at.year == 2020
    assert Use.TDM in made[0].assessments[0].decisions
