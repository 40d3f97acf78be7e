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
from typing import BinaryIO

from rules.containers import kind

FILE_BYTES = 512 << 20               # OURS: of one file, held in memory
HEAD_BYTES = 4_096                   # OURS: enough to know what a file is
TEMPORARY, NEW = ".maymine-", ".new"     # around the name of a file that is being written

# Pictures by their first bytes that have no reader here: what they say, nobody knows.
OTHER_PICTURES = (
    (b"BM", "bmp"), (b"\0\0\1\0", "ico"), (b"\0\0\2\0", "cur"), (b"gimp xcf", "xcf"), (b"qoif", "qoi"), (b"DDS ", "dds"),
    (b"\x76\x2f\x31\x01", "exr"), (b"#?RADIANCE", "hdr"), (b"FLIF", "flif"), (b"BPG\xfb", "bpg"), (b"II\xbc\x01", "jpeg-xr"),
    (b"SIMPLE  =", "fits"), *((b"P%d%c" % (n, blank), "netpbm") for n in range(1, 7) for blank in b" \t\n\r"))


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


def other_picture(path: Path) -> str:
    """The kind of a picture that is not looked into here, "" for what is none. Raises OSError."""
    with _opened(path) as opened:
        head = opened.read(HEAD_BYTES)
    whole = head[:2] != b"BM" or (len(head) > 13 and head[6:10] == b"\0\0\0\0")       # two letters alone are a word, too
    return next((name for start, name in OTHER_PICTURES if head.startswith(start) and whole), "")


def read(path: Path) -> bytes:
    """At most FILE_BYTES + 1 of a file; b"" of one that is no container. Raises OSError."""
    with _opened(path) as opened:
        head = opened.read(HEAD_BYTES)
        return head + opened.read(FILE_BYTES + 1 - len(head)) if kind(head) else b""


def _opened(path: Path) -> BinaryIO:
    """A regular file, opened without waiting for anybody. Raises OSError."""
    opened = open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb")  # noqa: SIM115, the caller closes it
    if not stat.S_ISREG(os.fstat(opened.fileno()).st_mode):
        opened.close()
        raise NoFile(0, "it is no file", str(path))
    return opened
