"""What terminal.py does not have: paragraphs for a person, JSON for a program. Both on standard output."""
from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Iterable, Mapping
from textwrap import wrap
from typing import Any

import click

from ..terminal import escape_json, harmless, harmless_json, say

_BEYOND_ASCII = re.compile("[^\x00-\x7f]+")
WIDEST = 110                         # columns; longer lines are hard to read


def paragraph(text: str, indent: int = 0, bullet: str = "") -> None:
    """A paragraph, made harmless and broken at the width of the terminal. Words are never cut."""
    width = min(shutil.get_terminal_size((WIDEST, 25)).columns, WIDEST)
    room = max(width - indent - len(bullet), 20)
    for n, line in enumerate(wrap(harmless(text), room, break_long_words=False, break_on_hyphens=False)):
        say((bullet if n == 0 else " " * len(bullet)) + line, indent=indent)


def values(form: str, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write JSON: one array for `json`, a line each for `jsonl`. What a terminal would obey is escaped."""
    if form == "jsonl":
        for row in rows:
            echo_json(json.dumps(row, ensure_ascii=False))
    else:
        echo_json(json.dumps(list(rows), ensure_ascii=False, indent=2))


def echo_json(text: str) -> None:
    """Print a JSON text, as the same value in characters that the stream has and no terminal obeys."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        text = _BEYOND_ASCII.sub(escape_json, text)
    click.echo(harmless_json(text))


def echo_record(text: str) -> None:
    """Print a canonical record, byte for byte; on a terminal as echo_json does."""
    if sys.stdout.isatty():
        echo_json(text)
    else:
        click.echo(text.encode("utf-8"))
