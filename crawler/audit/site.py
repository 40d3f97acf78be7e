"""What an audit has seen of a site: values only, made by visit.py, read by the checks.

**Facts**
- Bodies of pages and pictures are read once, for their findings, and let go; those of the home page and of files stay.
- A site is one scheme and authority to robots.txt (RFC 9309, 2.3: https://www.rfc-editor.org/rfc/rfc9309#section-2.3), so
  `origins` holds what each of them says, whatever people take for one site.
"""
from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from urllib.parse import urlsplit

from rules import Access, Asset, Carrier, Evidence, Fault, Finding, Statement
from rules.signals import SIGNALS

from ..items import AssessedPage

PICTURE = "image/"
PAGES = ("text/html", "application/xhtml+xml")
KEPT = (Carrier.BODY, Carrier.EMBEDDING_PAGE)        # carriers whose bytes are let go


@dataclass(frozen=True, slots=True)
class Seen:
    """One address that was asked for, and what was found about it."""
    requested: str
    asset: Asset
    access: Access                   # of the page or file itself
    status: int | None
    detail: str                      # why it did not come
    evidence: tuple[Evidence, ...]   # without the bytes of pages and pictures
    findings: tuple[Finding, ...]

    @property
    def came(self) -> bool:
        return self.access in (Access.OBTAINED, Access.TRUNCATED)

    @property
    def is_page(self) -> bool:
        return self.asset.media_type in PAGES

    @property
    def is_picture(self) -> bool:
        return self.asset.media_type.startswith(PICTURE)

    def of(self, carrier: Carrier) -> Evidence | None:
        return next((e for e in self.evidence if e.carrier is carrier), None)

    def statements(self, *protocols: str, carrier: Carrier | None = None) -> list[Statement]:
        """What it says itself: of these protocols (none: of any), on this carrier (None: on any)."""
        return [f for f in self.findings if isinstance(f, Statement)
                and (not protocols or SIGNALS[f.signal].protocol in protocols)
                and (carrier is None or SIGNALS[f.signal].carrier is carrier)]

    def faults(self, carrier: Carrier) -> list[Fault]:
        return [f for f in self.findings if isinstance(f, Fault) and f.carrier is carrier]


@dataclass(frozen=True, slots=True)
class Site:
    """Everything that was seen."""
    url: str                         # as asked for
    at: datetime
    home: Seen
    whole: tuple[Evidence, ...]      # the evidence about the home page, with its bytes
    pages: tuple[Seen, ...] = ()     # that came, the home page first
    pictures: tuple[Seen, ...] = ()  # images that came
    unseen: tuple[Seen, ...] = ()    # that did not come
    doors: Mapping[str, Seen] = field(default_factory=dict)              # other spellings of the home page, as asked for
    origins: Mapping[str, tuple[Evidence, ...]] = field(default_factory=dict)    # scheme and authority -> its files
    answers: Mapping[str, int] = field(default_factory=dict)             # crawler that was mentioned -> status of robots.txt
    asked: int = 0                   # requests in all

    @property
    def robots(self) -> Evidence | None:
        return self.home.of(Carrier.ROBOTS_TXT)

    @property
    def seen(self) -> tuple[Seen, ...]:
        return (*self.pages, *self.pictures)


def seen_of(assessed: AssessedPage) -> Seen:
    """An address as the crawl gives it, without what is not needed any more."""
    page = assessed.page
    body = next((e for e in page.evidence if e.carrier is Carrier.BODY), None)
    findings = assessed.assessments[0].findings if assessed.assessments else ()
    return Seen(page.requested, page.asset, body.access if body else Access.NOT_COLLECTED, body.status if body else None,
                body.detail if body else "", tuple(map(let_go, page.evidence)), findings)


def let_go(e: Evidence) -> Evidence:
    return replace(e, body=b"", recorded=e.digest) if e.carrier in KEPT and e.has_bytes else e


def origin(url: str) -> str:
    """Scheme and authority, as a URL without a path; "" for what is none."""
    try:
        parts = urlsplit(url)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2].lower()}" if parts.netloc else ""
    except ValueError:
        return ""


def doors(url: str) -> list[str]:
    """Other addresses under which people and crawlers find the same site: the other scheme, with and without www.

    None for an address, or a name with a port, which only its owner could know.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.port is not None or "." not in host or host.replace(".", "").isdigit() or ":" in host:
        return []
    other = host[4:] if host.startswith("www.") else f"www.{host}"
    return [f"{scheme}://{name}/" for name in (host, other) for scheme in ("https", "http")
            if (scheme, name) != (parts.scheme, host)]


def spread(urls: Iterable[str]) -> list[str]:
    """The same addresses, the sections of the site (first part of the path) taking turns: a sample that sees all of them."""
    sections: dict[str, list[str]] = {}
    for url in urls:
        first, *rest = urlsplit(url).path.lstrip("/").split("/")
        sections.setdefault(first if rest else "", []).append(url)
    queues, out = list(sections.values()), []
    for turn in range(max(map(len, queues), default=0)):
        out += [queue[turn] for queue in queues if turn < len(queue)]
    return out
