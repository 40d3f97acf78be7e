"""Run the examples of a policy: what its author says will come out, against what comes out.

Facts (rules/README.md, 'The policy file')
- An example gives carriers in the bytes that a publisher would send, or a word of Access for bytes that did not come.
- An example is about one use, and names every row that decides; no row named means that `silence` decides.
- `load_policy` proves the rows against all that readers can say; the examples show that readers say it.
"""
from __future__ import annotations

from .assess import assess
from .model import Access, Asker, Assessment, Asset, Carrier, Evidence
from .policy import Example, Policy

URL = "https://example.org/a"
TOKEN = "OurBot"                     # noqa: S105, a product token
WORDS = frozenset(a.value for a in Access)


def run_examples(policy: Policy) -> list[str]:
    """One `file:line: what is wrong` for each example that comes out differently. Empty: all come out as written."""
    return [f"{policy.file}:{e.line}: example '{e.name}': {wrong}" for e in policy.examples if (wrong := _compare(policy, e))]


def run_example(policy: Policy, example: Example) -> Assessment:
    """What becomes of the bytes that an example gives."""
    asset = Asset(**{"url": URL, **example.asset})
    evidence = [_evidence(Carrier(c), asset.url, given) for c, given in example.given.items()]
    return assess(asset, evidence, policy, _asker(example))


def _compare(policy: Policy, example: Example) -> str:
    decision = run_example(policy, example).decisions[example.use]
    rows = tuple(dict.fromkeys(r.rule for r in decision.decisive))
    if decision.verdict.value == example.verdict and set(rows) == set(example.by):
        return ""
    return (f"{example.use.value} is {decision.verdict.value} by {_rows(rows)}, "
            f"where {example.verdict} by {_rows(example.by)} is written")


def _rows(ids: tuple[str, ...]) -> str:
    return ", ".join(ids) or "silence"


def _evidence(carrier: Carrier, url: str, given: str) -> Evidence:
    if given in WORDS:
        return Evidence(carrier, url, None, Access(given))
    return Evidence(carrier, url, None, Access.OBTAINED, given.encode())


def _asker(example: Example) -> Asker:
    said = example.asker
    return Asker(said.get("token", TOKEN), said.get("commercial", "true") == "true", said.get("country", ""))
