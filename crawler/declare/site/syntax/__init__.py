"""How servers and hosts are told to send response fields: one file a configuration language, each written and read back.

A writer gets rows: folders, decoded, the longest first and `/` last, each with the fields of what lies in it and in no row
before. `read` gives the fields that a written configuration sends for a path. It is no reader of the language, but of what is
written here: a value that a quotation mark would break out of does not come back as it went in, and the kit is refused.
"""
from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from ..words import Fields

Rows = Sequence[tuple[str, Fields]]
Files = Mapping[str, str]

REPEATED = ("x-robots-tag", "link")      # fields of which a site may have others; ours stand beside them


def names(rows: Rows) -> list[str]:
    """Every field name, in order of appearance."""
    return list(dict.fromkeys(name for _, fields in rows for name, _ in fields))


def regex(path: str) -> str:
    """A folder as a regular expression that PCRE, RE2 and ECMAScript read alike."""
    return re.sub(r"[.+]", r"\\\g<0>", path)


def deeper(rows: Rows, path: str) -> list[str]:
    """The folders in this one that have rows of their own."""
    return [other for other, _ in rows if other != path and other.startswith(path)]


def plain(value: str, forbidden: str) -> str:
    """The value. ValueError: it has a character that the language gives no way to write."""
    if bad := [c for c in value if c in forbidden or ord(c) < 32]:
        raise ValueError(f"'{value[:80]}' has the character {bad[0]!r}, which cannot stand in this configuration")
    return value
