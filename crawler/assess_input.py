"""One line of `maymine assess` -> what `rules` wants to know: asset, asker, evidence.

**Facts**
- A line is one JSON object in UTF-8 (JSON Lines, https://jsonlines.org; RFC 8259). A key twice, a key that is not known,
  NaN, a lone surrogate: each is an error of the line, as a guess at what was meant could turn a refusal into silence.
- `body` is text, sent as UTF-8; `body_base64` is any bytes (RFC 4648, 4, no line breaks). Where access is `obtained` and
  neither is given, the body is empty: the place was looked at and nothing stood there.
- Evidence without `access` and without a body is an error: nobody said what happened.
- Times have an offset from UTC (RFC 3339, 5.6). Carriers and access words are those of rules/model.py.
- `uri` may be left out where the URL of the item tells it: files of the site, the response, the item itself. A document that
  something refers to is known by its `uri` alone.
"""
from __future__ import annotations

import base64
import json
import re
from datetime import datetime
from typing import Any, NoReturn
from urllib.parse import urlsplit

from rules.model import Access, Asker, Asset, Carrier, Evidence
from rules.record import time_from_text
from rules.references import SITE_FILES

LINE_BYTES = 64 << 20                # OURS: longer lines are not read
LINE_KEYS = ("url", "token", "media_type", "embedder", "variant_of", "commercial", "country", "evidence")
EVIDENCE_KEYS = ("carrier", "uri", "at", "access", "body", "body_base64", "status", "final_uri", "detail")
CARRIERS = tuple(c.value for c in Carrier)
ACCESSES = tuple(a.value for a in Access)
BODIED = (Access.OBTAINED, Access.TRUNCATED, Access.STALE)
EMBEDDING = {Carrier.HTTP_FIELDS: Carrier.EMBEDDING_FIELDS, Carrier.BODY: Carrier.EMBEDDING_PAGE}
SURROGATE = re.compile("[\ud800-\udfff]")
COUNTRY = re.compile("[A-Za-z]{2}")

Input = tuple[Asset, Asker, tuple[Evidence, ...]]


class InputError(ValueError):
    """The line cannot be assessed. The message is for the person who wrote it."""


def parse_line(line: bytes, default: Asker) -> Input:
    """What one line says; `default` answers what it leaves out about the asker. Raises InputError and nothing else."""
    given = _object(_json(line), LINE_KEYS)
    url = _text(given, "url", "")
    if not url:
        raise InputError("'url' is missing")
    media_type = _text(given, "media_type", "").split(";")[0].strip().lower()
    asset = Asset(_absolute(url), media_type, _text(given, "embedder", ""), _text(given, "variant_of", ""))
    token = _text(given, "token", default.token)
    if not token:
        raise InputError("'token' is empty; leave it out, or name the product token of the crawler")
    asker = Asker(token, _truth(given, "commercial", default.commercial), _country(given, default.country))
    evidence = given.get("evidence")
    if not isinstance(evidence, list):
        raise InputError("'evidence' must be a list, [] if nothing was collected")
    return asset, asker, tuple(_evidence(item, n, asset.url, asset.embedder) for n, item in enumerate(evidence, 1))


def _json(line: bytes) -> Any:
    if not line.strip():
        raise InputError("the line is empty")
    try:
        return json.loads(line.decode("utf-8"), object_pairs_hook=_pairs, parse_constant=_constant)
    except InputError:
        raise
    except UnicodeDecodeError as error:
        raise InputError(f"not UTF-8 at byte {error.start}") from error
    except RecursionError as error:
        raise InputError("nested too deeply") from error
    except json.JSONDecodeError as error:
        raise InputError(f"not JSON: {error.msg} at character {error.pos + 1}") from error
    except ValueError as error:
        raise InputError("not JSON: a number is too long") from error


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for name, value in pairs:
        if name in out:
            raise InputError(f"'{_short(name)}' stands twice")
        out[name] = value
    return out


def _constant(word: str) -> NoReturn:
    raise InputError(f"not JSON: {word}")


def _object(value: Any, known: tuple[str, ...]) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InputError("an object is wanted: {...}")
    for key in value:
        if key not in known:
            raise InputError(f"'{_short(key)}' is not known here; known are {', '.join(known)}")
    return value


