"""What strangers wrote is shown, and nothing of it is obeyed."""
from __future__ import annotations

import json
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest

from crawler.terminal import harmless, harmless_json

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize(("text", "shown"), [
    ("Disallow: /a b/é/日本", "Disallow: /a b/é/日本"),
    ("\x1b[2J\x1b]0;title\x07", "\\x1b[2J\\x1b]0;title\\x07"),
    ("\x9b31m", "\\x9b31m"),
    ("a\r\nb\tc\x7f", "a\\x0d\\x0ab\\x09c\\x7f"),
    ("invoice\u202egpj.exe", "invoice\\u202egpj.exe"),
    ("a\u2028b\u2029c", "a\\u2028b\\u2029c"),
    ("\ud800", "\\ud800"),
    ("\U000e0041", "\\U000e0041"),
    ("می\u200cخواهم", "می\u200cخواهم"),
])
def test_harmless(text: str, shown: str) -> None:
    assert harmless(text) == shown


def test_every_control_and_separator_is_shown() -> None:
    every = map(chr, range(sys.maxunicode + 1))
    obeyed = [c for c in every if unicodedata.category(c) in ("Cc", "Zl", "Zp", "Cs") or
              unicodedata.bidirectional(c) in ("LRE", "RLE", "PDF", "LRO", "RLO", "LRI", "RLI", "FSI", "PDI")]
    assert all(harmless(c).startswith("\\") for c in obeyed)
    assert harmless("".join(obeyed)).isascii()


@pytest.mark.parametrize("encoding", ["ascii", "utf-8", "cp1252"])
def test_tables_and_lines_survive_any_output(encoding: str) -> None:
    code = ("from crawler.terminal import *\n"
            "table(['url', 'rows'], [['[red]\\x1b[31mé日本 ' + 'x' * 300, 3]], title='[bold]t')\n"
            "say('\\x1b[2Jé日', style='red')\n"
            "with progress('[x]', 3) as step: step(1)\n")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, env={"PYTHONIOENCODING": encoding}, check=True)
    out = done.stdout.decode(encoding)
    assert "\x1b" not in out
    assert "x" * 300 in out
    assert "[red]\\x1b[31m" in out
    assert done.stderr == b""


@pytest.mark.parametrize("indent", [None, 2])
def test_json_stays_the_same_value_and_steers_nothing(indent: int | None) -> None:
    every = " ".join(map(chr, range(sys.maxunicode + 1)))
    text = harmless_json(json.dumps({"every": every, "é": ["日本"]}, ensure_ascii=False, indent=indent))
    assert json.loads(text) == {"every": every, "é": ["日本"]}
    assert "日本" in text
    assert harmless(text.replace("\n", "")) == text.replace("\n", "")


@pytest.mark.parametrize(("locale", "shown"), [("C.UTF-8", "é日本"), ("C", "\\u00e9\\u65e5\\u672c")])
def test_json_is_written_in_what_the_stream_has(locale: str, shown: str) -> None:
    code = "from crawler.commands.output import values; values('jsonl', [{'word': '\\xe9\\u65e5\\u672c'}])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, cwd=ROOT, check=True, timeout=60,
                          env={"LC_ALL": locale, "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PATH": "/usr/bin:/bin"})
    assert done.stdout.decode() == f'{{"word": "{shown}"}}\n'
