"""The run folder: records in Parquet, evidence in WARC, policies as they were, and a manifest that names every file.

    RUN/manifest.json            counts, policies with digests, versions, times, and each file with its SHA-256
        policies/*.yaml          the text of each policy
        records/000001.parquet   one row a page and policy; 000001+NAME.parquet: a policy that was decided later
        evidence/000001.warc.gz
        journal/000002.jsonl     pages that are finished and not yet in Parquet (journal.py); gone when the run is closed
        frontier.jsonl           what a crawl has still to do (frontier.py)

INVARIANT: when `write` returns, a killed process has lost nothing of that page; what it left unfinished is cut off or thrown
away by the next `Run.open`, and no page is there twice.
- Evidence is written before the line of the journal that points at it; evidence that nothing points at does no harm.
- A line of the journal is a page with all its records; a line without its LF was never finished.
- Journal 000002 becomes records/000002.parquet by one rename. While both are there, the journal is the one that is over.
- A part `000002+NAME` belongs to the run when the manifest names it; so does any part, once the run is complete.
OURS: killed means the process; against loss of power only Parquet files and the manifest are synced.
"""
from __future__ import annotations

import hashlib
import json
import os
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from copy import deepcopy
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from rules import data, policies
from rules.model import Asker
from rules.policy import Policy
from rules.record import ENGINE, asker_from_record, time_text, to_record

from . import journal as in_journal
from .archive import records, warc
from .archive.records import Location, Row
from .versions import versions

if TYPE_CHECKING:
    from .items import AssessedPage

SCHEMA = "maymine/run/1"
JOURNAL_BYTES = 16 << 20             # a journal of this size becomes a part
COMPLETE = "complete"                # then the manifest names every part, and there are no journals
FOLDERS = ("policies", "records", "evidence", "journal")
PART = re.compile(r"(\d{6,})(\+.+)?\.parquet")

Manifest = dict[str, Any]


class RunError(Exception):
    """The folder cannot be used as it was asked for. The message is for a person."""


class Run:
    """A run that is being written, by one process at a time."""

    def __init__(self, folder: Path, manifest: Manifest, lock: int, keep: str):
        self.folder, self.manifest = folder, manifest
        self._lock = lock
        self._finished = {key for part in parts(folder) if "+" not in part.name for key in records.requested(part)}
        self._number = free_number(folder)
        self._evidence = warc.Writer(folder / "evidence", self._number, keep)
        self._journal = -1
        self._journal_bytes = 0

    @classmethod
    def open(cls, folder: str | Path, policies: Sequence[Policy], asker: Asker, evidence: str = "all",
             registers: Sequence[dict[str, Any]] = ()) -> Run:
        """Begin a run, or take up one that was left; `registers` are those that are asked. Raises RunError, OSError."""
        if evidence not in warc.KEEP:
            raise RunError(f"'{evidence}' is no way to keep evidence; known are {', '.join(warc.KEEP)}")
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        lock = _lock(folder)
        try:
            if (folder / "manifest.json").exists():
                manifest = read_manifest(folder)
                same(folder, manifest, policies, asker)
                same_registers(folder, manifest, registers)
                recover(folder, manifest)
            else:
                manifest = begin(folder, policies, asker) | ({"registers": list(registers)} if registers else {})
            manifest |= {"status": "running", "evidence": evidence, "engine": ENGINE, "versions": versions(), "ended": None}
            write_manifest(folder, manifest)
            return cls(folder, manifest, lock, evidence)
        except BaseException:
            os.close(lock)
            raise

    def __enter__(self) -> Run:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.close(complete=kind is None)

    def finished(self) -> set[str]:
        """The keys (`CollectedPage.requested`) of all pages in the run."""
        return self._finished

    def write(self, page: AssessedPage, locations: Sequence[Location | None] | None = None) -> bool:
        """Keep a page; False if the run has it. `locations` point at evidence that lies elsewhere, instead of keeping it again.

        Raises OSError, and then the page is not in the run.
        """
        collected = page.page
        if collected.requested in self._finished:
            return False
        if locations is None:
            locations = self._evidence.write(collected.asset, collected.evidence)
        line = in_journal.line(collected.requested, locations, records.body_bytes(collected.evidence),
                     [to_record(a) for a in page.assessments])
        if self._journal < 0:
            path = self.folder / "journal" / f"{self._number:06}.jsonl"
            self._journal = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o644)
        warc.append(self._journal, line, self._journal_bytes)
        self._journal_bytes += len(line)
        self._finished.add(collected.requested)
        if self._journal_bytes >= JOURNAL_BYTES:
            self._compact()
        return True

    def close(self, complete: bool = True) -> None:
        """End the run; `complete` says whether it did all that it was meant to. A second call does nothing."""
        if self._lock < 0:
            return
        self._evidence.seal()
        self._compact()
        self.manifest |= {"status": COMPLETE if complete else "interrupted", "ended": time_text(datetime.now(UTC))}
        write_manifest(self.folder, self.manifest)
        os.close(self._lock)
        self._lock = -1

    def _compact(self) -> None:
        self.manifest["files"] += self._evidence.sealed
        self._evidence.sealed.clear()
        if self._journal >= 0:
            os.close(self._journal)
            self._journal, self._journal_bytes = -1, 0
            compact(self.folder, self.manifest, self._number)
            self._number += 1


