"""What the verbs over a run have in common: its argument, and what becomes of a run that cannot be read."""
from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click

from . import UNDECIDED

F = TypeVar("F", bound=Callable[..., Any])


def run(command: F) -> F:
    """RUN, a folder."""
    return click.argument("run", type=click.Path(exists=True, file_okay=False, path_type=Path), metavar="RUN")(command)


@contextmanager
def reading(ctx: click.Context, run: Path) -> Iterator[None]:
    """Ends with a usage error where the folder is no run or not to be used so, and undecided where its files are broken."""
    from pyarrow import ArrowException

    from ..run import RunError
    from ..terminal import harmless, say
    try:
        yield
    except RunError as error:
        raise click.UsageError(harmless(str(error))) from error
    except (OSError, ArrowException, KeyError, TypeError, ValueError) as error:
        say(f"Error: {run} cannot be read: {error}", err=True)
        ctx.exit(UNDECIDED)
