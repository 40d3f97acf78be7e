"""Polars: frames, eager or lazy, with verdicts. A lazy frame stays lazy, and streams where the engine does.

    import polars as pl
    from crawler.engines.polars import decide
    decide(pl.scan_parquet("pages/*.parquet"), policies=["eu-dsm-art4"], asker="YourBot", sites="sites.parquet") \\
        .filter(pl.col("maymine_verdict") == "permitted").sink_parquet("permitted.parquet")

**Facts** (https://docs.pola.rs)
- The streaming engine hands a lazy frame over in parts; the other one, all at once.
"""
from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar, Unpack

import pyarrow as pa

from ..archive import batch as batches
from ..archive import records as rows
from .plan import Words, missing, plan

try:
    import polars as pl
except ImportError as error:
    raise missing("polars", error) from error

Frame = TypeVar("Frame", pl.DataFrame, pl.LazyFrame)
Step = Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]


def decide(frame: Frame, **words: Unpack[Words]) -> Frame:
    """The frame with `maymine_verdict` and `maymine_reasons`. `words` as in `plan`. Raises PlanError, ColumnsError."""
    made = plan(**words)
    schema = _arrow(frame)
    made.found(schema)
    return _mapped(frame, made.verdicts, batches.with_added(schema))


def records(frame: Frame, **words: Unpack[Words]) -> Frame:
    """One row a page and policy. `words` as in `plan`. Raises PlanError, ColumnsError."""
    made = plan(**words)
    made.found(_arrow(frame))
    return _mapped(frame, made.records, rows.RECORDS)


def _arrow(frame: pl.DataFrame | pl.LazyFrame) -> pa.Schema:
    return pl.DataFrame(schema=frame.collect_schema()).to_arrow().schema


def _mapped(frame: Frame, step: Step, schema: pa.Schema) -> Frame:
    def work(part: pl.DataFrame) -> pl.DataFrame:
        done = pa.Table.from_batches(step(part.to_arrow().to_batches(max_chunksize=batches.SLICE_ROWS)), schema=schema)
        return pl.DataFrame(pl.from_arrow(done))
    if isinstance(frame, pl.DataFrame):
        return work(frame)
    into = pl.DataFrame(pl.from_arrow(schema.empty_table())).schema
    return frame.map_batches(work, schema=into, streamable=True)
