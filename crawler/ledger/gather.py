"""Entries -> cells: what a ledger counts, added up by everything that a view or a tariff tells apart. In columns.

**Facts**
- A use is an entry that is `accrued` and was not taken back; what was taken back counts nothing, and neither does its
  reversal. Entries that are disputed are counted apart, and nothing is charged for them.
- A work is counted once in a line of a tariff and for a holder, where it was used first, however often it was used.
- Sums are exact. A period is the month of `occurred_at`, in UTC.
"""
from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pj

from . import book, money
from .book import LedgerError
from .settle import Cell
from .tariff import Tariff

SCHEMA = pa.schema([
    ("entry_id", pa.string()), ("occurred_at", pa.string()),
    ("work_ref", pa.struct([("scheme", pa.string()), ("id", pa.string())])),
    *((name, pa.string()) for name in ("holder_ref", "work_class", "society", "domain", "rights_basis", "use_type")),
    ("duties", pa.list_(pa.string())), ("quantity", pa.struct([("unit", pa.string()), ("value", pa.string())])),
    *((name, pa.string()) for name in (
        "weight", "model_version", "jurisdiction_profile", "amount", "currency", "status", "correction_of"))])
# In the order of the fields of Cell.
KEYS = ("holder_ref", "society", "work_class", "domain", "period", "use_type", "unit", "rights_basis", "duties",
        "model_version", "jurisdiction_profile")
APART = "\x1f"                       # between keys; no key holds it, or it is replaced
BLOCK_BYTES = 8 << 20


@dataclass(frozen=True, slots=True)
class Asked:
    """Which uses count. `since` and `until`: beginnings of times, both included: 2026, 2026-03, 2026-03-31."""
    since: str = ""
    until: str = ""
    policy: str = ""                                 # its id, or its name
    model: str = ""


ALL = Asked()


@dataclass(slots=True)
class Gathered:
    cells: list[Cell] = field(default_factory=list)
    entries: int = 0                                 # of the ledger, all of them
    head: str = ""
    uses: int = 0
    corrected: int = 0
    outside: int = 0                                 # uses out of the time, the policy or the model asked for
    statuses: Counter[str] = field(default_factory=Counter)
    stated: dict[str, Decimal] = field(default_factory=dict)         # currency -> amounts of uses
    moved: dict[tuple[str, str, str], Decimal] = field(default_factory=dict)     # (status, holder, currency): reported, paid


def gather(folder: Path, tariff: Tariff | None = None, asked: Asked = ALL,
           done: Callable[[int], None] = lambda n: None) -> Gathered:
    """Raises LedgerError, OSError."""
    book.is_ledger(folder)
    out, known, seen = Gathered(head=book.read_seal(folder).head), dict[str, Cell](), set[str]()
    gone = _taken_back(folder)
    for path in book.segments(folder):
        data = path.read_bytes()
        data = data[:data.rfind(b"\n") + 1]
        if not data:
            continue
        try:
            table = pj.read_json(pa.BufferReader(data), pj.ReadOptions(block_size=BLOCK_BYTES), pj.ParseOptions(
                explicit_schema=SCHEMA, unexpected_field_behavior="ignore"))
        except pa.ArrowException as error:
            raise LedgerError(f"{path} cannot be read: {error}; {book.MORE}") from error
        out.entries += table.num_rows
        _add(out, known, seen, table.combine_chunks(), gone, tariff, asked)
        done(table.num_rows)
    out.cells = list(known.values())
    return out


def _taken_back(folder: Path) -> pa.Array:
    """Ids of entries that a reversal names."""
    from .entry import read
    ids = [read(text).get("correction_of") for _, _, text in book.lines(folder)
           if b'"status":"void"' in text and b'"correction_of"' in text]
    return pa.array([i for i in ids if isinstance(i, str)], pa.string())


