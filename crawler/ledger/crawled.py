"""What a run collected, added up: by host, media type and verdict, in columns, so that millions of records take seconds.

**Facts**
- Each item is counted once, from the records of one policy; what its body measured stands beside the record
  (crawler/archive/records.py, `size_bytes`).
- Content was collected of an item where its body came; an item whose size nobody knows is counted, and adds no bytes.
"""
from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from rules.signals import SIGNALS

from .. import recorded
from .domains import registrable

COLUMNS = ("requested", "host", "asset", "collected_at", "size_bytes", "policy", "evidence", "findings", "decisions")
KEYS = ("host", "media_type", "body", "verdict")

# The first prefix that fits says which modality a media type is (RFC 6838); the template's own five words.
MODALITIES = (
    ("text/", "text"), ("image/", "image"), ("audio/", "audio"), ("video/", "video"), ("application/pdf", "text"),
    ("application/xhtml+xml", "text"), ("application/epub+zip", "text"), ("application/json", "text"),
    ("application/ld+json", "text"), ("application/xml", "text"), ("application/rss+xml", "text"),
    ("application/atom+xml", "text"), ("application/msword", "text"), ("application/vnd.oasis.opendocument.text", "text"),
    ("application/vnd.openxmlformats-officedocument.wordprocessingml", "text"), ("application/ogg", "audio"))
OTHER, UNKNOWN = "other", "not known"


@dataclass(slots=True)
class Sum:
    """Items and bytes; `kept` are those whose use is permitted."""
    items: int = 0
    bytes: int = 0
    kept_items: int = 0
    kept_bytes: int = 0

    def add(self, items: int, bytes_: int, kept: bool) -> None:
        self.items += items
        self.bytes += bytes_
        if kept:
            self.kept_items += items
            self.kept_bytes += bytes_

    def include(self, other: Sum) -> None:
        self.items += other.items
        self.bytes += other.bytes
        self.kept_items += other.kept_items
        self.kept_bytes += other.kept_bytes


def total(sums: Iterable[Sum]) -> Sum:
    out = Sum()
    for one in sums:
        out.include(one)
    return out


@dataclass(slots=True)
class Crawled:
    """The items of a run. `items` counts all that were asked for, `domains` and `hosts` those of which content came."""
    policy: str
    use: str
    items: int = 0
    empty: int = 0                                   # of which no content came
    unmeasured: int = 0                              # of which content came, and nobody knows how much
    first: datetime | None = None
    last: datetime | None = None
    verdicts: Counter[str] = field(default_factory=Counter)
    hosts: dict[str, dict[str, Sum]] = field(default_factory=dict)           # host -> modality
    reserved: dict[str, Counter[str]] = field(default_factory=dict)         # protocol -> verdict of items it speaks against
    circumstances: dict[str, Counter[str]] = field(default_factory=dict)    # paywalled, ... -> verdict

    def domains(self, modality: str = "") -> dict[str, Sum]:
        """Registrable domain -> what came of it, of one modality or of all."""
        out: dict[str, Sum] = {}
        for host, modalities in self.hosts.items():
            for name, one in modalities.items():
                if modality in ("", name):
                    out.setdefault(registrable(host), Sum()).include(one)
        return out

    def modalities(self) -> dict[str, Sum]:
        out: dict[str, Sum] = {}
        for modalities in self.hosts.values():
            for name, one in modalities.items():
                out.setdefault(name, Sum()).include(one)
        return dict(sorted(out.items()))


def modality(media_type: str) -> str:
    """Which modality a media type is."""
    if not media_type:
        return UNKNOWN
    return next((word for prefix, word in MODALITIES if media_type.startswith(prefix)), OTHER)


def add_up(folder: Path, policy: str, use: str) -> Crawled:
    """Raises RunError, OSError, pyarrow.ArrowException."""
    out = Crawled(policy, use)
    for _, _, batch in recorded.batches(folder, COLUMNS):
        rows = batch.filter(pc.equal(pc.struct_field(batch["policy"], "id"), policy))
        if rows.num_rows:
            _add(out, rows)
    return out


