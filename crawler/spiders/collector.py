"""What both spiders do: one item a URL, whatever happens to it, and a resume that neither forgets nor repeats.

**Facts**
- The run folder is the truth: to do is what the frontier holds and the run has no record of.
- OURS: where a spider is told to (`media`), it also asks for the images and documents of its pages, on whichever host they lie;
  each host's robots.txt is asked, and no links are followed out of them.
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
from scrapy.exceptions import CloseSpider
from scrapy.http import Request, Response
from twisted.python.failure import Failure

from .. import media
from ..frontier import Frontier, key_of
from ..items import CollectedPage
from ..middlewares import Permission
from ..pipelines import Records

PORTION = 1_000                      # start requests handed over at a time


class Collector(Spider):
    """Base of our spiders: yields CollectedPage for every URL it asks for."""
    collects_pages = True            # foreign.Record need not
    custom_settings = {"HTTPERROR_ALLOW_ALL": True}      # a 404 is evidence, too
    frontier: Frontier
    media = False                    # whether images and documents of pages are asked for
    most = 0                         # URLs in all; 0: any number
    finished: Set[str]
    broken: Exception | None = None  # why the list was not read to its end
    listed_all = False               # whether the frontier has every seed
    permission: Permission

    def seeds(self) -> Iterator[str]:
        """Where to begin, as written."""
        raise NotImplementedError

    def found(self, page: CollectedPage, response: Response) -> list[Request]:
        """What to ask for next. Is written to the frontier before it is given back."""
        return []

    async def start(self) -> AsyncIterator[Any]:
        try:
            async for request in self._portions():
                yield request
        except CloseSpider:
            raise
        except Exception as error:  # whatever it is, who started the crawl tells it
            self.broken = error
            self.logger.warning("The crawl cannot go on: %s", error)
            raise CloseSpider("start_error") from error

    async def _portions(self) -> AsyncIterator[Request]:
        self._open()
        if self.permission.stopping:                 # before there was anything to stop
            raise CloseSpider("shutdown")
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
            except ValueError as error:
                self.crawler.stats.inc_value("maymine/not_a_url")
                self.logger.warning("'%s' is no URL: %s", url[:200], error)
                continue
            yield from (self.page_request(new, 0) for new in self.frontier.add([url], 0))
        self.listed_all = True

    def resumed(self) -> Iterator[Request]:
        """What else a killed crawl left."""
        return iter(())

    def page_request(self, url: str, depth: int) -> Request:
        meta: dict[str, Any] = {"maymine_depth": depth}
        if found := self.frontier.media.get(url):
            finder, original, embedded = found
            meta[media.KEY] = media.Medium(url, finder, original, embedded, media.unseen(finder) if embedded else ())
        return Request(url, self.parse, errback=self.failed, dont_filter=True, meta=meta)

    def _media(self, page: CollectedPage) -> Iterator[Request]:
        """Images and documents of a page; nothing is looked for in these."""
        for medium in media.media(page):
            if url := self.frontier.add_medium(medium.url, page.depth + 1, medium.embedder, medium.variant_of, medium.embedded,
                                               self.most):
                request = self.page_request(url, page.depth + 1)
                request.meta[media.KEY] = medium
                yield request

    def parse(self, response: Response, **kwargs: Any) -> Iterator[Any]:
        page = self.permission.collected(response.request, response) if response.request else None
        if page is None:
            return
        medium = response.request.meta.get(media.KEY) if response.request else None
        if medium:
            yield medium.of(page)
            return
        requests = self.found(page, response)
        if self.media:
            requests += self._media(page)
        yield from requests
        found = tuple(r.url for r in requests if r.callback == self.parse)
        yield replace(page, found=found) if found else page

    def failed(self, failure: Failure) -> Iterator[Any]:
        request: Request = failure.request               # type: ignore[attr-defined]  # Scrapy puts it there
        page = self.permission.failed(request, failure.value) if failure.value else None
        if page is None:
            return
        if medium := request.meta.get(media.KEY):
            yield medium.of(page)
            return
        yield from self.found_without(page)
        yield page

    def found_without(self, page: CollectedPage) -> list[Request]:
        """What to ask for next though the page did not come."""
        return []

    def closed(self, reason: str) -> None:
        if hasattr(self, "frontier"):
            self.frontier.close()


def is_yes(value: bool | str) -> bool:
    """An argument of a spider, which on Scrapy's command line is text. Raises ValueError."""
    words = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False, "": False}
    if isinstance(value, bool):
        return value
    if value.lower() not in words:
        raise ValueError(f"'{value}' is neither yes nor no")
    return words[value.lower()]
