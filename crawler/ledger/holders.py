"""Who holds the rights in a work, by a list of the operator: by the work itself, by the beginning of its address, by domain.

**Facts**
- The narrowest entry counts: the work, then the longest address that the work's begins with, then the longest domain.
- A beginning ends where a part of a path ends: `https://a.example/news` holds for `/news` and `/news/1`, not for `/newsroom`.
- Where the list names nobody, registers are asked (crawler/registers): the first entry about the work, in the order of KINDS,
  that names a holder and holds at that time. A society is taken from the same entry, or from one of a repertoire.
- OURS: who is on no list is `unallocated`. A list may leave the holder out and name only class or society: then the work
  stays unallocated and has these.
"""
from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rules.model import Asset
from rules.record import time_from_text
from rules.strict_yaml import DataError

from ..archive.records import host as host_of
from ..registers.entries import moment

if TYPE_CHECKING:
    from ..registers.lookup import Registers

KEYS = ("work", "url", "domain")
COLUMNS = (*KEYS, "holder", "class", "society")
KINDS = ("licence", "repertoire", "licensed-market", "do-not-train")     # of entries of registers that say whose a work is


@dataclass(frozen=True, slots=True)
class Holder:
    holder: str = ""
    work_class: str = ""
    society: str = ""


NOBODY = Holder()


@dataclass(slots=True)
class Holders:
    works: dict[str, Holder] = field(default_factory=dict)
    urls: dict[str, dict[str, Holder]] = field(default_factory=dict)         # host -> beginning -> holder
    domains: dict[str, Holder] = field(default_factory=dict)
    registers: Registers | None = None
    by_host: Any = field(init=False)

    def __post_init__(self) -> None:
        self.by_host = lru_cache(1 << 16)(self._by_domain)

    def of(self, work: str, host: str, at: str = "", digest: str = "") -> Holder:
        """`at`: the time of the use; `digest`: of the content, as "sha256:..."; registers ask for both."""
        listed = self._listed(work, host)
        if listed.holder or self.registers is None or not host:
            return listed
        told = self._registered(self.registers, work, at, digest)
        return Holder(told.holder, listed.work_class, listed.society or told.society)

    def _registered(self, registers: Registers, url: str, at: str, digest: str) -> Holder:
        when = time_from_text(at)
        evidence = registers.of(Asset(url), when, digest if digest.startswith("sha256:") else "")
        entries: list[dict[str, str]] = [
            one for one in map(json.loads, evidence.body.splitlines()) if one["kind"] in KINDS and _holds(one, when)]
        entries.sort(key=lambda one: KINDS.index(one["kind"]))
        first: dict[str, str] = next((one for one in entries if one.get("holder")), {})
        society = first.get("society") or next((one["society"] for one in entries if one.get("society")), "")
        return Holder(first.get("holder", ""), "", society)

    def _listed(self, work: str, host: str) -> Holder:
        if work in self.works:
            return self.works[work]
        if host in self.urls:
            beginnings = self.urls[host]
            rest = work.partition("#")[0].partition("?")[0]
            while rest.count("/") >= 3:
                if rest in beginnings:
                    return beginnings[rest]
                rest = rest[:-1] if rest.endswith("/") else rest[:rest.rfind("/") + 1]
            if rest in beginnings:
                return beginnings[rest]
        found: Holder = self.by_host(host)
        return found

    def _by_domain(self, host: str) -> Holder:
        labels = host.split(".")
        names: Mapping[str, Holder] = self.domains
        return next((names[name] for n in range(len(labels)) if (name := ".".join(labels[n:])) in names), NOBODY)


def _holds(one: Mapping[str, str], at: datetime | None) -> bool:
    """Whether an entry is in its time; where none is known, one that is bound to a time is not."""
    since, until = moment(one.get("from", "")), moment(one.get("until", ""), ends=True)
    if at is None:
        return since is None and until is None
    return (since is None or since <= at) and (until is None or at <= until)


def read(path: Path) -> Holders:
    """A CSV list. Raises DataError with file:line, OSError, UnicodeDecodeError."""
    text, out = path.read_text("utf-8-sig"), Holders()
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    line, seen = 1, dict[tuple[str, str], tuple[int, Holder]]()
    try:
        names = [name.strip().lower() for name in next(rows, [])]
        if unknown := [n for n in names if n not in COLUMNS]:
            raise DataError(f"{path}:1: column '{unknown[0]}' is not known; known are {', '.join(COLUMNS)}")
        if not set(names) & set(KEYS) or len(set(names)) < len(names):
            raise DataError(f"{path}:1: one of {', '.join(KEYS)} is wanted, and each column once")
        line = rows.line_num + 1
        for cells in rows:
            if cells:
                if len(cells) != len(names):
                    raise DataError(f"{path}:{line}: {len(cells)} values stand where {len(names)} columns are")
                _put(out, dict(zip(names, map(str.strip, cells), strict=True)), f"{path}:{line}", line, seen)
            line = rows.line_num + 1
    except csv.Error as error:
        raise DataError(f"{path}:{line}: {error}") from error
    return out


def _put(out: Holders, row: dict[str, str], place: str, line: int, seen: dict[tuple[str, str], tuple[int, Holder]]) -> None:
    given = [(key, row[key]) for key in KEYS if row.get(key)]
    if len(given) != 1:
        raise DataError(f"{place}: exactly one of {', '.join(KEYS)} says what the row is about")
    (key, name), one = given[0], Holder(row.get("holder", ""), row.get("class", ""), row.get("society", ""))
    if one == NOBODY:
        raise DataError(f"{place}: neither holder nor class nor society is named")
    if key == "domain":
        name = name.lower().rstrip(".")
        if any(c in name for c in "/:@ *"):
            raise DataError(f"{place}: '{name}' is no domain; write it like example.org")
    if key == "url" and not host_of(name):
        raise DataError(f"{place}: '{name}' is no address; write it like https://example.org/news/")
    before = seen.setdefault((key, name), (line, one))
    if before[1] != one:
        raise DataError(f"{place}: '{name}' has another holder in line {before[0]}")
    if key == "work":
        out.works[name] = one
    elif key == "url":
        out.urls.setdefault(host_of(name), {})[name] = one
    else:
        out.domains[name] = one
