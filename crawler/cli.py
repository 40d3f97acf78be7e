"""`maymine`: the door for people and scripts. One verb, one file in crawler/commands; COMMANDS is the list of them.

**Facts**
- Imports of verbs are light (crawler/commands/__init__.py), so `maymine --help` answers at once.
"""
from __future__ import annotations

import errno
import signal
from typing import IO, Any

import click

from .commands import (
    SIGNALLED,
    USAGE,
    agents,
    assess,
    audit,
    audit_pack,
    check,
    compare,
    crawl,
    decide,
    declare,
    demo,
    explain,
    filter,
    images,
    join,
    ledger,
    lists,
    logs,
    policy,
    registers,
    replay,
    report,
    signals,
    sites,
    summary,
    survives,
    table,
    tag,
)

COMMANDS: tuple[click.Command, ...] = (
    audit.command,
    report.command,
    check.command,
    crawl.command,
    explain.command,
    decide.command,
    compare.command,
    filter.command,
    sites.command,
    table.command,
    join.command,
    registers.command,
    replay.command,
    audit_pack.command,
    summary.command,
    ledger.command,
    assess.command,
    images.command,
    tag.command,
    survives.command,
    declare.command,
    policy.command,
    signals.command,
    logs.command,
    lists.command,
    agents.command,
    demo.command,
)


def version(ctx: click.Context, option: click.Parameter, wanted: bool) -> None:
    if wanted:
        from rules.record import ENGINE
        click.echo(ENGINE)
        ctx.exit()


class Broken(click.ClickException):
    """Nothing can be decided here until somebody mends it."""
    exit_code = USAGE


class Stopped(click.ClickException):
    """By Ctrl-C."""
    exit_code = SIGNALLED + signal.SIGINT

    def show(self, file: IO[Any] | None = None) -> None:
        click.echo(self.message, err=True)


class Door(click.Group):
    """Ends with a message where somebody stops it, where a file cannot be read or written, and where one of the tables that
    come with maymine is broken."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as stop:
            raise Stopped(str(stop) or "stopped") from None
        except OSError as error:
            if error.errno in (None, errno.EPIPE) or error.filename is None:
                raise
            from .terminal import harmless
            raise Broken(f"{harmless(str(error.filename))}: {error.strerror}") from error
        except ValueError as error:
            from rules.strict_yaml import DataError
            if not isinstance(error, DataError):
                raise
            raise Broken(f"a table that comes with maymine is broken, and nothing was decided:\n{error}") from error


@click.group(cls=Door, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=version,
              help="Show the version of the engine, as records name it, and exit.")
def main() -> None:
    """May this be mined, and why?

    Reads what publishers say to machines (robots.txt, TDMRep, AIPREF, response fields, pages, files), decides by written
    policies, and records the reasons. It reports words and rules; it gives no advice on law.

    Exit codes: 0 clean, 1 findings, 2 usage, 3 could not decide. What that means for a command, its --help says.
    """


for one in COMMANDS:
    main.add_command(one)

if __name__ == "__main__":
    main(prog_name="maymine")
