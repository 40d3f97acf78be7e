"""Where a site says two things that do not go together. A report for its owner; no decision hangs on it.

Facts (signals catalogue, 12)
- Inside a protocol its own rule resolves what differs, and superseded statements contradict nothing.
- Across protocols the most restrictive word decides. That is safe, and it is not what both authors meant.
- OURS: a licence that grants, with conditions or without, contradicts a reservation; two licences for one thing contradict
  each other.
- OURS: who allows training and turns the crawlers of trainers away, all of them by name or everybody, says two things.
- Statements contradict only where they speak of the same thing (subject), and to the same audience.
"""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import product
from operator import itemgetter
from typing import cast

from .explain import words
from .model import Audience, Finding, Preference, Statement, Terms, Use
from .signals import SIGNALS
from .vocab import ATOMS

TRAINING = ATOMS[Use.TRAIN_AI]
TO_ALL = frozenset({Audience.YOU, Audience.EVERYONE, Audience.MANY_AI_TRAINING})


class Kind(Enum):
    ALLOWED_AND_RESERVED = "allowed-and-reserved"
    LICENSED_AND_RESERVED = "licensed-and-reserved"
    TWO_LICENCES = "two-licences"
    TRAINERS_TURNED_AWAY = "trainers-turned-away"


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Two findings that do not go together: what grants, and what stands against it."""
    kind: Kind
    grant: int                       # index into the findings
    against: int


def contradictions(findings: Sequence[Finding]) -> tuple[Contradiction, ...]:
    """Every pair, told once for each pair of signals and uses, in the order of the findings."""
    alike: dict[tuple[object, ...], dict[Terms | None, tuple[int, Statement]]] = {}
    for i, f in enumerate(findings):
        if isinstance(f, Statement) and not f.superseded_by:
            by_terms = alike.setdefault((f.signal, f.use, f.preference, f.audience, f.subject, f.terms is None), {})
            if len(by_terms) < 2:                        # two are enough to differ from each other, and from any third
                by_terms.setdefault(f.terms, (i, f))
    first = sorted((one for by_terms in alike.values() for one in by_terms.values()), key=itemgetter(0))
    told: dict[tuple[object, ...], Contradiction] = {}
    for (a, grant), (b, against) in product(first, repeat=2):
        if a != b and (kind := _kind(grant, against)) and not (kind is Kind.TWO_LICENCES and a > b):
            told.setdefault((kind, grant.signal, grant.use, against.signal, against.use), Contradiction(kind, a, b))
    return tuple(sorted(told.values(), key=lambda c: (min(c.grant, c.against), max(c.grant, c.against), c.kind.value)))


def sentence(c: Contradiction, findings: Sequence[Finding], language: str = "en") -> str:
    """A contradiction in words. It holds words of strangers: escape them for the place where they are shown."""
    told = words(language)
    values: dict[str, str] = {}
    for name, index in (("grant", c.grant), ("against", c.against)):
        f = cast(Statement, findings[index])
        values |= {f"{name}_signal": f.signal, f"{name}_where": f.where, f"{name}_quote": f.quote,
                   f"{name}_use": told["use"][f.use.value]}
    return told["contradiction"][c.kind.value].format_map(values)


def _kind(grant: Statement, against: Statement) -> Kind | None:
    if grant.subject is not against.subject:
        return None
    licence = {grant.signal: _is_licence(grant), against.signal: _is_licence(against)}
    if licence[grant.signal] and licence[against.signal]:
        return Kind.TWO_LICENCES if (grant.preference, grant.terms) != (against.preference, against.terms) else None
    if against.preference is Preference.ALLOW or licence[against.signal]:
        return None
    conditional = licence[grant.signal] and grant.terms is not None
    if grant.preference is Preference.DISALLOW and not conditional:
        return None
    if against.use is Use.CRAWL and ATOMS[grant.use] & TRAINING:
        return Kind.TRAINERS_TURNED_AWAY if against.audience in TO_ALL and grant.audience in TO_ALL else None
    if grant.audience is not against.audience or not ATOMS[grant.use] & ATOMS[against.use]:
        return None
    if licence[grant.signal]:
        return Kind.LICENSED_AND_RESERVED
    return Kind.ALLOWED_AND_RESERVED if SIGNALS[grant.signal].protocol != SIGNALS[against.signal].protocol \
        or SIGNALS[grant.signal].carrier is not SIGNALS[against.signal].carrier else None


def _is_licence(f: Statement) -> bool:
    return SIGNALS[f.signal].protocol == "licence"
