"""EPUB: what the package documents in it say of mining and of rights.

Facts (TDMRep CG-FINAL-2024-05-10, 6.4, https://www.w3.org/community/reports/tdmrep/CG-FINAL-tdmrep-20240510/; EPUB 3.3,
https://www.w3.org/TR/epub-33/; RSL 1.0, 4.8)
- EPUB 3.3, 4.2.6.3.1: `META-INF/container.xml` names the package documents, one a rendition.
- TDMRep 6.4: in EPUB 2 `<meta name="tdm:reservation" content="1"/>`; in EPUB 3 `<meta property="tdm:reservation">1</meta>` with
  the prefix declared for the namespace of TDMRep. The same for `tdm:policy`. 7: they supersede page, fields and site file.
- EPUB 3.3, 5.5.5: a meta that `refines` speaks of a part. OURS: it can reserve and not release.
- OURS: other spellings, and a prefix that is declared nowhere, reserve as lenient and release nothing.
- RSL 4.8: an `rsl` element can stand in `metadata`.
- `dc:rights` is prose, unless it is the address of a licence; so is `dcterms:license`, and `link` with the relation `license`.
"""
from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from lxml import etree

from ..containers import kind
from ..containers.inflate import NotInflated
from ..containers.zip_file import Archive, directory
from ..limits import DETAIL_CHARS, DOCUMENT_BYTES, DOCUMENT_DEPTH
from ..memo import latest
from ..model import Asker, Asset, Carrier, Evidence, Fault, FaultKind, Finding, Preference, Reference
from ..xml_tree import NotXml, root
from . import rsl, tdmrep
from .document import rights
from .licence import capped
from .rsl_document import LIKE_NAMESPACE, NAMESPACE

CONTAINER = "META-INF/container.xml"
PACKAGES = 5                         # OURS: renditions looked at
TDMREP = frozenset(scheme + "://www.w3.org/ns/tdmrep" + end for scheme in ("http", "https") for end in ("/", "#", ""))
WORDS = {"tdmreservation": "reservation", "tdmpolicy": "policy"}

_PREFIX = re.compile(r"([^\s:]{1,40}):\s+(\S{1,200})")
_NOT_LETTERS = re.compile(r"[^a-z]")
_RSL = tuple(f"{{{space}}}rsl" for space in sorted(LIKE_NAMESPACE | {NAMESPACE}) if space)


@dataclass(frozen=True, slots=True)
class Meta:
    """A meta about mining."""
    word: str                        # "reservation" or "policy"
    value: str
    deviation: str = ""
    of_part: bool = False


@dataclass(frozen=True, slots=True)
class Package:
    where: str                       # "epub/OEBPS/content.opf"
    tree: etree._Element
    metas: tuple[Meta, ...]

    def answer(self) -> tdmrep.Said | None:
        told = [m for m in self.metas if m.word == "reservation"]
        reserving = [m for m in told if (one := tdmrep.said([m.value])) and one.preference is Preference.DISALLOW]
        said = tdmrep.said([m.value for m in (*(m for m in told if not m.of_part), *reserving)])
        if said is None:
            return None
        deviation = next((m.deviation for m in sorted(reserving or told, key=lambda m: bool(m.deviation))), "")
        if said.preference is Preference.ALLOW and any(m.deviation for m in told):
            return None
        return tdmrep.Said(said.preference, said.note or deviation)

    def policy(self) -> str:
        return next((m.value for m in self.metas if m.word == "policy"), "")


def read(evidence: Evidence, asset: Asset, asker: Asker) -> list[Finding]:
    if kind(evidence.body) != "zip":
        return []
    found, faults = packages(evidence.body)
    out: list[Finding] = list(faults)
    for package in found:
        if said := package.answer():
            quote = ", ".join(m.value for m in package.metas if m.word == "reservation")
            out += tdmrep.statements("tdmrep.epub", said, package.policy(), package.where, quote)
        for element in package.tree.iter(*_RSL):
            xml = etree.tostring(element, with_tail=False)
            out += rsl.embedded(xml, evidence, "rsl.epub", package.where, asset, asker)
        out += rights("epub", package.tree, package.where, evidence, asker)
    return capped(out, Carrier.BODY) if out else out


def policies(evidence: Evidence, asset: Asset, asker: Asker) -> list[Reference]:
    """TDMRep policies that packages refer to where they reserve."""
    if kind(evidence.body) != "zip":
        return []
    return [Reference(Carrier.TDM_POLICY, uri, f"tdmrep.epub {package.where}", needed=False)
            for package in packages(evidence.body)[0] if (said := package.answer()) and said.preference is Preference.DISALLOW
            if (uri := rsl.target(package.policy(), evidence))]


@latest
def packages(body: bytes) -> tuple[tuple[Package, ...], tuple[Fault, ...]]:
    """The package documents of an EPUB, and what of them could not be read; nothing where it is none."""
    archive = directory(body)
    if CONTAINER not in archive.members:
        return (), ()
    found: list[Package] = []
    faults: list[Fault] = []
    try:
        paths = [e.get("full-path", "") for e in member(archive, CONTAINER).iter() if _local(e) == "rootfile"]
        if not paths or len(paths) > PACKAGES:
            faults.append(fault(FaultKind.TRUNCATED, f"{len(paths)} package documents; {PACKAGES} are read at most", "epub"))
        for path in dict.fromkeys(paths[:PACKAGES]):
            tree = member(archive, path)
            found.append(Package(f"epub/{path[:100]}", tree, tuple(_metas(tree))))
    except (NotInflated, NotXml) as error:
        faults.append(fault(getattr(error, "kind", FaultKind.MALFORMED), str(error), "epub"))
    return tuple(found), tuple(faults)


def member(archive: Archive, name: str) -> etree._Element:
    """The root of a member that is XML. Raises NotInflated and NotXml."""
    data = archive.read(name, DOCUMENT_BYTES)
    if data is None:
        raise NotInflated(FaultKind.MALFORMED, f"'{name[:80]}' is not in it")
    return root(data, DOCUMENT_DEPTH)


def fault(kind: FaultKind, detail: str, where: str) -> Fault:
    return Fault(Carrier.BODY, kind, detail[:DETAIL_CHARS], where)


def _metas(tree: etree._Element) -> Iterator[Meta]:
    prefixes = {name: space for name, space in _PREFIX.findall(tree.get("prefix", "")[:4_000]) if space in TDMREP}
    for element in tree.iter():
        of_part, text = bool(element.get("refines")), (element.text or "").strip()
        if _local(element) == "meta":
            content = element.get("content", "").strip()
            for attribute, value, other in (("name", content, text), ("property", text, content)):
                word, deviation = _word(attribute, element.get(attribute, "").strip(), prefixes)
                if word:
                    deviation = deviation or ("" if value else "meta-form") or ("refines" if of_part else "")
                    yield Meta(word, value or other, deviation, of_part)
        elif (q := etree.QName(element)).namespace in TDMREP and q.localname in WORDS.values():
            yield Meta(q.localname, text, "element", of_part)


def _word(attribute: str, name: str, prefixes: Mapping[str, str]) -> tuple[str, str]:
    """The word that a meta is about, "" for others, and how its name deviates."""
    prefix, _, local = name.rpartition(":")
    if attribute == "property" and prefix in prefixes and local in WORDS.values():
        return local, ""
    word = WORDS.get(_NOT_LETTERS.sub("", name.lower()[:40]), "")
    if name != f"tdm:{word}":
        return word, "spelling"
    return word, "undeclared-prefix" if attribute == "property" else ""


def _local(element: etree._Element) -> str:
    return etree.QName(element).localname
