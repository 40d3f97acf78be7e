"""Policies beside each other: what share of a crawl each permits, permits with duties, leaves open, prohibits; and why.

**Facts**
- Each set of findings is decided once by each policy (crawler/compared.py); what is counted are pages, the bytes of their
  bodies as far as they are known, and registrable domains.
- A domain counts for an outcome where all its pages come to that; otherwise it is mixed.
- Two runs are compared page by page: by the address asked for, and where that stands several times, by its place among these. A
  page that one of them has alone is counted, and left out of what is compared.
"""
from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from rules import Asker, Decision, Policy, Use, Verdict
from rules.assess import decide, missing
from rules.policy import SILENCE

from .compared import Pages, pages
from .run import RunError

ROWS_TOLD = 8                        # of what decided differently, for each pair of policies and use


class Outcome(IntEnum):
    """What a decision comes to."""
    PERMITS = 0
    DUTIES = 1
    OPEN = 2
    PROHIBITS = 3

    @property
    def word(self) -> str:
        return ("permitted", "permitted-with-duties", "undetermined", "prohibited")[self]


def outcome(decision: Decision) -> Outcome:
    if decision.verdict is Verdict.PERMITTED:
        return Outcome.DUTIES if decision.duties else Outcome.PERMITS
    return Outcome.OPEN if decision.verdict is Verdict.UNDETERMINED else Outcome.PROHIBITS


@dataclass(frozen=True, slots=True)
class Side:
    """One policy over one run."""
    label: str
    run: int
    policy: Policy


@dataclass(slots=True)
class Counted:
    """Of a side and use: outcome -> pages, bytes, domains."""
    items: Counter[Outcome]
    bytes: Counter[Outcome]
    domains: Counter[Outcome | None]             # None: mixed


@dataclass(slots=True)
class Cell:
    """Pages that come to one outcome by one side and to one by another, and the rows that decided."""
    items: int
    bytes: int
    rows: list[dict[str, Any]]


@dataclass(slots=True)
class Comparison:
    runs: list[Path]
    sides: list[Side]
    uses: list[Use]
    items: int
    bytes: int
    unmeasured: int
    domains: int
    alone: list[int]                             # pages that only this run has
    counted: dict[tuple[int, Use], Counted]
    pairs: dict[tuple[int, int, Use], dict[tuple[Outcome, Outcome], Cell]]


def compare(runs: Sequence[Path], policies: Sequence[Policy], uses: Iterable[Use] = ()) -> Comparison:
    """Policies over one run or several; without policies, those of the runs. Raises RunError, OSError, ArrowException."""
    found = [pages(folder, keyed=len(runs) > 1) for folder in runs]
    sides = [Side(_label(policy, one.folder, len(runs)), n, policy)
             for policy in policies or _theirs(found) for n, one in enumerate(found)]
    asked = _uses([side.policy for side in sides], tuple(uses))
    table, sets, alone = _joined(found)
    answers = [[decided(one, side.policy, found[side.run].asker) for one in found[side.run].sets] for side in sides]
    rows = table.group_by(["domain", "set"]).aggregate([("size", "sum"), ("size", "count"), ("set", "count")])
    rows = pa.table({"domain": rows["domain"], "set": rows["set"], "bytes": pc.fill_null(rows["size_sum"], 0),
                     "measured": rows["size_count"], "items": rows["set_count"]})
    counted = {(n, use): _count(rows, [outcome(answers[n][one[side.run]][use]) for one in sets])
               for n, side in enumerate(sides) for use in asked}
    pairs = {(a, b, use): _cells(rows, sides, answers, sets, found, a, b, use)
             for a in range(len(sides)) for b in range(a + 1, len(sides)) for use in asked}
    items, bytes_, measured = (pc.sum(rows[name]).as_py() or 0 for name in ("items", "bytes", "measured"))
    return Comparison(list(runs), sides, asked, items, bytes_, items - measured, len(pc.unique(rows["domain"])), alone, counted,
                      pairs)


