"""`maymine demo`: the whole way once, on a small web of its own."""
from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from . import FINDINGS, USAGE, options

if TYPE_CHECKING:
    from rules.policy import Policy

    from ..demo import Site
    from ..items import AssessedPage

FOLDER = "maymine-demo"
EXPLAINED = "photographer"
OTHER = "strictest"                  # one more policy, for an example
WHAT_IFS = ("kr-item32-2025", "kr-item32-2026", "kr-permission-first")     # one crawl, three drafts of one law
# Nobody is disturbed by haste on loopback.
HASTE = {"AUTOTHROTTLE_ENABLED": False, "DOWNLOAD_DELAY": 0, "CONCURRENT_REQUESTS_PER_DOMAIN": 16, "RETRY_ENABLED": False}


@click.command("demo", epilog=options.example("maymine demo", "maymine demo --policy strictest -o my-demo"))
@click.option("-o", "--output", "run", default="", metavar="RUN",
              help=f"Run folder to leave behind. [default: {FOLDER}, or the next free name]")
@options.policies
@click.option("-v", "--verbose", is_flag=True, help="Log to standard error.")
@options.format("text", "json")
@click.pass_context
def command(ctx: click.Context, run: str, policies: tuple[Policy, ...], verbose: bool, form: str) -> None:
    """Crawl a small web on this machine, and show what was decided and why.

    A dozen sites on loopback, each with a story; no network is needed. Scrapy crawls them as it would crawl any others. The run
    folder stays, for 'maymine explain', 'maymine decide', 'maymine compare' and 'maymine replay'.

    Exit code: 0 it ran, 1 a site came out otherwise than its story says, 2 the run folder is not empty or cannot be written.
    """
    from ..demo import served, sites
    from ..run import RunError
    from ..session import LOOPBACK, Listed, crawl, policy_entries
    from ..terminal import progress, say
    folder = run or free(FOLDER)
    if os.path.isdir(folder) and os.listdir(folder):
        raise click.UsageError(f"{folder} is not empty; name a new folder, or none for the next free {FOLDER}")
    if why := options.unwritable(Path(folder)):
        raise click.UsageError(f"cannot write {folder}: {why}; use -o for another folder")
    pages: dict[str, AssessedPage] = {}
    try:
        with served(sites()) as web, progress("crawling", len(web)) as done:
            def on_page(page: AssessedPage) -> None:
                pages[page.page.requested] = page
                done(1)
            crawl(Listed, {"urls": list(web)}, {**HASTE, "MAYMINE_TOKEN": options.DEFAULT_TOKEN, "MAYMINE_RUN": folder,
                                                "MAYMINE_ALLOW_PRIVATE": list(LOOPBACK),
                                                "MAYMINE_POLICIES": policy_entries(policies)}, on_page, verbose)
    except (RunError, OSError) as error:
        say(f"Error: {error}", err=True)
        ctx.exit(USAGE)
    wrong = otherwise(web, pages)
    if form == "json":
        from .output import values
        values("jsonl", [{"run": folder, "sites": [described(url, site, pages.get(url)) for url, site in web.items()]}])
    else:
        show(web, pages, policies, folder)
    for each in wrong:
        say(each, err=True)
    ctx.exit(FINDINGS if wrong else 0)


def free(name: str) -> str:
    """The name, or the first of name-2, name-3, ... that nothing has."""
    n = 1
    while Path(folder := name if n == 1 else f"{name}-{n}").exists():
        n += 1
    return folder


def described(url: str, site: Site, page: AssessedPage | None) -> dict[str, Any]:
    return {"site": site.name, "url": url, "moral": site.moral,
            "verdicts": {a.policy: {use.value: d.verdict.value for use, d in a.decisions.items()}
                         for a in (page.assessments if page else ())}}


def otherwise(web: dict[str, Site], pages: dict[str, AssessedPage]) -> list[str]:
    """Sites that came out otherwise than told, under the policy that the stories are about."""
    out = []
    for url, site in web.items():
        if url not in pages:
            out.append(f"{site.name}: nothing came of {url}; -v shows what happened")
            continue
        for a in pages[url].assessments:
            if a.policy.partition("@")[0] == options.DEFAULT_POLICY:
                out += [f"{site.name}: {use.value} is {a.decisions[use].verdict.value}, where the story says {told}"
                        for use, told in site.expected.items() if a.decisions[use].verdict.value != told]
    return out


def show(web: dict[str, Site], pages: dict[str, AssessedPage], policies: tuple[Policy, ...], folder: str) -> None:
    """A table a policy, one explanation in full, and where to go on."""
    from ..answer import answer
    from ..terminal import say, table
    from .telling import tell
    for n, policy in enumerate(policies):
        say(f"{policy.title} ({policy.id})")
        table(("site", *(use.value for use in policy.uses), "story"),
              [(site.name, *(pages[url].assessments[n].decisions[use].verdict.value for use in policy.uses), site.moral)
               for url, site in web.items() if url in pages])
    url = next((url for url, site in web.items() if site.name == EXPLAINED and url in pages), "")
    if url:
        say(f"One of them in full ({EXPLAINED}):")
        say()
        tell(answer(pages[url].assessments[0], policies[0]))
        say()
    say(f"Records and evidence lie in {folder}. The servers are gone; all answers can be had from there, for example:")
    maymine, run = options.program(), shlex.quote(folder)
    say(f"{maymine} explain {run} {url}", indent=2)
    say(f"{maymine} decide {run} --policy {OTHER}", indent=2)
    say(f"{maymine} compare {run} {' '.join(f'--policy {name}' for name in WHAT_IFS)}", indent=2)
    say(f"{maymine} replay {run}", indent=2)
