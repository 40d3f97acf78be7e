"""Tables of pages: which column is what, by its name, and a row of them as a capture.

**Facts**
- Nobody agreed on names. Known are those of Common Crawl's tools, datatrove, FineWeb, Hugging Face data sets, LAION and
  img2dataset; upper and lower case, `-` and `_` are the same. What was taken for what is told (`Columns.told`).
- A time without an offset is taken for UTC, as archives write it (WARC 1.1, 5.4).
- PRACTICE: `text` is what somebody made of a page (FineWeb, datatrove). The words in the elements of the page are gone.
- OURS: a status that is told and is none leaves unknown whether the asset came: what is there counts as truncated.
"""
from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa

from rules import Access, Asset, Carrier, Evidence, limits

from . import captures, fields, payload
from .captures import Capture
from .records import Location

# What a column is -> names that it goes by, the first found counts.
NAMES: dict[str, tuple[str, ...]] = {
    "url": ("url", "warc_target_uri", "target_uri", "page_url", "source_url", "uri", "image_url", "link"),
    "body": ("html", "raw_html", "html_content", "body", "content", "raw_content", "payload", "content_bytes", "bytes",
             "image", "jpg", "jpeg", "png", "webp", "gif"),
    "text": ("text", "markdown", "plain_text", "extracted_text"),
    "fields": fields.NAMES,
    "status": ("http_status", "status_code", "fetch_status", "response_status", "status"),
    "at": ("warc_date", "fetch_time", "fetched_at", "crawl_timestamp", "crawl_date", "date", "timestamp", "at", "time"),
    "media_type": ("media_type", "content_type", "mime_type", "mime", "content_mime_type", "content_mime_detected"),
    "id": ("warc_record_id", "record_id", "id", "digest", "key"),
}
NESTED = ("metadata", "meta", "json")
NO_STATUS = "the status is none that is known: "
SUCCESS = "success"                  # PRACTICE: what img2dataset tells instead of a status
_DIGITS = re.compile(r"\d{14}")
_STATUS = re.compile(r"(\d{3})(?:\.0| .*)?", re.DOTALL)

Value = Callable[[int], Any]


class ColumnsError(ValueError):
    """The table cannot be used. The message is for a person."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Role -> name of a column, "metadata.url" for a part of one."""
    names: Mapping[str, str]

    @property
    def told(self) -> str:
        """For a person: "url from 'URL', body from 'html', no response fields"."""
        has = [f"{role} from '{name}'" for role, name in self.names.items()]
        without = [word for role, word in (("fields", "no response fields"), ("at", "no times")) if role not in self.names]
        if "body" not in self.names:
            without.append("no bytes of the pages")
        return ", ".join([*has, *without])

    def captures(self, batch: pa.RecordBatch, locate: Callable[[int], Location | None] = lambda n: None) -> list[Capture]:
        """One capture a row; None where a row names no page (no URL). `locate` tells where a row lies."""
        return [_capture(locate(i), *row) for i, row in enumerate(self.values(batch, NAMES))]

    def captures_of(self, rows: Iterable[Mapping[str, Any]],
                    locate: Callable[[int], Location | None] = lambda n: None) -> list[Capture]:
        """The same from rows that are mappings."""
        return [_capture(locate(i), *row) for i, row in enumerate(self.values_of(rows, NAMES))]

    def values(self, batch: pa.RecordBatch, roles: Iterable[str]) -> Iterator[tuple[Any, ...]]:
        """What a row holds for each role."""
        columns = {role: _values(batch, name) for role, name in self.names.items()}
        empty = [None] * batch.num_rows
        return zip(*(columns.get(role, empty) for role in roles), strict=True)

    def values_of(self, rows: Iterable[Mapping[str, Any]], roles: Iterable[str]) -> Iterator[tuple[Any, ...]]:
        """The same from rows that are mappings."""
        names = [self.names.get(role, "") for role in roles]
        return (tuple(_part(row, name) if name else None for name in names) for row in rows)


def find(schema: pa.Schema, given: Mapping[str, str] | None = None) -> Columns:
    """What each column is; `given` overrides by role. Raises ColumnsError where no column holds addresses."""
    names = named(schema, NAMES, given)
    if "url" not in names:
        raise ColumnsError(f"no column holds addresses; looked for {', '.join(NAMES['url'])} "
                           f"among {', '.join(schema.names) or 'no columns at all'}; tell it by --column url=NAME")
    return Columns(names)


