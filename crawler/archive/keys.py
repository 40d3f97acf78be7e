"""What rows of a data set are known by: address, key of indexes, record, digest, time. No bodies are looked at.

**Facts**
- Names of columns are as free as those of crawler/archive/columns.py; those that hold keys are KEYS, and a digest counts where
  it is the SHA-256 of the bytes as `filter` saw them. FineWeb and datatrove keep the WARC-Record-ID in `id`.
- Text made of a page (WET, `conversion`) is known by the record that it was made of (WARC 1.1, 5.10 WARC-Refers-To).
"""
from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from . import columns, sources
from .columns import Columns, ColumnsError
from .sources import Locate
from .warc_pages import Entry

RECORD_ID, URL, SURT, DIGEST, AT = "record_id", "url", "surt", "digest", "at"
CHOICE = (RECORD_ID, URL, SURT, DIGEST)          # in the order in which they are believed
KEYS: dict[str, tuple[str, ...]] = {
    RECORD_ID: ("warc_record_id", "record_id", "warc_refers_to", "id"),
    URL: columns.NAMES["url"],
    SURT: ("surt", "url_surtkey", "surtkey", "surt_key", "urlkey"),
    DIGEST: ("sha256", "content_sha256", "digest", "content_digest"),
    AT: columns.NAMES["at"],
}
SCHEMA = pa.schema([("n", pa.int64()), *((name, pa.string()) for name in CHOICE), (AT, pa.timestamp("us", "UTC"))])
_ID = re.compile(r"<?\s*(urn:uuid:[0-9A-Fa-f-]{36})\s*>?")
_SHA256 = re.compile(r"(?:sha-?256:)?([0-9a-fA-F]{64})")


class Found(sources.Make):
    """Makes keys of rows, in the order of SCHEMA but for `n`. `given` says which column is what."""

    def __init__(self, given: Mapping[str, str] | None = None):
        self._given = dict(given or {})

    def find(self, schema: pa.Schema) -> Columns:
        names = columns.named(schema, KEYS, self._given)
        if not names.keys() & set(CHOICE):
            there = ", ".join(schema.names) or "none at all"
            raise ColumnsError(f"no column holds addresses, records or digests; there are {there}")
        return Columns(names)

    def columns(self, found: Columns, schema: pa.Schema) -> list[str] | None:
        return sorted({name if name in schema.names else name.split(".")[0] for name in found.names.values()})

    def of_batch(self, found: Columns, batch: pa.RecordBatch, locate: Locate) -> Sequence[Any]:
        return [_key(*row) for row in found.values(batch, KEYS)]

    def of_rows(self, found: Columns, rows: Sequence[Mapping[str, Any]], locate: Locate) -> Sequence[Any]:
        return [_key(*row) for row in found.values_of(rows, KEYS)]


class Nothing(sources.Make):
    """Makes nothing: the rows alone are wanted."""
    reads = False

    def find(self, schema: pa.Schema) -> Columns:
        return Columns({})

    def of_batch(self, found: Columns, batch: pa.RecordBatch, locate: Locate) -> Sequence[Any]:
        return [None] * batch.num_rows

    def of_rows(self, found: Columns, rows: Sequence[Mapping[str, Any]], locate: Locate) -> Sequence[Any]:
        return [None] * len(rows)


def of_entry(entry: Entry) -> tuple[Any, ...]:
    """The keys of a record of an archive."""
    c = entry.capture
    if c is None:
        return (None,) * 5
    id = next((i for i in entry.about if _ID.fullmatch(i)), "") if entry.kind == "conversion" else ""
    return id or entry.record_id or None, c.asset.url or None, None, c.body.digest or None, c.at


def _key(record_id: Any, url: Any, surt: Any, digest: Any, at: Any) -> tuple[Any, ...]:
    told = _ID.fullmatch(record_id.strip()) if isinstance(record_id, str) else None
    sum_ = _SHA256.fullmatch(digest.strip()) if isinstance(digest, str) else None
    return (told[1].lower() if told else None, str(url).strip() or None if url is not None else None, surt or None,
            f"sha256:{sum_[1].lower()}" if sum_ else None, columns.time_of(at))
