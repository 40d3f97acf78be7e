"""Policy: a table of rules. policy_file.py reads it from YAML, and refuses it unless it is total, live, exampled and told.

Facts (rules/README.md, 'The policy file')
- The first row that applies to a finding answers for it; a row `silence` answers when no finding decides.
- What a row can tell apart is finite, so the rows are multiplied out over all that any reader can say, and the
  product is what runs: what is proved is what decides.
- INVARIANT: no row permits because something could not be read.
"""
from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import product
from typing import Any

from .model import (
    Audience,
    Carrier,
    Circumstance,
    CircumstanceKind,
    Decision,
    Duty,
    Effect,
    Fault,
    FaultKind,
    Finding,
    Form,
    Preference,
    Statement,
    Subject,
    Terms,
    Use,
)
from .signals import SIGNALS, Signal
from .strict_yaml import DataError
from .vocab import bears

STATUSES = ("in-force", "guidance", "draft", "proposal", "house")
APPLIES_UNNAMED = ("in-force", "guidance", "house")      # a draft or a proposal is a what-if
ACTORS = ("anyone", "research-organisation", "cultural-heritage-institution", "gpai-provider", "genai-service",
          "ai-developer")
NON_COMMERCIAL = "non-commercial"                        # asked of the asker; research is taken on trust
PURPOSES = ("research", NON_COMMERCIAL)
# What is done with copies, in its order, and what the law behind a policy says to it.
PHASES = ("dataset-preparation", "model-training", "retrieval", "output")
REACH = ("covered", "disputed", "not-covered")
# What decides where the law weighs facts that nobody can read off a page.
FACTORS = ("purpose", "nature-of-work", "amount", "market-effect", "signal-ignored", "access", "source", "whole-work",
           "same-purpose")
# How far the wording was checked.
CHECKED = ("primary text", "secondary text", "not re-read", "unverified")

# What a row may ask, by kind of finding, and the words it may ask for. THE list of conditions. ASKED, the use that is to be
# decided about, goes with all of them.
ASKED = "asked"
CONDITIONS: dict[type, dict[str, tuple[str, ...]]] = {
    Statement: {
        "signal": tuple(SIGNALS),
        "protocol": tuple(dict.fromkeys(s.protocol for s in SIGNALS.values())),
        "use": tuple(u.value for u in Use),
        "preference": tuple(p.value for p in Preference),
        "audience": tuple(a.value for a in Audience),
        "form": tuple(f.value for f in Form),
        "subject": tuple(s.value for s in Subject),
        "terms": ("yes", "no"),
    },
    Fault: {"fault": tuple(k.value for k in FaultKind), "carrier": tuple(c.value for c in Carrier)},
    Circumstance: {"circumstance": tuple(k.value for k in CircumstanceKind)},
}
# What a sentence may name, by kind of finding.
PLACES: dict[type, frozenset[str]] = {
    Statement: frozenset({"signal", "use", "audience", "form", "subject", "terms", "where", "quote", "note"}),
    Fault: frozenset({"carrier", "fault", "detail", "where"}),
    Circumstance: frozenset({"circumstance", "source", "where", "quote", "terms"}),
}
ASSET_KEYS = ("url", "media_type", "embedder", "variant_of")
SILENCE = "silence"
SUPERSEDED = "superseded"

Row = tuple[str, Effect]
Shape = tuple[Any, ...]


class PolicyError(DataError):
    """The policy file is not one. Says file:line: what is wrong, one line for each problem."""


@dataclass(frozen=True, slots=True)
class Source:
    cites: Mapping[str, str] = field(default_factory=dict)   # by language; in others as in English
    url: str = ""
    checked: str = ""                # one of CHECKED; "" for a house rule
    house: str = ""                  # key of the words' `house`, for a rule of our own
    when: str = ""                   # of what is pending: when it is expected

    @property
    def cite(self) -> str:
        """The law as it is cited; "" for a rule of our own."""
        return self.cites.get("en", "")


@dataclass(frozen=True, slots=True)
class Rule:
    id: str
    about: type                      # Statement, Fault or Circumstance
    when: Mapping[str, frozenset[str]]   # all must hold; each is any-of
    then: Effect
    because: str                     # key of Policy.sources
    duties: tuple[Duty, ...] = ()
    factors: tuple[str, ...] = ()    # what the law weighs, where this row leaves it open
    terms: Terms | None = None       # what the law asks for by itself, like a minimum fee
    line: int = 0

    def about_use(self, use: Use) -> bool:
        return ASKED not in self.when or use.value in self.when[ASKED]


@dataclass(frozen=True, slots=True)
class WordList:
    """A list that others keep, as it stood on a day: rows name it instead of its words."""
    words: tuple[str, ...]
    as_of: str
    because: str                     # key of Policy.sources


@dataclass(frozen=True, slots=True)
class Example:
    """What a publisher sends, and what the policy makes of it."""
    name: str
    given: Mapping[str, str]         # carrier -> bytes as text, or a word of Access
    use: Use
    verdict: str
    by: tuple[str, ...]              # rows that decide; empty: silence does
    asker: Mapping[str, str]
    asset: Mapping[str, str]
    line: int


