"""Assessment <-> record: a JSON value after the SLSA verification summary. Same assessment, same bytes.

Facts
- The subject, the verifier, the policy with its digest and all inputs with theirs stand in it (SLSA VSA 1.0).
- Absent and empty are the same: a key without a value is left out, but for `reasons`.
OURS: prose is not stored; `explain` derives it. The bytes of evidence are not stored; their digests are.
"""
from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import fields, replace
from datetime import UTC, datetime
from enum import Enum, IntEnum
from functools import cache
from typing import Any

from .model import (
    Access,
    Asker,
    Assessment,
    Asset,
    Audience,
    Carrier,
    Circumstance,
    CircumstanceKind,
    Decision,
    Duty,
    Effect,
    Evidence,
    Fault,
    FaultKind,
    Finding,
    Form,
    Preference,
    Reason,
    Statement,
    Subject,
    Terms,
    Use,
    Verdict,
)

SCHEMA = "maymine/record/1"
ENGINE = "0.1.0"                     # raised when the same evidence may be read or decided differently

JSON = dict[str, Any]
KINDS: dict[str, type] = {"statement": Statement, "fault": Fault, "circumstance": Circumstance}
# The kind's own field must not be called as the tag is.
FIELD_NAMES = {Fault: {"kind": "fault"}, Circumstance: {"kind": "circumstance"}}
ENUMS: dict[type, dict[str, type[Enum]]] = {
    Statement: {"use": Use, "preference": Preference, "audience": Audience, "form": Form, "subject": Subject},
    Fault: {"carrier": Carrier, "kind": FaultKind},
    Circumstance: {"kind": CircumstanceKind},
}
# Fields that hold words of strangers.
TEXTS: dict[type, tuple[str, ...]] = {
    Statement: ("where", "quote", "note"), Fault: ("detail", "where"), Circumstance: ("source", "where", "quote")}
LONE, REPLACED = re.compile("[\ud800-\udfff]"), "\ufffd"


def recordable(f: Finding) -> Finding:
    """The same finding as a record can hold it: without surrogates that stand alone, which JSON can spell and no encoding has,
    and without terms that say nothing."""
    texts: JSON = {name: getattr(f, name) for name in TEXTS[f.__class__]}
    changed: JSON = {} if "".join(texts.values()).isascii() else {
        name: LONE.sub(REPLACED, text) for name, text in texts.items() if LONE.search(text)}
    if not isinstance(f, Fault) and f.terms is not None and (terms := _terms(f.terms)) != f.terms:
        changed["terms"] = terms
    return replace(f, **changed) if changed else f


def _terms(terms: Terms) -> Terms | None:
    """INVARIANT: terms are None where a record would leave them out."""
    said = "".join((terms.url, *terms.conditions, terms.payment, terms.amount, terms.currency, terms.server))
    if said and said.isascii() and "" not in terms.conditions:
        return terms
    values: JSON = {name: getattr(terms, name) for name in _names(Terms)}
    texts: JSON = {name: LONE.sub(REPLACED, v) if isinstance(v, str) else tuple(LONE.sub(REPLACED, word) for word in v if word)
                   for name, v in values.items()}
    return Terms(**texts) if any(texts.values()) else None


def from_record(r: Mapping[str, Any]) -> Assessment:
    """The assessment that made this record, but for the bytes of its evidence. Raises KeyError, ValueError."""
    return Assessment(
        asset_from_record(r["asset"]), asker_from_record(r["asker"]), r["policy"]["id"], r["policy"]["digest"],
        tuple(map(evidence_from_record, r["evidence"])), tuple(map(finding_from_record, r["findings"])),
        {Use(use): decision_from_record(d) for use, d in r["decisions"].items()})


def to_record(a: Assessment) -> JSON:
    """The record of an assessment, as a JSON value."""
    return {
        "schema": SCHEMA,
        "engine": ENGINE,
        "asset": _plain(a.asset),
        "asker": _plain(a.asker),
        "policy": {"id": a.policy, "digest": a.policy_digest},
        "evidence": [evidence_record(e) for e in a.evidence],
        "findings": [finding_record(f) for f in a.findings],
        "decisions": {use.value: decision_record(d) for use, d in a.decisions.items()},
    }


