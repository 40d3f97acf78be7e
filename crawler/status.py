"""What the final status of an answer says about a carrier.

**Facts**
- 2xx was obtained; 4xx is unavailable, 5xx and failures of the network are unreachable (RFC 9309, 2.3.1.3 and 2.3.1.4:
  https://www.rfc-editor.org/rfc/rfc9309). 401 and 403 are kept apart as refused; OURS: 429, and what the RFC does not
  name, is unreachable.
"""
from __future__ import annotations

from rules.model import Access

REDIRECTS = (301, 302, 303, 307, 308)
SITE_REFUSALS = (401, 403)
PAGE_REFUSALS = (401, 402, 403, 451)     # OURS: a page behind payment or law is there, and kept from us


def access_of(status: int, refusals: tuple[int, ...] = SITE_REFUSALS) -> Access:
    """What a final status says about a carrier."""
    if 200 <= status < 300:
        return Access.TRUNCATED if status == 206 else Access.OBTAINED
    if status in refusals:
        return Access.REFUSED
    if 400 <= status < 500 and status != 429:
        return Access.UNAVAILABLE
    return Access.UNREACHABLE
