"""`maymine filter`: decide what archives and data sets hold, at the speed of reading them."""
from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from . import CLEAN, UNDECIDED, options

if TYPE_CHECKING:
    from datetime import datetime

    from rules.model import Asker
    from rules.policy import Policy

    from ..filter_run import Filtering
    from ..filtering import Job

VERDICTS = ("permitted", "undetermined", "prohibited")
TOLD = 20                            # broken places that are told one by one


class Keep(click.ParamType[tuple[str, ...]]):
    """Verdicts, with commas between them."""
    name = "verdicts"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        words = tuple(word.strip() for word in value.split(",")) if isinstance(value, str) else value
        for word in words:
            if word not in VERDICTS:
                self.fail(options.unknown(word, VERDICTS, "verdict"), param, ctx)
        return words


class AsOf(click.ParamType[str]):
    """capture, now, or a time."""
    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        from rules.record import time_from_text, time_text
        if value in ("capture", "now"):
            return str(value)
        try:
            return time_text(time_from_text(value))
        except ValueError:
            self.fail(f"'{value}' is neither capture nor now nor a time like 2026-11-22T09:30:00Z, with Z or an offset",
                      param, ctx)


def _begin(ctx: click.Context, param: click.Parameter, workers: int) -> int:
    """Loading for workers takes longer than all that is to be done before they have work, so it comes first."""
    if workers > 1 and not ctx.resilient_parsing:
        from .. import nursery
        nursery.begin()
    return workers


@click.command("filter", epilog=options.example(
    "maymine filter crawl/*.warc.gz -o run --policy eu-dsm-art4 --policy strictest",
    "maymine filter pages.parquet -o run --kept kept --dropped dropped",
    "maymine filter crawl/ -o run --sites sites.parquet --as-of now --workers 8"))
@click.argument("words", nargs=-1, required=True, metavar="INPUT...")
@click.option("-o", "--output", "run", type=click.Path(file_okay=False, path_type=Path), required=True, metavar="RUN",
              help="Folder for the records. A run that was left is taken up.")
@options.policies
@options.asker
@click.option("--sites", "sites", multiple=True, default=["inputs"], show_default=True, metavar="FILE|inputs|none",
              help="Where robots.txt and the like are: a file of 'maymine sites', WARC files of robots.txt, or the inputs, "
                   "which then are read twice.")
@click.option("--as-of", type=AsOf(), default="capture", show_default=True, metavar="capture|now|TIME",
              help="Judge by what sites said when a page was captured, or at another time.")
@options.registers
@click.option("--kept", type=click.Path(file_okay=False, path_type=Path), metavar="FOLDER",
              help="Write what is kept here, in the format that it came in.")
@click.option("--dropped", type=click.Path(file_okay=False, path_type=Path), metavar="FOLDER", help="And the rest here.")
@click.option("--keep", type=Keep(), default="permitted", show_default=True, metavar="VERDICTS",
              help="Verdicts that are kept, with commas between them.")
@click.option("--by", "by", multiple=True, metavar="POLICY", help="Policies that count for keeping. Default: all.")
@click.option("--use", "uses", multiple=True, metavar="USE", help="Uses that count for keeping. Default: all of a policy.")
@click.option("--column", "given", multiple=True, metavar="ROLE=NAME",
              help="Which column holds what, where names do not tell: url, body, text, fields, status, at, media_type.")
@click.option("--workers", type=click.IntRange(1, 256), default=1, show_default=True, is_eager=True, callback=_begin,
              help="Processes; each takes a file.")
@click.option("--exact", is_flag=True, help="Read every page by every reader. Slow; the records are the same.")
@options.format("text", "json")
@click.pass_context
def command(ctx: click.Context, words: tuple[str, ...], run: Path, policies: tuple[Policy, ...], asker: Asker,
            sites: tuple[str, ...], as_of: str, registers: options.Registered, kept: Path | None, dropped: Path | None,
            keep: tuple[str, ...], by: tuple[str, ...], uses: tuple[str, ...], given: tuple[str, ...], workers: int,
            exact: bool, form: str) -> None:
    """Decide every page in archives and data sets, and record why.

    INPUT is a file, a folder, a glob, or an address like s3://...: WARC (gzip, Zstandard or plain), WACZ, ARC, Parquet, Arrow,
    JSON Lines, CSV, a list of URLs, a data set of Hugging Face on disk, or shards of webdataset and img2dataset. Columns are
    found by their names, and what was assumed is told. What a source did not keep, such as response fields, is
    `not-collected` in the records: the policy decides what that means.

    Nothing is fetched. A run that was killed goes on where it was: give the same command again.

    Exit code: 0 all was read, whatever the verdicts are; 2 the command line, or RUN, is not as it must be; 3 some of the input
    could not be read; it is counted and named, and the rest is in the records; 130 it was stopped by Ctrl-C.
    """
    from .. import run as folders
    from ..archive.columns import NAMES
    from ..archive.inputs import InputError, expand
    from ..filter_run import Filtering
    from ..filtering import Task
    from ..run import RunError
    from ..terminal import harmless
    columns = options.pairs(given, NAMES)
    options.apart(**{"-o": run, "--kept": kept, "--dropped": dropped})
    listed = registers.open()
    try:
        found = expand(words, (run, kept, dropped))
        task = Task(tuple((folders.text_of(p), p.file) for p in policies), asker, str(run.absolute()), as_of=time_of(as_of),
                    columns=columns, by=_by(by, policies), uses=_uses(uses, policies), keep=keep, exact=exact,
                    registers=listed.indexes() if listed else (),
                    kept=str(kept.absolute()) if kept else "", dropped=str(dropped.absolute()) if dropped else "")
        filtering = Filtering(run.absolute(), task, policies, found, listed.facts() if listed else ())
        filtering.check(sites)
        run.mkdir(parents=True, exist_ok=True)
        with folders.locked(run):
            filtering.begin(as_of)
            site_damage = filtering.find_sites(sites)
            _work(filtering, workers)
    except (InputError, RunError) as error:
        raise click.UsageError(harmless(str(error))) from error
    except KeyboardInterrupt:
        raise KeyboardInterrupt("stopped; the same command goes on") from None
    _tell(filtering, site_damage, form)
    ctx.exit(UNDECIDED if any(made.broken for made in filtering.results()) or site_damage else CLEAN)


