"""Files of every sort -> chunks of captures, with the rows that they came from.

**Facts**
- A chunk is bounded in rows and in bytes, so that memory does not grow with the file, nor with what one cell holds.
- JSON Lines (https://jsonlines.org): one object a line; a line that is none is counted, and the next one is read. CSV as
  Python's csv module reads it, with a header line. A list of URLs: one a line, `#` begins a comment.
- What is broken is counted in `damage`; the rest is read. A line that is too long is broken, and belongs to no chunk.
- A row is known by the number that it has in its file, from 0; lines that are no rows count, too.
"""
from __future__ import annotations

import csv
import gzip
import io
import json
import sys
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, BinaryIO, cast

import pyarrow as pa
import pyarrow.parquet as pq

from rules import limits

from . import columns, inputs, shards
from .arc import ArcFile
from .captures import Capture
from .columns import Columns, ColumnsError
from .records import Location
from .warc_pages import Archive, Damage

CHUNK_ROWS = 1_000
PARQUET_ROWS = 100                   # fewer: a page that stands there a thousand times is packed once
CHUNK_BYTES = 32 << 20               # of cells, as far as can be told before they are read
BUFFER_BYTES = 1 << 20               # of a column that is read
LINE_BYTES = 64 << 20                # OURS: a longer line is not read
NAMED_LINES = 100                    # lines that are looked at for the names of columns

csv.field_size_limit(min(LINE_BYTES, sys.maxsize))
Locate = Callable[[int], Location | None]


@dataclass(slots=True)
class Chunk:
    """Captures, and the rows that they came from; None: a row that is no page."""
    captures: Sequence[Capture | None]   # one without an address is no page
    rows: Any                        # list[Entry], pa.RecordBatch, list[bytes], list[list[str]] or list[shards.Sample]


class Make:
    """What is made of the rows of tables: captures."""
    reads = True                     # whether lines are looked into

    def find(self, schema: pa.Schema) -> Columns | None:
        """What each column is; None: as for captures. Raises ColumnsError."""
        return None

    def of_batch(self, found: Columns, batch: pa.RecordBatch, locate: Locate) -> Sequence[Any]:
        return found.captures(batch, locate)

    def of_rows(self, found: Columns, rows: Sequence[Mapping[str, Any]], locate: Locate) -> Sequence[Any]:
        return found.captures_of(rows, locate)

    def columns(self, found: Columns, schema: pa.Schema) -> list[str] | None:
        """Those that are read of a Parquet file; None: all."""
        return None


