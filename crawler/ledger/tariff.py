"""Tariff: what is charged for uses and among whom it is split, written in YAML, refused unless it adds up and is exampled.

    lines:                        # the first line that applies to a use takes it
      - id: training
        when: {use_type: [train, fine_tune], unit: token}
        charge: {largest: [{share: "0.30", of: {given: net_income}}, {given: minimum}]}
        split: [{by: quantity}]
        because: model            # key of `sources`

**Facts**
- A charge is an expression of a closed grammar (`_expression`): numbers, what the operator gives, counts, and sum, times,
  share, price, largest, smallest. Nothing in it is run as code; it is evaluated in exact fractions.
- A split goes from the whole to the uses: by class or society with fixed shares, and last by quantity, work, entry, holder or
  stated price. What is not a whole minor unit is handled by `rounding`: the largest remainders get the units that are left, or
  an account takes them. Either way the parts add up to the charge.
- The loader proves what can be proved: names that are known, shares that add up to 1, lines that can apply, and every example
  computed. `file:line: what is wrong`, as policies are refused.
"""
from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from itertools import product
from typing import Any

from rules.model import Duty
from rules.strict_yaml import DataError, Node, load

from . import entry, money

STATUSES = ("in-force", "agreement", "settlement", "proposal", "house")
ROUNDING = ("largest-remainder", "account")
# What a line may ask of a use; None: any word.
CONDITIONS: dict[str, tuple[str, ...] | None] = {
    "use_type": entry.USE_TYPES, "unit": entry.UNITS, "basis": entry.BASES, "duty": tuple(d.value for d in Duty),
    "class": None, "society": None}
COUNTS = ("work", "entry", "holder")
LEAVES = ("quantity", "work", "entry", "holder", "stated")       # the last step of a split
GROUPS = ("class", "society")                                    # steps before it, with shares
DEEPEST = 12
# What a use of an example is, where it does not say.
USE = {"holder": entry.UNALLOCATED, "class": "", "society": "", "basis": "statutory", "duty": "remunerate", "unit": "item",
       "quantity": "1", "stated": "0"}

Expression = tuple[Any, ...]


class TariffError(DataError):
    """The tariff file is not one. Says file:line: what is wrong, one line for each problem."""


@dataclass(frozen=True, slots=True)
class Source:
    cite: str
    url: str = ""
    checked: str = ""                # how far the wording was checked against the primary text


@dataclass(frozen=True, slots=True)
class Given:
    """A fact that the operator has to supply."""
    what: str
    default: Fraction | None
    line: int


@dataclass(frozen=True, slots=True)
class Step:
    by: str
    shares: Mapping[str, Expression]


@dataclass(frozen=True, slots=True)
class Line:
    id: str
    when: Mapping[str, frozenset[str]]               # all must hold; each is any-of
    charge: Expression
    split: tuple[Step, ...]
    because: str
    line: int

    def takes(self, use: Mapping[str, str]) -> bool:
        """Whether it applies; `use` answers for each of CONDITIONS, duties in one text."""
        return all(not words.isdisjoint(use["duty"].split(",")) if key == "duty" else use[key] in words
                   for key, words in self.when.items())


@dataclass(frozen=True, slots=True)
class Example:
    name: str
    given: Mapping[str, Fraction]
    uses: tuple[Mapping[str, str], ...]
    owed: Mapping[str, str]
    rounding: Fraction
    line: int


@dataclass(frozen=True)
class Tariff:
    name: str
    version: str
    title: str
    status: str
    jurisdiction: str
    in_force: Mapping[str, str]
    currency: str
    rounding: str
    sources: Mapping[str, Source]
    given: Mapping[str, Given]
    lines: tuple[Line, ...]
    examples: tuple[Example, ...] = field(repr=False)
    digest: str = ""
    file: str = ""

    @property
    def id(self) -> str:
        return f"{self.name}@{self.version}"

    def line_of(self, use: Mapping[str, str]) -> str:
        """The id of the line that takes a use; "" if none does."""
        return next((one.id for one in self.lines if one.takes(use)), "")


# ---- loading

def load_tariff(text: str, name: str = "<tariff>") -> Tariff:
    """Read and prove a tariff. Raises TariffError with every problem, one `file:line: what is wrong` a line."""
    try:
        tariff = _tariff(load(text, name), text)
    except DataError as error:
        raise TariffError(str(error)) from error
    if found := sorted(set(problems(tariff))):
        raise TariffError("\n".join(f"{name}:{line}: {what}" for line, what in found))
    return tariff


