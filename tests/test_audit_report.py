"""A report of an audit: one value, told in every form and language, and read back; hostile words stay words."""
from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner
from markdown_it import MarkdownIt

from crawler.audit.findings import TO_MEND, Found, Place, Status, kinds
from crawler.audit.hosts import fixes, hosts
from crawler.audit.report import from_json, to_json
from crawler.cli import main
from crawler.declare.site.intent import RECOMMENDED, STANCES
from crawler.declare.site.targets import targets
from crawler.report import audit, catalogue, page
from crawler.report.catalogue import LANGUAGES, Catalogue

from .audit_reports import HOSTILE, full, hostile

SCHEMA = json.loads((Path(__file__).parent.parent / "schema/audit.json").read_text("utf-8"))
FULL = full()
EN = Catalogue("en")


def test_the_value_fits_its_schema_and_comes_back():
    value = json.loads(json.dumps(to_json(FULL)))
    jsonschema.validate(value, SCHEMA, format_checker=jsonschema.FormatChecker())
    assert from_json(value) == FULL
    assert value["counts"] == {s.value: sum(k.status is s for k in kinds().values()) for s in Status}


def test_the_fingerprint_is_of_the_finding_and_the_site():
    prints = [FULL.fingerprint(f) for f in FULL.findings]
    assert len(set(prints)) == len(prints)
    assert prints == [full().fingerprint(f) for f in FULL.findings]
    assert prints[0] != full("https://other.example/").fingerprint(FULL.findings[0])


@pytest.mark.parametrize("spoil", [
    lambda v: v.update(schema="maymine-audit-9"), lambda v: v.pop("at"), lambda v: v.update(at="yesterday"), lambda v: v.update(pages=True),
    lambda v: v.update(findings=[{}]), lambda v: v["findings"][0].update(id="OO999"), lambda v: v["findings"][0]["parameters"].update(n=[]),
    lambda v: v["findings"][0].update(places=[3]), lambda v: v["effect"][0]["answers"].update(train="perhaps"),
    lambda v: next(f for f in v["findings"] if f["id"] == "OO103")["parameters"].pop("agents"), lambda v: v.update(findings={}),
])
def test_a_report_that_is_none_is_refused_with_the_place(spoil):
    value = to_json(FULL)
    spoil(value)
    with pytest.raises(ValueError, match="the report"):
        from_json(value)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_finding_is_told_in_every_language_and_form(language):
    say = Catalogue(language)
    text = "\n".join(line for line, _, _ in audit.as_text(FULL, say))
    for told in (text, audit.as_markdown(FULL, say), audit.as_html(FULL, say)):
        assert all(f.id in told for f in FULL.findings if f.kind.status is not Status.STATED)
    assert f'<html lang="{language}">' in audit.as_html(FULL, say)
    messages = [r["message"]["text"] for r in audit.as_sarif(FULL, say)["runs"][0]["results"]]
    assert len(messages) == len(set(messages)) == sum(f.kind.status is not Status.STATED for f in FULL.findings)


def test_no_language_is_left_in_another():
    """Each sentence differs from the English one, but for names and numbers."""
    same = [(key, language) for topic in ("audit", "fix") for key, said in catalogue.messages(topic).items() for language in LANGUAGES[1:]
            if said[language].other == said["en"].other and not key.startswith(("place.", "carrier.", "standard"))]
    assert same == []


def test_the_headline_counts_and_gives_no_score():
    assert re.match(r"\d+ things to mend: \d+ broken, \d+ contradicting, \d+ missing\.", audit.headline(FULL, EN))
    assert "14 of the 18" in audit.headline(FULL, EN)
    clean = from_json({**to_json(FULL), "findings": []})
    assert audit.headline(clean, EN).startswith("Nothing to mend")
    assert "could not be looked at" in audit.headline(from_json({**to_json(clean), "came": False}), EN)


def test_every_fix_is_in_words_and_lines():
    used = {k.fix for k in kinds().values() if k.fix}
    assert used == set(fixes())
    plain = {key for key in catalogue.messages("fix") if "." not in key}
    assert used | {"closed", "command", "copy", "merge"} == plain
    assert all(fixes()[fix][host] for fix, _, host in (key.partition(".") for key in set(catalogue.messages("fix")) - plain))
    assert {host for row in fixes().values() for host in row} - {"any", "command"} <= set(targets())
    assert set(hosts()) <= set(targets())


