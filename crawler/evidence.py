"""Scrapy Response -> Evidence: the only file that knows both.

**Facts**
- What a status says: status.py.
- The order of fields with one name carries meaning, that of other fields does not (RFC 9110, 5.3).
- Scrapy gives each field with all its values, in order, names in one spelling. It does not keep the reason phrase, folded
  lines, lines without a colon, nor hop-by-hop fields other than Content-Length.
- A response that ends with its connection is whole (RFC 9112, 6.3); one that ends before its length is not.
"""
from __future__ import annotations

import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from http.client import responses
from urllib.parse import urlsplit

from OpenSSL import SSL
from scrapy.exceptions import CannotResolveHostError, DownloadTimeoutError, IgnoreRequest
from scrapy.http import Request, Response
from twisted.internet.error import ConnectionDone, ConnectionLost, ConnectionRefusedError, DNSLookupError, TimeoutError
from twisted.web._newclient import ParseError

from rules import Access, Asset, Carrier, Evidence, limits

from .items import CollectedPage
from .status import PAGE_REFUSALS as PAGE_REFUSALS
from .status import REDIRECTS as REDIRECTS
from .status import SITE_REFUSALS as SITE_REFUSALS
from .status import access_of as access_of

NO_TLS = ("wrong version number", "http request", "packet length too long", "record layer failure", "unknown protocol")
WRAPPED = 5                              # exceptions around another, at most


class Refused(IgnoreRequest):
    """A request that must not leave. The message says why, for a person."""


class Stopped(IgnoreRequest):
    """A request that did not leave as the crawl was stopped. Says nothing about the page, and leaves no record."""


class Unopened(IgnoreRequest):
    """A response whose body cannot be had; its fields can."""


@dataclass(slots=True)
class Visit:
    """What is known of one request while it is under way."""
    site: tuple[Evidence, ...] = ()      # robots.txt, tdmrep.json
    fields: bytes = b""                  # as received, before Scrapy undoes a content-coding
    status: int = 0
    at: datetime | None = None
    received_bytes: int = 0
    cut: str = ""                        # why the body was not read to its end


def now() -> datetime:
    return datetime.now(UTC)


def fields_of(response: Response) -> bytes:
    """Status line and field lines, CRLF after each. The reason phrase is the registered one."""
    lines = [f"HTTP/1.1 {response.status} {responses.get(response.status, '')}".encode()]
    for name, values in response.headers.items():
        lines += [name + b": " + value.replace(b"\r", b" ").replace(b"\n", b" ") for value in values or ()]
    return b"\r\n".join(lines) + b"\r\n"


def field_evidence(request: Request, visit: Visit) -> Evidence:
    """Response fields, with the address asked for first and the one that they came from."""
    uri, final_uri = requested_of(request), request.url
    fields, cut = visit.fields, len(visit.fields) > limits.FIELDS_BYTES
    return Evidence(Carrier.HTTP_FIELDS, uri, visit.at, Access.TRUNCATED if cut else Access.OBTAINED,
                    fields[:limits.FIELDS_BYTES], visit.status, _other(final_uri, uri))


def file_evidence(carrier: Carrier, uri: str, response: Response, limit: int) -> Evidence:
    """A site-level file from the last response of its chain of redirects."""
    status, access, body = response.status, access_of(response.status), response.body
    if access not in (Access.OBTAINED, Access.TRUNCATED):
        return Evidence(carrier, uri, now(), access, b"", status, _other(response.url, uri), f"status {status}")
    if len(body) > limit or _is_cut(response):
        access = Access.TRUNCATED
    return Evidence(carrier, uri, now(), access, body[:limit], status, _other(response.url, uri))


def collected(request: Request, response: Response, visit: Visit, found: Iterable[str] = ()) -> CollectedPage:
    """The page as it came."""
    url, access = request.url, access_of(response.status, PAGE_REFUSALS)
    body, detail = b"", visit.cut
    if access is Access.OBTAINED or access is Access.TRUNCATED:
        body = response.body[:limits.MEDIA_BYTES]
        if detail or len(response.body) > limits.MEDIA_BYTES or _is_cut(response):
            access, detail = Access.TRUNCATED, detail or "the body is longer than what is kept of it"
    else:
        detail = f"status {response.status}"
    media_type = (response.headers.get(b"Content-Type") or b"").partition(b";")[0].strip().lower().decode("latin-1")
    uri = requested_of(request)
    page = Evidence(Carrier.BODY, uri, visit.at, access, body, response.status, _other(url, uri), detail)
    return CollectedPage(uri, Asset(url, media_type), (*visit.site, field_evidence(request, visit), page),
                         depth_of(request), tuple(found))


