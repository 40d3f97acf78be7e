"""An audit as one value: made from what was seen, written as JSON, read back, rendered by crawler/report/.

**Facts**
- The JSON is `schema/audit.json`; `schema` in it names the version. It holds ids and parameters, never sentences, so that
  it can be told in any language later.
- A report that comes from a file is input like any other: what does not fit is refused, with the place in it.
- `fingerprint` tells a finding of one site from all others, whatever the time and the places (SARIF 2.1.0, 3.27.17:
  https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html).
"""
from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, TypeVar

from rules import Carrier, Evidence
from rules.limits import URL_CHARS
from rules.record import ENGINE

from ..effect import COLUMNS, Answer, effect
from ..report import catalogue
from . import checks, checks_robots
from .findings import TO_MEND, Found, Place, Status, kinds
from .hosts import host_of
from .site import Site

SCHEMA = "maymine-audit-1"
NOT_ITS_JOB = "not-its-job"
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Row:
    """What the words of the home page come to for one crawler: column -> answer."""
    token: str
    operator: str
    purpose: str
    answers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Proof:
    """One piece of evidence, without its bytes."""
    carrier: str
    url: str
    access: str
    status: int | None
    at: str
    digest: str


@dataclass(frozen=True, slots=True)
class Report:
    """One audit."""
    url: str                         # as asked for
    home: str                        # where that led to
    at: datetime
    engine: str
    host: str                        # id of hosts.yaml; "" where it could not be told
    came: bool                       # whether the home page did
    asked: int
    pages: int
    pictures: int
    tagged: int                      # pictures with a word of their own
    as_agents: bool
    reached: int                     # known crawlers for training that robots.txt says no to
    known: int                       # of how many; 0 where there is no robots.txt to read
    findings: tuple[Found, ...]
    effect: tuple[Row, ...]
    evidence: tuple[Proof, ...]

    def count(self, *statuses: Status) -> int:
        return sum(f.kind.status in statuses for f in self.findings)

    @property
    def to_mend(self) -> int:
        return self.count(*TO_MEND)

    def fingerprint(self, found: Found) -> str:
        return sha256(f"{self.home[:URL_CHARS]} {found.id}".encode("utf-8", "replace")).hexdigest()[:32]


def made(site: Site, host: str = "") -> Report:
    """The report of what was seen. `host`: what its owner says that it runs on."""
    told = checks_robots.reach(site.home.asset, site.robots) if site.robots and site.robots.has_bytes else None
    findings = checks.found(site)
    tagged = next((int(f.parameters["n"]) for f in findings if f.id == "OO015"), 0)
    proofs = dict.fromkeys(e for s in (site.home, *site.seen) for e in s.evidence
                           if s is site.home or e.carrier in (Carrier.RSL, Carrier.TDM_POLICY))
    return Report(
        url=site.url, home=site.home.asset.url, at=site.at, engine=ENGINE, host=host or host_of(site), came=site.home.came,
        asked=site.asked, pages=len(site.pages), pictures=len(site.pictures), tagged=tagged, as_agents=bool(site.answers),
        reached=len(told.reached) if told else 0, known=len(told.rows) if told else 0, findings=findings,
        effect=tuple(map(_row, effect(site.home.asset, site.whole))) if site.home.came else (),
        evidence=tuple(map(_proof_of, proofs)))


def _proof_of(e: Evidence) -> Proof:
    return Proof(e.carrier.value, e.uri, e.access.value, e.status, e.at.astimezone(UTC).isoformat() if e.at else "", e.digest)


def _row(row: Any) -> Row:
    def answer(name: str) -> str:
        cell = row.cells[COLUMNS[name]].answer
        return str(cell.value) if cell is Answer.NEVER or row.concerns(COLUMNS[name]) else NOT_ITS_JOB
    return Row(row.token, row.agent.operator if row.agent else "", row.agent.purpose.value if row.agent else "",
               {name: answer(name) for name in COLUMNS})


