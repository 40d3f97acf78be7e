"""Hugging Face datasets: data sets in memory, on disk or streamed, with verdicts.

    from datasets import load_from_disk
    from crawler.engines.huggingface import decide
    decided = decide(load_from_disk("corpus"), policies=["eu-dsm-art4"], asker="YourBot", num_proc=8)
    decided.filter(lambda verdict: verdict == "permitted", input_columns="maymine_verdict").save_to_disk("permitted")

**Facts** (https://huggingface.co/docs/datasets)
- `map` remembers its results by what the function holds: here the plan, with the text of the policies, the size and time of the
  files of sites, and the version of the engine. A change in any of them decides anew.
- An image column is decided by the bytes that it holds; one that holds a path alone has none here.
"""
from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar, Unpack

import pyarrow as pa

from ..archive import batch as batches
from ..archive import records as rows
from .plan import Plan, Words, missing, plan

try:
    from datasets import Dataset, DatasetDict, Features, IterableDataset, IterableDatasetDict
except ImportError as error:
    raise missing("huggingface", error) from error

Data = TypeVar("Data", Dataset, IterableDataset, DatasetDict, IterableDatasetDict)


def decide(data: Data, num_proc: int | None = None, **words: Unpack[Words]) -> Data:
    """The data set with `maymine_verdict` and `maymine_reasons`. `num_proc`: processes, where it is not streamed; `words` as in
    `plan`. Raises PlanError, ColumnsError."""
    return _each(data, Verdicts(plan(**words)), num_proc)


def records(data: Data, num_proc: int | None = None, **words: Unpack[Words]) -> Data:
    """One row a page and policy; else as `decide`."""
    return _each(data, Records(plan(**words)), num_proc)


class Verdicts:
    """What `map` calls, in whatever process."""

    def __init__(self, made: Plan):
        self.plan = made

    def __call__(self, table: pa.Table) -> pa.Table:
        return pa.Table.from_batches(self.step(table.to_batches(batches.SLICE_ROWS)), self.gives(table.schema))

    @property
    def step(self) -> Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
        return self.plan.verdicts

    def gives(self, schema: pa.Schema) -> pa.Schema:
        return batches.with_added(schema)

    def features(self, had: Features) -> Features:
        kept = {name: f for name, f in had.items() if name not in (batches.VERDICT, batches.REASONS)}
        return Features({**kept, **Features.from_arrow_schema(pa.schema(batches.ADDED))})


class Records(Verdicts):
    @property
    def step(self) -> Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
        return self.plan.records

    def gives(self, schema: pa.Schema) -> pa.Schema:
        return rows.RECORDS

    def features(self, had: Features) -> Features:
        return Features.from_arrow_schema(rows.RECORDS)


def _each(data: Any, work: Verdicts, num_proc: int | None) -> Any:
    if isinstance(data, DatasetDict | IterableDatasetDict):
        return type(data)({name: _each(part, work, num_proc) for name, part in data.items()})
    features = data.features or data._resolve_features().features
    work.plan.found(features.arrow_schema)
    into = work.features(features)
    if isinstance(data, IterableDataset):
        done = data.with_format("arrow").map(work, batched=True, batch_size=batches.SLICE_ROWS, features=into,
                                             remove_columns=[n for n in features if n not in into])
        return done.with_format(None)
    had = data.format
    done = data.with_format("arrow").map(work, batched=True, batch_size=batches.SLICE_ROWS, features=into, num_proc=num_proc,
                                         remove_columns=[n for n in features if n not in into], desc="deciding")
    return done.with_format(had["type"], **had["format_kwargs"])
