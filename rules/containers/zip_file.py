"""ZIP: the directory of an archive and what its members hold. Documents (EPUB, OOXML, ODF) and data sets are such archives.

Facts (APPNOTE.TXT 6.3.10, https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT; C2PA 2.2, A.6)
- 4.3.16: the end of central directory stands at the end, before a comment of 65,535 bytes at most; it says how many records
  (4.3.12) the directory has and where it starts. Fields that are too small hold only ones, and 4.3.14 or an extra field (4.5.3)
  holds the value.
- 4.3.7: the data of a member follows its local header, whose name and extra field may have other lengths than the record's.
- 4.4.4: bit 0 of the flags, encrypted. 4.4.5: method 0 stored, 8 deflated. OURS: no other method is read.
- OURS: what stands before the archive, as in programs that unpack themselves, moves all offsets.
- OURS: names are only compared, and nothing is unpacked to anywhere.
- C2PA A.6: the manifest store is the member `META-INF/content_credential.c2pa`.
- OURS: XMP is looked for in members named *.xmp and META-INF/metadata.xml, not in pictures.
"""
from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

from ..limits import JUMBF_BYTES, MEDIA_PARTS, XMP_BYTES, ZIP_MEMBERS
from ..memo import latest
from ..model import FaultKind
from .inflate import NotInflated
from .parts import Gathering

CREDENTIAL, METADATA = "META-INF/content_credential.c2pa", "META-INF/metadata.xml"
STORED, DEFLATED = 0, 8
_END, _END64, _LOCATOR = struct.Struct("<4s4H2LH"), struct.Struct("<4sQ2H2L4Q"), struct.Struct("<4sLQL")
_RECORD, _LOCAL = struct.Struct("<4s6H3L5H2L"), struct.Struct("<4s5H3L2H")
_COMMENT_BYTES = 0xffff
EXTRA_FIELDS = 32                # OURS: of one member


@dataclass(frozen=True, slots=True)
class Member:
    name: str
    method: int
    is_encrypted: bool
    packed_bytes: int
    start: int                       # of its local header


@dataclass(frozen=True, slots=True)
class Archive:
    """The members of an archive by name, the first of each; and why not all of them are here."""
    body: bytes
    members: dict[str, Member]
    failure: tuple[FaultKind, str] | None = None

    def read(self, name: str, cap_bytes: int) -> bytes | None:
        """What a member holds; None where none has this name. Raises NotInflated, also for more than the cap."""
        member = self.members.get(name)
        if member is None:
            return None
        head = self.body[member.start:member.start + _LOCAL.size]
        if len(head) < _LOCAL.size or not head.startswith(b"PK\x03\x04"):
            raise NotInflated(FaultKind.MALFORMED, f"'{name[:80]}' is not where the directory says")
        if member.is_encrypted:
            raise NotInflated(FaultKind.UNRESOLVED, f"'{name[:80]}' is encrypted")
        start = member.start + _LOCAL.size + sum(_LOCAL.unpack(head)[-2:])
        data = self.body[start:start + member.packed_bytes]
        if len(data) < member.packed_bytes:
            raise NotInflated(FaultKind.TRUNCATED, f"'{name[:80]}' ends early")
        if member.method == STORED:
            if len(data) > cap_bytes:
                raise NotInflated(FaultKind.TRUNCATED, f"'{name[:80]}' is longer than {cap_bytes} bytes")
            return data
        if member.method != DEFLATED:
            raise NotInflated(FaultKind.TRUNCATED, f"'{name[:80]}' is packed in a way that is not read")
        return _inflated(data, name, cap_bytes)


def walk(body: bytes, into: Gathering) -> None:
    archive = directory(body)
    if archive.failure:
        into.fault(*archive.failure)
    packets = [name for name in archive.members if name.lower().endswith(".xmp") or name == METADATA]
    if len(packets) > MEDIA_PARTS:
        into.fault(FaultKind.TRUNCATED, f"more than {MEDIA_PARTS} members that could hold XMP")
    wanted = ((CREDENTIAL, "jumbf", JUMBF_BYTES), *((name, "xmp", XMP_BYTES) for name in packets[:MEDIA_PARTS]))
    for name, what, cap_bytes in wanted:
        try:
            data = archive.read(name, cap_bytes)
        except NotInflated as error:
            into.fault(error.kind, str(error))
        else:
            if data and (what == "jumbf" or b"rdf:RDF" in data.replace(b"\0", b"")):
                into.add(what, name[:100], data)


