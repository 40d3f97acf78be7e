"""ISO base media (MP4, MOV, M4A, HEIC, AVIF), JPEG 2000 and JPEG XL: boxes.

Facts (ISO/IEC 14496-12, 4.2, 8.11; ISO/IEC 23008-12; QuickTime File Format; XMP Specification Part 3, January 2020, 1.1.6, 1.2;
ISO/IEC 15444-1, I; ISO/IEC 18181-2; C2PA 2.2, A.5)
- A box is a length, a type and its contents; length 1: 8 bytes of length follow; length 0: to the end of the file. `uuid` has
  16 bytes of type after that. Metadata can be the last box.
- XMP: `uuid` BE7ACFCB-97A9-42E8-9C71-999491E3AFAC, in JPEG 2000 as well; in QuickTime `moov/udta/XMP_`; in HEIF and AVIF an
  item of type `mime` and content type `application/rdf+xml`.
- Items: `iinf` names them, `iloc` says where they lie: at offsets of the file (construction 0) or in `idat` (1), in extents.
- C2PA: `uuid` D8FEC3D6-1B0E-483C-9297-5828877EC481, four bytes of version and flags, a purpose that a zero ends; unless it is
  `merkle`, eight bytes of an offset and the manifest store. In JPEG XL the box `jumb` itself.
- JPEG XL: `xml ` holds a packet, `brob` any box, by its type and its contents in Brotli (RFC 7932). A codestream without boxes
  holds no metadata.
- IPTC-IIM in JPEG 2000: `uuid` 33C7A4D2-B81D-4723-A0BA-F1A3E097AD38 (PRACTICE).
- OURS: `moov`, `udta` and `meta` are entered, nothing below them; each box lies inside the one around it, so no walk returns.
"""
from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from uuid import UUID

from ..limits import CHUNKS, MEDIA_PARTS, XMP_BYTES
from ..model import FaultKind
from .inflate import NotInflated, inflate_brotli
from .parts import Gathering

XMP, IIM = UUID("be7acfcb-97a9-42e8-9c71-999491e3afac").bytes, UUID("33c7a4d2-b81d-4723-a0ba-f1a3e097ad38").bytes
C2PA = UUID("d8fec3d6-1b0e-483c-9297-5828877ec481").bytes
RDF = b"application/rdf+xml"
ENTERED = frozenset({(b"moov",), (b"moov", b"udta"), (b"moov", b"meta"), (b"meta",), (b"udta",)})
IN_FILE, IN_IDAT = 0, 1
EXTENTS = 100_000                # OURS: of all items


@dataclass(slots=True)
class _Walk:
    body: bytes
    into: Gathering
    boxes_left: int = CHUNKS
    stopped: bool = False


def walk(body: bytes, into: Gathering) -> None:
    if body.startswith(b"\xff\x0a"):
        return                       # a codestream of JPEG XL
    _boxes(_Walk(body, into), 0, len(body), ())


def _boxes(walk: _Walk, pos: int, end: int, path: tuple[bytes, ...]) -> None:
    for kind, box, start, stop in _each(walk, pos, end, path):
        here = (*path, kind)
        if kind == b"uuid":
            _uuid(walk, start, stop)
        elif kind == b"meta" and here in ENTERED:
            _meta(walk, start, stop, here)
        elif here in ENTERED:
            _boxes(walk, start, stop, here)
        elif kind == b"XMP_" and path and path[-1] == b"udta":
            walk.into.add("xmp", "udta/XMP_", walk.body[start:stop])
        elif not path:
            _top(walk, kind, box, start, stop)


def _each(walk: _Walk, pos: int, end: int, path: tuple[bytes, ...]) -> Iterator[tuple[bytes, int, int, int]]:
    """Type of each box, where it starts, where its contents start and stop."""
    body, into = walk.body, walk.into
    place = "/".join(p.decode("latin-1") for p in path)
    while pos < end and not walk.stopped:
        if not walk.boxes_left:
            into.fault(FaultKind.TRUNCATED, f"only the first {CHUNKS} boxes were looked at")
            walk.stopped = True
            return
        walk.boxes_left -= 1
        length, kind, start = int.from_bytes(body[pos:pos + 4], "big"), body[pos + 4:pos + 8], pos + 8
        if length == 1:
            length, start = int.from_bytes(body[pos + 8:pos + 16], "big"), pos + 16
        elif length == 0:
            if path:                 # QuickTime: a zero ends user data
                return
            length = end - pos
        if pos + length > end or start > end:
            into.fault(FaultKind.TRUNCATED, f"the box at byte {pos} goes on after the end", place)
            return
        if length < start - pos:
            into.fault(FaultKind.MALFORMED, f"the box at byte {pos} has the length {length}", place)
            return
        yield kind, pos, start, pos + length
        pos += length


def _top(walk: _Walk, kind: bytes, box: int, start: int, stop: int) -> None:
    if kind == b"jumb":
        walk.into.add("jumbf", "jumb", walk.body[box:stop])
    elif kind == b"xml " and walk.into.kind == "jxl":
        walk.into.add("xmp", "xml", walk.body[start:stop])
    elif kind == b"brob":
        _compressed(walk, start, stop)


