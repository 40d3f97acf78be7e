"""What one assessment comes to, for a person or as JSON: verdicts, deciding words, silence, gaps, and what would change it.

**Facts**
- `silent` are places that were looked at, or that the server said are not there, and where nothing was found; places that
  could not be read are `unread`, never silent.
- Uses stand in the order of the policy, wherever the record came from.
- What would change a verdict is tried out, not guessed: the deciding findings are taken away and the rest is decided again;
  and a refusal is put into each place that is silent, or whose fault the policy passes over, beside all that was found.
- A fault that the policy passes over for every use is not `unread`: `passed` says what the policy makes of it.
"""
from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from typing import Any

from rules import Assessment, Circumstance, Fault, Finding, Policy, Preference, Statement, Use, Verdict, explain
from rules.assess import decide, resolve
from rules.contradictions import contradictions
from rules.contradictions import sentence as contradiction
from rules.explain import sentence, words
from rules.model import Access, Audience, Carrier, Decision, Effect, Reason
from rules.record import JSON, evidence_record, to_record
from rules.signals import SIGNALS

CARRIERS = {c.value for c in Carrier}
# What would change a verdict.
GONE = "gone"                        # words that decided would not stand there
READ = "read"                        # what could not be read would have been, and would say nothing
REFUSAL = "refusal"                  # somebody would refuse it to everyone, in a place that is silent
SHOWN = "shown"                      # the same, in a place whose fault counts as silence
PERMISSION = "permission"            # somebody would allow it to everyone


def answer(a: Assessment, policy: Policy, language: str = "en") -> JSON:
    """Everything there is to say. Texts hold words of strangers: escape them for the place where they are shown."""
    return {
        "url": a.asset.url, "media_type": a.asset.media_type, "policy": a.policy,
        "title": policy.titles[language],
        "verdicts": {use.value: a.decisions[use].verdict.value for use in policy.uses},
        "meanings": {use.value: words(language)["use"][use.value] for use in policy.uses},
        "reasons": list(_reasons(a, policy, language)),
        "silent": list(_silent(a, language)),
        "unread": list(_unread(a, language)),
        "passed": list(_passed(a, policy, language)),
        "contradictions": list(_contradictions(a, language)),
        "changes": list(_changes(a, policy, language)),
        "evidence": [evidence_record(e) for e in a.evidence],
        "record": to_record(a),
    }


def place(a: Assessment, f: Finding) -> str:
    """Where something stands: the address of the bytes, and the place in them. A finding knows its carrier only, so where
    several documents of that kind were read, all are named."""
    carrier = _carrier(f)
    uris = dict.fromkeys(e.uri for e in a.evidence if e.carrier.value == carrier and e.has_bytes)
    return ", ".join(filter(None, (" or ".join(uris), f.where)))


def _carrier(f: Finding) -> str:
    match f:
        case Statement():
            return SIGNALS[f.signal].carrier.value
        case Fault():
            return f.carrier.value
        case Circumstance():
            return f.source if f.source in CARRIERS else Carrier.REGISTER.value      # said by a register, by its name


def _reasons(a: Assessment, policy: Policy, language: str) -> Iterator[JSON]:
    """Uses with the same verdict for the same reasons stand together. `also` is without faults, which `unread` has."""
    groups: dict[tuple[Any, ...], tuple[list[str], dict[str, None]]] = {}
    for e in explain(a, policy, language):
        decision = a.decisions[e.use]
        key = (e.verdict, e.because, e.citations, decision.decisive, decision.terms, decision.duties, e.factors, e.asks)
        uses, also = groups.setdefault(key, ([], {}))
        uses.append(e.use.value)
        also.update(dict.fromkeys(sentence(f, r, policy, a, language) for r in decision.reasons if r not in decision.decisive
                                  and not isinstance(f := a.findings[r.finding], Fault)))
    for (verdict, because, citations, decisive, terms, duties, factors, asks), (uses, also) in groups.items():
        stated = (a.findings[r.finding] for r in decisive)
        places = [place(a, f) for f in stated if not isinstance(f, Fault)]
        yield {"verdict": verdict, "uses": uses, "because": list(because), "places": list(dict.fromkeys(filter(None, places))),
               "citations": list(citations), "also": list(also), "duties": [d.value for d in duties],
               "terms": list(dict.fromkeys(t.url or t.server for t in terms if t.url or t.server)),
               "factors": list(factors), "asks": list(asks)}


