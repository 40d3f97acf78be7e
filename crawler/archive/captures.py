"""One capture: what an archive kept of one asset at one time, as evidence, and where it lies.

**Facts**
- A capture of a page that was refused, moved or missing is a capture too. Its status says what the body is worth, by the same
  table as in a crawl (crawler/evidence.py). OURS: a redirect is an address without a body of its own.
- A status is not always kept. OURS: where a body is there and no status, it is taken for the asset.
- What a collection did not keep is `not-collected`. Text that somebody made out of a page is the beginning of more: it is read,
  and counts as truncated, as what stood in its elements is gone.
"""
from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from rules import Access, Asset, Carrier, Evidence, limits

from ..status import PAGE_REFUSALS, REDIRECTS, access_of
from . import payload
from .records import Location
from .warc import unprefixed

NO_FIELDS = "the collection did not keep the response fields"
NO_BODY = "the collection did not keep the bytes of the asset"
ONLY_TEXT = "text made from the page; the page itself was not kept"
NO_HEAD = "the record holds no whole response"


@dataclass(frozen=True, slots=True)
class Capture:
    """`location` is that of the record; `body_location` another one, where the bytes were kept elsewhere."""
    asset: Asset
    fields: Evidence
    body: Evidence
    location: Location | None = None
    body_location: Location | None = None

    @property
    def at(self) -> datetime | None:
        return self.fields.at


def of_response(url: str, block: bytes | bytearray, at: datetime | None, location: Location | None, cut: str = "",
                start: int = 0, end: int | None = None) -> Capture:
    """An HTTP response, which lies in the block from `start` to `end`. `cut` says why the record holds less than came."""
    head, body_at = payload.head_of(block, start, end)
    if not head:
        kept = bytes(block[start:end][:limits.FIELDS_BYTES])
        fields = Evidence(Carrier.HTTP_FIELDS, url, at, Access.TRUNCATED, kept, detail=cut or NO_HEAD)
        return Capture(Asset(url), fields, Evidence(Carrier.BODY, url, at, Access.TRUNCATED, detail=cut or NO_HEAD), location)
    low = head.lower()
    told = payload.named(head, low)
    status = payload.status_of(head)
    body, trouble = payload.decoded(bytes(memoryview(block)[body_at:end]), told)
    if b"x-crawler-" in low:
        head = unprefixed(head)
    fields = Evidence(Carrier.HTTP_FIELDS, url, at, Access.OBTAINED, head, status)
    asset = Asset(url, payload.media_type(told.get(b"content-type", b"")))
    return Capture(asset, fields, of_body(url, body, at, status, cut or trouble), location)


def of_body(url: str, body: bytes, at: datetime | None, status: int | None = None, cut: str = "") -> Evidence:
    """The body by its status; None: nobody kept it."""
    access = Access.OBTAINED if status is None else access_of(status, PAGE_REFUSALS)
    if status in REDIRECTS:
        access = Access.UNAVAILABLE
    elif status == 304:
        return Evidence(Carrier.BODY, url, at, Access.NOT_COLLECTED, status=status, detail=NO_BODY)
    if access not in (Access.OBTAINED, Access.TRUNCATED):
        return Evidence(Carrier.BODY, url, at, access, status=status, detail=f"status {status}")
    if cut:
        access = Access.TRUNCATED
    return Evidence(Carrier.BODY, url, at, access, body[:limits.MEDIA_BYTES], status, detail=cut)


def of_bytes(url: str, body: bytes, at: datetime | None, location: Location | None, media_type: str = "",
             cut: str = "") -> Capture:
    """The asset without its response fields."""
    return Capture(Asset(url, media_type), no_fields(url, at), of_body(url, body, at, None, cut), location)


def no_fields(url: str, at: datetime | None) -> Evidence:
    return Evidence(Carrier.HTTP_FIELDS, url, at, Access.NOT_COLLECTED, detail=NO_FIELDS)
