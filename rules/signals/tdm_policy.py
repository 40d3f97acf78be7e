"""TDMRep policies: the document that a reservation points to, read for what leave is tied to.

Facts (TDMRep CG-FINAL-2024-05-10, https://www.w3.org/community/reports/tdmrep/CG-FINAL-tdmrep-20240510/)
- `tdm-policy` is looked at only where something is reserved. A policy that is out of reach or cannot be parsed is no error:
  the reservation stands, and nobody can know its conditions.
- A policy is for people (`text/html`), or JSON: an ODRL 2.2 `Offer` of the profile `http://www.w3.org/ns/tdmrep` with one
  `assigner` and one array `permission`, whose `action` is `tdm:mine`. `duty`: `obtainConsent`, `compensate`. `constraint`:
  `purpose` `eq` `tdm:research` or `tdm:non-research`. `obligation` and `prohibition` have no place in it.
- The policy speaks of no asset by itself; it adds to the reservation that names it. INVARIANT: it never allows, and its rank
  is below every reservation's, so that each of them supersedes it, be it 1 or 0.
- OURS: each permission is stated as a disallow with its duties and constraints as terms: whether the asker does research, or
  has paid, is not for a reader to say.
- OURS: what cannot be read is stated as a disallow whose terms are the document itself, since no Fault may hold what a later
  carrier has released. Contexts are never fetched; the terms are known by their names in the profile.
- PRACTICE: an example of the specification has a trailing comma. OURS: it is read as lenient.
"""
from __future__ import annotations

from dataclasses import dataclass

from ..limits import FIELD_BYTES, QUOTE_CHARS, TDM_PERMISSIONS, TDM_POLICY_BYTES, URL_CHARS
from ..memo import memo
from ..model import Asker, Asset, Carrier, Evidence, Finding, Form, Preference, Reference, Statement, Terms
from ..vocab import meaning
from . import tdmrep
from .rsl import target

CONTEXT = ["http://www.w3.org/ns/odrl.jsonld", "http://www.w3.org/ns/tdmrep.jsonld"]
PROFILE = "http://www.w3.org/ns/tdmrep"
ACTION = "tdm:mine"
PARTS = 10                               # OURS: duties, and constraints, of one permission
CONTACTS = ("vcard:hasEmail", "vcard:hasURL", "vcard:hasTelephone")


@dataclass(frozen=True, slots=True)
class Permission:
    where: str
    conditions: tuple[str, ...]          # "obtainConsent", "compensate", "purpose=tdm:research", "contact=mailto:..."


@dataclass(frozen=True, slots=True)
class Offer:
    permissions: tuple[Permission, ...]
    note: str = ""                       # why it took leniency to read


def read(evidence: Evidence, asset: Asset, asker: Asker) -> list[Finding]:
    """What leave is tied to. Never empty: a policy only exists where something is reserved."""
    offer = parse(evidence.body)
    term = meaning("tdmrep", tdmrep.RESERVATION)
    return [Statement("tdmrep.policy", use, Preference.DISALLOW, form=Form.LENIENT if offer.note else Form.EXACT,
                      terms=Terms(url=evidence.uri[:URL_CHARS], conditions=permission.conditions),
                      where=permission.where, quote=", ".join(permission.conditions)[:QUOTE_CHARS], note=offer.note)
            for permission in offer.permissions for use in (term.uses if term else ())]


@memo
def parse(body: bytes) -> Offer:
    """The permissions that a policy offers; one without conditions where it cannot be read. Raises nothing."""
    if len(body) > TDM_POLICY_BYTES:
        return _unread(f"longer than {TDM_POLICY_BYTES} bytes")
    if body.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        return Offer((Permission("", ("human-readable policy",)),))
    try:
        data, note = tdmrep.read_json(body)
    except (ValueError, RecursionError):
        return _unread("no JSON")
    if not isinstance(data, dict):
        return _unread("no object")
    note = note or _deviation(data)
    given = data.get("permission")
    items = given if isinstance(given, list) else [given] if isinstance(given, dict) else []
    contact = _contact(data.get("assigner"))
    permissions = tuple(_permission(item, number, contact) for number, item in enumerate(items[:TDM_PERMISSIONS], 1)
                        if isinstance(item, dict))
    if not permissions:
        return Offer((Permission("", contact),), note or "no permission")
    return Offer(permissions, note or ("more permissions than are read" if len(items) > TDM_PERMISSIONS else ""))


def _unread(why: str) -> Offer:
    return Offer((Permission("", ("policy that cannot be read",)),), why)


def _deviation(data: dict[str, object]) -> str:
    """The first thing about an offer that is not as the profile has it."""
    for what, holds in (("@context", data.get("@context") == CONTEXT), ("@type", data.get("@type") == "Offer"),
                        ("profile", data.get("profile") == PROFILE), ("permission", isinstance(data.get("permission"), list))):
        if not holds:
            return what
    return next((key for key in ("prohibition", "obligation") if key in data), "")


def _permission(item: dict[str, object], number: int, contact: tuple[str, ...]) -> Permission:
    conditions = [] if item.get("action") == ACTION else [f"action={_word(item.get('action'))}"]
    conditions += [_word(duty.get("action")) for duty in _objects(item.get("duty"))]
    for constraint in _objects(item.get("constraint")):
        operator = _word(constraint.get("operator"))
        sign = "=" if operator in ("eq", "odrl:eq") else f" {operator} "
        conditions.append(f"{_word(constraint.get('leftOperand'))}{sign}{_word(constraint.get('rightOperand'))}")
    return Permission(f"permission {number}", (*dict.fromkeys(filter(None, conditions)), *contact))


def _objects(value: object) -> list[dict[str, object]]:
    items = value if isinstance(value, list) else [value]
    return [item for item in items[:PARTS] if isinstance(item, dict)]


def _contact(assigner: object) -> tuple[str, ...]:
    told = ((party.get(key), key) for party in _objects(assigner)[:1] for key in CONTACTS)
    return next(((f"contact={word}",) for value, _ in told if (word := _word(value))), ())


def _word(value: object) -> str:
    """A short text for what stands there."""
    if isinstance(value, dict):
        value = value.get("@id") or value.get("@value") or value.get("rdf:value")
    return " ".join(value[:QUOTE_CHARS].split()) if isinstance(value, str) else ""


# ---- who points to a policy

def in_file(evidence: Evidence, asset: Asset, asker: Asker) -> list[Reference]:
    return _references(tdmrep.file(evidence, asset, asker), evidence)


def in_fields(evidence: Evidence, asset: Asset, asker: Asker) -> list[Reference]:
    return _references(tdmrep.header(evidence, asset, asker), evidence)


def in_page(evidence: Evidence, asset: Asset, asker: Asker) -> list[Reference]:
    return _references(tdmrep.html(evidence, asset, asker), evidence)


def _references(findings: list[Finding], evidence: Evidence) -> list[Reference]:
    told = ((target(f.terms.url, evidence), f) for f in findings
            if isinstance(f, Statement) and f.preference is Preference.DISALLOW and f.terms and len(f.terms.url) <= FIELD_BYTES)
    return [Reference(Carrier.TDM_POLICY, uri, f"{f.signal} {f.where}", needed=False) for uri, f in told if uri]
