"""Files of registers -> rows in the order of COLUMNS: CSV, TSV, Parquet, JSON, JSON Lines, YAML; .gz too.

**Facts**
- CSV is RFC 4180, in UTF-8, with a header line. A quotation mark that is never closed ends the reading: what follows it could
  be rows, and nobody can count them.
- A JSON object that says a name twice is unpredictable (RFC 8259, 4): refused. YAML is read as policies are (strict_yaml.py).
- A row is named by its line; in Parquet, which has none, by its number, from 1.
"""
from __future__ import annotations

import csv
import gzip
import io
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from operator import itemgetter
from pathlib import Path
from typing import Any, TextIO

from ..archive.local import local
from .entries import COLUMNS, MUST

FIELD_CHARS = 1 << 17                # of a field, and of the line of an error that is kept
CELL_CHARS = 500                     # of a bad row that are kept


class RegisterError(ValueError):
    """The file is no register, or not to be used as it is. Says file:line: what is wrong, for a person."""


@dataclass(frozen=True, slots=True)
class Bad:
    """What stands there is no row."""
    why: str
    said: Sequence[str] = ()         # as much of it as can be told apart, in the order of COLUMNS
    text: str = ""


Read = Iterator[tuple[int, Sequence[str] | Bad]]


def rows(path: Path) -> Read:
    """Line and what it says, for each row. Raises RegisterError, OSError."""
    name = path.name.lower().removesuffix(".gz")
    read = READERS.get(name.rpartition(".")[2])
    if read is None or (name != path.name.lower() and read is _parquet):
        raise RegisterError(f"{path}: a register is one of {', '.join(f'.{ending}' for ending in READERS)}; "
                            "the name does not tell which")
    try:
        yield from read(path)
    except EOFError as error:
        raise RegisterError(f"{path}: the packed file ends too early") from error
    except gzip.BadGzipFile as error:
        raise RegisterError(f"{path}: {error}") from error


def unit(path: Path) -> str:
    """What the numbers of rows count."""
    return "row" if path.name.lower().endswith(".parquet") else "line"


def _text(path: Path, newline: str | None = None) -> TextIO:
    stream: Any = (gzip.open if path.name.lower().endswith(".gz") else open)(path, "rb")
    return io.TextIOWrapper(stream, "utf-8-sig", errors="surrogateescape", newline=newline)


def _header(path: Path, line: int, names: Sequence[str]) -> None:
    """Raises RegisterError where the columns are not ours."""
    from difflib import get_close_matches
    for name in names:
        if name not in COLUMNS:
            close = get_close_matches(str(name).lower(), COLUMNS, 1, 0.6)
            raise RegisterError(f"{path}:{line}: unknown column '{str(name)[:CELL_CHARS]}'"
                                + (f"; did you mean {close[0]}?" if close else "") + f" Columns are {', '.join(COLUMNS)}.")
        if list(names).count(name) > 1:
            raise RegisterError(f"{path}:{line}: column '{name}' stands twice")
    for name in MUST:
        if name not in names:
            raise RegisterError(f"{path}:{line}: there is no column '{name}'; kind, match and value must be there")


def _csv(path: Path, delimiter: str = ",") -> Read:
    csv.field_size_limit(FIELD_CHARS)
    with _text(path, newline="") as file:
        reader = csv.reader(file, strict=True, delimiter=delimiter)
        try:
            header = [name.strip() for name in next(reader)]
        except StopIteration:
            raise RegisterError(f"{path}:1: the file is empty; its first line names the columns") from None
        except csv.Error as error:
            raise RegisterError(f"{path}:1: the line of columns cannot be read: {error}") from None
        _header(path, 1, header)
        width = len(header)
        ordered = itemgetter(*(header.index(name) if name in header else width for name in COLUMNS))
        while True:
            line = reader.line_num + 1
            try:
                row = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                if "unexpected end of data" in str(error):
                    raise RegisterError(f"{path}:{line}: a quotation mark is opened in this row and never closed; all that "
                                        "follows it is lost in it") from None
                ends = f" (it goes on to line {reader.line_num})" if reader.line_num > line else ""
                yield line, Bad(f"{error}{ends}")
                continue
            if len(row) == width:
                row.append("")
                yield line, ordered(row)
            elif row:
                text = delimiter.join(row)[:CELL_CHARS]
                said = ordered([*(row + [""] * width)[:width], ""])
                yield line, Bad(f"{len(row)} fields where the header has {width}", said, text)


def _tsv(path: Path) -> Read:
    return _csv(path, "\t")


def _jsonl(path: Path) -> Read:
    with _text(path) as file:
        for line, text in enumerate(file, 1):
            if text.strip():
                try:
                    yield line, _of_object(json.loads(text, **STRICT))
                except (ValueError, RecursionError) as error:
                    yield line, Bad(str(error), text=text[:CELL_CHARS])


