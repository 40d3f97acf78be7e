"""Log files -> requests of crawlers. The lines of people are looked at for a crawler's name, and for nothing else.

**Facts**
- Files may be packed by gzip, bzip2 or Zstandard; the first bytes tell. Rotation cuts files anywhere, so each is told apart
  by itself, and `#Fields:` may come again in the middle.
- OURS: a line longer than LINE_BYTES is passed over and counted; so is one that cannot be read and has no agent.
"""
from __future__ import annotations

import bz2
import glob
import gzip
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from .formats import Format, UnknownFormat, detect, w3c
from .history import host_of
from .naming import Names, named
from .store import Store

BLOCK_BYTES = 1 << 20
LINE_BYTES = 1 << 20
FAILURES = (OSError, EOFError, zlib.error)


class LogError(ValueError):
    """Nothing can be read there. Says what to do."""


@dataclass(slots=True)
class Read:
    """What one file came to."""
    path: str
    format: str = ""
    told: str = ""                   # what was assumed
    lines: int = 0
    not_understood: int = 0
    first_unread: int = 0            # number of the first line that was not understood
    broken: str = ""                 # why it could not be read, or not to its end


def expand(words: Iterable[str]) -> list[Path]:
    """Files, folders and globs, each file once. Raises LogError."""
    found: dict[Path, None] = {}
    for word in words:
        path = Path(word)
        some = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else \
            [path] if path.is_file() else [p for name in sorted(glob.glob(word, recursive=True)) if (p := Path(name)).is_file()]
        if not some:
            raise LogError(f"{word}: there is no such log; name files, a folder, or a glob in quotes like 'access.log*'")
        found.update(dict.fromkeys(some))
    return list(found)


def read(path: Path, number: int, store: Store, names: Names, tick: Callable[[int], None] = lambda n: None) -> Read:
    """Put the requests of crawlers in one file into the store. Raises nothing."""
    done = Read(str(path))
    try:
        with opened(path) as (stream, at):
            _read(stream, done, number, store, names, lambda: tick(at()))
    except UnknownFormat as error:
        done.broken = str(error)
    except FAILURES as error:
        done.broken = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return done


def _read(stream: Any, done: Read, number: int, store: Store, names: Names, tick: Callable[[], None]) -> None:
    form: Format | None = None
    for lines in blocks(stream, done):
        if form is None:
            form = detect(lines)
            done.format, done.told = form.name, form.told
        agent, restarts, count = form.agent, form.name in ("iis", "cloudfront"), done.lines
        for line in lines:
            count += 1
            if restarts and line.startswith(b"#"):
                if line.lower().startswith(b"#fields:"):
                    form = w3c([line])
                    agent = form.agent
                continue
            raw = agent(line)
            if not names[raw] if raw else not line.strip():
                continue
            request = form.read(line)
            if request is None:
                done.not_understood += 1
                done.first_unread = done.first_unread or count
            elif (who := named(request.agent)) is not None:
                store.add(request, host_of(request.host, request.scheme), who.token, number, count)
        done.lines = count
        tick()
    if form is None:
        raise UnknownFormat("there is no line in it")


def blocks(stream: Any, done: Read) -> Iterator[list[bytes]]:
    """Lines without their ends, some thousand at a time. Too long ones come as empty ones and are counted."""
    rest, skipping, first = b"", False, True
    while block := stream.read(BLOCK_BYTES):
        if first:
            block, first = block.removeprefix(b"\xef\xbb\xbf"), False
        *lines, rest = (rest + block).split(b"\n")
        if skipping and lines:
            lines[0], skipping = b"", False
        if skipping:
            rest = b""
        elif len(rest) > LINE_BYTES:
            rest, skipping = b"", True
            done.not_understood += 1
        if lines:
            yield [line.rstrip(b"\r") for line in lines] if lines[0].endswith(b"\r") else lines
    if rest:
        yield [rest.rstrip(b"\r")]


@contextmanager
def opened(path: Path) -> Iterator[tuple[Any, Callable[[], int]]]:
    """The unpacked bytes, and how far the file was read. Raises OSError."""
    with path.open("rb") as file:
        start = file.read(4)
        file.seek(0)
        yield _unpacked(file, start), file.tell


def _unpacked(file: IO[bytes], start: bytes) -> Any:
    if start.startswith(b"\x1f\x8b"):
        return gzip.GzipFile(fileobj=file)
    if start.startswith(b"BZh"):
        return bz2.BZ2File(file)
    if start.startswith(b"\x28\xb5\x2f\xfd"):
        from fastwarc.stream_io import ZstdReader
        return ZstdReader(file)
    return file
