"""What a run found, in columns: every page by its domain, its bytes and the set of its findings, each set known by a number.

**Facts**
- A policy sees of a finding no more than its shape (rules.policy.shape), and of the evidence which carriers it has. So pages
  whose findings have the same shapes are decided alike by every policy, and each set is decided once.
- Findings do not depend on the policy but for what it requires and nobody looked at; those stand last in a record and are taken
  away here, as in crawler/rerun.py.
- The columns that tell shapes are a small part of a record: nothing else of it is read.
INVARIANT: a set stands for the very shapes of the record; a word that is not known is an error, never left out.
"""
from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from rules import Asker, Carrier, Circumstance, Evidence, Fault, Finding, Policy, Statement
from rules.assess import missing
from rules.model import Access, Audience, CircumstanceKind, FaultKind, Form, Preference, Subject, Terms, Use
from rules.record import asker_from_record
from rules.signals import SIGNALS

from . import recorded
from . import run as folders
from .archive import records
from .archive.local import local
from .ledger.domains import registrable
from .run import RunError

BATCH_ROWS = 1 << 16
TERMS = Terms(url="said")                        # that there are some is all that a policy sees
SOURCE = "a record"

# The words of each column that tells a shape; null is the first. The product of them all fits into 63 bits.
WORDS: dict[str, tuple[str, ...]] = {
    "kind": ("statement", "fault", "circumstance"), "signal": tuple(SIGNALS), "use": tuple(u.value for u in Use),
    "preference": tuple(p.value for p in Preference), "audience": tuple(a.value for a in Audience),
    "form": tuple(f.value for f in Form), "subject": tuple(s.value for s in Subject), "superseded_by": tuple(SIGNALS),
    "carrier": tuple(c.value for c in Carrier), "fault": tuple(k.value for k in FaultKind),
    "circumstance": tuple(k.value for k in CircumstanceKind)}
CARRIERS = pa.array(WORDS["carrier"])
COLUMNS = ["requested", "host", "size_bytes", "policy.id", "evidence.list.element.carrier",
           *(f"findings.list.element.{name}" for name in WORDS), "findings.list.element.terms.url",
           "findings.list.element.terms.conditions.list.element"]


@dataclass(slots=True)
class Pages:
    """The pages of one run. `table` has a row a page: domain, set, size (null: not known), and requested if asked for."""
    folder: Path
    policies: list[Policy]                       # those of the run, as they were kept
    base: Policy
    asker: Asker
    table: pa.Table
    domains: list[str]
    sets: list[tuple[frozenset[Finding], tuple[Evidence, ...]]]
    first: list[str] = field(default_factory=list)       # a page of each set


def pages(folder: Path, keyed: bool = False) -> Pages:
    """Every page of a run. `keyed`: with its address. Raises RunError, OSError, pyarrow.ArrowException."""
    from .rerun import base_of, policies_of
    manifest = folders.read_manifest(folder)
    base = base_of(folder, manifest)
    known = [p for p in policies_of(folder, manifest).values() if isinstance(p, Policy)]
    asker = asker_from_record(manifest["asker"])
    reader = _Reader(base, asker, keyed)
    for batch in _batches(folder, manifest, base):
        reader.add(batch)
    return Pages(folder, known, base, asker, reader.table(), list(reader.domains), reader.sets, reader.first)


def _batches(folder: Path, manifest: folders.Manifest, base: Policy) -> Iterator[pa.RecordBatch]:
    """Records of the policy by which every page was assessed; of a run that is still written, too."""
    for part in recorded.sealed(folder, manifest):
        if "+" not in part.name:
            with pq.ParquetFile(local(part)) as file:
                there = [name for name in COLUMNS if name != "size_bytes" or "size_bytes" in file.schema_arrow.names]
                yield from file.iter_batches(BATCH_ROWS, columns=there)
    if journals := [row for row in recorded.unpacked(folder) if row.record["policy"]["id"] == base.id]:
        yield from records.table(journals).to_batches(BATCH_ROWS)