def _silent(a: Assessment, language: str) -> Iterator[JSON]:
    spoke = {_carrier(f) for f in a.findings}
    told = words(language)["carrier"]
    for e in a.evidence:
        if e.carrier.value not in spoke and (e.has_bytes or e.access is Access.UNAVAILABLE):
            yield {"carrier": e.carrier.value, "name": told[e.carrier.value], "uri": e.uri, "there": e.has_bytes}


def _unread(a: Assessment, language: str) -> Iterator[JSON]:
    """Every fault once; `decides` tells those that made a verdict what it is. Then what did not come and is no fault."""
    told = words(language)
    deciding = {a.findings[r.finding] for d in a.decisions.values() for r in d.decisive}
    passed = {a.findings[n] for n, _ in _passed_over(a)}
    for f in dict.fromkeys(f for f in a.findings if isinstance(f, Fault) and f not in passed):
        yield {"carrier": f.carrier.value, "name": told["carrier"][f.carrier.value], "fault": told["fault"][f.kind.value],
               "detail": f.detail, "where": f.where, "decides": f in deciding}
    faulty = {f.carrier for f in a.findings if isinstance(f, Fault)}
    for e in a.evidence:
        if not e.has_bytes and e.access is not Access.UNAVAILABLE and e.carrier not in faulty:
            yield {"carrier": e.carrier.value, "name": told["carrier"][e.carrier.value], "fault": told["fault"][e.access.value],
                   "detail": ", ".join(filter(None, (e.uri, e.detail))), "where": "", "decides": False}


def _passed_over(a: Assessment) -> Iterator[tuple[int, Reason]]:
    """Faults that the policy ignores for every use, by their number, with a reason that does."""
    reasons: dict[int, list[Reason]] = {}
    for r in (r for d in a.decisions.values() for r in d.reasons if isinstance(a.findings[r.finding], Fault)):
        reasons.setdefault(r.finding, []).append(r)
    yield from ((n, all_[0]) for n, all_ in sorted(reasons.items()) if all(r.effect is Effect.IGNORE for r in all_))


def _passed(a: Assessment, policy: Policy, language: str) -> Iterator[JSON]:
    told = words(language)["carrier"]
    for n, reason in _passed_over(a):
        f = a.findings[n]
        if isinstance(f, Fault):
            yield {"carrier": f.carrier.value, "name": told[f.carrier.value], "fault": f.kind.value, "detail": f.detail,
                   "sentence": sentence(f, reason, policy, a, language)}


def _contradictions(a: Assessment, language: str) -> Iterator[JSON]:
    """Two words that do not go together: whoever wrote them will want to know. No verdict hangs on it."""
    for c in contradictions(a.findings):
        sides = (("grant", a.findings[c.grant]), ("against", a.findings[c.against]))
        yield {"kind": c.kind.value, "sentence": contradiction(c, a.findings, language),
               **{side: _word(a, f) for side, f in sides if isinstance(f, Statement)}}


def _word(a: Assessment, f: Statement) -> JSON:
    return {"signal": f.signal, "use": f.use.value, "preference": f.preference.value, "quote": f.quote, "place": place(a, f)}


def _changes(a: Assessment, policy: Policy, language: str) -> Iterator[JSON]:
    """Take away what decided; where nothing was reserved, say where a refusal would count. Alike ones once, with all uses."""
    out: dict[tuple[str, tuple[str, ...], str], list[str]] = {}
    for use in policy.uses:
        for key in _change(a, policy, use, a.decisions[use], words(language)["carrier"]):
            out.setdefault(key, []).append(use.value)
    for (what, things, verdict), uses in out.items():
        yield {"what": what, "of": list(things), "uses": uses, "verdict": verdict}


