"""Laws of the record, over all that readers can find: nothing of an assessment is lost, and the same bytes come out twice."""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crawler.archive import records
from crawler.archive.records import Location, Row
from rules import (
    Access,
    Asker,
    Assessment,
    Asset,
    Carrier,
    CircumstanceKind,
    Evidence,
    Fault,
    FaultKind,
    Finding,
    Preference,
    Statement,
    Use,
    assess,
    judge,
    policies,
    to_record,
)
from rules.assess import resolve
from rules.model import Circumstance, Terms
from rules.policy import domain
from rules.record import dumps, finding_record, from_record, recordable

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
WORD = TEXT.filter(bool)
TIMES = st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1), timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=45))]))
TERMS = st.builds(Terms, TEXT, st.lists(TEXT, max_size=3).map(tuple), TEXT, TEXT, TEXT, TEXT).filter(lambda t: t != Terms())
SHAPES = tuple(domain())


@st.composite
def findings(draw: Callable[..., Any]) -> Finding:
    """Any finding that a policy can tell from others, with any words."""
    match draw(st.sampled_from(SHAPES)):
        case (str() as signal, use, preference, audience, form, subject, terms):
            return Statement(signal, use, preference, audience, form, subject, draw(TERMS) if terms else None, draw(TEXT), draw(TEXT),
                             draw(TEXT))
        case (carrier, kind):
            return Fault(carrier, kind, draw(TEXT), draw(TEXT))
        case (kind,):
            return Circumstance(kind, draw(WORD), draw(TEXT), draw(TEXT), draw(st.none() | TERMS))
    raise AssertionError


EVIDENCE = st.builds(
    Evidence, st.sampled_from(Carrier), WORD, st.none() | TIMES, st.sampled_from(Access), st.binary(max_size=20),
    st.none() | st.integers(100, 999), TEXT, TEXT)


@st.composite
def assessments(draw: Callable[..., Any]) -> Assessment:
    asker = Asker(draw(st.sampled_from(["OurBot", "x"])), draw(st.booleans()), draw(st.sampled_from(["", "DE"])))
    return judge(Asset(draw(WORD), draw(TEXT), draw(TEXT)), asker, tuple(draw(st.lists(EVIDENCE, max_size=5))),
                 resolve(draw(st.lists(findings(), max_size=8))), policies.load(draw(st.sampled_from(policies.names()))))


def without_bytes(a: Assessment) -> Assessment:
    """As much as a record keeps: digests for bytes, times in UTC."""
    return replace(a, evidence=tuple(replace(e, body=b"", recorded=e.digest, at=e.at and e.at.astimezone(UTC)) for e in a.evidence))


@settings(deadline=None)
@given(assessments())
def test_a_record_keeps_all_but_the_bytes(a: Assessment) -> None:
    assert from_record(to_record(a)) == without_bytes(a)


@settings(deadline=None)
@given(assessments())
def test_the_same_assessment_gives_the_same_bytes(a: Assessment) -> None:
    text = dumps(to_record(a))
    assert dumps(to_record(a)) == text
    assert dumps(to_record(from_record(to_record(a)))) == text


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.tuples(TEXT, assessments(), st.lists(st.none() | st.builds(Location, WORD, st.integers(0, 1 << 40), WORD))), max_size=4))
def test_parquet_keeps_records_to_the_byte(tmp_path: Path, rows: list[tuple[str, Assessment, list[Location | None]]]) -> None:
    given = [Row(key, to_record(a), tuple(where)) for key, a, where in rows]
    records.write(tmp_path / "part", records.table(given))
    kept = list(records.read(tmp_path / "part"))
    assert [(row.requested, dumps(row.record), row.locations) for row in kept] == \
           [(row.requested, dumps(row.record), row.locations) for row in given]


@pytest.mark.parametrize(("column", "noun"), [(records.FINDING, Statement), (records.FINDING, Fault), (records.FINDING, Circumstance),
                                              (records.TERMS, Terms), (records.ASSET, Asset), (records.ASKER, Asker)])
def test_every_field_has_a_column(column: Any, noun: Any) -> None:
    have = {column.field(n).name for n in range(column.num_fields)}
    assert len({f.name for f in fields(noun)} - have - {"kind"}) == 0


LONE = b"\\ud800"
SPELT = {
    Carrier.TDMREP_JSON: b'[{"location": "/*", "tdm-reservation": 1, "tdm-policy": "/p%s"}, {"location": "/%s*", "tdm-reservation": 1}]',
    Carrier.TDM_POLICY: b'{"permission": [{"action": "tdm:%s", "duty": [{"action": "%s"}]}]}',
    Carrier.BODY: b'<!doctype html><script type="application/ld+json">{"@type": "Article", "license": "https://x.example/%s", "name": "%s"}</script>',
    Carrier.ACCOUNT: b'{"indexable": false, "note": "%s%s"}',
    Carrier.ROBOTS_TXT: b"User-agent: *\nContent-Signal: ai-train=no, %s%s\nLicense: https://x.example/\xed\xa0\x80",
}


@pytest.mark.parametrize("carrier", SPELT, ids=lambda c: c.value)
def test_surrogates_that_json_spells_do_not_get_into_records(carrier):
    body = SPELT[carrier] % (LONE, LONE)
    a = assess(Asset("https://s.example/%ED%A0%80"), [Evidence(carrier, "https://s.example/x", None, Access.OBTAINED, body)],
               policies.load("strictest"), Asker("bot"))
    assert any(isinstance(f, Statement) for f in a.findings) or carrier is Carrier.BODY
    text = dumps(to_record(a))
    assert text.encode("utf-8").decode() == text


@pytest.mark.parametrize(("given", "kept"), [
    (Terms(), None), (Terms(conditions=("",)), None), (Terms(url="u"), Terms(url="u")),
    (Terms(url="\ud800", conditions=("a", "\udfff")), Terms(url="\ufffd", conditions=("a", "\ufffd")))])
def test_terms_are_as_a_record_can_hold_them(given, kept):
    f = Statement("tdmrep.file", Use.TDM, Preference.DISALLOW, terms=given, quote="\udcff!")
    assert recordable(f) == Statement("tdmrep.file", Use.TDM, Preference.DISALLOW, terms=kept, quote="\ufffd!")


def test_what_a_record_can_hold_is_left_alone():
    for f in (Fault(Carrier.BODY, FaultKind.MALFORMED, "é"), Circumstance(CircumstanceKind.PAYWALLED, "é", terms=Terms(url="é"))):
        assert recordable(f) is f
    assert recordable(Fault(Carrier.BODY, FaultKind.MALFORMED, "\ud800")).detail == "\ufffd"


def test_terms_that_say_nothing_leave_no_trace():
    said = Statement("licence.html", Use.TDM, Preference.DISALLOW, terms=Terms())
    assert finding_record(said) == finding_record(replace(said, terms=None))
