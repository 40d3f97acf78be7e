"""`maymine ledger tariffs`, and tariffs and their facts as other verbs name them."""
from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from . import options

if TYPE_CHECKING:
    from ..ledger.tariff import Tariff


@click.command("tariffs", epilog=options.example(
    "maymine ledger tariffs", "maymine ledger tariffs gema-two-pillars-2024", "maymine ledger tariffs our.yaml"))
@click.argument("name", default="", metavar="[NAME|FILE]")
def command(name: str) -> None:
    """List the tariffs that come with maymine; show one, or prove a file: all that is wrong with it is told, line by line.

    Exit code: 0 all is well; 2 there is no such tariff, or it is refused.
    """
    from ..ledger import tariff as known
    from ..terminal import say, table
    if not name:
        table(["tariff", "status", "title"], [[t.name, t.status, t.title] for t in map(known.shipped, known.names())],
              prose=True)
        say("What one asks for, and whose words it rests on: maymine ledger tariffs NAME")
        return
    one = named(name)
    say(f"{one.id} ({one.status}, {one.jurisdiction}, {one.currency}, rounding: {one.rounding})")
    say(one.title)
    if one.given:
        table(["given", "default", "what it is"], [
            [k, "" if g.default is None else str(g.default), g.what] for k, g in one.given.items()], prose=True)
    table(["line", "uses", "charge", "split", "because"], [
        [x.id, "; ".join(f"{k}: {', '.join(sorted(v))}" for k, v in x.when.items()) or "all", known.spelled(x.charge),
         ", then ".join(f"by {s.by}" for s in x.split), one.sources[x.because].cite] for x in one.lines], prose=True)
    say(f"{len(one.examples)} examples come out as they are written.")


def fact(text: str, tariff: Tariff | None) -> tuple[str, Any]:
    from fractions import Fraction

    from ..ledger import money
    name, sign, value = text.partition("=")
    if tariff is None:
        raise click.UsageError("--given needs --tariff")
    if not sign or name not in tariff.given:
        raise click.UsageError(f"--given wants NAME=NUMBER; {tariff.id} asks for {', '.join(tariff.given) or 'nothing'}")
    try:
        number = Fraction(money.decimal(value))
    except ValueError as error:
        raise click.UsageError(f"--given {name}: {error}") from error
    if number < 0:
        raise click.UsageError(f"--given {name}: a number less than nothing is not used here")
    return name, number


def named(name: str) -> Tariff:
    from ..ledger import tariff
    from ..terminal import harmless
    if name in tariff.names():
        return tariff.shipped(name)
    path = Path(name)
    if not path.is_file() or path.suffix not in (".yaml", ".yml"):
        raise click.UsageError(options.unknown(name, tariff.names(), "tariff") + "\nA path of a .yaml file will do, too.")
    try:
        return tariff.load_tariff(path.read_text("utf-8"), name)
    except tariff.TariffError as error:
        wrong = "\n".join(map(harmless, str(error).split("\n")))
        raise click.UsageError(f"{wrong}\nThe file is refused until this is mended.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise click.UsageError(f"{name} cannot be read: {options.reason(error)}") from error
