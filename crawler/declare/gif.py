"""Write an XMP packet into GIF: an application extension in front of the trailer.

**Facts** (GIF89a, 17 to 27: https://www.w3.org/Graphics/GIF/spec-gif89a.txt; XMP Specification Part 3, January 2020, 1.1.2)
- Extensions exist since 89a; a file that has one says so in its header.
- XMP: the extension is called `XMP DataXMP`; the packet follows as it is, not in sub-blocks, and then 258 bytes: 1, then 255
  down to 0, and 0; so that a decoder which takes the packet for sub-blocks ends where it ends. A packet holds no zero.
"""
from __future__ import annotations

from rules.limits import SUB_BLOCKS

from .jpeg import Edit
from .splice import NotWritten, Splice

NAME = b"XMP DataXMP"
TRAILER = b"\x01" + bytes(range(255, -1, -1)) + b"\0"
EXTENSION, IMAGE, END = 0x21, 0x2C, 0x3B
APPLICATION = 0xFF


def splices(body: bytes, edit: Edit) -> list[Splice]:
    """What changes when the packets become what `edit` makes of them. Raises NotWritten."""
    found, end = _walk(body)
    new = edit([body[start:stop] for start, stop in found])
    if any(0 in packet for packet in new):
        raise NotWritten("its XMP packet holds a zero, which GIF has no room for")
    if found:
        return [Splice(start, body[start:stop], after)
                for (start, stop), after in zip(found, new, strict=True) if body[start:stop] != after]
    out = [Splice(end, b"", bytes([EXTENSION, APPLICATION, len(NAME)]) + NAME + new[0] + TRAILER)]
    return [Splice(3, b"87a", b"89a"), *out] if body[3:6] == b"87a" else out


def _walk(body: bytes) -> tuple[list[tuple[int, int]], int]:
    """Start and end of each packet, and where the trailer stands. Raises NotWritten where blocks are out of order."""
    try:
        pos = 13 + _table(body[10])
        found: list[tuple[int, int]] = []
        for _ in range(SUB_BLOCKS):
            block = body[pos]
            if block == END:
                return found, pos
            if block == EXTENSION and body[pos + 1] == APPLICATION and body[pos + 2:pos + 14] == bytes([len(NAME)]) + NAME:
                stop = body.find(TRAILER, pos + 14)
                if stop < 0:
                    raise NotWritten("its XMP packet has no end")
                found.append((pos + 14, stop))
                pos = stop + len(TRAILER)
            elif block == EXTENSION:
                pos = _sub_blocks(body, pos + 2)
            elif block == IMAGE:
                pos = _sub_blocks(body, pos + 11 + _table(body[pos + 9]))
            else:
                raise NotWritten(f"it is damaged: no block begins at {pos}")
    except IndexError:
        raise NotWritten("it is damaged: it ends before its trailer") from None
    raise NotWritten(f"it has more than {SUB_BLOCKS} blocks")


def _table(flags: int) -> int:
    """Bytes of the colour table that the flags announce."""
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _sub_blocks(body: bytes, pos: int) -> int:
    while size := body[pos]:
        pos += 1 + size
    return pos + 1
