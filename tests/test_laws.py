"""Laws over all that findings can be, one sentence each.

A verdict is a maximum, or silence. So a law that compares two policies holds for all combinations of findings if it holds for all
of at most two: take from a combination that breaks it one finding that decides under the first policy and one that decides
under the second, and these two break it already. What rows can tell apart is finite, so such laws are proved and not sampled.
"""
from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules import Asker, Asset, Audience, Fault, Finding, Form, Preference, Statement, Terms, Use, Verdict, policies, to_record
from rules.assess import decide, judge, resolve
from rules.model import Circumstance, CircumstanceKind, Effect
from rules.policy import Policy, domain
from rules.record import dumps, from_record
from rules.vocab import covers

HARD = {Verdict.PERMITTED: 0, Verdict.UNDETERMINED: 1, Verdict.PROHIBITED: 2}
WEIGHT = {Effect.PERMIT: 0, Effect.HOLD: 1, Effect.PROHIBIT: 2, Effect.AGREED: 0}
ALL = {name: policies.load(name) for name in policies.names()}
LICENCES = ("register.licence", "register.paid-licence")
each_policy = pytest.mark.parametrize("policy", ALL.values(), ids=ALL.keys())


def finding(shape: tuple) -> Finding:
    if len(shape) == 7:
        signal, use, preference, audience, form, subject, terms = shape
        return Statement(signal, use, preference, audience, form, subject, Terms(url="https://example.org/t") if terms else None)
    return Fault(*shape) if len(shape) == 2 else Circumstance(shape[0], "register")


DOMAIN = [finding(s) for s in domain()]
NOES = [f for f in DOMAIN if isinstance(f, Statement) and f.preference is Preference.DISALLOW]
FAULTS = [f for f in DOMAIN if isinstance(f, Fault)]
HELD = [f for f in DOMAIN if isinstance(f, Statement) and f.signal in LICENCES and f.audience is Audience.YOU]
PUBLIC_DOMAIN = Circumstance(CircumstanceKind.PUBLIC_DOMAIN, "register")
CIRCUMSTANCES = [f for f in DOMAIN if isinstance(f, Circumstance)]
findings = st.lists(st.sampled_from(DOMAIN), max_size=8).map(tuple)


def hardness(found: Iterable[Finding], policy: Policy) -> dict[Use, int]:
    return {use: HARD[d.verdict] for use, d in decide(resolve(found), policy).items()}


def effect(policy: Policy, use: Use, found: Finding) -> Effect:
    row = policy.weigh(found)[policy.uses.index(use)]
    return row[1] if row else Effect.IGNORE


def hard(policy: Policy, use: Use, effects: Iterable[Effect]) -> int:
    """How hard the verdict is where these are the effects of all findings."""
    return WEIGHT[max(effects, default=Effect.IGNORE) or policy.silence(use).then]


def combinations(use: Use, *of: Policy, but: Callable[[Finding], bool] = lambda f: False) -> Iterator[tuple[tuple[Effect, ...], ...]]:
    """For each combination of at most two findings, the effects under each of the policies."""
    kinds = {tuple(effect(p, use, f) for p in of) for f in DOMAIN if not but(f)}
    yield tuple(() for _ in of)
    for pair in product(kinds, repeat=2):
        yield tuple(zip(*pair, strict=True))


def never_freer(strict: str, free: str) -> None:
    a, b = ALL[strict], ALL[free]
    uses = [use for use in a.uses if use in b.uses]
    for use in uses:
        for in_a, in_b in combinations(use, a, b):
            assert hard(a, use, in_a) >= hard(b, use, in_b), (use, in_a, in_b)


def one_more(policy: Policy, more: Iterable[Finding], holds: Callable[[int, int], bool]) -> None:
    """Whatever else was found, one more finding changes the verdict only so."""
    for use in policy.uses:
        added = {effect(policy, use, f) for f in more}
        for (before,) in combinations(use, policy):
            for e in added:
                assert holds(hard(policy, use, before), hard(policy, use, (*before, e))), (use, before, e)


# ---- of each policy

@given(found=findings)
def test_a_verdict_is_the_maximum_of_all_effects_or_silence(found):
    kept = [f for f in resolve(found) if not (isinstance(f, Statement) and f.superseded_by)]
    for policy in ALL.values():
        assert hardness(found, policy) == {use: hard(policy, use, [effect(policy, use, f) for f in kept]) for use in policy.uses}


@given(found=findings, random=st.randoms(use_true_random=False))
def test_the_order_of_findings_does_not_matter(found, random):
    shuffled = random.sample(found, len(found))
    for policy in ALL.values():
        assert hardness(found, policy) == hardness(shuffled, policy)


@given(found=findings, more=st.sampled_from(NOES))
def test_one_more_reservation_never_loosens(found, more):
    # but for one that supersedes an equal protocol's word, which is that protocol's own rule
    for policy in ALL.values():
        before, after = hardness(found, policy), hardness((*found, more), policy)
        assert all(after[use] >= before[use] for use in policy.uses)


@each_policy
def test_no_reservation_loosens(policy):
    one_more(policy, NOES, lambda before, after: after >= before)


@each_policy
def test_one_more_fault_never_loosens(policy):
    one_more(policy, FAULTS, lambda before, after: after >= before)


