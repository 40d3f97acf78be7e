"""What is remembered is bounded, and what is too much of a file is told."""
from __future__ import annotations

import sys
from dataclasses import replace

import pytest

from rules import memo, policies
from rules.assess import decide, find, hear
from rules.limits import TDMREP_BYTES, TDMREP_RULES
from rules.model import Access, Asker, Asset, Carrier, Evidence, Fault, FaultKind, Finding, Preference, Statement, Terms, Use
from rules.signals import tdmrep


def test_the_oldest_is_forgotten_when_there_is_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[bytes] = []

    @memo.memo
    def length(body: bytes) -> int:
        made.append(body)
        return len(body)
    monkeypatch.setattr(memo, "MEMO_BYTES", 2 * memo.OVERHEAD_BYTES + 10)
    bodies = [b"a" * 4, b"b" * 4, b"a" * 4, b"c" * 4, b"a" * 4, b"b" * 4]
    assert [length(body) for body in bodies] == [4] * 6
    assert [body[:1] for body in made] == [b"a", b"b", b"c", b"b"], "a was asked for in between, so b went first"


@pytest.mark.parametrize("body, detail", [
    (b" " * (TDMREP_BYTES + 1), f"longer than {TDMREP_BYTES} bytes"),
    (b"[" + b"{}," * (4 * TDMREP_RULES) + b"{}]", f"more than {4 * TDMREP_RULES} objects"),
    (b"[" + b"0," * TDMREP_RULES + b"0]", f"more than {TDMREP_RULES} rules")])
def test_more_of_tdmrep_json_than_is_read_is_told(body: bytes, detail: str) -> None:
    given = Evidence(Carrier.TDMREP_JSON, "https://site.example/.well-known/tdmrep.json", None, Access.OBTAINED, body)
    found = tdmrep.file(given, Asset("https://site.example/a"), Asker("mybot"))
    assert detail in [f.detail for f in found if isinstance(f, Fault)]


def statements(number: int) -> tuple[Finding, ...]:
    """Findings that are weighed alike, each with terms of its own."""
    return (Statement("tdmrep.header", Use.TDM, Preference.DISALLOW, terms=Terms(url=f"https://site.example/{number}")),
            Fault(Carrier.BODY, FaultKind.TRUNCATED))


def test_decisions_of_a_policy_are_remembered_and_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["rules.assess"], "DECIDED_KEPT", 3)
    policy = policies.load("strictest")
    policy.decided.clear()
    made = [decide(statements(number), policy) for number in (*range(9), 8, 8)]
    assert made[-1] is made[-2] is made[-3]
    assert len(policy.decided) <= 3
    assert [m[Use.TDM].terms[0].url for m in made[:9]] == [f"https://site.example/{number}" for number in range(9)]
    quoted = replace(statements(8)[0], quote="other words", where="line 3")
    assert decide((quoted, *statements(8)[1:]), policy) is made[-1], "words decide nothing"
    assert decide(statements(8)[:1], policy) != made[-1]


@pytest.mark.parametrize("variant_of", ["", "https://site.example/original"])
def test_what_was_heard_of_a_body_stands_for_it(variant_of: str) -> None:
    asset, asker = Asset("https://site.example/a", "text/html", variant_of=variant_of), Asker("mybot")
    at = ("https://site.example/a", None, Access.OBTAINED)
    fields = Evidence(Carrier.HTTP_FIELDS, *at, b"HTTP/1.1 200 OK\r\nTDM-Reservation: 0\r\n")
    body = Evidence(Carrier.BODY, *at, b'<meta name="tdm-reservation" content="1"><link rel="license" type="application/rsl+xml" href="/l.xml">')
    register = Evidence(Carrier.REGISTER, *at, b'{"register": "r", "entry": "1", "kind": "do-not-train", "match": "url", "value": "a"}\n')
    whole = find((fields, body, register), asset, asker)
    assert {f.signal for f in whole if isinstance(f, Statement)} == {"tdmrep.header", "tdmrep.html", "register.do-not-train"}
    assert find((fields, replace(body, body=b""), register), asset, asker, body=hear(body, asset, asker)) == whole
    assert find((fields, replace(body, body=b""), register), asset, asker) != whole
