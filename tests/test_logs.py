"""Access logs: seven and more formats of one story, the traps of telling who came, and what is not told."""
from __future__ import annotations

import bz2
import gzip
import json
import time
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from crawler.cli import main
from crawler.logs import lists
from crawler.logs.formats import UnknownFormat, detect
from crawler.logs.grading import Finding, Grade, Grader
from crawler.logs.history import History, Version, host_of, words
from crawler.logs.naming import Names, named
from crawler.logs.reading import LINE_BYTES, read
from crawler.logs.request import instant
from crawler.logs.reverse import Reverse
from crawler.logs.store import Hit, Store
from crawler.logs.telling import GRADES, SENTENCES, cut
from crawler.logs.words import WordsError, add
from rules import Carrier
from rules.agents import agents

from .fixtures import logs as story
from .fixtures.logs import DAY, FORMATS, GPTBOT, ROBOTS, STORY, Line

HOUR, SINCE = timedelta(hours=1), DAY - timedelta(days=30)
COPIES = lists.shipped()


def history(*versions: tuple[datetime, int, bytes], exact: bool = True, url: str = "", carrier: Carrier = Carrier.ROBOTS_TXT) -> History:
    made = History()
    made.add(url, [Version(words(carrier, "/robots.txt", status, body), instant(at), instant(at), exact, "test")
                   for at, status, body in versions])
    return made


def hit(line: Line, token: str = "GPTBot", scheme: str = "", host: str = "") -> Hit:
    return Hit(instant(line.at), line.address, host, scheme, line.method, line.target, line.status, line.size, token, 0, 1)


def graded(words_: History, *hits: Hit, copies: list[lists.Copy] = COPIES, host: str = "art.example") -> list[Finding]:
    grader = Grader(words_, lists.Lists(copies), host)
    return [grader.grade(h) for h in hits]


def one(words_: History, *hits: Hit, **kwargs: Any) -> tuple[str, str]:
    """Grade and basis of the last of some requests."""
    last = graded(words_, *hits, **kwargs)[-1]
    return last.grade.value, last.basis


STANDS = history((SINCE, 200, ROBOTS))
ONE = Line(60, story.AT_GPTBOT, GPTBOT, "/gallery/one.jpg")


def run(*arguments: str, code: int | None = None) -> Result:
    done = CliRunner().invoke(main, ["logs", *arguments])
    assert code is None or done.exit_code == code, done.output + str(done.exception)
    return done


# ---- formats

@pytest.mark.parametrize("form", FORMATS)
def test_every_format_tells_the_same_story(form: str, tmp_path: Path) -> None:
    path, robots = tmp_path / "a.log", tmp_path / "robots.txt"
    path.write_bytes(story.log(form))
    robots.write_bytes(ROBOTS)
    found = run(str(path), "--policy", str(robots), "--since", "2026-08-01", "--host", "art.example", "--format", "jsonl", code=1)
    rows = [json.loads(line) for line in found.stdout.splitlines()]
    told = [(r["grade"], r["agent"], r["time"], r["address"], r["target"], r["status"], r["bytes"], r["basis"]) for r in rows]
    assert told == [
        ("A", "GPTBot", "2026-09-01T08:01:00Z", story.AT_GPTBOT, "/gallery/one.jpg", 200, 1234, "all-five"),
        ("B", "GPTBot", "2026-09-01T08:03:00Z", story.AT_SEARCHBOT, "/gallery/two.jpg?size=big", 200, 1234, "other-list-of-operator"),
        ("D", "GPTBot", "2026-09-01T08:04:00Z", story.ELSEWHERE, "/gallery/three.jpg", 200, 1234, "not-in-list"),
        ("C", "Bytespider", "2026-09-01T08:05:00Z", "110.249.201.4", "/gallery/%7Eana/x%20y.jpg", 200, 1234, "nothing-published"),
        ("U", "ChatGPT-User", "2026-09-01T08:06:00Z", story.AT_USER, "/gallery/four.jpg", 200, 1234, "asked-by-a-person"),
        ("A", "CCBot", "2026-09-01T08:10:00Z", story.AT_CCBOT, "/gallery/seven.jpg", 200, 99, "all-five")]
    schema = json.loads((Path(__file__).parent.parent / "schema" / "log-findings.json").read_text())
    for row in rows:
        jsonschema.validate(row, schema)
    assert rows[0]["policy"]["line"] == 6
    assert rows[0]["policy"]["quote"] == "Disallow: /gallery/"
    assert rows[0]["list"] == {"url": "https://openai.com/gptbot.json", "at": "2026-09-02T14:41:05Z", "prefix": "20.171.206.0/23"}


