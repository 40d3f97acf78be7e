"""Corners of container grammars, one file each: what is handed out, or which fault there is."""
from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from uuid import UUID

import pytest

from rules.containers import kind, parts
from rules.limits import CHUNKS, MEDIA_PARTS, SUB_BLOCKS, XMP_BYTES
from rules.model import Access, Asker, Asset, Carrier, Evidence
from rules.references import references
from tests.fixtures import media
from tests.fixtures.media import (
    IIM_DATA,
    STORE,
    box,
    chunk,
    dataset,
    gif,
    id3,
    jpeg,
    mp4,
    png,
    resource,
    riff,
    segment,
    sub_blocks,
)

X = media.packet("prohibited")
XMP_ITEM = box(b"infe", struct.pack(">BxxxHH", 2, 1, 0) + b"mime\0application/rdf+xml\0")
XAP = b"http://ns.adobe.com/xap/1.0/\0"


def tag(version: int, inner: bytes, flags: int = 0) -> bytes:
    return b"ID3" + bytes((version, 0, flags)) + media.sevens(len(inner)) + inner


def frame(name: bytes, flags: int, data: bytes) -> bytes:
    return name + struct.pack(">I", len(data)) + bytes((0, flags)) + data


def meta(*inner: bytes) -> bytes:
    return box(b"ftyp", b"heic" + bytes(4)) + box(b"meta", bytes(4) + box(b"hdlr", bytes(25)) + b"".join(inner))


def iinf(*items: bytes, count: int = 1) -> bytes:
    return box(b"iinf", struct.pack(">IH", 0, count) + b"".join(items))


def rf64(xmp: bytes) -> bytes:
    sizes = struct.pack("<QQQI", 0, 100, 0, 0)
    body = b"RF64\xff\xff\xff\xffWAVE" + b"ds64" + struct.pack("<I", len(sizes)) + sizes
    return body + b"data\xff\xff\xff\xff" + bytes(100) + b"_PMX" + struct.pack("<I", len(xmp)) + xmp


# Each: a file, and what it hands out.
HANDED_OUT: dict[str, tuple[Callable[[], bytes], str, bytes]] = {
    "a box of 64 bits": (lambda: mp4(struct.pack(">I4sQ", 1, b"uuid", 32 + len(X)) + media.XMP_UUID + X), "xmp", X),
    "the last box, without length": (lambda: mp4(struct.pack(">I4s", 0, b"uuid") + media.XMP_UUID + X), "xmp", X),
    "uuid in moov": (lambda: mp4(in_moov=box(b"uuid", media.XMP_UUID + X)), "xmp", X),
    "QuickTime before ftyp": (lambda: box(b"wide", b"") + box(b"mdat", b"x") + box(b"moov", box(b"udta", box(b"XMP_", X))), "xmp", X),
    "QuickTime that starts with free": (lambda: box(b"free", b"") + box(b"moov", box(b"udta", box(b"XMP_", X))), "xmp", X),
    "IIM in JPEG 2000": (lambda: media.JP2 + box(b"uuid", UUID("33c7a4d2-b81d-4723-a0ba-f1a3e097ad38").bytes + IIM_DATA), "iim", IIM_DATA),
    "a tag behind an extended header, version 3": (lambda: tag(3, struct.pack(">IHI", 6, 0, 0) + frame(b"PRIV", 0, b"XMP\0" + X), 0x40), "xmp", X),
    "a tag behind an extended header, version 4": (
        lambda: tag(4, media.sevens(6) + b"\1\0" + b"PRIV" + media.sevens(4 + len(X)) + b"\0\0XMP\0" + X, 0x40), "xmp", X),
    "a compressed frame, version 3": (
        lambda: tag(3, frame(b"PRIV", 0x80, struct.pack(">I", len(X) + 4) + zlib.compress(b"XMP\0" + X))), "xmp", X),
    "a compressed frame, version 4": (
        lambda: id3(4, b"PRIV", media.sevens(len(X) + 4) + zlib.compress(b"XMP\0" + X)).replace(b"\0\0" + media.sevens(len(X) + 4), b"\0\x09" + media.sevens(len(X) + 4)),
        "xmp", X),
    "a frame of a group": (lambda: tag(3, frame(b"PRIV", 0x20, b"gXMP\0" + X)), "xmp", X),
    "a length as iTunes writes it": (lambda: tag(4, b"TIT2" + struct.pack(">I", 200) + b"\0\0" + b"\0" + b"t" * 199 + b"PRIV" + media.sevens(4 + len(X)) + b"\0\0XMP\0" + X), "xmp", X),
    "a second tag": (lambda: id3(3, b"TXXX", b"\0a\0b") + id3(3, b"PRIV", b"XMP\0" + X), "xmp", X),
    "a long RF64": (lambda: rf64(X), "xmp", X),
    "a packet behind a RIFF": (lambda: riff(b"WAVE", media.FMT) + b"_PMX" + struct.pack("<I", len(X)) + X, "xmp", X),
    "a recording that nobody finished": (lambda: b"RIFF\xff\xff\xff\xffWAVE_PMX" + struct.pack("<I", len(X)) + X, "xmp", X),
    "IIM in a profile, without resources": (
        lambda: png(chunk(b"tEXt", b"Raw profile type iptc\0" + media.raw_profile("iptc", IIM_DATA))), "iim", IIM_DATA),
    "two resources in two segments": (
        lambda: jpeg(*(segment(0xED, b"Photoshop 3.0\0" + half) for half in (resource(0x0404, IIM_DATA)[:30], resource(0x0404, IIM_DATA)[30:]))), "iim", IIM_DATA),
    "a JUMBF box of 64 bits": (
        lambda: jpeg(segment(0xEB, b"JP\0\1\0\0\0\1" + struct.pack(">I4sQ", 1, b"jumb", 20) + b"abcd")), "jumbf", struct.pack(">I4sQ", 1, b"jumb", 20) + b"abcd"),
    "markers with padding": (lambda: jpeg(b"\xff\xff\xff\xff\x01", b"\xff" + segment(0xE1, XAP + X)), "xmp", X),
    "sub-IFDs": (lambda: b"MM\0*" + struct.pack(">IHHHIIIHHHIII", 8, 1, 330, 13, 1, 26, 0, 1, 700, 1, len(X), 44, 0) + X, "xmp", X),
    "PostScript with a header of DOS": (lambda: b"\xc5\xd0\xd3\xc6" + bytes(26) + media.eps(X), "xmp", X.removesuffix(media.TAIL.encode())),
    "C2PA purpose and offset": (lambda: mp4(box(b"uuid", media.C2PA_UUID + bytes(4) + b"original\0" + bytes(8) + STORE)), "jumbf", STORE),
}


