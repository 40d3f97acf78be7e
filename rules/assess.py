"""The one door: evidence about one asset in, decisions with reasons out."""
from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from .limits import DETAIL_CHARS
from .model import (
    Access,
    Asker,
    Assessment,
    Asset,
    Carrier,
    Circumstance,
    CircumstanceKind,
    Decision,
    Duty,
    Effect,
    Evidence,
    Fault,
    FaultKind,
    Finding,
    Reason,
    Reference,
    Statement,
    Subject,
    Terms,
    Use,
    Verdict,
)
from .policy import NON_COMMERCIAL, Policy, Row, Rule
from .prefilter import read_in_full, readers
from .record import recordable
from .references import finders
from .signals import SIGNALS

VERDICT = {Effect.PERMIT: Verdict.PERMITTED, Effect.HOLD: Verdict.UNDETERMINED,
           Effect.PROHIBIT: Verdict.PROHIBITED, Effect.AGREED: Verdict.PERMITTED}
NO_FAULT = (Access.OBTAINED, Access.UNAVAILABLE)
# Documents that are only looked for where words refer to them. A licence decides, so one that is not there is no silence; a
# policy only adds to a reservation that stands without it (TDMRep, 5), so nothing hangs on one that did not come.
WANTED, ADDS = (Carrier.BODY, Carrier.RSL), Carrier.TDM_POLICY
# Protocols inside which there is a rank, and their signals.
_RANKS = {(s.protocol, s.rank) for s in SIGNALS.values()}
RANKED = frozenset(s.id for s in SIGNALS.values() if sum(s.protocol == protocol for protocol, _ in _RANKS) > 1)
DECIDED_KEPT = 4_096                 # OURS: answers that are remembered of a policy
Heard = tuple[list[Finding], list[Reference]]        # what a piece of evidence says, and the documents it points to
LICENCE = "licence"                  # protocol of statements that are no reservation by themselves


def assess(asset: Asset, evidence: Iterable[Evidence], policy: Policy, asker: Asker) -> Assessment:
    """Read, resolve and decide under one policy."""
    evidence = tuple(evidence)
    return judge(asset, asker, evidence, find(evidence, asset, asker), policy)


def find(evidence: Iterable[Evidence], asset: Asset, asker: Asker, *, exact: bool = False,
         body: Heard | None = None) -> tuple[Finding, ...]:
    """Every finding about the asset, whatever the policy: read once, decide many. `exact`: by all readers (prefilter.py).
    `body`: what was heard of the body before, so that its bytes can be gone."""
    evidence = tuple(evidence)
    registers: list[Evidence] = []
    found: list[Finding] = []
    pointed: list[Reference] = []
    for e in evidence:
        if e.carrier is Carrier.REGISTER:
            registers.append(e)
            continue
        said, told = body if body and e.carrier is Carrier.BODY else hear(e, asset, asker, exact=exact)
        found += said
        pointed += told
    more = unfollowed(pointed, evidence) if pointed else []
    if asset.variant_of:
        more += lost(found, evidence, asset)
    if registers:
        more += listed(registers, asset, asker)
    return resolve((*found, *more))


def hear(evidence: Evidence, asset: Asset, asker: Asker, *, exact: bool = False) -> Heard:
    """What one piece of evidence says, and the documents it points to. Not obtained is a finding, too; only `unavailable` is
    silence, and not of the asset itself nor of a licence that was referred to."""
    said: list[Finding] = []
    told: list[Reference] = []
    if evidence.has_bytes:
        if exact and evidence.carrier is Carrier.BODY:
            read_in_full(evidence, asset)
        called = readers(evidence, asset, exact=exact)
        for reader in called:
            said += reader(evidence, asset, asker)
        for finder in finders(called):
            told += finder(evidence, asset, asker)
    if evidence.access not in NO_FAULT and evidence.carrier is not ADDS:
        said.append(Fault(evidence.carrier, FaultKind(evidence.access.value), evidence.detail))
    elif evidence.access is Access.UNAVAILABLE and evidence.carrier in WANTED:
        said.append(Fault(evidence.carrier, FaultKind.MISSING, (evidence.detail or evidence.uri)[:DETAIL_CHARS]))
    return [recordable(f) for f in said] if said else said, told


def read(evidence: Evidence, asset: Asset, asker: Asker) -> list[Finding]:
    """What one piece of evidence says."""
    return hear(evidence, asset, asker)[0]


def listed(registers: Iterable[Evidence], asset: Asset, asker: Asker) -> tuple[Finding, ...]:
    """What registers say. INVARIANT: it stands last of what is found, so that other registers can take its place."""
    return tuple(f for e in registers for f in read(e, asset, asker))