def to_json(r: Report) -> dict[str, Any]:
    return {
        "schema": SCHEMA, "engine": r.engine, "url": r.url, "home": r.home, "at": r.at.astimezone(UTC).isoformat(),
        "host": r.host, "came": r.came, "asked": r.asked, "pages": r.pages, "pictures": r.pictures, "tagged": r.tagged,
        "as_agents": r.as_agents, "reached": r.reached, "known": r.known, "counts": {s.value: r.count(s) for s in Status},
        "findings": [{"id": f.id, "status": f.kind.status.value, "place": f.kind.place, "parameters": dict(f.parameters),
                      "places": [{"url": p.url, "where": p.where, "quote": p.quote} for p in f.places],
                      "spec": {"name": f.kind.spec, "url": f.kind.url}, "fix": f.kind.fix, "fingerprint": r.fingerprint(f)}
                     for f in r.findings],
        "effect": [{"token": row.token, "operator": row.operator, "purpose": row.purpose, "answers": dict(row.answers)}
                   for row in r.effect],
        "evidence": [{"carrier": e.carrier, "url": e.url, "access": e.access, "status": e.status, "at": e.at,
                      "digest": e.digest} for e in r.evidence]}


def from_json(value: Any) -> Report:
    """The report that a file holds. ValueError: what of it is none, and where."""
    v = _Reader(value, "the report")
    if v.text("schema") != SCHEMA:
        raise ValueError(f"the report: its schema is '{v.text('schema')[:40]}', and {SCHEMA} is read here")
    try:
        at = datetime.fromisoformat(v.text("at")).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"the report: 'at' is no time: {v.text('at')[:40]}") from error
    return Report(
        v.text("url"), v.text("home"), at, v.text("engine"), v.text("host"), v.flag("came"), v.number("asked"),
        v.number("pages"), v.number("pictures"), v.number("tagged"), v.flag("as_agents"), v.number("reached"),
        v.number("known"), tuple(v.each("findings", _found)), tuple(v.each("effect", _effect)),
        tuple(v.each("evidence", _proof)))


class _Reader:
    """An object of JSON, asked for what it must have."""

    def __init__(self, value: Any, place: str):
        if not isinstance(value, dict):
            raise ValueError(f"{place}: an object is wanted")
        self.value, self.place = value, place

    def get(self, name: str, kind: type[T]) -> T:
        value = self.value.get(name)
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise ValueError(f"{self.place}: '{name}' is missing, or of another kind than it should be")
        return value

    def text(self, name: str) -> str:
        return self.get(name, str)

    def number(self, name: str) -> int:
        return self.get(name, int)

    def flag(self, name: str) -> bool:
        return self.get(name, bool)

    def each(self, name: str, make: Callable[[_Reader], T]) -> list[T]:
        return [make(_Reader(item, f"{self.place}, {name} {n}")) for n, item in enumerate(self.get(name, list), 1)]


def _found(v: _Reader) -> Found:
    if v.text("id") not in kinds():
        raise ValueError(f"{v.place}: '{v.text('id')[:40]}' is no finding that is known here")
    parameters = v.get("parameters", dict)
    if not all(isinstance(p, (str, int)) for p in parameters.values()):
        raise ValueError(f"{v.place}: a parameter is neither text nor number")
    messages = catalogue.messages("audit")
    wanted = {name for part in ("what", "why") if (key := f"{v.text('id')}.{part}") in messages
              for name in messages[key][catalogue.LANGUAGES[0]].parameters}
    if not wanted <= set(parameters):
        raise ValueError(f"{v.place}: its parameters are {', '.join(sorted(wanted))}")
    return Found(v.text("id"), {str(k): p for k, p in parameters.items()}, tuple(v.each("places", _place)))


def _place(v: _Reader) -> Place:
    return Place(v.text("url"), v.text("where"), v.text("quote"))


def _effect(v: _Reader) -> Row:
    answers = _Reader(v.get("answers", dict), v.place)
    told = {name: answers.text(name) for name in COLUMNS}
    if not set(told.values()) <= {*(a.value for a in Answer), NOT_ITS_JOB}:
        raise ValueError(f"{v.place}: an answer is not known here")
    return Row(v.text("token"), v.text("operator"), v.text("purpose"), told)


def _proof(v: _Reader) -> Proof:
    status = v.value.get("status")
    return Proof(v.text("carrier"), v.text("url"), v.text("access"), status if isinstance(status, int) else None, v.text("at"),
                 v.text("digest"))
