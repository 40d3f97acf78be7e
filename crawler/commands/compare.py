"""`maymine compare`: policies beside each other over one crawl, or one crawl then and now."""
from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from . import CLEAN, FINDINGS, options, runs

if TYPE_CHECKING:
    from rules.policy import Policy

    from ..compare import Comparison

FORMS = ("text", "json", "csv", "html")
LANGUAGES = ("en", "de", "fr", "ko", "ja")
PAIRS_TOLD = 4                       # rows that decided, of each pair and use, in a terminal


class UseName(click.ParamType["str"]):
    """A use."""
    name = "use"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        from rules import Use
        known = {use.value: use for use in Use}
        if value in known.values():
            return value
        if value not in known:
            self.fail(options.unknown(value, tuple(known), "use"), param, ctx)
        return known[value]


@click.command("compare", epilog=options.example(
    "maymine compare run --policy eu-dsm-art4 --policy eu-dsm-art3 --policy strictest",
    "maymine compare run --policy eu-dsm-art4 --policy strictest --use train-genai --format html -o compared.html",
    "maymine compare yesterday today --policy eu-dsm-art4"))
@click.argument("folders", nargs=-1, required=True, metavar="RUN...",
                type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--policy", "policies", type=options.PolicyName(), multiple=True, metavar="NAME|FILE",
              help="A policy to compare; may be given again. Default: those of the run.")
@click.option("--use", "uses", type=UseName(), multiple=True, metavar="USE",
              help="A use to compare; may be given again. Default: all that every policy decides about.")
@click.option("-o", "--output", "out", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
              help="Write the result there. The format follows from .html, .csv or .json, unless it is given.")
@click.option("--lang", type=click.Choice(LANGUAGES), default="en", show_default=True, help="Language of the page (html).")
@click.option("--format", "form", type=click.Choice(FORMS), help="How to write the result.  [default: text]")
@click.pass_context
def command(ctx: click.Context, folders: tuple[Path, ...], policies: tuple[Policy, ...], uses: tuple[Any, ...],
            out: Path | None, lang: str, form: str | None) -> None:
    """Compare what policies make of a crawl: how much each permits, permits with duties, leaves open, prohibits, and why.

    Counted are pages, bytes and registrable domains. Where two policies differ, the rows that decided are told. Policies that
    the run did not decide by are decided from its findings; nothing is fetched, no evidence is read, and RUN stays as it is.
    With several runs of the same pages, such as those of 'maymine filter --as-of', each is a side of its own.

    Exit code: 0 all sides agree about every page, 1 they do not, 2 RUN is no run, or nothing can be compared, 3 its records
    cannot be read.
    """
    from ..compare import compare
    from ..terminal import say
    form = form or {".html": "html", ".csv": "csv", ".json": "json"}.get(out.suffix if out else "", "text")
    if form == "text" and out:
        raise click.UsageError(f"-o {out}: which format? Give --format html, csv or json.")
    with runs.reading(ctx, folders[0]):
        c = compare(folders, policies, uses)
    if form == "text":
        tell(c)
    else:
        text = written(c, form, lang)
        if out is None:
            click.echo(text.encode("utf-8", "backslashreplace"), nl=False)
        else:
            try:
                out.write_text(text, "utf-8", errors="backslashreplace")
            except OSError as error:
                raise click.UsageError(f"{out} cannot be written: {options.reason(error)}") from error
            say(f"Written to {out}.", err=True)
    ctx.exit(FINDINGS if any(x != y for cells in c.pairs.values() for x, y in cells) else CLEAN)


def written(c: Comparison, form: str, lang: str) -> str:
    import json

    from ..compare import to_json
    from ..terminal import harmless_json
    if form == "json":
        return harmless_json(json.dumps(to_json(c), ensure_ascii=False, indent=2)) + "\n"
    if form == "html":
        from ..compare_page import page
        return page(to_json(c), lang)
    return table(c)


def table(c: Comparison) -> str:
    """CSV: a line a side, use and outcome, then a line for each pair and what decided it."""
    import csv
    import io

    from ..compare import to_json
    text = io.StringIO()
    out = csv.writer(text, lineterminator="\n")
    out.writerow(("what", "use", "a", "outcome_a", "b", "outcome_b", "rows_a", "rows_b", "items", "bytes", "domains",
                  "example"))
    told = to_json(c)
    for side in told["sides"]:
        about = ("share", side["use"], _cell(side["side"]))
        for word, n in side["outcomes"].items():
            out.writerow((*about, word, "", "", "", "", n["items"], n["bytes"], n["domains"], ""))
        out.writerow((*about, "mixed", "", "", "", "", "", "", side["mixed_domains"], ""))
    for pair in told["pairs"]:
        for cell in pair["cells"]:
            names = (pair["use"], _cell(pair["a"]), cell["a"], _cell(pair["b"]), cell["b"])
            out.writerow(("pair", *names, "", "", cell["items"], cell["bytes"], "", ""))
            for row in cell["rows"]:
                out.writerow(("rows", *names, row["a"], row["b"], row["items"], row["bytes"], "", _cell(row["example"])))
    return text.getvalue()


def _cell(text: str) -> str:
    """Words of strangers in a cell that no spreadsheet takes for a formula."""
    from ..terminal import harmless
    return f"'{harmless(text)}" if text[:1] in "=+-@\t\r" and text else harmless(text)


def tell(c: Comparison) -> None:
    """For a person: shares as a table, then where the sides differ, by which rows."""
    from ..compare import Outcome
    from ..compare_page import size
    from ..terminal import counted, say
    from ..terminal import table as printed
    say(f"{counted(c.items, 'page')}, {size(c.bytes)}, {counted(c.domains, 'domain')}"
        + (f"; the size of {counted(c.unmeasured, 'page')} is not known" if c.unmeasured else "") + ".")
    for folder, alone in zip(c.runs, c.alone, strict=True):
        if alone:
            say(f"{counted(alone, 'page')} of {folder} {'is' if alone == 1 else 'are'} not in every run, and left out.")
    for use in c.uses:
        rows = []
        for n, side in enumerate(c.sides):
            told = c.counted[n, use]
            for what, sums, total in (("pages", told.items, c.items), ("bytes", told.bytes, c.bytes),
                                      ("domains", told.domains, c.domains)):
                mixed = _share(told.domains[None], total) if what == "domains" else ""
                rows.append((side.label if what == "pages" else "", what, *(_share(sums[o], total) for o in Outcome), mixed))
        columns = ("policy", "of", "permits", "with duties", "leaves open", "prohibits", "mixed")
        printed(columns, rows, title=f"Use: {use.value}")
    for (a, b, use), cells in c.pairs.items():
        differing = sorted(((x, y, row) for (x, y), cell in cells.items() if x != y for row in cell.rows),
                           key=lambda one: -one[2]["items"])
        n = sum(cell.items for (x, y), cell in cells.items() if x != y)
        say(f"{use.value}: {c.sides[a].label} and {c.sides[b].label} differ about {n:,} of {counted(c.items, 'page')}"
            f" ({_share(n, c.items)})" + (":" if differing else "."))
        for x, y, row in differing[:PAIRS_TOLD]:
            say(f"{row['items']:,}: {x.word} by {row['by'][0]}, {y.word} by {row['by'][1]}; like {row['example']}", indent=2)
        if len(differing) > PAIRS_TOLD:
            say("... and more; --format json, csv or html tells them.", indent=2)


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "-"
