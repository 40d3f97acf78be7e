"""WARC files of others, read so that nothing is missed in silence: what cannot be read is counted, and named.

**Facts** (WARC 1.1, ISO 28500:2017: https://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/)
- 6.3 `response`, 6.4 `resource`: a full response; bytes without one. 6.7 `revisit`: the payload is the same as that of a record
  with the same payload digest. 6.8 `conversion`: made from another record. 6.9 `continuation`: the rest of a segment.
- 5.13: WARC-Truncated says that less was kept than came. 5.18: a record with a segment number is the first part of more.
- Annex D: each record may be a gzip member of its own; if so, the next member is found where one is broken.
PRACTICE: WARC-Target-URI stands in angle brackets in files by Wget; heads with bare LF, dates that are none, records that end
early and bytes between records occur in large collections (ClueWeb, Common Crawl).
OURS: the payload of a revisit is taken from a record of the same file that came before (the latest PAYLOADS), which is read
again; else it is not collected. A record of an address that is neither http nor https is no page.
"""
from __future__ import annotations

import zlib
from collections import OrderedDict
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, BinaryIO

from fastwarc.warc import ArchiveIterator, WarcHeader, WarcRecordType

from rules import Asset, Carrier, limits

from . import bounds, captures, members, payload
from .captures import Capture
from .members import NO_PAGES, Whole
from .records import Location
from .warc import UnreadableEvidence

