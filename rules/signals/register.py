"""Entries of an operator's registers that speak of the asset: licences granted, do-not-train lists, repertoires, and the like.

Facts (OURS: JSON Lines, one object an entry that matched; who finds the entries stands in crawler/registers)
- Keys are `register entry kind match value holder uses from until fee currency terms society asker`; one that is absent
  is not said.
- `licence` is an allow to the asker that it names, by product token (RFC 9309, 2.2.1: case does not matter), for the uses
  that it names; where it names no asker it was granted to the operator, whose register it is. One for a fee is a signal of
  its own, so that policies can tell. One that names no use grants nothing.
- `do-not-train` is a disallow; where it names no use, to training AI. `infringing-source`, `licensed-market`, `public-domain`
  and `repertoire` (a collecting society's notice) are circumstances.
- `from` and `until` are dates (whole days, in UTC, both counted in) or times with an offset, judged at `Evidence.at`. An
  entry out of its time is told and does nothing. Where the time is not known, what restricts counts, and what grants does not.
- A key that is not known could be a condition: what grants does not count with one. What cannot be read is a fault, line by
  line.
"""
from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time
from typing import Any

from ..limits import FINDINGS, QUOTE_CHARS, REGISTER_BYTES, REGISTER_LINE_BYTES
from ..model import (
    Asker,
    Asset,
    Audience,
    Carrier,
    Circumstance,
    CircumstanceKind,
    Evidence,
    Fault,
    FaultKind,
    Finding,
    Preference,
    Statement,
    Terms,
    Use,
)
from ..vocab import meaning

KEYS = ("register", "entry", "kind", "match", "value", "holder", "uses", "from", "until", "fee", "currency", "terms",
        "society", "asker")
LICENCE, DO_NOT_TRAIN = "licence", "do-not-train"
CIRCUMSTANCES = {kind.value: kind for kind in (CircumstanceKind.INFRINGING_SOURCE, CircumstanceKind.LICENSED_MARKET,
                                               CircumstanceKind.PUBLIC_DOMAIN, CircumstanceKind.REPERTOIRE)}
KINDS = (LICENCE, DO_NOT_TRAIN, *CIRCUMSTANCES)
GRANTS = (LICENCE, CircumstanceKind.PUBLIC_DOMAIN.value)
QUOTED = ("kind", "match", "value", "holder", "society", "uses", "from", "until")

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_AMOUNT = re.compile(r"\d{1,18}(?:\.\d{1,12})?", re.ASCII)
_CURRENCY = re.compile(r"[A-Z]{3}")

Entry = dict[str, Any]


class _Wrong(ValueError):
    """What is wrong with a line."""


