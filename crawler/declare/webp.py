"""Write an XMP packet into WebP: a chunk after the picture, and the header that says that it is there.

**Facts** (WebP Container Specification: https://developers.google.com/speed/webp/docs/riff_container;
RFC 9649, 2; RFC 6386, 9.1)
- A simple file is one `VP8 ` or `VP8L` chunk. Only the extended format, which begins with `VP8X`, has room for metadata.
- `VP8X`: a byte of flags (alpha 0x10, Exif 0x08, XMP 0x04, animation 0x02), three zeros, width - 1 and height - 1 of the
  canvas in 24 bits each, little-endian. `XMP ` stands after the picture and Exif.
- RFC 6386, 9.1: of a key frame the width and the height stand in 14 bits each after the start code 9d 01 2a.
- Lossless: after 0x2f width - 1 and height - 1 in 14 bits each, then whether alpha is used.
- Chunks have an even place; one byte of padding is not counted in their size, but in that of the file.
"""
from __future__ import annotations

from collections.abc import Iterator

from .jpeg import Edit
from .splice import NotWritten, Splice

HAS_XMP, HAS_ALPHA = 0x04, 0x10


def splices(body: bytes, edit: Edit) -> list[Splice]:
    """What changes when the packets become what `edit` makes of them. Raises NotWritten."""
    end = 8 + int.from_bytes(body[4:8], "little")
    if end > len(body) or end % 2:
        raise NotWritten("it is damaged: it has another length than it says")
    chunks = list(_chunks(body, end))
    if not chunks or chunks[0][0] not in (b"VP8X", b"VP8 ", b"VP8L"):
        raise NotWritten("it is damaged: it does not begin with a picture")
    found = [(start, stop, body[start + 8:start + 8 + size]) for kind, start, stop, size in chunks if kind == b"XMP "]
    new = edit([packet for *_, packet in found])
    out = [Splice(start, body[start:stop], _chunk(b"XMP ", after))
           for (start, stop, before), after in zip(found, new, strict=False) if before != after]
    if not found:
        out.append(Splice(end, b"", _chunk(b"XMP ", new[0])))
    kind, start, _, size = chunks[0]
    if kind == b"VP8X":
        if size < 10:
            raise NotWritten("it is damaged: its header is too short")
        flags = body[start + 8]
        if not flags & HAS_XMP:
            out.append(Splice(start + 8, bytes([flags]), bytes([flags | HAS_XMP])))
    else:
        out.append(Splice(start, b"", _header(kind, body[start + 8:start + 18])))
    if not out:
        return []
    grown = end - 8 + sum(len(s.new) - len(s.old) for s in out)
    if grown != end - 8:
        out.append(Splice(4, body[4:8], grown.to_bytes(4, "little")))
    return sorted(out, key=lambda s: s.at)


def _header(kind: bytes, frame: bytes) -> bytes:
    """`VP8X` for a simple file."""
    if kind == b"VP8 ":
        if len(frame) < 10 or frame[0] & 1 or frame[3:6] != b"\x9d\x01\x2a":
            raise NotWritten("it is damaged: its picture does not begin with a key frame")
        width, height = (int.from_bytes(frame[at:at + 2], "little") & 0x3FFF for at in (6, 8))
        flags = HAS_XMP
    else:
        if len(frame) < 5 or frame[0] != 0x2F:
            raise NotWritten("it is damaged: its picture does not begin as one")
        bits = int.from_bytes(frame[1:5], "little")
        width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        flags = HAS_XMP | (HAS_ALPHA if bits >> 28 & 1 else 0)
    if not width or not height:
        raise NotWritten("it is damaged: its picture has no size")
    return _chunk(b"VP8X", bytes([flags, 0, 0, 0]) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little"))


def _chunk(kind: bytes, held: bytes) -> bytes:
    return kind + len(held).to_bytes(4, "little") + held + b"\0" * (len(held) % 2)


def _chunks(body: bytes, end: int) -> Iterator[tuple[bytes, int, int, int]]:
    """Type, start, end with padding, and size of each chunk. Raises NotWritten where they are out of order."""
    pos = 12
    while pos < end:
        size = int.from_bytes(body[pos + 4:pos + 8], "little")
        stop = pos + 8 + size + size % 2
        if pos + 8 > end or stop > end:
            raise NotWritten(f"it is damaged: the chunk at {pos} goes on after the end")
        yield body[pos:pos + 4], pos, stop, size
        pos = stop
