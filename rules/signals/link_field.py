"""The `Link` response field: typed links, each with its parameters.

Facts (RFC 8288, https://www.rfc-editor.org/rfc/rfc8288)
- 3: links stand between commas; the target stands in `<>`, parameters follow after `;`. Lines of one name are one list.
- 3.2: `anchor` gives a link another context than the message that carries it.
- 3.3: `rel` holds relation types between spaces, compared without regard to case; only the first `rel` of a link counts.
  3.4.1: the same is true of `type`.
- B.3: parsers get along with empty elements, white space around `=`, and values with or without quotes.
- OURS: a quote that is never closed is read as a value without quotes, so that it does not swallow the links after it.
"""
from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ..limits import HTML_ELEMENTS
from ..memo import memo
from . import http_fields

_TARGET = re.compile(r"<([^<>]*+)>")
_PARAM = re.compile(r'[ \t]*+;[ \t]*+([^ \t=;,"]*+)(?:[ \t]*+=[ \t]*+(?:"((?:[^"\\]|\\.)*+)"|"?([^;,\t "]*+)))?+', re.DOTALL)
_QUOTED_PAIR = re.compile(r"\\(.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Link:
    href: str                        # as written, perhaps relative
    rels: tuple[str, ...]            # lower case
    type: str                        # essence of the media type, lower case; "" if not told
    params: tuple[tuple[str, str], ...]  # (name in lower case, value), in order
    number: int                      # its place among the links of the message, from 1

    def param(self, name: str) -> str | None:
        """The first value of a parameter, by its name in lower case."""
        return next((value for key, value in self.params if key == name), None)


@memo
def links(body: bytes) -> tuple[Link, ...]:
    """Links of a header section, in order, at most limits.HTML_ELEMENTS. Linear in the size of the section."""
    out: list[Link] = []
    for value in http_fields.values(body, b"link"):
        for href, params in _parse(value):
            if len(out) == HTML_ELEMENTS:
                return tuple(out)
            named = dict(reversed(params))
            media_type = named.get("type", "").partition(";")[0].strip().lower()
            out.append(Link(href, tuple(named.get("rel", "").lower().split()), media_type, tuple(params), len(out) + 1))
    return tuple(out)


def _parse(value: str) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Target and parameters of each link of a field line."""
    pos = 0
    while target := _TARGET.search(value, pos):
        pos, params = target.end(), []
        while param := _PARAM.match(value, pos):
            pos = param.end()
            if param[1]:
                said = _QUOTED_PAIR.sub(r"\1", param[2]) if param[2] is not None else param[3] or ""
                params.append((param[1].lower(), said))
        yield target[1].strip(), params