@each_policy
def test_a_licence_that_is_held_never_tightens_and_always_permits(policy):
    for use in policy.uses:
        for licence in HELD:
            assert effect(policy, use, licence) is (Effect.AGREED if covers(licence.use, use) else Effect.IGNORE)
    one_more(policy, HELD, lambda before, after: after <= before)


@each_policy
def test_a_licence_of_somebody_else_and_an_entry_out_of_its_time_change_nothing(policy):
    theirs = [f for f in DOMAIN if isinstance(f, Statement) and f.signal in LICENCES and f.audience is Audience.OTHER]
    one_more(policy, [*theirs, Circumstance(CircumstanceKind.WITHOUT_EFFECT, "register")], lambda before, after: after == before)


@each_policy
def test_the_public_domain_never_tightens_and_nothing_else_that_registers_and_gates_say_loosens(policy):
    one_more(policy, [PUBLIC_DOMAIN], lambda before, after: after <= before)
    one_more(policy, [f for f in CIRCUMSTANCES if f != PUBLIC_DOMAIN], lambda before, after: after >= before)


@given(found=findings)
def test_a_use_is_never_harder_than_a_broader_one_that_covers_it(found):
    for policy in ALL.values():
        hard_by_use = hardness(found, policy)
        for broad, narrow in product(policy.uses, repeat=2):
            if covers(broad, narrow):
                assert hard_by_use[narrow] <= hard_by_use[broad]


@given(found=findings)
def test_resolving_twice_changes_nothing(found):
    assert resolve(resolve(found)) == resolve(found)


@each_policy
def test_nothing_unread_permits(policy):
    """No fault alone leads to more than silence does, and prose or a dead draft's words never lead to a permission."""
    for fault in FAULTS:
        for row in policy.weigh(fault):
            assert row is not None
            assert row[1].name in ("IGNORE", "HOLD", "PROHIBIT")
    for f in DOMAIN:
        if isinstance(f, Statement) and f.form is Form.PROSE:
            assert all(row is None or row[1].name not in ("PERMIT", "AGREED") for row in policy.weigh(f))


# ---- between policies

@pytest.mark.parametrize("name", ALL)
def test_the_strictest_is_never_freer_than_any_other(name):
    never_freer("strictest", name)


@pytest.mark.parametrize("general, research", [("eu-dsm-art4", "eu-dsm-art3"), ("de-44b", "de-60d"), ("de-44b", "eu-dsm-art3"), ("eu-dsm-art4", "de-60d")])
def test_research_is_never_treated_harder_than_everybody(general, research):
    never_freer(general, research)


@pytest.mark.parametrize("strict, free", [("kr-item32-2026", "kr-item32-2025"), ("kr-permission-first", "kr-item32-2026"),
                                          ("kr-permission-first", "kr-item32-2025"), ("kr-permission-first", "kr-current")])
def test_permission_first_is_never_freer_than_use_first(strict, free):
    never_freer(strict, free)


@pytest.mark.parametrize("strict, free", [("de-44b", "eu-dsm-art4"), ("balanced", "eu-dsm-art4"), ("balanced", "eu-gpai-code"), ("balanced", "de-44b"),
                                          ("balanced", "kr-item32-2025"), ("ca-committee-2026", "ca-current"), ("us-107", "eu-dsm-art3")])
def test_one_policy_is_never_freer_than_another(strict, free):
    never_freer(strict, free)


@pytest.mark.parametrize("name", ["eu-dsm-art3", "de-60d", "gb-29a", "jp-30-4", "sg-244", "ch-24d", "in-dpiit-2025"])
def test_where_nobody_can_refuse_a_refusal_changes_nothing(name):
    one_more(ALL[name], NOES, lambda before, after: after == before)


@pytest.mark.parametrize("name", ["us-107", "kr-current", "ca-current", "cn-measures-2023", "au-current", "ca-committee-2026", "kr-permission-first", "strictest"])
def test_where_no_exception_is_sure_nothing_is_permitted_without_leave(name):
    """No bare yes: only a licence, words that allow, and the absence of rights permit."""
    policy = ALL[name]
    leave = lambda f: f == PUBLIC_DOMAIN or (isinstance(f, Statement) and f.preference is Preference.ALLOW)   # noqa: E731  # a law in one line
    for use in policy.uses:
        for (effects,) in combinations(use, policy, but=leave):
            assert hard(policy, use, effects) > 0


def test_beside_search_nothing_is_permitted_without_leave_to_search_only():
    policy = ALL["search-only"]
    for use in policy.uses:
        assert hard(policy, use, ()) == (0 if use is Use.SEARCH else 2)


def test_factors_are_named_where_facts_decide():
    for name in ("us-107", "kr-current", "ca-current"):
        policy = ALL[name]
        assert {"purpose", "nature-of-work", "amount", "market-effect"} <= set(policy.silences[-1].factors)
        open_rows = [r for r in policy.rules if r.then is Effect.HOLD and r.about is not Fault]
        assert all(r.factors for r in open_rows)
        assert {"signal-ignored", "access", "source", "market-effect"} <= {f for r in open_rows for f in r.factors}


# ---- records

@settings(max_examples=25)
@given(found=findings)
def test_the_same_assessment_makes_the_same_record_and_comes_back_from_it(found):
    for policy in ALL.values():
        a = judge(Asset("https://example.org/"), Asker("OurBot"), (), resolve(found), policy)
        record = to_record(a)
        assert dumps(record) == dumps(to_record(a))
        assert from_record(record) == a
        assert dumps(to_record(from_record(record))) == dumps(record)
