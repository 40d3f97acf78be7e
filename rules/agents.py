"""Known AI crawlers: who runs the one that answers to a token, and for what.

Facts
- RFC 9309, 2.2.1 (https://www.rfc-editor.org/rfc/rfc9309): a product token holds letters, `_` and `-` only, and is compared
  without regard to case. Some crawlers have names that are no such token (`img2dataset`, `Kangaroo Bot`).
- Some tokens never fetch (`Google-Extended`): they stand in robots.txt only, to control a use.
- OURS: turning a crawler away is counted as a stance about training where it is run for training or for data sets, alone or
  beside a search index, and where its token controls such a use. Fetching for a user, previews and ads never count.
The table is agents.yaml.
"""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cache

from .data import read
from .strict_yaml import Node, load


class Purpose(Enum):
    """What a crawler fetches for."""
    TRAINING = "training"
    DATASET = "dataset"
    SEARCH_INDEX = "search-index"
    SEARCH_INDEX_AND_TRAINING = "search-index-and-training"
    USER_FETCH = "user-fetch"
    AGENT = "agent"
    ADS_CHECK = "ads-check"
    PREVIEW = "preview"
    RESEARCH_AND_DEVELOPMENT = "research-and-development"
    CUSTOMER_REQUESTED_CRAWL = "customer-requested-crawl"
    SCRAPING_SERVICE = "scraping-service"
    TOOL_DEFAULT_UA = "tool-default-ua"
    TRAINING_CONTROL = "training-control"
    TRAINING_AND_GROUNDING_CONTROL = "training-and-grounding-control"
    DATASET_CONTROL = "dataset-control"
    UNKNOWN = "unknown"


FOR_TRAINING = frozenset({
    Purpose.TRAINING, Purpose.DATASET, Purpose.SEARCH_INDEX_AND_TRAINING,
    Purpose.TRAINING_CONTROL, Purpose.TRAINING_AND_GROUNDING_CONTROL, Purpose.DATASET_CONTROL})
OBEYS = ("yes", "no", "partial", "not-stated", "disputed", "depends-on-user", "unknown")
OPTIONAL = ("also-known-as", "control-only", "ip-ranges", "rdns-suffixes", "signature-agent", "docs", "sources", "note")
CONFIDENCE = ("documented", "reported", "legacy", "disputed")


@dataclass(frozen=True, slots=True)
class Agent:
    token: str                       # as its operator writes it
    operator: str                    # one spelling each; "any user" and "unknown" are nobody in particular
    purpose: Purpose
    obeys_robots: str                # what the operator says, one of OBEYS
    confidence: str                  # one of CONFIDENCE
    also_known_as: tuple[str, ...] = ()
    control_only: bool = False       # stands in robots.txt only; a request under this name is not genuine
    ip_ranges: tuple[str, ...] = ()  # URLs of address lists
    rdns_suffixes: tuple[str, ...] = ()      # each with its leading dot; to be confirmed by a forward look-up
    signature_agent: tuple[str, ...] = ()    # hosts of Web Bot Auth keys
    docs: str = ""
    sources: tuple[str, ...] = ()    # keys of `sources` in agents.yaml
    note: str = ""

    @property
    def is_product_token(self) -> bool:
        """Whether a robots.txt can name it in the words of RFC 9309."""
        return product_token(self.token) == self.token


def product_token(name: str) -> str:
    """The part of a name that RFC 9309 (2.2.1) takes for the token: up to the first other character."""
    end = next((i for i, c in enumerate(name) if not (c.isascii() and (c.isalpha() or c in "_-"))), len(name))
    return name[:end]


@cache
def agents() -> Mapping[str, Agent]:
    """Every agent by each of its names in lower case."""
    root = load(read("agents.yaml"), "agents.yaml").fields(("as-of", "sources", "agents"))
    sources = tuple(root["sources"].pairs())
    out: dict[str, Agent] = {}
    for node in root["agents"].items():
        agent = _agent(node, sources)
        for name in (agent.token, *agent.also_known_as):
            if name.lower() in out:
                node.error(f"'{name}' stands twice")
            out[name.lower()] = agent
    return out


def _agent(node: Node, sources: tuple[str, ...]) -> Agent:
    f = node.fields(("token", "operator", "purpose", "obeys-robots", "confidence"), OPTIONAL)

    def several(name: str) -> tuple[str, ...]:
        return tuple(f[name].texts()) if name in f else ()

    def one(name: str) -> str:
        return f[name].text() if name in f else ""

    return Agent(
        token=f["token"].text(), operator=f["operator"].text(), purpose=f["purpose"].member(Purpose),
        obeys_robots=f["obeys-robots"].word(OBEYS), confidence=f["confidence"].word(CONFIDENCE),
        also_known_as=several("also-known-as"), control_only=one("control-only") == "yes",
        ip_ranges=several("ip-ranges"), rdns_suffixes=several("rdns-suffixes"), signature_agent=several("signature-agent"),
        docs=one("docs"), note=one("note"),
        sources=tuple(n.word(sources) for n in f["sources"].each()) if "sources" in f else ())


def training_operator(token: str) -> str | None:
    """Operator of the crawler with this name, if it stands for training or data sets. `token`: lower case."""
    agent = agents().get(token)
    return agent.operator if agent and agent.purpose in FOR_TRAINING else None
