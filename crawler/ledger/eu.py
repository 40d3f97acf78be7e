"""The parts about crawled data of a public summary of training content (EU), from a run.

**Facts** (template of 24 July 2025, C(2025) 5235, adopted as C(2025) 8311 on 5 December 2025, for Regulation (EU) 2024/1689,
Article 53(1)(d); read in secondary text)
- 2.3: crawlers, their names, purposes and behaviour (captchas, paywalls, robots.txt), period of collection as MM/YYYY, content
  and sources, modalities, and the most relevant domain names: a tenth of all, by the size of the content scraped; for small
  and medium-sized providers a twentieth, and at most 1,000, whichever is lower.
- 3.1: what is done to respect reservations of text and data mining, which protocols are honoured, whether the provider signed
  the Code of Practice.
OURS, where the template leaves room, and each said in the document
- The level is the registrable domain; hosts are an annex. The size is bytes of the items' bodies without content-coding, as
  they were read, added up over all items before filtering; the bytes that remain stand beside them.
- A tenth of D domains is D / 10 rounded up. The largest come first; of equals the first by name.
- A list for each modality stands beside the list for all, made by the same rule.
"""
from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rules.model import Audience, Effect, Preference, Subject, Use
from rules.policy import Policy
from rules.signals import SIGNALS

from .. import rerun
from .. import run as folders
from ..run import Manifest, RunError
from ..terminal import counted
from . import crawled, kinds
from .crawled import Crawled, Sum
from .document import Document, Section, Table
from .domains import list_version

SCHEMA = "maymine/summary-eu/1"
TEMPLATE = "C(2025) 5235 of 24 July 2025, adopted as C(2025) 8311 on 5 December 2025"
BEFORE, AFTER = "collected", "kept"
# What a policy makes of a no that is addressed to everybody, strongest first.
STANDING = {Effect.AGREED: "settled by agreement", Effect.PROHIBIT: "honoured: the use is prohibited",
            Effect.HOLD: "left open: the use is undetermined", Effect.PERMIT: "no hindrance", Effect.IGNORE: "without effect"}


class NothingMeasured(Exception):
    """No size is known of anything, so that no domain is larger than another."""


def summary(folder: Path, policy: str = "", use: str = "", sme: bool = False, size: str = BEFORE,
            list_of_kinds: Mapping[str, str] | None = None, kinds_name: str = kinds.OWN) -> Document:
    """Raises RunError, NothingMeasured, OSError, pyarrow.ArrowException."""
    manifest = folders.read_manifest(folder)
    by, asked = chosen(folder, manifest, policy, use)
    added = crawled.add_up(folder, by.id, asked)
    came = added.items - added.empty
    if came and added.unmeasured == came:
        raise NothingMeasured(f"{folder} knows the size of no item; it was made before sizes were kept. Collect again, or "
                              "filter the archives again")
    parts = kinds.composition(added.hosts, kinds.own() if list_of_kinds is None else list_of_kinds)
    data = _data(folder, manifest, by, added, sme, size, parts, kinds_name)
    return Document("Public summary of training content: data crawled and scraped",
                    "Sections 2.3 and 3.1 of the template for the public summary of the content used for training "
                    "(Regulation (EU) 2024/1689, Article 53(1)(d)), as far as a run of maymine tells. The other sections, and "
                    "what is marked, are for the provider.",
                    (_head(data), _crawled(data), _domains(data), _kinds(data), _measures(data), _annex(data)), data)


def chosen(folder: Path, manifest: Manifest, policy: str, use: str) -> tuple[Policy, str]:
    """The policy and use that say what remains after filtering: those asked for, or the first of the run. Raises RunError."""
    known = rerun.policies_of(folder, manifest)
    names = {id_: id_ for id_ in known} | {id_.partition("@")[0]: id_ for id_ in known}
    if not known:
        raise RunError(f"{folder} was made without a policy")
    if policy and policy not in names:
        raise RunError(f"{folder} was not decided by '{policy}'; known are {', '.join(known)}. 'maymine decide {folder} "
                       f"--policy {policy}' does it")
    found = known[names[policy] if policy else next(iter(known))]
    if isinstance(found, str):
        raise RunError(found)
    uses = [u.value for u in found.uses]
    asked = use or next((u for u in (Use.TRAIN_GENAI.value, Use.TRAIN_AI.value, Use.TDM.value) if u in uses), uses[0])
    if asked not in uses:
        raise RunError(f"{found.id} does not answer for '{asked}'; it does for {', '.join(uses)}")
    return found, asked


# ---- the numbers

