"""XMP packets in files: PLUS Data Mining, TDMRep, RSL, licences, and notices of rights.

Facts (ISO 16684-1:2019; XMP Specification Parts 1 to 3; IPTC Photo Metadata Standard 2023.1 and 2025.1, Data Mining,
https://iptc.org/std/photometadata/specification/; PLUS LDF, https://ns.useplus.org/LDF/ldf-XMPSpecification)
- ISO 16684-1, 6 and 7: a packet is RDF/XML in UTF-8, 16 or 32. Properties are known by namespace, never by prefix. One may be
  an element or, where it is simple, an attribute of `rdf:Description`; a URI may be text or `rdf:resource`; a value with
  qualifiers stands in `rdf:value`; arrays are `rdf:Bag`, `rdf:Seq` and `rdf:Alt`.
- IPTC: `plus:DataMining` is one URI of the vocabulary below. `DMI-UNSPECIFIED` says nothing. Three of the prohibitions refer to
  further terms in `plus:OtherConstraints`, `Iptc4xmpExt:EmbdEncRightsExpr` and `Iptc4xmpExt:LinkedEncRightsExpr`.
- PRACTICE: exiftool shows labels in the place of URIs and other tools store keys alone, so people write these. OURS: they are
  lenient, so are `https`, letter case, white space, a slash at the end; and an unknown `DMI-` word reserves. A word out of its
  place, or on another address, reserves but never allows; a value that is no word at all is a fault.
- OURS: what a packet says of the parts of a work (`xmpMM:Pantry`, `xmpMM:Ingredients`) is about something embedded.
- TDMRep CG-FINAL-2024-05-10, 6.4 and 7: `tdm:reservation` and `tdm:policy` in the XMP of a PDF supersede what a page and its
  fields say. The namespace ends in `/` for PDF and in `#` for EPUB. OURS: both, neither, and the names with hyphens are read in
  the XMP of every file.
- RSL 1.0, 4.8: an `rsl` element can stand in a packet. It is no RDF, so only a reader of plain XML finds it.
- ccREL and XMP: `cc:license` is the address of a licence. PRACTICE: it stands in `xmpRights:WebStatement`, too.
- Rights in words (`dc:rights`, `xmpRights:UsageTerms`, `photoshop:Instructions` ...) are prose. `xmpRights:Marked`, owners and
  credits reserve nothing beyond what copyright does, and are no findings.
- `dcterms:provenance` is the address of a C2PA manifest that stands elsewhere (`provenance`).
- XML with a document type, or that is not well-formed, is a fault.
"""
from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from lxml import etree

from ..containers import Part, parts
from ..creative_commons import licence as known_licence
from ..limits import DETAIL_CHARS, QUOTE_CHARS, RSL_REFERENCES, URL_CHARS, XMP_DEPTH, XMP_PROPERTIES, XMP_TAGS
from ..memo import latest
from ..model import (
    Asker,
    Asset,
    Carrier,
    Evidence,
    Fault,
    FaultKind,
    Finding,
    Form,
    Preference,
    Reference,
    Statement,
    Subject,
    Terms,
    Use,
)
from ..vocab import TERMS
from ..xml_tree import NotXml, root
from . import licence, prose, rsl, tdmrep
from .rsl_document import LIKE_NAMESPACE
from .rsl_document import NAMESPACE as RSL_NAMESPACE

RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
XMP_MM = "{http://ns.adobe.com/xap/1.0/mm/}"
PARTS_OF_WORK = frozenset(XMP_MM + name for name in ("Pantry", "Ingredients", "DerivedFrom", "ManagedFrom"))

VOCABULARY = "http://ns.useplus.org/ldf/vocab/"
UNSPECIFIED, ALLOWED, PROHIBITED = "dmi-unspecified", "dmi-allowed", "dmi-prohibited"
LABELS = {
    "unspecifiednoprohibitiondefined": UNSPECIFIED,
    "unspecified": UNSPECIFIED,
    "allowed": ALLOWED,
    "prohibitedforaimltraining": "dmi-prohibited-aimltraining",
    "prohibitedforgenerativeaimltraining": "dmi-prohibited-genaimltraining",
    "prohibitedexceptforsearchengineindexing": "dmi-prohibited-exceptsearchengineindexing",
    "prohibited": PROHIBITED,
    "prohibitedseeplusotherconstraints": "dmi-prohibited-seeconstraint",
    "prohibitedseeotherconstraintsproperty": "dmi-prohibited-seeconstraint",
    "prohibitedseeconstraint": "dmi-prohibited-seeconstraint",
    "prohibitedseeiptcextembdencrightsexpr": "dmi-prohibited-seeembeddedrightsexpr",
    "prohibitedseeembeddedencodedrightsexpressionproperty": "dmi-prohibited-seeembeddedrightsexpr",
    "prohibitedseeembeddedrightsexpression": "dmi-prohibited-seeembeddedrightsexpr",
    "prohibitedseeiptcextlinkedencrightsexpr": "dmi-prohibited-seelinkedrightsexpr",
    "prohibitedseelinkedencodedrightsexpressionproperty": "dmi-prohibited-seelinkedrightsexpr",
    "prohibitedseelinkedrightsexpression": "dmi-prohibited-seelinkedrightsexpr",
}

