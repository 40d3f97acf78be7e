"""Write a tag into files: planned, written beside, read back, compared, put in place at once, and to be undone.

**Facts**
- rename(2): a name leads to the old file or to the new one, never to a part (POSIX.1-2017, rename).
- C2PA 2.2, 18.5: a manifest holds a digest of the file; any write makes it invalid, so signed files are left alone.
- OURS: the entry of the undo list is on the disk before the file is put in place; an entry whose file is still the old one
  has nothing to undo.
- OURS: what another writer left in a folder when it was killed is taken away; a writer that lives holds a lock on its file.
"""
from __future__ import annotations

import base64
import fcntl
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from rules import Asker, Asset, Carrier, Evidence, Fault, Statement, find
from rules.containers import kind, parts
from rules.model import Access
from rules.signals import SIGNALS, xmp

from . import gif, jpeg, packet, pdf, pixels, png, tiff, webp
from .files import FILE_BYTES, NEW, TEMPORARY, is_temporary, read
from .splice import NotWritten, Splice, spliced, undoing
from .values import WORDS, Tag

WRITERS: dict[str, Callable[[bytes, jpeg.Edit], list[Splice]]] = {
    "jpeg": jpeg.splices, "png": png.splices, "webp": webp.splices, "tiff": tiff.splices, "gif": gif.splices}
PDF = "pdf"
KINDS = (*WRITERS, PDF)
READER = Asker("maymine")


@dataclass(frozen=True, slots=True)
class Change:
    """What is to be done to one file."""
    path: Path
    kind: str
    said: tuple[str, ...]            # Data Mining as it stands there, in our words where it is one of the nine
    splices: tuple[Splice, ...]      # none: it says so already
    before: str                      # SHA-256, hexadecimal
    after: str
    expected: frozenset[tuple[str, ...]]     # what our own reader must find afterwards


def plan(path: Path, tag: Tag, *, break_signature: bool = False) -> Change | None:
    """What a tag changes in a file; None for what is no file of media. Raises NotWritten, OSError."""
    path = path.resolve()
    body = read(path)
    name = kind(body)
    if not name:
        return None
    if name not in KINDS:
        raise NotWritten(f"{name} files are not written here; exiftool writes many of them")
    if len(body) > FILE_BYTES:
        raise NotWritten(f"it is longer than {FILE_BYTES >> 20} MiB")
    if not break_signature:
        _refuse_signed(body)
    edit = partial(packet.edited, tag=tag, pdf=name == PDF)
    splices = pdf.splices(body, edit, break_signature=break_signature) if name == PDF else WRITERS[name](body, edit)
    said = tuple(dict.fromkeys(WORDS.get(value, value) for value in mining(body)))
    expected = _mining(packet.edited([], tag)[0])
    after = spliced(body, splices)
    return Change(path, name, said, tuple(splices), _digest(body), _digest(after), expected)


def mining(body: bytes) -> Iterator[str]:
    """Each value of Data Mining that stands in a file, as written."""
    for held in xmp.packets(body):
        yield from held.values("DataMining")


def _refuse_signed(body: bytes) -> None:
    if parts(body).jumbf:
        raise NotWritten("it is signed by C2PA, and writing would make the signature invalid; tag first, sign last")
    if xmp.provenance(body):
        raise NotWritten("it names a C2PA manifest elsewhere, which writing would make invalid; tag first, sign last")


def _mining(body: bytes) -> frozenset[tuple[str, ...]]:
    """What our own readers find of Data Mining in a file."""
    return frozenset((f.use.value, f.preference.value, f.form.value) for f in _find(body)
                     if isinstance(f, Statement) and SIGNALS[f.signal].protocol == "plus")


def _find(body: bytes) -> tuple[Any, ...]:
    return find((Evidence(Carrier.BODY, "file:", None, Access.OBTAINED, body),), Asset("file:"), READER)


def _digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


# ---- writing

def write(change: Change, undo: UndoList) -> bool | None:
    """Put the new file in place. Whether its pixels were compared: None where they could not be. Raises NotWritten, OSError."""
    body = read(change.path)
    if _digest(body) != change.before:
        raise NotWritten("it was changed while it was looked at")
    compared: list[bool | None] = []

    def check(new: bytes) -> None:
        compared.append(_check(body, new, change))

    with _beside(change.path, spliced(body, change.splices), check) as put:
        undo.add(change)
        put()
    return compared[0]


