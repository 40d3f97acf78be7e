"""What a site said when: the copies of its files by time, and all that may have stood at a given moment.

**Facts**
- RFC 9309, 2.4 (https://www.rfc-editor.org/rfc/rfc9309#section-2.4): a crawler may use a copy for 24 hours. So what binds
  it at a moment is any copy that stood in the day before.
- RFC 9309, 2.3: robots.txt is one an authority and scheme; www, the bare name, http and another port each have their own.
- OURS: a copy that somebody saw says what stood at that moment. Between two that differ the change is at a time that nobody
  knows: both may have stood. Before the first and after the last of those nothing is known. Only where a person or a
  version control system says since when a version was in force (`exact`), it stands from then until the next.
"""
from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from rules import Access, Carrier, Evidence

from ..status import access_of
from .request import SECOND

DAY = 24 * 3600 * SECOND
PORTS = {"http": "80", "https": "443"}


@dataclass(frozen=True, slots=True)
class Version:
    """What one file of a site was, from one time on."""
    evidence: Evidence               # bytes and status as served
    at: int                          # microseconds: in force from here (exact), or seen here first
    until: int                       # seen here last
    exact: bool
    source: str                      # where we know it from

    @property
    def same(self) -> tuple[object, ...]:
        """Equal for versions that say the same."""
        return self.evidence.access, self.evidence.body


@dataclass(slots=True)
class Timeline:
    """Versions of one file, in order."""
    versions: list[Version] = field(default_factory=list)
    _starts: list[int] = field(default_factory=list)

    def add(self, version: Version) -> None:
        self.versions.append(version)
        self.versions.sort(key=lambda v: (v.at, v.until))
        self._starts = [v.at for v in self.versions]

    def between(self, start: int, end: int) -> tuple[list[Version], bool]:
        """All that may have stood at some moment of a span, and whether nothing else may have."""
        first = max(bisect_right(self._starts, start) - 1, 0)
        last = bisect_right(self._starts, end) - 1
        found = self.versions[first:last + 1]
        known = last >= 0 and self._starts[0] <= start
        if not known and not found:
            return [], False
        after = self.versions[last + 1] if last + 1 < len(self.versions) else None
        if after is None:
            known = known and (found[-1].exact or end <= found[-1].until)
        elif not after.exact and end > found[-1].until and after.same != found[-1].same:
            found = [*found, after]
        return found, known


class History:
    """Timelines of the files of sites."""

    def __init__(self) -> None:
        self._lines: dict[tuple[str, str, Carrier], Timeline] = {}      # scheme, host, carrier

    def add(self, url: str, versions: Iterable[Version]) -> None:
        """Versions of a file of the site at a URL; "" stands for the one site that all is about."""
        scheme, host = authority_of(url) if url else ("", "")
        for version in versions:
            self._lines.setdefault((scheme, host, version.evidence.carrier), Timeline()).add(version)

    def sites(self) -> list[str]:
        """Authorities that are known, each once; "" for words that do not say whose they are."""
        return list(dict.fromkeys(host for _, host, _ in self._lines))

    def timelines(self, scheme: str, host: str, carrier: Carrier) -> list[Timeline]:
        """Those that may be meant. Without a scheme all of the authority are."""
        return [line for (s, h, c), line in self._lines.items()
                if c is carrier and h in ("", host) and (not scheme or s in ("", scheme))]

    def carriers(self) -> set[Carrier]:
        return {c for _, _, c in self._lines}

    def reserves(self) -> bool:
        """Whether any version may speak of uses, not of fetching alone."""
        return any(c is not Carrier.ROBOTS_TXT or any(word in v.evidence.body.lower() for word in (b"content", b"aitraining"))
                   for (_, _, c), line in self._lines.items() for v in line.versions)

    def versions(self) -> list[Version]:
        return [v for line in self._lines.values() for v in line.versions]


def authority_of(url: str) -> tuple[str, str]:
    """Scheme and host, with the port where it is not the usual one. Raises ValueError for what has none."""
    parts = urlsplit(url)
    if not parts.hostname:
        raise ValueError(f"'{url}' names no site; write it like https://art.example")
    return parts.scheme, host_of(parts.netloc.rpartition("@")[2], parts.scheme)


def host_of(host: str, scheme: str = "") -> str:
    """A host as logs and fields write it, in lower case and without the port that goes without saying."""
    low = host.strip().lower().rstrip(".")
    name, colon, port = low.rpartition(":")
    if not colon or not port.isdigit():
        return low
    usual = (PORTS[scheme],) if scheme in PORTS else tuple(PORTS.values())
    return name if port in usual else low


def words(carrier: Carrier, uri: str, status: int, body: bytes) -> Evidence:
    """A file of a site as it was served: by its status (RFC 9309, 2.3.1)."""
    access = access_of(status)
    return Evidence(carrier, uri, None, access, body if access in (Access.OBTAINED, Access.TRUNCATED) else b"", status)
