"""nginx: two or three files to include.

**Facts** (https://nginx.org/en/docs/)
- ngx_http_headers_module: add_header is inherited from the level above only where a level has no add_header of its own, so a
  `location` for pictures with `expires` and one field loses all of ours: the fields stand in a file to be included there, too.
  `always` also sends them with errors. A field whose value is empty is not sent.
- ngx_http_core_module: `location =` is taken before every regular expression, so `location ~ /\\.` does not hide what has one.
- ngx_http_map_module: the first regular expression that matches counts. `map` stands in `http`, add_header does not have to.
- A `$` in a value begins a variable, and nothing escapes it.
"""
from __future__ import annotations

import re

from . import Files, Rows, names, plain, regex

MAP, HEADERS, SERVER = "maymine-map.conf", "maymine-headers.conf", "maymine-server.conf"

_QUOTED = r"""'((?:[^'\\]|\\.)*)'"""
_HEADER = re.compile(rf"^add_header (\S+) (?:(\$\w+)|{_QUOTED}) always;$", re.MULTILINE)
_MAP = re.compile(r"^map \$uri (\$\w+) \{\n(.*?)^\}$", re.MULTILINE | re.DOTALL)
_CASE = re.compile(rf"^    (?:default|{_QUOTED}) {_QUOTED};$", re.MULTILINE)


def write(rows: Rows, rsl: str, dotted: str) -> dict[str, str]:
    """`rsl` and `dotted`: paths of the licence document, and of the file in a dot folder; "" where there is none."""
    maps, headers = [], []
    for name in names(rows):
        values = [next((v for n, v in fields if n == name), "") for _, fields in rows]
        if len(set(values)) == 1:
            headers.append(f"add_header {name} {_quoted(values[0])} always;")
            continue
        variable = f"$maymine_{name.lower().replace('-', '_')}"
        cases = [f"    {_quoted('~^' + regex(path))} {_quoted(value)};"
                 for (path, _), value in zip(rows[:-1], values[:-1], strict=True)]
        maps.append("\n".join([f"map $uri {variable} {{", f"    default {_quoted(values[-1])};", *cases, "}"]))
        headers.append(f"add_header {name} {variable} always;")
    server = [f"include snippets/{HEADERS};"]
    if dotted:
        opened = ("allow all;", "auth_basic off;", "default_type application/json;")
        server += [f"location = {dotted} {{", *(f"    {line}" for line in opened), "}"]
    if rsl:
        server += [f"location = {rsl} {{", "    types { }", "    default_type application/rsl+xml;", "}"]
    out = {HEADERS: "\n".join(headers) + "\n", SERVER: "\n".join(server) + "\n"}
    return {**({MAP: "\n".join(maps) + "\n"} if maps else {}), **out}


def read(files: Files, path: str) -> list[tuple[str, str]]:
    variables = {}
    for found in _MAP.finditer(files.get(MAP, "")):
        cases = [(_plain(case[1]) if case[1] else "", _plain(case[2])) for case in _CASE.finditer(found[2])]
        variables[found[1]] = next((v for key, v in cases if key and re.match(key.removeprefix("~"), path)), cases[0][1])
    sent = [(m[1], variables[m[2]] if m[2] else _plain(m[3])) for m in _HEADER.finditer(files[HEADERS])]
    return [(name, value) for name, value in sent if value]


def _quoted(value: str) -> str:
    return "'" + plain(value, "$").replace("\\", "\\\\").replace("'", "\\'") + "'"


def _plain(quoted: str) -> str:
    return re.sub(r"\\([\\'])", r"\1", quoted)
