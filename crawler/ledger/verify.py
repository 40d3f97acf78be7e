"""Does a ledger hold together? Every entry, every link, every correction, and the seal.

**Facts**
- An entry whose id is not that of its line was changed (or its link was). A link that does not lead to the line before says
  that that line was changed together with its id, or that lines between were taken out or put in.
- What was cut off at the end, or written anew as a whole, shows against a head that was noted elsewhere.
"""
from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from .. import terminal
from . import book, entry, money
from .entry import FIRST, JSON, EntryError

Sums = dict[tuple[str, str], Decimal]            # (account, unit or currency) -> debits less credits


@dataclass(frozen=True, slots=True)
class Trouble:
    """One thing that is wrong, where, and with which entry."""
    where: str                                       # 000001.jsonl:17
    entry_id: str                                    # as it stands written
    what: str


@dataclass(slots=True)
class Verified:
    entries: int = 0
    head: str = FIRST
    torn_bytes: int = 0                              # of an entry that was not finished; no trouble by itself
    unsealed: int = 0                                # entries after the last seal
    corrected: dict[str, bool] = field(default_factory=dict)     # ids that were taken back
    sums: Sums = field(default_factory=dict)
    sources: dict[str, int] = field(default_factory=dict)        # digest -> last row
    noted: int = 0                                   # the entry whose hash is the head that somebody noted


def verify(folder: Path, into: Verified, noted: str = "", done: Callable[[int], None] = lambda n: None) -> Iterator[Trouble]:
    """Every trouble, in order. `noted`: a head that somebody wrote down earlier. Raises LedgerError, OSError."""
    book.is_ledger(folder)
    seal = book.read_seal(folder)
    at, ids, last = 0, set[bytes](), ("", "")
    heads = {0: (FIRST, "")}
    marks = {seal.entries} | {sum(s["entries"] for s in seal.segments[:n + 1]) for n in range(len(seal.segments))}
    if not noted.startswith(entry.HASH) and noted:
        noted = entry.HASH + noted
    for path, n, text in book.lines(folder):
        at += 1
        where = f"{path.name}:{n}"
        try:
            id_, prev, digest = entry.links(text)
        except EntryError as error:
            yield Trouble(where, "", f"{error}; it was changed")
            into.head, last = "", (where, "")
            continue
        if id_ != entry.id_of(digest):
            yield Trouble(where, id_, "the entry was changed: its id is not that of what stands in it")
        if into.head and prev != into.head:
            yield (Trouble(*last, "the entry was changed together with its id, or entries after it were taken out or put in: "
                           "the next one does not follow it") if last[0] else
                   Trouble(where, id_, "the first entry follows another, which is not there"))
        yield from (Trouble(where, id_, what) for what in _inside(text, ids, into))
        ids.add(id_.encode())
        into.head, last = digest, (where, id_)
        if at in marks:
            heads[at] = digest, where
        if at == seal.entries and into.sources != seal.sources:
            yield Trouble(book.SEAL, "", "how far each source was posted is not what the entries say")
        if digest == noted:
            into.noted = at
        if not at % 10_000:
            done(10_000)
    into.entries = at
    yield from _sealed(folder, seal, heads, into, last)
    yield from (Trouble("", "", f"debits and credits in {unit} differ by {money.written(total)}")
                for unit, total in _totals(into.sums).items() if total)
    if noted and not into.noted and noted != FIRST:
        yield Trouble(*last, f"no entry has the head {noted}: the entries up to there were changed, or cut off")


def _inside(text: bytes, ids: set[bytes], into: Verified) -> Iterator[str]:
    try:
        one = entry.read(text)
    except EntryError as error:
        yield str(error)
        return
    wrong = list(entry.problems(one))
    yield from wrong
    if isinstance(source := one.get("source"), dict) and not wrong:
        if source["row"] <= into.sources.get(source["digest"], 0):
            yield f"row {source['row']} of its source was posted before"
        into.sources[source["digest"]] = max(source["row"], into.sources.get(source["digest"], 0))
    id_, of = str(one.get("entry_id")), one.get("correction_of")
    if id_.encode("utf-8", "replace") in ids:
        yield "the entry stands twice"
    if isinstance(of, str):
        if of.encode("utf-8", "replace") not in ids:
            yield f"it corrects {of}, which does not stand before it"
        if one.get("status") == "void":
            if of in into.corrected:
                yield f"it takes back {of}, which was taken back before"
            into.corrected[of] = True
    if not wrong:
        add(into.sums, one)


def add(sums: Sums, one: JSON) -> None:
    """Both legs of an entry."""
    for unit, value in counted(one):
        for account, sign in ((one["debit"], 1), (one["credit"], -1)):
            key = account, unit
            sums[key] = money.EXACT.add(sums.get(key, Decimal(0)), value if sign > 0 else money.EXACT.minus(value))


def _totals(sums: Sums) -> dict[str, Decimal]:
    """Of all accounts, in each unit and currency: nothing, if debits equal credits."""
    out: dict[str, Decimal] = {}
    for (_, unit), value in sums.items():
        out[unit] = money.EXACT.add(out.get(unit, Decimal(0)), value)
    return out


def counted(one: JSON) -> Iterator[tuple[str, Decimal]]:
    """(unit or currency, how much) that an entry moves."""
    if "quantity" in one:
        value = Decimal(one["quantity"]["value"])
        yield one["quantity"]["unit"], money.EXACT.multiply(value, Decimal(one["weight"])) if "weight" in one else value
    if "amount" in one:
        yield one["currency"], Decimal(one["amount"])


def _sealed(folder: Path, seal: book.Seal, heads: dict[int, tuple[str, str]], into: Verified,
            last: tuple[str, str]) -> Iterator[Trouble]:
    """Whether what was sealed is there, and how it ends."""
    if into.entries < seal.entries:
        yield Trouble(*last, f"gone after it, and sealed: {terminal.counted(seal.entries - into.entries, 'entry', 'entries')}")
    elif seal.entries in heads and heads[seal.entries][0] != seal.head:      # a line that cannot be read was told
        yield Trouble(heads[seal.entries][1], last[1] if seal.entries == into.entries else "",
                      "the entry is not the one that was sealed as the last: it was changed together with its id")
    into.unsealed = max(into.entries - seal.entries, 0)
    sealed = {s["file"]: s["bytes"] for s in seal.segments}
    for path in book.segments(folder):
        size, whole = path.stat().st_size, 0
        with path.open("rb") as file:
            if size:
                file.seek(-1, 2)
                whole = size if file.read(1) == b"\n" else _end(path)
        if whole < size:
            into.torn_bytes += size - whole
            if size <= sealed.get(path.name, 0) or path != book.segments(folder)[-1]:
                yield Trouble(path.name, "", f"the last {size - whole} bytes are no whole entry, and were sealed as one")


def _end(path: Path) -> int:
    """Bytes up to the last LF."""
    return path.read_bytes().rfind(b"\n") + 1
