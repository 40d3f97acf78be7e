"""What works on a run that is there: decide by another policy, explain an address, replay from the evidence.

**Facts**
- Findings do not depend on the policy but for what it requires and nobody looked at (`rules.assess.missing`); those stand
  last in a record and are taken away before another policy decides.
- A replay reads the bytes again, compares their digests, assesses them anew with the policy as it was kept, and compares the
  canonical text of the record. Evidence that was not kept leaves the answer open; it is never "the same".
"""
from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from difflib import get_close_matches
from enum import Enum
from itertools import islice
from os.path import isabs, relpath
from pathlib import Path
from typing import Any

from pyarrow import ArrowException

from rules import (
    Assessment,
    Carrier,
    Evidence,
    Finding,
    Policy,
    PolicyError,
    assess,
    from_record,
    judge,
    load_policy,
    to_record,
)
from rules.assess import listed, missing
from rules.record import JSON, asker_from_record, dumps, evidence_from_record, time_text

from . import recorded
from . import run as folders
from .archive import records, reread, warc
from .archive.records import Location, Row
from .registers.kept import Kept, without
from .run import Manifest, RunError

COMPARED, URL_CHARS, NEAR = 1_000, 200, 0.6      # records, characters of an address, likeness from 0 to 1: for a suggestion
REREAD_BYTES = 64 << 20              # bytes read last that are kept, for the files of a site that many pages share


Done = Callable[[int], None]


def ignore(rows: int) -> None:
    """Nobody watches how far it is."""


class Outcome(Enum):
    """What a replay makes of one record, or of one file."""
    SAME = "same"
    EVIDENCE_CHANGED = "evidence changed"
    RECORD_DIFFERS = "record differs"
    NOT_KEPT = "evidence not kept"
    GONE = "archive not there"           # of others, where the evidence lies; `of` is the archive


@dataclass(frozen=True, slots=True)
class Replayed:
    outcome: Outcome
    of: str                          # the page asked for, or a file of the run
    policy: str = ""
    detail: str = ""                 # for a person; holds words of strangers


def policies_of(folder: Path, manifest: Manifest) -> dict[str, Policy | str]:
    """The policies of a run as they were kept, by id; for one that cannot be used, why."""
    out: dict[str, Policy | str] = {}
    for entry in manifest["policies"]:
        try:
            policy = load_policy((folder / entry["file"]).read_bytes().decode(), entry["file"])
            same = policy.digest == entry["digest"]
            out[entry["id"]] = policy if same else f"{entry['file']} is not the policy that decided; its digest differs"
        except (OSError, ValueError, PolicyError) as error:
            out[entry["id"]] = f"the policy cannot be used any more: {error}"
    return out


# ---- decide

def decide(folder: Path, policy: Policy, out: Path | None = None, again: bool = False, done: Done = ignore,
           registers: Kept | None = None) -> dict[str, Any]:
    """Decide by one more policy, from the findings of a run; {use: {verdict: n}}. Raises RunError, OSError.

    The records join the run, or make a run of their own in `out`, which points at the evidence where it lies. `again` decides
    anew what an earlier `decide` did; what the run itself decided stays as it is. What `registers` say takes the place of what
    those of the run said.
    """
    facts = {"registers": registers.registers.facts()} if registers else {}
    with folders.locked(folder):
        manifest = folders.read_manifest(folder)
        folders.recover(folder, manifest)
        base = base_of(folder, manifest)
        if out is None:
            _forget(folder, manifest, policy, again)
            _decide(folder, base, policy, folder, _mark(policy), manifest, done, registers)
            entry = {**folders.keep_policy(folder, policy), "later": time_text(datetime.now(UTC)), **facts}
            manifest["policies"].append(entry)
            folders.write_manifest(folder, manifest)
        else:
            out.mkdir(parents=True, exist_ok=True)
            with folders.locked(out):
                manifest = folders.begin(out, [policy], asker_from_record(manifest["asker"])) | facts
                _decide(folder, base, policy, out, ".parquet", manifest, done, registers)
                manifest |= {"status": folders.COMPLETE, "ended": time_text(datetime.now(UTC))}
                folders.write_manifest(out, manifest)
    counts: dict[str, Any] = manifest["counts"].get(policy.id, {})
    return counts


