"""What else can be filtered: data sets of Hugging Face, shards of webdataset, ARC files; rows found again; cells of any size."""
from __future__ import annotations

import gzip
import hashlib
import io
import json
import random
import subprocess
import sys
import tarfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from crawler.archive import inputs, shards, sources
from crawler.archive.batch import REASONS, VERDICT
from crawler.archive.surt import surt
from crawler.cli import main
from crawler.recorded import rows
from tests.archives import Maker
from tests.fixtures import media
from tests.test_filter import MAKE, PAGES, ROBOTS, ROWS, SITE, VERDICTS, decided, run

ONLY_ROBOTS = Maker().add(f"{SITE}/robots.txt", ROBOTS, [("Content-Type", "text/plain")])


@pytest.fixture
def sites(tmp_path):
    return ONLY_ROBOTS.write(tmp_path / "robots.warc.gz")


def split(tmp_path: Path, given: Path, sites: Path, *more: object) -> tuple[int, str]:
    return run(given, "-o", tmp_path / "run", "--sites", sites, "--kept", tmp_path / "k", "--dropped", tmp_path / "d", "--use", "tdm", *more)


# ---- Hugging Face

def stream(path: Path, table: pa.Table, features: dict) -> None:
    schema = table.schema.with_metadata({b"huggingface": json.dumps({"info": {"features": features}}).encode()})
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_stream(sink, schema) as writer:
        writer.write_table(table.cast(schema))


def data_set(folder: Path, names: list[str], split: str | None = None) -> Path:
    """As `save_to_disk` makes it; the files in this order."""
    folder.mkdir(parents=True)
    features = {name: {"dtype": "string", "_type": "Value"} for name in ROWS[0]}
    for n, name in enumerate(names):
        stream(folder / name, pa.Table.from_pylist(ROWS[n::len(names)]), features)
    stream(folder / "cache-0123456789abcdef.arrow", pa.Table.from_pylist(ROWS), features)
    (folder / "state.json").write_text(json.dumps({"_data_files": [{"filename": name} for name in names], "_fingerprint": "1", "_split": split,
                                                   "_format_columns": None, "_format_kwargs": {}, "_format_type": None, "_output_all_columns": False}))
    (folder / "dataset_info.json").write_text(json.dumps({"citation": "", "description": "", "features": features, "homepage": "", "license": ""}))
    return folder


def test_a_data_set_of_hugging_face_is_read_in_the_order_that_it_tells(tmp_path, sites):
    names = ["data-00001-of-00002.arrow", "data-00000-of-00002.arrow"]
    code, out = split(tmp_path, data_set(tmp_path / "birds", names), sites)
    assert code == 0, out
    assert decided(tmp_path / "run") == VERDICTS
    assert [one.name for one in inputs.expand([str(tmp_path / "birds")])] == names
    for side in "kd":
        state = json.loads((tmp_path / side / "birds" / "state.json").read_bytes())
        assert [file["filename"] for file in state["_data_files"]] == names
        assert set(json.loads((tmp_path / side / "birds" / "dataset_info.json").read_bytes())["features"]) == {*ROWS[0], VERDICT, REASONS}


@pytest.mark.slow
def test_what_is_kept_of_a_data_set_can_be_loaded_as_one(tmp_path, sites):
    datasets = pytest.importorskip("datasets", reason="install datasets")
    datasets.disable_progress_bars()
    whole = datasets.Dataset.from_list(ROWS)
    datasets.DatasetDict({"train": whole, "test": whole.select([1, 2])}).save_to_disk(tmp_path / "birds", num_shards={"train": 2, "test": 1})
    code, out = split(tmp_path, tmp_path / "birds", sites)
    assert code == 0, out
    kept, dropped = (datasets.load_from_disk(tmp_path / side / "birds") for side in "kd")
    assert {name: len(part) for name, part in kept.items()} == {"train": 2, "test": 0}
    assert {name: len(part) for name, part in dropped.items()} == {"train": 2, "test": 2}
    assert kept["train"]["url"] == [url for url in PAGES if VERDICTS[url] == "permitted"]
    assert set(kept["train"][VERDICT]) == {"permitted"}
    assert all(dropped["test"][REASONS])


