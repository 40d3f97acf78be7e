"""A comparison as one page: shares as bars and numbers, and where policies differ, by which rows."""
from __future__ import annotations

import re
from typing import Any

from rules.policy import APPLIES_UNNAMED

from .report.catalogue import Catalogue
from .report.page import link, render

TONES = {"permitted": "good", "permitted-with-duties": "note", "undetermined": "open", "prohibited": "bad"}
MIXED = "clash"
MEASURES = ("items", "bytes", "domains")
PLACE = re.compile(r"\{(\w*)\}")     # in a sentence of a policy
ROWS_SHOWN = 20                      # of a pair and use; the data under the page has more
STYLE = """
.legend { list-style: none; display: flex; flex-wrap: wrap; gap: .4rem 1.2rem; padding: 0; }
.legend li { display: inline-flex; align-items: center; gap: .35em; color: var(--tone); font-weight: 600; }
.plot { display: grid; grid-template-columns: 6rem minmax(0, 1fr); gap: .8rem; align-items: center; margin: 0 0 .35rem; }
.plot span { color: var(--soft); font-size: .92rem; }
.plot + h3 { margin-top: 1.2rem; }
.plot + .scroll, .scroll + .scroll { margin-top: 1.6rem; }
details { margin-top: 1.2rem; }
td a { overflow-wrap: anywhere; }
"""


def page(told: dict[str, Any], language: str) -> str:
    """The page of `compare.to_json`. Texts of strangers are escaped by the shell."""
    say = Catalogue(language)
    words = {word: say.text(f"compare.{word}") for word in (*TONES, "mixed")}
    policies = [(p["id"], p["jurisdiction"], p["status"], _in(p["titles"], language)) for p in told["policies"]]
    sentences = {(p["id"], row): PLACE.sub("[\\1]", _in(texts, language)) for p in told["policies"]
                 for row, texts in p["rows"].items()}
    by_label = {side["side"]: side["policy"] for side in told["sides"]}
    uses = [_use(told, use, say, words, by_label, sentences) for use in dict.fromkeys(side["use"] for side in told["sides"])]
    return render("compare.html", say, title=say.text("compare.title"), data=told, style=STYLE, told=told, policies=policies,
                  size=size(told["bytes"]), uses=uses, words=list(words.values()),
                  legend=[(tone, words[word]) for word, tone in (*TONES.items(), ("mixed", MIXED))],
                  proposal=any(p["status"] not in APPLIES_UNNAMED for p in told["policies"]))


def _in(texts: dict[str, str], language: str) -> str:
    """A text in this language, or in English, which policies always have."""
    return texts.get(language) or texts["en"]


def _use(told: dict[str, Any], use: str, say: Catalogue, words: dict[str, str], by_label: dict[str, str],
         sentences: dict[tuple[str, str], str]) -> dict[str, Any]:
    sides = [side for side in told["sides"] if side["use"] == use]
    rows = []
    for side in sides:
        for what in MEASURES:
            mixed = _percent(side["mixed_domains"], told[what]) if what == "domains" else ""
            rows.append((side["side"], say.text(f"compare.{what}"),
                         *(_percent(side["outcomes"][word][what], told[what]) for word in TONES), mixed))
    pairs = [{**_pair(told, pair, say, words), "says": _says(pair, by_label, sentences)}
             for pair in told["pairs"] if pair["use"] == use]
    return {"name": use, "rows": rows, "pairs": pairs,
            "sides": [{"label": side["side"], "plots": [_plot(told, side, what, say, words) for what in MEASURES]}
                      for side in sides]}


def _plot(told: dict[str, Any], side: dict[str, Any], what: str, say: Catalogue, words: dict[str, str]) -> tuple[Any, ...]:
    """What is measured, the whole in words, and the shares."""
    whole = told[what]
    counts = [(tone, side["outcomes"][word][what], words[word]) for word, tone in TONES.items()]
    if what == "domains":
        counts.append((MIXED, side["mixed_domains"], words["mixed"]))
    shares = [(tone, n / whole, f"{word}: {_percent(n, whole)}") for tone, n, word in counts if n]
    label = f"{side['side']}, {say.text(f'compare.{what}')}: " + "; ".join(text for _, _, text in shares)
    return say.text(f"compare.{what}"), label, shares


def _pair(told: dict[str, Any], pair: dict[str, Any], say: Catalogue, words: dict[str, str]) -> dict[str, Any]:
    items = {(cell["a"], cell["b"]): cell["items"] for cell in pair["cells"]}
    differ = sum(n for (a, b), n in items.items() if a != b)
    cells = [(words[a], *(say.number(items.get((a, b), 0)) for b in TONES)) for a in TONES]
    rows = sorted(((cell, row) for cell in pair["cells"] if cell["a"] != cell["b"] for row in cell["rows"]),
                  key=lambda one: -one[1]["items"])[:ROWS_SHOWN]

    def by(cell: dict[str, Any], row: dict[str, Any], side: str) -> str:
        return say.text("compare.by", outcome=words[cell[side]], rules=row[side])
    return {"summary": say.text("compare.differ", a=pair["a"], b=pair["b"], n=differ, items=told["items"]),
            "a": pair["a"], "b": pair["b"], "cells": cells,
            "rows": [(by(cell, row, "a"), by(cell, row, "b"), say.number(row["items"]), size(row["bytes"]),
                      link(row["example"])) for cell, row in rows]}


def _says(pair: dict[str, Any], by_label: dict[str, str], sentences: dict[tuple[str, str], str]) -> list[tuple[str, str, str]]:
    """Policy, row and sentence, of the rows that decided differently, each once."""
    named = {(by_label[pair[side]], rule): None for cell in pair["cells"] if cell["a"] != cell["b"] for row in cell["rows"]
             for side in ("a", "b") for rule in row[side].split()}
    return [(policy, rule, sentences[policy, rule]) for policy, rule in sorted(named) if (policy, rule) in sentences]


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "–"


def size(n: float) -> str:
    """Bytes for a person: 12.3 MB."""
    units = ["B", "kB", "MB", "GB", "TB", "PB"]
    while n >= 1000 and len(units) > 1:
        n, units = n / 1000, units[1:]
    return f"{n:.{0 if units[0] == 'B' else 1}f} {units[0]}"
