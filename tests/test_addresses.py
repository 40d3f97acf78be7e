"""Private addresses are not reached, in whatever spelling."""
from __future__ import annotations

import ipaddress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.address import IPv4Address

from crawler.addresses import Allowed, PublicResolver, is_open, is_public

PRIVATE = [
    "0.0.0.0", "10.1.2.3", "100.64.0.1", "127.0.0.1", "127.255.255.254", "169.254.169.254", "172.16.0.1", "172.31.255.255",
    "192.0.0.1", "192.0.0.192", "192.0.2.1", "192.88.99.1", "192.168.0.1", "198.18.0.1", "198.51.100.1", "203.0.113.1",
    "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255",
    "::", "::1", "::7f00:1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::1", "100::1", "2001::1", "2001:db8::1", "2002:7f00:1::", "2002:a9fe:a9fe::1", "3fff::1", "5f00::1",
    "fc00::1", "fd00:ec2::254", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "not an address", "",
]
PUBLIC = ["1.1.1.1", "8.8.8.8", "93.184.215.14", "100.63.255.255", "172.32.0.1", "::ffff:8.8.8.8", "64:ff9b::808:808",
          "2002:808:808::1", "2606:4700:4700::1111", "2a00:1450:4001:80b::200e"]


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_are_closed(address: str) -> None:
    assert not is_open("example.org", address, ())


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_open(address: str) -> None:
    assert is_open("example.org", address, ())


@given(st.integers(0, 2**32 - 1))
def test_an_ipv4_address_is_as_closed_inside_ipv6(number: int) -> None:
    inner = ipaddress.IPv4Address(number)
    for text in (f"::ffff:{inner}", str(ipaddress.IPv6Address((0x64ff9b << 96) | number)),
                 str(ipaddress.IPv6Address((0x2002 << 112) | (number << 80)))):
        assert is_open("x", text, ()) == is_public(inner), text


def test_what_the_user_allows_is_open_and_nothing_else() -> None:
    allowed = Allowed.of(["127.0.0.0/8", "intranet.example"])
    assert is_open("localhost", "127.0.0.1", [allowed])
    assert is_open("x", "::ffff:127.0.0.1", [allowed])
    assert is_open("Intranet.Example.", "10.0.0.1", [allowed])
    assert not is_open("example.org", "10.0.0.1", [allowed])
    assert not is_open("example.org", "::1", [allowed])


def test_two_crawls_in_one_process_must_both_allow() -> None:
    one, other = Allowed.of(["127.0.0.0/8"]), Allowed.of([])
    assert not is_open("localhost", "127.0.0.1", [one, other])
    assert not is_open("localhost", "127.0.0.1", [])


@pytest.mark.parametrize("entry", ["10.0.0.0/33", "10.0.0.1/8", "", "a/b"])
def test_a_wrong_entry_is_an_error(entry: str) -> None:
    with pytest.raises(ValueError, match="MAYMINE_ALLOW_PRIVATE"):
        Allowed.of([entry])


@pytest.mark.parametrize("setting", [True, False, None, 1, "True", ["127.0.0.0/8", 1]])
def test_a_setting_of_another_form_is_told_the_right_one(setting: object) -> None:
    with pytest.raises(ValueError, match=r"no list of networks and host names; write it like \["):
        Allowed.of(setting)


def test_a_setting_may_be_a_list_or_have_commas() -> None:
    one, other = Allowed.of("127.0.0.0/8, Intranet.example"), Allowed.of(["127.0.0.0/8", "intranet.example"])
    assert (one.networks, one.hosts) == (other.networks, other.hosts)
    assert Allowed.of("").hosts == frozenset()


class Receiver:
    def __init__(self) -> None:
        self.addresses: list[str] = []
        self.complete = False

    def resolutionBegan(self, resolution: Any) -> None:
        pass

    def addressResolved(self, address: Any) -> None:
        self.addresses.append(address.host)

    def resolutionComplete(self) -> None:
        self.complete = True


class Names:
    """A name server that answers as it is told, each time with the next answer."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = iter(answers)

    def resolveHostName(self, receiver: Any, host: str, port: int = 0, types: Any = None, semantics: str = "TCP") -> None:
        for address in next(self.answers):
            receiver.addressResolved(IPv4Address("TCP", address, port))
        receiver.resolutionComplete()


def test_the_resolver_passes_on_what_is_public_and_remembers_what_is_not() -> None:
    resolver = PublicResolver(Names(["93.184.215.14", "10.0.0.1"], ["127.0.0.1"]))
    first, second = Receiver(), Receiver()
    resolver.resolveHostName(first, "rebind.example", 80)
    resolver.resolveHostName(second, "rebind.example", 80)
    assert (first.addresses, first.complete) == (["93.184.215.14"], True)
    assert (second.addresses, second.complete) == ([], True)
    assert resolver.refused["rebind.example"] == "127.0.0.1"
