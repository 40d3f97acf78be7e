"""Every vector in tests/vectors: bytes in, findings out. The files are data, so that other readers can be tested with them.

A vector gives carriers and lists the findings: as many, in any order, each with at least the fields that stand there. Its `note`
says why something else comes out than its reference seems to ask for.
"""
from __future__ import annotations

import base64
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from rules.assess import read, resolve
from rules.model import Access, Asker, Asset, Carrier, Circumstance, Evidence, Fault, Finding
from rules.record import time_from_text
from rules.signals import SIGNALS

from .fixtures import make

FILES = sorted(Path(__file__).with_name("vectors").glob("*.yaml"))
KEYS = {"name", "ref", "kind", "note", "at", "given", "asset", "asker", "findings"}
KINDS = {"spec", "practice", "ours"}
FIELDS = {"signal", "use", "preference", "audience", "form", "subject", "terms", "where", "quote", "note", "superseded_by"}
URL = "https://site.example/"


def vectors() -> list[Any]:
    return [pytest.param(v, id=f"{path.stem}:{v['name']}")
            for path in FILES for v in yaml.load(path.read_text("utf-8"), yaml.BaseLoader)]


def evidence(carrier: str, given: str | dict[str, Any], at: datetime | None = None) -> Evidence:
    if isinstance(given, dict):
        return Evidence(Carrier(carrier), URL, None, Access.OBTAINED, body(given))
    if given in {a.value for a in Access}:
        return Evidence(Carrier(carrier), URL, None, Access(given))
    return Evidence(Carrier(carrier), URL, at, Access.OBTAINED, given.encode())


def body(given: dict[str, Any]) -> bytes:
    """Bytes that are no text: as Base64, or made by a function in tests/fixtures."""
    if "make" in given:
        return make(given["make"], **{name: how for name, how in given.items() if name != "make"})
    return base64.b64decode(given["base64"])


def plain(finding: Finding) -> dict[str, Any]:
    """A finding in the words of the vectors."""
    if isinstance(finding, Fault):
        return {"fault": finding.kind.value, "carrier": finding.carrier.value, "where": finding.where, "detail": finding.detail}
    if isinstance(finding, Circumstance):
        return {"circumstance": finding.kind.value, "source": finding.source, "where": finding.where, "quote": finding.quote}
    out = {name: getattr(finding, name) for name in FIELDS}
    out = {name: getattr(value, "value", value) for name, value in out.items()}
    terms = finding.terms
    out["terms"] = {name: list(v) if isinstance(v := getattr(terms, name), tuple) else v for name in terms.__slots__} if terms else ""
    return out


def meets(found: dict[str, Any], wanted: dict[str, Any]) -> bool:
    return all(meets(found[key], value) if isinstance(value, dict) and isinstance(found.get(key), dict) else found.get(key) == value
               for key, value in wanted.items())


def pair_up(found: list[dict[str, Any]], wanted: list[dict[str, Any]]) -> bool:
    """Whether each finding meets another one of those wanted."""
    if not wanted:
        return not found
    return any(meets(f, wanted[0]) and pair_up(found[:i] + found[i + 1:], wanted[1:]) for i, f in enumerate(found))


@pytest.mark.parametrize("vector", vectors())
def test_vector(vector: dict[str, Any]) -> None:
    assert set(vector) <= KEYS
    assert {"name", "ref", "given", "findings"} <= set(vector)
    assert vector["kind"] in KINDS
    for wanted in vector["findings"]:
        assert wanted.keys() <= FIELDS | {"fault", "carrier", "detail", "circumstance", "source"}
        assert wanted.get("signal", "robots.rule") in SIGNALS
    asset = Asset(**{"url": URL, **vector.get("asset", {})})
    told = {"token": "mybot", **vector.get("asker", {})}
    asker = Asker(told["token"], told.get("commercial", "true") == "true", told.get("country", ""))
    findings = resolve(f for carrier, given in vector["given"].items() for f in read(evidence(carrier, given, time_from_text(vector.get("at"))), asset, asker))
    found = [plain(f) for f in findings]
    assert pair_up(found, vector["findings"]), found


def test_names_are_unique() -> None:
    names = [p.id for p in vectors()]
    assert len(names) == len(set(names))


def test_every_signal_has_vectors() -> None:
    """One that speaks, and one that does not, for each row."""
    said = {w["signal"] for p in vectors() for w in p.values[0]["findings"] if "signal" in w}
    silent = {c for p in vectors() for c in p.values[0]["given"] if not p.values[0]["findings"]}
    assert {row.id for row in SIGNALS.values() if row.uses and row.preferences} <= said
    assert {row.carrier.value for row in SIGNALS.values()} <= silent
