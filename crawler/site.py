"""What a site says for all its pages: robots.txt, then tdmrep.json and the like, asked for once and shared by all who wait.

**Facts** (RFC 9309: https://www.rfc-editor.org/rfc/rfc9309; TDMRep: https://www.w3.org/community/reports/tdmrep/CG-FINAL-tdmrep-20240510/)
- One robots.txt a scheme and authority, port included (RFC 9309, 2.3); where redirects lead, the rules stay those of the
  first authority (2.3.1.2).
- Not used for longer than 24 hours (2.4). OURS: counted from when it came; what did not answer is asked again sooner.
- At least 500 KiB are read (2.5).
- tdmrep.json lies at /.well-known/tdmrep.json of the origin (TDMRep, 6.1). OURS: it is a page like others to robots.txt, so
  it is asked for only if that lets us. The same holds for the other places of rules/references.py; they are asked together.
"""
from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from urllib.parse import SplitResult, urlsplit

from rules import Access, Asset, Carrier, Evidence, limits
from rules.references import SITE_FILES
from rules.signals import READERS

from .fetch import Get, Origin, fetch, origin_of
from .once import Clock, Once, together

Permits = Callable[[Asset, Evidence], bool]          # may this be fetched, given this robots.txt?

# Bytes kept of each file that speaks for a site and that anybody here can read.
FILES = {c: limits.ROBOTS_BYTES if c is Carrier.ROBOTS_TXT else limits.TDMREP_BYTES for c in SITE_FILES if READERS[c]}


def at_root(url: str, path: str) -> str:
    """The same scheme and authority, without a user's name, with another path."""
    parts = urlsplit(url)
    return SplitResult(parts.scheme, parts.netloc.rpartition("@")[2], path, "", "").geturl()


class Sites:
    """Evidence by site, for a day, of the latest limits.SITES_CACHED of them.

    `get` and `permits` are the world: tests and other engines bring their own. `clock` counts seconds.
    """

    def __init__(self, get: Get, permits: Permits, clock: Clock = monotonic):
        self._get, self._permits = get, permits
        self._files: dict[Carrier, Once[Origin, Evidence]] = {c: Once(limits.SITES_CACHED, clock) for c in FILES}

    def known(self, url: str) -> tuple[Evidence, ...]:
        """What is at hand and fresh; () if anything is missing. Raises ValueError as origin_of."""
        origin = origin_of(url)
        found = tuple(e for once in self._files.values() if (e := once.known(origin)) is not None)
        return found if len(found) == len(self._files) else ()

    async def of(self, url: str) -> tuple[Evidence, ...]:
        """Evidence of the site of this URL, robots.txt first. Nothing is raised for a site that does not answer."""
        if evidence := self.known(url):
            return evidence
        robots = await self.robots(url)
        others = await together(self._file(carrier, url, robots) for carrier in FILES if carrier is not Carrier.ROBOTS_TXT)
        return robots, *others

    async def robots(self, url: str) -> Evidence:
        """robots.txt of the site of this URL, and nothing else of it."""
        return await self._file(Carrier.ROBOTS_TXT, url, None)

    async def _file(self, carrier: Carrier, url: str, robots: Evidence | None) -> Evidence:
        return await self._files[carrier].of(origin_of(url), lambda: self._ask(carrier, url, robots))

    async def _ask(self, carrier: Carrier, url: str, robots: Evidence | None) -> tuple[Evidence, float]:
        """From the first of its places that has one; else the worst answer, as what could not be seen could be there."""
        answers: list[Evidence] = []
        for uri in (at_root(url, path) for path in SITE_FILES[carrier]):
            if robots is not None and not self._permits(Asset(uri), robots):
                answers.append(Evidence(carrier, uri, None, Access.NOT_COLLECTED, detail="robots.txt gives no leave to ask"))
                continue
            answers.append((await fetch(self._get, carrier, uri, FILES[carrier]))[0])
            if answers[-1].has_bytes:
                break
        else:
            answers.append(next((e for e in answers if e.access is not Access.UNAVAILABLE), answers[-1]))
        return answers[-1], _good_s(answers[-1])


def _good_s(evidence: Evidence) -> float:
    """For how many seconds it is used. What robots.txt kept us from hangs on that, which may be another by then."""
    return limits.SITE_RETRY_S if evidence.access in (Access.UNREACHABLE, Access.NOT_COLLECTED) else limits.SITE_CACHE_S