@pytest.mark.parametrize("form", FORMATS)
def test_the_short_way_to_the_agent_is_the_long_one(form: str) -> None:
    lines = story.log(form).splitlines()
    format_ = detect(lines)
    names = Names()
    for line in lines:
        if line.startswith(b"#"):
            continue
        request = format_.read(line)
        assert request is not None
        assert names[format_.agent(line)] or named(request.agent) is None


def test_a_line_of_another_shape_does_not_hide_its_agent() -> None:
    """A field more or less, or an escaped quote, shifts where the agent stands."""
    plain = story.combined(STORY[1]).encode()
    format_ = detect([plain] * 3)
    for odd in (plain.replace(b'"-"', b'"a \\"quoted\\" site"'), plain + b' "198.51.100.1" "x"', plain.replace(b"HTTP/1.1", b'\\"')):
        assert b"GPTBot" in format_.agent(odd), odd


@pytest.mark.parametrize("body, why", [
    (b"", "no line"), (b"hello\nworld\n", "no known format"), (b'{"a": 1}\n', "none is known"), (b"{broken\n", "no JSON objects"),
    (b"#Version: 1.0\n", "#Fields:"), (b"#Fields: date time c-ip\n2026-09-01 08:00:00 1.2.3.4\n", "cs(user-agent)"),
    (b'1.2.3.4 - - [01/Sep/2026:08:00:00 +0000] "GET / HTTP/1.1" 200 5\n', "User-Agent")])
def test_what_is_no_log_is_told(body: bytes, why: str, tmp_path: Path) -> None:
    with pytest.raises(UnknownFormat, match=why.replace("(", r"\(").replace(")", r"\)")):
        detect(body.splitlines())
    path, robots = tmp_path / "a.log", tmp_path / "robots.txt"
    path.write_bytes(body)
    robots.write_bytes(ROBOTS)
    assert why in run(str(path), "--policy", str(robots), "--since", "2026-08-01", code=3).stderr


def test_packed_files_and_globs_are_read_once_each(tmp_path: Path) -> None:
    import zstandard
    plain = story.log("combined")
    (tmp_path / "a.log").write_bytes(plain)
    (tmp_path / "a.log.1.gz").write_bytes(gzip.compress(plain))
    (tmp_path / "a.log.2.bz2").write_bytes(bz2.compress(plain))
    (tmp_path / "a.log.3.zst").write_bytes(zstandard.compress(plain))
    (tmp_path / "cut.log.gz").write_bytes(gzip.compress(plain)[:-40])
    (tmp_path / "robots.txt").write_bytes(ROBOTS)
    done = run(str(tmp_path / "a.log*"), str(tmp_path / "a.log"), "--policy", str(tmp_path / "robots.txt"), "--since", "2026-08-01",
               "--format", "json", code=1)
    report = json.loads(done.stdout)[0]
    assert [f["lines"] for f in report["files"]] == [12] * 4
    assert {(r["grade"], r["agent"]): r["requests"] for r in report["summary"]}["A", "GPTBot"] == 4
    assert "Compressed file ended" in run(str(tmp_path / "cut.log.gz"), "--policy", str(tmp_path / "robots.txt"), "--since",
                                          "2026-08-01", "--fail-on", "never", code=3).stderr


def test_fields_may_come_again_in_the_middle(tmp_path: Path) -> None:
    other = [n for n in story.IIS_FIELDS if n != "cs-username"]
    head = "#Fields: " + " ".join(other) + "\n"
    swapped = "".join(" ".join(v for n, v in zip(story.IIS_FIELDS, story.iis(s).split(" "), strict=True) if n != "cs-username") + "\n"
                      for s in STORY)
    path = tmp_path / "u.log"
    path.write_bytes(b"\xef\xbb\xbf" + story.log("iis") + head.encode() + swapped.encode())
    store = Store()
    done = read(path, 0, store, Names())
    assert (done.format, done.not_understood, len(store)) == ("iis", 0, 20)


