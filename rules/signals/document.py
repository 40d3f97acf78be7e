"""Rights in the metadata of a document: the address of a licence, or words.

Facts (DCMI Metadata Terms, https://www.dublincore.org/specifications/dublin-core/dcmi-terms/)
- `rights` is about rights held in and over the resource, by text or address; `license` is a document that gives leave.
- OURS: a text is read as prose; an address that names no known licence is a circumstance, from `license` only.
"""
from __future__ import annotations

import re
from collections.abc import Iterator

from lxml import etree

from ..creative_commons import licence as known_licence
from ..limits import URL_CHARS
from ..model import Asker, Carrier, Evidence, Finding, Subject
from . import licence, prose

RIGHTS = frozenset({"rights", "license", "licence", "accessrights", "copyright", "usageterms"})
LICENCES = frozenset({"license", "licence"})
_ADDRESS = re.compile(r"https?://\S+", re.IGNORECASE)
_WORD = re.compile(r"[a-z]+")


def rights(document: str, tree: etree._Element, where: str, evidence: Evidence, asker: Asker) -> list[Finding]:
    """What the rights in a tree of XML come to, for the signals `licence.DOCUMENT` and `prose.DOCUMENT`."""
    return said(document, _rights(tree), where, evidence, asker)


def said(document: str, told: Iterator[tuple[str, str]], where: str, evidence: Evidence, asker: Asker) -> list[Finding]:
    """What (name, value) of rights come to."""
    out: list[Finding] = []
    texts: list[tuple[str, str]] = []
    page = evidence.final_uri or evidence.uri
    for name, value in told:
        if known_licence(value) or (name in LICENCES and _ADDRESS.fullmatch(value)):
            out += licence.state(f"licence.{document}", value[:URL_CHARS], asker, Subject.ASSET, f"{where} {name}", page)
        else:
            texts.append((f"{where} {name}", value))
    return [*out, *(prose.stated(f"prose.{document}", Carrier.BODY, texts) if texts else ())]


def _rights(tree: etree._Element) -> Iterator[tuple[str, str]]:
    """(name, value) of elements of that name, of metas and links in EPUB, and of properties in office documents."""
    for element in tree.iter():
        local = etree.QName(element).localname.lower()
        names = [local] if local in RIGHTS else []
        if local in ("meta", "link", "property", "user-defined"):
            called = (str(v) for k, v in element.items() if etree.QName(k).localname in ("name", "property", "rel"))
            names = [word for value in called for word in _WORD.findall(value.lower()[:200])[-1:] if word in RIGHTS]
        if names and not element.get("refines"):
            told = ("".join(map(str, element.itertext())), element.get("content", ""), element.get("href", ""))
            if value := next((text.strip() for text in told if text.strip()), ""):
                yield names[0], value
