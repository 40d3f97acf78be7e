"""Write an XMP packet into PDF: an update at its end, so that all that was there stays there.

**Facts** (ISO 32000-2:2020, 7.5.6, 7.5.8, 14.3.2: https://pdfa.org/resource/iso-32000-2/)
- 7.5.6: an incremental update appends changed objects, a cross-reference section for them alone, and a trailer whose Prev leads
  to the section before.
- 7.5.8: where that is a cross-reference stream, the new one is a stream, too.
- 14.3.2: the Metadata entry of the catalog is a stream of type Metadata and subtype XML.
- OURS: pikepdf reads the file; files that it has to repair, or that are encrypted or signed, are left alone.
"""
from __future__ import annotations

from hashlib import md5
from io import BytesIO
from typing import TYPE_CHECKING

from rules.limits import XMP_BYTES

from .jpeg import Edit
from .splice import NotWritten, Splice

if TYPE_CHECKING:
    from pikepdf import Pdf

Objects = dict[int, tuple[int, bytes]]       # number -> generation, the object as it is written
TAIL_BYTES = 2_048                   # in which startxref must stand
SIGNED = 1                           # SigFlags, 12.7.3


def splices(body: bytes, edit: Edit, *, break_signature: bool = False) -> list[Splice]:
    """What changes when the packet becomes what `edit` makes of it. Raises NotWritten."""
    import pikepdf
    before = _last_xref(body)
    try:
        with pikepdf.open(BytesIO(body), suppress_warnings=True) as pdf:
            if pdf.is_encrypted:
                raise NotWritten("it is encrypted")
            if pdf.get_warnings():
                raise NotWritten("it is damaged; another program has to repair it first")
            if not break_signature and is_signed(pdf):
                raise NotWritten("it is signed, and writing would change what was signed")
            packet = _packet(pdf)
            (new,) = edit([packet] if packet else [])
            if new == packet:
                return []
            return [Splice(len(body), b"", _update(pdf, body, before, new))]
    except pikepdf.PasswordError:
        raise NotWritten("it is encrypted") from None
    except pikepdf.PdfError as error:
        raise NotWritten(f"it is damaged: {str(error)[:200]}") from None


def is_signed(pdf: Pdf) -> bool:
    """Whether somebody has signed it, in a form field or by C2PA."""
    form = pdf.Root.get("/AcroForm")
    if form is not None and int(form.get("/SigFlags", 0)) & SIGNED:
        return True
    return any(str(file.get("/AFRelationship", "")) == "/C2PA_Manifest" for file in pdf.Root.get("/AF") or ())


def _packet(pdf: Pdf) -> bytes:
    metadata = pdf.Root.get("/Metadata")
    if metadata is None:
        return b""
    if not metadata.is_indirect:
        raise NotWritten("it is damaged: its metadata are no stream")
    packet = bytes(metadata.read_bytes())
    if len(packet) > XMP_BYTES:
        raise NotWritten(f"its XMP packet is longer than {XMP_BYTES} bytes")
    return packet


def _update(pdf: Pdf, body: bytes, before: int, packet: bytes) -> bytes:
    size = int(pdf.trailer["/Size"])
    stream = b"<< /Type /Metadata /Subtype /XML /Length %d >>\nstream\n%s\nendstream" % (len(packet), packet)
    metadata = pdf.Root.get("/Metadata")
    if metadata is not None:
        number, generation = metadata.objgen
        changed: Objects = {number: (generation, stream)}
    else:
        if not pdf.Root.is_indirect:
            raise NotWritten("it is damaged: its catalog stands in its trailer")
        entries = pdf.Root.unparse(resolved=True).strip()
        number, generation = pdf.Root.objgen
        changed = {size: (0, stream), number: (generation, entries[:-2] + b" /Metadata %d 0 R >>" % size)}
        size += 1
    out = BytesIO()
    out.write(b"" if body.endswith((b"\n", b"\r")) else b"\n")
    places: dict[int, tuple[int, int]] = {}
    for number, (generation, text) in sorted(changed.items()):
        places[number] = (len(body) + out.tell(), generation)
        out.write(b"%d %d obj\n%s\nendobj\n" % (number, generation, text))
    start = len(body) + out.tell()
    trailer = _trailer(pdf, before, md5(body + packet, usedforsecurity=False).hexdigest().encode())
    if body[before:before + 4] == b"xref":
        sections = b"".join(b"%d 1\n%010d %05d n \n" % (n, *place) for n, place in sorted(places.items()))
        out.write(b"xref\n%strailer\n<< /Size %d %s >>\n" % (sections, size, trailer))
    else:
        places[size] = (start, 0)
        index = b" ".join(b"%d 1" % n for n in sorted(places))
        rows = b"".join(b"\1" + place.to_bytes(8, "big") + generation.to_bytes(2, "big")
                        for _, (place, generation) in sorted(places.items()))
        out.write(b"%d 0 obj\n<< /Type /XRef /W [1 8 2] /Index [%s] /Size %d /Length %d %s >>\nstream\n%s\nendstream\nendobj\n"
                  % (size, index, size + 1, len(rows), trailer, rows))
    out.write(b"startxref\n%d\n%%%%EOF\n" % start)
    return out.getvalue()


def _trailer(pdf: Pdf, before: int, digest: bytes) -> bytes:
    entries = [b"/Root %d %d R" % pdf.Root.objgen, b"/Prev %d" % before]
    info = pdf.trailer.get("/Info")
    if info is not None and info.is_indirect:
        entries.append(b"/Info %d %d R" % info.objgen)
    names = pdf.trailer.get("/ID")
    if names is not None and len(names) == 2:
        entries.append(b"/ID [<%s> <%s>]" % (bytes(names[0]).hex().encode(), digest))
    return b" ".join(entries)


def _last_xref(body: bytes) -> int:
    """Where the last cross-reference section stands, as the file says."""
    at = body.rfind(b"startxref", max(0, len(body) - TAIL_BYTES))
    words = body[at + 9:at + 64].split(None, 1)
    if at < 0 or not words or not words[0].isdigit() or int(words[0]) >= len(body):
        raise NotWritten("it is damaged: its end does not say where its parts are")
    return int(words[0])
