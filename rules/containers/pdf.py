"""PDF: the metadata of the document and its C2PA manifest.

Facts (ISO 32000-2; C2PA 2.2, A.4)
- 14.3.2: the catalogue's `Metadata` is a stream of XMP about the document. Those of pages and pictures speak of these alone.
- 7.6: an encrypted document opens with the empty password where only its owner's is asked for.
- C2PA A.4: the manifest store is an embedded file; its specification is in the catalogue's `AF` and has the `AFRelationship`
  `C2PA_Manifest`.
- OURS: read by qpdf (pikepdf), for tables of objects may themselves be compressed and encrypted. Its limits hold for a whole
  process, are set on first use, and bound what streams inflate to.
- OURS: a damaged document with many objects is not saved, because time grows with their square.
- OURS: where a document is damaged, and its metadata is not found in what could be saved of it, that is a Fault.
"""
from __future__ import annotations

from functools import cache
from io import BytesIO
from types import ModuleType
from typing import Any

from ..limits import JUMBF_BYTES, MEDIA_PARTS, PDF_BYTES, XMP_BYTES
from ..model import FaultKind
from .parts import Gathering

RELATIONSHIP = "/C2PA_Manifest"
WARNINGS = 200                       # OURS: more, and qpdf gives up
SAVED_MARKS = 20_000                 # OURS: words around objects and tables, in a damaged document
CONTAINER_ITEMS = 2_000_000          # OURS: in one array or dictionary
_ERRORS = (ValueError, TypeError, KeyError, IndexError, AttributeError, RuntimeError, OverflowError, MemoryError, OSError)


@cache
def _qpdf() -> ModuleType:
    import pikepdf
    pikepdf.settings.set_qpdf_limits(
        doc_max_warnings=WARNINGS, parser_max_nesting=100, parser_max_container_size=CONTAINER_ITEMS, max_stream_filters=4,
        flate_max_memory=PDF_BYTES, png_max_memory=PDF_BYTES, tiff_max_memory=PDF_BYTES, run_length_max_memory=PDF_BYTES,
        dct_max_memory=XMP_BYTES)
    return pikepdf


def walk(body: bytes, into: Gathering) -> None:
    qpdf = _qpdf()
    if len(body) > PDF_BYTES:
        into.fault(FaultKind.TRUNCATED, f"longer than {PDF_BYTES} bytes")
        return
    try:
        try:
            with qpdf.open(BytesIO(body), suppress_warnings=True, attempt_recovery=False) as document:
                _catalogue(document, into, qpdf)
        except qpdf.PdfError:
            if sum(body.count(mark) for mark in (b"obj", b"xref", b"trailer")) > SAVED_MARKS:
                raise
            with qpdf.open(BytesIO(body), suppress_warnings=True) as document:
                if not _catalogue(document, into, qpdf):
                    into.fault(FaultKind.MALFORMED, "it is damaged, and no metadata was found in what is left")
    except qpdf.PasswordError:
        into.fault(FaultKind.UNRESOLVED, "it is encrypted with a password")
    except (qpdf.PdfError, *_ERRORS) as error:
        into.fault(FaultKind.MALFORMED, f"no PDF that can be read: {type(error).__name__}")


def _catalogue(document: Any, into: Gathering, qpdf: ModuleType) -> bool:
    """Whether the catalogue has metadata."""
    def is_a(kind: Any, value: object) -> bool:
        return isinstance(value, qpdf.Object) and isinstance(value, kind)    # of a number, the second alone would raise

    metadata = document.Root.get("/Metadata")
    if found := is_a(qpdf.Stream, metadata):
        _add("xmp", "metadata", metadata, XMP_BYTES, into, qpdf)
    attached = document.Root.get("/AF")
    for number in range(min(len(attached), MEDIA_PARTS) if is_a(qpdf.Array, attached) else 0):
        file = attached[number]
        if is_a(qpdf.Dictionary, file) and file.get("/AFRelationship") == RELATIONSHIP:
            _add("jumbf", "af", file.EF.F, JUMBF_BYTES, into, qpdf)
    return found


def _add(what: str, place: str, stream: Any, cap_bytes: int, into: Gathering, qpdf: ModuleType) -> None:
    try:
        data = stream.read_bytes()
    except (qpdf.PdfError, *_ERRORS) as error:
        into.fault(FaultKind.MALFORMED, f"a stream that cannot be read: {type(error).__name__}", place)
        return
    if len(data) > cap_bytes:
        into.fault(FaultKind.TRUNCATED, f"more than {cap_bytes} bytes", place)
    else:
        into.add(what, place, data)
