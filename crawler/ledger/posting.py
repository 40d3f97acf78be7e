"""What a run or a training manifest comes to in entries: which work, whose, how much, by what right.

**Facts**
- A decision that permits, or that a licence settles, and carries a duty of RECORDED is a use to be entered; so is one whose
  terms state a price.
- `rights_basis` says what the row of the policy that decided rests on: `licence` where an agreement settles it, `statutory`
  where the use is permitted and has to be paid for, `exception` where it is permitted, `none` where it is not.
- A manifest says what was used, whether or not it was permitted. Each of its rows is entered; what the run prohibits, leaves
  open or has no record of is entered with the basis `none`, and counted.
- A source is a part of a run, or a manifest, with the questions that it was asked. Each of its rows is posted once, in order,
  so that the same command goes on after a kill, and posts nothing when all is posted.
OURS: of the terms of a decision, a price counts that is one alone and is asked for an item (PER_ITEM).
"""
from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from rules.model import Use
from rules.record import dumps, time_text

from .. import recorded
from .. import run as folders
from ..archive import warc
from ..archive.records import host as host_of
from ..run import RunError
from . import entry, money
from .book import Book
from .domains import registrable
from .entry import HASH, JSON, UNALLOCATED
from .holders import Holders
from .manifest import Manifest

RECORDED = frozenset({"record-use", "remunerate", "report"})
PER_ITEM = frozenset({"crawl", "use", "training", "inference"})          # RSL 1.0, 3.5: payment types asked for each item
# What a use is in the words of the ledger, where nobody says otherwise.
USE_TYPES = {Use.CRAWL: "copy", Use.SEARCH: "copy", Use.TRAIN_GENAI: "train", Use.TRAIN_OTHER: "train", Use.TRAIN_AI: "train",
             Use.AI_USE: "retrieve", Use.TDM: "copy", Use.TDM_OTHER: "copy"}
Done = Callable[[int], None]
COLUMNS = ("requested", "collected_at", "size_bytes", "asset", "policy", "evidence", "decisions")


@dataclass(frozen=True, slots=True)
class Ruling:
    """What a run says of one item."""
    verdict: str
    basis: str
    decision_id: str                                 # part of the run by its SHA-256, row, use
    duties: tuple[str, ...] = ()
    licence_ref: str = ""
    amount: str = ""
    currency: str = ""
    tariff_ref: str = ""

    @property
    def recorded(self) -> bool:
        return self.verdict == "permitted" and (bool(RECORDED.intersection(self.duties)) or bool(self.amount))


UNKNOWN = Ruling("", "none", "")


@dataclass(frozen=True, slots=True)
class Asked:
    """What all entries of a post have in common."""
    model: str = ""
    dataset: str = ""
    use_type: str = ""
    unit: str = ""
    at: str = ""                                     # for rows that tell no time
    holders: Holders = field(default_factory=Holders)


@dataclass(slots=True)
class Posted:
    """What came of a post."""
    entries: int = 0
    rows: int = 0
    before: int = 0                                  # rows that were posted earlier
    unallocated: int = 0
    bases: Counter[str] = field(default_factory=Counter)
    prohibited: int = 0                              # used, and the run says no
    open: int = 0                                    # used, and the run leaves it open
    unknown: int = 0                                 # used, and not in the run


# ---- runs

@dataclass(frozen=True, slots=True)
class Item:
    row: int                                         # in its part, from 0
    url: str
    requested: str
    at: str
    content_hash: str
    size_bytes: int | None
    ruling: Ruling


def items(folder: Path, policy: str, use: str) -> Iterator[tuple[str, list[Item]]]:
    """(SHA-256 of a part, some of its items with the ruling of one policy about one use). Raises RunError, OSError."""
    manifest = folders.read_manifest(folder)
    if list((folder / "journal").glob("*.jsonl")):
        raise RunError(f"{folder} is not finished; finish it by the command that began it")
    digests = {part["file"]: str(part["sha256"]) for part in manifest["parts"]}
    for part, start, batch in recorded.batches(folder, COLUMNS):
        digest = digests.get(part) or str(warc.digest_of(folder / part)["sha256"])
        digests[part] = digest
        rows = pa.array(range(start, start + batch.num_rows))
        asked = pc.equal(pc.struct_field(batch["policy"], "id"), policy)
        yield digest, _items(batch.filter(asked), rows.filter(asked).to_pylist(), digest[:16], use)


