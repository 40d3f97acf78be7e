"""Engines give what a single process gives: the records of every page, whole, whoever spreads the work."""
from __future__ import annotations

import ast
import importlib
import json
import re
import shutil
import sys
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from crawler.archive import pages, records, sites
from crawler.archive.batch import REASONS, VERDICT
from crawler.archive.columns import ColumnsError
from crawler.archive.sites import Copy
from crawler.engines.plan import PlanError, plan, worker
from rules import Access, Asker, Use, policies
from tests import engines
from tests.archives import AT, HTML, Maker
from tests.bench import as_of, corpus
from tests.engines import WORDS
from tests.test_batch import PAGES, TABLE

PARTS, SAMPLE = 4, 240


# ---- corpora

def awkward(folder: Path) -> None:
    """Archives with what is seldom: other times, redirects to other sites, revisits, cut and broken records, no pages."""
    folder.mkdir()
    one, two = Maker(), Maker()
    one.add("http://moved.example/robots.txt", b"", [("Location", "https://there.example/robots.txt")], "301 Moved Permanently")
    one.add("https://there.example/robots.txt", b"User-agent: *\nDisallow: /closed\n", [("Content-Type", "text/plain")])
    two.add("https://there.example/robots.txt", b"User-agent: *\nDisallow: /\n", [("Content-Type", "text/plain")], at=AT + timedelta(days=3))
    one.add("https://failed.example/robots.txt", b"", [], "503 Service Unavailable")
    for n, maker in enumerate((one, two) * 20):
        at = AT + timedelta(hours=7 * n)
        for host in ("http://moved.example", "https://there.example", "https://failed.example", "https://unknown.example:8443"):
            maker.add(f"{host}/{'closed' if n % 3 else 'open'}/{n}", b"<meta name=robots content=noai>" if n % 5 == 0 else b"<p>words\xe9", at=at,
                      fields=[*HTML, *([("TDM-Reservation", "1"), ("X-Robots-Tag", "noindex"), ("X-Robots-Tag", "noai")] if n % 4 == 0 else [])],
                      status="404 Not Found" if n % 7 == 0 else "200 OK", warc={"WARC-Truncated": "length"} if n % 6 == 0 else None)
    one.add("https://there.example/again", b"<p>words", warc={"WARC-Payload-Digest": "sha1:ABC"})
    one.add("https://there.example/again", b"", kind="revisit", at=AT + timedelta(days=1), warc={"WARC-Payload-Digest": "sha1:ABC"})
    one.add("https://there.example/text", b"words", kind="conversion").request("https://there.example/")
    one.add("https://there.example/a.jpg", b"\xff\xd8\xff\xe0", [("Content-Type", "image/jpeg")])
    one.write(folder / "one.warc.gz")
    (folder / "two.warc.gz").write_bytes(two.data[:-30])
    engines.as_table(folder)


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, list[str]]:
    """A folder of archives of a few hundred real pages, the copies of their sites, and the records of a single process."""
    base = tmp_path_factory.mktemp("web")
    sources, hosts = list(corpus.documents()), corpus.robots()
    engines.there("" if sources else "needs documents: apt-get install python3.11-doc")
    corpus.write(base / "all.warc.gz", sources, hosts, SAMPLE)
    engines.split(base / "all.warc.gz", base / "pages", PARTS)
    known = sites.write(base / "sites.parquet", (
        Copy(f"https://{host}/robots.txt", corpus.START, Access.OBTAINED, 200, body) for host, body in hosts))
    assert known == len(hosts)
    return base / "pages", base / "sites.parquet", alone(base / "pages", base / "sites.parquet", base / "single")


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, list[str]]:
    base = tmp_path_factory.mktemp("odd")
    awkward(base / "pages")
    known = engines.site_table((base / "pages").glob("*.gz"), base / "sites.parquet")
    return base / "pages", known, alone(base / "pages", known, base / "single")


def alone(folder: Path, known: Path, out: Path) -> list[str]:
    out.mkdir()
    engines.single(folder, str(known), out)()
    return engines.whole(out)


# ---- the same records everywhere

