"""`maymine join`: verdicts for data sets whose pages and fields are gone."""
from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from . import CLEAN, UNDECIDED, options
from .filter import VERDICTS, Keep
from .table import use_words

if TYPE_CHECKING:
    from ..join import Joined

KEYS = ("record_id", "url", "surt", "digest")
COLUMNS = (*KEYS, "at")
TOLD = 20                            # broken places that are told one by one


@click.command("join", epilog=options.example(
    "maymine join run fineweb/*.parquet --kept kept --dropped dropped",
    "maymine join decisions.parquet crawl.warc.wet.gz --kept kept",
    "maymine join run pages.jsonl -o with-verdicts --by eu-dsm-art4 --use train-genai"))
@click.argument("table", type=click.Path(exists=True, path_type=Path), metavar="TABLE")
@click.argument("words", nargs=-1, required=True, metavar="DATASET...")
@click.option("-o", "--output", "out", type=click.Path(file_okay=False, path_type=Path), metavar="FOLDER",
              help="Write all rows here, with two columns more: maymine_verdict and maymine_reasons.")
@click.option("--kept", type=click.Path(file_okay=False, path_type=Path), metavar="FOLDER",
              help="Write what is kept here, in the format that it came in.")
@click.option("--dropped", type=click.Path(file_okay=False, path_type=Path), metavar="FOLDER", help="And the rest here.")
@click.option("--keep", type=Keep(), default="permitted", show_default=True, metavar="VERDICTS",
              help="Verdicts that are kept, with commas between them.")
@click.option("--on", type=click.Choice(KEYS), default=None, help="Match rows by this. Default: by what most rows match.")
@click.option("--by", "by", multiple=True, metavar="POLICY", help="Policies that count. Default: those of the run.")
@click.option("--use", "uses", multiple=True, metavar="USE", help="Uses that count. Default: all of a policy.")
@click.option("--column", "given", multiple=True, metavar="ROLE=NAME",
              help="Which column holds what, where names do not tell: record_id, url, surt, digest, at.")
@options.format("text", "json")
@click.pass_context
def command(ctx: click.Context, table: Path, words: tuple[str, ...], out: Path | None, kept: Path | None, dropped: Path | None,
            keep: tuple[str, ...], on: str | None, by: tuple[str, ...], uses: tuple[str, ...], given: tuple[str, ...],
            form: str) -> None:
    """Look up every row of a data set in what a run decided.

    TABLE is a run, or a file of 'maymine table'. DATASET is what 'maymine filter' takes: Parquet, Arrow, JSON Lines, CSV, WARC
    and WET, folders, globs. Rows match by the id of their WARC record, their address, their key in indexes (SURT) or the
    SHA-256 of their bytes. Where an address was captured more than once, the capture nearest in time counts, and without a time
    the strictest. A row that matches nothing is undetermined, with the reason no-decision.

    Exit code: 0 all was read; 2 the command line is not as it must be; 3 TABLE or some of the input could not
    be read.
    """
    from ..archive.inputs import InputError, expand
    from ..archive.records import Unreadable
    from ..join import Wanted, join
    from ..run import RunError
    from ..terminal import harmless, progress
    use_words(uses)
    if out and (kept or dropped):
        raise click.UsageError("-o takes all rows; leave out either it, or --kept and --dropped")
    columns = options.pairs(given, COLUMNS)
    options.apart(**{"TABLE": table if table.is_dir() else None, "-o": out, "--kept": kept, "--dropped": dropped})
    given_folders = {"out": out, "kept": kept, "dropped": dropped}
    folders = {name: str(folder.absolute()) if folder else "" for name, folder in given_folders.items()}
    try:
        found = expand(words, (out, kept, dropped))
        for folder in filter(None, (out, kept, dropped)):
            _empty(folder)
        wanted = Wanted(table, by, uses, on or "", columns, keep, **folders)
        with progress("joining", sum(one.size_bytes for one in found)) as done:
            made: list[Joined] = list(join(wanted, found, done))
    except (InputError, RunError) as error:
        raise click.UsageError(harmless(str(error))) from error
    except Unreadable as error:
        options.complain(str(error))
        ctx.exit(UNDECIDED)
    _tell(made, form)
    ctx.exit(UNDECIDED if any(one.damage for one in made) else CLEAN)


def _empty(folder: Path) -> None:
    """Make it, if it is not there. Raises UsageError."""
    if why := options.unwritable(folder):
        raise click.UsageError(f"cannot write {folder}: {why}")
    folder.mkdir(parents=True, exist_ok=True)
    for one in folder.iterdir():
        if one.name.startswith(".") and one.name.endswith(".unfinished"):
            one.unlink()
        else:
            raise click.UsageError(f"{folder} holds other things ({one.name}); name a folder that is empty or new")


def _tell(made: list[Joined], form: str) -> None:
    """What came of it: counts, how rows were matched, what is broken."""
    from ..terminal import counted, say, table
    from .output import values
    rows, matched, far = (sum(getattr(one, name) for one in made) for name in ("rows", "matched", "far"))
    verdicts = {v: sum(one.verdicts[v] for one in made) for v in VERDICTS}
    on = {key: sum(one.on == key for one in made) for key in KEYS}
    damage = [f"{one.uri}: {text}" for one in made for text in one.damage]
    if form != "text":
        values(form, [{"inputs": len(made), "rows": rows, "matched": matched, "far": far, "verdicts": verdicts, "on": on,
                       "columns": sorted({one.told for one in made if one.told}), "damage": damage}])
        return
    table(("verdict", "rows"), list(verdicts.items()))
    say(f"{matched:,} of {counted(rows, 'row')} matched, by {', '.join(key for key, n in on.items() if n) or 'nothing'}.")
    for told in sorted({one.told for one in made if one.told}):
        say(f"Columns: {told}.")
    if rows > matched:
        say(f"Undetermined, for want of a decision (no-decision): {counted(rows - matched, 'row')}.")
    if far:
        say(f"{counted(far, 'row')} took a decision about a capture more than 30 days away.")
    for text in damage[:TOLD]:
        say(f"broken: {text}")
    if len(damage) > TOLD:
        say(f"... and {len(damage) - TOLD} more")
