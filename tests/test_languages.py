"""Every language says everything: the words, the policies, and no English where another language was asked for."""
from __future__ import annotations

import json
import re

import pytest
from click.testing import CliRunner

from crawler.cli import main
from crawler.commands import options
from crawler.report.catalogue import LANGUAGES as OF_REPORTS
from rules import model, policies, policy
from rules.explain import Words, words
from rules.signals import SIGNALS

LANGUAGES = options.LANGUAGES
PLACE = re.compile(r"\{\w*\}")
# Closed lists, by topic of the words.
LISTS: dict[str, tuple[str, ...]] = {
    **{topic: tuple(m.value for m in kind) for topic, kind in (
        ("use", model.Use), ("preference", model.Preference), ("audience", model.Audience), ("form", model.Form), ("subject", model.Subject),
        ("carrier", model.Carrier), ("fault", model.FaultKind), ("circumstance", model.CircumstanceKind), ("verdict", model.Verdict), ("duty", model.Duty))},
    "effect": tuple(e.name.lower() for e in model.Effect), "factor": policy.FACTORS, "status": policy.STATUSES, "actor": policy.ACTORS,
    "purpose": policy.PURPOSES, "phase": policy.PHASES, "reach": policy.REACH, "checked": policy.CHECKED,
    "lead": (*dict.fromkeys(key for asked in policy.CONDITIONS.values() for key in asked), policy.ASKED),
}
# What may stand in Latin letters in Korean and Japanese: identifiers, names of formats and of laws.
IDENTIFIERS = {*SIGNALS, *(s.protocol for s in SIGNALS.values()), *(c.value for c in model.Carrier), *(u.value for u in model.Use), *policies.names(),
               "AI", "TDM", "RSL", "URL", "CDPA", "U.S.C", "DPIIT", "PL", "Robots", "Exclusion", "Protocol", "a", "b", "d", "A"}


def test_all_lists_of_languages_are_the_same():
    assert LANGUAGES == OF_REPORTS
    assert all(set(policies.load(name).tell) == set(LANGUAGES) for name in policies.names())


def test_there_are_no_words_in_another_language():
    with pytest.raises(KeyError):
        words("xx")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_the_same_words_with_the_same_places(language):
    told, english = words(language), words("en")
    assert {topic: list(texts) for topic, texts in told.items()} == {topic: list(texts) for topic, texts in english.items()}
    for topic, texts in told.items():
        for key, text in texts.items():
            assert sorted(set(PLACE.findall(text))) == sorted(set(PLACE.findall(english[topic][key]))), (topic, key)


def test_there_is_a_word_for_everything_that_can_be_said():
    told = words("en")
    for topic, known in LISTS.items():
        assert tuple(told[topic]) == known or set(told[topic]) == set(known), topic
    assert set(told["place"]) == set().union(*policy.PLACES.values())
    rows = {r.id for name in policies.names() for r in policies.load(name).rules}
    assert set(told["rows"]) <= rows, "a sentence that no policy needs"
    assert set(told["house"]) == {s.house for name in policies.names() for s in policies.load(name).sources.values() if s.house}


def latin(text: str, told: Words) -> set[str]:
    return set(re.findall(r"[A-Za-z][\w.-]*\w|[A-Za-z]", PLACE.sub("", text), re.ASCII)) - IDENTIFIERS


@pytest.mark.parametrize("language", ["ko", "ja"])
@pytest.mark.parametrize("name", policies.names())
def test_no_english_is_left_in_a_table_in_another_script(name, language):
    told = words(language)
    shown = json.loads(CliRunner().invoke(main, ["policy", "show", name, "--lang", language, "--format", "json"]).output)
    for row in shown["rules"]:
        assert not latin(row["sentence"], told), row["id"]
        assert not latin(row["if"], told), row["id"]
        assert not latin(row["then"], told), row["id"]
    assert not latin(policies.load(name).titles[language], told)
    text = CliRunner().invoke(main, ["policy", "show", name, "--lang", language]).output
    head = text[text.index("\n"):text.index("─")]
    assert not latin(re.sub(r"\[[\w-]+\]", "", head), told) - {policies.load(name).jurisdiction, "agreed-protocols"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_list_tells_what_is_only_a_proposal(language, monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    text = CliRunner().invoke(main, ["policy", "list", "--lang", language]).output
    (line,) = [line for line in text.splitlines() if line.strip().startswith("kr-item32-2026")]
    assert words(language)["status"]["proposal"] in line
    (house,) = [line for line in text.splitlines() if line.strip().startswith("balanced")]
    assert words(language)["status"]["house"] in house


def test_a_draft_or_a_proposal_is_nobodys_default():
    from crawler.commands.demo import OTHER
    from crawler.settings import DEFAULTS
    for name in {options.DEFAULT_POLICY, OTHER, *DEFAULTS["MAYMINE_POLICIES"]}:
        assert policies.load(name).status in policy.APPLIES_UNNAMED
