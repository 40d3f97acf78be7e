"""TDM Reservation Protocol: the file of an origin, the response fields and the metas of a page.

Facts (TDMRep CG-FINAL-2024-05-10, https://www.w3.org/community/reports/tdmrep/CG-FINAL-tdmrep-20240510/)
- 5: `tdm-reservation` is 1 (reserved) or 0 (not reserved); another value is an error and counts as unset. `tdm-policy` is the
  URL of a policy and is not looked at where nothing is reserved.
- 6.1: `/.well-known/tdmrep.json` is an array of rules with `location` and `tdm-reservation`, even for one rule. Patterns are
  those of robots.txt; of the rules that match, the first in sequence counts, not the longest. No match: unset.
- 6.2, 6.3: the fields and metas of that name speak of the resource that carries them; those of a page of its text, not of its
  media.
- 7: a later carrier supersedes an earlier one (SIGNALS.rank); the absence of a value resets nothing.
- OURS: `"1"`, `true` and a 1 with parameters reserve, as lenient, for in the other carriers the value is a string; nothing like
  them un-reserves.
- OURS: of several values for one resource 1 wins. A page un-reserves only in its head.
- OURS: a rule that could match and cannot be read is malformed, and the rules after it are asked; so is a file that is no
  array.
- PRACTICE: an example of the specification has a trailing comma. OURS: a file that is JSON without such commas is read as
  lenient.
"""
from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass

from .. import html as pages
from ..limits import DETAIL_CHARS, FIELD_BYTES, QUOTE_CHARS, TDMREP_BYTES, TDMREP_RULES
from ..memo import memo
from ..model import Asker, Asset, Carrier, Evidence, Fault, FaultKind, Finding, Form, Preference, Statement, Terms
from ..vocab import meaning
from . import http_fields
from .page_instead import is_page, page_instead
from .robots_match import _Glob, _query_encoded, normal_path, normal_pattern, path_query

RESERVATION, POLICY = "tdm-reservation", "tdm-policy"
LIKE_ONE = frozenset({'"1"', "'1'", "true", "yes", "1.0", "01"})

