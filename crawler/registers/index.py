"""A register compiled once: an index on disk that answers for one asset among millions of entries, without loading them.

    CACHE/registers/<SHA-256 of the file>-<format>-<VERSION>/
        about.json       counts, digest, what kinds of match there are; written last
        entries.jsonl    every entry, one line each, in the order of the file
        keys.u64         64 bits for each entry, sorted; places.u64: where its line begins, in the same order
        heads.u64        where the keys that begin with the same 16 bits begin, so that few of the others are touched
        authorities.u64  64 bits for each authority that entries by address are about, sorted
        until.i64        for entries that end: the second, and where the line begins; from.i64: for those that begin
        problems.jsonl   every row that is none, and what is odd about others: {line, sort, why, said}

**Facts**
- The same bytes give the same index, so a file is compiled again only when its digest has changed.
- The numbers are mapped, and lines are read where they stand: memory stays flat whatever the register holds.
- Two values may share a key; so the value in the line is compared before an entry counts.
INVARIANT: rows = entries + malformed rows; every one of the latter is in problems.jsonl. None is lost.
"""
from __future__ import annotations

import hashlib
import json
import mmap
import os
import shutil
import sys
import tempfile
from array import array
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from math import inf
from pathlib import Path
from typing import Any
from weakref import finalize

import pyarrow as pa
import pyarrow.compute as pc

from ..terminal import counted
from . import places, reading
from .entries import COLUMNS, Checker, EntryError, may_restrict, moment
from .reading import Bad, RegisterError

VERSION = f"2{sys.byteorder[0]}"
HEADS, SHIFT = 1 << 16, 48
AUTHORITY = "authority"
LINE_BYTES = 512                     # of an entry that are read at once; most have fewer
TICK_ROWS = 100_000
TOLD = 10                            # problems that a refusal names
MALFORMED, DUPLICATE, OVERLAP, NO_USE = "malformed", "duplicate", "overlap", "no-use"

Tick = Callable[[int], None]


def unwatched(rows: int) -> None:
    """Nobody watches how far it is."""


def cache() -> Path:
    """Where indexes are kept: MAYMINE_CACHE, or the user's cache folder (XDG Base Directory Specification)."""
    told = os.environ.get("MAYMINE_CACHE") or os.environ.get("XDG_CACHE_HOME")
    base = Path(told) if told else Path.home() / ".cache"
    return base / "registers" if os.environ.get("MAYMINE_CACHE") else base / "maymine" / "registers"


class Index:
    """One compiled register, open. Raises RegisterError where its folder is broken."""

    def __init__(self, folder: Path):
        self.folder = folder
        try:
            self.about: Mapping[str, Any] = json.loads((folder / "about.json").read_bytes())
            self._keys, self._places = (_mapped(folder / name).cast("Q") for name in ("keys.u64", "places.u64"))
            self._heads = array("Q", (folder / "heads.u64").read_bytes())
            self._file = os.open(folder / "entries.jsonl", os.O_RDONLY | getattr(os, "O_BINARY", 0))
            finalize(self, os.close, self._file)
        except (OSError, ValueError, TypeError) as error:
            raise RegisterError(f"the index in {folder} cannot be read, remove it: {error}") from error
        sizes = len(self._keys), len(self._places), len(self._heads), os.fstat(self._file).st_size
        if sizes != (self.about["entries"], self.about["entries"], HEADS + 1, self.about["bytes"]):
            raise RegisterError(f"the index in {folder} is not whole, remove it")
        self.digest: str = self.about["digest"]
        self._authorities = _mapped(folder / "authorities.u64").cast("Q")
        self.matches = frozenset(self.about["matches"])
        self.deepest: int = self.about["deepest"]

    def lines(self, key: int) -> Iterable[bytes]:
        """Lines of entries under a key, in the order of the file; some may be about another value. Read as they are taken."""
        head, keys = key >> SHIFT, self._keys
        end = self._heads[head + 1]
        first = bisect_left(keys, key, self._heads[head], end)
        if first == end or keys[first] != key:
            return ()
        return (self._line(self._places[n]) for n in range(first, bisect_right(keys, key, first, end)))

    def has_addresses(self, authority: str) -> bool:
        """Whether any entry may be about an address of this authority."""
        key, keys = places.key(AUTHORITY, authority), self._authorities
        n = bisect_left(keys, key)
        return n < len(keys) and keys[n] == key

    def _line(self, at: int) -> bytes:
        room = LINE_BYTES
        while (end := (text := self._read(at, room)).find(b"\n")) < 0 and len(text) == room:
            room *= 8
        return text[:end] if end >= 0 else text

    def _read(self, at: int, room: int) -> bytes:
        if hasattr(os, "pread"):
            return os.pread(self._file, room, at)
        os.lseek(self._file, at, os.SEEK_SET)            # Windows
        return os.read(self._file, room)

    def problems(self) -> Iterator[dict[str, Any]]:
        """Every malformed row, duplicate and overlap, in no order."""
        with (self.folder / "problems.jsonl").open(encoding="utf-8") as file:
            yield from map(json.loads, file)

    def out_of_time(self, at_s: int, name: str) -> tuple[int, list[dict[str, Any]]]:
        """How many entries have ended (`until`) or not begun (`from`) at a time, and the first of them."""
        data = _mapped(self.folder / f"{name}.i64").cast("q")
        both = pa.Array.from_buffers(pa.int64(), len(data), [None, pa.py_buffer(data)])
        even = pa.array(range(0, len(data), 2), pa.int64())
        times, wheres = both.take(even), both.take(pc.add(even, 1))
        out = wheres.filter(pc.less(times, at_s) if name == "until" else pc.greater(times, at_s))
        return len(out), [json.loads(self._line(at)) for at in out[:TOLD].to_pylist()]


