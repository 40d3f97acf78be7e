"""Apache: one file for the server's configuration, or one .htaccess.

**Facts** (https://httpd.apache.org/docs/2.4/)
- mod_headers: `Header always` also sends with errors; `add` leaves what others set. A value is a format: `%` is written `%%`.
  `expr=` as the last argument makes a line conditional.
- Core: `<Location>` is merged after `<Files>` and `<Directory>`, so it can show a file that a rule against dot files hides. It
  cannot stand in .htaccess; there `<Files>` does the same, and mod_rewrite is told to leave the folder alone. A line can be
  ignored where a module is missing (`<IfModule>`).
"""
from __future__ import annotations

import re

from . import REPEATED, Files, Rows, deeper, plain, regex

CONF, HTACCESS = "maymine.conf", ".htaccess"

_LINE = re.compile(r'^Header always (?:set|add) (\S+) "((?:[^"\\]|\\.)*)"(?: "expr=(.*)")?$', re.MULTILINE)
_TEST = re.compile(r"%\{REQUEST_URI\} (=~|!~) m#(.*?)#(?: && |$)")


def write(rows: Rows, rsl: str, dotted: str) -> dict[str, str]:
    """For conf-available/, or a virtual host."""
    show = [f'<Location "{dotted}">', "Require all granted", "</Location>"] if dotted else []
    kind = [f'<Location "{rsl}">', 'ForceType "application/rsl+xml"', "</Location>"] if rsl else []
    return {CONF: "\n".join([*_headers(rows), *show, *kind]) + "\n"}


def write_htaccess(rows: Rows, rsl: str, dotted: str) -> dict[str, str]:
    """For the top folder of a site on shared hosting."""
    folder, _, file = dotted.rpartition("/")
    show = [f'<Files "{file}">', "Require all granted", "</Files>", "<IfModule mod_rewrite.c>", "RewriteEngine On",
            f"RewriteRule ^{regex(folder.strip('/'))}/ - [L]", "</IfModule>"] if dotted else []
    kind = [f'<Files "{rsl.rpartition("/")[2]}">', 'ForceType "application/rsl+xml"', "</Files>"] if rsl else []
    return {HTACCESS: "\n".join(["<IfModule mod_headers.c>", *_headers(rows), "</IfModule>", *show, *kind]) + "\n"}


def read(files: Files, path: str) -> list[tuple[str, str]]:
    text = files.get(CONF) or files[HTACCESS]
    return [(m[1], re.sub(r"\\(.)", r"\1", m[2]).replace("%%", "%")) for m in _LINE.finditer(text) if _holds(m[3] or "", path)]


def _headers(rows: Rows) -> list[str]:
    out = []
    for path, fields in rows:
        inner = deeper(rows, path)
        tests = [f"%{{REQUEST_URI}} =~ m#^{regex(path)}#"] if path != "/" else []
        tests += [f"%{{REQUEST_URI}} !~ m#^(?:{'|'.join(map(regex, inner))})#"] if inner else []
        only = f' "expr={" && ".join(tests)}"' if tests else ""
        for name, value in fields:
            verb = "add" if name.lower() in REPEATED else "set"
            out.append(f"Header always {verb} {name} {_quoted(value)}{only}")
    return out


def _quoted(value: str) -> str:
    return '"' + plain(value, "$").replace("%", "%%").replace("\\", "\\\\").replace('"', '\\"') + '"'


def _holds(expression: str, path: str) -> bool:
    return all((re.match(pattern, path) is not None) is (sign == "=~") for sign, pattern in _TEST.findall(expression))
