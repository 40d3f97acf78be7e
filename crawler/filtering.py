"""One input -> its records, its subsets, and what there is to say about it; and the files of sites out of many.

**Facts**
- What is written lies under a name of its own until its line is in the ledger (filter_run.py); nothing here puts it in place.
- An input that cannot be read to its end gives what could be read, and is counted. An output that cannot be written ends all.
"""
from __future__ import annotations

import ctypes
import gc
import os
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow.parquet as pq

from rules import Access, Asker, Policy, Use, limits, load_policy

from .archive import deciding, inputs, records, sites, sources, subsets, warc
from .archive.batch import NO_ADDRESS
from .archive.captures import ONLY_TEXT, Capture
from .archive.deciding import Decided, Decider
from .archive.inputs import Input
from .archive.sites import Copies
from .registers.kept import Kept

UNFINISHED = "unfinished"
ROWS_OF_BATCH = 4_096                # pages whose rows are made together
HELD_BYTES = 64 << 20                # of pages that wait for it
ROWS_OF_PART = 200_000               # rows of a Parquet file
TICK_S = 0.5
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3      # malloc.h
KEPT_BYTES = 256 << 20               # of memory that is free
RINGS_AFTER = 10_000                 # objects
TOLD_DAMAGE = 100                    # broken places of an input that are named in the ledger


class ReadError(Exception):
    """An input cannot be read, or not to its end."""


@dataclass(frozen=True, slots=True)
class Task:
    """What is the same for all inputs; goes to every worker."""
    policies: tuple[tuple[str, str], ...]            # text, file
    asker: Asker
    folder: str
    sites: tuple[str, ...] = ()                      # Parquet files of copies
    mapped: str = ""                                 # or all of them in a file for sites.Mapped
    as_of: datetime | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    by: tuple[str, ...] = ()                         # ids of the policies that make up the verdict; none: all
    uses: tuple[Use, ...] = ()
    keep: tuple[str, ...] = ("permitted",)
    kept: str = ""                                   # folders
    dropped: str = ""
    exact: bool = False
    registers: tuple[tuple[str, str, str], ...] = ()     # name, file, index


@dataclass(frozen=True, slots=True)
class Job:
    number: int
    uri: str
    size_bytes: int
    name: str                                        # of its subsets, below their folder
    modified_ns: int = 0                             # 0: not known


@dataclass(slots=True)
class Finished:
    """What became of one input; a line of the ledger."""
    done: int
    pages: int = 0
    no_address: int = 0
    kept: int = 0
    bytes: int = 0
    sort: str = ""
    told: str = ""
    parts: list[dict[str, Any]] = field(default_factory=list)        # {file, rows, bytes, sha256}
    files: list[dict[str, Any]] = field(default_factory=list)        # of evidence: {file, bytes, sha256}
    counts: dict[str, dict[str, dict[str, int]]] = field(default_factory=dict)
    absent: dict[str, int] = field(default_factory=dict)             # carrier -> pages for which it was not collected
    broken: int = 0
    damage: list[str] = field(default_factory=list)
    moves: list[tuple[str, str]] = field(default_factory=list)       # from, to: absolute


def beginning(name: str) -> str:
    """How the names of its unfinished subsets begin."""
    return f".{name.replace('/', '__')}."


Tick = Callable[[int, int], None]                    # bytes, pages so far of this input


