"""What is decided, for whom and by what: the words that all engines share. A plan goes to every worker, and is small.

**Facts**
- Policies travel as text, so that no worker needs their files; what they decide is what was read where the plan was made.
- A worker proves policies and reads sites once for a plan, and keeps the two plans used last. OURS: a plan names the size and
  the time of its files of sites: a file that was written anew makes another plan, here and in the caches of engines.
- Several threads of one process take turns: the readers keep caches that are not made for two at once.
"""
from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from threading import RLock
from typing import Any, TypedDict, cast

import pyarrow as pa
import pyarrow.parquet as pq

from rules import Asker, Policy, PolicyError, Use, load_policy
from rules import policies as provided
from rules.record import ENGINE, time_from_text

from ..archive import inputs, sites
from ..archive.batch import Batches
from ..archive.columns import Columns, ColumnsError
from ..archive.deciding import Decider, Sites
from ..archive.pages import Pages
from ..run import RunError, text_of

DEFAULT_POLICIES = ("eu-dsm-art4",)
Names = str | Sequence[str]
_turn = RLock()


class Asked(TypedDict, total=False):
    """What `plan` takes beside sites, for the doors of the engines."""
    policies: str | Policy | Sequence[str | Policy]
    asker: Asker | str
    by: Names
    uses: str | Use | Sequence[str | Use]
    columns: Mapping[str, str] | None
    as_of: datetime | str | None


class Words(Asked, total=False):
    sites: str | Path | Sequence[str | Path]


class PlanError(ValueError):
    """The words of a plan do not fit. The message is for a person."""


@dataclass(frozen=True, slots=True)
class File:
    uri: str
    stamp: str                       # changes when the file does


