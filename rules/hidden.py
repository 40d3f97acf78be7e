"""What can hide a word in a page from a search of its bytes: references, invisible characters, other shapes of letters.

Facts (HTML Living Standard 13.2.5.72 to 80 and 13.5, https://html.spec.whatwg.org/multipage/parsing.html; Unicode, NFKC)
- A reference is a number, decimal or after `x` hexadecimal, with any number of zeros before it, or a name. A semicolon ends it,
  but some work without.
- OURS: quotes, dashes, spaces, arrows, icons, emoji, superscripts, units and digraphs hide no word that is looked for. Many of
  them stand on almost every page.
- INVARIANT (tested): MARKUP finds each reference to a letter of ASCII and to `+-.:`. TEXT finds those to letters, and to
  invisible characters, to letters of full width, of mathematics or in circles, to kana, Hangul and Chinese, and what it finds
  as a reference also as itself, but for these scripts. Behind a letter of Hebrew or Arabic an invisible one hides nothing.
Patterns are for bytes in lower case, in what `re` and Hyperscan have in common; each takes linear time.
"""
from __future__ import annotations

import html
import re

START_BYTES = 64                 # OURS

_LETTERS_HEX, _LETTERS = rb"[46][1-9a-f]|[57][0-9a]", rb"6[5-9]|[78][0-9]|90|9[7-9]|1[01][0-9]|12[0-2]"
_OTHER_HEX = (rb"ad|ce|ee|20(?:0[b-f]|2[a-e]|6[0-4])|24[9a-e][0-9a-f]|2[ef][0-9a-f]{2}|[3-9a-d][0-9a-f]{3}|f[9a-f][0-9a-f]{2}|"
              rb"1d[4-7][0-9a-f]{2}|1f1[0-9a-f]{2}|[23][0-9a-f]{4}")
_OTHER = (rb"173|206|238|820[3-7]|823[4-8]|828[89]|829[0-2]|93[789][0-9]|94[0-4][0-9]|1[1-9][0-9]{3}|[2-4][0-9]{4}|"
          rb"5[0-6][0-9]{3}|57[0-3][0-9]{2}|63[7-9][0-9]{2}|6[45][0-9]{3}|1(?:19[89]|20[0-8]|27[23])[0-9]{2}|1[3-9][0-9]{4}|2[0-9]{5}")


def _number(hexadecimal: bytes, decimal: bytes) -> bytes:
    return rb"&#(?:x0*(?:" + hexadecimal + rb")(?:[^0-9a-f]|$)|0*(?:" + decimal + rb")(?:[^0-9]|$))"


MARKUP = re.compile(_number(rb"2[bde]|3a|" + _LETTERS_HEX, rb"4[356]|58|" + _LETTERS) + rb"|&(?:plus|period|colon|fjlig)")
TEXT = re.compile(
    _number(_LETTERS_HEX + b"|" + _OTHER_HEX, _LETTERS + b"|" + _OTHER)
    + rb"|&(?:shy|zw|zerowidth|nobreak|negative|invisible|applyfunction|lrm;|rlm;|ic;|it;|af;|"
    rb"f[a-z]{1,2}lig;|[a-z](?:fr|opf|scr);)|"
    rb"\xc2\xad|(?:^|[\0-\x7f]|[^\xd6-\xdb][\x80-\xbf])\xe2(?:\x80[\x8b-\x8f\xaa-\xae]|\x81[\xa0-\xa4])|"
    rb"\xe2(?:\x92[\x9c-\xbf]|\x93[\x80-\xa9])|\xef(?:\xbb\xbf|\xac[\x80-\x86]|\xbc[\xa1-\xba]|"
    rb"\xbd[\x81-\x9a\xa6-\xbf]|\xbe[\x80-\xbf]|\xbf[\x80-\x9c]|[\xa4-\xab][\x80-\xbf])|"
    rb"\xe3\x82[\x99\x9a]|\xe1(?:[\x84-\x87]|\xb4[\xac-\xbf]|\xb5)|\xe2(?:\xba|\xbb|\xbc|\xbd|\xbe|\xbf|\x85[\x85-\x89\xa0-\xbf]|\x82[\x90-\x9c]|"
    rb"\x84[\x80-\x82\x84-\x88\x8a-\x95\x98-\x9d\xa4\xa8\xaa-\xad\xaf-\xb4\xb9])|\xc5\xbf|\xca[\xb0-\xb8]|\xcb[\xa0-\xa4]|"
    rb"\xf0(?:\x9d[\x90-\x9f]|\x9f[\x84-\x86])")


_LONG_NUMBER = re.compile(r"&#([0-9]{9,})")


def unescape(text: str) -> str:
    """html.unescape, which raises where a number has thousands of digits."""
    return html.unescape(_LONG_NUMBER.sub(lambda m: "&#" + (m[1].lstrip("0") or "0")[:9], text))


def is_parted(text: bytes) -> bool:
    """Whether zeros part its letters, as in UTF-16: its start tells."""
    return b"\0" in text[:START_BYTES]
