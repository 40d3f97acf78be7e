"""ai.txt as Spawning wrote it: which kinds of files of a host may be used for training.

Facts (Spawning, ai.txt, 2023-05-30, https://spawning.ai/; its generator and what it writes; there is no specification)
- The file lies at `/ai.txt` and speaks for its host. Its lines are those of robots.txt: groups of `User-Agent`, `Allow`,
  `Disallow`.
- Patterns name kinds of files, `*.jpg`; `/` and `*` name all. It is asked when a file is downloaded, and is about training
  alone.
- Other formats bear the name: aitxt.ing (Markdown after front matter), draft-car-ai-txt-wellknown, a language of 2025. What
  has no `User-Agent` line is none of Spawning's.
- OURS, since no rules of matching were published: the kind of a file is the end of its path, whatever its case, without the
  query. Kinds and paths come before what names all. Among them the most octets win, and a disallow wins a tie.
- Markup is a page instead (page_instead.py). OURS: another format that nobody reads here is a Fault
  where it has words of refusal, and silence otherwise.
- OURS: groups are found as in robots.txt; words to crawlers known for training are counted by operator (agents.py).
"""
from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import unquote

from ..agents import training_operator
from ..limits import AI_TXT_BYTES, DETAIL_CHARS, MANY_OPERATORS, QUOTE_CHARS
from ..memo import memo
from ..model import Asker, Asset, Audience, Carrier, Evidence, Fault, FaultKind, Finding, Form, Preference, Statement
from ..vocab import meaning
from .page_instead import is_page, page_instead
from .robots_groups import Line, RobotsTxt, parse
from .robots_match import _Glob, normal_path, path_query

EVERYTHING = frozenset({"/", "*", "/*", "*$", "/*$", "*.*", "/*.*"})

_GROUP = re.compile(rb"^[ \t]*user-?agent[ \t]*:", re.IGNORECASE | re.MULTILINE)
_FRONT_MATTER = re.compile(rb"\s*---[ \t]*\r?\n")
_REFUSAL = re.compile(rb"disallow|prohibit|deny|no-?train|opt-?out|reserv|forbid|not (?:allowed|permitted)", re.IGNORECASE)
_NO_PATTERN = re.compile(rb"^[ \t]*disallow[ \t]*:[ \t]*([^/*#\s][^#\r\n]*)", re.IGNORECASE | re.MULTILINE)
_KIND = re.compile(r"/?\*(\.[^*$/?]+)\$?")



@dataclass(frozen=True, slots=True)
class _Rule:
    line: Line
    ending: str                          # ".jpg"; "" where the pattern is not a kind of file
    glob: _Glob
    is_everything: bool


@dataclass(frozen=True, slots=True)
class _File:
    robots: RobotsTxt | None = None      # None: the body is none of Spawning's
    rules: Mapping[int, tuple[_Rule, ...]] = field(default_factory=dict)     # id of a group -> its rules
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True, slots=True, order=True)
class _Answer:
    """The largest of several counts."""
    is_specific: bool
    octets: int
    is_disallow: bool
    line: Line = field(compare=False)
    note: str = field(compare=False, default="")

    @property
    def preference(self) -> Preference:
        return Preference.DISALLOW if self.is_disallow else Preference.ALLOW


def read(evidence: Evidence, asset: Asset, asker: Asker) -> list[Finding]:
    """What the file says of training with the asset, to the asker and to others."""
    file = _read(evidence.body)
    if file.robots is None:
        return list(file.faults)
    answers = _answers(file.robots, file.rules, asset.url)
    own = file.robots.key(asker.token) or "*"
    out: list[Finding] = []
    if own in answers:
        out += _statements(answers[own], Audience.EVERYONE if own == "*" else Audience.YOU, file.robots)
    out += _to_others({name: answer for name, answer in answers.items() if name != own}, file.robots)
    return [*out, *file.faults]


