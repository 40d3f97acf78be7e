"""One hardened parse of XML, shared by every reader of it.

Facts (XML 1.0, https://www.w3.org/TR/xml/)
- 2.8: a document type declaration stands before the root element, and entities are declared nowhere else. OURS: a document with
  one is refused unparsed, so that nothing can expand and nothing is fetched.
- 4.3.3: a byte order mark or the XML declaration tells the encoding, UTF-8 otherwise. OURS: only encodings that cannot hide a
  declaration from the look before the parse are decoded; characters that are none are a fault.
- OURS: white space before the XML declaration is skipped; many servers put it there.
"""
from __future__ import annotations

import re

from lxml import etree

CODECS = {"utf-8": "utf-8", "utf8": "utf-8", "us-ascii": "ascii", "ascii": "ascii", "iso-8859-1": "latin-1",
          "latin1": "latin-1", "iso-8859-15": "iso8859-15", "windows-1252": "cp1252"}

_DECLARATION = re.compile(r"<\?xml(?=[ \t\r\n])[^>?]*+\?>")
_ENCODING = re.compile(rb"<\?xml[ \t\r\n][^>?]{0,200}?encoding[ \t\r\n]*=[ \t\r\n]*[\"']([A-Za-z0-9._-]{1,40})[\"']")
_PROLOG = re.compile(r"(?:[ \t\r\n]++|<!--.*?-->|<\?.*?\?>)*+", re.DOTALL)


class NotXml(ValueError):
    """The bytes are no XML that is read here. Says why."""


def root(body: bytes, depth: int) -> etree._Element:
    """Root element, without comments and processing instructions. Raises NotXml. `depth`: elements inside one another, at most.

    Linear in the size of the body, which the caller bounds.
    """
    text = _text(body).lstrip(" \t\r\n")
    if declaration := _DECLARATION.match(text):
        text = text[declaration.end():]
    prolog = _PROLOG.match(text)
    if text.startswith("<!", prolog.end() if prolog else 0):
        raise NotXml("it declares a document type")
    parser = etree.XMLParser(encoding="utf-8", resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False,
                             recover=False, remove_comments=True, remove_pis=True)
    try:
        tree = etree.fromstring(text.encode(), parser)
    except etree.XMLSyntaxError as error:
        raise NotXml(f"it is not well-formed: {error.msg}") from error
    level = 0
    for event, _ in etree.iterwalk(tree, events=("start", "end")):
        level += 1 if event == "start" else -1
        if level > depth:
            raise NotXml(f"more than {depth} elements stand inside one another")
    return tree


def _text(body: bytes) -> str:
    codec = "utf-8"
    if body.startswith((b"\xff\xfe", b"\xfe\xff")):
        codec = "utf-16"
    elif body.startswith(b"\xef\xbb\xbf"):
        body = body[3:]
    elif told := _ENCODING.match(body.lstrip(b" \t\r\n")):
        label = told[1].decode().lower()
        if label not in CODECS:
            raise NotXml(f"it is encoded in {label}")
        codec = CODECS[label]
    try:
        return body.decode(codec)
    except UnicodeDecodeError as error:
        raise NotXml(f"it is not {codec}") from error
