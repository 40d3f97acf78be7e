"""Nothing is fetched without leave: the site's evidence first, then a decision for each URL, then what came of it.

**Facts**
- Whether a URL may be fetched is decided by the policy rfc9309-crawl, like any other question; only `permitted` opens the way.
- Every hop of a redirect is a request of its own in Scrapy, and passes here again.
- Scrapy's own robots middleware takes a robots.txt that did not come for leave (Scrapy 2.19,
  downloadermiddlewares/robotstxt.py: https://github.com/scrapy/scrapy/tree/2.19); it stays off. The request meta
  `dont_obey_robotstxt` is not heeded.
- INVARIANT: Permission is the last to see a request but for Scrapy's HTTP cache, and the first to see a response.
"""
from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary, WeakSet

from scrapy import signals
from scrapy.core.downloader.handlers.http11 import HTTP11DownloadHandler
from scrapy.exceptions import CannotResolveHostError, StopDownload
from scrapy.http import Request, Response
from scrapy.http.request import NO_CALLBACK
from scrapy.utils.misc import load_object
from twisted.python.failure import Failure

from rules import Asset, Evidence, Use, Verdict, assess, explain, limits
from rules.policies import load

from . import evidence
from .addresses import Allowed, Guard
from .documents import Documents
from .evidence import Refused, Stopped, Visit
from .fetch import origin_of
from .items import CollectedPage
from .settings import asker_of
from .site import Sites

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

logger = logging.getLogger(__name__)

# On the wire a file may be so much longer than what is kept of it; beyond that it is cut off.
WIRE_BYTES = 4 << 20


