"""Copies of files of sites on disk, in order of address and time: more of them than memory holds, for many processes.

**Facts**
- The Parquet file is for people and engines; its columns are SITES. Beside it a run keeps the same in Arrow's file format
  (https://arrow.apache.org/docs/format/Columnar.html#ipc-file-format) without packing: it is mapped into memory, so that
  workers share it, and what nobody asks for is never read.
- Copies are sorted in runs of bounded size, which then are merged.
"""
from __future__ import annotations

import heapq
import tempfile
from bisect import bisect_left, bisect_right
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from rules import Access

from . import records
from .copies import NO_TIME, Copy
from .local import local
from .records import Location

SITES = pa.schema([("uri", pa.string()), ("at", records.TIME), ("status", pa.int32()), ("location", pa.string()),
                   ("detail", pa.string()), ("access", pa.string()), ("body", pa.binary()), ("record", records.LOCATION)])
BATCH_ROWS = 500
HELD_BYTES = 128 << 20               # of copies that are sorted together
COPY_BYTES = 600                     # about what one takes beside its body
KEPT, KEPT_BYTES = 20_000, 128 << 20     # addresses whose copies are remembered


def write(path: Path, copies: Iterable[Copy]) -> int:
    """Copies as Parquet, in order of address and time; how many."""
    with pq.ParquetWriter(local(path), SITES, compression="zstd") as writer:
        return sum(_written(writer, batch) for batch in _batches(_sorted(copies)))


def write_mapped(path: Path, copies: Iterable[Copy]) -> None:
    """The same for `Mapped`."""
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, SITES) as writer:
        for batch in _batches(_sorted(copies)):
            _written(writer, batch)


def read(path: str | Path | BinaryIO) -> Iterator[Copy]:
    """Raises OSError, pyarrow.ArrowException, KeyError, ValueError where the file holds something else."""
    with pq.ParquetFile(local(path)) as file:
        for batch in file.iter_batches(records.BATCH_ROWS, columns=SITES.names):
            yield from of_rows(batch.to_pylist())


def files_in(path: Path) -> int:
    """How many files there are copies of."""
    last, n = None, 0
    with pq.ParquetFile(local(path)) as file:
        for batch in file.iter_batches(columns=["uri"]):
            for uri in batch.column("uri").to_pylist():
                n, last = n + (uri != last), uri
    return n


def of_rows(rows: Iterable[Mapping[str, Any]]) -> Iterator[Copy]:
    """Rows of SITES as copies. Raises KeyError, ValueError."""
    for row in rows:
        at, where = row["at"], row["record"]
        yield Copy(row["uri"], at.astimezone(UTC) if at else NO_TIME, Access(row["access"]), row["status"],
                   row["body"] or b"", row["location"] or "", row["detail"] or "", Location(**where) if where else None)


class Mapped:
    """Copies by address, out of a file of `write_mapped`. An address gives the very same copies while it is remembered."""

    def __init__(self, path: str | Path):
        self._file = pa.ipc.open_file(pa.memory_map(str(path)))
        self._firsts = [self._file.get_batch(n).column("uri")[0].as_py() for n in range(self._file.num_record_batches)]
        self._known: OrderedDict[str, list[Copy]] = OrderedDict()
        self._held = 0                               # bytes of what is known

    def get(self, uri: str) -> list[Copy]:
        """In order of time; none: []."""
        if uri not in self._known:
            self._known[uri] = list(self._found(uri))
            self._held += sum(len(c.body) for c in self._known[uri])
            while len(self._known) > 1 and (len(self._known) > KEPT or self._held > KEPT_BYTES):
                self._held -= sum(len(c.body) for c in self._known.popitem(last=False)[1])
        return self._known[uri]

    def holds(self, origin: str) -> bool:
        """Whether there is any copy of this site."""
        wanted = origin + "/"
        n = max(bisect_right(self._firsts, wanted) - 1, 0)
        for batch in map(self._file.get_batch, range(n, min(n + 2, self._file.num_record_batches))):
            uris = batch.column("uri")
            at = bisect_left(_Texts(uris), wanted)
            if at < len(uris):
                return bool(uris[at].as_py().startswith(wanted))
        return False

    def _found(self, uri: str) -> Iterator[Copy]:
        for n in range(max(bisect_left(self._firsts, uri) - 1, 0), self._file.num_record_batches):
            batch = self._file.get_batch(n)
            texts = _Texts(batch.column("uri"))
            start, end = bisect_left(texts, uri), bisect_right(texts, uri)
            yield from of_rows(batch.slice(start, end - start).to_pylist())
            if end < batch.num_rows:
                break


class _Texts(Sequence[str]):
    """A column of texts, one of which is looked at when it is asked for."""

    def __init__(self, column: pa.Array):
        self._column = column

    def __len__(self) -> int:
        return len(self._column)

    def __getitem__(self, n: Any) -> Any:
        return self._column[n].as_py()


def _sorted(copies: Iterable[Copy]) -> Iterator[Copy]:
    """In order of address and time, with no more than HELD_BYTES of them in memory."""
    waiting: list[Copy] = []
    held = 0
    with tempfile.TemporaryDirectory(prefix="maymine-sites-") as folder:
        runs: list[Path] = []
        for copy in copies:
            waiting.append(copy)
            held += COPY_BYTES + len(copy.body)
            if held >= HELD_BYTES:
                runs.append(Path(folder) / f"{len(runs)}.parquet")
                _run(runs[-1], waiting)
                waiting, held = [], 0
        waiting.sort(key=_order)
        yield from heapq.merge(*map(read, runs), waiting, key=_order)


def _run(path: Path, copies: list[Copy]) -> None:
    copies.sort(key=_order)
    with pq.ParquetWriter(local(path), SITES, compression="zstd") as writer:
        for batch in _batches(copies):
            _written(writer, batch)


def _order(copy: Copy) -> tuple[Any, ...]:
    return copy.uri, copy.at


def _batches(copies: Iterable[Copy]) -> Iterator[pa.RecordBatch]:
    some: list[Copy] = []
    for copy in copies:
        some.append(copy)
        if len(some) >= BATCH_ROWS:
            yield _batch(some)
            some = []
    if some:
        yield _batch(some)


def _batch(copies: Sequence[Copy]) -> pa.RecordBatch:
    columns: Mapping[str, Sequence[Any]] = {
        "uri": [c.uri for c in copies], "at": [None if c.at == NO_TIME else c.at for c in copies],
        "status": [c.status for c in copies], "location": [c.leads_to or None for c in copies],
        "detail": [c.detail or None for c in copies], "access": [c.access.value for c in copies],
        "body": [c.body for c in copies],
        "record": [c.record and {"file": c.record.file, "offset_bytes": c.record.offset_bytes, "record_id": c.record.record_id}
                   for c in copies]}
    return pa.RecordBatch.from_arrays([pa.array(columns[f.name], f.type) for f in SITES], schema=SITES)


def _written(writer: Any, batch: pa.RecordBatch) -> int:
    writer.write_batch(batch)
    return int(batch.num_rows)
