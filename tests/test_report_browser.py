"""Reports in a real browser: five languages, both themes, a telephone, paper, without scripts; nothing asked for, nothing run."""
from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from crawler.report import audit
from crawler.report.catalogue import LANGUAGES, Catalogue

from .audit_reports import full, hostile
from .webserver import Web

pytestmark = pytest.mark.slow

CHROMIUM = Path("/usr/bin/chromium")
AXE = Path(__file__).parent.parent / ".venv/axe/node_modules/axe-core/axe.min.js"
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
             "--disable-component-update", "--disable-sync"]


def needed(path: Path, how: str) -> None:
    if not path.exists():
        assert os.environ.get("CI") != "true", f"{path.name} is missing"
        pytest.skip(f"needs {path.name}: {how}")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    needed(CHROMIUM, "apt-get install chromium fonts-noto-cjk")
    from playwright.sync_api import sync_playwright
    with sync_playwright() as play, play.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS) as launched:
        yield launched


class Opened:
    """A page and what happened on it."""

    def __init__(self, browser: Any, path: Path, **options: Any) -> None:
        self.context = browser.new_context(**options)
        self.page = self.context.new_page()
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self.page.on("request", lambda r: self.requests.append(r.url))
        self.page.on("console", lambda m: self.complaints.append(m.text))
        self.page.on("pageerror", lambda e: self.complaints.append(str(e)))
        self.page.on("dialog", lambda d: (self.complaints.append("dialog"), d.dismiss()))
        self.page.goto(path.as_uri())

    def __enter__(self) -> Opened:
        return self

    def __exit__(self, *exc: object) -> None:
        self.context.close()

    @property
    def sideways(self) -> int:
        return self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("reports")
    for language in LANGUAGES:
        (folder / f"{language}.html").write_text(audit.as_html(full(), Catalogue(language)), "utf-8")
    return {language: folder / f"{language}.html" for language in LANGUAGES}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("scheme, width", [("light", 1000), ("dark", 390), ("light", 390), ("dark", 1000)])
def test_it_asks_for_nothing_and_is_readable_for_everybody(browser, reports, language, scheme, width):
    needed(AXE, "npm install --prefix .venv/axe axe-core")
    with Opened(browser, reports[language], color_scheme=scheme, viewport={"width": width, "height": 844}, bypass_csp=True) as opened:
        assert opened.page.evaluate("document.documentElement.lang") == language
        assert opened.sideways == 0
        assert opened.complaints == []
        assert opened.requests == [reports[language].as_uri()]
        dark = opened.page.evaluate("getComputedStyle(document.body).backgroundColor") != "rgb(251, 250, 247)"
        assert dark is (scheme == "dark")
        opened.page.evaluate(AXE.read_text("utf-8"))
        found = opened.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        assert [(v["id"], v["nodes"][0]["html"]) for v in found["violations"]] == []


def test_its_own_policy_holds_with_its_style_and_script(browser, reports):
    """Nothing is bypassed: the style is there, the buttons that copy work, and an injected script does not."""
    with Web() as web, Opened(browser, reports["en"]) as opened:
        page = opened.page
        assert opened.complaints == []
        assert page.evaluate("getComputedStyle(document.body).maxWidth") != "none"
        page.evaluate("const s = document.createElement('script'); s.textContent = 'window.hurt = 1'; document.body.append(s)")
        page.evaluate(f"const i = new Image(); i.src = '{web.url}/x.png'; document.body.append(i)")
        page.wait_for_timeout(300)
        assert page.evaluate("window.hurt") is None
        assert web.requests == []
        assert any("Content Security Policy" in complaint for complaint in opened.complaints)


def test_a_button_copies_what_stands_under_it(browser, reports):
    from playwright.sync_api import expect
    with Opened(browser, reports["en"], permissions=["clipboard-read", "clipboard-write"]) as opened:
        page = opened.page
        button = page.locator("button.copy").first
        before = button.text_content()
        button.click()
        expect(button).not_to_have_text(before)
        assert page.evaluate("navigator.clipboard.readText()") == page.locator("figure.code code").first.text_content()


def test_it_is_whole_without_scripts(browser, reports):
    with Opened(browser, reports["de"], java_script_enabled=False, viewport={"width": 390, "height": 844}) as opened:
        assert opened.page.locator("h2").count() >= 6
        assert opened.page.locator("button.copy:visible").count() == 0
        opened.page.locator("summary").first.click()
        assert opened.page.locator("details table").first.is_visible()


@pytest.mark.parametrize("language", ["en", "ja"])
def test_it_prints_with_all_that_is_folded(browser, reports, language, tmp_path):
    with Opened(browser, reports[language]) as opened:
        pdf = opened.page.pdf(format="A4", print_background=True, tagged=True)
    (tmp_path / "r.pdf").write_bytes(pdf)
    import pikepdf
    with pikepdf.open(tmp_path / "r.pdf") as printed:
        assert printed.Root.get("/MarkInfo") is not None
        assert 3 <= len(printed.pages) < 60
        assert str(printed.Root.Lang) == language


def test_a_hostile_report_is_harmless(browser, tmp_path):
    path = tmp_path / "h.html"
    path.write_text(audit.as_html(hostile(), Catalogue("en")), "utf-8")
    with Opened(browser, path, viewport={"width": 390, "height": 844}) as opened:
        assert opened.page.evaluate("window.hurt") is None
        assert opened.page.locator("article").count() > 5_000
        assert opened.sideways == 0
        assert opened.complaints == []
        assert opened.requests == [path.as_uri()]
