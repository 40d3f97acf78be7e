"""The journal of a run: a line for each page that is finished and not yet in Parquet (run.py).

INVARIANT: a line without its LF was never finished, and is none.
"""
from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from rules.record import dumps

from .archive.records import Location, Row


def line(requested: str, locations: Iterable[Location | None], size_bytes: int | None, made: list[Any]) -> bytes:
    """One page as a line of the journal. A surrogate that stands alone, which no encoding has, becomes a question mark."""
    where = [at and [at.file, at.offset_bytes, at.record_id] for at in locations]
    page = {"requested": requested, "locations": where, "size_bytes": size_bytes, "records": made}
    return dumps(page).encode("utf-8", "replace") + b"\n"


def pages(journal: Path) -> Iterator[dict[str, Any]]:
    """The finished lines of a journal. Raises FileNotFoundError."""
    with journal.open("rb") as file:
        for one in file:
            if one.endswith(b"\n"):
                yield json.loads(one)


def rows(page: dict[str, Any]) -> Iterator[Row]:
    """The records of a page."""
    where = tuple(at and Location(*at) for at in page["locations"])
    return (Row(page["requested"], record, where, page.get("size_bytes")) for record in page["records"])
