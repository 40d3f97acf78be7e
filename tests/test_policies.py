"""Policies: every one that ships is proved, its examples run, and what a broken one says."""
from __future__ import annotations

import pytest

from rules import Asker, Asset, Evidence, PolicyError, judge, load_policy, policies
from rules.data import read
from rules.explain import explain
from rules.model import Access, Circumstance, Duty, Fault, Statement, Terms
from rules.policy import domain
from rules.proof import run_examples

ART4 = read("policies/eu-dsm-art4.yaml")


@pytest.mark.parametrize("name", policies.names())
def test_examples_come_out_as_written(name):
    assert run_examples(policies.load(name)) == []


@pytest.mark.parametrize("name", policies.names())
def test_every_shape_of_finding_has_its_place_in_the_table(name):
    assert set(policies.load(name).table) == set(domain())


@pytest.mark.parametrize("old, new, says", [
    ("preference: disallow, audience: some-ai-training}, ", "preferense: disallow}, ", "preferense together"),
    ("- {id: unseen,", "- {id: dead, when: {signal: tdmrep.header, preference: allow}, then: hold, because: house}\n"
                       "  - {id: unseen,", "row dead can never apply"),
    ("status: in-force", "status: in-force\nstatus: draft", "'status' stands twice"),
    ("- {id: unseen,", "#", "no row answers for fault="),
    ("then: hold,     because: house}\n\ntell", "then: permit,   because: house}\n\ntell", "would permit because something could not be read"),
    ("because: gpai", "because: gapi", "'gapi' is none of"),
    ("audience: some-ai-training", "audience: some-training", "'some-training' is none of"),
    ("{audience}: {quote}\"\n    not-shown", "{quotation}\"\n    not-shown", "no finding of this kind has {quotation}"),
    ("by: [released]", "by: [liberated]", "names row 'liberated'"),
    ("by: [released]", "by: [reserved]", "row released decides and has no example"),
    ("    to-others:", "    for-others:", "row to-others has no sentence"),
    ("uses: [tdm,", "uses: [NO,", "'NO' is none of"),
    ("title: European Union.", "title: &a European Union.\nphases: *a\nactors: *a #", "anchors and aliases are not used here"),
    ("jurisdiction: EU\n", "", "'jurisdiction' is missing"),
    ("then: prohibit, because: gpai}", "then: prohibit, because: gpai, duties: [report]}", "duties ride on permit and agreed alone"),
    ("silence: {then: permit,", "silence: {then: agreed,", "silence permits, holds or prohibits"),
    ("- {id: unseen,", "- {id: silence,", "'silence' stands twice"),
    ("title: European Union.", "title: [European Union] #", "a single value is wanted here"),
    ("title: European Union.", "title: !law European Union.", "tag !law is not used here"),
    ("jurisdiction: EU", "jurisdiction: EU\njudge: X", "'judge' is not known here"),
    ("uses: [tdm,", "uses: [crawl,", "asks about tdm, which is not in uses"),
    ("{quote}\"\n    not-shown", "{quote!r}\"\n    not-shown", "a brace that stands around no name of a place"),
])
def test_a_broken_policy_says_where_and_what(old, new, says):
    assert old in ART4
    with pytest.raises(PolicyError) as caught:
        load_policy(ART4.replace(old, new, 1), "x.yaml")
    assert says in str(caught.value)
    assert all(line.startswith("x.yaml:") and line.split(":")[1].isdigit() for line in str(caught.value).splitlines())


@pytest.mark.parametrize("text", ["", "[]", "just words", "policy: [", "a: *b", "!!python/object:os.system {}", "\t", "a: b\n" * 5000,
                                  "[" * 3000])
def test_what_is_no_policy_is_refused_in_words(text):
    with pytest.raises(PolicyError, match=r"x\.yaml:"):
        load_policy(text, "x.yaml")


def looked_at(policy, *findings):
    """An asset about which nothing else was found, and nothing left out."""
    evidence = tuple(Evidence(c, "https://site.example/", None, Access.UNAVAILABLE) for c in policy.requires)
    return judge(Asset("https://site.example/"), Asker("OurBot"), evidence, findings, policy)


def finding(shape):
    match shape:
        case (signal, use, preference, audience, form, subject, terms):
            return Statement(signal, use, preference, audience, form, subject, Terms(url="its terms") if terms else None, "its place", "its words")
        case (carrier, kind):
            return Fault(carrier, kind, "its detail", "its place")
        case _:
            return Circumstance(shape[0], "its source", "its place", "its words")


@pytest.mark.parametrize("name", policies.names())
def test_every_sort_of_finding_is_told_in_words(name):
    policy = policies.load(name)
    alike = {(policy.table[shape], len(shape)): shape for shape in domain()}
    for shape in alike.values():
        told = explain(looked_at(policy, finding(shape)), policy)
        assert [e.use for e in told] == list(policy.uses)
        for e in told:
            assert e.because
            assert not {"{", "}"} & set("".join((*e.because, *e.also)))


def test_an_example_that_comes_out_otherwise_is_told():
    text = ART4.replace("use: tdm\n    verdict: permitted\n    by: [released]", "use: tdm\n    verdict: prohibited\n    by: [released]")
    assert text != ART4
    told = run_examples(load_policy(text, "x.yaml"))
    assert len(told) == 1
    assert "releases what the site file reserves" in told[0]


def test_the_holes_of_a_policy_without_rows_are_told_and_not_all_of_them():
    text = ART4[:ART4.index("\nrules:")] + "\nrules: []\n" + ART4[ART4.index("\ntell:"):]
    with pytest.raises(PolicyError) as caught:
        load_policy(text, "x.yaml")
    told = str(caught.value)
    assert told.count("no row answers for") == 5
    assert "more findings without an answer" in told


def test_rows_are_a_list_and_silence_can_have_duties():
    with pytest.raises(PolicyError, match="a list is wanted here"):
        load_policy(ART4[:ART4.index("\nrules:")] + "\nrules: {}\n" + ART4[ART4.index("\ntell:"):], "x.yaml")
    policy = load_policy(ART4.replace("because: art4-1}", "because: art4-1, duties: [report]}", 1), "x.yaml")
    a = looked_at(policy)
    assert {d.duties for d in a.decisions.values()} == {(Duty.REPORT,)}
    assert [e.because for e in explain(a, policy)] == [(policy.tell["en"]["silence"],)] * len(policy.uses)


def test_a_policy_speaks_english():
    with pytest.raises(PolicyError, match="tell has no sentences in en"):
        load_policy(ART4.replace("\n  en:", "\n  xx:"), "x.yaml")


def test_there_is_no_policy_of_another_name():
    with pytest.raises(KeyError):
        policies.load("../policies/strictest")
