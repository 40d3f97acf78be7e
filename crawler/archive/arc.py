"""ARC files, the format that archives had before WARC, as captures. Read by warcio, which is slower than what reads WARC.

**Facts** (ARC 1.0 and 1.1, http://archive.org/web/researcher/ArcFileFormat.php)
- A record is a line "URL IP-address Archive-date Content-type Archive-length" and so many bytes, for http those of the
  response. The first is about the file. Dates have fourteen digits, in UTC. There are no digests and no ids.
- Each record may be a gzip member of its own.
"""
from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from rules import Carrier, limits

from . import captures
from .columns import time_of
from .records import Location
from .warc import UnreadableEvidence
from .warc_pages import BLOCK_BYTES, BROKEN_OFF, Damage, Entry

MAGIC = b"filedesc://"


@dataclass(slots=True)
class ArcFile:
    """One file, read once from its start; as warc_pages.Archive."""
    stream: BinaryIO
    file: str
    size_bytes: int
    everything: bool = False
    only: Callable[[str], object] | None = None
    damage: list[Damage] = field(default_factory=list)
    position_bytes: int = 0

    def __iter__(self) -> Iterator[Entry]:
        """Raises OSError."""
        from warcio.archiveiterator import ArchiveIterator
        from warcio.exceptions import ArchiveLoadFailed
        self.stream.seek(self.position_bytes)
        try:
            records = ArchiveIterator(self.stream, no_record_parse=True)
            for record in records:
                url = (record.rec_headers.get_header("uri") or "").strip()
                block = self._block(record, url)
                self.position_bytes = records.get_record_offset()        # which takes away what was not read
                entry = self._entry(record, url, block)
                if entry.capture is not None or self.everything:
                    yield entry
        except (ArchiveLoadFailed, EOFError, ValueError, AttributeError) as error:
            self.damage.append(Damage(self.position_bytes, (str(error) or BROKEN_OFF)[:limits.DETAIL_CHARS]))

    def _block(self, record: Any, url: str) -> bytes | None:
        """None: it is no page, or none that is wanted."""
        if record.rec_type != "response" or not url[:8].lower().startswith(("http://", "https://")) or (
                self.only is not None and not self.only(url)):
            return None
        stream, out, left = record.content_stream(), list[bytes](), BLOCK_BYTES
        while left > 0 and (part := stream.read(left)):
            out.append(part)
            left -= len(part)
        return b"".join(out)

    def _entry(self, record: Any, url: str, block: bytes | None) -> Entry:
        at, offset = record.rec_headers, self.position_bytes
        if block is None:
            return Entry(record.rec_type, "", offset)
        said = at.get_header("length") or ""
        short = said.isdigit() and len(block) < min(int(said), BLOCK_BYTES)
        if short:
            self.damage.append(Damage(offset, BROKEN_OFF))
        when = time_of(at.get_header("archive-date"))
        return Entry("response", "", offset, captures.of_response(url, block, when, Location(self.file, offset, ""),
                                                                  BROKEN_OFF if short else ""))


def read(stream: BinaryIO, at: Location, carrier: Carrier) -> bytes:
    """The bytes of a piece of evidence. Raises UnreadableEvidence, OSError."""
    for entry in ArcFile(stream, at.file, 0, position_bytes=at.offset_bytes):
        if entry.capture is not None:
            return entry.capture.fields.body if carrier is Carrier.HTTP_FIELDS else entry.capture.body.body
        break
    raise UnreadableEvidence(f"{at.file}: no record at byte {at.offset_bytes}")
