"""`maymine tag`: write about mining into one's own files, and take it back."""
from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from . import CLEAN, FINDINGS, UNDECIDED, USAGE, options

if TYPE_CHECKING:
    from ..declare.tag import Change
    from ..declare.values import Tag

JSON = dict[str, Any]
TAGGED, SAME, WOULD, LEFT, FAILED, RESTORED = "tagged", "as it was", "would be tagged", "left alone", "failed", "restored"


class ValueType(click.ParamType[str]):
    """One of the nine values; checked here, taken apart where it is used."""
    name = "value"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        from ..declare.values import parse
        try:
            if value:
                parse(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)
        return str(value)


class Address(click.ParamType[str]):
    """An address that somebody can follow."""
    name = "url"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        from ..declare.values import is_address
        if value and not is_address(value):
            self.fail(f"'{value}' is no http or https address", param, ctx)
        return str(value)


@click.command("tag", epilog=options.example(
    "maymine tag portfolio --value no-ai-training --dry-run",
    "maymine tag portfolio --value no-ai-training --web-statement https://art.example/ai",
    "maymine tag cover.jpg --value 'see-constraints:Only with leave in writing'",
    "maymine tag --undo tag-2026-11-22T101500Z.jsonl"))
@click.argument("paths", nargs=-1, metavar="DIR|FILE...", type=click.Path(exists=True, path_type=Path))
@click.option("--value", "values", type=ValueType(), multiple=True, metavar="WORD",
              help="no-ai-training, no-genai-training, no-mining, except-search, see-constraints:TEXT, "
                   "see-embedded-rights:TEXT, see-linked-rights:URL, allowed, or unspecified.")
@click.option("--web-statement", type=Address(), default="", metavar="URL", help="Also name a page about the rights.")
@click.option("--licensor", type=Address(), default="", metavar="URL", help="Also name who can give leave.")
@click.option("--tdm-policy", type=Address(), default="", metavar="URL",
              help="Into PDF files, also write the TDMRep reservation with this policy. Validators of PDF/A object to it.")
@click.option("--break-signature", is_flag=True, help="Write into signed files, too, whose signature will not hold any more.")
@click.option("--dry-run", is_flag=True, help="Write nothing; tell what would be done.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask before more than one file is changed.")
@click.option("--undo", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="LIST",
              help="Restore the files of an undo list, to the byte.")
@click.option("--undo-list", type=click.Path(path_type=Path), metavar="FILE",
              help="Where to write the undo list.  [default: tag-TIME.jsonl, here]")
@options.format("text", "json", "jsonl")
@click.pass_context
def command(ctx: click.Context, paths: tuple[Path, ...], values: tuple[str, ...], web_statement: str, licensor: str,
            tdm_policy: str, break_signature: bool, dry_run: bool, yes: bool, undo: Path | None,
            undo_list: Path | None, form: str) -> None:
    """Write the IPTC/PLUS Data Mining property into files, without touching anything else.

    JPEG, PNG, WebP, TIFF, GIF and PDF. Pixels, profiles, Exif, animation and all other metadata stay as
    they are: each new file is written beside the old one, read back, compared, and put in place at once; times and modes are
    kept. An undo list restores the old files to the byte. Signed files (C2PA) are left alone: tag first, sign last.

    A tag does not survive everywhere: many sites strip it from the copies that they make. See 'maymine survives'.

    Exit code: 0 every file says so now, 1 some files were left alone, 3 some could not be read or written.
    """
    if len(values) > 1:
        raise click.UsageError(f"A file says one thing about mining: give one --value, not {len(values)}.")
    value = values[0] if values else ""
    if undo:
        if paths or value:
            raise click.UsageError("--undo knows its files; give no others, and no --value.")
        rows = restored(undo, yes, dry_run)
    else:
        if not paths or not value:
            raise click.UsageError("What to write, and where? Give files or folders, and --value.")
        from ..declare.values import Tag, parse
        tag = Tag(*parse(value), web_statement, licensor, tdm_policy)
        changes, rows = planned(paths, tag, break_signature)
        from ..terminal import counted
        todo = [c for c in changes if c.splices]
        if dry_run:
            rows += [row(c, WOULD) for c in todo]
        elif todo:
            asked([f"{counted(len(todo), 'file')} would be tagged {value}"[:200], *differing(todo)], len(todo), yes)
            rows += written(todo, undo_list or default_list())
    told(rows, form)
    results = {r["result"] for r in rows}
    ctx.exit(UNDECIDED if FAILED in results else FINDINGS if LEFT in results else CLEAN)


def row(change: Change, result: str, why: str = "") -> JSON:
    return {"file": shown(change.path), "kind": change.kind, "result": result, "said": list(change.said), "why": why}


