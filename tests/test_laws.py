"""Laws over all that findings can be, one sentence each."""
from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules import Asker, Asset, Fault, Finding, Form, Preference, Statement, Terms, Use, Verdict, policies, to_record
from rules.assess import decide, judge, resolve
from rules.model import Circumstance
from rules.policy import Policy, domain
from rules.record import dumps, from_record
from rules.vocab import covers

HARD = {Verdict.PERMITTED: 0, Verdict.UNDETERMINED: 1, Verdict.PROHIBITED: 2}
ALL = {name: policies.load(name) for name in policies.names()}
each_policy = pytest.mark.parametrize("policy", ALL.values(), ids=ALL.keys())


def finding(shape: tuple) -> Finding:
    if len(shape) == 7:
        signal, use, preference, audience, form, subject, terms = shape
        return Statement(signal, use, preference, audience, form, subject, Terms(url="https://example.org/t") if terms else None)
    return Fault(*shape) if len(shape) == 2 else Circumstance(shape[0], "register")


DOMAIN = [finding(s) for s in domain()]
NOES = [f for f in DOMAIN if isinstance(f, Statement) and f.preference is Preference.DISALLOW]
FAULTS = [f for f in DOMAIN if isinstance(f, Fault)]
findings = st.lists(st.sampled_from(DOMAIN), max_size=8).map(tuple)


def hardness(found: Iterable[Finding], policy: Policy) -> dict[Use, int]:
    return {use: HARD[d.verdict] for use, d in decide(resolve(found), policy).items()}


@each_policy
@given(found=findings, random=st.randoms(use_true_random=False))
def test_the_order_of_findings_does_not_matter(policy, found, random):
    shuffled = random.sample(found, len(found))
    assert hardness(found, policy) == hardness(shuffled, policy)


@each_policy
@given(found=findings, more=st.sampled_from(NOES))
def test_one_more_reservation_never_loosens(policy, found, more):
    # but for one that supersedes an equal protocol's word, which is that protocol's own rule
    before, after = hardness(found, policy), hardness((*found, more), policy)
    assert all(after[use] >= before[use] for use in policy.uses)


@each_policy
@given(found=findings, more=st.sampled_from(FAULTS))
def test_one_more_fault_never_loosens(policy, found, more):
    before, after = hardness(found, policy), hardness((*found, more), policy)
    assert all(after[use] >= before[use] for use in policy.uses)


@each_policy
@given(found=findings)
def test_a_use_is_never_harder_than_a_broader_one_that_covers_it(policy, found):
    hard = hardness(found, policy)
    for broad in policy.uses:
        for narrow in policy.uses:
            if covers(broad, narrow):
                assert hard[narrow] <= hard[broad]


@given(found=findings)
def test_resolving_twice_changes_nothing(found):
    assert resolve(resolve(found)) == resolve(found)


@given(found=findings)
def test_the_strictest_is_never_freer_than_any_other(found):
    strict = hardness(found, ALL["strictest"])
    for policy in ALL.values():
        for use, hard in hardness(found, policy).items():
            assert strict[use] >= hard


@given(found=findings)
def test_research_is_never_treated_harder_than_everybody(found):
    research, anyone = hardness(found, ALL["eu-dsm-art3"]), hardness(found, ALL["eu-dsm-art4"])
    assert all(research[use] <= anyone[use] for use in research)


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


@each_policy
@settings(max_examples=50)
@given(found=findings)
def test_the_same_assessment_makes_the_same_record_and_comes_back_from_it(policy, found):
    a = judge(Asset("https://example.org/"), Asker("OurBot"), (), resolve(found), policy)
    record = to_record(a)
    assert dumps(record) == dumps(to_record(a))
    assert from_record(record) == a
    assert dumps(to_record(from_record(record))) == dumps(record)
