"""`maymine images`: what the files of a person say about mining, one by one."""
from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from . import CLEAN, FINDINGS, UNDECIDED, options

if TYPE_CHECKING:
    from ..declare.saying import Said

COLUMNS = ("file", "kind", "status", "says", "faults")


@click.command("images", epilog=options.example(
    "maymine images portfolio", "maymine images --format csv portfolio >portfolio.csv",
    "maymine images --format jsonl . | jq -r 'select(.status == \"silent\").file'"))
@click.argument("paths", nargs=-1, required=True, metavar="DIR|FILE...", type=click.Path(exists=True, path_type=Path))
@options.format("text", "csv", "json", "jsonl")
@click.pass_context
def command(ctx: click.Context, paths: tuple[Path, ...], form: str) -> None:
    """Look into images and other files, and tell what each says.

    Reads what stands in the files themselves: IPTC/PLUS Data Mining, TDMRep, RSL, C2PA and the like. Folders are searched to
    the bottom; what a file is, its bytes tell, not its name. What a website says about a file is not in it; 'maymine check' has
    that.

    Each file speaks, is silent, or is damaged: something in it could not be read, so that nobody knows.

    Exit code: 0 every file speaks, 1 a file is silent, 2 there are no files, 3 none is silent, but one is
    damaged or could not be opened or looked into.
    """
    from ..declare.files import walk
    from ..terminal import progress
    files = list(walk(paths))
    if not files:
        raise click.UsageError(f"{', '.join(map(str, paths))}: no files there")
    failed: list[str] = []
    counts: Counter[str] = Counter()
    with progress("reading", len(files)) as done:
        def each() -> Iterator[Said]:
            for found in looked(files, failed):
                done(1)
                if found:
                    counts[found.status] += 1
                    yield found
        put(form, each())
    if form == "text":
        summarise(counts, len(files) - sum(counts.values()) - len(failed))
    for message in failed:
        options.complain(message)
    ctx.exit(FINDINGS if counts["silent"] else UNDECIDED if counts["damaged"] or failed else CLEAN)


def looked(files: Iterable[Path], failed: list[str]) -> Iterator[Said | None]:
    """What each file says; None for what holds no words, and for what could not be opened, of which `failed` tells."""
    from ..declare.files import other_picture
    from ..declare.saying import look, name_of
    for path in files:
        try:
            found = look(path)
            if found is None and (kind := other_picture(path)):
                failed.append(f"{name_of(path)}: it is a {kind} picture, which cannot be looked into here")
            yield found
        except OSError as error:
            failed.append(f"{name_of(path)}: {options.reason(error)}")
            yield None


def put(form: str, found: Iterator[Said]) -> None:
    from ..declare.saying import fault_text, row, sentences
    from ..terminal import table
    from .output import values
    if form == "text":
        rows = [(s.name, s.kind, s.status, "; ".join(sentences(s)), "; ".join(map(fault_text, s.faults))) for s in found]
        if rows:
            table(COLUMNS, rows)
    elif form == "csv":
        comma_separated(row(s) for s in found)
    else:
        values(form, map(row, found))


def comma_separated(rows: Iterable[dict[str, Any]]) -> None:
    """RFC 4180, lists in one cell, with a line for the names."""
    import csv
    import io
    for cells in chain([COLUMNS], ([row[c] for c in COLUMNS] for row in rows)):
        line = io.StringIO(newline="")
        csv.writer(line).writerow(["; ".join(cell) if isinstance(cell, list) else cell for cell in cells])
        click.echo(line.getvalue().encode("utf-8"), nl=False)


def summarise(counts: Counter[str], others: int) -> None:
    from ..terminal import counted, say
    verbs = {"speaks": ("speaks", "speak"), "silent": ("is silent", "are silent"), "damaged": ("is damaged", "are damaged")}
    told = ", ".join(counted(counts[status], *both) for status, both in verbs.items() if counts[status])
    left = counted(others, "other holds", "others hold") + " no words" if others else ""
    say("; ".join(filter(None, (counted(sum(counts.values()), "file"), told, left))))
