"""robots.txt: is it there, whom does it reach, and does each line say what its author meant?

**Facts**
- 4xx for robots.txt means that everything may be fetched, 5xx that nothing may (RFC 9309, 2.3.1.3 and 2.3.1.4:
  https://www.rfc-editor.org/rfc/rfc9309). So a firewall that refuses robots.txt takes its words away.
- A crawler that a group names hears that group alone, nothing of `*` (2.2.1). One line names one crawler, with letters, `_`
  and `-`. A pattern starts with `/` or `*` (2.2.2). Rules before the first user-agent line hold for nobody.
- OURS: known crawlers for training are those of agents.yaml whose operators say that they obey, with a documented name; not
  those that also index for search, which many let in on purpose.
- OURS: a name that is no token is told where it seems to mean a crawler of agents.yaml. Many other crawlers have such names.
- OURS: whom it reaches is asked about the home page, by the engine (crawler/effect.py), with robots.txt alone.
"""
from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache

from rules import Access, Asset, Carrier, Evidence, FaultKind, Use
from rules.agents import FOR_TRAINING, Purpose, agents
from rules.limits import QUOTE_CHARS, ROBOTS_BYTES
from rules.references import SITE_FILES
from rules.signals import aipref, content_signal
from rules.signals.robots_groups import RobotsTxt, octets, parse

from ..effect import Answer, Row, effect, known_tokens
from ..reading_1996 import opinions
from .findings import Found, Place, listed
from .site import Site, origin

ASKED_OLD = 2                        # OURS: crawlers about which the reading of 1996 is asked
TYPOGRAPHIC = re.compile("[\u2010-\u2015\u2018-\u201f\u2212\u00a0\uff1a]")
USER_AGENT = re.compile(r"[A-Za-z_-]+|\*")
_FIELD = re.compile(r"\s*([^:#]{1,40}?)\s*:\s*([^#]*?)\s*(?:#.*)?", re.DOTALL)
_REFUSES = re.compile(r"=\s*[\"']?n", re.IGNORECASE)
PREFERENCES = ("content-usage", "content-signal")


def check(site: Site) -> Iterator[Found]:
    """Every finding about robots.txt of the home page's origin, and of other origins beside it."""
    robots = site.robots
    if robots is None:
        return
    where = (Place(robots.uri),)
    if robots.access is Access.UNAVAILABLE:
        yield Found("OO101", {}, where)
    elif robots.access is Access.REFUSED:
        yield Found("OO117", {"status": robots.status or 0}, where)
    elif robots.access is Access.UNREACHABLE and robots.status is not None:      # otherwise nobody answers at all
        yield Found("OO118", {}, (replace(where[0], quote=robots.detail),))
    elif robots.has_bytes and _instead(site, robots):
        yield Found("OO116", {}, where)
    elif robots.has_bytes:
        yield from _file(site, robots)
        yield from _origins(site, robots)
        if turned := sorted(token for token, status in site.answers.items() if 400 <= status < 600):
            yield Found("OO122", {"n": len(turned), "agents": listed(turned), "status": site.answers[turned[0]]}, where)


def _instead(site: Site, robots: Evidence) -> bool:
    return bool(parse(robots.body).instead) or any(f.kind is FaultKind.INSTEAD for f in site.home.faults(Carrier.ROBOTS_TXT))


def _file(site: Site, robots: Evidence) -> Iterator[Found]:
    file, where = parse(robots.body), (Place(robots.uri),)
    yield from _reach(site, robots, file)
    yield from _lines(robots, file)
    if file.cut or robots.access is Access.TRUNCATED:
        yield Found("OO119", {"bytes": ROBOTS_BYTES}, where)
    yield from _older(site, robots, file)


# Whom it reaches

@dataclass(frozen=True, slots=True)
class Reach:
    """Known crawlers for training, as one robots.txt speaks to them."""
    rows: tuple[Row, ...]

    @property
    def turned_away(self) -> list[str]:
        """Those that fetch, and may not."""
        return [r.token for r in self.rows if r.answer(Use.CRAWL) is Answer.REFUSED]

    @property
    def reached(self) -> list[str]:
        return [r.token for r in self.rows if r.answer(Use.TRAIN_GENAI) is Answer.REFUSED]

    @property
    def missed(self) -> list[str]:
        return [r.token for r in self.rows if r.answer(Use.TRAIN_GENAI) is not Answer.REFUSED]


def trainers() -> tuple[str, ...]:
    """Tokens of crawlers for training whose operators say that they obey robots.txt."""
    return tuple(token for token in known_tokens() if (agent := agents()[token.lower()]).purpose in FOR_TRAINING
                 and agent.purpose is not Purpose.SEARCH_INDEX_AND_TRAINING
                 and agent.obeys_robots in ("yes", "partial") and agent.confidence == "documented")


def reach(asset: Asset, robots: Evidence) -> Reach:
    return Reach(effect(asset, (robots,), trainers()))


def _reach(site: Site, robots: Evidence, file: RobotsTxt) -> Iterator[Found]:
    told = reach(site.home.asset, robots)
    place = Place(robots.uri)
    if not told.reached:
        named = [token for token in told.missed if file.key(token) is not None]
        yield Found("OO102", {"known": len(told.rows)}, (place,)) if not named else _named(file, named, place)
        return
    yield Found("OO011", {"n": len(told.reached), "known": len(told.rows), "agents": listed(told.reached, 12)}, (place,))
    named = [token for token in told.missed if file.key(token) is not None]
    if named:
        yield _named(file, named, place)
    if others := [token for token in told.missed if token not in named]:
        yield Found("OO103", {"n": len(others), "known": len(told.rows), "agents": listed(others)}, (place,))
    if not told.turned_away:
        yield Found("OO105", {}, (place,))


