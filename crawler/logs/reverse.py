"""Forward-confirmed reverse DNS: the name of an address, and whether the name has the address.

**Facts**
- PRACTICE (Google, Apple, Microsoft, Common Crawl): the address must resolve to a name under a domain of the operator, and
  the name back to the address; either alone proves nothing, as anybody can write a PTR record for addresses of their own.
- The answer is that of now, not that of the day of the request. It is asked only when the user says so: every question goes
  to the resolver of this machine.
"""
from __future__ import annotations

import socket
from collections.abc import Callable

MOST = 10_000                        # addresses asked for in one run

NameOf = Callable[[str], str]
AddressesOf = Callable[[str], set[str]]


def name_of(address: str) -> str:
    try:
        return socket.gethostbyaddr(address)[0].rstrip(".").lower()
    except OSError:
        return ""


def addresses_of(name: str) -> set[str]:
    try:
        return {str(info[4][0]).partition("%")[0] for info in socket.getaddrinfo(name, None)}
    except (OSError, UnicodeError):
        return set()


class Reverse:
    """Asks once an address. `name_of` and `addresses_of` are the resolver."""

    def __init__(self, name_of: NameOf = name_of, addresses_of: AddressesOf = addresses_of):
        self._name_of, self._addresses_of = name_of, addresses_of
        self._known: dict[str, str] = {}

    def confirmed(self, address: str) -> str:
        """The name that is confirmed; "" where there is none, or too many were asked."""
        if address not in self._known:
            if len(self._known) >= MOST:
                return ""
            name = self._name_of(address)
            self._known[address] = name if name and address in self._addresses_of(name) else ""
        return self._known[address]
