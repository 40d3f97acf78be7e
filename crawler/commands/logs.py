"""`maymine logs`: who fetched what, under which name, after the words said no."""
from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from . import CLEAN, FINDINGS, UNDECIDED, options

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from ..items import AssessedPage
    from ..logs.grading import Finding
    from ..logs.history import History
    from ..logs.naming import Names
    from ..logs.reading import Read
    from ..logs.store import Store
    from ..logs.telling import Sums
    from .options import Fetching

FAIL_ON = {"confirmed": "A", "likely": "AB", "any": "ABCDPU", "never": ""}
BROKEN_TOLD = 10


class Since(click.ParamType[str]):
    """A time, or a day."""
    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        from datetime import UTC, datetime

        from ..logs.request import instant
        if not isinstance(value, str):
            return value
        try:
            at = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"'{value}' is no day and no time; write it like 2026-10-20 or 2026-10-20T09:30:00Z", param, ctx)
        return instant(at if at.tzinfo else at.replace(tzinfo=UTC))


@click.command("logs", epilog=options.example(
    "maymine logs access.log --policy robots.txt --since 2026-10-20",
    "maymine logs 'access.log*.gz' --policy history/ --host art.example --format jsonl -o findings.jsonl",
    "maymine logs access.log --policy git:site/robots.txt --anonymise"))
@click.argument("words", nargs=-1, required=True, metavar="FILE...")
@click.option("--policy", "policies", multiple=True, metavar="PATH",
              help="What the site said when: a robots.txt with --since, a folder of copies with dates in their names, "
                   "policy-timeline.json, a WARC or WACZ file, a table of 'maymine sites', or git:PATH. May be given again.")
@click.option("--site", metavar="URL", default="", help="The site: asked for its words of today, unless there is --policy.")
@click.option("--since", type=Since(), metavar="TIME", help="Since when the words stand that have no date of their own.")
@click.option("--host", default="", metavar="NAME", help="Host of the log's lines that do not tell theirs, like art.example.")
@click.option("--rdns", is_flag=True, help="Also ask for the names of addresses, and for the addresses of these names.")
@click.option("--anonymise", is_flag=True, help="Cut addresses in what is written.")
@click.option("--fail-on", type=click.Choice(tuple(FAIL_ON)), default="likely", show_default=True,
              help="From which findings on the exit code is 1.")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
              help="Also write each finding here, a line of JSON each.")
@options.fetching
@options.format("text", "json", "jsonl")
@click.pass_context
def command(ctx: click.Context, words: tuple[str, ...], policies: tuple[str, ...], site: str, since: int | None, host: str,
            rdns: bool, anonymise: bool, fail_on: str, output: Path | None, fetching: Fetching, form: str) -> None:
    """Tell which crawlers came after the words said no, and how sure that is.

    FILE is an access log, a folder or a glob: Apache and nginx (combined, with virtual hosts, JSON), Caddy, Cloudflare,
    CloudFront, Amazon S3, IIS; packed by gzip, bzip2 or Zstandard. Each request under the name of a known crawler is held
    against the words that stood at that time and against the addresses that its operator publishes.

    Grades: A confirmed, B probable, C cannot be checked, D somebody else under the name, U sent by a person's question,
    P robots.txt could not be had, N under notice of a reservation. What is within 24 hours of a change is not counted.
    Nothing leaves this machine but what --site and --rdns ask for; the lines of people are not kept.

    Exit code: 0 no finding of --fail-on, 1 findings, 2 usage, 3 a log could not be read, or nobody knows which words stood.
    """
    from ..logs import lists, reading
    from ..logs.grading import Grade, Grader
    from ..logs.naming import Names
    from ..logs.reverse import Reverse
    from ..logs.store import Store
    from ..logs.telling import Sums
    from ..terminal import harmless, progress
    history = _history(policies, site, since, host, fetching)
    try:
        paths = reading.expand(words)
        copies = [*lists.shipped(), *lists.kept()]
    except (reading.LogError, lists.ListError) as error:
        raise click.UsageError(harmless(str(error))) from error
    sums = Sums()
    with closing(Store()) as store:
        names = Names()
        with progress("reading", sum(p.stat().st_size for p in paths)) as done:
            read = [_read(path, n, store, names, done) for n, path in enumerate(paths)]
        grader = Grader(history, lists.Lists(copies), _host(host, site, history, store), Reverse() if rdns else None)
        _write(map(grader.grade, store.in_order()), sums, list(map(str, paths)), anonymise, form, output)
    _tell(sums, read, form)
    if sums.of(*map(Grade, FAIL_ON[fail_on])):
        ctx.exit(FINDINGS)
    missing = sums.not_counted()
    ctx.exit(UNDECIDED if any(one.broken for one in read) or missing.get("unknown-words") or missing.get("no-words") else CLEAN)


def _history(policies: tuple[str, ...], site: str, since: int | None, host: str, fetching: Fetching) -> History:
    """The words that are given, or those that a site says now."""
    from ..logs import words
    from ..logs.history import History, authority_of
    from ..terminal import harmless
    history = History()
    try:
        url = site or (f"//{host}" if host else "")
        if url:
            authority_of(url)
        for told in policies:
            words.add(history, told, url, since)
    except ValueError as error:
        raise click.UsageError(harmless(str(error))) from error
    if not policies:
        if not site:
            raise click.UsageError("which words stood? Give --policy robots.txt --since 2026-10-20, a folder of dated copies, "
                                   "or --site https://art.example")
        _ask(history, site, since, fetching)
    return history


