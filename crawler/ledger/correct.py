"""Corrections: an entry is taken back by another, and one that is right may stand instead. Nothing is changed.

**Facts**
- A reversal has the legs of what it corrects the other way round, so that both together count nothing.
- What was taken back, and what takes back, cannot be corrected; what stands instead can.
"""
from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from ..archive.records import host as host_of
from . import book, entry
from .book import LedgerError
from .entry import JSON, UNALLOCATED, EntryError
from .holders import Holders

# What can be set to another value, and whether it may be left empty. Legs and status follow, or are not for this.
SETTABLE = ("holder_ref", "work_class", "society", "rights_basis", "use_type", "weight", "model_version", "dataset",
            "licence_ref", "tariff_ref", "amount", "currency", "content_hash", "quantity", "status", "note")
SHORTEST = 8                         # characters of an id that are enough, if no other begins so


@dataclass(slots=True)
class Assigned:
    """What came of a list of holders."""
    moved: int = 0
    left: int = 0                                    # still unallocated


def find(folder: Path, wanted: str) -> JSON:
    """The entry whose id begins so. Raises LedgerError where none does, several do, or it was corrected."""
    if len(wanted) < SHORTEST:
        raise LedgerError(f"'{wanted}' is too short; {SHORTEST} characters of an id are wanted")
    start, found = b'{"entry_id":"' + wanted.encode("ascii", "replace"), list[JSON]()
    for _, _, text in book.lines(folder):
        if text.startswith(start):
            found.append(read(text))
    if not found:
        raise LedgerError(f"no entry has an id that begins with '{wanted}'")
    if len(found) > 1:
        raise LedgerError(f"{len(found)} entries have ids that begin with '{wanted}'; give more of it")
    if found[0].get("status") == "void":
        raise LedgerError(f"{found[0]['entry_id']} takes back {found[0].get('correction_of')}; what takes back stays")
    if found[0]["entry_id"] in corrected(folder):
        raise LedgerError(f"{found[0]['entry_id']} was taken back already; what stands instead names it in correction_of")
    return found[0]


def corrected(folder: Path) -> set[str]:
    """Ids of entries that were taken back."""
    return {str(one.get("correction_of")) for _, _, text in book.lines(folder) if b'"status":"void"' in text
            and (one := read(text)).get("status") == "void"}


def correction(of: JSON, changes: Mapping[str, str], at: str, note: str) -> list[JSON]:
    """The reversal, and what stands instead where there are changes. Raises LedgerError."""
    out = [entry.reversal(of, at, note)]
    if changes:
        out.append(_instead(of, changes, note))
    for one in out:
        if wrong := list(entry.problems({"entry_id": "new", **one, "prev_hash": entry.FIRST})):
            raise LedgerError("; ".join(wrong))
    return out


def _instead(of: JSON, changes: Mapping[str, str], note: str) -> JSON:
    told = {name: value for name, value in of.items() if name not in ("entry_id", "prev_hash", "source")}
    for name, value in changes.items():
        if name not in SETTABLE:
            raise LedgerError(f"'{name}' cannot be set; what can is {', '.join(SETTABLE)}")
        if name == "quantity":
            unit = of.get("quantity", {}).get("unit", "item")
            told["quantity"] = {"unit": unit, "value": value}
        else:
            told[name] = value
    told["holder_ref"] = told.get("holder_ref") or UNALLOCATED
    try:
        debit, credit = entry.legs(told["status"], told.get("use_type", ""), told["holder_ref"])
    except EntryError as error:
        raise LedgerError(f"{error}; --void takes an entry back") from error
    return entry.ordered({**told, "debit": debit, "credit": credit, "correction_of": of["entry_id"],
                          "note": changes.get("note", note)})


def assignments(folder: Path, entries: int, holders: Holders, at: str, note: str, assigned: Assigned,
                done: Callable[[int], None] = lambda n: None) -> Iterator[JSON]:
    """Corrections of those unallocated, among the first `entries`, whose holder a list knows; others may be added meanwhile."""
    gone = corrected(folder)
    for _, _, text in islice(book.lines(folder), entries):
        done(1)
        if b'"holder_ref":"unallocated"' not in text:
            continue
        one = read(text)
        if one.get("status") not in ("accrued", "disputed") or one["entry_id"] in gone:
            continue
        work = one["work_ref"]["id"]
        host = host_of(work) if one["work_ref"]["scheme"] == "url" else ""
        listed = holders.of(work, host, one["occurred_at"], one.get("content_hash", ""))
        if not listed.holder:
            assigned.left += 1
            continue
        assigned.moved += 1
        changes = {"holder_ref": listed.holder, **({"work_class": listed.work_class} if listed.work_class else {}),
                   **({"society": listed.society} if listed.society else {})}
        yield from correction(one, changes, at, note)


def read(text: bytes) -> JSON:
    """The entry of a line. Raises LedgerError."""
    try:
        return entry.read(text)
    except EntryError as error:
        raise LedgerError(f"an entry cannot be read: {error}; {book.MORE}") from error
