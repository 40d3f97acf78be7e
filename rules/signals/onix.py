"""ONIX for Books: usage constraints about text and data mining, in the messages that the book trade sends.

Facts (ONIX for Books 3.1, P.3.20; code lists 145 and 146, issue 66 and later, https://www.editeur.org/; read in secondary text)
- `EpubUsageConstraint` has an `EpubUsageType` and an `EpubUsageStatus`. List 145, 11: text and data mining of content, metadata
  and supporting resources, training of generative AI included. 13 and 14 are about AI for the reader's own purposes and are not
  read.
- List 146: 01 permitted without limit, 02 with the limit that `EpubUsageLimit` tells, 03 prohibited. OURS: every other status
  is malformed.
- `EpubLicense` can name the document with the terms.
- Each name has a short form. OURS: elements are known by both, in any namespace.
- OURS: where the asset is the message itself, one product that prohibits counts for all, because its metadata is mined; it
  permits where all of its products do. For another asset the products count that name its address or its identifier.
"""
from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from lxml import etree

from ..limits import DETAIL_CHARS, FEED_BYTES, FEED_DEPTH, QUOTE_CHARS
from ..memo import latest
from ..model import Asker, Asset, Carrier, Evidence, Fault, FaultKind, Finding, Preference, Statement, Terms
from ..vocab import meaning
from ..xml_tree import NotXml, root

TEXT_AND_DATA_MINING = "11"
STATUS = {"01": Preference.ALLOW, "02": Preference.DISALLOW, "03": Preference.DISALLOW}
SHORT = {"x318": "epubusagetype", "x319": "epubusagestatus", "x510": "epublicenseexpressionlink", "b244": "idvalue",
         "x320": "quantity", "x321": "epubusageunit", "b325": "websitelink", "x435": "resourcelink"}
IDENTIFIER_CHARS = 10                # OURS: shorter ones stand in many addresses by chance

_START = re.compile(rb"<(?:\w{1,40}:)?ONIXMessage[\s>]", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Constraint:
    """What one product says of mining."""
    where: str
    status: str
    quote: str
    terms: Terms | None


@dataclass(frozen=True, slots=True)
class Product:
    constraints: tuple[Constraint, ...]
    addresses: frozenset[str]        # and identifiers


def body(evidence: Evidence, asset: Asset, asker: Asker) -> list[Finding]:
    """A message that is the asset."""
    if not _starts(evidence.body):
        return []
    products, faults = _products(evidence.body)
    out = _stated("onix.body", Carrier.BODY, products)
    if any(not p.constraints for p in products) or faults:
        out = [f for f in out if not isinstance(f, Statement) or f.preference is Preference.DISALLOW]
    return [*(Fault(Carrier.BODY, *f) for f in faults), *out]


def _starts(body: bytes) -> bool:
    start = body[:2_048].replace(b"\0", b"")
    return b"onixmessage" in start.lower() and bool(_START.search(start))


def feed(evidence: Evidence, asset: Asset, asker: Asker) -> list[Finding]:
    """A message about the asset."""
    if not _starts(evidence.body):
        return []
    products, faults = _products(evidence.body)
    named = [p for p in products if _names(p, asset.url)]
    return [*(Fault(Carrier.FEED, *f) for f in faults), *_stated("onix.feed", Carrier.FEED, named)]


def _stated(signal: str, carrier: Carrier, products: list[Product] | tuple[Product, ...]) -> list[Finding]:
    term, found = meaning("onix", TEXT_AND_DATA_MINING), dict[object, Finding]()
    for c in (c for p in products for c in p.constraints):
        preference = STATUS.get(c.status)
        if preference is None:
            detail = f"the status of a constraint is '{c.status[:40]}'"
            found.setdefault("fault", Fault(carrier, FaultKind.MALFORMED, detail, c.where))
            continue
        for use in term.about(preference) if term else ():
            found.setdefault((use, preference, c.terms),
                             Statement(signal, use, preference, terms=c.terms, where=c.where, quote=c.quote))
    allowing = [f for f in found.values() if isinstance(f, Statement) and f.preference is Preference.ALLOW]
    refusing = [f for f in found.values() if f not in allowing]
    return refusing or list[Finding](allowing)


def _names(product: Product, url: str) -> bool:
    return url in product.addresses or any(a.isalnum() and len(a) >= IDENTIFIER_CHARS and a in url for a in product.addresses)


@latest
def _products(message: bytes) -> tuple[tuple[Product, ...], tuple[tuple[FaultKind, str, str], ...]]:
    if len(message) > FEED_BYTES:
        return (), ((FaultKind.TRUNCATED, f"longer than {FEED_BYTES} bytes", "onix"),)
    try:
        tree = root(message, FEED_DEPTH)
    except NotXml as error:
        return (), ((FaultKind.MALFORMED, str(error)[:DETAIL_CHARS], "onix"),)
    elements = [e for e in tree if _name(e) == "product"]
    return tuple(_product(e, n) for n, e in enumerate(elements, 1)), ()


def _product(element: etree._Element, number: int) -> Product:
    told = [(_name(e), (e.text or "").strip()) for e in element.iter()]
    addresses = frozenset(text for name, text in told if name in ("idvalue", "websitelink", "resourcelink") and text)
    link = next((text for name, text in told if name == "epublicenseexpressionlink"), "")
    constraints = tuple(c for e in element.iter() if _name(e) in ("epubusageconstraint", "priceconstraint")
                        for c in _constraint(e, f"product {number}", link))
    return Product(constraints, addresses)


def _constraint(element: etree._Element, where: str, link: str) -> Iterator[Constraint]:
    parts = {_name(e).replace("price", "epubusage").replace("constrainttype", "type").replace("constraintstatus", "status"):
             (e.text or "").strip() for e in element}
    if parts.get("epubusagetype") != TEXT_AND_DATA_MINING:
        return
    status = parts.get("epubusagestatus", "")
    limits = (" ".join(map(str, e.itertext())).split() for e in element if _name(e) == "epubusagelimit")
    conditions = tuple(" ".join(words)[:DETAIL_CHARS] for words in limits)
    terms = Terms(url=link, conditions=conditions) if status == "02" or (status == "03" and link) else None
    yield Constraint(where, status, f"{TEXT_AND_DATA_MINING}/{status}"[:QUOTE_CHARS], terms)


def _name(element: etree._Element) -> str:
    local = etree.QName(element).localname.lower()
    return SHORT.get(local, local)