# ---- what lies in the folder

def parts(folder: Path) -> list[Path]:
    """Files with records, in order."""
    found = (p for p in (folder / "records").glob("*.parquet") if PART.fullmatch(p.name))
    return sorted(found, key=lambda p: p.stem.partition("+"))


def free_number(folder: Path) -> int:
    """One more than any file of records or evidence has."""
    return 1 + max((number_of(p) for p in [*parts(folder), *(folder / "evidence").glob("*.warc.gz")]), default=0)


def number_of(path: Path) -> int:
    return int(re.match(r"\d*", path.name)[0] or 0)  # type: ignore[index]  # the pattern always matches


def read_manifest(folder: Path) -> Manifest:
    """Raises RunError."""
    path = folder / "manifest.json"
    try:
        manifest: Manifest = json.loads(path.read_bytes())
        if manifest["schema"] != SCHEMA:
            raise RunError(f"{path}: schema {manifest['schema']} is not {SCHEMA}")
        for key in ("policies", "asker", "counts", "parts", "files", "status"):
            manifest[key]
    except FileNotFoundError:
        raise RunError(f"{folder} is no run folder: there is no manifest.json") from None
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise RunError(f"{path} cannot be read: {error}") from error
    return manifest


def write_manifest(folder: Path, manifest: Manifest) -> None:
    text = json.dumps(manifest, indent=1, ensure_ascii=False) + "\n"
    replace(folder / "manifest.json", text.encode("utf-8", "replace"))


