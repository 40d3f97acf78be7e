"""What several verbs ask for in the same way: policies, the asker, the format, where progress may be shown."""
from __future__ import annotations

import os
import shlex
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from rules.model import Asker
    from rules.policy import Policy

    from ..registers.lookup import Registers

F = TypeVar("F", bound=Callable[..., Any])

DEFAULT_POLICY = "eu-dsm-art4"
DEFAULT_TOKEN = "maymine"            # noqa: S105, a product token
LANGUAGES = ("en", "de", "fr", "ko", "ja")     # those of rules/words
ALIKE = 0.75                         # of two words, 0 to 1: less than that was not meant


class PolicyName(click.ParamType["Policy"]):
    """Name of a policy that comes with maymine, or path of a policy file; proved when it is read."""
    name = "policy"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Policy:
        from rules import policies
        from rules.policy import PolicyError, load_policy
        if not isinstance(value, str):
            return value  # type: ignore[no-any-return]  # click leaves it open
        if value in policies.names():
            return policies.load(value)
        path = Path(value)
        if not path.is_file() or path.suffix not in (".yaml", ".yml"):
            self.fail(unknown(value, policies.names(), "policy") + "\nA path of a .yaml file will do, too.", param, ctx)
        try:
            return load_policy(path.read_text("utf-8"), value)
        except PolicyError as error:
            self.fail(f"{error}\nThe file is refused until this is mended; see 'maymine policy check --help'.", param, ctx)
        except (OSError, UnicodeDecodeError) as error:
            self.fail(f"{value} cannot be read: {reason(error)}", param, ctx)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[Any]:
        from click.shell_completion import CompletionItem

        from rules import policies
        return [CompletionItem(n) for n in policies.names() if n.startswith(incomplete)] or [CompletionItem(incomplete, "file")]


class Country(click.ParamType[str]):
    """ISO 3166-1 alpha-2."""
    name = "country"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        from ..assess_input import COUNTRY
        if value and not COUNTRY.fullmatch(value):
            self.fail(f"'{value}' is no country code; two letters are wanted, like DE", param, ctx)
        return str(value).upper()


class Token(click.ParamType[str]):
    """Product token of a crawler."""
    name = "token"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        from ..settings import TOKEN
        if not TOKEN.fullmatch(value):
            self.fail(f"'{value}' is no product token: letters, '_' and '-' only (RFC 9309, 2.2.1)", param, ctx)
        return str(value)


def policies(command: F) -> F:
    """--policy, as often as wanted."""
    return click.option("--policy", "policies", type=PolicyName(), multiple=True, default=[DEFAULT_POLICY], show_default=True,
                        metavar="NAME|FILE",
                        help="Decide by this policy; may be given again (see maymine policy list).")(command)


def asker(command: F) -> F:
    """--token, --commercial/--non-commercial and --country, handed over as `asker`."""
    @wraps(command)
    def asked(*args: Any, token: str, commercial: bool, country: str, **kwargs: Any) -> Any:
        from rules.model import Asker
        return command(*args, asker=Asker(token, commercial, country), **kwargs)
    for option in (
        click.option("--country", type=Country(), default="", metavar="XX",
                     help="Country of the asker, for statements that single one out (ISO 3166-1)."),
        click.option("--commercial/--non-commercial", default=True, show_default=True,
                     help="What the asker is after, for statements that make a difference."),
        click.option("--token", type=Token(), default=DEFAULT_TOKEN, show_default=True,
                     help="Product token of the crawler that asks, as robots.txt would name it."),
    ):
        asked = option(asked)
    return asked  # type: ignore[return-value]  # a decorator keeps the type


def format(*words: str) -> Callable[[F], F]:
    """--format; the first word is the default."""
    return click.option("--format", "form", type=click.Choice(words), default=words[0], show_default=True,
                        help="How to write the result.")


def unknown(word: str, known: tuple[str, ...], what: str) -> str:
    """'x' is no policy; did you mean y? Known are ..."""
    return f"{unlisted(word, known, what)} Known are {', '.join(known)}."


def language(command: F) -> F:
    """--lang."""
    return click.option("--lang", default=LANGUAGES[0], show_default=True, metavar="XX",
                        help=f"Language of the sentences: {', '.join(LANGUAGES)}.")(command)


def unlisted(word: str, known: tuple[str, ...], what: str) -> str:
    """'x' is no policy; did you mean y?"""
    from difflib import get_close_matches
    lower = {k.lower(): k for k in known}
    close = get_close_matches(word.lower(), lower, 1, ALIKE)
    return f"'{word}' is no {what}" + (f"; did you mean {lower[close[0]]}?" if close else ".")


def reason(error: OSError | UnicodeDecodeError) -> str:
    """Why a file could not be read, without the words of the interpreter."""
    return error.strerror or "it failed" if isinstance(error, OSError) else f"it is not UTF-8 at byte {error.start}"


def unwritable(folder: Path) -> str:
    """Why nothing can be written into a folder that is there or is to be made; "" where nothing speaks against it."""
    there = folder if os.path.lexists(folder) else next(p for p in folder.absolute().parents if os.path.lexists(p))
    if not there.is_dir():
        return f"{there} is no folder"
    try:
        with tempfile.TemporaryFile(dir=there):
            return ""
    except OSError as error:
        return reason(error)


