"""What sites say now, as copies: for judging yesterday's crawl by today's words, or one that kept no files of sites.

**Facts**
- Sites are asked as in a crawl, by the same parts of it: robots.txt first, and the others if it gives leave. What was not asked
  for makes no copy.
- A redirect makes two copies, as in an archive: one that leads on, and one at the place where it led to.
"""
from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from rules import Access, Evidence

from .archive.copies import PLACES, Copy, origin, place
from .once import together
from .session import crawl
from .spiders.collector import Collector

FOUND = 302                          # stands for whatever redirects there were
CARRIERS = set(PLACES.values())
AT_A_TIME = 64                       # sites that are asked together


class SiteFiles(Collector):
    """Asks sites for their files, and for no page."""
    name = "site-files"

    def __init__(self, roots: Iterable[str] = (), tell: Callable[[Evidence], None] = lambda e: None, **kwargs: Any):
        super().__init__(**kwargs)
        self._roots, self._tell = iter(roots), tell

    def seeds(self) -> Iterator[str]:
        return iter(())

    async def _portions(self) -> AsyncIterator[Any]:
        async for nothing in super()._portions():
            yield nothing
        while not self.permission.stopping and (some := list(islice(self._roots, AT_A_TIME))):
            for evidence in await together(self.permission.sites.of(root) for root in some):
                for e in evidence:
                    self._tell(e)


def ask(urls: Iterable[str], settings: Mapping[str, Any], found: Callable[[Copy], None], verbose: bool = False) -> int:
    """Ask the site of each URL once, and give over its copies; how many sites there were. Raises as session.crawl."""
    roots = dict.fromkeys(filter(None, map(origin, urls)))

    def tell(e: Evidence) -> None:
        for copy in copies(e):
            found(copy)
    if roots:
        crawl(SiteFiles, {"roots": [f"{root}/" for root in roots], "tell": tell}, settings, lambda page: None, verbose)
    return len(roots)


def copies(e: Evidence) -> Iterator[Copy]:
    """A file of a site that was asked for, as an archive would have it."""
    uri = place(e.uri) if e.carrier in CARRIERS else ""
    if not uri or e.at is None or e.access is Access.NOT_COLLECTED:
        return
    if e.final_uri and e.final_uri != e.uri:
        yield Copy(uri, e.at, Access.UNREACHABLE, FOUND, leads_to=e.final_uri)
        uri = place(e.final_uri) or e.final_uri
    yield Copy(uri, e.at, e.access, e.status, e.body, detail=e.detail)
