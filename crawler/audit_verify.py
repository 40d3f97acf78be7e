"""Check an audit pack: whole, the run that was announced, drawn as it was to be, and decided as it says.

**Facts**
- What a pack holds was written by others: no path in it leads out of it, no address in it is opened, and what cannot be read is
  a fault, never an exception.
- Where a digest differs nothing more is looked at: what follows would be about other bytes.
"""
from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rules import Policy, PolicyError, load_policy
from rules.record import dumps

from . import merkle
from .archive.records import Location, Row
from .audit_pack import EVIDENCE_FILE, MOST, SCHEMA, SUMS, draw, root_of, sums, unwatched
from .rerun import Evidences, Outcome, replayed

MALFORMED = (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError)
DIGEST = re.compile("[0-9a-f]{64}")
ROOT = re.compile("(sha256:)?[0-9a-fA-F]{64}")
POLICY_FILE = re.compile(r"policies/[A-Za-z0-9._@-]+\.yaml")

Done = Callable[[int], None]


@dataclass(slots=True)
class Verified:
    """What came of it. `faults`: (what, why); texts hold words of strangers."""
    root: str = ""
    announced: bool = False          # whether it was compared with a root that the caller had
    records: int = 0
    sample: int = 0
    faults: list[tuple[str, str]] = field(default_factory=list)
    outcomes: Counter[Outcome] = field(default_factory=Counter)


def verify(pack: Path, root: str = "", done: Done = unwatched) -> Verified:
    """Raises nothing but OSError where the folder itself cannot be read."""
    found = Verified(announced=bool(root))
    for check in (_digests, _announced, _decided):
        try:
            found.faults += check(pack, root, found, done)
        except MALFORMED as error:
            found.faults.append((str(pack), f"cannot be read: {error}"))
        if found.faults:
            break
    return found


Faults = Iterator[tuple[str, str]]


def _digests(pack: Path, root: str, found: Verified, done: Done) -> Faults:
    for path in pack.rglob("*"):
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            yield path.relative_to(pack).as_posix(), "is no file of a pack"
            return
    try:
        listed, there = (pack / SUMS).read_bytes(), sums(pack)
    except FileNotFoundError:
        yield SUMS, "is not there; this is no audit pack"
        return
    if listed == there:
        return
    said, are = _named(listed), _named(there)
    differ = sorted(name for name in said.keys() | are.keys() if said.get(name) != are.get(name))
    for name in differ:
        why = ("is not there" if name not in are else f"stands not in {SUMS}" if name not in said
               else f"has another digest than {SUMS} says")
        yield name.decode("utf-8", "replace"), why
    if not differ:
        yield SUMS, "is not as sha256sum writes it"


def _named(text: bytes) -> dict[bytes, bytes]:
    """Name -> digest, of the lines of SHA256SUMS."""
    parted = (line.partition(b"  ") for line in text.splitlines())
    return {name: digest for digest, _, name in parted}


def _announced(pack: Path, root: str, found: Verified, done: Done) -> Faults:
    """The run that was announced, and the sample of it that was to be drawn."""
    text = (pack / "head.json").read_bytes()
    head, sample = _json(text), _json((pack / "sample.json").read_bytes())
    found.root, found.records, found.sample = root_of(text), int(head["records"]), len(sample["drawn"])
    if root and root.removeprefix("sha256:").lower() != found.root.removeprefix("sha256:"):
        yield "head.json", f"is of another run than the root that was given: its root is {found.root}"
    for name, value, written in (("head.json", head, text), ("sample.json", sample, (pack / "sample.json").read_bytes())):
        if dumps(value).encode("utf-8", "replace") + b"\n" != written:
            yield name, "is not canonical"
    if head["schema"] != SCHEMA or sample["schema"] != SCHEMA:
        yield "head.json", f"is not written as {SCHEMA}"
    if sample["root"] != found.root:
        yield "sample.json", "names another root than that of head.json"
    if not 0 < sample["asked"] <= MOST:
        yield "sample.json", f"asks for {sample['asked']} records; from 1 to {MOST:,} can be"
        return
    drawn = [one["place"] for one in sample["drawn"]]
    if drawn != draw(found.root, sample["seed"], sample["asked"], found.records):
        yield "sample.json", "holds another sample than the root and the seed give"
    for policy in head["policies"]:
        digest = f"sha256:{hashlib.sha256((pack / _inside(policy['file'], POLICY_FILE)).read_bytes()).hexdigest()}"
        if digest != policy["digest"]:
            yield policy["file"], f"is not the policy that head.json names: {digest}"


def _decided(pack: Path, root: str, found: Verified, done: Done) -> Faults:
    """Each record: at its place among all, and what its evidence comes to."""
    head, sample = (_json((pack / name).read_bytes()) for name in ("head.json", "sample.json"))
    merkle_root = bytes.fromhex(head["merkle_root"].removeprefix("sha256:"))
    digests = {p["id"]: p["digest"] for p in head["policies"]}
    known = {p["id"]: _policy(pack, p["file"]) for p in head["policies"]}
    lines = (pack / "records.jsonl").read_bytes().split(b"\n")[:-1]
    if len(lines) != found.sample:
        yield "records.jsonl", f"holds {len(lines)} records, and {found.sample} were drawn"
        return
    reader = Evidences(pack, {})
    for number, (one, line) in enumerate(zip(sample["drawn"], lines, strict=True), 1):
        name = f"records.jsonl:{number}"
        proof = [bytes.fromhex(digest) for digest in one["proof"] if DIGEST.fullmatch(digest)]
        if merkle.root_of(merkle.leaf(line), one["place"], found.records, proof) != merkle_root:
            yield name, f"is not record {one['place']} of the run"
            continue
        try:
            record = _json(line)
            policy = record["policy"]
            if dumps(record).encode("utf-8", "replace") != line:
                yield name, "is not canonical"
            elif policy["digest"] != digests.get(policy["id"]):
                yield name, f"was decided by a policy that head.json does not name: {policy['id']}"
            elif record["asker"] != _without_empty(head["asker"]):
                yield name, "was decided for another asker than head.json names"
            else:
                at = tuple(spot and Location(_inside(spot[0], EVIDENCE_FILE), int(spot[1]), str(spot[2]))
                           for spot in one["locations"])
                made = replayed(Row(one["requested"], record, at), known, reader)
                found.outcomes[made.outcome] += 1
                if made.outcome not in (Outcome.SAME, Outcome.NOT_KEPT):
                    yield name, f"{made.outcome.value}: {made.detail}"
        except MALFORMED as error:
            yield name, f"cannot be decided again: {error}"
        done(1)


def _policy(pack: Path, file: str) -> Policy | str:
    try:
        return load_policy((pack / file).read_bytes().decode(), file)
    except (ValueError, PolicyError) as error:
        return f"{file} cannot be used by this maymine: {error}"


def _json(text: bytes) -> Any:
    return json.loads(text)


def _inside(name: str, form: re.Pattern[str]) -> str:
    """A name that leads nowhere else. Raises ValueError."""
    if not form.fullmatch(name):
        raise ValueError(f"'{name}' is no file of a pack")
    return name


def _without_empty(asker: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in asker.items() if v not in (None, "")}
