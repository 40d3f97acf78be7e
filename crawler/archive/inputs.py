"""What can be filtered: files, folders, globs and addresses of stores, and what sort of file each is.

**Facts**
- The sort is told by the first bytes, unpacked; a name is asked only where bytes cannot tell (CSV, lists of URLs). So a page
  under the name of an archive is no archive.
- WACZ 1.1.1 (https://specs.webrecorder.net/wacz/1.1.1/): a ZIP with WARC files in `archive/`. Apache Parquet begins with PAR1.
- Data sets of Hugging Face on disk are Arrow streams, `data-00000-of-00001.arrow`.
- OURS: in a folder, files of these sorts are told by their names; what lies beside them (indexes, statistics) is left alone.
"""
from __future__ import annotations

import glob
import os
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

WARC, WACZ, PARQUET, ARROW, JSONL, CSV, URLS, UNKNOWN = "warc", "wacz", "parquet", "arrow", "jsonl", "csv", "urls", "unknown"
PACKED = (".gz", ".zst")
SUFFIXES = {".warc": WARC, ".wacz": WACZ, ".parquet": PARQUET, ".arrow": ARROW, ".jsonl": JSONL, ".ndjson": JSONL, ".csv": CSV,
            ".txt": URLS, ".urls": URLS, ".wet": WARC, ".wat": UNKNOWN}
IN_FOLDERS = (WARC, WACZ, PARQUET, ARROW, JSONL, CSV)
PEEK_BYTES = 4_096


class InputError(ValueError):
    """Nothing can be read from there. The message is for a person."""


@dataclass(frozen=True, slots=True)
class Input:
    """One file. `uri` is an absolute path, or an address with a scheme."""
    uri: str
    size_bytes: int

    @property
    def name(self) -> str:
        return self.uri.rstrip("/").rpartition("/")[2]


def expand(words: Iterable[str]) -> list[Input]:
    """Every file that the words name, in their order, each once; folders and globs in order of name. Raises InputError."""
    found: dict[str, Input] = {}
    for word in words:
        some = list(_remote(word) if "://" in word else _local(word))
        if not some:
            raise InputError(f"{word}: there is nothing to read")
        for one in some:
            found.setdefault(one.uri, one)
    return list(found.values())


def sort_of_name(name: str) -> str:
    """By its suffix, that of a packing taken away."""
    base, suffix = os.path.splitext(name.lower())
    return SUFFIXES.get(os.path.splitext(base)[1] if suffix in PACKED else suffix, UNKNOWN)


def opened(uri: str) -> BinaryIO:
    """The bytes, from any place in them; the caller closes it. Raises OSError, InputError."""
    return cast(BinaryIO, _fsspec().open(uri, "rb").open()) if "://" in uri else open(uri, "rb")


def sort_of(stream: BinaryIO, name: str) -> str:
    """What sort of file it is; UNKNOWN if it is none of ours. Raises OSError."""
    stream.seek(0)
    start = stream.read(PEEK_BYTES)
    stream.seek(0)
    if start.startswith(b"PAR1"):
        return PARQUET
    if start.startswith(b"PK\x03\x04"):
        return WACZ
    if start.startswith((b"ARROW1\x00\x00", b"\xff\xff\xff\xff")):
        return ARROW
    text = unpacked_start(start)
    if text.startswith(b"WARC/"):
        return WARC
    if text.lstrip().startswith(b"{"):
        return JSONL
    named = sort_of_name(name)
    if named == WARC:
        return WARC if start.startswith((b"\x1f\x8b", b"\x28\xb5\x2f\xfd")) or not start else UNKNOWN
    if named in (CSV, URLS) and b"\0" not in text and not text.lstrip().startswith(b"<"):
        return named
    return UNKNOWN


def unpacked_start(start: bytes) -> bytes:
    """The first bytes of what is packed; of what is not, the same."""
    if start.startswith(b"\x1f\x8b"):
        try:
            return zlib.decompressobj(31).decompress(start, PEEK_BYTES)
        except zlib.error:
            return b""
    if start.startswith(b"\x28\xb5\x2f\xfd"):
        from .payload import zstd_start
        return zstd_start(start, PEEK_BYTES)
    return start


def _local(word: str) -> Iterator[Input]:
    path = Path(word)
    if path.is_dir():
        files = sorted(p for p in path.rglob("*") if p.is_file() and sort_of_name(p.name) in IN_FOLDERS
                       and not p.name.startswith(("cache-", ".")))
    elif path.exists():
        files = [path]
    else:
        files = [p for name in sorted(glob.glob(word, recursive=True)) if (p := Path(name)).is_file()]
    for file in files:
        yield Input(os.path.abspath(file), file.stat().st_size)


def _remote(word: str) -> Iterator[Input]:
    fsspec = _fsspec()
    try:
        system, path = fsspec.core.url_to_fs(word)
        names = sorted(system.glob(path)) if any(c in path for c in "*?[") else (
            sorted(system.find(path)) if system.isdir(path) else [path])
        for name in names:
            if len(names) == 1 or sort_of_name(name) in IN_FOLDERS:
                yield Input(system.unstrip_protocol(name), int(system.size(name) or 0))
    except (OSError, ValueError, ImportError) as error:
        raise InputError(f"{word}: {error}") from error


def _fsspec() -> Any:
    try:
        import fsspec
        import fsspec.core
    except ImportError:
        raise InputError("addresses of stores need fsspec: pip install 'maymine[remote]'") from None
    return fsspec


def read_at(uri: str, read: Callable[[BinaryIO], bytes]) -> bytes:
    """What `read` makes of a file, or of one inside a ZIP: "crawl.wacz!archive/data.warc.gz". Raises OSError, InputError."""
    whole, _, name = uri.partition("!")
    with opened(whole) as stream:
        try:
            with member(stream, name) as (inner, _):
                return read(inner)
        except (zipfile.BadZipFile, KeyError) as error:
            raise InputError(f"{uri}: {error}") from error


@contextmanager
def member(stream: BinaryIO, name: str) -> Iterator[tuple[BinaryIO, int]]:
    """A file inside a ZIP, or with no name the file itself, and its size."""
    if name:
        with zipfile.ZipFile(stream) as packed, packed.open(name) as inner:
            yield cast(BinaryIO, inner), packed.getinfo(name).file_size
    else:
        yield stream, stream.seek(0, os.SEEK_END)
