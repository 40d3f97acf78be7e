"""What flows through Scrapy: a page as it was collected, then with what the policies make of it.

**Facts**
- A page that was refused, or that failed, is an item too; its evidence says so (RFC 9309, 2.3.1: https://www.rfc-editor.org/rfc/rfc9309).
- One item answers one request that somebody asked for: `requested` is unique in a run, `asset.url` need not be, as two
  addresses may redirect to one.
"""
from __future__ import annotations

from dataclasses import dataclass

from rules.model import Assessment, Asset, Evidence


@dataclass(frozen=True, slots=True, repr=False)
class CollectedPage:
    """All that was seen of one page, whether or not it came."""
    requested: str                       # the URL asked for first; the key of the page in its run
    asset: Asset                         # `url` is where redirects led to, or where they were stopped
    evidence: tuple[Evidence, ...]       # files of the site, http-fields, body, then documents that these refer to
    depth: int = 0                       # links from a seed
    found: tuple[str, ...] = ()          # URLs found on the page and kept for crawling

    def __repr__(self) -> str:           # Scrapy logs items; bodies are no reading matter
        return f"<page {self.requested} {' '.join(f'{e.carrier.value}={e.access.value}' for e in self.evidence)}>"


@dataclass(frozen=True, slots=True)
class AssessedPage:
    """A page and one assessment a policy, in the order of MAYMINE_POLICIES."""
    page: CollectedPage
    assessments: tuple[Assessment, ...]
