"""What is found beside what readers say: lost words of copies, and what takes the place of what inside a protocol."""
from __future__ import annotations

import pytest

from rules.assess import find
from rules.model import Access, Asker, Asset, Carrier, Evidence, Fault, FaultKind, Statement

URL, ORIGINAL, ASKER = "https://site.example/a-300x200.jpg", "https://site.example/a.jpg", Asker("mybot")
PAGE = b'<meta name="tdm-reservation" content="0">'


def body(uri: str, access: Access = Access.OBTAINED, said: bytes = b"") -> Evidence:
    return Evidence(Carrier.BODY, uri, None, access, said)


@pytest.mark.parametrize("evidence, unresolved", [
    ([body(URL)], True), ([body(URL), body(ORIGINAL)], False), ([body(URL), body(ORIGINAL, Access.TRUNCATED)], False),
    ([body(URL), body(ORIGINAL, Access.UNREACHABLE)], True), ([body(URL, said=PAGE)], False),
    ([body(URL, said=b'<link rel="license" href="https://creativecommons.org/licenses/by/4.0/">')], True)])
def test_a_copy_is_silent_where_its_original_was_looked_at(evidence: list[Evidence], unresolved: bool) -> None:
    copy, alone = (find(evidence, Asset(URL, variant_of=of), ASKER) for of in (ORIGINAL, ""))
    assert [f for f in copy if isinstance(f, Fault) and f.kind is FaultKind.UNRESOLVED] == list(copy[len(alone):])
    assert len(copy) == len(alone) + unresolved


def test_inside_a_protocol_a_later_carrier_supersedes() -> None:
    fields = Evidence(Carrier.HTTP_FIELDS, URL, None, Access.OBTAINED, b"HTTP/1.1 200 OK\r\nTDM-Reservation: 1\r\nContent-Usage: train-ai=n\r\n")
    found = find((fields, body(URL, said=PAGE)), Asset(URL), ASKER)
    assert {(f.signal, f.superseded_by) for f in found if isinstance(f, Statement)} == {
        ("tdmrep.header", "tdmrep.html"), ("tdmrep.html", ""), ("aipref.header", "")}
    assert {f.superseded_by for f in find((fields,), Asset(URL), ASKER) if isinstance(f, Statement)} == {""}
