"""The pages of the ledger and of the summary in a real browser: nothing asked for, nothing run, readable on a telephone and in the dark."""
from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from crawler.run import Run
from rules import Asker
from tests.test_ledger import ledger, one, post
from tests.test_report_browser import AXE, Opened, browser, needed  # noqa: F401  a fixture
from tests.test_run import POLICIES
from tests.test_summary import page, summary
from tests.test_tariffs import GEMA

pytestmark = pytest.mark.slow

HOSTILE = "<script>document.title='hurt'</script>\u202e" + "x" * 3_000


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    post(folder / "led<b>", [one(n, holder=("Ahn", "Baek & Söhne", HOSTILE, "")[n % 4], work_class=HOSTILE if n % 9 == 0 else "news", domain=f"d{n % 7}.example",
                                 occurred_at=f"2026-0{n % 6 + 1}-15T00:00:00Z") for n in range(80)])
    ledger("report", folder / "led<b>", *GEMA, "-o", folder / "ledger.html")
    with Run.open(folder / "run<i>", POLICIES, Asker("OurBot"), "none") as out:
        for n in range(60):
            out.write(page(f"https://{'a' * 50}{n}.{'b' * 50}.example/", n))
        out.write(page(f"https://{HOSTILE[:60]}.example/", 7, "image/png"))
    summary(folder / "run<i>", "--for", "eu", "-o", folder / "summary.html")
    return {"ledger": folder / "ledger.html", "summary": folder / "summary.html"}


@pytest.mark.parametrize("name", ["ledger", "summary"])
@pytest.mark.parametrize("scheme, width", [("light", 1000), ("dark", 390)])
def test_pages_ask_for_nothing_and_are_readable_for_everybody(browser: Any, pages: dict[str, Path], name: str, scheme: str, width: int) -> None:  # noqa: F811  # a fixture
    needed(AXE, "npm install --prefix .venv/axe axe-core")
    with Opened(browser, pages[name], color_scheme=scheme, viewport={"width": width, "height": 844}, bypass_csp=True) as opened:
        assert opened.sideways == 0
        assert opened.complaints == []
        assert opened.requests == [pages[name].as_uri()]
        assert opened.page.title() != "hurt"
        opened.page.evaluate(AXE.read_text("utf-8"))
        found = opened.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        assert [(v["id"], v["nodes"][0]["html"][:200]) for v in found["violations"]] == []
