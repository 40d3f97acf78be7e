"""What both spiders do: one item a URL, whatever happens to it, and a resume that neither forgets nor repeats.

**Facts**
- The run folder is the truth: to do is what the frontier holds and the run has no record of.
- Scrapy pulls start requests as fast as it can (2.19, core/engine.py: https://github.com/scrapy/scrapy/tree/2.19), so a long
  list is handed over in portions.
"""
from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Set
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

from scrapy import Spider, signals
from scrapy.http import Request, Response
from twisted.python.failure import Failure

from ..frontier import Frontier, key_of
from ..items import CollectedPage
from ..middlewares import Permission
from ..pipelines import Records

PORTION = 1_000                      # start requests handed over at a time


class Collector(Spider):
    """Base of our spiders: yields CollectedPage for every URL it asks for."""
    collects_pages = True            # middlewares.Record need not
    custom_settings = {"HTTPERROR_ALLOW_ALL": True}      # a 404 is evidence, too
    frontier: Frontier
    finished: Set[str]
    permission: Permission

    def seeds(self) -> Iterator[str]:
        """Where to begin, as written."""
        raise NotImplementedError

    def found(self, page: CollectedPage, response: Response) -> list[Request]:
        """What to ask for next. Is written to the frontier before it is given back."""
        return []

    async def start(self) -> AsyncIterator[Any]:
        self._open()
        requests = self._to_do()
        while portion := list(islice(requests, PORTION)):
            for request in portion:
                yield request
            if len(portion) == PORTION:
                await self.crawler.signals.wait_for(signals.scheduler_empty)

    def _open(self) -> None:
        records = self.crawler.get_item_pipeline(Records)
        permission = self.crawler.get_downloader_middleware(Permission)
        if records is None or permission is None:
            raise RuntimeError("the add-on crawler.addon.Maymine is not switched on")
        self.permission, self.finished = permission, records.finished()
        run = self.settings.get("MAYMINE_RUN")
        self.frontier = Frontier(Path(run) / "frontier.jsonl" if run else None)

    def _to_do(self) -> Iterator[Request]:
        """What a killed crawl left, then what the list has that was never heard of."""
        yield from (self.page_request(url, depth) for url, depth in self.frontier.pending(self.finished))
        yield from self.resumed()
        for url in self.seeds():
            try:
                key_of(url)
                for new in self.frontier.add([url], 0):
                    yield self.page_request(new, 0)
            except ValueError as error:
                self.crawler.stats.inc_value("maymine/not_a_url")
                self.logger.warning("'%s' is no URL: %s", url[:200], error)

    def resumed(self) -> Iterator[Request]:
        """What else a killed crawl left."""
        return iter(())

    def page_request(self, url: str, depth: int) -> Request:
        return Request(url, self.parse, errback=self.failed, dont_filter=True, meta={"maymine_depth": depth})

    def parse(self, response: Response, **kwargs: Any) -> Iterator[Any]:
        page = self.permission.collected(response.request, response) if response.request else None
        if page is None:
            return
        requests = self.found(page, response)
        yield from requests
        found = tuple(r.url for r in requests if r.callback == self.parse)
        yield replace(page, found=found) if found else page

    def failed(self, failure: Failure) -> Iterator[Any]:
        request: Request = failure.request               # type: ignore[attr-defined]
        page = self.permission.failed(request, failure.value) if failure.value else None
        if page is None:
            return
        yield from self.found_without(page)
        yield page

    def found_without(self, page: CollectedPage) -> list[Request]:
        """What to ask for next though the page did not come."""
        return []

    def closed(self, reason: str) -> None:
        if hasattr(self, "frontier"):
            self.frontier.close()