@pytest.mark.slow
@pytest.mark.timeout(engines.RUNAWAY_S)
@pytest.mark.parametrize("engine", [name for name in engines.ENGINES if name != "single"])
@pytest.mark.parametrize("which", ["web", "odd"])
def test_records_are_those_of_a_single_process(engine, which, request, tmp_path):
    engines.needed(engine)
    folder, known, want = request.getfixturevalue(which)
    engines.run(engine, folder, known, tmp_path / "out")
    got = engines.whole(tmp_path / "out")
    assert len(got) == len(want) > len(engines.NAMES) * 100
    assert got == want


def test_the_corpora_have_what_they_should(odd):
    folder, _, want = odd
    accesses = {e["access"] for text in want for e in json.loads(text)["evidence"]}
    assert {"obtained", "truncated", "stale", "unavailable", "not-collected"} <= accesses
    assert any(e["final_uri"] for text in want for e in json.loads(text)["evidence"])
    assert {json.loads(text)["policy"]["id"].partition("@")[0] for text in want} == set(engines.NAMES)
    told = [text for text in pq.read_table(engines.table_of(folder))["damage"].to_pylist() if text]
    assert len(told) == 1
    assert "two.warc.gz: at byte " in told[0]


def test_what_is_broken_is_told_in_the_log(odd, caplog):
    list(pages.of_file(str(odd[0] / "two.warc.gz")))
    assert [record.getMessage().partition(": /")[0] for record in caplog.records] == ["broken"]


# ---- pages

def test_a_page_comes_back_as_the_capture_that_it_was(odd):
    from crawler.archive.sources import Source
    folder, _, _ = odd
    for path in sorted(folder.glob("*.gz")):
        with path.open("rb") as stream:
            want = [c for chunk in Source(stream, str(path), path.stat().st_size, again=lambda path=path: path.open("rb")).chunks()
                    for c in chunk.captures]
        batches = list(pages.of_file(str(path)))
        got = [c for batch in batches for c in pages.Pages().captures(batch)]
        assert [c for c in got if c.asset.url] == want
        assert all(batch.schema == pages.PAGES for batch in batches)


def test_pages_come_in_bounded_batches(monkeypatch):
    monkeypatch.setattr(pages, "BATCH_BYTES", 100)
    rows = [{"url": "https://x.example/", "body": b"x" * 60}] * 5
    assert [b.num_rows for b in pages.in_batches(iter(rows))] == [2, 2, 1]


# ---- the words

def test_a_plan_is_small_and_goes_anywhere(tmp_path):
    import pickle
    sites.write(tmp_path / "sites.parquet", [])
    made = plan(["eu-dsm-art4", policies.load("strictest")], Asker("OurBot", False, "DE"), tmp_path / "sites.parquet", "strictest", [Use.TDM, "search"])
    again = pickle.loads(pickle.dumps(made))
    assert (again, hash(again)) == (made, hash(made))
    assert len(pickle.dumps(made)) < 50_000
    assert worker(made) is worker(again)
    assert (made.by, made.uses) == ((policies.load("strictest").id,), (Use.TDM, Use.SEARCH))


def test_a_file_of_sites_that_was_written_anew_makes_another_plan(tmp_path):
    path = tmp_path / "sites.parquet"
    sites.write(path, [])
    first = plan(sites=path)
    sites.write(path, [Copy("https://x.example/robots.txt", AT, Access.OBTAINED, 200, b"User-agent: *\nDisallow: /\n")])
    assert plan(sites=path) != first
    (verdicts,) = plan("rfc9309-crawl", "OurBot", path).verdicts([TABLE.slice(0, 1)])
    assert verdicts[VERDICT].to_pylist() == ["prohibited"]


def test_a_policy_of_ones_own_and_a_time_of_ones_own(tmp_path):
    mine = tmp_path / "mine.yaml"
    mine.write_text((Path(policies.__file__).parent / "strictest.yaml").read_text("utf-8").replace("policy: strictest", "policy: mine"))
    path = tmp_path / "sites.parquet"
    sites.write(path, [Copy("https://x.example/robots.txt", AT, Access.OBTAINED, 200, b""),
                       Copy("https://x.example/robots.txt", AT + timedelta(days=9), Access.OBTAINED, 200, b"User-agent: *\nDisallow: /\n")])
    words = {"policies": [str(mine), "rfc9309-crawl"], "asker": "OurBot", "sites": [path], "by": "rfc9309-crawl"}
    later = AT + timedelta(days=9, hours=1)
    for when, said in ((None, "permitted"), ("capture", "permitted"), (later, "prohibited"), (later.isoformat(), "prohibited"), ("now", "prohibited")):
        (got,) = plan(**words, as_of=when).verdicts([TABLE.slice(0, 1)])
        assert got[VERDICT].to_pylist() == [said]
        assert {policy.name for policy in worker(plan(**words)).decider.policies} == {"mine", "rfc9309-crawl"}