# Namespace -> the names that are read in it, and what they are called here.
_PLUS, _TDMREP = "http://ns.useplus.org/ldf/xmp/1.0/", "http://www.w3.org/ns/tdmrep/"
_LIKE_PLUS = (_PLUS, _PLUS[:-1], _PLUS.replace("http", "https"), _PLUS.replace("http", "https")[:-1])
_LIKE_TDMREP = tuple(scheme + _TDMREP[4:-1] + end for scheme in ("http", "https") for end in ("/", "#", ""))
_RIGHTS, _IPTC = "http://ns.adobe.com/xap/1.0/rights/", "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
_IN_PLUS = ("DataMining", "OtherConstraints", "TermsAndConditionsURL", "TermsAndConditionsText", "LicensorURL")
NAMES: dict[str, str] = {
    **{f"{{{space}}}{name}": name for space in _LIKE_PLUS for name in _IN_PLUS},
    **{f"{{{_RIGHTS}}}{name}": name for name in ("WebStatement", "UsageTerms")},
    **{f"{{{_IPTC}}}{name}": name for name in ("EncRightsExpr", "LinkedRightsExpr")},
    "{http://purl.org/dc/elements/1.1/}rights": "rights",
    "{http://ns.adobe.com/photoshop/1.0/}Instructions": "Instructions",
    "{http://purl.org/dc/terms/}provenance": "provenance",
    **{f"{{{space}}}license": "license" for space in
       ("http://creativecommons.org/ns#", "https://creativecommons.org/ns#", "http://web.resource.org/cc/", "http://purl.org/dc/terms/",
        "http://www.w3.org/1999/xhtml/vocab#")},
    **{f"{{{space}}}{prefix}{name}": name
       for space in _LIKE_TDMREP for prefix in ("", "tdm-") for name in ("reservation", "policy")},
    "tdm-reservation": "reservation", "tdm-policy": "policy",
}
AS_SPECIFIED = frozenset({f"{{{_PLUS}}}DataMining", f"{{{_TDMREP}}}reservation"})
ADDRESSES = ("LinkedRightsExpr", "TermsAndConditionsURL", "WebStatement", "LicensorURL")     # the first that is there
CONDITIONS = ("OtherConstraints", "EncRightsExpr", "LicensorURL")
TEXTS = ("rights", "UsageTerms", "Instructions", "OtherConstraints", "TermsAndConditionsText")

_WORD = re.compile(r"(.*[/#:])?(dmi-[a-z0-9_-]*[a-z0-9])([/#]*)", re.IGNORECASE | re.DOTALL)
_ADDRESS = re.compile(r"https?://ns\.useplus\.org/ldf/vocab/", re.IGNORECASE)
_PACKET_END = re.compile(rb"<\?xpacket[ \t\r\n]+end[^>]{0,40}\?>")
_NOT_LETTERS = re.compile(r"[^a-z]+")


@dataclass(frozen=True, slots=True)
class Property:
    name: str                        # of NAMES
    value: str
    exact: bool                      # in the namespace that its specification names
    own: bool                        # of the file itself and in its place, not somewhere inside another property
    of_part: bool                    # of a part of the work


@dataclass(frozen=True, slots=True)
class Packet:
    where: str
    properties: tuple[Property, ...] = ()
    rsl: tuple[bytes, ...] = ()      # documents, as they stand in it
    fault: Fault | None = None       # why it was not read, or not all of it

    def values(self, name: str) -> list[str]:
        return [p.value.strip() for p in self.properties if p.name == name and not p.of_part and p.value.strip()]


def read(evidence: Evidence, asset: Asset, asker: Asker) -> list[Finding]:
    out: list[Finding] = []
    for packet in packets(evidence.body):
        if packet.fault:
            out.append(packet.fault)
        out += _data_mining(packet)
        out += _tdmrep(packet)
        for xml in packet.rsl:
            out += rsl.embedded(xml, evidence, "rsl.xmp", packet.where, asset, asker)
        out += _licences(packet, asker, evidence.final_uri or evidence.uri)
        texts = [(f"{packet.where} {name}", text) for name in TEXTS for text in packet.values(name)]
        out += prose.stated("prose.xmp", Carrier.BODY, texts) if texts else ()
    return licence.capped(out, evidence.carrier) if out else out