def test_hostile_lines_cost_little_and_lose_nothing_else(tmp_path: Path) -> None:
    bot = story.combined(STORY[1]).encode()
    path = tmp_path / "a.log"
    path.write_bytes(bot + b"\n" + b"x" * (3 * LINE_BYTES) + b"\n" + bot.replace(b'"-"', b'"' + b'\\"' * 200_000 + b'"') + b"\n"
                     + b"[" * 300_000 + b"\n" + b'"' * 300_000 + b"\n" + b"\0" * 1000 + b"\n" + b'1 - - [01/Sep' * 20_000 + b"\n" + bot)
    store, start = Store(), time.monotonic()
    done = read(path, 0, store, Names())
    assert time.monotonic() - start < 20             # against runaway input
    assert len(store) == 3
    assert done.not_understood >= 1


@given(st.lists(st.binary(max_size=200), max_size=5), st.sampled_from(sorted(FORMATS)))
def test_no_line_raises(noise: list[bytes], form: str) -> None:
    lines = story.log(form).splitlines()
    format_ = detect(lines)
    for line in lines[:3]:
        for extra in noise:
            for mixed in (extra, line[:40] + extra + line[40:], line[:-20] + extra, extra + line):
                format_.agent(mixed)
                format_.read(mixed)


# ---- who

@pytest.mark.parametrize("agent, token", [
    (GPTBOT, "GPTBot"), ("gptbot", "GPTBot"), ("MyGPTBotX/1", None), ("Googlebot-Image/1.0", "Googlebot"), ("GPTBot-Fan", None),
    ("Applebot-Extended/0.1", "Applebot-Extended"), (story.PERSON, None), ("", None), ("Kangaroo Bot/1", "Kangaroo Bot")])
def test_a_name_counts_as_a_whole(agent: str, token: str | None) -> None:
    who = named(agent)
    assert (who.token if who else None) == token


GPT = agents()["gptbot"]
NOW = instant(DAY)


@pytest.mark.parametrize("address, standing", [
    (story.AT_GPTBOT, "confirmed"), ("::ffff:" + story.AT_GPTBOT, "confirmed"), (story.AT_SEARCHBOT, "operator"),
    (story.ELSEWHERE, "contradicted"), (story.AT_EDGE, "edge"), ("20.171.206.0", "network"), ("20.125.66.0", "unlisted"),
    ("198.51.100.0", "contradicted"), ("", "unknown"), ("crawl-1.openai.example", "unknown"), ("2606:4700::", "edge"),
    ("2001:db8::5", "contradicted")])
def test_addresses_are_held_against_the_list_of_the_day(address: str, standing: str) -> None:
    assert lists.Lists(COPIES).check(address, GPT, NOW).standing.value == standing


def test_a_list_of_another_day_confirms_nothing_and_contradicts_nothing() -> None:
    late = NOW + 40 * 24 * 3600 * 1_000_000
    known = lists.Lists(COPIES)
    assert known.check(story.AT_GPTBOT, GPT, late).standing.value == "dated"
    assert known.check(story.ELSEWHERE, GPT, late).standing.value == "unlisted"
    newer = lists.Copy(GPT.ip_ranges[0], DAY + timedelta(days=80), ("20.171.206.0/24",))
    both = lists.Lists([*COPIES, newer])
    assert both.check(story.AT_GPTBOT, GPT, late).standing.value == "confirmed", "it stood before and after"
    assert both.check("52.230.152.9", GPT, late).standing.value == "dated", "it stood before and was taken out"


@pytest.mark.parametrize("body, found", [
    ({"creationTime": "2026", "prefixes": [{"ipv4Prefix": "192.0.2.0/24"}, {"ipv6Prefix": "2001:db8::/32"}]}, 2),
    ({"addresses": ["192.0.2.1"], "ipv6_addresses": []}, 1),
    ({"prefixes": [{"ip_prefix": "192.0.2.0/24", "service": "CLOUDFRONT"}, {"ip_prefix": "198.51.100.0/24", "service": "EC2"}]}, 1),
    ("192.0.2.0/24,US\n# 198.51.100.0/24\n2001:db8::/32,DE\n", 2)])
