"""Which container bytes are, and the metadata that stands in them.

Facts: each container stands in a file of its own, with its specification. What a body is, its first bytes tell; names and
declared types are not asked.
- OURS: what stands inside pictures, sounds and pages that a container holds is not looked into; those are other works.
"""
from __future__ import annotations

from collections.abc import Callable

from ..memo import latest
from ..model import Asker, Asset, Evidence, Finding
from . import jpeg, png, psd, tiff
from .parts import Gathering, Part, Parts

__all__ = ["Part", "Parts", "faults", "kind", "parts"]

Walker = Callable[[bytes, Gathering], None]

WALKERS: dict[str, Walker] = {
    "jpeg": jpeg.walk, "png": png.walk, "tiff": tiff.walk, "psd": psd.walk,
}
NO_PARTS = Parts()


def kind(body: bytes) -> str:
    """The container: "jpeg", "png", "pdf", "zip" ...; "" for every other. By its first bytes; next to no cost."""
    head = body[:16]
    if head.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if head.startswith((b"II", b"MM")) and int.from_bytes(head[2:4], "little" if head[:1] == b"I" else "big") in tiff.VERSIONS:
        return "tiff"
    if head.startswith(b"8BPS"):
        return "psd"
    if head.startswith(b"%PDF-"):
        return "pdf"
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return "zip"
    return ""


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
