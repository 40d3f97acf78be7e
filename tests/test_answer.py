"""What would change an answer is true: who does as it says gets that verdict, beside all that was found."""
from __future__ import annotations

import json

import pytest

from crawler.answer import answer
from crawler.commands.telling import tell
from rules import Access, Asker, Asset, Carrier, Evidence, assess, policies

URL = "https://a.example/"
FIELDS = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n"
LICENCE = {"register": "ours", "entry": "1", "kind": "licence", "match": "domain", "value": "a.example",
           "uses": ["tdm", "train-ai", "ai-use"]}
RESERVED = {Carrier.HTTP_FIELDS: FIELDS[:-2] + "tdm-reservation: 1\r\n\r\n",
            Carrier.TDMREP_JSON: '[{"location": "/", "tdm-reservation": 1}]',
            Carrier.ROBOTS_TXT: "User-agent: *\nDisallow: /"}


def view(policy: str = "eu-dsm-art4", **bodies: str) -> dict:
    given = {"robots_txt": "User-agent: *\nDisallow:", "http_fields": FIELDS, "body": "<p>words", **bodies}
    evidence = [Evidence(Carrier[name.upper()], URL + name, None, Access.OBTAINED, text.encode()) for name, text in given.items()]
    evidence.append(Evidence(Carrier.TDMREP_JSON, URL + ".well-known/tdmrep.json", None, Access.UNAVAILABLE))
    asset = Asset(URL, "text/html")
    return answer(assess(asset, [e for n, e in enumerate(evidence) if e.carrier not in [x.carrier for x in evidence[:n]]],
                         policies.load(policy), Asker("bot")), policies.load(policy))


def test_a_licence_that_was_agreed_is_outweighed_by_no_reservation():
    licensed = view(register=json.dumps(LICENCE) + "\n")
    assert set(licensed["verdicts"].values()) == {"permitted"}
    assert [c["what"] for c in licensed["changes"] if c["verdict"] == "prohibited"] == []
    for carrier, text in RESERVED.items():
        after = view(register=json.dumps(LICENCE) + "\n", **{carrier.name.lower(): text})
        assert set(after["verdicts"].values()) == {"permitted"}


def test_places_where_a_refusal_would_count_are_silent_ones():
    open_ = view()
    silent = {s["name"] for s in open_["silent"]}
    refusals = [c for c in open_["changes"] if c["what"] == "refusal"]
    assert refusals
    assert all(set(c["of"]) <= silent for c in refusals)
    after = view(http_fields=RESERVED[Carrier.HTTP_FIELDS])
    assert after["verdicts"]["tdm"] == "prohibited"


@pytest.mark.parametrize("lang", ["en", "de"])
def test_a_page_instead_of_a_site_file_is_told_as_the_policy_takes_it(capsys, lang):
    page = view(robots_txt="<!doctype html><p>welcome")
    assert set(page["verdicts"].values()) == {"permitted"}
    assert page["unread"] == []
    assert [p["fault"] for p in page["passed"]] == ["instead"]
    assert [c["of"] for c in page["changes"] if c["what"] == "shown"] == [["robots.txt"]]
    tell(page, lang=lang)
    told = " ".join(capsys.readouterr().out.split())
    assert ("Could not be read" in told, "Nicht lesbar" in told) == (False, False)
    assert page["passed"][0]["sentence"] in told
    assert ("if robots.txt came and held one" in told) == (lang == "en")