def test_lists_are_read_in_whatever_shape(body: object, found: int) -> None:
    raw = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    assert len(lists.parse("https://x.example/l", raw, DAY).prefixes) == found


@pytest.mark.parametrize("raw", [b"", b"<html>not found</html>", b"[" * 100_000, b"[]", b'{"a": {"b": 1}}', b"x" * (5 << 20)])
def test_what_is_no_list_is_refused(raw: bytes) -> None:
    with pytest.raises(lists.ListError):
        lists.parse("https://x.example/l", raw, DAY)


def test_reverse_look_ups_count_only_when_they_are_confirmed() -> None:
    bing = agents()["bingbot"]
    names = {"203.0.113.5": "msnbot-1.search.msn.com", "203.0.113.6": "fake.search.msn.com", "203.0.113.7": "search.msn.com.evil.example"}
    back = {"msnbot-1.search.msn.com": {"203.0.113.5"}, "fake.search.msn.com": {"192.0.2.1"},
            "search.msn.com.evil.example": {"203.0.113.7"}}
    reverse = Reverse(lambda a: names.get(a, ""), lambda n: back.get(n, set()))
    grader = Grader(history((SINCE, 200, b"User-agent: bingbot\nDisallow: /")), lists.Lists(COPIES), "art.example", reverse)
    assert bing.rdns_suffixes
    got = [grader.grade(hit(replace(ONE, address=a), "bingbot")).grade.value for a in names]
    assert got == ["A", "D", "D"]


# ---- words and times