@dataclass(slots=True)
class Source:
    """One opened file. `damage`, `told` and `at_bytes` fill up while `chunks` is read; `schema` is there after the first."""
    stream: BinaryIO
    uri: str
    size_bytes: int
    everything: bool = False         # also records that are no pages, for subsets
    only: Callable[[str], object] | None = None      # pages of archives whose URL it is false for are passed by
    again: Callable[[], BinaryIO] | None = None      # opens the file once more
    given: Mapping[str, str] = field(default_factory=dict)
    damage: list[Damage] = field(default_factory=list)
    told: str = ""                   # what was assumed about columns
    at_bytes: int = 0
    sort: str = ""
    schema: Any = None               # pa.Schema, or the header of a CSV file
    archives: list[tuple[str, Archive | ArcFile]] = field(default_factory=list)
    make: Make = field(default_factory=lambda: Make())

    def chunks(self) -> Iterator[Chunk]:
        """Raises OSError, ColumnsError, and pyarrow.ArrowException for a table that breaks off."""
        self.sort = self.sort or inputs.sort_of(self.stream, self.uri)
        make = READ.get(self.sort)
        if make is None:
            self.damage.append(Damage(0, "no archive and no table that is known here"))
            return iter(())
        return make(self)

    # ---- archives

    def _warc(self) -> Iterator[Chunk]:
        return self._archive(Archive(self.stream, self.uri, self.size_bytes, self.everything, self.only,
                                     again=self.again), "")

    def _wacz(self) -> Iterator[Chunk]:
        with zipfile.ZipFile(self.stream) as packed:
            members = [m for m in packed.infolist() if inputs.sort_of_name(m.filename) == inputs.WARC]
            if not members:
                self.damage.append(Damage(0, "no WARC files are in it"))
            for member in members:
                try:
                    with packed.open(member) as stream:
                        name = f"{self.uri}!{member.filename}"
                        archive = Archive(cast(BinaryIO, stream), name, member.file_size, self.everything, self.only,
                                          again=partial(_member, packed, member))
                        yield from self._archive(archive, member.filename)
                except (*inputs.UNREADABLE, NotImplementedError, RuntimeError) as error:    # packed or locked in other ways
                    why = f"{member.filename}: {str(error) or type(error).__name__}"
                    self.damage.append(Damage(-1, why[:limits.DETAIL_CHARS]))

    def _arc(self) -> Iterator[Chunk]:
        return self._archive(ArcFile(self.stream, self.uri, self.size_bytes, self.everything, self.only), "")

    def _archive(self, archive: Archive | ArcFile, name: str) -> Iterator[Chunk]:
        self.archives.append((name, archive))
        try:
            for entry in archive:
                self.at_bytes = archive.position_bytes
                yield Chunk([entry.capture], [entry])
        finally:
            self.damage += archive.damage

    # ---- tables

    def _locate(self, first: int) -> Locate:
        return lambda n: Location(self.uri, first + n, "")

    def _locate_lines(self, numbers: Sequence[int]) -> Locate:
        return lambda n: Location(self.uri, numbers[n], "")

    def _parquet(self) -> Iterator[Chunk]:
        with pq.ParquetFile(self.stream, buffer_size=BUFFER_BYTES, pre_buffer=False) as file:
            self.schema = file.schema_arrow
            found = self._found(self.schema)
            wanted = self.make.columns(found, self.schema)
            total, done = max(file.metadata.num_rows, 1), 0
            for n in range(file.num_row_groups):
                group = file.metadata.row_group(n)
                each = max(1, min(PARQUET_ROWS, CHUNK_BYTES * group.num_rows // max(group.total_byte_size, 1)))
                rows = CHUNK_ROWS if wanted else each
                for batch in file.iter_batches(rows, row_groups=[n], columns=wanted, use_threads=False):
                    yield Chunk(self.make.of_batch(found, batch, self._locate(done)), batch)
                    done += batch.num_rows
                    self.at_bytes = self.size_bytes * done // total

    def _arrow(self) -> Iterator[Chunk]:
        start = self.stream.read(6)
        self.stream.seek(0)
        if start == b"ARROW1":
            file = pa.ipc.open_file(self.stream)
            batches: Iterator[Any] = (file.get_batch(n) for n in range(file.num_record_batches))
        else:
            file = pa.ipc.open_stream(self.stream)
            batches = iter(file)
        self.schema = file.schema
        found, done = self._found(self.schema), 0
        for batch in batches:
            batch.validate(full=True)                # what is not checked leads out of its buffers, and ends the process
            each = max(1, min(CHUNK_ROWS, CHUNK_BYTES * batch.num_rows // max(batch.nbytes, 1)))
            for n in range(0, batch.num_rows, each):
                rows = batch.slice(n, each)
                yield Chunk(self.make.of_batch(found, rows, self._locate(done + n)), rows)
            done += batch.num_rows
            self.at_bytes = self.stream.tell()

    def _tar(self) -> Iterator[Chunk]:
        found: Columns | None = None
        try:
            for n, sample in enumerate(shards.samples(self.stream)):
                if sample.trouble:
                    self.damage.append(Damage(sample.start_bytes, sample.trouble[:limits.DETAIL_CHARS]))
                if found is None:
                    found = self._found(_schema([{**dict.fromkeys(shards.ROLES, ""), **sample.row}]))
                self.at_bytes = sample.end_bytes
                yield Chunk(self.make.of_rows(found, [sample.row], self._locate(n)), [sample])
        except tarfile.TarError as error:
            self.damage.append(Damage(self.at_bytes, str(error)[:limits.DETAIL_CHARS]))

    def _jsonl(self) -> Iterator[Chunk]:
        found: Columns | None = None
        for lines, numbers in self._lines():
            rows: list[dict[str, Any]] = [{}] * len(lines)
            if self.make.reads:
                rows = [self._object(line, n) or {} for line, n in zip(lines, numbers, strict=True)]
            if found is None:
                found = self._found(_schema([row for row in rows if row][:NAMED_LINES]))
            yield Chunk(self.make.of_rows(found, rows, self._locate_lines(numbers)), lines)

    def _object(self, line: bytes, number: int) -> dict[str, Any] | None:
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            value = None
        if isinstance(value, dict):
            return value
        self.damage.append(Damage(-1, f"line {number + 1} is no JSON object"))
        return None

    def _csv(self) -> Iterator[Chunk]:
        text = io.TextIOWrapper(self._unpacked(), "utf-8-sig", errors="surrogateescape", newline="")
        lines = csv.reader(text)
        self.schema = next(lines, [])
        found = self._found(pa.schema([(name, pa.string()) for name in dict.fromkeys(self.schema)]))
        rows: list[list[str]] = []
        done = held = 0
        try:
            for row in lines:
                rows.append(row)
                held += sum(map(len, row))
                if len(rows) >= CHUNK_ROWS or held >= CHUNK_BYTES:
                    yield self._csv_chunk(found, rows, done)
                    done, rows, held = done + len(rows), [], 0
        except (csv.Error, EOFError, zlib.error) as error:
            self.damage.append(Damage(self.stream.tell(), str(error)[:limits.DETAIL_CHARS]))
        finally:
            text.detach()
        if rows:
            yield self._csv_chunk(found, rows, done)

    def _csv_chunk(self, found: Columns, rows: list[list[str]], first: int) -> Chunk:
        self.at_bytes = self.stream.tell()
        named = [{k: v for k, v in zip(self.schema, row, strict=False) if v} for row in rows]
        return Chunk(self.make.of_rows(found, named, self._locate(first)), rows)

    def _urls(self) -> Iterator[Chunk]:
        found = columns.find(pa.schema([("url", pa.string())]))
        self.told = "one URL a line"
        for lines, numbers in self._lines():
            said = [line.split(b"#")[0].strip().decode("utf-8", "replace") for line in lines]
            rows = [{"url": url} if "://" in url else {} for url in said]
            yield Chunk(self.make.of_rows(found, rows, self._locate_lines(numbers)), lines)

    def _lines(self) -> Iterator[tuple[list[bytes], list[int]]]:
        """Lines with their ends, in chunks, and their numbers."""
        stream, lines, numbers, held = self._unpacked(), list[bytes](), list[int](), 0
        try:
            number = 0
            while line := stream.readline(LINE_BYTES):
                if len(line) == LINE_BYTES and not line.endswith(b"\n"):
                    self.damage.append(Damage(-1, f"line {number + 1} is longer than {LINE_BYTES >> 20} MiB"))
                    while (line := stream.readline(LINE_BYTES)) and not line.endswith(b"\n"):
                        pass
                else:
                    lines.append(line)
                    numbers.append(number)
                    held += len(line)
                number += 1
                if len(lines) >= CHUNK_ROWS or held >= CHUNK_BYTES:
                    self.at_bytes = self.stream.tell()
                    yield lines, numbers
                    lines, numbers, held = [], [], 0
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            self.damage.append(Damage(self.stream.tell(), str(error)[:limits.DETAIL_CHARS]))
        if lines:
            yield lines, numbers

    def _unpacked(self) -> Any:
        start = self.stream.read(4)
        self.stream.seek(0)
        if start.startswith(b"\x1f\x8b"):
            return gzip.GzipFile(fileobj=self.stream)
        if start == b"\x28\xb5\x2f\xfd":
            return io.BufferedReader(pa.CompressedInputStream(pa.PythonFile(self.stream), "zstd"))
        return self.stream

    def _found(self, schema: pa.Schema) -> Columns:
        found = self.make.find(schema) or columns.find(schema, self.given)
        self.told = found.told
        return found


READ: dict[str, Callable[[Source], Iterator[Chunk]]] = {
    inputs.WARC: Source._warc, inputs.WACZ: Source._wacz, inputs.PARQUET: Source._parquet, inputs.ARROW: Source._arrow,
    inputs.JSONL: Source._jsonl, inputs.CSV: Source._csv, inputs.URLS: Source._urls, inputs.TAR: Source._tar,
    inputs.ARC: Source._arc,
}
TABLES = (inputs.PARQUET, inputs.ARROW, inputs.JSONL, inputs.CSV, inputs.URLS, inputs.TAR)
FAILURES = (*inputs.UNREADABLE, csv.Error, ColumnsError, pa.ArrowException)


def _schema(rows: list[dict[str, Any]]) -> pa.Schema:
    """As much of a schema as the names of columns need."""
    names: dict[str, Any] = {}
    for row in rows:
        for name, value in row.items():
            kind = pa.struct([(k, pa.null()) for k in value]) if isinstance(value, dict) else pa.string()
            names.setdefault(name, kind)
    return pa.schema(list(names.items()))


def _member(packed: zipfile.ZipFile, member: zipfile.ZipInfo) -> BinaryIO:
    return cast(BinaryIO, packed.open(member))
