"""A policy as a table that a lawyer can read, in any language that it speaks."""
from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from rules.explain import citation, terms_text

from ..report.catalogue import Catalogue
from ..terminal import say, table
from .output import paragraph
from .policy import status

if TYPE_CHECKING:
    from rules.explain import Words
    from rules.policy import Policy, Rule, Source

PLACE = re.compile(r"\{(\w+)\}")


def tell(policy: Policy, rows: Sequence[dict[str, Any]], told: Words, lang: str) -> None:
    """Print what the policy says of itself, its rows, its sources and what may change it."""
    text = Catalogue(lang).text
    say(f"{policy.titles[lang]}  ({policy.id})")
    say()
    for name, value in _head(policy, told, lang):
        paragraph(value, bullet=f"  {text(f'policy.{name}')}: ")
    say()
    rules = (*policy.rules, *policy.silences)
    table([text(f"policy.{column}") for column in ("row", "if", "then", "because", "words")],
          [(r["id"], r["if"], "; ".join((r["then"], *_rides(rule, told, lang))), r["because"], blanks(r["sentence"], told))
           for rule, r in zip(rules, rows, strict=True)], prose=True, names=1)
    say()
    say(text("policy.sources"))
    for key, source in policy.sources.items():
        paragraph(_source(source, told, lang), bullet=f"  {key}: ")
    if policy.pending:
        say()
        say(text("policy.pending"))
        for source in policy.pending:
            paragraph(_source(source, told, lang), bullet="  - ")
    say()
    paragraph(text("policy.advice"))


def _head(policy: Policy, told: Words, lang: str) -> Iterable[tuple[str, str]]:
    text = Catalogue(lang).text
    dates = (text(f"policy.{'since' if word == 'from' else word}", day=day) for word, day in policy.in_force.items())
    yield "where", policy.jurisdiction
    yield "status", ", ".join((status(policy, lang), *dates))
    yield "for", ", ".join(told["actor"][a] for a in policy.actors)
    yield "purpose", ", ".join(told["purpose"][p] for p in policy.purposes) or text("policy.any")
    yield "decides", ", ".join(f"{told['use'][u.value]} [{u.value}]" for u in policy.uses)
    yield "looks", ", ".join(told["carrier"][c.value] for c in policy.requires) or text("policy.nothing")
    if policy.phases:
        yield "phases", "; ".join(f"{told['phase'][phase]}: {told['reach'][reach]}" for phase, reach in policy.phases.items())
    for name, each in policy.lists.items():
        yield "lists", text("policy.list", name=name, words=", ".join(each.words) or text("policy.nothing"), day=each.as_of)


def _rides(rule: Rule, told: Words, lang: str) -> Iterable[str]:
    """What a row carries along: duties, what is weighed, what the law asks for."""
    text = Catalogue(lang).text
    if rule.duties:
        yield text("policy.duties", duties=", ".join(told["duty"][d.value] for d in rule.duties))
    if rule.factors:
        yield text("policy.factors", factors=", ".join(told["factor"][f] for f in rule.factors))
    if rule.terms:
        known = told["asks"]
        spoken = replace(rule.terms, conditions=tuple(known.get(word, word) for word in rule.terms.conditions),
                         payment=known.get(rule.terms.payment, rule.terms.payment))
        yield text("policy.terms", terms=terms_text(spoken))


def _source(source: Source, told: Words, lang: str) -> str:
    text = Catalogue(lang).text
    return "; ".join(filter(None, (
        citation(source, lang), source.url, source.when and text("policy.expected", day=source.when),
        source.checked and text("policy.checked", how=told["checked"][source.checked]))))


def blanks(sentence: str, told: Words) -> str:
    """A sentence with its places as a reader would mark them: {where} is [where]."""
    return PLACE.sub(lambda place: f"[{told['place'][place[1]]}]", sentence)
