"""A sample of a run for somebody who does not trust its owner: records, evidence, policies, and the proof of how it was drawn.

    PACK/head.json       what the whole run is: number of records, Merkle root over all of them, policies, registers, asker
        sample.json      which records were drawn, by which seed, and for each its place and its proof
        records.jsonl    these records, canonical, a line each
        evidence/*.warc.gz   their evidence; policies/*.yaml: the policies as they were
        VERIFY.md        how all of it is checked, by hand and by maymine
        SHA256SUMS       the digest of every other file

**Facts**
- The leaves of the tree are the canonical texts of all records (rules/record.py), in the order of the run's files and rows.
- The digest of head.json stands for the run: who has it from before the seed was known can be shown no other records and no
  other sample. It is printed as the root of the run.
- Place n of the sample is SHA-256 of "maymine/sample/1", the digest of head.json, the seed and a counter, each on a line, as a
  number of 256 bits, modulo the number of records; one that was drawn before is passed over.
- What registers said stands in the evidence of the pack, entry by entry; the registers themselves are named by their digests.
"""
from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from rules.record import ENGINE, asset_from_record, dumps, evidence_from_record, time_text

from . import merkle, recorded
from . import run as folders
from .archive import records, warc
from .archive.records import Location, Row, Unreadable
from .audit_text import VERIFY
from .rerun import Evidences
from .run import Manifest, RunError

SCHEMA, SAMPLING = "maymine/audit/1", "maymine/sample/1"
SUMS = "SHA256SUMS"
EVIDENCE_FILE = re.compile(r"evidence/\d{6}\.warc\.gz")
MOST = 1_000_000                     # records in a sample

Done = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Pack:
    root: str                        # the digest of head.json
    records: int
    sample: int
    not_kept: int                    # pieces of evidence whose bytes the run does not have


def unwatched(rows: int) -> None:
    """Nobody watches how far it is."""


def head_of(folder: Path, done: Done = unwatched) -> tuple[bytes, merkle.Tree]:
    """head.json of a run, and the tree over its records. Raises RunError, OSError, ArrowException."""
    manifest = _whole(folder)
    tree = merkle.Tree(_leaves(folder, done))
    if not tree.size:
        raise RunError(f"{folder} holds no records; there is nothing to sample")
    policies = [{"id": p["id"], "digest": p["digest"], "file": p["file"]} for p in manifest["policies"]]
    registers = [{k: r[k] for k in ("name", "sha256", "rows", "entries")} for source in (manifest, *manifest["policies"])
                 for r in source.get("registers", ())]
    head = {"schema": SCHEMA, "engine": ENGINE, "records": tree.size, "merkle_root": f"sha256:{tree.root.hex()}",
            "asker": manifest["asker"], "policies": policies, "registers": registers, "started": manifest.get("started") or "",
            "ended": manifest.get("ended") or "", "status": manifest["status"]}
    return dumps(head).encode() + b"\n", tree


def root_of(head: bytes) -> str:
    return f"sha256:{hashlib.sha256(head).hexdigest()}"


def draw(root: str, seed: str, asked: int, size: int) -> list[int]:
    """Places of a sample, in the order in which they are drawn."""
    drawn: dict[int, None] = {}
    counter = 0
    while len(drawn) < min(asked, size):
        text = "\n".join((SAMPLING, root, seed, str(counter)))
        drawn[int.from_bytes(hashlib.sha256(text.encode()).digest()) % size] = None
        counter += 1
    return list(drawn)


