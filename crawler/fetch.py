"""One file from the place where it should be, over redirects: every way to fail is evidence, too.

**Facts** (RFC 9309: https://www.rfc-editor.org/rfc/rfc9309)
- At least five redirects are followed, also to other authorities. More may be taken for unavailable (2.3.1.2). OURS: so it
  is, and so are circles.
- OURS: what must not be asked for was not collected; nothing is said about the server.
- OURS: a redirect to where no HTTP goes, or without a place, is no answer: unreachable.
"""
from __future__ import annotations

from collections.abc import Awaitable, Callable
from urllib.parse import urljoin, urlsplit

from scrapy.http import Response

from rules import Access, Carrier, Evidence, limits

from .evidence import REDIRECTS, Refused, file_evidence, now, why

Get = Callable[[str, int], Awaitable[Response]]      # URL, bytes wanted; raises what the download raises
Leave = Callable[[str], Awaitable[str]]              # URL -> why it must not be asked for; "" if it may
Origin = tuple[str, str, int]

PORTS = {"http": 80, "https": 443}


async def fetch(get: Get, carrier: Carrier, uri: str, limit: int,
                leave: Leave | None = None) -> tuple[Evidence, Response | None]:
    """At most `limit` bytes, and the response that they came with. `leave` is asked before every hop. Raises nothing."""
    at, seen = uri, {uri}
    for _ in range(limits.REDIRECTS + 1):
        if leave is not None and (reason := await leave(at)):
            return Evidence(carrier, uri, None, Access.NOT_COLLECTED, detail=reason[:limits.DETAIL_CHARS]), None
        try:
            response = await get(at, limit)
        except Refused as error:
            return Evidence(carrier, uri, None, Access.NOT_COLLECTED, detail=str(error)[:limits.DETAIL_CHARS]), None
        except Exception as error:  # noqa: BLE001  whatever a handler may raise: the network gave no answer
            return Evidence(carrier, uri, now(), Access.UNREACHABLE, detail=why(error, at)[:limits.DETAIL_CHARS]), None
        if response.status not in REDIRECTS:
            return file_evidence(carrier, uri, response, limit), response
        at = _next(at, response)
        if not at:
            return Evidence(carrier, uri, now(), Access.UNREACHABLE, status=response.status, detail="leads nowhere"), None
        if at in seen:
            return Evidence(carrier, uri, now(), Access.UNAVAILABLE, status=response.status, detail="leads in a circle"), None
        seen.add(at)
    return Evidence(carrier, uri, now(), Access.UNAVAILABLE, status=response.status,
                    detail=f"more than {limits.REDIRECTS} redirects"), None


def origin_of(url: str) -> Origin:
    """Scheme, host and port. Raises ValueError for what is not http or https, has no host, or a port that is none."""
    parts = urlsplit(url)
    if parts.scheme not in PORTS or not parts.hostname:
        raise ValueError(f"'{url}' is no http or https URL")
    return parts.scheme, parts.hostname, PORTS[parts.scheme] if parts.port is None else parts.port


def _next(url: str, response: Response) -> str:
    """Where a redirect points; "" for no place where HTTP goes."""
    try:
        target = urljoin(url, (response.headers.get(b"Location") or b"").decode("utf-8", "replace").strip())
        origin_of(target)
    except ValueError:
        return ""
    return target if response.headers.get(b"Location") else ""
