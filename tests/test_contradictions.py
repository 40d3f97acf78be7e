"""Two words of one site that do not go together."""
from __future__ import annotations

import time

import pytest

from rules import Asker, Asset, Carrier, Evidence
from rules.assess import find
from rules.contradictions import Kind, contradictions, sentence
from rules.explain import words
from rules.model import Access, Preference, Statement, Terms, Use

BY = '<!doctype html><link rel="license" href="https://creativecommons.org/licenses/by/4.0/">'
ZERO = '<!doctype html><link rel="license" href="https://creativecommons.org/publicdomain/zero/1.0/">'
TRAINERS = "User-agent: GPTBot\nUser-agent: ClaudeBot\nUser-agent: CCBot\nDisallow: /\n\nUser-agent: *\nContent-Signal: ai-train=yes\nAllow: /"


def found(**given: str):
    carriers = {"robots": Carrier.ROBOTS_TXT, "file": Carrier.TDMREP_JSON, "fields": Carrier.HTTP_FIELDS, "body": Carrier.BODY}
    evidence = [Evidence(carriers[k], "https://site.example/", None, Access.OBTAINED, v.encode()) for k, v in given.items()]
    return find(evidence, Asset("https://site.example/"), Asker("OurBot"))


@pytest.mark.parametrize("given, kinds", [
    ({"robots": "User-agent: *\nAllow: /", "fields": "tdm-reservation: 1", "body": BY}, {Kind.LICENSED_AND_RESERVED}),
    ({"fields": "tdm-reservation: 1", "body": ZERO}, {Kind.LICENSED_AND_RESERVED}),
    ({"robots": "User-agent: *\nContent-Signal: ai-train=yes", "fields": "Content-Usage: train-ai=n"}, {Kind.ALLOWED_AND_RESERVED}),
    ({"robots": TRAINERS}, {Kind.TRAINERS_TURNED_AWAY}),
    ({"body": BY + ZERO}, {Kind.TWO_LICENCES}),
    ({"file": '[{"location": "/", "tdm-reservation": 1}]', "fields": "tdm-reservation: 0"}, set()),
    ({"robots": "User-agent: *\nContent-Usage: train-ai=n, search=y", "fields": "Content-Usage: train-ai=n"}, set()),
    ({"body": BY, "fields": "tdm-reservation: 0"}, set()),
    ({"body": BY + f"<aside>{ZERO}</aside>"}, set()),
    ({"robots": "User-agent: GPTBot\nDisallow: /\n\nUser-agent: *\nContent-Signal: ai-train=yes"}, set()),
    ({}, set()),
], ids=str)
def test_what_does_not_go_together_is_told(given, kinds):
    findings = found(**given)
    told = contradictions(findings)
    assert {c.kind for c in told} == kinds
    for c in told:
        assert c.grant != c.against
        text = sentence(c, findings)
        assert findings[c.grant].signal in text
        assert findings[c.against].where in text


def test_every_kind_has_words():
    assert set(words("en")["contradiction"]) == {k.value for k in Kind}


def test_a_pair_is_told_once_however_often_it_is_said():
    findings = found(fields="tdm-reservation: 1", body=BY) * 300
    assert len(contradictions(findings)) == 1


def test_thousands_of_licences_are_compared_in_no_time():
    many = [Statement("licence.html", Use.TDM, Preference.DISALLOW, terms=Terms(url=f"https://x.example/{n}")) for n in range(20_000)]
    reserved = Statement("tdmrep.header", Use.TDM, Preference.DISALLOW)
    began = time.monotonic()
    assert [(c.kind, c.grant, c.against) for c in contradictions([*many, reserved])] == [
        (Kind.TWO_LICENCES, 0, 1), (Kind.LICENSED_AND_RESERVED, 0, 20_000)]
    assert time.monotonic() - began < 10
