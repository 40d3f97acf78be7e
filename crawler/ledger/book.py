"""The ledger on disk: segments of entries, one line each, and a seal that names the end of the chain.

    LEDGER/000001.jsonl          entries, each linked to the one before (entry.py)
           ledger.json           the seal: entries, head, segments with their sizes, and how far each source was posted
           torn.txt              what was cut: the beginning of an entry that a kill left behind

**Facts**
- Only whole lines at the end are ever added, by one process at a time (the lock of run.py). A seal is put in place whole, after
  what it names was synced to the disk (fsync(2)).
- INVARIANT: a killed post leaves a valid chain. Lines that came after the last seal are checked and kept when the ledger is
  opened for writing again; the beginning of a line without its LF (or with NULs, as a file has them whose bytes were lost with
  the power) is cut, kept in torn.txt and told. What it stood for is posted by the same command, which goes on after the last
  row of its source that is in the ledger.
- A chain shows what was changed inside it. That its end was cut off, or that all of it was written anew, shows against a head
  that somebody noted elsewhere: `verify --head`.
"""
from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..archive import warc
from ..run import locked, replace
from . import entry
from .entry import FIRST, JSON, SCHEMA, EntryError

SEAL, TORN = "ledger.json", "torn.txt"
OURS = (SEAL, SEAL + ".new", TORN)
SEGMENT = re.compile(r"\d{6}\.jsonl")
SEGMENT_BYTES = 64 << 20
BUFFER_BYTES = 1 << 20               # handed to the system at once
MORE = "'maymine ledger verify' says more"
BROKEN = f"nothing is added to a ledger that does not hold together; {MORE}"


Line = tuple[bytes, str, JSON | None]            # its text, its hash, its source


class LedgerError(Exception):
    """The ledger cannot be used as it was asked for. The message is for a person."""


@dataclass(slots=True)
class Seal:
    entries: int = 0
    head: str = FIRST
    segments: list[JSON] = field(default_factory=list)       # {file, entries, bytes, head}
    sources: dict[str, int] = field(default_factory=dict)    # digest -> last row that was posted

    def value(self) -> JSON:
        return {"schema": SCHEMA, "entries": self.entries, "head": self.head, "segments": self.segments,
                "sources": self.sources}


