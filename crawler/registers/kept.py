"""What registers say of the pages of a run, kept as evidence of the run, so that a replay needs no register.

**Facts**
- Pages of which the same entries speak share one record; so a register of any size adds little to a run.
"""
from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from rules import Access, Asset, Carrier, Circumstance, Evidence, Fault, Finding, Statement
from rules.signals import SIGNALS

from ..archive import warc
from ..archive.records import Location
from . import places
from .index import Index
from .lookup import SOURCES, Registers, Source

FILES_OF_INPUT = 1_000               # evidence files of one input, at most


class Kept:
    """Registers for `Decider`: what they say of each page is written down where the run keeps evidence."""

    def __init__(self, registers: Registers, as_of: datetime | None = None):
        self.registers, self._as_of = registers, as_of
        self._writer: warc.Writer | None = None

    @classmethod
    def of_indexes(cls, indexes: Sequence[tuple[str, str, str]], as_of: datetime | None = None) -> Kept:
        """From name, file and folder of the index of each. Raises RegisterError."""
        made = [(Source(name, path), Index(Path(folder))) for name, path, folder in indexes]
        return cls(Registers(made), as_of)

    def begin(self, folder: Path, number: int) -> None:
        """What follows is kept in `folder`/evidence, in files that bear the number of an input."""
        self._writer = warc.Writer(folder / "evidence", number * FILES_OF_INPUT + 1, "all")

    def end(self) -> list[dict[str, Any]]:
        """The files that were made since: {file, bytes, sha256}."""
        if self._writer is None:
            return []
        self._writer.seal()
        made, self._writer = self._writer.sealed, None
        return list(made)

    def kept(self, asset: Asset, at: datetime | None, body: Evidence, digest: str) -> tuple[Evidence, Location | None]:
        """What they say of an asset, and where it is kept now. `digest` is that of the body. Raises OSError."""
        digest = digest if body.access is Access.OBTAINED else ""
        compared = digest and self.registers.by_iscc and not body.recorded
        entries = self.registers.of(asset, self._as_of or at, digest, places.instance_of(body.body) if compared else None)
        return entries, self._writer.write(asset, (entries,))[0] if self._writer else None

    def about(self, asset: Asset, evidence: Iterable[Evidence]) -> tuple[Evidence, Location | None]:
        """As `kept`, for an asset of which there is evidence."""
        evidence = tuple(evidence)
        body = next((e for e in evidence if e.carrier is Carrier.BODY), None)
        page = [e.at for e in evidence if e.carrier in warc.PAGE and e.at]
        at = max(page or (e.at for e in evidence if e.at and e.carrier is not Carrier.REGISTER), default=None)
        body = body or Evidence(Carrier.BODY, asset.url, None, Access.NOT_COLLECTED)
        return self.kept(asset, at, body, body.digest)


def without(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """The findings without those that registers made, which stand last (rules.assess.listed)."""
    n = len(findings)
    while n and _of_register(findings[n - 1]):
        n -= 1
    return tuple(findings[:n])


def _of_register(f: Finding) -> bool:
    match f:
        case Statement():
            return SIGNALS[f.signal].carrier is Carrier.REGISTER
        case Fault():
            return f.carrier is Carrier.REGISTER
        case Circumstance():         # of which the source is the name of the register
            return f.source not in SOURCES
