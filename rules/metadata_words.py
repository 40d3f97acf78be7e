"""Whether a page could say anything of its licence and its access, without a parse.

Facts (HTML Living Standard 13.2.5, https://html.spec.whatwg.org/multipage/parsing.html; RFC 8259, 7)
- A word stands in the value of an attribute or in a script. Character references can hide its letters in the one, escapes in
  the other.
- INVARIANT: never False for a page in which a full parse finds something (tested). True for a page that says nothing costs
  one parse.
- OURS: time grows with the page alone, whatever it holds.
"""
from __future__ import annotations

import re

from .hidden import MARKUP

_LICENSING = (b"rel", b"property", b"itemprop")
_IS = re.compile(rb"[\t\n\f\r ]*+=[\t\n\f\r ]*+")
_UNQUOTED_END = re.compile(rb"[\t\n\f\r >]")
_SCHEMA_WORDS = (b"license", b"usageinfo", b"isaccessibleforfree")
_ESCAPED = re.compile(rb"\\u00(?:[46][1-9a-f]|[57][0-9a])")      # a letter
TRIGGERS = (
    MARKUP, _ESCAPED, b"ld+json license", *_SCHEMA_WORDS[1:], re.compile(rb"dc(?:t|terms)?\.(?:license|rights|accessrights)"),
    re.compile(rb"(?:rel|property|itemprop)[\t\n\f\r ]*=[\t\n\f\r ]*"
               rb"(?:\"[^\"]*license|'[^']*license|[^\t\n\f\r >=]*(?:=|license))"))


def could_speak(text: bytes) -> bool:
    """Whether a page holds any of the words in a place that could count. Linear; never False for a page that speaks."""
    low = text.lower()
    if b"&" in low and MARKUP.search(low):
        return True
    if b"license" in low and (_named(low, b".license") or any(_in_value(low, name) for name in _LICENSING)):
        return True
    if b"itemprop" in low and any(word in low for word in _SCHEMA_WORDS[1:]):
        return True
    return _in_script(low) or _named(low, b".rights") or _named(low, b".accessrights")


def _in_value(low: bytes, attribute: bytes) -> bool:
    """Whether `license` stands in a value of the attribute. Linear: no byte is looked at twice for the same end mark."""
    ends = {b'"': -1, b"'": -1, b"": -1}
    word = pos = -1
    while (pos := low.find(attribute, pos + 1)) >= 0:
        start = _IS.match(low, pos + len(attribute))
        if not start:
            continue
        quote = low[start.end():start.end() + 1]
        quote, begin = (quote, start.end() + 1) if quote in (b'"', b"'") else (b"", start.end())
        if word < begin and (word := low.find(b"license", begin)) < 0:
            return False
        if ends[quote] < begin:
            if quote:
                ends[quote] = low.find(quote, begin)
            else:
                end = _UNQUOTED_END.search(low, begin)
                ends[quote] = end.start() if end else -1
            if ends[quote] < 0:
                ends[quote] = len(low)
        if word < ends[quote]:
            return True
    return False


def _named(low: bytes, ending: bytes) -> bool:
    """Whether a Dublin Core name ends so."""
    pos = -1
    while (pos := low.find(ending, pos + 1)) >= 0:
        if low.endswith((b"dc", b"dct", b"dcterms"), 0, pos):
            return True
    return False


def _in_script(low: bytes) -> bool:
    """Whether a JSON-LD block holds a word of schema.org."""
    pos = 0
    while (pos := low.find(b"ld+json", pos)) >= 0:
        end = low.find(b"</script", pos)
        end = end if end >= 0 and low.find(b"<!--", pos, end) < 0 else len(low)
        if has_words(low, pos, end):
            return True
        pos = end
    return False


def has_words(low: bytes, start: int, end: int) -> bool:
    return any(low.find(word, start, end) >= 0 for word in _SCHEMA_WORDS) or bool(_ESCAPED.search(low, start, end))
