"""One crawl in this process: addresses and settings in, assessed pages out as they come. For the command line.

**Facts**
- Twisted's reactor runs once in the life of a process (https://docs.twisted.org/en/stable/core/howto/reactor-basics.html), so
  a process crawls once.
- What goes wrong while Scrapy builds its components is kept in the Deferred that crawl() returns; nobody sees it otherwise.
- At the first Ctrl-C nothing more leaves, what is on the wire is finished and recorded; at the second the loop ends at once.
"""
from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from scrapy import signals
from scrapy.crawler import CrawlerProcess
from scrapy.settings import Settings
from twisted.internet.error import ReactorNotRunning
from twisted.python.failure import Failure

from rules.policy import Policy

from .addresses import LOOPBACK as LOOPBACK
from .addresses import PRIVATE as PRIVATE
from .interrupts import handled
from .items import AssessedPage
from .middlewares import Permission
from .pipelines import Records
from .spiders.collector import Collector
from .terminal import harmless


class Listed(Collector):
    """Collects the pages that somebody in this process lists."""
    name = "listed"

    def __init__(self, urls: Iterable[str] = (), media: bool = False, **kwargs: Any):
        super().__init__(**kwargs)
        self.urls, self.media = urls, media

    def seeds(self) -> Iterator[str]:
        return iter(self.urls)


class Interrupted(KeyboardInterrupt):
    """Somebody stopped the crawl by signal `number`. The message says how much is left to do."""

    def __init__(self, number: int, spider: Collector | None):
        left, all_known = 0, False
        if spider is not None and hasattr(spider, "frontier"):
            left, all_known = spider.frontier.left(spider.finished), spider.listed_all
        super().__init__(f"stopped; {left} left" + ("" if all_known else ", and what of the list was not read yet"))
        self.number = number


def crawl(spider: type[Collector], arguments: Mapping[str, Any], settings: Mapping[str, Any],
          on_page: Callable[[AssessedPage], None], verbose: bool = False) -> dict[str, Any]:
    """Crawl to the end, and give back Scrapy's stats. Raises what kept the crawl from starting, or ended it; Interrupted."""
    logging.getLogger().addHandler(logging.NullHandler())
    if verbose:
        log_to_stderr(logging.INFO)
    process = CrawlerProcess(_settings(settings))
    crawler = process.create_crawler(spider)
    failures: list[Failure] = []
    interrupts: list[int] = []

    def scraped(item: Any) -> None:
        try:
            if isinstance(item, AssessedPage) and not failures:
                on_page(item)
        except Exception:  # noqa: BLE001, Scrapy would log it and crawl on
            failures.append(Failure())  # type: ignore[no-untyped-call]  # Twisted is untyped here
            process.stop()

    def opened() -> None:
        """What is logged before is about a crawl that does not begin, and that is raised."""
        if not verbose:
            log_to_stderr(logging.ERROR)

    def stop_softly() -> None:
        if crawler.engine and (permission := crawler.get_downloader_middleware(Permission)):
            permission.stop()
        process.stop()

    def interrupted(number: int, frame: Any) -> None:
        from twisted.internet import reactor
        interrupts.append(number)
        at_once = len(interrupts) > 1
        reactor.callFromThread(end_loop if at_once else stop_softly)

    crawler.signals.connect(opened, signals.spider_opened)
    crawler.signals.connect(scraped, signals.item_scraped)
    process.crawl(crawler, **arguments).addErrback(failures.append)
    with handled(interrupted):
        process.start(install_signal_handlers=False)
    if records := crawler.get_item_pipeline(Records) if crawler.engine else None:
        records.spider_closed("shutdown")            # a second time, unless the loop was ended
    if failures:
        failures[0].raiseException()
    begun = crawler.spider if isinstance(crawler.spider, Collector) else None
    if begun is not None and begun.broken is not None:
        raise begun.broken
    if interrupts:
        raise Interrupted(interrupts[0], begun)
    return dict(crawler.stats.get_stats()) if crawler.stats else {}


def end_loop() -> None:
    from twisted.internet import reactor
    loop: Any = reactor
    with suppress(ReactorNotRunning):                # it is ending
        loop.stop()


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
