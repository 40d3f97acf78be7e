"""Policy: a table of rules written in YAML, refused unless it is total, live, exampled and told.

Facts (rules/README.md, 'The policy file')
- The first row that applies to a finding answers for it; `silence` answers when no finding decides.
- What a row can tell apart is finite, so the rows are multiplied out over all that any reader can say, and the
  product is what runs: what is proved is what decides.
- INVARIANT: no row permits because something could not be read.
"""
from __future__ import annotations

import hashlib
import re
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
    Duty,
    Effect,
    Fault,
    FaultKind,
    Finding,
    Form,
    Preference,
    Statement,
    Subject,
    Use,
)
from .signals import SIGNALS, Signal
from .strict_yaml import DataError, Node, load
from .vocab import bears

STATUSES = ("in-force", "guidance", "draft", "proposal", "house")
APPLIES_UNNAMED = ("in-force", "guidance", "house")      # a draft or a proposal is a what-if

# What a row may ask, by kind of finding, and the words it may ask for. THE list of conditions.
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
    cite: str
    url: str = ""
    checked: str = ""                # how far the wording was checked against the primary text


@dataclass(frozen=True, slots=True)
class Rule:
    id: str
    about: type                      # Statement, Fault or Circumstance
    when: Mapping[str, frozenset[str]]   # all must hold; each is any-of
    then: Effect
    because: str                     # key of Policy.sources
    duties: tuple[Duty, ...] = ()
    line: int = 0


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
    title: str
    jurisdiction: str
    status: str
    in_force: Mapping[str, str]
    actors: tuple[str, ...]
    phases: tuple[str, ...]
    uses: tuple[Use, ...]
    requires: tuple[Carrier, ...]
    silence: Rule
    rules: tuple[Rule, ...]
    sources: Mapping[str, Source]
    tell: Mapping[str, Mapping[str, str]]        # language -> row -> sentence
    examples: tuple[Example, ...] = field(repr=False)
    digest: str = ""
    file: str = ""

    @property
    def id(self) -> str:
        return f"{self.name}@{self.version}"

    def rule(self, id: str) -> Rule:
        return self.silence if id == SILENCE else self._by_id[id]

    @cached_property
    def _by_id(self) -> dict[str, Rule]:
        return {rule.id: rule for rule in self.rules}

    @cached_property
    def table(self) -> dict[Shape, tuple[Row | None, ...]]:
        """Shape of a finding -> for each of `uses` the row that answers; None: the finding is not about that use."""
        return dict(_multiply_out(self))

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
    yield from ((kind,) for kind in dict.fromkeys(k for s in SIGNALS.values() for k in s.circumstances))


def statement_shapes(s: Signal) -> Iterator[Shape]:
    return product((s.id,), s.uses, s.preferences, s.audiences, s.forms, s.subjects, (False, True) if s.terms else (False,))


def _answers(shape: Shape) -> tuple[type, dict[str, str]]:
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
    asked = {kind: sorted({key for r in policy.rules if r.about is kind for key in r.when}) for kind in CONDITIONS}
    known: dict[tuple[Any, ...], tuple[Row | None, ...]] = {}
    for s in domain():
        kind, answers = _answers(s)
        key = (kind, *(answers[q] for q in asked[kind]), *(s[1:3] if kind is Statement else ()))
        if key not in known:
            known[key] = _first(policy, kind, answers, s)
        yield s, known[key]


def _first(policy: Policy, kind: type, answers: Mapping[str, str], s: Shape) -> tuple[Row | None, ...]:
    hits = [r for r in policy.rules if r.about is kind and all(answers[q] in words for q, words in r.when.items())]
    out: list[Row | None] = []
    for use in policy.uses:
        about = kind is not Statement or bears(s[1], s[2], use)
        rule = next((r for r in hits if about or "use" in r.when), None)
        out.append((rule.id, rule.then) if rule else None)
    return tuple(out)


# ---- loading

def load_policy(text: str, name: str = "<policy>") -> Policy:
    """Read and prove a policy. Raises PolicyError with every problem, one `file:line: what is wrong` a line."""
    try:
        policy = _policy(load(text, name), text)
    except DataError as error:
        raise PolicyError(str(error)) from error
    if found := sorted(set(problems(policy))):
        raise PolicyError("\n".join(f"{name}:{line}: {what}" for line, what in found))
    return policy


def _policy(root: Node, text: str) -> Policy:
    top = root.fields(("policy", "version", "title", "jurisdiction", "status", "uses", "silence", "requires", "sources",
                       "rules", "tell", "examples"), ("in_force", "actors", "phases"))
    sources = {key: _source(node) for key, node in top["sources"].pairs().items()}
    return Policy(
        name=top["policy"].text(), version=top["version"].text(), title=top["title"].text(),
        jurisdiction=top["jurisdiction"].text(), status=top["status"].word(STATUSES),
        in_force={k: n.text() for k, n in top["in_force"].fields((), ("from", "until")).items()} if "in_force" in top else {},
        actors=tuple(top["actors"].texts()) if "actors" in top else ("anyone",),
        phases=tuple(top["phases"].texts()) if "phases" in top else (),
        uses=top["uses"].members(Use), requires=top["requires"].members(Carrier),
        silence=_silence(top["silence"], sources), rules=_rules(top["rules"], sources), sources=sources,
        tell={lang: {row: n.text() for row, n in node.pairs().items()} for lang, node in top["tell"].pairs().items()},
        examples=tuple(_example(node) for node in top["examples"].items()),
        digest="sha256:" + hashlib.sha256(text.encode()).hexdigest(), file=root.file)


