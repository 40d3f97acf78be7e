"""Write an XMP packet into PNG: an iTXt chunk in front of the pixels.

**Facts** (PNG, Third Edition, 5.3, 5.6, 11.3.3.4: https://www.w3.org/TR/png-3/; XMP Specification Part 3, January 2020, 1.1.5)
- iTXt may stand anywhere between IHDR and IEND; the packet stands there uncompressed, keyword `XML:com.adobe.xmp`.
- 5.3: the CRC is over type and data.
- A packet in hexadecimal digits (`Raw profile type xmp`) is not written; the look at the new file tells where one differs.
"""
from __future__ import annotations

import zlib
from collections.abc import Iterator

from rules.containers.inflate import NotInflated, inflate
from rules.containers.png import KEYWORD
from rules.limits import CHUNKS, XMP_BYTES

from .jpeg import Edit
from .splice import NotWritten, Splice


def splices(body: bytes, edit: Edit) -> list[Splice]:
    """What changes when the packets become what `edit` makes of them. Raises NotWritten."""
    packets: list[tuple[int, int, bytes, bytes]] = []    # start and end of the chunk, language and keyword, packet
    place = 0
    for kind, start, end in _chunks(body):
        if kind == b"IDAT" and not place:
            place = start
        if kind == b"iTXt" and body.startswith(KEYWORD + b"\0", start + 8):
            packets.append((start, end, *_parts(body[start + 8 + len(KEYWORD) + 1:end - 4])))
    if not place:
        raise NotWritten("it is damaged: there are no pixels in it")
    new = edit([packet for *_, packet in packets])
    if not packets:
        return [Splice(place, b"", _chunk(b"\0\0", new[0]))]
    return [Splice(start, body[start:end], _chunk(names, after))
            for (start, end, names, before), after in zip(packets, new, strict=True) if before != after]


def _parts(held: bytes) -> tuple[bytes, bytes]:
    """Language and translated keyword with their zeros, and the packet."""
    names = held[2:].split(b"\0", 2)
    if len(names) < 3:
        raise NotWritten("it is damaged: a chunk for XMP without text")
    text = names[2]
    if held[0]:
        try:
            text = inflate(text, XMP_BYTES)
        except NotInflated as error:
            raise NotWritten(f"its XMP packet cannot be read: {error}") from None
    return names[0] + b"\0" + names[1] + b"\0", text


def _chunk(names: bytes, packet: bytes) -> bytes:
    held = b"iTXt" + KEYWORD + b"\0\0\0" + names + packet
    return (len(held) - 4).to_bytes(4, "big") + held + zlib.crc32(held).to_bytes(4, "big")


def _chunks(body: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Type, start and end of each chunk. Raises NotWritten where they are out of order."""
    pos = 8
    for _ in range(CHUNKS):
        end = pos + 12 + int.from_bytes(body[pos:pos + 4], "big")
        kind = body[pos + 4:pos + 8]
        if end > len(body) or not kind.isalpha():
            raise NotWritten(f"it is damaged: no whole chunk begins at {pos}")
        yield kind, pos, end
        if kind == b"IEND":
            return
        pos = end
    raise NotWritten(f"it has more than {CHUNKS} chunks")
