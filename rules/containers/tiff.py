"""TIFF and its relatives (BigTIFF, DNG, raw files of cameras): the tags of its directories.

Facts (TIFF 6.0, 2; TIFF Technical Note 1; XMP Specification Part 3, January 2020, 1.1.8; C2PA 2.2, A.3.6)
- The first four bytes tell the order of bytes and the version: 42, 43 (BigTIFF) or a number that a maker of cameras chose.
- A directory is a count, entries of 12 bytes (BigTIFF: 20) and the offset of the next one; 0 ends the chain. A value that does
  not fit into its entry stands at an offset.
- Tag 330 leads to further directories. 700 is an XMP packet, 33723 IPTC-IIM, 34377 image resources of Photoshop, 52545 (0xCD41)
  a C2PA manifest store.
- PRACTICE: 33723 is written as LONG, with zeros at its end.
- OURS: each directory is read once, however often it is pointed to; a chain that comes back to one is a fault. So are values
  that overlap until they are more than the file.
"""
from __future__ import annotations

import struct

from ..limits import TIFF_DIRECTORIES, TIFF_TAGS
from ..model import FaultKind
from . import psd
from .parts import Gathering

VERSIONS = frozenset({42, 43, 0x55, 0x4F52, 0x5352})
TYPE_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
XMP, IIM, PHOTOSHOP, C2PA, SUB_DIRECTORIES = 700, 33723, 34377, 52545, 330
WANTED = {XMP: "xmp", IIM: "iim", C2PA: "jumbf"}


def walk(body: bytes, into: Gathering, place: str = "") -> None:
    """`place`: what stands in front of the number of a tag, where a TIFF file stands in another."""
    order = "<" if body[:2] == b"II" else ">"
    outside = place.rstrip("/")
    big = body[2:4] in (b"\x2b\0", b"\0\x2b")
    word, entry_bytes = ("Q", 20) if big else ("I", 12)
    offset, count_format = struct.Struct(order + word), struct.Struct(order + ("Q" if big else "H"))
    next_offset = 8 if big else 4
    entry = struct.Struct(f"{order}HH{word}")
    if len(body) < next_offset + offset.size:
        into.fault(FaultKind.TRUNCATED, "it ends inside its header", outside)
        return
    waiting, seen = [offset.unpack_from(body, next_offset)[0]], set[int]()
    tags = value_bytes = 0
    while waiting:
        start = waiting.pop()
        if not start:
            continue
        if start in seen:
            into.fault(FaultKind.MALFORMED, "its directories go round in a loop", outside)
            continue
        seen.add(start)
        if len(seen) > TIFF_DIRECTORIES or start + count_format.size > len(body):
            into.fault(FaultKind.TRUNCATED, f"more than {TIFF_DIRECTORIES} directories, or one after the end", outside)
            return
        (count,) = count_format.unpack_from(body, start)
        first = start + count_format.size
        tags += count
        if tags > TIFF_TAGS or first + count * entry_bytes + offset.size > len(body):
            into.fault(FaultKind.TRUNCATED, f"more than {TIFF_TAGS} tags, or a directory that goes on after the end", outside)
            return
        for at in range(first, first + count * entry_bytes, entry_bytes):
            tag, kind, number = entry.unpack_from(body, at)
            if tag not in WANTED and tag not in (PHOTOSHOP, SUB_DIRECTORIES):
                continue
            length = number * TYPE_BYTES.get(kind, 1)
            value = at + entry.size
            if length > offset.size:
                (value,) = offset.unpack_from(body, value)
            value_bytes += length
            if value_bytes > 2 * len(body) + length:
                into.fault(FaultKind.MALFORMED, "its values overlap", outside)
                return
            if value + length > len(body):
                into.fault(FaultKind.TRUNCATED, f"tag {tag} goes on after the end", f"{place}{tag}")
                continue
            if tag == SUB_DIRECTORIES:
                wide = min(TYPE_BYTES.get(kind, 1), offset.size)
                if len(waiting) > TIFF_DIRECTORIES:
                    continue         # there are more than are read already
                waiting += [int.from_bytes(body[p:p + wide], "little" if order == "<" else "big")
                            for p in range(value, value + min(length, wide * TIFF_DIRECTORIES), wide)]
            elif tag == PHOTOSHOP:
                psd.resources(body[value:value + length], into, f"{place}{tag}")
            else:
                into.add(WANTED[tag], f"{place}{tag}", body[value:value + length])
        waiting.append(offset.unpack_from(body, first + count * entry_bytes)[0])