def test_lines_to_copy_are_those_of_the_host():
    view = {f.id: audit.fix(f, FULL) for f in FULL.findings if f.kind.fix}
    assert "add_header tdm-reservation 1 always;" in view["OO302"][0]
    assert "again into each 'location'" in audit.how(next(f for f in FULL.findings if f.id == "OO302"), FULL, EN.text)
    assert "#" not in "".join(text for row in fixes().values() for text in row.values())      # words stand in the catalogues
    assert "location ^~ /.well-known/" in view["OO202"][0]
    assert view["OO104"][0] == "User-agent: GPTBot\nUser-agent: CCBot\nDisallow: /\n"
    assert view["OO103"][0] == view["OO104"][0]
    assert view["OO101"][0].startswith("User-agent: GPTBot\nUser-agent: ClaudeBot\n")
    assert "maymine declare --for nginx --origin https://art.example " in view["OO101"][1]
    assert "Header always set" in audit.fix(next(f for f in FULL.findings if f.id == "OO302"), full(host="apache"))[0]


def test_a_command_keeps_what_is_served_and_answers_in_the_language_of_the_report():
    kept = replace(FULL, findings=tuple(f for f in FULL.findings if f.kind.fix != "robots-serve"))
    found = next(f for f in kept.findings if f.id == "OO103")
    command = audit.fix(found, kept, "de")[1]
    assert command == "maymine declare --for nginx --origin https://art.example --stance search-only -o kit --merge robots.txt --lang de"
    assert audit.first(command, kept, EN.text).startswith("For the command below, first save https://art.example/robots.txt")
    for told in ("\n".join(line for line, _, _ in audit.as_text(kept, EN)), audit.as_markdown(kept, EN), audit.as_html(kept, EN)):
        assert "For the command below" in told
    for other in (FULL, replace(kept, known=0), replace(kept, host="shopify")):      # it cannot be read, is not there, is kept anyway
        assert "--merge" not in audit.fix(found, other)[1]
        assert audit.first(audit.fix(found, other)[1], other, EN.text) == ""


def test_pictures_get_the_tag_that_the_kit_of_the_same_audit_names():
    from crawler.declare.site.steps import tag
    found = {f.id: audit.fix(f, FULL)[1] for f in FULL.findings if f.kind.fix}
    assert f"--stance {RECOMMENDED} " in found["OO103"]
    assert found["OO401"] == f"maymine tag pictures --value {tag(STANCES[RECOMMENDED].said)}"


@pytest.mark.parametrize("why, words", [("status 404", "There is no page at https://art.example/nope (status 404)."),
                                        ("no such host", "https://art.example/nope could not be looked at, so much of this is open. Why: no such host.")])
def test_a_page_that_did_not_come_is_told_first(why, words):
    lost = replace(FULL, came=False, findings=(Found("OO901", {}, (Place("https://art.example/nope", "", why),)), *FULL.findings))
    assert audit.headline(lost, EN).startswith(words)
    lines = [line for line, _, _ in audit.as_text(lost, EN)]
    assert lines[2].startswith(words)
    assert sum(line.startswith(words) for line in lines) == 1


def test_a_wish_and_a_refusal_to_let_in_are_told_apart_in_one_sentence():
    assert "asks 14 of the 18 known AI crawlers that promise to read it not to train, and does not shut them out" in audit.headline(FULL, EN)
    shut = replace(FULL, findings=tuple(f for f in FULL.findings if f.id != "OO105"))
    assert "says no to AI training for 14 of the 18" in audit.headline(shut, EN)


def test_where_a_host_is_closed_that_is_told_instead():
    closed = full(host="squarespace")
    told = {f.id: (audit.how(f, closed, EN.text), audit.fix(f, closed)) for f in closed.findings if f.kind.fix}
    for id in ("OO101", "OO201", "OO301", "OO601"):
        assert told[id] == ("Squarespace does not let you change this file or setting. 'maymine declare' tells in numbered steps what can be "
                            "done there, and what stays uncovered.", ("", "maymine declare --for squarespace --origin https://art.example --stance search-only -o kit"))
    assert "<head>" in told["OO305"][0]
    assert told["OO305"][1] == audit.fix(next(f for f in FULL.findings if f.id == "OO305"), FULL)


