"""Training manifests and payments: tables of works and how much of each was used. CSV, JSON Lines or Parquet.

**Facts**
- Columns are found by name (ROLES); upper and lower case, `-` and `_` are the same. What was taken for what is told, and what
  was not used. There is one quantity; `unit` chooses where a table has several.
- A table is checked whole before anything of it is posted; what is wrong is told with file and line (of Parquet: row).
- OURS: where no quantity stands, each row is one item. Of a picture, width times height are its pixels.
"""
from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any

from ..archive.local import local
from . import entry, money

# What a column is -> names that it goes by. Quantities have the names of their units; schemes of works theirs.
ROLES: dict[str, tuple[str, ...]] = {
    "url": ("url", "work_url", "source_url", "page_url", "uri", "link"),
    **{scheme: (scheme,) for scheme in entry.SCHEMES if scheme not in ("url", "report", "other", "sha256")},
    "work": ("work", "work_id", "title"),
    "token": ("tokens", "token_count", "num_tokens", "n_tokens", "token"), "pixel": ("pixels", "pixel"),
    "second": ("seconds", "duration_s", "second"), "byte": ("bytes", "size_bytes", "num_bytes", "byte"),
    "word": ("words", "word_count", "word"), "page": ("pages", "page"), "item": ("items", "count", "item"),
    "width": ("width",), "height": ("height",),
    "weight": ("epochs", "weight", "sampling_weight", "repeats"),
    "content_hash": ("content_hash", "content_sha256", "digest", "sha256"),
    "holder": ("holder", "holder_ref", "rightsholder"), "work_class": ("class", "work_class"), "society": ("society", "cmo"),
    "model_version": ("model", "model_version"), "dataset": ("dataset", "dataset_id"), "use_type": ("use_type", "use"),
    "occurred_at": ("occurred_at", "date", "at", "time"), "licence_ref": ("licence", "license", "licence_ref"),
    "tariff_ref": ("tariff", "tariff_ref"), "status": ("status",), "amount": ("amount",), "currency": ("currency",),
    "note": ("note",)}
WORKS = ("url", "isbn", "issn", "doi", "iscc", "isrc", "iswc", "ean", "work")
_WORKS = frozenset(WORKS)
WORDS: dict[str, tuple[str, ...]] = {"use_type": entry.USE_TYPES, "status": tuple(s for s in entry.STATUSES if s != "void")}
SUFFIXES = (".csv", ".jsonl", ".ndjson", ".parquet")
SIDES = ("width", "height")
TOLD = 20                            # mistakes of one file

Values = dict[str, str]


