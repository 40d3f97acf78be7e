"""IPTC-IIM: the notices in the datasets that pictures carried before XMP.

Facts (IPTC Information Interchange Model, version 4.2, https://www.iptc.org/std/IIM/4.2/)
- 1.5: a dataset is 0x1C, a record, a number, a length and as many bytes. A length with its first bit set is the number of
  bytes that hold the length.
- 1:90 names the character set by ISO 2022; `ESC % G` is UTF-8. PRACTICE: it is left out, and the text is UTF-8 or a code page
  of the author's system. OURS: what is no UTF-8 is read as Latin-1.
- 2:116 is the copyright notice, 2:40 are special instructions. No dataset speaks of mining, so all that stands here is prose.
"""
from __future__ import annotations

from ..containers import Part, parts
from ..limits import CHUNKS
from ..model import Asker, Asset, Carrier, Evidence, Fault, FaultKind, Finding
from . import prose

MARK = 0x1C
NOTICES = {(2, 116): "copyright notice", (2, 40): "special instructions"}


def read(evidence: Evidence, asset: Asset, asker: Asker) -> list[Finding]:
    out: list[Finding] = []
    texts: list[tuple[str, str]] = []
    for part in parts(evidence.body).iim:
        found, fault = notices(part)
        texts += found
        out += fault
    return [*out, *(prose.stated("prose.iim", Carrier.BODY, texts) if texts else ())]


def notices(part: Part) -> tuple[list[tuple[str, str]], list[Fault]]:
    """(place, text) of each notice, and why the datasets break off."""
    data, pos, out = part.data, 0, list[tuple[str, str]]()
    for _ in range(CHUNKS):
        if not data[pos:pos + 4].strip(b"\0"):
            return out, []           # padding, or the end
        if data[pos] != MARK or pos + 5 > len(data):
            return out, [_fault(FaultKind.MALFORMED, f"what stands at byte {pos} is no dataset", part)]
        length, start = int.from_bytes(data[pos + 3:pos + 5], "big"), pos + 5
        if length & 0x8000:
            start += length & 0x7FFF
            length = int.from_bytes(data[pos + 5:min(start, pos + 13)], "big")
        if start + length > len(data):
            return out, [_fault(FaultKind.TRUNCATED, f"the dataset at byte {pos} goes on after the end", part)]
        if name := NOTICES.get((data[pos + 1], data[pos + 2])):
            out.append((f"{part.where} {name}", _text(data[start:start + length])))
        pos = start + length
    return out, [_fault(FaultKind.TRUNCATED, f"only the first {CHUNKS} datasets were looked at", part)]


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _fault(kind: FaultKind, detail: str, part: Part) -> Fault:
    return Fault(Carrier.BODY, kind, detail, part.where)
