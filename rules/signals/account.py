"""What an author's account on a social network says of all that stands in it.

Facts (https://docs.joinmastodon.org/spec/activitypub/#indexable; https://docs.joinmastodon.org/entities/Account/; Bluesky
proposal 0008, https://github.com/bluesky-social/proposals/tree/main/0008-user-intents; https://lexicon.garden,
community.lexicon.preference.ai)
- Mastodon: `indexable` of an actor, or of an account in the REST interface since 4.3, opts in to search of public posts or
  out of it; `noindex` opts out of search engines. Neither says anything of AI. Absent or null: nothing is said.
- Proposal 0008: a record `org.user-intents.declaration` holds intents, each with `allow`; an intent without `allow` is
  undefined. `syntheticContentGeneration` is input to models that generate; `bulkDataset` is a collection that is passed on.
  Archives and bridges are no uses that are asked about here. It is a draft, and so is the next.
- community.lexicon.preference.ai: `preferences` for training, embedding, inference and syntheticContent; what is left out is
  no preference. OURS: of a record whose scope is not the whole account only what disallows is read.
- Records come bare, or as `value` in what a server returns.
"""
from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from ..limits import ACCOUNT_BYTES, FINDINGS, QUOTE_CHARS
from ..model import Asker, Asset, Carrier, Evidence, Fault, FaultKind, Finding, Preference, Statement
from ..vocab import meaning

INTENTS, PREFERENCES = "org.user-intents.declaration", "community.lexicon.preference.ai"
GLOBAL_SCOPE = "community.lexicon.preference.ai#globalScope"


def read(evidence: Evidence, asset: Asset, asker: Asker) -> list[Finding]:
    if len(evidence.body) > ACCOUNT_BYTES:
        return [_fault(FaultKind.TRUNCATED, f"longer than {ACCOUNT_BYTES} bytes")]
    try:
        top = json.loads(evidence.body)
    except (ValueError, RecursionError):
        return [_fault(FaultKind.MALFORMED, "it is no JSON")]
    out: list[Finding] = []
    for record in _records(top):
        out += _record(record)
        if len(out) > FINDINGS:
            return [*out[:FINDINGS], _fault(FaultKind.TRUNCATED, f"only the first {FINDINGS} findings were kept")]
    return out


def _records(top: Any) -> Iterator[Mapping[str, Any]]:
    """An account or record, however a server wraps it."""
    for each in (top if isinstance(top, list) else [top]):
        if isinstance(each, dict):
            yield each
            for inner in (each.get("value"), each.get("account"), each.get("actor"), *_list(each.get("records"))):
                if isinstance(inner, dict):
                    yield _dict(inner.get("value")) or inner


def _record(record: Mapping[str, Any]) -> Iterator[Finding]:
    kind = record.get("$type")
    if kind == INTENTS:
        for name, intent in record.items():
            yield from _preference("account.user-intents", "user-intents", name.rpartition(".")[2], _dict(intent))
    elif kind == PREFERENCES:
        everywhere = _dict(record.get("scope")).get("$type", GLOBAL_SCOPE) == GLOBAL_SCOPE
        for name, said in _dict(record.get("preferences")).items():
            yield from _preference("account.preference-ai", "preference-ai", name, _dict(said), everywhere)
    elif kind is None:
        if "indexable" in record:
            yield from _preference("account.indexable", "account", "indexable", {"allow": record["indexable"]})
        if record.get("noindex") is True:
            yield from _preference("account.indexable", "account", "noindex", {"allow": False})


def _preference(signal: str, protocol: str, name: str, said: Mapping[str, Any], everywhere: bool = True) -> Iterator[Finding]:
    term, allow = meaning(protocol, name.lower()), said.get("allow")
    if term is None or allow is None:
        return
    if not isinstance(allow, bool):
        yield _fault(FaultKind.MALFORMED, f"'{name[:40]}' neither allows nor disallows")
        return
    preference = Preference.ALLOW if allow else Preference.DISALLOW
    if allow and not everywhere:
        return
    for use in term.about(preference):
        yield Statement(signal, use, preference, where=name[:40], quote=f"{name}: {str(allow).lower()}"[:QUOTE_CHARS])


def _fault(kind: FaultKind, detail: str) -> Fault:
    return Fault(Carrier.ACCOUNT, kind, detail, "account")


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
