"""Captures -> decisions -> columns: the step that WARC files, tables and every engine share. No state but caches.

**Facts**
- The findings are those of `rules.find`, the decisions those of `rules.judge`; the same findings are decided once.
- The columns are those of crawler/archive/records.py; `records.table` makes the same from the same assessments, row by row.
"""
from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from itertools import chain
from typing import Any, Protocol

import pyarrow as pa

from rules import Asker, Asset, Decision, Evidence, Finding, Policy, Use, Verdict, find
from rules.assess import decide, listed, missing
from rules.record import ENGINE, SCHEMA, decision_record, finding_record

from . import records
from .captures import Capture
from .records import Location
from .surt import surt

DECIDED_KEPT = 4_096                 # sets of findings whose decisions are remembered
FINDINGS_KEPT = 4_096                # as they are written down
ORDER = (Verdict.PERMITTED, Verdict.UNDETERMINED, Verdict.PROHIBITED)

SiteEvidence = tuple[tuple[Evidence, ...], tuple[Location | None, ...]]


class Sites(Protocol):
    """What is known of the sites of captures."""

    def of(self, url: str, at: datetime | None) -> SiteEvidence:
        """Evidence that stood for the site of this URL at that time, and where each piece lies."""


class Registers(Protocol):
    """What registers of the operator say of assets."""

    def kept(self, asset: Asset, at: datetime | None, body: Evidence, digest: str) -> tuple[Evidence, Location | None]:
        """What they say, and where it is kept."""


class NoSites:
    """Nobody collected any."""

    def of(self, url: str, at: datetime | None) -> SiteEvidence:
        return (), ()


@dataclass(frozen=True, slots=True)
class Answer:
    """What one policy makes of one set of findings."""
    findings: tuple[Finding, ...]    # with what the policy requires and nobody looked at
    decisions: dict[Use, Decision]


@dataclass(frozen=True, slots=True)
class Decided:
    """A page, all its evidence, and one answer a policy. Pages with the same findings share their answers.

    The bytes of the body are gone; its digest stands for them. So many pages can wait for their rows.
    """
    asset: Asset
    evidence: tuple[Evidence, ...]
    locations: tuple[Location | None, ...]
    answers: tuple[Answer, ...]
    size_bytes: int | None = None    # of the body


class Decider:
    """Decides captures by several policies for one asker. `exact`: by all readers (rules/prefilter.py)."""

    def __init__(self, policies: Sequence[Policy], asker: Asker, sites: Sites | None = None,
                 exact: bool = False, registers: Registers | None = None):
        self.policies, self.asker = tuple(policies), asker
        self._sites, self._exact, self._registers = sites or NoSites(), exact, registers
        self._known: dict[tuple[Any, ...], tuple[Answer, ...]] = {}

    def decide(self, capture: Capture) -> Decided:
        """Raises nothing."""
        site, site_locations = self._sites.of(capture.asset.url, capture.at)
        evidence = (*site, capture.fields, capture.body)
        at = capture.location
        body_at = capture.body_location or at
        locations = (*site_locations, at if capture.fields.has_bytes else None, body_at if capture.body.has_bytes else None)
        findings = find(evidence, capture.asset, self.asker, exact=self._exact)
        body, size_bytes = capture.body, records.body_bytes((capture.body,))
        if body.body:
            evidence = (*evidence[:-1], replace(body, body=b"", recorded=body.digest))
        if self._registers is not None:
            entries, entries_at = self._registers.kept(capture.asset, capture.at, capture.body, evidence[-1].digest)
            evidence, locations = (*evidence, entries), (*locations, entries_at)
            findings = (*findings, *listed((entries,), capture.asset, self.asker))
        return Decided(capture.asset, evidence, locations, self._answers(findings, evidence), size_bytes)

    def _answers(self, findings: tuple[Finding, ...], evidence: tuple[Evidence, ...]) -> tuple[Answer, ...]:
        key = (findings, tuple(e.carrier for e in evidence))
        known = self._known.get(key)
        if known is None:
            if len(self._known) >= DECIDED_KEPT:
                self._known.clear()
            whole = [(*findings, *missing(evidence, policy, self.asker)) for policy in self.policies]
            known = tuple(Answer(f, decide(f, policy)) for f, policy in zip(whole, self.policies, strict=True))
            self._known[key] = known
        return known

    def table(self, decided: Sequence[Decided]) -> pa.Table:
        """The records, one row a capture and policy, as `records.table` would make them."""
        n, wide = len(decided), len(self.policies)
        pages = pa.array([i for i in range(n) for _ in range(wide)], pa.int32())
        urls = [d.asset.url for d in decided]
        answers: dict[int, tuple[int, Answer]] = {}
        which = []
        for answer in chain.from_iterable(d.answers for d in decided):
            if id(answer) not in answers:
                answers[id(answer)] = len(answers), answer
            which.append(answers[id(answer)][0])
        unique = [answer for _, answer in answers.values()]
        taken = pa.array(which, pa.int32())
        by_page: dict[str, pa.Array] = {
            "requested": pa.array(urls, pa.string()),
            "surt": pa.array(list(map(surt, urls)), pa.string()),
            "host": pa.array(list(map(_host, urls)), pa.string()),
            "collected_at": pa.array([max((e.at for e in d.evidence if e.at), default=None) for d in decided], records.TIME),
            "size_bytes": pa.array([d.size_bytes for d in decided], pa.int64()),
            "asset": _assets([d.asset for d in decided]),
            "evidence": _evidence(decided),
            "locations": _locations(decided),
        }
        findings = [[_finding(f) for f in answer.findings] for answer in unique]
        decisions = [[{"use": use.value, **decision_record(d)} for use, d in answer.decisions.items()] for answer in unique]
        by_answer = {"findings": pa.array(findings, records.RECORDS.field("findings").type),
                     "decisions": pa.array(decisions, records.RECORDS.field("decisions").type)}
        asker = {"token": self.asker.token, "commercial": self.asker.commercial, "country": self.asker.country or None}
        policies = [{"id": p.id, "digest": p.digest} for p in self.policies]
        columns = {
            **{name: column.take(pages) for name, column in by_page.items()},
            **{name: column.take(taken) for name, column in by_answer.items()},
            "schema": pa.repeat(SCHEMA, n * wide), "engine": pa.repeat(ENGINE, n * wide),
            "asker": pa.repeat(pa.scalar(asker, records.ASKER), n * wide),
            "policy": pa.array(policies, records.POLICY).take(pa.array(list(range(wide)) * n, pa.int32())),
        }
        return pa.table([columns[name] for name in records.RECORDS.names], schema=records.RECORDS)