def test_data_sets_of_one_name_are_kept_apart(tmp_path, sites):
    for name in ("a/birds", "b/birds", "c/birds/train", "c/birds/test"):
        data_set(tmp_path / name, ["x.arrow"])
    words = [str(tmp_path / name) for name in ("a/birds", "b/birds", "c/birds", "a/birds")]
    assert [one.under for one in inputs.expand(words)] == ["birds", "birds-2", "birds-3/test", "birds-3/train"]
    code, out = run(*words, "-o", tmp_path / "run", "--sites", sites, "--kept", tmp_path / "k")
    assert code == 0, out
    assert sorted(p.relative_to(tmp_path / "k").as_posix() for p in (tmp_path / "k").rglob("state.json")) == [
        "birds-2/state.json", "birds-3/test/state.json", "birds-3/train/state.json", "birds/state.json"]


def test_a_data_set_that_does_not_tell_its_files_is_an_error(tmp_path):
    folder = data_set(tmp_path / "birds", ["a.arrow"])
    (folder / "state.json").write_text("{}")
    code, out = run(folder, "-o", tmp_path / "run")
    assert (code, "state.json" in out) == (2, True)


# ---- tar

def tar(path: Path, members: list[tuple[str, bytes]], form: int = tarfile.PAX_FORMAT) -> Path:
    with tarfile.open(path, "w", format=form) as out:
        for name, data in members:
            told = tarfile.TarInfo(name)
            told.size = len(data)
            out.addfile(told, io.BytesIO(data))
    return path


OPEN = media.jpeg()


def shard(path: Path, form: int = tarfile.PAX_FORMAT, prefix: str = "") -> Path:
    members = []
    for n, url in enumerate(PAGES):
        members += [(f"{prefix}{n:09}.jpg", OPEN), (f"{prefix}{n:09}.txt", b"a bird"),
                    (f"{prefix}{n:09}.json", json.dumps({"url": url, "key": f"{n:09}", "sha256": hashlib.sha256(OPEN).hexdigest(),
                                                         "status": "success", "width": 1, "date": "2026-11-20T12:00:00Z"}).encode())]
    return tar(path, members, form)


@pytest.mark.parametrize("form, prefix", [(tarfile.PAX_FORMAT, ""), (tarfile.GNU_FORMAT, "a/" * 80), (tarfile.USTAR_FORMAT, "shard.0/"),
                                          (tarfile.PAX_FORMAT, "ä/" * 80)])
def test_shards_of_webdataset(form, prefix, tmp_path, sites):
    given = shard(tmp_path / "00000.tar", form, prefix)
    code, out = run(given, "-o", tmp_path / "run", "--sites", sites, "--kept", tmp_path / "k", "--dropped", tmp_path / "d", "--policy", "rfc9309-crawl")
    assert code == 0, out
    assert "url from 'url', body from 'body', text from 'text', status from 'status', at from 'date', media_type from 'media_type', id from 'key', no response fields" in out
    assert {row.requested: row.record["asset"]["media_type"] for row in rows(tmp_path / "run")} == dict.fromkeys(PAGES, "image/jpeg")
    before, kept, dropped = (members_of(path) for path in (given, tmp_path / "k" / "00000.tar", tmp_path / "d" / "00000.tar"))
    assert [name for name, _ in dropped] == [f"{prefix}000000001.{kind}" for kind in ("jpg", "txt", "json")]
    assert sorted(kept + dropped) == sorted(before)
    assert kept == [one for one in before if one in kept]


def members_of(path: Path) -> list[tuple[str, bytes]]:
    with tarfile.open(path) as packed:
        return [(m.name, packed.extractfile(m).read()) for m in packed]


@pytest.mark.parametrize("cut", [3_700, 4_000, 4_500, 5_300])
def test_a_tar_file_that_breaks_off_is_read_as_far_as_it_goes(cut, tmp_path, sites):
    given = shard(tmp_path / "00000.tar")
    given.write_bytes(given.read_bytes()[:cut])
    code, out = run(given, "-o", tmp_path / "run", "--sites", sites, "--kept", tmp_path / "k")
    assert (code, "broken" in out) == (3, True)
    assert {row.requested for row in rows(tmp_path / "run")} <= set(PAGES)
    assert all(f["access"] != "obtained" for row in rows(tmp_path / "run") if row.requested.endswith("closed") for f in row.record["evidence"][1:])


def test_samples_that_are_odd(tmp_path):
    path = tar(tmp_path / "a.tar", [("a.json", b"{broken"), ("b.url", b"https://x.example/b\n"), ("b.png", b"\x89PNG"), ("c", b"no suffix"),
                                    ("d.json", b"[1]"), ("b.txt", b"another of that name"), ("e.json", b'{"url": "https://x.example/e"}')])
    with path.open("rb") as opened:
        found = list(shards.samples(opened))
    assert [s.key for s in found] == ["a", "b", "c", "d", "b", "e"]
    assert [bool(s.trouble) for s in found] == [True, False, False, True, False, False]
    assert found[1].row == {"key": "b", "url": "https://x.example/b", "body": b"\x89PNG", "media_type": "image/png"}
    with path.open("rb") as opened:
        parts = [c.captures[0].asset.url for c in sources.Source(opened, str(path), path.stat().st_size).chunks()]
    assert parts == ["", "https://x.example/b", "", "", "", "https://x.example/e"]


