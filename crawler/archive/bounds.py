"""Where the records of a WARC file really begin and end, which their Content-Length may tell wrongly.

**Facts**
- WARC 1.1, 4 and Annex D (https://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/): a record is a head,
  an empty line, Content-Length bytes and two line ends; where a file is packed, each record is a member of its own.
- RFC 1952, 2.3.1 (https://www.rfc-editor.org/rfc/rfc1952): a gzip member ends with the size of what is in it, modulo 2^32.
  RFC 8878, 3.1.1.1.4: a Zstandard frame may begin with that size.
- PRACTICE: FastWARC believes Content-Length. One that is too long makes a record go on into its neighbours, which then are
  passed by; one that is too short cuts the record off. It says nothing of either.
- OURS: the size of each record is compared with that of its member, or with the way to the next record in a file that is not
  packed. Where they differ, the record is looked at again, and ends where its member does. Where many records share a member
  nothing can be compared.
"""
from __future__ import annotations

import io
import re
import zlib
from collections import deque
from dataclasses import dataclass
from typing import Any, BinaryIO

from .payload import zstd_start

GZIP, ZSTD, PLAIN = b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd", b"WARC/"
ENDS = 4                             # bytes of the line ends after a block
CHUNK_BYTES = 1 << 16
EMPTY_BYTES = 1 << 12                # read at a time where members have nothing in them
HEAD_BYTES = 1 << 20
KEPT = 8                             # reads of a stream; FastWARC is some of them ahead of the record that it gives
AHEAD = 1                            # FastWARC takes 0 for no place, and puts the records of a first member into the second
FRAMES = 100                         # of a Zstandard file, that are tried as the next
_HEAD_END = re.compile(rb"\r?\n\r?\n")
_LENGTH = re.compile(rb"^content-length[ \t]*:[ \t]*(\d{1,18})", re.IGNORECASE | re.MULTILINE)
_TARGET = re.compile(rb"^warc-target-uri[ \t]*:[ \t]*<?([^\r\n>]+)>?[ \t]*\r?\n", re.IGNORECASE | re.MULTILINE)
_NEXT = re.compile(rb"\n(?=WARC/[01]\.\d+\r?\n)")


class Watched:
    """A stream that remembers the bytes that it gave last. `held` are those from `start` on that somebody has read already."""

    def __init__(self, stream: BinaryIO, start: int = 0, held: bytes = b""):
        self._stream, self._at, self._held = stream, start, io.BytesIO(held)
        self._kept: deque[tuple[int, bytes]] = deque(maxlen=KEPT)        # with the place of each

    def read(self, size: int = -1) -> bytes:
        data = self._held.read(size) or self._stream.read(size)
        if data:                                     # the end is asked for more than once
            self._kept.append((self._at, data))
            self._at += len(data)
        return data

    def tell(self) -> int:
        """For FastWARC alone; see `place`."""
        return self._at + AHEAD

    def seek(self, offset: int, whence: int = 0) -> int:
        raise io.UnsupportedOperation                # nobody asks for it

    def close(self) -> None:
        """Whoever opened the stream closes it."""

    def bytes_at(self, at: int, size: int) -> bytes:
        """What it gave of them; what is forgotten is read again."""
        found = b""
        for start, data in reversed(self._kept):
            if at >= start:
                return data[at - start:at - start + size] + found[:max(0, at + size - start - len(data))]
            found = data[:size] + found[:size]
        here = self._stream.tell()
        self._stream.seek(at)
        found = self._stream.read(min(size, self._at - at))
        self._stream.seek(here)
        return found

    def gave(self, what: bytes, start: int, end: int) -> bool:
        """Whether these bytes lie between, as far as it remembers."""
        return what in b"".join(data[max(0, start - at):max(0, end - at)] for at, data in self._kept)

    def since(self, at: int) -> bytes | None:
        """All that was read from there on. None: some of it is forgotten."""
        if not self._kept or at < self._kept[0][0]:
            return None
        return b"".join(data[max(0, at - start):] for start, data in self._kept) + self._held.read()


@dataclass(frozen=True, slots=True)
class Real:
    """A record as its bounds tell it. `block` is cut at the limit that was asked for."""
    head: bytes                      # with the empty line
    block: bytes
    claimed_bytes: int
    block_bytes: int                 # that there are
    next: int                        # where the next record begins, or the file ends

    @property
    def told_wrongly(self) -> str:
        """"" if it is not."""
        return "" if self.claimed_bytes == self.block_bytes else (
            f"Content-Length says {self.claimed_bytes}, and there are {self.block_bytes} bytes")

    def record(self) -> bytes:
        """The bytes of a record that tells its length rightly."""
        head = _LENGTH.sub(b"Content-Length: %d" % len(self.block), self.head, count=1)
        return head + self.block + b"\r\n\r\n"


