"""Uses and a tariff -> who is owed how much. Exact fractions up to the charge, whole minor units after it.

**Facts**
- Each line charges once for all the uses that it takes; the charge is rounded to minor units (halves away from zero), and what
  that adds or takes away is told as `rounding`. Its shares add up to the rounded charge.
- Whole groups are served first (class, society), then the cells in each; both by largest remainder, or rounded down with the
  rest on the account `rounding`, as the tariff says.
- OURS: a fixed share of a class that no use is in, and a charge over uses that weigh nothing, are owed to `unallocated`: a
  holder may still be found. A line without uses charges nothing. Uses that no line takes are counted and told.
"""
from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from math import lcm

from ..terminal import counted
from . import money
from .entry import UNALLOCATED
from .tariff import Expression, Line, Step, Tariff

ROUNDING = "rounding"                # the holder that takes what is left, where the tariff has such an account


class SettleError(ValueError):
    """Nothing can be charged. The message is for a person."""


@dataclass(slots=True)
class Cell:
    """Uses that no view and no tariff tells apart."""
    holder: str
    society: str = ""
    work_class: str = ""
    domain: str = ""
    period: str = ""
    use_type: str = ""
    unit: str = ""
    basis: str = ""
    duty: str = ""
    model: str = ""
    policy: str = ""
    line: str = ""                                   # of the tariff that takes them
    entries: int = 0
    works: int = 0                                   # that no cell before it in this line had
    quantity: Decimal = Decimal(0)                   # weighted
    stated: Decimal = Decimal(0)                     # prices in the currency of the tariff

    def answers(self) -> dict[str, str]:
        return {"use_type": self.use_type, "unit": self.unit, "basis": self.basis, "duty": self.duty, "class": self.work_class,
                "society": self.society}


@dataclass(frozen=True, slots=True)
class Share:
    cell: Cell
    line: str
    units: int                                       # minor units


@dataclass(frozen=True, slots=True)
class Charged:
    """One line of a tariff, added up."""
    line: str
    entries: int
    exact: Fraction
    units: int                                       # rounded, in minor units
    rounding: Fraction                               # rounded less exact


@dataclass(slots=True)
class Settled:
    lines: list[Charged] = field(default_factory=list)
    shares: list[Share] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    untaken: int = 0                                 # entries that no line takes

    @property
    def units(self) -> int:
        return sum(one.units for one in self.lines)


def settle(tariff: Tariff, cells: Iterable[Cell], given: Mapping[str, Fraction]) -> Settled:
    """Raises SettleError where something is not given, or cannot be."""
    facts = {name: one.default for name, one in tariff.given.items()} | dict(given)
    by_line: dict[str, list[Cell]] = {}
    for cell in cells:
        by_line.setdefault(cell.line, []).append(cell)
    out = Settled(untaken=sum(cell.entries for cell in by_line.get("", ())))
    for line in tariff.lines:
        taken = sorted(by_line.get(line.id, ()), key=_name)
        if not taken:
            out.notes.append(f"line {line.id} takes no use, and charges nothing")
            continue
        exact = value(line.charge, taken, facts, tariff)
        units = money.minor(exact, tariff.currency)
        out.lines.append(Charged(line.id, sum(c.entries for c in taken), exact, units,
                                 Fraction(units, 10 ** money.digits(tariff.currency)) - exact))
        _split(out, tariff, line, line.split, taken, units, facts)
    return out


def _name(cell: Cell) -> tuple[str, ...]:
    """Cells in an order of their own, so that equal remainders fall out the same every time."""
    return (cell.holder, cell.society, cell.work_class, cell.domain, cell.period, cell.use_type, cell.unit, cell.basis,
            cell.duty, cell.model, cell.policy)


def value(one: Expression, cells: Sequence[Cell], facts: Mapping[str, Fraction | None], tariff: Tariff) -> Fraction:
    """What an expression comes to over some uses. Raises SettleError."""
    match one:
        case "number", Fraction() as number:
            return number
        case "given", str(name):
            fact = facts[name]
            if fact is None:
                raise SettleError(f"'{name}' is not given: {tariff.given[name].what}. Give it by --given {name}=NUMBER")
            return fact
        case "count", what:
            return Fraction({"work": sum(c.works for c in cells), "entry": sum(c.entries for c in cells),
                             "holder": len({c.holder for c in cells})}[what])
        case "quantity", unit:
            return Fraction(_sum(c.quantity for c in cells if c.unit == unit))
        case "stated", _:
            return Fraction(_sum(c.stated for c in cells))
        case word, parts:
            values = [value(part, cells, facts, tariff) for part in parts]
            if word == "times":
                product = Fraction(1)
                for factor in values:
                    product *= factor
                return product
            return {"sum": sum, "largest": max, "smallest": min}[word](values)  # type: ignore[operator, no-any-return]  # the words are checked before
    raise AssertionError(one)


