"""Hosts of static sites: tables of fields as each of them wants it.

**Facts**
- `_headers` of Netlify (https://docs.netlify.com/routing/headers/) and Cloudflare Pages
  (https://developers.cloudflare.com/pages/configuration/headers/): where several rules match, their fields are joined, so what
  is different in a folder cannot be said. The same holds for a response headers policy of CloudFront, which has no paths, and
  for the route rules of Nuxt, which are merged. Such hosts get what holds everywhere.
- vercel.json (https://vercel.com/docs/project-configuration#headers): `source` is a path with regular expressions in
  parentheses. OURS: the sources of two rows never match the same path.
"""
from __future__ import annotations

import json
import re
from typing import Any

from . import Files, Rows, deeper, plain, regex

HEADERS, VERCEL, CLOUDFRONT, NUXT = "_headers", "vercel.json", "cloudfront-headers.json", "nuxt.config.maymine.ts"

_PLAIN_PATH = re.compile(r"[A-Za-z0-9/._-]+")
_NUXT = re.compile(r"^export default (.*)$", re.DOTALL)


def write_headers(rows: Rows, rsl: str, dotted: str) -> dict[str, str]:
    lines = [f"  {name}: {plain(value, '')}\n" for name, value in rows[-1][1]]
    return {HEADERS: "".join(["/*\n", *lines])} if lines else {}


def read_headers(files: Files, path: str) -> list[tuple[str, str]]:
    rule, sent = "", []
    for line in files.get(HEADERS, "").splitlines():
        if line.startswith("  ") and rule == "/*":
            name, _, value = line.strip().partition(": ")
            sent.append((name, value))
        elif not line.startswith("  "):
            rule = line
    return sent


def write_vercel(rows: Rows, rsl: str, dotted: str) -> dict[str, str]:
    table = []
    for path, fields in rows:
        if not _PLAIN_PATH.fullmatch(path):
            raise ValueError(f"'{path}': in vercel.json a path can have letters of ASCII, digits and . _ - only")
        inner = "|".join(regex(other[1:]) for other in deeper(rows, path))
        source = "/(" + (f"(?!{inner})" if inner else "") + (f"(?:{regex(path[1:])})" if path != "/" else "") + ".*)"
        if fields:
            table.append({"source": source, "headers": [{"key": name, "value": value} for name, value in fields]})
    return {VERCEL: _json({"headers": table})} if table else {}


def read_vercel(files: Files, path: str) -> list[tuple[str, str]]:
    table = json.loads(files[VERCEL])["headers"] if VERCEL in files else []
    return [(one["key"], one["value"]) for row in table if re.fullmatch(row["source"], path) for one in row["headers"]]


def write_cloudfront(rows: Rows, rsl: str, dotted: str) -> dict[str, str]:
    items = [{"Header": name, "Value": value, "Override": True} for name, value in rows[-1][1]]
    config = {"Name": "maymine", "Comment": "", "CustomHeadersConfig": {"Quantity": len(items), "Items": items}}
    return {CLOUDFRONT: _json(config)} if items else {}


def read_cloudfront(files: Files, path: str) -> list[tuple[str, str]]:
    items = json.loads(files[CLOUDFRONT])["CustomHeadersConfig"]["Items"] if CLOUDFRONT in files else []
    return [(item["Header"], item["Value"]) for item in items]


def write_nuxt(rows: Rows, rsl: str, dotted: str) -> dict[str, str]:
    fields = dict(rows[-1][1])
    return {NUXT: "export default " + _json({"routeRules": {"/**": {"headers": fields}}})} if fields else {}


def read_nuxt(files: Files, path: str) -> list[tuple[str, str]]:
    found = _NUXT.match(files.get(NUXT, ""))
    return list(json.loads(found[1])["routeRules"]["/**"]["headers"].items()) if found else []


def _json(value: Any) -> str:
    return json.dumps(value, indent=2) + "\n"
