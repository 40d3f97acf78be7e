"""Verdicts of a decision table for the rows of a data set that has no pages and no fields any more.

**Facts**
- Rows are matched by what both have: by what most of the first rows match by, of equals by the first of keys.CHOICE; which one
  it was is told. An address can have been captured more than once: the capture nearest in time counts, several as near the
  strictest of them, and where a row has no time the strictest of all. A digest says nothing of where bytes came from: the
  strictest.
- A row that matches nothing is undetermined, reason `no-decision`. It is never kept but by name.
- Each file is read twice: its keys, which DuckDB joins on disk where memory does not suffice; then its rows, for the subsets.
"""
from __future__ import annotations

import os
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from .archive import decisions, huggingface, inputs, keys, sources, subsets
from .archive.inputs import Input
from .archive.local import local
from .archive.subsets import Said
from .archive.warc_pages import Entry
from .run import RunError

NO_DECISION = "no-decision"
UNMATCHED: Said = ("undetermined", [NO_DECISION])
BATCH_ROWS = 100_000                 # keys that are handed to DuckDB together
SAMPLE = 10_000                      # rows that tell by which key to join
FAR_US = 30 * 86_400 * 1_000_000     # OURS: a capture further away than that is counted


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is the same for all files."""
    table: Path                      # a run, or a file made by `maymine table`
    by: tuple[str, ...] = ()
    uses: tuple[str, ...] = ()
    on: str = ""                     # a key of keys.CHOICE; "": what fits best
    columns: Mapping[str, str] = field(default_factory=dict)
    keep: tuple[str, ...] = ("permitted",)
    out: str = ""                    # folders; "": not wanted
    kept: str = ""
    dropped: str = ""


@dataclass(slots=True)
class Joined:
    """What became of one file."""
    uri: str
    rows: int = 0
    matched: int = 0
    far: int = 0                     # rows whose capture is further away than FAR_US
    on: str = ""
    verdicts: Counter[str] = field(default_factory=Counter)
    told: str = ""
    damage: list[str] = field(default_factory=list)


def join(wanted: Wanted, found: Sequence[Input], done: Callable[[int], None] = lambda n: None) -> Iterator[Joined]:
    """One file after another. Raises RunError, records.Unreadable, OSError where nothing can be written."""
    with tempfile.TemporaryDirectory(prefix="maymine-join-") as work, decisions.database(Path(work)) as db:
        _load(db, wanted, Path(work))
        names: Counter[str] = Counter()
        for n, one in enumerate(found):
            name = f"{one.under}/{one.name}" if one.under else one.name
            names[name] += 1
            yield _File(db, wanted, one, name if names[name] == 1 else f"{n + 1:06}-{name}").joined()
            done(one.size_bytes)
        huggingface.complete(found, (wanted.out, wanted.kept, wanted.dropped))


def _load(db: Any, wanted: Wanted, work: Path) -> None:
    """The decision table, as DuckDB has it. Raises RunError."""
    path = wanted.table
    if path.is_dir():
        path = work / "decisions.parquet"
        decisions.write(db, wanted.table, path, wanted.by, wanted.uses)
    elif wanted.by or wanted.uses:
        raise RunError(f"{path} was made for its policies and uses; name a run, or leave --by and --use out")
    try:
        names = pq.read_schema(local(path)).names
    except (OSError, pa.ArrowException) as error:
        raise RunError(f"{path} is neither a run nor a table of 'maymine table': {error}") from error
    if lacking := set(decisions.COLUMNS) - set(names):
        raise RunError(f"{path} is no table of 'maymine table'; it has no {', '.join(sorted(lacking))}")
    rank = f"list_position({decisions.list_(decisions.VERDICTS)}, verdict)"
    with decisions.reading(path):
        db.execute(f"CREATE TABLE decided AS SELECT record_id, url, surt, digest, \"at\", {rank} AS rank, reasons "
                   f"FROM read_parquet({decisions.quoted(str(path))})")
    db.execute("UPDATE decided SET rank = 3 WHERE rank IS NULL")       # a word that nobody here knows


class _File:
    """The joining of one file."""

    def __init__(self, db: Any, wanted: Wanted, one: Input, name: str):
        self._db, self._wanted, self._one, self._name = db, wanted, one, name
        self._entries: list[tuple[int, Entry, bool]] = []    # of archives: number, record, whether it is a page
        self._made = Joined(one.uri)

    def joined(self) -> Joined:
        made = self._made
        self._db.execute("CREATE OR REPLACE TEMP TABLE keys (n BIGINT, record_id VARCHAR, url VARCHAR, surt VARCHAR, "
                         "digest VARCHAR, \"at\" TIMESTAMPTZ)")
        try:
            with inputs.opened(self._one.uri) as stream:
                source = self._source(stream, keys.Found(self._wanted.columns))
                self._read_keys(source)
                made.told = source.told
                made.damage += map(str, source.damage)
                made.on = self._wanted.on or self._key()
                self._match(made.on)
                self._count()
                self._split(source)
        except sources.FAILURES as error:
            made.damage.append(str(error) or type(error).__name__)
        return made

    def _source(self, stream: Any, make: sources.Make) -> sources.Source:
        return sources.Source(stream, self._one.uri, self._one.size_bytes, True, make=make,
                              again=lambda: inputs.opened(self._one.uri))

    def _read_keys(self, source: sources.Source) -> None:
        waiting: list[tuple[Any, ...]] = []
        for chunk in source.chunks():
            if source.sort in sources.TABLES:
                waiting += chunk.captures  # type: ignore[arg-type]  # keys.Found makes keys
            else:
                entry = chunk.rows[0]
                if entry.capture is not None:
                    waiting.append(keys.of_entry(entry))
                self._entries.append((len(source.archives) - 1, replace(entry, capture=None), entry.capture is not None))
            if len(waiting) >= BATCH_ROWS:
                self._insert(waiting)
                waiting = []
        self._insert(waiting)

    def _insert(self, rows: list[tuple[Any, ...]]) -> None:
        if rows:
            columns = [range(self._made.rows, self._made.rows + len(rows)), *zip(*rows, strict=True)]
            arrays = [pa.array(column, f.type) for column, f in zip(columns, keys.SCHEMA, strict=True)]
            self._db.register("batch", pa.table(arrays, schema=keys.SCHEMA))
            self._db.execute("INSERT INTO keys SELECT * FROM batch")
            self._db.unregister("batch")
            self._made.rows += len(rows)

    def _key(self) -> str:
        """The one that most of the first rows match by; of equals the one that is believed more. "": none has a value."""
        best, most = "", -1
        for key in keys.CHOICE:
            there, hits = self._db.execute(
                f"SELECT count(*), count(*) FILTER ({key} IN (SELECT {key} FROM decided)) FROM "
                f"(SELECT {key} FROM keys WHERE {key} IS NOT NULL ORDER BY n LIMIT {SAMPLE})").fetchone()
            if there and hits > most:
                best, most = key, hits
        return best

    def _match(self, key: str) -> None:
        """A row for each n that matches: rank, reasons, whether the capture is far."""
        self._db.execute("CREATE OR REPLACE TEMP TABLE matched (n BIGINT, rank INTEGER, reasons VARCHAR[], far BOOLEAN)")
        if not key:
            return
        apart = "NULL::BIGINT" if key == keys.DIGEST else 'abs(epoch_us(k."at") - epoch_us(d."at"))'
        self._db.execute(f"""
            INSERT INTO matched
            SELECT n, max(rank), list_sort(list_distinct(flatten(list(reasons)))), coalesce(min(apart) > {FAR_US}, false)
            FROM (
                SELECT k.n, d.rank, d.reasons, {apart} AS apart, min({apart}) OVER (PARTITION BY k.n) AS nearest
                FROM keys k JOIN decided d ON k.{key} = d.{key}) WHERE apart IS NULL OR apart = nearest
            GROUP BY n""")

    def _count(self) -> None:
        made = self._made
        counts = self._db.execute("SELECT rank, count(*), count(*) FILTER (far) FROM matched GROUP BY rank").fetchall()
        for rank, n, far in counts:
            made.verdicts[decisions.VERDICTS[rank - 1]] += n
            made.matched += n
            made.far += far
        made.verdicts[UNMATCHED[0]] += made.rows - made.matched

    def _said(self) -> Iterator[Said]:
        """Of every row, in order."""
        done = 0
        result = self._db.execute("SELECT n, rank, reasons FROM matched ORDER BY n")
        while rows := result.fetchmany(BATCH_ROWS):
            for n, rank, reasons in rows:
                yield from (UNMATCHED for _ in range(done, n))
                yield decisions.VERDICTS[rank - 1], reasons
                done = n + 1
        yield from (UNMATCHED for _ in range(done, self._made.rows))

    def _split(self, first: sources.Source) -> None:
        """Write the rows where they belong, under names of their own until all are there."""
        wanted = self._wanted
        sides = {True: wanted.out or wanted.kept, False: "" if wanted.out else wanted.dropped}
        paths = {side: Path(folder) / f".{self._name.replace('/', '__')}.{side}.unfinished" if folder else None
                 for side, folder in sides.items()}
        files = subsets.Files(paths[True], paths[False])
        if not files.wanted or not first.sort:
            return
        if wanted.out and first.sort not in sources.TABLES:
            self._made.damage.append("records of archives have no place for a verdict; use --kept and --dropped")
            return
        said = self._said()
        if first.sort in sources.TABLES:
            with inputs.opened(self._one.uri) as stream:
                source = self._source(stream, keys.Nothing())
                self._add(source, files, said)
        else:
            records = subsets.Records(first, files)
            for archive, entry, is_page in self._entries:
                records.remember(archive, entry, next(said)[0] in wanted.keep if is_page else None)
            records.close()
        for side, path in files.wanted:
            if path.exists():
                target = Path(sides[side]) / subsets.name_for(first.sort, self._name)
                target.parent.mkdir(parents=True, exist_ok=True)
                os.replace(path, target)

    def _add(self, source: sources.Source, files: subsets.Files, said: Iterator[Said]) -> None:
        subset: subsets.Subset | None = None
        for chunk in source.chunks():
            subset = subset or subsets.subset(source, files)
            some = [next(said) for _ in chunk.captures]
            subset.add(chunk.rows, [bool(self._wanted.out) or verdict in self._wanted.keep for verdict, _ in some], some)
        if subset is not None:
            subset.close()
