"""`maymine survives`: whether the words in a master are still there in the copies that are published."""
from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from . import CLEAN, FINDINGS, UNDECIDED, USAGE, options

if TYPE_CHECKING:
    from rules.model import Asker

    from ..declare.saying import Said
    from ..items import AssessedPage
    from .options import Fetching

JSON = dict[str, Any]
KEPT, LOST, LOOK, OTHER, UNREAD = "kept", "lost", "look", "another picture", "could not be read"
WORDS = ("Copies lose what stands in a file when they are resized, converted or uploaded. A copy that says nothing has not "
         "released anything: what stands in the master still holds, but who has the copy alone cannot read it. Have copies "
         "made with their metadata kept, and say it in the page, in the response header and in robots.txt, too.")


@dataclass(frozen=True, slots=True)
class Rendition:
    """A published file, or why there is none."""
    said: Said | None
    name: str
    body: bytes
    elsewhere: tuple[str, ...] = ()      # signals beside the file that reserve it
    asked: bool = True                   # False: found on a page that was asked for
    why: str = ""


@click.command("survives", epilog=options.example(
    "maymine survives master.tif web/small.jpg web/large.jpg", "maymine survives master.tif https://art.example/gallery",
    "maymine survives --format json master.jpg https://cdn.example/master-300x200.jpg"))
