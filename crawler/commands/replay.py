"""`maymine replay`: do the evidence and the rules still give the records of a run, byte for byte?"""
from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from . import CLEAN, FINDINGS, UNDECIDED, options, runs

if TYPE_CHECKING:
    from ..rerun import Replayed

TOLD = 20                            # differences that are told one by one, if not all are wanted


@click.command("replay", epilog=options.example("maymine replay run", "maymine replay run --format jsonl -v | jq .detail"))
@runs.run
@click.option("-v", "--verbose", is_flag=True, help="Tell every difference.")
@options.format("text", "json", "jsonl")
@click.pass_context
def command(ctx: click.Context, run: Path, verbose: bool, form: str) -> None:
    """Read the evidence of a run again and compare.

    Every piece of evidence is compared with its digest and assessed anew by the policies as they were; the record that comes
    out is compared with the one that is kept, byte for byte. Files are compared with the digests in the manifest.

    Exit code: 0 all is the same, 1 something differs, 2 there is no such run, 3 nothing differs, and some evidence was
    not kept or its archive is gone, or there are no records.
    """
    from ..rerun import Outcome, replay, summary, tally
    from ..terminal import progress, say, table
    from .output import values
    told: list[Replayed] = []
    gone: set[str] = set()               # archives, each told once and not for every record
    left = 0

    def tell(one: Replayed) -> None:
        nonlocal left
        if one.outcome is Outcome.GONE:
            if one.of in gone:
                return
            gone.add(one.of)
        if verbose or len(told) < TOLD:
            told.append(one)
        else:
            left += 1
    with runs.reading(ctx, run), progress("replaying") as done:
        counts = tally(replay(run, done), tell)
    outcome = summary(counts)
    if form == "text":
        for one in told:
            about = (one.of, "" if one.outcome is Outcome.GONE else one.policy)
            say(f"{one.outcome.value}: {' '.join(filter(None, about))}: {one.detail}")
        if left:
            say(f"... and {left} more; -v tells all of them.")
        if counts:
            table(("outcome", "count"), [(o.value, counts[o]) for o in Outcome if counts[o]])
    else:
        values(form, [{"outcome": one.outcome.value, "of": one.of, "policy": one.policy, "detail": one.detail} for one in told])
    if not counts:
        say(f"{run} holds no records; there is nothing to replay.", err=True)
        ctx.exit(UNDECIDED)
    ctx.exit({Outcome.SAME: CLEAN, Outcome.NOT_KEPT: UNDECIDED, Outcome.GONE: UNDECIDED}.get(outcome, FINDINGS))
