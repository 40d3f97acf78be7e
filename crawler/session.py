"""One crawl in this process: addresses and settings in, assessed pages out as they come. For the command line.

**Facts**
- Twisted's reactor runs once in the life of a process (https://docs.twisted.org/en/stable/core/howto/reactor-basics.html), so
  a process crawls once.
- What goes wrong while Scrapy builds its components is kept in the Deferred that crawl() returns; nobody sees it otherwise.
"""
from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from scrapy import signals
from scrapy.crawler import CrawlerProcess
from scrapy.settings import Settings
from twisted.python.failure import Failure

from rules.policy import Policy

from .items import AssessedPage
from .spiders.collector import Collector
from .terminal import harmless

LOOPBACK = ("127.0.0.0/8", "::1/128")
PRIVATE = (*LOOPBACK, "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")


class Listed(Collector):
    """Collects the pages that somebody in this process lists."""
    name = "listed"

    def __init__(self, urls: Iterable[str] = (), media: bool = False, **kwargs: Any):
        super().__init__(**kwargs)
        self.urls, self.media = urls, media

    def seeds(self) -> Iterator[str]:
        return iter(self.urls)


def crawl(spider: type[Collector], arguments: Mapping[str, Any], settings: Mapping[str, Any],
          on_page: Callable[[AssessedPage], None], verbose: bool = False) -> dict[str, Any]:
    """Crawl to the end, and give back Scrapy's stats. Raises what kept the crawl from starting, or ended it."""
    logging.getLogger().addHandler(logging.NullHandler())
    if verbose:
        log_to_stderr(logging.INFO)
    process = CrawlerProcess(_settings(settings))
    crawler = process.create_crawler(spider)
    failures: list[Failure] = []

    def scraped(item: Any) -> None:
        try:
            if isinstance(item, AssessedPage) and not failures:
                on_page(item)
        except Exception:  # noqa: BLE001, Scrapy would log it and crawl on
            failures.append(Failure())  # type: ignore[no-untyped-call]
            process.stop()

    def opened() -> None:
        """What is logged before is about a crawl that does not begin, and that is raised."""
        if not verbose:
            log_to_stderr(logging.ERROR)

    crawler.signals.connect(opened, signals.spider_opened)
    crawler.signals.connect(scraped, signals.item_scraped)
    process.crawl(crawler, **arguments).addErrback(failures.append)
    process.start()
    if failures:
        failures[0].raiseException()
    return dict(crawler.stats.get_stats()) if crawler.stats else {}


def policy_entries(policies: Iterable[Policy]) -> list[str]:
    """How MAYMINE_POLICIES names them: a shipped one by its name, another by its file."""
    from rules import policies as shipped
    return [p.name if p.name in shipped.names() and shipped.load(p.name).digest == p.digest else p.file for p in policies]


def _settings(overrides: Mapping[str, Any]) -> Settings:
    settings = Settings()
    settings.setmodule("crawler.settings", priority="project")
    settings.update({"LOG_INSTALL_ROOT_HANDLER": False, **overrides}, priority="cmdline")
    return settings


class _Harmless(logging.Formatter):
    """What strangers wrote gets into log lines, too."""

    def format(self, record: logging.LogRecord) -> str:
        return "\n".join(map(harmless, super().format(record).splitlines()))


def log_to_stderr(level: int) -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Harmless("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    handler.setLevel(level)
    logging.getLogger().addHandler(handler)
    logging.getLogger().setLevel(logging.INFO)
