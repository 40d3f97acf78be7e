"""robots.txt: what its rules and the preferences in it say about one asset, to the asker and to others.

Facts
- Groups, merging and matching: robots_groups.py and robots_match.py (RFC 9309, https://www.rfc-editor.org/rfc/rfc9309).
- RFC 9309, 2.3.1.1: what can be parsed is used. OURS: binary data without one usable line are malformed, not silent;
  for markup see page_instead.py.
- draft-ietf-aipref-attach-05, 4 (https://datatracker.ietf.org/doc/draft-ietf-aipref-attach/05/): a Content-Usage value that
  starts with `/` is a path, white space and a statement, any other value is a statement for every path. The longest path is
  taken whole; statements for the same path combine, and a disallow wins. A path that may not be fetched has no preference.
  OURS: a statement without a path is the shortest; different paths of one length combine like the same path.
- RFC 9309, 2.3.1.4: a network that fails leaves the file unreachable. OURS: so does one that breaks off before the size that
  2.5 asks a crawler to read, because the rule that turns the asker away may have been still to come.
- RFC 9309, 2.2.1: rules before the first user-agent line hold for nobody. OURS: a preference there that refuses a use is
  malformed, not silent.
- OURS: who is no product token (2.2.1), nor a crawler known under another name, cannot be named by a robots.txt; where it names
  anybody, whether that is meant for such an asker stays unresolved.
- Content Signals Policy (https://contentsignals.org/): Content-Signal belongs to its group and knows no path. OURS: over merged
  lines `no` wins and the lowest `use` wins; `use=reference` adds nothing where `ai-input` is stated.
- draft-canel-robots-ai-control-00 (https://datatracker.ietf.org/doc/draft-canel-robots-ai-control/00/): DisallowAITraining and
  AllowAITraining are matched like Disallow. OURS: Disallow wins a tie.
- OURS: words to crawlers known for training (agents.py) are counted by operator and stated once a use; words to any other
  crawler are stated once a signal, use, preference and form.
"""
from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from ..agents import agents, product_token, training_operator
from ..limits import MANY_OPERATORS, QUOTE_CHARS, ROBOTS_BYTES, ROBOTS_LINE_BYTES
from ..memo import memo
from ..model import (
    Access,
    Asker,
    Asset,
    Audience,
    Carrier,
    Evidence,
    Fault,
    FaultKind,
    Finding,
    Form,
    Preference,
    Statement,
    Terms,
    Use,
)
from ..vocab import TERMS, Term
from . import aipref, content_signal
from .page_instead import page_instead
from .robots_groups import WS, Group, Line, RobotsTxt, octets, parse, whole_lines
from .robots_match import Path, Patterns, Rank, normal_path, normal_pattern, path_query

REMEMBERED_RULE_SETS = 64                # OURS: findings are kept for files with at most so many rule sets
REMEMBERED = 256                         # OURS: findings kept a file

_SPACE = re.compile(r"\s")

Said = tuple[Term, Preference, Line, str]            # the last: the deviation it took to read it
Heard = dict[str, Said]                              # word -> what holds


@dataclass(frozen=True, slots=True)
class Claim:
    """A Statement to one name in the file, before it is known who that is to the asker."""
    signal: str
    use: Use
    preference: Preference
    form: Form
    line: int
    note: str
    terms: Terms | None = None