def _decide(folder: Path, base: Policy, policy: Policy, out: Path, mark: str, manifest: Manifest, done: Done,
            registers: Kept | None) -> None:
    """Parts of `folder` -> parts of `out`, put in place together when all are there."""
    made: list[tuple[Path, int]] = []
    if registers is not None:
        registers.begin(out, folders.free_number(out))
    for part in recorded.sealed(folder, folders.read_manifest(folder)):
        if "+" in part.name:
            continue
        rows = [_decided(row, base, policy, folder, out, registers) for row in records.read(part, base.id)]
        target = out / "records" / (part.stem + mark)
        records.write(_new(target), records.table(rows))
        made.append((target, folders.count(manifest["counts"], rows)))
        done(len(rows))
    if registers is not None:
        manifest["files"] += registers.end()
    for target, n in made:
        _new(target).replace(target)
        folders.add_part(out, manifest, target, n)


def _new(target: Path) -> Path:
    return target.with_name(target.name + ".new")


def _mark(policy: Policy) -> str:
    """How the names of the parts end that a policy made later."""
    return f"+{folders.file_name(policy)}.parquet"


def _moved(row: Row, folder: Path, out: Path) -> Row:
    """The row with its locations as seen from another folder."""
    if folder == out:
        return row
    return replace(row, locations=tuple(at and _seen_from(at, folder, out) for at in row.locations))


def _seen_from(at: Location, folder: Path, out: Path) -> Location:
    """Absolute paths and addresses are the same from everywhere."""
    return at if "://" in at.file or isabs(at.file) else replace(at, file=relpath(folder / at.file, out))


def found(a: Assessment, base: Policy) -> tuple[Finding, ...]:
    """The findings of a stored record whatever the policy. `base` is the policy of the record. Raises RunError."""
    added = tuple(missing(a.evidence, base, a.asker))
    kept = len(a.findings) - len(added)
    if a.policy != base.id or a.findings[kept:] != added:
        raise RunError(f"the record of {a.asset.url} does not end with what {base.id} requires and nobody looked at")
    return a.findings[:kept]


def decided(row: Row, base: Policy, policy: Policy) -> Assessment:
    """The assessment of a stored record under another policy. `base` is the policy of the record. Raises RunError."""
    a = from_record(row.record)
    return judge(a.asset, a.asker, a.evidence, found(a, base), policy)


def _decided(row: Row, base: Policy, policy: Policy, folder: Path, out: Path, registers: Kept | None) -> Row:
    """The row under another policy, as seen from `out`."""
    moved = _moved(row, folder, out)
    if registers is None:
        return replace(moved, record=to_record(decided(row, base, policy)))
    a = from_record(row.record)
    entries, at = registers.about(a.asset, a.evidence)
    kept = [n for n, e in enumerate(a.evidence) if e.carrier is not Carrier.REGISTER]
    evidence = (*(a.evidence[n] for n in kept), entries)
    before = found(a, base)
    findings = (*(without(before) if len(kept) < len(a.evidence) else before), *listed((entries,), a.asset, a.asker))
    where = (*(moved.locations[n] for n in kept), at)
    return replace(moved, record=to_record(judge(a.asset, a.asker, evidence, findings, policy)), locations=where)


def base_of(folder: Path, manifest: Manifest) -> Policy:
    """A policy under which every page of the run was assessed."""
    known = policies_of(folder, manifest)
    for entry in manifest["policies"]:
        if not entry.get("later") and isinstance(policy := known[entry["id"]], Policy):
            return policy
    raise RunError("\n".join(map(str, known.values())) or f"{folder} was made without a policy")


