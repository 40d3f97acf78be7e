"""What was kept and what was dropped, each as a file of the sort that went in, in the order in which it went in.

**Facts**
- A record of a WARC file is copied byte for byte, with its packing; its digests and its id stay true. One gzip member or one
  Zstandard frame a record is what archives have (WARC 1.1, Annex D); where many records share one, each becomes a member.
- Records that are no pages go with the page that they belong to (WARC-Concurrent-To, either way); what belongs to none goes to
  both lists' first: to what is kept. What could not be read, or tells its length wrongly, goes to neither; it is counted.
- The first record of an ARC file tells what the others are like, and goes to both.
- A subset of a WACZ is one WARC file: its index and its signature were made for the whole.
- Rows keep their bytes: lines of JSON get two members more, lists of URLs get none, CSV and Parquet two columns. Members of tar
  files are copied byte for byte.
"""
from __future__ import annotations

import csv
import gzip
import io
import json
import os
import tarfile
import zlib
from bisect import bisect_right
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from rules import limits

from . import bounds, huggingface, inputs
from .arc import ArcFile
from .batch import ADDED, REASONS, VERDICT, with_added
from .sources import Source
from .warc_pages import Archive, Damage, Entry

COPY_BYTES = 1 << 20
GROUP_ROWS, GROUP_BYTES = 16_384, 32 << 20       # that wait for their row group; what comes first
Said = tuple[str, list[str]]         # verdict and reasons of one row


class Subset(Protocol):
    """Takes rows as a source gives them."""

    def add(self, rows: Any, keep: Sequence[bool], said: Sequence[Said]) -> None:
        """Rows, whether each is kept, and why."""

    def close(self) -> None:
        """The files are whole after this."""


class Files:
    """Where the two go; None: not wanted."""

    def __init__(self, kept: Path | None, dropped: Path | None):
        self.paths = {True: kept, False: dropped}

    @property
    def wanted(self) -> list[tuple[bool, Path]]:
        return [(side, path) for side, path in self.paths.items() if path is not None]


def subset(source: Source, files: Files) -> Subset:
    """For the sort of a source that has begun to be read."""
    match source.sort:
        case inputs.WARC | inputs.WACZ | inputs.ARC:
            return Records(source, files)
        case inputs.TAR:
            return Samples(source, files)
        case inputs.PARQUET:
            return Columns(source, files, parquet=True)
        case inputs.ARROW:
            return Columns(source, files, parquet=False)
        case inputs.CSV:
            return Csv(source, files)
        case inputs.JSONL:
            return Lines(files, with_members)
        case _:
            return Lines(files, lambda line, said: line)


def name_for(sort: str, name: str) -> str:
    """Name of a subset of a file of that name."""
    return name + ".warc.gz" if sort == inputs.WACZ else name.removesuffix(".gz").removesuffix(".zst") if sort in (
        inputs.CSV, inputs.JSONL, inputs.URLS) else name


# ---- tables

@dataclass(slots=True)
class _Side:
    """The rows that go to one side, some of them not written yet."""
    keep: bool
    writer: Any
    sink: Any = None
    waiting: list[pa.RecordBatch] = field(default_factory=list)
    rows: int = 0                    # that wait
    held_bytes: int = 0

    def add(self, chosen: pa.RecordBatch) -> None:
        self.waiting.append(chosen)
        self.rows += chosen.num_rows
        self.held_bytes += chosen.nbytes
        if self.rows >= GROUP_ROWS or self.held_bytes >= GROUP_BYTES:
            self.flush()

    def flush(self) -> None:
        if self.waiting:
            self.writer.write_table(pa.Table.from_batches(self.waiting))
            self.waiting, self.rows, self.held_bytes = [], 0, 0

    def close(self) -> None:
        self.flush()
        self.writer.close()
        if self.sink is not None:
            self.sink.close()


class Columns:
    """Parquet and Arrow: the same schema and two columns more."""

    def __init__(self, source: Source, files: Files, parquet: bool):
        schema = huggingface.with_features(with_added(source.schema))
        self._schema = schema
        self._open: list[_Side] = []
        for side, path in files.wanted:
            if parquet:
                self._open.append(_Side(side, pq.ParquetWriter(path, schema, compression="zstd")))
            else:
                sink = pa.OSFile(str(path), "wb")
                self._open.append(_Side(side, pa.ipc.new_stream(sink, schema), sink))

    def add(self, rows: Any, keep: Sequence[bool], said: Sequence[Said]) -> None:
        arrays = [rows.column(f.name) for f in self._schema if f.name not in (VERDICT, REASONS)]
        arrays += [pa.array([v for v, _ in said], ADDED[0].type), pa.array([r for _, r in said], ADDED[1].type)]
        batch = pa.RecordBatch.from_arrays(arrays, schema=self._schema)
        for side in self._open:
            chosen = batch.filter(pa.array([k is side.keep for k in keep], pa.bool_()))
            if chosen.num_rows:
                side.add(chosen)

    def close(self) -> None:
        for side in self._open:
            side.close()


