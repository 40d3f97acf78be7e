"""SVG: the RDF and the manifest in its `metadata`.

Facts (SVG 2, 5.9, https://www.w3.org/TR/SVG2/struct.html#MetadataElement; XMP Specification Part 3, January 2020, 1.1.11; C2PA
2.2, A.3.5)
- `metadata` holds elements of other namespaces; XMP there is `x:xmpmeta` or `rdf:RDF`. C2PA: `c2pa:manifest` holds a manifest
  store in Base64.
- SVG 1.1 has a document type declaration. OURS: one that declares nothing itself is taken away; one with entities is a fault,
  where the file could hold metadata.
- OURS: RDF counts wherever it stands in the file, but for other documents in it: nobody minds where `metadata` ends.
"""
from __future__ import annotations

import base64
import re
from binascii import Error
from itertools import islice

from lxml import etree

from ..hidden import is_parted
from ..limits import DETAIL_CHARS, MEDIA_PARTS, SVG_BYTES, SVG_DEPTH, SVG_TAGS
from ..model import FaultKind
from ..xml_tree import NotXml, root
from .parts import Gathering

NAMESPACE = "http://www.w3.org/2000/svg"
RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}RDF"
C2PA = "{http://c2pa.org/manifest}manifest"
COULD_SPEAK = (b"22-rdf-syntax-ns", b"c2pa")

START_BYTES = 4_000
_START = re.compile(
    rb"(?:\s++|<\?(?:[^?]|\?(?!>)){0,400}+\?>|<!--(?:[^-]|-(?!->)){0,900}+-->|"
    rb"<!DOCTYPE\s++(?:[\w.-]{1,40}:)?svg[^>\[]{0,300}+(?:\[[^\]]{0,1500}+\]\s*+)?+>)"
    rb"{0,12}+<(?:[\w.-]{1,40}:)?svg[\s>/]", re.IGNORECASE)
_END = re.compile(rb"</(?:[\w.-]{1,40}:)?svg[\s>]|(?![^<]*+</).*/>\s*+\Z", re.DOTALL)
_DOCTYPE = re.compile(rb"<!DOCTYPE\s[^>\[]{0,300}+>", re.IGNORECASE)


def is_start(start: bytes) -> bool:
    """Whether a document with this start, up to START_BYTES of it, is SVG."""
    return bool(_START.match(start))


def walk(body: bytes, into: Gathering) -> None:
    plain = body.replace(b"\0", b"") if is_parted(body) else body
    if not any(word in plain for word in COULD_SPEAK):
        if not _END.match(plain, max(plain.rfind(b"</"), 0)):
            into.fault(FaultKind.TRUNCATED, "it ends before its last tag")
        return
    if len(body) > SVG_BYTES or body.count(b"<") > SVG_TAGS:
        into.fault(FaultKind.TRUNCATED, f"more than {SVG_BYTES} bytes or {SVG_TAGS} tags")
        return
    declared = _DOCTYPE.search(body, 0, START_BYTES)
    try:
        tree = root(body[:declared.start()] + body[declared.end():] if declared else body, SVG_DEPTH)
    except NotXml as error:
        into.fault(FaultKind.MALFORMED, str(error)[:DETAIL_CHARS])
        return
    outermost = (element for element in tree.iter(RDF) if next(element.iterancestors(RDF), None) is None)
    for element in islice(outermost, MEDIA_PARTS + 1):
        into.add("xmp", "metadata", etree.tostring(element, encoding="utf-8", with_tail=False))
    for element in islice(tree.iter(C2PA), MEDIA_PARTS + 1):
        try:
            into.add("jumbf", "metadata", base64.b64decode("".join((element.text or "").split()), validate=True))
        except (Error, ValueError):
            into.fault(FaultKind.MALFORMED, "a manifest that is no Base64", "metadata")
