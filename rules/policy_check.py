"""What is wrong with a policy: rows are total and live, exampled and told, not thought to be.

Facts (rules/README.md, 'The policy file')
- Exhaustive, because the domain is finite (policy.domain).
- A row that asks for a list of others, which is empty, can never apply and needs no example: until the list is filled.
- Every language tells every row, with the places that English names; a title, too.
"""
from __future__ import annotations

import re
from collections.abc import Iterator

from .model import Effect, Statement
from .policy import PLACES, Policy, Rule, answers_of
from .vocab import bears

PLACE = re.compile(r"\{(\w*)\}")
HOLES_TOLD = 5

Problem = tuple[int, str]                # line, what is wrong


def problems(policy: Policy) -> Iterator[Problem]:
    known = {r.id: r for r in (*policy.rules, *policy.silences)}
    yield from _holes(policy)
    yield from _dead(policy)
    yield from _examples(policy, known)
    yield from _words(policy, known)


def _holes(policy: Policy) -> Iterator[Problem]:
    holes: dict[str, None] = {}
    for s, rows in policy.table.items():
        kind, answers = answers_of(s)
        for use, row in zip(policy.uses, rows, strict=True):
            if row is None and (kind is not Statement or bears(s[1], s[2], use)):
                told = {k: v for k, v in answers.items() if k != "protocol"}
                holes[f"no row answers for {' '.join(f'{k}={v}' for k, v in told.items())} when {use.value} is asked"] = None
    for n, hole in enumerate(holes):
        if n == HOLES_TOLD:
            yield 1, f"... and {len(holes) - HOLES_TOLD} more findings without an answer"
            break
        yield 1, hole


def _dead(policy: Policy) -> Iterator[Problem]:
    used = {row[0] for rows in policy.table.values() for row in rows if row} | {policy.silence(use).id for use in policy.uses}
    for rule in (*policy.rules, *policy.silences):
        if rule.id not in used and not _waits(rule):
            yield rule.line, f"row {rule.id} can never apply: rows above it answer for all that it asks"


def _waits(rule: Rule) -> bool:
    """For a list that is still empty."""
    return not all(rule.when.values())


def _examples(policy: Policy, known: dict[str, Rule]) -> Iterator[Problem]:
    exampled = {id for e in policy.examples for id in (e.by or (policy.silence(e.use).id,))}
    for rule in known.values():
        if rule.then is not Effect.IGNORE and rule.id not in exampled and not _waits(rule):
            yield rule.line, f"row {rule.id} decides and has no example"
    for example in policy.examples:
        for id in example.by:
            if id not in known:
                yield example.line, f"example '{example.name}' names row '{id}', which is not there"
        if example.use not in policy.uses:
            yield example.line, f"example '{example.name}' asks about {example.use.value}, which is not in uses"


def _words(policy: Policy, known: dict[str, Rule]) -> Iterator[Problem]:
    if "en" not in policy.tell:
        yield 1, "tell has no sentences in en"
    for language in policy.tell.keys() ^ policy.titles.keys():
        yield 1, f"title and tell do not speak the same languages: {language}"
    english = {id: set(PLACE.findall(sentence)) for id, sentence in policy.tell.get("en", {}).items()}
    for language, sentences in policy.tell.items():
        for id in known.keys() - sentences.keys():
            yield known[id].line, f"row {id} has no sentence under tell, {language}"
        for id, sentence in sentences.items():
            if id not in known:
                yield 1, f"tell, {language} has a sentence for '{id}', which is no row"
                continue
            where, places = f"tell, {language}, {id}", set(PLACE.findall(sentence))
            if not {"{", "}"}.isdisjoint(PLACE.sub("", sentence)):
                yield known[id].line, f"{where}: a brace that stands around no name of a place"
            for place in places - PLACES.get(known[id].about, frozenset()):
                yield known[id].line, f"{where}: no finding of this kind has {{{place}}}"
            for place in english.get(id, places) ^ places:
                yield known[id].line, f"{where}: {{{place}}} stands in one of {language} and en alone"
