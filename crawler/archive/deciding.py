"""Captures -> decisions -> columns: the step that WARC files, tables and every engine share. No state but caches.

**Facts**
- The findings are those of `rules.find`, the decisions those of `rules.judge`; the same findings are decided once.
- The columns are made by rows.py; `records.table` makes the same from the same assessments, row by row.
"""
from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple, Protocol

import pyarrow as pa

from rules import Asker, Asset, Decision, Evidence, Finding, Policy, Use, Verdict
from rules.assess import Heard, decide, find, hear, missing

from . import rows
from .captures import Capture
from .records import Location, body_bytes

DECIDED_KEPT = 4_096                 # sets of findings whose decisions are remembered
ORDER = (Verdict.PERMITTED, Verdict.UNDETERMINED, Verdict.PROHIBITED)

Placed = tuple[tuple[Evidence, ...], tuple[Location | None, ...]]        # evidence, and where each piece lies


class Sites(Protocol):
    """What is known of the sites of captures."""

    def of(self, url: str, at: datetime | None) -> Placed:
        """Evidence that stood for the site of this URL at that time, and where each piece lies."""


class Registers(Protocol):
    """What registers of the operator say of assets."""

    def kept(self, asset: Asset, at: datetime | None, body: Evidence, digest: str) -> tuple[Evidence, Location | None]:
        """What they say, and where it is kept."""


class NoSites:
    """Nobody collected any."""

    def of(self, url: str, at: datetime | None) -> Placed:
        return (), ()


@dataclass(frozen=True, slots=True)
class Answer:
    """What one policy makes of one set of findings."""
    findings: tuple[Finding, ...]    # with what the policy requires and nobody looked at
    decisions: Mapping[Use, Decision]


class Made(NamedTuple):
    """All evidence of a page, where it lies, and one answer a policy."""
    evidence: tuple[Evidence, ...]
    locations: tuple[Location | None, ...]
    answers: tuple[Answer, ...]


class Decided:
    """A page, all its evidence, where it lies, and one answer a policy. Pages with the same findings share their answers.

    The bytes of the body are gone; its digest stands for them, and what its readers found. So many pages can wait for their
    rows, and all that needs no body is done when it is asked for: for one page after another, which takes half the time.
    """
    __slots__ = ("_made", "_make", "asset", "held_bytes", "size_bytes")

    def __init__(self, asset: Asset, size_bytes: int | None, held_bytes: int, make: Callable[[], Made]):
        self.asset, self.size_bytes = asset, size_bytes          # of the body
        self.held_bytes = held_bytes                             # of what is its own and kept
        self._make = make
        self._made: Made | None = None

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        return self.made.evidence

    @property
    def answers(self) -> tuple[Answer, ...]:
        return self.made.answers

    @property
    def made(self) -> Made:
        if self._made is None:
            self._made = self._make()
        return self._made


class Decider:
    """Decides captures by several policies for one asker. `exact`: by all readers (rules/prefilter.py)."""

    def __init__(self, policies: Sequence[Policy], asker: Asker, sites: Sites | None = None,
                 exact: bool = False, registers: Registers | None = None):
        self.policies, self.asker = tuple(policies), asker
        self._sites, self._exact, self._registers = sites or NoSites(), exact, registers
        self._known: dict[tuple[Any, ...], tuple[Answer, ...]] = {}

    def decide(self, capture: Capture) -> Decided:
        """Raises nothing."""
        body = kept = capture.body
        heard = hear(body, capture.asset, self.asker, exact=self._exact)
        if body.body:
            kept = Evidence(body.carrier, body.uri, body.at, body.access, b"", body.status, body.final_uri, body.detail,
                            body.digest)
        at = capture.location if capture.fields.has_bytes else None
        body_at = (capture.body_location or capture.location) if body.has_bytes else None
        own: Placed = (capture.fields, kept), (at, body_at)
        held_bytes = len(capture.fields.body)
        if self._registers is not None:
            entries, entries_at = self._registers.kept(capture.asset, capture.at, body, kept.digest)
            own = (*own[0], entries), (*own[1], entries_at)
            held_bytes += len(entries.body)
        return Decided(capture.asset, body_bytes((body,)), held_bytes,
                       partial(self._made, capture.asset, capture.at, own, heard))

    def _made(self, asset: Asset, at: datetime | None, own: Placed, body: Heard) -> Made:
        """`own`: evidence that is not of the site, and where it lies; `body`: what was heard of it."""
        site, site_locations = self._sites.of(asset.url, at)
        evidence = (*site, *own[0])
        return Made(evidence, (*site_locations, *own[1]), self._answers(asset, evidence, body))

    def _answers(self, asset: Asset, evidence: tuple[Evidence, ...], body: Heard) -> tuple[Answer, ...]:
        findings = find(evidence, asset, self.asker, exact=self._exact, body=body)
        key = (findings, tuple([e.carrier for e in evidence]))
        known = self._known.get(key)
        if known is None:
            if len(self._known) >= DECIDED_KEPT:
                self._known.clear()
            known = self._known[key] = tuple([self._answer(findings, evidence, policy) for policy in self.policies])
        return known

    def _answer(self, findings: tuple[Finding, ...], evidence: tuple[Evidence, ...], policy: Policy) -> Answer:
        if more := missing(evidence, policy, self.asker):
            findings = (*findings, *more)
        return Answer(findings, decide(findings, policy))

    def table(self, decided: Sequence[Decided]) -> pa.Table:
        """The records, one row a capture and policy, as `records.table` would make them."""
        return rows.table(decided, self.policies, self.asker)


def verdict(answers: Iterable[Answer], policies: Sequence[Policy], by: frozenset[str], uses: frozenset[Use]) -> Verdict:
    """The strictest of the decisions that count; an empty set of policies or uses means all. Nothing counted: undetermined."""
    found = {ORDER.index(d.verdict) for answer, policy in zip(answers, policies, strict=True) if not by or policy.id in by
             for use, d in answer.decisions.items() if not uses or use in uses}
    return ORDER[max(found)] if found else Verdict.UNDETERMINED


def reasons(answers: Iterable[Answer], policies: Sequence[Policy], by: frozenset[str], uses: frozenset[Use]) -> list[str]:
    """Rows that decided, each once: "eu-dsm-art4@2026-11-26/reserved"."""
    out: dict[str, None] = {}
    for answer, policy in zip(answers, policies, strict=True):
        for use, d in answer.decisions.items() if not by or policy.id in by else ():
            if not uses or use in uses:
                out.update(dict.fromkeys(f"{policy.id}/{r.rule}" for r in d.decisive) or {f"{policy.id}/silence": None})
    return list(out)