def failed(request: Request, error: BaseException, visit: Visit, refusal: str = "") -> CollectedPage:
    """The page that did not come, with the reason. `refusal` is what the check of addresses says of the host."""
    url, detail = request.url, (refusal or why(error, request.url))[:limits.DETAIL_CHARS]
    if refusal or isinstance(error, Refused):
        access = Access.NOT_COLLECTED
    elif visit.status in REDIRECTS:                  # Scrapy gave up following
        access = Access.UNAVAILABLE
    elif visit.fields and isinstance(error, IgnoreRequest):
        access = Access.TRUNCATED                    # it came, and was too large once decoded
    else:
        access = Access.UNREACHABLE
    fields = (field_evidence(request, visit) if access is Access.TRUNCATED else
              Evidence(Carrier.HTTP_FIELDS, url, visit.at, access, status=visit.status or None, detail=detail))
    page = Evidence(Carrier.BODY, url, visit.at, access, status=visit.status or None, detail=detail)
    return CollectedPage(requested_of(request), Asset(url), (*visit.site, fields, page), depth_of(request))


def depth_of(request: Request) -> int:
    """Links from a seed. Scrapy counts sitemaps as links; our spiders say better."""
    depth: int = request.meta.get("maymine_depth", request.meta.get("depth", 0))
    return depth


def requested_of(request: Request) -> str:
    """The URL that was asked for before any redirect."""
    url: str = (request.meta.get("redirect_urls") or [request.url])[0]
    return url


def undo_coding(response: Response, limit: int) -> Response:
    """Undo gzip and deflate of a small file, at most `limit` bytes of it; other codings are left to Scrapy.

    Raises Unopened where the bytes are not what the coding says.
    """
    codings = b",".join(response.headers.getlist(b"Content-Encoding")).lower().split(b",")
    codings = [c.strip() for c in codings if c.strip() not in (b"", b"identity")]
    if not codings or any(c not in (b"gzip", b"x-gzip", b"deflate") for c in codings):
        return response
    body, flags = response.body, list(response.flags)
    for coding in reversed(codings):
        try:
            body, whole = decoded(body, limit, 31 if b"gzip" in coding else 15)
        except zlib.error as error:
            raise Unopened(f"{coding.decode()}: {error}") from None
        if not whole:
            flags.append("dataloss")
    headers = response.headers.copy()
    del headers[b"Content-Encoding"]
    return response.replace(body=body, headers=headers, flags=flags)


def decoded(body: bytes, limit: int, window_bits: int = 31) -> tuple[bytes, bool]:
    """At most `limit` bytes out of a gzip (31) or zlib (15) stream, and whether that is all of it. Raises zlib.error."""
    inflate = zlib.decompressobj(window_bits)
    out = inflate.decompress(body, limit)
    return out, inflate.eof


def _is_cut(response: Response) -> bool:
    return "dataloss" in response.flags or "download_stopped" in response.flags


def _other(final: str, uri: str) -> str:
    return final if final != uri else ""


def why(error: BaseException, url: str = "") -> str:
    """Why nothing came, for a person."""
    error = _innermost(error)
    if isinstance(error, (DownloadTimeoutError, TimeoutError)):
        return "no answer in time"
    if isinstance(error, (CannotResolveHostError, DNSLookupError)):
        return f"no such host: {urlsplit(url).hostname or 'it has no address'} (check the address, or the connection)"
    if isinstance(error, SSL.Error):
        return _why_no_tls(error)
    if isinstance(error, ConnectionRefusedError):
        return "nobody listens there: the connection was refused"
    if isinstance(error, (ConnectionLost, ConnectionDone)):
        return "the server closed the connection before it had answered"
    if isinstance(error, ParseError):
        return "what came is no HTTP"
    return str(error) or type(error).__name__


def _innermost(error: BaseException) -> BaseException:
    """What Scrapy and Twisted wrapped, as far as they tell."""
    for _ in range(WRAPPED):
        reasons = getattr(error, "reasons", None)
        inner = reasons[0].value if isinstance(reasons, list) and reasons else error.__cause__
        if inner is None or isinstance(error, (CannotResolveHostError, DownloadTimeoutError, IgnoreRequest)):
            break
        error = inner
    return error


def _why_no_tls(error: SSL.Error) -> str:
    """OpenSSL gives (library, function, reason) for each thing that went wrong."""
    told = [str(reason[-1]) for reason in (error.args[0] if error.args else ()) if reason]
    if not told:
        return "the server broke off TLS"
    if any(words in reason for reason in told for words in NO_TLS):
        return "the server does not speak TLS here; try http://"
    if any("certificate" in reason for reason in told):
        return f"the certificate of the server is not accepted: {told[0]}"
    return f"TLS failed: {told[0]}"
