"""What a container hands out: the metadata that stands in it, as raw bytes, and why some of it could not be had."""
from __future__ import annotations

from dataclasses import dataclass, field

from ..limits import DETAIL_CHARS, JUMBF_BYTES, MEDIA_PARTS, XMP_BYTES
from ..model import Carrier, Fault, FaultKind


@dataclass(frozen=True, slots=True)
class Part:
    """One piece of metadata, unwrapped and inflated, as it stood in the file otherwise."""
    where: str                       # "jpeg/app1", "png/iTXt", "mp4/uuid"
    data: bytes


@dataclass(frozen=True, slots=True)
class Parts:
    """All that stands in one file, in its order. What could not be had has a fault; the rest is here all the same."""
    kind: str = ""                   # containers.kind
    xmp: tuple[Part, ...] = ()       # packets, each a document of its own
    jumbf: tuple[Part, ...] = ()     # boxes with their headers; a C2PA manifest store is one `jumb` box
    iim: tuple[Part, ...] = ()       # sequences of datasets
    faults: tuple[Fault, ...] = ()


@dataclass(slots=True)
class Gathering:
    """Parts while a walker finds them. Keeps no more than limits.py says, and each fault once."""
    kind: str
    parts: dict[str, list[Part]] = field(default_factory=lambda: {"xmp": [], "jumbf": [], "iim": []})
    faults: dict[Fault, None] = field(default_factory=dict)
    held_bytes: dict[str, int] = field(default_factory=lambda: {"xmp": 0, "jumbf": 0, "iim": 0})

    def add(self, what: str, place: str, data: bytes) -> None:
        """`what`: "xmp", "jumbf" or "iim"; `place` inside the container."""
        cap_bytes = JUMBF_BYTES if what == "jumbf" else XMP_BYTES
        if self.held_bytes[what] + len(data) > cap_bytes:
            self.fault(FaultKind.TRUNCATED, f"more than {cap_bytes} bytes of {what}", place)
        elif len(self.parts[what]) == MEDIA_PARTS:
            self.fault(FaultKind.TRUNCATED, f"more than {MEDIA_PARTS} parts of {what}", place)
        else:
            self.held_bytes[what] += len(data)
            self.parts[what].append(Part(self.where(place), data))

    def fault(self, kind: FaultKind, detail: str, place: str = "") -> None:
        if len(self.faults) < MEDIA_PARTS:
            self.faults[Fault(Carrier.BODY, kind, detail[:DETAIL_CHARS], self.where(place))] = None

    def where(self, place: str) -> str:
        return f"{self.kind}/{place}" if place else self.kind

    def done(self) -> Parts:
        xmp, jumbf, iim = (tuple(self.parts[what]) for what in ("xmp", "jumbf", "iim"))
        return Parts(self.kind, xmp, jumbf, iim, tuple(self.faults))
