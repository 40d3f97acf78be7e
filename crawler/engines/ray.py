"""Ray Data: data sets with verdicts, decided by the tasks of a cluster; NeMo Curator runs on Ray.

    import ray
    from crawler.engines.ray import decide, pages
    decide(pages(["crawl/*.warc.gz"]), policies=["eu-dsm-art4"], asker="YourBot", sites="sites.parquet") \\
        .drop_columns(["maymine_capture"]).write_parquet("decided")

**Facts** (https://docs.ray.io/en/latest/data/api/doc/ray.data.Dataset.map_batches.html)
- Functions run as tasks; Ray gives them the same worker processes again and again, so that policies are proved and sites read
  once a worker. Steps that follow each other, such as these three, run as one task without a copy between.
- Blocks come as they are: Ray bounds their bytes.
- PRACTICE: `write_parquet` adds to a folder that is there; take a new one.
"""
from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

import pyarrow as pa

from ..archive import batch as batches
from ..archive import inputs
from ..archive import pages as captured
from .plan import Plan, Words, missing, plan

try:
    import ray.data
except ImportError as error:
    raise missing("ray", error) from error

if TYPE_CHECKING:
    from ray.data import Dataset


def decide(data: Dataset, **words: Unpack[Words]) -> Dataset:
    """The data set with `maymine_verdict` and `maymine_reasons`. `words` as in `plan`. Raises PlanError; ColumnsError now where
    the schema is known, else when the data set is read."""
    made = plan(**words)
    _looked_at(data, made)
    return data.map_batches(_verdicts, batch_format="pyarrow", batch_size=None, fn_args=(made,))


def records(data: Dataset, **words: Unpack[Words]) -> Dataset:
    """One row a page and policy; else as `decide`."""
    made = plan(**words)
    _looked_at(data, made)
    return data.map_batches(_records, batch_format="pyarrow", batch_size=None, fn_args=(made,))


def pages(files: str | Path | Iterable[str | Path]) -> Dataset:
    """Archives and data sets, globs and folders of them, a task a file. The rows are those of crawler/archive/pages.py; those
    without an address tell in `damage` what could not be read. Raises InputError."""
    words = [files] if isinstance(files, str | Path) else files
    found = [{"uri": one.uri} for one in inputs.expand(map(str, words))]
    return ray.data.from_items(found, override_num_blocks=len(found)).map_batches(_read, batch_format="pyarrow", batch_size=1)


def _verdicts(table: pa.Table, made: Plan) -> Iterator[pa.Table]:
    for batch in made.verdicts(table.to_batches(batches.SLICE_ROWS)):
        yield pa.Table.from_batches([batch])


def _records(table: pa.Table, made: Plan) -> Iterator[pa.Table]:
    for batch in made.records(table.to_batches(batches.SLICE_ROWS)):
        yield pa.Table.from_batches([batch])


def _read(table: pa.Table) -> Iterator[pa.Table]:
    for uri in table["uri"].to_pylist():
        for batch in captured.of_file(uri):
            yield pa.Table.from_batches([batch])


def _looked_at(data: Dataset, made: Plan) -> None:
    known = data.schema(fetch_if_missing=False)
    if known is not None and isinstance(known.base_schema, pa.Schema):
        made.found(known.base_schema)


