"""The report about data under the Korean AI Basic Act: what the run shows, in both languages, and nothing more."""
from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from crawler.cli import main
from crawler.ledger import kr
from crawler.recorded import rows
from crawler.report.page import embedded
from rules import policies
from rules.record import from_record
from tests.test_run import make


def run(*args: object) -> Result:
    result = CliRunner().invoke(main, ["summary", *map(str, args)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("kr") / "run"
    make(made, 40)
    return made


def test_numbers_are_those_of_the_records(folder: Path) -> None:
    told = json.loads(run(folder, "--for", "kr", "--format", "json").stdout)
    stored = list(rows(folder, "eu-dsm-art4@" + policies.load("eu-dsm-art4").version))
    assert told["items"]["asked_for"] == len(stored) == 40
    assert told["items"]["bytes"] == sum(row.size_bytes or 0 for row in stored)
    guide = dict.fromkeys(told["guide"], 0)
    came = dict(guide)
    for row in stored:
        for name in {name for f in from_record(row.record).findings for name in kr._facts(f)}:
            guide[name] += 1
            came[name] += row.size_bytes is not None
    assert {name: n["items"] for name, n in told["guide"].items()} == guide
    assert {name: n["with_content"] for name, n in told["guide"].items()} == came
    assert guide["turned_away"] > came["turned_away"] > 0, "site 1 turns all away from /private/, and one of these pages is down"
    assert guide["reserved"] > 0
    assert told["act"]["asks_to_publish_training_data"] is False


def test_korean_policies_are_told_with_their_status(folder: Path) -> None:
    told = json.loads(run(folder, "--for", "kr", "--format", "json").stdout)
    korean = [p for p in map(policies.load, policies.names()) if p.jurisdiction == "KR"]
    assert [(p["policy"], p["status"]) for p in told["policies"]] == [(p.id, p.status) for p in korean]
    for p in told["policies"]:
        assert sum(p[word] for word in ("permitted", "permitted-with-duties", "undetermined", "prohibited")) == 40


@pytest.mark.parametrize(("language", "says"), [("en", "two categories"), ("ko", "서로 다른 범주입니다")])
def test_the_page_in_both_languages(folder: Path, tmp_path: Path, language: str, says: str) -> None:
    out = tmp_path / "report.html"
    assert run(folder, "--for", "kr", "--lang", language, "-o", out).exit_code == 0
    text = out.read_text("utf-8")
    assert f'<html lang="{language}">' in text
    assert says in text
    assert kr.words()["to_fill"][language] in text
    assert embedded(text)["schema"] == kr.SCHEMA
    assert run(folder, "--for", "kr", "--lang", language).stdout.startswith(kr.words()["title"][language])


def test_every_text_has_the_same_places_in_both_languages() -> None:
    for name, texts in kr.words().items():
        assert len({frozenset(re.findall(r"\{(\w+)\}", text)) for text in texts.values()}) == 1, name


def test_a_word_that_nobody_may_promise_is_not_in_it() -> None:
    for texts in kr.words().values():
        assert not {"legal", "compliant", "safe"} & set(re.findall("[a-z]+", texts["en"].lower()))
