"""`maymine crawl`: many pages, or a whole site, into a run folder."""
from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from . import CLEAN, SIGNALLED, USAGE, options

if TYPE_CHECKING:
    from rules.model import Asker
    from rules.policy import Policy

    from ..items import AssessedPage
    from .options import Fetching

SITE_PAGES = 1_000                               # of one site, where nobody says how many


@click.command("crawl", epilog=options.example(
    "maymine crawl --urls pages.csv --column link -o run", "maymine crawl --site https://example.org --max-pages 200 -o run",
    "maymine crawl --urls - --format jsonl <urls.txt >records.jsonl"))
@click.argument("seeds", nargs=-1, metavar="[URL]...")
@click.option("--urls", "file", default="", metavar="FILE",
              help="Addresses from a text, CSV or Parquet file (.gz too); - for standard input.")
@click.option("--column", default="url", show_default=True, metavar="NAME", help="Column of the CSV or Parquet file.")
@click.option("--site", is_flag=True, help="Follow sitemaps and links, on the hosts of the addresses given.")
@click.option("--media", is_flag=True, help="Also ask for the images and documents of the pages, and look into them.")
@click.option("--max-pages", type=click.IntRange(min=1), metavar="N",
              help=f"Stop after so many pages. With --site {SITE_PAGES}, if not given.")
@click.option("-o", "--output", "run", default="", metavar="RUN",
              help="Folder for records, evidence and manifest. The same folder again goes on where the crawl was.")
@click.option("--evidence", type=click.Choice(("all", "site", "none")), default="all", show_default=True,
              help="Which bytes to keep: all, those of site files alone, or none but their digests.")
@click.option("-s", "--set", "overrides", multiple=True, metavar="NAME=VALUE", help="A Scrapy setting.")
@options.policies
@options.registers
@options.asker
@options.fetching
@options.format("text", "json", "jsonl")
@click.pass_context
def command(ctx: click.Context, seeds: tuple[str, ...], file: str, column: str, site: bool, media: bool, max_pages: int | None,
            run: str, evidence: str, overrides: tuple[str, ...], policies: tuple[Policy, ...], registers: options.Registered,
            asker: Asker, fetching: Fetching, form: str) -> None:
    """Crawl, decide about every page, and record why.

    Each site's robots.txt and tdmrep.json are read first; a page that robots.txt keeps us from is not fetched, and its record
    says so. A crawl that was stopped or killed goes on with the same command and the same folder.

    The result is a table of verdicts (text, json), or every record as it is made (jsonl).

    The first Ctrl-C lets no further request leave, and ends when the answers that are under way have come; the second ends at
    once. Either way nothing that was recorded is lost.

    Exit code: 0 the crawl ended, whatever the verdicts are; 2 it could not begin, or not go on; 130 it was stopped by Ctrl-C.
    """
    from rules import to_record
    from rules.record import dumps

    from ..run import RunError
    from ..seeds import SeedError
    from ..session import Interrupted, Listed, crawl, policy_entries
    from ..spiders.site import Site
    from ..terminal import counted, progress, say
    from .output import echo_record
    if not seeds and not file:
        raise click.UsageError("What to crawl? Give addresses, or a file of them with --urls.")
    if not run and form != "jsonl":
        raise click.UsageError("Nothing would be kept. Name a folder with -o RUN, or let records go by with --format jsonl.")
    registers.open()
    settings = {**fetching.settings(asker), **registers.settings(), "MAYMINE_POLICIES": policy_entries(policies),
                "MAYMINE_RUN": run, "MAYMINE_EVIDENCE": evidence, **dict(map(setting, overrides))}
    cut: list[Exception] = []
    left_out: Counter[str] = Counter()
    stopped: Interrupted | None = None
    stats: dict[str, Any] = {}
    try:
        wanted = addresses(seeds, file, column, left_out, fetching.verbose)
        if site:
            spider: Any = Site
            arguments: dict[str, Any] = {"url": tuple(wanted), "pages": max_pages or SITE_PAGES, "media": media}
        else:
            spider, arguments = Listed, {"urls": until_error(islice(wanted, max_pages), cut), "media": media}
        with progress("crawling", max_pages) as done:
            def on_page(page: AssessedPage) -> None:
                done(1)
                if form == "jsonl":
                    for a in page.assessments:
                        echo_record(dumps(to_record(a)))
            stats = crawl(spider, arguments, settings, on_page, fetching.verbose)
    except Interrupted as interrupt:
        stopped = interrupt
    except BrokenPipeError:                      # nobody reads the records any more
        raise
    except (SeedError, RunError, OSError, ValueError) as error:
        cut.append(error)
    for what in cut:
        say(f"Error: {told(what)}", err=True)
    if left_out:
        say(f"{counted(left_out.total(), 'line is no web address and was', 'lines are no web addresses and were')} left out"
            + ("." if fetching.verbose else "; -v shows them."), err=True)
    if stopped is not None:
        say(f"{stopped}" + ("; the same command goes on" if run else ""), err=True)
        ctx.exit(SIGNALLED + stopped.number)
    if form != "jsonl" and not cut:
        summarise(stats.get("maymine/pages", 0), run, form, policies)
    ctx.exit(USAGE if cut else CLEAN)