def test_the_table_beside_a_shard_is_not_read_for_a_second_time(tmp_path):
    shard(tmp_path / "00000.tar")
    pq.write_table(pa.table({"url": list(PAGES)}), tmp_path / "00000.parquet")
    pq.write_table(pa.table({"url": list(PAGES)}), tmp_path / "other.parquet")
    (tmp_path / "00000_stats.json").write_text("{}")
    assert [one.name for one in inputs.expand([str(tmp_path)])] == ["00000.tar", "other.parquet"]


# ---- ARC

def arc(pack=lambda record: record) -> bytes:
    about = b"1 0 Maker\nURL IP-address Archive-date Content-type Archive-length\n\n"
    out = [b"filedesc://a.arc 0.0.0.0 20261120115959 text/plain %d\n%s\n" % (len(about), about)]
    for url, body in PAGES.items():
        block = b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n\r\n" + body
        out.append(b"%s 192.0.2.1 20261120120000 text/html %d\n%s\n" % (url.encode(), len(block), block))
    return b"".join(map(pack, out))


@pytest.mark.parametrize("name, pack", [("a.arc", lambda record: record), ("a.arc.gz", gzip.compress)])
def test_arc_files(name, pack, tmp_path, sites):
    given = tmp_path / name
    given.write_bytes(arc(pack))
    code, out = split(tmp_path, given, sites)
    assert code == 0, out
    assert decided(tmp_path / "run") == VERDICTS
    for folder in ("k", "d"):
        assert run(tmp_path / folder / name, "-o", tmp_path / f"run-{folder}", "--sites", sites)[0] == 0
    assert decided(tmp_path / "run-k") | decided(tmp_path / "run-d") == VERDICTS
    assert not decided(tmp_path / "run-k").keys() & decided(tmp_path / "run-d").keys()


def test_an_arc_file_that_breaks_off(tmp_path, sites):
    (tmp_path / "a.arc").write_bytes(arc()[:-20])
    code, _ = run(tmp_path / "a.arc", "-o", tmp_path / "run", "--sites", sites)
    assert code == 3
    assert decided(tmp_path / "run") == VERDICTS | {f"{SITE}/open2": "undetermined"}


# ---- rows are found again

def made_tables(folder: Path) -> dict[str, Path]:
    return {name: MAKE[name](folder / name) for name in ("a.parquet", "a.arrow", "a.jsonl", "a.jsonl.gz", "a.csv")} | {
        "a.arc.gz": Path(folder / "a.arc.gz"), "00000.tar": shard(folder / "00000.tar")}


@pytest.mark.parametrize("name", ["a.parquet", "a.arrow", "a.jsonl", "a.jsonl.gz", "a.csv", "a.arc.gz", "00000.tar", "one.warc.gz", "a.warc.zst"])
def test_every_row_is_read_again_and_gives_its_record(name, tmp_path, sites):
    (tmp_path / "a.arc.gz").write_bytes(arc(gzip.compress))
    given = MAKE[name](tmp_path / name) if name in MAKE else made_tables(tmp_path)[name]
    assert run(given, "-o", tmp_path / "run", "--sites", sites)[0] == 0
    result = CliRunner().invoke(main, ["replay", str(tmp_path / "run"), "--format", "jsonl"])
    assert (result.exit_code, result.output) == (0, "")
    if "warc" not in name and "arc" not in name:
        places = [row.locations[-1] for row in rows(tmp_path / "run")]
        assert [(at.file, at.offset_bytes) for at in places] == [(str(given), n) for n in range(len(PAGES))]


def test_an_explanation_tells_where_a_row_lies(tmp_path, sites):
    given = MAKE["a.parquet"](tmp_path / "a.parquet")
    run(given, "-o", tmp_path / "run", "--sites", sites)
    result = CliRunner().invoke(main, ["explain", str(tmp_path / "run"), f"{SITE}/meta", "-v"], terminal_width=500)
    assert "".join(f"in {given}, row 2".split()) in "".join(result.output.split())
    view, = json.loads(CliRunner().invoke(main, ["explain", str(tmp_path / "run"), f"{SITE}/meta", "--format", "json"]).output)
    assert view["locations"][-1] == f"in {given}, row 2"
    assert view["locations"][0].startswith(f"in {sites}, byte ")


