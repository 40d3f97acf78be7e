"""`maymine registers`: what is in the operator's registers, what is wrong with them, and what they say of an address."""
from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import click

from . import CLEAN, FINDINGS, options

TOLD = 20                            # problems that are told one by one, if not all are wanted


@click.group("registers", short_help="Look into registers: licences, do-not-train lists, and the like.", epilog=options.example(
    "maymine registers check licences.csv", "maymine registers find licences.csv https://example.org/press/1.html"))
def command() -> None:
    """Look into registers that you supply: licences, do-not-train lists, repertoires, and the like.

    They are used by 'maymine check', 'crawl', 'filter' and 'decide' with --register FILE, and decide by the same policies.
    """


@command.command(epilog=options.example("maymine registers check licences.csv do-not-train.parquet",
                                        "maymine registers check licences.csv --format json | jq '.[].problems'"))
@click.argument("files", nargs=-1, required=True, metavar="FILE...",
                type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--as-of", type=click.DateTime(("%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ")), metavar="TIME",
              help="Tell what has ended, or not begun, at this time (UTC). Default: now.")
@click.option("-v", "--verbose", is_flag=True, help="Tell every problem.")
@options.format("text", "json", "jsonl")
@click.pass_context
def check(ctx: click.Context, files: tuple[Path, ...], as_of: datetime | None, verbose: bool, form: str) -> None:
    """Say what registers hold, and what is wrong with them, with file and line.

    A register is a CSV, TSV, Parquet, JSON, JSON Lines or YAML file, one entry a row. Columns (the first three must be there):

    \b
      kind      licence, do-not-train, infringing-source, licensed-market, repertoire or public-domain
      match     url-prefix, domain, url, sha256 (of the whole file), iscc or party (the holder that another entry names)
      value     what is matched; a domain speaks for all under it, a prefix ends where a segment of the path ends
      holder    who holds the rights
      uses      search, train-ai, train-genai, ai-use, tdm, ...; several with spaces between; a licence without is none
      from, until   days (both counted in, UTC) or times with an offset
      fee, currency   12.50 and EUR
      terms     address of the terms
      society   collecting society
      asker     product token that a licence was granted to; without one, it is granted to you

    Told are rows that are no entries, rows that say the same, licences that hold at the same time and differ, licences that
    grant nothing, and entries that have ended or not begun. Each file is compiled into an index on the way, which is used again
    as long as the file is the same. Indexes are kept in the user's cache folder, or where MAYMINE_CACHE says.

    Exit code: 0 nothing is wrong, 1 something is, 2 a file is no register.
    """
    from ..terminal import harmless, progress, say, table
    from .output import values
    views = []
    for file in files:
        try:
            with progress(f"compiling {file}") as done:
                views.append(_view(file, _utc(as_of), verbose, form != "text", done))
        except ValueError as error:              # RegisterError
            raise click.UsageError("\n".join(map(harmless, str(error).splitlines()))) from error
        except OSError as error:
            raise click.UsageError(f"{harmless(str(file))} cannot be read: {options.reason(error)}") from error
    if form != "text":
        values(form, views)
    else:
        table(("register", "rows", "entries", "ended", "not begun", "malformed", "other problems"),
              [(v["file"], v["rows"], v["entries"], v["ended"], v["not_begun"], v["counts"].get("malformed", 0),
                sum(v["counts"].values()) - v["counts"].get("malformed", 0)) for v in views])
        for v in views:
            say(f"{v['file']}: {_counted(v['kinds'])}; by {_counted(v['matches'])}")
            if v["matches"].get("iscc"):
                say("entries by ISCC match by the Instance-Code, so by the very bytes; the extra 'iscc' computes it", indent=2)
            for p in v["problems"]:
                say(f"{v['file']}:{p['line']}: {p['why']}")
            if (left := v["all_problems"] - len(v["problems"])) > 0:
                say(f"... and {left:,} more; -v tells all of them.")
    ctx.exit(FINDINGS if any(v["all_problems"] for v in views) else CLEAN)


@command.command(epilog=options.example("maymine registers find licences.csv https://example.org/press/1.html",
                                        "maymine registers find list.parquet --sha256 $(sha256sum <a.jpg | cut -c-64)"))
@click.argument("file", metavar="FILE", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("urls", nargs=-1, metavar="[URL]...")
@click.option("--sha256", default="", metavar="DIGEST", help="Digest of the whole file that is asked about.")
@click.option("--iscc", default="", metavar="CODE", help="ISCC of what is asked about.")
@options.format("text", "json", "jsonl")
@click.pass_context
def find(ctx: click.Context, file: Path, urls: tuple[str, ...], sha256: str, iscc: str, form: str) -> None:
    """Show the entries that speak of an address, a digest, a code.

    Exit code: 0 some do, 1 none does, 2 the file is no register.
    """
    import json

    from rules import Asset

    from ..registers import places
    from ..registers.lookup import Registers, Source
    from ..terminal import harmless, say
    from .output import values
    if not urls and not sha256 and not iscc:
        raise click.UsageError("What to look for? Give addresses, --sha256 or --iscc.")
    try:
        registers = Registers.open([Source.told(str(file))], lenient=True)
        digest, code = places.digest(sha256) if sha256 else "", places.instance(places.code(iscc)) if iscc else ""
    except ValueError as error:
        raise click.UsageError("\n".join(map(harmless, str(error).splitlines()))) from error
    found = [{"url": url, **json.loads(line)} for url in urls or ("",)
             for line in registers.of(Asset(url), None, digest, code).body.splitlines()]
    if form != "text":
        values(form, found)
    for entry in found if form == "text" else ():
        told = "; ".join(f"{k} {' '.join(v) if isinstance(v, list) else v}" for k, v in entry.items()
                         if k not in ("url", "register", "entry"))
        say(f"{file}:{entry['entry']}: {told}")
    ctx.exit(CLEAN if found else FINDINGS)


def _view(file: Path, at: datetime, verbose: bool, whole: bool, done: Any) -> dict[str, Any]:
    """Raises RegisterError, OSError."""
    from heapq import nsmallest

    from ..registers.index import index_of
    index = index_of(file, done)
    about = index.about
    ended, first_ended = index.out_of_time(int(at.timestamp()), "until")
    not_begun, first_not_begun = index.out_of_time(int(at.timestamp()), "from")
    told = [{"line": int(e["entry"]), "sort": sort, "why": f"{e['kind']} for {e['value']} {word} {e[key]}"}
            for sort, word, key, entries in (("ended", "ended", "until", first_ended),
                                             ("not-begun", "begins", "from", first_not_begun)) for e in entries]
    counts = {**about["problems"], **({"ended": ended} if ended else {}), **({"not-begun": not_begun} if not_begun else {})}
    problems = (p for source in (index.problems(), told) for p in source)
    listed = sorted(problems, key=_line) if verbose or whole else nsmallest(TOLD, problems, key=_line)
    return {"file": str(file), "sha256": index.digest.removeprefix("sha256:"), "rows": about["rows"],
            "entries": about["entries"], "kinds": about["kinds"],
            "matches": about["matches"], "ended": ended, "not_begun": not_begun, "counts": counts,
            "all_problems": sum(counts.values()), "problems": listed}


def _line(problem: dict[str, Any]) -> int:
    return int(problem["line"])


def _utc(at: datetime | None) -> datetime:
    from datetime import UTC
    return at.replace(tzinfo=UTC) if at else datetime.now(UTC)


def _counted(counts: dict[str, int]) -> str:
    return ", ".join(f"{n:,} {word}" for word, n in sorted(counts.items(), key=lambda one: -one[1])) or "nothing"