class Worker:
    """Filters one input after another; its caches last. `proved`: the policies of the task, by whoever proved them."""

    def __init__(self, task: Task, proved: Sequence[Policy] = ()):
        _keep_memory()
        self._task = task
        self._policies = tuple(proved) or tuple(load_policy(text, file) for text, file in task.policies)
        copies: Any = sites.Mapped(task.mapped) if task.mapped else (c for path in task.sites for c in sites.read(path))
        self._registers = Kept.of_indexes(task.registers, task.as_of) if task.registers else None
        self._decider = Decider(self._policies, task.asker, Copies(copies, task.as_of), task.exact, self._registers)
        self._by, self._uses = frozenset(task.by), frozenset(task.uses)

    def filter(self, job: Job, tick: Tick) -> Finished:
        """Writes into `unfinished`; what belongs where stands in `moves`. Raises OSError if nothing can be written."""
        task = self._task
        made = Finished(job.number, bytes=job.size_bytes)
        work = Path(task.folder) / UNFINISHED / f"{job.number:06}.{os.getpid()}"
        work.mkdir(parents=True)
        kept, dropped = (Path(folder) / f"{beginning(job.name)}{os.getpid()}.unfinished" if folder else None
                         for folder in (task.kept, task.dropped))
        parts = _Parts(work, job.number)
        if self._registers is not None:
            self._registers.begin(work, job.number)
        try:
            with _opened(job.uri) as stream:
                source = sources.Source(stream, job.uri, job.size_bytes, bool(task.kept or task.dropped), given=task.columns,
                                        again=lambda: inputs.opened(job.uri))
                self._read(source, subsets.Files(kept, dropped), parts, made, tick)
        except ReadError as error:
            made.broken += 1
            made.damage.append(str(error)[:limits.DETAIL_CHARS])
        parts.close(self._decider, made)
        made.parts = [{"file": f"records/{path.name}", "rows": rows, **warc.digest_of(path)} for path, rows in parts.files]
        made.moves = [(str(path), str(Path(task.folder) / "records" / path.name)) for path, _ in parts.files]
        if self._registers is not None:
            made.files = self._registers.end()
            made.moves += [(str(work / entry["file"]), str(Path(task.folder) / entry["file"])) for entry in made.files]
        for folder, path in ((task.kept, kept), (task.dropped, dropped)):
            if path is not None and path.exists():
                made.moves.append((str(path), str(Path(folder) / subsets.name_for(made.sort, job.name))))
        return made

    def _read(self, source: sources.Source, files: subsets.Files, parts: _Parts, made: Finished, tick: Tick) -> None:
        """Raises ReadError for an input that cannot be read on; OSError for an output that cannot be written."""
        chunks, subset, last = source.chunks(), None, time.monotonic()
        wanted = bool(files.wanted)
        try:
            while (chunk := _next(chunks)) is not None:
                decided = [self._one(c, made) for c in chunk.captures]
                if wanted:
                    subset = subset or subsets.subset(source, files)
                    said = [self._said(d) for d in decided]
                    keep = [verdict in self._task.keep for verdict, _ in said]
                    made.kept += sum(keep)
                    subset.add(chunk.rows, keep, said)
                pages = [d for d in decided if d is not None]
                made.pages += len(pages)
                parts.add(self._decider, pages, made)
                if (now := time.monotonic()) - last > TICK_S:
                    last = now
                    tick(source.at_bytes, made.pages)
        finally:
            if subset is not None:
                subset.close()                       # what it cannot read again is damage, too
            made.sort, made.told = source.sort, source.told
            made.broken += len(source.damage)
            made.damage += map(str, source.damage[:TOLD_DAMAGE])

    def _one(self, capture: Capture | None, made: Finished) -> Decided | None:
        if capture is None:
            return None
        if not capture.asset.url:
            made.no_address += 1
            return None
        return self._decider.decide(capture)

    def _said(self, decided: Decided | None) -> subsets.Said:
        if decided is None:
            return "undetermined", [NO_ADDRESS]
        return (deciding.verdict(decided.answers, self._policies, self._by, self._uses).value,
                deciding.reasons(decided.answers, self._policies, self._by, self._uses))


