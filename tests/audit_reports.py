"""Reports of audits for tests, without a site: of every kind of finding, and of a site that means harm."""
from __future__ import annotations

import re
from datetime import UTC, datetime

from crawler.audit.findings import Found, Place, kinds
from crawler.audit.report import Proof, Report, Row
from crawler.effect import COLUMNS
from crawler.report import catalogue

HOSTILE = "</title></script><script>window.hurt=1</script><img src=x onerror=window.hurt=1>\"'`{{7*7}}<!--\u202e\x00\x1b[2J|*_[x](javascript:alert(1))"
VALUES = {"n": 3, "of": 7, "known": 21, "status": 403, "bytes": 512_000, "agents": "GPTBot, CCBot", "origin": "https://www.art.example",
          "home": "https://art.example", "grant": "body", "against": "http-fields, tdmrep.json", "word": "no-ai", "meant": "noai", "value": "yes"}


def parameters(id: str, values: dict[str, str | int]) -> dict[str, str | int]:
    """What the messages of a finding ask for."""
    named = {name for part in ("what", "why") if f"{id}.{part}" in catalogue.messages("audit")
             for name in catalogue.messages("audit")[f"{id}.{part}"]["en"].parameters}
    return {name: values[name] for name in sorted(named)}


def full(site: str = "https://art.example/", host: str = "nginx") -> Report:
    """One finding of each kind."""
    found = tuple(Found(id, parameters(id, VALUES), (Place(f"{site}robots.txt", "line 4", "Content-Usage: train-ai = n"), Place(f"{site}img/a.jpg")))
                  for id in kinds())
    answers = ("allowed", "refused", "nothing-said", "cannot-be-told", "never-fetches", "not-its-job")
    rows = tuple(Row(f"Bot{n}", "Operator", "training", {c: answers[(n + k) % 6] for k, c in enumerate(COLUMNS)}) for n in range(40))
    return report(site, host, found, rows)


def hostile(findings: int = 10_000, long: int = 5_000_000) -> Report:
    """Markup and scripts in every field, very many findings, very long strings."""
    text = HOSTILE + "A" * long
    ids = list(kinds())
    values = {name: HOSTILE if isinstance(value, str) else value for name, value in VALUES.items()}
    found = tuple(Found(ids[n % len(ids)], parameters(ids[n % len(ids)], values), (Place(HOSTILE, HOSTILE, text if n == 0 else HOSTILE),))
                  for n in range(findings))
    rows = tuple(Row(HOSTILE + str(n), HOSTILE, HOSTILE, dict.fromkeys(COLUMNS, "refused")) for n in range(50))
    return report(text, HOSTILE, found, rows, Proof(HOSTILE, "javascript:window.hurt=1", HOSTILE, 200, HOSTILE, HOSTILE))


def report(site: str, host: str, found: tuple[Found, ...], rows: tuple[Row, ...], proof: Proof | None = None) -> Report:
    proof = proof or Proof("robots.txt", f"{site}robots.txt", "obtained", 200, "2026-11-26T10:00:00+00:00", "sha256:" + "0" * 64)
    return Report(site, site, datetime(2026, 11, 26, 10, tzinfo=UTC), "0.1.0", host, True, 70, 20, 50, 44, False, 14, 18, found, rows, (proof,))


def without_marks(text: str) -> str:
    """Text without what a report may escape in its own way."""
    return re.sub(r"\\u[0-9a-f]{4}", "", text)