class _Speech:
    """What one group says beside Allow and Disallow. Lines are parsed when they are first needed."""

    def __init__(self, group: Group) -> None:
        self._usages = [(line, *_path_and_statement(line.value)) for line in group.rules if line.field == "content-usage"]
        self._usage_paths = Patterns([(path, 0) for _, path, _ in self._usages])
        self._training = [line for line in group.rules
                          if line.field.endswith("aitraining") and line.value.startswith(("/", "*"))]
        self._training_paths = Patterns([(normal_pattern(line.value), int(line.field == "disallowaitraining"))
                                         for line in self._training])
        self.signals: Heard = {}
        for line in group.rules:
            if line.field == "content-signal":
                _hear(self.signals, ((term, preference, line, line.note or ("spelling" if lenient else ""))
                                     for term, preference, lenient in content_signal.parse(octets(line.value))))
        self._combined: dict[tuple[int, ...], Heard] = {}

    def usage(self, path: Path) -> tuple[int, tuple[int, ...]]:
        return self._usage_paths.longest(path)

    def usages(self, chosen: tuple[int, ...]) -> Heard:
        if chosen not in self._combined:
            if len(self._combined) >= REMEMBERED:
                self._combined.clear()
            heard = self._combined[chosen] = {}
            for i in chosen:
                line, _, statement = self._usages[i]
                _hear(heard, ((term, preference, line, line.note) for term, preference in aipref.parse(statement)))
        return self._combined[chosen]

    def unparsed(self, chosen: tuple[int, ...]) -> Line | None:
        """The first of these lines that seems to refuse something and cannot be parsed."""
        return next((self._usages[i][0] for i in chosen if aipref.intent_unparsed(self._usages[i][2])), None)

    def training(self, path: Path) -> Rank | None:
        return self._training_paths.best(path)

    def training_line(self, rank: Rank) -> Line:
        return self._training[-rank[2]]


class _Reading:
    """One file, and what was found in it for URLs that its rules treat alike."""

    def __init__(self, robots: RobotsTxt) -> None:
        self.robots = robots
        self.speeches = {id(group): _Speech(group) for group in robots.speaking if group.rules}
        self.known: dict[tuple[object, ...], tuple[Finding, ...]] = {}
        self.faults = tuple(_faults(robots))

    def findings(self, url: str, token: str) -> tuple[Finding, ...]:
        where = path_query(url)
        path, own = normal_path(where), self.robots.key(token)
        hold = _Holding(where == "/robots.txt", tuple([block.best(path) for block in self.robots.blocks]),
                        tuple([speech.usage(path) for speech in self.speeches.values()]),
                        tuple([speech.training(path) for speech in self.speeches.values()]))
        if len(self.robots.blocks) + len(self.speeches) > REMEMBERED_RULE_SETS:
            return self._find(_Hearing(self, hold), own)
        known = self.known.get((own, hold))
        if known is None:
            if len(self.known) >= REMEMBERED:
                self.known.clear()
            known = self.known[own, hold] = self._find(_Hearing(self, hold), own)
        return known

    def _find(self, heard: _Hearing, own: str | None) -> tuple[Finding, ...]:
        audience = Audience.EVERYONE if own is None else Audience.YOU
        out: list[Finding] = [self._statement(claim, audience) for claim in heard.claims(own or "*")]
        out += self._to_others(heard, own)
        out += self.faults
        if (line := heard.unparsed(own or "*")) is not None:
            out.append(Fault(Carrier.ROBOTS_TXT, FaultKind.MALFORMED,
                             "Content-Usage that cannot be parsed seems to refuse a use", f"line {line.number}"))
        return tuple(out)

    def _to_others(self, heard: _Hearing, own: str | None) -> list[Statement]:
        training: dict[tuple[object, ...], list[tuple[str, str, Claim]]] = {}
        others: dict[tuple[object, ...], Claim] = {}
        for name in self.robots.names:
            if name == (own or "*"):
                continue
            operator = training_operator(name)
            for claim in heard.claims(name):
                if operator and claim.preference is Preference.DISALLOW:
                    training.setdefault((claim.signal, claim.use, claim.terms), []).append((operator, name, claim))
                else:
                    others.setdefault((claim.signal, claim.use, claim.preference, claim.form), claim)
        return [*(self._to_trainers(told) for told in training.values()),
                *(self._statement(claim, Audience.OTHER) for claim in others.values())]

    def _to_trainers(self, told: list[tuple[str, str, Claim]]) -> Statement:
        exact = [one for one in told if one[2].form is Form.EXACT]
        if len({operator for operator, _, _ in exact}) >= MANY_OPERATORS:
            told = exact
        many = len({operator for operator, _, _ in told}) >= MANY_OPERATORS
        claim = next((c for _, _, c in told if c.form is not Form.EXACT), told[0][2])
        return Statement(
            claim.signal, claim.use, claim.preference, Audience.MANY_AI_TRAINING if many else Audience.SOME_AI_TRAINING,
            claim.form, terms=claim.terms, where=f"line {min(c.line for _, _, c in told)}", note=claim.note,
            quote=", ".join(dict.fromkeys(agents()[name].token for _, name, _ in told))[:QUOTE_CHARS])

    def _statement(self, claim: Claim, audience: Audience) -> Statement:
        return Statement(claim.signal, claim.use, claim.preference, audience, claim.form, terms=claim.terms,
                         where=f"line {claim.line}", quote=self.robots.text(claim.line)[:QUOTE_CHARS], note=claim.note)


