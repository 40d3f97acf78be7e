"""Response fields as tables keep them -> the lines that came, and whether all that stands there was understood.

**Facts**
- OURS: response fields as text, as JSON, as lines, as pairs or as a mapping. A mapping has no field twice; whoever made it may
  have lost one, which its detail says.
- RFC 9112, 5: a field line is a token, a colon and a value; one that begins with a space goes on with the one before (5.2).
- PRACTICE: fields are kept as Python shows its objects, escaped, in Base64, as JSON inside JSON or below a name of their own
  (`{"headers": {...}}`). OURS: that is no silence. What can be read is read, and the rest is told: the fields were not
  obtained whole.
- RFC 9113, 8.3.1: names that begin with a colon are no fields. PRACTICE: some values are JSON (Report-To, NEL).
"""
from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from rules import limits
from rules.signals.http_fields import SIGNALLING

FROM_MAPPING = "from a mapping, in which no field stands twice"
NOT_UNDERSTOOD = "something that stands where the response fields should is no field line"
TOO_LONG = f"there are more than {limits.FIELDS_BYTES} bytes of fields"
NAMES = ("http_headers", "http_header", "response_headers", "response_header", "headers", "http_fields")

_WORD = r"[!#$%&*+.^_|~0-9A-Za-z-]+"            # without ' and `, which a token may hold: these come of Python
_LINE = rf"{_WORD}[ \t]*:[^\r\n]*\r?\n(?:[ \t][^\r\n]*\r?\n)*+"
_HEAD = re.compile(rf"(?:HTTP/\d(?:\.\d)? +[13]\d\d\b[^\r\n]*\r?\n(?:{_LINE})*+(?:\r?\n)++(?=HTTP/))*+"
                   rf"(?:HTTP/\d(?:\.\d)? +\d\d\d\b[^\r\n]*\r?\n)?+(?:{_LINE}|:[a-z]+:[^\r\n]*\r?\n)*+(?:\r?\n)*+".encode(),
                   re.IGNORECASE)
_NAME = re.compile(_WORD)
_ESCAPED = re.compile(rb"\\r\\n|\\[rn](?=[!-9;-~]+:)")
_SIGNAL = re.compile(rb"(?<![\w-])(?:" + b"|".join(SIGNALLING) + rb")[\"']?[ \t]*:")
_BELOW = re.compile(rb"^(?:" + "|".join(NAMES).replace("_", "[_-]").encode() + rb")[ \t]*:", re.MULTILINE)
_PACKED = re.compile(r"\s*[{\[]")
_LISTS = (("name", "value"), ("key", "value"), ("field", "value"), ("names", "values"), ("keys", "values"))


def field_lines(value: object, status: int | None) -> tuple[bytes, str, bool]:
    """The lines as received, as far as that can be told; what may be missing; whether all was understood.

    (b"", "", True): there are none.
    """
    if isinstance(value, str):
        value = value.encode("utf-8", "surrogatepass")
    if isinstance(value, bytes):
        if value.lstrip()[:1] not in (b"{", b"["):
            return _of_head(value)
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return b"", NOT_UNDERSTOOD, False
    if value is None or (isinstance(value, float) and value != value) or (
            isinstance(value, list | tuple | Mapping) and not value):
        return b"", "", True
    if isinstance(value, list | tuple) and all(isinstance(item, str | bytes) for item in value):
        return _of_head("\r\n".join(map(_text, value)).encode("utf-8", "surrogatepass"))
    detail = FROM_MAPPING if isinstance(value, Mapping) else ""
    pairs, whole = _pairs(value)
    if len(pairs) == 1 and isinstance(pairs[0][1], str) and _PACKED.match(pairs[0][1]):
        whole = False
    lines = []
    for name, said in pairs:
        for one in said if isinstance(said, list | tuple) else (said,):
            if name.startswith(":") or (one is None and detail):       # a column of a struct that the row does not have
                continue
            if not _NAME.fullmatch(name) or not isinstance(one, str | bytes | int | float):
                whole = False
                continue
            shown = _text(one).strip("\r\n")
            whole = whole and "\r" not in shown and "\n" not in shown
            lines.append(f"{name}: {shown}".replace("\r", " ").replace("\n", " "))
    if lines and status:
        lines.insert(0, f"HTTP/1.1 {status} ")
    head = "".join(line + "\r\n" for line in lines).encode("utf-8", "replace")
    return _judged(head, detail, whole)


def _of_head(value: bytes) -> tuple[bytes, str, bool]:
    if not value.strip():
        return b"", "", True
    unescaped = _ESCAPED.sub(b"\r\n", value)
    head = unescaped if unescaped.endswith(b"\n") else unescaped + b"\r\n"
    return _judged(head, "", unescaped == value)


def _judged(head: bytes, detail: str, whole: bool) -> tuple[bytes, str, bool]:
    if len(head) > limits.FIELDS_BYTES:
        return head[:limits.FIELDS_BYTES], TOO_LONG, False
    if whole:
        lower = head.lower()                         # for the quick questions that come before the exact ones
        whole = _HEAD.fullmatch(head) is not None and not (b"\\" in head and _ESCAPED.search(head)) \
            and not ((b"header" in lower or b"fields" in lower) and _BELOW.search(lower)) \
            and not (any(name in lower for name in SIGNALLING) and _inside(lower))
    return head, detail if whole else NOT_UNDERSTOOD, whole


def _inside(head: bytes) -> bool:
    """Whether a field that signals stands inside the line of another."""
    return any(m.start() and head[m.start() - 1] != 10 for m in _SIGNAL.finditer(head))


def _pairs(value: object) -> tuple[list[tuple[str, Any]], bool]:
    """Names and values, and whether there is nothing else."""
    if isinstance(value, Mapping):
        for name, said in _LISTS:                    # a sequence of structs, as data sets of Hugging Face have it
            if set(value) == {name, said}:
                names, values = value[name], value[said]
                if isinstance(names, list | tuple) and isinstance(values, list | tuple) and len(names) == len(values):
                    return [(_text(n), v) for n, v in zip(names, values, strict=True)], True
                return [], False
        return [(_text(name), said) for name, said in value.items()], True
    if isinstance(value, str | bytes) or not isinstance(value, Iterable):
        return [], False
    found = [_pair(item) for item in value]
    return [pair for pair in found if pair], all(found)


def _pair(item: object) -> tuple[str, Any] | None:
    if isinstance(item, Mapping):
        name = next((item[k] for k in ("name", "key", "field") if k in item), None)
        return (_text(name), item["value"]) if name and "value" in item else None
    return (_text(item[0]), item[1]) if isinstance(item, list | tuple) and len(item) == 2 else None


def _text(value: object) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)