def decided(one: tuple[Any, Any], policy: Policy, asker: Asker) -> Mapping[Use, Decision]:
    """The decisions about a set of findings."""
    findings, evidence = one
    return decide((*findings, *missing(evidence, policy, asker)), policy)


def _label(policy: Policy, folder: Path, runs: int) -> str:
    return policy.id if runs == 1 else f"{policy.id} {folder}"


def _theirs(found: Sequence[Pages]) -> list[Policy]:
    """The policies that all runs have. Raises RunError."""
    known = {p.digest: p for p in found[0].policies if all(p.digest in {q.digest for q in one.policies} for one in found)}
    if not known:
        raise RunError("the runs have no policy in common; name one with --policy")
    return list(known.values())


def _uses(policies: Sequence[Policy], asked: Sequence[Use]) -> list[Use]:
    """Raises RunError."""
    common = [use for use in policies[0].uses if all(use in p.uses for p in policies)]
    for use in asked:
        if use not in common:
            lacking = next(p.id for p in policies if use not in p.uses)
            raise RunError(f"{lacking} does not decide about {use.value}; "
                           f"all of them decide about {', '.join(u.value for u in common) or 'nothing'}")
    if not common:
        raise RunError(f"{' and '.join(dict.fromkeys(p.id for p in policies))} decide about no use in common")
    return list(asked) or common


def _joined(found: Sequence[Pages]) -> tuple[pa.Table, list[tuple[int, ...]], list[int]]:
    """Domain, size and set of each page; what each set is in each run; how many pages each run has alone."""
    if len(found) == 1:
        return found[0].table, [(n,) for n in range(len(found[0].sets))], [0]
    keyed = [_numbered(one.table) for one in found]
    domains: dict[str, int] = {}
    numbers = [pa.array([domains.setdefault(name, len(domains)) for name in one.domains], pa.int32()) for one in found]
    first = keyed[0].set_column(0, "domain", numbers[0].take(keyed[0]["domain"].combine_chunks()))
    joined = first.rename_columns(["domain", "set0", "size", "requested", "place"])
    for n, other in enumerate(keyed[1:], 1):
        right = other.select(["set", "requested", "place"]).rename_columns([f"set{n}", "requested", "place"])
        joined = joined.join(right, ["requested", "place"], join_type="inner")
    places = [joined[f"set{n}"].to_pylist() for n in range(len(found))]
    sets: dict[tuple[int, ...], int] = {}
    numbers_of = pa.array([sets.setdefault(one, len(sets)) for one in zip(*places, strict=True)], pa.int32())
    table = pa.table({"domain": joined["domain"], "set": numbers_of, "size": joined["size"]})
    return table, list(sets), [len(one.table) - len(table) for one in found]


def _numbered(table: pa.Table) -> pa.Table:
    """With the place of each page among those of its address."""
    seen: Counter[str] = Counter()
    place = []
    for url in table["requested"].to_pylist():
        place.append(seen[url])
        seen[url] += 1
    return table.append_column("place", pa.array(place, pa.int32()))


def _count(rows: pa.Table, outcomes: Sequence[Outcome]) -> Counted:
    of = pa.array(outcomes, pa.int8()).take(rows["set"].combine_chunks()) if len(rows) else pa.array([], pa.int8())
    told = pa.table({"domain": rows["domain"], "outcome": of, "items": rows["items"], "bytes": rows["bytes"]})
    sums = told.group_by("outcome").aggregate([("items", "sum"), ("bytes", "sum")]).to_pylist()
    ends = told.group_by("domain").aggregate([("outcome", "min"), ("outcome", "max")])
    domains: Counter[Outcome | None] = Counter()
    for one in ends.group_by(["outcome_min", "outcome_max"]).aggregate([("domain", "count")]).to_pylist():
        low, high = one["outcome_min"], one["outcome_max"]
        domains[Outcome(low) if low == high else None] += one["domain_count"]
    return Counted(Counter({Outcome(s["outcome"]): s["items_sum"] for s in sums}),
                   Counter({Outcome(s["outcome"]): s["bytes_sum"] for s in sums}), domains)


