"""What registers say of one asset, as evidence.

**Facts**
- The body is JSON Lines, one object for each entry that speaks of the asset: of all registers in their order, each in the
  order of its file. Nothing found is an empty body: it was looked for. rules/signals/register.py reads it.
- `from` and `until` are judged for `at`; an entry out of its time is told all the same.
- The declaring party of an asset is whoever an entry about the asset itself names as its holder; entries that match by party
  are those of that name.
- OURS: entries that restrict an original restrict its copies (`variant_of`). One that grants is about the very asset.
- OURS: where rows of a register could not be read and may restrict, what it says is incomplete: `truncated`, never silence.
"""
from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from rules import Access, Asset, Carrier, Evidence
from rules.signals import SIGNALS

from ..terminal import counted
from . import places
from .entries import GRANTS, match_of
from .index import Index, Tick, index_of, refused, unwatched
from .places import PlaceError
from .reading import RegisterError

NOT_COMPARED = "entries by ISCC were not compared: the bytes are not at hand, or BLAKE3 is not installed (the extra iscc)"
ENTRIES = 200                        # OURS: about one asset; more is truncated
NAMED_CHARS = 200                    # of the names in the address of the evidence
GRANTING = tuple(f'{{"kind":"{kind}"'.encode() for kind in GRANTS)
ROW = b',"entry":"'
# What the readers call the sources of what they find; no register is called so.
SOURCES = frozenset((*(carrier.value for carrier in Carrier), *SIGNALS))


@dataclass(frozen=True, slots=True)
class Source:
    """A register as it is named on the command line or in a run: NAME=FILE, or a file whose name it bears."""
    name: str
    path: str

    @classmethod
    def told(cls, text: str) -> Source:
        name, sign, path = text.partition("=")
        if sign and name and "/" not in name and not Path(text).exists():
            return cls(name, path)
        return cls(Path(text).name.partition(".")[0], text)


