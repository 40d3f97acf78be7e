"""Captures as rows of an Arrow table and back, nothing lost: how engines hand pages from one step to the next.

**Facts**
- The columns of PAGES have the names that other tools know (crawler/archive/columns.py). What those cannot say, why a body is
  cut or where its record lies, stands in one more, `maymine_capture`; with it a row gives the very capture that made it.
- Whoever takes that column away is left with a table like any other.
- What could not be read of a file is a row too: without an address, its `damage` says where and why.
"""
from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import UTC
from typing import Any

import pyarrow as pa

from rules import Access, Asset, Carrier, Evidence

from ..terminal import harmless
from . import inputs, records, sources
from .captures import Capture
from .records import Location

LOG = logging.getLogger(__name__)
CAPTURE = "maymine_capture"
PIECE = pa.struct([("at", records.TIME), ("access", pa.string()), ("status", pa.int32()), ("detail", pa.string())])
KEPT = pa.struct([("asset", records.ASSET), ("fields", PIECE), ("body", PIECE), ("location", records.LOCATION),
                  ("body_location", records.LOCATION)])
PAGES = pa.schema([
    ("url", pa.string()), ("http_headers", pa.binary()), ("http_status", pa.int32()), ("warc_date", records.TIME),
    ("media_type", pa.string()), ("record_id", pa.string()), ("body", pa.binary()), ("damage", pa.string()), (CAPTURE, KEPT)])
BATCH_ROWS, BATCH_BYTES = 512, 8 << 20


@dataclass(frozen=True, slots=True)
class Pages:
    """Stands in for `columns.Columns` where rows hold whole captures."""
    told: str = "pages as they were captured"

    def captures(self, batch: pa.RecordBatch, locate: Callable[[int], Location | None] = lambda n: None) -> list[Capture]:
        columns = [batch.column(batch.schema.get_field_index(name)).to_pylist() for name in ("http_headers", "body", CAPTURE)]
        return [capture_of(*row) for row in zip(*columns, strict=True)]


def is_pages(schema: pa.Schema) -> bool:
    return CAPTURE in schema.names and pa.types.is_struct(schema.field(CAPTURE).type)


def of_file(uri: str) -> Iterator[pa.RecordBatch]:
    """Every page of an archive or table, in batches of bounded size. Raises OSError, InputError where it cannot be opened.
    What cannot be read in it is told in the log, too: records have no place for it."""
    for batch in in_batches(rows_of_file(uri)):
        for told in batch.column("damage").drop_null().to_pylist():
            LOG.warning("broken: %s", harmless(told))
        yield batch


def rows_of_file(uri: str, given: Mapping[str, str] | None = None) -> Iterator[dict[str, Any]]:
    with inputs.opened(uri) as stream:
        size_bytes = stream.seek(0, 2)
        stream.seek(0)
        source = sources.Source(stream, uri, size_bytes, given=given or {}, again=lambda: inputs.opened(uri))
        yield from rows_of(source)


def rows_of(source: sources.Source) -> Iterator[dict[str, Any]]:
    """Rows of PAGES; those that tell of damage come last."""
    broken = ""
    try:
        for chunk in source.chunks():
            yield from (row_of(c) for c in chunk.captures if c is not None)
    except sources.FAILURES as error:
        broken = str(error)
    for damage in source.damage:
        yield {"damage": f"{source.uri}: {damage}"}
    if broken:
        yield {"damage": f"{source.uri}: {broken}"}


def in_batches(rows: Iterable[dict[str, Any]]) -> Iterator[pa.RecordBatch]:
    waiting: list[dict[str, Any]] = []
    held = 0
    for row in rows:
        waiting.append(row)
        held += len(row.get("body") or b"")
        if len(waiting) >= BATCH_ROWS or held >= BATCH_BYTES:
            yield pa.RecordBatch.from_pylist(waiting, PAGES)
            waiting, held = [], 0
    if waiting:
        yield pa.RecordBatch.from_pylist(waiting, PAGES)


def row_of(capture: Capture) -> dict[str, Any]:
    asset, head, body = capture.asset, capture.fields, capture.body
    return {"url": asset.url, "http_headers": head.body if head.has_bytes else None, "http_status": head.status,
            "warc_date": capture.at, "media_type": asset.media_type or None, "body": body.body if body.has_bytes else None,
            "record_id": capture.location.record_id if capture.location else None,
            CAPTURE: {"asset": _values(asset), "fields": _piece(head), "body": _piece(body),
                      "location": _values(capture.location), "body_location": _values(capture.body_location)}}


def capture_of(head: Any, body: Any, kept: Mapping[str, Any] | None) -> Capture:
    """The capture that made a row; one without an address for a row that is no page."""
    if not kept or not kept["asset"]:
        nothing = Evidence(Carrier.HTTP_FIELDS, "", None, Access.NOT_COLLECTED)
        return Capture(Asset(""), nothing, nothing)
    asset = Asset(*(kept["asset"].get(f.name) or "" for f in fields(Asset)))
    return Capture(asset, _evidence(Carrier.HTTP_FIELDS, asset.url, head, kept["fields"]),
                   _evidence(Carrier.BODY, asset.url, body, kept["body"]),
                   *(Location(**at) if (at := kept[name]) and at["file"] is not None else None
                     for name in ("location", "body_location")))


def _values(of: Asset | Location | None) -> dict[str, Any] | None:
    return {f.name: getattr(of, f.name) for f in fields(of)} if of else None


def _piece(e: Evidence) -> dict[str, Any]:
    return {"at": e.at, "access": e.access.value, "status": e.status, "detail": e.detail or None}


def _evidence(carrier: Carrier, url: str, body: bytes | None, kept: Mapping[str, Any]) -> Evidence:
    at = kept["at"] and (kept["at"].astimezone(UTC) if kept["at"].tzinfo else kept["at"].replace(tzinfo=UTC))
    return Evidence(carrier, url, at, Access(kept["access"]), bytes(body or b""), kept["status"], detail=kept["detail"] or "")
