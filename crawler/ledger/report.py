"""What a ledger comes to, by holder, domain, class, society, period, model or use: as a document, as JSON and as CSV.

**Facts**
- Every view adds up the same cells and the same shares, so all views have the same total: the charges of the tariff, to the
  minor unit. What rounding did is told line by line.
- OURS: a row without a name for what it is ordered by is `-`: works of no class, entries of no society.
"""
from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

from ..terminal import counted
from . import money
from .document import Document, Section, Table
from .entry import UNALLOCATED
from .gather import Asked, Gathered
from .settle import Cell, Settled
from .tariff import Tariff

SCHEMA = "maymine/ledger-report/1"
# What a report can be ordered by. THE list of what --by takes.
VIEWS: dict[str, Callable[[Cell], str]] = {
    "holder": lambda c: c.holder, "domain": lambda c: c.domain, "class": lambda c: c.work_class, "society": lambda c: c.society,
    "period": lambda c: c.period, "model": lambda c: c.model, "use": lambda c: c.use_type, "policy": lambda c: c.policy}
NOBODY = "-"
SHOWN_ROWS = 1_000                   # of a view in a page; CSV and JSON have all

JSON = dict[str, Any]


def data(ledger: str, gathered: Gathered, tariff: Tariff | None, settled: Settled | None, given: Mapping[str, Fraction],
         views: Sequence[str], asked: Asked) -> JSON:
    """The report for programs."""
    out: JSON = {
        "schema": SCHEMA, "ledger": ledger, "entries": gathered.entries, "head": gathered.head, "from": asked.since,
        "to": asked.until, "policy": asked.policy, "model": asked.model,
        "policies": sorted({cell.policy for cell in gathered.cells} - {""}),
        "uses": gathered.uses, "taken_back": gathered.corrected, "outside": gathered.outside,
        "statuses": dict(sorted(gathered.statuses.items())),
        "stated": {currency: money.written(amount) for currency, amount in sorted(gathered.stated.items())},
        "moved": [{"status": status, "holder": holder, "amount": money.written(amount), "currency": currency}
                  for (status, holder, currency), amount in sorted(gathered.moved.items())],
        "views": {name: rows(gathered.cells, settled, tariff, VIEWS[name]) for name in views}}
    if tariff and settled:
        out["tariff"] = {
            "id": tariff.id, "title": tariff.title, "status": tariff.status, "digest": tariff.digest,
            "currency": tariff.currency,
            "sources": {key: {"cite": s.cite, "url": s.url, "checked": s.checked} for key, s in tariff.sources.items()},
            "given": {name: money.exactly(value) for name, value in sorted(given.items())},
            "lines": [{"line": one.line, "entries": one.entries, "exact": money.exactly(one.exact),
                       "charged": money.major(one.units, tariff.currency), "rounding": money.exactly(one.rounding)}
                      for one in settled.lines],
            "charged": money.major(settled.units, tariff.currency), "untaken": settled.untaken, "notes": settled.notes}
    return out


def rows(cells: Iterable[Cell], settled: Settled | None, tariff: Tariff | None, key: Callable[[Cell], str]) -> list[JSON]:
    """One view: the largest amount first, then the most entries, then by name; months in their order."""
    sums: dict[str, JSON] = {}
    units: dict[str, int] = {}

    def row(cell: Cell) -> tuple[str, JSON]:
        name = key(cell) or NOBODY
        return name, sums.setdefault(name, {"name": name, "entries": 0, "works": 0, "quantity": {}})
    for cell in cells:
        _, into = row(cell)
        into["entries"] += cell.entries
        into["works"] += cell.works
        if cell.unit:
            into["quantity"][cell.unit] = money.EXACT.add(into["quantity"].get(cell.unit, Decimal(0)), cell.quantity)
    for share in settled.shares if settled else ():
        name, _ = row(share.cell)
        units[name] = units.get(name, 0) + share.units
    order = sorted(sums.values(), key=lambda r: r["name"])
    if key is not VIEWS["period"]:
        order.sort(key=lambda r: (-units.get(r["name"], 0), -r["entries"]))
    for one in order:
        one["quantity"] = {unit: money.written(value) for unit, value in sorted(one["quantity"].items())}
        if tariff:
            one["amount"] = money.major(units.get(one["name"], 0), tariff.currency)
    return order


def text_of_csv(told: JSON, view: str) -> str:
    """One view; the first line names the columns."""
    found: list[JSON] = told["views"][view]
    counted = _units(found)
    currency = told.get("tariff", {}).get("currency", "")
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([view, "entries", "works", *counted, *(["amount", "currency"] if currency else [])])
    for one in found:
        writer.writerow([cell(one["name"]), one["entries"], one["works"], *(one["quantity"].get(u, "0") for u in counted),
                         *([one["amount"], currency] if currency else [])])
    return out.getvalue()


def cell(text: str) -> str:
    """PRACTICE: spreadsheets run what begins like a formula; an apostrophe makes it text."""
    return f"'{text}" if text[:1] in ("=", "+", "@", "\t", "\r") or (text[:1] == "-" and len(text) > 1) else text


def _units(found: Iterable[JSON]) -> list[str]:
    return sorted({unit for one in found for unit in one["quantity"]})


