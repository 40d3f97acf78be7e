"""Gzip members that hold one whole record each, as nearly all in archives do: unpacked at once, and held against their ends.

**Facts**
- WARC 1.1, Annex D.2 (https://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/): one record a member.
- RFC 1952, 2.3.1 (https://www.rfc-editor.org/rfc/rfc1952): a member ends with the checksum and the size of what is in it.
- A member ends where another seems to begin, if it can be unpacked up to there and the checksum and size before that place are
  those of what came out. A page that holds such bytes ends no member: what is cut cannot be unpacked. Bytes that are no member
  go unseen only where they lie between two that are alike to the last bit.
- PRACTICE: libdeflate unpacks what it has as a whole in three fifths of the time that streams take.
- OURS: only what is as it should be is read here. At the first place that is not, this ends, and warc_pages.py looks closer.
"""
from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

from fastwarc.warc import WarcRecord, WarcRecordType

from rules.scan import Scan

try:
    from deflate import DeflateError, crc32, gzip_decompress
except ImportError:                  # then all is streamed
    gzip_decompress = None  # type: ignore[assignment]  # then it is never called

NO_PAGES = int(WarcRecordType.warcinfo | WarcRecordType.request | WarcRecordType.metadata | WarcRecordType.continuation)
MOST_BYTES = 8 << 20                 # OURS: of what is in a member; longer ones are streamed
PACKED_BYTES = 1 << 20               # OURS: the same, as it is packed; bytes that look like ends cannot become too many
HEAD_BYTES = 32 << 10                # FastWARC reads no longer head
WINDOW_BYTES = 1 << 18
LEAST_BYTES = 18                     # of a member
BEGIN_BYTES = 3                      # that all begin with
NO_FIELDS = 2                        # lines of a head: the first, and the empty one
TRIES = 8                            # places where a member might end, that are tried in vain
ENDS = b"\r\n\r\n"
_MAGIC = re.compile(rb"\x1f\x8b\x08")
_SCAN = Scan([b"\x1f\x8b\x08"])
_TRAILER = struct.Struct("<II")
_LENGTH = b"\r\ncontent-length: "


@dataclass(slots=True)
class Whole:
    """A record that tells its length rightly. FastWARC has read its head alone; the block lies in `content`."""
    record: Any
    content: bytearray
    block_at: int
    block_end: int


def readable(start: bytes) -> bool:
    """Whether a file that begins so can have members that are unpacked at once."""
    return gzip_decompress is not None and _MAGIC.match(start) is not None


class Members:
    """The records from `start` on until one is otherwise. `at` is the last that was read; at `next` begins what was not, and
    `held` is as much of it as came from the stream already."""

    def __init__(self, stream: BinaryIO, start: int, held: bytes, everything: bool):
        self._stream, self._everything = stream, everything
        self.at, self.next, self.held = -1, start, held
        self._over = False

    def __iter__(self) -> Iterator[Whole]:
        """Raises OSError."""
        more = True
        while more and len(self.held) < PACKED_BYTES:
            chunk = self._stream.read(max(WINDOW_BYTES, len(self.held)))
            self.held, more = self.held + chunk, bool(chunk)
            start = self.next
            yield from self._window(self.held, not more)
            self.held = self.held[self.next - start:]
            if self._over:
                return

    def _window(self, window: bytes, last: bool) -> Iterator[Whole]:
        """Those that lie in it whole."""
        view, at, tries = memoryview(window), 0, 0
        for end in _ends(window, last):
            checksum, size = _TRAILER.unpack_from(window, end - _TRAILER.size)
            try:
                content = gzip_decompress(view[at:end], size) if 0 < size <= MOST_BYTES else None
            except DeflateError:
                content = None
            if content is not None:
                whole = _whole(content)
                if whole is None or len(content) != size or crc32(content) != checksum or (
                        tries and not _alone(view[at:end], size)):
                    self._over = True
                    return
                self.at, self.next = self.next, self.next + end - at
                at, tries = end, 0
                if self._everything or not whole.record.record_type & NO_PAGES:
                    yield whole
            elif not size and _alone(view[at:end], 1):           # PRACTICE: members with nothing in them occur
                self.next += end - at
                at, tries = end, 0
            elif (tries := tries + 1) == TRIES:      # what looks like an end is none
                self._over = True
                return


def _ends(window: bytes, last: bool) -> list[int]:
    """Where members can end. `last`: so does the file, with the window."""
    begins = (found.end() for found in _MAGIC.finditer(window)) if _SCAN.portable else _SCAN.places(window)
    ends = [after - BEGIN_BYTES for after in begins if after >= LEAST_BYTES + BEGIN_BYTES]
    return [*ends, len(window)] if last and len(window) >= LEAST_BYTES else ends


def _whole(content: bytearray) -> Whole | None:
    """None: it is not one record and no more, or not as most are written."""
    block_at, block_end = content.find(ENDS, 0, HEAD_BYTES) + len(ENDS), len(content) - len(ENDS)
    head = bytes(content[:block_at])
    if not content.endswith(ENDS) or _told(head.lower()) != b"%d" % (block_end - block_at):
        return None
    try:
        record = WarcRecord.from_bytes(head)
    except ValueError:
        return None
    if len(record.headers) + NO_FIELDS != head.count(b"\n"):
        return None                                  # a line that is none, or goes on in the next
    return Whole(record, content, block_at, block_end)


def _told(head: bytes) -> bytes:
    """What a head in lower case says of the length of its block. b"": nothing, two things, or in an unusual way; FastWARC ends
    the process where it is too large."""
    at = head.rfind(_LENGTH)
    if at < 0 or head.count(_LENGTH[2:-2]) != 1 or not head.startswith(b"warc/1."):
        return b""
    return head[at + len(_LENGTH):head.find(b"\r", at + 2)]


def _alone(member: memoryview, size: int) -> bool:
    """Whether the bytes are one member and no more: a broken one can lie behind it. At most `size` bytes are unpacked."""
    inflate = zlib.decompressobj(31)
    try:
        inflate.decompress(member, size)
    except zlib.error:
        return False
    return inflate.eof and not inflate.unused_data
