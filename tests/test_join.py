"""The decision table, and data sets joined to it: by every key, in every format, as an independent reading of the records has it."""
from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from crawler.archive import decisions
from crawler.archive.batch import REASONS, VERDICT
from crawler.archive.surt import surt
from crawler.cli import main
from crawler.join import NO_DECISION
from crawler.recorded import rows
from tests.archives import AT, Maker
from tests.runs import rewrite
from tests.test_docs import README, blocks
from tests.test_filter import PAGES, ROBOTS, SITE, VERDICTS, archive, ids_in, run, urls_in
from tests.test_inputs import data_set

pytest.importorskip("duckdb", reason="install duckdb")
BY = ("--by", "eu-dsm-art4", "--use", "tdm")


def call(*args: object) -> tuple[int, str]:
    result = CliRunner().invoke(main, [*map(str, args)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.output


def told(*args: object) -> dict:
    code, out = call("join", *args, "--format", "json")
    assert code in (0, 3), out
    return json.loads(out)[0] | {"code": code}


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """A run by two policies, and its archive."""
    folder = tmp_path_factory.mktemp("made")
    archive().write(folder / "a.warc.gz")
    assert run(folder / "a.warc.gz", "-o", folder / "run", "--policy", "eu-dsm-art4", "--policy", "strictest")[0] == 0
    return folder


def ids(made: Path) -> dict[str, str]:
    """URL -> WARC-Record-ID of its response."""
    return {row.requested: row.locations[-1].record_id for row in rows(made / "run")}


def lines(path: Path, some: list[dict]) -> Path:
    path.write_text("".join(json.dumps(one) + "\n" for one in some))
    return path


def verdicts_in(path: Path) -> dict[str, str]:
    return {one["url"]: one[VERDICT] for one in map(json.loads, path.read_text().splitlines())}


TEXTS = [{"url": url, "text": "words"} for url in PAGES]


def test_texts_without_their_pages_get_verdicts_and_reasons(made, tmp_path):
    given = lines(tmp_path / "fineweb.jsonl", [*TEXTS, {"url": f"{SITE}/never", "text": "words"}, {"text": "no address"}])
    got = told(made / "run", given, "-o", tmp_path / "out", *BY)
    assert (got["code"], got["rows"], got["matched"], got["on"]["url"]) == (0, 6, 4, 1)
    out = [json.loads(line) for line in (tmp_path / "out" / "fineweb.jsonl").read_text().splitlines()]
    assert [one[VERDICT] for one in out] == [*VERDICTS.values(), "undetermined", "undetermined"]
    assert [one[REASONS] for one in out[-2:]] == [[NO_DECISION]] * 2
    assert out[1][REASONS] == ["eu-dsm-art4@2026-11-26/turned-away"]
    assert all(one["text"] for one in out)


def test_what_matches_nothing_is_never_kept(made, tmp_path):
    given = lines(tmp_path / "a.jsonl", [*TEXTS, {"url": f"{SITE}/never", "text": "words"}])
    told(made / "run", given, "--kept", tmp_path / "k", "--dropped", tmp_path / "d", *BY)
    assert urls_in(tmp_path / "k" / "a.jsonl") == [url for url in PAGES if VERDICTS[url] == "permitted"]
    assert sorted(urls_in(tmp_path / "k" / "a.jsonl") + urls_in(tmp_path / "d" / "a.jsonl")) == sorted([*PAGES, f"{SITE}/never"])
    told(made / "run", given, "--kept", tmp_path / "k2", "--keep", "permitted,undetermined", *BY)
    assert f"{SITE}/never" in urls_in(tmp_path / "k2" / "a.jsonl")


@pytest.mark.parametrize("key, column", [
    ("record_id", lambda url, made: {"id": f"<{ids(made)[url]}>"}), ("url", lambda url, made: {"URL": url}),
    ("surt", lambda url, made: {"url_surtkey": surt(url)}), ("digest", lambda url, made: {"sha256": digest(url)})])
def test_every_key(key, column, made, tmp_path):
    given = lines(tmp_path / "a.jsonl", [column(url, made) | {"n": url} for url in PAGES])
    got = told(made / "run", given, "-o", tmp_path / "out", *BY)
    assert [name for name, n in got["on"].items() if n] == [key]
    out = {one["n"]: one[VERDICT] for one in map(json.loads, (tmp_path / "out" / "a.jsonl").read_text().splitlines())}
    same_bytes = {f"{SITE}/open": "prohibited"} if key == "digest" else {}       # /closed has the same: the strictest counts
    assert out == VERDICTS | same_bytes


def digest(url: str) -> str:
    import hashlib
    return hashlib.sha256(PAGES[url]).hexdigest().upper()


def test_the_key_that_matches_is_taken_and_can_be_named(made, tmp_path):
    given = lines(tmp_path / "a.jsonl", [{"id": "urn:uuid:00000000-0000-4000-8000-000000000000", "url": url} for url in PAGES])
    assert told(made / "run", given)["on"]["url"] == 1
    assert told(made / "run", given, "--on", "record_id")["matched"] == 0
    both = lines(tmp_path / "b.jsonl", [{"id": ids(made)[url], "url": url} for url in PAGES])
    assert told(made / "run", both)["on"]["record_id"] == 1


def wet(made: Path, path: Path) -> Path:
    """As Common Crawl makes it of the archive: text, which names the record of its page."""
    maker = Maker()
    for url in (*PAGES, f"{SITE}/never"):
        refers = {"WARC-Refers-To": f"<{ids(made)[url]}>"} if url in PAGES else {}
        maker.add(url.upper() if url.endswith("closed") else url, b"words of " + url.encode(), kind="conversion", warc=refers)
    return maker.write(path)


def test_wet_files_match_by_the_record_that_they_were_made_of(made, tmp_path):
    given = wet(made, tmp_path / "a.warc.wet.gz")
    got = told(made / "run", given, "--kept", tmp_path / "k", "--dropped", tmp_path / "d", *BY)
    assert (got["on"]["record_id"], got["rows"], got["matched"]) == (1, 5, 4)
    kept, dropped = ((tmp_path / side / "a.warc.wet.gz").read_bytes() for side in "kd")
    assert sorted(ids_in(kept) + ids_in(dropped)) == sorted(ids_in(given.read_bytes()))
    assert len(ids_in(kept)) == 2
    assert told(made / "run", given, "-o", tmp_path / "out")["code"] == 3        # it has no place for a verdict


def test_archives_themselves_match(made, tmp_path):
    given = made / "a.warc.gz"
    told(made / "run", given, "--kept", tmp_path / "k", "--dropped", tmp_path / "d", *BY)
    run(given, "-o", tmp_path / "run", "--kept", tmp_path / "k2", "--dropped", tmp_path / "d2", "--use", "tdm")
    for side in "kd":
        assert (tmp_path / side / "a.warc.gz").read_bytes() == (tmp_path / f"{side}2" / "a.warc.gz").read_bytes()


def test_parquet_and_data_sets_of_hugging_face(made, tmp_path):
    table = pa.table({"id": ["x"] * len(PAGES), "url": list(PAGES), "text": ["w"] * len(PAGES), "date": ["2026-11-20T12:00:00Z"] * len(PAGES)})
    pq.write_table(table, tmp_path / "a.parquet")
    data_set(tmp_path / "birds", ["b.arrow", "a.arrow"])
    got = told(made / "run", tmp_path / "a.parquet", tmp_path / "birds", "-o", tmp_path / "out", *BY)
    assert (got["inputs"], got["rows"], got["matched"], got["far"]) == (3, 8, 8, 0)
    out = pq.read_table(tmp_path / "out" / "a.parquet")
    assert out.drop_columns([VERDICT, REASONS]).equals(table)
    assert dict(zip(out["url"].to_pylist(), out[VERDICT].to_pylist(), strict=True)) == VERDICTS
    assert (tmp_path / "out" / "birds" / "state.json").exists()


def test_csv_and_columns_by_hand(made, tmp_path):
    (tmp_path / "a.csv").write_text("where,x\n" + "".join(f"{url},1\n" for url in PAGES))
    assert told(made / "run", tmp_path / "a.csv")["code"] == 3
    assert told(made / "run", tmp_path / "a.csv", "--column", "url=where", "-o", tmp_path / "out", *BY)["matched"] == 4


def test_the_table_is_one_file_that_joins_as_the_run_does(made, tmp_path):
    assert call("table", made / "run", "-o", tmp_path / "t.parquet", *BY)[0] == 0
    table = pq.read_table(tmp_path / "t.parquet")
    assert tuple(table.schema.names) == decisions.COLUMNS
    assert table["surt"].to_pylist() == sorted(table["surt"].to_pylist())
    assert {url: v for url, v in zip(table["url"].to_pylist(), table["verdict"].to_pylist(), strict=True) if url in VERDICTS} == VERDICTS
    given = lines(tmp_path / "a.jsonl", TEXTS)
    told(tmp_path / "t.parquet", given, "-o", tmp_path / "o1")
    told(made / "run", given, "-o", tmp_path / "o2", *BY)
    assert (tmp_path / "o1" / "a.jsonl").read_bytes() == (tmp_path / "o2" / "a.jsonl").read_bytes()


def test_names_can_hold_a_colon(made, tmp_path, monkeypatch):
    """To Arrow a relative name with one is an address."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(made / "run", "r:1")
    archive().write(tmp_path / "a.warc.gz")
    for args in (("explain", "r:1", next(iter(PAGES))), ("compare", "r:1", "--policy", "strictest"), ("decide", "r:1", "--policy", "search-only"),
                 ("replay", "r:1"), ("table", "r:1", "-o", "new/t:1.parquet"), ("join", "new/t:1.parquet", lines(tmp_path / "g.jsonl", TEXTS)),
                 ("sites", "a.warc.gz", "-o", "s:1.parquet"), ("filter", "a.warc.gz", "-o", "f:1", "--sites", "s:1.parquet"), ("explain", "f:1", next(iter(PAGES)))):
        code, out = call(*args)
        assert code in (0, 1), (args, out)


def test_policies_and_uses_that_count(made, tmp_path):
    given = lines(tmp_path / "a.jsonl", TEXTS)
    told(made / "run", given, "-o", tmp_path / "all")
    assert set(verdicts_in(tmp_path / "all" / "a.jsonl").values()) == {"prohibited"}       # strictest asks for leave
    assert call("decide", made / "run", "--policy", "rfc9309-crawl")[0] == 0
    told(made / "run", given, "-o", tmp_path / "later", "--by", "rfc9309-crawl")
    assert verdicts_in(tmp_path / "later" / "a.jsonl") == {url: "prohibited" if url.endswith("closed") else "permitted" for url in PAGES}
    told(made / "run", given, "-o", tmp_path / "again")                          # what was decided later does not count unasked
    assert verdicts_in(tmp_path / "again" / "a.jsonl") == verdicts_in(tmp_path / "all" / "a.jsonl")


@pytest.mark.parametrize("args", [
    ("none.parquet", "{a}"), ("{a}", "{a}"), ("{run}", "nothing.jsonl"), ("{run}", "{a}", "--by", "nobody"), ("{run}", "{a}", "--use", "lunch"),
    ("{run}", "{a}", "--on", "name"), ("{run}", "{a}", "-o", "{tmp}/o", "--kept", "{tmp}/k"), ("{run}", "{a}", "-o", "{made}"),
    ("{run}", "{a}", "--column", "colour=x"), ("{run}", "{a}", "--kept", "{tmp}/k", "--dropped", "{tmp}/k"),
    ("{run}", "{a}", "--kept", "{tmp}/k", "--dropped", "{tmp}/k/d"), ("{run}", "{a}", "--kept", "{run}/k")])
def test_what_is_no_command(args, made, tmp_path):
    given = lines(tmp_path / "a.jsonl", TEXTS)
    words = {"a": given, "run": made / "run", "tmp": tmp_path, "made": made}
    code, out = call("join", *(arg.format(**words) for arg in args))
    assert code == 2, out
    assert not (tmp_path / "k").exists()


def test_what_is_broken_is_told_and_the_rest_is_joined(made, tmp_path):
    bad, good = tmp_path / "bad.jsonl", lines(tmp_path / "good.jsonl", TEXTS)
    bad.write_bytes(good.read_bytes() + b"{broken\n" + good.read_bytes())
    got = told(made / "run", bad, good, "--kept", tmp_path / "k", "--dropped", tmp_path / "d")
    assert (got["code"], got["rows"], got["matched"], len(got["damage"])) == (3, 13, 12, 1)
    assert sum(len((tmp_path / side / name).read_bytes().splitlines()) for side in "kd" for name in ("bad.jsonl", "good.jsonl")) == 13


# ---- captures of one address

def run_of(folder: Path, copies: list[tuple[datetime, bool]]) -> Path:
    """One address, captured at these times, closed or open."""
    maker = Maker()
    for at, closed in copies:
        maker.add(f"{SITE}/a", b"<meta name=robots content=noai>" if closed else b"<p>words", at=at)
        maker.add(f"{SITE}/robots.txt", ROBOTS, [("Content-Type", "text/plain")], at=at)
    maker.write(folder / "a.warc.gz")
    assert run(folder / "a.warc.gz", "-o", folder / "run")[0] == 0
    return folder / "run"


DAY = timedelta(days=1)


@pytest.mark.parametrize("at, verdict, far", [
    (AT, "permitted", 0), (AT + 4 * DAY, "permitted", 0), (AT + 6 * DAY, "prohibited", 0), (AT + 10 * DAY, "prohibited", 0),
    (AT + 5 * DAY, "prohibited", 0),                                          # as near to both: the strictest
    (AT - 400 * DAY, "permitted", 1), (None, "prohibited", 0)])
def test_the_capture_nearest_in_time_counts(at, verdict, far, tmp_path):
    folder = run_of(tmp_path, [(AT, False), (AT + 10 * DAY, True)])
    given = lines(tmp_path / "a.jsonl", [{"url": f"{SITE}/a", "date": at.isoformat() if at else None}])
    got = told(folder, given, "-o", tmp_path / "out", *BY)
    assert (verdicts_in(tmp_path / "out" / "a.jsonl"), got["far"]) == ({f"{SITE}/a": verdict}, far)


def reference(folder: Path, given: list[dict]) -> list[tuple[str, list[str]]]:
    """The same by loops over the records."""
    known: dict[str, list] = {}
    for row in rows(folder):
        d = row.record["decisions"]["tdm"]
        top = max((["ignore", "permit", "hold", "prohibit", "agreed"].index(r["effect"]) for r in d["reasons"]), default=0)
        decisive = {r["rule"] for r in d["reasons"] if ["ignore", "permit", "hold", "prohibit", "agreed"].index(r["effect"]) == top > 0} or {"silence"}
        at = next(e["at"] for e in row.record["evidence"] if e["carrier"] == "http-fields")
        known.setdefault(row.requested, []).append((datetime.fromisoformat(at), d["verdict"],
                                                    {f"{row.record['policy']['id']}/{rule}" for rule in decisive}))
    out = []
    for one in given:
        there = known.get(one["url"])
        if not there:
            out.append(("undetermined", [NO_DECISION]))
            continue
        if one["date"]:
            near = min(abs(at - datetime.fromisoformat(one["date"])) for at, _, _ in there)
            there = [t for t in there if abs(t[0] - datetime.fromisoformat(one["date"])) == near]
        worst = max((v for _, v, _ in there), key=("permitted", "undetermined", "prohibited").index)
        out.append((worst, sorted(set().union(*(rules for _, _, rules in there)))))
    return out


def test_many_captures_of_many_addresses(tmp_path):
    chance = random.Random(9)
    maker = Maker()
    for _ in range(300):
        body = chance.choice([b"<p>words", b"<meta name=robots content=noai>", b"<link rel=license href=https://x.example/terms>"])
        maker.add(f"{SITE}/{chance.randrange(40)}", body, at=AT + chance.randrange(-50, 50) * DAY)
    maker.write(tmp_path / "a.warc.gz")
    assert run(tmp_path / "a.warc.gz", "-o", tmp_path / "run")[0] == 0
    given = [{"url": f"{SITE}/{chance.randrange(50)}",
              "date": chance.choice([None, (AT + chance.randrange(-60, 60) * timedelta(hours=24)).isoformat()])} for _ in range(2_500)]
    told(tmp_path / "run", lines(tmp_path / "g.jsonl", given), "-o", tmp_path / "out", *BY)
    out = [json.loads(line) for line in (tmp_path / "out" / "g.jsonl").read_text().splitlines()]
    assert [(one[VERDICT], one[REASONS]) for one in out] == reference(tmp_path / "run", given)


def test_redirects_are_known_by_both_addresses(tmp_path):
    """A crawl asks for one address and ends at another."""
    import shutil

    run_of(tmp_path, [(AT, True)])
    shutil.copytree(tmp_path / "run", tmp_path / "moved")
    rewrite(tmp_path / "moved", lambda rows: rows.set_column(
        rows.column_names.index("requested"), rows.field("requested"),
        [[f"{SITE}/short" if url.endswith("/a") else url for url in rows["requested"].to_pylist()]]))
    given = lines(tmp_path / "g.jsonl", [{"url": f"{SITE}/short"}, {"url": f"{SITE}/a"}])
    told(tmp_path / "moved", given, "-o", tmp_path / "out", *BY)
    assert verdicts_in(tmp_path / "out" / "g.jsonl") == {f"{SITE}/short": "prohibited", f"{SITE}/a": "prohibited"}


# ---- the one-liners of the README

def corpus(made: Path, folder: Path) -> dict[str, str]:
    """decisions.parquet and corpus/, and what comes out."""
    assert call("table", made / "run", "-o", folder / "decisions.parquet", *BY)[0] == 0
    (folder / "corpus").mkdir()
    urls = [*PAGES, f"{SITE}/never"]
    pq.write_table(pa.table({"url": urls, "text": ["words"] * len(urls), "date": [(AT + DAY).isoformat()] * len(urls)}), folder / "corpus" / "a.parquet")
    return VERDICTS | {f"{SITE}/never": "undetermined"}


@pytest.mark.parametrize("number", [0, 1])
def test_the_lines_for_duckdb(number, made, tmp_path):
    import duckdb
    wanted = corpus(made, tmp_path)
    with duckdb.connect() as db:
        db.execute(f"CREATE VIEW decisions AS FROM '{tmp_path}/decisions.parquet'; CREATE VIEW corpus AS FROM '{tmp_path}/corpus/*.parquet'")
        got = db.sql(blocks(README, "sql")[number]).to_arrow_table()
    assert dict(zip(got["url"].to_pylist(), got["maymine_verdict"].to_pylist(), strict=True)) == wanted


@pytest.mark.slow
def test_the_lines_for_spark(made, tmp_path):
    pyspark = pytest.importorskip("pyspark.sql", reason="install pyspark")
    wanted = corpus(made, tmp_path)
    spark = pyspark.SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").getOrCreate()
    try:
        spark.read.parquet(f"{tmp_path}/decisions.parquet").createOrReplaceTempView("decisions")
        spark.read.parquet(f"{tmp_path}/corpus").createOrReplaceTempView("corpus")
        got = {row["url"]: row["maymine_verdict"] for row in spark.sql(blocks(README, "sql")[0]).collect()}
    finally:
        spark.stop()
    assert got == wanted


RAY = """
import warnings; warnings.simplefilter("ignore")
import json, logging, os, ray
os.environ["RAY_DATA_DISABLE_PROGRESS_BARS"] = "1"
ray.init(num_cpus=2, include_dashboard=False, logging_level="error", log_to_driver=False)
{lines}
print(json.dumps([[row["url"], row["maymine_verdict"]] for row in joined.take_all()]))
"""


@pytest.mark.slow
def test_the_lines_for_ray(made, tmp_path):
    pytest.importorskip("ray", reason="install ray")
    wanted = corpus(made, tmp_path)
    done = subprocess.run([sys.executable, "-c", RAY.format(lines=blocks(README, "py")[0])], cwd=tmp_path, capture_output=True, text=True,
                          check=False, env={**os.environ, "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0"})
    assert done.returncode == 0, done.stderr[-2_000:]
    assert {url: v or "undetermined" for url, v in json.loads(done.stdout.splitlines()[-1])} == wanted


def test_a_bit_that_changed_is_told_by_all_that_reads_records(made, tmp_path):
    """In the middle of a part a changed bit often decodes: another address, another verdict."""
    run, data = tmp_path / "run", lines(tmp_path / "texts.jsonl", TEXTS)
    shutil.copytree(made / "run", run)
    part = next((run / "records").glob("*.parquet"))
    content, page = part.read_bytes(), next(iter(PAGES))
    for place in random.Random(1).sample(range(len(content)), 12):
        changed = bytearray(content)
        changed[place] ^= 1 << place % 8
        part.write_bytes(changed)
        for args in (("table", run, "-o", tmp_path / "t.parquet"), ("join", run, data, "--kept", tmp_path / "kept"), ("explain", run, page),
                     ("compare", run, "--policy", "strictest"), ("decide", run, "--policy", "search-only"), ("replay", run),
                     ("ledger", "post", tmp_path / "ledger", "--run", run)):
            code, out = call(*args)
            assert code == (1 if args[0] == "replay" else 3), (args, out)
            assert "000001001.parquet" in out


@pytest.mark.parametrize("place", [6, -6, -30])
def test_records_that_are_broken_are_told(place, made, tmp_path):
    run, data = tmp_path / "run", lines(tmp_path / "texts.jsonl", TEXTS)
    shutil.copytree(made / "run", run)
    part = next((run / "records").glob("*.parquet"))
    content = bytearray(part.read_bytes())
    content[place:place + 1 or None] = b"\xff"
    content[place + 1 if place > 0 else place - 8:place + 9 if place > 0 else place] = b"\xff" * 8
    part.write_bytes(content)
    for args in (("table", run, "-o", tmp_path / "t.parquet"), ("join", run, data, "--kept", tmp_path / "kept"),
                 ("ledger", "post", tmp_path / "ledger", "--run", run)):
        code, out = call(*args)
        assert code == 3, out
        assert f"Error: {run}" in out