def _evidence(item: Any, n: int, url: str, embedder: str) -> Evidence:
    try:
        given = _object(item, EVIDENCE_KEYS)
        carrier = Carrier(_word(given, "carrier", CARRIERS))
        body = _body(given)
        access = _access(given, body)
        uri = _text(given, "uri", "") or _place(carrier, url)
        if carrier in EMBEDDING and uri == embedder != url:
            raise InputError(f"this {carrier.value} is of the page around the item; say '{EMBEDDING[carrier].value}'")
        return Evidence(carrier, uri, _time(given), access, body or b"",
                        _status(given), _text(given, "final_uri", ""), _text(given, "detail", ""))
    except InputError as error:
        raise InputError(f"evidence {n}: {error}") from error


def _body(given: dict[str, Any]) -> bytes | None:
    """None: none was given."""
    if "body" in given and "body_base64" in given:
        raise InputError("'body' and 'body_base64' are both given; which one is it?")
    if "body" in given:
        return _text(given, "body", "").encode("utf-8")
    if "body_base64" not in given:
        return None
    try:
        return base64.b64decode(_text(given, "body_base64", ""), validate=True)
    except ValueError as error:
        raise InputError("'body_base64' is not base64") from error


def _access(given: dict[str, Any], body: bytes | None) -> Access:
    if "access" not in given:
        if body is None:
            raise InputError("says neither 'access' nor 'body'; what happened when it was asked for?")
        return Access.OBTAINED
    access = Access(_word(given, "access", ACCESSES))
    if body and access not in BODIED:
        raise InputError(f"'{access.value}' comes without a body; leave the body out, or say 'obtained'")
    return access


def _place(carrier: Carrier, url: str) -> str:
    """Where a carrier of this asset is found, if the line does not say."""
    if carrier in (Carrier.HTTP_FIELDS, Carrier.BODY):
        return url
    if carrier not in SITE_FILES:
        raise InputError(f"'uri' is missing; which document is this {carrier.value}?")
    parts = urlsplit(url)
    if not parts.netloc:
        raise InputError(f"'uri' is missing, and {url} names no server to find {carrier.value} on")
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{SITE_FILES[carrier][0]}"


def _absolute(url: str) -> str:
    try:
        scheme = urlsplit(url).scheme
    except ValueError as error:
        raise InputError(f"'url' is not a URL: {_short(url)}") from error
    if not scheme:
        raise InputError(f"'url' must start with a scheme, like https: {_short(url)}")
    return url


def _time(given: dict[str, Any]) -> datetime | None:
    try:
        return time_from_text(_text(given, "at", ""))
    except (ValueError, OverflowError) as error:
        raise InputError(f"'at' must be a time with its offset from UTC, like 2026-11-22T09:30:00Z: "
                         f"{_short(given['at'])}") from error


def _status(given: dict[str, Any]) -> int | None:
    if "status" not in given:
        return None
    status = given["status"]
    if isinstance(status, bool) or not isinstance(status, int) or not 100 <= status <= 999:
        raise InputError("'status' must be a whole number of three digits")
    return status


def _country(given: dict[str, Any], default: str) -> str:
    country = _text(given, "country", default)
    if country and not COUNTRY.fullmatch(country):
        raise InputError("'country' must be two letters (ISO 3166-1), like DE")
    return country.upper()


def _text(given: dict[str, Any], key: str, default: str) -> str:
    value = given.get(key, default)
    if not isinstance(value, str):
        raise InputError(f"'{key}' must be a string")
    if not value.isascii() and SURROGATE.search(value):
        raise InputError(f"'{key}' has a surrogate that stands alone (\\ud800 to \\udfff); bytes go into 'body_base64'")
    return value


def _truth(given: dict[str, Any], key: str, default: bool) -> bool:
    value = given.get(key, default)
    if not isinstance(value, bool):
        raise InputError(f"'{key}' must be true or false")
    return value


def _word(given: dict[str, Any], key: str, words: tuple[str, ...]) -> str:
    if key not in given:
        raise InputError(f"'{key}' is missing")
    word = _text(given, key, "")
    if word not in words:
        raise InputError(f"'{_short(word)}' is no {key}; known are {', '.join(words)}")
    return word


def _short(text: Any, most: int = 80) -> str:
    said = str(text)
    return said if len(said) <= most else said[:most] + "..."
