"""`maymine audit-pack`: a sample of a run for somebody who does not trust its owner, and the check of it."""
from __future__ import annotations

from pathlib import Path

import click

from . import CLEAN, FINDINGS, UNDECIDED, options, runs

TOLD = 20                            # faults that are told one by one


class Pack(click.Group):
    """A folder in the place of a verb is a run of which a pack is to be made."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] not in ctx.help_option_names:
            args = ["make", *args]
        return super().parse_args(ctx, args)


@click.group("audit-pack", cls=Pack, short_help="Draw a sample of a run that anyone can decide again.", epilog=options.example(
    "maymine audit-pack root RUN                                  # publish what it prints",
    "maymine audit-pack RUN --sample 200 --seed 'their words' -o PACK",
    "maymine audit-pack verify PACK --root sha256:...             # whoever has the pack"))
def command() -> None:
    """Let somebody decide a sample of a run again who does not trust its owner.

    First the owner publishes the root of the run: one digest that stands for all its records. Then the auditor names a seed.
    The sample follows from the two, so that nobody can choose it. The pack holds the records of the sample with their evidence,
    the policies as they were, what registers said of these pages, proofs of their places in the run, and VERIFY.md.
    """


@command.command(epilog=options.example("maymine audit-pack root RUN"))
@runs.run
@options.format("text", "json")
@click.pass_context
def root(ctx: click.Context, run: Path, form: str) -> None:
    """Print the root of a run: the digest that stands for all its records.

    It changes when 'maymine decide' adds records to the run.

    Exit code: 0 printed, 2 RUN is no run that has ended, 3 its records cannot be read.
    """
    from ..audit_pack import head_of, root_of
    from ..terminal import progress, say
    from .output import values
    with runs.reading(ctx, run), progress("reading records") as done:
        head, tree = head_of(run, done)
    if form == "json":
        values("jsonl", [{"root": root_of(head), "records": tree.size, "head": head.decode()}])
    else:
        say(root_of(head))


@command.command(epilog=options.example("maymine audit-pack make RUN --sample 200 --seed 2026-11-26/court -o PACK"))
@runs.run
@click.option("--sample", type=click.IntRange(1, 1_000_000), required=True, metavar="N", help="How many records to draw.")
@click.option("--seed", required=True, metavar="TEXT",
              help="Words that the auditor chose after the root of the run was published, on one line.")
@click.option("-o", "--output", "out", type=click.Path(file_okay=False, path_type=Path), required=True, metavar="PACK",
              help="Folder that is written, empty or new.")
@options.format("text", "json")
@click.pass_context
def make(ctx: click.Context, run: Path, sample: int, seed: str, out: Path, form: str) -> None:
    """Draw a sample and write the pack; the name of this command may be left out.

    Exit code: 0 written, 2 RUN or PACK is not as it must be, 3 records or evidence cannot be read, or the run did not keep the
    evidence of all that was drawn, and so it cannot all be decided again.
    """
    from .. import audit_pack
    from ..terminal import counted, progress, say
    from .output import values
    if why := options.unwritable(out):
        raise click.UsageError(f"cannot write {out}: {why}")
    with runs.reading(ctx, run), progress("reading records") as done:
        made = audit_pack.make(run, out, sample, seed, done)
    if form == "json":
        values("jsonl", [{"pack": str(out), "root": made.root, "records": made.records, "sample": made.sample,
                          "not_kept": made.not_kept}])
    else:
        say(f"{counted(made.sample, 'record')} of {made.records:,}; root of the run: {made.root}")
    if made.not_kept:
        say(f"The run did not keep the bytes of {counted(made.not_kept, 'piece')} of evidence; what needs them cannot be "
            "decided again.", err=True)
    ctx.exit(UNDECIDED if made.not_kept else CLEAN)


@command.command(epilog=options.example("maymine audit-pack verify PACK --root sha256:4f1c..."))
@click.argument("pack", type=click.Path(exists=True, file_okay=False, path_type=Path), metavar="PACK")
@click.option("--root", default="", metavar="DIGEST", help="Root of the run, from another place than the pack.")
@options.format("text", "json")
@click.pass_context
def verify(ctx: click.Context, pack: Path, root: str, form: str) -> None:
    """Check a pack: every byte, the run that was announced, the sample that was to be drawn; then decide each record again.

    Exit code: 0 all is as it must be, 1 something is not, 2 PACK is no pack or DIGEST is none, 3 nothing is wrong, and some
    evidence was not kept.
    """
    from ..audit_pack import SUMS
    from ..audit_verify import ROOT
    from ..audit_verify import verify as check
    from ..rerun import Outcome
    from ..terminal import counted, progress, say
    from .output import values
    if not any((pack / name).exists() for name in (SUMS, "head.json")):
        raise click.UsageError(f"{pack} is no audit pack: it has no {SUMS}; 'maymine audit-pack make' writes one")
    if root and not ROOT.fullmatch(root):
        raise click.UsageError(f"--root: '{root}' is no root of a run; that is sha256: and 64 digits; see "
                               "'maymine audit-pack root'")
    with progress("deciding again") as done:
        found = check(pack, root, done)
    if form == "json":
        values("jsonl", [{"root": found.root, "announced": found.announced, "records": found.records, "sample": found.sample,
                          "outcomes": {o.value: n for o, n in found.outcomes.items()},
                          "faults": [{"what": what, "why": why} for what, why in found.faults]}])
    else:
        for what, why in found.faults[:TOLD]:
            say(f"{what}: {why}")
        if len(found.faults) > TOLD:
            say(f"... and {len(found.faults) - TOLD} more; --format json tells them.")
        if found.outcomes:
            say(f"{found.outcomes[Outcome.SAME]} of {counted(found.sample, 'record')} decided again alike, out of "
                f"{found.records:,} of the run; root: {found.root}")
        if found.outcomes[Outcome.NOT_KEPT]:
            say(f"{found.outcomes[Outcome.NOT_KEPT]} could not be decided again: the run did not keep their evidence.")
        if not found.announced:
            say("The root was not compared: give --root with the one that was published before the seed was known.", err=True)
    ctx.exit(FINDINGS if found.faults else UNDECIDED if found.outcomes[Outcome.NOT_KEPT] else CLEAN)
