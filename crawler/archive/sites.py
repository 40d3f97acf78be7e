"""What sites said at the time of a capture: robots.txt and the like out of archives, and which copy was in force when.

**Facts**
- RFC 9309, 2.4 (https://www.rfc-editor.org/rfc/rfc9309): a copy is not used for longer than 24 hours. So the latest copy that
  is not after the capture stands for it when it is no older than that.
- 2.3.1.2: redirects are followed, five at least, also to other authorities; the rules are those of the first.
- OURS: otherwise the copy nearest in time is read and counts as stale, with its distance; one that was not there (404) is an
  empty one. A failure of another day says nothing: not collected. Where the time of the capture is not known, all are stale.
- OURS: robots.txt is always told of. Of the other files only those are told of which were looked for at this site; what a
  policy requires and nobody looked at, it says itself (rules.assess.missing).
"""
from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from rules import Access, Carrier, Evidence, limits
from rules.references import SITE_FILES

from ..status import REDIRECTS
from .copies import FILE_BYTES, NO_TIME, PLACES, Copy, copy_of, origin, place
from .deciding import Placed
from .records import Location
from .site_files import SITES, Mapped, files_in, of_rows, read, write, write_mapped

FRESH = timedelta(seconds=limits.SITE_CACHE_S)
HELD_BYTES = 256 << 20               # of files whose evidence is remembered
NO_COPY = "no copy was collected"
TOO_FAR = f"more than {limits.REDIRECTS} redirects"

__all__ = ["FRESH", "NO_TIME", "PLACES", "SITES", "Copies", "Copy", "Mapped", "copy_of", "files_in", "of_rows", "origin",
           "place", "read", "write", "write_mapped"]


class Store(Protocol):
    """Copies by address."""

    def get(self, uri: str) -> list[Copy]:
        """In order of time; none: []. The same address gives the very same copies."""

    def holds(self, origin: str) -> bool:
        """Whether there is any copy of this site."""


class InMemory:
    """Copies that are held here."""

    def __init__(self, copies: Iterable[Copy]):
        self._by_uri: dict[str, list[Copy]] = {}
        bodies: dict[bytes, bytes] = {}              # many sites serve the same file
        for copy in copies:
            if copy.body:
                copy = replace(copy, body=bodies.setdefault(copy.body, copy.body))
            self._by_uri.setdefault(copy.uri, []).append(copy)
        for found in self._by_uri.values():
            found.sort(key=lambda c: c.at)
        self._origins = {uri[:uri.index("/", 8)] for uri in self._by_uri}

    def get(self, uri: str) -> list[Copy]:
        return self._by_uri.get(uri, [])

    def holds(self, origin: str) -> bool:
        return origin in self._origins