@pytest.mark.parametrize("name", HANDED_OUT)
def test_handed_out(name: str) -> None:
    make, what, data = HANDED_OUT[name]
    told = parts(make())
    assert [p.data for p in getattr(told, what)] == [data]
    assert not told.faults


NOTHING: dict[str, Callable[[], bytes]] = {
    "a codestream of JPEG XL": lambda: b"\xff\x0a" + X,
    "hashes of C2PA": lambda: mp4(box(b"uuid", media.C2PA_UUID + bytes(4) + b"merkle\0" + STORE)),
    "meta of QuickTime": lambda: mp4(in_moov=box(b"meta", box(b"hdlr", bytes(24)) + box(b"keys", b""))),
    "an item of another type": lambda: meta(iinf(XMP_ITEM.replace(b"rdf+xml", b"foo+xml"), box(b"infe", b"\0"))),
    "other extensions of GIF": lambda: gif(b"NETSCAPE2.0", sub_blocks(b"\1\0\0")),
    "a comment of GIF": lambda: media.pixels("GIF")[:-1] + b"\x21\xfe" + sub_blocks(b"hello") + b"\x3b",
    "a frame of another owner": lambda: id3(3, b"PRIV", b"somebody\0x") + id3(3, b"GEOB", b"\0image/png\0\0\0x"),
    "an SVG without metadata": lambda: b"<svg xmlns='http://www.w3.org/2000/svg'><g></g></svg>\n<!-- end -->",
    "an SVG of one tag": lambda: b"<svg xmlns='http://www.w3.org/2000/svg'/>\n",
    "a profile of another sort": lambda: png(chunk(b"tEXt", b"Raw profile type exif\0x")),
    "another compressed box": lambda: media.JXL + box(b"brob", b"Exifx"),
    "text of another keyword": lambda: png(chunk(b"iTXt", b"Comment\0\0\0\0\0x")),
    "a packet of nothing but space": lambda: media.jpeg_xmp(b"  \n\0"),
    "a tag that is the whole file": lambda: id3(4, b"TXXX", b"\0a\0b", footer=True),
    "something behind a RIFF": lambda: riff(b"WAVE", media.FMT, media.SOUND) + b"what is this?",
    "resources with padding": lambda: jpeg(segment(0xED, b"Photoshop 3.0\0" + resource(1, b"x") + bytes(11))),
}