def _json(path: Path) -> Read:
    with _text(path) as file:
        text = file.read()
    decoder = json.JSONDecoder(**STRICT)
    at = _space(text, 0)
    if text[at:at + 1] != "[":
        raise RegisterError(f"{path}:1: a list of objects is wanted: [{{\"kind\": ...}}, ...]")
    at, line, counted = _space(text, at + 1), 1, 0
    while text[at:at + 1] != "]":
        line, counted = line + text.count("\n", counted, at), at
        try:
            value, at = decoder.raw_decode(text, at)
        except (ValueError, RecursionError) as error:
            why = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
            where = line + (text.count("\n", counted, error.pos) if isinstance(error, json.JSONDecodeError) else 0)
            raise RegisterError(f"{path}:{where}: {why}; nothing after it can be told apart") from None
        try:
            yield line, _of_object(value)
        except ValueError as error:
            yield line, Bad(str(error), text=str(value)[:CELL_CHARS])
        at = _space(text, at)
        if text[at:at + 1] == ",":
            at = _space(text, at + 1)
        elif text[at:at + 1] != "]":
            where = line + text.count("\n", counted, at)
            raise RegisterError(f"{path}:{where}: a comma or the end of the list is wanted here")
    if text[at + 1:].strip():
        raise RegisterError(f"{path}:{line + text.count(chr(10), counted, at)}: something follows the list")


def _yaml(path: Path) -> Read:
    from rules.strict_yaml import DataError, load
    with _text(path) as file:
        text = file.read()
    try:
        items = load(text, str(path)).items()
    except (DataError, ValueError) as error:
        raise RegisterError(str(error)) from None
    for item in items:
        try:
            said = {name: node.texts() if name == "uses" else node.text() for name, node in item.pairs().items()}
            yield item.line, _of_object(said)
        except (DataError, ValueError) as error:
            yield item.line, Bad(re.sub(r"^.*?:(\d+): ", r"line \1: ", str(error)))


def _parquet(path: Path) -> Read:
    import pyarrow as pa
    import pyarrow.parquet as pq
    try:
        with pq.ParquetFile(local(path)) as file:
            names = file.schema_arrow.names
            _header(path, 1, names)
            number = 0
            for batch in file.iter_batches(10_000):
                columns = [batch.column(name).to_pylist() if name in names else [""] * len(batch) for name in COLUMNS]
                for row in zip(*columns, strict=True):
                    number += 1
                    try:
                        yield number, tuple([v if v.__class__ is str else _cell(v) for v in row])
                    except ValueError as error:
                        yield number, Bad(str(error))
    except pa.ArrowException as error:
        raise RegisterError(f"{path}: no Parquet file that can be read: {error}") from error


def _of_object(value: Any) -> Sequence[str]:
    """Raises ValueError."""
    if not isinstance(value, Mapping):
        raise ValueError("an object is wanted: {\"kind\": ..., \"match\": ..., \"value\": ...}")
    if not value.keys() <= KNOWN:
        name = next(str(name) for name in value if name not in KNOWN)
        raise ValueError(f"unknown column '{name[:CELL_CHARS]}'; columns are {', '.join(COLUMNS)}")
    return tuple([v if (v := value.get(name, "")).__class__ is str else _cell(v) for name in COLUMNS])


KNOWN = frozenset(COLUMNS)


def _cell(value: Any) -> str:
    """A value of another sort as the text that CSV would have. Raises ValueError."""
    match value:
        case None:
            return ""
        case str():
            return value
        case list() if all(isinstance(word, str) for word in value):
            return " ".join(value)
        case datetime():
            if value.tzinfo is None:
                raise ValueError(f"the time {value} has no offset from UTC")
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case date():
            return value.isoformat()
        case Decimal():
            return f"{value:f}"
        case int() if not isinstance(value, bool):
            return str(value)
    raise ValueError(f"'{str(value)[:CELL_CHARS]}' is no text")


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    out = dict(pairs)
    if len(out) != len(pairs):
        raise ValueError("a name stands twice in the object")
    return out


def _constant(word: str) -> Any:
    raise ValueError(f"{word} is no JSON")


STRICT: dict[str, Any] = {"object_pairs_hook": _pairs, "parse_float": str, "parse_int": str, "parse_constant": _constant}


def _space(text: str, at: int) -> int:
    while text[at:at + 1] in (" ", "\t", "\r", "\n") and at < len(text):
        at += 1
    return at


READERS: dict[str, Callable[[Path], Read]] = {
    "csv": _csv, "tsv": _tsv, "parquet": _parquet, "json": _json, "jsonl": _jsonl, "ndjson": _jsonl, "yaml": _yaml,
    "yml": _yaml}