def index_of(path: Path, tick: Tick = unwatched, into: Path | None = None) -> Index:
    """The index of a register; compiled, unless that was done before. Raises RegisterError, OSError."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    ending = "-".join(path.name.lower().split(".")[-2:] if path.name.lower().endswith(".gz") else [path.suffix[1:].lower()])
    folder = (into or cache()) / f"{digest}-{ending}-{VERSION}"
    if not (folder / "about.json").is_file():
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            made = Path(tempfile.mkdtemp(prefix=".new-", dir=folder.parent))
        except OSError as error:
            raise RegisterError(f"{folder.parent}, where indexes are kept, cannot be written ({error.strerror}); name another "
                                "folder in the environment: MAYMINE_CACHE=FOLDER") from error
        try:
            _compile(path, f"sha256:{digest}", made, tick)
            try:
                made.replace(folder)
            except OSError:
                if not (folder / "about.json").is_file():        # another process was faster
                    raise
        finally:
            shutil.rmtree(made, ignore_errors=True)
    return Index(folder)


def refused(path: Path, index: Index) -> str:
    """Why a register is not used as it is: its malformed rows, with file and line; "" where there are none."""
    bad = [p for p in index.problems() if p["sort"] == MALFORMED]
    if not bad:
        return ""
    unit = reading.unit(path)
    told = [f"{path}:{p['line']}: {p['why']}" for p in sorted(bad, key=lambda p: p["line"])[:TOLD]]
    more = [f"... and {len(bad) - TOLD} more"] if len(bad) > TOLD else []
    total = f"no entries in {path}: {len(bad):,} of {counted(index.about['rows'], 'row')} (the number is their {unit})"
    return "\n".join([*told, *more, total])


class _Out:
    """What is being compiled."""

    def __init__(self, folder: Path):
        self.keys, self.places, self.authorities = array("Q"), array("Q"), array("Q")
        self.times = {"from": array("q"), "until": array("q")}
        self.entries = (folder / "entries.jsonl").open("wb")
        self.problems = (folder / "problems.jsonl").open("w", encoding="utf-8", errors="backslashreplace")
        self.counts: dict[str, Counter[str]] = {"kinds": Counter(), "matches": Counter(), "problems": Counter()}
        self.bytes = self.rows = self.deepest = self.may_restrict = 0

    def problem(self, line: int, sort: str, why: str, said: object = "") -> None:
        self.counts["problems"][sort] += 1
        self.problems.write(json.dumps({"line": line, "sort": sort, "why": why, "said": said}, ensure_ascii=False) + "\n")


def _compile(path: Path, digest: str, folder: Path, tick: Tick) -> None:
    """Raises RegisterError, OSError."""
    out = _Out(folder)
    with out.entries, out.problems:
        _read(path, out, tick)
        keys, wheres = _numbers(out.keys), _numbers(out.places)
        order = pc.sort_indices(keys)
        keys, wheres = keys.take(order), wheres.take(order)
        del order
        out.entries.flush()
        _compare(path, keys, wheres, _mapped(folder / "entries.jsonl"), out)
        _write(folder / "keys.u64", keys)
        _write(folder / "places.u64", wheres)
    known = pc.unique(_numbers(out.authorities))
    _write(folder / "authorities.u64", known.take(pc.sort_indices(known)))
    sorted_keys = _mapped(folder / "keys.u64").cast("Q")
    heads = array("Q", (bisect_left(sorted_keys, head << SHIFT) for head in range(HEADS)))
    heads.append(len(sorted_keys))
    (folder / "heads.u64").write_bytes(heads.tobytes())
    for name, times in out.times.items():
        (folder / f"{name}.i64").write_bytes(times.tobytes())
    about = {"digest": digest, "rows": out.rows, "entries": len(keys), "bytes": out.bytes, "deepest": out.deepest,
             "may_restrict": out.may_restrict, **{name: dict(counter) for name, counter in out.counts.items()}}
    (folder / "about.json").write_text(json.dumps(about, indent=1) + "\n", "utf-8")


def _numbers(values: array[int]) -> pa.Array:
    """The same numbers, in the same memory."""
    return pa.Array.from_buffers(pa.uint64(), len(values), [None, pa.py_buffer(values)])


def _write(path: Path, values: pa.Array) -> None:
    with path.open("wb") as file:
        if len(values):
            file.write(memoryview(values.buffers()[1])[values.offset * 8:(values.offset + len(values)) * 8])


def _read(path: Path, out: _Out, tick: Tick) -> None:
    check = Checker()
    kinds, matches = out.counts["kinds"], out.counts["matches"]
    keys, wheres, write, key = out.keys, out.places, out.entries.write, places.key
    at, last = 0, ""
    for number, row in reading.rows(path):
        out.rows += 1
        if out.rows % TICK_ROWS == 0:
            tick(TICK_ROWS)
        if isinstance(row, Bad):
            _malformed(out, number, row.why, row.said, row.text)
            continue
        try:
            tail, value, text = check.entry(row, number)
        except EntryError as error:
            _malformed(out, number, str(error), row)
            continue
        if tail.grants_nothing:
            out.problem(number, NO_USE, "a licence that names no use grants nothing")
        kinds[tail.kind] += 1
        matches[tail.match] += 1
        word = tail.match
        if word == "url-prefix":
            out.deepest = max(out.deepest, value.count("/") - 2)
        if word in ("url-prefix", "url"):
            value = value.partition("://")[2]
            if (authority := value[:value.index("/")]) != last:
                last = authority
                out.authorities.append(key(AUTHORITY, authority))
        if word == "iscc":
            value = places.instance(value)
        keys.append(key(word, value))
        wheres.append(at)
        for name, moment_ in (("from", tail.since), ("until", tail.until)):
            if moment_ is not None:
                out.times[name].append(int(moment_.timestamp()))
                out.times[name].append(at)
        at += write(text.encode())
    out.bytes = at
    tick(out.rows % TICK_ROWS)


def _malformed(out: _Out, number: int, why: str, said: Any, text: str = "") -> None:
    out.may_restrict += may_restrict(said)
    out.problem(number, MALFORMED, why, text or [word[:reading.CELL_CHARS] for word in said])


def _compare(path: Path, keys: pa.Array, wheres: pa.Array, lines: memoryview, out: _Out) -> None:
    """Entries about the same value: those that say the same, and licences that hold at the same time and differ."""
    if len(keys) < 2:
        return
    same = pc.equal(keys[1:], keys[:-1])
    group: list[int] = []
    for n in pc.indices_nonzero(same).to_pylist():
        if group and group[-1] != n:
            _group(group, wheres, lines, out)
            group = []
        group = group or [n]
        group.append(n + 1)
    if group:
        _group(group, wheres, lines, out)


def _group(group: list[int], wheres: pa.Array, lines: memoryview, out: _Out) -> None:
    first: dict[bytes, int] = {}
    licences: list[tuple[float, float, int, str, int]] = []          # from, until, row, to whom, where its line begins
    for n in group:
        at = wheres[n].as_py()
        line = _line_at(lines, at)
        said, _, row = line.rpartition(b',"entry":"')
        number, mark = int(row[:-2]), hashlib.blake2b(said, digest_size=16).digest()
        if mark in first:
            out.problem(number, DUPLICATE, f"says the same as row {first[mark]}")
            continue
        first[mark] = number
        if line.startswith(b'{"kind":"licence"'):
            entry = json.loads(line)
            since, until = moment(entry.get("from", "")), moment(entry.get("until", ""), ends=True)
            about = f"{entry['value']} {entry.get('asker', '')}"
            licences.append((since.timestamp() if since else -inf, until.timestamp() if until else inf, number, about, at))
    latest: dict[str, tuple[float, int]] = {}
    for since_s, until_s, _, about, at in sorted(licences):
        before = latest.get(about)
        if before and since_s <= before[0]:
            _overlap(json.loads(_line_at(lines, before[1])), json.loads(_line_at(lines, at)), out)
        if not before or until_s > before[0]:
            latest[about] = until_s, at


def _overlap(one: dict[str, Any], other: dict[str, Any], out: _Out) -> None:
    differ = [k for k in COLUMNS if one.get(k) != other.get(k)]
    lines = sorted((int(one["entry"]), int(other["entry"])))
    out.problem(lines[1], OVERLAP, f"a licence for {other['value']} that holds at the same time as that of row {lines[0]}, and "
                                   f"differs in {', '.join(differ)}; both are told")


def _line_at(lines: memoryview, at: int) -> bytes:
    whole: mmap.mmap = lines.obj  # type: ignore[assignment]  # what it was made of
    return whole[at:whole.find(b"\n", at)]


def _mapped(path: Path) -> memoryview:
    """The file as memory; what is not touched is not read. Raises OSError."""
    with path.open("rb") as file:
        return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if os.fstat(file.fileno()).st_size else b"")
