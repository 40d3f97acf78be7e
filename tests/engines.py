"""Runs one engine in a process of its own, as its users would: `python -m tests.engines ENGINE PAGES SITES OUT`.

PAGES is a folder of WARC files with `pages.parquet` beside it, the same pages for engines that read tables. The records go to OUT
as Parquet; on stdout stands what it took. Two processors, loopback alone, nothing told to anybody.
"""
from __future__ import annotations

import ctypes
import importlib.util
import json
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from crawler.archive import inputs, pages, records, sites
from crawler.filtering import Job, Task, Worker, collect
from crawler.run import text_of
from rules import Asker, policies

ROOT = Path(__file__).parents[1]
NAMES = ("eu-dsm-art4", "rfc9309-crawl", "strictest")
WORDS: dict[str, Any] = {"policies": NAMES, "asker": "OurBot"}
NEEDS = {"single": "", "datatrove": "datatrove", "ray": "ray", "spark": "pyspark", "spark-files": "pyspark", "huggingface": "datasets",
         "duckdb": "duckdb", "polars": "polars"}
RUNAWAY_S = 600
PR_SET_CHILD_SUBREAPER = 36          # linux/prctl.h
HEAP_BYTES = 256 << 20
LOOPBACK = "127.0.0.1"


def needed(engine: str) -> None:
    """Skips where the engine is not installed; in continuous integration that is a failure."""
    lacking = ""
    if NEEDS[engine] and importlib.util.find_spec(NEEDS[engine]) is None:
        lacking = f"needs {NEEDS[engine]}: pip install 'maymine[{engine.partition('-')[0]}]'"
    elif engine.startswith("spark") and shutil.which("java") is None:
        lacking = "needs Java 17: apt-get install openjdk-17-jre-headless"
    there(lacking)


def there(lacking: str) -> None:
    if lacking:
        assert os.environ.get("CI") != "true", lacking
        pytest.skip(lacking)


def run(engine: str, folder: Path, known: Path, out: Path) -> dict[str, float]:
    """What it took: start_s, work_s, and cpu_s of all its processes, start-up included."""
    needed(engine)
    return counted("-m", "tests.engines", engine, *map(str, (folder, known, out)))


def counted(*words: str, runaway_s: float = RUNAWAY_S) -> dict[str, float]:
    """What another Python says in JSON on its last line, with cpu_s of all processes that it started; none of them is left."""
    told: dict[str, float] = json.loads(python("-m", "tests.engines", "counted", *words, runaway_s=runaway_s).splitlines()[-1])
    return told


