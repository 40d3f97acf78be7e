"""Where else to look: the documents that words about an asset point to, and the places where a site keeps its own.

A document that is needed and not among the evidence is a Fault, never silence (assess.find). Nothing is fetched here.
"""
from __future__ import annotations

from collections.abc import Callable

from .model import Asker, Asset, Carrier, Evidence, Reference
from .signals import epub, rsl, tdm_policy, xmp

# Files that speak for a whole site (scheme, host and port), in the order in which their places are tried.
SITE_FILES: dict[Carrier, tuple[str, ...]] = {
    Carrier.ROBOTS_TXT: ("/robots.txt",),                                # RFC 9309, 2.3
    Carrier.TDMREP_JSON: ("/.well-known/tdmrep.json",),                  # TDMRep, 6.1
    Carrier.AI_TXT: ("/ai.txt",),                                        # Spawning, 2023-05-30
    Carrier.TRUST_TXT: ("/trust.txt", "/.well-known/trust.txt"),         # JournalList
}


Finder = Callable[[Evidence, Asset, Asker], list[Reference]]

# THE table of those who refer to other documents, by the carrier on which they do.
FINDERS: dict[Carrier, tuple[Finder, ...]] = {
    Carrier.ROBOTS_TXT: (rsl.in_robots,),
    Carrier.TDMREP_JSON: (tdm_policy.in_file,),
    Carrier.HTTP_FIELDS: (rsl.in_fields, tdm_policy.in_fields),
    Carrier.BODY: (rsl.in_page, tdm_policy.in_page, xmp.policies, epub.policies),
}


def references(evidence: tuple[Evidence, ...], asset: Asset, asker: Asker) -> tuple[Reference, ...]:
    """Every document that the evidence points to, each once, in the order of the evidence."""
    found = (r for e in evidence if e.has_bytes for find in FINDERS.get(e.carrier, ()) for r in find(e, asset, asker))
    return tuple(dict.fromkeys(found))
