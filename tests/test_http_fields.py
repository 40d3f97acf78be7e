"""Field sections: too long as a whole, or in one value, they are read as far as they go, and what is lost is a fault."""
from __future__ import annotations

import pytest

from rules.assess import read
from rules.limits import FIELD_BYTES, FIELDS_BYTES
from rules.model import Access, Asker, Asset, Carrier, Evidence, Fault, FaultKind, Preference, Statement

URL = "https://site.example/"
RESERVED = "tdm-reservation: 1\r\n"


def told(section: str) -> tuple[set[Preference], set[FaultKind]]:
    findings = read(Evidence(Carrier.HTTP_FIELDS, URL, None, Access.OBTAINED, section.encode()), Asset(URL), Asker("mybot"))
    return ({f.preference for f in findings if isinstance(f, Statement)}, {f.kind for f in findings if isinstance(f, Fault)})


@pytest.mark.parametrize("section, preferences, faults", [
    (RESERVED + "x: y\r\n" * (FIELDS_BYTES // 6), {Preference.DISALLOW}, set()),
    ("x: y" + " " * FIELDS_BYTES + "\r\n" + RESERVED, set(), {FaultKind.TRUNCATED}),
    ("x: " + "y" * (FIELDS_BYTES - 8) + "\r\n\r\n" + RESERVED, set(), set()),
    ("Content-Usage: train-ai=n, " + "x" * FIELD_BYTES + "\r\n", {Preference.DISALLOW}, {FaultKind.TRUNCATED}),
    ("X-Robots-Tag: noai, " + "x" * FIELD_BYTES + "\r\n", {Preference.DISALLOW}, {FaultKind.TRUNCATED}),
    ("X-Robots-Tag: " + "x" * FIELD_BYTES + ", noai\r\n", set(), {FaultKind.TRUNCATED}),
], ids=["the end", "the start", "what comes after the section", "a dictionary", "a list", "the end of a list"])
def test_what_is_too_long_is_read_as_far_as_it_goes(section, preferences, faults):
    assert told(section) == (preferences, faults)