@pytest.mark.parametrize("words, told", [
    ({"policies": []}, "no policy is named; there are "), ({"policies": "eu"}, "'eu' is no policy; there are "),
    ({"policies": "none.yaml"}, "none.yaml cannot be read"), ({"by": "strictest"}, "'strictest' is no policy of this plan; there are eu-dsm-art4"),
    ({"uses": "reading"}, "'reading' is no use that these policies decide about"), ({"sites": __file__}, "is no Parquet file; `maymine sites"),
    ({"sites": "nofile"}, "sites: nofile cannot be read: No such file or directory; `maymine sites"),
    ({"as_of": datetime(2026, 11, 20)}, "as_of has no time zone"), ({"as_of": "2026-11-20T10:00:00"}, "nor a time like 2026-11-22T09:30:00Z"),
    ({"as_of": "yesterday"}, "as_of is 'yesterday', which is neither capture nor now nor a time like")])
def test_what_does_not_fit_is_told_before_anything_starts(words, told):
    with pytest.raises(PlanError, match=told):
        plan(**words)


def test_another_table_is_no_table_of_sites(tmp_path):
    pq.write_table(pa.table({"uri": ["x"]}), tmp_path / "other.parquet")
    with pytest.raises(PlanError, match=r"other.parquet is no file of `maymine sites`: it lacks access, at, body"):
        plan(sites=str(tmp_path / "other.parquet"))


@pytest.mark.parametrize("engine", [name for name in engines.NEEDS if name not in ("single", "spark-files")])
def test_an_engine_that_is_missing_says_what_to_install(engine, monkeypatch):
    needs = engines.NEEDS[engine]
    for name in [name for name in sys.modules if name.startswith(f"{needs}.")]:
        monkeypatch.delitem(sys.modules, name)       # of an engine that ran in this process
    monkeypatch.setitem(sys.modules, needs, None)
    monkeypatch.delitem(sys.modules, f"crawler.engines.{engine}", raising=False)
    with pytest.raises(ImportError, match=rf"{needs} is not installed; pip install 'maymine\[{engine}\]'"):
        importlib.import_module(f"crawler.engines.{engine}")


def test_numpy_without_which_duckdb_has_no_functions_of_ours_is_asked_for(monkeypatch):
    monkeypatch.setitem(sys.modules, "numpy", None)
    monkeypatch.delitem(sys.modules, "crawler.engines.duckdb", raising=False)
    with pytest.raises(ImportError, match=r"numpy is not installed; pip install 'maymine\[duckdb\]'"):
        importlib.import_module("crawler.engines.duckdb")
    assert 'duckdb = ["duckdb>=2", "numpy' in (Path(__file__).parents[1] / "pyproject.toml").read_text("utf-8")


# ---- DuckDB, Polars and Hugging Face in this process

def both() -> tuple[list, list]:
    made = plan(**WORDS)
    return [pa.Table.from_batches(step([TABLE])).to_pylist() for step in (made.verdicts, made.records)]


def test_duckdb_reads_as_often_as_asked_and_takes_the_columns_that_it_needs():
    engines.needed("duckdb")
    import duckdb

    from crawler.engines.duckdb import decide
    from crawler.engines.duckdb import records as records_of
    said, told = both()
    with duckdb.connect() as con:
        table = pa.Table.from_batches([TABLE]).append_column("it's \"odd\"", pa.array(range(TABLE.num_rows)))
        relation = con.from_arrow(table)
        decided = decide(relation, con, **WORDS)
        for _ in range(2):
            assert decided.to_arrow_table().drop_columns(["it's \"odd\""]).select(list(said[0])).to_pylist() == said
        assert decide(decided, con, **WORDS).columns == decided.columns == [*table.column_names, VERDICT, REASONS]
        got = records_of(relation, con, **WORDS).to_arrow_table().select(records.RECORDS.names)
        assert [engines.plain(row) for row in got.to_pylist()] == [engines.plain(row) for row in told]
        assert records_of(relation.limit(0), con, **WORDS).to_arrow_table().num_rows == 0
        with pytest.raises(ColumnsError, match="no column holds addresses"):
            decide(con.sql("select 1 as n"), con, **WORDS)


