"""Findings as rows, for people and for programs: sums by crawler, and each request in the form of schema/log-findings.json.

Facts (OURS)
- A row names message ids (`basis`) and parameters; the sentences stand in SENTENCES and GRADES alone.
- `--anonymise` cuts addresses to their network, of whomever they are.
"""
from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from .grading import Finding, Grade
from .lists import LIST_DAYS
from .request import told

SCHEMA = 1
# Grade -> what it is called, and what it means. In the order of telling.
GRADES: dict[Grade, tuple[str, str]] = {
    Grade.CONFIRMED: ("confirmed", "fetched after your opt-out"),
    Grade.LIKELY: ("probable", "probably fetched after your opt-out"),
    Grade.PROTOCOL: ("protocol", "fetched although robots.txt answered with an error; says nothing about your opt-out"),
    Grade.UNVERIFIABLE: ("unverifiable", "claims to be this crawler; cannot be checked"),
    Grade.IMPERSONATOR: ("impersonator", "somebody else under this name: do not complain to the company that is named"),
    Grade.USER_TRIGGERED: ("user-triggered", "sent by a person's question; the operator says that robots.txt may not apply"),
    Grade.NOTICE: ("under notice", "fetched while a reservation stood there; a sign of knowledge, and no more by itself"),
}
SENTENCES = {
    "all-five": "The operator says that this crawler obeys; the address is in its list of that day, or of a day "
                f"at most {LIST_DAYS} days away; every copy of robots.txt that could bind it refuses the path; content was "
                "delivered.",
    "list-of-another-day": "The list of addresses at hand is of another day.",
    "other-list-of-operator": "The address is in a list of the same operator, for another of its crawlers.",
    "cut-short-apart": "The address was cut short in the log; only a part of its network is in the list.",
    "cut-short": "The address was cut short in the log; its whole network is in the list.",
    "nothing-published": "The operator publishes no addresses.",
    "no-copy": "No copy of the operator's list is at hand; 'maymine lists update' asks for it.",
    "edge-address": "The address is that of a content delivery network, not of the client; let the log tell the client's.",
    "no-address": "The log does not tell the address.",
    "not-in-list": f"The address is in no list of the operator of that day, give or take {LIST_DAYS} days.",
    "control-token": "This name stands in robots.txt only; no crawler sends it.",
    "asked-by-a-person": "A person's question makes this crawler fetch.",
    "no-promise": "The operator does not say that this crawler obeys robots.txt.",
    "robots-unreachable": "robots.txt could not be had; until it can, nothing may be fetched (RFC 9309, 2.3.1.4).",
    "reserved-use": "Fetching was allowed, and a use was reserved.",
    "attempt": "Refused, and nothing was delivered.",
    "holds-copy": "Nothing was delivered (304): it already holds a copy.",
    "change": "Within 24 hours of a change, when an older copy of robots.txt may still be used (RFC 9309, 2.4).",
    "unknown-words": "Nobody knows which words stood then.",
    "no-words": "No words of this site are known.",
    "robots-unavailable": "robots.txt answered with an error of 400 to 499; then all may be fetched (RFC 9309, 2.3.1.3).",
    "allowed": "Allowed by the words of that time.",
    "robots-fetch": "It read robots.txt.",
    "no-target": "The line tells no path.",
}


@dataclass(slots=True)
class Sum:
    """Requests of one grade, for one reason, under one name."""
    grade: Grade
    basis: str
    token: str
    operator: str
    count: int = 0
    bytes: int = 0
    first: int = 0
    last: int = 0
    example: str = ""
    list_of: str = ""                # the time of the latest list that was asked
    addresses: set[str] = field(default_factory=set)

    MOST = 1_000                     # addresses counted

    def add(self, f: Finding) -> None:
        if not self.count:
            self.first, self.example = f.hit.at, f.hit.target
        self.count += 1
        self.last = f.hit.at
        self.bytes += f.hit.size or 0
        self.list_of = max(self.list_of, f.checked.at)
        if len(self.addresses) < self.MOST:
            self.addresses.add(f.hit.address)


class Sums:
    def __init__(self) -> None:
        self._by: dict[tuple[Grade, str, str], Sum] = {}

    def add(self, f: Finding) -> None:
        key = (f.grade, f.basis, f.agent.token)
        if key not in self._by:
            self._by[key] = Sum(f.grade, f.basis, f.agent.token, f.agent.operator)
        self._by[key].add(f)

    def counted(self) -> list[Sum]:
        """By grade, then the most first."""
        order = {grade: n for n, grade in enumerate(GRADES)}
        found = (s for s in self._by.values() if s.grade in order)
        return sorted(found, key=lambda s: (order[s.grade], -s.count, s.token))

    def not_counted(self) -> dict[str, int]:
        """How many requests of crawlers are no finding, by reason."""
        out: dict[str, int] = {}
        for s in self._by.values():
            if s.grade is Grade.NONE:
                out[s.basis] = out.get(s.basis, 0) + s.count
        return out

    def of(self, *grades: Grade) -> int:
        return sum(s.count for s in self._by.values() if s.grade in grades)


def summary(s: Sum) -> dict[str, Any]:
    return {"grade": s.grade.value, "meaning": GRADES[s.grade][0], "basis": s.basis, "agent": s.token, "operator": s.operator,
            "requests": s.count, "bytes": s.bytes, "addresses": len(s.addresses), "first": told(s.first), "last": told(s.last),
            "example": s.example, "list_of": s.list_of}


def finding(f: Finding, files: Iterable[str], anonymise: bool) -> dict[str, Any]:
    """One request, whole."""
    hit, checked, version = f.hit, f.checked, f.version
    row: dict[str, Any] = {
        "rule": f"log.{f.basis}", "grade": f.grade.value, "basis": f.basis, "agent": f.agent.token,
        "operator": f.agent.operator,
        "time": told(hit.at), "scheme": hit.scheme, "host": hit.host, "method": hit.method, "target": hit.target,
        "status": hit.status, "bytes": hit.size, "address": cut(hit.address) if anonymise else hit.address,
        "standing": checked.standing.value, "file": list(files)[hit.file], "line": hit.line}
    if checked.url:
        row["list"] = {"url": checked.url, "at": checked.at, "prefix": checked.prefix}
    if checked.detail and checked.standing.value == "confirmed-by-name":
        row["name"] = checked.detail
    if version is not None:
        row["policy"] = {"sha256": version.evidence.digest.removeprefix("sha256:"), "status": version.evidence.status,
                         "source": version.source, "effective_from" if version.exact else "seen": told(version.at),
                         "line": f.line, "quote": f.quote}
    return row


def cut(address: str) -> str:
    """An address without what tells one machine from another in its network."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return ""
    return str(ipaddress.ip_network((int(ip), 24 if ip.version == 4 else 48), strict=False).network_address)
