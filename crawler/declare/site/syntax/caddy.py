"""Caddy: a snippet to import into a site.

**Facts** (https://caddyserver.com/docs/caddyfile)
- Matchers: `path` has no case, `path_regexp` has; paths in robots.txt have. Concepts: in backticks nothing is an escape.
- Directives: `header` comes before `handle`, and `handle` before `respond` and `error`, so a rule against dot files does not
  catch what is handled here. `header +NAME` leaves the fields of that name that are there. Placeholders in braces are replaced.
"""
from __future__ import annotations

import re

from . import REPEATED, Files, Rows, deeper, plain, regex

SNIPPET = "maymine.caddy"

_BLOCK = re.compile(r"^\theader (?:@maymine_(\d+) )?\{\n(.*?)^\t\}$", re.MULTILINE | re.DOTALL)
_FIELD = re.compile(r"^\t\t\+?(\S+) `([^`]*)`$", re.MULTILINE)
_MATCHER = re.compile(r"^\t@maymine_(\d+) \{\n(.*?)^\t\}$", re.MULTILINE | re.DOTALL)
_TEST = re.compile(r"^\t\t(not )?path_regexp `([^`]*)`$", re.MULTILINE)


def write(rows: Rows, rsl: str, dotted: str) -> dict[str, str]:
    lines = ["(maymine) {"]
    for number, (path, fields) in enumerate(rows):
        inner = deeper(rows, path)
        tests = [f"\t\tpath_regexp {_quoted('^' + regex(path))}"] if path != "/" else []
        tests += [f"\t\tnot path_regexp {_quoted('^(?:' + '|'.join(map(regex, inner)) + ')')}"] if inner else []
        matcher = f"@maymine_{number} " if tests else ""
        lines += [f"\t{matcher}{{", *tests, "\t}"] if tests else []
        lines += [f"\theader {matcher}{{", *(f"\t\t{'+' if name.lower() in REPEATED else ''}{name} {_quoted(value)}"
                                             for name, value in fields), "\t}"] if fields else []
    if dotted:
        lines += [f"\thandle {dotted} {{", "\t\tfile_server", "\t}"]
    if rsl:
        lines += [f"\theader {rsl} Content-Type application/rsl+xml"]
    return {SNIPPET: "\n".join([*lines, "}"]) + "\n"}


def read(files: Files, path: str) -> list[tuple[str, str]]:
    text = files[SNIPPET]
    matchers = {number: all((re.match(pattern, path) is None) is bool(negated) for negated, pattern in _TEST.findall(tests))
                for number, tests in _MATCHER.findall(text)}
    return [pair for number, block in _BLOCK.findall(text) if not number or matchers[number] for pair in _FIELD.findall(block)]


def _quoted(value: str) -> str:
    return f"`{plain(value, '`{}')}`"