def _answers(robots: RobotsTxt, rules: Mapping[int, tuple[_Rule, ...]], url: str) -> dict[str, _Answer]:
    """What holds for each name in the file that has an answer. Every rule is matched once."""
    path, _ = normal_path(path_query(url))
    kind = unquote(path.partition("?")[0]).lower()
    best = {group: max((answer for rule in its if (answer := _answer(rule, path, kind))), default=None)
            for group, its in rules.items()}
    out: dict[str, _Answer] = {}
    for name in robots.names:
        told = [replace(answer, note=answer.note or group.names[name]) for group in robots.crawling_for(name)
                if (answer := best[id(group)])]
        if told:
            out[name] = max(told)
    return out


def _answer(rule: _Rule, path: str, kind: str) -> _Answer | None:
    is_disallow = rule.line.field == "disallow"
    if rule.is_everything:
        return _Answer(False, 0, is_disallow, rule.line, rule.line.note)
    if kind.endswith(rule.ending) if rule.ending else rule.glob.matches(path):
        return _Answer(True, len(rule.ending) or rule.glob.rank[0], is_disallow, rule.line, rule.line.note)
    return None


def _to_others(answers: Mapping[str, _Answer], robots: RobotsTxt) -> list[Statement]:
    """What is said to others than the asker: to trainers by how many are refused, to the rest once for each preference."""
    trainers: dict[str, _Answer] = {}
    others: dict[bool, _Answer] = {}
    for name, answer in answers.items():
        operator = training_operator(name) if answer.is_disallow else None
        if operator:
            trainers.setdefault(operator, answer)
        else:
            others.setdefault(answer.is_disallow, answer)
    many = len(trainers) >= MANY_OPERATORS
    audience = Audience.MANY_AI_TRAINING if many else Audience.SOME_AI_TRAINING
    told = [(answer, audience) for answer in list(trainers.values())[:1]]
    told += [(answer, Audience.OTHER) for answer in others.values()]
    return [statement for answer, audience in told for statement in _statements(answer, audience, robots)]


def _statements(answer: _Answer, audience: Audience, robots: RobotsTxt) -> list[Statement]:
    term = meaning("ai-txt", answer.line.field)
    return [Statement("ai-txt.file", use, answer.preference, audience, Form.LENIENT if answer.note else Form.EXACT,
                      where=f"line {answer.line.number}", quote=robots.text(answer.line.number)[:QUOTE_CHARS], note=answer.note)
            for use in (term.about(answer.preference) if term else ())]


@memo
def _read(body: bytes) -> _File:
    faults: list[Fault] = []
    if len(body) > AI_TXT_BYTES:
        body = body[:body.rfind(b"\n", 0, AI_TXT_BYTES) + 1]
        faults.append(_fault(FaultKind.TRUNCATED, f"only the first {len(body)} bytes were read"))
    start = body.lstrip(b"\xef\xbb\xbf \t\r\n")
    if is_page(body):
        return _File(faults=(page_instead(Carrier.AI_TXT),))
    if not start:
        return _File(faults=tuple(faults))
    if _FRONT_MATTER.match(start) or not _GROUP.search(start):
        if _REFUSAL.search(body):
            faults.append(_fault(FaultKind.MALFORMED, "another format than Spawning's, with words of refusal"))
        return _File(faults=tuple(faults))
    robots = parse(body)
    for lost in list(_NO_PATTERN.finditer(body))[:1]:
        number = body.count(b"\n", 0, lost.start()) + 1
        faults.append(_fault(FaultKind.MALFORMED, f"no pattern: {lost[1].decode('utf-8', 'replace').strip()}",
                             f"line {number}"))
    rules = {id(group): tuple(_rule(line) for line in group.rules) for group in robots.crawling}
    return _File(robots, rules, tuple(faults))


def _rule(line: Line) -> _Rule:
    kind = _KIND.fullmatch(line.value)
    ending = unquote(kind[1]).lower() if kind else ""
    return _Rule(line, ending, _Glob(line.value, (len(line.value), 0, 0)), line.value in EVERYTHING)


def _fault(kind: FaultKind, detail: str, where: str = "") -> Fault:
    return Fault(Carrier.AI_TXT, kind, detail[:DETAIL_CHARS], where)
