"""Policies: every one that ships is proved, its examples run, and what a broken one says."""
from __future__ import annotations

from datetime import UTC, datetime

import pytest

from crawler.commands.options import LANGUAGES
from rules import Asker, Asset, Audience, Carrier, Evidence, PolicyError, Preference, Use, assess, judge, load_policy, policies
from rules.data import read
from rules.explain import explain
from rules.model import Access, Circumstance, CircumstanceKind, Duty, Fault, Statement, Terms
from rules.policy import domain
from rules.proof import run_examples

ART4 = read("policies/eu-dsm-art4.yaml")
TELLING = read("policies/de-44b.yaml")       # tells a row in its own way
CODE = read("policies/eu-gpai-code.yaml")    # names a list
JAPAN = read("policies/jp-30-4.yaml")        # has two rows of silence, and factors


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
    ("was left open: {quote}", "was left open: {quotation}", "no finding of this kind has {quotation}"),
    ("blieb offen: {quote}", "blieb offen", "tell, de, in-prose: {quote} stands in one of de and en alone"),
    ("was left open: {quote}", "was left open: {quote!r}", "a brace that stands around no name of a place"),
    ("    in-prose:", "    in-verse:", "tell, en has a sentence for 'in-verse', which is no row"),
    ("by: [released]", "by: [liberated]", "names row 'liberated'"),
    ("by: [released]", "by: [reserved]", "row released decides and has no example"),
    ("id: to-others,", "id: at-others,", "row at-others has no sentence under tell, en"),
    ("uses: [tdm,", "uses: [NO,", "'NO' is none of"),
    ("version: 2026-11-26", "version: &a 2026-11-26\nphases: *a\nactors: *a #", "anchors and aliases are not used here"),
    ("jurisdiction: EU\n", "", "'jurisdiction' is missing"),
    ("then: prohibit, because: gpai}", "then: prohibit, because: gpai, duties: [report]}", "duties ride on permit and agreed alone"),
    ("silence: {then: permit,", "silence: {then: agreed,", "silence permits, holds or prohibits"),
    ("- {id: unseen,", "- {id: silence,", "'silence' stands twice"),
    ("jurisdiction: EU", "jurisdiction: [EU] #", "a single value is wanted here"),
    ("jurisdiction: EU", "jurisdiction: !law EU", "tag !law is not used here"),
    ("jurisdiction: EU", "jurisdiction: EU\njudge: X", "'judge' is not known here"),
    ("uses: [tdm,", "uses: [crawl,", "asks about tdm, which is not in uses"),
    ("  ja: \"欧州", "  zh: \"欧州", "title and tell do not speak the same languages: ja"),
    ("  en: \"European", "  eng: \"European", "'en' is missing"),
    ("{house: unseen}", "{house: unsaid}", "'unsaid' is none of"),
    ("checked: primary text", "checked: by heart", "'by heart' is none of"),
    ("phases: {dataset-preparation: covered", "phases: {collecting: covered", "'collecting' is not known here"),
    ("model-training: disputed", "model-training: maybe", "'maybe' is none of"),
    ("actors: [anyone]", "actors: [somebody]", "'somebody' is none of"),
    ("{list: agreed-protocols}", "{list: others}", "'others' is none of agreed-protocols"),
    ("words: [], ", "words: [no-such-protocol], ", "'no-such-protocol' of the list is none of"),
    ("words: [], ", "words: [tdmrep], ", "row agreed-protocol decides and has no example"),
    ("factors: [access]", "factors: [weather]", "'weather' is none of"),
    ("because: a30-4}\nrequires", "because: a30-4, factors: [source]}\nrequires", "factors ride on hold alone"),
    ("{id: silence-retrieval, ", "{", "a row for some uses has an id of its own, that starts with 'silence-'"),
    ("{id: silence-retrieval, ", "{id: quiet, ", "a row for some uses has an id of its own"),
    ("{then: permit, because: a30-4}\n", "{id: silence-x, asked: train-ai, then: permit, because: a30-4}\n", "the last row of silence is for all uses"),
    ("asked: [ai-use, tdm]", "asked: [crawl]", "row silence-retrieval can never apply"),
    ("when: {circumstance: licensed-market}", "when: {asked: tdm}", "no finding answers asked together"),
])
def test_a_broken_policy_says_where_and_what(old, new, says):
    text = next(text for text in (ART4, TELLING, CODE, JAPAN) if old in text)
    with pytest.raises(PolicyError) as caught:
        load_policy(text.replace(old, new, 1), "x.yaml")
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
        for language in LANGUAGES:
            told = explain(looked_at(policy, finding(shape)), policy, language)
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
    policy = load_policy(ART4.replace("because: art4-1, duties: [delete-after-use]}", "because: art4-1, duties: [report]}", 1), "x.yaml")
    a = looked_at(policy)
    assert {d.duties for d in a.decisions.values()} == {(Duty.REPORT,)}
    assert [e.because for e in explain(a, policy)] == [(policy.tell["en"]["silence"],)] * len(policy.uses)


