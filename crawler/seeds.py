"""URLs to begin with: from a text file, standard input, or a column of a CSV or Parquet file.

**Facts**
- Text: one URL a line; empty lines, and comments, which begin with #, are skipped. CSV: RFC 4180, with a header.
  `.gz` at the end of a name means gzip.
- A big file is read as it is used, never whole.
"""
from __future__ import annotations

import csv
import gzip
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from .archive.local import local

STANDARD_INPUT = "-"
ROWS = 4_096                         # of a Parquet file at a time


class SeedError(ValueError):
    """The file is not what it should be. The message names file and place."""


def seeds(path: str, column: str = "url") -> Iterator[str]:
    """The URLs as they stand there. Raises OSError, SeedError."""
    name = path.lower()
    if name.endswith(".parquet"):
        yield from _parquet(path, column)
    elif name.endswith((".csv", ".csv.gz")):
        with _text(path) as file:
            yield from _csv(path, file, column)
    else:
        with _text(path) as file:
            yield from (line for line in map(str.strip, file) if line and not line.startswith("#"))


def _text(path: str) -> IO[str]:
    if path == STANDARD_INPUT:
        return open(sys.stdin.fileno(), encoding="utf-8-sig", errors="replace", closefd=False)
    if path.lower().endswith(".gz"):
        return gzip.open(path, "rt", encoding="utf-8-sig", errors="replace", newline="")
    return Path(path).open(encoding="utf-8-sig", errors="replace", newline="")


def _csv(path: str, file: IO[str], column: str) -> Iterator[str]:
    rows = csv.DictReader(file)
    try:
        if column not in (rows.fieldnames or ()):
            raise SeedError(f"{path}:1: no column '{column}'; there are: {', '.join(rows.fieldnames or ())}")
        for row in rows:
            if url := (row[column] or "").strip():
                yield url
    except csv.Error as error:
        raise SeedError(f"{path}:{rows.line_num}: {error}") from None


def _parquet(path: str, column: str) -> Iterator[str]:
    import pyarrow as pa
    import pyarrow.parquet as pq
    try:
        with pq.ParquetFile(local(path)) as file:
            if column not in file.schema_arrow.names:
                raise SeedError(f"{path}: no column '{column}'; there are: {', '.join(file.schema_arrow.names)}")
            for batch in file.iter_batches(ROWS, columns=[column]):
                yield from (url.strip() for url in batch.column(0).to_pylist() if isinstance(url, str) and url.strip())
    except pa.ArrowInvalid as error:
        raise SeedError(f"{path}: {error}") from None