_COMMA_OR_STRING = re.compile(r'"(?:[^"\\]|\\.)*+"?+|,(?=\s*+[\]}])', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Said:
    """One answer and why it took leniency to read it."""
    preference: Preference
    note: str = ""


def said(values: Iterable[str]) -> Said | None:
    """What the values of `tdm-reservation` for one resource come to; None: unset."""
    words = [word.strip().lower() for value in values for word in value.split(",")]
    if "1" in words:
        return Said(Preference.DISALLOW, "" if set(words) == {"1"} else "conflicting-values")
    if LIKE_ONE & set(words) or any(word.partition(";")[0].strip() == "1" for word in words):
        return Said(Preference.DISALLOW, "value-type")
    return Said(Preference.ALLOW) if words and set(words) == {"0"} else None


def statements(signal: str, answer: Said, policy: str, where: str, quote: str) -> list[Finding]:
    term = meaning("tdmrep", RESERVATION)
    reserved = answer.preference is Preference.DISALLOW
    policy = policy.strip()
    return [Statement(signal, use, answer.preference, form=Form.LENIENT if answer.note else Form.EXACT,
                      terms=Terms(url=policy) if reserved and 0 < len(policy) <= FIELD_BYTES else None,
                      where=where, quote=quote[:QUOTE_CHARS], note=answer.note)
            for use in (term.about(answer.preference) if term else ())]


def header(evidence: Evidence, asset: Asset, asker: Asker) -> list[Finding]:
    values = http_fields.values(evidence.body, RESERVATION.encode())
    if not (answer := said(values)):
        return []
    policy = next(iter(http_fields.values(evidence.body, POLICY.encode())), "")
    return statements("tdmrep.header", answer, policy, RESERVATION, ", ".join(values))


def html(evidence: Evidence, asset: Asset, asker: Asker) -> list[Finding]:
    metas = [m for m in pages.read(evidence, asset).metas if m.name == RESERVATION]
    answer = said([m.content for m in metas])
    if not answer:
        return []
    if answer.preference is Preference.ALLOW and any(m.deviation for m in metas):
        return []
    first = next(m for m in sorted(metas, key=lambda m: bool(m.deviation))
                 if (one := said([m.content])) and one.preference is answer.preference)
    policy = next((m.content for m in pages.read(evidence, asset).metas if m.name == POLICY), "")
    return statements("tdmrep.html", Said(answer.preference, answer.note or first.deviation), policy, f"meta {first.index}",
                       first.content)


@dataclass(frozen=True, slots=True)
class Rule:
    number: int                      # from 1
    glob: _Glob
    query: _Glob | None              # the same with gen-delims of the query encoded, as in robots_match
    answer: Said | None              # None: an error, unset
    policy: str
    quote: str


@dataclass(frozen=True, slots=True)
class File:
    rules: tuple[Rule, ...] = ()
    faults: tuple[Fault, ...] = ()


def file(evidence: Evidence, asset: Asset, asker: Asker) -> list[Finding]:
    parsed = parse(evidence.body)
    path, encoded = normal_path(path_query(asset.url))
    for rule in parsed.rules:
        if rule.answer and (rule.glob.matches(path) or (encoded and rule.query and rule.query.matches(encoded))):
            return [*parsed.faults, *statements("tdmrep.file", rule.answer, rule.policy, f"rule {rule.number}", rule.quote)]
    return list(parsed.faults)


@memo
def parse(body: bytes) -> File:
    """The rules of a file in sequence, and what in it could not be read."""
    if len(body) > TDMREP_BYTES:
        return File((), (_fault(FaultKind.TRUNCATED, f"longer than {TDMREP_BYTES} bytes"),))
    if body.count(b"{") > 4 * TDMREP_RULES:
        return File((), (_fault(FaultKind.TRUNCATED, f"more than {4 * TDMREP_RULES} objects"),))
    if is_page(body):
        return File((), (page_instead(Carrier.TDMREP_JSON),))
    try:
        data, note = read_json(body)
    except (ValueError, RecursionError) as error:
        return File((), (_fault(FaultKind.MALFORMED, f"no JSON: {error}"),))
    if not isinstance(data, list):
        return File((), (_fault(FaultKind.MALFORMED, "no array of rules"),))
    faults: dict[FaultKind, Fault] = {}
    if len(data) > TDMREP_RULES:
        faults[FaultKind.TRUNCATED] = _fault(FaultKind.TRUNCATED, f"more than {TDMREP_RULES} rules")
    rules: list[Rule] = []
    for number, item in enumerate(data[:TDMREP_RULES], 1):
        rule = _rule(number, item, note)
        if isinstance(rule, Rule):
            rules.append(rule)
        else:
            faults.setdefault(FaultKind.MALFORMED, rule)
    return File(tuple(rules), tuple(faults.values()))


def _rule(number: int, item: object, note: str) -> Rule | Fault:
    where = f"rule {number}"
    if not isinstance(item, _Object):
        return _fault(FaultKind.MALFORMED, "no object", where)
    location, reservation, policy = item.get("location"), item.get(RESERVATION), item.get(POLICY)
    if not isinstance(location, str) or not location.startswith(("/", "*")):
        return _fault(FaultKind.MALFORMED, "no location that is a path", where)
    if reservation is None or isinstance(reservation, (list, dict)):
        return _fault(FaultKind.MALFORMED, f"no {RESERVATION}", where)
    if item.is_doubtful:
        return _fault(FaultKind.MALFORMED, "a key twice", where)
    answer = said([json.dumps(reservation)])
    if answer:
        answer = Said(answer.preference, answer.note or note)
    pattern = normal_pattern(location.encode("utf-8", "replace").decode("latin-1"))
    rank = len(pattern), 0, -number
    query = _Glob(_query_encoded(pattern), rank) if "?" in pattern else None
    return Rule(number, _Glob(pattern, rank), query, answer, policy if isinstance(policy, str) else "",
                f"{location} {reservation}")


class _Object(dict[str, object]):
    """A JSON object that knows whether a key stood in it twice."""
    def __init__(self, pairs: list[tuple[str, object]]) -> None:
        super().__init__(pairs)
        self.is_doubtful = len(self) < len(pairs)


def read_json(body: bytes) -> tuple[object, str]:
    """The value and why it took leniency. Raises ValueError or RecursionError."""
    text = body.decode(json.detect_encoding(body))
    try:
        return json.loads(text, object_pairs_hook=_Object), ""
    except ValueError:
        plain = _COMMA_OR_STRING.sub(lambda m: "" if m[0] == "," else m[0], text)
        return json.loads(plain, object_pairs_hook=_Object), "trailing-comma"


def _fault(kind: FaultKind, detail: str, where: str = "") -> Fault:
    return Fault(Carrier.TDMREP_JSON, kind, detail[:DETAIL_CHARS], where)
