"""One row of a register -> an entry, checked word by word, or why it is none.

**Facts**
- An entry is one line of JSON, the value that rules/signals/register.py reads; a key that says nothing is left out. Its last
  key is `entry`, so that two lines that say the same are the same up to there.
- COLUMNS are all there are. `kind`, `match` and `value` must be said; the others may be.
- OURS: a row that cannot be read may be one that restricts, unless its kind is one that grants.
"""
from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta

from rules import Use
from rules.record import time_from_text

from . import places
from .places import PlaceError

KINDS = ("licence", "do-not-train", "infringing-source", "licensed-market", "repertoire", "public-domain")
GRANTS = ("licence", "public-domain")            # the others restrict, or tell a fact that may
MATCHES: dict[str, Callable[[str], str]] = {
    "url-prefix": places.prefix, "domain": places.domain, "url": places.whole, "iscc": places.code, "sha256": places.digest,
    "party": places.party}
COLUMNS = ("kind", "match", "value", "holder", "uses", "from", "until", "fee", "currency", "terms", "society", "asker")
MUST = COLUMNS[:3]
USES = tuple(use.value for use in Use)
VALUE_CHARS = 2_083                              # OURS: of one value; Scrapy, URLLENGTH_LIMIT
TAILS_KEPT = 50_000                              # rows that differ in their value alone share the check of the rest
DAY = re.compile(r"\d{4}-\d\d-\d\d")
FEE = re.compile(r"\d{1,18}(\.\d{1,12})?")
CURRENCY = re.compile("[A-Z]{3}")
ASKER = re.compile(r"[^\x00-\x1f\x7f]{1,200}")
SPLIT = re.compile(r"[\s,;]+")
CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_quoted = json.encoder.encode_basestring


class EntryError(ValueError):
    """The row is no entry. Says why, for a person."""


class Tail:
    """All of an entry but its value and its row, as it stands in its line."""
    __slots__ = ("begin", "canonical", "end", "grants_nothing", "kind", "match", "since", "until")

    def __init__(self, row: Sequence[str]):
        said = dict(zip(COLUMNS, row, strict=True))
        for column in MUST:
            if not said[column]:
                raise EntryError(f"no {column} is said")
        for column, text in said.items():
            if column != "value" and (CONTROL.search(text) or len(text) > VALUE_CHARS):
                raise EntryError(f"{column} holds a control character, is not UTF-8, or has more than {VALUE_CHARS} characters")
        self.kind, self.match = _word(said["kind"], KINDS, "kind"), _word(said["match"], tuple(MATCHES), "match")
        self.canonical = MATCHES[self.match]
        uses = [_word(word, USES, "use") for word in SPLIT.split(said["uses"]) if word]
        self.grants_nothing = self.kind == "licence" and not uses
        self.since, self.until = moment(said["from"]), moment(said["until"], ends=True)
        if self.since and self.until and self.since >= self.until:
            raise EntryError(f"it ends ({said['until']}) before it begins ({said['from']})")
        if said["fee"] and not FEE.fullmatch(said["fee"]):
            raise EntryError(f"fee '{said['fee']}' is no amount like 12.50")
        if said["currency"] and not CURRENCY.fullmatch(said["currency"]):
            raise EntryError(f"currency '{said['currency']}' is no code of ISO 4217 like EUR")
        if bool(said["fee"]) != bool(said["currency"]):
            raise EntryError("a fee and its currency are said together")
        if said["terms"]:
            try:
                places.address(said["terms"])
            except PlaceError as error:
                raise EntryError(f"terms: {error}") from None
        if said["asker"] and not ASKER.fullmatch(said["asker"]):
            raise EntryError("asker is no token or name of at most 200 characters")
        rest = {k: uses if k == "uses" else v for k, v in said.items() if k not in MUST and v}
        self.begin = f'{{"kind":"{self.kind}","match":"{self.match}","value":'       # see match_of
        self.end = "".join(f",{_quoted(k)}:{json.dumps(v, ensure_ascii=False, separators=(',', ':'))}" for k, v in rest.items())


class Checker:
    """Rows of one register, in the order of COLUMNS, to entries."""

    def __init__(self) -> None:
        self._tails: dict[tuple[str, ...], Tail] = {}

    def entry(self, row: Sequence[str], number: int) -> tuple[Tail, str, str]:
        """What the row says, its value as it is matched, and its line. Raises EntryError."""
        value = row[2]
        about = (row[0], row[1], *row[3:])
        tail = self._tails.get(about)
        if tail is None or not value:
            if len(self._tails) >= TAILS_KEPT:
                self._tails.clear()
            tail = self._tails[about] = Tail([text.strip() for text in row])
        try:
            matched = tail.canonical(value.strip())
        except PlaceError as error:
            raise EntryError(str(error)) from None
        if len(value) > VALUE_CHARS:
            raise EntryError(f"its value is longer than {VALUE_CHARS} characters")
        return tail, matched, f'{tail.begin}{_quoted(matched)}{tail.end},"entry":"{number}"}}\n'


def match_of(match: str, value: str) -> bytes:
    """How the line of an entry goes on after its kind."""
    return f',"match":"{match}","value":{_quoted(value)},'.encode()


def moment(text: str, ends: bool = False) -> datetime | None:
    """A day, or a time with its offset, as a time; the end of a day is its last moment. None: not said. Raises EntryError."""
    if not text:
        return None
    try:
        if DAY.fullmatch(text):
            day = datetime.combine(date.fromisoformat(text), time(), UTC)
            return day + timedelta(days=1) - timedelta.resolution if ends else day
        return time_from_text(text)
    except (ValueError, OverflowError) as error:
        raise EntryError(f"'{text}' is no day like 2026-11-26 and no time like 2026-11-26T09:30:00Z: {error}") from None


def may_restrict(row: Sequence[str]) -> bool:
    """Whether a row that is no entry may have been one that restricts."""
    return not row or row[0].strip() not in GRANTS


def _word(word: str, known: tuple[str, ...], what: str) -> str:
    if word in known:
        return word
    from difflib import get_close_matches
    close = get_close_matches(word.lower(), known, 1, 0.75)
    hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(known)}"
    raise EntryError(f"'{word[:100]}' is no {what}; {hint}")
