"""Files of a person, by what is in them: folders are walked, links and devices are not followed.

**Facts**
- A name and its ending are not asked what a file is (rules/containers).
- OURS: of a longer file the first FILE_BYTES are read, and what is said of it then says so.
"""
from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from rules.containers import kind

FILE_BYTES = 512 << 20               # OURS: of one file, held in memory
HEAD_BYTES = 4_096                   # OURS: enough to know what a file is
TEMPORARY, NEW = ".maymine-", ".new"     # around the name of a file that is being written


class NoFile(OSError):
    """What a path leads to is no regular file."""


def walk(paths: Iterable[Path]) -> Iterator[Path]:
    """Every file, once: those named, and those in folders named, by name. Links inside folders are left out."""
    seen: set[Path] = set()
    for path in paths:
        for file in _inside(path) if path.is_dir() else (path,):
            place = file.resolve()
            if place not in seen:
                seen.add(place)
                yield file


def _inside(folder: Path) -> Iterator[Path]:
    for root, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            path = Path(root, name)
            if not path.is_symlink() and path.is_file() and not is_temporary(name):
                yield path


def is_temporary(name: str) -> bool:
    """Whether a writer of ours was killed while it wrote this."""
    return name.startswith(TEMPORARY) and name.endswith(NEW)


def read(path: Path) -> bytes:
    """At most FILE_BYTES + 1 of a file; b"" of one that is no container. Raises OSError."""
    file = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(file, "rb") as opened:
        if not stat.S_ISREG(os.fstat(file).st_mode):
            raise NoFile(0, "it is no file", str(path))
        head = opened.read(HEAD_BYTES)
        return head + opened.read(FILE_BYTES + 1 - len(head)) if kind(head) else b""
