"""Policies beside each other: every number is what deciding record by record comes to."""
from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from click.testing import CliRunner, Result
from markupsafe import escape

from crawler import rerun
from crawler.archive import records
from crawler.cli import main
from crawler.compare import Outcome, compare, decided, outcome, rules, to_json
from crawler.compare_page import page as html_page
from crawler.compared import WORDS, pages
from crawler.ledger.domains import registrable
from crawler.recorded import rows
from crawler.report.catalogue import LANGUAGES
from crawler.report.page import embedded
from crawler.run import Run, RunError
from rules import Use, policies
from rules.record import from_record
from tests.archives import Maker
from tests.runs import rewrite
from tests.test_report_browser import AXE, Opened, browser, needed  # noqa: F401, a fixture
from tests.test_run import ASKER, POLICIES, assessed, make
from tests.test_run import page as one_page

COMPARED = tuple(map(policies.load, ("eu-dsm-art4", "eu-dsm-art3", "strictest")))


def run(*args: object) -> Result:
    result = CliRunner().invoke(main, [*map(str, args)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("compare") / "run"
    make(made, 60)
    return made


def one_by_one(folder: Path, tmp_path: Path) -> dict[str, dict[str, dict]]:
    """policy -> page -> use -> decision, as `decide` writes them."""
    out = {}
    for policy in COMPARED:
        rerun.decide(folder, policy, tmp_path / policy.name)
        out[policy.id] = {row.requested: (row, from_record(row.record).decisions) for row in rows(tmp_path / policy.name)}
    return out


def test_numbers_reconcile_with_decide_record_by_record(folder: Path, tmp_path: Path) -> None:
    single = one_by_one(folder, tmp_path)
    c = compare([folder], COMPARED)
    assert c.items == 60
    assert len(c.uses) > 1
    found = pages(folder, keyed=True)
    for policy in COMPARED:
        for url, number in zip(found.table["requested"].to_pylist(), found.table["set"].to_pylist(), strict=True):
            expected = single[policy.id][url][1]
            got = decided(found.sets[number], policy, found.asker)
            assert {u: (d.verdict, d.duties, rules(d)) for u, d in got.items()} == \
                {u: (d.verdict, d.duties, rules(d)) for u, d in expected.items()}, url
    for n, side in enumerate(c.sides):
        for use in c.uses:
            items, size, domains = Counter(), Counter(), {}
            for row, decisions in single[side.policy.id].values():
                came_to = outcome(decisions[use])
                items[came_to] += 1
                size[came_to] += row.size_bytes or 0
                domains.setdefault(registrable(records.host(row.record["asset"]["url"])), set()).add(came_to)
            assert c.counted[n, use].items == items
            assert +c.counted[n, use].bytes == +size
            assert c.counted[n, use].domains == Counter(next(iter(d)) if len(d) == 1 else None for d in domains.values())
    for (a, b, use), cells in c.pairs.items():
        first, second = (single[c.sides[n].policy.id] for n in (a, b))
        expected = Counter((outcome(first[url][1][use]), outcome(second[url][1][use])) for url in first)
        assert {place: cell.items for place, cell in cells.items()} == expected
        by = Counter((rules(first[url][1][use]), rules(second[url][1][use])) for url in first)
        told = Counter()
        for cell in cells.values():
            for row in cell.rows:
                told[row["by"]] += row["items"]
        assert told == by


def test_what_the_run_decided_itself_is_not_asked_for(folder: Path) -> None:
    assert [s.policy.id for s in compare([folder], (POLICIES[0],)).sides] == [POLICIES[0].id]
    with pytest.raises(RunError, match="no use in common"):
        compare([folder], ())
    with pytest.raises(RunError, match="does not decide about crawl"):
        compare([folder], COMPARED[:2], [Use.CRAWL])


@pytest.mark.parametrize("name", [
    pytest.param(name, marks=() if name in ("gb-29a", "kr-permission-first", "rfc9309-crawl") else pytest.mark.slow)
    for name in policies.names()])
def test_whatever_policy_a_run_was_made_by(tmp_path: Path, name: str) -> None:
    """What the policy of the run adds of its own is taken away, and what others would add is there."""
    base = policies.load(name)
    make(tmp_path, 12, by=(base,))
    found = pages(tmp_path, keyed=True)
    for policy in (base, COMPARED[0]):
        single = {row.requested: from_record(row.record).decisions for row in rows(tmp_path)} if policy is base else {
            one.page.requested: one.assessments[0].decisions for one in (assessed(one_page(n), (policy,)) for n in range(12))}
        for url, number in zip(found.table["requested"].to_pylist(), found.table["set"].to_pylist(), strict=True):
            got = decided(found.sets[number], policy, found.asker)
            assert {u: (d.verdict, d.duties, rules(d)) for u, d in got.items()} == \
                {u: (d.verdict, d.duties, rules(d)) for u, d in single[url].items()}


def test_a_run_that_is_still_written(tmp_path: Path) -> None:
    with Run.open(tmp_path, POLICIES, ASKER) as writing:
        for n in range(5):
            writing.write(assessed(one_page(n)))
        assert compare([tmp_path], COMPARED).items == 5
    assert compare([tmp_path], COMPARED).items == 5


def test_a_run_without_records(tmp_path: Path) -> None:
    make(tmp_path, 0)
    c = compare([tmp_path], COMPARED)
    assert (c.items, c.bytes, c.domains) == (0, 0, 0)
    assert html_page(to_json(c), "en")


def test_a_run_whose_records_know_no_size(folder: Path, tmp_path: Path) -> None:
    make(tmp_path, 10)
    rewrite(tmp_path, lambda rows: rows.drop_columns(["size_bytes"]))
    c = compare([tmp_path], COMPARED)
    assert (c.items, c.bytes, c.unmeasured) == (10, 0, 10)


def test_a_word_that_is_not_known_is_no_silence(tmp_path: Path) -> None:
    def change(table: pa.Table) -> pa.Table:
        rows = table.to_pylist()
        next(f for row in rows for f in row["findings"] if f["signal"])["signal"] = "from.tomorrow"
        return pa.Table.from_pylist(rows, schema=records.RECORDS)
    make(tmp_path, 10)
    rewrite(tmp_path, change)
    with pytest.raises(RunError, match=r"'from.tomorrow' where signal stands"):
        compare([tmp_path], COMPARED)
    result = run("compare", tmp_path, "--policy", "strictest")
    assert result.exit_code == 2


def test_words_fit_into_a_number() -> None:
    product = 2
    for words in WORDS.values():
        product *= len(words) + 1
    assert product < 2**63


def test_yesterday_and_today(tmp_path: Path) -> None:
    """The same captures by the words of their day and by later ones."""
    maker, later = Maker(), timedelta(days=30)
    from tests.archives import AT
    body = b"<p>a page " * 20
    maker.add("https://a.example/robots.txt", b"User-agent: *\nAllow: /\n", [("Content-Type", "text/plain")])
    for n in range(4):
        maker.add(f"https://a.example/{n}", body)
    maker.add("https://a.example/0", body)
    maker.add("https://a.example/robots.txt", b"User-agent: *\nContent-Usage: train-ai=n\n", [("Content-Type", "text/plain")], at=AT + later)
    archive = maker.write(tmp_path / "a.warc.gz")
    when = (AT + later + timedelta(hours=1)).isoformat()
    assert run("filter", archive, "-o", tmp_path / "then").exit_code == 0
    assert run("filter", archive, "-o", tmp_path / "now", "--as-of", when).exit_code == 0
    c = compare([tmp_path / "then", tmp_path / "now"], (COMPARED[0],), [Use.TRAIN_GENAI])
    assert c.items == 7
    assert [c.counted[n, Use.TRAIN_GENAI].items[Outcome.PROHIBITS] for n in (0, 1)] == [1, 7], 'the later robots.txt is a page too'
    assert c.alone == [0, 0]
    other = Maker().add("https://a.example/0", body).add("https://b.example/", body).write(tmp_path / "b.warc.gz")
    assert run("filter", other, "-o", tmp_path / "other").exit_code == 0
    c = compare([tmp_path / "then", tmp_path / "other"], (COMPARED[0],))
    assert (c.items, c.alone) == (1, [6, 1])
    result = run("compare", tmp_path / "then", tmp_path / "now", "--policy", "eu-dsm-art4", "--use", "train-genai")
    assert result.exit_code == 1
    assert "differ about 6 of 7 pages" in result.stdout


def test_as_json_csv_and_text(folder: Path, tmp_path: Path) -> None:
    args = ("compare", folder, *(word for p in COMPARED for word in ("--policy", p.name)), "--use", "tdm")
    told = json.loads(run(*args, "--format", "json").stdout)
    assert [side["policy"] for side in told["sides"]] == [p.id for p in COMPARED]
    for side in told["sides"]:
        for what in ("items", "bytes"):
            assert sum(o[what] for o in side["outcomes"].values()) == told[what]
        assert sum(o["domains"] for o in side["outcomes"].values()) + side["mixed_domains"] == told["domains"]
    lines = list(csv.DictReader(io.StringIO(run(*args, "--format", "csv").stdout)))
    assert sum(int(line["items"]) for line in lines if line["what"] == "share" and line["items"] and line["a"] == COMPARED[0].id) == 60
    text = run(*args)
    assert text.exit_code == 1
    assert "60 pages" in text.stdout
    assert run("compare", folder, "--policy", "strictest", "--policy", "strictest").exit_code == 0
    assert run(*args, "-o", tmp_path / "x.txt").exit_code == 2
    assert run(*args, "-o", tmp_path / "x.html").exit_code == 1
    assert embedded((tmp_path / "x.html").read_text("utf-8")) == told


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_speaks_every_language(folder: Path, language: str) -> None:
    text = html_page(to_json(compare([folder], COMPARED, [Use.TDM])), language)
    assert f'<html lang="{language}">' in text
    assert "<svg class=\"bars\"" in text
    for policy in COMPARED:
        assert str(escape(policy.titles[language])) in text
    reserved = COMPARED[0].tell[language]["reserved"].partition("{")[0].strip()
    assert str(escape(reserved)) in text


@pytest.mark.slow
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_in_a_browser(browser: Any, folder: Path, tmp_path: Path, language: str) -> None:  # noqa: F811  # a fixture
    """Nothing is asked for, nothing is wider than a telephone, axe-core finds nothing."""
    told = to_json(compare([folder], COMPARED))
    (tmp_path / "page.html").write_text(html_page(told, language), "utf-8")
    needed(AXE, "npm install --prefix .venv/axe axe-core")
    for scheme, width in (("dark", 390), ("light", 1000)):
        with Opened(browser, tmp_path / "page.html", color_scheme=scheme, viewport={"width": width, "height": 844}, bypass_csp=True) as opened:
            opened.page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
            assert opened.sideways == 0
            assert opened.complaints == []
            assert opened.requests == [(tmp_path / "page.html").as_uri()]
            opened.page.evaluate(AXE.read_text("utf-8"))
            found = opened.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
            assert [(v["id"], v["nodes"][0]["html"]) for v in found["violations"]] == []


def test_words_of_strangers_do_no_harm(tmp_path: Path) -> None:
    hostile = "https://a.example/<script>alert(1)</script>\u202e\x1b[31m=cmd"
    maker = Maker().add("https://a.example/", b"<meta name=robots content=noai>").write(tmp_path / "a.warc.gz")
    assert run("filter", maker, "-o", tmp_path / "run").exit_code == 0
    told = to_json(compare([tmp_path / "run"], COMPARED))
    for pair in told["pairs"]:
        for cell in pair["cells"]:
            for row in cell["rows"]:
                row["example"] = hostile
    text = html_page(told, "en")
    assert "<script>alert" not in text
    shown = re.sub(r'href="[^"]*"', "", text.partition('id="maymine-data"')[0])
    assert "\u202e" not in shown
    assert "\\u202e" in shown