def test_sarif_has_what_the_standard_asks_for():
    log = audit.as_sarif(FULL, EN)
    assert log["version"] == "2.1.0"
    run = log["runs"][0]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert len(rules) == len(set(rules))
    for result in run["results"]:
        assert rules[result["ruleIndex"]] == result["ruleId"]
        assert (result["kind"] == "fail") is (kinds()[result["ruleId"]].status in TO_MEND)
        assert result["level"] in (("error", "warning") if result["kind"] == "fail" else ("none",))
        assert result["locations"][0]["physicalLocation"]["region"]["startLine"] == 4
        assert re.fullmatch("[0-9a-f]{32}", result["partialFingerprints"]["maymine/v1"])


class Elements(HTMLParser):
    """Every element and its attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))


def test_words_of_strangers_are_words_in_every_form():
    harm = hostile(findings=200, long=100_000)
    html = audit.as_html(harm, EN)
    parser = Elements()
    parser.feed(html)
    assert sum(tag == "script" for tag, _ in parser.seen) == 2
    assert not [tag for tag, _ in parser.seen if tag in ("img", "iframe", "object", "form", "base")]
    assert not [attrs for _, attrs in parser.seen if any(name.startswith("on") or name == "style" for name in attrs)]
    assert all(attrs.get("href", "#").startswith(("http://", "https://", "#", "data:,")) for _, attrs in parser.seen)
    shown = html.partition('id="maymine-data"')[0]
    assert not set("\u202e\x00\x1b") & set(shown)
    assert len(shown) < 3_000_000
    assert from_json(page.embedded(html)) == harm
    markdown = audit.as_markdown(harm, EN)
    kinds_of_tokens = {t.type for token in MarkdownIt("commonmark").enable("table").parse(markdown) for t in (token, *(token.children or ()))}
    assert {"heading_open", "table_open", "code_block"} <= kinds_of_tokens
    assert not kinds_of_tokens & {"html_block", "html_inline", "link_open", "image", "em_open", "fence"}
    assert not set("\u202e\x00\x1b") & set(markdown)


def test_the_report_is_told_again_in_another_language_and_form(tmp_path):
    first = tmp_path / "r.html"
    first.write_text(audit.as_html(FULL, EN), "utf-8")
    run = CliRunner().invoke(main, ["report", "--from", str(first), "--lang", "ko", "-o", str(tmp_path / "k.html")])
    assert run.exit_code == 0, run.output
    assert (tmp_path / "k.html").read_text("utf-8") == audit.as_html(FULL, Catalogue("ko"))
    for name, sign in (("r.md", "# "), ("r.json", "{"), ("r.jsonl", "{"), ("r.sarif", "{"), ("r.txt", "What art.example")):
        assert CliRunner().invoke(main, ["report", "--from", str(first), "-o", str(tmp_path / name)]).exit_code == 0
        assert (tmp_path / name).read_text("utf-8").startswith(sign)
    for form in ("text", "json", "jsonl", "md", "html", "sarif"):
        run = CliRunner().invoke(main, ["report", "--from", str(tmp_path / "r.json"), "--format", form])
        assert run.exit_code == 0
        assert run.stdout
    assert json.loads(CliRunner().invoke(main, ["report", "--from", str(first), "--format", "jsonl"]).stdout) == to_json(FULL)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", "<html></html>", "[" * 100_000, '{"schema": 3}'])
def test_a_file_without_a_report_is_told(tmp_path, text):
    file = tmp_path / "x.html"
    file.write_text(text)
    run = CliRunner().invoke(main, ["report", "--from", str(file)])
    assert run.exit_code == 2
    assert "holds no report" in run.output
    file.write_bytes(b"\xff\xfe")
    assert CliRunner().invoke(main, ["report", "--from", str(file)]).exit_code == 2


def test_what_cannot_be_written_is_told(tmp_path):
    (tmp_path / "r.json").write_text(json.dumps(to_json(FULL)))
    run = CliRunner().invoke(main, ["report", "--from", str(tmp_path / "r.json"), "-o", str(tmp_path / "no/r.html")])
    assert run.exit_code == 2
    assert "cannot be written" in run.output


def test_hostile_words_hold_no_secret_in_text():
    lines = list(audit.as_text(hostile(findings=60, long=1_000), EN))
    run = CliRunner().invoke(main, ["report", "--help"])
    assert run.exit_code == 0
    assert any(HOSTILE[:20] in line for line, _, _ in lines)     # raw here; terminal.say makes it harmless