class Copies:
    """Copies by the address they were asked for at, in order of time. Decides which one stood when.

    `as_of` is a time that all captures are judged at, instead of their own.
    """

    def __init__(self, copies: Iterable[Copy] | Mapped, as_of: datetime | None = None):
        self._store: Store = copies if isinstance(copies, Mapped) else InMemory(copies)
        self._as_of = as_of
        self._judged = "the time asked about" if as_of else "the page"
        self._until: dict[str, tuple[datetime, datetime, Placed]] = {}     # the latest answer, and while it holds
        self._held = 0                               # bytes of what is made
        self._made: OrderedDict[tuple[Any, ...], Placed] = OrderedDict()

    def of(self, url: str, at: datetime | None) -> Placed:
        """Evidence for the site of this URL at that time. The same copies in force give the very same objects."""
        at = self._as_of or at
        root = url[:end] if (end := url.find("/", 8)) > 0 else url
        until = self._until.get(root)
        if until is not None and at is not None and until[0] <= at <= until[1]:
            return until[2]
        base = origin(root)
        if not base:
            return (), ()
        made = self._made_for(base, at)
        if at is not None and len(self._until) < limits.SITES_CACHED:
            self._until[root] = *self._stands(base, at), made
        return made

    def _stands(self, base: str, at: datetime) -> tuple[datetime, datetime]:
        """From when till when the same copies are in force, as seen from `at`; no longer than that if there are redirects."""
        since, until = NO_TIME, datetime.max.replace(tzinfo=UTC)
        for carrier in FILE_BYTES:
            for path in SITE_FILES[carrier]:
                copies = self._store.get(base + path)
                n = bisect_right(copies, at, key=lambda c: c.at)
                if copies and (n == 0 or copies[n - 1].status in REDIRECTS or not _in_force(copies[n - 1], at)):
                    return at, at
                if n:
                    since, until = max(since, copies[n - 1].at), min(until, copies[n - 1].at + FRESH)
                if n < len(copies):
                    until = min(until, copies[n].at - timedelta.resolution)
        return since, until

    def _made_for(self, base: str, at: datetime | None) -> Placed:
        found = [self._of(carrier, base, at) for carrier in FILE_BYTES] if self._store.holds(base) else []
        key = (base, at if any(far for _, _, far in found) else None, *found)
        if key not in self._made:
            made = [one for (copy, chain, far), carrier in zip(found, FILE_BYTES, strict=False)
                    if (one := _evidence(carrier, base, copy, chain, far, at, self._judged)) is not None]
            if not found:
                made = [_none(Carrier.ROBOTS_TXT, base)]
            self._made[key] = tuple(e for e, _ in made), tuple(where for _, where in made)
            self._held += sum(len(e.body) for e, _ in made)
            while len(self._made) > 1 and (len(self._made) > limits.SITES_CACHED or self._held > HELD_BYTES):
                self._held -= sum(len(e.body) for e in self._made.popitem(last=False)[1][0])
                self._until.clear()                  # it holds on to what is forgotten
        return self._made[key]

    def _of(self, carrier: Carrier, base: str, at: datetime | None) -> tuple[Copy | None, tuple[str, ...], bool]:
        """What stood at the first of its places that had one, else the worst answer; the way to it; whether of another day."""
        answers = [self._followed(base + path, at) for path in SITE_FILES[carrier] if self._store.get(base + path)]
        return next((a for a in answers if a[0] and a[0].access in (Access.OBTAINED, Access.TRUNCATED)),
                    next((a for a in answers if a[0] is None or a[0].access is not Access.UNAVAILABLE),
                         answers[-1] if answers else (None, (), False)))

    def _followed(self, uri: str, at: datetime | None) -> tuple[Copy | None, tuple[str, ...], bool]:
        hops, far = [uri], False
        while True:
            copy = self._nearest(hops[-1], at)
            if copy is None:
                return None, tuple(hops), far
            far = far or not _in_force(copy, at)
            if copy.status not in REDIRECTS:
                return copy, tuple(hops), far
            if not copy.leads_to:
                return replace(copy, detail="leads nowhere"), tuple(hops), far
            uri = place(copy.leads_to) or copy.leads_to
            if uri in hops:
                return replace(copy, access=Access.UNAVAILABLE, detail="leads in a circle"), tuple(hops), far
            if len(hops) > limits.REDIRECTS:
                return replace(copy, access=Access.UNAVAILABLE, detail=TOO_FAR), tuple(hops), far
            hops.append(uri)

    def _nearest(self, uri: str, at: datetime | None) -> Copy | None:
        """The latest copy not after `at` where it is in force, else the nearest; without a time, the latest."""
        copies = self._store.get(uri)
        if not copies:
            return None
        if at is None:
            return copies[-1]
        n = bisect_right(copies, at, key=lambda c: c.at)
        before, after = (copies[n - 1] if n else None), (copies[n] if n < len(copies) else None)
        if before is None or after is None or _in_force(before, at):
            return before or after
        return before if at - before.at <= after.at - at else after


def _in_force(copy: Copy, at: datetime | None) -> bool:
    return at is not None and copy.at != NO_TIME and copy.at <= at <= copy.at + FRESH


def _none(carrier: Carrier, base: str, detail: str = NO_COPY) -> tuple[Evidence, None]:
    return Evidence(carrier, base + SITE_FILES[carrier][0], None, Access.NOT_COLLECTED, detail=detail), None


def _evidence(carrier: Carrier, base: str, copy: Copy | None, hops: tuple[str, ...], far: bool,
              at: datetime | None, judged: str) -> tuple[Evidence, Location | None] | None:
    """None: nobody looked for it, and it is not robots.txt. `judged`: what has the time that counts."""
    if copy is None:
        if not hops:
            return _none(carrier, base) if carrier is Carrier.ROBOTS_TXT else None
        return _none(carrier, base, f"no copy was collected of {hops[-1]}, where it led to"[:limits.DETAIL_CHARS])
    when = None if copy.at == NO_TIME else copy.at
    uri, final_uri = hops[0], hops[-1] if len(hops) > 1 else ""
    if not far:
        return Evidence(carrier, uri, when, copy.access, copy.body, copy.status, final_uri, copy.detail), copy.record
    told = ", ".join(filter(None, (_distance(when, at, judged), copy.detail)))[:limits.DETAIL_CHARS]
    if copy.access in (Access.OBTAINED, Access.TRUNCATED, Access.UNAVAILABLE):
        where = copy.record if copy.access is not Access.UNAVAILABLE else None
        return Evidence(carrier, uri, when, Access.STALE, copy.body, copy.status, final_uri, told), where
    return Evidence(carrier, uri, when, Access.NOT_COLLECTED, b"", copy.status, final_uri, told), None


def _distance(when: datetime | None, at: datetime | None, judged: str) -> str:
    """How far a copy is from the time that it is wanted for: "3.2 days before the page"."""
    if when is None or at is None:
        return "the time of the copy is not known" if when is None else "the time of the page is not known"
    hours = (at - when).total_seconds() / 3600
    amount = f"{abs(hours) / 24:.1f} days" if abs(hours) >= 48 else f"{abs(hours):.1f} hours"
    return f"{amount} {'before' if hours >= 0 else 'after'} {judged}"
