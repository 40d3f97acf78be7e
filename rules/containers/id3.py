"""ID3v2 (MP3, and what else wears it: FLAC, AAC, WAV, AIFF): frames PRIV and GEOB.

Facts (ID3v2.2.0, ID3v2.3.0, ID3v2.4.0, https://id3.org/; XMP Specification Part 3, January 2020, 1.1.10; C2PA 2.2, A.3.10)
- A tag is `ID3`, a version, flags and a length of four times 7 bits. Version 4 can also stand at the end of a file, in front
  of an ID3v1 tag of 128 bytes, and then ends with `3DI` and the same. One tag can follow another.
- A frame is its name, length and flags; version 2 has 3 bytes of each of the first two and no flags. Version 4 counts with 7
  bits a byte. PRACTICE: iTunes wrote 8 bits there. OURS: so is read what then leads to a frame and else would not.
- Unsynchronisation puts a zero after 0xFF: for the whole tag up to version 3, for each frame in version 4. Flags of a frame
  say that it is compressed (zlib, with the length in front), encrypted, or of a group.
- XMP: PRIV with the owner `XMP`. C2PA: GEOB of the MIME type `application/c2pa`, before `application/x-c2pa-manifest-store`.
"""
from __future__ import annotations

from collections.abc import Iterator

from ..limits import CHUNKS, XMP_BYTES
from ..model import FaultKind
from .inflate import NotInflated, inflate
from .parts import Gathering

PRIV, GEOB = frozenset({b"PRIV"}), frozenset({b"GEOB", b"GEO"})
C2PA = frozenset({b"application/c2pa", b"application/x-c2pa-manifest-store"})
HEADER_BYTES, ID3V1_BYTES = 10, 128
NAME_BYTES = 4_000               # OURS: of a name in UTF-16
TAGS = 8                         # OURS: that follow one another
UNSYNCHRONISED, EXTENDED, FOOTER = 0x80, 0x40, 0x10


def walk(body: bytes, into: Gathering) -> None:
    pos = 0
    for _ in range(TAGS):
        if not body.startswith(b"ID3", pos):
            break
        pos = _tag(body, pos, into)
    else:
        into.fault(FaultKind.TRUNCATED, f"only the first {TAGS} tags were read", "ID3")
    end = len(body) - (ID3V1_BYTES if body[-ID3V1_BYTES:].startswith(b"TAG") else 0)
    if body[end - HEADER_BYTES:end].startswith(b"3DI"):
        start = end - 2 * HEADER_BYTES - _sevens(body[end - 4:end])
        if start >= pos and body.startswith(b"ID3", start):
            _tag(body, start, into)
        elif start >= pos:
            into.fault(FaultKind.MALFORMED, "a tag at the end has no start", "ID3")


def _tag(body: bytes, start: int, into: Gathering) -> int:
    """Read one tag; where it ends."""
    version, flags = body[start + 3:start + 4], body[start + 5:start + 6]
    if not flags:
        into.fault(FaultKind.TRUNCATED, "it ends inside the header of a tag", "ID3")
        return len(body)
    length = _sevens(body[start + 6:start + 10])
    first, end = start + HEADER_BYTES, start + HEADER_BYTES + length
    if end > len(body):
        into.fault(FaultKind.TRUNCATED, "a tag goes on after the end", "ID3")
    if version not in (b"\x02", b"\x03", b"\x04"):
        into.fault(FaultKind.MALFORMED, f"a tag of version {version[0]}", "ID3")
        return end
    data = body[first:end]
    if flags[0] & UNSYNCHRONISED and version < b"\x04":
        data = data.replace(b"\xff\0", b"\xff")
    if flags[0] & EXTENDED and version == b"\x02":
        into.fault(FaultKind.MALFORMED, "a tag is compressed in a way that nobody defined", "ID3")
        return end
    pos = 0
    if flags[0] & EXTENDED:
        pos = 4 + int.from_bytes(data[:4], "big") if version == b"\x03" else _sevens(data[:4])
    for name, format_flags, content in _frames(data, pos, version[0], into):
        if name in PRIV or name in GEOB:
            _frame(name, format_flags, content, version[0], bool(flags[0] & UNSYNCHRONISED), into)
    return end + (HEADER_BYTES if flags[0] & FOOTER and version == b"\x04" else 0)


