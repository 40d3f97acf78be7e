"""Evidence that lies in archives and tables of others, read again by its location.

**Facts**
- A record of an archive is read where it lies. A row of a table has no place that could be gone to in every format, so tables
  are read from their start; whoever asks for rows in their order reads a table once.
"""
from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import BinaryIO, cast

from rules import Carrier

from . import arc, inputs, sources, warc_pages
from .captures import Capture
from .records import Location
from .warc import UnreadableEvidence


class Reader:
    """Reads by location; keeps the table open that it read last. `given` says what columns are, as when it was decided."""

    def __init__(self, given: Mapping[str, str] | None = None):
        self._given = dict(given or {})
        self.uri = ""                                # of the table that is open
        self._stream: BinaryIO | None = None
        self._rows: Iterator[Capture] = iter(())
        self._row: Capture | None = None

    def read(self, uri: str, at: Location, carrier: Carrier) -> bytes:
        """Raises UnreadableEvidence. `uri` may be of a file inside a ZIP: "crawl.wacz!archive/data.warc.gz"."""
        try:
            if "!" not in uri and uri == self.uri:
                return self._of_row(at, carrier)
            whole, _, name = uri.partition("!")
            with inputs.opened(whole) as stream, inputs.member(stream, name) as (inner, _):
                sort = inputs.WARC if name else inputs.sort_of(inner, uri)
                if sort == inputs.WARC:
                    return warc_pages.read(inner, at, carrier)
                if sort == inputs.ARC:
                    return arc.read(inner, at, carrier)
            self._open(uri)
            return self._of_row(at, carrier)
        except (*sources.FAILURES, zipfile.BadZipFile, KeyError) as error:
            raise UnreadableEvidence(f"{at.file}: {error}") from error

    def close(self) -> None:
        if self._stream is not None:
            self._stream.close()
        self.uri, self._stream, self._rows, self._row = "", None, iter(()), None

    def _open(self, uri: str) -> None:
        self.close()
        self.uri, self._stream = uri, inputs.opened(uri)
        source = sources.Source(self._stream, uri, 0, given=self._given)
        self._rows = (c for chunk in source.chunks() for c in cast(list[Capture], chunk.captures))

    def _of_row(self, at: Location, carrier: Carrier) -> bytes:
        if self._row is not None and _number(self._row) > at.offset_bytes:
            self._open(self.uri)
        while self._row is None or _number(self._row) < at.offset_bytes:
            self._row = next(self._rows, None)
            if self._row is None:
                self.close()
                break
        if self._row is None or _number(self._row) != at.offset_bytes:
            raise UnreadableEvidence(f"{at.file}: there is no row {at.offset_bytes}")
        piece = self._row.fields if carrier is Carrier.HTTP_FIELDS else self._row.body
        return piece.body

    def __del__(self) -> None:
        with suppress(OSError):
            self.close()


def told(at: Location | None) -> str:
    """Where a piece of evidence lies, for a person; "": nowhere."""
    if at is None:
        return ""
    unit = "row" if inputs.sort_of_name(at.file) in sources.TABLES else "byte"
    return f"in {at.file}, {unit} {at.offset_bytes}" + (f", {at.record_id}" if at.record_id else "")


def _number(row: Capture) -> int:
    return row.location.offset_bytes if row.location is not None else -1