def apart(**folders: Path | None) -> None:
    """What is written has folders of its own, none inside another. Raises UsageError."""
    named = [(name, folder, Path(os.path.realpath(folder))) for name, folder in folders.items() if folder]
    for n, (name, folder, place) in enumerate(named):
        for other, _, taken in named[:n]:
            if place == taken or place.is_relative_to(taken) or taken.is_relative_to(place):
                where = "the same folder" if place == taken else "one inside the other"
                raise click.UsageError(f"{other} and {name} are {where} ({folder}); name two folders, side by side")


def pairs(given: tuple[str, ...], known: Iterable[str]) -> dict[str, str]:
    """Role -> column, from the words of --column. Raises UsageError."""
    found, known = {}, tuple(known)
    for text in given:
        role, sign, name = text.partition("=")
        if not sign:
            raise click.UsageError(f"--column wants ROLE=NAME, like {known[0]}=my_column: '{text}'")
        if role not in known:
            raise click.UsageError("--column: " + unknown(role, known, "role of a column"))
        found[role] = name
    return found


def program() -> str:
    """How this program was called, for commands that are shown and are to run where the reader stands."""
    called, found = sys.argv[0], shutil.which("maymine")
    if found and os.path.isfile(called) and os.path.samefile(found, called):
        return "maymine"
    if Path(called).suffix == ".py":
        return f"{shlex.quote(sys.executable)} -m crawler.cli"
    return shlex.quote(called)


def complain(message: str) -> None:
    """Tell on standard error what went wrong."""
    from ..terminal import say
    say(f"Error: {message}", err=True)


def example(*lines: str) -> str:
    """The last paragraph of every --help."""
    return "\b\nExample:\n" + "\n".join(f"  {line}" for line in lines)


def progress_shown() -> bool:
    """Whether somebody watches standard error."""
    return sys.stderr.isatty()


@dataclass(frozen=True, slots=True)
class Registered:
    """Registers of the operator, as they were named."""
    named: tuple[str, ...]
    bad_rows: str

    def settings(self) -> dict[str, Any]:
        """In the words of crawler/settings.py."""
        return {"MAYMINE_REGISTERS": list(self.named), "MAYMINE_BAD_ROWS": self.bad_rows}

    def open(self) -> Registers | None:
        """Compiled, and what is odd about them told on standard error; None: none is named. Ends with a usage error."""
        if not self.named:
            return None
        from ..registers.lookup import Registers, Source
        from ..registers.reading import RegisterError
        from ..terminal import counted, harmless, progress, say
        try:
            with progress("compiling registers") as done:
                registers = Registers.open(map(Source.told, self.named), self.bad_rows == "name", done)
        except RegisterError as error:
            raise click.UsageError("\n".join(map(harmless, str(error).splitlines()))) from error
        except OSError as error:
            raise click.UsageError(f"{harmless(str(error.filename or ''))} cannot be read: {reason(error)}") from error
        for fact in registers.facts():
            if odd := ", ".join(f"{n:,} {sort}" for sort, n in fact["problems"].items()):
                say(f"{fact['name']}: {counted(fact['rows'], 'row')}, of them {odd}; "
                    f"'maymine registers check {fact['file']}' tells more", err=True)
        return registers


def registers(command: F) -> F:
    """--register and --bad-rows, handed over as `registers`."""
    @wraps(command)
    def registered(*args: Any, named: tuple[str, ...], bad_rows: str, **kwargs: Any) -> Any:
        return command(*args, registers=Registered(named, bad_rows), **kwargs)
    for option in (
        click.option("--bad-rows", type=click.Choice(("refuse", "name")), default="refuse", show_default=True,
                     help="A register with rows that are no entries: refuse it, or name them and use the rest."),
        click.option("--register", "named", multiple=True, metavar="FILE|NAME=FILE",
                     help="Ask this register too: licences, do-not-train lists, and the like; may be given again "
                          "(see maymine registers)."),
    ):
        registered = option(registered)
    return registered  # type: ignore[return-value]  # a decorator keeps the type


@dataclass(frozen=True, slots=True)
class Fetching:
    """How pages are fetched."""
    contact: str
    allow_private: bool
    verbose: bool                    # -v
    very_verbose: bool               # -vv

    def settings(self, asker: Asker) -> dict[str, Any]:
        """In the words of crawler/settings.py."""
        from ..session import PRIVATE
        return {"MAYMINE_TOKEN": asker.token, "MAYMINE_COMMERCIAL": asker.commercial, "MAYMINE_COUNTRY": asker.country,
                "MAYMINE_CONTACT": self.contact, "MAYMINE_ALLOW_PRIVATE": list(PRIVATE) if self.allow_private else []}


def fetching(command: F) -> F:
    """--contact, --allow-private and -v, which logs; handed over as `fetching`."""
    return _fetching(command, "Log to standard error.")


def fetching_with_evidence(command: F) -> F:
    """As `fetching`; -v shows the evidence and -vv logs."""
    return _fetching(command, "Show the evidence, too; -vv also logs to standard error.")


def _fetching(command: F, verbosely: str) -> F:
    @wraps(command)
    def fetched(*args: Any, contact: str, allow_private: bool, verbose: int, **kwargs: Any) -> Any:
        return command(*args, fetching=Fetching(contact, allow_private, verbose > 0, verbose > 1), **kwargs)
    for option in (
        click.option("-v", "--verbose", count=True, help=verbosely),
        click.option("--allow-private", is_flag=True,
                     help="Also reach loopback and private networks, which are refused otherwise."),
        click.option("--contact", default="", metavar="URL", help="Page about this crawl, for the User-Agent."),
    ):
        fetched = option(fetched)
    return fetched  # type: ignore[return-value]  # a decorator keeps the type