class _Reader:
    """Batches of records, one after another."""

    def __init__(self, base: Policy, asker: Asker, keyed: bool):
        self._base, self._asker, self._keyed = base, asker, keyed
        self.domains: dict[str, int] = {}
        self.sets: list[tuple[frozenset[Finding], tuple[Evidence, ...]]] = []
        self.first: list[str] = []
        self._by_bytes: dict[tuple[bytes, bytes], int] = {}
        self._by_value: dict[Any, int] = {}
        self._hosts: dict[str, int] = {}
        self._made: dict[int, Finding] = {}
        self._tables: list[pa.Table] = []

    def add(self, batch: pa.RecordBatch) -> None:
        batch = batch.filter(pc.equal(pc.struct_field(batch["policy"], "id"), self._base.id))
        if not len(batch):
            return
        codes, at = _codes(batch["findings"])
        carriers, carriers_at = _carriers(batch["evidence"])
        requested = batch["requested"]
        sets = []
        for n in range(len(batch)):
            key = codes[at[n] * 8:at[n + 1] * 8], carriers[carriers_at[n]:carriers_at[n + 1]]
            number = self._by_bytes.get(key)
            if number is None:
                number = self._by_bytes[key] = self._set(*key, requested[n].as_py())
            sets.append(number)
        size = batch["size_bytes"] if "size_bytes" in batch.schema.names else pa.nulls(len(batch), pa.int64())
        columns = {"domain": self._domains(batch["host"]), "set": pa.array(sets, pa.int32()), "size": size}
        self._tables.append(pa.table(columns | ({"requested": requested} if self._keyed else {})))

    def table(self) -> pa.Table:
        if self._tables:
            return pa.concat_tables(self._tables)
        empty = {"domain": pa.int32(), "set": pa.int32(), "size": pa.int64(), "requested": pa.string()}
        return pa.schema(list(empty.items())[:4 if self._keyed else 3]).empty_table()

    def _domains(self, hosts: pa.Array) -> pa.Array:
        coded = hosts.dictionary_encode()
        numbers = []
        for host in coded.dictionary.to_pylist():
            number = self._hosts.get(host)
            if number is None:
                number = self._hosts[host] = self.domains.setdefault(registrable(host or ""), len(self.domains))
            numbers.append(number)
        return pa.array(numbers, pa.int32()).take(coded.indices)

    def _set(self, codes: bytes, carriers: bytes, url: str) -> int:
        """The number of a set of findings. Raises RunError."""
        evidence = tuple(Evidence(Carrier(WORDS["carrier"][n]), "", None, Access.OBTAINED) for n in sorted(set(carriers)))
        found = [self._finding(code) for code in memoryview(codes).cast("q")]
        added = [_bare(f) for f in missing(evidence, self._base, self._asker)]
        if added and found[-len(added):] != added:
            raise RunError(f"the record of {url} does not end with what {self._base.id} requires and nobody looked at")
        value = frozenset(found[:len(found) - len(added)]), evidence
        number = self._by_value.get(value)
        if number is None:
            number = self._by_value[value] = len(self.sets)
            self.sets.append(value)
            self.first.append(url)
        return number

    def _finding(self, code: int) -> Finding:
        if code not in self._made:
            self._made[code] = _finding(code)
        return self._made[code]


def _codes(findings: pa.ListArray) -> tuple[bytes, Sequence[int]]:
    """For each finding a number that tells its shape, 8 bytes each, and where those of each row begin. Raises RunError."""
    flat = findings.flatten()
    total = pc.cast(flat.field("terms").is_valid(), pa.int64())
    for name, words in WORDS.items():
        column = flat.field(name)
        index = pc.index_in(column, pa.array(words))
        if index.null_count != column.null_count:
            unknown = column.filter(pc.and_(column.is_valid(), index.is_null()))[0].as_py()
            raise RunError(f"a record says '{unknown}' where {name} stands, which is not known here")
        total = pc.add(pc.multiply(total, len(words) + 1), pc.fill_null(pc.add(pc.cast(index, pa.int64()), 1), 0))
    return _bytes(total, 8), _starts(findings)


def _carriers(evidence: pa.ListArray) -> tuple[bytes, Sequence[int]]:
    column = evidence.flatten().field("carrier")
    index = pc.index_in(column, CARRIERS)
    if index.null_count:
        raise RunError("a record names a carrier that is not known here")
    return _bytes(pc.cast(index, pa.uint8()), 1), _starts(evidence)


def _bytes(numbers: pa.Array, wide: int) -> bytes:
    """The numbers of an array without nulls, as they lie in memory."""
    buffer = numbers.buffers()[1]
    return buffer.to_pybytes()[numbers.offset * wide:(numbers.offset + len(numbers)) * wide] if buffer else b""


def _starts(lists: pa.ListArray) -> Sequence[int]:
    """Where the values of each row begin among those of all, and where the last ends; null is empty."""
    lengths = pc.fill_null(pc.list_value_length(lists), 0)
    starts: list[int] = [0, *pc.cumulative_sum(pc.cast(lengths, pa.int64())).to_pylist()]
    return starts


def _finding(code: int) -> Finding:
    """A finding of this shape."""
    said: dict[str, str] = {}
    for name, words in reversed(WORDS.items()):
        code, n = divmod(code, len(words) + 1)
        if n:
            said[name] = words[n - 1]
    terms = TERMS if code else None
    match said["kind"]:
        case "fault":
            return Fault(Carrier(said["carrier"]), FaultKind(said["fault"]))
        case "circumstance":
            return Circumstance(CircumstanceKind(said["circumstance"]), SOURCE, terms=terms)
    told: dict[str, Enum] = {name: kind(said[name]) for name, kind in (
        ("audience", Audience), ("form", Form), ("subject", Subject)) if name in said}
    return Statement(said["signal"], Use(said["use"]), Preference(said["preference"]), terms=terms,
                     superseded_by=said.get("superseded_by", ""), **told)  # type: ignore[arg-type]  # values of one record, by their names


def _bare(f: Finding) -> Finding:
    """As much of a finding of `missing` as a policy sees."""
    match f:
        case Fault():
            return Fault(f.carrier, f.kind)
        case Circumstance():
            return Circumstance(f.kind, SOURCE)
        case Statement():
            raise TypeError(f"a statement is never missing: {f}")
