"""`maymine table`: what a run decided as one flat file, for joining it in any engine."""
from __future__ import annotations

import tempfile
from pathlib import Path

import click

from . import CLEAN, options, runs


@click.command("table", epilog=options.example(
    "maymine table run -o decisions.parquet", "maymine table run -o decisions.parquet --by eu-dsm-art4 --use train-genai"))
@runs.run
@click.option("-o", "--output", "out", type=click.Path(dir_okay=False, path_type=Path), required=True, metavar="FILE",
              help="Parquet file that is written.")
@click.option("--by", "by", multiple=True, metavar="POLICY", help="Policies that count. Default: those of the run.")
@click.option("--use", "uses", multiple=True, metavar="USE", help="Uses that count. Default: all of a policy.")
@click.pass_context
def command(ctx: click.Context, run: Path, out: Path, by: tuple[str, ...], uses: tuple[str, ...]) -> None:
    """Write the decision table of a run: a row for each capture and address, with its verdict.

    The columns are url, surt (the key of Common Crawl's index), at (time of the capture), record_id (WARC-Record-ID), digest
    (SHA-256 of the bytes), verdict (the strictest of those that count) and reasons. 'maymine join' takes it, and so does every
    engine that reads Parquet; the README shows how.

    Exit code: 0 written; 2 RUN is no run, or the file cannot be written; 3 its records cannot be read.
    """
    from ..archive import decisions
    from ..terminal import counted, say
    use_words(uses)
    with runs.reading(ctx, run), tempfile.TemporaryDirectory(prefix="maymine-table-") as work, \
            decisions.database(Path(work)) as db:
        if why := options.unwritable(out.absolute().parent):
            raise click.UsageError(f"cannot write {out}: {why}")
        out.absolute().parent.mkdir(parents=True, exist_ok=True)
        new = out.with_name(out.name + ".new")
        rows = decisions.write(db, run, new, by, uses)
        new.replace(out)
    say(f"{counted(rows, 'capture')}.")
    ctx.exit(CLEAN)


def use_words(uses: tuple[str, ...]) -> None:
    """Raises UsageError for what is no use."""
    from rules import Use
    for name in uses:
        if name not in (known := tuple(use.value for use in Use)):
            raise click.UsageError(options.unknown(name, known, "use"))
