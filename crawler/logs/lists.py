"""Whether an address is one that the operator of a crawler publishes: dated copies of the published lists.

**Facts**
- PRACTICE: operators publish `{"creationTime": ..., "prefixes": [{"ipv4Prefix": ...}, {"ipv6Prefix": ...}]}` (Google's
  form, taken up by OpenAI, Microsoft, Apple, Perplexity, Common Crawl); others have shapes of their own. So every text in a
  list that is a network counts, wherever it stands.
- Lists change by the week: a request is held against the list of its day. OURS: a copy stands for the days between it and
  the next one where both agree, and for limits of LIST_DAYS around it.
- An address of a CDN is that of its edge, not of the client. One that ends in `.0` (IPv4), or in 80 zero bits (IPv6), may
  have been cut short by whoever keeps the log: then only its whole network can be compared.
- Copies that come with maymine: lists/shipped.json. `maymine lists update` adds later ones.
"""
from __future__ import annotations

import ipaddress
import json
import os
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from importlib.resources import files
from pathlib import Path
from typing import Any

from rules.agents import Agent, agents
from rules.record import time_from_text

from .history import DAY
from .request import instant

LIST_DAYS = 7                        # OURS: so long a copy of a list is taken for that of the day
LIST_BYTES = 4 << 20
LIST_NETWORKS = 100_000
EDGES = {"https://www.cloudflare.com/ips-v4": "Cloudflare", "https://www.cloudflare.com/ips-v6": "Cloudflare",
         "https://api.fastly.com/public-ip-list": "Fastly",
         "https://d7uri8nf7uskq.cloudfront.net/tools/list-cloudfront-ips": "CloudFront"}
FOLDER = "MAYMINE_LISTS"

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class ListError(ValueError):
    """A list cannot be read. Says which and why."""


class Standing(Enum):
    """What the lists say of an address under a name."""
    CONFIRMED = "confirmed"          # in a list of this crawler, of that day
    CONFIRMED_BY_NAME = "confirmed-by-name"      # reverse and forward look-up agree with what the operator publishes
    DATED = "dated"                  # in a list of this crawler, of another day
    OPERATOR = "operator"            # in a list of the same operator, for another of its crawlers
    NETWORK = "network"              # cut short; the whole network is in a list of this crawler
    UNLISTED = "unlisted"            # nothing to compare it with
    CONTRADICTED = "contradicted"    # in none of the operator's lists of that day
    EDGE = "edge"                    # the address of a CDN, not of the client
    UNKNOWN = "unknown"              # the log has no address


@dataclass(frozen=True, slots=True)
class Checked:
    standing: Standing
    url: str = ""                    # of the list
    at: str = ""                     # its time
    prefix: str = ""                 # the network in it
    detail: str = ""


@dataclass(frozen=True)
class Copy:
    """A list as it was at one time."""
    url: str
    at: datetime
    prefixes: tuple[str, ...]
    via: str = ""

    @property
    def stamp(self) -> str:
        return self.at.strftime("%Y-%m-%dT%H:%M:%SZ")


class Ranges:
    """Networks of both versions, to be asked for the one that holds an address, or a whole network."""

    def __init__(self, prefixes: Iterable[str]):
        nets = [ipaddress.ip_network(p) for p in prefixes]
        self._by_version: dict[int, list[tuple[int, int, str]]] = {4: [], 6: []}
        for version, kept in self._by_version.items():
            merged = ipaddress.collapse_addresses(n for n in nets if n.version == version)  # type: ignore[type-var]  # all of one version
            kept += [(int(n.network_address), int(n.broadcast_address), str(n)) for n in merged]
            kept.sort()
        self._starts = {v: [s for s, _, _ in kept] for v, kept in self._by_version.items()}

    def holding(self, network: Network) -> str:
        """The network of ours in which all of this one lies; "" if there is none."""
        n = bisect_right(self._starts[network.version], int(network.network_address)) - 1
        if n >= 0:
            _, end, text = self._by_version[network.version][n]
            if int(network.broadcast_address) <= end:
                return text
        return ""

    def touching(self, network: Network) -> bool:
        """Whether the two share an address."""
        return any(s <= int(network.broadcast_address) and e >= int(network.network_address)
                   for s, e, _ in self._by_version[network.version])


