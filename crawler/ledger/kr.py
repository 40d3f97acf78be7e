"""What a run shows about data for the duties of the Korean AI Basic Act, and what that Act does not ask.

**Facts** (Act on the development of artificial intelligence and the establishment of a foundation for trust, in force with its
decree since 22 January 2026; read in secondary text)
- It asks for transparency (Art. 31), for plans and documents about high-impact AI, for safety of models trained with 10^26
  FLOP or more, for a domestic agent. It asks nobody to publish training data. Fines reach KRW 30 million; there is a period of
  grace.
- High-impact AI and models above the threshold are two categories.
- Copyright is another law. The guide to fair use of 26 February 2026 weighs ignored robots.txt files and passed barriers.
OURS: all words stand in kr.yaml, in English and Korean. Nothing is told that a run does not show; what only the provider knows
is left open.
"""
from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import pyarrow.compute as pc

from rules import Circumstance, Fault, Finding, Policy, Preference, Statement, Use, policies
from rules.model import Audience, CircumstanceKind
from rules.strict_yaml import load
from rules.vocab import bears

from .. import run as folders
from ..compare import Outcome, compare
from ..compared import pages
from ..run import Manifest
from . import crawled
from .crawled import Crawled
from .document import Document, Section, Table
from .eu import chosen

SCHEMA = "maymine/report-kr/1"
LANGUAGES = ("en", "ko")
LARGEST = 20                         # domains that are named
DUTIES = ("transparency", "impact", "safety", "agent")

Say = Callable[..., str]


def summary(folder: Path, policy: str = "", use: str = "", language: str = "en", **_: Any) -> Document:
    """The report. `policy` and `use` as for the summary for the EU. Raises RunError, OSError, pyarrow.ArrowException."""
    manifest = folders.read_manifest(folder)
    by, asked = chosen(folder, manifest, policy, use)
    added = crawled.add_up(folder, by.id, asked)
    korean = [p for p in map(policies.load, policies.names()) if p.jurisdiction == "KR" and Use(asked) in p.uses]
    data = _data(folder, manifest, by, added, korean)

    def say(name: str, **given: object) -> str:
        text = words()[name][language]
        return text.format(**{k: f"{v:,}" if isinstance(v, int) else v for k, v in given.items()}) if given else text
    return Document(say("title"), say("lead"), (_general(data, say), _duties(say), _not_asked(say), _shown(data, say),
                                                Section(say("limits"), notes=(say("limits_text"), say("checked")))),
                    {**data, "language": language}, language, say("to_fill"))


@cache
def words() -> Mapping[str, Mapping[str, str]]:
    """id -> language -> text. DataError: the table is broken."""
    root = load(files(__package__).joinpath("kr.yaml").read_text("utf-8"), "kr.yaml")
    return {key: {lang: text.text() for lang, text in node.fields(LANGUAGES).items()} for key, node in root.pairs().items()}


# ---- the numbers

def _data(folder: Path, manifest: Manifest, by: Policy, added: Crawled, korean: list[Policy]) -> dict[str, Any]:
    domains = added.domains()
    total = crawled.total(domains.values())
    largest = sorted(domains.items(), key=lambda pair: (-pair[1].bytes, pair[0]))[:LARGEST]
    return {
        "schema": SCHEMA, "run": folder.name, "status": manifest["status"], "engine": manifest["engine"],
        "act": {"in_force": "2026-01-22", "asks_to_publish_training_data": False, "checked": "secondary text, 2026-11-22"},
        "own_crawler": "filter" not in manifest, "token": manifest["asker"]["token"], "policy": by.id, "use": added.use,
        "period": {"first": _minute(added.first), "last": _minute(added.last)},
        "items": {"asked_for": added.items, "with_content": added.items - added.empty, "of_unknown_size": added.unmeasured,
                  "bytes": total.bytes},
        "domains": len(domains), "hosts": len(added.hosts),
        "largest": [{"domain": name, "items": one.items, "bytes": one.bytes} for name, one in largest],
        "modalities": {name: {"items": one.items, "bytes": one.bytes} for name, one in added.modalities().items()},
        "guide": _guide(folder), "policies": _policies(folder, korean, Use(added.use)),
    }


def _minute(at: datetime | None) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M") if at else ""


