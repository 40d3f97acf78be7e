"""Documents of office programs (OOXML, ODF): properties that people use for reservations, and rights in words.

Facts (ECMA-376 Part 2, 11, and Part 1, 22.3; OASIS OpenDocument 1.3 Part 3, 4.3)
- OOXML: `docProps/core.xml` holds Dublin Core, `docProps/custom.xml` properties of the author's own. ODF: both stand in
  `meta.xml`, the latter as `meta:user-defined`.
- No specification puts a reservation there. PRACTICE: people name a property `tdm-reservation` and `tdm-policy`. OURS: it
  reserves, as lenient, and releases nothing.
- XMP and C2PA in them: rules/containers/zip_file.py.
"""
from __future__ import annotations

import re
from collections.abc import Iterator

from lxml import etree

from ..containers import kind
from ..containers.inflate import NotInflated
from ..containers.zip_file import directory
from ..model import Asker, Asset, Carrier, Evidence, FaultKind, Finding, Preference
from ..xml_tree import NotXml
from . import tdmrep
from .document import rights
from .epub import WORDS, fault, member
from .licence import capped

MEMBERS = {"[Content_Types].xml": ("docProps/custom.xml", "docProps/core.xml"), "META-INF/manifest.xml": ("meta.xml",)}
NOTE = "custom-property"

_NOT_LETTERS = re.compile(r"[^a-z]")


def read(evidence: Evidence, asset: Asset, asker: Asker) -> list[Finding]:
    if kind(evidence.body) != "zip":
        return []
    archive = directory(evidence.body)
    out: list[Finding] = []
    names = [name for mark, names in MEMBERS.items() if mark in archive.members for name in names]
    for name in (name for name in names if name in archive.members):
        where = f"office/{name}"
        try:
            tree = member(archive, name)
        except (NotInflated, NotXml) as error:
            out.append(fault(getattr(error, "kind", FaultKind.MALFORMED), str(error), where))
            continue
        told = list(_properties(tree))
        answer = tdmrep.said([value for word, value in told if word == "reservation"])
        if answer and answer.preference is Preference.DISALLOW:
            policy = next((value for word, value in told if word == "policy"), "")
            quote = ", ".join(value for word, value in told if word == "reservation")
            out += tdmrep.statements("tdmrep.office", tdmrep.Said(answer.preference, NOTE), policy, where, quote)
        out += rights("office", tree, where, evidence, asker)
    return capped(out, Carrier.BODY) if out else out


def _properties(tree: etree._Element) -> Iterator[tuple[str, str]]:
    for element in tree.iter():
        if etree.QName(element).localname in ("property", "user-defined"):
            names = (str(v) for k, v in element.items() if etree.QName(k).localname == "name")
            for name in names:
                if word := WORDS.get(_NOT_LETTERS.sub("", name.lower()[:40])):
                    yield word, "".join(map(str, element.itertext())).strip()