@pytest.mark.parametrize("name, words_, hits, expected", [
    ("all five hold", STANDS, (ONE,), ("A", "all-five")),
    ("robots.txt answered 503 to the crawler", STANDS, (replace(ONE, minute=0, target="/robots.txt", status=503), ONE),
     ("P", "robots-unreachable")),
    ("robots.txt was 503 for everybody", history((SINCE, 503, b"")), (ONE,), ("P", "robots-unreachable")),
    ("robots.txt answered 429", STANDS, (replace(ONE, minute=0, target="/robots.txt", status=429), ONE), ("P", "robots-unreachable")),
    ("robots.txt answered 403 to the crawler", STANDS, (replace(ONE, minute=0, target="/robots.txt", status=403), ONE),
     ("", "robots-unavailable")),
    ("robots.txt was 404", history((SINCE, 404, b"")), (ONE,), ("", "allowed")),
    ("a later good answer takes the place of an error", STANDS, (
        replace(ONE, minute=0, target="/robots.txt", status=503), replace(ONE, minute=1, target="/robots.txt"), ONE), ("A", "all-five")),
    ("the address is an edge of a CDN", STANDS, (replace(ONE, address=story.AT_EDGE),), ("C", "edge-address")),
    ("the address was cut short", STANDS, (replace(ONE, address="20.171.206.0"),), ("B", "cut-short")),
    ("the address was cut short, and only a part is in the list", STANDS, (replace(ONE, address="20.125.66.0"),),
     ("C", "cut-short-apart")),
    ("an impostor", STANDS, (replace(ONE, address=story.ELSEWHERE),), ("D", "not-in-list")),
    ("an impostor's fetch of robots.txt binds nobody", history((SINCE, 200, b""), (DAY + 30 * HOUR / 60, 200, ROBOTS)), (
        replace(ONE, minute=40, address=story.ELSEWHERE, target="/robots.txt"), ONE), ("", "change")),
    ("within a day of the change", history((SINCE, 200, b""), (DAY, 200, ROBOTS)), (ONE,), ("", "change")),
    ("a day after the change", history((SINCE, 200, b""), (DAY, 200, ROBOTS)), (replace(ONE, minute=25 * 60),), ("A", "all-five")),
    ("it had read the new words itself", history((SINCE, 200, b""), (DAY, 200, ROBOTS)), (
        replace(ONE, minute=10, target="/robots.txt"), ONE), ("A", "all-five")),
    ("it had read the old words itself", history((SINCE, 200, b""), (DAY + HOUR / 2, 200, ROBOTS)), (
        replace(ONE, minute=10, target="/robots.txt"), ONE), ("", "allowed")),
    ("what it read is older than a day", history((SINCE, 200, b""), (DAY + HOUR / 2, 200, ROBOTS)), (
        replace(ONE, minute=10, target="/robots.txt"), replace(ONE, minute=26 * 60)), ("A", "all-five")),
    ("another bot of the operator read robots.txt", history((SINCE, 200, b""), (DAY + HOUR / 2, 200, ROBOTS)), (
        hit(replace(ONE, minute=40, target="/robots.txt", address=story.AT_SEARCHBOT), "OAI-SearchBot"), ONE), ("", "change")),
    ("no fetch of robots.txt in the log proves nothing", STANDS, (ONE,), ("A", "all-five")),
    ("refused by 403", STANDS, (replace(ONE, status=403),), ("", "attempt")),
    ("refused by 429", STANDS, (replace(ONE, status=429),), ("", "attempt")),
    ("not there", STANDS, (replace(ONE, status=404),), ("", "attempt")),
    ("already held", STANDS, (replace(ONE, status=304, size=0),), ("", "holds-copy")),
    ("no content", STANDS, (replace(ONE, method="HEAD"),), ("", "attempt")),
    ("nothing delivered", STANDS, (replace(ONE, size=0),), ("", "attempt")),
    ("a part delivered", STANDS, (replace(ONE, status=206),), ("A", "all-five")),
    ("allowed path", STANDS, (replace(ONE, target="/about"),), ("", "allowed")),
    ("before the first words", history((DAY + 5 * HOUR, 200, ROBOTS)), (ONE,), ("", "unknown-words")),
    ("another spelling of the path", history((SINCE, 200, b"User-agent: GPTBot\nDisallow: /~ana/")), (replace(ONE, target="/%7Eana/x"),),
     ("A", "all-five")),
    ("paths have case", STANDS, (replace(ONE, target="/Gallery/one.jpg"),), ("", "allowed")),
    ("a query is part of the path", history((SINCE, 200, b"User-agent: GPTBot\nDisallow: /*?size=")), (
        replace(ONE, target="/a.jpg?size=big"),), ("A", "all-five")),
    ("a byte order mark", history((SINCE, 200, b"\xef\xbb\xbf" + ROBOTS)), (ONE,), ("A", "all-five")),
    ("two groups for everybody", history((SINCE, 200, b"User-agent: *\nAllow: /x\n\nUser-agent: *\nDisallow: /gallery/")), (ONE,),
     ("A", "all-five")),
    ("a version in the name", history((SINCE, 200, b"User-agent: GPTBot/1.2\nDisallow: /")), (ONE,), ("A", "all-five")),
    ("two names in one line mean neither as such", history((SINCE, 200, b"User-agent: CCBot, GPTBot\nDisallow: /")), (ONE,),
     ("", "allowed")),
    ("an en dash is no hyphen", history((SINCE, 200, "User-agent: ChatGPT–User\nDisallow: /".encode())), (
        hit(replace(ONE, address=story.AT_USER), "ChatGPT-User"),), ("", "allowed")),
    ("a person asked", history((SINCE, 200, b"User-agent: *\nDisallow: /")), (hit(replace(ONE, address=story.AT_USER), "ChatGPT-User"),),
     ("U", "asked-by-a-person")),
    ("a name that never fetches", STANDS, (hit(ONE, "Google-Extended"),), ("D", "control-token")),
    ("nobody publishes its addresses", history((SINCE, 200, b"User-agent: *\nDisallow: /")), (
        hit(replace(ONE, address=story.ELSEWHERE), "Bytespider"),), ("C", "nothing-published")),
    ("no address", STANDS, (replace(ONE, address="-"),), ("C", "no-address")),
    ("no path", STANDS, (replace(ONE, target=""),), ("", "no-target")),
    ("only a use is reserved", history((SINCE, 200, b"User-agent: *\nContent-Usage: train-ai=n\nAllow: /")), (ONE,),
     ("N", "reserved-use")),
    ("a use is reserved that is not its", history((SINCE, 200, b"User-agent: *\nContent-Usage: search=n\nAllow: /")), (ONE,),
     ("", "allowed")),
])
def test_traps(name: str, words_: History, hits: tuple[Line | Hit, ...], expected: tuple[str, str]) -> None:
    assert one(words_, *(h if isinstance(h, Hit) else hit(h) for h in hits)) == expected