def test_a_row_that_has_changed_is_told(tmp_path, sites):
    given = MAKE["a.jsonl"](tmp_path / "a.jsonl")
    run(given, "-o", tmp_path / "run", "--sites", sites)
    given.write_bytes(given.read_bytes().replace(b"noai", b"none"))
    result = CliRunner().invoke(main, ["replay", str(tmp_path / "run")])
    assert (result.exit_code, "digest was" in result.output) == (1, True)
    given.write_bytes(given.read_bytes()[:100])
    assert "there is no row 1" in CliRunner().invoke(main, ["replay", str(tmp_path / "run")]).output


def test_columns_that_were_named_are_named_for_good(tmp_path, sites):
    given = tmp_path / "a.jsonl"
    given.write_bytes(b"".join(json.dumps({"url": row["url"], "x": row["html"], "y": row["http_headers"], "date": row["date"]}).encode() + b"\n"
                               for row in ROWS))
    assert run(given, "-o", tmp_path / "run", "--sites", sites, "--column", "body=x", "--column", "fields=y")[0] == 0
    assert decided(tmp_path / "run") == VERDICTS
    assert CliRunner().invoke(main, ["replay", str(tmp_path / "run")]).exit_code == 0
    assert run(given, "-o", tmp_path / "run", "--sites", sites)[0] == 2


def test_ids_of_rows_stand_in_their_locations(tmp_path):
    given = tmp_path / "fineweb.jsonl"
    given.write_bytes(b'{"url": "https://x.example/", "text": "words", "id": "<urn:uuid:00000000-0000-4000-8000-000000000001>"}\n')
    run(given, "-o", tmp_path / "run")
    (row,) = rows(tmp_path / "run")
    assert row.locations[-1].record_id == "urn:uuid:00000000-0000-4000-8000-000000000001"


# ---- the key of indexes

@pytest.mark.parametrize("url, key", [
    ("https://www.example.com/2024/a-page.html", "com,example)/2024/a-page.html"), ("http://example.com", "com,example)/"),
    ("https://example.com/A/?z=1&a=2#f", "com,example)/a?a=2&z=1"), ("https://u:p@www2.example.co.uk:8080/x/", "uk,co,example:8080)/x"),
    ("http://example.com:443/", "com,example:443)/"), ("http://xn--mnchen-3ya.de/ü", "de,xn--mnchen-3ya)/%c3%bc"),
    ("https://www.com/", "com)/"), ("http://2130706433/", "1,0,0,127)/"), ("http://example.com/a%252Fb/../c", "com,example)/a/c"),
    ("ftp://example.com/", ""), ("nonsense", ""), ("", ""), ("http://", "")])
def test_keys_of_indexes(url, key):
    assert surt(url) == key


def test_keys_are_those_of_the_wayback_machine():
    theirs = pytest.importorskip("surt", reason="install surt")
    chance = random.Random(5)
    hosts = ["example.com", "www.example.com", "WWW2.example.co.uk", "münchen.de", "127.0.0.1", "[::1]", "..example..com", "www.com", "example.com:80",
             "example.com:8080", "u:p@example.com", "example.com:", "wwwx.example.com", "www.www.example.com", "exa_mple.com"]
    steps = ["a", "B", "..", ".", "", "%7E", "%2e%2e", "%25%32%35", "a b", "ü", "%C3%BC", "index.html", "(S(4hqa0555fwsecu455xqckv45))", "x.aspx",
             "%2F", "%zz", "%23", "%3f", "a+b", "%", "%0a", ";jsessionid=0123456789ABCDEF0123456789ABCDEF"]
    said = ["a=1", "b=2", "A=3", "a-b=1", "a", "", "=", "PHPSESSID=0123456789abcdef0123456789abcdef", "sid=9682993c8daa2c5497996114facdc805",
            "CFID=1&CFTOKEN=2", "x=%20y", "q=ü", "x=%3d", "?", "/"]
    for _ in range(3_000):
        url = f"{chance.choice(('http', 'https', 'HTTP'))}://{chance.choice(hosts)}"
        url += "".join("/" + chance.choice(steps) for _ in range(chance.randrange(5)))
        url += "?" + "&".join(chance.choices(said, k=chance.randrange(4))) if chance.random() < 0.5 else ""
        url += "#f?x" if chance.random() < 0.1 else ""
        assert surt(url) == theirs.surt(url), url