class Book:
    """A ledger that is being written."""

    def __init__(self, folder: Path, seal: Seal):
        self.folder, self.seal = folder, seal
        self.cut = b""                               # what of a torn line was cut when it was opened
        self.found = 0                               # whole entries that came after the last seal
        self._file = -1
        self._bytes = 0

    def append(self, entries: Iterable[JSON], whole: bool = False) -> int:
        """Post entries; how many. What was posted before an exception stays, unless they are posted `whole`, as are few that
        belong together. Raises OSError, and what `entries` raises."""
        before, head = self.seal.entries, self.seal.head
        made, size = list[Line](), 0                 # a line is in it with all that belongs to it: Ctrl-C may come anywhere
        try:
            for one in entries:
                text, head = entry.line(one, head)
                made.append((text, head, one.get("source")))
                size += len(text) + 1
                if size >= BUFFER_BYTES and not whole:
                    full, made, size = made, [], 0
                    self._write(full)
        except BaseException:
            if not whole:
                self._write(made)
            raise
        self._write(made)
        return self.seal.entries - before

    def _write(self, made: list[Line]) -> None:
        """Lines that belong together; all of them, or OSError and none."""
        if not made:
            return
        if self._file < 0:
            self._begin()
        data, head = b"\n".join(text for text, _, _ in made) + b"\n", made[-1][1]
        warc.append(self._file, data, self._bytes)
        self._bytes += len(data)
        segment = self.seal.segments[-1]
        segment |= {"entries": segment["entries"] + len(made), "bytes": self._bytes, "head": head}
        self.seal.entries += len(made)
        self.seal.head = head
        self.seal.sources.update((source["digest"], source["row"]) for _, _, source in made if source)
        if self._bytes >= SEGMENT_BYTES:
            self.sync()

    def _begin(self) -> None:
        """Go on in the last segment, or begin another."""
        last = self.seal.segments[-1] if self.seal.segments else None
        if last is None or last["bytes"] >= SEGMENT_BYTES:
            last = {"file": f"{len(self.seal.segments) + 1:06}.jsonl", "entries": 0, "bytes": 0, "head": self.seal.head}
            self.seal.segments.append(last)
        self._file = os.open(self.folder / last["file"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        self._bytes = last["bytes"]

    def sync(self) -> None:
        """To the disk, and sealed."""
        if self._file >= 0:
            os.fsync(self._file)
            os.close(self._file)
            self._file = -1
            _sync_folder(self.folder)
        replace(self.folder / SEAL, (json.dumps(self.seal.value(), indent=1, ensure_ascii=False) + "\n").encode())


@contextmanager
def opened(folder: Path) -> Iterator[Book]:
    """Begin a ledger, or take up one that is there, which is made whole first. Raises LedgerError, RunError, OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder):
        others = sorted(name for name in os.listdir(folder) if not SEGMENT.fullmatch(name) and name not in OURS)
        if others and not (folder / SEAL).exists():
            raise LedgerError(f"{folder} holds other things ({others[0]}); name a folder that is empty or new")
        book = Book(folder, read_seal(folder))
        _take_up(book)
        try:
            yield book
        finally:
            book.sync()


def read_seal(folder: Path) -> Seal:
    """The seal of a ledger; an empty one where none was made yet. Raises LedgerError."""
    path = folder / SEAL
    try:
        told: dict[str, Any] = json.loads(path.read_bytes())
        if told["schema"] != SCHEMA:
            raise LedgerError(f"{path}: schema {told['schema']} is not {SCHEMA}")
        return Seal(int(told["entries"]), str(told["head"]), [
            {"file": str(s["file"]), "entries": int(s["entries"]), "bytes": int(s["bytes"]), "head": str(s["head"])}
            for s in told["segments"]], {str(k): int(v) for k, v in told["sources"].items()})
    except FileNotFoundError:
        return Seal()
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise LedgerError(f"{path} cannot be read: {error}") from error


def is_ledger(folder: Path) -> None:
    """Raises LedgerError where there is none."""
    if not (folder / SEAL).exists() and not segments(folder):
        raise LedgerError(f"{folder} is no ledger: there is no {SEAL}. 'maymine ledger post' makes one")


def segments(folder: Path) -> list[Path]:
    return sorted(p for p in folder.glob("*.jsonl") if SEGMENT.fullmatch(p.name))


def lines(folder: Path) -> Iterator[tuple[Path, int, bytes]]:
    """(segment, number of the line, the line without LF) of every whole entry. Raises OSError."""
    for path in segments(folder):
        with path.open("rb") as file:
            for n, text in enumerate(file, 1):
                if text.endswith(b"\n"):
                    yield path, n, text[:-1]


# ---- after a kill

def _take_up(book: Book) -> None:
    """What came after the last seal: whole entries are kept, the beginning of one is cut. Raises LedgerError, OSError."""
    seal, sealed = book.seal, {s["file"]: s for s in book.seal.segments}
    for path in segments(book.folder):
        if path.name not in sealed:
            if path.name != f"{len(seal.segments) + 1:06}.jsonl":
                raise LedgerError(f"{path}: the segment before it is missing")
            seal.segments.append({"file": path.name, "entries": 0, "bytes": 0, "head": seal.head})
    for n, segment in enumerate(seal.segments):
        path = book.folder / segment["file"]
        size = path.stat().st_size if path.exists() else 0
        if size < segment["bytes"]:
            raise LedgerError(f"{path}: {segment['bytes'] - size} bytes that were sealed are gone; {MORE}")
        if size > segment["bytes"]:
            if n < len(seal.segments) - 1 and seal.segments[n + 1]["bytes"]:
                raise LedgerError(f"{path} was added to after the next segment was begun; {MORE}")
            _tail(book, path, segment)
    if book.found or book.cut:
        book.sync()


def _tail(book: Book, path: Path, segment: JSON) -> None:
    seal = book.seal
    with path.open("r+b") as file:
        file.seek(segment["bytes"])
        for text in file:
            if not text.endswith(b"\n") or b"\0" in text:
                break
            try:
                _, prev, digest = entry.links(text[:-1])
                one = entry.read(text[:-1])
            except EntryError as error:
                raise LedgerError(f"{path}, entry {segment['entries'] + 1}: {error}; {BROKEN}") from error
            if prev != seal.head or one["entry_id"] != entry.id_of(digest):
                raise LedgerError(f"{path}, entry {segment['entries'] + 1} does not follow the one before; {BROKEN}")
            segment |= {"entries": segment["entries"] + 1, "bytes": segment["bytes"] + len(text), "head": digest}
            seal.entries, seal.head = seal.entries + 1, digest
            book.found += 1
            if isinstance(told := one.get("source"), dict):
                seal.sources[told["digest"]] = told["row"]
        file.seek(segment["bytes"])
        if torn := file.read():
            with (book.folder / TORN).open("ab") as kept:
                kept.write(b"%s at byte %d: %s\n" % (path.name.encode(), segment["bytes"], torn.replace(b"\0", b"")))
                kept.flush()
                os.fsync(kept.fileno())
            file.truncate(segment["bytes"])
            file.flush()
            os.fsync(file.fileno())
            book.cut += torn


def _sync_folder(folder: Path) -> None:
    """The names of new files, too."""
    if os.name != "posix":
        return
    file = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
