"""Collects a site: its sitemaps and the links of its pages, within bounds.

**Facts**
- Sitemaps are named in robots.txt; else /sitemap.xml is tried. A sitemap index leads to further ones; a file may be
  compressed with gzip and holds at most 50,000 URLs and 50 MB (sitemaps.org, protocol: https://www.sitemaps.org/protocol.html).
- Links are those of `a` and `area` (HTML, 4.6.1: https://html.spec.whatwg.org/multipage/links.html), against the first `base`.
- OURS: only hosts of the seeds, and those that the seeds redirect to, are entered.
"""
from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any
from urllib.parse import urljoin, urlsplit

from lxml import etree
from scrapy.http import Request, Response
from selectolax.lexbor import LexborHTMLParser
from twisted.python.failure import Failure

from rules import Access, Carrier, limits

from ..evidence import Stopped, decoded
from ..items import CollectedPage
from ..site import at_root
from .collector import Collector, is_yes

HTML = ("text/html", "application/xhtml+xml")


class Site(Collector):
    """scrapy crawl site -a url=https://example.org -a pages=1000 -a depth=5 -a media=yes"""
    name = "site"

    def __init__(self, url: str | Sequence[str] = "", pages: int | str = 1_000, depth: int | str = 10,
                 media: bool | str = False, **kwargs: Any):
        super().__init__(**kwargs)
        if not url:
            raise ValueError("which site? -a url=https://example.org")
        self.roots = url.split() if isinstance(url, str) else list(url)
        self.most, self.most_depth, self.media = int(pages), int(depth), is_yes(media)
        self.hosts = {urlsplit(root).netloc.lower() for root in self.roots}

    def seeds(self) -> Iterator[str]:
        return iter(self.roots)

    def resumed(self) -> Iterator[Request]:
        return map(self._sitemap_request, self.frontier.unread_sitemaps())

    def found(self, page: CollectedPage, response: Response) -> list[Request]:
        if page.depth == 0:
            self.hosts.add(urlsplit(page.asset.url).netloc.lower())
        requests = self.found_without(page)
        if page.depth < self.most_depth and page.asset.media_type in HTML and 200 <= response.status < 300:
            requests += self._keep(links(page.evidence[-1].body, page.asset.url), page.depth + 1, page.asset.url)
        return requests

    def found_without(self, page: CollectedPage) -> list[Request]:
        """Sitemaps of the site, from its robots.txt."""
        return self._sitemaps(sitemaps_named(page)) if page.depth == 0 else []

    def _keep(self, urls: Iterable[str], depth: int, finder: str) -> list[Request]:
        ours = (url for url in urls if urlsplit(url).netloc.lower() in self.hosts)
        return [self.page_request(url, depth) for url in self.frontier.add(ours, depth, finder, self.most)]

    def _sitemaps(self, urls: Iterable[str]) -> list[Request]:
        return [self._sitemap_request(url) for url in self.frontier.add_sitemaps(
            url for url in urls if urlsplit(url).netloc.lower() in self.hosts)]

    def _sitemap_request(self, url: str) -> Request:
        return Request(url, self.parse_sitemap, errback=self.sitemap_failed, dont_filter=True, cb_kwargs={"sitemap": url})

    def parse_sitemap(self, response: Response, sitemap: str) -> Iterator[Request]:
        indexes, pages = locations(response.body, response.url) if response.status == 200 else ([], [])
        yield from self._sitemaps(indexes)
        yield from self._keep(pages, 1, sitemap)
        self.frontier.sitemap_read(sitemap)

    def sitemap_failed(self, failure: Failure) -> None:
        request: Request = failure.request               # type: ignore[attr-defined]  # Scrapy puts it there
        if isinstance(failure.value, Stopped):       # it is read when the crawl goes on
            return
        self.logger.info("%s: %s", request.url, failure.value)
        self.frontier.sitemap_read(request.cb_kwargs["sitemap"])


def sitemaps_named(page: CollectedPage) -> list[str]:
    """Sitemap lines of the robots.txt that came with a page; /sitemap.xml where it has none."""
    robots = next((e for e in page.evidence if e.carrier is Carrier.ROBOTS_TXT), None)
    if robots is None or robots.access is Access.UNREACHABLE:
        return []
    lines = (line.partition(b":") for line in robots.body.splitlines() if line.lstrip()[:7].lower() == b"sitemap")
    named = [value.strip().decode("utf-8", "replace") for name, _, value in lines if name.strip().lower() == b"sitemap"]
    return list(_absolute(named[:limits.SITEMAPS], robots.uri)) or [at_root(robots.uri, "/sitemap.xml")]


def locations(body: bytes, base: str) -> tuple[list[str], list[str]]:
    """Further sitemaps, and pages, that a sitemap names. What cannot be read names none; what came before it counts."""
    if body[:2] == b"\x1f\x8b":
        try:
            body = decoded(body, limits.SITEMAP_BYTES)[0]
        except zlib.error:
            return [], []
    found: dict[str, list[str]] = {"sitemap": [], "url": []}
    parser = etree.XMLPullParser(("end",), tag=("{*}sitemap", "{*}url"), resolve_entities=False, no_network=True, recover=True)
    try:
        parser.feed(body[:limits.SITEMAP_BYTES])
        for _, element in parser.read_events():
            if not isinstance(element, etree._Element):
                continue
            names = found[etree.QName(element).localname]
            place = element.findtext("{*}loc")
            if place and len(names) < limits.SITEMAP_URLS:
                names.append(place.strip())
            element.clear()
    except etree.XMLSyntaxError:
        pass
    return list(_absolute(found["sitemap"], base)), list(_absolute(found["url"], base))


def links(body: bytes, base: str) -> list[str]:
    """The first limits.LINKS different http links of a page, absolute, without fragments."""
    tree = LexborHTMLParser(body[:limits.HTML_BYTES])
    first = tree.css_first("base[href]")
    if first is not None:
        base = next(_absolute([first.attributes.get("href") or ""], base), base)
    hrefs = (node.attributes.get("href") or "" for node in tree.css("a[href],area[href]"))
    out: dict[str, None] = {}
    for url in _absolute(hrefs, base):
        out[url.partition("#")[0]] = None
        if len(out) >= limits.LINKS:
            break
    return list(out)


def _absolute(urls: Iterable[str], base: str) -> Iterator[str]:
    for url in urls:
        try:
            absolute = urljoin(base, url.strip())
            parts = urlsplit(absolute)
        except ValueError:
            continue
        if parts.scheme in ("http", "https") and parts.netloc and len(absolute) <= limits.URL_CHARS:
            yield absolute