BLOCK_BYTES = limits.MEDIA_BYTES + limits.FIELDS_BYTES
PAYLOADS = 200_000                   # whose place is remembered for revisits
CHUNK_BYTES = 1 << 20
RESTARTS = 10_000                    # after broken places, in one file
RETURNS = 200                        # to whole members after others, in one file
BROKEN_OFF = "the record breaks off"
NO_RECORD = "what is packed here is no record"
MAGIC = (b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd", b"WARC/1.", b"WARC/0.")


@dataclass(frozen=True, slots=True)
class Entry:
    """One record. `capture` is None for what is no page: warcinfo, request, metadata."""
    kind: str
    record_id: str
    offset_bytes: int                # of the record, or of its member; those of one member share it
    capture: Capture | None = None
    about: tuple[str, ...] = ()      # ids of the records that it belongs to (WARC-Concurrent-To, WARC-Refers-To)


@dataclass(frozen=True, slots=True)
class Damage:
    """Bytes that could not be read, from `offset_bytes` on; -1: `why` tells the place."""
    offset_bytes: int
    why: str

    def __str__(self) -> str:
        return self.why if self.offset_bytes < 0 else f"at byte {self.offset_bytes}: {self.why}"


@dataclass(slots=True)
class Archive:
    """One file, read once from its start. `damage` and `others` fill up meanwhile; complete when the iteration has ended."""
    stream: BinaryIO
    file: str                        # as locations name it
    size_bytes: int
    everything: bool = False         # also the records that are no pages
    only: Callable[[str], object] | None = None      # pages whose URL it is false for are passed by
    damage: list[Damage] = field(default_factory=list)
    position_bytes: int = 0
    again: Callable[[], BinaryIO] | None = None      # opens the file once more, for revisits
    _last: int = -1                  # the place of the record that was read last
    _broken: Damage | None = None    # one stretch, however often we start in vain inside it; told when another record is found
    _payloads: OrderedDict[str, Location] = field(default_factory=OrderedDict)

    def __iter__(self) -> Iterator[Entry]:
        """Every record in the order of the file. Raises OSError where the file itself cannot be read."""
        start, magic = 0, bounds.packing(self.stream)
        read: bytes | None = None                    # from `start` on; None: the stream is elsewhere
        for n in range(RESTARTS):
            at_once = n < RETURNS and members.readable(magic)
            held: Entry | None = None                # until it is known where its record ends
            try:
                if read is None:
                    if magic == bounds.GZIP and not at_once:
                        start = bounds.filled(self.stream, start)
                    self.stream.seek(start)
                if at_once:
                    start, read = yield from self._at_once(start, read or b"")
                watched, read = bounds.Watched(self.stream, start, read or b""), None
                sizes, going_on = bounds.Sizes(watched, magic), -1
                for record in self._records(watched):
                    at = bounds.place(record)
                    if sizes.at < 0 and at > start and sizes.packed(start):
                        if self._found(magic, start) is not None:
                            at = start               # its first line is in two members
                        elif (going_on := self._behind(magic, start)) < at:
                            break                    # FastWARC passes by what follows what is no record
                        going_on = -1
                    self._tell()
                    begins = sizes.begins(at)
                    fits = sizes.fit(at, begins)
                    if not fits and (real := self._found(magic, self._last)) is not None:
                        held = self._mended(real, self._last) if real.told_wrongly else held
                        if real.next < at:
                            going_on = real.next
                            break
                    if held is not None:
                        yield held
                    held, going_on = None, -1
                    if at_once and fits and sizes.at >= 0 and at > self._last and begins:
                        going_on, read = at, watched.since(at)   # all is well again
                        break
                    if begins or self._last < start:
                        self._last = self.position_bytes = at
                    sizes.begin(at, record)
                    held = self._entry(record, self._last)
                else:
                    if sizes.at < 0 and start < self.size_bytes and (start or sizes.packed(start)):
                        start = self._behind(magic, start)
                        continue
                    after = self._after(magic, self._last) if sizes.at >= 0 else self.size_bytes
                    if self._last < after < self.size_bytes:
                        going_on = after             # PRACTICE: FastWARC ends at a member with nothing in it
                    elif not self._broken and (left := self._end(magic, self._last)) is not None and held is not None:
                        yield held
                        held = left
                    elif not self._broken and left is not None:
                        held = left
                    if sizes.at >= 0 and (real := self._real(magic, self._last)) is not None:
                        held, going_on = self._mended(real, self._last), real.next
                if held is not None:
                    yield held
                if going_on < 0 or going_on >= self.size_bytes:
                    break
                start = going_on
            except (OSError, ValueError, EOFError) as error:
                read = None
                if held is not None:
                    yield held
                at = self._after(magic, self._last) if self._last >= start else start
                if self._broken is None:
                    self._broken, left = self._left(magic, at, str(error)[:limits.DETAIL_CHARS])
                    if left is not None and at > self._last:
                        self._last = self.position_bytes = at
                        yield left
                start = self._next(at + 1)
                if start < 0:
                    break
        else:
            self._broken = Damage(start, f"more than {RESTARTS} broken places; the rest is not read")
        self._tell()

    def _at_once(self, start: int, read: bytes) -> Generator[Entry, None, tuple[int, bytes]]:
        """The records of members that are as they should be, where the first begins that is not, and what was read of it."""
        found = members.Members(self.stream, start, read, self.everything)
        for whole in found:
            self._tell()
            self._last = self.position_bytes = found.at
            entry = self._entry(whole.record, found.at, whole=whole)
            if entry is not None:
                yield entry
        if found.at >= 0:
            self._tell()
            self._last = found.at
        return found.next, found.held

    def _tell(self) -> None:
        if self._broken is not None:
            self.damage.append(self._broken)
            self._broken = None

    def _records(self, stream: bounds.Watched) -> Iterator[Any]:
        """Of every kind: a record that is no page can go on into one that is."""
        return iter(ArchiveIterator(stream, parse_http=False, quirks_mode=True, record_types=WarcRecordType.any_type))

    def _after(self, magic: bytes, at: int) -> int:
        """Where the record at that place ends; the place itself, if it is broken."""
        real = bounds.real(self.stream, magic, at, BLOCK_BYTES)
        return real.next if real is not None and not real.told_wrongly else at

    def _found(self, magic: bytes, at: int) -> bounds.Real | None:
        """The record at that place; the stream stays where it is."""
        here = self.stream.tell()
        real = bounds.real(self.stream, magic, at, BLOCK_BYTES)
        self.stream.seek(here)
        return real

    def _real(self, magic: bytes, at: int) -> bounds.Real | None:
        """The record at that place, if it tells its length wrongly."""
        real = self._found(magic, at)
        return real if real is not None and real.told_wrongly else None

    def _behind(self, magic: bytes, start: int) -> int:
        """Where a record can begin behind what is none, which is told. Raises ValueError where that cannot be unpacked."""
        here = self.stream.tell()
        after = bounds.UNPACK[magic](self.stream, start, BLOCK_BYTES)[1]
        self.stream.seek(here)
        if after <= start:
            raise ValueError(NO_RECORD)
        if self._broken is None:
            self._broken = Damage(start, NO_RECORD)
        return after

    def _left(self, magic: bytes, at: int, why: str) -> tuple[Damage, Entry | None]:
        """The damage at a place where a record breaks off, and what is left of that record."""
        left, url = bounds.rest(self.stream, magic, at, BLOCK_BYTES)
        record = bounds.parsed(left) if left is not None else None
        return _damage(at, why, url), self._entry(record, at, why) if record is not None else None

    def _mended(self, real: bounds.Real, at: int) -> Entry | None:
        """The entry of a record that told its length wrongly, with what is its own alone."""
        if self.damage and self.damage[-1].offset_bytes == at:
            self.damage.pop()
        record = bounds.parsed(real)
        entry = self._entry(record, at, real.told_wrongly) if record is not None else None
        self.damage.append(_damage(at, real.told_wrongly, entry.capture.asset.url if entry and entry.capture else ""))
        return entry

    def _entry(self, record: Any, offset: int, why: str = "", whole: Whole | None = None) -> Entry | None:
        """`whole`: the member that holds the record and nothing else; None: the record reads itself."""
        if not self.everything and record.record_type & NO_PAGES:
            return None
        headers = record.headers
        kind = headers.get(WarcHeader.WARC_TYPE) or ""
        if not kind:
            self.damage.append(Damage(offset, BROKEN_OFF))
            return None
        record_id = (headers.get(WarcHeader.WARC_RECORD_ID) or "").strip("<> ")
        about: tuple[str, ...] = ()
        if self.everything:
            about = tuple(id.strip("<> ") for name in ("WARC-Concurrent-To", "WARC-Refers-To")
                          for id in headers.get_multiple(name))
        capture = self._capture(record, kind, Location(self.file, offset, record_id), why, whole)
        return Entry(kind, record_id, offset, capture, about)

    def _capture(self, record: Any, kind: str, location: Location, why: str = "",
                 whole: Whole | None = None) -> Capture | None:
        headers = record.headers
        url = (headers.get(WarcHeader.WARC_TARGET_URI) or "").strip("<> ")
        if kind not in MAKE or not url[:8].lower().startswith(("http://", "https://")) or (
                self.only is not None and not self.only(url)):
            return None
        block: bytes | bytearray
        if whole is not None:
            block, start, end = whole.content, whole.block_at, whole.block_end
        else:
            block, why = self._block(record, url, location, why)
            start, end = 0, len(block)
        cut = headers.get(WarcHeader.WARC_TRUNCATED)
        if cut:
            why = f"WARC-Truncated: {cut}"[:limits.DETAIL_CHARS]
        elif headers.get(WarcHeader.WARC_SEGMENT_NUMBER):
            why = "the first segment of more"
        if kind == "response" and (block.startswith((b"HTTP/", b"http/"), start, end) or (
                headers.get(WarcHeader.CONTENT_TYPE) or "").startswith("application/http")):
            capture = captures.of_response(url, block, record.record_date, location, why, start, end)
            digest = headers.get(WarcHeader.WARC_PAYLOAD_DIGEST)
            if digest and capture.body.body and not why:
                self._payloads.setdefault(digest, location)
                if len(self._payloads) > PAYLOADS:
                    self._payloads.popitem(last=False)
            return capture
        return MAKE[kind](self, record, url, bytes(block[start:end]), record.record_date, location, why)

    def _block(self, record: Any, url: str, location: Location, told_wrongly: str) -> tuple[bytes, str]:
        """What a record holds, and why that is not all."""
        try:
            block = record.reader.read() if record.content_length <= BLOCK_BYTES else record.reader.read(BLOCK_BYTES)
            why = told_wrongly       # reading with a limit copies each byte once more
        except OSError as error:
            block, why = b"", str(error)
        if len(block) < min(record.content_length, BLOCK_BYTES) or (not block and record.headers.get("Content-Length") is None):
            self.damage.append(_damage(location.offset_bytes, why or BROKEN_OFF, url))
            why = BROKEN_OFF
        elif record.content_length > BLOCK_BYTES:
            why = "the record is longer than what is kept of it"
        return block, why

    def _resource(self, record: Any, url: str, block: bytes, at: datetime | None, location: Location, cut: str) -> Capture:
        media_type = payload.media_type((record.headers.get(WarcHeader.CONTENT_TYPE) or "").encode("latin-1", "replace"))
        return captures.of_bytes(url, block, at, location, media_type, cut)

    def _conversion(self, record: Any, url: str, block: bytes, at: datetime | None, location: Location, cut: str) -> Capture:
        return captures.of_bytes(url, block, at, location, "", cut or captures.ONLY_TEXT)

    def _revisit(self, record: Any, url: str, block: bytes, at: datetime | None, location: Location, cut: str) -> Capture:
        head, _ = payload.head_of(block if block.endswith(b"\n\r\n") or b"\n\n" in block else block + b"\r\n\r\n")
        had = self._payloads.get(record.headers.get(WarcHeader.WARC_PAYLOAD_DIGEST) or "")
        payload_then = self._again(had) if had else None
        if not head:
            fields, status, media_type = captures.no_fields(url, at), None, ""
        else:
            whole = captures.of_response(url, head + b"\r\n", at, location)
            fields, status, media_type = whole.fields, whole.fields.status, whole.asset.media_type
        asset = Asset(url, media_type)
        if payload_then is None or (status is not None and status != 304 and not 200 <= status < 300):
            body = captures.of_body(url, b"", at, 304 if status is None or 200 <= status < 300 else status)
            return Capture(asset, fields, body, location)
        return Capture(asset, fields, captures.of_body(url, payload_then, at), location, had)

    def _again(self, at: Location) -> bytes | None:
        """The payload of a record that was read before; None: it cannot be had."""
        if self.again is None:
            return None
        try:
            with self.again() as stream:
                return read(stream, at, Carrier.BODY)
        except (OSError, UnreadableEvidence):
            return None

    def _next(self, start: int) -> int:
        """Where the next member or record may begin; -1: nowhere."""
        self.stream.seek(0)
        first = self.stream.read(4)
        magics = [m for m in MAGIC if first.startswith(m[:len(first)])] or list(MAGIC)
        if first.startswith(b"WARC"):
            magics = list(MAGIC[2:])
        self.stream.seek(start)
        held = b""
        while chunk := self.stream.read(CHUNK_BYTES):
            window = held + chunk
            found = [n for n in (window.find(m) for m in magics) if n >= 0]
            if found:
                return start - len(held) + min(found)
            start += len(chunk)
            held = window[-8:]
        return -1

    def _end(self, magic: bytes, last: int) -> Entry | None:
        """Whether the bytes end with a whole member; FastWARC says nothing of one that was cut. What is left of it."""
        if last < 0:
            self.damage.append(Damage(0, "no records are in it"))
            return None
        self.stream.seek(last)
        chunk = self.stream.read(CHUNK_BYTES)
        if not chunk.startswith(MAGIC[0]) or (self.damage and self.damage[-1].offset_bytes == last):
            return None
        inflate, member = zlib.decompressobj(31), last
        at = last
        while chunk:
            at += len(chunk)
            while chunk:
                try:
                    inflate.decompress(chunk, CHUNK_BYTES)
                except zlib.error as error:
                    self.damage.append(Damage(member, str(error)))
                    return None
                chunk = inflate.unconsumed_tail
                if inflate.eof:
                    chunk = inflate.unused_data
                    member, inflate = at - len(chunk), zlib.decompressobj(31)
            chunk = self.stream.read(CHUNK_BYTES)
        if member == at:
            return None
        damage, left = self._left(magic, member, BROKEN_OFF)
        self.damage.append(damage)
        return left if member > last else None


def _damage(at: int, why: str, url: str) -> Damage:
    return Damage(at, f"{why}: {url}"[:limits.DETAIL_CHARS] if url else why)


def read(stream: BinaryIO, at: Location, carrier: Carrier) -> bytes:
    """The bytes of a piece of evidence, as they were when the archive was read. Raises UnreadableEvidence, OSError."""
    archive = Archive(stream, at.file, 0)
    real = archive._real(bounds.packing(stream), at.offset_bytes)
    try:
        mended = bounds.parsed(real) if real is not None else None
        stream.seek(at.offset_bytes)
        watched, first = bounds.Watched(stream, at.offset_bytes), None
        for record in (mended,) if mended is not None else ArchiveIterator(watched, parse_http=False, quirks_mode=True):
            first = bounds.place(record) if first is None else first
            if bounds.place(record) != first:
                break
            if (record.record_id or "").strip("<> ") != at.record_id:
                continue                             # many records share a member
            kind = record.headers.get("WARC-Type") or ""
            capture = archive._capture(record, kind, at, real.told_wrongly if real is not None else "")
            if capture is not None:
                return capture.fields.body if carrier is Carrier.HTTP_FIELDS else capture.body.body
            break
    except ValueError as error:
        raise UnreadableEvidence(f"{at.file}: {error}") from error
    raise UnreadableEvidence(f"{at.file}: no record {at.record_id} at byte {at.offset_bytes}")


# A response is made in `_capture`; one that holds no HTTP is bytes alone.
MAKE = {"response": Archive._resource, "resource": Archive._resource, "conversion": Archive._conversion,
        "revisit": Archive._revisit}
