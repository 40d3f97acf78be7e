"""Containers in which a packet is found by its marks: PostScript (EPS) and XMP files of their own.

Facts (XMP Specification Part 1, ISO 16684-1:2019, 7.3; Part 3, January 2020, 1.3.2)
- A packet is wrapped in `<?xpacket begin=...?>` and `<?xpacket end=...?>`, so that it can be
  found where a format is not known, in UTF-8, 16 or 32.
- An `.xmp` file holds one packet, which may go without its wrapper.
- OURS: all packets in PostScript are read; of which picture they speak cannot be told, so what they say is of the whole.
"""
from __future__ import annotations

from ..limits import MEDIA_PARTS
from ..model import FaultKind
from .parts import Gathering

BEGIN, END = "<?xpacket begin=", "<?xpacket end="
CODECS = ("utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be")


def walk_postscript(body: bytes, into: Gathering) -> None:
    for codec in CODECS:
        _packets(body, BEGIN.encode(codec), END.encode(codec), into)


def _packets(body: bytes, begin: bytes, end: bytes, into: Gathering) -> None:
    pos = 0
    for _ in range(MEDIA_PARTS):
        start = body.find(begin, pos)
        if start < 0:
            return
        if begin[1] == 0 and body[start - 1:start] == b"\0":
            pos = start + 1          # the same in the other order of bytes
            continue
        pos = body.find(end, start)
        if pos < 0:
            into.fault(FaultKind.TRUNCATED, "it ends inside a packet")
            return
        into.add("xmp", "packet", body[start:pos])
    into.fault(FaultKind.TRUNCATED, f"only the first {MEDIA_PARTS} packets were read")


def walk_xmp(body: bytes, into: Gathering) -> None:
    into.add("xmp", "packet", body)


def walk_jumbf(body: bytes, into: Gathering) -> None:
    """A manifest store in a file of its own."""
    into.add("jumbf", "store", body)