def test_a_policy_speaks_english():
    start, _, rest = ART4.partition("title:\n")
    one_title = start + "title: One for all\n" + rest[rest.index("jurisdiction"):]
    policy = load_policy(one_title, "x.yaml")
    assert policy.titles == dict.fromkeys(("en", "de", "fr", "ko", "ja"), "One for all")
    with pytest.raises(PolicyError, match="tell has no sentences in en"):
        load_policy(one_title.replace("\n  en:", "\n  xx:"), "x.yaml")


def test_a_list_that_is_filled_decides():
    example = '  - {name: It is agreed, given: {robots.txt: "", http-fields: "tdm-reservation: 1"}, use: tdm, verdict: prohibited, by: [agreed-protocol]}\n'
    text = CODE.replace("words: [], ", "words: [tdmrep], ").replace("examples:\n", "examples:\n" + example)
    text = text.replace("{name: A protocol that is on no list yet, given: {robots.txt: \"\", http-fields: \"tdm-reservation: 1\"}", "{name: A protocol that is on no list yet, given: {robots.txt: \"\", http-fields: \"X-Robots-Tag: noai\"}")
    assert run_examples(load_policy(text, "x.yaml")) == []


def test_a_policy_for_no_commercial_purpose_says_no_to_one():
    policy = policies.load("gb-29a")
    fields = (Evidence(Carrier.HTTP_FIELDS, "https://site.example/", None, Access.OBTAINED, b""),)
    verdicts = {commercial: {d.verdict.value for d in assess(Asset("https://site.example/"), fields, policy, Asker("OurBot", commercial)).decisions.values()}
                for commercial in (True, False)}
    assert verdicts == {True: {"prohibited"}, False: {"permitted"}}


def test_what_the_law_asks_for_rides_along():
    policy = policies.load("kr-permission-first")
    silent = looked_at(policy).decisions.values()
    assert {d.terms for d in silent} == {(Terms(conditions=("licence",), payment="statutory-minimum-fee"),)}
    licence = Statement("register.licence", Use.TDM, Preference.ALLOW, Audience.YOU, terms=Terms(url="https://site.example/licence"))
    held = looked_at(policy, licence)
    assert {d.terms for d in held.decisions.values()} == {
        (Terms(url="https://site.example/licence"), Terms(conditions=("licence",), payment="statutory-minimum-fee"))}
    assert {d.duties for d in held.decisions.values()} == {(Duty.REMUNERATE, Duty.RECORD_USE)}
    assert {e.asks for e in explain(held, policy, "de")} == {("eine Lizenz", "eine gesetzliche Mindestvergütung")}


def test_what_is_weighed_is_named_where_the_verdict_is_open():
    policy = policies.load("us-107")
    assert {e.factors for e in explain(looked_at(policy), policy)} == {(
        "purpose and character of the use", "nature of the work", "amount of the work that is used", "effect on the market for the work")}
    sold = looked_at(policy, Circumstance(CircumstanceKind.LICENSED_MARKET, "granted.csv"))
    assert {e.factors for e in explain(sold, policy, "fr")} == {("effet sur le marché de l'œuvre",)}


def test_there_is_no_policy_of_another_name():
    with pytest.raises(KeyError):
        policies.load("../policies/strictest")


@pytest.mark.parametrize("name", policies.names())
def test_a_licence_in_a_register_overrides_whatever_else_was_found(name):
    policy, url = policies.load(name), "https://site.example/"
    at, uses = datetime(2026, 11, 22, tzinfo=UTC), '"uses": ["crawl", "search", "tdm"]'
    found = [Evidence(Carrier.ROBOTS_TXT, url, at, Access.UNREACHABLE),
             Evidence(Carrier.HTTP_FIELDS, url, at, Access.OBTAINED, b"HTTP/1.1 403 Forbidden\ntdm-reservation: 1\nX-Robots-Tag: noindex, noai")]

    def verdicts(entry):
        register = Evidence(Carrier.REGISTER, "granted.csv", at, Access.OBTAINED, f'{{"kind": "licence", {uses}, {entry}}}'.encode())
        return {d.verdict.value for d in assess(Asset(url), [*found, register], policy, Asker("OurBot")).decisions.values()}
    assert verdicts('"until": "2026-11-22"') == verdicts('"asker": "ourbot"') == {"permitted"}
    assert "permitted" not in verdicts('"until": "2026-11-21"') | verdicts('"asker": "TheirBot"') | verdicts('"territory": "KR"')
