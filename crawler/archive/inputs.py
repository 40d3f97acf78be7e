"""What can be filtered: files, folders, globs and addresses of stores, and what sort of file each is.

**Facts**
- The sort is told by the first bytes, unpacked; a name is asked only where bytes cannot tell (CSV, lists of URLs). So a page
  under the name of an archive is no archive.
- WACZ 1.1.1 (https://specs.webrecorder.net/wacz/1.1.1/): a ZIP with WARC files in `archive/`. Apache Parquet begins with PAR1.
- Data sets of Hugging Face on disk are a folder of Arrow streams, `data-00000-of-00001.arrow`, whose names and order stand in
  state.json; several of them (splits) lie in a folder with dataset_dict.json. `cache-*.arrow` are no part of it.
- img2dataset puts 00000.parquet beside 00000.tar; it has the same rows, without the images.
- OURS: in a folder, files of these sorts are told by their names; what lies beside them (indexes, statistics) is left alone.
  So are runs of maymine that lie in it, and what is written in the same go.
"""
from __future__ import annotations

import glob
import io
import json
import lzma
import os
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO, cast

WARC, WACZ, ARC, TAR, PARQUET, ARROW = "warc", "wacz", "arc", "tar", "parquet", "arrow"
JSONL, CSV, URLS, UNKNOWN = "jsonl", "csv", "urls", "unknown"
PACKED = (".gz", ".zst")
SUFFIXES = {".warc": WARC, ".wacz": WACZ, ".parquet": PARQUET, ".arrow": ARROW, ".jsonl": JSONL, ".ndjson": JSONL, ".csv": CSV,
            ".txt": URLS, ".urls": URLS, ".wet": WARC, ".wat": UNKNOWN, ".arc": ARC, ".tar": TAR}
IN_FOLDERS = (WARC, WACZ, ARC, TAR, PARQUET, ARROW, JSONL, CSV)
TAR_MAGIC = slice(257, 262)          # b"ustar"
PEEK_BYTES = 4_096
BUFFER_BYTES = 1 << 20
STATE = "state.json"                 # of a data set of Hugging Face
UNREADABLE = (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError, zipfile.BadZipFile)       # what a broken file raises
MANIFEST, RUNS = "manifest.json", "maymine/run/"     # of a run, and how the name of its schema begins


class InputError(ValueError):
    """Nothing can be read from there. The message is for a person."""


@dataclass(frozen=True, slots=True)
class Input:
    """One file. `uri` is an absolute path, or an address with a scheme."""
    uri: str
    size_bytes: int
    under: str = ""                  # folder of the data set that it is a part of, with that of the set: "birds/train"
    modified_ns: int = 0             # 0: not known

    @property
    def name(self) -> str:
        return self.uri.rstrip("/").rpartition("/")[2]


def expand(words: Iterable[str], without: Iterable[Path | None] = ()) -> list[Input]:
    """Every file that the words name, in their order, each once; folders and globs in order of name. Raises InputError.

    What lies in runs and in the folders `without` is in no folder and no glob.
    """
    found: dict[str, Input] = {}
    out = [os.path.realpath(folder) for folder in without if folder]
    sets: dict[str, str] = {}                        # data set -> what its folder is called; no two the same
    for word in words:
        some = list(_remote(word) if "://" in word else _local(word, out))
        if not some:
            gone = not glob.has_magic(word) and "://" not in word and not os.path.lexists(word)
            raise InputError(f"{word}: there is no such file or folder" if gone else
                             f"{word}: there is nothing to read (what a run writes is no input of its own)")
        for one in some:
            if one.under:
                top, slash, rest = one.under.partition("/")
                root = one.uri.rpartition("/")[0].removesuffix(slash + rest)
                if root not in sets:
                    sets[root] = top if top not in sets.values() else f"{top}-{len(sets) + 1}"
                one = replace(one, under=sets[root] + slash + rest)
            found.setdefault(one.uri, one)
    return list(found.values())


def sort_of_name(name: str) -> str:
    """By its suffix, that of a packing taken away."""
    base, suffix = os.path.splitext(name.lower())
    return SUFFIXES.get(os.path.splitext(base)[1] if suffix in PACKED else suffix, UNKNOWN)