def dumps(record: JSON) -> str:
    """Canonical text of a record (RFC 8785 but for numbers, of which there are only whole ones)."""
    return json.dumps(record, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def evidence_record(e: Evidence) -> JSON:
    return _kept(carrier=e.carrier.value, uri=e.uri, at=time_text(e.at), access=e.access.value, status=e.status,
                 final_uri=e.final_uri, detail=e.detail, digest=e.digest)


def finding_record(f: Finding) -> JSON:
    kind = next(name for name, cls in KINDS.items() if isinstance(f, cls))
    names = FIELD_NAMES.get(type(f), {})
    return {"kind": kind, **{names.get(k, k): v for k, v in _plain(f).items()}}


def finding_from_record(r: Mapping[str, Any]) -> Finding:
    """The finding that made this record: policies can be decided again without the bytes."""
    cls = KINDS[r["kind"]]
    names, enums = FIELD_NAMES.get(cls, {}), ENUMS[cls]
    values: JSON = {}
    for f in fields(cls):
        value = r.get(names.get(f.name, f.name))
        if value in (None, ""):
            continue
        if f.name in enums:
            value = enums[f.name](value)
        elif f.name == "terms":
            value = terms_from_record(value)
        values[f.name] = value
    finding: Finding = cls(**values)
    return finding


def terms_from_record(r: Mapping[str, Any]) -> Terms:
    values: JSON = {k: tuple(v) if k == "conditions" else v for k, v in r.items() if v}
    return Terms(**values)


def evidence_from_record(r: Mapping[str, Any]) -> Evidence:
    """The evidence without its bytes."""
    return Evidence(Carrier(r["carrier"]), r["uri"], time_from_text(r.get("at")), Access(r["access"]),
                    status=r.get("status"), final_uri=r.get("final_uri") or "", detail=r.get("detail") or "",
                    recorded=r.get("digest") or "")


def asset_from_record(r: Mapping[str, Any]) -> Asset:
    return Asset(**{k: v for k, v in r.items() if v})


def asker_from_record(r: Mapping[str, Any]) -> Asker:
    return Asker(r["token"], bool(r["commercial"]), r.get("country") or "")


def time_text(at: datetime | None) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z") if at else ""


def time_from_text(text: str | None) -> datetime | None:
    """An aware time in UTC. Raises ValueError for a text that is none, or that has no offset."""
    if not text:
        return None
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError(f"'{text}' has no offset from UTC; add Z")
    return at.astimezone(UTC)


def decision_record(d: Decision) -> JSON:
    return {
        "verdict": d.verdict.value,
        "reasons": [{"finding": r.finding, "rule": r.rule, "effect": r.effect.name.lower()} for r in d.reasons],
        **_kept(duties=[duty.value for duty in d.duties], terms=[_plain(t) for t in d.terms]),
    }


def decision_from_record(r: Mapping[str, Any]) -> Decision:
    return Decision(
        Verdict(r["verdict"]),
        tuple(Reason(x["finding"], x["rule"], Effect[x["effect"].upper()]) for x in r.get("reasons") or ()),
        tuple(map(Duty, r.get("duties") or ())), tuple(map(terms_from_record, r.get("terms") or ())))


def _kept(**values: Any) -> JSON:
    return {k: v for k, v in values.items() if v not in (None, "", [], {})}


@cache
def _names(noun: type[Any]) -> tuple[str, ...]:
    return tuple(f.name for f in fields(noun))


def _plain(noun: Any) -> JSON:
    """A dataclass as a JSON value, without what is empty."""
    out: JSON = {}
    for name in _names(noun.__class__):
        value = getattr(noun, name)
        if value is None or value == "" or value == ():
            continue
        if isinstance(value, str):
            out[name] = value
        elif (plain := _value(value)) not in ("", {}):
            out[name] = plain
    return out


def _value(v: Any) -> Any:
    if isinstance(v, Enum) and not isinstance(v, IntEnum):
        return v.value
    if isinstance(v, Terms):
        return _plain(v)
    return list(v) if isinstance(v, tuple) else v