def _add(out: Crawled, rows: pa.RecordBatch) -> None:
    verdict = verdicts(rows["decisions"], out.use)
    times = pc.min_max(rows["collected_at"])
    first, last = times["min"].as_py(), times["max"].as_py()
    out.first = min(filter(None, (out.first, first)), default=None)
    out.last = max(filter(None, (out.last, last)), default=None)
    size = rows["size_bytes"]
    table = pa.table({"host": rows["host"], "media_type": pc.fill_null(pc.struct_field(rows["asset"], "media_type"), ""),
                      "body": _has_body(rows["evidence"]), "verdict": verdict, "size": size})
    for row in table.group_by(KEYS).aggregate([("size", "sum"), ("size", "count"), ([], "count_all")]).to_pylist():
        items, kept = row["count_all"], row["verdict"] == "permitted"
        out.items += items
        out.verdicts[row["verdict"]] += items
        if not row["body"]:
            out.empty += items
            continue
        out.unmeasured += items - row["size_count"]
        into = out.hosts.setdefault(row["host"] or "", {}).setdefault(modality(row["media_type"]), Sum())
        into.add(items, row["size_sum"] or 0, kept)
    for name, word, items in _told(rows["findings"], verdict):
        kinds = out.reserved if name in PROTOCOLS else out.circumstances
        kinds.setdefault(name, Counter())[word] += items


PROTOCOLS = frozenset(s.protocol for s in SIGNALS.values())


def verdicts(decisions: pa.Array, use: str) -> pa.Array:
    """The verdict about one use, row by row; "not decided" where the policy does not answer for it."""
    flat = pc.list_flatten(decisions)
    asked = pc.equal(pc.struct_field(flat, "use"), use)
    parents = pc.list_parent_indices(decisions).filter(asked)
    words = pc.struct_field(flat, "verdict").filter(asked)
    return pc.fill_null(_placed(words, parents, len(decisions)), "not decided")


def _placed(values: pa.Array, at: pa.Array, length: int) -> pa.Array:
    """An array with these values at these places, each named once, and null elsewhere."""
    where: list[int | None] = [None] * length
    for n, place in enumerate(at.to_pylist()):
        where[place] = n
    return values.take(pa.array(where, pa.int64()))


def _has_body(evidence: pa.Array) -> pa.Array:
    """Whether the item's own bytes came, row by row."""
    flat = pc.list_flatten(evidence)
    came = pc.and_(pc.equal(pc.struct_field(flat, "carrier"), "body"),
                   pc.is_in(pc.struct_field(flat, "access"), pa.array(["obtained", "truncated", "stale"])))
    out = [False] * len(evidence)
    for place in pc.list_parent_indices(evidence).filter(came).to_pylist():
        out[place] = True
    return pa.array(out)


def _told(findings: pa.Array, verdict: pa.Array) -> Iterator[tuple[str, str, int]]:
    """(protocol that reserves something, or circumstance; verdict; items)."""
    flat, parents = pc.list_flatten(findings), pc.list_parent_indices(findings)
    said = pc.and_(pc.equal(pc.struct_field(flat, "kind"), "statement"),
                   pc.and_(pc.equal(pc.struct_field(flat, "preference"), "disallow"), _empty(flat, "superseded_by")))
    signals = pc.struct_field(flat, "signal").filter(said)
    protocols = pa.array([SIGNALS[s].protocol if s in SIGNALS else s for s in signals.to_pylist()], pa.string())
    gated = pc.equal(pc.struct_field(flat, "kind"), "circumstance")
    names = pa.concat_arrays([protocols, pc.struct_field(flat, "circumstance").filter(gated).cast(pa.string())])
    at = pa.concat_arrays([parents.filter(said), parents.filter(gated)])
    once = pa.table({"name": names, "at": at}).group_by(["name", "at"]).aggregate([])
    words = verdict.take(once["at"].combine_chunks())
    counts = pa.table({"name": once["name"], "verdict": words}).group_by(["name", "verdict"]).aggregate([([], "count_all")])
    for row in counts.to_pylist():
        yield row["name"], row["verdict"], row["count_all"]


def _empty(structs: pa.Array, name: str) -> Any:
    return pc.equal(pc.fill_null(pc.struct_field(structs, name), ""), "")


def most(domains: dict[str, Sum], sme: bool = False, after: bool = False) -> list[tuple[str, Sum]]:
    """The domains that the template asks for: the largest first, of equals the first by name."""
    def size(one: Sum) -> int:
        return one.kept_bytes if after else one.bytes
    there = [(name, one) for name, one in domains.items() if (one.kept_items if after else one.items)]
    there.sort(key=lambda pair: (-size(pair[1]), pair[0]))
    return there[:listed(len(there), sme)]


def listed(domains: int, sme: bool = False) -> int:
    """How many domains have to be named out of so many: a tenth, begun tenths included; for small and medium-sized providers a
    twentieth, and 1,000 at most."""
    return min(-(-domains // 20), 1_000) if sme else -(-domains // 10)
