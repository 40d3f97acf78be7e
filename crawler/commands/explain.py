"""`maymine explain`: why the records of a run say what they say about one address."""
from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from . import options, runs

if TYPE_CHECKING:
    from rules.model import Assessment


@click.command("explain", epilog=options.example(
    "maymine explain run https://example.org/picture.jpg", "maymine explain run https://example.org/ --format json"))
@runs.run
@click.argument("url", metavar="URL")
@click.option("--policy", default="", metavar="NAME|ID",
              help="Only what this policy decided, like eu-dsm-art4, or one version of it, like eu-dsm-art4@2026-11-26.")
@options.language
@click.option("-v", "--verbose", is_flag=True, help="Show the evidence, too.")
@options.format("text", "json", "jsonl")
@click.pass_context
def command(ctx: click.Context, run: Path, url: str, policy: str, lang: str, verbose: bool, form: str) -> None:
    """Explain the records about one address, from the run alone.

    Sentences come from the policies as they were when they decided, which the run keeps. The address may be the one that was
    asked for, or the one where redirects led to.

    Exit code: 0 nothing prohibited, 1 something is prohibited (or its words leave it open), 2 there is no such run or address,
    3 undetermined because something could not be read, or the records cannot be.
    """
    from ..answer import answer
    from ..archive.reread import told
    from ..items import AssessedPage, CollectedPage
    from ..rerun import about, ids_of, nearest
    from ..terminal import harmless, say
    from .check import exit_code
    from .output import values
    from .policy import speaks
    from .telling import tell
    with runs.reading(ctx, run):
        ids = ids_of(run)
        wanted = tuple(id for id in ids if policy in (id, id.partition("@")[0]))
        if policy and not wanted:
            raise click.UsageError(f"{run} has no records by {policy}; there are {', '.join(ids) or 'none'}")
        found = next(filter(None, (about(run, form, wanted) for form in forms(url))), [])
        if not found:
            close = nearest(run, url)
            raise click.UsageError(harmless(f"{run} has no record about {url}" + (f" by {policy}" if policy else "")
                                            + (f"; did you mean {close}?" if close else "")))
    for _, _, rules in found:
        speaks(rules, lang)
    views = [{**answer(a, rules, lang), "requested": row.requested, "at": captured(a),
              "locations": [told(at) for at in row.locations]}
             for row, a, rules in found]
    if form == "text":
        for n, view in enumerate(views):
            if n:
                say()
            tell(view, verbose, lang)
    else:
        values(form, views)
    ctx.exit(exit_code([AssessedPage(CollectedPage(row.requested, a.asset, a.evidence), (a,)) for row, a, _ in found], 0))


def captured(a: Assessment) -> str:
    """When the page itself was captured, which tells two captures of one address apart; "": nobody knows."""
    from rules import Carrier
    from rules.record import time_text
    times = {e.carrier: e.at for e in a.evidence if e.at is not None}
    at = times.get(Carrier.HTTP_FIELDS) or times.get(Carrier.BODY)
    return time_text(at) if at is not None else ""


def forms(url: str) -> list[str]:
    """What somebody may mean by an address, likeliest first: as written, as a crawl writes it, without the slash."""
    from ..frontier import key_of
    schemes = ("",) if "://" in url else ("https://", "http://")
    out = [url]
    for whole in (scheme + url for scheme in schemes):
        with suppress(ValueError):
            key = key_of(whole)
            out += [key, whole, key.removesuffix("/")]
    return list(dict.fromkeys(out))