def _compressed(walk: _Walk, start: int, stop: int) -> None:
    kind = walk.body[start:start + 4]
    if kind not in (b"xml ", b"jumb"):
        return
    try:
        data = inflate_brotli(walk.body[start + 4:stop], XMP_BYTES)
    except NotInflated as error:
        walk.into.fault(error.kind, str(error), "brob")
        return
    if kind == b"xml ":
        walk.into.add("xmp", "brob", data)
    else:
        walk.into.add("jumbf", "brob", (len(data) + 8).to_bytes(4, "big") + kind + data)


def _uuid(walk: _Walk, start: int, stop: int) -> None:
    kind, start = walk.body[start:start + 16], start + 16
    if kind == XMP:
        walk.into.add("xmp", "uuid", walk.body[start:stop])
    elif kind == IIM:
        walk.into.add("iim", "uuid", walk.body[start:stop])
    elif kind == C2PA:
        purpose, zero, data = walk.body[start + 4:stop].partition(b"\0")
        if not zero:
            walk.into.fault(FaultKind.MALFORMED, "a box of C2PA without purpose", "uuid")
        elif purpose != b"merkle":
            walk.into.add("jumbf", "uuid", data[8:])


# ---- items

def _meta(walk: _Walk, start: int, stop: int, path: tuple[bytes, ...]) -> None:
    """`meta` has four bytes of version and flags; in QuickTime it has none."""
    if walk.body[start + 4:start + 8] != b"hdlr":
        start += 4
    found = {kind: (inner, end) for kind, _, inner, end in _each(walk, start, stop, path)}
    if b"iinf" not in found:
        return
    wanted = _wanted(walk, *found[b"iinf"], path)
    if not wanted:
        return
    try:
        located = _locations(walk.body[slice(*found.get(b"iloc", (0, 0)))], wanted)
        for number in wanted:
            _item(walk, located[number], found.get(b"idat"))
    except (IndexError, KeyError):
        walk.into.fault(FaultKind.MALFORMED, "it does not say where an item of XMP lies", "meta")


def _wanted(walk: _Walk, start: int, stop: int, path: tuple[bytes, ...]) -> list[int]:
    """Numbers of the items that are XMP."""
    body = walk.body
    first = start + (6 if body[start:start + 1] == b"\0" else 8)
    out = []
    for kind, _, at, end in _each(walk, first, stop, (*path, b"iinf")):
        version = body[at:at + 1]
        if kind != b"infe" or version not in (b"\x02", b"\x03"):
            continue
        wide = 2 if version == b"\x02" else 4
        kind_at = at + 4 + wide + 2
        if body[kind_at:kind_at + 4] != b"mime":
            continue
        _, _, rest = body[kind_at + 4:end].partition(b"\0")
        if rest.partition(b"\0")[0].strip().lower() == RDF:
            out.append(int.from_bytes(body[at + 4:at + 4 + wide], "big"))
    if len(out) > MEDIA_PARTS:
        walk.into.fault(FaultKind.TRUNCATED, f"more than {MEDIA_PARTS} items of XMP", "meta")
    return out[:MEDIA_PARTS]


@dataclass(frozen=True, slots=True)
class _Location:
    construction: int
    extents: tuple[tuple[int, int], ...]         # offset, length; length 0: to the end


def _locations(box: bytes, wanted: list[int]) -> dict[int, _Location]:
    """What iloc says about the items wanted. Raises IndexError where it breaks off."""
    take = _taker(box)
    version = take(1)
    take(3)
    sizes = take(2)
    offset_bytes, length_bytes, base_bytes, index_bytes = (sizes >> shift & 15 for shift in (12, 8, 4, 0))
    out: dict[int, _Location] = {}
    seen = 0
    for _ in range(min(take(2 if version < 2 else 4), CHUNKS)):
        number = take(2 if version < 2 else 4)
        construction = take(2) & 15 if version in (1, 2) else IN_FILE
        take(2)
        base = take(base_bytes)
        extents = []
        for _ in range(take(2)):
            if version in (1, 2):
                take(index_bytes)
            extents.append((base + take(offset_bytes), take(length_bytes)))
        seen += len(extents)
        if seen > EXTENTS:
            raise IndexError
        if number in wanted:
            out[number] = _Location(construction, tuple(extents))
            if len(out) == len(wanted):
                break
    return out


def _taker(box: bytes) -> Callable[[int], int]:
    pos = 0

    def take(size: int) -> int:
        nonlocal pos
        pos += size
        if pos > len(box):
            raise IndexError
        return int.from_bytes(box[pos - size:pos], "big")
    return take


def _item(walk: _Walk, location: _Location, idat: tuple[int, int] | None) -> None:
    if location.construction == IN_FILE:
        first, end = 0, len(walk.body)
    elif location.construction == IN_IDAT and idat:
        first, end = idat
    else:
        walk.into.fault(FaultKind.MALFORMED, "an item of XMP lies inside another item", "meta")
        return
    pieces, held_bytes = [], 0
    for offset, length in location.extents:
        start = first + offset
        stop = start + length if length else end
        held_bytes += max(stop - start, 0)
        if stop > end or held_bytes > XMP_BYTES:
            walk.into.fault(FaultKind.TRUNCATED, "an item of XMP goes on after the end, or is too long", "meta")
            return
        pieces.append(walk.body[start:stop])
    walk.into.add("xmp", "meta", b"".join(pieces))
