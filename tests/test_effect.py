"""The effect matrix: what the words of a site come to for each known crawler."""
from __future__ import annotations

import tarfile

import pytest

from crawler.effect import COLUMNS, Answer, Row, could_refuse, effect, known_tokens
from rules import Access, Asker, Asset, Carrier, Evidence, FaultKind, Statement, Use, Verdict, assess
from rules.agents import agents
from rules.policies import load

from . import thirdparty

PAGE = Asset("https://art.example/works/1")
A, R, S, U, N = Answer.ALLOWED, Answer.REFUSED, Answer.SILENT, Answer.UNKNOWN, Answer.NEVER


def evidence(carrier: Carrier, said: str | Access) -> Evidence:
    if isinstance(said, Access):
        return Evidence(carrier, "https://art.example/", None, said)
    return Evidence(carrier, "https://art.example/", None, Access.OBTAINED, said.encode())


def site(robots: str | Access = "", fields: str = "", body: str = "<!doctype html><title>One</title>",
         tdmrep: str | Access = Access.UNAVAILABLE, **others: str | Access) -> list[Evidence]:
    given = {Carrier.ROBOTS_TXT: robots, Carrier.TDMREP_JSON: tdmrep, Carrier.HTTP_FIELDS: fields, Carrier.BODY: body}
    return [evidence(c, said) for c, said in {**given, **{Carrier(k.replace("_", ".")): v for k, v in others.items()}}.items()]


def of(token: str, *args: str | Access, asset: Asset = PAGE, **kwargs: str | Access) -> tuple[Answer, ...]:
    row, = effect(asset, site(*args, **kwargs), [token])
    return tuple(row.cells[use].answer for use in COLUMNS.values())


@pytest.mark.parametrize("token, said, answers", [
    # what is said             fetch, search, train, ai-use
    ("GPTBot", {}, (S, S, S, S)),
    ("GPTBot", {"robots": "User-agent: GPTBot\nDisallow: /"}, (R, R, R, R)),
    ("CCBot", {"robots": "User-agent: GPTBot\nDisallow: /"}, (S, S, S, S)),
    ("CCBot", {"robots": "User-agent: *\nAllow: /\nContent-Signal: search=yes, ai-train=no"}, (A, A, R, S)),
    ("CCBot", {"robots": "User-agent: CCBot\nAllow: /\n\nUser-agent: *\nContent-Signal: ai-train=no"}, (A, S, S, S)),
    ("CCBot", {"robots": "User-agent: *\nContent-Usage: train-ai=n, ai-use=y"}, (S, S, R, A)),
    ("CCBot", {"robots": "User-agent: *\nContent-Usage: /works/ train-ai=y\nContent-Usage: train-ai=n"}, (S, S, A, S)),
    ("CCBot", {"fields": "tdm-reservation: 1"}, (S, S, R, R)),
    ("CCBot", {"tdmrep": '[{"location": "/", "tdm-reservation": 1}]', "fields": "tdm-reservation: 0"}, (S, S, A, A)),
    ("CCBot", {"body": "<!doctype html><meta name=robots content=noimageai>"}, (S, S, S, S)),
    ("CCBot", {"body": "<!doctype html><meta name=robots content=noai>"}, (S, S, R, S)),
    ("GPTBot", {"body": "<!doctype html><meta name=gptbot content=noai>"}, (S, S, R, S)),
    ("CCBot", {"body": "<!doctype html><meta name=gptbot content=noai>"}, (S, S, S, S)),
    ("CCBot", {"fields": "X-Robots-Tag: gptbot: noai"}, (S, S, S, S)),
    ("bingbot", {"fields": "X-Robots-Tag: noarchive"}, (S, S, R, R)),
    ("CCBot", {"fields": "X-Robots-Tag: noarchive"}, (S, S, S, S)),
    # a control token never fetches; rules for it are about the uses that it controls
    ("Google-Extended", {"robots": "User-agent: Google-Extended\nDisallow: /"}, (N, S, R, R)),
    ("Google-Extended", {"robots": "User-agent: Google-Extended\nAllow: /"}, (N, S, A, A)),
    ("Google-Extended", {"robots": "User-agent: *\nAllow: /"}, (N, S, S, S)),
    ("Google-Extended", {"robots": "User-agent: *\nDisallow: /"}, (N, S, R, R)),
    ("Google-Extended", {"robots": "User-agent: *\nContent-Signal: ai-train=no"}, (N, S, R, S)),
    ("Applebot-Extended", {"robots": "User-agent: *\nDisallow: /"}, (N, S, R, S)),
    # what could not be read is never taken for silence, nor for leave
    ("CCBot", {"robots": Access.UNREACHABLE}, (R, U, U, U)),
    ("CCBot", {"robots": Access.REFUSED}, (S, S, S, S)),        # it counts as none
    ("CCBot", {"tdmrep": Access.REFUSED}, (S, S, S, S)),
    ("CCBot", {"tdmrep": Access.UNREACHABLE}, (S, S, U, U)),
    ("CCBot", {"tdmrep": Access.UNREACHABLE, "robots": "User-agent: *\nContent-Signal: ai-train=yes, search=yes"}, (S, A, U, U)),
    ("CCBot", {"tdmrep": Access.UNREACHABLE, "robots": "User-agent: *\nContent-Signal: ai-train=no"}, (S, S, R, U)),
    ("CCBot", {"tdmrep": "<!doctype html><title>Home</title>"}, (S, S, S, S)),
    ("CCBot", {"ai_txt": Access.UNREACHABLE}, (S, S, U, S)),
    ("CCBot", {"robots": "Content-Signal: ai-train=no\nUser-agent: *\nAllow: /"}, (A, U, U, U)),
])
def test_what_is_said_comes_to(token, said, answers):
    assert of(token, **said) == answers


