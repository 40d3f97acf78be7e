"""Decided pages -> the columns of records.py, one row a page and policy, as `records.table` makes them of records.

**Facts**
- What pages share is the same object (deciding.py, sites.py). Each object becomes a value once, and rows take it by its number.
"""
from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import accumulate, chain
from typing import TYPE_CHECKING, Any, TypeVar

import pyarrow as pa

from rules import Asker, Asset, Decision, Evidence, Finding, Policy, Use
from rules.record import ENGINE, JSON, SCHEMA, decision_record, finding_record

from . import records
from .records import Location
from .surt import surt

if TYPE_CHECKING:
    from .deciding import Decided

T = TypeVar("T")
FINDINGS_KEPT = 4_096                # as they are written down


def table(decided: Sequence[Decided], policies: Sequence[Policy], asker: Asker) -> pa.Table:
    n, wide = len(decided), len(policies)
    pages = pa.array([i for i in range(n) for _ in range(wide)], pa.int32())
    urls, made = [d.asset.url for d in decided], [d.made for d in decided]
    sets, of_page = _numbered([m.answers for m in made])
    answers = [answer for one in sets for answer in one]
    of_row = pa.array([first * wide + k for first in of_page for k in range(wide)], pa.int32())
    by_page: dict[str, pa.Array] = {
        "requested": pa.array(urls, pa.string()),
        "surt": pa.array(list(map(surt, urls)), pa.string()),
        "host": pa.array(list(map(records.host, urls)), pa.string()),
        "collected_at": pa.array([max([e.at for e in m.evidence if e.at], default=None) for m in made], records.TIME),
        "size_bytes": pa.array([d.size_bytes for d in decided], pa.int64()),
        "asset": _assets([d.asset for d in decided]),
        "evidence": _lists([m.evidence for m in made], _evidence),
        "locations": _lists([m.locations for m in made], _locations),
    }
    who = {"token": asker.token, "commercial": asker.commercial, "country": asker.country or None}
    rules = pa.array([{"id": p.id, "digest": p.digest} for p in policies], records.POLICY)
    columns = {
        **{name: column.take(pages) for name, column in by_page.items()},
        "findings": _values([a.findings for a in answers], _findings, "findings").take(of_row),
        "decisions": _values([a.decisions for a in answers], _decisions, "decisions").take(of_row),
        "schema": pa.repeat(SCHEMA, n * wide), "engine": pa.repeat(ENGINE, n * wide),
        "asker": pa.repeat(pa.scalar(who, records.ASKER), n * wide),
        "policy": rules.take(pa.array(list(range(wide)) * n, pa.int32())),
    }
    return pa.table([columns[name] for name in records.RECORDS.names], schema=records.RECORDS)


@lru_cache(maxsize=FINDINGS_KEPT)
def _finding(f: Finding) -> JSON:
    """What a site says stands in the record of each of its pages."""
    return finding_record(f)


def _findings(found: tuple[Finding, ...]) -> list[JSON]:
    return [_finding(f) for f in found]


def _decisions(made: Mapping[Use, Decision]) -> list[JSON]:
    return [{"use": use.value, **decision_record(d)} for use, d in made.items()]


# ---- each object once

def _numbered(objects: Iterable[T]) -> tuple[list[T], list[int]]:
    """The distinct objects, and which of them stands where."""
    numbers: dict[int, int] = {}
    distinct: list[T] = []
    which: list[int] = []
    for one in objects:
        number = numbers.setdefault(id(one), len(distinct))
        if number == len(distinct):
            distinct.append(one)
        which.append(number)
    return distinct, which


def _values(objects: Iterable[T], plain: Callable[[T], list[JSON]], name: str) -> pa.Array:
    distinct, which = _numbered(objects)
    return pa.array(list(map(plain, distinct)), records.RECORDS.field(name).type).take(pa.array(which, pa.int32()))


def _lists(lists: Sequence[Sequence[T]], made: Callable[[list[T]], pa.Array]) -> pa.Array:
    distinct, which = _numbered(chain.from_iterable(lists))
    offsets = pa.array(list(accumulate(map(len, lists), initial=0)), pa.int32())
    return pa.ListArray.from_arrays(offsets, made(distinct).take(pa.array(which, pa.int32())))


def _assets(assets: Sequence[Asset]) -> pa.Array:
    kept = records.ASSET
    return pa.StructArray.from_arrays(
        [pa.array([getattr(a, f.name) or None for a in assets], pa.string()) for f in kept], fields=list(kept))


def _evidence(evidence: Sequence[Evidence]) -> pa.Array:
    columns: dict[str, list[Any]] = {
        "carrier": [e.carrier.value for e in evidence], "access": [e.access.value for e in evidence],
        "at": [e.at for e in evidence], "status": [e.status for e in evidence],
        **{name: [getattr(e, name) or None for e in evidence] for name in ("uri", "final_uri", "detail", "digest")},
    }
    kept = records.EVIDENCE
    return pa.StructArray.from_arrays([pa.array(columns[f.name], f.type) for f in kept], fields=list(kept))


def _locations(places: Sequence[Location | None]) -> pa.Array:
    children = [pa.array([getattr(at, f.name) if at else None for at in places], f.type) for f in records.LOCATION]
    missing = pa.array([at is None for at in places], pa.bool_())
    return pa.StructArray.from_arrays(children, fields=list(records.LOCATION), mask=missing)