class Permission:
    """Downloader middleware: lets a request pass, or raises Refused. Remembers what was seen on the way."""

    def __init__(self, crawler: Crawler):
        settings = crawler.settings
        for scheme in ("http", "https"):
            _check_handler(scheme, settings.getwithbase("DOWNLOAD_HANDLERS")[scheme])
        self.crawler = crawler
        self.asker = asker_of(settings)
        self.policy = load("rfc9309-crawl")
        self.guard = Guard(Allowed.of(settings.get("MAYMINE_ALLOW_PRIVATE")))
        self.trusts_proxy = settings.getbool("MAYMINE_TRUST_PROXY")
        self.site_timeout_s = min(limits.SITE_TIMEOUT_S, settings.getfloat("DOWNLOAD_TIMEOUT"))
        self.maxsize_bytes = settings.getint("DOWNLOAD_MAXSIZE")
        self.sites = Sites(self._get, self.permits)
        self.documents = Documents(self._get, self.leave)
        self.visits: WeakKeyDictionary[Request, Visit] = WeakKeyDictionary()
        self._own: WeakSet[Request] = WeakSet()      # requests for the evidence itself
        self.stopping = False
        crawler.signals.connect(self.cut_long, signals.bytes_received)
        crawler.signals.connect(self.cut_announced, signals.headers_received)
        crawler.signals.connect(self.spider_closed, signals.spider_closed)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Permission:
        return cls(crawler)

    async def process_request(self, request: Request) -> None:
        """Raises Refused where there is no leave."""
        if request.url.startswith("data:"):          # nothing leaves
            return
        visit = self.visits[request] = Visit()
        try:
            host = origin_of(request.url)[1]
        except ValueError as error:
            raise Refused(str(error)) from None
        self.guard.hold()
        if request.meta.get("proxy") and not self.trusts_proxy:
            raise Refused("through a proxy only the proxy knows which address is reached; see MAYMINE_TRUST_PROXY")
        if self.asker.token.lower() not in (request.headers.get(b"User-Agent") or b"").decode("latin-1").lower():
            raise Refused(f"the User-Agent does not name '{self.asker.token}', who asks")
        if request in self._own:
            return
        self._still_going()
        visit.site = self.sites.known(request.url) or await self.sites.of(request.url)
        self._still_going()
        self.crawler.stats.inc_value("maymine/asked")
        if reason := self.refusal(Asset(request.url), visit.site[0]):
            self.crawler.stats.inc_value("maymine/refused")
            raise Refused(f"{host}: {reason}")

    def process_response(self, request: Request, response: Response) -> Response:
        if request in self._own:
            return evidence.undo_coding(response, WIRE_BYTES)
        visit = self.visits.get(request)
        if visit is not None:
            visit.fields, visit.status, visit.at = evidence.fields_of(response), response.status, evidence.now()
        return response

    def permits(self, asset: Asset, robots: Evidence) -> bool:
        return not self.refusal(asset, robots)

    async def leave(self, url: str) -> str:
        """Why robots.txt of the site of a URL keeps us from it; "" if it does not."""
        reason = self.refusal(Asset(url), await self.sites.robots(url))
        return f"{origin_of(url)[1]}: {reason}" if reason else ""

    def refusal(self, asset: Asset, robots: Evidence) -> str:
        """Why this must not be fetched; "" if it may."""
        assessment = assess(asset, (robots,), self.policy, self.asker)
        if assessment.decisions[Use.CRAWL].verdict is Verdict.PERMITTED:
            return ""
        return " ".join(explain(assessment, self.policy)[0].because)

    def collected(self, request: Request, response: Response, found: Iterable[str] = ()) -> CollectedPage | None:
        """The item of a page that came; None for what is no page, or never passed here, as from a cache."""
        visit = self.visits.get(request)
        if visit is None or not visit.fields or request in self._own:
            return None
        return evidence.collected(request, response, visit, found)

    def failed(self, request: Request, error: BaseException) -> CollectedPage | None:
        """The item of a page that did not come; None for what is no page, never got here, or will be asked for later."""
        visit = self.visits.get(request)
        if visit is None or request in self._own or isinstance(error, Stopped):
            return None
        refusal = self.guard.refusal(urlsplit(request.url).hostname or "") if isinstance(error, CannotResolveHostError) else ""
        return evidence.failed(request, error, visit, refusal)

    def site_of(self, url: str) -> tuple[Evidence, ...]:
        """What is known of the site of a URL by now; () if nothing."""
        return self.sites.known(url)

    def stop(self) -> None:
        """From now on no request leaves; those that wait for their turn are dropped, those on the wire are finished."""
        self.stopping = True
        for slot in self.crawler.engine.downloader.slots.values() if self.crawler.engine else ():
            while slot.queue:
                slot.queue.popleft()[1].errback(Failure(Stopped()))  # type: ignore[no-untyped-call]  # Twisted is untyped here

    def _still_going(self) -> None:
        if self.stopping:
            raise Stopped

    async def _get(self, url: str, limit: int) -> Response:
        self._still_going()
        request = Request(url, callback=NO_CALLBACK, dont_filter=True, headers={"Accept-Encoding": "gzip"}, meta={
            "dont_redirect": True, "dont_retry": True, "dont_cache": True, "dont_merge_cookies": True,
            "handle_httpstatus_all": True, "download_timeout": self.site_timeout_s})
        self._own.add(request)
        self.crawler.stats.inc_value("maymine/site_requests")
        try:
            return await self.crawler.engine.download_async(request)
        except CannotResolveHostError:
            if refusal := self.guard.refusal(urlsplit(url).hostname or ""):
                raise Refused(refusal) from None
            raise

    def cut_long(self, data: bytes, request: Request) -> None:
        visit = self.visits.get(request)
        if visit is None:
            return
        visit.received_bytes += len(data)
        limit = WIRE_BYTES if request in self._own else limits.MEDIA_BYTES
        if visit.received_bytes > limit:
            visit.cut = f"only the first {limit} bytes were read"
            raise StopDownload(fail=False)

    def cut_announced(self, body_length: int | str, request: Request) -> None:
        """`body_length` is a word of Twisted's where no Content-Length came."""
        visit = self.visits.get(request)
        if visit is not None and isinstance(body_length, int) and 0 < self.maxsize_bytes < body_length:
            visit.cut = f"{body_length} bytes were announced; none were read"
            raise StopDownload(fail=False)

    def spider_closed(self) -> None:
        self.guard.release()


def _check_handler(scheme: str, path: Any) -> None:
    """Raises ValueError for a download handler that looks names up by itself."""
    if not issubclass(load_object(path), HTTP11DownloadHandler):
        raise ValueError(f"DOWNLOAD_HANDLERS: '{path}' for {scheme} would not ask the reactor for addresses, so private ones "
                         "could be reached; use Scrapy's HTTP11DownloadHandler")


