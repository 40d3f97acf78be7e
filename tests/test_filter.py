"""Filtering archives and tables: every format, subsets, damage, restarts."""
from __future__ import annotations

import csv
import gzip
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
import zipfile
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from click.testing import CliRunner
from fastwarc.warc import ArchiveIterator as FastIterator
from warcio.archiveiterator import ArchiveIterator

from crawler.archive.batch import REASONS, VERDICT
from crawler.archive.fields import field_lines
from crawler.cli import main
from crawler.recorded import rows
from tests import thirdparty
from tests.archives import AT, HTML, Maker

SITE = "https://x.example"
PAGES = {f"{SITE}/open": b"<p>words " * 40, f"{SITE}/closed": b"<p>words " * 40, f"{SITE}/meta": b"<meta name=robots content=noai>" * 3,
         f"{SITE}/open2": "<p>Wörter ".encode() * 40}
VERDICTS = {f"{SITE}/open": "permitted", f"{SITE}/closed": "prohibited", f"{SITE}/meta": "prohibited", f"{SITE}/open2": "permitted"}
ROBOTS = b"User-agent: *\nDisallow: /closed\n"


def run(*args: object) -> tuple[int, str]:
    result = CliRunner().invoke(main, ["filter", *map(str, args)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.output


def archive(robots: bool = True, gzip: bool = True) -> Maker:
    maker = Maker(gzip)
    if robots:
        maker.add(f"{SITE}/robots.txt", ROBOTS, [("Content-Type", "text/plain")])
    for url, body in PAGES.items():
        maker.request(url).add(url, body)
    return maker


@pytest.fixture(scope="module")
def sites(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sites")
    only = Maker().add(f"{SITE}/robots.txt", ROBOTS, [("Content-Type", "text/plain")]).write(folder / "robots.warc.gz")
    assert CliRunner().invoke(main, ["sites", str(only), "-o", str(folder / "sites.parquet")]).exit_code == 0
    return folder / "sites.parquet"


def decided(folder: Path, policy: str = "eu-dsm-art4@2026-11-26") -> dict[str, str]:
    return {row.requested: row.record["decisions"]["tdm"]["verdict"] for row in rows(folder, policy) if "robots.txt" not in row.requested}


ROWS = [{"url": url, "html": body.decode(), "http_headers": "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n",
         "date": "2026-11-20T12:00:00Z"} for url, body in PAGES.items()]


def wacz(path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("datapackage.json", "{}")
        packed.writestr("archive/data.warc.gz", archive().data)
    return path


def arrow(path: Path) -> Path:
    table = pa.Table.from_pylist(ROWS)
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return path


def parquet(path: Path) -> Path:
    pq.write_table(pa.Table.from_pylist(ROWS), path)
    return path


def table_csv(path: Path) -> Path:
    with path.open("w", newline="") as out:
        writer = csv.DictWriter(out, ROWS[0])
        writer.writeheader()
        writer.writerows(ROWS)
    return path


def put(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def frames() -> bytes:
    maker = archive(gzip=False)
    return b"".join(zstandard.ZstdCompressor().compress(maker.data[a:b])
                    for a, b in zip(maker.offsets, [*maker.offsets[1:], None], strict=True))


LINES = "".join(json.dumps(row) + "\n" for row in ROWS).encode()
MAKE = {
    "a.warc.gz": lambda p: put(p, archive().data), "a.warc": lambda p: put(p, archive(gzip=False).data),
    "one.warc.zst": lambda p: put(p, zstandard.ZstdCompressor().compress(archive(gzip=False).data)),
    "one.warc.gz": lambda p: put(p, gzip.compress(archive(gzip=False).data)), "a.warc.zst": lambda p: put(p, frames()),
    "a.wacz": wacz, "a.parquet": parquet, "a.arrow": arrow, "a.jsonl": lambda p: put(p, LINES),
    "a.jsonl.gz": lambda p: put(p, gzip.compress(LINES)), "a.jsonl.zst": lambda p: put(p, zstandard.ZstdCompressor().compress(LINES)),
    "a.csv": table_csv,
}


@pytest.mark.parametrize("name", MAKE)
def test_every_format_gives_the_same_verdicts_and_can_be_split(name, tmp_path, sites):
    given = MAKE[name](tmp_path / name)
    code, out = run(given, "-o", tmp_path / "run", "--sites", sites, "--kept", tmp_path / "kept", "--dropped", tmp_path / "dropped",
                    "--use", "tdm")
    assert code == 0, out
    assert decided(tmp_path / "run") == VERDICTS
    kept, dropped = (urls_in(next((tmp_path / side).iterdir())) for side in ("kept", "dropped"))
    assert [url for url in kept if url in VERDICTS] == [url for url in PAGES if VERDICTS[url] == "permitted"]
    assert [url for url in dropped if url in VERDICTS] == [url for url in PAGES if VERDICTS[url] != "permitted"]


def urls_in(path: Path) -> list[str]:
    name = path.name
    if ".warc" in name:
        with path.open("rb") as stream:
            records = [r for r in FastIterator(stream, parse_http=False) if r.headers["WARC-Type"] == "response"]
            return [r.headers["WARC-Target-URI"] for r in records]
    if name.endswith(".parquet"):
        return pq.read_table(path)["url"].to_pylist()
    if name.endswith(".arrow"):
        with pa.OSFile(str(path)) as stream:
            return pa.ipc.open_stream(stream).read_all()["url"].to_pylist()
    if name.endswith(".csv"):
        with path.open(newline="") as stream:
            return [row["url"] for row in csv.DictReader(stream)]
    return [json.loads(line)["url"] for line in path.read_text().splitlines()]


@pytest.mark.parametrize("name", ["a.warc.gz", "a.warc", "a.wacz", "a.warc.zst", "one.warc.gz", "one.warc.zst"])
def test_records_of_archives_are_copied_byte_for_byte_each_once(name, tmp_path, sites):
    given = MAKE[name](tmp_path / name)
    run(given, "-o", tmp_path / "run", "--sites", sites, "--kept", tmp_path / "kept", "--dropped", tmp_path / "dropped")
    before = archive().data if name != "a.wacz" else zipfile.ZipFile(given).read("archive/data.warc.gz")
    ids = Counter(ids_in(before if name == "a.wacz" else given.read_bytes()))
    assert len(ids) == 2 * len(PAGES) + 1
    after: Counter[str] = Counter()
    for side in ("kept", "dropped"):
        data = next((tmp_path / side).iterdir()).read_bytes()
        after += Counter(ids_in(data))
        assert all(r.verify_block_digest() for r in FastIterator(io.BytesIO(data), parse_http=False))
        if "zst" not in name:                    # warcio reads no Zstandard
            assert [r.rec_headers.get_header("WARC-Record-ID") for r in ArchiveIterator(io.BytesIO(data))] == ids_in(data)
        assert not name.startswith("a.") or all(part in (before if name == "a.wacz" else given.read_bytes()) for part in members(data))
    assert after == ids
    assert set(after.values()) == {1}


def members(data: bytes) -> list[bytes]:
    """The bytes of each record, packed as they are."""
    starts = [r.stream_pos for r in FastIterator(io.BytesIO(data), parse_http=False)]
    return [data[a:b] for a, b in zip(starts, [*starts[1:], len(data)], strict=True)]


def ids_in(data: bytes) -> list[str]:
    return [r.headers["WARC-Record-ID"] for r in FastIterator(io.BytesIO(data), parse_http=False)]


def test_what_tells_its_length_wrongly_is_in_neither_and_its_neighbours_are_there(tmp_path, sites):
    """In a subset it would swallow them for other readers."""
    for pack in (True, False):
        maker = archive(gzip=pack)
        parts = [maker.data[a:b] for a, b in zip(maker.offsets, [*maker.offsets[1:], None], strict=True)]
        plain = gzip.decompress(parts[2]) if pack else parts[2]
        lie = re.sub(rb"Content-Length: (\d+)", lambda m: b"Content-Length: %d" % (int(m[1]) + 900), plain, count=1)
        given = put(tmp_path / f"{pack}.warc", b"".join([*parts[:2], gzip.compress(lie) if pack else lie, *parts[3:]]))
        code, out = run(given, "-o", tmp_path / f"run{pack}", "--sites", sites, "--kept", tmp_path / f"k{pack}", "--dropped", tmp_path / f"d{pack}")
        assert (code, "Content-Length says" in out) == (3, True)
        assert len(list(rows(tmp_path / f"run{pack}"))) == len(PAGES) + 1
        left = [id for side in "kd" for id in ids_in((tmp_path / f"{side}{pack}" / given.name).read_bytes())]
        assert Counter(left) == Counter(ids_in(b"".join([*parts[:2], *parts[3:]])))


def test_rows_keep_their_columns_and_get_two_more(tmp_path, sites):
    run(parquet(tmp_path / "a.parquet"), "-o", tmp_path / "run", "--sites", sites, "--kept", tmp_path / "k", "--dropped", tmp_path / "d")
    kept, dropped = (pq.read_table(tmp_path / side / "a.parquet") for side in "kd")
    assert kept.schema.names == [*ROWS[0], VERDICT, REASONS]
    back = {row["url"]: {k: row[k] for k in ROWS[0]} for row in (*kept.to_pylist(), *dropped.to_pylist())}
    assert [back[row["url"]] for row in ROWS] == ROWS
    assert set(kept[VERDICT].to_pylist()) == {"permitted"}
    assert all(reasons for reasons in dropped[REASONS].to_pylist())


def test_what_is_kept_can_be_said(tmp_path, sites):
    given = put(tmp_path / "a.jsonl", LINES)
    run(given, "-o", tmp_path / "run", "--sites", sites, "--policy", "eu-dsm-art4", "--policy", "rfc9309-crawl", "--by", "rfc9309-crawl",
        "--kept", tmp_path / "k")
    assert urls_in(tmp_path / "k" / "a.jsonl") == [url for url in PAGES if not url.endswith("closed")]
    assert run(given, "-o", tmp_path / "run2", "--by", "strictest")[0] == 2
    assert run(given, "-o", tmp_path / "run2", "--use", "crawl")[0] == 2
    assert run(given, "-o", tmp_path / "run2", "--keep", "nice")[0] == 2


def test_all_policies_in_one_pass_and_later_verbs_work(tmp_path):
    given = archive().write(tmp_path / "a.warc.gz")
    code, out = run(given, "-o", tmp_path / "run", "--policy", "eu-dsm-art4", "--policy", "strictest")
    assert code == 0, out
    assert len(list(rows(tmp_path / "run"))) == 2 * (len(PAGES) + 1)
    for verb in (["replay"], ["decide", "--policy", "rfc9309-crawl"], ["replay"]):
        result = CliRunner().invoke(main, [verb[0], str(tmp_path / "run"), *verb[1:]])
        assert result.exit_code == 0, result.output


def test_replay_reads_real_archives_again(tmp_path):
    names = ("clueweb-quirk.warc.gz", "warcfile.warc.gz", "whirlwind.warc.gz")
    assert run(*(thirdparty.path(f"warc/{name}") for name in names), "-o", tmp_path / "run")[0] == 0
    result = CliRunner().invoke(main, ["replay", str(tmp_path / "run")])
    assert (result.exit_code, result.output.split()[2:4]) == (0, ["───────────────", "same"])


def test_exact_gives_the_same_records(tmp_path, sites):
    given = archive().write(tmp_path / "a.warc.gz")
    for name, more in (("fast", []), ("slow", ["--exact"])):
        run(given, *thirdparty.path("warc").glob("*.gz"), "-o", tmp_path / name, "--sites", sites, "--policy", "strictest", *more)
    assert [row.record for row in rows(tmp_path / "fast")] == [row.record for row in rows(tmp_path / "slow")]


def test_what_was_dropped_is_told_once_and_is_in_the_records(tmp_path):
    given = put(tmp_path / "fineweb.jsonl", b'{"text": "words", "url": "https://x.example/a", "date": "2026-11-20T12:00:00Z"}\n' * 5)
    code, out = run(given, "-o", tmp_path / "run")
    assert code == 0
    for words in ("http-fields: not collected whole for 5 of 5 pages", "body: not collected whole for 5 of 5", "no response fields"):
        assert out.count(words) == 1
    assert {v for row in rows(tmp_path / "run") for v in [row.record["decisions"]["tdm"]["verdict"]]} == {"undetermined"}


def test_lists_of_urls(tmp_path, sites):
    given = put(tmp_path / "urls.txt", b"# a list\nhttps://x.example/closed\nhttps://x.example/open # why\n\n")
    code, _ = run(given, "-o", tmp_path / "run", "--sites", sites, "--policy", "rfc9309-crawl", "--kept", tmp_path / "k")
    assert code == 0
    got = {row.requested: row.record["decisions"]["crawl"]["verdict"] for row in rows(tmp_path / "run")}
    assert set(got) == {f"{SITE}/closed", f"{SITE}/open"}
    assert "closed" not in (tmp_path / "k" / "urls.txt").read_text()


@pytest.mark.parametrize("name, data, pages", [
    ("cut.warc.gz", archive().data[:-50], 4), ("page.warc.gz", b"<html>no archive</html>" * 99, 0),
    ("bad.jsonl", LINES + b"{broken\n" + LINES, 8), ("cut.parquet", b"PAR1 and nothing more", 0), ("cut.wacz", b"PK\x03\x04 nothing", 0),
    ("cut.jsonl.gz", gzip.compress(LINES)[:-30], None), ("no-url.jsonl", b'{"a": 1}\n', 0), ("text.csv", b"\x00\xff\x00", 0)])
def test_what_cannot_be_read_is_counted_and_named(name, data, pages, tmp_path):
    bad, good = put(tmp_path / name, data), archive().write(tmp_path / "good.warc.gz")
    code, out = run(bad, good, "-o", tmp_path / "run", "--kept", tmp_path / "k", "--dropped", tmp_path / "d")
    assert code == 3
    assert name in out
    assert "1 broken place:" in out
    if pages is not None:
        found = Counter(row.requested for row in rows(tmp_path / "run"))
        assert sum(found.values()) == len(PAGES) + 1 + pages + (1 if name == "cut.warc.gz" else 0)


def test_copies_of_the_day_and_of_now(tmp_path):
    old = AT - timedelta(days=400)
    maker = Maker().add(f"{SITE}/a", b"<p>words", at=old).add(f"{SITE}/robots.txt", b"User-agent: *\nDisallow:\n", at=old)
    maker.add(f"{SITE}/robots.txt", b"User-agent: *\nDisallow: /\n", at=AT)
    given = maker.write(tmp_path / "a.warc.gz")
    for as_of, verdict in (("capture", "permitted"), ((AT + timedelta(hours=1)).isoformat(), "prohibited")):
        run(given, "-o", tmp_path / verdict, "--as-of", as_of)
        assert decided(tmp_path / verdict) == {f"{SITE}/a": verdict}
    run(given, "-o", tmp_path / "now", "--as-of", "now")          # that copy is old by now
    assert any(f["kind"] == "fault" and f["fault"] == "stale" for row in rows(tmp_path / "now") for f in row.record["findings"])
    assert run(given, "-o", tmp_path / "now", "--as-of", "capture")[0] == 2


def test_a_run_that_is_finished_does_nothing_again_and_takes_more(tmp_path):
    first, second = (Maker().add(f"{SITE}/{n}", b"<p>").write(tmp_path / f"{n}.warc.gz") for n in range(2))
    assert run(first, "-o", tmp_path / "run")[0] == 0
    before = (tmp_path / "run" / "records").stat().st_mtime_ns
    assert run(first, "-o", tmp_path / "run")[0] == 0
    assert (tmp_path / "run" / "records").stat().st_mtime_ns == before
    assert run(first, second, "-o", tmp_path / "run")[0] == 0
    assert [row.requested for row in rows(tmp_path / "run")] == [f"{SITE}/0", f"{SITE}/1"]


def test_folders_globs_and_names(tmp_path):
    (tmp_path / "in" / "a").mkdir(parents=True)
    (tmp_path / "in" / "b").mkdir()
    for n, name in enumerate(("a/x.warc.gz", "b/x.warc.gz")):
        Maker().add(f"{SITE}/{n}", b"<p>").write(tmp_path / "in" / name)
    put(tmp_path / "in" / "index.cdxj", b"{}")
    assert run(tmp_path / "in", tmp_path / "in" / "*" / "*.gz", "-o", tmp_path / "run", "--dropped", tmp_path / "d")[0] == 0
    assert len(list(rows(tmp_path / "run"))) == 2
    assert sorted(p.name for p in (tmp_path / "d").iterdir()) == ["000002-x.warc.gz", "x.warc.gz"]
    for nothing in (tmp_path / "nothing.warc.gz", tmp_path / "*.none"):
        assert run(nothing, "-o", tmp_path / "other")[0] == 2
    assert run(tmp_path / "in", "-o", tmp_path / "third", "--dropped", tmp_path / "d")[0] == 2     # holds other things


def test_the_same_name_in_two_packings_makes_two_files(tmp_path, sites):
    for name, data in (("a.jsonl", LINES), ("a.jsonl.gz", gzip.compress(LINES))):
        put(tmp_path / name, data)
    run(tmp_path / "a.jsonl", tmp_path / "a.jsonl.gz", "-o", tmp_path / "run", "--sites", sites, "--kept", tmp_path / "k")
    assert [len(urls_in(path)) for path in sorted((tmp_path / "k").iterdir())] == [2, 2]


def test_a_store_is_opened_by_fsspec(tmp_path):
    fsspec = pytest.importorskip("fsspec", reason="the extra `remote` is not installed")
    with fsspec.open("memory://bucket/a.warc.gz", "wb") as out:
        out.write(archive().data)
    assert run("memory://bucket/*.warc.gz", "-o", tmp_path / "run")[0] == 0
    assert decided(tmp_path / "run") == VERDICTS


def many(folder: Path, files: int, pages: int) -> None:
    folder.mkdir()
    for n in range(files):
        maker = Maker()
        for m in range(pages):
            maker.add(f"{SITE}/{n}/{m}", b"<p>words <meta name=robots content=noai>" * 50)
        maker.write(folder / f"{n:03}.warc.gz")


def start(*args: object, out: int = subprocess.DEVNULL, err: int = subprocess.DEVNULL, group: int | None = None) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", "crawler.cli", "filter", *map(str, args)], cwd=Path(__file__).parents[1],
                            stdout=out, stderr=err, process_group=group)


def finished(run_folder: Path) -> int:
    try:
        return (run_folder / "inputs.jsonl").read_bytes().count(b'{"done"')
    except FileNotFoundError:
        return 0


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_a_kill_loses_nothing_and_doubles_nothing(workers, tmp_path):
    many(tmp_path / "in", 12, 150)
    args = (tmp_path / "in", "-o", tmp_path / "run", "--sites", "none", "--workers", workers, "--kept", tmp_path / "k", "--dropped", tmp_path / "d")
    for stop in (1, 4, 8):
        process = start(*args)
        while process.poll() is None and finished(tmp_path / "run") < stop:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert finished(tmp_path / "run") < 12
    assert start(*args).wait() == 0
    found = Counter(row.requested for row in rows(tmp_path / "run"))
    assert found == Counter(f"{SITE}/{n}/{m}" for n in range(12) for m in range(150))
    split = Counter(url for side in "kd" for path in (tmp_path / side).iterdir() for url in urls_in(path))
    assert split == found
    assert not (tmp_path / "run" / "unfinished").exists()
    manifest = json.loads((tmp_path / "run" / "manifest.json").read_bytes())
    assert manifest["counts"]["eu-dsm-art4@2026-11-26"]["tdm"] == {"prohibited": 1800}
    assert manifest["status"] == "complete"


@pytest.mark.slow
def test_a_worker_that_is_killed_is_replaced(tmp_path):
    many(tmp_path / "in", 8, 300)
    process = start(tmp_path / "in", "-o", tmp_path / "run", "--sites", "none", "--workers", 2)
    while finished(tmp_path / "run") < 2:
        time.sleep(0.01)
    ours = {int(pid): parent_of(pid) for pid in os.listdir("/proc") if pid.isdigit() and b"forkserver" in command_of(pid)}
    workers = [pid for pid, parent in ours.items() if parent in ours and ours[parent] == process.pid]
    assert workers
    os.kill(workers[0], signal.SIGKILL)
    assert process.wait() == 0
    assert Counter(row.requested for row in rows(tmp_path / "run")) == Counter(f"{SITE}/{n}/{m}" for n in range(8) for m in range(300))


def command_of(pid: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def parent_of(pid: str) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def test_the_lines_of_fields_are_as_they_came():
    assert field_lines(ROWS[0]["http_headers"], None)[0].startswith(b"HTTP/1.1 200 OK\r\n")
    assert HTML[0][1].encode() in field_lines(ROWS[0]["http_headers"], None)[0]
