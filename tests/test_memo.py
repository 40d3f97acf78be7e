"""What is remembered is bounded, and what is too much of a file is told."""
from __future__ import annotations

import pytest

from rules import memo
from rules.limits import TDMREP_BYTES, TDMREP_RULES
from rules.model import Access, Asker, Asset, Carrier, Evidence, Fault
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
