"""A document for people and programs: sections of facts and tables, written as text, HTML, DOCX or JSON.

**Facts**
- What only the provider can say has no value here and is marked so in every form; nothing is filled in by guess.
- OURS: a value is text. Numbers are written by who makes the document, so that all forms say the same.
"""
from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TO_FILL = "[to be filled in by the provider]"
XML_FORBIDDEN = dict.fromkeys((*range(9), 11, 12, *range(14, 32), 65534, 65535, *range(55296, 57344)), " ")    # XML 1.0, 2.2


@dataclass(frozen=True, slots=True)
class Table:
    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numbers: tuple[int, ...] = ()                    # columns that hold numbers
    annex: bool = False                              # long; a terminal shows its beginning


@dataclass(frozen=True, slots=True)
class Section:
    title: str
    facts: tuple[tuple[str, str], ...] = ()          # label, text; no text: TO_FILL
    tables: tuple[Table, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Document:
    title: str
    lead: str
    sections: tuple[Section, ...]
    data: dict[str, Any]                             # the same for programs, with its own schema name
    language: str = "en"
    to_fill: str = TO_FILL


STYLE = """
dl { display: grid; grid-template-columns: minmax(9rem, 16rem) minmax(0, 1fr); gap: .5rem 1.2rem; margin: 0 0 1.4rem; }
dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; } dd .status { white-space: normal; }
.scroll { margin: 0 0 1.4rem; } th, td { overflow-wrap: anywhere; } .number { overflow-wrap: normal; }
@media (max-width: 600px) { dl { grid-template-columns: minmax(0, 1fr); gap: 0; } dd { margin: 0 0 .7rem; } }
"""
FORMS = (".html", ".docx", ".json")
SHOWN_ROWS = 20                      # of a long table on a terminal


def say(document: Document) -> None:
    """On a terminal."""
    from ..commands.output import paragraph
    from ..terminal import say as line
    from ..terminal import table
    line(document.title)
    paragraph(document.lead)
    for section in document.sections:
        line()
        line(section.title)
        for label, text in section.facts:
            paragraph(f"{label}: {text or document.to_fill}", indent=2)
        for one in section.tables:
            rows = one.rows[:SHOWN_ROWS] if one.annex else one.rows
            cells = [[_number(cell) if n in one.numbers else cell for n, cell in enumerate(row)] for row in rows]
            table(one.columns, cells, one.caption)
            if len(rows) < len(one.rows):
                line(f"... and {len(one.rows) - len(rows):,} more; a file (-o) holds all", indent=2)
        for note in section.notes:
            paragraph(note, indent=2)


class _Right(int):
    """A number on a terminal, written as it was; it stands to the right."""
    text: str

    def __str__(self) -> str:
        return self.text


def _number(cell: str) -> _Right:
    out = _Right(0)
    out.text = cell
    return out


def html(document: Document) -> str:
    from ..report.catalogue import Catalogue
    from ..report.page import render
    return render("document.html", Catalogue(document.language), title=document.title, data=document.data, style=STYLE,
                  document=document, to_fill=document.to_fill)


def text_of_json(document: Document) -> str:
    return json.dumps(document.data, ensure_ascii=False, indent=2) + "\n"


def docx(document: Document, path: Path) -> None:
    """Raises ImportError where python-docx is not installed."""
    from docx import Document as Word
    word = Word()
    word.core_properties.title = _xml(document.title)
    word.core_properties.author = ""
    word.core_properties.comments = ""
    word.add_heading(_xml(document.title), 0)
    word.add_paragraph(_xml(document.lead))
    for section in document.sections:
        word.add_heading(_xml(section.title), 1)
        if section.facts:
            _grid(word, ("", ""), [(label, text or document.to_fill) for label, text in section.facts], ())
        for one in section.tables:
            word.add_paragraph(_xml(one.caption), "Heading 3")
            _grid(word, one.columns, one.rows, one.numbers)
        for note in section.notes:
            word.add_paragraph(_xml(note))
    word.save(str(path))


def _grid(word: Any, columns: Sequence[str], rows: Sequence[Sequence[str]], numbers: Sequence[int]) -> None:
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    lines = ([columns] if any(columns) else []) + [*rows]
    table = word.add_table(len(lines), len(columns), style="Table Grid")
    cells = table._cells                             # asked for once: a look-up of each cell walks the whole table
    for n, line in enumerate(lines):
        for m, text in enumerate(line):
            paragraph = cells[n * len(columns) + m].paragraphs[0]
            paragraph.add_run(_xml(text)).bold = n == 0 and any(columns)
            if m in numbers:
                paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT


def _xml(text: str) -> str:
    """What XML can hold, with what would steer made visible."""
    from ..terminal import harmless
    return harmless(text).translate(XML_FORBIDDEN)


def write(document: Document, path: Path) -> None:
    """By the ending of the name. Raises OSError, ImportError."""
    new = path.with_name(path.name + ".new")
    if path.suffix == ".docx":
        docx(document, new)
    else:
        new.write_text(html(document) if path.suffix == ".html" else text_of_json(document), "utf-8", "replace")
    new.replace(path)