def _forget(folder: Path, manifest: Manifest, policy: Policy, again: bool) -> None:
    """Make room for records of this policy, or refuse."""
    had = next((p for p in manifest["policies"] if p["id"] == policy.id), None)
    if had is None:
        return
    if had["digest"] != policy.digest:
        raise RunError(f"{policy.id} is in the run with another text ({had['digest']}); a policy that says something else "
                       "needs another version")
    if not had.get("later"):
        raise RunError(f"{policy.id} decided when the run was made; its records stay as they are")
    if not again:
        raise RunError(f"{policy.id} has decided already; --again decides anew")
    gone = [p for p in manifest["parts"] if p["file"].endswith(_mark(policy))]
    manifest["parts"] = [p for p in manifest["parts"] if p not in gone]
    manifest["policies"].remove(had)
    manifest["counts"].pop(policy.id, None)
    folders.write_manifest(folder, manifest)
    for part in gone:
        (folder / part["file"]).unlink()


# ---- explain

def ids_of(folder: Path) -> tuple[str, ...]:
    """The policies that decided. Raises RunError."""
    return tuple(entry["id"] for entry in folders.read_manifest(folder)["policies"])


def nearest(folder: Path, url: str) -> str:
    """The address most like this one among the first that are recorded; "" where none is. Raises as `about` does."""
    seen = islice(recorded.rows(folder), COMPARED)
    close = get_close_matches(url[:URL_CHARS], dict.fromkeys(row.requested[:URL_CHARS] for row in seen), 1, NEAR)
    return close[0] if close else ""


def about(folder: Path, url: str, policies: Collection[str] = ()) -> list[tuple[Row, Assessment, Policy]]:
    """Every record about a page, or those by some policies, by the address asked for or that of the asset, with the policy as
    it was. Raises RunError, OSError, pyarrow.ArrowException."""
    known = policies_of(folder, folders.read_manifest(folder))
    out = []
    for row in recorded.rows(folder, url=url):
        if policies and row.record["policy"]["id"] not in policies:
            continue
        a = from_record(row.record)
        rules = known.get(a.policy, f"{a.policy} is not among the policies of the run")
        if isinstance(rules, str):
            raise RunError(rules)
        out.append((row, a, rules))
    return out


# ---- replay

def replay(folder: Path, done: Done = ignore) -> Iterator[Replayed]:
    """One outcome for each record, and one for each file that is not as the manifest says, or is broken. Raises RunError."""
    manifest = folders.read_manifest(folder)
    yield from _changed_files(folder, manifest)
    known, reader = policies_of(folder, manifest), Evidences(folder, manifest.get("filter", {}).get("columns", {}))
    try:
        for row in recorded.rows(folder, changed=True):
            yield replayed(row, known, reader)
            done(1)
    except (OSError, ArrowException) as error:
        yield Replayed(Outcome.RECORD_DIFFERS, "records", detail=f"cannot be read: {error}")


def summary(outcomes: Mapping[Outcome, int]) -> Outcome:
    """The worst of all: a difference outweighs what could not be read again."""
    for outcome in (Outcome.EVIDENCE_CHANGED, Outcome.RECORD_DIFFERS, Outcome.GONE, Outcome.NOT_KEPT):
        if outcomes.get(outcome):
            return outcome
    return Outcome.SAME


def tally(replayed: Iterator[Replayed], tell: Callable[[Replayed], None]) -> Counter[Outcome]:
    """Count the outcomes, telling each that is not `same`."""
    counts: Counter[Outcome] = Counter()
    for one in replayed:
        counts[one.outcome] += 1
        if one.outcome is not Outcome.SAME:
            tell(one)
    return counts


def _changed_files(folder: Path, manifest: Manifest) -> Iterator[Replayed]:
    for kind, outcome in (("files", Outcome.EVIDENCE_CHANGED), ("parts", Outcome.RECORD_DIFFERS)):
        for entry in manifest[kind]:
            try:
                now = warc.digest_of(folder / entry["file"])
            except OSError as error:
                yield Replayed(outcome, entry["file"], detail=f"cannot be read: {error.strerror}")
                continue
            if now["sha256"] != entry["sha256"]:
                yield Replayed(outcome, entry["file"], detail=f"SHA-256 was {entry['sha256']} and is {now['sha256']}")


