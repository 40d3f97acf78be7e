"""Goes through a site for its owner: the home page, a sample of pages and images, and the other doors of the same house.

**Facts**
- An audit is a crawl like any other: nothing is fetched without leave of robots.txt, no private address unless named.
- OURS: pages come from the sitemap and from links, sections of the site in turn; images from the pages that were seen.
- OURS: asked for as GPTBot would be answered, our User-Agent stays our own and only mentions the name. Rules of firewalls
  look for the name anywhere in it (PRACTICE: ai.robots.txt's nginx and Apache files do), so nobody is impersonated.
"""
from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import urlsplit

from scrapy.http import Request, Response
from twisted.python.failure import Failure

from rules import Carrier, Evidence

from .. import media
from ..evidence import now
from ..items import AssessedPage, CollectedPage
from ..settings import user_agent
from ..site import FILES, at_root
from ..spiders.collector import is_yes
from ..spiders.site import Site as SiteSpider
from .site import Seen, Site, doors, origin, seen_of, spread

PICTURES = (".jpg", ".jpeg", ".png", ".gif", ".webp", ".avif", ".heic", ".jxl", ".tif", ".tiff")
NO_PAGES = (".xml", ".gz", ".zip", ".css", ".js", ".txt", ".json")
MOST_OTHERS = 4                      # OURS: ports of the same host that are looked at
MENTIONED = ("GPTBot", "ClaudeBot", "CCBot", "Google-Extended")      # crawlers that firewalls are told to turn away


class Collected:
    """What came, page by page. `asked`: the address of the home page."""

    def __init__(self, asked: str):
        self.asked, self.doors = asked, frozenset(doors(asked))
        self.origins: dict[str, tuple[Evidence, ...]] = {}
        self.answers: dict[str, int] = {}
        self._seen: dict[str, Seen] = {}
        self._whole: tuple[Evidence, ...] = ()

    def take(self, page: AssessedPage) -> None:
        if page.page.requested == self.asked:
            self._whole = page.page.evidence
        seen = self._seen[page.page.requested] = seen_of(page)
        if robots := seen.of(Carrier.ROBOTS_TXT):
            self.origins.setdefault(origin(robots.uri), tuple(e for e in seen.evidence if e.carrier in FILES))

    def site(self, asked: int = 0) -> Site | None:
        """The site out of all that; None where not even the home page was tried."""
        seen = dict(self._seen)
        home = seen.pop(self.asked, None)
        if home is None:
            return None
        at_doors = {door: seen.pop(door) for door in sorted(self.doors & set(seen))}
        others = [seen[url] for url in sorted(seen)]           # as they came is no order
        return Site(self.asked, now(), home, self._whole,
                    pages=tuple(s for s in (home, *others) if s.came and not s.is_picture),
                    pictures=tuple(s for s in others if s.came and s.is_picture),
                    unseen=tuple(s for s in (home, *others) if not s.came),
                    doors=at_doors, origins=self.origins, answers=self.answers, asked=asked)


class Visitor(SiteSpider):
    """Collects for one audit. `pages` and `images` are how many of each are asked for at most."""
    name = "audit"

    def __init__(self, url: str, pages: int, images: int, collected: Collected, as_agents: bool | str = False, **kwargs: Any):
        super().__init__(url=[url], pages=0, depth=10, media=True, **kwargs)
        self.home, self.most_pages, self.most_images = url, pages, images
        self.collected, self.as_agents = collected, is_yes(as_agents)
        self.pages_asked, self.images_asked = 1, 0
        self.hosts |= {urlsplit(door).netloc for door in collected.doors}
        self.names = {urlsplit(url).hostname}
        self.others: set[str] = set()

    def seeds(self) -> Iterator[str]:
        yield self.home
        yield from sorted(self.collected.doors)

    def found(self, page: CollectedPage, response: Response) -> list[Request]:
        self._remember(page)
        if page.requested in self.collected.doors or origin(page.asset.url) in self.others:
            return []
        self.names.add(urlsplit(page.asset.url).hostname)
        return super().found(page, response) + (self._mentioning(page) if page.depth == 0 else [])

    def found_without(self, page: CollectedPage) -> list[Request]:
        self._remember(page)
        return [] if page.requested in self.collected.doors else super().found_without(page)

    def _keep(self, urls: Iterable[str], depth: int, finder: str) -> list[Request]:
        """Pages alone, in turns, up to as many as were wanted; of every other port of the same host one."""
        ours = []
        for url in urls:
            parts = urlsplit(url)
            if parts.path.lower().endswith((*media.FILES, *NO_PAGES)):
                continue
            if parts.netloc.lower() in self.hosts:
                ours.append(url)
            elif parts.hostname in self.names and origin(url) not in self.others and len(self.others) < MOST_OTHERS:
                self.others.add(origin(url))
                ours.insert(0, url)
        new: list[Request] = []
        for url in spread(ours):
            if self.pages_asked >= self.most_pages:
                break
            for kept in self.frontier.add([url], depth, finder):
                self.pages_asked += 1
                new.append(self.page_request(kept, depth))
        return new

    def _media(self, page: CollectedPage) -> Iterator[Request]:
        if page.requested in self.collected.doors or origin(page.asset.url) in self.others:
            return
        for medium in media.media(page):
            if self.images_asked >= self.most_images:
                return
            if not (medium.embedded or urlsplit(medium.url).path.lower().endswith(PICTURES)):
                continue
            url = self.frontier.add_medium(medium.url, page.depth + 1, medium.embedder, medium.variant_of, medium.embedded)
            if url:
                self.images_asked += 1
                request = self.page_request(url, page.depth + 1)
                request.meta[media.KEY] = medium
                yield request

    def _remember(self, page: CollectedPage) -> None:
        for url in (page.requested, page.asset.url):
            if files := self.permission.site_of(url):
                self.collected.origins[origin(url)] = files

    def _mentioning(self, page: CollectedPage) -> list[Request]:
        """robots.txt, as a firewall answers it that looks for names of crawlers."""
        if not self.as_agents:
            return []
        where, ours = at_root(page.asset.url, "/robots.txt"), user_agent(self.permission.asker.token, "")
        return [Request(where, self._answered, errback=self._unanswered, dont_filter=True, cb_kwargs={"token": token},
                        headers={"User-Agent": f"{ours} (how is {token} answered here?)"}) for token in MENTIONED]

    def _answered(self, response: Response, token: str) -> None:
        self.collected.answers[token] = response.status

    def _unanswered(self, failure: Failure) -> None:
        request: Request = failure.request               # type: ignore[attr-defined]  # Scrapy puts it there
        self.collected.answers[request.cb_kwargs["token"]] = 0
