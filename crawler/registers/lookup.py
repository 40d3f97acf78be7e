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

from . import places
from .entries import GRANTS
from .index import Index, Tick, index_of, refused, unwatched
from .places import PlaceError
from .reading import RegisterError

ENTRIES = 200                        # OURS: about one asset; more is truncated
NAMED_CHARS = 200                    # of the names in the address of the evidence
BY_ADDRESS = ("url", "url-prefix")
CARRIERS = frozenset(carrier.value for carrier in Carrier)


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
        self._doubt = [f"{index.about['may_restrict']} rows of {name} could not be read"
                       for name, index in self._indexes if index.about["may_restrict"]]
        marks = (f"{name}@{index.digest[7:19]}" for name, index in self._indexes)
        self.uri = f"register:{'+'.join(marks)}"[:NAMED_CHARS]
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
            if name in CARRIERS or not name.isprintable():
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

    def of(self, asset: Asset, at: datetime | None, digest: str = "", iscc: str = "") -> Evidence:
        """What all registers say of an asset; `digest` is that of its whole body, "" where it is not known."""
        lines: list[str] = []
        for name, index in self._indexes:
            lines += [_line(name, entry) for entry in self._entries(index, asset, digest, iscc)]
        access, detail = Access.OBTAINED, ""
        if len(lines) > ENTRIES or self._doubt:
            access = Access.TRUNCATED
            detail = "; ".join(self._doubt) or f"{len(lines)} entries speak of it, and {ENTRIES} are read"
        return Evidence(Carrier.REGISTER, self.uri, at, access, "".join(lines[:ENTRIES]).encode(), detail=detail)

    def _entries(self, index: Index, asset: Asset, digest: str, iscc: str) -> list[dict[str, Any]]:
        found: dict[int, dict[str, Any]] = {}
        for entry in self._about(index, asset.url):
            found[int(entry["entry"])] = entry
        if asset.variant_of and asset.variant_of != asset.url:
            found |= {int(e["entry"]): e for e in self._about(index, asset.variant_of) if e["kind"] not in GRANTS}
        for word, value in (("sha256", digest), ("iscc", iscc)):
            if value and word in index.matches:
                found |= {int(e["entry"]): e for e in _equal(index, word, value, value)}
        if "party" in index.matches:
            for holder in {h for _, other in self._indexes for h in self._holders(other, index, found, asset)}:
                found |= {int(e["entry"]): e for e in _equal(index, "party", holder, holder)}
        return [found[n] for n in sorted(found)]

    def _holders(self, other: Index, index: Index, found: dict[int, dict[str, Any]], asset: Asset) -> Iterator[str]:
        """Whom entries about the asset itself name as its holder."""
        entries = found.values() if other is index else self._about(other, asset.url)
        for entry in entries:
            if entry.get("holder") and entry["kind"] != "infringing-source":
                try:
                    yield places.party(entry["holder"])
                except PlaceError:
                    continue

    def _about(self, index: Index, url: str) -> Sequence[dict[str, Any]]:
        """Entries about the address of an asset."""
        try:
            scheme, authority, path, query = places.address(url)
        except PlaceError:
            return ()
        of_domains, has_addresses = self._hosted(index, authority)
        if not has_addresses:
            return of_domains
        out = list(of_domains)
        if "url" in index.matches:
            keyed = f"{authority}{path}{query}"
            out += _equal(index, "url", keyed, f"{scheme}://{keyed}")
        if "url-prefix" in index.matches:
            for prefix in places.prefixes(path, index.deepest):
                keyed = f"{authority}{prefix}"
                out += _equal(index, "url-prefix", keyed, f"{scheme}://{keyed}")
        return out

    def _under(self, index: Index, authority: str) -> tuple[Sequence[dict[str, Any]], bool]:
        """Entries about the domains of a host, whatever its port; and whether any may be about its addresses."""
        name = authority if authority.startswith("[") else authority.partition(":")[0]
        of_domains = [entry for one in places.domains(name) for entry in _equal(index, "domain", one, one)
                      ] if "domain" in index.matches else []
        return of_domains, index.has_addresses(authority)


def _equal(index: Index, word: str, keyed: str, value: str) -> Sequence[dict[str, Any]]:
    """Entries that match by this word and value. Schemes may differ, unless the entry grants."""
    lines = index.lines(places.key(word, keyed))
    return [entry for entry in map(json.loads, lines) if entry["match"] == word and (entry["value"] == value or (
        word in BY_ADDRESS and entry["kind"] not in GRANTS and entry["value"].partition("://")[2] == keyed))] if lines else ()


def _line(name: str, entry: dict[str, Any]) -> str:
    return json.dumps({"register": name, **entry}, ensure_ascii=False, separators=(",", ":")) + "\n"