def _sum(values: Iterable[Decimal]) -> Decimal:
    total = Decimal(0)
    for one in values:
        total = money.EXACT.add(total, one)
    return total


def _split(out: Settled, tariff: Tariff, line: Line, steps: Sequence[Step], cells: Sequence[Cell], units: int,
           facts: Mapping[str, Fraction | None]) -> None:
    step, rest = steps[0], steps[1:]
    if not rest:
        weights = _weights(step.by, cells)
        if not sum(weights):
            out.shares.append(Share(Cell(UNALLOCATED, line=line.id), line.id, units))
            out.notes.append(f"line {line.id}: the uses weigh nothing by {step.by}; {money.major(units, tariff.currency)} "
                             f"{tariff.currency} are {UNALLOCATED}")
            return
        for cell, share in zip(cells, _shared(out, tariff, line, units, weights), strict=True):
            out.shares.append(Share(cell, line.id, share))
        return
    shares = {name: value(one, cells, facts, tariff) for name, one in step.shares.items()}
    if sum(shares.values()) != 1:
        total = money.exactly(sum(shares.values(), Fraction(0)))
        raise SettleError(f"line {line.id}: the shares by {step.by} add up to {total}, not to 1")
    groups: dict[str, list[Cell]] = {name: [] for name in shares}
    for cell in cells:
        groups.setdefault(cell.work_class if step.by == "class" else cell.society, []).append(cell)
    scale = lcm(*(share.denominator for share in shares.values()))
    parts = _shared(out, tariff, line, units, [int(share * scale) for share in shares.values()])
    for name, part in zip(shares, parts, strict=True):
        if groups[name]:
            _split(out, tariff, line, rest, groups[name], part, facts)
        elif part:
            society, work_class = ("", name) if step.by == "class" else (name, "")
            where = Cell(UNALLOCATED, society, work_class, line=line.id)
            out.shares.append(Share(where, line.id, part))
            out.notes.append(f"line {line.id}: no use is of {step.by} '{name}'; {money.major(part, tariff.currency)} "
                             f"{tariff.currency} are {UNALLOCATED}")
    for name in groups.keys() - shares.keys():
        out.notes.append(f"line {line.id}: {step.by} '{name}' has no share, and "
                         f"{counted(sum(c.entries for c in groups[name]), 'entry', 'entries')}")


def _weights(by: str, cells: Sequence[Cell]) -> list[int]:
    match by:
        case "quantity":
            return money.whole([c.quantity for c in cells])
        case "stated":
            return money.whole([c.stated for c in cells])
        case "work":
            return [c.works for c in cells]
        case "entry":
            return [c.entries for c in cells]
        case _:                                      # each holder the same; its first cell stands for it
            seen: set[str] = set()
            return [0 if c.holder in seen else (seen.add(c.holder) or 1) for c in cells]  # type: ignore[func-returns-value]  # add gives None, on purpose


def _shared(out: Settled, tariff: Tariff, line: Line, units: int, weights: Sequence[int]) -> list[int]:
    if tariff.rounding == "largest-remainder":
        return money.apportion(units, weights)
    shares, left = money.rounded_down(units, weights)
    if left:
        out.shares.append(Share(Cell(ROUNDING, line=line.id), line.id, left))
    return shares


def cells_of(tariff: Tariff, uses: Iterable[Mapping[str, str]]) -> list[Cell]:
    """Cells of the uses of an example."""
    seen: set[tuple[str, str, str]] = set()
    out: dict[tuple[str, ...], Cell] = {}
    for use in uses:
        cell = Cell(use["holder"], use["society"], use["class"], use_type=use["use_type"], unit=use["unit"], basis=use["basis"],
                    duty=use["duty"])
        cell = out.setdefault(_name(cell), cell)
        cell.line = tariff.line_of(cell.answers())
        cell.entries += 1
        cell.quantity = money.EXACT.add(cell.quantity, money.decimal(use["quantity"]))
        cell.stated = money.EXACT.add(cell.stated, money.decimal(use["stated"]))
        work = (cell.line, use["work"], use["holder"])
        cell.works += work not in seen
        seen.add(work)
    return list(out.values())