def addresses(seeds: Iterable[str], file: str, column: str, left_out: Counter[str], tell: bool) -> Iterator[str]:
    """Those on the command line, then those of the file, which is opened now and read as it is used; others are counted.

    Raises SeedError where there is none, OSError.
    """
    from ..seeds import STANDARD_INPUT, SeedError
    from ..seeds import seeds as read
    from .check import address
    for word in (url for url in seeds if "://" not in url and not set(url) & set(".:/")):
        raise click.BadParameter(f"'{word}' is no web address; did you mean https://{word}?", param_hint="URL")
    given = [address(url) for url in seeds]
    listed = web_addresses(read(file, column), left_out, tell) if file else iter(())
    first = list(islice(listed, 1))              # a file that is not there is told before the crawl begins
    if not given and not first:
        raise SeedError(f"There is no web address in {'standard input' if file == STANDARD_INPUT else file}, "
                        "so there is nothing to crawl.")
    return chain(given, first, listed)


def web_addresses(lines: Iterable[str], left_out: Counter[str], tell: bool) -> Iterator[str]:
    from ..frontier import key_of
    from ..terminal import say
    for line in lines:
        try:
            yield key_of(line)
        except ValueError as error:
            left_out["lines"] += 1
            if tell:
                say(str(error), err=True)


def until_error(urls: Iterator[str], errors: list[Exception]) -> Iterator[str]:
    """A file that breaks off ends the list; what had come is crawled, and the error is told after that."""
    from ..seeds import SeedError
    try:
        yield from urls
    except (SeedError, OSError) as error:
        errors.append(error)


def told(error: Exception) -> str:
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {options.reason(error)}"
    return str(error)


def setting(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name.isidentifier():
        raise click.BadParameter(f"'{text}' is no NAME=VALUE", param_hint="--set")
    return name, value


def summarise(pages: int, run: str, form: str, policies: tuple[Policy, ...]) -> None:
    """How many pages got which verdict, by policy and use, in the whole run."""
    from ..run import read_manifest
    from ..terminal import counted, say, table
    from .output import values
    counts = read_manifest(Path(run))["counts"]
    asked = {p.id: [use.value for use in p.uses] for p in policies}
    columns = ("permitted", "undetermined", "prohibited")
    rows = [{"policy": policy, "use": use, **{c: found.get(c, 0) for c in columns}}
            for policy, uses in counts.items() for use in asked.get(policy, uses) if (found := uses.get(use))]
    if form == "json":
        values("jsonl", [{"run": run, "pages": pages, "decisions": rows}])
        return
    table(("policy", "use", *columns), [tuple(row.values()) for row in rows])
    say(f"{counted(pages, 'page')} in this crawl; records and evidence in {run}")
