"""Policies: every one that ships is proved, its examples run, and what a broken one says."""
from __future__ import annotations

import pytest

from rules import PolicyError, load_policy, policies
from rules.data import read
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


def test_an_example_that_comes_out_otherwise_is_told():
    text = ART4.replace("use: tdm\n    verdict: permitted\n    by: [released]", "use: tdm\n    verdict: prohibited\n    by: [released]")
    assert text != ART4
    told = run_examples(load_policy(text, "x.yaml"))
    assert len(told) == 1
    assert "releases what the site file reserves" in told[0]
