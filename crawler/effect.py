"""The effect matrix: what the words of a site come to for every known crawler, use by use. What is said to whom; no law.

**Facts**
- A crawler hears what is said to it by name or to everyone; what is said to others is not about it (RFC 9309, 2.2.1:
  https://www.rfc-editor.org/rfc/rfc9309). Words that another carrier of the same protocol supersedes, and words about media
  that are embedded in the asset, are not about it either.
- `fetch` is what rfc9309-crawl decides for the crawler's token. Whoever may not fetch a thing cannot use it, so turning a
  crawler away refuses every use to it.
- Control tokens (Google-Extended) never fetch. A rule for one refuses or allows the uses that it controls (agents.yaml).
  OURS: leave for `*` to fetch is no leave for these uses.
- OURS: in the other columns a refusal outweighs what could not be read, and that outweighs an allowance: nothing is called
  allowed, nor nothing said, where a refusal may stand unread. A site file that the server does not show, or a page in its
  place, counts as no file (RFC 9309, 2.3.1.3; TDMRep, 6.1).
- OURS: `train` is training of generative models, the one kind of training about which every protocol has a word.
- OURS: crawlers to which all carriers speak alike are asked about once, so that a page costs a few readings, not one a crawler.
"""
from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cache

from rules import (
    Asker,
    Asset,
    Audience,
    Carrier,
    Effect,
    Evidence,
    Fault,
    FaultKind,
    Finding,
    Preference,
    Statement,
    Subject,
    Use,
    find,
    judge,
)
from rules import html as pages
from rules.agents import Agent, Purpose, agents
from rules.policies import load
from rules.references import SITE_FILES
from rules.signals import SIGNALS, robots_groups
from rules.vocab import ATOMS, TERMS, bears

COLUMNS: dict[str, Use] = {"fetch": Use.CRAWL, "search": Use.SEARCH, "train": Use.TRAIN_GENAI, "ai-use": Use.AI_USE}
FETCH = "rfc9309-crawl"                  # the policy that decides about fetching
LOOKED_AT = (Carrier.ROBOTS_TXT, Carrier.TDMREP_JSON, Carrier.HTTP_FIELDS, Carrier.BODY)     # unseen, they are no silence
AS_NONE = (FaultKind.REFUSED, FaultKind.INSTEAD)         # site files that nobody is shown say nothing
HEARD = (Audience.YOU, Audience.EVERYONE)

CONTROLS = frozenset({Purpose.TRAINING_CONTROL, Purpose.TRAINING_AND_GROUNDING_CONTROL, Purpose.DATASET_CONTROL})

# What a crawler is run for, among the columns. A control token controls exactly these.
SERVES: dict[Purpose, frozenset[Use]] = {
    **dict.fromkeys((Purpose.TRAINING, Purpose.DATASET, Purpose.TRAINING_CONTROL, Purpose.DATASET_CONTROL,
                     Purpose.RESEARCH_AND_DEVELOPMENT), frozenset({Use.TRAIN_GENAI})),
    **dict.fromkeys((Purpose.USER_FETCH, Purpose.AGENT, Purpose.CUSTOMER_REQUESTED_CRAWL), frozenset({Use.AI_USE})),
    **dict.fromkeys((Purpose.ADS_CHECK, Purpose.PREVIEW), frozenset()),
    Purpose.SEARCH_INDEX: frozenset({Use.SEARCH, Use.AI_USE}),
    Purpose.TRAINING_AND_GROUNDING_CONTROL: frozenset({Use.TRAIN_GENAI, Use.AI_USE}),
    **dict.fromkeys((Purpose.SEARCH_INDEX_AND_TRAINING, Purpose.SCRAPING_SERVICE, Purpose.TOOL_DEFAULT_UA, Purpose.UNKNOWN),
                    frozenset({Use.SEARCH, Use.TRAIN_GENAI, Use.AI_USE})),
}


class Answer(Enum):
    """What the words come to for one crawler and one use."""
    ALLOWED = "allowed"
    REFUSED = "refused"
    SILENT = "nothing-said"
    UNKNOWN = "cannot-be-told"           # something that could refuse it was not read
    NEVER = "never-fetches"              # a control token, asked about fetching


@dataclass(frozen=True, slots=True)
class Cell:
    """An answer, and the findings that make it so: () where nothing is said. Their texts are words of strangers."""
    answer: Answer
    because: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """One crawler. `agent` is None for a token that agents.yaml does not know."""
    token: str
    agent: Agent | None
    cells: Mapping[Use, Cell]

    def answer(self, use: Use) -> Answer:
        return self.cells[use].answer

    def concerns(self, use: Use) -> bool:
        """Whether the crawler is run for this use, as far as is known; fetching concerns all that fetch."""
        if self.agent is None:
            return True
        return not self.agent.control_only if use is Use.CRAWL else use in SERVES[self.agent.purpose]


def effect(asset: Asset, evidence: Iterable[Evidence], tokens: Iterable[str] | None = None,
           uses: Iterable[Use] = tuple(COLUMNS.values())) -> tuple[Row, ...]:
    """A row a crawler, in the order of `tokens`; without them all of agents.yaml. Cost: one reading of the evidence for each
    way in which the carriers tell crawlers apart."""
    evidence, uses = tuple(evidence), tuple(uses)
    alike, heard = _alike(asset, evidence), {}
    out = []
    for token in known_tokens() if tokens is None else tokens:
        agent = agents().get(token.lower())
        kind = alike(token)
        if kind not in heard:
            heard[kind] = _Heard(asset, evidence, token)
        out.append(Row(token, agent, heard[kind].cells(uses, agent)))
    return tuple(out)


