"""Licences by address: in a page, in a response field, and what schema.org and Dublin Core say of licence and access.

Facts (RFC 8288, https://www.rfc-editor.org/rfc/rfc8288; HTML Living Standard 4.6.7.7,
https://html.spec.whatwg.org/multipage/links.html;
https://creativecommons.org/2021/12/17/creative-commons-statement-on-cc-licenses-and-the-ext-and-data-mining-exception-under-article-4-eu-cdsm-directive/)
- Creative Commons licences grant what copyright reserves, on conditions; CC0 and the Public Domain Mark have none. By CC's
  statement they are no reservation under Article 4 of Directive (EU) 2019/790: policies answer for the protocol `licence` by
  itself.
- OURS: a licence with conditions is a no with terms, because leave may be had on these terms. For an asker who is commercial,
  NC is a no without terms: this licence gives no leave at all. For one who is not, the condition is met and left out.
- A licence in the response field speaks of the message, unless `anchor` says otherwise. `type=application/rsl+xml` makes it
  RSL.
- OURS: a licence that nobody here can read is a circumstance: it neither grants nor reserves, and it is not silence. So is a
  page where a licence can be bought (`acquireLicensePage`) and an item that is not free to access (`isAccessibleForFree`).
- OURS: `DC.rights` and the like name a licence where they hold the address of one; words are prose (prose.py).
- OURS: on the page on which an asset is embedded, only what names the asset speaks of it.
"""
from __future__ import annotations

import re
from dataclasses import replace
from urllib.parse import urljoin

from ..creative_commons import NON_COMMERCIAL, licence
from ..limits import DETAIL_CHARS, FINDINGS, QUOTE_CHARS
from ..metadata import RSL_TYPE, Property, read
from ..metadata_values import same_page
from ..metadata_words import TRIGGERS as TRIGGERS
from ..model import (
    Asker,
    Asset,
    Carrier,
    Circumstance,
    CircumstanceKind,
    Evidence,
    Fault,
    FaultKind,
    Finding,
    Preference,
    Statement,
    Subject,
    Terms,
)
from ..vocab import TERMS
from . import http_fields
from .link_field import links

PROTOCOL = "licence"
SIGNAL = {"rel": "licence.html", "schema.org": "licence.schema-org", "dublin-core": "licence.dublin-core"}
TEXTS = frozenset({"rights", "accessRights"})
IN_LINK = b"license"
NO_LICENCE = "http://purl.org/atompub/license#unspecified"       # RFC 4946, 2.1

_ADDRESS = re.compile(r"(?:[a-z][a-z0-9+.-]*:|/|\.{1,2}/|#|\?)\S*", re.IGNORECASE)


def html(evidence: Evidence, asset: Asset, asker: Asker) -> list[Finding]:
    """Licences and access, as the page tells them."""
    page = evidence.final_uri or evidence.uri
    told = read(evidence.body, asset.media_type, page)
    out: list[Finding] = list(told.faults)
    for said in told.properties:
        subject = about(said.about, page, evidence, asset)
        if subject is not None:
            out += _said(said, asker, subject, told.base)
    return capped(out, evidence.carrier)


def header(evidence: Evidence, asset: Asset, asker: Asker) -> list[Finding]:
    """Licences in the response field `Link`."""
    page = evidence.final_uri or evidence.uri
    out: list[Finding] = []
    for link in links(evidence.body) if IN_LINK in http_fields.lowered(evidence.body) else ():
        if "license" not in link.rels or link.type == RSL_TYPE:
            continue
        anchor = link.param("anchor")
        subject = about(resolved(anchor, page) if anchor else "", page, evidence, asset)
        if subject is not None:
            out += state("licence.header", link.href, asker, subject, f"link {link.number}", page)
    return capped(out, evidence.carrier)


def state(signal: str, address: str, asker: Asker, subject: Subject, where: str, base: str) -> list[Finding]:
    """What the address of a licence, or its SPDX identifier, says to an asker. One that is not known is a circumstance."""
    quote, found = address[:QUOTE_CHARS], licence(address)
    if found is None:
        if subject is Subject.EMBEDDED or address == NO_LICENCE:
            return []
        kind = CircumstanceKind.LICENCE_UNREAD
        return [Circumstance(kind, signal, where, quote, Terms(url=resolved(address, base)))]
    term = TERMS[PROTOCOL, found.code]
    closed = NON_COMMERCIAL in found.conditions and asker.commercial
    conditions = tuple(c for c in found.conditions if c != NON_COMMERCIAL)
    preference = Preference.DISALLOW if closed or conditions else Preference.ALLOW
    terms = None if closed or not conditions else Terms(url=found.url, conditions=conditions)
    return [Statement(signal, use, preference, form=term.form, subject=subject, terms=terms, where=where, quote=quote)
            for use in term.about(preference)]


def about(what: str | None, page: str, evidence: Evidence, asset: Asset) -> Subject | None:
    """Whether something said on a page is about the asset, about a part of it, or about something else (None)."""
    if asset.embedder and evidence.uri == asset.embedder != asset.url:
        return Subject.ASSET if what and resolved(what, page) == asset.url else None
    if what is not None and (not what or same_page(what, page) or same_page(what, asset.url)):
        return Subject.ASSET
    return Subject.EMBEDDED


def resolved(address: str, base: str) -> str:
    """An absolute address, or as it stands where it cannot be one."""
    try:
        return urljoin(base, address.strip())
    except ValueError:
        return address


def capped(findings: list[Finding], carrier: Carrier) -> list[Finding]:
    """Each thing once, however often it is said, and no more than limits.FINDINGS."""
    kept: dict[Finding, Finding] = {}
    for f in findings:
        kept.setdefault(f if isinstance(f, Fault) else replace(f, where="", quote=""), f)
    out = list(kept.values())
    if len(out) > FINDINGS:
        detail = f"only the first {FINDINGS} findings were kept"[:DETAIL_CHARS]
        return [*out[:FINDINGS], Fault(carrier, FaultKind.TRUNCATED, detail, PROTOCOL)]
    return out


def _is_text(said: Property) -> bool:
    if said.name in TEXTS:
        return licence(said.value) is None
    return said.name in ("license", "usageInfo") and said.syntax != "rel" and licence(said.value) is None \
        and not _ADDRESS.fullmatch(said.value)


def _said(said: Property, asker: Asker, subject: Subject, base: str) -> list[Finding]:
    if _is_text(said):
        return []
    quote = f"{said.name}: {said.value}"[:QUOTE_CHARS]
    if said.name == "isAccessibleForFree":
        no = said.value.lower().rsplit("/", 1)[-1] == "false"
        return [Circumstance(CircumstanceKind.PAYWALLED, SIGNAL[said.syntax], said.where, quote)] \
            if no and subject is Subject.ASSET else []
    if said.name == "acquireLicensePage":
        terms = Terms(url=resolved(said.value, base))
        return [Circumstance(CircumstanceKind.LICENSED_MARKET, SIGNAL[said.syntax], said.where, quote, terms)] \
            if subject is Subject.ASSET else []
    return state(SIGNAL[said.syntax], said.value, asker, subject, said.where, base)
