"""Entries of registers: bounded whatever comes; the vectors say what is read."""
from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules import Access, Asker, Asset, Carrier, Evidence, Fault, FaultKind, Preference, Statement
from rules.limits import FINDINGS, QUOTE_CHARS, REGISTER_BYTES, REGISTER_LINE_BYTES
from rules.signals import register

ASSET, ASKER, AT = Asset("https://site.example/a"), Asker("OurBot"), datetime(2026, 11, 22, tzinfo=UTC)


def read(body: bytes, at: datetime | None = AT) -> list:
    return register.read(Evidence(Carrier.REGISTER, "granted.csv", at, Access.OBTAINED, body), ASSET, ASKER)


def line(**entry: object) -> bytes:
    return json.dumps(entry).encode() + b"\n"


def test_more_findings_than_are_kept_are_a_fault():
    found = read(line(kind="do-not-train") * (FINDINGS + 10))
    assert len(found) == FINDINGS + 1
    assert found[-1].kind is FaultKind.TRUNCATED


def test_of_a_body_beyond_the_limit_whole_lines_are_read():
    pad = b" " * (REGISTER_LINE_BYTES - 100) + b"\n"
    found = read(line(kind="licence", uses=["tdm"]) + pad * (REGISTER_BYTES // len(pad) + 1) + line(kind="do-not-train"))
    assert [type(f) for f in found] == [Fault, Statement]
    assert found[0].kind is FaultKind.TRUNCATED
    assert found[1].preference is Preference.ALLOW


@pytest.mark.parametrize("body", [
    b"[" * 60_000, b'{"kind":' * 8_000, line(kind="licence", uses=["tdm"], value="x" * REGISTER_LINE_BYTES), b"\xff\xfe{}",
    b'{"kind": "licence", "uses": ["tdm"], "fee": ' + b"9" * 5_000 + b"}", b'{"kind": "licence", "uses": ["tdm"], "fee": NaN}'])
def test_what_is_no_entry_is_a_fault(body):
    assert [f.kind for f in read(body)] == [FaultKind.MALFORMED]


def test_long_words_are_cut():
    for f in read(line(kind="licence", uses=["tdm"], register="r" * 1000, holder="h" * 1000, terms="https://site.example/" + "t" * 1000)):
        assert len(f.quote) == QUOTE_CHARS
        assert len(f.terms.url) == QUOTE_CHARS
        assert f.where == "r" * QUOTE_CHARS + ", line 1"


KEYS = st.sampled_from([*register.KEYS, "other"])
VALUES = st.one_of(st.sampled_from(["tdm", *register.KINDS, "OurBot", "2026-01-01", "2026-12-31T00:00:00Z", "1.50", "EUR"]), st.text(max_size=20),
                   st.lists(st.sampled_from(["tdm", "search", "x"]), max_size=3), st.integers(), st.none())


@given(entry=st.dictionaries(KEYS, VALUES), kind=st.sampled_from(register.KINDS), at=st.sampled_from([None, AT]))
def test_whatever_an_entry_holds_there_is_one_answer_and_only_licences_allow(entry, kind, at):
    found = read(line(**{**entry, "kind": kind}), at)
    assert found
    assert all(kind == "licence" for f in found if isinstance(f, Statement) and f.preference is Preference.ALLOW)


@given(body=st.binary(max_size=400))
def test_any_bytes_are_read(body):
    read(body)
