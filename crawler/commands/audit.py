"""`maymine audit`: what a site says to AI, what is missing, broken or contradicts, and how to mend it. For its owner."""
from __future__ import annotations

from typing import TYPE_CHECKING

import click

from . import CLEAN, FINDINGS, UNDECIDED, options
from .report import LANGUAGES, output, written

if TYPE_CHECKING:
    from ..audit.report import Report
    from .options import Fetching

FORMATS = ("text", "json", "jsonl", "html", "md", "sarif")
# Somebody waits, and it is their own site: fewer requests at a time than a browser makes; the throttle still adapts.
HASTE = {"AUTOTHROTTLE_START_DELAY": 0, "AUTOTHROTTLE_TARGET_CONCURRENCY": 3.0, "CONCURRENT_REQUESTS_PER_DOMAIN": 4}


class Host(click.ParamType[str]):
    """What the site runs on."""
    name = "host"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        from ..declare.site.targets import targets
        if value and value not in targets():
            self.fail(options.unknown(value, tuple(targets()), "host"), param, ctx)
        return value


@click.command("audit", epilog=options.example(
    "maymine audit https://art.example --lang de -o report.html",
    "maymine audit https://art.example --images 200 --pages 50 --host nginx",
    "maymine audit https://art.example --format sarif -o audit.sarif"))
@click.argument("url")
@click.option("--pages", type=click.IntRange(1, 10_000), default=20, show_default=True, help="Look at so many pages at most.")
@click.option("--images", type=click.IntRange(0, 100_000), default=50, show_default=True,
              help="Look at so many pictures at most.")
@click.option("--host", type=Host(), default="", metavar="NAME",
              help="What the site runs on, where we cannot tell: nginx, wordpress ... (see maymine declare --list)")
@click.option("--as-agents", is_flag=True,
              help="Also ask for robots.txt with the names of AI crawlers mentioned in our own User-Agent, to see what a "
                   "firewall makes of them.")
@click.option("--lang", type=click.Choice(LANGUAGES), default="en", show_default=True, help="Language of the report.")
@output(FORMATS)
@options.fetching
@click.pass_context
def command(ctx: click.Context, url: str, pages: int, images: int, host: str, as_agents: bool, lang: str, form: str, path: str,
            fetching: Fetching) -> None:
    """Look at a site as AI crawlers would, and tell its owner what it says.

    The home page, a sample of pages (by sitemap and links) and of pictures; robots.txt, tdmrep.json, response headers, the
    heads of pages, the tags inside pictures, licences. For each finding: what it means, and the lines that mend it.
    robots.txt of the site is obeyed; what was not looked at because of it is told.

    Exit code: 0 nothing to mend, 1 something is broken, missing or contradicts, 3 the site could not be looked at, 130 it
    was stopped by Ctrl-C.
    """
    from ..session import Interrupted
    try:
        report = audited(url, pages, images, host, as_agents, fetching)
    except Interrupted as stopped:
        options.complain(f"{stopped}; there is no report")
        ctx.exit(128 + stopped.number)
    written(report, form, path, lang)
    ctx.exit(exit_code(report))


def audited(url: str, pages: int, images: int, host: str, as_agents: bool, fetching: Fetching) -> Report:
    """Go there and look."""
    from rules.model import Asker

    from ..audit.report import made
    from ..audit.visit import Collected, Visitor
    from ..items import AssessedPage
    from ..session import crawl
    from ..terminal import progress
    from .check import address
    home = address(url)
    collected = Collected(home)
    settings = {**fetching.settings(Asker(options.DEFAULT_TOKEN)), **HASTE}
    with progress("looking", pages + images) as done:
        def on_page(page: AssessedPage) -> None:
            collected.take(page)
            done(1)
        stats = crawl(Visitor, {"url": home, "pages": pages, "images": images, "collected": collected, "as_agents": as_agents},
                      settings, on_page, fetching.very_verbose or fetching.verbose)
    site = collected.site(stats.get("downloader/request_count", 0))
    if site is None:
        raise click.ClickException(f"'{url}' was not looked at; -v shows what happened")
    return made(site, host)


def exit_code(report: Report) -> int:
    if report.to_mend:
        return FINDINGS
    return CLEAN if report.came else UNDECIDED