class _Holding(NamedTuple):
    """Which rules of a file hold for one path: equal for paths about which it says the same."""
    always_allowed: bool
    ranks: tuple[Rank | None, ...]                       # of each of its blocks
    usage: tuple[tuple[int, tuple[int, ...]], ...]       # of each of its speeches
    training: tuple[Rank | None, ...]


class _Hearing:
    """What a file says by the rules that hold."""

    def __init__(self, reading: _Reading, hold: _Holding) -> None:
        self._robots, self._speeches = reading.robots, reading.speeches
        self._always_allowed = hold.always_allowed
        self._ranks = dict(enumerate(hold.ranks))
        self._usage = dict(zip(self._speeches, hold.usage, strict=True))
        self._training = dict(zip(self._speeches, hold.training, strict=True))

    def claims(self, name: str) -> list[Claim]:
        """What holds for the crawlers of a name."""
        out: list[Claim] = []
        allowed = True
        if not self._always_allowed and (decision := self._robots.decide(name, self._ranks)):
            group, line = decision
            allowed = line.field == "allow"
            preference = Preference.ALLOW if allowed else Preference.DISALLOW
            out += _claims("robots.rule", [_said("rep", preference, line, group.names[name])])
        training: tuple[Rank, Group] | None = None
        signals: Heard = {}
        for group in self._robots.speaking_for(name):
            if (speech := self._speeches.get(id(group))) is None:
                continue
            rank = self._training[id(group)]
            if rank is not None and (training is None or rank[:2] > training[0][:2]):
                training = rank, group
            _hear(signals, _called(group.names[name], speech.signals))
        if training is not None:
            rank, group = training
            line = self._speeches[id(group)].training_line(rank)
            preference = Preference.DISALLOW if rank[1] else Preference.ALLOW
            out += _claims("robots-ai.robots", [_said("robots-ai", preference, line, group.names[name])])
        if allowed:
            usage: Heard = {}
            for group, chosen in self._usage_for(name):
                _hear(usage, _called(group.names[name], self._speeches[id(group)].usages(chosen)))
            out += _claims("aipref.robots", usage.values())
        return out + _claims("content-signal.robots", _levelled(signals))

    def unparsed(self, name: str) -> Line | None:
        """A line that holds for a name, seems to refuse something and cannot be parsed."""
        found = (self._speeches[id(group)].unparsed(chosen) for group, chosen in self._usage_for(name))
        return next((line for line in found if line is not None), None)

    def _usage_for(self, name: str) -> list[tuple[Group, tuple[int, ...]]]:
        """The groups of a name whose Content-Usage has the longest path that matches, and which of their lines."""
        found = [(group, *self._usage[id(group)]) for group in self._robots.speaking_for(name) if id(group) in self._usage]
        longest = max((size for _, size, _ in found), default=-1)
        return [(group, chosen) for group, size, chosen in found if size == longest and chosen]


@memo
def _reading(body: bytes) -> _Reading:
    return _Reading(parse(body))


def read(evidence: Evidence, asset: Asset, asker: Asker) -> list[Finding]:
    """What robots.txt says to the asker and to others about fetching and using the asset. Where no rule matches, nothing."""
    broken_off = evidence.access is Access.TRUNCATED and len(evidence.body) < ROBOTS_BYTES
    reading = _reading(whole_lines(evidence.body) if evidence.access is Access.TRUNCATED else evidence.body)
    out: list[Finding] = [*reading.findings(asset.url, asker.token)]
    if broken_off:
        out.append(Fault(Carrier.ROBOTS_TXT, FaultKind.UNREACHABLE, f"it broke off after {len(evidence.body)} bytes"))
    if not _can_be_named(asker.token) and any(name != "*" for name in reading.robots.names):
        out.append(Fault(Carrier.ROBOTS_TXT, FaultKind.UNRESOLVED,
                         f"it names crawlers, and '{asker.token[:80]}' is no product token"))
    return out


