"""llms.txt: recognised, and never an answer.

Facts (llms.txt, 2024-09-03, https://llmstxt.org/)
- The file is a guide in Markdown for programs that read a site while they answer somebody. It neither reserves nor permits a
  use.
- OURS: it has a row, so that nobody takes it for leave and reports can say that it was seen.
"""
from __future__ import annotations

from ..model import Asker, Asset, Evidence, Finding


def read(evidence: Evidence, asset: Asset, asker: Asker) -> list[Finding]:
    return []