class _Parts:
    """Records of one input, in Parquet files of bounded size."""

    def __init__(self, folder: Path, number: int):
        self._folder, self._number = folder, number
        self._waiting: list[Decided] = []
        self._held_bytes = 0
        self._writer: pq.ParquetWriter | None = None
        self._rows = 0
        self.files: list[tuple[Path, int]] = []

    def add(self, decider: Decider, decided: Sequence[Decided], made: Finished) -> None:
        self._waiting += decided
        self._held_bytes += sum([d.held_bytes for d in decided])
        if len(self._waiting) >= ROWS_OF_BATCH or self._held_bytes >= HELD_BYTES:
            self._flush(decider, made)

    def close(self, decider: Decider, made: Finished) -> None:
        self._flush(decider, made)
        self._end()

    def _flush(self, decider: Decider, made: Finished) -> None:
        if not self._waiting:
            return
        table = decider.table(self._waiting)
        _count(made, self._waiting, decider.policies)
        self._waiting, self._held_bytes = [], 0
        if self._writer is None:
            path = self._folder / f"{self._number:06}{len(self.files) + 1:03}.parquet"
            self._writer, self._rows = pq.ParquetWriter(path, records.RECORDS, **records.WRITTEN), 0
            self.files.append((path, 0))
        self._writer.write_table(table)
        self._rows += table.num_rows
        self.files[-1] = self.files[-1][0], self._rows
        if self._rows >= ROWS_OF_PART:
            self._end()

    def _end(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None


def _count(made: Finished, decided: Sequence[Decided], policies: Sequence[Policy]) -> None:
    """Add to policy -> use -> verdict -> number, and to what was not collected."""
    sets = [d.answers for d in decided]
    answers = {id(one): one for one in sets}
    for id_, number in Counter(map(id, sets)).items():
        for policy, answer in zip(policies, answers[id_], strict=True):
            uses = made.counts.setdefault(policy.id, {})
            for use, decision in answer.decisions.items():
                verdicts = uses.setdefault(use.value, {})
                verdicts[decision.verdict.value] = verdicts.get(decision.verdict.value, 0) + number
    for e in (e for d in decided for e in d.evidence if e.access is Access.NOT_COLLECTED or e.detail == ONLY_TEXT):
        made.absent[e.carrier.value] = made.absent.get(e.carrier.value, 0) + 1


def _opened(uri: str) -> BinaryIO:
    """Raises ReadError."""
    try:
        return inputs.opened(uri)
    except sources.FAILURES as error:
        raise ReadError(str(error)) from error


def _keep_memory() -> None:
    """PRACTICE: glibc gives the memory of each large page back to the system and asks for it again at the next, which costs
    more than unpacking it. So it is told to keep what was used (mallopt(3)); other systems have no such function. Python looks
    for rings of objects after every 700 new ones; pages leave none, so it is told to look less often."""
    gc.set_threshold(RINGS_AFTER, *gc.get_threshold()[1:])
    with suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(M_TRIM_THRESHOLD, KEPT_BYTES)
        mallopt(M_MMAP_THRESHOLD, 2 * limits.MEDIA_BYTES)


def _next(chunks: Iterator[sources.Chunk]) -> sources.Chunk | None:
    """Raises ReadError."""
    try:
        return next(chunks, None)
    except sources.FAILURES as error:
        raise ReadError(str(error) or type(error).__name__) from error


# ---- sites

def collect(found: Iterable[Input], tick: Callable[[int], None] = lambda n: None) -> tuple[list[sites.Copy], list[str]]:
    """Every copy of a file of a site in archives, and what could not be read. Tables have none."""
    damage: list[str] = []
    return list(copies_in(found, damage, tick)), damage


def copies_in(found: Iterable[Input], damage: list[str], tick: Callable[[int], None] = lambda n: None) -> Iterator[sites.Copy]:
    """The same, one after another; `damage` fills up meanwhile."""
    for one in found:
        try:
            with inputs.opened(one.uri) as stream:
                sort = inputs.sort_of(stream, one.uri)
                if sort in (inputs.WARC, inputs.WACZ, inputs.ARC):
                    source = sources.Source(stream, one.uri, one.size_bytes, sort=sort, only=sites.place)
                    yield from (copy for chunk in source.chunks() for c in chunk.captures if c and (copy := sites.copy_of(c)))
                    damage += [f"{one.uri}: {d}" for d in source.damage]
                elif sort == inputs.UNKNOWN:
                    damage.append(f"{one.uri}: no archive and no table that is known here")
        except sources.FAILURES as error:
            damage.append(f"{one.uri}: {error}")
        tick(one.size_bytes)