def time_of(as_of: str) -> datetime | None:
    from datetime import UTC, datetime

    from rules.record import time_from_text
    return None if as_of == "capture" else datetime.now(UTC) if as_of == "now" else time_from_text(as_of)


def _by(names: tuple[str, ...], policies: tuple[Policy, ...]) -> tuple[str, ...]:
    known = {p.name: p.id for p in policies} | {p.id: p.id for p in policies}
    for name in names:
        if name not in known:
            raise click.UsageError(options.unknown(name, tuple(p.name for p in policies), "policy of this run"))
    return tuple(known[name] for name in names)


def _uses(names: tuple[str, ...], policies: tuple[Policy, ...]) -> tuple[Any, ...]:
    known = {use.value: use for p in policies for use in p.uses}
    for name in names:
        if name not in known:
            raise click.UsageError(options.unknown(name, tuple(known), "use that these policies decide about"))
    return tuple(known[name] for name in names)


def _work(filtering: Filtering, workers: int) -> None:
    complete = False
    try:
        with _progress(filtering) as tick:
            for made in filtering.work(workers, lambda job, at, pages: tick(job.number, at, pages)):
                tick(made.done, made.bytes, made.pages)
        complete = True
    finally:
        filtering.end(complete)


@contextmanager
def _progress(filtering: Filtering) -> Iterator[Callable[[int, int, int], None]]:
    """Bytes of all inputs, how fast, and how long it takes still; on a terminal only."""
    if not options.progress_shown():
        yield lambda number, at, pages: None
        return
    from time import monotonic

    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn
    jobs: list[Job] = filtering.jobs
    at_bytes, at_pages, began = dict[int, int](), dict[int, int](), monotonic()
    columns = (TextColumn("filtering"), BarColumn(), DownloadColumn(), TransferSpeedColumn(),
               TextColumn("{task.fields[pages]}"), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True, markup=False), transient=True) as bar:
        task = bar.add_task("", total=sum(job.size_bytes for job in jobs), pages="")

        def tick(number: int, at: int, pages: int) -> None:
            at_bytes[number], at_pages[number] = at, pages
            speed = sum(at_pages.values()) / max(monotonic() - began, 0.001)
            bar.update(task, completed=sum(at_bytes.values()), pages=f"{speed:,.0f} pages/s")
        yield tick


def _tell(filtering: Filtering, site_damage: list[str], form: str) -> None:
    """What came of it: counts, what was assumed, what was not there, what is broken."""
    from ..terminal import counted, say, table
    from .output import values
    made = filtering.results()
    counts = filtering.manifest["counts"]
    rows = [{"policy": policy, "use": use, **{v: verdicts.get(v, 0) for v in VERDICTS}}
            for policy, uses in counts.items() for use, verdicts in uses.items()]
    absent: dict[str, int] = {}
    for one in made:
        for carrier, n in one.absent.items():
            absent[carrier] = absent.get(carrier, 0) + n
    pages, broken = sum(one.pages for one in made), sum(one.broken for one in made) + len(site_damage)
    named = [f"{filtering.uri_of(one)}: {text}" for one in made for text in one.damage] + site_damage
    if form != "text":
        values(form, [{"inputs": len(made), "pages": pages, "no_address": sum(one.no_address for one in made),
                       "kept": sum(one.kept for one in made), "counts": rows, "not_collected": absent, "broken": broken,
                       "damage": named, "columns": sorted({one.told for one in made if one.told})}])
        return
    if rows:
        table(list(rows[0]), [list(row.values()) for row in rows])
    say(f"{counted(pages, 'page')} in {counted(len(made), 'input')}.")
    for told in sorted({one.told for one in made if one.told}):
        say(f"Columns: {told}.")
    for carrier, n in absent.items():
        say(f"{carrier}: not collected whole for {n:,} of {counted(pages, 'page')}; the records say so.")
    if lost := sum(one.no_address for one in made):
        say(f"Without an address, and so without records: {counted(lost, 'row')}.")
    if filtering.task.kept or filtering.task.dropped:
        say(f"{counted(sum(one.kept for one in made), 'page')} kept.")
    if broken:
        say(f"{counted(broken, 'broken place')}:")
        for text in named[:TOLD]:
            say(text, indent=2)
        if len(named) > TOLD:
            say(f"... and {len(named) - TOLD} more in {filtering.folder / 'inputs.jsonl'}", indent=2)