def make(folder: Path, out: Path, asked: int, seed: str, done: Done = unwatched) -> Pack:
    """Draw a sample of a run and write all that is needed to decide it again. Raises RunError, Unreadable, OSError,
    ArrowException."""
    if "\n" in seed or not seed.isprintable():
        raise RunError("a seed is one line of characters that show")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise RunError(f"{out} is not empty; name a new folder")
    with folders.locked(folder):
        head, tree = head_of(folder, done)
        root = root_of(head)
        places = draw(root, seed, asked, tree.size)
        rows = dict(_rows_at(folder, places))
        out.mkdir(parents=True, exist_ok=True)
        (out / "head.json").write_bytes(head)
        manifest = folders.read_manifest(folder)
        (out / "policies").mkdir()
        for policy in manifest["policies"]:
            (out / policy["file"]).write_bytes((folder / policy["file"]).read_bytes())
        drawn, lines, not_kept = [], [], 0
        writer = warc.Writer(out / "evidence", 1, "all")
        reader = Evidences(folder, manifest.get("filter", {}).get("columns", {}))
        for place in places:
            row = rows[place]
            lines.append(_text(row))
            locations, lost = _copied(row, reader, writer)
            not_kept += lost
            drawn.append({"place": place, "requested": row.requested, "proof": [d.hex() for d in tree.proof(place)],
                          "locations": [at and [at.file, at.offset_bytes, at.record_id] for at in locations]})
        writer.seal()
    sample = {"schema": SCHEMA, "root": root, "seed": seed, "asked": asked, "drawn": drawn}
    (out / "records.jsonl").write_bytes(b"".join(line + b"\n" for line in lines))
    (out / "sample.json").write_bytes(dumps(sample).encode("utf-8", "replace") + b"\n")
    (out / "VERIFY.md").write_text(VERIFY.format(root=root, digits=root.removeprefix("sha256:"), seed=seed, sample=len(drawn),
                                                 records=tree.size, engine=ENGINE, made=time_text(datetime.now(UTC))), "utf-8")
    (out / SUMS).write_bytes(sums(out))
    return Pack(root, tree.size, len(drawn), not_kept)


def sums(folder: Path) -> bytes:
    """SHA256SUMS of a folder, as sha256sum writes and reads it. Raises OSError."""
    files = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if not p.is_dir() or p.is_symlink())
    return b"".join(f"{warc.digest_of(folder / name)['sha256']}  {name}\n".encode("utf-8", "surrogateescape")
                    for name in files if name != SUMS)


def _whole(folder: Path) -> Manifest:
    """The manifest of a run that nobody writes. Raises RunError, OSError."""
    manifest = folders.read_manifest(folder)
    if manifest["status"] == "running" or next(recorded.unpacked(folder), None) is not None:
        raise RunError(f"{folder} is still being written, or was left so; go on with it until it ends")
    return manifest


def _leaves(folder: Path, done: Done) -> Iterator[bytes]:
    for part in recorded.sealed(folder, folders.read_manifest(folder)):
        for row in records.read(part):
            yield merkle.leaf(_text(row))
            done(1)


def _rows_at(folder: Path, places: list[int]) -> Iterator[tuple[int, Row]]:
    wanted, begins = sorted(places), 0
    for part in recorded.sealed(folder, folders.read_manifest(folder)):
        ends = begins + records.count(part)
        here = [place - begins for place in wanted if begins <= place < ends]
        if here:
            yield from ((begins + n, row) for n, row in records.read_at(part, here))
        begins = ends


def _text(row: Row) -> bytes:
    return dumps(row.record).encode("utf-8", "replace")


def _copied(row: Row, reader: Evidences, writer: warc.Writer) -> tuple[list[Location | None], int]:
    """The evidence of a record, put into the pack as it lies in the run; how many pieces of it the run does not have.

    Raises Unreadable, OSError.
    """
    evidence = []
    for wanted, at in zip(map(evidence_from_record, row.record["evidence"]), row.locations, strict=True):
        got = wanted
        if wanted.has_bytes and at is not None:
            try:
                got = replace(wanted, body=reader.read(at, wanted), recorded="")
            except warc.UnreadableEvidence as error:
                raise Unreadable(f"the evidence about {row.requested} cannot be read: {error}") from error
            if got.digest != wanted.digest:
                raise Unreadable(f"the evidence about {row.requested} is not what decided ({wanted.carrier.value}); "
                                 "see 'replay'")
        evidence.append(got)
    locations = list(writer.write(asset_from_record(row.record["asset"]), evidence))
    return locations, sum(e.has_bytes and at is None for e, at in zip(evidence, locations, strict=True))