def document(told: JSON) -> Document:
    """The report for people."""
    tariff = told.get("tariff")
    sections = [_ledger(told)]
    if tariff:
        sections += [_tariff(told, tariff)]
    sections += [_view(name, found, tariff) for name, found in told["views"].items()]
    charged = f", charged by {tariff['id']} with {tariff['charged']} {tariff['currency']}." if tariff else \
        "; no tariff was named, so nothing is charged."
    lead = f"{told['uses']:,} uses{charged} What is owed to 'unallocated' waits for its holders."
    return Document(f"Usage ledger: {told['ledger']}", lead, tuple(sections), told)


def _ledger(told: JSON) -> Section:
    time = f"{told['from'] or 'the beginning'} to {told['to'] or 'the end'}" if told["from"] or told["to"] else "all"
    facts = [("Counted", "works once each; quantities with their weights, such as epochs"),
             ("Entries", f"{told['entries']:,}; " + ", ".join(f"{n:,} {word}" for word, n in told["statuses"].items())),
             ("Sealed head", told["head"]), ("Time", time)]
    facts += [(word, told[key]) for key, word in (("policy", "Policy"), ("model", "Model")) if told[key]]
    if told["taken_back"]:
        facts.append(("Taken back", f"{counted(told['taken_back'], 'entry', 'entries')}, corrected, which count nothing"))
    if told["stated"]:
        facts.append(("Prices stated for uses", ", ".join(f"{amount} {cur}" for cur, amount in told["stated"].items())))
    tables: tuple[Table, ...] = ()
    if told["moved"]:
        moved = tuple((m["holder"], m["status"], m["amount"], m["currency"]) for m in told["moved"])
        tables = (Table("Reported and paid", ("holder", "status", "amount", "currency"), moved, (2,), True),)
    return Section("Ledger", tuple(facts), tables, ("Whether the chain holds, 'maymine ledger verify' says.",))


def _tariff(told: JSON, tariff: JSON) -> Section:
    facts = [("Tariff", f"{tariff['id']} ({tariff['status']}): {tariff['title']}"), ("Digest", tariff["digest"])]
    facts += [(f"Given: {name}", value) for name, value in tariff["given"].items()]
    facts += [(f"Source: {key}", f"{s['cite']} [{s['checked'] or 'not checked'}]") for key, s in tariff["sources"].items()]
    lines = tuple((x["line"], f"{x['entries']:,}", x["exact"], x["rounding"], x["charged"]) for x in tariff["lines"])
    notes = [*tariff["notes"]]
    if len(told["policies"]) > 1:
        notes.append(f"Uses under several policies are charged together: {', '.join(told['policies'])}. --policy takes one.")
    if tariff["untaken"]:
        notes.append(f"{tariff['untaken']:,} uses are of no line of the tariff, and nothing is charged for them")
    if tariff["status"] in ("proposal", "house"):
        notes.append(f"The tariff is a {tariff['status']} one: what stands here is a what-if.")
    others = [c for c in told["stated"] if c != tariff["currency"]]
    if others:
        notes.append(f"Prices stated in {', '.join(others)} are not charged by a tariff in {tariff['currency']}.")
    charges = Table(f"Charges in {tariff['currency']}", ("line", "uses", "exact", "rounding", "charged"), lines, (1, 2, 3, 4))
    return Section("Tariff", tuple(facts), (charges,), tuple(notes))


def _view(name: str, found: list[JSON], tariff: JSON | None) -> Section:
    units = _units(found)
    columns = (name, "entries", "works", *units, *([f"amount, {tariff['currency']}"] if tariff else []))
    shown = tuple((one["name"], f"{one['entries']:,}", f"{one['works']:,}", *(one["quantity"].get(u, "0") for u in units),
                   *([one["amount"]] if tariff else [])) for one in found[:SHOWN_ROWS])
    notes = (f"{len(found) - SHOWN_ROWS:,} more are in the CSV and JSON forms.",) if len(found) > SHOWN_ROWS else ()
    table = Table(counted(len(found), "row"), columns, shown, tuple(range(1, len(columns))), annex=True)
    return Section(f"By {name}", tables=(table,), notes=notes)


def bookings(told: JSON, settled: Settled, tariff: Tariff, at: str, source: str) -> list[JSON]:
    """An entry of status `reported` for each holder: what the tariff came to, as something that was told."""
    from . import entry
    owed: dict[str, int] = {}
    for share in settled.shares:
        owed[share.cell.holder] = owed.get(share.cell.holder, 0) + share.units
    basis = {"in-force": "statutory", "agreement": "licence", "settlement": "licence"}.get(tariff.status, "none")
    name = f"{tariff.id} {told['from'] or '...'} to {told['to'] or '...'} of {told['head'][:23]}" + \
        "".join(f", {told[key]}" for key in ("policy", "model") if told[key])
    return [entry.new(occurred_at=at, scheme="report", work=name, holder=holder or UNALLOCATED, status="reported", basis=basis,
                      tariff_ref=tariff.id, amount=money.major(units, tariff.currency), currency=tariff.currency,
                      source=(source, n))
            for n, (holder, units) in enumerate(sorted(owed.items()), 1) if units]
