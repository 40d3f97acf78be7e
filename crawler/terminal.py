"""Words on a terminal: what strangers wrote cannot steer it, and progress shows only where somebody watches.

**Facts**
- A terminal obeys C0 controls, DEL, C1 controls and what follows ESC (ECMA-48, 5th edition, 5.2 and 5.3:
  https://ecma-international.org/publications-and-standards/standards/ecma-48/).
- Bidirectional controls let text show in another order than it is read (UAX #9, 2; Unicode TR36, 2.1.2:
  https://www.unicode.org/reports/tr36/). Line and paragraph separators start a line.
- OURS: characters that show nothing are made visible too, but for the joiners that many scripts need (U+200C, U+200D).
"""
from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import click

_BEYOND_C0 = (
    "\x7f-\x9f"                              # DEL, C1
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"   # bidirectional controls
    "\u2028\u2029"                           # line and paragraph separator
    "\u00ad\u180e\u200b\u2060-\u2065\u206a-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f"   # shows nothing
    "\ud800-\udfff")                         # surrogates: no output encoding has them
_HARMFUL = re.compile(f"[\x00-\x1f{_BEYOND_C0}]")
_HARMFUL_IN_JSON = re.compile(f"[{_BEYOND_C0}]")     # C0 is escaped in JSON

COLOURS = {"permitted": "green", "undetermined": "yellow", "prohibited": "red"}
_UNBOUNDED = 10_000                          # columns, where nobody's window limits a table


def harmless(text: str) -> str:
    r"""The text on one line, every character in it that a terminal would obey written as an escape: \x1b, \u202e."""
    return _HARMFUL.sub(_escape, text)


def harmless_json(text: str) -> str:
    """A JSON text as another of the same value, with nothing in it that a terminal would obey."""
    return _HARMFUL_IN_JSON.sub(escape_json, text)


def escape_json(match: re.Match[str]) -> str:
    """The characters as JSON escapes, in units of UTF-16 (RFC 8259, 7)."""
    units = match[0].encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[n:n + 4]}" for n in range(0, len(units), 4))


def say(text: str = "", style: str = "", indent: int = 0, err: bool = False) -> None:
    """Print one line, made harmless. `style` is a colour, used on a terminal only. Lone LF in `text` do not break it."""
    line = " " * indent + _printable(harmless(text), err)
    click.echo(click.style(line, fg=style) if style else line, err=err)


def table(columns: Sequence[str], rows: Iterable[Sequence[object]], title: str = "", prose: bool = False,
          colours: Mapping[str, str] = COLOURS, names: int = 0) -> None:
    """Print a table, cells made harmless; whole numbers stand to the right. In a pipe no line is broken;
    one of prose is, at COLUMNS where that is told. The first `names` columns are never broken: people copy from them."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text
    cells = [list(row) for row in rows]
    drawn = Table(box=box.SIMPLE_HEAD, title=harmless(title) or None, title_justify="left", pad_edge=False)
    for n, name in enumerate(columns):
        right = bool(cells) and all(isinstance(row[n], int) for row in cells)
        drawn.add_column(Text(harmless(name)), justify="right" if right else "left", overflow="fold", no_wrap=n < names)
    for row in cells:
        drawn.add_row(*(Text(_printable(harmless(str(cell))), colours.get(str(cell), "")) for cell in row))
    Console(width=_width(prose), highlight=False, markup=False, emoji=False, _environ=_environment()).print(drawn)


def _width(prose: bool) -> int | None:
    """Columns of a table; None: as many as the terminal has, or COLUMNS says."""
    return None if sys.stdout.isatty() or (prose and "COLUMNS" in _environment()) else _UNBOUNDED


def _environment() -> dict[str, str]:
    """What rich may see: it takes every digit of Unicode for one of a width, and then stumbles over it."""
    told = os.environ.get("COLUMNS", "")
    sound = told.isascii() and told.isdigit() and int(told) > 0
    return {k: v for k, v in os.environ.items() if sound or k != "COLUMNS"}


def counted(number: int, one: str, many: str = "") -> str:
    """A number and what it counts: 1 page, 2,000 pages."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


@contextmanager
def progress(label: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
    """A bar on standard error while the block runs, if that is a terminal; call what is given with how many are done more."""
    if not sys.stderr.isatty():
        yield lambda done: None
        return
    from rich.console import Console
    from rich.progress import Progress
    with Progress(console=Console(stderr=True, markup=False, _environ=_environment()), transient=True) as bar:
        task = bar.add_task(harmless(label).replace("[", "\\["), total=total)
        yield lambda done: bar.advance(task, done)


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _printable(text: str, err: bool = False) -> str:
    """What the stream's encoding has no bytes for, as an escape: a pipe under LC_ALL=C must not end the program."""
    encoding = getattr(sys.stderr if err else sys.stdout, "encoding", None) or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)
