"""The records of a run, read: of every part that belongs to it, each held against its digest, and of the journals beside them.

**Facts**
- What lies in the folder, and which of it counts, stands in run.py.
- A part that is not what was written, or is gone, is refused, as what it says could be anything; `replay` alone reads on.
"""
from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa

from . import journal as in_journal
from .archive import records, warc
from .archive.records import Row
from .run import COMPLETE, Manifest, parts, read_manifest


def sealed(folder: Path, manifest: Manifest, changed: bool = False) -> Iterator[Path]:
    """The parts that belong to the run, in order, each held against its digest; with `changed` also what is not as it was.

    Raises Unreadable, OSError.
    """
    digests = {entry["file"]: entry["sha256"] for entry in manifest["parts"]}
    if not changed and (gone := [name for name in digests if not (folder / name).is_file()]):
        raise records.Unreadable(f"{folder / gone[0]} is not there, and the manifest names it")
    for part in parts(folder):
        digest = digests.get(f"records/{part.name}")
        if digest is None and ("+" in part.name or manifest["status"] == COMPLETE):
            continue
        if digest is not None and not changed and warc.digest_of(part)["sha256"] != digest:
            raise records.Unreadable(f"{part} is broken: it is not what was written; `maymine replay` tells what differs")
        yield part


def _journals(folder: Path, manifest: Manifest) -> list[Path]:
    return [] if manifest["status"] == COMPLETE else sorted((folder / "journal").glob("*.jsonl"))


def rows(folder: Path, policy: str = "", url: str = "", changed: bool = False) -> Iterator[Row]:
    """Every finished record, or those of one policy, of one page; of a run that is still written, too. `changed`: see `sealed`.

    Raises RunError, OSError, pyarrow.ArrowException.
    """
    manifest, packed = read_manifest(folder), set[str]()
    journals = _journals(folder, manifest)
    for part in sealed(folder, manifest, changed):
        packed.add(part.stem)
        yield from records.read(part, policy, url)
    for journal in journals:
        if journal.stem not in packed:
            try:
                pages = list(in_journal.pages(journal))
            except FileNotFoundError:                # it has become a part in the meantime
                yield from records.read(folder / "records" / f"{journal.stem}.parquet", policy, url)
                continue
            yield from (row for page in pages for row in in_journal.rows(page) if policy in ("", row.record["policy"]["id"])
                        and url in ("", row.requested, row.record["asset"]["url"]))


def batches(folder: Path, columns: Sequence[str]) -> Iterator[tuple[str, int, pa.RecordBatch]]:
    """Every finished record as columns: the part that it is in, or will be, the number of its first row there, and the rows.

    Raises RunError, OSError, pyarrow.ArrowException.
    """
    manifest, packed = read_manifest(folder), set[str]()
    journals = _journals(folder, manifest)
    for part in sealed(folder, manifest):
        packed.add(part.stem)
        at = 0
        for batch in records.read_columns(part, columns):
            yield f"records/{part.name}", at, batch
            at += batch.num_rows
    for journal in journals:
        if journal.stem not in packed:
            made = [row for page in in_journal.pages(journal) for row in in_journal.rows(page)]
            for batch in records.table(made).select(columns).to_batches():
                yield f"records/{journal.stem}.parquet", 0, batch


def unpacked(folder: Path) -> Iterator[Row]:
    """Records of pages that are finished and not in Parquet yet: of a run that is written, or was left. Raises OSError."""
    packed = {p.stem for p in parts(folder)}
    for journal in sorted((folder / "journal").glob("*.jsonl")):
        if journal.stem not in packed:
            for page in in_journal.pages(journal):
                yield from in_journal.rows(page)
