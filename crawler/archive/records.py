"""Records in Parquet: one row an asset and policy, findings and decisions as nested columns.

**Facts**
- A row holds its record whole: `record_of` gives back the very value that `rules.record.to_record` made.
- Absent and empty are the same in a record (rules/record.py), so null stands for both here.
- Nested columns and UTC timestamps are read as such by DuckDB and pandas (Apache Parquet, logical types:
  https://github.com/apache/parquet-format/blob/master/LogicalTypes.md).
OURS: beside the record stand `requested`, the key of the page in its run; `locations`, where each piece of evidence lies, in
its order, null where the bytes were not kept; what the record itself does not know, `size_bytes` of the asset's body; and what
a query could not get cheaply: `surt` of the page (crawler/archive/surt.py), `host` and `collected_at`.
"""
from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from rules.model import Asset, Carrier, Evidence, Terms
from rules.record import FIELD_NAMES, JSON, KINDS, time_from_text, time_text

from .local import local
from .surt import surt

BATCH_ROWS = 1_000                   # read at a time
HOSTS_KEPT = 4_096                   # of addresses, remembered
COLUMN_ROWS = 32_768                 # the same, of few columns


@dataclass(frozen=True, slots=True)
class Location:
    """Where bytes lie: a record of a WARC file, or a row of a table."""
    file: str                        # relative to the run folder, or the address of an archive or table that was read
    offset_bytes: int                # of the record, or of its gzip member; in a table the number of the row, from 0
    record_id: str = ""              # WARC-Record-ID, without angle brackets; in a table its column of ids, if there is one


@dataclass(frozen=True, slots=True)
class Row:
    """A record, whose page it is, and where its evidence lies."""
    requested: str
    record: JSON
    locations: tuple[Location | None, ...]
    size_bytes: int | None = None    # of the body, see `body_bytes`


TEXTS = pa.list_(pa.string())
TIME = pa.timestamp("us", "UTC")
TERMS = pa.struct([(f.name, TEXTS if f.name == "conditions" else pa.string()) for f in fields(Terms)])
ASSET = pa.struct([(f.name, pa.string()) for f in fields(Asset)])
ASKER = pa.struct([("token", pa.string()), ("commercial", pa.bool_()), ("country", pa.string())])
POLICY = pa.struct([("id", pa.string()), ("digest", pa.string())])
EVIDENCE = pa.struct([("carrier", pa.string()), ("uri", pa.string()), ("at", TIME), ("access", pa.string()),
                      ("status", pa.int32()), ("final_uri", pa.string()), ("detail", pa.string()), ("digest", pa.string())])
FINDING = pa.struct([(name, TERMS if name == "terms" else pa.string()) for name in dict.fromkeys(
    ("kind", *(FIELD_NAMES.get(kind, {}).get(f.name, f.name) for kind in KINDS.values() for f in fields(kind))))])
REASON = pa.struct([("finding", pa.int32()), ("rule", pa.string()), ("effect", pa.string())])
DECISION = pa.struct([("use", pa.string()), ("verdict", pa.string()), ("reasons", pa.list_(REASON)), ("duties", TEXTS),
                      ("terms", pa.list_(TERMS))])
LOCATION = pa.struct([("file", pa.string()), ("offset_bytes", pa.int64()), ("record_id", pa.string())])

RECORDS = pa.schema([
    ("requested", pa.string()), ("surt", pa.string()), ("host", pa.string()), ("collected_at", TIME),
    ("size_bytes", pa.int64()),
    ("schema", pa.string()), ("engine", pa.string()), ("asset", ASSET), ("asker", ASKER), ("policy", POLICY),
    ("evidence", pa.list_(EVIDENCE)), ("findings", pa.list_(FINDING)), ("decisions", pa.list_(DECISION)),
    ("locations", pa.list_(LOCATION))])


def table(rows: Sequence[Row]) -> pa.Table:
    """Rows as columns, made by hand: half the time of `Table.from_pylist`."""
    records = [row.record for row in rows]
    evidence = [[{**e, "at": time_from_text(e.get("at"))} for e in r["evidence"]] for r in records]
    columns: dict[str, list[Any]] = {
        "requested": [row.requested for row in rows],
        "surt": [surt(row.requested) for row in rows],
        "host": [host(r["asset"]["url"]) for r in records],
        "collected_at": [max(filter(None, (e["at"] for e in pieces)), default=None) for pieces in evidence],
        "size_bytes": [row.size_bytes for row in rows],
        **{name: [r[name] for r in records] for name in ("schema", "engine", "asset", "asker", "policy", "findings")},
        "evidence": evidence,
        "decisions": [[{"use": use, **d} for use, d in r["decisions"].items()] for r in records],
        "locations": [[at and {"file": at.file, "offset_bytes": at.offset_bytes, "record_id": at.record_id}
                       for at in row.locations] for row in rows],
    }
    return pa.table([pa.array(columns[f.name], f.type) for f in RECORDS], schema=RECORDS)


# How they are written. Statistics of what is asked for alone, and a level that packs as well as the third does.
WRITTEN: dict[str, Any] = {"compression": "zstd", "compression_level": 1,
                           "write_statistics": ["requested", "surt", "host", "collected_at", "size_bytes"]}


def write(path: Path, rows: pa.Table) -> None:
    pq.write_table(rows, local(path), **WRITTEN)