def test_records_have_the_key(tmp_path):
    run(ONLY_ROBOTS.write(tmp_path / "a.warc.gz"), "-o", tmp_path / "run")
    assert {key for part in (tmp_path / "run" / "records").iterdir() for key in pq.read_table(part)["surt"].to_pylist()} == {"example,x)/robots.txt"}


# ---- cells of any size

def test_a_line_that_is_too_long_is_told_and_the_next_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "LINE_BYTES", 1_000)
    given = tmp_path / "a.jsonl"
    lines = [json.dumps({"url": f"{SITE}/{n}", "html": "x" * (5_000 if n == 1 else 10)}).encode() + b"\n" for n in range(3)]
    given.write_bytes(b"".join(lines))
    code, out = run(given, "-o", tmp_path / "run", "--dropped", tmp_path / "d")
    assert (code, "line 2 is longer" in out) == (3, True)
    assert [row.requested for row in rows(tmp_path / "run")] == [f"{SITE}/0", f"{SITE}/2"]
    assert [json.loads(line)["url"][-1] for line in (tmp_path / "d" / "a.jsonl").read_bytes().splitlines()] == ["0", "2"]
    assert [row.locations[-1].offset_bytes for row in rows(tmp_path / "run")] == [0, 2]


# Of this program alone: what getrusage(2) tells is at least what the process had that started it.
MEASURE = """
import sys
from click.testing import CliRunner
from crawler.cli import main
assert CliRunner().invoke(main, sys.argv[1:]).exit_code == 0
print(next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM:")))
"""


def peak_kib(*args: object) -> int:
    done = subprocess.run([sys.executable, "-c", MEASURE, *map(str, args)], cwd=Path(__file__).parents[1], capture_output=True, check=True)
    return int(done.stdout.split()[-1])


@pytest.mark.slow
@pytest.mark.parametrize("sort", ["parquet", "jsonl", "csv"])
def test_huge_cells_do_not_make_memory_grow(sort, tmp_path):
    """800 MB in cells of 8 MB."""
    cell, many = "words of a page " * (1 << 19), 100
    for n in (2, many):
        path = tmp_path / f"{n}.{sort}"
        if sort == "parquet":
            with pq.ParquetWriter(path, pa.schema([("url", pa.string()), ("html", pa.string())])) as writer:
                for m in range(n):
                    writer.write_table(pa.table({"url": [f"{SITE}/{m}"], "html": [cell + str(m)]}))
        elif sort == "jsonl":
            with path.open("w") as out:
                out.writelines(json.dumps({"url": f"{SITE}/{m}", "html": cell}) + "\n" for m in range(n))
        else:
            with path.open("w") as out:
                out.write("url,html\n")
                out.writelines(f"{SITE}/{m},{cell}\n" for m in range(n))
    small, large = (peak_kib("filter", tmp_path / f"{n}.{sort}", "-o", tmp_path / f"run{n}", "--kept", tmp_path / f"k{n}") for n in (2, many))
    assert large - small < 200 << 10, (small, large)


@pytest.mark.slow
def test_huge_cells_in_one_row_group_do_not_make_memory_grow(tmp_path):
    """Where each has a page of its own; a page, and a dictionary, are unpacked whole by whoever reads Parquet."""
    for n in (2, 60):
        pq.write_table(pa.table({"url": [f"{SITE}/{m}" for m in range(n)], "html": [random.Random(m).randbytes(8 << 20) for m in range(n)]}),
                       tmp_path / f"{n}.parquet", row_group_size=1_000, use_dictionary=False, write_batch_size=1)
    small, large = (peak_kib("filter", tmp_path / f"{n}.parquet", "-o", tmp_path / f"run{n}", "--kept", tmp_path / f"k{n}") for n in (2, 60))
    assert large - small < 200 << 10, (small, large)


@pytest.mark.slow
def test_many_inputs_do_not_make_memory_grow(tmp_path):
    """Forty times as many files."""
    peaks = []
    for n in (20, 800):
        (tmp_path / f"in{n}").mkdir()
        for m in range(n):
            Maker().add(f"{SITE}/{m}", b"<p>words " * 5_000).add(f"https://h{m}.example/robots.txt", ROBOTS, [("Content-Type", "text/plain")]).write(
                tmp_path / f"in{n}" / f"{m:04}.warc.gz")
        peaks.append(peak_kib("filter", tmp_path / f"in{n}", "-o", tmp_path / f"run{n}", "--kept", tmp_path / f"k{n}", "--dropped", tmp_path / f"d{n}"))
    assert peaks[1] < 1.1 * peaks[0], peaks