def networks(value: Any, deep: int = 0) -> Iterator[str]:
    """Every text in a JSON value that is a network or an address, in order. Of AWS's own list only what CloudFront has."""
    if isinstance(value, str):
        try:
            yield str(ipaddress.ip_network(value.strip(), strict=False))
        except ValueError:
            return
    elif isinstance(value, dict) and deep < 8:
        if value.get("service") not in (None, "CLOUDFRONT", "CLOUDFRONT_ORIGIN_FACING"):
            return
        for inner in value.values():
            yield from networks(inner, deep + 1)
    elif isinstance(value, list) and deep < 8:
        for inner in value:
            yield from networks(inner, deep + 1)


def parse(url: str, body: bytes, at: datetime, via: str = "") -> Copy:
    """A list as published, JSON or text. Raises ListError where no network stands in it."""
    if len(body) > LIST_BYTES:
        raise ListError(f"{url}: more than {LIST_BYTES >> 20} MiB are no list")
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        value = [word for line in body.decode("utf-8", "replace").splitlines()
                 for word in line.partition("#")[0].replace(",", " ").split()]
    found = tuple(dict.fromkeys(networks(value)))
    if not found:
        raise ListError(f"{url}: no network or address stands in it")
    if len(found) > LIST_NETWORKS:
        raise ListError(f"{url}: more than {LIST_NETWORKS:,} networks")
    return Copy(url, at, found, via)


def folder() -> Path:
    """Where later copies are kept: MAYMINE_LISTS, or maymine/lists under the user's data."""
    if told := os.environ.get(FOLDER):
        return Path(told)
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "maymine" / "lists"


def shipped() -> list[Copy]:
    """The copies that come with maymine."""
    return read(files(__package__).joinpath("lists", "shipped.json").read_bytes(), "shipped.json")


def kept(place: Path | None = None) -> list[Copy]:
    """Copies in the folder. Raises ListError."""
    out: list[Copy] = []
    place = place or folder()
    for path in sorted(place.glob("*.json")) if place.is_dir() else ():
        try:
            out += read(path.read_bytes(), str(path))
        except OSError as error:
            raise ListError(f"{path}: {error.strerror or error}") from error
    return out


def read(body: bytes, name: str) -> list[Copy]:
    """Copies as `write` wrote them. Raises ListError."""
    try:
        value = json.loads(body)
        return [Copy(one["url"], _time(one["at"]), tuple(str(ipaddress.ip_network(p)) for p in one["prefixes"]),
                     one.get("via", "")) for one in value["lists"]]
    except (ValueError, KeyError, TypeError) as error:
        raise ListError(f"{name}: no copy of address lists ({error}); remove it, or ask for the lists again") from error


def _time(text: str) -> datetime:
    at = time_from_text(text)
    if at is None:
        raise ValueError("a list has no time")
    return at


def write(copies: Sequence[Copy], place: Path | None = None) -> Path:
    """Keep copies under their time. Raises OSError."""
    place = place or folder()
    place.mkdir(parents=True, exist_ok=True)
    path = place / f"{max(c.at for c in copies):%Y%m%dT%H%M%SZ}.json"
    new = path.with_suffix(".new")
    body = {"schema": 1, "lists": [{"url": c.url, "at": c.stamp, "via": c.via, "prefixes": list(c.prefixes)} for c in copies]}
    new.write_text(json.dumps(body, indent=1) + "\n", "utf-8")
    new.replace(path)
    return path


def wanted() -> list[str]:
    """Addresses of all lists that anybody publishes, as far as agents.yaml and EDGES know."""
    return list(dict.fromkeys([url for agent in agents().values() for url in agent.ip_ranges] + list(EDGES)))