def _frames(data: bytes, pos: int, version: int, into: Gathering) -> Iterator[tuple[bytes, int, bytes]]:
    name_bytes, header_bytes = (3, 6) if version == 2 else (4, 10)
    for _ in range(CHUNKS):
        name = data[pos:pos + name_bytes]
        if not name.strip(b"\0"):
            return
        if not name.isalnum() or pos + header_bytes > len(data):
            into.fault(FaultKind.MALFORMED, f"what stands at byte {pos} of a tag is no frame", "ID3")
            return
        told = data[pos + name_bytes:pos + 2 * name_bytes]
        length = _length(data, pos, told) if version == 4 else int.from_bytes(told, "big")
        start = pos + header_bytes
        if start + length > len(data):
            into.fault(FaultKind.TRUNCATED, f"the frame {name.decode()} goes on after the end of its tag", "ID3")
            return
        yield name, data[pos + 9] if version > 2 else 0, data[start:start + length]
        pos = start + length
    into.fault(FaultKind.TRUNCATED, f"only the first {CHUNKS} frames were looked at", "ID3")


def _length(data: bytes, pos: int, told: bytes) -> int:
    """Length of a frame of version 4."""
    right, eights = _sevens(told), int.from_bytes(told, "big")
    if right == eights or (all(byte < 0x80 for byte in told) and _leads_on(data, pos + 10 + right)):
        return right
    return eights if _leads_on(data, pos + 10 + eights) else right


def _leads_on(data: bytes, pos: int) -> bool:
    name = data[pos:pos + 4]
    return pos == len(data) or (bool(name) and (name.isalnum() or not name.strip(b"\0")))


def _frame(name: bytes, flags: int, content: bytes, version: int, unsynchronised: bool, into: Gathering) -> None:
    compressed, encrypted, grouped = (0x80, 0x40, 0x20) if version == 3 else (0x08, 0x04, 0x40)
    place = name.decode()
    if flags & encrypted:
        into.fault(FaultKind.MALFORMED, "a frame is encrypted", place)
        return
    if version == 4 and (unsynchronised or flags & 0x02):
        content = content.replace(b"\xff\0", b"\xff")
    skipped = 1 if flags & grouped else 0
    if (version == 3 and flags & compressed) or (version == 4 and flags & 0x01):
        skipped += 4
    content = content[skipped:]
    if flags & compressed:
        try:
            content = inflate(content, XMP_BYTES)
        except NotInflated as error:
            into.fault(error.kind, str(error), place)
            return
    if name in PRIV:
        owner, _, data = content.partition(b"\0")
        if owner == b"XMP":
            into.add("xmp", place, data)
    else:
        _object(content, place, into)


def _object(content: bytes, place: str, into: Gathering) -> None:
    """GEOB: encoding, MIME type, file name, description, data."""
    mime, _, rest = content[1:].partition(b"\0")
    if mime.lower() not in C2PA:
        return
    wide = content[:1] in (b"\x01", b"\x02")     # UTF-16
    for _ in range(2):
        pairs = range(0, min(len(rest) - 1, NAME_BYTES), 2)
        end = next((i for i in pairs if rest[i:i + 2] == b"\0\0"), -1) if wide else rest.find(b"\0")
        if end < 0:
            into.fault(FaultKind.MALFORMED, "an object without name and description", place)
            return
        rest = rest[end + (2 if wide else 1):]
    into.add("jumbf", place, rest)


def _sevens(data: bytes) -> int:
    """A number of seven bits a byte."""
    return sum((byte & 0x7F) << 7 * place for place, byte in enumerate(reversed(data)))
