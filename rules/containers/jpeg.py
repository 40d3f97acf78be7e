"""JPEG: the segments in front of the first scan.

Facts (ITU-T T.81, B.1.1; XMP Specification Part 3, January 2020, 1.1.3; ISO/IEC 19566-5, D.2; C2PA 2.2, A.3.1)
- T.81: a marker is 0xFF and a byte that is neither 0x00 nor 0xFF; 0xFF may be repeated in front of it. The length that follows
  counts itself. SOI, EOI, TEM and RSTn have none.
- XMP: APP1 with the name of the namespace and a zero holds one packet. What does not fit stands in APP1 of another name, in
  pieces: 32 characters of a GUID, the length of the whole, the offset of the piece. The packet names the GUID in
  `xmpNote:HasExtendedXMP`; an extension that it does not name is not its own.
- JUMBF: APP11 `JP`, number of the box, number of the piece from 1, and the header of the box again in each piece.
- Photoshop: APP13 with its name and image resources (psd.py), which may go on in the next segment.
- Exif: APP1 that holds a TIFF file (tiff.py), which can hold what TIFF can.
- OURS: metadata stands in front of the first scan. What follows it is not read: other pictures, video, pixels.
"""
from __future__ import annotations

import re
from collections.abc import Iterator

from ..limits import CHUNKS
from ..model import FaultKind
from . import psd, tiff
from .parts import Gathering

XMP, EXTENSION = b"http://ns.adobe.com/xap/1.0/\0", b"http://ns.adobe.com/xmp/extension/\0"
PHOTOSHOP, EXIF = b"Photoshop 3.0\0", b"Exif\0"
APP1, APP11, APP13, SOS, EOI = 0xE1, 0xEB, 0xED, 0xDA, 0xD9
ALONE = frozenset({0x01, *range(0xD0, 0xD9)})

_MARKER = re.compile(rb"\xff+([^\x00\xff])", re.DOTALL)
_IN_TIFF = (b"\x02\xbc", b"\xbc\x02", b"\x83\xbb", b"\xbb\x83", b"\xcd\x41", b"\x41\xcd")     # tags that tiff.py looks for
_PIECE_HEADER = 40               # GUID, length, offset
_BOX_HEADER = 8                  # "JP", two numbers


def walk(body: bytes, into: Gathering) -> None:
    packets: list[bytes] = []
    extensions: dict[bytes, list[tuple[int, int, bytes]]] = {}
    boxes: dict[tuple[bytes, bytes], list[tuple[int, bytes]]] = {}
    resources: list[bytes] = []
    for marker, segment in _segments(body, into):
        if marker == APP1:
            if segment.startswith(XMP):
                packets.append(segment[len(XMP):])
            elif segment.startswith(EXTENSION):
                piece = segment[len(EXTENSION):]
                length, offset = int.from_bytes(piece[32:36], "big"), int.from_bytes(piece[36:40], "big")
                extensions.setdefault(piece[:32], []).append((offset, length, piece[_PIECE_HEADER:]))
            elif segment.startswith(EXIF) and any(tag in segment for tag in _IN_TIFF):
                tiff.walk(segment[len(EXIF) + 1:], into, "app1/")
        elif marker == APP11 and segment.startswith(b"JP"):
            number = int.from_bytes(segment[4:8], "big")
            boxes.setdefault((segment[2:4], segment[12:16]), []).append((number, segment[_BOX_HEADER:]))
        elif marker == APP13 and segment.startswith(PHOTOSHOP):
            resources.append(segment[len(PHOTOSHOP):])
    for packet in packets:
        into.add("xmp", "app1", packet)
    named = _named(packets)
    for guid, pieces in extensions.items():
        _extension(pieces, guid.upper() in named, into)
    for guid in named:
        if guid not in extensions and guid.lower() not in extensions:
            into.fault(FaultKind.TRUNCATED, "the packet goes on in an extension that is not there", "app1")
    for numbered in boxes.values():
        _box(numbered, into)
    if resources:
        psd.resources(b"".join(resources), into, "app13")


def _segments(body: bytes, into: Gathering) -> Iterator[tuple[int, bytes]]:
    pos, size = 2, len(body)
    for _ in range(CHUNKS):
        found = _MARKER.match(body, pos)
        if not found:
            found = _MARKER.search(body, pos)
            if not found:
                into.fault(FaultKind.TRUNCATED, "it ends before the first scan")
                return
            into.fault(FaultKind.MALFORMED, f"{found.start() - pos} bytes from byte {pos} on belong to no segment")
        marker, pos = found[1][0], found.end()
        if marker in ALONE:
            continue
        if marker in (SOS, EOI):
            return
        length = int.from_bytes(body[pos:pos + 2], "big")
        if length < 2 and pos + 2 <= size:
            into.fault(FaultKind.MALFORMED, f"the segment at byte {pos - 2} has the length {length}")
            return
        if pos + length > size or pos + 2 > size:
            into.fault(FaultKind.TRUNCATED, f"the segment at byte {pos - 2} goes on after the end")
            return
        if marker in (APP1, APP11, APP13):
            yield marker, body[pos + 2:pos + length]
        pos += length
    into.fault(FaultKind.TRUNCATED, f"only the first {CHUNKS} segments were looked at")


_NAMED = re.compile(rb"HasExtendedXMP[^0-9A-Fa-f<>]{1,20}(?:>[ \t\r\n]*)?([0-9A-Fa-f]{32})")


def _named(packets: list[bytes]) -> set[bytes]:
    """GUIDs of the extensions that packets name, in UTF-8 or wider."""
    return {found[1].upper() for packet in packets for found in _NAMED.finditer(packet.replace(b"\0", b""))}


def _extension(pieces: list[tuple[int, int, bytes]], is_named: bool, into: Gathering) -> None:
    if not is_named:
        into.fault(FaultKind.MALFORMED, "an extension that no packet names", "app1 extension")
        return
    whole: list[bytes] = []
    end = 0
    for offset, _, piece in sorted(set(pieces)):
        if offset != end:
            into.fault(FaultKind.TRUNCATED, f"the extension has a gap or an overlap at byte {end}", "app1 extension")
            return
        whole.append(piece)
        end += len(piece)
    if any(length != end for _, length, _ in pieces):
        into.fault(FaultKind.TRUNCATED, f"the extension has {end} bytes, not as many as it says", "app1 extension")
        return
    into.add("xmp", "app1 extension", b"".join(whole))


def _box(numbered: list[tuple[int, bytes]], into: Gathering) -> None:
    """One JUMBF box out of its pieces. What is there is handed out, even if it is not all."""
    numbered.sort(key=lambda piece: piece[0])
    first = numbered[0][1]
    length = int.from_bytes(first[:4], "big")
    header = 16 if length == 1 else 8
    if length == 1:
        length = int.from_bytes(first[8:16], "big")
    data = first + b"".join(piece[header:] for _, piece in numbered[1:])
    if [number for number, _ in numbered] != list(range(1, len(numbered) + 1)):
        into.fault(FaultKind.MALFORMED, "pieces of a JUMBF box are missing or stand there twice", "app11")
    elif length and len(data) != length:
        into.fault(FaultKind.TRUNCATED, f"a JUMBF box has {len(data)} bytes, not as many as it says", "app11")
    into.add("jumbf", "app11", data)
