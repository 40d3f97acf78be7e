"""`maymine agents`: who the crawlers are that robots.txt files name."""
from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from . import options

if TYPE_CHECKING:
    from rules.agents import Agent


@click.command("agents", epilog=options.example(
    "maymine agents GPTBot ClaudeBot", "maymine agents --operator google --purpose search-index"))
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--operator", default="", metavar="TEXT", help="Only those whose operator's name contains this.")
@click.option("--purpose", default="", metavar="WORD", help="Only those that fetch for this, like training or search-index.")
@options.format("text", "json", "jsonl")
def command(names: tuple[str, ...], operator: str, purpose: str, form: str) -> None:
    """Tell who a crawler is: operator, purpose, whether the operator says that it obeys robots.txt, and how to verify it.

    What operators say of themselves is a claim, not a measurement. The names count in one place: where robots.txt turns
    named crawlers away, the training crawlers of how many operators are among them.
    """
    from rules.agents import Purpose, agents

    from ..terminal import table
    from .output import values
    purposes = tuple(p.value for p in Purpose)
    if purpose and purpose not in purposes:
        raise click.BadParameter(options.unknown(purpose, purposes, "purpose"), param_hint="--purpose")
    known = agents()
    for name in names:
        if name.lower() not in known:
            raise click.BadParameter(options.unlisted(name, tuple(a.token for a in known.values()), "crawler in the table"),
                                     param_hint="NAME")
    wanted = {known[name.lower()].token for name in names} or {a.token for a in known.values()}
    found = {a.token: a for a in known.values() if a.token in wanted and operator.lower() in a.operator.lower()
             and purpose in ("", a.purpose.value)}
    if form != "text":
        values(form, map(describe, found.values()))
        return
    table(("token", "operator", "purpose", "says it obeys robots.txt", "verified by", "known from"),
          [(a.token, a.operator, a.purpose.value, a.obeys_robots, verified_by(a), a.confidence) for a in found.values()])


def verified_by(agent: Agent) -> str:
    """How somebody who finds this name in a log can tell whether it is true."""
    if agent.control_only:
        return "it never fetches"
    ways = [f"address list ({agent.ip_ranges[0]})"] if agent.ip_ranges else []
    ways += [f"reverse DNS ({', '.join(agent.rdns_suffixes)})"] if agent.rdns_suffixes else []
    ways += [f"signature ({', '.join(agent.signature_agent)})"] if agent.signature_agent else []
    return "; ".join(ways) or "nothing is published"


def describe(agent: Agent) -> dict[str, Any]:
    """One row, without what is empty."""
    from rules.agents import FOR_TRAINING
    row = {"token": agent.token, "also_known_as": agent.also_known_as, "operator": agent.operator,
           "purpose": agent.purpose.value, "for_training": agent.purpose in FOR_TRAINING,
           "obeys_robots": agent.obeys_robots, "confidence": agent.confidence,
           "control_only": agent.control_only, "product_token": agent.is_product_token, "ip_ranges": agent.ip_ranges,
           "rdns_suffixes": agent.rdns_suffixes, "signature_agent": agent.signature_agent,
           "verified_by": verified_by(agent), "docs": agent.docs,
           "sources": agent.sources, "note": agent.note}
    return {k: v for k, v in row.items() if v not in ("", ())}