def _data(folder: Path, manifest: Manifest, policy: Policy, added: Crawled, sme: bool, size: str, parts: list[kinds.Part],
          kinds_name: str) -> dict[str, Any]:
    domains, after, none = added.domains(), size == AFTER, Counter[str]()
    total = crawled.total(domains.values())
    return {
        "schema": SCHEMA, "template": TEMPLATE, "run": folder.name, "status": manifest["status"],
        "policy": {"id": policy.id, "title": policy.title, "status": policy.status, "digest": policy.digest}, "use": added.use,
        "period": {"from": _month(added.first), "to": _month(added.last)},
        "crawlers": _crawlers(folder, manifest),
        "items": {"asked_for": added.items, "with_content": added.items - added.empty, "of_unknown_size": added.unmeasured,
                  "bytes": total.bytes, "verdicts": dict(sorted(added.verdicts.items())),
                  "kept": total.kept_items, "kept_bytes": total.kept_bytes},
        "modalities": {name: _sum(one) for name, one in added.modalities().items()},
        "circumstances": {name: dict(sorted(words.items())) for name, words in sorted(added.circumstances.items())},
        "domains": {
            "rule": "sme" if sme else "tenth", "size": size, "level": "registrable domain", "suffixes": list_version(),
            "all": len([d for d in domains.values() if not after or d.kept_items]), "hosts": len(added.hosts),
            "listed": _listed(domains, sme, after),
            "by_modality": {name: _listed(added.domains(name), sme, after) for name in added.modalities()}},
        "hosts": [{"host": host, **_sum(one)} for host, one in _hosts(added)],
        "kinds": {"list": kinds_name, "parts": [
            {"kind": p.kind, "domains": p.domains, "items": p.items, "bytes": p.bytes,
             "share_of_items": kinds.per_cent(p.share_items), "share_of_bytes": kinds.per_cent(p.share_bytes)} for p in parts]},
        "protocols": [{"protocol": name, "standing": words, "items": added.reserved.get(name, none)["prohibited"],
                       "speaks_against": added.reserved.get(name, none).total()}
                      for name, words in standing(policy, Use(added.use)).items()],
    }


def standing(policy: Policy, use: Use) -> dict[str, list[str]]:
    """What a policy makes of a no of each protocol that is addressed to everybody or to the asker, strongest first."""
    column = policy.uses.index(use)
    out: dict[str, set[Effect]] = {}
    for shape, rows in policy.table.items():
        if len(shape) == 7 and shape[2] is Preference.DISALLOW and shape[3] in (Audience.EVERYONE, Audience.YOU) \
                and shape[5] is Subject.ASSET and (row := rows[column]) is not None:
            out.setdefault(SIGNALS[shape[0]].protocol, set()).add(row[1])
    return {name: [STANDING[e] for e in sorted(effects, reverse=True)] for name, effects in sorted(out.items())}


def _crawlers(folder: Path, manifest: Manifest) -> dict[str, Any]:
    """Who fetched: our own crawler, or others, whose archives were read."""
    token = manifest["asker"]["token"]
    if "filter" not in manifest:
        return {"own": True, "token": token, "engine": manifest["engine"]}
    inputs = [json.loads(line) for line in (folder / "inputs.jsonl").read_bytes().splitlines() if line]
    return {"own": False, "token": token, "engine": manifest["engine"],
            "archives": [i["uri"].rpartition("/")[2] for i in inputs if "uri" in i]}


def _listed(domains: Mapping[str, Sum], sme: bool, after: bool) -> list[dict[str, Any]]:
    return [{"domain": name, **_sum(one)} for name, one in crawled.most(dict(domains), sme, after)]


def _hosts(added: Crawled) -> list[tuple[str, Sum]]:
    """The largest first, as domains are."""
    sums = ((host, crawled.total(modalities.values())) for host, modalities in added.hosts.items())
    return sorted(sums, key=lambda pair: (-pair[1].bytes, pair[0]))


def _sum(one: Sum) -> dict[str, int]:
    return {"items": one.items, "bytes": one.bytes, "kept_items": one.kept_items, "kept_bytes": one.kept_bytes}


def _month(at: Any) -> str:
    return at.strftime("%m/%Y") if at else ""


# ---- the words

COUNTS = ("items", "bytes", "kept_items", "kept_bytes")
COUNT_WORDS = ("items", "bytes collected", "items kept", "bytes kept")


def _head(data: dict[str, Any]) -> Section:
    return Section("1 General information", (
        ("Provider, model names and versions", ""), ("Date of the last update", ""), ("Template", data["template"]),
        ("Run", f"{data['run']} ({data['status']}), engine {data['crawlers']['engine']}")),
        notes=("The template asks for an update at least every six months where new data changes the summary materially.",))


