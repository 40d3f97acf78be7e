"""Uses, one a row, for whoever has to be told: a society, a holder.

**Facts**
- A use is what counts in a report (gather.py): accrued, and not taken back. Corrections are in, their history is not; each row
  names its entry, so that it can be looked up.
- Societies ask for usage rows with work, quantity, period and class. OURS: the columns are those of an entry, flat; there is no
  one format that all of them take.
"""
from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TextIO

from . import book, correct
from .entry import JSON
from .gather import Asked
from .report import cell

# Flat names -> where they stand in an entry.
COLUMNS = {"scheme": ("work_ref", "scheme"), "work": ("work_ref", "id"), "quantity": ("quantity", "value"),
           "unit": ("quantity", "unit")}
NAMES = ("entry_id", "occurred_at", "scheme", "work", "content_hash", "holder_ref", "work_class", "society", "domain",
         "rights_basis", "jurisdiction_profile", "duties", "use_type", "quantity", "unit", "weight", "model_version", "dataset",
         "licence_ref", "amount", "currency")


def uses(folder: Path, asked: Asked, society: str = "", holder: str = "") -> Iterator[JSON]:
    """Raises LedgerError, OSError."""
    book.is_ledger(folder)
    gone = correct.corrected(folder)
    for _, _, text in book.lines(folder):
        if b'"status":"accrued"' not in text:
            continue
        one = correct.read(text)
        if one.get("status") == "accrued" and one["entry_id"] not in gone and _meant(one, asked) \
                and society in ("", one.get("society")) and holder in ("", one["holder_ref"]):
            yield one


def _meant(one: JSON, asked: Asked) -> bool:
    at, policy = one["occurred_at"], one.get("jurisdiction_profile", "")
    return (at >= asked.since and (not asked.until or at[:len(asked.until)] <= asked.until)
            and (not asked.policy or asked.policy in (policy, policy.partition("@")[0]))
            and asked.model in ("", one.get("model_version")))


def write(out: TextIO, found: Iterator[JSON], done: Callable[[int], None] = lambda n: None) -> int:
    """As CSV; how many rows."""
    writer, n = csv.writer(out, lineterminator="\n"), 0
    writer.writerow(NAMES)
    for n, one in enumerate(found, 1):
        writer.writerow([cell(_value(one, name)) for name in NAMES])
        if not n % 10_000:
            done(10_000)
    return n


def _value(one: JSON, name: str) -> str:
    if name in COLUMNS:
        outer, inner = COLUMNS[name]
        return str(one.get(outer, {}).get(inner, ""))
    value = one.get(name, "")
    return " ".join(value) if isinstance(value, list) else str(value)