def named(schema: pa.Schema, roles: Mapping[str, tuple[str, ...]], given: Mapping[str, str] | None = None) -> dict[str, str]:
    """Role -> name of a column, in the order of the roles. Raises ColumnsError for what is given and not there."""
    there: dict[str, str] = {}
    for f in schema:
        there.setdefault(_plain(f.name), f.name)
    for f in schema:
        if _plain(f.name) in NESTED and pa.types.is_struct(f.type):
            for child in f.type:
                there.setdefault(_plain(child.name), f"{f.name}.{child.name}")
    names = {role: there[found] for role, known in roles.items() if (found := next((k for k in known if k in there), ""))}
    for role, name in (given or {}).items():
        if role not in roles:
            raise ColumnsError(f"'{role}' is nothing that a column can be; known are {', '.join(roles)}")
        if name and name.split(".")[0] not in schema.names:
            raise ColumnsError(f"there is no column '{name}'; there are {', '.join(schema.names)}")
        names = {k: v for k, v in names.items() if k != role} | ({role: name} if name else {})
    return {role: names[role] for role in roles if role in names}


def time_of(value: object) -> datetime | None:
    """An aware time in UTC out of whatever stands for one; None for what does not."""
    try:
        if isinstance(value, datetime):
            return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
        if isinstance(value, date):
            return None                              # no time of day: nobody knows what stood at it
        if isinstance(value, bool) or value is None:
            return None
        if isinstance(value, int | float) and value < 10**10:
            return datetime.fromtimestamp(value, UTC) if value > 0 else None
        if isinstance(value, int | float):
            return datetime.fromtimestamp(value / 1000, UTC) if value < 10**13 else time_of(str(int(value)))
        text = str(value).strip()
        if _DIGITS.fullmatch(text):
            return datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
        if len(text) <= 10:
            return None
        return time_of(datetime.fromisoformat(text))
    except (ValueError, OverflowError, OSError):
        return None


def _capture(location: Location | None, url: Any, body: Any, text: Any, headers: Any, status: Any, at: Any, media_type: Any,
             id: Any) -> Capture:
    url = str(url or "").strip()
    when, (code, trouble) = time_of(at), _status(status)
    lines, detail, whole = fields.field_lines(headers, code)
    told = payload.named(b"\n" + lines) if lines else {}
    code = code or (payload.status_of(lines) if lines else None)
    kind = payload.media_type(str(media_type or "").encode("latin-1", "replace") or told.get(b"content-type", b""))
    asset = Asset(url, kind)
    access = Access.OBTAINED if whole and not trouble else Access.TRUNCATED
    had = (Evidence(Carrier.HTTP_FIELDS, url, when, access, lines, code, detail=trouble if whole and trouble else detail)
           if lines or not whole else captures.no_fields(url, when))
    if location is not None and isinstance(id, str):
        location = replace(location, record_id=plain_id(id))
    return Capture(asset, had, _body(url, body, text, when, code, trouble), location)


def plain_id(id: str) -> str:
    """As locations have it: without angle brackets."""
    return id.strip("<> ")


def _body(url: str, body: Any, text: Any, at: datetime | None, status: int | None, trouble: str) -> Evidence:
    if isinstance(body, Mapping):                    # an image of Hugging Face: {bytes, path}
        body = body.get("bytes")
    if isinstance(body, str):
        body = body.encode("utf-8", "surrogatepass")
    if isinstance(body, bytes):
        cut = "the body is longer than what is kept of it" if len(body) > limits.MEDIA_BYTES else trouble
        return captures.of_body(url, body, at, status, cut)
    if isinstance(text, str):
        return captures.of_body(url, text.encode("utf-8", "surrogatepass"), at, status, captures.ONLY_TEXT)
    return Evidence(Carrier.BODY, url, at, Access.NOT_COLLECTED, status=status, detail=captures.NO_BODY)


def _status(value: Any) -> tuple[int | None, str]:
    """A status, and what is wrong with what stands there."""
    shown = "" if value is None or (isinstance(value, float) and value != value) else str(value).strip()
    if shown in ("", "0", "0.0", SUCCESS):
        return None, ""
    said = _STATUS.fullmatch(shown)
    if said and said[1].isascii() and int(said[1]) >= 100:
        return int(said[1]), ""
    return None, NO_STATUS + shown[:20]


def _values(batch: pa.RecordBatch, name: str) -> list[Any]:
    column, _, child = name.partition(".")
    array = batch.column(batch.schema.get_field_index(column if name not in batch.schema.names else name))
    if child and name not in batch.schema.names:
        array = pa.compute.struct_field(array, child)
    values: list[Any] = array.to_pylist()
    return values


def _part(row: Mapping[str, Any], name: str) -> Any:
    if name in row:
        return row[name]
    column, _, child = name.partition(".")
    inner = row.get(column)
    return inner.get(child) if child and isinstance(inner, Mapping) else None


def _plain(name: str) -> str:
    return name.lower().replace("-", "_").replace(" ", "_")