@dataclass(frozen=True, slots=True)
class Plan:
    policies: tuple[tuple[str, str], ...]            # text, file
    asker: Asker
    sites: tuple[File, ...] = ()
    by: tuple[str, ...] = ()                         # ids of policies
    uses: tuple[Use, ...] = ()
    columns: tuple[tuple[str, str], ...] = ()        # role, name
    as_of: datetime | None = None
    engine: str = ENGINE

    def verdicts(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """The same batches, with their verdicts."""
        for batch in batches:
            with _turn:
                done = worker(self).verdicts(batch)
            yield done

    def records(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """A batch of records for each batch."""
        for batch in batches:
            with _turn:
                done = worker(self).records(batch)
            yield done

    def listed(self, batch: pa.RecordBatch) -> pa.Array:
        """For each row the list of its records."""
        with _turn:
            return worker(self).listed(batch)

    def found(self, schema: pa.Schema) -> Columns | Pages:
        """What each column is. Raises ColumnsError."""
        return Batches((), self.asker, given=dict(self.columns)).columns(schema)


def plan(policies: str | Policy | Sequence[str | Policy] = DEFAULT_POLICIES, asker: Asker | str = "maymine",
         sites: str | Path | Sequence[str | Path] = (), by: Names = (), uses: str | Use | Sequence[str | Use] = (),
         columns: Mapping[str, str] | None = None, as_of: datetime | str | None = None) -> Plan:
    """Raises PlanError, PolicyError.

    `policies`: names, paths of policy files, or policies. `asker`: a product token, or all that is known of who asks.
    `sites`: Parquet files of `maymine sites`. `by`, `uses`: policies and uses that make up the verdict; none: all.
    `columns`: role -> name of a column, where names do not tell. `as_of`: judge by what sites said then, not at the
    capture: a time, or the words of the command line ("capture", "now", "2026-11-22T09:30:00Z").
    """
    loaded = [_policy(p) for p in _many(policies, (str, Policy))]
    if not loaded:
        raise PlanError(f"no policy is named; there are {', '.join(provided.names())}")
    ids = {p.name: p.id for p, _ in loaded} | {p.id: p.id for p, _ in loaded}
    words = {use.value: use for p, _ in loaded for use in p.uses}
    return Plan(tuple((text, p.file) for p, text in loaded), Asker(asker) if isinstance(asker, str) else asker,
                tuple(_file(path) for path in _many(sites, (str, Path))),
                tuple(_one_of(name, ids, "policy of this plan") for name in _many(by, str)),
                tuple(_one_of(u.value if isinstance(u, Use) else u, words, "use that these policies decide about")
                      for u in _many(uses, (str, Use))),
                tuple(sorted((columns or {}).items())), _time(as_of))


@lru_cache(maxsize=2)
def worker(plan: Plan) -> Batches:
    """What decides by a plan in this process."""
    return made(plan, sites.Copies(_copies(plan.sites), plan.as_of))


def made(plan: Plan, known: Sites) -> Batches:
    """The same with sites from elsewhere."""
    policies = loaded(plan)
    return Batches(policies, plan.asker, given=dict(plan.columns), by=plan.by, uses=plan.uses,
                   decider=Decider(policies, plan.asker, known))


@lru_cache(maxsize=2)
def loaded(plan: Plan) -> tuple[Policy, ...]:
    return tuple(load_policy(text, file) for text, file in plan.policies)


def missing(extra: str, error: ImportError) -> ImportError:
    """What to do where an engine is not there."""
    package = (error.name or str(error)).partition(".")[0]
    return ImportError(f"{package} is not installed; pip install 'maymine[{extra}]'", name=package)


def _copies(files: Iterable[File]) -> Iterator[sites.Copy]:
    for file in files:
        with inputs.opened(file.uri) as stream:
            yield from sites.read(cast(Any, stream))


def _policy(named: str | Policy) -> tuple[Policy, str]:
    """A policy and its text."""
    try:
        if isinstance(named, Policy):
            return named, text_of(named)
        if named in provided.names():
            policy = provided.load(named)
            return policy, text_of(policy)
        if Path(named).suffix not in (".yaml", ".yml"):
            raise PlanError(f"'{named}' is no policy; there are {', '.join(provided.names())}, or the path of a .yaml file")
        text = Path(named).read_text("utf-8")
        return load_policy(text, named), text
    except RunError as error:
        raise PlanError(str(error)) from error
    except (OSError, UnicodeDecodeError) as error:
        raise PlanError(f"{named} cannot be read: {error}") from error


def _time(as_of: datetime | str | None) -> datetime | None:
    """None: the time of each capture. Raises PlanError."""
    if isinstance(as_of, str):
        if as_of in ("capture", "now"):
            return None if as_of == "capture" else datetime.now(UTC)
        with suppress(ValueError):
            if at := time_from_text(as_of):
                return at
        raise PlanError(f"as_of is '{as_of}', which is neither capture nor now nor a time like 2026-11-22T09:30:00Z")
    if as_of is not None and as_of.tzinfo is None:
        raise PlanError(f"as_of has no time zone: {as_of}")
    return as_of


def _file(path: str | Path) -> File:
    """A file of sites, looked at. Raises PlanError."""
    uri = str(path) if "://" in str(path) else str(Path(path).absolute())
    try:
        with inputs.opened(uri) as stream:
            names = set(pq.read_schema(stream).names)
    except pa.ArrowException as error:
        raise PlanError(f"{path} is no Parquet file; `maymine sites ARCHIVE... -o FILE` makes one") from error
    except (OSError, inputs.InputError) as error:
        why = (error.strerror if isinstance(error, OSError) else "") or str(error)
        raise PlanError(f"sites: {path} cannot be read: {why}; `maymine sites ARCHIVE... -o FILE` makes one") from error
    if lacking := set(sites.SITES.names) - names:
        raise PlanError(f"{path} is no file of `maymine sites`: it lacks {', '.join(sorted(lacking))}")
    if "://" not in uri:
        told = os.stat(uri)
        return File(uri, f"{told.st_size} {told.st_mtime_ns}")
    import fsspec
    store, place = fsspec.core.url_to_fs(uri)
    return File(uri, str(store.checksum(place)))


def _one_of(name: str, known: Mapping[str, Any], what: str) -> Any:
    if name not in known:
        raise PlanError(f"'{name}' is no {what}; there are {', '.join(sorted(known))}")
    return known[name]


def _many(of: Any, one: Any) -> tuple[Any, ...]:
    return (of,) if isinstance(of, one) else tuple(of)


__all__ = ["Plan", "PlanError", "ColumnsError", "PolicyError", "plan"]
