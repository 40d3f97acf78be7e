"""Whether words come to what is meant: the intent beside what our own readers find, for every known crawler and every use.

**Facts**
- RFC 9309, 2.2.1 (https://www.rfc-editor.org/rfc/rfc9309): a crawler looks itself up by its product token; some have several.
- OURS: a home page, a page, a picture, a file in a dot folder and two files in each excepted folder stand for all paths.
- OURS: a refusal in natural language alone, as in a comment, is none that a machine must find (OLG Hamburg, 2025-12-10,
  5 U 104/24), so it fills no gap; but it is a contradiction where nothing is refused.
- OURS: where a robots.txt was there before, its rules and preferences stay, unless the intent is about them.
- OURS: a control token is not asked about uses that it does not control; a rule that lets it in is leave for all that it does.
"""
from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from urllib.parse import quote

from rules import Access, Asset, Carrier, Evidence, Finding, Form, Statement, Use
from rules.agents import agents

from ...effect import COLUMNS, CONTROLS, SERVES, Answer, Row, effect
from .intent import Intent, names_of

PAGE, PICTURE, FILE = "page", "picture", "file"
ANYBODY = "SomeCrawler"                  # stands for all that agents.yaml does not know
ASKED = (*COLUMNS.values(), Use.TDM_OTHER)


@dataclass(frozen=True, slots=True)
class Difference:
    """What was meant and what the words come to, for crawlers that are told alike."""
    path: str
    kind: str                            # PAGE, PICTURE or FILE
    use: Use
    wanted: tuple[Answer, ...]
    found: Answer
    tokens: tuple[str, ...]
    because: tuple[Finding, ...] = field(default=(), compare=False)

    @property
    def is_gap(self) -> bool:
        """Nothing is said where something was meant; what is said otherwise is no gap."""
        return self.found is Answer.SILENT or (self.use is Use.CRAWL and self.found is Answer.ALLOWED)


def samples(intent: Intent) -> Iterator[tuple[str, str]]:
    """Paths of the site, decoded, and the kinds of what lies there, that stand for all."""
    yield from (("/", PAGE), ("/works/one.html", PAGE), ("/images/one.png", PICTURE), ("/.well-known/one.json", FILE))
    for leave in intent.leaves:
        yield from ((f"{leave.path}one.html", PAGE), (f"{leave.path}two/one.png", PICTURE))


def differences(intent: Intent, path: str, kind: str, evidence: Iterable[Evidence],
                existing: bytes | None = None) -> Iterator[Difference]:
    """Where evidence of one path, decoded, is not what is meant. `existing`: a robots.txt whose rules stay as they are."""
    asset = Asset(intent.origin + quote(path), "image/png" if kind == PICTURE else "")
    before: Sequence[Row | None] = [None] * len(names())
    if existing is not None:
        nothing = (Evidence(c, "", None, Access.OBTAINED) for c in (Carrier.HTTP_FIELDS, Carrier.BODY))
        robots = Evidence(Carrier.ROBOTS_TXT, f"{intent.origin}/robots.txt", None, Access.OBTAINED, existing)
        before = effect(asset, (robots, Evidence(Carrier.TDMREP_JSON, "", None, Access.UNAVAILABLE), *nothing), names(), ASKED)
    found: dict[tuple[Use, tuple[Answer, ...], Answer], list[tuple[str, tuple[Finding, ...]]]] = {}
    compared: dict[object, list[tuple[Use, tuple[Answer, ...]]]] = {}
    for row, was in zip(effect(asset, evidence, names(), ASKED), before, strict=True):
        alike = (row.agent and row.agent.purpose, id(row.cells), was and id(was.cells))
        if alike not in compared:
            meant = ((use, wanted(intent, row, use, path, was)) for use in ASKED)
            compared[alike] = [(use, answers) for use, answers in meant if _exact(row, use, answers, was) not in answers]
        for use, answers in compared[alike]:
            found.setdefault((use, answers, _exact(row, use, answers, was)), []).append((row.token, row.cells[use].because))
    for (use, expected, answer), told in found.items():
        yield Difference(path, kind, use, expected, answer, tuple(token for token, _ in told), told[0][1])


def _exact(row: Row, use: Use, expected: tuple[Answer, ...], before: Row | None) -> Answer:
    """The answer, where natural language alone makes no refusal that is meant; it makes one that is not meant, or was there."""
    answer, because = row.cells[use].answer, row.cells[use].because
    in_prose = all(isinstance(f, Statement) and f.form is Form.PROSE for f in because)
    was_there = before is not None and before.answer(use) is Answer.REFUSED
    return Answer.SILENT if answer is Answer.REFUSED and Answer.REFUSED in expected and in_prose and not was_there else answer


def wanted(intent: Intent, row: Row, use: Use, path: str, before: Row | None = None) -> tuple[Answer, ...]:
    """Every answer that is as meant. `before`: what the robots.txt that was there comes to."""
    agent, leave = row.agent, intent.leave(path)
    is_control = agent is not None and agent.purpose in CONTROLS
    let_in = leave is not None and intent.lets_in(agent, leave)
    away = intent.turns_away(agent) and not let_in
    was_refused = before is not None and before.answer(Use.CRAWL) is Answer.REFUSED
    if use is Use.CRAWL:
        if agent is not None and agent.control_only:
            return (Answer.NEVER,)
        if away or was_refused:
            return (Answer.REFUSED, *((Answer.ALLOWED, Answer.SILENT) if let_in and intent.turns_away(agent) else ()))
        return Answer.ALLOWED, Answer.SILENT
    if is_control and agent is not None and use not in SERVES[agent.purpose]:
        return tuple(Answer)             # it is not asked about what it does not control
    if away:
        return (Answer.REFUSED,)
    said = intent.at(path).get(use)
    if said is False:
        return (Answer.REFUSED,)
    if said is None and is_control and let_in and intent.turns_away(agent):      # who lets it in allows all that it controls
        return Answer.ALLOWED, *((Answer.REFUSED,) if was_refused else ())
    if before is not None and (was_refused or (is_control and before.answer(use) is Answer.REFUSED)):
        return Answer.REFUSED, *_meant(said)
    return _meant(said) if said is not None or before is None else (before.answer(use),)


def _meant(said: bool | None) -> tuple[Answer, ...]:
    return (Answer.SILENT,) if said is None else (Answer.ALLOWED,) if said else (Answer.REFUSED,)


@cache
def names() -> tuple[str, ...]:
    """Every name under which a known crawler may look itself up, and one that nobody knows."""
    return tuple(dict.fromkeys([*(name for agent in agents().values() for name in names_of(agent)), ANYBODY]))
