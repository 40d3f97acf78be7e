"""The command line as people and scripts meet it: help, exit codes, what goes to which stream."""
from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from crawler.answer import answer
from crawler.cli import main
from crawler.commands import options
from crawler.commands.policy import condition
from crawler.commands.signals import count_vectors
from crawler.commands.telling import what_happened
from crawler.demo import Reply, Site, served
from rules import Asker, Asset, Use, assess, from_record, policies, to_record
from rules.data import names, read
from rules.explain import citation, words
from rules.signals import SIGNALS

ROOT = Path(__file__).parents[1]
RUNAWAY_S = 60
HEAVY = ("rules", "scrapy", "twisted", "pyarrow", "lxml", "yaml", "rich", "selectolax")


def run(*words: str, stdin: str = "") -> click.testing.Result:
    return CliRunner().invoke(main, words, input=stdin, prog_name="maymine")


def maymine(*words: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """The real thing, in a process of its own."""
    return subprocess.run([sys.executable, "-m", "crawler.cli", *words], capture_output=True, text=True, timeout=RUNAWAY_S,
                          cwd=cwd or ROOT, env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "PYTHONWARNINGS": "error::DeprecationWarning"})


def commands(group: click.Group = main, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    out = [path]
    for name, command in group.commands.items():
        out += commands(command, (*path, name)) if isinstance(command, click.Group) else [(*path, name)]
    return out


# ---- help

@pytest.mark.parametrize("path", [c for c in commands() if c], ids=" ".join)
def test_help_has_an_example_that_names_the_command(path):
    told = run(*path, "--help")
    assert told.exit_code == 0
    example = told.output.partition("Example:\n")[2]
    assert f"maymine {' '.join(path)}" in example


def test_help_lists_every_command_with_a_sentence():
    told = run("--help").output
    for name, command in main.commands.items():
        assert any(line.split()[:1] == [name] and len(line.split()) > 2 for line in told.splitlines()), name
        assert command.get_short_help_str()


@pytest.mark.parametrize("path", commands(), ids=lambda p: " ".join(p) or "maymine")
def test_words_that_nobody_may_promise_are_not_in_the_help(path):
    told = run(*path, "--help").output.lower()
    assert not {"legal", "compliant", "compliance", "safe"} & set(told.replace(".", " ").replace(",", " ").split())


def test_the_verbs_import_nothing_heavy():
    code = f"import sys, crawler.cli; print([m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=RUNAWAY_S, check=True)
    assert done.stdout.strip() == "[]"


def test_defaults_are_those_of_a_crawl():
    from crawler import settings
    assert settings.DEFAULTS["MAYMINE_POLICIES"] == [options.DEFAULT_POLICY]
    assert settings.BOT_NAME == options.DEFAULT_TOKEN


def test_version_is_that_of_the_records():
    from rules.record import ENGINE
    assert run("--version").output.strip() == ENGINE


def test_a_table_of_ours_that_is_broken_ends_with_a_message(monkeypatch):
    for name, verb in (("strictest", ("policy", "show", "strictest")), ("eu-dsm-art3", ("policy", "list"))):
        monkeypatch.setattr(policies, "read", lambda path: read(path).replace("then: prohibit", "then: prohibid").replace("then: hold", "then: held"))
        policies.load.cache_clear()
        told = run(*verb)
        assert told.exit_code == 2
        assert "a table that comes with maymine is broken" in told.output
        assert re.search(r"^[a-z0-9-]+\.yaml:\d+: '(held|prohibid)'", told.output, re.MULTILINE), name
        assert "Traceback" not in told.output
    policies.load.cache_clear()


# ---- usage errors say what to do

@pytest.mark.parametrize("line, says", [
    (["assess", "--policy", "strict"], "did you mean strictest?"),
    (["assess", "--policy", "no-such-file.yaml"], "'no-such-file.yaml' is no policy"),
    (["assess", "--token", "My Bot"], "no product token"),
    (["assess", "--country", "Germany"], "two letters are wanted"),
    (["check", "ftp://example.org/a"], "no http or https address"),
    (["check", "/page.html"], "'maymine images'"),
    (["check", "README.md"], "'README.md' is a file"),
    (["check", "http://[::1"], "is no URL"),
    (["crawl", "https://example.org"], "-o RUN"),
    (["crawl", "-o", "x"], "Give addresses"),
    (["crawl", "https://example.org", "-o", "x", "-s", "NAME"], "no NAME=VALUE"),
    (["policy", "show", "eu-dsm-art4", "--lang", "xx"], "Known are de, en, fr, ja, ko"),
    (["agents", "GPTBat"], "did you mean GPTBot?"),
    (["agents", "nosuchbot"], "'nosuchbot' is no crawler in the table."),
    (["agents", "--purpose", "traning"], "did you mean training?"),
])
def test_a_wrong_command_line_is_told_in_words(line, says):
    done = run(*line)
    assert done.exit_code == 2
    assert says in " ".join(done.stderr.split())
    assert done.stdout == ""


@pytest.mark.slow
def test_a_file_that_is_not_there_ends_a_crawl_before_it_begins(tmp_path):
    done = maymine("crawl", "--urls", str(tmp_path / "none.txt"), "-o", str(tmp_path / "run"))
    assert (done.returncode, done.stdout) == (2, "")
    assert "none.txt: No such file" in done.stderr
    assert not (tmp_path / "run").exists()


# ---- policies

def test_policy_list_has_every_policy():
    rows = json.loads(run("policy", "list", "--format", "json").output)
    assert [r["name"] for r in rows] == list(policies.names())
    assert all(r["name"] in run("policy", "list").output for r in rows)


@pytest.mark.parametrize("name", policies.names())
def test_policy_show_has_every_row_with_its_source(name, monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    shown = json.loads(run("policy", "show", name, "--format", "json").output)
    policy = policies.load(name)
    assert [r["id"] for r in shown["rules"]] == [r.id for r in (*policy.rules, *policy.silences)]
    assert all(r["cite"] and r["sentence"] and r["if"] for r in shown["rules"])
    text = " ".join(run("policy", "show", name).output.split())
    for rule in policy.rules:
        assert rule.id in text
    assert all(" ".join(citation(source).split())[:30] in text for source in policy.sources.values())


def test_policies_are_shown_in_the_width_that_is_told(monkeypatch):
    monkeypatch.setenv("COLUMNS", "90")
    for verb in (("list",), ("show", "eu-dsm-art4")):
        assert max(len(line) for line in run("policy", *verb).output.splitlines() if "://" not in line) <= 90
    monkeypatch.setenv("COLUMNS", "²")
    assert max(map(len, run("policy", "list").output.splitlines())) > 90


def test_how_sources_were_checked_is_told_in_words():
    told = " ".join(run("policy", "show", "eu-dsm-art4").output.split())
    for word in {s.checked for s in policies.load("eu-dsm-art4").sources.values()} - {""}:
        assert f"checked: {words('en')['checked'][word]}" in told


def test_a_condition_is_spoken():
    told = words("en")
    row = next(r for r in policies.load("eu-dsm-art4").rules if r.id == "trainers-turned-away")
    assert condition(row.when, told) == "about fetching; that says no; to crawlers of three or more AI trainers"
    assert condition({"preference": frozenset({"allow", "disallow"})}, told) == "whatever it says"
    row = next(r for r in policies.load("eu-gpai-code").rules if r.id == "agreed-protocol")
    assert condition(row.when, words("fr"), "fr").startswith("dit dans une liste encore vide; qui dit non; ")
    asked = policies.load("search-only").silence(Use.SEARCH)
    assert condition(asked.when, words("ko"), "ko") == "물은 이용: 검색"


def test_policy_check_is_silent_where_nothing_is_wrong(tmp_path):
    file = tmp_path / "house.yaml"
    file.write_text(read("policies/strictest.yaml"), "utf-8")
    done = run("policy", "check", str(file))
    assert (done.exit_code, done.stdout) == (0, "")
    assert "examples come out as written" in done.stderr


@pytest.mark.parametrize("old, new, says", [
    ("status: house", "status: mansion", "'mansion' is none of"),
    ("verdict: prohibited", "verdict: permitted", "is prohibited by"),
])
def test_policy_check_tells_file_and_line(tmp_path, old, new, says):
    text = read("policies/strictest.yaml")
    assert old in text
    file = tmp_path / "house.yaml"
    file.write_text(text.replace(old, new, 1), "utf-8")
    done = run("policy", "check", str(file))
    assert done.exit_code == 1
    assert says in done.stdout
    for line in done.stdout.splitlines():
        path, number, _ = line.removeprefix(str(tmp_path)).split(":", 2)
        assert (path, number.isdigit()) == ("/house.yaml", True)


def test_a_policy_file_may_decide_and_a_broken_one_may_not(tmp_path):
    good, broken = tmp_path / "good.yaml", tmp_path / "broken.yaml"
    good.write_text(read("policies/strictest.yaml"), "utf-8")
    broken.write_text("policy: [", "utf-8")
    line = '{"url": "https://example.org/", "evidence": []}\n'
    assert json.loads(run("assess", "--policy", str(good), stdin=line).output)["policy"]["id"] == policies.load("strictest").id
    done = run("assess", "--policy", str(broken), stdin=line)
    assert done.exit_code == 2
    assert "broken.yaml:2:" in " ".join(done.stderr.split())


# ---- tables

def test_signals_are_those_of_the_table():
    rows = json.loads(run("signals", "--format", "json").output)
    assert [r["signal"] for r in rows] == list(SIGNALS)
    assert all(r["vectors"] >= 0 for r in rows)
    listed = run("signals").output
    assert all(s in listed for s in SIGNALS)


def test_vectors_are_counted_where_there_are_some(tmp_path):
    (tmp_path / "a.yaml").write_text("- {name: x, findings: [{signal: tdmrep.file}, {signal: tdmrep.file}]}\n- {findings: [{fault: stale}]}\n")
    assert count_vectors(tmp_path) == {"tdmrep.file": 1}
    assert count_vectors(tmp_path / "none") is None


def test_agents_are_found_by_name_operator_and_purpose():
    [one] = [json.loads(line) for line in run("agents", "gptbot", "--format", "jsonl").output.splitlines()]
    assert (one["operator"], one["for_training"]) == ("OpenAI", True)
    some = json.loads(run("agents", "--operator", "openai", "--purpose", "training", "--format", "json").output)
    assert {"GPTBot"} <= {a["token"] for a in some}
    assert {a["operator"] for a in some} == {"OpenAI"}


# ---- check and crawl, on real servers

def page(name: str, robots: Reply, *fields: str) -> Site:
    answer = Reply(200, ("Content-Type: text/html", *fields), b"<p>text</p>")
    return Site(name, "", "/a.html", {"/robots.txt": robots, "/a.html": answer}, {})


OPEN = page("open", Reply(200, (), b"User-agent: *\nDisallow: /*.pdf$\n"))
RESERVED = page("reserved", Reply(404, (), b""), "tdm-reservation: 1")
DOWN = page("down", Reply(503, (), b""))
GRUDGE = page("grudge", Reply(200, (), b"User-agent: GPTBot\nDisallow: /\n"))


@pytest.mark.slow
@pytest.mark.parametrize("site, code", [(OPEN, 0), (RESERVED, 1), (DOWN, 3), (GRUDGE, 1)], ids=lambda s: getattr(s, "name", s))
def test_check_ends_with_the_code_that_its_help_promises(site, code):
    with served([site]) as [url]:
        done = maymine("check", "--allow-private", "--format", "json", url)
    assert (done.returncode, done.stderr) == (code, "")
    [view] = json.loads(done.stdout)
    assert view["url"] == url
    assert view["record"]["schema"] == "maymine/record/1"


@pytest.mark.slow
def test_check_tells_what_decided_what_was_silent_and_what_older_crawlers_read():
    pdf = Site("pdf", "", "/b.pdf", OPEN.replies, {})
    with served([RESERVED, pdf]) as urls:
        first, second = urls
        done = maymine("check", "--allow-private", "-v", first, second)
    told = " ".join(done.stdout.split())
    assert done.returncode == 1
    assert f"Where: {first}, tdm-reservation" in told
    assert "Directive (EU) 2019/790, Article 4(3)" in told
    assert "Silent: - robots.txt, as there is none" in told
    assert f"Without '1' ({first}, tdm-reservation): tdm, train-ai, train-genai, ai-use would be permitted" in told
    assert "Older crawlers will read this robots.txt differently: - a crawler by the rules of 1996" in told
    assert "sha256:" in told
    assert told.index(first) < told.index(second)


@pytest.mark.slow
def test_check_says_first_what_became_of_the_page():
    gone, down = Site("gone", "", "/gone", OPEN.replies, {}), Site("down", "", "/b", {**OPEN.replies, "/b": Reply(503, (), b"")}, {})
    shut = Site("shut", "", "/a.html", {"/robots.txt": Reply(200, (), b"User-agent: *\nDisallow: /\n")}, {})
    with served([gone, down, shut]) as urls:
        lines = maymine("check", "--allow-private", *urls).stdout.splitlines()
    first = [lines[lines.index(url) + 1].strip() for url in urls]
    assert first[:2] == ["There is no such page (404).", "The server failed to give this page (503)."]
    assert first[2].startswith("The page was not fetched: ")


@pytest.mark.parametrize("page, told", [
    ({"access": "obtained", "status": 200}, ""),
    ({"access": "refused", "status": 403}, "The server refuses to give us this page (403)."),
    ({"access": "refused", "status": 451}, "This page is withheld by order of law (451)."),
    ({"access": "unavailable", "status": 418}, "The server does not give this page (418)."),
    ({"access": "unreachable", "detail": "the name of the host could not be resolved"},
     "The page could not be reached: the name of the host could not be resolved."),
    ({"access": "not-collected", "detail": "a.example: robots.txt: nobody asked. not asked: 10.0.0.1 is private"},
     "The page was not fetched: 10.0.0.1 is private."),
])
def test_what_became_of_a_page_is_one_sentence(page, told):
    assert what_happened([{"carrier": "robots.txt", "access": "unreachable"}, {"carrier": "body", **page}]) == told


@pytest.mark.slow
def test_what_would_change_a_permission_is_told_by_place_and_the_log_is_asked_for_twice():
    with served([OPEN]) as [url]:
        once, twice = (maymine("check", "--allow-private", v, url) for v in ("-v", "-vv"))
    changes = " ".join(once.stdout.split()).partition("Would change the answer: ")[2].partition(" Evidence:")[0]
    assert changes == ("- A refusal for everyone, in robots.txt or tdmrep.json or the response header or the page or file: "   # not ai.txt
                       "ai-use would be prohibited - Any reservation in one of the places listed under Silent: "
                       "tdm, train-ai, train-genai would be prohibited")
    assert (once.stderr, "Evidence:" in once.stdout) == ("", True)
    assert "Overridden settings" in twice.stderr


def test_uses_stand_in_the_order_of_the_policy():
    strictest, page = policies.load("strictest"), Asset("https://a.example/")
    read_back = from_record(json.loads(json.dumps(to_record(assess(page, (), strictest, Asker("bot"))), sort_keys=True)))
    view = answer(read_back, strictest)
    assert list(view["verdicts"]) == list(view["meanings"]) == [use.value for use in strictest.uses] != sorted(view["verdicts"])


def test_help_names_the_languages_that_there_are():
    assert set(names("words", ".yaml")) == set(options.LANGUAGES)
    assert "Language of the sentences: en, de, fr, ko, ja." in " ".join(run("check", "--help").output.split())


@pytest.mark.slow
def test_check_does_not_reach_private_addresses_unasked():
    with served([OPEN]) as [url]:
        done = maymine("check", url)
    assert done.returncode == 3
    assert "127.0.0.1 is not a public address" in " ".join(done.stdout.split())


@pytest.mark.slow
def test_crawl_keeps_a_run_and_goes_on_with_it(tmp_path):
    csv, run_folder = tmp_path / "list.csv", tmp_path / "run"
    with served([OPEN, RESERVED]) as urls:
        csv.write_text("link,n\n" + "".join(f"{url},{n}\n" for n, url in enumerate(urls)), "utf-8")
        line = ("crawl", "--allow-private", "--urls", str(csv), "--column", "link", "-o", str(run_folder))
        half = maymine(*line, "--max-pages", "1", "--format", "json")
        whole = maymine(*line, "--format", "json")
        other = maymine(*line, "--policy", "strictest")
        wrong = maymine(*line[:4], "--column", "url", "-o", str(tmp_path / "other"))
    assert [half.returncode, whole.returncode, other.returncode, wrong.returncode] == [0, 0, 2, 2]
    assert json.loads(half.stdout)["pages"] == json.loads(whole.stdout)["pages"] == 1
    tdm = next(d for d in json.loads(whole.stdout)["decisions"] if d["use"] == "tdm")
    assert (tdm["permitted"], tdm["prohibited"]) == (1, 1)
    assert "maymine decide" in other.stderr
    assert "no column 'url'; there are: link, n" in wrong.stderr
    assert half.stderr == whole.stderr == ""


@pytest.mark.slow
def test_crawl_without_a_folder_lets_records_go_by():
    with served([OPEN]) as [url]:
        done = maymine("crawl", "--allow-private", "--format", "jsonl", "--policy", "strictest", "--policy", "eu-dsm-art4", url)
    assert (done.returncode, done.stderr) == (0, "")
    assert [json.loads(line)["policy"]["id"].partition("@")[0] for line in done.stdout.splitlines()] == ["strictest", "eu-dsm-art4"]