class Registers:
    """Registers that are open."""

    def __init__(self, indexes: Iterable[tuple[Source, Index]]):
        indexes = tuple(indexes)
        self.sources = tuple(source for source, _ in indexes)
        self._indexes = [(source.name, index) for source, index in indexes]
        self._doubt = [f"{counted(index.about['may_restrict'], 'row')} of {name} could not be read"
                       for name, index in self._indexes if index.about["may_restrict"]]
        marks = (f"{name}@{index.digest[7:19]}" for name, index in self._indexes)
        self.uri = f"register:{'+'.join(marks)}"[:NAMED_CHARS]
        self._begin = [f'{{"register":{json.dumps(source.name, ensure_ascii=False)},'.encode() for source in self.sources]
        self._by_party = any("party" in index.matches for _, index in self._indexes)
        self._hosted = lru_cache(20_000)(self._under)

    @classmethod
    def open(cls, sources: Iterable[Source], lenient: bool = False, tick: Tick = unwatched) -> Registers:
        """Compile what is not compiled. `lenient`: use what can be read of a register that holds bad rows.

        Raises RegisterError, OSError.
        """
        sources = tuple(sources)
        names = [source.name for source in sources]
        for name in names:
            if names.count(name) > 1:
                raise RegisterError(f"two registers are called '{name}'; give one another name: NAME=FILE")
            if name in SOURCES or not name.isprintable():
                raise RegisterError(f"'{name}' is no name for a register; give it another: NAME=FILE")
        made = []
        for source in sources:
            index = index_of(Path(source.path), tick)
            if not lenient and (why := refused(Path(source.path), index)):
                raise RegisterError(f"{why}\nMend them, or use what can be read with --bad-rows name.")
            made.append((source, index))
        return cls(made)

    def facts(self) -> list[dict[str, Any]]:
        """Which registers these are, for a manifest."""
        return [{"name": source.name, "file": source.path, "sha256": index.digest.removeprefix("sha256:"),
                 "rows": index.about["rows"], "entries": index.about["entries"], "problems": index.about["problems"]}
                for source, (_, index) in zip(self.sources, self._indexes, strict=True)]

    def indexes(self) -> tuple[tuple[str, str, str], ...]:
        """Name, file and folder of the index of each, for another process (Kept.of_indexes)."""
        return tuple((source.name, source.path, str(index.folder))
                     for source, (_, index) in zip(self.sources, self._indexes, strict=True))

    @property
    def by_iscc(self) -> bool:
        """Whether any entry is about an ISCC."""
        return any("iscc" in index.matches for _, index in self._indexes)

    def of(self, asset: Asset, at: datetime | None, digest: str = "", instance: str | None = None) -> Evidence:
        """What all registers say of an asset. `digest` is that of its whole body, "" where that is not known; `instance` the
        beginning of its Instance-Code (places.instance_of), None where nobody computed it."""
        direct = [self._direct(index, asset, digest, instance or "") for _, index in self._indexes]
        if self._by_party and any(direct):
            holders = {holder for entries in direct for line in entries for holder in _holder(line)}
            direct = [[*entries, *(line for holder in sorted(holders) for line in _equal(index, "party", holder, (holder,)))]
                      for entries, (_, index) in zip(direct, self._indexes, strict=True)]
        lines = [named + line[1:] for named, entries in zip(self._begin, direct, strict=True) for line in _in_order(entries)]
        doubt = [*self._doubt, NOT_COMPARED] if digest and instance is None and self.by_iscc else self._doubt
        if len(lines) > ENTRIES:
            doubt = [*doubt, f"{len(lines)} entries speak of it, and {ENTRIES} are read"]
        access = Access.TRUNCATED if doubt else Access.OBTAINED
        return Evidence(Carrier.REGISTER, self.uri, at, access, b"".join(lines[:ENTRIES]), detail="; ".join(doubt))

    def _direct(self, index: Index, asset: Asset, digest: str, instance: str) -> list[bytes]:
        """Entries of one register that are about the address or the bytes of an asset."""
        found = self._about(index, asset.url)
        if asset.variant_of and asset.variant_of != asset.url:
            found = [*found, *(line for line in self._about(index, asset.variant_of) if not line.startswith(GRANTING))]
        if digest and "sha256" in index.matches:
            found = [*found, *_equal(index, "sha256", digest, (digest,))]
        if instance and "iscc" in index.matches:
            found = [*found, *(line for line in index.lines(places.key("iscc", instance)) if _is_of(line, instance))]
        return found

    def _about(self, index: Index, url: str) -> list[bytes]:
        """Entries about an address."""
        try:
            scheme, authority, path, query = places.address(url)
        except PlaceError:
            return []
        found, has_addresses = self._hosted(index, authority)
        if has_addresses:
            keyed = [("url", f"{authority}{path}{query}")] if "url" in index.matches else []
            if "url-prefix" in index.matches:
                keyed += [("url-prefix", f"{authority}{prefix}") for prefix in places.prefixes(path, index.deepest)]
            schemes = (scheme, *(other for other in places.PORTS if other != scheme))
            found = [*found, *(line for word, where in keyed
                               for line in _equal(index, word, where, [f"{one}://{where}" for one in schemes]))]
        return found

    def _under(self, index: Index, authority: str) -> tuple[list[bytes], bool]:
        """Entries about the domains of a host, whatever its port; and whether any may be about its addresses."""
        name = authority if authority.startswith("[") else authority.partition(":")[0]
        found = [line for one in places.domains(name) for line in _equal(index, "domain", one, (one,))
                 ] if "domain" in index.matches else []
        return found, index.has_addresses(authority)


def _equal(index: Index, word: str, keyed: str, values: Sequence[str]) -> Sequence[bytes]:
    """Entries that match by this word and the first of the values; one that does not grant, by any of them."""
    lines = index.lines(places.key(word, keyed))
    if not lines:
        return ()
    wanted = tuple(match_of(word, value) for value in values)
    out = []
    for line in lines:
        said = line[line.index(b',"match":'):]           # no kind holds a comma
        if said.startswith(wanted[0]) or (said.startswith(wanted) and not line.startswith(GRANTING)):
            out.append(line)
            if len(out) > ENTRIES:                       # what follows would be cut off anyway, and that is told
                break
    return out


def _is_of(line: bytes, instance: str) -> bool:
    entry = json.loads(line)
    return bool(entry["match"] == "iscc" and places.instance(entry["value"]) == instance)


def _in_order(lines: Sequence[bytes]) -> Sequence[bytes]:
    """Each entry once, in the order of the file."""
    if len(lines) < 2:
        return [line + b"\n" for line in lines]
    numbered = {int(line[line.rindex(ROW) + len(ROW):-2]): line + b"\n" for line in lines}
    return [numbered[n] for n in sorted(numbered)]


def _holder(line: bytes) -> Iterator[str]:
    """Whom an entry about the asset itself names as its holder."""
    if b'"holder":' in line and not line.startswith(b'{"kind":"infringing-source"'):
        try:
            yield places.party(json.loads(line).get("holder", ""))
        except PlaceError:
            return