class Lines:
    """Lines as they are, or with something added."""

    def __init__(self, files: Files, made: Any):
        self._open = [(side, path.open("wb")) for side, path in files.wanted]
        self._made = made

    def add(self, rows: Any, keep: Sequence[bool], said: Sequence[Said]) -> None:
        for side, stream in self._open:
            stream.writelines(self._made(line, why) for line, k, why in zip(rows, keep, said, strict=True) if k is side)

    def close(self) -> None:
        for _, stream in self._open:
            stream.close()


class Csv:
    def __init__(self, source: Source, files: Files):
        self._header = [name for name in source.schema if name not in (VERDICT, REASONS)]
        self._places = [n for n, name in enumerate(source.schema) if name not in (VERDICT, REASONS)]
        self._open = []
        for side, path in files.wanted:
            stream = path.open("w", encoding="utf-8", errors="surrogateescape", newline="")
            writer = csv.writer(stream)
            writer.writerow([*self._header, VERDICT, REASONS])
            self._open.append((side, stream, writer))

    def add(self, rows: Any, keep: Sequence[bool], said: Sequence[Said]) -> None:
        for side, _, writer in self._open:
            for row, k, (verdict, why) in zip(rows, keep, said, strict=True):
                if k is side:
                    cells = [row[n] if n < len(row) else "" for n in self._places] if len(row) <= len(self._places) else row
                    writer.writerow([*cells, verdict, " ".join(why)])

    def close(self) -> None:
        for _, stream, _ in self._open:
            stream.close()


class Samples:
    """Members of a tar file, byte for byte, a sample at a time."""

    def __init__(self, source: Source, files: Files):
        self._source = source
        self._open = [(side, path.open("wb")) for side, path in files.wanted]

    def add(self, rows: Any, keep: Sequence[bool], said: Sequence[Said]) -> None:
        stream = self._source.stream
        here = stream.tell()
        for sample, k in zip(rows, keep, strict=True):
            for side, out in self._open:
                if k is side:
                    _copy_range(stream, sample.start_bytes, sample.end_bytes, out)
        stream.seek(here)

    def close(self) -> None:
        for _, out in self._open:
            out.write(bytes(2 * tarfile.BLOCKSIZE))
            out.close()


def with_members(line: bytes, said: Said) -> bytes:
    """A line of JSON with verdict and reasons. A line that is no object stays as it is."""
    text = line.rstrip()
    members = f'"{VERDICT}":{json.dumps(said[0])},"{REASONS}":{json.dumps(said[1])}}}'.encode()
    if not text.startswith(b"{") or not text.endswith(b"}"):
        return line if line.endswith(b"\n") else line + b"\n"
    if f'"{VERDICT}"'.encode() in text:
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            return line
        return json.dumps({**value, VERDICT: said[0], REASONS: said[1]}, ensure_ascii=False).encode("utf-8", "replace") + b"\n"
    inner = text[:-1].rstrip()
    return inner + (b"" if inner.endswith(b"{") else b",") + members + b"\n"


# ---- WARC

