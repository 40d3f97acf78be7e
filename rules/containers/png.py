"""PNG: its textual chunks and the one of C2PA.

Facts (PNG, Third Edition, https://www.w3.org/TR/png-3/; XMP Specification Part 3, January 2020, 1.1.5; C2PA 2.2, A.3.2)
- 5.3: a chunk is a length, a type, as many bytes, and a CRC. 5.6: `iTXt` may stand before or after `IDAT`; `IEND` is the last.
- 11.3.3.4: `iTXt` is keyword, zero, whether it is compressed, how, language, zero, translated keyword, zero, text.
- XMP: the keyword is `XML:com.adobe.xmp`; the text should not be compressed. C2PA: `caBX` holds the manifest store.
- PRACTICE (ImageMagick): `zTXt` or `tEXt` of the keyword `Raw profile type xmp` (or `iptc`, `8bim`) holds a name, a length and
  hexadecimal digits on lines.
- OURS: CRCs are not checked; who changes metadata by hand forgets them, and a reservation counts all the same.
"""
from __future__ import annotations

import struct
from binascii import Error, unhexlify

from ..limits import CHUNKS, XMP_BYTES
from ..model import FaultKind
from . import psd
from .inflate import NotInflated, inflate
from .parts import Gathering

KEYWORD = b"XML:com.adobe.xmp"
PROFILE = b"Raw profile type "
_HEADER = struct.Struct(">I4s")


def walk(body: bytes, into: Gathering) -> None:
    pos, size = 8, len(body)
    for _ in range(CHUNKS):
        if pos + 8 > size:
            into.fault(FaultKind.TRUNCATED, "it ends before its last chunk")
            return
        length, kind = _HEADER.unpack_from(body, pos)
        start, pos = pos + 8, pos + 12 + length
        if kind == b"IEND":
            return
        if start + length > size:
            into.fault(FaultKind.TRUNCATED, f"the chunk at byte {start - 8} goes on after the end")
            return
        if kind == b"iTXt" and body.startswith(KEYWORD + b"\0", start):
            _international(body[start + len(KEYWORD) + 1:start + length], into)
        elif kind in (b"zTXt", b"tEXt") and body.startswith(PROFILE, start):
            _profile(kind, body[start:start + length], into)
        elif kind == b"caBX":
            into.add("jumbf", "caBX", body[start:start + length])
    into.fault(FaultKind.TRUNCATED, f"only the first {CHUNKS} chunks were looked at")


def _international(rest: bytes, into: Gathering) -> None:
    """What follows the keyword of an iTXt."""
    fields = rest[2:].split(b"\0", 2)
    if len(fields) < 3:
        into.fault(FaultKind.MALFORMED, "a chunk without text", "iTXt")
        return
    text = fields[2]
    if rest[0]:
        try:
            text = inflate(text, XMP_BYTES)
        except NotInflated as error:
            into.fault(error.kind, str(error), "iTXt")
            return
    into.add("xmp", "iTXt", text)


def _profile(kind: bytes, chunk: bytes, into: Gathering) -> None:
    """A raw profile: name, length, digits."""
    keyword, _, text = chunk.partition(b"\0")
    place, what = kind.decode(), keyword[len(PROFILE):].strip().lower()
    if what not in (b"xmp", b"iptc", b"8bim"):
        return
    try:
        if kind == b"zTXt":
            text = inflate(text[1:], 2 * XMP_BYTES)
        _, length, digits = text.lstrip(b"\n").split(b"\n", 2) if text.startswith(b"\n") else (b"", b"", text)
        data = unhexlify(b"".join(digits.split()))
        told = int(length) if length.strip().isdigit() and len(length) < 20 else -1
    except NotInflated as error:
        into.fault(error.kind, str(error), place)
        return
    except (Error, ValueError):
        into.fault(FaultKind.MALFORMED, "a raw profile that is none", place)
        return
    if told >= 0 and told != len(data):
        into.fault(FaultKind.TRUNCATED, f"a raw profile has {len(data)} bytes, not as many as it says", place)
    if what == b"xmp":
        into.add("xmp", place, data)
    elif not psd.is_resource(data):
        into.add("iim", place, data)
    else:
        psd.resources(data, into, place)
