from __future__ import annotations

from ..model import Asker, Asset, Evidence, Finding


def header(evidence: Evidence, asset: Asset, asker: Asker) -> list[Finding]:
    return []


def html(evidence: Evidence, asset: Asset, asker: Asker) -> list[Finding]:
    return []


def file(evidence: Evidence, asset: Asset, asker: Asker) -> list[Finding]:
    return []
