"""Photoshop: a PSD or PSB file, and the image resources that other files carry, too.

Facts (Adobe Photoshop File Formats Specification, November 2019, https://www.adobe.com/devnet-apps/photoshop/fileformatashtml/)
- The header of a file has 26 bytes; a length and colour data follow, and after them a length and the image resources.
- A resource is `8BIM`, a number, a name with its length in front and of an even size, a length, and as many bytes, filled up to
  an even number. 0x0404 is IPTC-IIM, 0x0424 an XMP packet. OURS: 0x0404 is wanted even where a name is padded wrongly.
- PRACTICE: `MeSa`, `AgHg`, `PHUT` and `DCSR` stand for `8BIM` in resources of other programs.
"""
from __future__ import annotations

import struct

from ..limits import CHUNKS
from ..model import FaultKind
from .parts import Gathering

SIGNATURES = frozenset({b"8BIM", b"MeSa", b"AgHg", b"PHUT", b"DCSR"})
RESOURCES = {0x0404: "iim", 0x0424: "xmp"}
HEADER_BYTES = 26


def walk(body: bytes, into: Gathering) -> None:
    colour = int.from_bytes(body[HEADER_BYTES:HEADER_BYTES + 4], "big")
    start = HEADER_BYTES + 4 + colour
    length = int.from_bytes(body[start:start + 4], "big")
    if start + 4 > len(body):
        into.fault(FaultKind.TRUNCATED, "it ends before its image resources")
        return
    if start + 4 + length > len(body):
        into.fault(FaultKind.TRUNCATED, "its image resources go on after the end")
    resources(body[start + 4:start + 4 + length], into, "8BIM")


def is_resource(data: bytes) -> bool:
    return data[:4] in SIGNATURES


def resources(data: bytes, into: Gathering, place: str) -> None:
    """Walk image resources that stand alone."""
    pos, size = 0, len(data)
    for _ in range(CHUNKS):
        if not data[pos:pos + 4].strip(b"\0") and not data[pos:].strip(b"\0"):
            return
        if not is_resource(data[pos:pos + 4]):
            into.fault(FaultKind.MALFORMED, "what stands among its image resources is none", place)
            return
        number = int.from_bytes(data[pos + 4:pos + 6], "big")
        named = pos + 7 + (data[pos + 6] if pos + 6 < size else 0)
        named += (named - pos) % 2
        if named + 4 > size:
            into.fault(FaultKind.TRUNCATED, "it ends inside an image resource", place)
            return
        (length,) = struct.unpack_from(">I", data, named)
        start = named + 4
        if start + length > size:
            into.fault(FaultKind.TRUNCATED, "an image resource goes on after the end", place)
            return
        if what := RESOURCES.get(number):
            into.add(what, place, data[start:start + length])
        pos = start + length + length % 2
    into.fault(FaultKind.TRUNCATED, f"only the first {CHUNKS} image resources were looked at", place)