def test_a_reservation_in_tdmrep_is_notice() -> None:
    made = history((SINCE, 200, b""))
    made.add("", [Version(words(Carrier.TDMREP_JSON, "/.well-known/tdmrep.json", 200, b'[{"location": "/", "tdm-reservation": 1}]'),
                          instant(SINCE), instant(SINCE), True, "test")])
    got = graded(made, hit(ONE))[0]
    assert (got.grade, got.basis) == (Grade.NOTICE, "reserved-use")
    assert got.quote


def test_between_two_sights_the_time_of_a_change_is_open() -> None:
    seen = [(DAY - 10 * 24 * HOUR, 200, b""), (DAY + 10 * 24 * HOUR, 200, ROBOTS)]
    assert one(history(*seen, exact=False), hit(ONE)) == ("", "change")
    same = [(at, 200, ROBOTS) for at, _, _ in seen]
    assert one(history(*same, exact=False), hit(ONE)) == ("A", "all-five")
    assert one(history(*same[:1], exact=False), hit(ONE)) == ("", "unknown-words"), "nobody looked since"


def test_each_authority_has_its_own_words() -> None:
    made = history((SINCE, 200, ROBOTS), url="https://art.example")
    made.add("https://www.art.example", history((SINCE, 200, b"")).timelines("", "", Carrier.ROBOTS_TXT)[0].versions)
    made.add("http://art.example:8080", history((SINCE, 200, b"")).timelines("", "", Carrier.ROBOTS_TXT)[0].versions)
    made.add("http://art.example", history((SINCE, 200, b"")).timelines("", "", Carrier.ROBOTS_TXT)[0].versions)
    assert one(made, hit(ONE, host="art.example", scheme="https")) == ("A", "all-five")
    assert one(made, hit(ONE, host="art.example", scheme="http")) == ("", "allowed")
    assert one(made, hit(ONE, host="art.example")) == ("", "change"), "the log does not tell the scheme, and the two differ"
    assert one(made, hit(ONE, host="www.art.example")) == ("", "allowed")
    assert one(made, hit(ONE, host="art.example:8080")) == ("", "allowed")
    assert one(made, hit(ONE, host="shop.example")) == ("", "no-words")


@pytest.mark.parametrize("host, scheme, name", [("Art.Example:443", "https", "art.example"), ("art.example:80", "https", "art.example:80"),
                                                ("art.example:80", "", "art.example"), ("art.example.", "", "art.example"),
                                                ("[2001:db8::1]:8080", "", "[2001:db8::1]:8080")])
def test_hosts_have_one_name(host: str, scheme: str, name: str) -> None:
    assert host_of(host, scheme) == name


# ---- where words come from

def test_words_come_from_dated_files_timelines_archives_and_git(tmp_path: Path) -> None:
    import subprocess

    from .archives import Maker
    folder = tmp_path / "history"
    folder.mkdir()
    (folder / "robots-20260101000000.txt").write_bytes(b"")
    (folder / "robots-2026-08-20T10:00:00Z.txt").write_bytes(ROBOTS)
    (folder / "robots-2026-08-10.503.txt").write_bytes(b"")
    (folder / "tdmrep-2026-08-20.json").write_bytes(b"[]")
    (folder / "notes.md").write_text("not a copy")
    made = History()
    add(made, str(folder), "https://art.example", None)
    assert [(v.exact, v.evidence.status, v.evidence.carrier.value) for v in made.versions()] == [
        (True, 200, "robots.txt"), (True, 503, "robots.txt"), (True, 200, "robots.txt"), (True, 200, "tdmrep.json")]
    assert one(made, hit(ONE)) == ("A", "all-five")

    (tmp_path / "timeline.json").write_text(json.dumps([
        {"first_seen": "2026-08-01T00:00:00Z", "last_seen": "2026-09-30T00:00:00Z", "body": ROBOTS.decode(), "source": "monitor"}]))
    made = History()
    add(made, str(tmp_path / "timeline.json"), "https://art.example", None)
    assert one(made, hit(ONE)) == ("A", "all-five")

    archive = Maker()
    for at in (DAY - 48 * HOUR, DAY + 48 * HOUR):
        archive.add("https://art.example/robots.txt", ROBOTS, at=at)
    archive.write(tmp_path / "a.warc.gz")
    made = History()
    add(made, str(tmp_path / "a.warc.gz"), "", None)
    assert made.sites() == ["art.example"]
    assert one(made, hit(ONE)) == ("A", "all-five")

    repository = tmp_path / "site"
    repository.mkdir()

    def git(*command: str, at: str = "") -> None:
        subprocess.run(["git", "-c", "user.name=Ana", "-c", "user.email=ana@art.example", *command], cwd=repository, check=True,
                       capture_output=True, env={"PATH": "/usr/bin:/bin", "GIT_COMMITTER_DATE": at, "GIT_AUTHOR_DATE": at, "HOME": str(tmp_path)})
    git("init", "-q")
    for at, body in (("2026-01-01T00:00:00Z", b""), ("2026-08-20T00:00:00Z", ROBOTS)):
        (repository / "robots.txt").write_bytes(body)
        git("add", "robots.txt")
        git("commit", "-q", "-m", "x", at=at)
    git("rm", "-q", "robots.txt")
    git("commit", "-q", "-m", "gone", at="2026-10-01T00:00:00Z")
    made = History()
    add(made, f"git:{repository}/robots.txt", "https://art.example", None)
    assert [v.evidence.status for v in made.versions()] == [200, 200, 404]
    assert one(made, hit(ONE)) == ("A", "all-five")