def replayed(row: Row, known: Mapping[str, Policy | str], reader: Evidences) -> Replayed:
    """One record, from its evidence again."""
    id = row.record["policy"]["id"]
    if len(row.locations) != len(row.record["evidence"]):
        return Replayed(Outcome.RECORD_DIFFERS, row.requested, id, "not as many locations as pieces of evidence")
    evidence: list[Evidence] = []
    lost: list[str] = []
    for wanted, at in zip(map(evidence_from_record, row.record["evidence"]), row.locations, strict=True):
        if not wanted.has_bytes:
            evidence.append(wanted)
        elif at is None:
            lost.append(wanted.carrier.value)
        else:
            try:
                got = replace(wanted, body=reader.read(at, wanted), recorded="")
            except _Gone as error:
                return Replayed(Outcome.GONE, str(error), id, "it is not there; put it back where it was")
            except warc.UnreadableEvidence as error:
                return Replayed(Outcome.EVIDENCE_CHANGED, row.requested, id, f"{wanted.carrier.value}: {error}")
            if got.digest != wanted.digest:
                return Replayed(Outcome.EVIDENCE_CHANGED, row.requested, id,
                                f"{wanted.carrier.value}: digest was {wanted.digest} and is {got.digest}")
            evidence.append(got)
    if lost:
        return Replayed(Outcome.NOT_KEPT, row.requested, id, ", ".join(lost))
    policy = known.get(id, f"{id} is not among the policies of the run")
    if isinstance(policy, str):
        return Replayed(Outcome.NOT_KEPT, row.requested, id, policy)
    a = from_record(row.record)
    return _compared(row, id, to_record(assess(a.asset, evidence, policy, a.asker)))


def _compared(row: Row, id: str, now: JSON) -> Replayed:
    """The record that was against the record that is, in the bytes that are kept of both."""
    if dumps(now).encode("utf-8", "replace") == dumps(row.record).encode("utf-8", "replace"):
        return Replayed(Outcome.SAME, row.requested, id)
    differ = [key for key in now.keys() | row.record.keys() if now.get(key) != row.record.get(key)]
    return Replayed(Outcome.RECORD_DIFFERS, row.requested, id, "differs in " + ", ".join(sorted(differ)))


class _Gone(warc.UnreadableEvidence):
    """The archive of others is not there, which the message names."""


class Evidences:
    """Evidence by its location; what was read last is remembered."""

    def __init__(self, folder: Path, given: Mapping[str, str]):
        self.folder = folder
        self._others = reread.Reader(given)
        self._kept: OrderedDict[tuple[Location, str], bytes] = OrderedDict()
        self._held_bytes = 0

    def read(self, at: Location, e: Evidence) -> bytes:
        """Raises UnreadableEvidence."""
        key = (at, e.carrier.value)
        if key not in self._kept:
            body = self._kept[key] = self._read(at, e)
            self._held_bytes += len(body)
            while self._held_bytes > REREAD_BYTES and len(self._kept) > 1:
                self._held_bytes -= len(self._kept.popitem(last=False)[1])
        self._kept.move_to_end(key)
        return self._kept[key]

    def _read(self, at: Location, e: Evidence) -> bytes:
        """From a file of a run, or from an archive or a table of others. Raises UnreadableEvidence."""
        file = at.file if "://" in at.file else str(self.folder / at.file)
        archive = Path(file.partition("!")[0])
        if "://" not in file and not at.file.startswith("evidence/") and not archive.exists():
            raise _Gone(str(archive))
        if "://" not in file and "!" not in file and file != self._others.uri:
            with suppress(warc.UnreadableEvidence):
                body = warc.read(Path(file), at, e.carrier)
                if replace(e, body=body, recorded="").digest == e.digest:
                    return body
        return self._others.read(file, at, e.carrier)