def test_polars_eager_and_lazy():
    engines.needed("polars")
    import polars as pl

    from crawler.engines.polars import decide
    from crawler.engines.polars import records as records_of
    said, told = both()
    frame = pl.DataFrame(pl.from_arrow(TABLE))
    for got in (decide(frame, **WORDS), decide(frame.lazy(), **WORDS).collect(engine="streaming"), decide(decide(frame, **WORDS), **WORDS)):
        assert got.to_arrow().to_pylist() == said
    for got in (records_of(frame, **WORDS), records_of(frame.lazy(), **WORDS).collect(engine="streaming")):
        assert got.to_arrow().to_pylist() == told
    assert decide(frame.lazy(), **WORDS).filter(pl.col(VERDICT) == "prohibited").select("url").collect().height == sum(
        row[VERDICT] == "prohibited" for row in said)
    with pytest.raises(ColumnsError, match="no column holds addresses"):
        decide(frame.select("html").lazy(), **WORDS)


@pytest.mark.slow
def test_hugging_face_in_memory_on_disk_and_streamed(tmp_path, monkeypatch):
    engines.needed("huggingface")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    import datasets

    from crawler.engines.huggingface import decide
    datasets.disable_progress_bars()
    said, _ = both()
    want = [engines.plain(row) for row in said]
    datasets.Dataset.from_list(PAGES).save_to_disk(tmp_path / "corpus")
    data = datasets.load_from_disk(tmp_path / "corpus")
    got = decide(data, **WORDS)
    assert [engines.plain(row) for row in got.with_format("arrow")[:].to_pylist()] == want
    assert got.format["type"] is None
    assert [engines.plain(row) for row in decide(datasets.DatasetDict(train=data), **WORDS)["train"].with_format("arrow")[:].to_pylist()] == want
    streamed = list(decide(data.to_iterable_dataset(), **WORDS))
    assert [(row["url"], row[VERDICT], row[REASONS]) for row in streamed] == [(row["url"], row[VERDICT], row[REASONS]) for row in said]
    with pytest.raises(ColumnsError, match="no column holds addresses"):
        decide(data.select_columns(["html"]), **WORDS)


# ---- the examples in the documents

PRELUDE = {
    "ray": "from tests.engines import ray_started; ray_started()\n",
    "spark": "from tests.engines import spark_session; spark = spark_session()\n",
    "datatrove": "import multiprocess; multiprocess.set_start_method('fork')\n",     # the block has no `if __name__`
}


@pytest.mark.slow
@pytest.mark.timeout(engines.RUNAWAY_S)
@pytest.mark.parametrize("engine, out", [("datatrove", "dropped"), ("ray", "decided"), ("spark", "decided"), ("huggingface", "permitted"),
                                         ("duckdb", "decided.parquet"), ("polars", "permitted.parquet")])
def test_the_example_of_an_engine_runs_as_it_stands(engine, out, odd, tmp_path):
    engines.needed(engine)
    text = ast.get_docstring(ast.parse((engines.ROOT / "crawler" / "engines" / f"{engine}.py").read_text("utf-8"))) or ""
    example = "\n".join(line[4:] for line in re.search(r"\n\n((?:    .*\n)+)", text)[1].splitlines())
    assert "asker=\"YourBot\"" in example
    folder, known, _ = odd
    shutil.copytree(folder, tmp_path / "crawl")
    shutil.copy(known, tmp_path / "sites.parquet")
    (tmp_path / "pages").mkdir()
    shutil.copy(engines.table_of(folder), tmp_path / "pages" / "1.parquet")
    if engine == "huggingface":
        from datasets import Dataset
        Dataset.from_list(PAGES).save_to_disk(tmp_path / "corpus")
    engines.python("-c", PRELUDE.get(engine, "") + example + "\nfrom tests.engines import ended; ended()", cwd=tmp_path)
    assert (tmp_path / out).exists()