def _crawled(data: dict[str, Any]) -> Section:
    own, items = data["crawlers"], data["items"]
    gates = "; ".join(f"{name}: {counted(sum(words.values()), 'item')}, kept of them: {words.get('permitted', 0):,}"
                      for name, words in data["circumstances"].items())
    who: tuple[tuple[str, str], ...]
    if own["own"]:
        who = (("Crawlers were used by the provider or on its behalf", "Yes"), ("Name of the crawler", own["token"]),
               ("Behaviour", "robots.txt is asked for before each request and followed by RFC 9309; where it cannot be "
                "reached, nothing is fetched from that site. maymine itself solves no captcha, logs in nowhere and pays "
                "nowhere."),
               ("Behaviour of the software around it, if any", ""))
    else:
        names = own["archives"]
        who = (("Crawlers were used by the provider or on its behalf", ""),
               ("Source of the items", f"{counted(len(names), 'archive or data set', 'archives or data sets')} that others "
                f"collected: {', '.join(names[:10])}"
                + (" ..." if len(names) > 10 else "")), ("Behaviour of who collected them", ""))
    period = data["period"]
    return Section("2.3 Data crawled and scraped from online sources", (
        *who, ("Purposes of the crawlers", ""),
        ("Period of collection", f"{period['from']} to {period['to']}" if period["from"] else ""),
        ("Barriers that were seen", gates or "none"),
        ("Items", f"{items['asked_for']:,} asked for; content came of {items['with_content']:,}, "
         f"{counted(items['bytes'], 'byte')}"
         + (f"; the size of {items['of_unknown_size']:,} is not known and counts nothing" if items["of_unknown_size"] else "")),
        ("After filtering", f"{counted(items['kept'], 'item')}, {counted(items['kept_bytes'], 'byte')}: that of which "
         f"{data['policy']['id']} permits {data['use']}"),
        ("Types of content, languages", "")),
        (Table("Modalities", ("modality", *COUNT_WORDS), _rows(data["modalities"].items()), (1, 2, 3, 4)),))


def _rows(pairs: Any) -> tuple[tuple[str, ...], ...]:
    return tuple((name, *(f"{one[c]:,}" for c in COUNTS)) for name, one in pairs)


def _domains(data: dict[str, Any]) -> Section:
    told = data["domains"]
    share = "a twentieth of all, at most 1,000 (the rule for small and medium-sized providers)" if told["rule"] == "sme" \
        else "a tenth of all"
    when = "before filtering" if told["size"] == BEFORE else "after filtering"
    listed = told["listed"]
    facts = (("Domains", f"{counted(told['all'], 'registrable domain')} on {counted(told['hosts'], 'host')}; "
              f"listed: {len(listed):,}, "
              f"{share}, rounded up"),
             ("Size", f"bytes of the items' bodies without content-coding, as they were read, {when}; the largest first, of "
              "equals the first by name"),
             ("Registrable domain", f"by the Public Suffix List ({told['suffixes']}), private suffixes included"))
    tables = [Table(f"The {len(listed):,} most relevant domains", ("domain", *COUNT_WORDS), _domain_rows(listed), (1, 2, 3, 4),
                    annex=True)]
    tables += [Table(f"The same for {name} alone", ("domain", *COUNT_WORDS), _domain_rows(rows), (1, 2, 3, 4), True)
               for name, rows in told["by_modality"].items() if len(told["by_modality"]) > 1 and rows]
    return Section("2.3 Summary of the most relevant domain names", facts, tuple(tables))


def _domain_rows(listed: list[dict[str, Any]]) -> tuple[tuple[str, ...], ...]:
    return _rows((one["domain"], one) for one in listed)


def _kinds(data: dict[str, Any]) -> Section:
    parts = data["kinds"]["parts"]
    rows = tuple((p["kind"], f"{p['domains']:,}", f"{p['items']:,}", p["share_of_items"], f"{p['bytes']:,}",
                  p["share_of_bytes"]) for p in parts)
    return Section("2.3 Description of content and sources", (("Types of content and sources, in words", ""),), (
        Table("Composition by kind of source", ("kind", "domains", "items", "share of items", "bytes", "share of bytes"), rows,
              (1, 2, 3, 4, 5)),),
        (f"By the list {data['kinds']['list']}, before filtering. A domain that the list does not name is 'not listed', so "
         "each other share is a lower bound. Shares are rounded so that they add up to 100.0 %.",))


def _measures(data: dict[str, Any]) -> Section:
    policy = data["policy"]
    rows = tuple((p["protocol"], "; ".join(p["standing"]), f"{p['speaks_against']:,}", f"{p['items']:,}")
                 for p in data["protocols"])
    verdicts = ", ".join(f"{n:,} {word}" for word, n in data["items"]["verdicts"].items())
    return Section("3.1 Respect of reservations of rights", (
        ("Signatory of the Code of Practice", ""),
        ("Policy", f"{policy['id']} ({policy['status']}), {policy['digest']}: {policy['title']}"),
        ("Verdicts", f"{data['use']}: {verdicts}"), ("Further measures before and during collection", "")), (
        Table("Protocols that are read, and what the policy makes of a no to everybody",
              ("protocol", "a no is", "items it speaks against", "of these prohibited"), rows, (2, 3)),),
        ("A no counts here to whomever and for whatever use it speaks; what it means for this use, the policy says. Where a "
         "protocol has several answers, they depend on its form, such as natural language or a licence.",))


def _annex(data: dict[str, Any]) -> Section:
    return Section("Annex: hosts", tables=(
        Table("All hosts of which content came", ("host", *COUNT_WORDS), _rows((one["host"], one) for one in data["hosts"]),
              (1, 2, 3, 4), True),))