def replace(path: Path, content: bytes | pa.Table) -> None:
    """Put a file in place, whole or not at all."""
    path.parent.mkdir(exist_ok=True)
    new = path.with_name(path.name + ".new")
    if isinstance(content, bytes):
        new.write_bytes(content)
    else:
        records.write(new, content)
    file = os.open(new, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
    new.replace(path)


# ---- journal -> Parquet

def compact(folder: Path, manifest: Manifest, number: int) -> None:
    """Journal `number` becomes a part."""
    journal = folder / "journal" / f"{number:06}.jsonl"
    pages = list(in_journal.pages(journal))
    if pages:
        made = [row for page in pages for row in in_journal.rows(page)]
        part = folder / "records" / f"{number:06}.parquet"
        replace(part, records.table(made))
        add_part(folder, manifest, part, count(manifest["counts"], made))
        write_manifest(folder, manifest)
    journal.unlink()


def add_part(folder: Path, manifest: Manifest, part: Path, rows: int) -> None:
    """Name a part in the manifest."""
    manifest["parts"].append({"file": part.relative_to(folder).as_posix(), "rows": rows, **warc.digest_of(part)})


def count(counts: dict[str, dict[str, dict[str, int]]], made: Iterable[Row]) -> int:
    """Add up policy -> use -> verdict -> number of records; how many there were."""
    n = 0
    for row in made:
        n += 1
        uses = counts.setdefault(row.record["policy"]["id"], {})
        for use, decision in row.record["decisions"].items():
            verdicts = uses.setdefault(use, {})
            verdicts[decision["verdict"]] = verdicts.get(decision["verdict"], 0) + 1
    return n


def recover(folder: Path, manifest: Manifest) -> None:
    """Make a run whole that was left by a kill. The caller holds the lock. Raises RunError, OSError."""
    before = deepcopy(manifest)
    for sub in FOLDERS:
        (folder / sub).mkdir(exist_ok=True)
        for left in (folder / sub).glob("*.new"):
            left.unlink()
    named = {p["file"] for p in (*manifest["parts"], *manifest["files"])}
    if manifest["status"] == COMPLETE:
        for left in (*parts(folder), *(folder / "journal").glob("*.jsonl")):
            if "+" not in left.name and left.relative_to(folder).as_posix() not in named:
                raise RunError(f"{left} is not of this run, which is complete; take it away")
    for name in named:
        if not (folder / name).is_file():
            raise RunError(f"{folder}: {name} is named in the manifest and is not there")
    for part in parts(folder):
        if f"records/{part.name}" not in named:
            if "+" in part.name:
                part.unlink()
            else:
                add_part(folder, manifest, part, count(manifest["counts"], records.read(part)))
    for file in sorted((folder / "evidence").glob("*.warc.gz")):
        if f"evidence/{file.name}" not in named:
            if (mended := warc.mend(file))["bytes"]:
                manifest["files"].append({"file": f"evidence/{file.name}", **mended})
            else:
                file.unlink()
    for journal in sorted((folder / "journal").glob("*.jsonl")):
        if (folder / "records" / f"{journal.stem}.parquet").exists():
            journal.unlink()
        else:
            compact(folder, manifest, number_of(journal))
    if manifest != before:
        write_manifest(folder, manifest)


# ---- beginning

def begin(folder: Path, policies: Sequence[Policy], asker: Asker) -> Manifest:
    """The manifest of a new run, and its folders. Raises RunError, OSError."""
    if others := sorted(set(os.listdir(folder)) - {*FOLDERS, "frontier.jsonl", "manifest.json.new"}):
        raise RunError(f"{folder} holds other things ({others[0]}); name a folder that is empty or new")
    for sub in FOLDERS:
        (folder / sub).mkdir(exist_ok=True)
    kept = [keep_policy(folder, policy) for policy in policies]
    return {"schema": SCHEMA, "status": "running", "started": time_text(datetime.now(UTC)), "ended": None, "engine": ENGINE,
            "versions": versions(), "asker": asdict(asker), "evidence": "", "policies": kept, "counts": {}, "parts": [],
            "files": []}


def same(folder: Path, manifest: Manifest, policies: Sequence[Policy], asker: Asker) -> None:
    """A run has one asker and one set of policies, or its records could not be compared."""
    if asker_from_record(manifest["asker"]) != asker:
        raise RunError(f"{folder} was begun for another asker ({manifest['asker']['token']}); begin another run for this one")
    had = {p["id"]: p["digest"] for p in manifest["policies"] if not p.get("later")}
    if had != {p.id: p.digest for p in policies}:
        raise RunError(f"{folder} was begun with the policies {', '.join(had)}; go on with these as they were, and add others "
                       f"by 'maymine decide {folder} --policy NAME'")


def same_registers(folder: Path, manifest: Manifest, registers: Sequence[dict[str, Any]]) -> None:
    """Nor may other registers be asked half way. Raises RunError."""
    had, has = ({(r["name"], r["sha256"]) for r in found} for found in (manifest.get("registers", ()), registers))
    if had != has:
        names = ", ".join(sorted(name for name, _ in had)) or "none"
        raise RunError(f"{folder} was begun with other registers, or they have changed since (it was: {names}); go on with "
                       f"these as they were, or decide again by 'maymine decide {folder} --register FILE -o OTHER'")


def keep_policy(folder: Path, policy: Policy) -> dict[str, str]:
    """Keep the text of a policy in the run; its entry in the manifest. Raises RunError."""
    name = f"policies/{file_name(policy)}.yaml"
    replace(folder / name, text_of(policy).encode())
    return {"id": policy.id, "digest": policy.digest, "title": policy.title, "file": name}


def file_name(policy: Policy) -> str:
    """Policy id as a name of a file; what a name may not hold is replaced, and a digest keeps such names apart."""
    safe = re.sub(r"[^A-Za-z0-9._@-]", "_", policy.id)[:80]
    return safe if safe == policy.id else f"{safe}-{policy.digest[7:15]}"


def text_of(policy: Policy) -> str:
    """The text that a policy was made from. Raises RunError if it has changed since, or is not to be found."""
    texts = [data.read(f"policies/{policy.name}.yaml")] if policy.name in policies.names() else []
    with suppress(OSError, ValueError):
        texts.append(Path(policy.file).read_text("utf-8"))
    for text in texts:
        if f"sha256:{hashlib.sha256(text.encode()).hexdigest()}" == policy.digest:
            return text
    raise RunError(f"the text of policy {policy.id} is not in {policy.file}, or has changed since it was read")


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Nobody else writes to the run meanwhile. Raises RunError."""
    lock = _lock(folder)
    try:
        yield
    finally:
        os.close(lock)


def _lock(folder: Path) -> int:
    """A lock that ends with the process, however that ends. Raises RunError, OSError."""
    if sys.platform == "win32":                      # no such lock there
        return os.open(os.devnull, os.O_RDONLY)
    import fcntl
    file = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(file)
        raise RunError(f"{folder} is being written by another process") from None
    return file
