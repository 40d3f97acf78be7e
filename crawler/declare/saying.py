"""What files say about mining, for a person: readers as for the web, words as in the policies.

**Facts**
- A file that says nothing, one that leaves it unspecified and one that could not be read to its end are three things.
- Findings are those of `rules.find` on the bytes alone: what a page, a header or a robots.txt says of a file is not in it.
"""
from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rules import Asset, Carrier, Evidence, Fault, Finding, Preference, Statement, Use, find
from rules.containers import kind
from rules.explain import words
from rules.model import Access, Asker, Subject
from rules.record import finding_record
from rules.vocab import ATOMS

from .files import FILE_BYTES, read

SPEAKS, SILENT, DAMAGED = "speaks", "silent", "damaged"
READER = Asker("maymine")
MINING = ATOMS[Use.TDM]


@dataclass(frozen=True, slots=True)
class Said:
    """One file and what its bytes say."""
    name: str                        # as a person would write it
    kind: str
    size_bytes: int
    digest: str                      # SHA-256, hexadecimal
    findings: tuple[Finding, ...]

    @property
    def statements(self) -> tuple[Statement, ...]:
        """About mining this file, superseded ones left out."""
        return tuple(f for f in self.findings if isinstance(f, Statement) and f.subject is Subject.ASSET
                     and not f.superseded_by and ATOMS[f.use] & MINING)

    @property
    def faults(self) -> tuple[Fault, ...]:
        return tuple(f for f in self.findings if isinstance(f, Fault))

    @property
    def status(self) -> str:
        return DAMAGED if self.faults else SPEAKS if self.statements else SILENT

    @property
    def denied(self) -> frozenset[Use]:
        """Atoms of use that somebody says no to."""
        return denied(self.statements)


def look(path: Path) -> Said | None:
    """None: it is no container that holds words. Raises OSError."""
    body = read(path)
    return said(name_of(path), path.resolve().as_uri(), body) if kind(body) else None


def said(name: str, url: str, body: bytes) -> Said:
    access = Access.TRUNCATED if len(body) > FILE_BYTES else Access.OBTAINED
    evidence = Evidence(Carrier.BODY, url, None, access, body[:FILE_BYTES])
    return Said(name, kind(body), len(body), hashlib.sha256(body).hexdigest(), find((evidence,), Asset(url), READER))


def name_of(path: Path) -> str:
    """A path as text that every encoding has."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def denied(statements: Iterable[Statement]) -> frozenset[Use]:
    return frozenset(atom for s in statements if s.preference is Preference.DISALLOW for atom in ATOMS[s.use] & MINING)


def uses_text(uses: Iterable[Use], language: str = "en") -> str:
    """Uses in words, the broadest that fit: "training AI" for its two parts."""
    left, out = set(uses), []
    for use in sorted(Use, key=lambda u: -len(ATOMS[u])):
        if ATOMS[use] <= left:
            out.append(words(language)["use"][use.value])
            left -= ATOMS[use]
    return ", ".join(out)


def sentences(found: Said, language: str = "en") -> list[str]:
    """One for each place that says something: "no to training AI (plus.xmp, jpeg/app1)"."""
    groups: dict[tuple[Preference, str, str], list[Use]] = {}
    for s in found.statements:
        groups.setdefault((s.preference, s.signal, s.where), []).extend(ATOMS[s.use] & MINING)
    told = {Preference.DISALLOW: "no to", Preference.ALLOW: "yes to"}
    return [f"{told[preference]} {uses_text(uses, language)} ({', '.join(filter(None, (signal, where)))})"
            for (preference, signal, where), uses in groups.items()]


def fault_text(fault: Fault, language: str = "en") -> str:
    told = words(language)
    start = "" if fault.carrier is Carrier.BODY else told["carrier"][fault.carrier.value] + ": "
    where = ", ".join(filter(None, (fault.where, fault.detail)))
    return start + told["fault"][fault.kind.value] + (f" ({where})" if where else "")


def row(found: Said) -> dict[str, Any]:
    """For a program."""
    return {"file": found.name, "kind": found.kind, "bytes": found.size_bytes, "sha256": found.digest, "status": found.status,
            "says": sentences(found), "denied": sorted(use.value for use in found.denied),
            "faults": [fault_text(f) for f in found.faults], "findings": [finding_record(f) for f in found.findings]}
