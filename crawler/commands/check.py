"""`maymine check`: fetch, decide, and tell a person why."""
from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click

from . import CLEAN, FINDINGS, UNDECIDED, options

if TYPE_CHECKING:
    from rules.model import Asker, Verdict
    from rules.policy import Policy

    from ..items import AssessedPage
    from .options import Fetching

JSON = dict[str, Any]


@click.command("check", epilog=options.example(
    "maymine check https://example.org/picture.jpg", "maymine check --policy strictest --policy eu-dsm-art4 https://example.org",
    "maymine check --format json https://example.org | jq '.[].verdicts'"))
@click.argument("urls", nargs=-1, required=True, metavar="URL...")
@options.policies
@options.registers
@options.asker
@options.fetching_with_evidence
@options.language
@options.format("text", "json", "jsonl")
@click.pass_context
def command(ctx: click.Context, urls: tuple[str, ...], policies: tuple[Policy, ...], registers: options.Registered,
            asker: Asker, fetching: Fetching, lang: str, form: str) -> None:
    """Fetch a few pages or files, decide, and explain.

    For each address: the verdict for every use, the words that decided and where they stand, what was silent, what could not
    be read, and what would change the answer. A page that robots.txt keeps us from is not fetched.

    Exit code: 0 nothing prohibited, 1 something is prohibited (or its words leave it open), 3 undetermined because something
    could not be read or nobody said anything.
    """
    wanted = tuple(dict.fromkeys(map(address, urls)))
    from ..session import Listed, crawl, policy_entries
    from ..terminal import counted, progress
    from . import policy as policy_command
    from .telling import tell
    for policy in policies:
        policy_command.speaks(policy, lang)
    pages: list[AssessedPage] = []
    registers.open()
    settings = {**fetching.settings(asker), **registers.settings(), "MAYMINE_POLICIES": policy_entries(policies),
                "AUTOTHROTTLE_START_DELAY": 0}           # somebody waits; the throttle still adapts to what it meets
    with progress("fetching", len(wanted)) as done:
        def on_page(page: AssessedPage) -> None:
            pages.append(page)
            done(1)
        crawl(Listed, {"urls": wanted}, settings, on_page, fetching.very_verbose)
    answers = [view for page in in_order(pages, wanted) for view in views(page, policies, asker, lang)]
    if form == "text":
        for n, view in enumerate(answers):
            if n:
                click.echo()
            tell(view, fetching.verbose, lang)
    else:
        from .output import values
        values(form, answers)
    missing = len(wanted) - len(pages)
    if missing:
        left = f"{missing} of {counted(len(wanted), 'address', 'addresses')} {'was' if missing == 1 else 'were'} not looked at"
        click.echo(f"{left}; -vv shows what happened.", err=True)
    ctx.exit(exit_code(pages, missing))


def address(url: str) -> str:
    """The URL as it is asked for. A name alone is taken for https."""
    from ..frontier import key_of
    if "://" not in url and (url.startswith(("/", "./", "../", "~")) or Path(url).is_file()):
        raise click.BadParameter(f"'{url}' is a file, and an address is wanted (https://...); what a file says itself tells "
                                 "'maymine images', and 'maymine assess' decides about bytes", param_hint="URL")
    if "://" not in url:
        url = f"https://{url}"
    try:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise click.BadParameter(f"'{url}' is no http or https address; 'maymine images' looks into files, and "
                                     "'maymine assess' takes bytes", param_hint="URL")
        return key_of(url)
    except ValueError as error:
        raise click.BadParameter(f"'{url}' is no URL: {error}", param_hint="URL") from error


def in_order(pages: list[AssessedPage], wanted: tuple[str, ...]) -> list[AssessedPage]:
    """As they were asked for, not as they came."""
    place = {url: n for n, url in enumerate(wanted)}
    return sorted(pages, key=lambda p: place.get(p.page.requested, len(place)))


def views(page: AssessedPage, policies: tuple[Policy, ...], asker: Asker, lang: str) -> list[JSON]:
    """One answer a policy; what older crawlers make of robots.txt rides on the first."""
    from ..answer import answer
    out = [answer(a, policy, lang) for a, policy in zip(page.assessments, policies, strict=True)]
    for view in out:
        view["requested"] = page.page.requested
    if out:
        out[0]["older_readings"] = older_readings(page, asker)
    return out


def older_readings(page: AssessedPage, asker: Asker) -> JSON:
    """The readings of robots.txt that differ from ours; {} where none does, or there is nothing to read."""
    from rules import Use, Verdict, assess
    from rules.model import Carrier
    from rules.policies import load

    from ..reading_1996 import differing
    robots = next((e for e in page.page.evidence if e.carrier is Carrier.ROBOTS_TXT and e.has_bytes), None)
    if robots is None or not robots.body.strip():
        return {}
    ours = assess(page.page.asset, (robots,), load("rfc9309-crawl"), asker).decisions[Use.CRAWL].verdict
    if ours is Verdict.UNDETERMINED:
        return {}
    allowed = ours is Verdict.PERMITTED
    readings = {o.reading: o.allowed for o in differing(robots.body, asker.token, page.page.asset.url, allowed)}
    return {"rfc9309": allowed, **readings} if readings else {}


def exit_code(pages: list[AssessedPage], missing: int) -> int:
    from rules.model import Verdict

    from ..answer import only_unread, worst
    assessments = [a for page in pages for a in page.assessments]
    verdict: Verdict | None = worst(assessments)
    if verdict is Verdict.PROHIBITED or (verdict is Verdict.UNDETERMINED and not only_unread(assessments)):
        return FINDINGS
    return CLEAN if verdict is Verdict.PERMITTED and not missing else UNDECIDED