def _guide(folder: Path) -> dict[str, dict[str, int]]:
    """Fact -> pages of which it is found, and those of them whose content came."""
    found = pages(folder)
    sums = found.table.append_column("came", pc.is_valid(found.table["size"]).cast("int64")).group_by("set").aggregate(
        [("came", "sum"), ("came", "count")]).to_pylist()
    items, came = Counter[str](), Counter[str]()
    for row in sums:
        for name in {name for f in found.sets[row["set"]][0] for name in _facts(f)}:
            items[name] += row["came_count"]
            came[name] += row["came_sum"]
    return {name: {"items": items[name], "with_content": came[name]} for name in GUIDE}


GUIDE = ("turned_away", "reserved", "paywalled", "technical-barrier", "licensed-market", "infringing-source", "unread")


def _facts(f: Finding) -> tuple[str, ...]:
    match f:
        case Circumstance():
            return (f.kind.value,) if f.kind is not CircumstanceKind.PUBLIC_DOMAIN else ()
        case Fault():
            return ("unread",)
        case Statement() if f.preference is Preference.DISALLOW and not f.superseded_by and f.audience in (
                Audience.YOU, Audience.EVERYONE):
            if f.use is Use.CRAWL:
                return ("turned_away",)
            return ("reserved",) if bears(f.use, f.preference, Use.TRAIN_AI) else ()
    return ()


def _policies(folder: Path, korean: list[Policy], use: Use) -> list[dict[str, Any]]:
    if not korean:
        return []
    c = compare([folder], korean, [use])
    return [{"policy": side.policy.id, "status": side.policy.status, "title": side.policy.title,
             **{o.word: c.counted[n, use].items[o] for o in Outcome}} for n, side in enumerate(c.sides)]


# ---- the words

def _general(data: dict[str, Any], say: Say) -> Section:
    period = data["period"]
    return Section(say("general"), (
        (say("provider"), ""),
        (say("run"), say("run_text", run=data["run"], status=data["status"], engine=data["engine"])),
        (say("period"), say("period_text", **period) if period["first"] else ""),
        (say("who"), say("who_own", token=data["token"]) if data["own_crawler"] else say("who_others")),
        (say("fines"), say("fines_text"))))


def _duties(say: Say) -> Section:
    rows = tuple((say(f"duty_{name}"), say(f"touches_{name}"),
                  say("shows_impact") if name == "impact" else say("nothing"),
                  say("not_impact") if name == "impact" else say("all_of_it")) for name in DUTIES)
    return Section(say("duties"), tables=(
        Table(say("duties"), (say("duty"), say("touches"), say("shows"), say("not_shown")), rows),))


def _not_asked(say: Say) -> Section:
    return Section(say("not_asked"), tuple((say(name), say(f"{name}_text"))
                                           for name in ("disclosure", "flop", "item32", "copyright")))


def _shown(data: dict[str, Any], say: Say) -> Section:
    items = data["items"]
    tables = [
        Table(say("modalities"), (say("modality"), say("items"), say("bytes")),
              tuple((name, f"{one['items']:,}", f"{one['bytes']:,}") for name, one in data["modalities"].items()), (1, 2)),
        Table(say("largest"), (say("domain"), say("items"), say("bytes")),
              tuple((one["domain"], f"{one['items']:,}", f"{one['bytes']:,}") for one in data["largest"]), (1, 2)),
        Table(say("guide"), (say("fact"), say("items"), say("of_them")),
              tuple((say(name), f"{n['items']:,}", f"{n['with_content']:,}") for name, n in data["guide"].items()), (1, 2))]
    if data["policies"]:
        outcomes = [o.word for o in Outcome]
        tables.append(Table(
            say("policies", use=data["use"]), (say("policy"), say("status"), *map(say, outcomes)),
            tuple((p["policy"], p["status"], *(f"{p[word]:,}" for word in outcomes)) for p in data["policies"]), (2, 3, 4, 5)))
    facts = ((say("items"), say("items_text", items=items["asked_for"], came=items["with_content"], bytes=items["bytes"],
                                unmeasured=items["of_unknown_size"])),
             (say("domains"), say("domains_text", domains=data["domains"], hosts=data["hosts"])))
    return Section(say("data"), facts, tuple(tables), (say("policies_note"),) if data["policies"] else ())