def _cells(rows: pa.Table, sides: Sequence[Side], answers: Sequence[Sequence[Mapping[Use, Decision]]],
           sets: Sequence[tuple[int, ...]], found: Sequence[Pages], a: int, b: int, use: Use,
           ) -> dict[tuple[Outcome, Outcome], Cell]:
    """Where two sides differ and where not, with the rows that decided most pages."""
    cells: dict[tuple[Outcome, Outcome], Cell] = {}
    reasons: dict[tuple[Outcome, Outcome], dict[tuple[str, str], dict[str, Any]]] = {}
    for one in rows.group_by("set").aggregate([("items", "sum"), ("bytes", "sum")]).to_pylist():
        here = sets[one["set"]]
        one_, other = answers[a][here[sides[a].run]][use], answers[b][here[sides[b].run]][use]
        place = outcome(one_), outcome(other)
        cell = cells.setdefault(place, Cell(0, 0, []))
        cell.items += one["items_sum"]
        cell.bytes += one["bytes_sum"]
        by = rules(one_), rules(other)
        first = found[sides[a].run].first[here[sides[a].run]]
        row = reasons.setdefault(place, {}).setdefault(by, {"by": by, "items": 0, "bytes": 0, "example": first})
        row["items"] += one["items_sum"]
        row["bytes"] += one["bytes_sum"]
    for place, cell in cells.items():
        cell.rows = sorted(reasons[place].values(), key=lambda row: (-row["items"], row["by"]))[:ROWS_TOLD]
    return cells


def rules(decision: Decision) -> str:
    """The rows that decided, in order of their names."""
    return " ".join(sorted({reason.rule for reason in decision.decisive})) or SILENCE


def _told(c: Comparison, policy: Policy) -> dict[str, dict[str, str]]:
    """The rows of a policy that decided differently from others: row -> language -> sentence, with its places in braces."""
    named = {rule for (a, b, _), cells in c.pairs.items() for (x, y), cell in cells.items() if x != y
             for n, by in ((a, 0), (b, 1)) if c.sides[n].policy.digest == policy.digest
             for row in cell.rows for rule in row["by"][by].split()}
    return {rule: {lang: sentences[rule] for lang, sentences in policy.tell.items() if rule in sentences}
            for rule in sorted(named)}


def to_json(c: Comparison) -> dict[str, Any]:
    """The whole of a comparison as one JSON value."""
    def side(n: int, use: Use) -> dict[str, Any]:
        told = c.counted[n, use]
        return {"side": c.sides[n].label, "policy": c.sides[n].policy.id, "run": str(c.runs[c.sides[n].run]), "use": use.value,
                "outcomes": {o.word: {"items": told.items[o], "bytes": told.bytes[o], "domains": told.domains[o]}
                             for o in Outcome}, "mixed_domains": told.domains[None]}
    return {
        "runs": [{"folder": str(folder), "alone": alone} for folder, alone in zip(c.runs, c.alone, strict=True)],
        "items": c.items, "bytes": c.bytes, "unmeasured": c.unmeasured, "domains": c.domains,
        "policies": [{"id": p.id, "digest": p.digest, "titles": dict(p.titles), "status": p.status,
                      "jurisdiction": p.jurisdiction, "rows": _told(c, p)}
                     for p in {s.policy.digest: s.policy for s in c.sides}.values()],
        "sides": [side(n, use) for use in c.uses for n in range(len(c.sides))],
        "pairs": [{"a": c.sides[a].label, "b": c.sides[b].label, "use": use.value,
                   "cells": [{"a": x.word, "b": y.word, "items": cell.items, "bytes": cell.bytes,
                              "rows": [{"a": row["by"][0], "b": row["by"][1], "items": row["items"], "bytes": row["bytes"],
                                        "example": row["example"]} for row in cell.rows]}
                             for (x, y), cell in sorted(cells.items())]}
                  for (a, b, use), cells in c.pairs.items()]}
