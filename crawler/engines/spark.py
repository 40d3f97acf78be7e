"""Spark: data frames with verdicts, and sites joined as of the time of each capture, on any number of machines.

    from crawler.engines.spark import decide, pages
    sites = spark.read.parquet("sites.parquet")                      # of `maymine sites`
    decide(pages("crawl/*.warc.gz", spark), policies=["eu-dsm-art4"], asker="YourBot", sites=sites) \\
        .drop("maymine_capture").write.parquet("decided")

**Facts** (https://spark.apache.org/docs/latest/api/python/reference/pyspark.sql/api/pyspark.sql.DataFrame.mapInArrow.html)
- `sites` as a data frame is joined by key; no machine needs room for all of it, the driver least. `sites` as files is read
  whole by every worker, which spares the shuffle of the pages where it is small.
- The join: copies and pages of one site come to the same partition, the copies first, so that the worker holds those of one
  site at a time and asks crawler/archive/sites.py which of them stood when the page was captured. Copies that a redirect leads
  to, at another site, come along.
- OURS: `spread` cuts the pages of a site that fills a partition over so many; its copies go to each of them.
- Spark bounds the bytes that a worker is given at once (`spark.sql.execution.arrow.maxBytesPerBatch`, 64 MiB).
"""
from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Unpack

import pyarrow as pa

from rules import limits

from ..archive import batch as batches
from ..archive import deciding, inputs
from ..archive import pages as captured
from ..archive import records as rows
from ..archive import sites as known
from ..archive.columns import Columns
from .plan import Asked, Plan, made, missing, plan

try:
    from pyspark.sql import Column, DataFrame, SparkSession
    from pyspark.sql import functions as F
    from pyspark.sql.pandas.types import from_arrow_schema, to_arrow_schema
except ImportError as error:
    raise missing("spark", error) from error

KEY, FIRST, PAGE, COPY = "maymine_key", "maymine_first", "maymine_page", "maymine_copy"
PARTITIONS = 10_000                  # of files, at most

Step = Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]


def decide(data: DataFrame, sites: Any = (), spread: int = 1, **words: Unpack[Asked]) -> DataFrame:
    """The data frame with `maymine_verdict` and `maymine_reasons`. `sites`: a data frame, or files; `words` as in `plan`.
    Raises PlanError, ColumnsError."""
    added = from_arrow_schema(pa.schema(batches.ADDED)).fields
    kept = [f for f in data.schema.fields if f.name not in (batches.VERDICT, batches.REASONS)]
    return _mapped(data, sites, spread, words, Plan.verdicts, "verdicts", type(data.schema)([*kept, *added]))


def records(data: DataFrame, sites: Any = (), spread: int = 1, **words: Unpack[Asked]) -> DataFrame:
    """One row a page and policy; else as `decide`."""
    return _mapped(data, sites, spread, words, Plan.records, "records", from_arrow_schema(rows.RECORDS))


def pages(files: str | Path | Iterable[str | Path], spark: SparkSession | None = None) -> DataFrame:
    """Archives and data sets, globs and folders of them, a task a file. The rows are those of crawler/archive/pages.py; those
    without an address tell in `damage` what could not be read. Raises InputError."""
    session = spark or SparkSession.getActiveSession() or SparkSession.builder.getOrCreate()
    found = inputs.expand(map(str, [files] if isinstance(files, str | Path) else files))
    named = session.createDataFrame([(one.uri,) for one in found], "uri string").repartition(min(len(found), PARTITIONS))
    return named.mapInArrow(_read, from_arrow_schema(captured.PAGES))