def test_carriers_that_nobody_looked_at_are_no_silence():
    row, = effect(PAGE, [evidence(Carrier.ROBOTS_TXT, "")], ["CCBot"])
    assert [row.answer(use) for use in COLUMNS.values()] == [S, U, U, U]
    assert all(f.kind is FaultKind.NOT_COLLECTED for f in row.cells[Use.TRAIN_GENAI].because)


def test_an_answer_names_the_words_that_make_it_so():
    rows = {r.token: r for r in effect(PAGE, site("User-agent: GPTBot\nDisallow: /\n\nUser-agent: *\nContent-Signal: ai-train=no"))}
    because = rows["GPTBot"].cells[Use.TRAIN_GENAI].because
    assert [(f.signal, f.where) for f in because if isinstance(f, Statement)] == [("robots.rule", "line 2")]
    because = rows["CCBot"].cells[Use.TRAIN_GENAI].because
    assert [(f.signal, f.where) for f in because if isinstance(f, Statement)] == [("content-signal.robots", "line 5")]


def test_every_known_crawler_has_a_row_with_every_column():
    rows = effect(PAGE, site())
    assert [r.token for r in rows] == list(known_tokens()) == list(dict.fromkeys(a.token for a in agents().values()))
    assert all(tuple(r.cells) == tuple(COLUMNS.values()) for r in rows)
    assert {r.token for r in rows if r.answer(Use.CRAWL) is N} == {"Google-Extended", "Applebot-Extended"}


def test_what_a_crawler_is_run_for():
    rows = {r.token: r for r in effect(PAGE, site(), ["GPTBot", "OAI-SearchBot", "ChatGPT-User", "Google-Extended", "Stranger"])}
    concerned = {t: "".join("x" if r.concerns(use) else "." for use in COLUMNS.values()) for t, r in rows.items()}
    assert concerned == {"GPTBot": "x.x.", "OAI-SearchBot": "xx.x", "ChatGPT-User": "x..x", "Google-Extended": "..xx", "Stranger": "xxxx"}


def test_what_can_stand_unread_in_a_carrier():
    assert Use.SEARCH not in could_refuse(Carrier.TDMREP_JSON)
    assert Use.AI_USE in could_refuse(Carrier.TDMREP_JSON)
    assert could_refuse(Carrier.AI_TXT) == could_refuse(Carrier.TRUST_TXT) == {Use.TRAIN_AI, Use.TRAIN_GENAI, Use.TRAIN_OTHER, Use.TDM}
    assert could_refuse(Carrier.LLMS_TXT) == frozenset()


def one_by_one(asset: Asset, given: list[Evidence]) -> list[dict[Use, Answer]]:
    """The same without asking alike crawlers together."""
    return [{use: cell.answer for use, cell in effect(asset, given, [token])[0].cells.items()} for token in known_tokens()]


def answers(rows: tuple[Row, ...]) -> list[dict[Use, Answer]]:
    return [{use: cell.answer for use, cell in r.cells.items()} for r in rows]


FIELDS = "X-Robots-Tag: GPTBot: noai\nX-Robots-Tag: noarchive"
METAS = "<!doctype html><meta name=ccbot content=noai><meta name=robots content=noai><title>A</title>"


def corpus(every: int) -> list[bytes]:
    with tarfile.open(thirdparty.path("robots-real.tar.xz")) as archive:
        return [file.read() for n, m in enumerate(archive) if n % every == 0 and (file := archive.extractfile(m))]


@pytest.mark.parametrize("every", [400, pytest.param(1, marks=[pytest.mark.slow, pytest.mark.timeout(1_800)])])
def test_crawlers_asked_about_together_hear_what_they_hear_alone(every):
    for body in corpus(every):
        given = [Evidence(Carrier.ROBOTS_TXT, "https://art.example/robots.txt", None, Access.OBTAINED, body), *site("", FIELDS, METAS)[1:]]
        assert answers(effect(PAGE, given)) == one_by_one(PAGE, given)
        for row in effect(PAGE, given):              # and fetching is what the policy decides
            verdict = assess(PAGE, given, load("rfc9309-crawl"), Asker(row.token)).decisions[Use.CRAWL].verdict
            assert row.answer(Use.CRAWL) in {Verdict.PROHIBITED: (R, N), Verdict.PERMITTED: (A, S, N), Verdict.UNDETERMINED: (U, N)}[verdict]
