"""`maymine sites`: robots.txt and the like out of archives, for `maymine filter`."""
from __future__ import annotations

from pathlib import Path

import click

from . import CLEAN, UNDECIDED, options


@click.command("sites", epilog=options.example(
    "maymine sites crawl/*.warc.gz -o sites.parquet", "maymine sites robotstxt/*.warc.gz -o sites.parquet"))
@click.argument("words", nargs=-1, required=True, metavar="INPUT...")
@click.option("-o", "--output", "out", type=click.Path(dir_okay=False, path_type=Path), required=True, metavar="FILE",
              help="Parquet file that is written.")
def command(words: tuple[str, ...], out: Path) -> None:
    """Collect what sites said, and when, out of WARC and WACZ files.

    Every copy of robots.txt, tdmrep.json, ai.txt and trust.txt is kept with its time, so that 'maymine filter --sites' can tell
    which one stood when a page was captured. Archives of Common Crawl that hold nothing but robots.txt will do, too.

    Exit code: 0 all was read; 2 the command line is not as it must be; 3 some of the input could not be read.
    """
    from ..archive import sites
    from ..archive.inputs import InputError, expand
    from ..filtering import copies_in
    from ..terminal import harmless, progress, say
    try:
        found = expand(words)
        new, damage = out.with_name(out.name + ".new"), list[str]()
        with progress("collecting", sum(one.size_bytes for one in found)) as done:
            written = sites.write(new, copies_in(found, damage, done))
        new.replace(out)
    except InputError as error:
        raise click.UsageError(harmless(str(error))) from error
    except OSError as error:
        raise click.UsageError(f"{harmless(str(out))} cannot be written: {options.reason(error)}") from error
    say(f"{written:,} copies of {sites.files_in(out):,} files.")
    for text in damage:
        say(f"broken: {text}", err=True)
    click.get_current_context().exit(UNDECIDED if damage else CLEAN)