def shown(path: Path) -> str:
    """A path from where one stands; whole, if it lies elsewhere."""
    from ..declare.saying import name_of
    path, here = path.parent.resolve() / path.name, Path.cwd()
    return name_of(path.relative_to(here) if path.is_relative_to(here) else path)


def refused(path: Path, result: str, why: str) -> JSON:
    return {"file": shown(path), "kind": "", "result": result, "said": [], "why": why}


def planned(paths: Iterable[Path], tag: Tag, break_signature: bool) -> tuple[list[Change], list[JSON]]:
    """What is to be done, and rows for files to which nothing will be."""
    from ..declare.files import walk
    from ..declare.splice import NotWritten
    from ..declare.tag import plan
    from ..terminal import progress
    changes: list[Change] = []
    rows: list[JSON] = []
    files = list(walk(paths))
    named = {path for path in paths if not path.is_dir()}
    with progress("looking", len(files)) as done:
        for path in files:
            try:
                change = plan(path, tag, break_signature=break_signature)
                if change:
                    changes.append(change)
                elif path in named:
                    rows.append(refused(path, LEFT, "it is no file that holds such words"))
            except NotWritten as error:
                rows.append(refused(path, LEFT, str(error)))
            except OSError as error:
                rows.append(refused(path, FAILED, options.reason(error)))
            done(1)
    return changes, rows + [row(c, SAME) for c in changes if not c.splices]


def differing(changes: Iterable[Change]) -> list[str]:
    """How many files say something else now."""
    from collections import Counter
    counts = Counter(word for c in changes for word in c.said)
    return [f"{number} of them {'says' if number == 1 else 'say'} {word} now, which would be replaced"
            for word, number in counts.items()]


def asked(lines: list[str], files: int, yes: bool) -> None:
    """Show the plan and ask, where more than one file would change. Exits where the answer is no."""
    from ..terminal import say
    if files < 2 or yes:
        return
    for line in lines:
        say(line, err=True)
    if not sys.stdin.isatty():
        raise click.UsageError("Nobody is there to ask; say --yes to change more than one file.")
    if not click.confirm("Go on?", err=True):
        click.echo("Nothing was written.", err=True)
        click.get_current_context().exit(CLEAN)


def default_list() -> Path:
    from datetime import UTC, datetime
    return Path(f"tag-{datetime.now(UTC):%Y-%m-%dT%H%M%SZ}.jsonl")


def written(changes: list[Change], place: Path) -> list[JSON]:
    """Write the changes; a row each."""
    from ..declare.splice import NotWritten
    from ..declare.tag import UndoList, write
    from ..terminal import progress, say
    rows: list[JSON] = []
    undo = UndoList(place)
    if place.exists():
        raise click.BadParameter(f"{place} is there already; name another file", param_hint="--undo-list")
    try:
        with progress("writing", len(changes)) as done:
            for change in changes:
                try:
                    compared = write(change, undo)
                    rows.append(row(change, TAGGED, "" if compared or change.kind == "pdf" else "pixels were not compared"))
                except NotWritten as error:
                    rows.append(row(change, LEFT, str(error)))
                except OSError as error:
                    rows.append(row(change, FAILED, options.reason(error)))
                done(1)
    finally:
        undo.close()
        if place.exists():
            say(f"The undo list is {place}", err=True)
    return rows


def restored(undo: Path, yes: bool, dry_run: bool) -> list[JSON]:
    from ..declare.splice import NotWritten
    from ..declare.tag import entries, restore
    from ..terminal import counted, progress
    try:
        found = entries(undo)
    except (NotWritten, OSError) as error:
        click.echo(f"Error: {undo}: {error if isinstance(error, NotWritten) else options.reason(error)}", err=True)
        click.get_current_context().exit(USAGE)
    if dry_run:
        return [refused(entry.path, "would be restored", "") for entry in found]
    asked([f"{counted(len(found), 'file')} would be restored"], len(found), yes)
    rows: list[JSON] = []
    with progress("restoring", len(found)) as done:
        for entry in found:
            try:
                rows.append(refused(entry.path, RESTORED if restore(entry) else SAME, ""))
            except NotWritten as error:
                rows.append(refused(entry.path, LEFT, str(error)))
            except OSError as error:
                rows.append(refused(entry.path, FAILED, options.reason(error)))
            done(1)
    return rows


def told(rows: list[JSON], form: str) -> None:
    from collections import Counter

    from ..terminal import say, table
    from .output import values
    if form != "text":
        values(form, rows)
        return
    if rows:
        table(("file", "kind", "result", "said before", "why"),
              [(r["file"], r["kind"], r["result"], ", ".join(r["said"]), r["why"]) for r in rows])
    say(", ".join(f"{number} {result}" for result, number in Counter(r["result"] for r in rows).items()) or "no files to tag")
