"""What asking for leave, assessing and recording cost: CPU a page, against plain Scrapy, as it comes and with our settings."""
from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import scrapy

ROOT = Path(__file__).parent.parent.parent
PAGES = 1_000
ROUNDS = 3
PLAIN, SAME = "plain Scrapy", "plain, our settings"
WARM_PAGES = 100                     # not measured


class Plain(scrapy.Spider):
    """What anybody would write."""
    name = "plain"

    async def start(self) -> AsyncIterator[Any]:
        for i in range(PAGES):
            yield scrapy.Request(f"{self.server}/{i}")  # type: ignore[attr-defined]  # spiders get it when they are made

    def parse(self, response: Any) -> Iterator[Any]:
        yield {"url": response.url, "bytes": len(response.body)}


class Clock:
    """CPU seconds from the first measured response to the end of the crawl."""

    def __init__(self, crawler: Any) -> None:
        self.seen, self.begun = 0, 0.0
        crawler.signals.connect(self.response, scrapy.signals.response_received)
        crawler.signals.connect(self.closed, scrapy.signals.spider_closed)

    @classmethod
    def from_crawler(cls, crawler: Any) -> Clock:
        return cls(crawler)

    def response(self) -> None:
        self.seen += 1
        if self.seen == WARM_PAGES:
            self.begun = time.process_time()

    def closed(self) -> None:
        print(json.dumps((time.process_time() - self.begun) / (PAGES - WARM_PAGES)))


def cost_us(spider: str, server: str, settings: dict[str, Any], urls: Path) -> float:
    job = json.dumps([spider, server, settings, str(urls)])
    done = subprocess.run([sys.executable, "-m", "tests.bench.test_crawl_bench", job], cwd=ROOT, capture_output=True, text=True,
                          timeout=120, check=False)
    assert done.stdout, done.stderr
    return float(json.loads(done.stdout)) * 1e6


@pytest.mark.bench
def test_a_crawl_costs_little_more_than_plain_scrapy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with subprocess.Popen([sys.executable, "-m", "tests.webserver"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          text=True) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        url = f"http://127.0.0.1:{int(server.stdout.readline())}"
        urls = tmp_path / "urls.txt"
        urls.write_text("".join(f"{url}/{i}\n" for i in range(PAGES)))
        variants: dict[str, tuple[str, dict[str, Any]]] = {
            PLAIN: ("plain", {"ADDONS": {}, "CONCURRENT_ITEMS": 100}),
            SAME: ("plain", {"ADDONS": {}}),
            "assessed": ("pages", {}),
            "recorded": ("pages", {"MAYMINE_RUN": "run", "MAYMINE_EVIDENCE": "none"}),
            "recorded with evidence": ("pages", {"MAYMINE_RUN": "run", "MAYMINE_EVIDENCE": "all"}),
        }
        costs: dict[str, list[float]] = {name: [] for name in variants}
        for n in range(ROUNDS):
            for name, (spider, settings) in variants.items():
                own = settings | ({"MAYMINE_RUN": str(tmp_path / f"{name}{n}")} if "MAYMINE_RUN" in settings else {})
                costs[name].append(cost_us(spider, url, own, urls))
        server.stdin.close()
    def ratio(name: str, base: str) -> float:
        return statistics.median(c / p for c, p in zip(costs[name], costs[base], strict=True))
    with capsys.disabled():
        print(f"\n{'':24} us CPU a page   to plain   to plain with our settings")
        for name in variants:
            print(f"{name:24} {statistics.median(costs[name]):13.0f} {ratio(name, PLAIN):10.2f} {ratio(name, SAME):10.2f}")
    assert ratio("assessed", PLAIN) <= 1.5
    assert ratio("assessed", SAME) <= 2.5


def main() -> None:
    from scrapy.crawler import AsyncCrawlerProcess
    from scrapy.settings import Settings
    spider, server, given, urls = json.loads(sys.argv[1])
    settings = Settings()
    settings.setmodule("crawler.settings", "project")
    settings.update({"AUTOTHROTTLE_ENABLED": False, "CONCURRENT_REQUESTS_PER_DOMAIN": 16, "LOG_LEVEL": "ERROR",
                     "MAYMINE_ALLOW_PRIVATE": ["127.0.0.0/8"], "EXTENSIONS": {Clock: 0}, **given}, "cmdline")
    process = AsyncCrawlerProcess(settings)
    if spider == "plain":
        process.crawl(Plain, server=server)
    else:
        process.crawl(spider, urls=urls)
    process.start()


if __name__ == "__main__":
    main()
