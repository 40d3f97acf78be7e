"""Reasons -> sentences, from the policy's own `tell` and the words of rules/words, in any language that both have."""
from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from .data import names, read
from .model import Assessment, Decision, Fault, Finding, Reason, Statement, Terms, Use
from .policy import SUPERSEDED, Policy, Source
from .strict_yaml import load

Words = dict[str, dict[str, str]]


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why one verdict came out. Sentences hold words of strangers: escape them for the place where they are shown."""
    use: Use
    verdict: str
    because: tuple[str, ...]         # what decided
    citations: tuple[str, ...]       # the law or rule behind it, each once
    also: tuple[str, ...]            # what was found and did not decide
    factors: tuple[str, ...] = ()    # what the law weighs, where the verdict is open
    asks: tuple[str, ...] = ()       # what the law asks for by itself, like a minimum fee


def explain(a: Assessment, policy: Policy, language: str = "en") -> tuple[Explanation, ...]:
    """One explanation a use, in the order of the policy. KeyError: neither policy nor words speak the language."""
    return tuple(_explanation(a, policy, use, a.decisions[use], language) for use in policy.uses)


def _explanation(a: Assessment, policy: Policy, use: Use, decision: Decision, language: str) -> Explanation:
    decisive = decision.decisive
    because = [sentence(a.findings[r.finding], r, policy, a, language) for r in decisive]
    rows = [policy.rule(r.rule) for r in decisive]
    if not decisive:
        rows = [policy.silence(use)]
        because = [policy.tell[language][rows[0].id]]
    rest = [sentence(a.findings[r.finding], r, policy, a, language) for r in decision.reasons if r not in decisive]
    citations = dict.fromkeys(citation(policy.sources[row.because], language) for row in rows)
    told = words(language)
    factors = dict.fromkeys(told["factor"][factor] for row in rows for factor in row.factors)
    asks = dict.fromkeys(told["asks"].get(word, word) for row in rows if row.terms
                         for word in (*row.terms.conditions, row.terms.payment) if word)
    return Explanation(use, decision.verdict.value, tuple(dict.fromkeys(because)), tuple(citations), tuple(dict.fromkeys(rest)),
                       tuple(factors), tuple(asks))


def sentence(finding: Finding, reason: Reason, policy: Policy, a: Assessment, language: str = "en") -> str:
    """What one row makes of one finding, in words."""
    told = words(language)
    template = told["sentences"][SUPERSEDED] if reason.rule == SUPERSEDED else policy.tell[language][reason.rule]
    return template.format_map(_values(finding, a, told))


def _values(f: Finding, a: Assessment, told: Words) -> dict[str, str]:
    match f:
        case Statement():
            return {"signal": f.signal, "use": told["use"][f.use.value], "form": told["form"][f.form.value],
                    "audience": told["audience"][f.audience.value].format(token=a.asker.token),
                    "subject": told["subject"][f.subject.value], "preference": f.preference.value,
                    "terms": terms_text(f.terms), "where": f.where, "quote": f.quote, "note": f.note,
                    "superseded_by": f.superseded_by}
        case Fault():
            return {"carrier": told["carrier"][f.carrier.value], "fault": told["fault"][f.kind.value],
                    "detail": f.detail, "where": f.where}
        case _:
            return {"circumstance": told["circumstance"][f.kind.value], "source": f.source, "where": f.where,
                    "quote": f.quote, "terms": terms_text(f.terms)}


def terms_text(terms: Terms | None) -> str:
    """Where and for what leave may be had, in one line."""
    if terms is None:
        return ""
    price = " ".join(filter(None, (terms.payment, terms.amount, terms.currency)))
    return "; ".join(filter(None, (*terms.conditions, price, terms.url, terms.server)))


def citation(source: Source, language: str = "en") -> str:
    """The law as it is cited, or a rule of our own in words."""
    return words(language)["house"][source.house] if source.house else source.cites.get(language, source.cite)


@cache
def words(language: str) -> Words:
    """The words for every closed list. KeyError: there is no such language in rules/words."""
    if language not in names("words", ".yaml"):
        raise KeyError(language)
    root = load(read(f"words/{language}.yaml"), f"words/{language}.yaml")
    return {topic: {word: n.text() for word, n in node.pairs().items()} for topic, node in root.pairs().items()}
