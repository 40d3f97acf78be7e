"""`maymine report`: a report made before, told again in another language or form."""
from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from . import options

if TYPE_CHECKING:
    from ..audit.report import Report

F = TypeVar("F", bound=Callable[..., Any])
LANGUAGES = ("en", "de", "fr", "ko", "ja")           # those of crawler/report/catalogue.py
ENDINGS = {".html": "html", ".htm": "html", ".md": "md", ".json": "json", ".jsonl": "jsonl", ".sarif": "sarif", ".txt": "text"}
MOST_BYTES = 512 << 20               # of a report that is read


def output(forms: tuple[str, ...]) -> Callable[[F], F]:
    """--format and -o, handed over as `form` and `path`; without --format the name of the file tells."""
    def added(command: F) -> F:
        command = click.option("-o", "--output", "path", type=click.Path(dir_okay=False), default="", metavar="FILE",
                               help="Write the report there; its name tells the form (.html, .md, .json, .sarif).")(command)
        return click.option("--format", "form", type=click.Choice(forms), default=None,
                            help="How to write the result.  [default: by the name of -o; text]")(command)
    return added


@click.command("report", epilog=options.example(
    "maymine report --from report.html --lang ko -o report-ko.html", "maymine report --from report.html --format md"))
@click.option("--from", "source", type=click.Path(exists=True, dir_okay=False), required=True, metavar="FILE",
              help="A report of 'maymine audit' as HTML or JSON.")
@click.option("--lang", type=click.Choice(LANGUAGES), default="en", show_default=True, help="Language of the report.")
@output(("text", "json", "jsonl", "html", "md", "sarif"))
def command(source: str, lang: str, form: str | None, path: str) -> None:
    """Tell a report again, in another language or form, from the data that it carries. Nothing is fetched.

    Exit code: 0 it was written, 2 the file holds no report.
    """
    written(read(source), form, path, lang)


def read(source: str) -> Report:
    """The report in a file."""
    from ..audit.report import from_json
    from ..report.page import embedded
    try:
        if Path(source).stat().st_size > MOST_BYTES:
            raise ValueError(f"it has more than {MOST_BYTES} bytes")
        text = Path(source).read_text("utf-8")
        try:
            return from_json(json.loads(text) if text.lstrip()[:1] == "{" else embedded(text))
        except RecursionError as error:
            raise ValueError("it is nested too deeply") from error
    except (OSError, UnicodeDecodeError) as error:
        raise click.BadParameter(f"{source} cannot be read: {options.reason(error)}", param_hint="--from") from error
    except ValueError as error:
        raise click.BadParameter(f"{source} holds no report that can be told: {error}", param_hint="--from") from error


def written(report: Report, form: str | None, path: str, lang: str) -> None:
    """To a file, or to standard output."""
    form = form or ENDINGS.get(Path(path).suffix.lower(), "text" if not path else "html")
    if not path:
        _shown(report, form, lang)
        return
    try:
        Path(path).write_text(_text(report, form, lang), "utf-8")
    except OSError as error:
        raise click.BadParameter(f"{path} cannot be written: {options.reason(error)}", param_hint="-o") from error
    from ..report.audit import headline
    from ..report.catalogue import Catalogue
    from ..terminal import say
    say(headline(report, Catalogue(lang)), err=True)
    say(f"-> {path}", err=True)


def _shown(report: Report, form: str, lang: str) -> None:
    from ..report import audit
    from ..report.catalogue import Catalogue
    from ..terminal import say
    if form == "text":
        for line, style, indent in audit.as_text(report, Catalogue(lang)):
            say(line, style, indent)
    elif form in ("json", "jsonl", "sarif"):
        from .output import echo_json
        echo_json(_text(report, form, lang).rstrip("\n"))
    else:
        click.echo(_text(report, form, lang).encode("utf-8"), nl=False)


def _text(report: Report, form: str, lang: str) -> str:
    from ..audit.report import to_json
    from ..report import audit
    from ..report.catalogue import Catalogue
    from ..terminal import harmless
    say = Catalogue(lang)
    match form:
        case "html":
            return audit.as_html(report, say)
        case "md":
            return audit.as_markdown(report, say)
        case "sarif":
            return json.dumps(audit.as_sarif(report, say), ensure_ascii=False, indent=2) + "\n"
        case "json":
            return json.dumps(to_json(report), ensure_ascii=False, indent=2) + "\n"
        case "jsonl":
            return json.dumps(to_json(report), ensure_ascii=False) + "\n"
    return "".join(" " * indent + harmless(line) + "\n" for line, _, indent in audit.as_text(report, say))