@pytest.mark.parametrize("name", NOTHING)
def test_nothing(name: str) -> None:
    told = parts(NOTHING[name]())
    assert told.kind
    assert not told.faults
    assert (told.jumbf, told.iim) == ((), ())
    assert not [p for p in told.xmp if p.data.strip(b" \n\0")]


FAULTS: dict[str, tuple[Callable[[], bytes], str]] = {
    "C2PA without purpose": (lambda: mp4(box(b"uuid", media.C2PA_UUID + bytes(9))[:-5].replace(struct.pack(">I4s", 33, b"uuid"), struct.pack(">I4s", 28, b"uuid"))), "without purpose"),
    "many items": (lambda: meta(iinf(*[XMP_ITEM] * (MEDIA_PARTS + 1), count=MEDIA_PARTS + 1)), f"more than {MEDIA_PARTS} items"),
    "an item nowhere": (lambda: meta(iinf(XMP_ITEM)), "where an item of XMP lies"),
    "an item in an item": (lambda: meta(iinf(XMP_ITEM), box(b"iloc", struct.pack(">BxxxBBHHHHHII", 1, 0x44, 0, 1, 1, 2, 0, 1, 0, 1))), "inside another item"),
    "more extents than are read": (
        lambda: meta(iinf(XMP_ITEM), box(b"iloc", b"\1\0\0\0\0\0\0\3" + struct.pack(">HHHH", 9, 0, 0, 65_535) * 3)), "where an item of XMP lies"),
    "one of two items nowhere": (
        lambda: meta(iinf(XMP_ITEM, XMP_ITEM.replace(b"\2\0\0\0\0\1", b"\2\0\0\0\0\2"), count=2),
                     box(b"iloc", struct.pack(">BxxxBBHHHHHII", 1, 0x44, 0, 1, 1, 1, 0, 1, 0, 1))), "where an item of XMP lies"),
    "an item after the end": (lambda: meta(iinf(XMP_ITEM), box(b"iloc", struct.pack(">BxxxBBHHHHHII", 1, 0x44, 0, 1, 1, 0, 0, 1, 9, 2**31))), "after the end"),
    "locations that break off": (lambda: meta(iinf(XMP_ITEM), box(b"iloc", b"\1\0\0\0\x44\0\0\1")), "where an item of XMP lies"),
    "a compressed store that is none": (lambda: media.JXL + box(b"brob", b"jumb\xff\xff"), "compressed as it says"),
    "a compressed packet that breaks off": (lambda: media.JXL + box(b"brob", b"xml " + media.brotli.compress(X)[:-9]), "inside a compressed stream"),
    "many blocks in C2PA_GIF": (lambda: gif(b"C2PA_GIF\x01\0\0", b"\1x" * (SUB_BLOCKS // 2 + 9) + b"\0"), "more blocks"),
    "no block of GIF": (lambda: media.pixels("GIF")[:-1] + b"\x77", "is no block"),
    "XMP in GIF without its end": (lambda: gif(b"XMP DataXMP", b"<x/>" + bytes(99)), "does not end as it should"),
    "many tags": (lambda: tag(3, b"") * 9, "the first 8 tags"),
    "a tag at the end without start": (lambda: id3(3, b"TXXX", b"\0") + bytes(40) + b"3DI\4\0\x10" + media.sevens(10), "has no start"),
    "a compressed tag": (lambda: tag(2, b"TT2", 0x40), "nobody defined"),
    "a tag of the future": (lambda: tag(9, b"PRIV"), "version 9"),
    "many frames": (lambda: tag(3, frame(b"TIT2", 0, b"") * (CHUNKS + 1)), f"the first {CHUNKS} frames"),
    "a frame that is none": (lambda: tag(3, b"\1\2\3\4" + bytes(20)), "is no frame"),
    "a frame that is not compressed as it says": (lambda: tag(3, frame(b"PRIV", 0x80, b"1234none")), "compressed as it says"),
    "an object without name": (lambda: tag(3, frame(b"GEOB", 0, b"\0application/c2pa\0x")), "without name"),
    "many segments": (lambda: jpeg(segment(0xFE, b"") * (CHUNKS + 1)), f"the first {CHUNKS} segments"),
    "a scan that never comes": (lambda: b"\xff\xd8" + segment(0xFE, b"x"), "before the first scan"),
    "too much of a thing": (lambda: png(media.international(b" " * (XMP_BYTES + 1))), f"more than {XMP_BYTES} bytes"),
    "too many of a thing": (lambda: png(media.international(b" ") * (MEDIA_PARTS + 1)), f"more than {MEDIA_PARTS} parts"),
    "many resources": (lambda: media.psd(resource(1, b"") * (CHUNKS + 1)), f"the first {CHUNKS} image resources"),
    "many chunks of RIFF": (lambda: riff(b"WAVE", *[(b"junk", b"")] * (CHUNKS + 1)), f"the first {CHUNKS} chunks"),
    "what is no chunk of RIFF": (lambda: riff(b"WAVE", (b"\1\2\3\4", b"xx"))[:-1], "is no chunk"),
    "a RIFF shorter than it says": (lambda: riff(b"WAVE", media.FMT, media.SOUND)[:12 + 24], "not as many as it says"),
    "a long SVG": (lambda: media.svg(b"<a/>" * 200_001 + b"c2pa"), "tags"),
    "a manifest that is no Base64": (lambda: media.svg(b'<c2pa:manifest xmlns:c2pa="http://c2pa.org/manifest">!</c2pa:manifest>'), "no Base64"),
    "an SVG that breaks off": (lambda: b"<svg xmlns='http://www.w3.org/2000/svg'><g></g>", "before its last tag"),
    "many packets": (lambda: b"%!PS\n" + X * (MEDIA_PARTS + 1), f"the first {MEDIA_PARTS} packets"),
    "a profile with another length": (lambda: png(chunk(b"tEXt", b"Raw profile type xmp\0" + media.raw_profile("xmp", X).replace(b"\n     ", b"\n    9"))), "not as many as it says"),
    "a profile that is none": (lambda: png(chunk(b"tEXt", b"Raw profile type xmp\0\nxmp\n4\nzz")), "is none"),
    "text without fields": (lambda: png(chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0x")), "without text"),
    "a resource that breaks off": (lambda: jpeg(segment(0xED, b"Photoshop 3.0\0" + resource(0x0404, b"x" * 40)[:-20])), "after the end"),
    "an extension that never comes": (
        lambda: jpeg(segment(0xE1, XAP + media.described(attributes='xmlns:n="http://ns.adobe.com/xmp/note/" n:HasExtendedXMP="' + "AB" * 16 + '"').encode())),
        "that is not there"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_faults(name: str) -> None:
    make, detail = FAULTS[name]
    assert any(detail in fault.detail for fault in parts(make()).faults), parts(make()).faults


@pytest.mark.parametrize("make, at", [
    (lambda: b"\xff\xd8" + segment(0xFE, b"abc") + b"\xff\xfe\0\1", -4),
    (lambda: png(chunk(b"tEXt", b"abc"))[:33] + struct.pack(">I4s", 99, b"tEXt") + b"x", 33),
    (lambda: b"RIFF\x40\0\0\0WAVEjunk\x63\0\0\0x", 12),
    (lambda: mp4(struct.pack(">I4s", 999, b"free")), -8),
], ids=["jpeg", "png", "riff", "mp4"])
def test_damage_is_placed_at_the_first_byte_of_what_is_damaged(make: Callable[[], bytes], at: int) -> None:
    body = make()
    place = at % len(body)
    assert any(f" at byte {place} " in fault.detail for fault in parts(body).faults), (place, parts(body).faults)


def test_no_more_faults_than_are_worth_it() -> None:
    assert len(parts(jpeg(b"".join(segment(0xFE, b"") + b"x" * n for n in range(1, 200)))).faults) == MEDIA_PARTS


def test_forms_that_are_not_read() -> None:
    assert kind(b"RIFF\4\0\0\0PAL ") == kind(b"FORM\0\0\0\4ILBM") == ""


def test_many_datasets() -> None:
    from rules.containers import Part
    from rules.signals.iim import notices
    (fault,) = notices(Part("x", dataset(2, 25, b"") * (CHUNKS + 1)))[1]
    assert "datasets" in fault.detail


def test_a_policy_of_tdmrep_is_referred_to() -> None:
    for spelling, wanted in (("tdmrep", ["https://site.example/policy.json"]), ("tdmrep-0", []), ("absent", [])):
        body = media.file(f"png+{spelling}")
        told = references((Evidence(Carrier.BODY, "https://site.example/x.png", None, Access.OBTAINED, body),), Asset("https://site.example/x.png"), Asker("mybot"))
        assert [r.uri for r in told] == wanted
        assert not any(r.needed for r in told)
