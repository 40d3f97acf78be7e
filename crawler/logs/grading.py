"""One request after another, in order of time, held against the words that stood: what it is, and how sure that is.

**Facts**
- RFC 9309 (https://www.rfc-editor.org/rfc/rfc9309): a copy may be used for 24 hours (2.4); after 4xx a crawler may fetch
  anything (2.3.1.3), after 5xx nothing (2.3.1.4). Both say something about robots.txt, and nothing about a refusal.
- RFC 9110: 304 delivers nothing and shows that the asker holds a copy (15.4.5); HEAD delivers no content (9.3.2).
- OURS: a confirmed contradiction needs all of it: a crawler whose operator says that it obeys; an address of this crawler
  on that day; every copy of robots.txt that could bind it refuses the path; none of them was an error; content was
  delivered. Each thing less is told as what it is (GRADES), and never as more.
- OURS: a reservation of use says nothing about fetching, so a fetch in spite of it is a sign of knowledge alone (`N`).
- Where a crawler was seen to fetch robots.txt in the day before, with the same standing, that copy binds it. That none was
  seen proves nothing: another machine of the operator, a cache of a CDN or a lost log may have had it.
"""
from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from functools import cache

from rules import Access, Asker, Asset, Carrier, Preference, Statement, Use, find
from rules.agents import Agent, Purpose, agents
from rules.model import Audience, Subject
from rules.signals.robots_groups import parse
from rules.vocab import ATOMS

from ..status import access_of
from .history import DAY, History, Version
from .lists import Checked, Lists, Standing
from .reverse import Reverse
from .store import Hit


class Grade(Enum):
    CONFIRMED = "A"
    LIKELY = "B"
    UNVERIFIABLE = "C"
    IMPERSONATOR = "D"
    USER_TRIGGERED = "U"
    PROTOCOL = "P"
    NOTICE = "N"
    NONE = ""                        # no finding; `basis` says why not


CONFIRMED = frozenset({Standing.CONFIRMED, Standing.CONFIRMED_BY_NAME})
LIKELY = {Standing.DATED: "list-of-another-day", Standing.OPERATOR: "other-list-of-operator", Standing.NETWORK: "cut-short"}
OPEN = {Standing.EDGE: "edge-address", Standing.UNKNOWN: "no-address"}
BY_PERSON = frozenset({Purpose.USER_FETCH, Purpose.AGENT})
MAYBE = ("partial", "depends-on-user")
DELIVERED = (200, 203, 206)
SHOWN = (200, 304)                   # answers after which a crawler knows the words
REMEMBERED = 100_000

_TRAINING = (Use.TRAIN_GENAI, Use.TRAIN_OTHER, Use.TDM_OTHER)
# What a crawler fetches for, as uses that a reservation may name. Of others it is not known.
USES: dict[Purpose, tuple[Use, ...]] = {
    Purpose.TRAINING: _TRAINING, Purpose.DATASET: _TRAINING, Purpose.SEARCH_INDEX_AND_TRAINING: (Use.SEARCH, *_TRAINING),
    Purpose.SEARCH_INDEX: (Use.SEARCH,), Purpose.USER_FETCH: (Use.AI_USE,), Purpose.AGENT: (Use.AI_USE,)}
ADDRESSED = (Audience.YOU, Audience.EVERYONE, Audience.MANY_AI_TRAINING)


@dataclass(frozen=True, slots=True)
class Finding:
    grade: Grade
    basis: str                       # why it has its grade, or none: a key of telling.SENTENCES
    hit: Hit
    agent: Agent
    checked: Checked
    version: Version | None = None   # the words that decided: the latest that could bind
    line: int = 0                    # in robots.txt; 0: no single one
    quote: str = ""                  # what stands there


@dataclass(frozen=True, slots=True)
class _Fetch:
    at: int
    status: int