@pytest.mark.parametrize("name, body, why", [
    ("robots.txt", ROBOTS, "--since"), ("timeline.json", b"{}", "a list"), ("timeline.json", b"[{}]", "entry 1: 'first_seen' is missing"),
    ("timeline.json", b'[{"first_seen": "2026-08-01T00:00:00Z"}]', "neither"),
    ("timeline.json", b'[{"first_seen": "2026-08-01T00:00:00Z", "body": "", "sha256": "00"}]', "sha256"),
    ("timeline.json", b'[{"first_seen": "yesterday", "body": ""}]', "entry 1"), ("a.warc", b"<html>", "a.warc"), ("", b"", "no copy")])
def test_words_that_cannot_be_read_are_refused(name: str, body: bytes, why: str, tmp_path: Path) -> None:
    path = tmp_path / name if name else tmp_path
    if name:
        path.write_bytes(body)
    with pytest.raises(WordsError, match=why):
        add(History(), str(path), "", None)


def test_missing_words_are_refused() -> None:
    for told in ("nowhere.txt", "git:nowhere/robots.txt"):
        with pytest.raises(WordsError):
            add(History(), told, "", None)


# ---- the command

@pytest.fixture
def log(tmp_path: Path) -> tuple[str, str]:
    (tmp_path / "a.log").write_bytes(story.log("vhost_combined"))
    (tmp_path / "robots.txt").write_bytes(ROBOTS)
    return str(tmp_path / "a.log"), str(tmp_path / "robots.txt")


def test_text_tells_grades_reasons_and_limits(log: tuple[str, str], tmp_path: Path) -> None:
    done = run(log[0], "--policy", log[1], "--since", "2026-08-01", "-o", str(tmp_path / "f.jsonl"), code=1)
    for word in ("12 lines read, 0 not understood", "confirmed", "impersonator", "Not counted:", "does not show", "OpenAI"):
        assert word in done.stdout
    rows = [json.loads(line) for line in (tmp_path / "f.jsonl").read_text().splitlines()]
    assert [r["grade"] for r in rows] == ["A", "B", "D", "C", "U", "A"]
    assert all(story.PERSON not in line for line in (tmp_path / "f.jsonl").read_text().splitlines())
    assert "203.0.113.9" not in done.stdout + (tmp_path / "f.jsonl").read_text(), "a person's line"


def test_addresses_are_cut_when_asked(log: tuple[str, str]) -> None:
    done = run(log[0], "--policy", log[1], "--since", "2026-08-01", "--anonymise", "--format", "jsonl", code=1)
    assert {json.loads(line)["address"] for line in done.stdout.splitlines()} >= {"20.171.206.0", "198.51.100.0"}
    assert [cut(a) for a in ("2001:db8:1:2:3::4", "10.1.2.3", "-")] == ["2001:db8:1::", "10.1.2.0", ""]


@pytest.mark.parametrize("fail_on, code", [("confirmed", 1), ("likely", 1), ("any", 1), ("never", 0)])
def test_exit_codes(fail_on: str, code: int, log: tuple[str, str]) -> None:
    run(log[0], "--policy", log[1], "--since", "2026-08-01", "--fail-on", fail_on, code=code)