def _read(named: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in named:
        for uri in batch.column(0).to_pylist():
            yield from captured.of_file(uri)


def _mapped(data: DataFrame, sites: Any, spread: int, words: Asked, step: Any, verb: str, into: Any) -> DataFrame:
    joined = not isinstance(sites, str | Path | tuple | list)
    what = plan(**words) if joined else plan(sites=sites, **words)
    found = what.found(to_arrow_schema(data.schema, timezone="UTC"))
    if not joined:
        return data.mapInArrow(partial(step, what), into)
    url = found.names["url"] if isinstance(found, Columns) else "url"
    return _together(data, sites, url, spread).mapInArrow(partial(_decided, what, verb), into)


# ---- the join

def _together(data: DataFrame, sites: DataFrame, url: str, spread: int) -> DataFrame:
    """Copies and pages of each site in one partition, the copies first."""
    address = _column(data, url)
    ours = data.select(_key_of(address).alias(KEY), (F.pmod(F.xxhash64(address), F.lit(spread))).cast("int").alias("salt"),
                       F.lit(False).alias(FIRST), F.struct("*").alias(PAGE))
    copies = sites.select(F.regexp_extract("uri", "^[a-z]+://[^/]+", 0).alias(KEY),
                          F.struct(*known.SITES.names).alias(COPY))
    theirs = copies.unionByName(_led_to(sites, copies)) \
        .select(KEY, F.explode(F.array(*(F.lit(n) for n in range(spread)))).alias("salt"), F.lit(True).alias(FIRST), COPY)
    parts = int(data.sparkSession.conf.get("spark.sql.shuffle.partitions"))        # told, else Spark makes them fewer
    both = ours.unionByName(theirs, allowMissingColumns=True).repartition(parts, KEY, "salt")
    return both.sortWithinPartitions(KEY, F.desc(FIRST)).select(KEY, PAGE, COPY)


def _led_to(sites: DataFrame, copies: DataFrame) -> DataFrame:
    """Copies of other sites that redirects lead to, under the key of the site where they begin."""
    moved = sites.select("uri", "location").where("location is not null")
    edges = moved.mapInArrow(_steps, f"{KEY} string, `to` string").distinct()
    ways = edges.where(f"`to` != {KEY}")
    for _ in range(limits.REDIRECTS - 1):
        ways = ways.withColumnRenamed("to", "by").join(edges.withColumnRenamed(KEY, "by").hint("merge"), "by") \
            .select(KEY, "to").distinct()
    return ways.where(f"`to` != {KEY}").join(copies.withColumnRenamed(KEY, "to").hint("merge"), "to").select(KEY, COPY)


def _steps(redirects: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """From which site to which other one, and from that to itself: a way that ends early ends there still after more steps."""
    for batch in redirects:
        found = [(known.origin(uri), known.origin(known.place(to)))
                 for uri, to in zip(*(column.to_pylist() for column in batch.columns), strict=True)]
        ends = dict.fromkeys(step for a, b in found if b and a != b for step in ((a, b), (b, b)))
        columns = [pa.array(column, pa.string()) for column in ([a for a, _ in ends], [b for _, b in ends])]
        yield pa.RecordBatch.from_arrays(columns, [KEY, "to"])


def _decided(what: Plan, verb: str, both: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Decides pages by the copies that came before them."""
    here = Here(what)
    work = made(what, here)
    for batch in both:
        page = batch.column(1)
        here.add(batch.column(0), batch.column(2))
        rows = pa.RecordBatch.from_struct_array(page.filter(page.is_valid()))
        if rows.num_rows:
            yield work.verdicts(rows) if verb == "verdicts" else work.records(rows)
        here.keep(batch.column(0)[-1].as_py() if batch.num_rows else None)


class Here:
    """What is known of the sites whose pages are being decided."""

    def __init__(self, what: Plan):
        self._as_of = what.as_of
        self._waiting: dict[str, list[known.Copy]] = {}
        self._made: dict[str, known.Copies] = {}

    def add(self, keys: pa.Array, copies: pa.Array) -> None:
        there = copies.is_valid()
        for key, copy in zip(keys.filter(there).to_pylist(), known.of_rows(copies.filter(there).to_pylist()), strict=True):
            self._waiting.setdefault(key, []).append(copy)
            self._made.pop(key, None)

    def keep(self, last: str | None) -> None:
        """Forget all but the site that may go on in the next batch."""
        self._waiting = {key: copies for key, copies in self._waiting.items() if key == last}
        self._made = {key: copies for key, copies in self._made.items() if key == last}

    def of(self, url: str, at: Any) -> deciding.Placed:
        key = _key(url)
        if key not in self._made:
            self._made[key] = known.Copies(self._waiting.get(key, ()), self._as_of)
        return self._made[key].of(url, at)


def _key(url: str | None) -> str:
    """The site of a URL, as sites.Copies sees it."""
    url = (url or "").strip()
    return known.origin(url[:end] if (end := url.find("/", 8)) > 0 else url)


def _key_of(urls: Column) -> Column:
    def of(array: pa.Array) -> pa.Array:
        return pa.array([_key(url) for url in array.to_pylist()], pa.string())
    return F.arrow_udf(of, "string")(urls)


def _column(data: DataFrame, name: str) -> Column:
    if name in data.columns:
        return data[f"`{name}`"]
    outer, _, inner = name.partition(".")
    return data[f"`{outer}`.`{inner}`"]
