"""One entry of a usage ledger: what stands in it, its legs, and its one way to be written.

**Facts**
- An entry is a transfer: what it counts (a quantity, an amount or both) leaves one account, `credit`, and comes to another,
  `debit`. So debits equal credits, entry by entry and in every sum.
- Nothing is ever changed. A correction is a reversal (status `void`: the legs of what it corrects, the other way round) and,
  if something is to stand instead, an entry that names the same `correction_of`.
- Who holds the rights is often not known; what is due then is owed to `unallocated`, and can be moved later by correction.
- An entry is one line of JSON: fields in the order of FIELDS, those without a value left out, no spaces, UTF-8. Its `entry_id`
  is the beginning of the SHA-256 of what stands after it in the line, which ends with `prev_hash`, the SHA-256 made in the
  same way of the line before. So whoever changes an entry changes its id, or breaks the link of the next one.
OURS: numbers are decimal text (money.py), for no number of JSON is exact everywhere (RFC 8259, 6).
"""
from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any

from . import money

SCHEMA = "maymine/ledger/1"
JSON = dict[str, Any]

UNALLOCATED = "unallocated"          # the holder where nobody knows who it is
BASES = ("exception", "licence", "statutory", "none")
USE_TYPES = ("copy", "train", "fine_tune", "embed", "retrieve", "output")
STATUSES = ("accrued", "reported", "paid", "disputed", "void")
UNITS = ("item", "token", "pixel", "second", "byte", "word", "page")
# Work schemes, and what an identifier looks like; loosely, for a ledger notes what was told.
SCHEMES = ("url", "isbn", "issn", "doi", "iscc", "isrc", "iswc", "ean", "sha256", "report", "other")

FIELDS = ("entry_id", "occurred_at", "work_ref", "content_hash", "holder_ref", "work_class", "society", "domain",
          "rights_basis", "jurisdiction_profile", "decision_id", "duties", "use_type", "quantity", "weight", "model_version",
          "dataset", "licence_ref", "tariff_ref", "amount", "currency", "status", "debit", "credit", "source", "correction_of",
          "note", "prev_hash")
REQUIRED = ("entry_id", "occurred_at", "work_ref", "holder_ref", "rights_basis", "status", "debit", "credit", "prev_hash")
USES = ("accrued", "disputed")       # statuses of uses; the others move money, and have no use_type
_CONTENT = FIELDS[1:-1]
HASH = "sha256:"
FIRST = HASH + "0" * 64              # prev_hash of the first entry
ID_CHARS = 32
_HEAD, _TAIL = b'{"entry_id":"', b',"prev_hash":"sha256:'
_BODY_AT = len(_HEAD) + ID_CHARS + 2
_TAIL_BYTES = len(_TAIL) + 64 + 2
_HEX = re.compile(rb"[0-9a-f]+")

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False, allow_nan=False).encode


class EntryError(ValueError):
    """This is no entry. The message is for a person."""


def legs(status: str, use_type: str, holder: str) -> tuple[str, str]:
    """(debit, credit) of an entry that reverses nothing."""
    match status:
        case "accrued":
            return f"used/{use_type}", f"owed/{holder}"
        case "disputed":
            return f"used/{use_type}", f"disputed/{holder}"
        case "reported":
            return f"owed/{holder}", f"reported/{holder}"
        case "paid":
            return f"reported/{holder}", "paid"
        case _:
            raise EntryError(f"an entry of status '{status}' has the legs of what it corrects")


def new(*, occurred_at: str, scheme: str, work: str, use_type: str = "", holder: str = "", status: str = "accrued",
        basis: str = "none", unit: str = "", value: str = "", source: tuple[str, int] | None = None, **more: Any) -> JSON:
    """An entry without its id and link. `more`: any other of FIELDS; what has no value is left out."""
    holder = holder or UNALLOCATED
    debit, credit = legs(status, use_type, holder)
    given = {"occurred_at": occurred_at, "work_ref": {"scheme": scheme, "id": work}, "holder_ref": holder,
             "rights_basis": basis, "use_type": use_type, "status": status, "debit": debit, "credit": credit, **more}
    if value:
        given["quantity"] = {"unit": unit, "value": value}
    if source:
        given["source"] = {"digest": source[0], "row": source[1]}
    return ordered(given)


def ordered(entry: Mapping[str, Any]) -> JSON:
    """The fields that have a value, in their order, but for the id and the link."""
    return {name: entry[name] for name in _CONTENT if entry.get(name)}


