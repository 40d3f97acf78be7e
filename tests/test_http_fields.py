"""Field sections: too long as a whole, or in one value, they are read as far as they go, and what is lost is a fault."""
from __future__ import annotations

import random
import re

import pytest

from rules.assess import read
from rules.limits import FIELD_BYTES, FIELD_LINES, FIELDS_BYTES
from rules.model import Access, Asker, Asset, Carrier, Evidence, Fault, FaultKind, Preference, Statement
from rules.signals import http_fields

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
    ("X-Robots-Tag: noai\r\n" + ("X-Robots-Tag: " + "x" * 8_000 + "\r\n") * 9, {Preference.DISALLOW}, {FaultKind.TRUNCATED}),
], ids=["the end", "the start", "what comes after the section", "a dictionary", "a list", "the end of a list", "many lines"])
def test_what_is_too_long_is_read_as_far_as_it_goes(section, preferences, faults):
    assert told(section) == (preferences, faults)


def test_an_ordinary_section_is_read_like_any_other(monkeypatch: pytest.MonkeyPatch) -> None:
    pieces = (b"HTTP/1.1 200 OK", b"HTTP/1.1 100 x: y", b"\r\n", b"\n", b"\r", b" ", b":", b"a", b"tdm-policy", b"content-usage: x", b"X-Robots-Tag: noai",
              b"\r\n\r\n", b"\n \n", b"\xff", b"\0", *[b"n: v\r\n", b"Name:\tvalue \r\n", b"x-robots-tag:noai\n"] * 4)
    dice = random.Random(5)
    sections = [b"".join(dice.choices(pieces, k=dice.randint(1, 9))) for _ in range(4_000)]
    sections += [b"n: v\r\n" * number for number in (FIELD_LINES - 1, FIELD_LINES, FIELD_LINES + 1)]
    ordinary = [http_fields._ORDINARY.fullmatch(section) is not None for section in sections]
    quick = [http_fields._section(section) for section in sections]
    monkeypatch.setattr(http_fields, "_ORDINARY", re.compile(b"(?!)"))
    assert [http_fields._section(bytes(bytearray(section))) for section in sections] == quick
    assert 500 < sum(ordinary) < 3_500