@click.argument("master", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("renditions", nargs=-1, required=True, metavar="URL|FILE...")
@options.asker
@options.fetching
@options.format("text", "json", "jsonl")
@click.pass_context
def command(ctx: click.Context, master: Path, renditions: tuple[str, ...], asker: Asker, fetching: Fetching, form: str) -> None:
    """Compare what a master says about mining with what its published copies say.

    Copies are files, addresses of images, or addresses of pages, whose images are looked at. Those on the web are fetched as
    'maymine check' does, with leave of robots.txt. Which image is a copy is told by how it looks, so Pillow is needed (the
    extra 'images'): 0 to 8 bits apart is a copy, 9 or 10 may be one.

    Exit code: 0 every copy says all that the master does, 1 some copy has lost words, 2 the master is no picture or reserves
    nothing, 3 no copy was found, or some could not be read.
    """
    from ..declare.likeness import NoPicture, hashes, picture
    from ..declare.saying import look
    files, urls = split(renditions)
    try:
        found = look(master)
        if found is None:
            raise NoPicture("it is no picture")
        shown = hashes(picture(master.read_bytes()))
    except ImportError:
        click.echo("Error: Pillow is not installed: pip install 'maymine[images]'", err=True)
        ctx.exit(USAGE)
    except (NoPicture, OSError) as error:
        why = options.reason(error) if isinstance(error, OSError) else str(error)
        click.echo(f"Error: {master}: {why}", err=True)
        ctx.exit(USAGE)
    if not found.denied:
        says = "reserves nothing" if found.statements else "says nothing about mining"
        click.echo(f"Error: {master} {says}, so its copies have nothing to lose; see 'maymine tag'.", err=True)
        ctx.exit(USAGE)
    published = [*map(from_file, files), *from_web(urls, asker, fetching)]
    rows = [row for one in published if (row := compared(one, found, shown))]
    told(rows, found, len(published) - len(rows), form)
    results = {r["result"] for r in rows}
    ctx.exit(FINDINGS if LOST in results else CLEAN if results == {KEPT} else UNDECIDED)


def split(renditions: Iterable[str]) -> tuple[list[Path], list[str]]:
    """Files that are there, and addresses."""
    from .check import address
    files: list[Path] = []
    urls: list[str] = []
    for one in renditions:
        if "://" in one or not Path(one).is_file():
            if "://" not in one:
                raise click.BadParameter(f"'{one}' is neither a file nor an address", param_hint="URL|FILE")
            urls.append(address(one))
        else:
            files.append(Path(one))
    return files, urls


def from_file(path: Path) -> Rendition:
    from ..declare.files import read
    from ..declare.saying import name_of, said
    try:
        body = read(path)
        return Rendition(said(name_of(path), path.resolve().as_uri(), body), name_of(path), body)
    except OSError as error:
        return Rendition(None, name_of(path), b"", why=options.reason(error))


def from_web(urls: list[str], asker: Asker, fetching: Fetching) -> list[Rendition]:
    """What stands at the addresses, and the images of the pages among them."""
    from ..session import Listed, crawl
    from ..terminal import progress
    if not urls:
        return []
    out: list[Rendition] = []
    pages: set[str] = set()
    with progress("fetching") as done:
        def on_page(page: AssessedPage) -> None:
            done(1)
            pages.add(page.page.requested)
            out.extend(of_page(page, set(urls)))
        crawl(Listed, {"urls": urls, "media": True}, fetching.settings(asker), on_page, fetching.verbose)
    out += [Rendition(None, url, b"", why="it was not looked at; -v shows what happened") for url in urls if url not in pages]
    return sorted(out, key=lambda r: not r.asked)


def of_page(assessed: AssessedPage, asked: set[str]) -> Iterator[Rendition]:
    """An image as it came; a page has been a way to its images only."""
    from rules import Carrier, Preference, Statement, Use
    from rules.containers import kind
    from rules.signals import SIGNALS
    from rules.vocab import ATOMS

    from ..declare.saying import said
    page = assessed.page
    body = next((e for e in page.evidence if e.carrier is Carrier.BODY), None)
    if body is None or not body.has_bytes:
        yield Rendition(None, page.requested, b"", (), page.requested in asked, body.detail if body else "")
    elif kind(body.body):
        elsewhere = {s.signal: None for a in assessed.assessments[:1] for s in a.findings
                     if isinstance(s, Statement) and s.preference is Preference.DISALLOW and ATOMS[s.use] & ATOMS[Use.TDM]
                     and SIGNALS[s.signal].carrier is not Carrier.BODY}
        yield Rendition(said(page.requested, page.asset.url, body.body), page.requested, body.body, tuple(elsewhere),
                        page.requested in asked)


def compared(one: Rendition, master: Said, shown: tuple[int, ...]) -> JSON | None:
    """What became of the words of the master; None for an image of a page that is another one."""
    from ..declare.likeness import LOOK as MAY_BE
    from ..declare.likeness import MATCH, NoPicture, distance, phash, picture
    from ..declare.saying import sentences, uses_text
    row: JSON = {"copy": one.name, "size": "", "distance": None, "result": UNREAD, "says": [], "lost": "", "lost_signals": [],
                 "elsewhere": list(one.elsewhere), "why": one.why}
    if one.said is None:
        return row if one.asked else None
    try:
        image = picture(one.body)
    except NoPicture as error:
        return {**row, "why": str(error)} if one.asked else None
    apart = distance(phash(image), shown)
    if apart > MAY_BE and not one.asked:
        return None
    row |= {"size": f"{image.width} x {image.height}", "distance": apart, "says": sentences(one.said)}
    if apart > MAY_BE:
        return {**row, "result": OTHER}                  # what is no copy has lost nothing
    gone = master.denied - one.said.denied
    signals = dict.fromkeys(s.signal for s in master.statements)
    kept = {s.signal for s in one.said.statements}
    return {**row, "result": LOOK if apart > MATCH else LOST if gone else KEPT,
            "lost": uses_text(gone), "lost_signals": [s for s in signals if s not in kept]}


def told(rows: list[JSON], master: Said, others: int, form: str) -> None:
    from ..declare.saying import sentences
    from ..terminal import counted, say, table
    from .output import paragraph, values
    if form != "text":
        values(form, rows)
        return
    say(f"{master.name}: {'; '.join(sentences(master))}")
    if rows:
        table(("copy", "size", "bits apart", "result", "it says", "lost", "said elsewhere"), map(cells, rows))
    if others:
        say(f"{counted(others, 'other image shows', 'other images show')} something else.")
    if not rows:
        say("No copy was found.")
    if any(r["result"] == LOST for r in rows):
        paragraph(WORDS)


def cells(row: JSON) -> tuple[object, ...]:
    apart = "" if row["distance"] is None else row["distance"]
    says = row["why"] if row["result"] == UNREAD else "; ".join(row["says"]) or "nothing about mining"
    return row["copy"], row["size"], apart, row["result"], says, row["lost"], ", ".join(row["elsewhere"])