def provenance(body: bytes) -> list[tuple[str, str]]:
    """(place, address) of each C2PA manifest that stands elsewhere."""
    return [(packet.where, address) for packet in packets(body) for address in packet.values("provenance")]


def policies(evidence: Evidence, asset: Asset, asker: Asker) -> list[Reference]:
    """TDMRep policies that packets refer to where they reserve."""
    out = []
    for packet in packets(evidence.body):
        said = tdmrep.said(packet.values("reservation"))
        if said and said.preference is Preference.DISALLOW:
            out += [Reference(Carrier.TDM_POLICY, uri, f"tdmrep.xmp {packet.where}", needed=False)
                    for href in packet.values("policy") if (uri := rsl.target(href, evidence))]
    return out


@latest
def packets(body: bytes) -> tuple[Packet, ...]:
    """The packets in a file. Raises nothing."""
    return tuple(_packet(part) for part in parts(body).xmp)


# ---- what packets say

def _data_mining(packet: Packet) -> Iterator[Finding]:
    terms = _terms(packet)
    for p in packet.properties:
        if p.name != "DataMining" or not p.value.strip():
            continue
        word, note = understood(p.value)
        if not p.exact:
            note = note or "namespace"
        if not p.own:
            note = note or "place"
        may_allow = p.own and note not in ("other-address", "unknown-value")
        quote = p.value.strip()[:QUOTE_CHARS]
        if not word or (word == ALLOWED and not may_allow and not p.of_part):
            yield Fault(Carrier.BODY, FaultKind.MALFORMED, f"Data Mining is '{quote}'"[:DETAIL_CHARS], packet.where)
        elif word != UNSPECIFIED:
            for preference, use in _meant(word, may_allow):
                yield Statement(
                    "plus.xmp", use, preference, form=Form.LENIENT if note else Form.EXACT,
                    subject=Subject.EMBEDDED if p.of_part else Subject.ASSET, where=packet.where, quote=quote, note=note,
                    terms=terms if preference is Preference.DISALLOW and not p.of_part else None)


def _meant(word: str, may_allow: bool) -> Iterator[tuple[Preference, Use]]:
    term = TERMS["plus", word]
    if word != ALLOWED:
        yield from ((Preference.DISALLOW, use) for use in term.about(Preference.DISALLOW))
    if may_allow:
        yield from ((Preference.ALLOW, use) for use in term.about(Preference.ALLOW))


def understood(value: str) -> tuple[str, str]:
    """The word of the vocabulary, lower case, and how the value deviates; no word where it is none.

    >>> understood("http://ns.useplus.org/ldf/vocab/DMI-PROHIBITED")
    ('dmi-prohibited', '')
    >>> understood("Prohibited for AI/ML training")
    ('dmi-prohibited-aimltraining', 'label')
    """
    plain = value.strip()[:URL_CHARS]
    if found := _WORD.fullmatch(plain):
        address, key, end = found[1] or "", found[2], found[3]
        word = key.lower()
        if ("plus", word) not in TERMS and word != UNSPECIFIED:
            return PROHIBITED, "unknown-value"
        if address and not _ADDRESS.fullmatch(address):
            return word, "other-address"
        deviations = {
            "bare-key": not address, "https": address[:5].lower() == "https",
            "letter-case": not address.islower() or not key.isupper(), "trailing-slash": bool(end),
            "white-space": plain != value}
        return word, next((name for name, deviates in deviations.items() if deviates), "")
    if word := LABELS.get(_NOT_LETTERS.sub("", plain.lower()[:QUOTE_CHARS]), ""):
        return word, "label"
    return "", ""


def _terms(packet: Packet) -> Terms | None:
    url = next((value for name in ADDRESSES for value in packet.values(name)), "")
    told = (f"{name}={value[:QUOTE_CHARS]}" for name in CONDITIONS for value in packet.values(name)[:4])
    conditions = tuple(dict.fromkeys(told))
    return Terms(url=url[:URL_CHARS], conditions=conditions) if url or conditions else None


def _tdmrep(packet: Packet) -> list[Finding]:
    told = [p for p in packet.properties if p.name == "reservation" and not p.of_part]
    answer = tdmrep.said([p.value for p in told])
    if not answer:
        return []
    if answer.preference is Preference.ALLOW and not all(p.own for p in told):
        return []
    if not answer.note and not all(p.exact and p.own for p in told):
        answer = tdmrep.Said(answer.preference, "namespace-or-place")
    policy = next(iter(packet.values("policy")), "")
    return tdmrep.statements("tdmrep.xmp", answer, policy, packet.where, ", ".join(packet.values("reservation")))