class Unreadable(ValueError, pa.ArrowException):  # type: ignore[misc]  # pyarrow is untyped
    """A file of records that is broken. The message names it, and is for a person."""


@contextmanager
def _opened(path: Path) -> Iterator[pq.ParquetFile]:
    """A broken file can fail anywhere while it is read. Raises Unreadable, OSError."""
    try:
        with pq.ParquetFile(local(path)) as file:
            yield file
    except (pa.ArrowException, OSError, ValueError, KeyError, TypeError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise Unreadable(f"{path} is broken: {error}") from error


def read(path: Path, policy: str = "", url: str = "") -> Iterator[Row]:
    """The rows of one file, or those of one policy, of one page, in bounded memory. Raises OSError, pyarrow.ArrowException."""
    with _opened(path) as file:
        for batch in file.iter_batches(BATCH_ROWS):
            if policy:
                batch = batch.filter(pc.equal(pc.struct_field(batch["policy"], "id"), policy))
            if url:
                led_to = pc.struct_field(batch["asset"], "url")
                batch = batch.filter(pc.or_(pc.equal(batch["requested"], url), pc.equal(led_to, url)))
            yield from _rows(batch)


def read_columns(path: Path, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """Some columns of one file, whole batches at a time. Raises OSError, pyarrow.ArrowException."""
    with _opened(path) as file:
        there = set(file.schema_arrow.names)
        for batch in file.iter_batches(COLUMN_ROWS, columns=[name for name in columns if name in there]):
            yield pa.RecordBatch.from_arrays(
                [batch[name] if name in there else pa.nulls(batch.num_rows, RECORDS.field(name).type) for name in columns],
                schema=pa.schema([RECORDS.field(name) for name in columns]))


def read_at(path: Path, places: Sequence[int]) -> Iterator[tuple[int, Row]]:
    """The rows of one file at these places, which are sorted, with their place. Raises OSError, pyarrow.ArrowException."""
    wanted, begins = iter(places), 0
    place = next(wanted, None)
    with _opened(path) as file:
        for batch in file.iter_batches(BATCH_ROWS):
            while place is not None and place < begins + len(batch):
                yield place, next(_rows(batch.slice(place - begins, 1)))
                place = next(wanted, None)
            begins += len(batch)


def count(path: Path) -> int:
    """How many rows a file has. Raises OSError, pyarrow.ArrowException."""
    with _opened(path) as file:
        return int(file.metadata.num_rows)


def _rows(batch: pa.RecordBatch) -> Iterator[Row]:
    there = set(batch.schema.names)                      # a file of before knows no size
    columns = [plain(batch.column(name)) if name in there else [None] * len(batch) for name in RECORDS.names]
    return (row_of(dict(zip(RECORDS.names, values, strict=True))) for values in zip(*columns, strict=True))


def row_of(columns: Mapping[str, Any]) -> Row:
    return Row(columns["requested"], record_of(columns), tuple(Location(**at) if at else None for at in columns["locations"]),
               columns["size_bytes"])


def record_of(columns: Mapping[str, Any]) -> JSON:
    """The record in a row, as `to_record` made it."""
    return {
        **{name: columns[name] for name in ("schema", "engine", "asset", "asker", "policy", "findings")},
        "evidence": [e | {"at": time_text(e["at"])} if "at" in e else e for e in columns["evidence"]],
        "decisions": {d["use"]: {"reasons": [], **{k: v for k, v in d.items() if k != "use"}} for d in columns["decisions"]},
    }


def plain(array: pa.Array) -> list[Any]:
    """The values of a column, structs without what is empty: five times as fast as `to_pylist`, and as a record wants them."""
    if pa.types.is_list(array.type):
        items = iter(plain(array.flatten()))
        return [list(islice(items, n or 0)) for n in pc.list_value_length(array).to_pylist()]
    if pa.types.is_struct(array.type):
        children = {array.type.field(n).name: child for n, child in enumerate(array.flatten()) if child.null_count < len(child)}
        rows = zip(*map(plain, children.values()), strict=True) if children else ((),) * len(array)
        return [{name: v for name, v in zip(children, values, strict=True) if v or v is False or v.__class__ is int}
                for values in rows]
    values: list[Any] = array.to_pylist()
    return values


def requested(path: Path) -> Iterable[str]:
    """The key of the page of every row."""
    with _opened(path) as file:
        column = file.read(columns=["requested"])["requested"]
    return (text for chunk in column.chunks for text in chunk.to_pylist())


def body_bytes(evidence: Iterable[Evidence]) -> int | None:
    """Bytes of the asset's own body as they were read: without content-coding, and as many as were kept while reading.
    None: nobody had any, or only a digest is left."""
    body = next((e for e in evidence if e.carrier is Carrier.BODY), None)
    return len(body.body) if body is not None and body.has_bytes and not body.recorded else None


def host(url: str) -> str:
    """Host of a URL, lower case; "" if it names none. Many addresses have the same, and none goes on behind its slash."""
    start = url.find("://") + 3
    end = url.find("/", start) + 1 if start > 2 else 0
    return _host_of(url[:end] or url)


@lru_cache(maxsize=HOSTS_KEPT)
def _host_of(url: str) -> str:
    """Most addresses tell theirs without a parser."""
    start = url.find("://") + 3
    found = url[start:end] if start > 2 and (end := url.find("/", start)) > 0 else ""
    if found.isascii() and found.replace(".", "").replace("-", "").isalnum() and found.islower():
        return found
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""