@pytest.mark.parametrize("arguments, why", [
    ((), "which words stood"), (("--policy", "nowhere.txt"), "no such file"), (("--policy", "nowhere.txt", "--since", "soon"), "no day"),
    (("--site", "https://"), "no site")])
def test_usage_is_told(arguments: tuple[str, ...], why: str, log: tuple[str, str]) -> None:
    assert why in run(log[0], *arguments, code=2).stderr


def test_a_log_of_several_hosts_asks_whose_the_words_are(tmp_path: Path, log: tuple[str, str]) -> None:
    lines = (*STORY, replace(STORY[1], host="shop.example"))
    (tmp_path / "b.log").write_bytes(story.log("vhost_combined", lines))
    assert "--host" in run(str(tmp_path / "b.log"), "--policy", log[1], "--since", "2026-08-01", code=2).stderr
    done = run(str(tmp_path / "b.log"), "--policy", log[1], "--since", "2026-08-01", "--host", "art.example", "--format", "json", code=1)
    assert json.loads(done.stdout)[0]["not_counted"]["no-words"] == 1


def test_a_person_cannot_write_into_the_terminal(tmp_path: Path, log: tuple[str, str]) -> None:
    evil = replace(STORY[1], target="/gallery/\x1b[31m<script>alert(1)</script>")
    (tmp_path / "c.log").write_bytes(story.log("nginx_json", (evil,)))
    done = run(str(tmp_path / "c.log"), "--policy", log[1], "--since", "2026-08-01", code=1)
    assert "\x1b" not in done.output


def test_every_grade_and_reason_has_a_sentence() -> None:
    import ast
    import inspect

    from crawler.logs import grading
    said = {n.value for n in ast.walk(ast.parse(inspect.getsource(grading))) if isinstance(n, ast.Constant) and isinstance(n.value, str)}
    assert set(GRADES) == set(Grade) - {Grade.NONE}
    used = {word for word in said if word in SENTENCES}
    assert used | {"nothing-published", "no-copy", "cut-short-apart", "list-of-another-day"} == set(SENTENCES)


# ---- lists

def test_lists_are_renewed_from_a_mirror_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
    from threading import Thread

    class Mirror(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/openai.com/searchbot.json":
                self.send_response(302)
                self.send_header("Location", f"http://localhost:{self.server.server_port}/openai.com/gptbot.json")
                self.end_headers()
                return
            good = self.path == "/openai.com/gptbot.json"
            self.send_response(200 if good else 404)
            self.end_headers()
            self.wfile.write(b'{"prefixes": [{"ipv4Prefix": "192.0.2.0/24"}]}' if good else b"<html>no</html>")

        def log_message(self, *args: object) -> None:
            pass
    server = ThreadingHTTPServer(("127.0.0.1", 0), Mirror)
    Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv(lists.FOLDER, str(tmp_path / "lists"))
    try:
        via = f"http://127.0.0.1:{server.server_port}"
        done = CliRunner().invoke(main, ["lists", "update", "--via", via, "--only", "openai.com"])
        assert done.exit_code == 1, done.output
        assert "404" in done.stderr
        assert "localhost is no public address" in done.stderr, "a mirror sends us where nobody said"
        assert CliRunner().invoke(main, ["lists", "update", "--via", via, "--only", "claude.com"]).exit_code == 3
    finally:
        server.shutdown()
        server.server_close()
    assert [c.prefixes for c in lists.kept()] == [("192.0.2.0/24",)]
    shown = CliRunner().invoke(main, ["lists", "show", "--for", "GPTBot", "--format", "json"])
    assert [row["networks"] for row in json.loads(shown.stdout)] == [21, 1]
    (tmp_path / "lists" / "bad.json").write_text("{}")
    broken = CliRunner().invoke(main, ["lists", "show"])
    assert broken.exit_code == 2
    assert "bad.json" in broken.stderr


def test_agents_tell_how_they_are_verified() -> None:
    told = json.loads(CliRunner().invoke(main, ["agents", "GPTBot", "Googlebot", "Bytespider", "Google-Extended", "--format", "json"]).stdout)
    assert [row["verified_by"].split(" (")[0] for row in told] == ["address list", "it never fetches", "address list", "nothing is published"]
