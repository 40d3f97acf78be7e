"""The words by which a page could say anything of its licence and its access.

Facts (HTML Living Standard 13.2.5, https://html.spec.whatwg.org/multipage/parsing.html; RFC 8259, 7)
- A word stands in the value of an attribute or in a script. Character references can hide its letters in the one, escapes in
  the other.
- INVARIANT (tested): a full parse finds nothing in a page without them.
"""
from __future__ import annotations

import re

from .hidden import MARKUP
from .scan import Trigger

_SCHEMA_WORDS = (b"license", b"usageinfo", b"isaccessibleforfree")
_ESCAPED = re.compile(rb"\\u00(?:[46][1-9a-f]|[57][0-9a])")      # a letter
TRIGGERS = Trigger((
    MARKUP, _ESCAPED, b"ld+json license", *_SCHEMA_WORDS[1:], re.compile(rb"dc(?:t|terms)?\.(?:license|rights|accessrights)"),
    re.compile(rb"(?:rel|property|itemprop)[\t\n\f\r ]*=[\t\n\f\r ]*"
               rb"(?:\"[^\"]*license|'[^']*license|[^\t\n\f\r >=]*(?:=|license))")), lambda seen: bool(seen.told_end))


def has_words(low: bytes, start: int, end: int) -> bool:
    return any(low.find(word, start, end) >= 0 for word in _SCHEMA_WORDS) or bool(_ESCAPED.search(low, start, end))