def _items(batch: pa.RecordBatch, rows: list[int], part: str, use: str) -> list[Item]:
    decisions = batch["decisions"]
    flat = pc.list_flatten(decisions)
    about = pc.equal(pc.struct_field(flat, "use"), use)
    parents, flat = pc.list_parent_indices(decisions).filter(about).to_pylist(), flat.filter(about)
    words = pc.struct_field(flat, "verdict").to_pylist()
    duties, terms = pc.struct_field(flat, "duties").to_pylist(), pc.struct_field(flat, "terms").to_pylist()
    agreed = _agreed(pc.struct_field(flat, "reasons"))
    known: dict[tuple[Any, ...], Ruling] = {}
    rulings = dict[int, Ruling]()
    for n, place in enumerate(parents):
        key = words[n], tuple(duties[n] or ()), n in agreed, dumps({"": terms[n]}) if terms[n] else ""
        ruling = known.get(key)
        if ruling is None:
            ruling = known[key] = _ruling(words[n], key[1], n in agreed, terms[n] or ())
        rulings[place] = ruling
    asset = batch["asset"]
    columns = zip(rows, pc.struct_field(asset, "url").to_pylist(), batch["requested"].to_pylist(),
                  batch["collected_at"].to_pylist(), _digests(batch["evidence"]), batch["size_bytes"].to_pylist(), strict=True)
    out = []
    for n, (row, url, requested, at, digest, size) in enumerate(columns):
        r = rulings.get(n, UNKNOWN)
        named = Ruling(r.verdict, r.basis, f"{part}:{row}:{use}", r.duties, r.licence_ref, r.amount, r.currency, r.tariff_ref)
        out.append(Item(row, url, requested, time_text(at), digest, size, named))
    return out


def _agreed(reasons: pa.Array) -> frozenset[int]:
    """Places of the decisions that an agreement settled."""
    effects = pc.equal(pc.struct_field(pc.list_flatten(reasons), "effect"), "agreed")
    return frozenset(pc.list_parent_indices(reasons).filter(effects).to_pylist())


def _digests(evidence: pa.Array) -> list[str]:
    """Digest of each item's own body, "" where none is known."""
    flat = pc.list_flatten(evidence)
    bodies = pc.equal(pc.struct_field(flat, "carrier"), "body")
    out = [""] * len(evidence)
    places = pc.list_parent_indices(evidence).filter(bodies).to_pylist()
    for place, digest in zip(places, pc.struct_field(flat, "digest").filter(bodies).to_pylist(), strict=True):
        out[place] = digest or ""
    return out


def _ruling(verdict: str, duties: tuple[str, ...], agreed: bool, terms: Any) -> Ruling:
    if verdict != "permitted":
        return Ruling(verdict, "none", "", duties)
    basis = "licence" if agreed else "statutory" if "remunerate" in duties else "exception"
    prices = [t for t in terms if t.get("payment") in PER_ITEM and money.DECIMAL.fullmatch(t.get("amount") or "")
              and money.CURRENCY.fullmatch(t.get("currency") or "") and not t["amount"].startswith("-")]
    licences = [t["url"] for t in terms if t.get("url")]
    price = prices[0] if len(prices) == 1 else {}
    return Ruling(verdict, basis, "", duties, licences[0] if len(licences) == 1 else "", price.get("amount", ""),
                  price.get("currency", ""), f"stated:{price['payment']}" if price else "")


def policy_of(folder: Path, name: str, use: str) -> str:
    """The id under which a run knows a policy that answers for a use. Raises RunError."""
    from .eu import chosen
    return chosen(folder, folders.read_manifest(folder), name, use)[0].id


# ---- entries

def _nobody(rows: int) -> None:
    """Nobody watches how far it is."""


def post_run(book: Book, folder: Path, policy: str, use: str, asked: Asked, posted: Posted, done: Done = _nobody) -> None:
    """Enter the uses that a run gives duties for. Raises RunError, OSError."""
    use_type = asked.use_type or USE_TYPES[Use(use)]
    questions = {"policy": policy, "use": use, "use_type": use_type, "model": asked.model, "dataset": asked.dataset,
                 "unit": asked.unit}

    def entries() -> Iterator[JSON]:
        for part, batch in items(folder, policy, use):
            source = source_of({"part": part, **questions})
            before = book.seal.sources.get(source, 0)
            for item in batch:
                posted.rows += 1
                if item.row < before:
                    posted.before += 1
                elif item.ruling.recorded:
                    yield _of_item(item, source, policy, use_type, asked, posted)
            done(len(batch))
    posted.entries += book.append(entries())


def _of_item(item: Item, source: str, policy: str, use_type: str, asked: Asked, posted: Posted) -> JSON:
    ruling = item.ruling
    unit, value = ("byte", str(item.size_bytes or 0)) if asked.unit == "byte" else ("item", "1")
    told = {"occurred_at": item.at, "content_hash": item.content_hash, "amount": ruling.amount, "currency": ruling.currency,
            "tariff_ref": ruling.tariff_ref}
    return _entry(item.url, "url", unit, value, told, ruling, (source, item.row + 1), use_type, policy, asked, posted)


