"""`maymine sites`: robots.txt and the like out of archives, or from the sites themselves, for `maymine filter`."""
from __future__ import annotations

from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import click

from . import CLEAN, UNDECIDED, options

if TYPE_CHECKING:
    from rules.model import Asker

    from ..archive.copies import Copy
    from .options import Fetching


@click.command("sites", epilog=options.example(
    "maymine sites crawl/*.warc.gz -o sites.parquet", "maymine sites robotstxt/*.warc.gz -o sites.parquet",
    "maymine sites --live pages.csv --column link -o today.parquet"))
@click.argument("words", nargs=-1, metavar="[INPUT]...")
@click.option("-o", "--output", "out", type=click.Path(dir_okay=False, path_type=Path), required=True, metavar="FILE",
              help="Parquet file that is written.")
@click.option("--live", default="", metavar="FILE",
              help="Ask the sites of these addresses now: a text, CSV or Parquet file (.gz too); - for standard input.")
@click.option("--column", default="url", show_default=True, metavar="NAME", help="Column of that CSV or Parquet file.")
@options.asker
@options.fetching
@click.pass_context
def command(ctx: click.Context, words: tuple[str, ...], out: Path, live: str, column: str, asker: Asker,
            fetching: Fetching) -> None:
    """Collect what sites said, and when, out of WARC, WACZ and ARC files, or what they say now.

    Every copy of robots.txt, tdmrep.json, ai.txt and trust.txt is kept with its time, so that 'maymine filter --sites' can tell
    which one stood when a page was captured. Archives of Common Crawl that hold nothing but robots.txt will do, too.

    With --live each site is asked once, as politely as in a crawl; no page is fetched. Judge an old crawl by it with
    'maymine filter --sites FILE --as-of now'.

    Exit code: 0 all was read; 2 the command line is not as it must be; 3 some of the input could not be read.
    """
    from ..archive import sites
    from ..archive.inputs import InputError, expand
    from ..filtering import copies_in
    from ..seeds import SeedError
    from ..terminal import counted, harmless, progress, say
    if not words and not live:
        raise click.UsageError("Of which sites? Give archives, or a file of addresses with --live.")
    try:
        found = expand(words)
        new, damage = out.with_name(out.name + ".new"), list[str]()
        asked = _asked(live, column, asker, fetching) if live else []
        with progress("collecting", sum(one.size_bytes for one in found)) as done:
            written = sites.write(new, chain(asked, copies_in(found, damage, done)))
        new.replace(out)
    except (InputError, SeedError) as error:
        raise click.UsageError(harmless(str(error))) from error
    except OSError as error:
        raise click.UsageError(f"{harmless(str(error.filename or out))}: {options.reason(error)}") from error
    say(f"{counted(written, 'copy', 'copies')} of {counted(sites.files_in(out), 'file')}.")
    for text in damage:
        say(f"broken: {text}", err=True)
    ctx.exit(UNDECIDED if damage else CLEAN)


def _asked(file: str, column: str, asker: Asker, fetching: Fetching) -> list[Copy]:
    """Copies that sites give now. Raises SeedError, OSError."""
    from ..live_sites import ask
    from ..seeds import SeedError, seeds
    copies: list[Copy] = []
    if not ask(seeds(file, column), fetching.settings(asker) | {"MAYMINE_RUN": ""}, copies.append, fetching.verbose):
        raise SeedError(f"There is no web address in {'standard input' if file == '-' else file}.")
    return copies
