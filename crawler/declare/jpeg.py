"""Write an XMP packet into JPEG: into its APP1 segment, or into a new one in front of all that counts from its own place.

**Facts** (ITU-T T.81, B.1.1; XMP Specification Part 3, January 2020, 1.1.3; CIPA DC-007-2009, 5.2)
- A segment holds 65,533 bytes; of a packet 65,502 fit into one.
- CIPA DC-007: the offsets of a multi-picture file count from its APP2 segment, so what stands behind that must not move.
- What XMP says in an extension (APP1 of another name) is bound to the packet by a GUID, and stays as it is.
"""
from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from rules.containers.jpeg import ALONE, APP1, EOI, EXIF, SOS, XMP

from .splice import NotWritten, Splice

Edit = Callable[[Sequence[bytes]], list[bytes]]

PACKET_BYTES = 65_502
APP0, APP2 = 0xE0, 0xE2
MULTI_PICTURE = b"MPF\0"


def splices(body: bytes, edit: Edit) -> list[Splice]:
    """What changes when the packets become what `edit` makes of them. Raises NotWritten."""
    packets: list[tuple[int, int, bytes]] = []       # start and end of the segment, packet
    place, leading, pictures = 2, True, -1
    for marker, start, end in _segments(body):
        held = body[start + 4:end]
        leading = leading and (marker == APP0 or (marker == APP1 and held.startswith(EXIF)))
        place = end if leading else place
        if marker == APP1 and held.startswith(XMP):
            packets.append((start, end, held[len(XMP):]))
        elif marker == APP2 and held.startswith(MULTI_PICTURE) and pictures < 0:
            pictures = start
    new = edit([packet for _, _, packet in packets])
    if not packets:
        return [Splice(place, b"", _segment(new[0]))]
    out = [Splice(start, body[start:end], _segment(after))
           for (start, end, before), after in zip(packets, new, strict=True) if before != after]
    if any(s.at > pictures >= 0 and len(s.old) != len(s.new) for s in out):
        raise NotWritten("it holds several pictures, whose places are counted over its XMP packet; writing would move them")
    return out


def _segment(packet: bytes) -> bytes:
    if len(packet) > PACKET_BYTES:
        raise NotWritten(f"its XMP packet would have {len(packet)} bytes, and JPEG has room for {PACKET_BYTES} in one place")
    held = XMP + packet
    return b"\xff\xe1" + (len(held) + 2).to_bytes(2, "big") + held


def _segments(body: bytes) -> Iterator[tuple[int, int, int]]:
    """Marker, start and end of each segment in front of the first scan. Raises NotWritten where they are out of order."""
    pos = 2
    while True:
        start = pos
        while body[pos:pos + 2] == b"\xff\xff":
            pos += 1
        if body[pos:pos + 1] != b"\xff" or pos + 2 > len(body):
            raise NotWritten(f"it is damaged: no segment begins at {pos}")
        marker = body[pos + 1]
        if marker in ALONE:
            pos += 2
            continue
        if marker in (SOS, EOI):
            if marker == EOI:
                raise NotWritten("it is damaged: there is no picture in it")
            return
        length = int.from_bytes(body[pos + 2:pos + 4], "big")
        if length < 2 or pos + 2 + length > len(body):
            raise NotWritten(f"it is damaged: the segment at {pos} goes on after the end")
        if pos > start and marker == APP1:
            raise NotWritten(f"the segment at {pos} has fill bytes in front of it")
        yield marker, pos, pos + 2 + length
        pos += 2 + length