def _ask(history: History, site: str, since: int | None, fetching: Fetching) -> None:
    """What a site says now; it stood before only if somebody says since when."""
    from rules.model import Access, Asker
    from rules.references import SITE_FILES

    from ..logs.history import Version
    from ..logs.request import instant
    from ..session import Listed, crawl
    from .check import address
    pages: list[AssessedPage] = []
    asker = Asker(options.DEFAULT_TOKEN)
    crawl(Listed, {"urls": (address(site),)}, fetching.settings(asker), pages.append, fetching.very_verbose)
    for evidence in (e for page in pages for e in page.page.evidence if e.carrier in SITE_FILES):
        if evidence.at is None or evidence.access is Access.NOT_COLLECTED:
            continue
        now = instant(evidence.at)
        history.add(site, (Version(evidence, now if since is None else since, now, since is not None, "asked now"),))
    if not history.sites():
        raise click.UsageError(f"{site} did not answer; -vv shows what happened. Give the words by --policy")


def _host(host: str, site: str, history: History, store: Store) -> str:
    """Whose lines those are that tell no host. Words without an address are for one site only."""
    from ..logs.history import authority_of, host_of
    if host or site:
        return host_of(host) if host else authority_of(site)[1]
    told = sorted(filter(None, store.hosts))
    if "" in history.sites() and len(told) > 1:
        raise click.UsageError(f"the log tells of {len(told)} hosts ({', '.join(told[:5])}); --host says whose words these are")
    known = [name for name in history.sites() if name]
    if "" in store.hosts and len(known) > 1:
        raise click.UsageError(f"the log does not tell the host, and words of {', '.join(known[:5])} are known; --host says "
                               "which")
    return known[0] if known else told[0] if told else ""


def _read(path: Path, number: int, store: Store, names: Names, done: Callable[[int], None]) -> Read:
    from ..logs import reading
    before = 0

    def tick(at: int) -> None:
        nonlocal before
        done(at - before)
        before = at
    return reading.read(path, number, store, names, tick)


def _write(found: Iterable[Finding], sums: Sums, files: list[str], anonymise: bool, form: str, output: Path | None) -> None:
    """Count all, and write the findings where somebody wants them, as they come."""
    import json

    from ..logs.grading import Grade
    from ..logs.telling import finding
    from .output import values

    def rows() -> Iterator[dict[str, Any]]:
        for one in found:
            sums.add(one)
            if one.grade is not Grade.NONE:
                yield finding(one, files, anonymise) if output or form == "jsonl" else {}
    if output is None:
        if form == "jsonl":
            values(form, rows())
        else:
            for _ in rows():
                pass
        return
    try:
        with output.open("w", encoding="utf-8") as file:
            for row in rows():
                file.write(json.dumps(row, ensure_ascii=False) + "\n")
                if form == "jsonl":
                    values(form, (row,))
    except OSError as error:
        raise click.UsageError(f"{output} cannot be written: {options.reason(error)}") from error


def _tell(sums: Sums, read: list[Read], form: str) -> None:
    from ..logs.telling import GRADES, SENTENCES, summary
    from ..terminal import counted, say, table
    from .output import values
    rows = [summary(s) for s in sums.counted()]
    if form == "json":
        values(form, [{"schema": 1, "summary": rows, "not_counted": sums.not_counted(),
                       "files": [{k: v for k in ("path", "format", "told", "lines", "not_understood", "first_unread", "broken")
                                  if (v := getattr(one, k))} for one in read]}])
        return
    quiet = form != "text"
    lines, lost = sum(one.lines for one in read), sum(one.not_understood for one in read)
    say(f"{counted(lines, 'line')} read, {lost:,} not understood.", err=quiet)
    for one in read:
        if one.told:
            say(f"{one.path}: taken for {one.format}, {one.told}", err=quiet)
        if one.broken or one.not_understood:
            say(f"{one.path}: {one.broken or f'line {one.first_unread} is not {one.format}'}", err=True)
    if quiet:
        return
    if rows:
        table(("", "meaning", "crawler", "operator", "requests", "from", "to", "address list of", "asked for first"),
              [(r["grade"], r["meaning"], r["agent"], r["operator"], r["requests"], r["first"], r["last"], r["list_of"][:10],
                r["example"][:80]) for r in rows])
        for grade in dict.fromkeys(s.grade for s in sums.counted()):
            say(f"{grade.value} {GRADES[grade][1]}.")
            for basis in dict.fromkeys(s.basis for s in sums.counted() if s.grade is grade):
                say(SENTENCES[basis], indent=4)
    if missing := sums.not_counted():
        say("Not counted:")
        for basis, n in sorted(missing.items(), key=lambda item: -item[1]):
            say(f"{n:,}  {SENTENCES[basis]}", indent=2)
    say("This shows requests and words. It does not show what was done with what was fetched, nor what a network in front of "
        "the server answered by itself.")
