"""What terminal.py does not have: paragraphs for a person, JSON for a program. Both on standard output."""
from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Mapping
from textwrap import wrap
from typing import Any

import click

from ..terminal import harmless, say

WIDEST = 110                         # columns; longer lines are hard to read


def paragraph(text: str, indent: int = 0, bullet: str = "") -> None:
    """A paragraph, made harmless and broken at the width of the terminal. Words are never cut."""
    width = min(shutil.get_terminal_size((WIDEST, 25)).columns, WIDEST)
    room = max(width - indent - len(bullet), 20)
    for n, line in enumerate(wrap(harmless(text), room, break_long_words=False, break_on_hyphens=False)):
        say((bullet if n == 0 else " " * len(bullet)) + line, indent=indent)


def values(form: str, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write JSON: one array for `json`, a line each for `jsonl`."""
    if form == "jsonl":
        for row in rows:
            click.echo(json.dumps(row, ensure_ascii=False))
    else:
        click.echo(json.dumps(list(rows), ensure_ascii=False, indent=2))
