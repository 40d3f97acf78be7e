"""Write words into an XMP packet, and keep all else that stands in it.

**Facts** (ISO 16684-1:2019, 7; XMP Specification Part 1, April 2012, 7: https://github.com/adobe/XMP-Toolkit-SDK/tree/main/docs;
IPTC Photo Metadata Standard 2025.1: https://www.iptc.org/std/photometadata/specification/)
- 7.3: processing instructions stand around a packet; white space in front of the last one is room to grow.
- 7.4: properties stand in rdf:Description elements, which in one packet are all about the same thing; a simple one may be an
  attribute or an element. A property stands there once.
- 8.2.2.4 and IPTC: Other Constraints is a text by language, Licensor a list of structures.
- OURS: what stands there keeps its place and its prefix; a document type is refused (rules/xml_tree.py says why).
"""
from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from lxml import etree

from rules.limits import XMP_BYTES

from .splice import NotWritten
from .values import Tag

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
PLUS = "http://ns.useplus.org/ldf/xmp/1.0/"
RIGHTS = "http://ns.adobe.com/xap/1.0/rights/"
IPTC = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
TDM = "http://www.w3.org/ns/tdmrep/"
LANG = "{http://www.w3.org/XML/1998/namespace}lang"
PREFIXES = {RDF: "rdf", PLUS: "plus", RIGHTS: "xmpRights", IPTC: "Iptc4xmpExt", TDM: "tdm"}
DESCRIPTION, PARSE_TYPE = f"{{{RDF}}}Description", f"{{{RDF}}}parseType"
EMPTY = ('<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n<x:xmpmeta xmlns:x="adobe:ns:meta/">'
         f'<rdf:RDF xmlns:rdf="{RDF}"><rdf:Description rdf:about=""/></rdf:RDF></x:xmpmeta>\n<?xpacket end="w"?>').encode()

_HEAD = re.compile(r"\ufeff?\s*(?:<\?xml\s[^>]*\?>\s*)?(?:<\?xpacket\s[^>]*\?>\s*)?")
_DECLARATION = re.compile(r"<\?xml\s[^>]*\?>\s*")
_MENTIONS = (b"DataMining", b"D\0a\0t\0a\0M\0i\0n\0i\0n\0g")


class _Packet:
    """A packet taken apart: what stands around it is kept as text."""

    def __init__(self, packet: bytes):
        if len(packet) > XMP_BYTES:
            raise NotWritten(f"its XMP packet is longer than {XMP_BYTES} bytes")
        text = _text(packet)
        head = _HEAD.match(text)
        self.head = _DECLARATION.sub("", head[0]) if head else ""
        rest = text[head.end():] if head else text
        end = rest.rfind("<?xpacket")
        middle, self.tail = (rest, "") if end < 0 else (rest[:end], rest[end:])
        core = middle.rstrip(" \t\r\n\0")
        self.room = middle[len(core):].replace("\0", " ")
        if "<!DOCTYPE" in core or "<!ENTITY" in core:
            raise NotWritten("its XMP packet declares a document type")
        parser = etree.XMLParser(encoding="utf-8", resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False,
                                 recover=False, strip_cdata=False)
        try:
            self.root = etree.fromstring(core.encode(), parser)
        except (etree.XMLSyntaxError, UnicodeEncodeError) as error:
            raise NotWritten(f"its XMP packet is not well-formed: {str(error)[:200]}") from None
        self.descriptions = [child for rdf in self.root.iter(f"{{{RDF}}}RDF") for child in rdf.iterchildren(DESCRIPTION)]
        self.size = len(core.encode()) + len(self.room)

    def bytes(self) -> bytes:
        """The packet again, in UTF-8; it takes its growth from the room that it has."""
        core = etree.tostring(self.root.getroottree(), encoding="unicode")
        room = self.room[:max(0, self.size - len(core.encode()))] if len(self.room) > 1 else self.room
        return (self.head + core + room + self.tail).encode()


def _text(packet: bytes) -> str:
    codec = "utf-8"
    if packet[:2] in (b"\xff\xfe", b"\xfe\xff"):
        codec = "utf-16"
    elif packet[:2] == b"<\0":
        codec = "utf-16-le"
    elif packet[:2] == b"\0<":
        codec = "utf-16-be"
    try:
        return packet.decode(codec)
    except UnicodeDecodeError:
        raise NotWritten(f"its XMP packet is not {codec}") from None


def mentions(packet: bytes) -> bool:
    """Whether it could hold a Data Mining property. No parse."""
    return any(word in packet for word in _MENTIONS)


def edited(packets: Sequence[bytes], tag: Tag, *, pdf: bool = False) -> list[bytes]:
    """The packets of one file with the words of the tag, one at least: all of them in the first, and no other value of Data
    Mining in those that follow. What says so already is given back as it is. Raises NotWritten."""
    return [_edited(packet or EMPTY, tag, first=n == 0, pdf=pdf) if n == 0 or mentions(packet) else packet
            for n, packet in enumerate(packets or (EMPTY,))]


