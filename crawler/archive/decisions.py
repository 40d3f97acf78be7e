"""The decision table: what a run decided, one row a capture and address, for data sets whose pages and fields are gone.

**Facts**
- Known by its address (and that where redirects led to), by the key of indexes (surt.py), by the WARC-Record-ID of its capture,
  by the digest of its bytes, and by the time of the capture. Text that Common Crawl made of a page (WET) names the record of
  the page in WARC-Refers-To.
- The verdict is the strictest of those that count, as in `filter` (deciding.py); reasons are the rows that decided.
- The work is done by DuckDB (https://duckdb.org), which puts on disk what does not fit into memory.
"""
from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from rules import Effect, Verdict

from ..recorded import sealed
from ..run import Manifest, RunError, read_manifest
from .deciding import ORDER
from .local import local
from .records import Unreadable

COLUMNS = ("url", "surt", "at", "record_id", "digest", "verdict", "reasons")
MEMORY = "1GB"                       # of DuckDB; more goes to disk
VERDICTS = [v.value for v in ORDER]  # from the mildest
_EFFECTS = [e.name.lower() for e in Effect]


@contextmanager
def database(work: Path) -> Iterator[Any]:
    """A DuckDB of its own that keeps what it cannot hold in `work`. Raises RunError where DuckDB is not installed."""
    try:
        import duckdb
    except ImportError:
        raise RunError("joining needs DuckDB: pip install 'maymine[join]'") from None
    db = duckdb.connect(str(work / "join.duckdb"))
    try:
        db.execute(f"SET memory_limit = '{MEMORY}'; SET temp_directory = {quoted(str(work))}; SET TimeZone = 'UTC'; "
                   "SET enable_progress_bar = false; SET preserve_insertion_order = false")
        yield db
    finally:
        db.close()


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Raises Unreadable where DuckDB stumbles over a file that is broken."""
    import duckdb
    try:
        yield
    except (duckdb.Error, pa.ArrowException, UnicodeDecodeError) as error:
        raise Unreadable(f"{path} cannot be read, it may be broken: {str(error).splitlines()[0]}") from error
    except OSError as error:
        if error.errno is not None:
            raise
        raise Unreadable(f"{path} is broken: {error}") from error


def write(db: Any, run: Path, target: Path, by: Sequence[str] = (), uses: Sequence[str] = ()) -> int:
    """The decision table of a run, in order of the key of indexes; how many rows. Raises RunError, Unreadable,
    OSError."""
    manifest = read_manifest(run)
    told = ids(manifest, by)
    later = {entry["id"] for entry in manifest["policies"] if entry.get("later")}
    files = [str(part) for part in sealed(run, manifest) if "+" not in part.name or later.intersection(told)]
    if not files:
        raise RunError(f"{run} holds no records; there is nothing to join")
    with reading(run / "records"):
        has_key = "surt" in pq.read_schema(local(files[0])).names
        about = json.dumps({"policies": told, "uses": list(uses)})
        db.execute(f"""
            COPY (SELECT url, any_value(surt) AS surt, "at", record_id, any_value(digest) AS digest,
                         {list_(VERDICTS)}[max(rank)] AS verdict, list_sort(list_distinct(flatten(list(reasons)))) AS reasons
                  FROM ({_flat(files, told, uses, has_key)}) GROUP BY url, "at", record_id ORDER BY surt, "at", url)
            TO {quoted(str(target))} (FORMAT parquet, COMPRESSION zstd, KV_METADATA {{maymine: {quoted(about)}}})""")
    return int(pq.read_metadata(local(target)).num_rows)


def ids(manifest: Manifest, by: Iterable[str]) -> list[str]:
    """Ids of the policies that count: those named, else those that decided when the run was made. Raises RunError."""
    known = {entry["id"]: bool(entry.get("later")) for entry in manifest["policies"]}
    names = list(by)
    found = [id for id, later in known.items() if (id in names or id.partition("@")[0] in names if names else not later)]
    for name in names:
        if not any(name in (id, id.partition("@")[0]) for id in known):
            raise RunError(f"the run has no records by {name}; there are {', '.join(known)}")
    return found


def _flat(files: Sequence[str], policies: Sequence[str], uses: Sequence[str], has_key: bool) -> str:
    """A row a capture and policy, with the rank of its verdict, from 1."""
    counted = f"list_filter(decisions, lambda d: d.use IN {_texts(uses)})" if uses else "decisions"
    carriers = "list_transform(evidence, lambda e: e.carrier)"
    effect = f"list_position({list_(_EFFECTS)}, r.effect)"
    strongest = f"list_max(list_transform(d.reasons, lambda r: {effect}))"
    decisive = f"list_filter(d.reasons, lambda r: {effect} > {1 + Effect.IGNORE} AND {effect} = {strongest})"
    told = f"list_transform({decisive}, lambda r: policy.id || '/' || r.rule)"
    return f"""
        SELECT url, {'CASE WHEN url = requested THEN surt END' if has_key else 'NULL'} AS surt,
               coalesce(evidence[f]."at", evidence[b]."at") AS "at",
               coalesce(locations[f].record_id, locations[b].record_id) AS record_id, evidence[b].digest AS digest,
               coalesce(list_max(list_transform(counted, lambda d: list_position({list_(VERDICTS)}, d.verdict))),
                        {1 + VERDICTS.index(Verdict.UNDETERMINED.value)}) AS rank,
               flatten(list_transform(counted, lambda d: CASE WHEN len({told}) > 0 THEN {told}
                                                              ELSE [policy.id || '/silence'] END)) AS reasons
        FROM (SELECT *, unnest(list_distinct([requested, asset.url])) AS url, {counted} AS counted,
                     list_position({carriers}, 'http-fields') AS f, list_position({carriers}, 'body') AS b
              FROM read_parquet({list_(files)}, union_by_name = true) WHERE policy.id IN {_texts(policies)})"""


def quoted(text: str) -> str:
    """A text as SQL writes it."""
    return "'" + text.replace("'", "''") + "'"


def list_(texts: Iterable[str]) -> str:
    return f"[{', '.join(map(quoted, texts))}]"


def _texts(texts: Iterable[str]) -> str:
    return f"({', '.join(map(quoted, texts))})"