class Lists:
    """All copies, to be asked about an address, a crawler and a time."""

    def __init__(self, copies: Iterable[Copy]):
        self.by_url: dict[str, list[tuple[int, Copy, Ranges]]] = {}
        for copy in sorted(copies, key=lambda c: c.at):
            self.by_url.setdefault(copy.url, []).append((instant(copy.at), copy, Ranges(copy.prefixes)))
        self._operators: dict[str, dict[str, None]] = {}
        for agent in agents().values():
            self._operators.setdefault(agent.operator, {}).update(dict.fromkeys(agent.ip_ranges))

    def check(self, address: str, agent: Agent, at: int) -> Checked:
        """What the lists say of an address that came under the name of a crawler at a time (microseconds)."""
        try:
            ip = ipaddress.ip_address(address.partition("%")[0])
        except ValueError:
            return Checked(Standing.UNKNOWN, detail=address[:80])
        if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped:
            ip = ip.ipv4_mapped
        cut = network_of(ip)
        own = self._held(agent.ip_ranges, cut, at)
        if own and own[1] == 0:
            return Checked(Standing.NETWORK if cut.num_addresses > 1 else Standing.CONFIRMED, *own[0])
        if own:
            return Checked(Standing.NETWORK if cut.num_addresses > 1 else Standing.DATED, *own[0], detail=_days(own[1]))
        others = [url for url in self._operators.get(agent.operator, ()) if url not in agent.ip_ranges]
        if other := self._held(others, cut, at):
            return Checked(Standing.OPERATOR, *other[0])
        if edge := self._held(EDGES, cut, at):
            return Checked(Standing.EDGE, *edge[0], detail=EDGES[edge[0][0]])
        return self._not_found(agent, cut, at)

    def _held(self, urls: Iterable[str], network: Network, at: int) -> tuple[tuple[str, str, str], int] | None:
        """List, time and network, and how far the copy is from the time: 0 for one that stands for it."""
        best: tuple[tuple[str, str, str], int] | None = None
        for url in urls:
            copies = [(t, copy, ranges.holding(network)) for t, copy, ranges in self.by_url.get(url, ())]
            for n, (t, copy, text) in enumerate(copies):
                if not text:
                    continue
                away = max(abs(at - t) - LIST_DAYS * DAY, 0)
                if n + 1 < len(copies) and copies[n + 1][2] and t <= at <= copies[n + 1][0]:
                    away = 0                             # it stood there before and after
                if best is None or away < best[1]:
                    best = (url, copy.stamp, text), away
        return best

    def _not_found(self, agent: Agent, network: Network, at: int) -> Checked:
        """In no copy. It is contradicted only where the lists of that day are here, and no part of a cut address is in one."""
        copies = [(abs(at - t), copy, ranges) for url in agent.ip_ranges for t, copy, ranges in self.by_url.get(url, ())]
        if not agent.ip_ranges:
            return Checked(Standing.UNLISTED, detail="nothing-published")
        if not copies:
            return Checked(Standing.UNLISTED, detail="no-copy")
        away, copy, _ = min(copies, key=lambda c: c[0])
        if any(ranges.touching(network) for _, _, ranges in copies):
            return Checked(Standing.UNLISTED, copy.url, copy.stamp, detail="cut-short-apart")
        if away > LIST_DAYS * DAY:
            return Checked(Standing.UNLISTED, copy.url, copy.stamp, detail="list-of-another-day")
        return Checked(Standing.CONTRADICTED, copy.url, copy.stamp)


def network_of(ip: ipaddress.IPv4Address | ipaddress.IPv6Address) -> Network:
    """The address alone, or the network that is left of one which was cut short."""
    if ip.version == 4:
        return ipaddress.ip_network((int(ip), 24 if int(ip) & 0xFF == 0 else 32))
    return ipaddress.ip_network((int(ip), 48 if int(ip) & ((1 << 80) - 1) == 0 else 128))


def _days(away: int) -> str:
    return f"{away / DAY + LIST_DAYS:.0f}"


def stamp_now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)