class Grader:
    """`host` stands for lines that do not tell one. Ask in order of time."""

    def __init__(self, history: History, lists: Lists, host: str = "", reverse: Reverse | None = None):
        self._history, self._lists, self._host, self._reverse = history, lists, host, reverse
        self._fetches: dict[tuple[str, str, str, bool], _Fetch] = {}
        self._checked: dict[tuple[str, str, int], Checked] = {}
        self._reserved: dict[tuple[object, ...], str] = {}
        self._speaks_of_uses = history.reserves()

    def grade(self, hit: Hit) -> Finding:
        agent = agents()[hit.token.lower()]
        checked = self._check(hit, agent)

        def found(grade: Grade, basis: str, version: Version | None = None, line: int = 0, quote: str = "") -> Finding:
            return Finding(grade, basis, hit, agent, checked, version, line, quote)
        if agent.control_only:
            return found(Grade.IMPERSONATOR, "control-token")
        if checked.standing is Standing.CONTRADICTED:
            return found(Grade.IMPERSONATOR, "not-in-list")
        if not hit.target:
            return found(Grade.NONE, "no-target")
        host = hit.host or self._host
        known = checked.standing in CONFIRMED or checked.standing in LIKELY
        key = (hit.scheme, host, hit.token, known)
        if hit.target.partition("?")[0] == "/robots.txt":
            if hit.status in SHOWN or hit.status >= 400:
                self._fetches[key] = _Fetch(hit.at, hit.status)
            return found(Grade.NONE, "robots-fetch")
        fetch = self._fetches.get(key)
        if fetch is not None and hit.at - fetch.at > DAY:
            fetch = None
        if fetch is not None and fetch.status not in SHOWN:
            if access_of(fetch.status) is Access.UNREACHABLE:
                return found(*self._for(hit, agent, checked, protocol=True))
            return found(Grade.NONE, "robots-unavailable")
        timelines = self._history.timelines(hit.scheme, host, Carrier.ROBOTS_TXT)
        if not timelines:
            return found(Grade.NONE, "no-words")
        start, end = (fetch.at, fetch.at) if fetch else (hit.at - DAY, hit.at)
        spans = [line.between(start, end) for line in timelines]
        versions = [v for some, _ in spans for v in some]
        if not versions or not all(sure for _, sure in spans):
            return found(Grade.NONE, "unknown-words", versions[-1] if versions else None)
        said = [_verdict(v, hit.target, hit.token) for v in versions]
        last = versions[-1]
        if all(one is None for one in said):
            return found(*self._for(hit, agent, checked, protocol=True), last)
        if all(one is not None and not one[0] for one in said):
            line = said[-1][1] if said[-1] else 0
            return found(*self._for(hit, agent, checked), last, line, parse(last.evidence.body).text(line) if line else "")
        if any(one is None or not one[0] for one in said):
            return found(Grade.NONE, "change", last)
        if (reserved := self._reservation(hit, agent, host)) and _delivered(hit):
            return found(Grade.NOTICE, "reserved-use", last, quote=reserved)
        return found(Grade.NONE, "allowed", last)

    def _check(self, hit: Hit, agent: Agent) -> Checked:
        key = (hit.address, agent.token, hit.at // DAY)
        known = self._checked.get(key)
        if known is None:
            if len(self._checked) >= REMEMBERED:
                self._checked.clear()
            known = self._lists.check(hit.address, agent, hit.at)
            if self._reverse and agent.rdns_suffixes and known.standing not in (Standing.CONFIRMED, Standing.UNKNOWN):
                name = self._reverse.confirmed(hit.address)
                if name and ("." + name).endswith(agent.rdns_suffixes):
                    known = Checked(Standing.CONFIRMED_BY_NAME, detail=name)
            self._checked[key] = known
        return known

    def _for(self, hit: Hit, agent: Agent, checked: Checked, protocol: bool = False) -> tuple[Grade, str]:
        """The grade of a request that the words refuse, or that came although robots.txt could not be had (`protocol`)."""
        if not _delivered(hit):
            return Grade.NONE, "holds-copy" if hit.status == 304 else "attempt"
        if agent.purpose in BY_PERSON or agent.obeys_robots in MAYBE:
            return Grade.USER_TRIGGERED, "asked-by-a-person"
        if checked.standing in OPEN:
            return Grade.UNVERIFIABLE, OPEN[checked.standing]
        if checked.standing is Standing.UNLISTED:
            return Grade.UNVERIFIABLE, checked.detail
        if agent.obeys_robots != "yes":
            return Grade.NOTICE, "no-promise"
        if protocol:
            return Grade.PROTOCOL, "robots-unreachable"
        if checked.standing in LIKELY:
            return Grade.LIKELY, LIKELY[checked.standing]
        return Grade.CONFIRMED, "all-five"

    def _reservation(self, hit: Hit, agent: Agent, host: str) -> str:
        """Where a use that this crawler stands for is reserved, in words that stood at that moment; "" where none is."""
        uses = USES.get(agent.purpose)
        if not self._speaks_of_uses or not uses:
            return ""
        stood: list[Version] = []
        for carrier in self._history.carriers():
            for line in self._history.timelines(hit.scheme, host, carrier):
                versions, sure = line.between(hit.at, hit.at)
                if sure and len(versions) == 1:
                    stood += versions
        key = (tuple(map(id, stood)), hit.token, hit.target)
        if key not in self._reserved:
            if len(self._reserved) >= REMEMBERED:
                self._reserved.clear()
            asset = Asset(f"{hit.scheme or 'https'}://{host or 'site.invalid'}{hit.target}")
            evidence = [v.evidence for v in stood]
            self._reserved[key] = next(
                (f"{f.where}: {f.quote}" for f in find(evidence, asset, Asker(hit.token)) if isinstance(f, Statement)
                 and f.preference is Preference.DISALLOW and f.use is not Use.CRAWL and f.audience in ADDRESSED
                 and f.subject is Subject.ASSET and not f.superseded_by and _shares(f.use, uses)), "")
        return self._reserved[key]


@cache
def _shares(use: Use, uses: tuple[Use, ...]) -> bool:
    return any(ATOMS[use] & ATOMS[other] for other in uses)


def _delivered(hit: Hit) -> bool:
    return hit.status in DELIVERED and hit.size != 0 and hit.method != "HEAD"


def _verdict(version: Version, target: str, token: str) -> tuple[bool, int] | None:
    """Whether a version lets the crawler fetch, and the line; None: it could not be had (RFC 9309, 2.3.1.4)."""
    access = version.evidence.access
    if access in (Access.OBTAINED, Access.TRUNCATED):
        return parse(version.evidence.body).verdict(target, token)
    return (True, 0) if access in (Access.UNAVAILABLE, Access.REFUSED) else None