def _edited(packet: bytes, tag: Tag, *, first: bool, pdf: bool) -> bytes:
    tree = _Packet(packet)
    if not tree.descriptions:
        rdf = next(tree.root.iter(f"{{{RDF}}}RDF"), None)
        if rdf is None:
            raise NotWritten("its XMP packet holds no rdf:RDF")
        tree.descriptions.append(etree.SubElement(rdf, DESCRIPTION, {f"{{{RDF}}}about": ""}))
    changes = [_simple(tree, PLUS, "DataMining", tag.uri)]
    if first:
        changes += _beside(tree, tag, pdf)
    if not any(changes) and packet is not EMPTY:
        return packet
    return tree.bytes()


def _beside(tree: _Packet, tag: Tag, pdf: bool) -> Iterator[bool]:
    if tag.value.word == "see-constraints":
        yield _structure(tree, PLUS, "OtherConstraints", "Alt", tag.detail)
    elif tag.value.word == "see-embedded-rights":
        kind = {"<": "application/xml", "{": "application/json"}.get(tag.detail[:1], "text/plain")
        yield _structure(tree, IPTC, "EmbdEncRightsExpr", "Bag", {"EncRightsExpr": tag.detail, "RightsExprEncType": kind})
    elif tag.value.word == "see-linked-rights":
        yield _structure(tree, IPTC, "LinkedEncRightsExpr", "Bag", {"LinkedRightsExpr": tag.detail})
    if tag.web_statement:
        yield _simple(tree, RIGHTS, "WebStatement", tag.web_statement)
    if tag.licensor_url:
        yield _licensor(tree, tag.licensor_url)
    if pdf and tag.tdm_policy:
        yield _simple(tree, TDM, "reservation", "1")
        yield _simple(tree, TDM, "policy", tag.tdm_policy)


def _simple(tree: _Packet, namespace: str, name: str, value: str) -> bool:
    """Set a simple property, where it stands if it does; whether anything changed."""
    key = f"{{{namespace}}}{name}"
    changed, placed = False, False
    for description in tree.descriptions:
        if key in description.attrib:
            changed |= placed or description.get(key) != value
            if placed:
                del description.attrib[key]
            else:
                description.set(key, value)
            placed = True
        for element in list(description.iterchildren(key)):
            if placed:
                _remove(element)
                changed = True
            elif len(element) or element.attrib or (element.text or "") != value:
                element.clear(keep_tail=True)
                element.text = value
                changed = True
            placed = True
    if not placed:
        _append(tree, namespace, name).text = value
    return changed or not placed


def _structure(tree: _Packet, namespace: str, name: str, container: str, content: str | dict[str, str]) -> bool:
    """Set a property that is a list with one item, a text by language or a structure; whether anything changed."""
    key = f"{{{namespace}}}{name}"
    before = [(d, element) for d in tree.descriptions for element in d.iterchildren(key)]
    made = etree.Element(key, nsmap={PREFIXES[namespace]: namespace, "rdf": RDF})
    item = etree.SubElement(etree.SubElement(made, f"{{{RDF}}}{container}"), f"{{{RDF}}}li")
    if isinstance(content, str):
        item.set(LANG, "x-default")
        item.text = content
    else:
        item.set(PARSE_TYPE, "Resource")
        for field, value in content.items():
            etree.SubElement(item, f"{{{namespace}}}{field}").text = value
    if len(before) == 1 and _content(before[0][1]) == _content(made):
        return False
    for description in tree.descriptions:
        if key in description.attrib:
            del description.attrib[key]
    for _, element in before:
        _remove(element)
    tree.descriptions[0].append(made)
    return True


def _licensor(tree: _Packet, url: str) -> bool:
    """The address of the licensor, in the first structure that stands there, if one does."""
    for description in tree.descriptions:
        for li in description.iterfind(f"{{{PLUS}}}Licensor/*/{{{RDF}}}li"):
            inside = li if li.get(PARSE_TYPE) == "Resource" else li.find(DESCRIPTION)
            if inside is None:
                continue
            said = inside.find(f"{{{PLUS}}}LicensorURL")
            if said is None:
                if f"{{{PLUS}}}LicensorURL" in inside.attrib:
                    del inside.attrib[f"{{{PLUS}}}LicensorURL"]
                said = etree.SubElement(inside, f"{{{PLUS}}}LicensorURL", nsmap={"plus": PLUS})
            changed = said.text != url
            said.text = url
            return changed
    return _structure(tree, PLUS, "Licensor", "Seq", {"LicensorURL": url})


def _append(tree: _Packet, namespace: str, name: str) -> etree._Element:
    parent = tree.descriptions[0]
    element = etree.SubElement(parent, f"{{{namespace}}}{name}", nsmap={PREFIXES[namespace]: namespace})
    before = element.getprevious()
    if before is not None:
        element.tail, before.tail = before.tail, parent.text
    return element


def _remove(element: etree._Element) -> None:
    """Take an element away and leave what follows it."""
    parent, before = element.getparent(), element.getprevious()
    if parent is None:
        return
    if before is not None:
        before.tail = (before.tail or "") + (element.tail or "")
    else:
        parent.text = (parent.text or "") + (element.tail or "")
    parent.remove(element)


def _content(element: etree._Element) -> list[tuple[str, str, tuple[tuple[str, str], ...]]]:
    return [(str(e.tag), (e.text or "").strip(), tuple(sorted((str(k), str(v)) for k, v in e.attrib.items())))
            for e in element.iter()]