def _change(a: Assessment, policy: Policy, use: Use, decision: Decision,
            told: dict[str, str]) -> Iterator[tuple[str, tuple[str, ...], str]]:
    gone = {r.finding: None for r in decision.decisive if r.effect is not Effect.PERMIT}
    if gone:
        then = decide(tuple(f for n, f in enumerate(a.findings) if n not in gone), policy)[use].verdict
        for_reading = all(isinstance(a.findings[n], Fault) for n in gone)
        if then is not decision.verdict:
            yield READ if for_reading else GONE, tuple(dict.fromkeys(_name(a, a.findings[n], told) for n in gone)), then.value
    silent = {s["carrier"] for s in _silent(a, "en")}
    passed = {f.carrier.value: f for n, _ in _passed_over(a) if isinstance(f := a.findings[n], Fault)}
    if decision.verdict is Verdict.PERMITTED:
        for what, carriers in ((REFUSAL, silent), (SHOWN, set(passed) - silent)):
            if of := _tried(a, policy, use, Preference.DISALLOW, carriers, Verdict.PROHIBITED):
                yield what, tuple(told[c] for c in of), Verdict.PROHIBITED.value
    if decision.verdict is Verdict.UNDETERMINED and not gone \
            and (of := _tried(a, policy, use, Preference.ALLOW, silent, Verdict.PERMITTED)):
        yield PERMISSION, tuple(told[c] for c in of), Verdict.PERMITTED.value


def _tried(a: Assessment, policy: Policy, use: Use, preference: Preference, carriers: Set[str], verdict: Verdict) -> list[str]:
    """Those of the carriers where a word to everyone would lead to this verdict, beside all that was found."""
    n, wanted = policy.uses.index(use), Effect.PROHIBIT if preference is Preference.DISALLOW else Effect.PERMIT
    shapes: dict[str, list[Statement]] = {}
    for s, rows in policy.table.items():
        if len(s) > 3 and s[2:4] == (preference, Audience.EVERYONE) and not s[6] and (row := rows[n]) and row[1] is wanted:
            shapes.setdefault(SIGNALS[s[0]].carrier.value, []).append(Statement(*s[:6]))
    return [c.value for c in Carrier if c.value in carriers
            and any(_with(a, f, policy)[use].verdict is verdict for f in shapes.get(c.value, ()))]


def _with(a: Assessment, more: Statement, policy: Policy) -> Mapping[Use, Decision]:
    carrier = SIGNALS[more.signal].carrier
    kept = (f for f in a.findings if not (isinstance(f, Fault) and f.carrier is carrier))
    return decide(resolve((*kept, more)), policy)


def _name(a: Assessment, f: Finding, told: dict[str, str]) -> str:
    if isinstance(f, Fault):
        return told[f.carrier.value]
    at = place(a, f)
    return f"'{f.quote}'" + (f" ({at})" if at else "") if f.quote else at


def worst(assessments: Sequence[Assessment]) -> Verdict | None:
    """The strictest verdict, for an exit code: prohibited, undetermined, permitted. None: there are no decisions.

    What stands written and leaves open what it means is told apart from what could not be read by `only_unread`.
    """
    verdicts = {d.verdict for a in assessments for d in a.decisions.values()}
    return next((v for v in (Verdict.PROHIBITED, Verdict.UNDETERMINED, Verdict.PERMITTED) if v in verdicts), None)


def only_unread(assessments: Sequence[Assessment]) -> bool:
    """Whether everything that is undetermined is so for want of reading or of words, and not because of words."""
    return not any(isinstance(a.findings[r.finding], (Statement, Circumstance))
                   for a in assessments for d in a.decisions.values() if d.verdict is Verdict.UNDETERMINED for r in d.decisive)
