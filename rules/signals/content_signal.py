"""Content Signals: the pairs of a `Content-Signal` rule, and the response field of that name.

Facts (Content Signals Policy, Cloudflare, 2025-09-24, https://contentsignals.org/; the key `use`, 2026-07-01)
- The value is `key=value` pairs between commas, spaces optional. Keys `search`, `ai-input`, `ai-train` take `yes` or `no`; a
  key that is absent neither grants nor restricts.
- `use` is the most that may be done: `immediate` keeps nothing, `reference` indexes and links back, `full` has no limit.
- PRACTICE: Cloudflare writes keys and values in lower case; other cases, `;`, quotes and spaces around `=` are read as lenient.
  OURS: so are pairs without a comma between them, `:` for `=` and `_` for `-`.
- OURS: no rule exists for duplicates, so `no` wins and the lowest `use` wins. A word that can only mean no (`disallow`,
  `false`) is a lenient no, as some libraries write it; no other word is a yes.
- No specification defines the response field. PRACTICE: converters add it with every value `yes`, whatever the owner chose.
  OURS: the field never allows, and what it refuses is lenient.
"""
from __future__ import annotations

import re
from collections.abc import Iterator

from ..limits import QUOTE_CHARS
from ..model import Asker, Asset, Evidence, Finding, Form, Preference, Statement, Terms
from ..vocab import Term, meaning
from . import http_fields

FIELD = b"content-signal"
NOES = frozenset({"n", "disallow", "disallowed", "deny", "false", "0"})
USE_LEVELS = ("immediate", "reference", "full")    # least first

_EXACT = re.compile(r"[a-z-]+=[a-z]+")


def parse(value: str) -> list[tuple[Term, Preference, bool]]:
    """What the pairs state, each with whether it took leniency to read; one answer a key, in order of first appearance."""
    found: dict[str, tuple[Term, Preference, bool]] = {}
    level: tuple[int, bool] | None = None
    separated = ";" in value
    for key, word, exact in _pairs(value):
        lenient = separated or not exact
        if key == "use" and word in USE_LEVELS:
            level = min(level or (len(USE_LEVELS), True), (USE_LEVELS.index(word), lenient))
        elif term := meaning("content-signal", key):
            if word in NOES:
                word, lenient = "no", True
            if word not in ("yes", "no"):
                continue
            said = (term, Preference.DISALLOW if word == "no" else Preference.ALLOW, lenient)
            found[key] = min(found.get(key, said), said, key=_restriction)
    stated = list(found.values())
    if level and (term := meaning("content-signal", f"use={USE_LEVELS[level[0]]}")):
        stated.append((term, Preference.DISALLOW, level[1]))
    return stated


def _pairs(value: str) -> Iterator[tuple[str, str, bool]]:
    """Keys and words, and whether they stand as they should."""
    for pair in value.replace(";", ",").split(","):
        plain = pair.strip(" \t")
        exact = bool(_EXACT.fullmatch(plain))
        parts = [plain] if exact else "=".join(part.strip(" \t") for part in plain.lower().replace(":", "=").split("=")).split()
        for part in parts:
            key, equals, word = part.partition("=")
            if equals:
                yield key.strip("\"'").replace("_", "-"), word.strip("\"'"), exact


def _restriction(said: tuple[Term, Preference, bool]) -> tuple[bool, bool]:
    return said[1] is Preference.ALLOW, said[2]


def terms(term: Term) -> Terms | None:
    """What a level of `use` leaves open; None for the other keys."""
    return Terms(conditions=(term.word,)) if term.word.startswith("use=") else None


def header(evidence: Evidence, asset: Asset, asker: Asker) -> list[Finding]:
    lines = http_fields.values(evidence.body, FIELD)
    if not lines:
        return []
    value = ", ".join(lines)
    return [Statement("content-signal.header", use, preference, form=Form.LENIENT, terms=terms(term), where="content-signal",
                      quote=value[:QUOTE_CHARS], note="unspecified-field")
            for term, preference, _ in parse(value) if preference is Preference.DISALLOW for use in term.about(preference)]