def _named(file: RobotsTxt, named: list[str], place: Place) -> Found:
    lines = [(number, octets(text)) for number, field, value, text in _fields(file)
             if field == "user-agent" and value.lower() in {n.lower() for n in named}]
    places = tuple(replace(place, where=f"line {n}", quote=text[:QUOTE_CHARS]) for n, text in lines) or (place,)
    return Found("OO104", {"n": len(named), "agents": listed(named)}, places)


# Line by line

def _fields(file: RobotsTxt) -> Iterator[tuple[int, str, str, str]]:
    """Number, field in lower case, value, and the whole line; one character an octet."""
    for number, text in enumerate(file._lines, 1):
        if found := _FIELD.fullmatch(text):
            yield number, found[1].lower(), found[2], text


def _lines(robots: Evidence, file: RobotsTxt) -> Iterator[Found]:
    def found(kind: str, lines: Iterable[tuple[int, str]]) -> Iterator[Found]:
        places = tuple(Place(robots.uri, f"line {n}", octets(text).strip()[:QUOTE_CHARS]) for n, text in lines)
        if places:
            yield Found(kind, {"n": len(places)}, places)

    fields = list(_fields(file))
    first = next((n for n, field, _, _ in fields if field == "user-agent"), len(file._lines) + 1)
    typed = {n: text for n, text in enumerate(file._lines, 1) if _is_typographic(octets(text.partition("#")[0]))}
    fields = [f for f in fields if f[0] not in typed]
    guessed = {line.number for group in (*file.crawling, *file.speaking) for line in group.rules
               if line.note in ("field-misspelled", "colon-missing")}
    yield from found("OO111", ((n, text) for n, field, value, text in fields
                               if field in PREFERENCES and _says_nothing(field, value)))
    yield from found("OO112", ((n, text) for n, field, value, text in fields
                               if field == "user-agent" and not USER_AGENT.fullmatch(value) and _means_known(value)))
    yield from found("OO113", typed.items())
    yield from found("OO114", ((n, file._lines[n - 1]) for n in sorted(guessed - set(typed))))
    yield from found("OO115", ((n, text) for n, field, _, text in fields
                               if n < first and field in ("allow", "disallow", *PREFERENCES)))
    yield from found("OO123", ((n, text) for n, field, value, text in fields
                               if field == "disallow" and value and not value.startswith(("/", "*"))))


def _is_typographic(line: str) -> bool:
    """Whether a word processor spoilt a field, a name or a preference; in a path such characters may be meant."""
    if not TYPOGRAPHIC.search(line):
        return False
    field, _, value = line.partition(":")
    exact = field.strip().lower() in ("user-agent", *PREFERENCES)
    return bool(TYPOGRAPHIC.search(field) or (exact and TYPOGRAPHIC.search(value)))


def _means_known(value: str) -> bool:
    """Whether a value that is no product token seems to mean known crawlers all the same: several, a version, a blank in it."""
    if value.lower() in agents():
        return False
    return any(piece.lower() in agents() for piece in re.split(r"[,;/\s]+", value)) or _letters(value) in _known_letters()


@cache
def _known_letters() -> frozenset[str]:
    return frozenset(map(_letters, agents()))


def _letters(name: str) -> str:
    return "".join(c for c in name.lower() if c.isalnum())


def _says_nothing(field: str, value: str) -> bool:
    """Whether a line of preferences seems to refuse something and, by its own specification, does not."""
    if field == "content-signal":
        return bool(_REFUSES.search(value)) and all(lenient for _, _, lenient in content_signal.parse(octets(value)))
    statement = value.partition(" ")[2] if value.startswith("/") else value
    return bool(_REFUSES.search(statement)) and not aipref.parse(octets(statement))


def _older(site: Site, robots: Evidence, file: RobotsTxt) -> Iterator[Found]:
    """Crawlers that are turned away, and not by the reading of 1996."""
    named = [token for token in reach(site.home.asset, robots).turned_away if file.key(token) is not None]
    path = site.home.asset.url
    let_in = [token for token in named[:1] + named[-1:][:ASKED_OLD - 1] if any(
        o.reading == "1996" and o.allowed for o in opinions(robots.body, token, path))]
    if let_in:
        yield Found("OO120", {"agents": listed(dict.fromkeys(let_in))}, (Place(robots.uri),))


# Other origins

def _origins(site: Site, robots: Evidence) -> Iterator[Found]:
    """robots.txt of every origin that serves pages or pictures itself, against that of the home page."""
    ours = origin(site.home.asset.url)
    told = set(reach(site.home.asset, robots).reached)
    pages = {origin(s.asset.url) for s in (*site.pages, *site.doors.values()) if s.came} - {ours}
    pictures = {origin(s.asset.url) for s in site.pictures} - pages - {ours}
    for kind, origins in (("OO121", pages), ("OO124", pictures)):
        for other in sorted(origins):
            files = site.origins.get(other, ())
            theirs = next((e for e in files if e.carrier is Carrier.ROBOTS_TXT), None)
            if theirs is None or not told:
                continue
            there = set(reach(Asset(f"{other}/"), theirs).reached)
            if there != told if kind == "OO121" else told - there:
                yield Found(kind, {"origin": other, "home": ours, "n": len(told - there), "status": theirs.status or 0},
                            (Place(f"{other}{SITE_FILES[Carrier.ROBOTS_TXT][0]}"), Place(robots.uri)))
