"""Host -> registrable domain.

**Facts**
- A registrable domain is a public suffix and the label before it; suffixes of private registries (github.io) count, so that
  two people who share a host are two domains (Public Suffix List: https://publicsuffix.org/list/, Format).
- The list lies in the package `publicsuffixlist`, with its date in the version; nothing is fetched.
OURS: an address of the Internet Protocol, a host that is itself a suffix and a host without any stand for themselves. Names
are written as they travel, in A-labels (RFC 5890, 2.3.2.1), so that one domain has one name.
"""
from __future__ import annotations

import ipaddress
from functools import cache, lru_cache
from typing import Any

HOSTS_KEPT = 1 << 16


@lru_cache(HOSTS_KEPT)
def registrable(host: str) -> str:
    """The registrable domain of a host, lower case; "" for no host."""
    host = _travelling(host.strip("[]").rstrip(".").lower())
    if not host or _is_address(host):
        return host
    return str(_list().privatesuffix(host) or host)


def list_version() -> str:
    """Which Public Suffix List it is."""
    from importlib.metadata import version
    return f"publicsuffixlist {version('publicsuffixlist')}"


def _travelling(host: str) -> str:
    if host.isascii():
        return host
    try:
        return host.encode("idna").decode("ascii")
    except UnicodeError:                             # no name that could be asked for; it stays as it was written
        return host


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


@cache
def _list() -> Any:
    from publicsuffixlist import PublicSuffixList
    return PublicSuffixList()