def judge(asset: Asset, asker: Asker, evidence: tuple[Evidence, ...], findings: tuple[Finding, ...],
          policy: Policy) -> Assessment:
    """Decide from findings that were made before, without the bytes. `evidence` may have lost its bodies."""
    findings = (*findings, *missing(evidence, policy, asker))
    return Assessment(asset, asker, policy.id, policy.digest, evidence, findings, decide(findings, policy))


def unfollowed(pointed: Iterable[Reference], evidence: tuple[Evidence, ...]) -> list[Finding]:
    """Documents that the evidence points to and that nobody fetched, each once."""
    wanted = [r for r in dict.fromkeys(pointed) if r.needed]
    seen = {(e.carrier, e.uri) for e in evidence} if wanted else ()
    return [Fault(r.carrier, FaultKind.NOT_COLLECTED, r.uri, r.where) for r in wanted if (r.carrier, r.uri) not in seen]


def lost(found: Iterable[Finding], evidence: tuple[Evidence, ...], asset: Asset) -> list[Finding]:
    """A copy that says nothing, of an original that nobody looked at: copies lose what stood in the original, so their silence
    is none; a licence that was left is no answer about mining. The original is looked at where it stands among the evidence as
    a body; what it says is read like the rest."""
    if any(e.carrier is Carrier.BODY and e.uri == asset.variant_of and e.has_bytes for e in evidence):
        return []
    said = (f for f in found if isinstance(f, Statement) and SIGNALS[f.signal].carrier is Carrier.BODY)
    if any(f.subject is Subject.ASSET and SIGNALS[f.signal].protocol != LICENCE for f in said):
        return []
    detail = f"a copy, which may have lost words of {asset.variant_of}"
    return [Fault(Carrier.BODY, FaultKind.UNRESOLVED, detail[:DETAIL_CHARS])]


def missing(evidence: tuple[Evidence, ...], policy: Policy, asker: Asker) -> list[Finding]:
    """What the policy wants looked at and nobody looked at; and whether the asker is after what the policy is not made for."""
    seen = {e.carrier for e in evidence}
    beside = NON_COMMERCIAL in policy.purposes and asker.commercial
    return [*(Fault(c, FaultKind.NOT_COLLECTED, "no evidence was given") for c in policy.requires if c not in seen),
            *([Circumstance(CircumstanceKind.COMMERCIAL_PURPOSE, "asker")] if beside else ())]


def resolve(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Mark what is superseded inside its own protocol. Across protocols nothing supersedes anything."""
    findings = tuple(findings)
    ranked = [f for f in findings if isinstance(f, Statement) and f.signal in RANKED] if len(findings) > 1 else ()
    if len(ranked) < 2:
        return findings
    top: dict[tuple[object, ...], str] = {}
    for f in ranked:
        key = _rivals(f)
        if key not in top or SIGNALS[f.signal].rank > SIGNALS[top[key]].rank:
            top[key] = f.signal
    return tuple(
        replace(f, superseded_by=top[_rivals(f)]) if isinstance(f, Statement) and f.signal in RANKED
        and SIGNALS[top[_rivals(f)]].rank > SIGNALS[f.signal].rank else f for f in findings)


def _rivals(f: Statement) -> tuple[object, ...]:
    return (SIGNALS[f.signal].protocol, f.use, f.audience, f.subject)


def decide(findings: tuple[Finding, ...], policy: Policy) -> Mapping[Use, Decision]:
    """The maximum of all effects, use by use. `silence` answers where nothing has an effect.

    Nothing but the rows that answer for the findings and their terms decides; where these are as before, so is the answer."""
    weighed = tuple([policy.weigh(f) for f in findings])
    terms = tuple([None if isinstance(f, Fault) else f.terms for f in findings])
    known = policy.decided.get((weighed, terms))
    if known is None:
        known = {use: _decision(policy, policy.silence(use), [rows[n] for rows in weighed], terms)
                 for n, use in enumerate(policy.uses)}
        if len(policy.decided) >= DECIDED_KEPT:
            policy.decided.clear()
        policy.decided[weighed, terms] = known
    return known


def _decision(policy: Policy, silence: Rule, weighed: list[Row | None], stated: tuple[Terms | None, ...]) -> Decision:
    reasons = tuple([Reason(i, *row) for i, row in enumerate(weighed) if row])
    effect = max((r.effect for r in reasons), default=Effect.IGNORE)
    if effect is Effect.IGNORE:
        return Decision(VERDICT[silence.then], reasons, silence.duties, (silence.terms,) if silence.terms else ())
    decisive = [r for r in reasons if r.effect is effect]
    duties: dict[Duty, None] = dict.fromkeys(d for r in decisive for d in policy.rule(r.rule).duties)
    terms: dict[Terms, None] = dict.fromkeys(
        t for r in decisive for t in (stated[r.finding], policy.rule(r.rule).terms) if t)
    return Decision(VERDICT[effect], reasons, tuple(duties), tuple(terms))