def reversal(of: JSON, occurred_at: str, note: str) -> JSON:
    """Takes back all that an entry counted."""
    kept = {name: value for name, value in of.items() if name not in ("entry_id", "prev_hash", "source", "correction_of")}
    return ordered({**kept, "occurred_at": occurred_at, "status": "void", "debit": of["credit"], "credit": of["debit"],
                    "correction_of": of["entry_id"], "note": note})


def line(entry: JSON, prev: str) -> tuple[bytes, str]:
    """The line of an entry, and the hash that the next one links to; both without LF."""
    body = f'{_encode(entry)[1:-1]},"prev_hash":"{prev}"}}'.encode("utf-8", "replace")
    digest = sha256(body).hexdigest()
    return _HEAD + digest[:ID_CHARS].encode() + b'",' + body, HASH + digest


def links(text: bytes) -> tuple[str, str, str]:
    """(the id that a line has, the hash that it says the line before has, its own hash). Raises EntryError."""
    if len(text) <= _BODY_AT + _TAIL_BYTES or not text.startswith(_HEAD) or text[_BODY_AT - 2:_BODY_AT] != b'",' \
            or text[-_TAIL_BYTES:-66] != _TAIL or text[-2:] != b'"}' or not _HEX.fullmatch(text[-66:-2]):
        raise EntryError("this is no line of a ledger")
    body = text[_BODY_AT:]
    id_ = text[len(_HEAD):_BODY_AT - 2].decode("ascii", "replace")
    return id_, HASH + text[-66:-2].decode(), HASH + sha256(body).hexdigest()


def id_of(digest: str) -> str:
    """The id that belongs to a hash."""
    return digest[len(HASH):len(HASH) + ID_CHARS]


def read(text: bytes) -> JSON:
    """The entry of a line. Raises EntryError."""
    try:
        entry = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise EntryError(f"this is no JSON: {error}") from error
    if not isinstance(entry, dict):
        raise EntryError("this is no JSON object")
    return entry


# ---- what an entry must be

def _text(value: Any) -> bool:
    return isinstance(value, str) and value != ""


def _number(value: Any) -> bool:
    return isinstance(value, str) and money.DECIMAL.fullmatch(value) is not None


def _time(value: Any) -> bool:
    try:
        return value.endswith("Z") and datetime.fromisoformat(value).tzinfo is not None       # so text sorts as time does
    except (AttributeError, TypeError, ValueError):
        return False


def _word(words: tuple[str, ...]) -> Callable[[Any], bool]:
    return lambda value: value in words


def _pair(one: str, kind_one: Callable[[Any], bool], two: str, kind_two: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, dict) and list(value) == [one, two] and kind_one(value[one]) and kind_two(value[two])


_CHECKS: dict[str, Callable[[Any], bool]] = {
    **dict.fromkeys(FIELDS, _text),
    "occurred_at": _time, "work_ref": _pair("scheme", _word(SCHEMES), "id", _text), "rights_basis": _word(BASES),
    "use_type": _word(USE_TYPES), "quantity": _pair("unit", _word(UNITS), "value", _number), "weight": _number,
    "amount": _number, "status": _word(STATUSES),
    "currency": lambda v: isinstance(v, str) and money.CURRENCY.fullmatch(v) is not None,
    "duties": lambda v: isinstance(v, list) and bool(v) and all(map(_text, v)),
    "source": _pair("digest", _text, "row", lambda v: type(v) is int and v > 0)}


def problems(entry: JSON) -> Iterator[str]:
    """What is wrong with an entry by itself."""
    for name in (*REQUIRED, "use_type") if entry.get("status") in USES else REQUIRED:
        if name not in entry:
            yield f"'{name}' is missing"
    for name, value in entry.items():
        if name not in _CHECKS:
            yield f"'{name}' is no field of an entry"
        elif (check := _CHECKS[name]) is _text and type(value) is str and value:
            continue
        elif not check(value):
            yield f"'{name}' cannot be {_encode(value)[:80]}"
    if ("amount" in entry) != ("currency" in entry):
        yield "an amount and its currency go together"
    if entry.get("status") == "void":
        if "correction_of" not in entry:
            yield "a reversal says what it takes back: 'correction_of' is missing"
    elif (status := entry.get("status")) in STATUSES:
        debit, credit = legs(status, entry.get("use_type", ""), entry.get("holder_ref", ""))
        if (debit, credit) != (entry.get("debit"), entry.get("credit")):
            yield f"debit and credit of what is {status} are {debit} and {credit}"