# ---- datatrove

@pytest.mark.slow
def test_datatrove_counts_and_writes_what_it_drops_and_why(odd, tmp_path):
    engines.needed("datatrove")
    from datatrove.executor import LocalPipelineExecutor
    from datatrove.pipeline.writers import JsonlWriter

    from crawler.engines.datatrove import decide
    from crawler.engines.datatrove import pages as reader
    folder, known, _ = odd
    dropped = JsonlWriter(str(tmp_path / "dropped"), compression=None)
    run = LocalPipelineExecutor([
        reader(str(folder), glob_pattern="*.warc.gz"), decide(sites=known, by="strictest", exclusion_writer=dropped, **WORDS),
        JsonlWriter(str(tmp_path / "kept"), compression=None)], tasks=2, workers=1, logging_dir=str(tmp_path / "logs"))
    run.run()
    stats = {step["name"]: step["stats"] for step in json.loads((tmp_path / "logs" / "stats.json").read_text())}
    (read,) = (s for name, s in stats.items() if "READER" in name)
    (told,) = (s for name, s in stats.items() if "FILTER" in name)
    out, kept = ([json.loads(line) for path in (tmp_path / name).glob("*.jsonl") for line in path.read_text().splitlines()]
                 for name in ("dropped", "kept"))
    assert read["damage"] == 1
    assert told["total"] == told.get("forwarded", 0) + told["dropped"]
    assert (told["dropped"], told.get("forwarded", 0)) == (len(out), len(kept))
    reasons = {name.removeprefix("dropped_"): n for name, n in told.items() if name.startswith("dropped_")}
    assert sum(reasons.values()) == told["dropped"]
    assert {doc["metadata"]["filter_reason"] for doc in out} == set(reasons)
    assert all(doc["metadata"]["filter_reason"] in doc["metadata"][REASONS] and "media" not in doc for doc in out)
    twice = [doc for doc in out if doc["metadata"].get("http_headers", "").count("X-Robots-Tag") == 2]
    assert twice
    assert {doc["metadata"].get("media_type") for doc in [*out, *kept]} == {"text/html", "text/plain", "image/jpeg", None}
    assert any(doc.get("text") == "<p>words\ufffd" for doc in out)


@pytest.mark.slow
def test_datatrove_decides_documents_of_other_readers():
    engines.needed("datatrove")
    from datatrove.data import Document

    from crawler.engines.datatrove import decide
    made = [Document('<meta name="robots" content="noai">', "1", metadata={"url": "https://x.example/a"}), Document("", "2", metadata={"url": ""})]
    step = decide(keep=("permitted", "undetermined"), columns={"body": "text", "text": ""}, policies="eu-dsm-art4", uses="train-genai")
    assert [doc.id for doc in step(iter(made))] == ["2"]
    assert made[1].metadata[REASONS] == ["no-address"]
    with pytest.raises(ValueError, match="'maybe' is no verdict"):
        decide(keep=("maybe",))


# ---- the join of Spark

@pytest.mark.slow
@pytest.mark.timeout(engines.RUNAWAY_S)
def test_spark_joins_sites_as_of_the_capture(tmp_path):
    """Every row as by all copies in one memory; a small form of what tests/bench/test_engines_bench.py measures."""
    engines.needed("spark")
    addresses, known = as_of.write(tmp_path / "corpus", 3_000, 400)
    done = as_of.run(addresses, known, tmp_path / "out", spread=3)
    assert done["rows"] == 3_000
    made = plan(sites=known, by="rfc9309-crawl", **WORDS)
    want = pa.Table.from_batches(made.verdicts(pq.read_table(addresses).to_batches()))
    got = pq.read_table(tmp_path / "out")
    assert {name: sorted(map(str, got[name].to_pylist())) for name in ("url", VERDICT)} == {
        name: sorted(map(str, want[name].to_pylist())) for name in ("url", VERDICT)}
    key = [("url", "ascending"), ("warc_date", "ascending")]
    assert [engines.plain(row) for row in got.sort_by(key).to_pylist()] == [engines.plain(row) for row in want.sort_by(key).to_pylist()]
    assert set(got[VERDICT].to_pylist()) == {"permitted", "undetermined", "prohibited"}
