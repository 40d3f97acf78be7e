"""All checks, in the order in which a report tells what they find."""
from __future__ import annotations

from dataclasses import replace

from . import checks_content, checks_robots, checks_tdmrep
from .findings import Found, Status
from .site import Site

CHECKS = (checks_robots.check, checks_tdmrep.check, checks_content.check)
ORDER = tuple(Status)


def found(site: Site) -> tuple[Found, ...]:
    """Every finding. Where nothing is said at all, that is told, and not every place where it could have been said."""
    out = [f for check in CHECKS for f in check(site)]
    if nothing := checks_content.nothing(site):
        out = [nothing, *(f for f in out if f.kind.status is not Status.MISSING)]
    placed = (replace(f, places=tuple(sorted(f.places, key=lambda p: p.url))) for f in out)      # as they came is no order
    return tuple(sorted(placed, key=lambda f: (ORDER.index(f.kind.status), f.id)))