def _licences(packet: Packet, asker: Asker, page: str) -> Iterator[Finding]:
    stated = [p for p in packet.properties if p.name == "license" and p.value.strip()]
    for p in stated:
        subject = Subject.EMBEDDED if p.of_part else Subject.ASSET
        yield from licence.state("licence.xmp", p.value.strip(), asker, subject, packet.where, page)
    if not stated:
        for address in packet.values("WebStatement"):
            if known_licence(address):
                yield from licence.state("licence.xmp", address, asker, Subject.ASSET, packet.where, page)


# ---- packets

def _packet(part: Part) -> Packet:
    try:
        data = _utf8(part.data)
        if data.count(b"<") > XMP_TAGS:
            raise NotXml(f"it has more than {XMP_TAGS} tags")
        if not data.strip():
            return Packet(part.where)
        tree = root(b"\xef\xbb\xbf" + data, XMP_DEPTH)
    except NotXml as error:
        return Packet(part.where, fault=Fault(Carrier.BODY, FaultKind.MALFORMED, f"XMP: {error}"[:DETAIL_CHARS], part.where))
    if next(tree.iter(RDF + "RDF"), None) is None:
        return Packet(part.where, fault=Fault(Carrier.BODY, FaultKind.MALFORMED, "XMP: there is no RDF in it", part.where))
    outermost = (e for e in tree.iter(*_RSL) if next(e.iterancestors(*_RSL), None) is None)
    documents = tuple(etree.tostring(e, with_tail=False) for e in islice(outermost, RSL_REFERENCES + 1))
    properties = tuple(dict.fromkeys(_properties(tree)))
    fault = None
    if len(properties) > XMP_PROPERTIES or len(documents) > RSL_REFERENCES:
        detail = f"XMP: only the first {XMP_PROPERTIES} properties and {RSL_REFERENCES} RSL documents were read"
        fault = Fault(Carrier.BODY, FaultKind.TRUNCATED, detail, part.where)
    return Packet(part.where, properties[:XMP_PROPERTIES], documents[:RSL_REFERENCES], fault)


_RSL = tuple(f"{{{space}}}rsl" for space in sorted(LIKE_NAMESPACE | {RSL_NAMESPACE}) if space)
_MARKS = ((b"\xff\xfe\0\0", "utf-32-le"), (b"\0\0\xfe\xff", "utf-32-be"), (b"<\0\0\0", "utf-32-le"), (b"\0\0\0<", "utf-32-be"),
          (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"), (b"<\0", "utf-16-le"), (b"\0<", "utf-16-be"))


def _utf8(data: bytes) -> bytes:
    """A packet in UTF-8, without what follows its end. Raises NotXml."""
    codec = next((codec for mark, codec in _MARKS if data.startswith(mark)), "")
    if codec:
        wide = 4 if "32" in codec else 2
        try:
            data = data[:len(data) // wide * wide].decode(codec).encode()
        except UnicodeError as error:
            raise NotXml(f"it is not {codec}") from error
    data = data.removeprefix(b"\xef\xbb\xbf").strip(b"\0 \t\r\n")
    ends = [end.end() for end in _PACKET_END.finditer(data)]
    return data[:ends[-1]] if ends else data


def _properties(tree: etree._Element) -> Iterator[Property]:
    for element in tree.iter():
        tag = str(element.tag)
        if tag in NAMES:
            parent = element.getparent()
            own, of_part = _place(parent)
            for value in _values(element):
                yield Property(NAMES[tag], value, tag in AS_SPECIFIED, own, of_part)
        for name in element.keys():      # noqa: SIM118, an element is no dictionary
            if name in NAMES:
                own, of_part = _place(element)
                yield Property(NAMES[str(name)], str(element.get(name)), name in AS_SPECIFIED, own, of_part)


def _place(node: etree._Element | None) -> tuple[bool, bool]:
    """Whether properties of this node are those of the file, and whether they are those of a part of the work."""
    above = node.getparent() if node is not None else None
    if above is not None and above.tag == RDF + "RDF":
        return True, False
    return False, node is not None and any(e.tag in PARTS_OF_WORK for e in (node, *node.iterancestors()))


def _values(element: etree._Element) -> Iterator[str]:
    """Values of a property, in whichever form of RDF."""
    for name in (RDF + "resource", RDF + "value"):
        if (value := element.get(name)) is not None:
            yield str(value)
            return
    children = list(element)
    if not children:
        yield element.text or ""
    for child in children:
        if child.tag in (RDF + "Bag", RDF + "Seq", RDF + "Alt"):
            for item in child:
                yield from _values(item)
        elif child.tag == RDF + "Description":
            if (value := child.get(RDF + "value")) is not None:
                yield str(value)
            for inner in child.iterchildren(RDF + "value"):
                yield from _values(inner)
        elif child.tag == RDF + "value":
            yield from _values(child)