class Records:
    """Remembers which record goes where, and copies them when all are known."""

    def __init__(self, source: Source, files: Files):
        self._source, self._files = source, files
        self._entries: dict[int, list[tuple[int, str, tuple[str, ...], bool | None]]] = {}

    def add(self, rows: Any, keep: Sequence[bool], said: Sequence[Said]) -> None:
        for entry, side in zip(rows, keep, strict=True):
            self.remember(len(self._source.archives) - 1, entry, side if entry.capture else None)

    def remember(self, archive: int, entry: Entry, side: bool | None) -> None:
        """Where a record of the archive of that number goes; None: it is no page."""
        self._entries.setdefault(archive, []).append((entry.offset_bytes, entry.record_id, entry.about, side))

    def close(self) -> None:
        streams = {side: path.open("wb") for side, path in self._files.wanted}
        try:
            for n, entries in self._entries.items():
                name, archive = self._source.archives[n]
                try:
                    with inputs.member(self._source.stream, name) as (stream, size):
                        self._copy(archive, entries, stream, size, streams)
                except inputs.UNREADABLE as error:
                    if isinstance(error, OSError) and error.errno is not None:
                        raise                        # the system's own: nothing can be written
                    why = f"the subsets lack some of {name or 'it'}: {str(error) or type(error).__name__}"
                    self._source.damage.append(Damage(-1, why[:limits.DETAIL_CHARS]))
        finally:
            for out in streams.values():
                out.close()

    def _copy(self, archive: Archive | ArcFile, entries: list[tuple[int, str, tuple[str, ...], bool | None]],
              stream: BinaryIO, size: int, streams: dict[bool, Any]) -> None:
        shared: dict[int, list[tuple[str, bool]]] = {}       # member -> its records
        for (offset, id, _, _), side in zip(entries, _sides(entries), strict=True):
            shared.setdefault(offset, []).append((id, side))
        starts = list(shared)
        broken = sorted({d.offset_bytes for d in archive.damage})
        packed = _is_gzip(stream)
        if starts and starts[0] and not broken:      # a dictionary that all frames need
            for out in streams.values():
                _copy_range(stream, 0, starts[0], out)
        for n, (start, records) in enumerate(shared.items()):
            end = starts[n + 1] if n + 1 < len(starts) else size
            if len(records) > 1:
                _repack(stream, start, records, streams, packed)
                continue
            side = records[0][1]
            if start in broken:
                continue
            if (at := bisect_right(broken, start)) < len(broken) and broken[at] < end:
                end = member_end(stream, start, broken[at]) if packed else broken[at]
            whole_file = n == 0 and self._source.sort == inputs.ARC
            for out in streams.values() if whole_file else [streams[side]] if side in streams else []:
                _copy_range(stream, start, end, out)


def _sides(entries: Sequence[tuple[int, str, tuple[str, ...], bool | None]]) -> list[bool]:
    """Where each record goes; what is no page follows the page that it names, or that names it."""
    by_id: dict[str, bool] = {}
    for _, id, about, side in entries:
        if side is not None:
            by_id[id] = side
            for other in about:
                by_id.setdefault(other, side)
    return [side if side is not None else next((by_id[i] for i in (id, *about) if i in by_id), True)
            for _, id, about, side in entries]


def _repack(stream: BinaryIO, start: int, sides: Sequence[tuple[str, bool]], streams: dict[bool, Any], packed: bool) -> None:
    """Records that share the member at `start`: each becomes one of its own. What could not be read has no side."""
    from fastwarc.warc import ArchiveIterator
    stream.seek(start)
    left = deque(sides)
    try:
        for record in ArchiveIterator(bounds.Watched(stream, start), parse_http=False, quirks_mode=True):
            if not left or bounds.place(record) != start:
                break
            if (record.headers.get("WARC-Record-ID") or "").strip("<> ") == left[0][0]:
                _, side = left.popleft()
                if side in streams:
                    _pack(record, streams[side], packed)
    except OSError as error:
        if error.errno is not None:
            raise


def _pack(record: Any, out: BinaryIO, packed: bool) -> None:
    """Nothing of a record that breaks off is left."""
    out.flush()
    start, whole = out.tell(), False
    size = record.headers.write(io.BytesIO()) + record.content_length + bounds.ENDS
    try:
        with (gzip.GzipFile("", "wb", 6, out, mtime=0) if packed
              else pa.CompressedOutputStream(pa.OSFile(out.name, "ab"), "zstd")) as member:
            whole = record.write(member) == size
    finally:
        out.seek(0 if whole else start, os.SEEK_END if whole else os.SEEK_SET)
        out.truncate()


def member_end(stream: BinaryIO, start: int, until: int) -> int:
    """Where the gzip member ends that begins at `start`, or the last behind it that ends by `until`; `start`: it is broken."""
    stream.seek(start)
    inflate, at, end = zlib.decompressobj(31), start, start
    while end < until and (chunk := stream.read(bounds.CHUNK_BYTES)):
        at += len(chunk)
        while chunk and end < until:
            try:
                inflate.decompress(chunk, COPY_BYTES)
            except zlib.error:
                return end
            chunk = inflate.unconsumed_tail
            if inflate.eof:
                chunk, inflate = inflate.unused_data, zlib.decompressobj(31)
                if start < end and at - len(chunk) > until:
                    return end
                end = at - len(chunk)
    return end


def _is_gzip(stream: BinaryIO) -> bool:
    stream.seek(0)
    return stream.read(2) == b"\x1f\x8b"


def _copy_range(stream: BinaryIO, start: int, end: int, out: BinaryIO) -> None:
    stream.seek(start)
    left = end - start
    while left > 0 and (chunk := stream.read(min(left, COPY_BYTES))):
        out.write(chunk)
        left -= len(chunk)