class Sizes:
    """Compares each record with the place that it has, when the next one is reached."""

    def __init__(self, stream: Watched, magic: bytes):
        self._stream, self._magic = stream, magic
        self.at, self._size = -1, 0
        self._head = io.BytesIO()
        self._told: int | None = None                # by a frame, when it began

    def fit(self, next_at: int, begins: bool) -> bool:
        """Whether the record that began last can end where the next one begins. True, too, where nothing tells. `begins`: what
        is told of that place."""
        if self.at < 0 or not begins or next_at == self.at:          # which share a member
            return True
        if self._magic == PLAIN:
            return self.at + self._size == next_at
        if self._magic == GZIP:
            told = self._stream.bytes_at(next_at - 4, 4)
            return len(told) == 4 and int.from_bytes(told, "little") == self._size % (1 << 32) and (
                not self._stream.gave(GZIP, self.at + 1, next_at))           # or another record lies between
        return self._told == self._size

    def begins(self, at: int) -> bool:
        """Whether a member begins there; if not, the record shares one, and where it begins is not known."""
        return self._magic == PLAIN or self.packed(at)

    def packed(self, at: int) -> bool:
        return self._magic != PLAIN and self._stream.bytes_at(at, len(self._magic)) == self._magic

    def begin(self, at: int, record: Any) -> None:
        self._head.seek(0)                           # as most are written; others are looked at again
        self.at, self._size = at, int(record.headers.write(self._head) + record.content_length) + ENDS
        if self._magic == ZSTD:
            self._told = frame_bytes(self._stream.bytes_at(at, 18))


def place(record: Any) -> int:
    """Where a record out of a `Watched` begins, or the member that it shares."""
    return int(record.stream_pos) - AHEAD


def parsed(real: Real) -> Any:
    """The record as FastWARC gives it; None: it is none."""
    from fastwarc.warc import ArchiveIterator
    return next(iter(ArchiveIterator(io.BytesIO(real.record()), parse_http=False, quirks_mode=True)), None)


def frame_bytes(start: bytes) -> int | None:
    """What a Zstandard frame says about the size of what is in it (RFC 8878, 3.1.1.1)."""
    if len(start) < 18 or not start.startswith(ZSTD):
        return None
    descriptor = start[4]
    single, flag = descriptor >> 5 & 1, descriptor >> 6
    at = 5 + (not single) + (0, 1, 2, 4)[descriptor & 3]
    width = (single, 2, 4, 8)[flag]
    return int.from_bytes(start[at:at + width], "little") + (256 if flag == 1 else 0) if width else None


def packing(stream: BinaryIO) -> bytes:
    """GZIP, ZSTD or PLAIN."""
    stream.seek(0)
    start = stream.read(4)
    return next((magic for magic in (GZIP, ZSTD) if start.startswith(magic)), PLAIN)


def real(stream: BinaryIO, magic: bytes, start: int, limit: int) -> Real | None:
    """The record that begins at `start`; None where none is to be read. Raises OSError."""
    content, after = UNPACK[magic](stream, start, limit + HEAD_BYTES)
    head = _HEAD_END.search(content, 0, HEAD_BYTES)
    length = _LENGTH.search(content, 0, head.end()) if head else None
    if head is None or length is None or not content.startswith(PLAIN):
        return None
    block_at, claimed = head.end(), int(length[1])
    end = block_at + claimed
    rest = content[end:end + HEAD_BYTES].lstrip(b"\r\n")
    if len(content) >= limit + HEAD_BYTES or (end <= len(content) and (not rest or rest.startswith(PLAIN))):
        return Real(content[:block_at], content[block_at:end][:limit], claimed, claimed, after)
    if magic == PLAIN and (found := _NEXT.search(content, block_at)):
        end, after = found.end(), start + found.end()
    else:
        end = len(content)
    block = content[block_at:end].removesuffix(b"\r\n\r\n")
    return Real(content[:block_at], block[:limit], claimed, len(block), after)


def filled(stream: BinaryIO, start: int) -> int:
    """Where the first gzip member from `start` on begins that has something in it; FastWARC ends at one with nothing."""
    stream.seek(start)
    at, read = start, start
    inflate = zlib.decompressobj(31)
    while chunk := stream.read(EMPTY_BYTES):
        read += len(chunk)
        while chunk:
            try:
                if inflate.decompress(chunk, 1):
                    return at
            except zlib.error:
                return at
            chunk = b""
            if inflate.eof:
                chunk = inflate.unused_data
                inflate, at = zlib.decompressobj(31), read - len(chunk)
    return at


