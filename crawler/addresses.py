"""Public addresses only: what a name resolves to is checked, and what was checked is what gets connected.

**Facts**
- Special-purpose addresses are not of the public internet: IANA IPv4 and IPv6 Special-Purpose Address Registries,
  RFC 6890 (https://www.rfc-editor.org/rfc/rfc6890). 169.254.169.254, where clouds keep secrets, is link-local.
- An IPv6 address may carry an IPv4 address: mapped ::ffff:0:0/96 (RFC 4291, 2.5.5.2), NAT64 64:ff9b::/96 (RFC 6052, 2.1),
  6to4 2002::/16 (RFC 3056, 2). The inner address is checked too; Teredo (RFC 4380) and the local NAT64 prefix (RFC 8215)
  are refused whole.
- INVARIANT: the check sits in the reactor's name resolver, through which Twisted's HostnameEndpoint passes every host, also
  literal addresses in any spelling. No second look-up follows, so a name cannot change its address in between.
"""
from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from twisted.internet.interfaces import IAddress, IHostnameResolver, IHostResolution, IResolutionReceiver
from zope.interface import implementer  # type: ignore[import-untyped]  # it ships no types

IP = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

LOOPBACK = ("127.0.0.0/8", "::1/128")
PRIVATE = (*LOOPBACK, "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")       # those of --allow-private
REFUSALS = 1_000                     # names whose refusal is remembered, for the record

# What ipaddress calls global in some version of Python and a crawler has no business with.
NOT_FOR_CRAWLERS: tuple[Network, ...] = tuple(map(ipaddress.ip_network, (
    "0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.88.99.0/24", "198.18.0.0/15", "240.0.0.0/4",
    "::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "3fff::/20", "5f00::/16", "fec0::/10")))
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


FORM = 'write it like ["127.0.0.0/8", "intranet.example"]'


@dataclass(frozen=True, eq=False)
class Allowed:
    """What one crawl may reach besides public addresses. Compared by identity: each crawl holds its own."""
    networks: tuple[Network, ...] = ()
    hosts: frozenset[str] = frozenset()

    @classmethod
    def of(cls, entries: object) -> Allowed:
        """From MAYMINE_ALLOW_PRIVATE: networks (127.0.0.0/8), addresses (::1) and host names, as a list or with commas between.

        Raises ValueError for anything else.
        """
        listed = (entries.split(",") if entries.strip() else []) if isinstance(entries, str) else entries
        if not isinstance(listed, (list, tuple, set, frozenset)) or not all(
                isinstance(e, str) and e.strip().lower() not in ("true", "false") for e in listed):
            raise ValueError(f"MAYMINE_ALLOW_PRIVATE: '{entries}' is no list of networks and host names; {FORM}")
        networks: list[Network] = []
        hosts: list[str] = []
        for entry in map(str.strip, listed):
            try:
                networks.append(ipaddress.ip_network(entry))
            except ValueError:
                if "/" in entry or not entry:
                    raise ValueError(f"MAYMINE_ALLOW_PRIVATE: '{entry}' is neither a network nor a host name") from None
                hosts.append(entry.lower().rstrip("."))
        return cls(tuple(networks), frozenset(hosts))

    def allows(self, host: str, address: IP) -> bool:
        return host.lower().rstrip(".") in self.hosts or any(address in network for network in self.networks)


def is_public(address: IP) -> bool:
    """Whether an address, and the one inside it, belongs to the public internet."""
    if any(address in network for network in NOT_FOR_CRAWLERS) or address.is_multicast:
        return False
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.sixtofour or (ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF) if address in NAT64 else None)
        if inner is not None:        # versions of Python differ on whether the address around it is global
            return is_public(inner)
    return address.is_global


def is_open(host: str, text: str, crawls: Sequence[Allowed]) -> bool:
    """Whether this address of this host may be connected. With several crawls in one process all must allow it."""
    try:
        address: IP = ipaddress.ip_address(text)
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return is_public(address) or (bool(crawls) and all(crawl.allows(host, address) for crawl in crawls))


@implementer(IResolutionReceiver)
class _Sieve:
    """Passes on the addresses that may be connected."""

    def __init__(self, receiver: Any, host: str, resolver: PublicResolver):
        self.receiver, self.host, self.resolver = receiver, host, resolver
        self.resolutionBegan = receiver.resolutionBegan
        self.resolutionComplete = receiver.resolutionComplete

    def addressResolved(self, address: IAddress) -> None:
        text = str(getattr(address, "host", ""))
        if is_open(self.host, text, self.resolver.crawls):
            self.receiver.addressResolved(address)
        else:
            self.resolver.remember(self.host, text)


@implementer(IHostnameResolver)
class PublicResolver:
    """A name resolver that does not know private addresses."""

    def __init__(self, inner: Any):
        self.inner = inner
        self.crawls: list[Allowed] = []
        self.refused: dict[str, str] = {}

    def resolveHostName(self, resolutionReceiver: Any, hostName: str, portNumber: int = 0, addressTypes: Any = None,
                        transportSemantics: str = "TCP") -> IHostResolution:
        found: IHostResolution = self.inner.resolveHostName(
            _Sieve(resolutionReceiver, hostName, self), hostName, portNumber, addressTypes, transportSemantics)
        return found

    def remember(self, host: str, address: str) -> None:
        while len(self.refused) >= REFUSALS:
            del self.refused[next(iter(self.refused))]
        self.refused[host] = address


class Guard:
    """One crawl's hold on the resolver of the running reactor."""

    def __init__(self, allowed: Allowed):
        self.allowed = allowed
        self._resolver: PublicResolver | None = None

    def hold(self) -> None:
        """Make sure that the check is in place; call before every request.

        PRACTICE: Scrapy installs its own resolver on the reactor after the components are built, so building time is too early.
        """
        from twisted.internet import reactor
        current: Any = reactor.nameResolver
        if current is self._resolver:
            return
        if not isinstance(current, PublicResolver):
            current = PublicResolver(current)
            reactor.installNameResolver(current)
        current.crawls.append(self.allowed)
        self._resolver = current

    def release(self) -> None:
        """End of the crawl. The check stays, for public addresses only."""
        if self._resolver is not None and self.allowed in self._resolver.crawls:
            self._resolver.crawls.remove(self.allowed)
        self._resolver = None

    def refusal(self, host: str) -> str:
        """Why a host could not be resolved, if the check was the cause."""
        address = self._resolver.refused.get(host.strip("[]")) if self._resolver else None
        if not address:
            return ""
        opened = is_open("", address, (Allowed.of(PRIVATE),))
        return f"not asked: {address} is not a public address" + ("; --allow-private lets it be asked" if opened else "")