def post_manifest(book: Book, manifest: Manifest, asked: Asked, posted: Posted, run: Path | None = None, policy: str = "",
                  use: str = "", done: Done = _nobody) -> None:
    """Enter the rows of a manifest, which was checked; with the rulings of a run where one is given."""
    use_type = asked.use_type or (USE_TYPES[Use(use)] if use else "train")
    source = source_of({"manifest": str(warc.digest_of(manifest.path)["sha256"]), "model": asked.model,
                        "dataset": asked.dataset, "use_type": use_type, "policy": policy, "use": use, "unit": manifest.unit})
    rulings = _rulings(run, policy, use) if run is not None else None
    before = book.seal.sources.get(source, 0)

    def entries() -> Iterator[JSON]:
        for row, values in manifest.rows():
            posted.rows += 1
            if row <= before:
                posted.before += 1
                continue
            ruling = UNKNOWN
            if rulings is not None:
                ruling = rulings.get(values.get("url", ""), UNKNOWN)
                posted.unknown += ruling is UNKNOWN
                posted.prohibited += ruling.verdict == "prohibited"
                posted.open += ruling.verdict == "undetermined"
            yield _of_row(values, manifest.unit, ruling, (source, row), use_type, policy, asked, posted)
            if not row % 10_000:
                done(10_000)
    posted.entries += book.append(entries())


def _of_row(values: Mapping[str, str], unit: str, ruling: Ruling, source: tuple[str, int], use_type: str, policy: str,
            asked: Asked, posted: Posted) -> JSON:
    scheme = next(role for role in ("url", "isbn", "issn", "doi", "iscc", "isrc", "iswc", "ean", "work") if role in values)
    return _entry(values[scheme], "other" if scheme == "work" else scheme, unit, values["value"], values, ruling, source,
                  values.get("use_type") or use_type, policy, asked, posted)


def _entry(work: str, scheme: str, unit: str, value: str, told: Mapping[str, str], ruling: Ruling, source: tuple[str, int],
           use_type: str, policy: str, asked: Asked, posted: Posted) -> JSON:
    """An entry with what holders, domain and run say; what the source itself says (`told`) counts before. In the order of
    entry.FIELDS, for millions are made."""
    get = told.get
    host = host_of(work) if scheme == "url" else ""
    at = get("occurred_at") or asked.at
    listed = asked.holders.of(work, host, at, get("content_hash") or "")
    holder, status = get("holder") or listed.holder, get("status") or "accrued"
    licence = get("licence_ref")
    basis = "licence" if licence else ruling.basis
    posted.unallocated += not holder
    posted.bases[basis] += 1
    holder = holder or UNALLOCATED
    debit, credit = entry.legs(status, use_type, holder)
    made = {
        "occurred_at": at, "work_ref": {"scheme": scheme, "id": work},
        "content_hash": get("content_hash"), "holder_ref": holder, "work_class": get("work_class") or listed.work_class,
        "society": get("society") or listed.society, "domain": registrable(host) if host else "", "rights_basis": basis,
        "jurisdiction_profile": policy, "decision_id": ruling.decision_id, "duties": list(ruling.duties), "use_type": use_type,
        "quantity": {"unit": unit, "value": value}, "weight": get("weight"),
        "model_version": get("model_version") or asked.model, "dataset": get("dataset") or asked.dataset,
        "licence_ref": licence or ruling.licence_ref, "tariff_ref": get("tariff_ref"), "amount": get("amount"),
        "currency": get("currency"), "status": status, "debit": debit, "credit": credit,
        "source": {"digest": source[0], "row": source[1]}, "note": get("note")}
    return {name: one for name, one in made.items() if one}


def _rulings(folder: Path, policy: str, use: str) -> dict[str, Ruling]:
    """Address -> what the run says of it; of two records about one address the stricter counts."""
    order = {"prohibited": 3, "undetermined": 2, "permitted": 1, "": 0}
    out: dict[str, Ruling] = {}
    for _, batch in items(folder, policy, use):
        for item in batch:
            for url in {item.url, item.requested}:
                if url not in out or order[item.ruling.verdict] > order[out[url].verdict]:
                    out[url] = item.ruling
    return out


def source_of(questions: Mapping[str, str]) -> str:
    """Which source it is, and what it was asked."""
    return HASH + hashlib.sha256(dumps(dict(questions)).encode("utf-8", "replace")).hexdigest()
