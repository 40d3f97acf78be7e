"""Write an XMP packet into TIFF: at its end, named by the first directory. Nothing else moves.

**Facts** (TIFF 6.0, 2; BigTIFF, https://www.awaresystems.be/imaging/tiff/bigtiff.html; XMP Specification
Part 3, January 2020, 1.1.8)
- Directories and values may stand anywhere, at even offsets; entries are in the order of their tags.
- Tag 700 is a sequence of BYTE or UNDEFINED. A directory without it is written again at the end with one entry more, and the
  header leads there; values stay where they are.
- OURS: a packet belongs to the directory of its page; the first is the one that is written. Packets of other pages change only
  where they say something else about mining.
"""
from __future__ import annotations

import struct
from dataclasses import dataclass

from rules.containers.tiff import TYPE_BYTES, XMP
from rules.limits import TIFF_DIRECTORIES, TIFF_TAGS

from .jpeg import Edit
from .splice import NotWritten, Splice

VERSIONS = (42, 43)
BYTE, UNDEFINED = 1, 7
LONGEST = {4: (1 << 32) - 1, 8: (1 << 64) - 1}


@dataclass(frozen=True, slots=True)
class _Form:
    """How numbers are written in one file."""
    order: str                       # "<" or ">"
    big: bool

    @property
    def offset(self) -> struct.Struct:
        return struct.Struct(self.order + ("Q" if self.big else "I"))

    @property
    def count(self) -> struct.Struct:
        return struct.Struct(self.order + ("Q" if self.big else "H"))

    @property
    def entry(self) -> struct.Struct:
        """Tag, type, number of values; the values or their offset follow."""
        return struct.Struct(self.order + ("HHQ" if self.big else "HHI"))

    @property
    def head(self) -> int:
        """Where the offset of the first directory stands."""
        return 8 if self.big else 4


@dataclass(frozen=True, slots=True)
class _Directory:
    start: int
    entries: tuple[bytes, ...]
    following: bytes                 # the offset of the next one, as it stands
    packet_at: int                   # which entry is tag 700; -1: none
    packet: bytes


def splices(body: bytes, edit: Edit) -> list[Splice]:
    """What changes when the packets become what `edit` makes of them. Raises NotWritten."""
    order = "<" if body[:2] == b"II" else ">"
    (version,) = struct.unpack(order + "H", body[2:4])
    if version not in VERSIONS or body[8:10] == b"CR":
        raise NotWritten("it is a raw file of a camera; tag what is developed from it")
    form = _Form(order, version == 43)
    try:
        directories = _read(body, form)
    except struct.error:
        raise NotWritten("it is damaged: it ends inside a directory") from None
    holders = [d for d in directories if d.packet_at >= 0]
    first = directories[0]
    before = [d.packet for d in holders] if first.packet_at >= 0 else [b"", *(d.packet for d in holders)]
    targets = holders if first.packet_at >= 0 else [first, *holders]
    after = edit(before)
    out: list[Splice] = []
    tail = b"\0" * (len(body) % 2)
    for directory, old, new in zip(targets, before, after, strict=True):
        if old == new:
            continue
        at = len(body) + len(tail)
        tail += new + b"\0" * (len(new) % 2)
        if directory.packet_at >= 0:
            out.append(_pointed(body, form, directory, new, at))
        else:
            place = len(body) + len(tail)
            tail += _longer(form, directory, new, at)
            out.append(Splice(form.head, body[form.head:form.head + form.offset.size], form.offset.pack(place)))
    if not out:
        return []
    if len(body) + len(tail) > LONGEST[form.offset.size]:
        raise NotWritten("it is as long as a TIFF file can be")
    return sorted([*out, Splice(len(body), b"", tail)], key=lambda s: s.at)


def _pointed(body: bytes, form: _Form, directory: _Directory, packet: bytes, at: int) -> Splice:
    """The entry that there is, led to the new packet."""
    size = form.entry.size + form.offset.size
    place = directory.start + form.count.size + directory.packet_at * size
    return Splice(place, body[place:place + size], _entry(form, packet, at))


def _entry(form: _Form, packet: bytes, at: int) -> bytes:
    return form.entry.pack(XMP, BYTE, len(packet)) + form.offset.pack(at)


def _longer(form: _Form, directory: _Directory, packet: bytes, at: int) -> bytes:
    """The directory with one entry more."""
    tags = struct.Struct(form.order + "H")
    entries = sorted([*directory.entries, _entry(form, packet, at)], key=lambda e: int(tags.unpack_from(e)[0]))
    return form.count.pack(len(entries)) + b"".join(entries) + directory.following


def _read(body: bytes, form: _Form) -> list[_Directory]:
    """The chain of directories. Raises NotWritten, struct.error."""
    out: list[_Directory] = []
    seen: set[int] = set()
    (start,) = form.offset.unpack_from(body, form.head)
    while start:
        if start in seen or len(out) == TIFF_DIRECTORIES:
            raise NotWritten("it is damaged: its directories have no end")
        seen.add(start)
        out.append(_directory(body, form, start))
        (start,) = form.offset.unpack(out[-1].following)
    if not out:
        raise NotWritten("it is damaged: there is no picture in it")
    return out


def _directory(body: bytes, form: _Form, start: int) -> _Directory:
    (count,) = form.count.unpack_from(body, start)
    first, size = start + form.count.size, form.entry.size + form.offset.size
    if count > TIFF_TAGS:
        raise NotWritten(f"a directory has more than {TIFF_TAGS} tags")
    stop = first + count * size
    form.offset.unpack_from(body, stop)
    entries = tuple(body[at:at + size] for at in range(first, stop, size))
    packet_at, packet = -1, b""
    for n, entry in enumerate(entries):
        tag, kind, number = form.entry.unpack_from(entry)
        if tag != XMP:
            continue
        length = number * TYPE_BYTES.get(kind, 1)
        value = first + n * size + form.entry.size
        if length > form.offset.size:
            (value,) = form.offset.unpack_from(body, value)
        if packet_at >= 0 or kind not in (BYTE, UNDEFINED) or value + length > len(body):
            raise NotWritten("it is damaged: its XMP packet is not where it should be")
        packet_at, packet = n, body[value:value + length]
    return _Directory(start, entries, body[stop:stop + form.offset.size], packet_at, packet)
