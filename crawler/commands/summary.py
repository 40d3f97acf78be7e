"""`maymine summary`: what has to be published about a run."""
from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from . import CLEAN, UNDECIDED, options, runs

if TYPE_CHECKING:
    from ..ledger.document import Document


def _eu(folder: Path, **asked: Any) -> Document:
    from ..ledger import eu
    return eu.summary(folder, **asked)


def _kr(folder: Path, **asked: Any) -> Document:
    from ..ledger import kr
    return kr.summary(folder, **asked)


# Whose rules, and who makes the document by them. THE list of what --for takes.
FOR: dict[str, Callable[..., Document]] = {"eu": _eu, "kr": _kr}
FORMS = (".html", ".docx", ".json")  # ledger/document.py


@click.command("summary", epilog=options.example(
    "maymine summary RUN --for eu", "maymine summary RUN --for eu --sme -o summary.docx",
    "maymine summary RUN --for eu --kinds our-domains.csv --format json",
    "maymine summary RUN --for kr --lang ko -o report.html"))
@runs.run
@click.option("--for", "whom", type=click.Choice(tuple(FOR)), required=True, help="By whose rules.")
@click.option("--policy", default="", metavar="NAME", help="Policy of the run that says what remains after filtering. "
              "[default: the first]")
@click.option("--use", default="", metavar="USE", help="The use that it is asked for. [default: train-genai]")
@click.option("--sme", is_flag=True, help="The rule for small and medium-sized providers: a twentieth of the domains, "
              "at most 1,000.")
@click.option("--count", "size", type=click.Choice(("collected", "kept")), default="collected", show_default=True,
              help="Whether domains are ordered by what was collected or by what remains after filtering.")
@click.option("--kinds", "kinds_file", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="FILE",
              help="Kinds of sources by domain, instead of the short list that comes with maymine: CSV with the columns domain "
              "and kind, or YAML with kind: [domains].")
@click.option("--lang", "language", type=click.Choice(("en", "ko")), default="en", show_default=True,
              help="Language of the report for kr; that for eu is English.")
@click.option("-o", "--output", "out", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
              help=f"Write a file: {', '.join(FORMS)}.")
@options.format("text", "json")
@click.pass_context
def command(ctx: click.Context, run: Path, whom: str, kinds_file: Path | None, out: Path | None, form: str,
            policy: str, use: str, sme: bool, size: str, language: str) -> None:
    """Write what a law wants published about the data of a run, as far as the run tells it.

    For eu: sections 2.3 and 3.1 of the template for the public summary of training content (AI Act, Article 53(1)(d)): who
    collected what and when, the most relevant registrable domains by size, modalities, kinds of sources, which protocols were
    honoured and what remained after filtering. What only the provider knows is marked, and left open.

    For kr: which duties of the AI Basic Act touch data, what the run shows for them, and what that Act does not ask.

    Exit code: 0 written; 2 the command line, or RUN, is not as it must be; 3 the run cannot be read, or knows no sizes.
    """
    from ..ledger import document
    from ..ledger.eu import NothingMeasured
    from .output import echo_json
    asked: dict[str, Any] = {"policy": policy, "use": use, "sme": sme, "size": size}
    if whom == "kr":
        asked["language"] = language
    if out is not None and out.suffix not in FORMS:
        raise click.UsageError(f"{out} ends in none of {', '.join(FORMS)}")
    if kinds_file is not None:
        asked |= {"list_of_kinds": _kinds(kinds_file), "kinds_name": kinds_file.name}
    with runs.reading(ctx, run):
        try:
            made = FOR[whom](run, **asked)
        except NothingMeasured as error:
            options.complain(str(error))
            ctx.exit(UNDECIDED)
    if out is not None:
        try:
            document.write(made, out)
        except ImportError:
            raise click.UsageError("a .docx needs python-docx: pip install 'maymine[docx]'; .html needs nothing") from None
        except OSError as error:
            raise click.UsageError(f"{out} cannot be written: {options.reason(error)}") from error
    if form == "json":
        echo_json(document.text_of_json(made).rstrip("\n"))
    elif out is None:
        document.say(made)
    ctx.exit(CLEAN)


def _kinds(file: Path) -> dict[str, str]:
    from rules.strict_yaml import DataError

    from ..ledger import kinds
    from ..terminal import harmless
    try:
        return kinds.read(file)
    except DataError as error:
        raise click.UsageError(harmless(str(error))) from error
    except (OSError, UnicodeDecodeError) as error:
        raise click.UsageError(f"{file} cannot be read: {options.reason(error)}") from error
