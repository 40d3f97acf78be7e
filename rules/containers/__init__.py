"""Which container bytes are, and the metadata that stands in them.

Facts: each container stands in a file of its own, with its specification. What a body is, its first bytes tell; names and
declared types are not asked.
- OURS: what stands inside pictures, sounds and pages that a container holds is not looked into; those are other works.
"""
from __future__ import annotations

from collections.abc import Callable

from ..memo import latest
from ..model import Asker, Asset, Evidence, Finding
from . import bmff, gif, id3, jpeg, pdf, png, psd, riff, svg, text, tiff, zip_file
from .parts import Gathering, Part, Parts

__all__ = ["Part", "Parts", "faults", "kind", "parts"]

Walker = Callable[[bytes, Gathering], None]

WALKERS: dict[str, Walker] = {
    "jpeg": jpeg.walk, "png": png.walk, "gif": gif.walk, "tiff": tiff.walk, "psd": psd.walk, "svg": svg.walk,
    **dict.fromkeys(("webp", "wav", "avi", "aiff"), riff.walk),
    **dict.fromkeys(("avif", "heic", "mp4", "mov", "jp2", "jxl"), bmff.walk),
    **dict.fromkeys(("mp3", "flac"), id3.walk),
    "pdf": pdf.walk, "zip": zip_file.walk,
    "eps": text.walk_postscript, "xmp": text.walk_xmp, "jumbf": text.walk_jumbf,
}
NO_PARTS = Parts()

STARTS: tuple[tuple[bytes, str], ...] = (
    (b"\xff\xd8\xff", "jpeg"), (b"\x89PNG\r\n\x1a\n", "png"), (b"GIF8", "gif"), (b"8BPS", "psd"), (b"%PDF-", "pdf"),
    (b"PK\x03\x04", "zip"), (b"PK\x05\x06", "zip"), (b"ID3", "mp3"), (b"fLaC", "flac"), (b"%!PS", "eps"),
    (b"\xc5\xd0\xd3\xc6", "eps"), (b"\xff\x0a", "jxl"), (b"\0\0\0\x0cJXL \r\n\x87\n", "jxl"),
    (b"\0\0\0\x0cjP  \r\n\x87\n", "jp2"),
)
PAGES = (b"<!doctype html", b"<html", b"<head")
BRANDS = {**dict.fromkeys((b"avif", b"avis"), "avif"),
          **dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"), "heic"), b"qt  ": "mov",
          **dict.fromkeys((b"jp2 ", b"jpx ", b"jph "), "jp2"), b"jxl ": "jxl"}
QUICKTIME = frozenset({b"moov", b"mdat", b"wide", b"pnot"})      # first boxes of files that are older than `ftyp`
_FREE = frozenset({b"free", b"skip"})


def kind(body: bytes) -> str:
    """The container: "jpeg", "png", "pdf", "zip" ...; "" for every other. By its first bytes; next to no cost."""
    head = body[:16]
    if head[:1] == b"<" and head.lower().startswith(PAGES):
        return ""
    for start, name in STARTS:
        if head.startswith(start):
            return name
    if head.startswith((b"II", b"MM")) and int.from_bytes(head[2:4], "little" if head[:1] == b"I" else "big") in tiff.VERSIONS:
        return "tiff"
    if head[:4] in riff.FILES:
        return riff.FORMS.get(head[8:12], "")
    if head[4:8] == b"ftyp":
        return BRANDS.get(head[8:12], "mp4")
    if head[4:8] in QUICKTIME or (head[4:8] in _FREE and int.from_bytes(head[:4], "big") <= len(body)):
        return "mov"
    if head[4:8] == b"jumb":
        return "jumbf"
    if len(head) > 2 and head[0] == 0xFF and head[1] & 0xE6 == 0xE2 and head[2] >> 4 != 15:
        return "mp3"                 # a frame of MPEG audio, layer III
    if b"<" in head:
        return _markup(body)
    return ""


def _markup(body: bytes) -> str:
    start = body[:svg.START_BYTES].replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n")
    if start.startswith((b"<?xpacket", b"<x:xmpmeta")):
        return "xmp"
    return "svg" if svg.is_start(start) else ""


@latest
def parts(body: bytes) -> Parts:
    """The metadata in a body; nothing where it is no container that is walked here. Linear, bounded; raises nothing."""
    into = Gathering(kind(body))
    if walk := WALKERS.get(into.kind):
        walk(body, into)
        return into.done()
    return NO_PARTS


def faults(evidence: Evidence, asset: Asset, asker: Asker) -> list[Finding]:
    """What of a container could hold metadata and was not read. The one place that says so."""
    return list(parts(evidence.body).faults)
