"""Arrow record batch in, Arrow record batch out: the one thing that every engine calls.

**Facts**
- No state but caches: the records of a row depend on the row, the policies, the asker and the sites, and on nothing before it.
- `records` gives one row a page and policy (crawler/archive/records.py); `verdicts` gives the rows that came, with two columns
  more. A row without an address is no page: `verdicts` calls it undetermined, and `records` has nothing to say about it.
- A batch is worked through in slices bounded in rows and in bytes, so that memory does not grow with it; the columns that came
  are passed on as they are.
"""
from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import pyarrow as pa

from rules import Asker, Policy, Use, policies

from . import columns, deciding, pages, records
from .columns import Columns
from .deciding import DECIDED_KEPT, ORDER, Answer, Decided, Decider, Sites
from .pages import Pages
from .records import Location

VERDICT, REASONS = "maymine_verdict", "maymine_reasons"
ADDED = (pa.field(VERDICT, pa.string()), pa.field(REASONS, pa.list_(pa.string())))
NO_ADDRESS = "no-address"
SLICE_ROWS, SLICE_BYTES = 512, 64 << 20

Said = tuple[str, list[str]]


class Batches:
    """Decides batches of pages. Policies by name or as they are; `by` and `uses` name those that make up the verdict."""

    def __init__(self, policies_: Sequence[Policy | str], asker: Asker, sites: Sites | None = None,
                 given: Mapping[str, str] | None = None, by: Iterable[str] = (), uses: Iterable[Use] = (),
                 decider: Decider | None = None):
        loaded = [policies.load(p) if isinstance(p, str) else p for p in policies_]
        self.decider = decider or Decider(loaded, asker, sites)
        self._given = dict(given or {})
        by = frozenset(by)
        self._by = frozenset(p.id for p in loaded if p.name in by or p.id in by)
        self._uses = frozenset(uses)
        self._columns: tuple[pa.Schema, Columns | Pages] | None = None
        self._said: dict[int, tuple[tuple[Answer, ...], Said]] = {}     # by the identity of answers that are kept here

    def columns(self, schema: pa.Schema) -> Columns | Pages:
        """What each column is. Raises ColumnsError."""
        if self._columns is None or not self._columns[0].equals(schema):
            self._columns = schema, Pages() if pages.is_pages(schema) else columns.find(schema, self._given)
        return self._columns[1]

    def records(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Records of the pages of a batch. Raises ColumnsError."""
        tables = [self.decider.table([d for d in decided if d is not None]) for _, decided in self.decided(batch)]
        return one_batch(pa.concat_tables(tables) if tables else records.RECORDS.empty_table())

    def listed(self, batch: pa.RecordBatch) -> pa.Array:
        """The same records, for each row the list of its own. Raises ColumnsError."""
        tables, offsets, wide = [records.RECORDS.empty_table()], [0], len(self.decider.policies)
        for _, decided in self.decided(batch):
            tables.append(self.decider.table([d for d in decided if d is not None]))
            for d in decided:
                offsets.append(offsets[-1] + (wide if d is not None else 0))
        structs = pa.concat_tables(tables).to_struct_array().combine_chunks()
        return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), structs)

    def verdicts(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The batch with the columns ADDED, instead of such as it has. Raises ColumnsError."""
        return added(batch, [self.verdict(d) for _, decided in self.decided(batch) for d in decided])

    def decided(self, batch: pa.RecordBatch, locate: Callable[[int], Location | None] = lambda n: None,
                ) -> Iterator[tuple[pa.RecordBatch, list[Decided | None]]]:
        """Slices of the batch, each row decided; None: a row without an address."""
        found = self.columns(batch.schema)
        step = max(1, min(SLICE_ROWS, SLICE_BYTES * batch.num_rows // max(batch.nbytes, 1)))
        for start in range(0, batch.num_rows, step):
            rows = batch.slice(start, step)
            captures = found.captures(rows, lambda n, start=start: locate(start + n))  # type: ignore[misc]  # a default binds the loop variable
            yield rows, [self.decider.decide(c) if c.asset.url else None for c in captures]

    def with_verdicts(self, rows: pa.RecordBatch, decided: Sequence[Decided | None]) -> pa.RecordBatch:
        return added(rows, [self.verdict(d) for d in decided])

    def verdict(self, d: Decided | None) -> Said:
        """The strictest verdict of those that count, and what decided. The list is shared: not to be changed."""
        if d is None:
            return "undetermined", [NO_ADDRESS]
        known = self._said.get(id(d.answers))
        if known is None:
            policies_ = self.decider.policies
            said = (deciding.verdict(d.answers, policies_, self._by, self._uses).value,
                    deciding.reasons(d.answers, policies_, self._by, self._uses))
            if len(self._said) >= DECIDED_KEPT:
                self._said.clear()
            known = self._said[id(d.answers)] = d.answers, said
        return known[1]

    def strictest(self, d: Decided | None) -> str:
        """The first row of a policy that brought the verdict about: "eu-dsm-art4@2026-11-26/reserved"."""
        if d is None:
            return NO_ADDRESS
        found = []
        for answer, policy in zip(d.answers, self.decider.policies, strict=True):
            for use, one in answer.decisions.items() if not self._by or policy.id in self._by else ():
                if not self._uses or use in self._uses:
                    rule = one.decisive[0].rule if one.decisive else "silence"
                    found.append((ORDER.index(one.verdict), f"{policy.id}/{rule}"))
        return max(found, key=lambda one: one[0])[1] if found else "nothing-asked"


def added(rows: pa.RecordBatch, said: Sequence[Said]) -> pa.RecordBatch:
    """The rows with their verdicts."""
    arrays = [rows.column(n) for n, name in enumerate(rows.schema.names) if name not in (VERDICT, REASONS)]
    arrays += [pa.array([v for v, _ in said], ADDED[0].type), pa.array([r for _, r in said], ADDED[1].type)]
    return pa.RecordBatch.from_arrays(arrays, schema=with_added(rows.schema))


def with_added(schema: pa.Schema) -> pa.Schema:
    """The schema of rows that carry their verdicts."""
    kept = [f for f in schema if f.name not in (VERDICT, REASONS)]
    return pa.schema([*kept, *ADDED], schema.metadata)


def one_batch(table: pa.Table) -> pa.RecordBatch:
    """All rows of a table as one batch."""
    batches = table.combine_chunks().to_batches()
    return batches[0] if batches else pa.RecordBatch.from_arrays(
        [pa.array([], f.type) for f in table.schema], schema=table.schema)


