"""What a site says for all its pages: robots.txt, then tdmrep.json and the like, asked for once and shared by all who wait.

**Facts** (RFC 9309: https://www.rfc-editor.org/rfc/rfc9309; TDMRep: https://www.w3.org/community/reports/tdmrep/CG-FINAL-tdmrep-20240510/)
- One robots.txt a scheme and authority, port included (RFC 9309, 2.3).
- At least five redirects are followed, also to other authorities; the rules stay those of the first. More may be taken for
  unavailable (2.3.1.2). OURS: so it is, and so are circles.
- Not used for longer than 24 hours (2.4). OURS: counted from when it came; a site that did not answer is asked again sooner.
- At least 500 KiB are read (2.5).
- tdmrep.json lies at /.well-known/tdmrep.json of the origin (TDMRep, 6.1). OURS: it is a page like others to robots.txt, so
  it is asked for only if that lets us. The same holds for the other places of rules/references.py.
- OURS: a redirect to where no HTTP goes, or without a place, is no answer: unreachable.
"""
from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from time import monotonic
from urllib.parse import SplitResult, urljoin, urlsplit

from scrapy.exceptions import IgnoreRequest
from scrapy.http import Response
from scrapy.utils.defer import maybe_deferred_to_future
from twisted.internet.defer import Deferred

from rules import Access, Asset, Carrier, Evidence, limits
from rules.references import SITE_FILES
from rules.signals import READERS

from .evidence import REDIRECTS, file_evidence, now, why

Get = Callable[[str, int], Awaitable[Response]]      # URL, bytes wanted; raises what the download raises
Permits = Callable[[Asset, Evidence], bool]          # may this be fetched, given this robots.txt?
Origin = tuple[str, str, int]

PORTS = {"http": 80, "https": 443}
# Bytes kept of each file that speaks for a site and that anybody here can read.
FILES = {c: limits.ROBOTS_BYTES if c is Carrier.ROBOTS_TXT else limits.TDMREP_BYTES for c in SITE_FILES if READERS[c]}


def origin_of(url: str) -> Origin:
    """Scheme, host and port. Raises ValueError for what is not http or https, has no host, or a port that is none."""
    parts = urlsplit(url)
    if parts.scheme not in PORTS or not parts.hostname:
        raise ValueError(f"'{url}' is no http or https URL")
    return parts.scheme, parts.hostname, PORTS[parts.scheme] if parts.port is None else parts.port


def at_root(url: str, path: str) -> str:
    """The same scheme and authority, without a user's name, with another path."""
    parts = urlsplit(url)
    return SplitResult(parts.scheme, parts.netloc.rpartition("@")[2], path, "", "").geturl()


@dataclass(slots=True)
class _Kept:
    evidence: tuple[Evidence, ...]
    until: float


class Sites:
    """Evidence by site, for a day, the latest limits.SITES_CACHED of them.

    `get` and `permits` are the world: tests and other engines bring their own. `clock` counts seconds.
    """

    def __init__(self, get: Get, permits: Permits, clock: Callable[[], float] = monotonic):
        self._get, self._permits, self._clock = get, permits, clock
        self._kept: OrderedDict[Origin, _Kept] = OrderedDict()
        self._waiting: dict[Origin, list[Deferred[tuple[Evidence, ...]]]] = {}

    def known(self, url: str) -> tuple[Evidence, ...]:
        """What is at hand and fresh; () if nothing. Raises ValueError as origin_of."""
        origin = origin_of(url)
        kept = self._kept.get(origin)
        if kept is None or kept.until <= self._clock():
            return ()
        self._kept.move_to_end(origin)
        return kept.evidence

    async def of(self, url: str) -> tuple[Evidence, ...]:
        """Evidence of the site of this URL, robots.txt first. Nothing is raised for a site that does not answer."""
        if evidence := self.known(url):
            return evidence
        origin = origin_of(url)
        if origin in self._waiting:
            turn: Deferred[tuple[Evidence, ...]] = Deferred()
            self._waiting[origin].append(turn)
            return await maybe_deferred_to_future(turn)
        self._waiting[origin] = []
        try:
            evidence = await self._ask(url)
        except BaseException:
            for turn in self._waiting.pop(origin):
                turn.errback(IgnoreRequest("the crawl ended before the site answered"))
            raise
        self._keep(origin, evidence)
        for turn in self._waiting.pop(origin):
            turn.callback(evidence)
        return evidence

    def _keep(self, origin: Origin, evidence: tuple[Evidence, ...]) -> None:
        answered = all(e.access is not Access.UNREACHABLE for e in evidence)
        self._kept[origin] = _Kept(evidence, self._clock() + (limits.SITE_CACHE_S if answered else limits.SITE_RETRY_S))
        self._kept.move_to_end(origin)
        while len(self._kept) > limits.SITES_CACHED:
            self._kept.popitem(last=False)

    async def _ask(self, url: str) -> tuple[Evidence, ...]:
        robots = await self._first(Carrier.ROBOTS_TXT, url, None)
        return robots, *[await self._first(carrier, url, robots) for carrier in FILES if carrier is not Carrier.ROBOTS_TXT]

    async def _first(self, carrier: Carrier, url: str, robots: Evidence | None) -> Evidence:
        """From the first of its places that has one; else the worst answer, as what could not be seen could be there."""
        answers: list[Evidence] = []
        for uri in (at_root(url, path) for path in SITE_FILES[carrier]):
            if robots is not None and not self._permits(Asset(uri), robots):
                answers.append(Evidence(carrier, uri, None, Access.NOT_COLLECTED, detail="robots.txt gives no leave to ask"))
                continue
            answers.append(await self._file(carrier, uri, FILES[carrier]))
            if answers[-1].has_bytes:
                return answers[-1]
        return next((e for e in answers if e.access is not Access.UNAVAILABLE), answers[-1])

    async def _file(self, carrier: Carrier, uri: str, limit: int) -> Evidence:
        at, seen = uri, {uri}
        for _ in range(limits.REDIRECTS + 1):
            try:
                response = await self._get(at, limit)
            except Exception as error:  # noqa: BLE001  whatever a handler may raise: the network gave no answer
                return Evidence(carrier, uri, now(), Access.UNREACHABLE, detail=why(error)[:limits.DETAIL_CHARS])
            if response.status not in REDIRECTS:
                return file_evidence(carrier, uri, response, limit)
            at = _next(at, response)
            if not at:
                return Evidence(carrier, uri, now(), Access.UNREACHABLE, status=response.status, detail="leads nowhere")
            if at in seen:
                return Evidence(carrier, uri, now(), Access.UNAVAILABLE, status=response.status, detail="leads in a circle")
            seen.add(at)
        return Evidence(carrier, uri, now(), Access.UNAVAILABLE, status=response.status,
                        detail=f"more than {limits.REDIRECTS} redirects")


def _next(url: str, response: Response) -> str:
    """Where a redirect points; "" for no place where HTTP goes."""
    try:
        target = urljoin(url, (response.headers.get(b"Location") or b"").decode("utf-8", "replace").strip())
        origin_of(target)
    except ValueError:
        return ""
    return target if response.headers.get(b"Location") else ""

