"""The table of known crawlers."""
from __future__ import annotations

import pytest

from rules import agents as table
from rules.agents import FOR_TRAINING, Purpose, agents, product_token, training_operator
from rules.strict_yaml import DataError


def test_every_name_finds_its_agent() -> None:
    known = set(agents().values())
    assert len(known) == 118
    for agent in known:
        for name in (agent.token, *agent.also_known_as):
            assert agents()[name.lower()] is agent


def test_operators_have_one_spelling() -> None:
    operators = {agent.operator for agent in agents().values()}
    assert len(operators) == len({"".join(filter(str.isalnum, name.lower())) for name in operators})
    assert not {name for name in operators if "UNVERIFIED" in name or "/" in name}


@pytest.mark.parametrize("token, operator", [
    ("gptbot", "OpenAI"), ("ccbot", "Common Crawl"), ("google-extended", "Google"), ("applebot-extended", "Apple"), ("applebot", "Apple"),
    ("anthropic-ai", "Anthropic"), ("ai2bot-dolma", "Ai2"), ("kangaroo bot", "Kangaroo LLM"), ("omgilibot", "Webz.io"),
    ("chatgpt-user", None), ("oai-adsbot", None), ("facebookexternalhit", None), ("googlebot", None), ("oai-searchbot", None),
    ("img2dataset", None), ("scrapy", None), ("grokbot", None), ("nobody", None), ("GPTBot", None),
])
def test_training_operator(token: str, operator: str | None) -> None:
    assert training_operator(token) == operator


def test_purposes_that_never_count() -> None:
    assert not FOR_TRAINING & {Purpose.USER_FETCH, Purpose.ADS_CHECK, Purpose.PREVIEW, Purpose.SEARCH_INDEX, Purpose.AGENT}


def test_product_token() -> None:
    assert product_token("Googlebot/2.1") == "Googlebot"
    assert product_token("GPTBot") == "GPTBot"
    assert product_token("Größe") == "Gr"
    assert not agents()["img2dataset"].is_product_token
    assert agents()["gptbot"].is_product_token


def test_only_control_tokens_control() -> None:
    assert {a.token for a in agents().values() if a.control_only} == {"Google-Extended", "Applebot-Extended"}


def test_a_name_may_not_stand_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    row = "  - {token: %s, operator: O, purpose: training, obeys-robots: yes, confidence: reported}\n"
    monkeypatch.setattr(table, "read", lambda name: "as-of: 2026-11-22\nsources: {}\nagents:\n" + row % "A" + row % "a")
    with pytest.raises(DataError, match=r"agents\.yaml:5: 'a' stands twice"):
        agents.__wrapped__()