def _check(before: bytes, after: bytes, change: Change) -> bool | None:
    """The new file, as it came from the disk, against the old. Raises NotWritten."""
    if _digest(after) != change.after or spliced(after, undoing(change.splices)) != before:
        raise NotWritten("what was written did not come back from the disk")
    if _mining(after) != change.expected:
        raise NotWritten("another place in it says something else about mining, which is not written here")
    if new := {f for f in _find(after) if isinstance(f, Fault)} - {f for f in _find(before) if isinstance(f, Fault)}:
        raise NotWritten(f"our own reader takes the new file for damaged: {next(iter(new)).detail}")
    same = pixels.same(before, after)
    if same is False:
        raise NotWritten("its pixels would not be the same")
    return same


@contextmanager
def _beside(path: Path, new: bytes, check: Callable[[bytes], object]) -> Iterator[Callable[[], None]]:
    """A new file beside the old one, on the disk and checked; what is given puts it in the place of the old one."""
    sweep(path.parent)
    was = path.stat()
    file, name = tempfile.mkstemp(NEW, TEMPORARY, path.parent)
    try:
        with open(file, "r+b") as opened:
            fcntl.flock(file, fcntl.LOCK_EX)
            opened.write(new)
            opened.flush()
            opened.seek(0)
            check(opened.read())
            shutil.copystat(path, name)
            now = os.fstat(file)
            if (now.st_uid, now.st_gid) != (was.st_uid, was.st_gid):
                os.chown(file, was.st_uid, was.st_gid)
                os.chmod(file, was.st_mode & 0o7777)
            os.fsync(file)

            def put() -> None:
                seen = path.stat()
                if (seen.st_ino, seen.st_size, seen.st_mtime_ns) != (was.st_ino, was.st_size, was.st_mtime_ns):
                    raise NotWritten("it was changed while it was written")
                os.replace(name, path)
                _sync_folder(path.parent)
            yield put
    finally:
        with suppress(FileNotFoundError):
            os.unlink(name)


def sweep(folder: Path) -> None:
    """Take away what killed writers left in a folder."""
    for name in filter(is_temporary, os.listdir(folder)):
        with suppress(OSError):
            file = os.open(folder / name, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                os.unlink(folder / name)
            finally:
                os.close(file)


def _sync_folder(folder: Path) -> None:
    file = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(file)
    finally:
        os.close(file)


# ---- undoing

class UndoList:
    """A JSON line a file: {file, before, after, splices: [[at, length, base64 of what was there]]}; made with the first."""

    def __init__(self, path: Path):
        self.path = path
        self._file = -1

    def add(self, change: Change) -> None:
        """When this returns, the line is on the disk. Raises OSError; FileExistsError where the list is there already."""
        if self._file < 0:
            self._file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o644)
            _sync_folder(self.path.resolve().parent)
        splices = [[s.at, len(s.old), base64.b64encode(s.new).decode()] for s in undoing(change.splices)]
        line = {"file": str(change.path), "before": change.before, "after": change.after, "splices": splices}
        data = json.dumps(line).encode() + b"\n"
        while data:
            data = data[os.write(self._file, data):]
        os.fsync(self._file)

    def close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of an undo list."""
    path: Path
    before: str
    after: str
    splices: tuple[tuple[int, int, bytes], ...]


def entries(path: Path) -> list[Entry]:
    """The lines of an undo list; the last first, as a file may stand there twice. Raises OSError, NotWritten."""
    out: list[Entry] = []
    for number, line in enumerate(path.read_bytes().split(b"\n"), 1):
        if not line:
            continue
        try:
            out.append(_entry(json.loads(line)))
        except (ValueError, KeyError, TypeError, RecursionError):
            raise NotWritten(f"line {number} is no entry of an undo list") from None
    return out[::-1]


def _entry(line: Any) -> Entry:
    splices = tuple((_number(at), _number(length), base64.b64decode(old, validate=True)) for at, length, old in line["splices"])
    return Entry(Path(_word(line["file"])), _word(line["before"]), _word(line["after"]), splices)


def _number(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise ValueError
    return value


def _word(value: Any) -> str:
    if not isinstance(value, str) or "\0" in value:
        raise ValueError
    return value


def restore(entry: Entry) -> bool:
    """Put the old file back, to the byte; False where it is there already. Raises NotWritten, OSError."""
    body = entry.path.read_bytes() if entry.path.stat().st_size <= 2 * FILE_BYTES else b""
    if _digest(body) == entry.before:
        return False
    if _digest(body) != entry.after:
        raise NotWritten("it was changed since, so nothing is undone; take the old file from a copy of yours, or tag it anew")
    try:
        old = spliced(body, [Splice(at, body[at:at + length], was) for at, length, was in entry.splices])
    except ValueError:
        old = b""
    if _digest(old) != entry.before:
        raise NotWritten("the undo list does not lead back to the file that it names")

    def check(new: bytes) -> None:
        if new != old:
            raise NotWritten("what was written did not come back from the disk")

    with _beside(entry.path, old, check) as put:
        put()
    return True