def _tariff(root: Node, text: str) -> Tariff:
    top = root.fields(("tariff", "version", "title", "status", "jurisdiction", "currency", "rounding", "sources", "lines",
                       "examples"), ("given", "in_force"))
    sources = {key: Source(**{k: n.text() for k, n in node.fields(("cite",), ("url", "checked")).items()})
               for key, node in top["sources"].pairs().items()}
    given = {key: _given(node) for key, node in top["given"].pairs().items()} if "given" in top else {}
    currency = top["currency"].text()
    if not money.CURRENCY.fullmatch(currency):
        top["currency"].error(f"'{currency}' is no currency; three letters are wanted, like EUR (ISO 4217)")
    lines: dict[str, Line] = {}
    for node in top["lines"].items():
        one = _line(node, sources, given)
        if one.id in lines:
            node.error(f"'{one.id}' stands twice")
        lines[one.id] = one
    return Tariff(
        top["tariff"].text(), top["version"].text(), top["title"].text(), top["status"].word(STATUSES),
        top["jurisdiction"].text(),
        {k: n.text() for k, n in top["in_force"].fields((), ("from", "until")).items()} if "in_force" in top else {},
        currency, top["rounding"].word(ROUNDING), sources, given, tuple(lines.values()),
        tuple(_example(node, given) for node in top["examples"].items()),
        "sha256:" + hashlib.sha256(text.encode()).hexdigest(), root.file)


def _given(node: Node) -> Given:
    row = node.fields(("what",), ("default",))
    return Given(row["what"].text(), number(row["default"]) if "default" in row else None, node.line)


def number(node: Node) -> Fraction:
    """A decimal number that is not negative."""
    try:
        value = Fraction(money.decimal(node.text()))
    except ValueError as error:
        node.error(str(error))
    if value < 0:
        node.error("a number less than nothing is not used here")
    return value


def _line(node: Node, sources: Mapping[str, Source], given: Mapping[str, Given]) -> Line:
    row = node.fields(("id", "charge", "split", "because"), ("when",))
    when: dict[str, frozenset[str]] = {}
    for key, value in (row["when"].fields((), CONDITIONS) if "when" in row else {}).items():
        words = CONDITIONS[key]
        when[key] = frozenset(n.text() if words is None else n.word(words) for n in value.each())
        if not when[key]:
            value.error("nothing is asked for here")
    split = tuple(_step(n, given) for n in row["split"].items())
    if not split or split[-1].by not in LEAVES:
        row["split"].error(f"a split ends by one of {', '.join(LEAVES)}")
    for n, step in zip(row["split"].items(), split, strict=True):
        if step.by in LEAVES and step is not split[-1]:
            n.error(f"what is split by {step.by} cannot be split again")
    if split[-1].by == "quantity" and len(when.get("unit", ())) != 1:
        node.error("what is split by quantity is counted in one unit; name it under when: {unit: token}")
    return Line(row["id"].text(), when, _expression(row["charge"], given), split, row["because"].word(sources), node.line)


def _step(node: Node, given: Mapping[str, Given]) -> Step:
    row = node.fields(("by",), ("shares",))
    by = row["by"].word((*LEAVES, *GROUPS))
    if (by in GROUPS) != ("shares" in row):
        node.error(f"by {by} has {'no shares' if by in LEAVES else 'to say the shares: {name: share}'}")
    shares = {name: _expression(n, given) for name, n in row["shares"].pairs().items()} if "shares" in row else {}
    fixed = [value[1] for value in shares.values() if value[0] == "number"]
    if shares and len(fixed) == len(shares) and sum(fixed) != 1:
        node.error(f"the shares add up to {float(sum(fixed)):g}, not to 1")
    return Step(by, shares)


def _expression(node: Node, given: Mapping[str, Given], depth: int = 0) -> Expression:
    """A number, {given}, {count}, {quantity}, {stated}, {share, of}, {price, each, of}, or sum, times, ... of a list."""
    if depth > DEEPEST:
        node.error(f"this is nested more than {DEEPEST} deep")
    try:
        pairs = node.pairs()
    except DataError:
        return "number", number(node)
    match sorted(pairs):
        case ["given"]:
            return "given", pairs["given"].word(given)
        case ["count"]:
            return "count", pairs["count"].word(COUNTS)
        case ["quantity"]:
            return "quantity", pairs["quantity"].word(entry.UNITS)
        case ["stated"]:
            return "stated", pairs["stated"].word(("amount",))
        case ["of", "share"]:
            return "times", (_expression(pairs["share"], given, depth + 1), _expression(pairs["of"], given, depth + 1))
        case ["each", "of", "price"]:
            each = number(pairs["each"])
            if not each:
                pairs["each"].error("each 0 is no price")
            return "times", (_expression(pairs["price"], given, depth + 1), _expression(pairs["of"], given, depth + 1),
                             ("number", 1 / each))
        case [("sum" | "times" | "largest" | "smallest") as word]:
            parts = tuple(_expression(n, given, depth + 1) for n in pairs[word].items())
            if parts:
                return word, parts
    return node.error("a charge is a number, {given: name}, {count: work}, {quantity: token}, {stated: amount}, "
                      "{share: x, of: y}, {price: x, each: 1000, of: y}, or sum, times, largest or smallest of a list of these")


