"""What the verbs over a ledger have in common: its argument, times, holders, and what becomes of one that cannot be used."""
from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from . import UNDECIDED, options

if TYPE_CHECKING:
    from ..ledger.holders import Holders

F = TypeVar("F", bound=Callable[..., Any])


def ledger(command: F) -> F:
    """LEDGER, a folder."""
    return click.argument("ledger", type=click.Path(file_okay=False, path_type=Path), metavar="LEDGER")(command)


@contextmanager
def using() -> Iterator[None]:
    """Ends with a usage error where a file or a ledger is not as it must be, undecided where records of a run are broken."""
    from rules.strict_yaml import DataError

    from ..archive.records import Unreadable
    from ..ledger.book import LedgerError
    from ..ledger.manifest import ManifestError
    from ..run import RunError
    from ..terminal import harmless
    try:
        yield
    except (LedgerError, RunError, ManifestError, DataError) as error:
        raise click.UsageError("\n".join(map(harmless, str(error).split("\n")))) from error
    except Unreadable as error:
        options.complain(str(error))
        click.get_current_context().exit(UNDECIDED)
    except UnicodeDecodeError as error:
        raise click.UsageError(options.reason(error)) from error
    except OSError as error:
        raise click.UsageError(f"{harmless(str(error.filename or 'a file'))}: {options.reason(error)}") from error


def time(text: str) -> str:
    """As entries write it; now, where nothing is said."""
    from datetime import UTC, datetime

    from rules.record import time_text

    from ..ledger.manifest import moment
    try:
        return moment(text) if text else time_text(datetime.now(UTC).replace(microsecond=0))
    except ValueError as error:
        raise click.UsageError(f"--date: {error}") from error


def period(since: str, until: str) -> None:
    import re
    for text in (since, until):
        if text and not re.fullmatch(r"[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?", text):
            raise click.UsageError(f"'{text}' is no year, month or day like 2026, 2026-03 or 2026-03-31")


def holders(file: Path | None, registers: options.Registered) -> Holders:
    from ..ledger import holders
    found = holders.read(file) if file is not None else holders.Holders()
    found.registers = registers.open()
    return found