def count(*words: str) -> None:
    """Orphans come to this process (prctl(2), PR_SET_CHILD_SUBREAPER), so that it can wait for each and knows its time."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    done = subprocess.run([sys.executable, *words], stdout=subprocess.PIPE, text=True, check=True)
    with suppress(ChildProcessError):
        while True:
            os.wait()
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(json.dumps(json.loads(done.stdout.splitlines()[-1]) | {"cpu_s": used.ru_utime + used.ru_stime}), flush=True)


def python(*words: str, cwd: Path = ROOT, runaway_s: float = RUNAWAY_S) -> str:
    """What another Python says on stdout."""
    done = subprocess.run([sys.executable, *words], capture_output=True, text=True, cwd=cwd, timeout=runaway_s, check=False,
                          env=os.environ | {"PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1", "RAY_USAGE_STATS_ENABLED": "0"})
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]
    return done.stdout


def whole(out: Path) -> list[str]:
    """All records in a form and an order that do not depend on who wrote them."""
    table = pa.concat_tables([pq.read_table(path).select(records.RECORDS.names) for path in sorted(out.rglob("*.parquet"))],
                             promote_options="permissive")
    return sorted(json.dumps(plain(row), sort_keys=True) for row in table.to_pylist())


def plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: plain(v) for name, v in value.items()}
    if isinstance(value, list):
        return [plain(v) for v in value]
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value


def split(archive: Path, folder: Path, parts: int) -> None:
    """The records of a WARC file in several, and all pages as one table beside them."""
    from fastwarc.warc import ArchiveIterator
    folder.mkdir()
    starts = [r.stream_pos for r in ArchiveIterator(str(archive), parse_http=False, fsspec_args=False)]
    ends = [*starts[len(starts) // parts::len(starts) // parts][:parts - 1], archive.stat().st_size]
    data, start = archive.read_bytes(), 0
    for n, end in enumerate(ends):
        (folder / f"{n}.warc.gz").write_bytes(data[start:end])
        start = end
    as_table(folder)


def as_table(folder: Path) -> None:
    with pq.ParquetWriter(table_of(folder), pages.PAGES, compression="zstd") as writer:
        for path in sorted(folder.glob("*.warc.gz")):
            for batch in pages.of_file(str(path)):
                writer.write_batch(batch, row_group_size=1_000)


def table_of(folder: Path) -> Path:
    return folder.with_name(folder.name + ".parquet")


def site_table(archives: Iterable[Path], into: Path) -> Path:
    sites.write(into, collect(inputs.expand(map(str, archives)))[0])
    return into


# ---- one an engine: sets up, gives what does the work

def single(folder: Path, known: str, out: Path) -> Callable[[], object]:
    """What `maymine filter` does, in this process."""
    task = Task(tuple((text_of(p), p.file) for p in map(policies.load, NAMES)), Asker("OurBot"), str(out), (known,))
    (out / "records").mkdir(parents=True)
    worker = Worker(task)

    def work() -> None:
        for n, path in enumerate(sorted(folder.glob("*.warc.gz"))):
            made = worker.filter(Job(n + 1, str(path), path.stat().st_size, path.name), lambda at, pages: None)
            for source, target in made.moves:
                os.replace(source, target)
    return work


def datatrove(folder: Path, known: str, out: Path) -> Callable[[], object]:
    from datatrove.executor import LocalPipelineExecutor

    from crawler.engines.datatrove import decide, pages
    steps = [pages(str(folder), glob_pattern="*.warc.gz"), decide(records=out, sites=known, **WORDS)]
    tasks = len(list(folder.glob("*.warc.gz")))
    return LocalPipelineExecutor(steps, tasks=tasks, workers=2, logging_dir=str(out.with_name(out.name + "-logs"))).run


def ray(folder: Path, known: str, out: Path) -> Callable[[], object]:
    from crawler.engines.ray import pages, records
    ray_started()

    def work() -> None:
        records(pages(folder / "*.warc.gz"), sites=known, **WORDS).write_parquet(str(out))
    return work


def ray_started() -> None:
    import ray as cluster
    cluster.init("local", num_cpus=2, include_dashboard=False, object_store_memory=HEAP_BYTES, _node_ip_address=LOOPBACK, log_to_driver=False,
                 logging_level="ERROR")


def spark(folder: Path, known: str, out: Path, joined: bool = True) -> Callable[[], object]:
    from crawler.engines.spark import pages, records
    session = spark_session()

    def work() -> None:
        where = session.read.parquet(known) if joined else known
        records(pages(folder / "*.warc.gz", session), sites=where, **WORDS).write.parquet(str(out))
    return work


def spark_files(folder: Path, known: str, out: Path) -> Callable[[], object]:
    return spark(folder, known, out, joined=False)


def spark_session(partitions: int = 4) -> Any:
    os.environ |= {"PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": LOOPBACK}
    from pyspark.sql import SparkSession
    said = {"spark.ui.enabled": "false", "spark.ui.showConsoleProgress": "false", "spark.driver.host": LOOPBACK,
            "spark.driver.bindAddress": LOOPBACK, "spark.driver.memory": "2g", "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
            "spark.sql.shuffle.partitions": str(partitions)}
    return SparkSession.builder.master("local[2]").config(map=said).getOrCreate()


def huggingface(folder: Path, known: str, out: Path) -> Callable[[], object]:
    os.environ["HF_HOME"] = str(out.with_name(out.name + "-home"))
    from datasets import load_dataset

    from crawler.engines.huggingface import records
    data = load_dataset("parquet", data_files=str(table_of(folder)), split="train")
    out.mkdir()

    def work() -> None:
        records(data, num_proc=2, sites=known, **WORDS).to_parquet(str(out / "all.parquet"))
    return work


def duckdb(folder: Path, known: str, out: Path) -> Callable[[], object]:
    import duckdb as database

    from crawler.engines.duckdb import records
    out.mkdir()
    return lambda: records(database.read_parquet(str(table_of(folder))), sites=known, **WORDS).write_parquet(str(out / "all.parquet"))


def polars(folder: Path, known: str, out: Path) -> Callable[[], object]:
    import polars as pl

    from crawler.engines.polars import records
    out.mkdir()
    return lambda: records(pl.scan_parquet(table_of(folder)), sites=known, **WORDS).sink_parquet(out / "all.parquet")


ENGINES = {"single": single, "datatrove": datatrove, "ray": ray, "spark": spark, "spark-files": spark_files, "huggingface": huggingface,
           "duckdb": duckdb, "polars": polars}


def main(engine: str, folder: str, known: str, out: str) -> None:
    began = time.perf_counter()
    work = ENGINES[engine](Path(folder), known, Path(out))
    started = time.perf_counter()
    work()
    took = {"start_s": started - began, "work_s": time.perf_counter() - started}
    ended()
    print(json.dumps(took), flush=True)


def ended() -> None:
    """Waits for the processes of an engine, so that none is left and their time is known."""
    if "pyspark" in sys.modules:
        from pyspark import SparkContext
        context = SparkContext.getOrCreate()
        gateway = context._gateway
        context.stop()
        gateway.shutdown()
        gateway.proc.stdin.close()
        gateway.proc.wait()
    if "ray" in sys.modules:
        import ray as cluster
        cluster.shutdown()


if __name__ == "__main__":
    count(*sys.argv[2:]) if sys.argv[1] == "counted" else main(*sys.argv[1:])