def _example(node: Node, given: Mapping[str, Given]) -> Example:
    row = node.fields(("name", "uses", "owed"), ("given", "rounding"))
    uses = tuple({**USE, **{k: n.text() for k, n in use.fields(("work", "use_type"), USE).items()}}
                 for use in row["uses"].items())
    for use, n in zip(uses, row["uses"].items(), strict=True):
        for key, words in CONDITIONS.items():
            if words is not None and use[key] not in words:
                n.error(f"'{use[key]}' is none of {', '.join(words)}")
        for key in ("quantity", "stated"):
            if key in n.pairs():
                number(n.pairs()[key])
    return Example(
        row["name"].text(), {k: number(n) for k, n in row["given"].fields((), given).items()} if "given" in row else {}, uses,
        {k: money.written(_signed(n)) for k, n in row["owed"].pairs().items()},
        Fraction(_signed(row["rounding"])) if "rounding" in row else Fraction(0), node.line)


def _signed(node: Node) -> Decimal:
    try:
        return money.decimal(node.text())
    except ValueError as error:
        node.error(str(error))


def spelled(one: Expression) -> str:
    """A charge for a person."""
    match one:
        case "number", Fraction() as value:
            return money.exactly(value)
        case ("given" | "stated"), str(name):
            return name
        case ("count" | "quantity") as word, str(name):
            return f"number of {name}s" if word == "count" else f"{name}s"
        case word, parts:
            inner = [spelled(part) for part in parts]
            return " x ".join(inner) if word == "times" else f"{word} of ({', '.join(inner)})"
    raise AssertionError(one)


# ---- the proof

def problems(tariff: Tariff) -> Iterator[tuple[int, str]]:
    """(line, what is wrong)."""
    named = {name for line in tariff.lines
             for name in _named((line.charge, *(s for step in line.split for s in step.shares.values())))}
    for name, one in tariff.given.items():
        if name not in named:
            yield one.line, f"'{name}' is given and no charge uses it"
    live = {tariff.line_of(use) for use in _domain(tariff)}
    for line in tariff.lines:
        if line.id not in live:
            yield line.line, f"line {line.id} can never apply: lines above it take all that it asks"
    exampled: set[str] = set()
    for example in tariff.examples:
        exampled |= {tariff.line_of(use) for use in example.uses}
        if wrong := compare(tariff, example):
            yield example.line, f"example '{example.name}': {wrong}"
    for line in tariff.lines:
        if line.id not in exampled:
            yield line.line, f"line {line.id} has no example"


def _named(expressions: tuple[Expression, ...]) -> Iterator[str]:
    for one in expressions:
        if one[0] == "given":
            yield one[1]
        elif isinstance(one[1], tuple):
            yield from _named(one[1])


def _domain(tariff: Tariff) -> Iterator[dict[str, str]]:
    """Every use that lines can tell apart; a word that none of them names stands for all others."""
    words = {key: sorted({"", *(known or ()), *(w for line in tariff.lines for w in line.when.get(key, ()))})
             for key, known in CONDITIONS.items() if any(key in line.when for line in tariff.lines)}
    for values in product(*words.values()):
        yield {**dict.fromkeys(CONDITIONS, ""), **dict(zip(words, values, strict=True))}


def compare(tariff: Tariff, example: Example) -> str:
    """What comes out of an example, where it is not what is written; "" otherwise."""
    from .settle import SettleError, cells_of, settle
    try:
        settled = settle(tariff, cells_of(tariff, example.uses), example.given)
    except SettleError as error:
        return str(error)
    owed: dict[str, int] = {}
    for share in settled.shares:
        owed[share.cell.holder] = owed.get(share.cell.holder, 0) + share.units
    made = {holder: money.major(units, tariff.currency) for holder, units in sorted(owed.items()) if units}
    rounding = sum((one.rounding for one in settled.lines), Fraction(0))
    if {k: Fraction(v) for k, v in made.items()} != {k: Fraction(v) for k, v in example.owed.items() if Fraction(v)}:
        return f"owed is {_pairs(made)}, where {_pairs(dict(example.owed))} is written"
    if rounding != example.rounding:
        return f"rounding the charges adds {money.exactly(rounding)}, where {money.exactly(example.rounding)} is written"
    return ""


def _pairs(amounts: Mapping[str, str]) -> str:
    return ", ".join(f"{k}: {v}" for k, v in amounts.items()) or "nothing"


# ---- those that come with maymine

def names() -> tuple[str, ...]:
    from importlib.resources import files
    return tuple(sorted(f.name.removesuffix(".yaml") for f in files(__package__).joinpath("tariffs").iterdir()
                        if f.name.endswith(".yaml")))


def shipped(name: str) -> Tariff:
    """Raises KeyError, TariffError."""
    from importlib.resources import files
    if name not in names():
        raise KeyError(name)
    return load_tariff(files(__package__).joinpath("tariffs", f"{name}.yaml").read_text("utf-8"), f"{name}.yaml")
