"""JUMBF: the boxes of a C2PA manifest store, by label.

Facts (ISO/IEC 19566-5, clauses A and B; C2PA Technical Specification 2.2, 11.1, https://spec.c2pa.org/)
- A box is its length (LBox, 4 bytes), its type (TBox, 4) and its contents; length 1: 8 bytes of length follow; length 0: it
  goes to the end.
- A superbox `jumb` starts with a description box `jumd`: 16 bytes of type, one of toggles and, where bit 1 of these is set, a
  label that a zero byte ends.
- C2PA 11.1: the store has the label `c2pa` and holds one superbox a manifest, the active one last; a manifest holds its
  assertions in a superbox, each in one of its own, whose content is a box `cbor` or `json`. Of labels that are the same, all
  but the first end with `__` and a number.
- C2PA 11.2.4: a manifest can be compressed: in its superbox stands a box `brob`, which is the manifest's own in Brotli.
- OURS: zeros after the last box are padding.
"""
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from .containers.inflate import NotInflated, inflate_brotli
from .limits import JUMBF_BOXES, JUMBF_BYTES, JUMBF_DEPTH
from .model import FaultKind

COMPRESSED = b"brob"
LABEL_CHARS = 200
_LABELLED = 2


@dataclass(frozen=True, slots=True)
class Content:
    """A box with contents of its own and the labels of the superboxes around it, outermost first."""
    path: tuple[str, ...]
    type: bytes                      # "cbor", "json", "brob", "bidb" ...
    data: memoryview


@dataclass(slots=True)
class Reading:
    """What is left of the bounds of one store, and why not all of it could be read; filled while contents are asked for."""
    failure: tuple[FaultKind, str] | None = None
    boxes_left: int = JUMBF_BOXES
    inflated_left: int = JUMBF_BYTES


def contents(store: bytes, reading: Reading) -> Iterator[Content]:
    """Every box with contents, in order, those of compressed manifests among them. Linear; raises nothing."""
    for content in _contents(store, (), reading):
        if content.type != COMPRESSED:
            yield content
            continue
        try:
            inner = inflate_brotli(bytes(content.data), reading.inflated_left)
        except NotInflated as error:
            reading.failure = error.kind, f"a manifest: {error}"
            continue
        reading.inflated_left -= len(inner)
        for each in _contents(inner, content.path[:1], reading):
            if each.type == COMPRESSED:
                reading.failure = FaultKind.MALFORMED, "a compressed manifest stands in another"
            yield each


def _contents(boxes: bytes, around: tuple[str, ...], reading: Reading) -> Iterator[Content]:
    todo: list[tuple[memoryview, tuple[str, ...]]] = [(memoryview(boxes), around)]
    while todo:
        data, path = todo.pop()
        inner: list[tuple[memoryview, tuple[str, ...]]] = []
        for kind, box in _boxes(data, reading):
            reading.boxes_left -= 1
            if reading.boxes_left < 0:
                reading.failure = FaultKind.TRUNCATED, f"only the first {JUMBF_BOXES} boxes of the store were read"
                return
            if kind != b"jumb":
                if kind != b"jumd":
                    yield Content(path, kind, box)
            elif len(path) == JUMBF_DEPTH:
                reading.failure = FaultKind.TRUNCATED, f"more than {JUMBF_DEPTH} boxes stand inside one another"
            else:
                inner.append((box, (*path, _label(box))))
        todo += reversed(inner)


def _boxes(data: memoryview, reading: Reading) -> Iterator[tuple[bytes, memoryview]]:
    at = 0
    while at < len(data):
        head = 8
        length, kind = int.from_bytes(data[at:at + 4], "big"), bytes(data[at + 4:at + 8])
        if length == 0 and kind == bytes(4)[:len(kind)] and not any(data[at:at + 64]):
            return
        if length == 1:
            head, length = 16, int.from_bytes(data[at + 8:at + 16], "big")
        elif length == 0:
            length = len(data) - at
        if length < head:
            reading.failure = FaultKind.MALFORMED, "a box of the store has no such length"
            return
        if at + length > len(data):
            reading.failure = FaultKind.TRUNCATED, "the store ends early"
        yield kind, data[at + head:at + length]
        at += length


def _label(superbox: memoryview) -> str:
    """The label in the description box that a superbox starts with; "" where there is none."""
    size = int.from_bytes(superbox[:4], "big")
    if bytes(superbox[4:8]) != b"jumd" or not 25 < size <= len(superbox) or not superbox[24] & _LABELLED:
        return ""
    text = bytes(superbox[25:min(size, 25 + 4 * LABEL_CHARS)]).partition(b"\0")[0].decode("utf-8", "replace")
    return "".join(c if c.isprintable() else "\ufffd" for c in text[:LABEL_CHARS])