@dataclass(frozen=True)
class Policy:
    name: str
    version: str
    titles: Mapping[str, str]        # by language
    jurisdiction: str
    status: str
    in_force: Mapping[str, str]
    actors: tuple[str, ...]
    purposes: tuple[str, ...]        # that the law is made for; none: any
    phases: Mapping[str, str]        # one of PHASES -> one of REACH
    uses: tuple[Use, ...]
    requires: tuple[Carrier, ...]
    silences: tuple[Rule, ...]       # the first that is about the use answers
    rules: tuple[Rule, ...]
    sources: Mapping[str, Source]
    lists: Mapping[str, WordList]
    pending: tuple[Source, ...]      # what may change it
    tell: Mapping[str, Mapping[str, str]]        # language -> row -> sentence
    examples: tuple[Example, ...] = field(repr=False)
    digest: str = ""
    file: str = ""

    @property
    def id(self) -> str:
        return f"{self.name}@{self.version}"

    @property
    def title(self) -> str:
        return self.titles["en"]

    def rule(self, id: str) -> Rule:
        return self._by_id[id]

    def silence(self, use: Use) -> Rule:
        """The row that answers where no finding decides."""
        return next(r for r in self.silences if r.about_use(use))

    @cached_property
    def _by_id(self) -> dict[str, Rule]:
        return {rule.id: rule for rule in (*self.rules, *self.silences)}

    @cached_property
    def table(self) -> dict[Shape, tuple[Row | None, ...]]:
        """Shape of a finding -> for each of `uses` the row that answers; None: the finding is not about that use."""
        return dict(_multiply_out(self))

    @cached_property
    def decided(self) -> dict[tuple[tuple[tuple[Row | None, ...], ...], tuple[Terms | None, ...]], Mapping[Use, Decision]]:
        """What assess.decide made before of rows and terms."""
        return {}

    def weigh(self, finding: Finding) -> tuple[Row | None, ...]:
        """The row that answers for a finding, for each of `uses`. KeyError: a reader said more than its SIGNALS row admits."""
        row = self.table[shape(finding)]
        if isinstance(finding, Statement) and finding.superseded_by:
            return tuple(r and (SUPERSEDED, Effect.IGNORE) for r in row)
        return row


def shape(f: Finding) -> Shape:
    """As much of a finding as a rule can see."""
    if isinstance(f, Statement):
        return (f.signal, f.use, f.preference, f.audience, f.form, f.subject, f.terms is not None)
    if isinstance(f, Fault):
        return (f.carrier, f.kind)
    return (f.kind,)


def domain() -> Iterator[Shape]:
    """Every shape that a finding can have."""
    for s in SIGNALS.values():
        yield from statement_shapes(s)
    yield from product(Carrier, FaultKind)
    yield from ((kind,) for kind in CircumstanceKind)


def statement_shapes(s: Signal) -> Iterator[Shape]:
    return product((s.id,), s.uses, s.preferences, s.audiences, s.forms, s.subjects, (False, True) if s.terms else (False,))


def answers_of(shape: Shape) -> tuple[type, dict[str, str]]:
    """What kind of finding it is, and its answer to each question that a row may ask."""
    match shape:
        case (str() as signal, use, preference, audience, form, subject, terms):
            return Statement, {"signal": signal, "protocol": SIGNALS[signal].protocol, "use": use.value,
                               "preference": preference.value, "audience": audience.value, "form": form.value,
                               "subject": subject.value, "terms": "yes" if terms else "no"}
        case (carrier, kind):
            return Fault, {"fault": kind.value, "carrier": carrier.value}
        case _:
            return Circumstance, {"circumstance": shape[0].value}


def _multiply_out(policy: Policy) -> Iterator[tuple[Shape, tuple[Row | None, ...]]]:
    """First row that applies, for every shape and use. Shapes that no row can tell apart are asked about once."""
    asked = {kind: sorted({key for r in policy.rules if r.about is kind for key in r.when if key != ASKED})
             for kind in CONDITIONS}
    known: dict[tuple[Any, ...], tuple[Row | None, ...]] = {}
    for s in domain():
        kind, answers = answers_of(s)
        key = (kind, *(answers[q] for q in asked[kind]), *(s[1:3] if kind is Statement else ()))
        if key not in known:
            known[key] = _first(policy, kind, answers, s)
        yield s, known[key]


def _first(policy: Policy, kind: type, answers: Mapping[str, str], s: Shape) -> tuple[Row | None, ...]:
    hits = [r for r in policy.rules
            if r.about is kind and all(answers[q] in words for q, words in r.when.items() if q != ASKED)]
    out: list[Row | None] = []
    for use in policy.uses:
        about = kind is not Statement or bears(s[1], s[2], use)
        rule = next((r for r in hits if (about or "use" in r.when) and r.about_use(use)), None)
        out.append((rule.id, rule.then) if rule else None)
    return tuple(out)


def load_policy(text: str, name: str = "<policy>") -> Policy:
    """Read and prove a policy. Raises PolicyError with every problem, one `file:line: what is wrong` a line."""
    from .policy_file import load  # a reader of YAML that deciding does without
    return load(text, name)