@latest
def directory(body: bytes) -> Archive:
    """The central directory. Linear in its size; raises nothing."""
    members: dict[str, Member] = {}
    end = body.rfind(b"PK\x05\x06", max(0, len(body) - _END.size - _COMMENT_BYTES))
    if end < 0 or end + _END.size > len(body):
        return Archive(body, members, (FaultKind.TRUNCATED, "it has no directory: its end is missing"))
    *_, count, size, offset, _ = _END.unpack_from(body, end)
    stop = end
    if count == 0xffff or 0xffffffff in (size, offset):
        count, size, offset, stop = _end64(body, end) or (count, size, offset, end)
    at = stop - size
    moved = at - offset
    if at < 0 or moved < 0:
        return Archive(body, members, (FaultKind.MALFORMED, "its directory is not where it says"))
    for _ in range(min(count, ZIP_MEMBERS)):
        record = body[at:at + _RECORD.size]
        if len(record) < _RECORD.size or not record.startswith(b"PK\x01\x02"):
            return Archive(body, members, (FaultKind.MALFORMED, "its directory has fewer members than it says"))
        told = _RECORD.unpack(record)
        flags, method, packed, unpacked, name_len, extra_len, comment_len, start = *told[3:5], *told[8:13], told[16]
        at += _RECORD.size
        name = body[at:at + name_len].decode("utf-8" if flags & 0x800 else "cp437", "replace")
        packed, start = _wide(body[at + name_len:at + name_len + extra_len], packed, unpacked, start)
        members.setdefault(name, Member(name, method, bool(flags & 1), packed, start + moved))
        at += name_len + extra_len + comment_len
    if count > ZIP_MEMBERS:
        return Archive(body, members, (FaultKind.TRUNCATED, f"only the first {ZIP_MEMBERS} members were looked at"))
    return Archive(body, members)


def _end64(body: bytes, end: int) -> tuple[int, int, int, int] | None:
    """Count, size, offset and end of a directory that needs wide fields."""
    at = end - _LOCATOR.size
    if at < 0 or body[at:at + 4] != b"PK\x06\x07":
        return None
    start = _LOCATOR.unpack_from(body, at)[2]
    if body[start:start + 4] != b"PK\x06\x06" or start + _END64.size > at:
        return None
    count, size, offset = _END64.unpack_from(body, start)[-3:]
    return count, size, offset, start


def _wide(extra: bytes, packed: int, unpacked: int, start: int) -> tuple[int, int]:
    """Packed size and start, from the extra field where the record has no room for them."""
    at = 0
    for _ in range(EXTRA_FIELDS if 0xffffffff in (packed, start) else 0):
        if at + 4 > len(extra):
            break
        field, size = struct.unpack_from("<2H", extra, at)
        if field == 1:
            wide = extra[at + 4:at + 4 + size]
            values = iter(struct.unpack(f"<{len(wide) // 8}Q", wide[:len(wide) // 8 * 8]))
            _, packed, start = (next(values, v) if v == 0xffffffff else v for v in (unpacked, packed, start))
            break
        at += 4 + size
    return packed, start


def _inflated(data: bytes, name: str, cap_bytes: int) -> bytes:
    stream = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        out = stream.decompress(data, cap_bytes + 1)
    except zlib.error as error:
        raise NotInflated(FaultKind.MALFORMED, f"'{name[:80]}' is not compressed as it says") from error
    if len(out) > cap_bytes:
        raise NotInflated(FaultKind.TRUNCATED, f"'{name[:80]}' inflates to more than {cap_bytes} bytes")
    if not stream.eof:
        raise NotInflated(FaultKind.TRUNCATED, f"'{name[:80]}' ends early")
    return out
