"""RIFF (WebP, WAV, AVI) and AIFF: the chunks at the top.

Facts (Multimedia Programming Interface, August 1991, 2; EBU Tech 3306, 2009; XMP Specification Part 3, January 2020, 1.1.2,
1.1.7, 1.1.9; RFC 9649, 2.3; C2PA 2.2, A.3.3)
- A chunk is a type, a length and as many bytes, filled up to an even number. The file is one chunk `RIFF` with a form; AVI goes
  on in more of them (`AVIX`). RF64 and BW64: lengths that are all ones stand in `ds64`. AIFF is the same, big end first.
- XMP: `XMP ` in WebP, `_PMX` in WAV and AVI; in AIFF `APPL` that starts with `XMP `. C2PA: `C2PA`.
- PRACTICE: WAV and AIFF hold ID3v2 tags in `id3 ` or `ID3 `.
- OURS: the spellings of one form are read in all of them. A form that says it is longer than the file is a fault, unless it has
  no length at all (0, all ones): so recorders write it that never came back to it.
"""
from __future__ import annotations

import struct

from ..limits import CHUNKS
from ..model import FaultKind
from . import id3
from .parts import Gathering

FORMS = {b"WEBP": "webp", b"WAVE": "wav", b"AVI ": "avi", b"AIFF": "aiff", b"AIFC": "aiff"}
FILES = frozenset({b"RIFF", b"RF64", b"BW64", b"FORM"})
XMP = frozenset({b"XMP ", b"_PMX", b"XMP\0"})
ID3 = frozenset({b"id3 ", b"ID3 "})
ALL_ONES = 0xFFFF_FFFF


def walk(body: bytes, into: Gathering) -> None:
    header = struct.Struct(">4sI" if body.startswith(b"FORM") else "<4sI")
    pos, size = 0, len(body)
    form_end = size
    data_bytes = 0                   # what ds64 says of the chunk `data`
    for _ in range(CHUNKS):
        if pos + 8 > size:
            if body[pos:].strip(b"\0"):
                into.fault(FaultKind.TRUNCATED, "it ends inside the header of a chunk")
            return
        kind, length = header.unpack_from(body, pos)
        if kind in FILES:
            form_end = size if length in (0, ALL_ONES) else pos + 8 + length
            if form_end > size:
                into.fault(FaultKind.TRUNCATED, f"it has {size} bytes, not as many as it says")
            pos += 12
            continue
        if pos >= form_end and kind not in XMP and kind not in ID3 and kind != b"C2PA":
            return                   # what somebody put behind it
        if length == ALL_ONES and kind == b"data" and data_bytes:
            length = data_bytes
        start, pos = pos + 8, pos + 8 + length + length % 2
        if start + length > size:
            if kind.isalnum() or kind in XMP or kind in ID3:
                into.fault(FaultKind.TRUNCATED, f"the chunk at byte {start - 8} goes on after the end")
            else:
                into.fault(FaultKind.MALFORMED, f"what stands at byte {start - 8} is no chunk")
            return
        if kind == b"ds64" and length >= 16:
            (data_bytes,) = struct.unpack_from("<Q", body, start + 8)
        elif kind in XMP:
            into.add("xmp", kind.decode().strip("\0 "), body[start:start + length])
        elif kind == b"APPL" and body.startswith(b"XMP ", start):
            into.add("xmp", "APPL", body[start + 4:start + length])
        elif kind == b"C2PA":
            into.add("jumbf", "C2PA", body[start:start + length])
        elif kind in ID3:
            id3.walk(body[start:start + length], into)
    into.fault(FaultKind.TRUNCATED, f"only the first {CHUNKS} chunks were looked at")
