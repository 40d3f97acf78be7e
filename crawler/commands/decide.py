"""`maymine decide`: one more policy over a run, from its findings."""
from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from . import options, runs
from .filter import AsOf, time_of

if TYPE_CHECKING:
    from rules.policy import Policy


@click.command("decide", epilog=options.example(
    "maymine decide run --policy strictest", "maymine decide run --policy ./my-house.yaml -o what-if",
    "maymine decide run --policy eu-dsm-art4 --register licences.csv -o licensed"))
@runs.run
@click.option("--policy", type=options.PolicyName(), required=True, metavar="NAME|FILE",
              help="Decide by this policy. See 'maymine policy list'.")
@click.option("-o", "--output", "out", type=click.Path(file_okay=False, path_type=Path), metavar="FOLDER",
              help="Make a run of its own here, and leave RUN as it is. The evidence stays where it lies.")
@options.registers
@click.option("--as-of", type=AsOf(), default="capture", show_default=True, metavar="capture|now|TIME",
              help="Judge the terms of registers by the time when a page was captured, or by another.")
@click.option("--again", is_flag=True, help="Decide anew what an earlier 'decide' did in RUN.")
@options.format("text", "json", "jsonl")
@click.pass_context
def command(ctx: click.Context, run: Path, policy: Policy, out: Path | None, registers: options.Registered, as_of: str,
            again: bool, form: str) -> None:
    """Decide every page of a run by another policy.

    Nothing is fetched and no evidence is read: findings do not depend on the policy. With --register, what these registers say
    takes the place of what those of the run said. The new records join RUN, so that a query
    over RUN/records/*.parquet can compare policies.

    Exit code: 0 every page was decided, whatever the verdicts are; 2 RUN is no run, has this policy already, or cannot be
    written; 3 its records cannot be read.
    """
    from rules import Verdict

    from ..registers.kept import Kept
    from ..rerun import decide
    from ..terminal import progress, table
    from .output import values
    if why := options.unwritable(out or run):
        raise click.UsageError(f"cannot write {out or run}: {why}; use -o for another folder")
    listed = registers.open()
    kept = Kept(listed, time_of(as_of)) if listed else None
    with runs.reading(ctx, run), progress(f"deciding by {policy.id}") as done:
        counts = decide(run, policy, out, again, done, kept)
    rows = [{"policy": policy.id, "use": use.value, **{v.value: counts.get(use.value, {}).get(v.value, 0) for v in Verdict}}
            for use in policy.uses]
    if form == "text":
        table(list(rows[0]), [list(row.values()) for row in rows])
    else:
        values(form, rows)