def _source(node: Node) -> Source:
    return Source(**{k: n.text() for k, n in node.fields(("cite",), ("url", "checked")).items()})


def _effect(node: Node) -> Effect:
    return Effect[node.word(e.name.lower() for e in Effect).upper()]


def _because(node: Node, sources: Mapping[str, Source]) -> str:
    return node.word(sources)


def _duties(fields: Mapping[str, Node], then: Effect) -> tuple[Duty, ...]:
    if "duties" not in fields:
        return ()
    if then not in (Effect.PERMIT, Effect.AGREED):
        fields["duties"].error("duties ride on permit and agreed alone")
    return fields["duties"].members(Duty)


def _silence(node: Node, sources: Mapping[str, Source]) -> Rule:
    row = node.fields(("then", "because"), ("duties",))
    then = _effect(row["then"])
    if then not in (Effect.PERMIT, Effect.HOLD, Effect.PROHIBIT):
        row["then"].error("silence permits, holds or prohibits")
    return Rule(SILENCE, type(None), {}, then, _because(row["because"], sources), _duties(row, then), node.line)


def _rules(node: Node, sources: Mapping[str, Source]) -> tuple[Rule, ...]:
    rules: dict[str, Rule] = {}
    for item in node.items():
        row = item.fields(("id", "when", "then", "because"), ("duties",))
        id = row["id"].text()
        if id in rules or id in (SILENCE, SUPERSEDED):
            row["id"].error(f"'{id}' stands twice")
        when = row["when"].pairs()
        about = next((kind for kind, keys in CONDITIONS.items() if when and when.keys() <= keys.keys()), None)
        if about is None:
            known = "; or ".join(", ".join(keys) for keys in CONDITIONS.values())
            row["when"].error(f"no finding answers {', '.join(when) or 'nothing'} together; a row asks {known}")
        asked = {key: frozenset(n.word(CONDITIONS[about][key]) for n in value.each()) for key, value in when.items()}
        then = _effect(row["then"])
        if about is Fault and then in (Effect.PERMIT, Effect.AGREED):
            row["then"].error(f"row {id} would permit because something could not be read")
        rules[id] = Rule(id, about, asked, then, _because(row["because"], sources), _duties(row, then), item.line)
    return tuple(rules.values())


def _example(node: Node) -> Example:
    row = node.fields(("name", "given", "use", "verdict", "by"), ("asker", "asset"))
    given = row["given"].fields((), (c.value for c in Carrier))
    return Example(
        row["name"].text(), {c: n.text() for c, n in given.items()}, row["use"].member(Use),
        row["verdict"].word(("permitted", "undetermined", "prohibited")), tuple(row["by"].texts()),
        {k: n.text() for k, n in row["asker"].fields((), ("token", "commercial", "country")).items()} if "asker" in row else {},
        {k: n.text() for k, n in row["asset"].fields((), ASSET_KEYS).items()} if "asset" in row else {},
        node.line)


# ---- the proof

PLACE = re.compile(r"\{(\w*)\}")


def problems(policy: Policy) -> Iterator[tuple[int, str]]:
    """(line, what is wrong). Exhaustive, because the domain is finite: rows are total and live, not thought to be."""
    yield from _holes(policy)
    used = {row[0] for rows in policy.table.values() for row in rows if row}
    exampled = {id for e in policy.examples for id in (e.by or (SILENCE,))}
    known = {r.id: r for r in (*policy.rules, policy.silence)}
    for rule in policy.rules:
        if rule.id not in used:
            yield rule.line, f"row {rule.id} can never apply: rows above it answer for all that it asks"
    for rule in known.values():
        if rule.then is not Effect.IGNORE and rule.id not in exampled:
            yield rule.line, f"row {rule.id} decides and has no example"
    for example in policy.examples:
        for id in example.by:
            if id not in known:
                yield example.line, f"example '{example.name}' names row '{id}', which is not there"
        if example.use not in policy.uses:
            yield example.line, f"example '{example.name}' asks about {example.use.value}, which is not in uses"
    if "en" not in policy.tell:
        yield 1, "tell has no sentences in en"
    for language, sentences in policy.tell.items():
        for id in known.keys() - sentences.keys():
            yield known[id].line, f"row {id} has no sentence under tell, {language}"
        for id, sentence in sentences.items():
            if id not in known:
                yield 1, f"tell, {language} has a sentence for '{id}', which is no row"
                continue
            if not {"{", "}"}.isdisjoint(PLACE.sub("", sentence)):
                yield known[id].line, f"tell, {language}, {id}: a brace that stands around no name of a place"
            for place in set(PLACE.findall(sentence)) - PLACES.get(known[id].about, frozenset()):
                yield known[id].line, f"tell, {language}, {id}: no finding of this kind has {{{place}}}"


def _holes(policy: Policy) -> Iterator[tuple[int, str]]:
    holes: dict[str, None] = {}
    for s, rows in policy.table.items():
        kind, answers = _answers(s)
        for use, row in zip(policy.uses, rows, strict=True):
            if row is None and (kind is not Statement or bears(s[1], s[2], use)):
                told = {k: v for k, v in answers.items() if k != "protocol"}
                holes[f"no row answers for {' '.join(f'{k}={v}' for k, v in told.items())} when {use.value} is asked"] = None
    for n, hole in enumerate(holes):
        if n == 5:
            yield 1, f"... and {len(holes) - 5} more findings without an answer"
            break
        yield 1, hole