def read(evidence: Evidence, asset: Asset, asker: Asker) -> list[Finding]:
    body, out = evidence.body[:REGISTER_BYTES], list[Finding]()
    if len(evidence.body) > REGISTER_BYTES:
        body = body[:body.rfind(b"\n") + 1]
        out.append(Fault(Carrier.REGISTER, FaultKind.TRUNCATED, f"longer than {REGISTER_BYTES} bytes"))
    for number, line in enumerate(body.split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            out += _findings(_entry(line), number, evidence.at, asker)
        except _Wrong as wrong:
            out.append(Fault(Carrier.REGISTER, FaultKind.MALFORMED, str(wrong), f"line {number}"))
        if len(out) > FINDINGS:
            cut = f"only the first {FINDINGS} findings were kept"
            return [*out[:FINDINGS], Fault(Carrier.REGISTER, FaultKind.TRUNCATED, cut)]
    return out


def _entry(line: bytes) -> Entry:
    if len(line) > REGISTER_LINE_BYTES:
        raise _Wrong(f"longer than {REGISTER_LINE_BYTES} bytes")
    try:
        entry = json.loads(line, parse_int=str, parse_float=str, parse_constant=str, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise error if isinstance(error, _Wrong) else _Wrong("it is no JSON") from error
    if not isinstance(entry, dict):
        raise _Wrong("it is no object")
    for key in KEYS:
        if key != "uses" and not isinstance(entry.get(key, ""), str):
            raise _Wrong(f"'{key}' is no text")
    if entry.get("kind") not in KINDS:
        raise _Wrong(f"'{entry.get('kind', '')[:40]}' is no kind of entry")
    if entry["kind"] in GRANTS and (unknown := next((key for key in entry if key not in KEYS), None)) is not None:
        raise _Wrong(f"'{unknown[:40]}' is not known here, and could be a condition")
    return entry


def _once(pairs: list[tuple[str, Any]]) -> Entry:
    out = dict(pairs)
    if len(out) < len(pairs):
        raise _Wrong("a key stands twice")
    return out


def _findings(entry: Entry, number: int, at: datetime | None, asker: Asker) -> Iterator[Finding]:
    kind, source = entry["kind"], (entry.get("register") or "register")[:QUOTE_CHARS]
    row = entry.get("entry", "")[:40] or f"line {number}"
    where = f"{source}, {row}"
    uses, terms = _uses(entry), _terms(entry)
    quote = _quote(entry)
    said = (source, row, quote, terms)
    if not _in_force(entry, at, unknown=kind not in GRANTS) or (kind == LICENCE and not uses):
        yield Circumstance(CircumstanceKind.WITHOUT_EFFECT, *said)
    elif kind in CIRCUMSTANCES:
        yield Circumstance(CIRCUMSTANCES[kind], *said)
    elif kind == LICENCE:
        signal = "register.paid-licence" if terms and terms.amount.strip("0.") else "register.licence"
        to = _audience(entry, asker, Audience.YOU)
        for use in uses:
            yield Statement(signal, use, Preference.ALLOW, to, terms=terms, where=where, quote=quote)
    else:
        to = _audience(entry, asker, Audience.EVERYONE)
        for use in uses or (Use.TRAIN_AI,):
            yield Statement("register.do-not-train", use, Preference.DISALLOW, to, terms=terms, where=where, quote=quote)


def _audience(entry: Entry, asker: Asker, nobody_named: Audience) -> Audience:
    named = entry.get("asker", "").strip().casefold()
    if not named:
        return nobody_named
    return Audience.YOU if named == asker.token.casefold() else Audience.OTHER


def _uses(entry: Entry) -> tuple[Use, ...]:
    words = entry.get("uses", [])
    if not isinstance(words, list):
        raise _Wrong("'uses' is no list")
    out: dict[Use, None] = {}
    for word in words:
        term = meaning("register", word) if isinstance(word, str) else None
        if term is None:
            raise _Wrong(f"'{str(word)[:40]}' is no use")
        out |= dict.fromkeys(term.uses)
    return tuple(out)


def _terms(entry: Entry) -> Terms | None:
    fee, currency, url = (entry.get(key, "") for key in ("fee", "currency", "terms"))
    if fee and not _AMOUNT.fullmatch(fee):
        raise _Wrong(f"'{fee[:40]}' is no amount")
    if currency and not _CURRENCY.fullmatch(currency):
        raise _Wrong(f"'{currency[:40]}' is no currency (ISO 4217)")
    return Terms(url=url[:QUOTE_CHARS], amount=fee, currency=currency) if fee or url else None


def _in_force(entry: Entry, at: datetime | None, unknown: bool) -> bool:
    """Whether an entry is in its time; `unknown` where a time is asked for and none is known."""
    since, until = _moment(entry, "from", time.min), _moment(entry, "until", time.max)
    if since is None and until is None:
        return True
    if at is None:
        return unknown
    return (since is None or since <= at) and (until is None or at <= until)


def _moment(entry: Entry, key: str, of_day: time) -> datetime | None:
    text = entry.get(key, "")
    if not text:
        return None
    try:
        if _DAY.fullmatch(text):
            return datetime.combine(date.fromisoformat(text), of_day, UTC)
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise _Wrong(f"'{key}': '{text[:40]}' is neither date nor time") from None
    if moment.tzinfo is None:
        raise _Wrong(f"'{key}': '{text[:40]}' has no offset from UTC; add Z")
    return moment


def _quote(entry: Mapping[str, Any]) -> str:
    """The entry in the words of its keys."""
    told = ((key, " ".join(value) if isinstance(value, list) else value) for key in QUOTED if (value := entry.get(key)))
    return "; ".join(f"{key}: {text}" for key, text in told)[:QUOTE_CHARS]
