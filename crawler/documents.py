"""Licences and policies that words refer to: fetched once for all pages that refer to them, within bounds.

**Facts**
- A document may lie on any host (RSL 1.0, 4: https://rslstandard.org/rsl; TDMRep, 6.5:
  https://www.w3.org/community/reports/tdmrep/CG-FINAL-tdmrep-20240510/). OURS: the robots.txt of its own site is asked before
  every hop, and addresses are guarded like those of any request.
- It is fresh for as long as `max-age` says (RFC 9111, 5.2.2.1: https://www.rfc-editor.org/rfc/rfc9111). OURS: never for longer
  than a day nor for less than limits.SITE_RETRY_S; a day where nothing is said.
- OURS: of one host so many are asked for in a day (limits.DOCUMENTS_OF_HOST), so that nobody's pages can send us to somebody
  else's server without end. Beyond that they are not collected, which is a Fault and no silence.
"""
from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Iterable
from functools import partial
from time import monotonic
from urllib.parse import urlsplit

from scrapy.http import Response

from rules import Access, Carrier, Evidence, limits
from rules.model import Reference

from .fetch import Get, Leave, fetch
from .once import Clock, Once, together

BYTES = {Carrier.RSL: limits.RSL_BYTES, Carrier.TDM_POLICY: limits.TDM_POLICY_BYTES}      # kept of each
FULL = f"more than {limits.DOCUMENTS_OF_HOST} documents of this host in a day"

_MAX_AGE = re.compile(rb"(?:^|[,\s])max-age\s*=\s*\"?(\d{1,9})", re.IGNORECASE)


class Documents:
    """What references lead to, the latest limits.DOCUMENTS_CACHED of them. `get` and `leave` are the world."""

    def __init__(self, get: Get, leave: Leave, clock: Clock = monotonic):
        self._get, self._leave, self._clock = get, leave, clock
        self._once: Once[tuple[Carrier, str], Evidence] = Once(limits.DOCUMENTS_CACHED, clock)
        self._hosts: OrderedDict[str, tuple[float, set[str]]] = OrderedDict()    # host -> end of its day, URLs asked for

    async def of(self, references: Iterable[Reference]) -> tuple[Evidence, ...]:
        """One piece of evidence for each document, in the order of the references. Nothing is raised for what fails."""
        wanted = dict.fromkeys((r.carrier, r.uri) for r in references)
        return tuple(await together(self._once.of(key, partial(self._ask, *key)) for key in wanted))

    async def _ask(self, carrier: Carrier, uri: str) -> tuple[Evidence, float]:
        evidence, response = await fetch(self._get, carrier, uri, BYTES[carrier], self._may)
        if evidence.access in (Access.UNREACHABLE, Access.NOT_COLLECTED):
            return evidence, limits.SITE_RETRY_S
        return evidence, max(limits.SITE_RETRY_S, min(limits.SITE_CACHE_S, max_age_s(response)))

    async def _may(self, url: str) -> str:
        """Why a document must not be asked for; "" if it may be."""
        return await self._leave(url) or self._crowded(url)

    def _crowded(self, url: str) -> str:
        host = urlsplit(url).hostname or ""
        until, asked = self._hosts.pop(host, (0.0, set()))
        if until <= self._clock():
            until, asked = self._clock() + limits.SITE_CACHE_S, set()
        self._hosts[host] = until, asked
        while len(self._hosts) > limits.SITES_CACHED:
            self._hosts.popitem(last=False)
        if url not in asked and len(asked) >= limits.DOCUMENTS_OF_HOST:
            return f"{host}: {FULL}"
        asked.add(url)
        return ""


def max_age_s(response: Response | None) -> int:
    """For how long a response calls itself fresh; a day if it does not say."""
    said = b",".join(response.headers.getlist(b"Cache-Control")) if response is not None else b""
    found = _MAX_AGE.search(said)
    return int(found[1]) if found else limits.SITE_CACHE_S
