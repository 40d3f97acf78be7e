"""The shell of every page: what strangers wrote does not run, steer or hide; the words are there in every language."""
from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from crawler.report import catalogue, page
from crawler.report.catalogue import LANGUAGES, Catalogue
from rules.strict_yaml import DataError, load

MESSAGES = Path(catalogue.__file__).parent / "messages"
EN = Catalogue("en")


@pytest.mark.parametrize("topic", catalogue.topics())
def test_every_message_is_there_in_every_language_with_the_same_parameters(topic):
    for key, said in catalogue.messages(topic).items():
        assert set(said) == set(LANGUAGES)
        assert len({message.parameters for message in said.values()}) == 1, key
        assert all(message.other for message in said.values()), key


@pytest.mark.parametrize("text, wrong", [
    ("a: {en: x, de: x, fr: x, ko: x}", "m.yaml:1: 'ja' is missing"),
    ("a: {en: x, de: x, fr: x, ko: x, ja: x, it: x}", "'it' is not known here"),
    ("a: {en: '{n} x', de: x, fr: '{n} x', ko: '{n}', ja: '{n}'}", "m.yaml:1: 'a' has the parameters [] here and ['n'] in en"),
    ("a:\n  en: '{N}'\n  de: x\n  fr: x\n  ko: x\n  ja: x", "m.yaml:2: a brace encloses no parameter"),
    ("a: {en: '`x', de: x, fr: x, ko: x, ja: x}", "a backtick has no other"),
    ("a: {en: [a, b, c], de: x, fr: x, ko: x, ja: x}", "a text, or two of them"),
    ("a: {en: ['{m}', '{n}'], de: '{n}', fr: '{n}', ko: '{n}', ja: '{n}'}", "the form for one has a parameter"),
])
def test_an_incomplete_catalogue_is_refused_with_its_line(text, wrong):
    with pytest.raises(DataError, match=re.escape(wrong)):
        catalogue.parsed(load(text, "m.yaml"))


def test_numbers_and_plurals_are_those_of_the_language(monkeypatch):
    said = catalogue.parsed(load("a: {en: ['{n} page', '{n} pages'], de: ['{n} Seite', '{n} Seiten'], fr: ['{n} page', '{n} pages'], "
                                 "ko: '{n}쪽', ja: '{n} ページ'}", "m.yaml"))
    monkeypatch.setattr(catalogue, "messages", lambda topic: said)
    text = {language: [Catalogue(language).text("m.a", n=n) for n in (0, 1, 1234)] for language in LANGUAGES}
    assert text["en"] == ["0 pages", "1 page", "1,234 pages"]
    assert text["de"] == ["0 Seiten", "1 Seite", "1.234 Seiten"]
    assert text["fr"] == ["0 page", "1 page", "1\u202f234 pages"]
    assert text["ko"] == ["0쪽", "1쪽", "1,234쪽"]


def test_code_and_parameters_in_each_form(monkeypatch):
    said = catalogue.parsed(load("a: {en: 'In `{x}` & x', de: '`{x}`', fr: '{x}', ko: '{x}', ja: '{x}'}", "m.yaml"))
    monkeypatch.setattr(catalogue, "messages", lambda topic: said)
    assert EN.text("m.a", x="<b>`{y}") == "In '<b>`{y}' & x"
    assert EN.html("m.a", x="<b>`{y}") == Markup("In <code>&lt;b&gt;`{y}</code> &amp; x")
    assert EN.markdown("m.a", x="[a](b)") == r"In `\[a\]\(b\)` & x"
    assert Catalogue("fr").html("m.a", x=Markup("<b>x</b>")) == "<b>x</b>"
    assert "m.a" in EN or "m" not in catalogue.topics()


def test_what_there_is_not_is_said():
    for wrong in (lambda: Catalogue("xx"), lambda: EN.text("page.nothing"), lambda: EN.text("nothing.copy")):
        with pytest.raises(KeyError):
            wrong()
    assert "page.copy" in EN
    assert "page.nothing" not in EN
    assert "nothing.copy" not in EN


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_policy_admits_our_style_and_our_script_alone(language):
    html = page.render("page.html", Catalogue(language), title="T", style=".x{color:red}")
    assert f'<html lang="{language}">' in html
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', html)[1].replace("&#39;", "'")
    assert policy.startswith("default-src 'none';")
    for element in ("style", "script"):
        text = re.findall(rf"<{element}>(.*?)</{element}>", html, re.DOTALL)
        assert len(text) == 1
        assert f"{element}-src 'sha256-{b64encode(sha256(text[0].encode()).digest()).decode()}'" in policy
    assert " style=" not in html
    assert not re.search(r"\son\w+=", html)


HOSTILE = "</title></script><script>alert(1)</script><!--<script>\"'`\u202e\x00\x1b[2J"


def test_words_of_strangers_neither_run_nor_hide():
    html = page.render("page.html", EN, title=HOSTILE, data={HOSTILE: HOSTILE})
    assert html.count("<script") == 2
    assert html.count("</script>") == 2
    assert "<!--" not in html
    assert not set("\u202e\x00\x1b") & set(html.partition('id="maymine-data"')[0])
    assert "\\u202e" in html
    assert page.embedded(html) == {HOSTILE: HOSTILE}


@pytest.mark.slow
@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda each: st.lists(each) | st.dictionaries(st.text(), each)))
def test_any_value_comes_back_from_its_page(value):
    text = page.block(value)
    assert not {"<", ">", "&"} & set(text)
    assert page.embedded(page.render("page.html", EN, title="T", data={"value": value})) == {"value": value}


def test_a_page_without_data_is_told():
    for html in (page.render("page.html", EN, title="T"), "", '<script type="application/json" id="maymine-data">{',
                 '<script type="application/json" id="maymine-data">{</script>', '<script type="application/json" id="maymine-data">' + "[" * 99_999 + "</script>"):
        with pytest.raises(ValueError, match="data"):
            page.embedded(html)


@pytest.mark.parametrize("url, followed", [
    ("https://example.org/a?b=c&d", True), ("http://example.org", True), ("javascript:alert(1)", False), ("data:text/html,x", False),
    ("//example.org", False), ("https://", False), ("https://[", False), ("https://example.org/" + "a" * 3_000, False), (" javascript:x", False),
])
def test_only_http_and_https_are_links(url, followed):
    assert ("<a " in page.link(url)) is followed
    assert ("<a " in page.link(url, "text")) is followed


def test_a_long_value_is_cut_in_sight_and_whole_in_the_data():
    html = page.render("page.html", EN, title="x" * 5_000_000, data=["y" * 10_000])
    assert len(html) < 40_000
    assert "(+4998000)" in html
    assert page.embedded(html) == ["y" * 10_000]