def rest(stream: BinaryIO, magic: bytes, start: int, limit: int) -> tuple[Real | None, str]:
    """What is left of a record that breaks off, and the address that it names; None: it names none. Raises OSError."""
    stream.seek(start)
    packed = stream.read(limit)
    content = packed
    if magic == GZIP:
        try:
            content = zlib.decompressobj(31).decompress(packed, limit)
        except zlib.error:
            content = b""
    elif magic == ZSTD:
        content = zstd_start(packed, limit)
    found = _HEAD_END.search(content, 0, HEAD_BYTES)
    head = content[:found.end()] if found else content[:content.rfind(b"\n", 0, HEAD_BYTES) + 1]
    target = _TARGET.search(head)
    if target is None or not content.startswith(PLAIN):
        return None, ""
    block = content[found.end():] if found else b""
    if not found or not _LENGTH.search(head):
        head = _LENGTH.sub(b"X-Length:", head.rstrip(b"\r\n")) + b"\r\nContent-Length: 0\r\n\r\n"
    return Real(head, block, -1, len(block), start + len(packed)), target[1].decode("utf-8", "replace").strip()


def _plain(stream: BinaryIO, start: int, limit: int) -> tuple[bytes, int]:
    """As far as the record says, if that is right; else as far as the limit."""
    stream.seek(start)
    content = stream.read(CHUNK_BYTES)
    head, length = _HEAD_END.search(content), _LENGTH.search(content)
    if head and length and (end := head.end() + int(length[1])) < limit:
        content += stream.read(max(end + CHUNK_BYTES - len(content), 0))
        if (rest := content[end:].lstrip(b"\r\n")).startswith(PLAIN):
            return content[:len(content) - len(rest) + len(PLAIN)], start + len(content) - len(rest)
    content += stream.read(limit - len(content))
    return content, start + len(content)


def _gzip(stream: BinaryIO, start: int, limit: int) -> tuple[bytes, int]:
    """What is in the members from `start` on, up to the next that begins with a record, and where that begins. If the first
    holds one whole record, up to the next that has anything in it."""
    stream.seek(start)
    out, held, at, begins = list[bytes](), 0, start, start
    inflate = zlib.decompressobj(31)
    fresh, first, enough = False, b"", len(PLAIN)    # a member that is not the first begins; what it begins with
    while chunk := stream.read(CHUNK_BYTES):
        at += len(chunk)
        while chunk and held < limit:
            try:
                part = inflate.decompress(chunk, limit - held)
            except zlib.error:                       # bytes between members
                return b"".join(out), at - len(chunk)
            chunk = inflate.unconsumed_tail
            if fresh and len(first := first + part) >= enough:
                if enough == 1 or first.startswith(PLAIN):
                    return b"".join(out), begins
                fresh, part = False, first
            if not fresh:
                out.append(part)
                held += len(part)
            if inflate.eof:
                if begins == start and _whole(b"".join(out)):
                    enough = 1
                chunk = inflate.unused_data
                inflate, fresh, first, begins = zlib.decompressobj(31), True, b"", at - len(chunk)
        if held >= limit:
            break
    return b"".join(out), begins if fresh else at


def _whole(content: bytes) -> bool:
    """Whether it is one record and no more."""
    head = _HEAD_END.search(content, 0, HEAD_BYTES)
    length = _LENGTH.search(content, 0, head.end()) if head else None
    return head is not None and length is not None and head.end() + int(length[1]) + ENDS == len(content)


def _zstd(stream: BinaryIO, start: int, limit: int) -> tuple[bytes, int]:
    """As `_gzip`. What ends a frame is told by the next one alone."""
    stream.seek(start)
    packed = stream.read(limit)
    for n, found in enumerate(re.finditer(re.escape(ZSTD), packed[4:])):
        if n >= FRAMES:
            break
        at = found.start() + 4
        if zstd_start(packed[at:], len(PLAIN)) == PLAIN and (content := _frames(packed[:at])):
            return content[:limit], start + at
    return (_frames(packed) or zstd_start(packed, limit))[:limit], start + len(packed)


def _frames(packed: bytes) -> bytes:
    """What whole frames hold; b"" where the last is not whole."""
    import pyarrow as pa
    try:
        return bytes(pa.CompressedInputStream(pa.BufferReader(packed), "zstd").read())
    except OSError:
        return b""


UNPACK = {PLAIN: _plain, GZIP: _gzip, ZSTD: _zstd}