def _add(out: Gathered, known: dict[str, Cell], seen: set[str], table: pa.Table, gone: pa.Array, tariff: Tariff | None,
         asked: Asked) -> None:
    status = pc.fill_null(table["status"], "")
    for one in pc.value_counts(status).to_pylist():
        out.statuses[one["values"]] += one["counts"]
    back = pc.is_in(table["entry_id"], gone) if len(gone) else pa.chunked_array([pa.array([False] * table.num_rows)])
    out.corrected += pc.sum(pc.cast(back, pa.int64())).as_py() or 0
    _moved(out, table.filter(pc.and_(pc.is_in(status, pa.array(["reported", "paid"])), pc.invert(back))))
    uses = table.filter(pc.and_(pc.equal(status, "accrued"), pc.invert(back)))
    if asked != ALL and uses.num_rows:
        inside = _inside(uses, asked)
        out.outside += uses.num_rows - (pc.sum(pc.cast(inside, pa.int64())).as_py() or 0)
        uses = uses.filter(inside)
    if not uses.num_rows:
        return
    out.uses += uses.num_rows
    unit, value = pc.struct_field(uses["quantity"], "unit"), pc.struct_field(uses["quantity"], "value")
    duties = pc.binary_join(pc.cast(uses["duties"], pa.list_(pa.string())), ",")
    columns = {**{name: uses[name] for name in KEYS if name in uses.column_names}, "unit": unit, "duties": duties,
               "period": pc.utf8_slice_codeunits(uses["occurred_at"], 0, 7)}
    parts = [pc.replace_substring(pc.fill_null(columns[name], ""), APART, " ") for name in KEYS]
    keys = pc.binary_join_element_wise(*parts, APART).combine_chunks().dictionary_encode()
    cells = [_cell(known, text, tariff) for text in keys.dictionary.to_pylist()]
    which = keys.indices.to_pylist()
    _sums(out, cells, which, _texts(value), _texts(uses["weight"]), _texts(uses["amount"]), _texts(uses["currency"]),
          tariff.currency if tariff else "")
    _works(cells, which, seen, uses)


def _cell(known: dict[str, Cell], key: str, tariff: Tariff | None) -> Cell:
    if key not in known:
        holder, society, work_class, domain, period, use_type, unit, basis, duty, model, policy = key.split(APART)
        cell = Cell(holder, society, work_class, domain, period, use_type, unit, basis, duty, model, policy)
        cell.line = tariff.line_of(cell.answers()) if tariff else ""
        known[key] = cell
    return known[key]


def _sums(out: Gathered, cells: list[Cell], which: list[int], values: list[str], weights: list[str], amounts: list[str],
          currencies: list[str], currency: str) -> None:
    add, times, zero = money.EXACT.add, money.EXACT.multiply, Decimal(0)
    sums: dict[int, Decimal] = {}
    try:
        for n, value, weight in zip(which, values, weights, strict=True):
            if value:
                sums[n] = add(sums.get(n, zero), times(Decimal(value), Decimal(weight)) if weight else Decimal(value))
        for n, amount, told in zip(which, amounts, currencies, strict=True):
            if amount:
                out.stated[told] = add(out.stated.get(told, zero), Decimal(amount))
                if told == currency:
                    cells[n].stated = add(cells[n].stated, Decimal(amount))
    except ArithmeticError as error:
        raise LedgerError(f"a number of an entry cannot be added up; {book.MORE}") from error
    for n, total in sums.items():
        cells[n].quantity = add(cells[n].quantity, total)
    for n, entries in Counter(which).items():
        cells[n].entries += entries


def _works(cells: list[Cell], which: list[int], seen: set[str], uses: pa.Table) -> None:
    """Each work counts in the cell in which it came first, of its line and holder."""
    lines = [cell.line for cell in cells]
    named = pc.binary_join_element_wise(pc.struct_field(uses["work_ref"], "scheme"), pc.struct_field(uses["work_ref"], "id"),
                                        uses["holder_ref"], APART)
    for n, work in zip(which, _texts(named), strict=True):
        key = lines[n] + APART + work
        if key not in seen:
            seen.add(key)
            cells[n].works += 1


def _inside(uses: pa.Table, asked: Asked) -> Any:
    """Text of times in UTC sorts as they do; the beginning of a time stands for all that begin so."""
    times, inside = uses["occurred_at"], pa.chunked_array([pa.array([True] * uses.num_rows)])
    if asked.since:
        inside = pc.and_(inside, pc.greater_equal(times, asked.since))
    if asked.until:
        inside = pc.and_(inside, pc.less_equal(pc.utf8_slice_codeunits(times, 0, len(asked.until)), asked.until))
    if asked.policy:
        ids = pc.fill_null(uses["jurisdiction_profile"], "")
        inside = pc.and_(inside, pc.or_(pc.equal(ids, asked.policy), pc.starts_with(ids, f"{asked.policy}@")))
    if asked.model:
        inside = pc.and_(inside, pc.equal(pc.fill_null(uses["model_version"], ""), asked.model))
    return inside


def _moved(out: Gathered, rows: pa.Table) -> None:
    for row in rows.select(["status", "holder_ref", "amount", "currency"]).to_pylist():
        if row["amount"]:
            key = row["status"], row["holder_ref"] or "", row["currency"] or ""
            out.moved[key] = money.EXACT.add(out.moved.get(key, Decimal(0)), Decimal(row["amount"]))


def _texts(column: Any) -> list[str]:
    values: list[str] = pc.fill_null(column, "").to_pylist()
    return values
