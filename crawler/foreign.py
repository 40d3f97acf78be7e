"""Records for spiders of other projects, which do not yield pages of ours."""
from __future__ import annotations

from typing import TYPE_CHECKING

from scrapy.exceptions import NotConfigured
from scrapy.http import Request, Response

from .items import CollectedPage
from .middlewares import Permission
from .pipelines import Records

if TYPE_CHECKING:
    from scrapy.crawler import Crawler


class Record:
    """Downloader middleware for spiders that do not yield CollectedPage themselves: records each page on its way.

    Of a response that Scrapy drops after it came, for its size or for too many redirects, such spiders get no record.
    """

    def __init__(self, crawler: Crawler):
        self.crawler = crawler

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Record:
        if getattr(crawler.spidercls, "collects_pages", False):
            raise NotConfigured
        return cls(crawler)

    async def process_response(self, request: Request, response: Response) -> Response:
        if permission := self.crawler.get_downloader_middleware(Permission):
            await self._write(request, permission.collected(request, response))
        return response

    async def process_exception(self, request: Request, exception: Exception) -> None:
        if permission := self.crawler.get_downloader_middleware(Permission):
            await self._write(request, permission.failed(request, exception))

    async def _write(self, request: Request, page: CollectedPage | None) -> None:
        records = self.crawler.get_item_pipeline(Records)
        if page is None or records is None:
            return
        assessed = records.record(await records.whole(page))
        request.meta["maymine"] = {a.policy: {use.value: d.verdict.value for use, d in a.decisions.items()}
                                   for a in assessed.assessments}