class ManifestError(ValueError):
    """The table cannot be posted. One `file:line: what is wrong` a line."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """A table whose columns are known."""
    path: Path
    columns: Mapping[str, str]                       # role -> column
    unused: tuple[str, ...]
    unit: str

    @property
    def told(self) -> str:
        text = ", ".join(f"{role} from '{name}'" for role, name in self.columns.items())
        if self.unit not in self.columns and not self._picture:
            text += "; one item a row"
        return text + (f"; not used: {', '.join(self.unused)}" if self.unused else "")

    @property
    def _picture(self) -> bool:
        return self.unit == "pixel" and "width" in self.columns

    def rows(self) -> Iterator[tuple[int, Values]]:
        """(number of the row, role -> what stands there). Raises ManifestError with what is wrong, OSError."""
        wrong: list[str] = []
        roles = tuple(self.columns)
        for row, place, cells in _read(self.path, self.columns):
            try:
                yield row, self._checked({role: cell for role, cell in zip(roles, cells, strict=True) if cell})
            except ValueError as error:
                wrong.append(f"{self.path}:{place}: {error}")
                if len(wrong) == TOLD:
                    wrong.append("... and there may be more")
                    break
        if wrong:
            raise ManifestError("\n".join(wrong))

    def check(self) -> int:
        """How many rows it has, all of them sound. Raises ManifestError, OSError."""
        return sum(1 for _ in self.rows())

    def _checked(self, out: Values) -> Values:
        if _WORKS.isdisjoint(out):
            raise ValueError(f"no work is named: {', '.join(self.columns[r] for r in WORKS if r in self.columns)} is empty")
        if self._picture:
            pixels = money.decimal(out.get("width", "")) * money.decimal(out.get("height", ""))
            out["value"] = money.written(pixels)
        elif self.unit in self.columns:
            out["value"] = _positive(out.get(self.unit, ""), self.columns[self.unit])
        else:
            out["value"] = "1"
        if "weight" in out:
            out["weight"] = _positive(out["weight"], self.columns["weight"])
        if "amount" in out:
            _positive(out["amount"], self.columns["amount"])
            if not money.CURRENCY.fullmatch(out.get("currency", "")):
                raise ValueError("an amount needs a currency like EUR")
        for role, words in WORDS.items():
            if role in out and out[role] not in words:
                raise ValueError(f"{self.columns[role]} '{out[role]}' is none of {', '.join(words)}")
        if "occurred_at" in out:
            out["occurred_at"] = moment(out["occurred_at"])
        return out


@lru_cache(1 << 14)
def _positive(text: str, column: str) -> str:
    """A number as entries write it. Raises ValueError."""
    try:
        if text.startswith("-"):
            raise ValueError("it is less than nothing")
        return money.written(money.decimal(text))
    except ValueError as error:
        raise ValueError(f"{column}: {error}") from None


@lru_cache(1 << 10)
def moment(text: str) -> str:
    """A time or a day as entries write it; a day is its first moment in UTC. Raises ValueError."""
    from rules.record import time_text
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"'{text}' is no time like 2026-11-22T10:00:00Z and no day like 2026-11-22") from None
    if at.tzinfo is None:
        if len(text) > 10:
            raise ValueError(f"'{text}' has no offset from UTC; add Z")
        at = at.replace(tzinfo=UTC)
    return time_text(at)


def find(path: Path, unit: str = "") -> Manifest:
    """What the columns of a table are. Raises ManifestError, OSError."""
    names = _names(path)
    columns: dict[str, str] = {}
    lower = {name.strip().lower().replace("-", "_"): name for name in reversed(names)}
    for role, known in ROLES.items():
        hits = [lower[name] for name in known if name in lower]
        if len(hits) > 1:
            raise ManifestError(f"{path}:1: the columns {', '.join(hits)} are all {role}; keep one")
        if hits and hits[0] not in columns.values():
            columns[role] = hits[0]
    if not any(role in columns for role in WORKS):
        wanted = ", ".join(name for role in WORKS for name in ROLES[role])
        raise ManifestError(f"{path}:1: no column names the work; one of {wanted} is wanted")
    if "pixel" in columns or not {"width", "height"} <= columns.keys():
        columns = {role: name for role, name in columns.items() if role not in SIDES}
    units = [u for u in entry.UNITS if u in columns or (u == "pixel" and "width" in columns)]
    if unit and unit != "item" and unit not in units:
        raise ManifestError(f"{path}:1: no column counts in {unit}; there is {', '.join(units) or 'none that counts'}")
    if len(units) > 1 and not unit:
        raise ManifestError(f"{path}:1: the columns count in {', '.join(units)}; --unit says which is meant")
    chosen = unit or (units[0] if units else "item")
    dropped = {role for role in (*entry.UNITS, *SIDES) if role != chosen and not (chosen == "pixel" and role in SIDES)}
    kept = {role: name for role, name in columns.items() if role not in dropped}
    return Manifest(path, kept, tuple(name for name in names if name not in kept.values()), chosen)


# ---- the three kinds of files

def _names(path: Path) -> list[str]:
    """Raises ManifestError, OSError."""
    match path.suffix.lower():
        case ".csv":
            with _text(path) as file:
                try:
                    return next(csv.reader(file, strict=True), [])
                except csv.Error as error:
                    raise ManifestError(f"{path}:1: {error}") from error
                except UnicodeDecodeError as error:
                    raise _not_utf8(path) from error
        case ".jsonl" | ".ndjson":
            _, _, first = next(_json_lines(path), (0, 0, {}))
            return list(first)
        case ".parquet":
            import pyarrow as pa
            import pyarrow.parquet as pq
            try:
                return list(pq.read_schema(local(path)).names)
            except pa.ArrowException as error:
                raise ManifestError(f"{path}: {error}") from error
        case _:
            raise ManifestError(f"{path} ends in none of {', '.join(SUFFIXES)}")


def _read(path: Path, columns: Mapping[str, str]) -> Iterator[tuple[int, int, Sequence[str]]]:
    """(number of the row, line, text of each role in the order of `columns`). Raises ManifestError, OSError."""
    match path.suffix.lower():
        case ".csv":
            yield from _csv(path, columns)
        case ".parquet":
            yield from _parquet(path, columns)
        case _:
            for row, line, value in _json_lines(path):
                if unknown := [name for name in columns.values() if name not in value and name == columns.get("url")]:
                    raise ManifestError(f"{path}:{line}: '{unknown[0]}' is missing")
                yield row, line, [_cell(value.get(name), f"{path}:{line}", name) for name in columns.values()]


def _csv(path: Path, columns: Mapping[str, str]) -> Iterator[tuple[int, int, Sequence[str]]]:
    with _text(path) as file:
        reader, row, line = csv.reader(file, strict=True), 0, 1
        try:
            names = next(reader)
            places = [names.index(name) for name in columns.values()]
            line = reader.line_num + 1
            for cells in reader:
                if cells:
                    row += 1
                    if len(cells) != len(names):
                        raise ManifestError(f"{path}:{line}: {len(cells)} values stand where {len(names)} columns are")
                    yield row, line, [cells[n].strip() for n in places]
                line = reader.line_num + 1
        except csv.Error as error:
            raise ManifestError(f"{path}:{line}: {error}") from error
        except UnicodeDecodeError as error:
            raise _not_utf8(path) from error


def _not_utf8(path: Path) -> ManifestError:
    """Decoding runs ahead of the lines; so they are looked at again."""
    with path.open("rb") as file:
        for line, text in enumerate(file, 1):
            try:
                text.decode("utf-8")
            except UnicodeDecodeError as error:
                return ManifestError(f"{path}:{line}: this is not UTF-8 at byte {error.start} of the line")
    return ManifestError(f"{path}: this is not UTF-8")


def _text(path: Path) -> Any:
    return path.open(encoding="utf-8-sig", newline="")


def _json_lines(path: Path) -> Iterator[tuple[int, int, dict[str, Any]]]:
    row = 0
    with path.open("rb") as file:
        for line, text in enumerate(file, 1):
            if not text.strip():
                continue
            row += 1
            try:
                value = json.loads(text, parse_float=Decimal)
            except (ValueError, RecursionError) as error:
                raise ManifestError(f"{path}:{line}: this is no JSON: {error}") from error
            if not isinstance(value, dict):
                raise ManifestError(f"{path}:{line}: an object is wanted in every line")
            yield row, line, value


def _parquet(path: Path, columns: Mapping[str, str]) -> Iterator[tuple[int, int, Sequence[str]]]:
    import pyarrow as pa
    import pyarrow.parquet as pq
    row = 0
    try:
        with pq.ParquetFile(local(path)) as file:
            for batch in file.iter_batches(8_192, columns=list(columns.values())):
                for cells in zip(*(_cells(batch[name], path, row, name) for name in columns.values()), strict=True):
                    row += 1
                    yield row, row, cells
    except pa.ArrowException as error:
        raise ManifestError(f"{path}: after row {row}: {error}") from error


def _cells(column: Any, path: Path, before: int, name: str) -> list[str]:
    """A column as texts; what Arrow writes as it should, at once."""
    import pyarrow as pa
    import pyarrow.compute as pc
    if pa.types.is_integer(column.type):
        column = column.cast(pa.string())
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        texts: list[str] = pc.utf8_trim_whitespace(pc.fill_null(column, "")).to_pylist()
        return texts
    return [_cell(value, f"{path}: row {before + n}", name) for n, value in enumerate(column.to_pylist(), 1)]


def _cell(value: Any, place: str, name: str) -> str:
    """A value as text; numbers exactly as they were written."""
    match value:
        case None:
            return ""
        case bool():
            raise ManifestError(f"{place}: {name} is {value}, where text or a number is wanted")
        case str():
            return value.strip()
        case int():
            return str(value)
        case float():
            return money.written(Decimal(repr(value))) if value == value and abs(value) < 1e18 else str(value)
        case Decimal():
            return money.written(value) if value.is_finite() and abs(value.adjusted()) < 60 else str(value)
        case datetime() | date():
            return value.isoformat()
        case _:
            raise ManifestError(f"{place}: {name} is neither text nor a number")