def opened(uri: str) -> BinaryIO:
    """The bytes, from any place in them; the caller closes it. Raises OSError, InputError."""
    if "://" not in uri:
        return open(uri, "rb")
    return cast(BinaryIO, io.BufferedReader(_fsspec().open(uri, "rb").open(), BUFFER_BYTES))     # lines of a bounded length


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
    if start[TAR_MAGIC] == b"ustar":
        return TAR
    text = unpacked_start(start)
    if text.startswith(b"WARC/"):
        return WARC
    if text.startswith(b"filedesc://"):
        return ARC
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


def _local(word: str, without: Sequence[str]) -> Iterator[Input]:
    path = Path(word)
    if path.is_dir():
        root = os.path.abspath(word)
        names = _outside(sorted(str(p) for p in Path(root).rglob("*") if p.is_file()), root, without)
        for name, under in _chosen(names, root, lambda name: Path(name).read_bytes()):
            yield _file(name, under)
    elif path.exists():
        if path.is_file():
            yield _file(os.path.abspath(path))
    else:
        root = os.path.abspath(os.path.dirname(glob.escape(word).partition("[")[0]))      # the folder before what is no name
        found = sorted(os.path.abspath(name) for name in glob.glob(word, recursive=True))
        for name in _outside([name for name in found if os.path.isfile(name)], root, without):
            yield _file(name)


def _file(name: str, under: str = "") -> Input:
    there = os.stat(name)
    return Input(name, there.st_size, under, there.st_mtime_ns)


def _outside(names: Sequence[str], root: str, without: Sequence[str]) -> list[str]:
    """Those that lie neither in a run below `root` nor in a folder of `without`."""
    known: dict[str, bool] = {}

    def inside(folder: str) -> bool:
        if folder not in known:
            known[folder] = os.path.realpath(folder) in without or (
                len(folder) > len(root) and (_is_run(folder) or inside(os.path.dirname(folder)))) or (
                len(folder) <= len(root) and any(Path(os.path.realpath(folder)).is_relative_to(one) for one in without))
        return known[folder]
    return [name for name in names if not inside(os.path.dirname(name))]


def _is_run(folder: str) -> bool:
    try:
        return str(json.loads(Path(folder, MANIFEST).read_bytes())["schema"]).startswith(RUNS)
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return False


def _remote(word: str) -> Iterator[Input]:
    fsspec = _fsspec()
    try:
        system, path = fsspec.core.url_to_fs(word)
        if any(c in path for c in "*?["):
            found = [(name, "") for name in sorted(system.glob(path)) if sort_of_name(name) in IN_FOLDERS]
        elif system.isdir(path):
            found = list(_chosen(sorted(system.find(path)), path.rstrip("/"), system.cat_file))
        else:
            found = [(path, "")]
        for name, under in found:
            yield Input(system.unstrip_protocol(name), int(system.size(name) or 0), under)
    except (OSError, ValueError, ImportError) as error:
        raise InputError(f"{word}: {error}") from error


def _chosen(names: Sequence[str], root: str, read: Callable[[str], bytes]) -> Iterator[tuple[str, str]]:
    """The files of a folder that hold pages, and the data set that each is a part of. Raises InputError, OSError."""
    there, sets = set(names), set[str]()
    for name in names:
        folder, _, base = name.rpartition("/")
        if f"{folder}/{STATE}" in there:
            if folder not in sets:
                sets.add(folder)
                under = os.path.basename(root) + folder.removeprefix(root)
                yield from ((f"{folder}/{file}", under) for file in _files_of(read(f"{folder}/{STATE}"), folder))
        elif sort_of_name(base) in IN_FOLDERS and not base.startswith((".", "cache-")) and not (
                base.endswith(".parquet") and name.removesuffix(".parquet") + ".tar" in there):
            yield name, ""


def _files_of(state: bytes, folder: str) -> list[str]:
    """The names of the files of a data set of Hugging Face, in their order."""
    try:
        return [str(file["filename"]) for file in json.loads(state)["_data_files"]]
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{folder}/{STATE} does not tell which files there are: {error}") from error


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
        size = stream.seek(0, os.SEEK_END)
        stream.seek(0)
        yield stream, size