@lru_cache(maxsize=FINDINGS_KEPT)
def _finding(f: Finding) -> dict[str, Any]:
    """What a site says stands in the record of each of its pages."""
    return finding_record(f)


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


def _host(url: str) -> str:
    """As records.host; most addresses tell theirs without a parser."""
    start = url.find("://") + 3
    end = url.find("/", start)
    host = url[start:end] if end > 0 else ""
    if start > 2 and host and host.isascii() and host.replace(".", "").replace("-", "").isalnum() and host == host.lower():
        return host
    return records.host(url)


def _assets(assets: Sequence[Asset]) -> pa.Array:
    kept = records.ASSET
    return pa.StructArray.from_arrays(
        [pa.array([getattr(a, f.name) or None for a in assets], pa.string()) for f in kept], fields=list(kept))


def _evidence(decided: Sequence[Decided]) -> pa.Array:
    flat = [e for d in decided for e in d.evidence]
    columns: dict[str, list[Any]] = {
        "carrier": [e.carrier.value for e in flat], "uri": [e.uri or None for e in flat], "at": [e.at for e in flat],
        "access": [e.access.value for e in flat], "status": [e.status for e in flat],
        "final_uri": [e.final_uri or None for e in flat], "detail": [e.detail or None for e in flat],
        "digest": _digests(flat),
    }
    values = pa.StructArray.from_arrays([pa.array(columns[f.name], f.type) for f in records.EVIDENCE],
                                        fields=list(records.EVIDENCE))
    return pa.ListArray.from_arrays(_offsets(len(d.evidence) for d in decided), values)


def _digests(evidence: Sequence[Evidence]) -> list[str | None]:
    """Each piece that many captures share is digested once."""
    known: dict[int, str | None] = {}
    for e in evidence:
        if id(e) not in known:
            known[id(e)] = e.digest or None
    return [known[id(e)] for e in evidence]


def _locations(decided: Sequence[Decided]) -> pa.Array:
    flat = [at for d in decided for at in d.locations]
    children = [pa.array([getattr(at, f.name) if at else None for at in flat], f.type) for f in records.LOCATION]
    missing_ones = pa.array([at is None for at in flat], pa.bool_())
    values = pa.StructArray.from_arrays(children, fields=list(records.LOCATION), mask=missing_ones)
    return pa.ListArray.from_arrays(_offsets(len(d.locations) for d in decided), values)


def _offsets(lengths: Iterable[int]) -> pa.Array:
    def sums() -> Iterator[int]:
        total = 0
        yield total
        for n in lengths:
            total += n
            yield total
    return pa.array(list(sums()), pa.int32())
