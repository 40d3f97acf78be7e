"""Where else to look: the documents that words about an asset point to, and the places where a site keeps its own.

A document that is needed and not among the evidence is a Fault, never silence (assess.find). Nothing is fetched here.
"""
from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from .model import Asker, Asset, Carrier, Evidence, Reference
from .prefilter import readers
from .signals import Reader, epub, rsl, tdm_policy, tdmrep, xmp

# Files that speak for a whole site (scheme, host and port), in the order in which their places are tried.
SITE_FILES: dict[Carrier, tuple[str, ...]] = {
    Carrier.ROBOTS_TXT: ("/robots.txt",),                                # RFC 9309, 2.3
    Carrier.TDMREP_JSON: ("/.well-known/tdmrep.json",),                  # TDMRep, 6.1
    Carrier.AI_TXT: ("/ai.txt",),                                        # Spawning, 2023-05-30
    Carrier.TRUST_TXT: ("/trust.txt", "/.well-known/trust.txt"),         # JournalList
}


Finder = Callable[[Evidence, Asset, Asker], list[Reference]]

# THE table of those who refer to other documents, by the reader of the same words.
FINDERS: dict[Reader, Finder] = {
    rsl.robots: rsl.in_robots, tdmrep.file: tdm_policy.in_file,
    rsl.header: rsl.in_fields, tdmrep.header: tdm_policy.in_fields,
    rsl.page: rsl.in_page, tdmrep.html: tdm_policy.in_page, xmp.read: xmp.policies, epub.read: epub.policies,
}


def references(evidence: tuple[Evidence, ...], asset: Asset, asker: Asker, *, exact: bool = False) -> tuple[Reference, ...]:
    """Every document that the evidence points to, each once, in the order of the evidence. `exact`: without prefilter."""
    found = (r for e in evidence if e.has_bytes for finder in finders(readers(e, asset, exact=exact))
             for r in finder(e, asset, asker))
    return tuple(dict.fromkeys(found))


@lru_cache(maxsize=4096)
def finders(called: tuple[Reader, ...]) -> tuple[Finder, ...]:
    """Who of these readers' words refer to others, in their order."""
    return tuple(FINDERS[reader] for reader in called if reader in FINDERS)
