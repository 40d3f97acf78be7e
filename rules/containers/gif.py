"""GIF: its application extensions.

Facts (GIF89a, 1990, 15 to 26; XMP Specification Part 3, January 2020, 1.1.4; C2PA 2.2, A.3.9)
- After the screen and its colours come blocks: images (0x2C), extensions (0x21), the trailer (0x3B). Data stand in sub-blocks
  of a length and as many bytes; length 0 ends them.
- XMP: the application extension `XMP Data`, `XMP`, holds a packet as it is, not in sub-blocks, and then 258 bytes, so that a
  walk over sub-blocks, wherever it falls into them, comes to their end. C2PA: `C2PA_GIF`, 1, 0, 0, in sub-blocks.
- PRACTICE: some writers put packets into sub-blocks.
"""
from __future__ import annotations

from collections.abc import Iterator

from ..limits import SUB_BLOCKS
from ..model import FaultKind
from .parts import Gathering

XMP, C2PA = b"XMP DataXMP", b"C2PA_GIF\x01\0\0"
IMAGE, EXTENSION, TRAILER, APPLICATION = 0x2C, 0x21, 0x3B, 0xFF
MAGIC_TRAILER = bytes((1, *range(255, -1, -1), 0))
STARTS_OF_PACKETS = (b"<", b"\xef\xbb\xbf", b"\xfe\xff", b"\xff\xfe", b"\0<", b"\0\0\0<")


class _Cut(Exception):
    """More blocks than are looked at."""


def walk(body: bytes, into: Gathering) -> None:
    try:
        _walk(body, into)
    except (_Cut, IndexError):
        into.fault(FaultKind.TRUNCATED, "it ends before its trailer, or holds more blocks than are looked at")


def _walk(body: bytes, into: Gathering) -> None:
    pos = 13 + _colours(body[10])
    left = [SUB_BLOCKS]
    while (sort := body[pos]) != TRAILER:
        if sort == IMAGE:
            pos = _end(body, pos + 11 + _colours(body[pos + 9]), left)
        elif sort == EXTENSION:
            pos = _extension(body, pos, left, into)
        else:
            into.fault(FaultKind.MALFORMED, f"what stands at byte {pos} is no block")
            return


def _colours(flags: int) -> int:
    """Bytes of a table of colours."""
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _extension(body: bytes, pos: int, left: list[int], into: Gathering) -> int:
    start, end = pos + 14, _end(body, pos + 2, left)
    if body[pos + 1] == APPLICATION and body[pos + 2] == len(XMP):
        name = body[pos + 3:start]
        if name == C2PA:
            into.add("jumbf", "C2PA_GIF", b"".join(body[a:b] for a, b in _sub_blocks(body, start, left)))
        elif name == XMP:
            raw = body.startswith(STARTS_OF_PACKETS, start)
            data = body[start:end] if raw else b"".join(body[a:b] for a, b in _sub_blocks(body, start, left))
            if raw and not data.endswith(MAGIC_TRAILER):
                into.fault(FaultKind.MALFORMED, "the packet does not end as it should", "XMP Data")
            into.add("xmp", "XMP Data", data.removesuffix(MAGIC_TRAILER) if raw else data)
    return end


def _sub_blocks(body: bytes, pos: int, left: list[int]) -> Iterator[tuple[int, int]]:
    while length := body[pos]:
        yield pos + 1, pos + 1 + length
        pos += length + 1
        left[0] -= 1
        if left[0] < 0:
            raise _Cut


def _end(body: bytes, pos: int, left: list[int]) -> int:
    """Where sub-blocks end."""
    count = left[0]
    while count and (length := body[pos]):
        pos += length + 1
        count -= 1
    left[0] = count
    if not count:
        raise _Cut
    return pos + 1
