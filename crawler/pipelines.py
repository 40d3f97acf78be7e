"""A collected page becomes an assessed one and goes into the run; items of others pass untouched.

**Facts**
- Findings do not depend on the policy: a page is read once and decided once a policy (rules/assess.py).
- OURS: a page whose words refer to licences or policies waits for these; others do not wait.
"""
from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scrapy import signals
from scrapy.exceptions import DropItem

from rules import Asker, Policy, find, judge, load_policy
from rules.model import Reference
from rules.policies import load
from rules.references import references

from .items import AssessedPage, CollectedPage
from .middlewares import Permission
from .run import Run
from .settings import asker_of

if TYPE_CHECKING:
    from collections.abc import Sequence, Set

    from scrapy.crawler import Crawler
    from scrapy.settings import BaseSettings

    from .registers.kept import Kept


def assessed(page: CollectedPage, policies: Sequence[Policy], asker: Asker) -> AssessedPage:
    """The page under each policy."""
    findings = find(page.evidence, page.asset, asker)
    return AssessedPage(page, tuple(judge(page.asset, asker, page.evidence, findings, policy) for policy in policies))


def policy_of(entry: str) -> Policy:
    """A policy by its name, or from a file. Raises KeyError, OSError, PolicyError."""
    if entry.endswith((".yaml", ".yml")):
        return load_policy(Path(entry).read_text("utf-8"), entry)
    return load(entry)


def registers_of(settings: BaseSettings) -> Kept | None:
    """The registers that the operator named; None: none. Raises RegisterError, OSError."""
    named = settings.getlist("MAYMINE_REGISTERS")
    if not named:
        return None
    from .registers.kept import Kept
    from .registers.lookup import Registers, Source
    return Kept(Registers.open(map(Source.told, named), settings.get("MAYMINE_BAD_ROWS") == "name"))


class Records:
    """Item pipeline: assesses and records."""

    def __init__(self, crawler: Crawler):
        self.crawler = crawler
        self.asker = asker_of(crawler.settings)
        self.policies = tuple(map(policy_of, crawler.settings.getlist("MAYMINE_POLICIES")))
        self._registers = registers_of(crawler.settings)
        self._run: Run | None = None
        crawler.signals.connect(self.spider_closed, signals.spider_closed)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Records:
        return cls(crawler)

    def open_spider(self) -> None:
        if path := self.crawler.settings.get("MAYMINE_RUN"):
            registers = self._registers.registers.facts() if self._registers else ()
            self._run = Run.open(path, self.policies, self.asker, self.crawler.settings.get("MAYMINE_EVIDENCE"), registers)

    def finished(self) -> Set[str]:
        """`requested` of every page that the run has a record of; grows with the run."""
        return self._run.finished() if self._run is not None else frozenset()

    def spider_closed(self, reason: str) -> None:
        """End the run, if nobody has. Only "finished" did all that it was meant to."""
        if self._run is not None:
            self._run.close(complete=reason == "finished")

    def process_item(self, item: Any) -> Any:
        """The page, assessed; an awaitable of it where documents have to come first."""
        if not isinstance(item, CollectedPage):
            return item
        return self._followed(item) if self._named(item) else self.record(item)

    def _named(self, page: CollectedPage) -> tuple[Reference, ...]:
        """Documents that the words of the page and of its site refer to."""
        return references(page.evidence, page.asset, self.asker)

    async def whole(self, page: CollectedPage) -> CollectedPage:
        """The page with the documents that its words refer to."""
        permission = self.crawler.get_downloader_middleware(Permission)
        named = self._named(page)
        if permission is None or not named:
            return page
        return replace(page, evidence=(*page.evidence, *await permission.documents.of(named)))

    async def _followed(self, page: CollectedPage) -> AssessedPage:
        whole, permission = await self.whole(page), self.crawler.get_downloader_middleware(Permission)
        if permission is not None and permission.stopping:       # its documents may be missing for that reason alone
            raise DropItem(f"{page.requested}: the crawl was stopped", log_level="INFO")
        return self.record(whole)

    def record(self, page: CollectedPage) -> AssessedPage:
        """Assess one page and write it down. When this returns, a killed run keeps it."""
        if self._registers is not None:
            page = replace(page, evidence=(*page.evidence, self._registers.about(page.asset, page.evidence)[0]))
        done = assessed(page, self.policies, self.asker)
        if self._run is not None:
            self._run.write(done)
        self.crawler.stats.inc_value("maymine/pages")
        for a in done.assessments:
            for use, decision in a.decisions.items():
                self.crawler.stats.inc_value(f"maymine/{a.policy}/{use.value}/{decision.verdict.value}")
        return done