@lru_cache(256)
def _can_be_named(token: str) -> bool:
    """Whether a user-agent line can mean this asker; "/version" is ignored."""
    name, _, version = token.partition("/")
    return token.lower() in agents() or (name != "" and product_token(name) == name and not _SPACE.search(version))


def _faults(robots: RobotsTxt) -> Iterable[Fault]:
    if robots.cut:
        yield Fault(Carrier.ROBOTS_TXT, FaultKind.TRUNCATED, f"only the first {robots.read_bytes} bytes were read")
    if robots.cut_lines:
        yield Fault(Carrier.ROBOTS_TXT, FaultKind.TRUNCATED, f"only the first {ROBOTS_LINE_BYTES} bytes of the rule were read",
                    f"line {robots.cut_lines[0]}")
    if robots.instead == "a page":
        yield page_instead(Carrier.ROBOTS_TXT)
    elif robots.instead:
        yield Fault(Carrier.ROBOTS_TXT, FaultKind.MALFORMED, f"{robots.instead} instead of robots.txt")
    if (line := next(filter(_refuses, robots.unaddressed), None)) is not None:
        yield Fault(Carrier.ROBOTS_TXT, FaultKind.MALFORMED, "a refusal before the first user-agent line holds for nobody",
                    f"line {line.number}")


def _refuses(line: Line) -> bool:
    """Whether a preference refuses some use, on whatever path."""
    if line.field == "content-signal":
        return any(preference is Preference.DISALLOW for _, preference, _ in content_signal.parse(octets(line.value)))
    statement = _path_and_statement(line.value)[1]
    return line.field == "disallowaitraining" or (line.field == "content-usage" and (
        aipref.intent_unparsed(statement) or Preference.DISALLOW in {preference for _, preference in aipref.parse(statement)}))


def _path_and_statement(value: str) -> tuple[str, str]:
    """Pattern in normal form and statement of a Content-Usage value; "" where it has no path."""
    if not value.startswith("/"):
        return "", octets(value)
    path, _, statement = value.replace("\t", " ").partition(" ")
    return normal_pattern(path), octets(statement.strip(WS))


def _said(protocol: str, preference: Preference, line: Line, deviation: str) -> Said:
    return TERMS[protocol, line.field], preference, line, line.note or deviation


def _called(deviation: str, heard: Heard) -> Iterable[Said]:
    """What a group says to a name that it took a deviation to find in it."""
    return ((term, preference, line, note or deviation) for term, preference, line, note in heard.values())


def _hear(heard: Heard, said: Iterable[Said]) -> None:
    """Add what is said; a disallow takes the place of an allow."""
    for one in said:
        word, preference = one[0].word, one[1]
        if word not in heard or (preference is Preference.DISALLOW and heard[word][1] is Preference.ALLOW):
            heard[word] = one


def _levelled(signals: Heard) -> list[Said]:
    """Content Signals with one level of `use` at most."""
    needless = {"use=reference"} if "use=immediate" in signals or "ai-input" in signals else set()
    return [said for word, said in signals.items() if word not in needless]


def _claims(signal: str, said: Iterable[Said]) -> list[Claim]:
    out = []
    for term, preference, line, note in said:
        form = term.form if term.form is not Form.EXACT else Form.LENIENT if note else Form.EXACT
        terms = Terms(conditions=(term.word,)) if term.word.startswith("use=") else None
        if term.protocol == "aipref" and preference is Preference.DISALLOW:
            terms = aipref.terms(_path_and_statement(line.value)[1], term.word)
        out += [Claim(signal, use, preference, form, line.number, note, terms) for use in term.about(preference)]
    return out
