"""The audit of a site as a builder makes it: nothing to mend on the clean one, and each fault planted alone raises its finding alone."""
from __future__ import annotations

import json
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from crawler.audit.findings import TO_MEND, kinds

from . import audit_site
from .audit_site import FAULTS, PAGES, PICTURES, Fault, Served, serving

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent
TO_MEND_WORDS = {s.value for s in TO_MEND}


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Served:
    return audit_site.built(tmp_path_factory.mktemp("site"))


def audited(site: Served, *options: str, pages: int = 8, images: int = 12) -> tuple[dict[str, Any], int]:
    """The report, and the exit code."""
    with ExitStack() as stack:
        ports = {"second": stack.enter_context(serving(site.second(site)))} if site.second else {}
        origin = stack.enter_context(serving(site, ports))
        done = subprocess.run([sys.executable, "-m", "crawler.cli", "audit", origin, "--allow-private", "--format", "json", "--pages", str(pages),
                               "--images", str(images), *options], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode in (0, 1, 3), done.stderr
    return json.loads(done.stdout), done.returncode


def to_mend(report: dict[str, Any]) -> list[str]:
    return [f["id"] for f in report["findings"] if f["status"] in TO_MEND_WORDS]


def test_a_clean_site_has_nothing_to_mend_and_all_of_it_is_seen(clean):
    began = time.monotonic()
    report, code = audited(clean, pages=PAGES, images=PICTURES)
    print(f"\n{PAGES} pages and {PICTURES} pictures: {time.monotonic() - began:.1f} s, {report['asked']} requests")
    assert to_mend(report) == []
    assert code == 0
    assert (report["pages"], report["pictures"], report["tagged"]) == (PAGES, PICTURES, PICTURES)
    assert report["reached"] == report["known"] > 15
    assert {f["place"] for f in report["findings"]} >= {"robots.txt", "tdmrep.json", "headers", "pages", "images", "licence"}
    assert time.monotonic() - began < 60                 # against running away; the figure above is the measurement


@pytest.mark.parametrize("fault", FAULTS, ids=lambda f: f.name.replace(" ", "-"))
def test_a_fault_planted_alone_raises_its_finding_alone(clean, fault: Fault):
    site = clean.copy()
    fault.plant(site)
    report, code = audited(site, *fault.options)
    assert to_mend(report) == [fault.finding]
    assert code == 1
    found = next(f for f in report["findings"] if f["id"] == fault.finding)
    assert found["places"]
    assert found["fix"]


def test_all_that_can_be_wrong_is_planted():
    """OO503 needs two licences on one thing, of which the site has none; its check is tested by itself."""
    assert {k.id for k in kinds().values() if k.status in TO_MEND} - {f.finding for f in FAULTS} == {"OO503"}
    assert len(FAULTS) >= 30
