"""Runs a crawl in a process of its own, as Scrapy wants it, and gives back what came out of its pipelines."""
from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
LOOPBACK = ["127.0.0.0/8"]
QUICK = {
    "MAYMINE_ALLOW_PRIVATE": LOOPBACK, "MAYMINE_CONTACT": "https://example.org/bot", "AUTOTHROTTLE_ENABLED": False,
    "CONCURRENT_REQUESTS_PER_DOMAIN": 16, "DOWNLOAD_TIMEOUT": 5, "RETRY_ENABLED": False, "LOG_LEVEL": "INFO",
}


class Dump:
    """Item pipeline: every item as a line of JSON."""

    def __init__(self, crawler: Any) -> None:
        self.path = crawler.settings["TEST_ITEMS"]

    @classmethod
    def from_crawler(cls, crawler: Any) -> Dump:
        return cls(crawler)

    def open_spider(self) -> None:
        self.file = open(self.path, "a", encoding="utf-8")  # noqa: SIM115  # open as long as the pipeline

    def close_spider(self) -> None:
        self.file.close()

    def process_item(self, item: Any) -> Any:
        self.file.write(json.dumps(plain(item)) + "\n")
        return item


def plain(item: Any) -> dict[str, Any]:
    from crawler.items import AssessedPage
    if not isinstance(item, AssessedPage):
        return dict(item)
    page = item.page
    return {
        "requested": page.requested, "url": page.asset.url, "media_type": page.asset.media_type, "depth": page.depth,
        "found": list(page.found),
        "evidence": {e.carrier.value: {"access": e.access.value, "uri": e.uri, "status": e.status, "detail": e.detail,
                                       "final_uri": e.final_uri, "size": len(e.body), "head": e.body[:400].decode("latin-1")}
                     for e in page.evidence},
        "verdicts": {a.policy.partition("@")[0]: {use.value: d.verdict.value for use, d in a.decisions.items()}
                     for a in item.assessments},
    }


def command(items: Path, spider: str, settings: dict[str, Any] | None = None, **arguments: Any) -> list[str]:
    job = {"spider": spider, "arguments": arguments, "settings": {
        **QUICK, "TEST_ITEMS": str(items), "ITEM_PIPELINES": {"tests.crawling.Dump": 900}, **(settings or {})}}
    return [sys.executable, "-W", "error::DeprecationWarning", "-m", "tests.crawling", json.dumps(job)]


def crawl(folder: Path, spider: str, settings: dict[str, Any] | None = None, *, given: str | None = None,
          env: dict[str, str] | None = None, **arguments: Any) -> tuple[list[dict[str, Any]], str]:
    """Items and the log. `given` is standard input."""
    items = folder / "items.jsonl"
    done = subprocess.run(command(items, spider, settings, **arguments), cwd=ROOT, input=given or "", capture_output=True,
                          text=True, env={**os.environ, **(env or {})}, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    lines = items.read_text("utf-8").splitlines() if items.exists() else []
    return [json.loads(line) for line in lines], done.stderr


def main() -> None:
    from scrapy.crawler import AsyncCrawlerProcess
    from scrapy.settings import Settings
    job = json.loads(sys.argv[1])
    settings = Settings()
    settings.setmodule("crawler.settings", "project")
    settings.update(job["settings"], "cmdline")
    process = AsyncCrawlerProcess(settings)
    process.crawl(job["spider"], **job["arguments"])
    process.start()


if __name__ == "__main__":
    main()