@cache
def known_tokens() -> tuple[str, ...]:
    """The token of every crawler in agents.yaml, once."""
    return tuple(dict.fromkeys(agent.token for agent in agents().values()))


class _Heard:
    """What is said to one crawler, and to all like it."""

    def __init__(self, asset: Asset, evidence: tuple[Evidence, ...], token: str) -> None:
        asker = Asker(token)
        findings = find(evidence, asset, asker)
        fetching = judge(asset, asker, evidence, findings, load(FETCH))
        decision = fetching.decisions[Use.CRAWL]
        self._fetch = Cell(_FETCHING[max((r.effect for r in decision.reasons), default=Effect.IGNORE)],
                           tuple(fetching.findings[r.finding] for r in decision.decisive))
        self._said = tuple(f for f in findings if isinstance(f, Statement) and not f.superseded_by
                           and f.audience in HEARD and f.subject is Subject.ASSET)
        unseen = (Fault(c, FaultKind.NOT_COLLECTED, "no evidence was given") for c in LOOKED_AT if c not in
                  {e.carrier for e in evidence})
        self._unread = tuple(f for f in (*findings, *unseen) if isinstance(f, Fault)
                             and not (f.kind in AS_NONE and f.carrier in SITE_FILES))
        self._rules = tuple(f for f in self._fetch.because if isinstance(f, Statement) and (
            f.preference is Preference.DISALLOW or f.audience is Audience.YOU))
        self._cells: dict[tuple[Purpose | None, bool], Mapping[Use, Cell]] = {}

    def cells(self, uses: tuple[Use, ...], agent: Agent | None) -> Mapping[Use, Cell]:
        """A cell a use; for all but control tokens the same."""
        kind = (agent.purpose if agent.purpose in CONTROLS else None, agent.control_only) if agent else (None, False)
        if kind not in self._cells:
            self._cells[kind] = {use: self._cell(use, *kind) for use in uses}
        return self._cells[kind]

    def _cell(self, use: Use, control: Purpose | None, control_only: bool) -> Cell:
        if use is Use.CRAWL:
            return Cell(Answer.NEVER) if control_only else self._fetch
        bearing = use in SERVES[control] if control else self._fetch.answer is Answer.REFUSED
        said = (*(f for f in self._said if bears(f.use, f.preference, use)), *(self._rules if bearing else ()))
        return _weighed(said, tuple(f for f in self._unread if use in could_refuse(f.carrier)))


def _weighed(said: tuple[Statement, ...], unread: tuple[Finding, ...]) -> Cell:
    """The strongest answer: a refusal, then what could not be read, then an allowance."""
    refusing = tuple(f for f in said if f.preference is Preference.DISALLOW)
    for because, answer in ((refusing, Answer.REFUSED), (unread, Answer.UNKNOWN), (said, Answer.ALLOWED)):
        if because:
            return Cell(answer, because)
    return Cell(Answer.SILENT)


_FETCHING = {Effect.IGNORE: Answer.SILENT, Effect.PERMIT: Answer.ALLOWED, Effect.HOLD: Answer.UNKNOWN,
             Effect.PROHIBIT: Answer.REFUSED}


@cache
def could_refuse(carrier: Carrier) -> frozenset[Use]:
    """Every use that some signal of a carrier can refuse: what may stand there unread. For robots.txt not fetching, which is
    the question of another column."""
    atoms = {atom for s in SIGNALS.values() if s.carrier is carrier and Preference.DISALLOW in s.preferences
             for stated in s.uses for atom in ATOMS[stated]}
    return frozenset(use for use in Use if ATOMS[use] & atoms)


def _alike(asset: Asset, evidence: tuple[Evidence, ...]) -> Callable[[str], object]:
    """A key that is equal for crawlers to which everything here says the same."""
    robots = [robots_groups.parse(e.body) for e in evidence if e.carrier is Carrier.ROBOTS_TXT and e.has_bytes]
    named, listed = set(_named(asset, evidence)), b"\n".join(
        e.body.lower() for e in evidence if e.carrier in (Carrier.HTTP_FIELDS, Carrier.EMBEDDING_FIELDS, Carrier.AI_TXT))
    own = {word.partition("@")[2] for _, word in TERMS} - {""}     # operators that read a word in their own way

    def key(token: str) -> object:
        lower = token.lower()
        agent = agents().get(lower)
        operator = agent.operator.lower() if agent else token
        heard = []
        for file in robots:
            name = file.key(token)
            groups = (*file.crawling_for(name or "*"), *file.speaking_for(name or "*"))
            heard.append((name is None, *((id(g), g.names[name or "*"]) for g in groups)))
        is_named = lower in named or lower.encode() in listed
        return (agent is None and token, operator if operator in own else "", is_named and lower, *heard)
    return key


def _named(asset: Asset, evidence: tuple[Evidence, ...]) -> Iterator[str]:
    """Names that metas of the page are addressed to."""
    for e in evidence:
        if e.carrier in (Carrier.BODY, Carrier.EMBEDDING_PAGE) and e.has_bytes:
            about = asset if e.carrier is Carrier.BODY else Asset(e.uri, "text/html")
            yield from (meta.name for meta in pages.read(e, about).metas)
