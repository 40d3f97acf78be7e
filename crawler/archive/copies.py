"""A copy of a file of a site: what asking for it brought, at one time, as an archive kept it.

**Facts**
- RFC 9309, 2.3 (https://www.rfc-editor.org/rfc/rfc9309): the file lies at a fixed place of scheme, host and port. So do the
  others (rules/references.py).
- WARC 1.1, 6.4: a `resource` is bytes without the response. Archives of our own keep files of sites so. What
  it says counts; that it says no more is no silence, as nobody knows what the answer was: it could have been an error.
- OURS: a redirect is a copy too; where it leads to is followed among the copies, not here.
"""
from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urljoin, urlsplit

from rules import Access, Carrier, limits
from rules.references import SITE_FILES
from rules.signals import READERS

from ..status import REDIRECTS, access_of
from . import payload
from .captures import Capture
from .records import Location

PORTS = {"http": 80, "https": 443}
PLACES: dict[str, Carrier] = {path: c for c, paths in SITE_FILES.items() if READERS[c] for path in paths}
FILE_BYTES = {c: limits.ROBOTS_BYTES if c is Carrier.ROBOTS_TXT else limits.TDMREP_BYTES for c in PLACES.values()}
NO_TIME = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, eq=False)
class Copy:
    """One answer to asking for a file of a site, at one time. Known by its identity."""
    uri: str                         # as `place` writes it
    at: datetime                     # NO_TIME: not known
    access: Access
    status: int | None = None
    body: bytes = b""
    leads_to: str = ""               # where a redirect points, absolute
    detail: str = ""
    record: Location | None = None


def origin(url: str) -> str:
    """Scheme, host and port if it is another than usual: "https://example.org". "" for what is no http or https URL."""
    try:
        parts = urlsplit(url)
        port = parts.port
        if parts.scheme not in PORTS or not parts.hostname:
            return ""
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        return f"{parts.scheme}://{host}" + (f":{port}" if port not in (None, PORTS[parts.scheme]) else "")
    except ValueError:
        return ""


def place(url: str) -> str:
    """The one way to write the address of a file of a site; "" if the URL is none."""
    if not url.endswith(".txt") and not url.endswith(".json"):
        return ""
    try:
        path = urlsplit(url).path
    except ValueError:
        return ""
    base = origin(url) if path in PLACES and "?" not in url else ""
    return base and base + path


def copy_of(capture: Capture) -> Copy | None:
    """What asking for a file of a site brought; None if it is about something else, or not the response itself."""
    url = capture.asset.url
    uri, fields, record = place(url), capture.fields, capture.location
    if not uri:
        return None
    at, status = capture.at or NO_TIME, fields.status
    body, limit = capture.body, FILE_BYTES[PLACES[urlsplit(uri).path]]
    if fields.access is not Access.OBTAINED:
        if fields.has_bytes:
            return Copy(uri, at, Access.TRUNCATED, detail=fields.detail, record=record)
        return Copy(uri, at, Access.TRUNCATED, None, body.body[:limit], detail=body.detail or fields.detail,
                    record=record) if body.has_bytes else None
    if status is None:
        return Copy(uri, at, Access.UNREACHABLE, detail="the answer has no status", record=record)
    if status in REDIRECTS:
        leads_to = _joined(url, payload.named(fields.body).get(b"location", b"").decode("utf-8", "replace").strip())
        return Copy(uri, at, Access.UNREACHABLE, status, leads_to=leads_to if origin(leads_to) else "", record=record)
    access = access_of(status)
    if access not in (Access.OBTAINED, Access.TRUNCATED):
        return Copy(uri, at, access, status, detail=f"status {status}", record=record)
    if not body.has_bytes:                           # a revisit of what was not kept
        return Copy(uri, at, Access.NOT_COLLECTED, status, detail=body.detail, record=record)
    cut = len(body.body) > limit or body.access is Access.TRUNCATED
    return Copy(uri, at, Access.TRUNCATED if cut else access, status, body.body[:limit], detail=body.detail, record=record)


def _joined(url: str, reference: str) -> str:
    try:
        return urljoin(url, reference)
    except ValueError:
        return ""
