"""A page where a site file should be: recorded as such, and left to the policies.

**Facts**
- PRACTICE: many servers answer every address with a page and status 200; of 2,111 real robots.txt files 87 are pages.
- RFC 9309, 2.3.1.1: what can be parsed of robots.txt is used, so a page is so only if not one line of it can be.
"""
from __future__ import annotations

from ..model import Carrier, Fault, FaultKind

LOOKED_AT_BYTES = 1_000


def is_page(body: bytes) -> bool:
    return body[:LOOKED_AT_BYTES].lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")


def page_instead(carrier: Carrier) -> Fault:
    return Fault(carrier, FaultKind.INSTEAD, "the server answers with a page")
