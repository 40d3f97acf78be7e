"""robots.txt: groups, patterns and the interface that other readers use. What findings come of it stands in tests/vectors."""
from __future__ import annotations

import json

import pytest

from rules.assess import assess
from rules.limits import QUOTE_CHARS, ROBOTS_BYTES, ROBOTS_LINE_BYTES
from rules.model import (
    Access,
    Asker,
    Asset,
    Audience,
    Carrier,
    Evidence,
    Fault,
    FaultKind,
    Finding,
    Preference,
    Statement,
    Use,
    Verdict,
)
from rules.policies import load
from rules.signals import robots_txt
from rules.signals.robots_groups import OUTCOMES, PLANS, RobotsTxt, parse
from rules.signals.robots_match import Patterns, normal_path, normal_pattern, path_query

from . import thirdparty

# Rows of the conformance file from which we deviate, and why.
DEVIATIONS = {
    "ua-space-full.1": "`User-agent: Foo Bar` names the crawler Foo Bar too: some crawlers have such names (Kangaroo Bot)",
}


def evidence(body: bytes, access: Access = Access.OBTAINED) -> Evidence:
    return Evidence(Carrier.ROBOTS_TXT, "https://site.example/robots.txt", None, access, body)


def read(body: bytes, path: str = "/a", token: str = "OurBot", access: Access = Access.OBTAINED) -> list[Finding]:
    return robots_txt.read(evidence(body, access), Asset(f"https://site.example{path}"), Asker(token))


def kinds(findings: list[Finding]) -> list[FaultKind]:
    return [f.kind for f in findings if isinstance(f, Fault)]


def allowed(body: str, token: str, path: str) -> bool:
    return parse(body.encode()).verdict(path, token)[0]


def test_conformance() -> None:
    rows = json.loads(thirdparty.path("robots-conformance.json").read_text("utf-8"))
    assert len(rows) == 120
    wrong = {row["id"] for row in rows if allowed(row["robots"], row["agent"], path_query(row["url"])) != row["allowed"]}
    assert wrong == set(DEVIATIONS)
    assert {row["origin"] for row in rows if row["id"] in DEVIATIONS} == {"G"}


@pytest.mark.parametrize("url, expected", [
    ("https://a.example/b/c?d=e#f", "/b/c?d=e"), ("https://a.example", "/"), ("https://a.example?x", "/?x"), ("//a.example/x", "/x"),
    ("/x", "/x"), ("x", "/x"), ("", "/"), ("https://[::1", "/"), ("https://[/x", "/x"), ("https://u:p@a.example:80//x//y", "//x//y"),
    ("/r?u=https://b.example/y", "/r?u=https://b.example/y"), ("mailto:a@b.example", "/a@b.example"), ("https:///x", "/x"),
    ("https://a.example/\ud800", "/\ud800"), ("https://a.example/a\nb", "/a\nb"),
])
def test_path_query(url: str, expected: str) -> None:
    assert path_query(url) == expected


@pytest.mark.parametrize("path, expected", [
    ("/a-b_c.d~e", "/a-b_c.d~e"), ("/%61%2d%7E", "/a-~"), ("/%2f%3a", "/%2F%3A"), ("/ é", "/%20%C3%A9"), ("/\x00\x7f", "/%00%7F"),
    ("/100%", "/100%"), ("/%zz", "/%zz"), ("/a*b$", "/a%2Ab%24"), ("/{|}^`\\\"<>", "/%7B%7C%7D%5E%60%5C%22%3C%3E"), ("/[1]", "/[1]"),
    ("/\ud800", "/%ED%A0%80"),
])
def test_normal_path(path: str, expected: str) -> None:
    plain, encoded = normal_path(path)
    assert plain == expected
    assert encoded == ""
    assert normal_path(plain.replace("%2A", "*").replace("%24", "$"))[0] == expected


def test_a_pattern_and_the_path_it_is_written_as_have_one_form() -> None:
    for text in ("/a b", "/%7e", "/ä/ö?ü=[1]", "/a%2fb", "/100%"):
        assert normal_pattern(text.encode().decode("latin-1")) == normal_path(text)[0]
    assert normal_pattern("/a$b*c$") == "/a%24b*c$"


@pytest.mark.parametrize("pattern, path, expected", [
    ("/a", "/a", True), ("/a", "/ab", True), ("/a", "/b", False), ("/a$", "/a", True), ("/a$", "/ab", False), ("/*", "/", True),
    ("*", "/", True), ("*$", "/x", True), ("/a*b", "/axxb/c", True), ("/a*b$", "/axbxb", True), ("/a*b$", "/axbx", False),
    ("/a*a$", "/a", False), ("/a*a$", "/aa", True), ("/a**b", "/ab", True), ("/*a*b*c", "/1a2b3c4", True), ("/*a*b*c", "/1a3c2b", False),
    ("/ab*ba$", "/aba", False), ("/$", "/", True), ("/$", "/x", False), ("/a?", "/a", False), ("/a?*c", "/a?bc", True),
])
def test_matching(pattern: str, path: str, expected: bool) -> None:
    patterns = Patterns([(normal_pattern(pattern), 0)])
    assert (patterns.best(normal_path(path)) is not None) is expected
    assert (patterns.longest(normal_path(path))[1] == (0,)) is expected


def test_the_longest_wins_then_the_preferred_then_the_first() -> None:
    patterns = Patterns([("/a", 0), ("/a*c", 0), ("/abc", 0), ("/*bc", 1), ("/abc", 0), ("/b", 1)])
    best = patterns.best(normal_path("/abcd"))
    assert best == (4, 1, -3)
    assert patterns.longest(normal_path("/abcd")) == (4, (1, 2, 3, 4))
    assert Patterns([("/x", 0), ("/x", 0)]).best(normal_path("/x")) == (2, 0, 0)
    assert Patterns([]).best(normal_path("/x")) is None
    assert Patterns([]).longest(normal_path("/x")) == (-1, ())


def test_many_prefixes_are_found_like_few() -> None:
    patterns = Patterns([(f"/{n}", 0) for n in range(1000)])
    assert patterns.best(normal_path("/99912")) == (4, 0, -999)
    assert patterns.best(normal_path("/x")) is None


def test_verdicts_of_all_and_of_one_are_the_same() -> None:
    body = b"User-agent: A\nUser-agent: B\nDisallow: /x\n\nUser-agent: C\nDisallow: /x\nAllow: /x/y\n\nUser-agent: *\nDisallow: /\n"
    robots = parse(body)
    tokens = ("a", "B", "c", "d", "C/1.0")
    for path in ("/", "/x", "/x/y", "/z?a=b", "/robots.txt"):
        assert robots.verdicts(path, tokens) == tuple(robots.verdict(path, token) for token in tokens)
    assert robots.verdicts("/x/y", tokens) == ((False, 3), (False, 3), (True, 7), (False, 10), (True, 7))
    assert robots.verdicts("/robots.txt", tokens) == ((True, 0),) * 5
    assert robots.verdicts("/z", ("A",)) == ((True, 0),)


def test_one_rule_set_is_shared_and_each_group_keeps_its_lines() -> None:
    robots = parse(b"".join(b"User-agent: Bot-%s\nDisallow: /\n" % (bytes([97 + n]),) for n in range(20)))
    assert len(robots.blocks) == 1
    assert robots.verdicts("/a", ("bot-a", "bot-t")) == ((False, 2), (False, 40))


def test_what_is_remembered_has_a_bound() -> None:
    robots = RobotsTxt(b"User-agent: *\n" + b"".join(b"Disallow: /%d/\n" % n for n in range(OUTCOMES + 10)))
    for n in range(OUTCOMES + 10):
        assert robots.verdict(f"/{n}/", "x") == (False, n + 2)
    for n in range(PLANS + 10):
        assert robots.verdict("/1/", f"x{n}") == (False, 3)
    body = b"User-agent: *\n" + b"".join(b"Disallow: /%d/\n" % n for n in range(robots_txt.REMEMBERED + 10))
    for n in range(robots_txt.REMEMBERED + 10):
        assert read(body, f"/{n}/")[0].where == f"line {n + 2}"
    usage = b"User-agent: *\n" + b"".join(b"Content-Usage: /%d/ train-ai=n\n" % n for n in range(robots_txt.REMEMBERED + 10))
    for n in range(robots_txt.REMEMBERED + 10):
        assert read(usage, f"/{n}/")[0].where == f"line {n + 2}"


def test_many_rule_sets_are_read_like_few() -> None:
    groups = b"".join(b"User-agent: b%d\nDisallow: /%d\n" % (n, n) for n in range(robots_txt.REMEMBERED_RULE_SETS + 1))
    body = groups + b"User-agent: *\nDisallow: /a"
    assert [(f.audience, f.preference) for f in read(body)] == [(Audience.EVERYONE, Preference.DISALLOW)]


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"])
def test_line_ends(end: str) -> None:
    body = f"User-agent: *{end}{end}Disallow: /a # why{end}"
    assert parse(body.encode()).verdict("/a", "x") == (False, 3)


@pytest.mark.parametrize("octets", [b"\x0b", b"\x0c", b"\xc2\x85", b"\xe2\x80\xa8", b"\x1c"])
def test_nothing_else_ends_a_line(octets: bytes) -> None:
    assert parse(b"User-agent: *\nDisallow: /a" + octets + b"Disallow: /b\n").verdict("/b", "x") == (True, 0)


@pytest.mark.parametrize("line", ["Disallow:", "Disallow: x", "Disallow", "Disallow: # /", "Crawl-delay: 3", ": /", "/", "Disallow / now"])
def test_lines_that_decide_nothing(line: str) -> None:
    assert parse(f"User-agent: *\n{line}\n".encode()).verdict("/x", "x") == (True, 0)


@pytest.mark.parametrize("name, token", [
    ("FooBot/1.0", "FooBot"), ("foobot", "FOOBOT"), ("Foo Bot", "Foo"), ("Foo Bot", "foo bot"), ("AI2Bot", "ai2bot"), ("AI2Bot/2", "AI2Bot"),
    ("bigsur.ai", "bigsur.ai"), ("Foo.", "foo"), ("Föö", "föö"), ("FooBot", "FooBot/2.1"), ("Foo, Bar", "Foo"),
])
def test_names_that_meet(name: str, token: str) -> None:
    assert not allowed(f"User-agent: {name}\nDisallow: /", token, "/")


@pytest.mark.parametrize("name, token", [
    ("AI2Bot", "AI"), ("img2dataset", "img"), ("bot", "GPTBot"), ("GPTBot", "bot"), ("Googlebot", "Googlebot-Image"), ("FooBot/1.0", "FooBot-x"),
    ("", "x"), ("/1.0", "x"), ("*", "*") , ("Foo, Bar", "Bar"),
])
def test_names_that_do_not_meet(name: str, token: str) -> None:
    assert parse(f"User-agent: {name}\nDisallow: /".encode()).key(token) is None


def test_an_empty_name_starts_a_group_for_nobody() -> None:
    assert parse(b"User-agent: a\nDisallow: /x\nUser-agent:\nDisallow: /y").verdicts("/y", ("a", "b")) == ((True, 0), (True, 0))


def test_text_after_the_star_is_ignored() -> None:
    found, = read(b"User-agent: * everyone\nDisallow: /")
    assert isinstance(found, Statement)
    assert (found.audience, found.note) == (Audience.EVERYONE, "text-after-star")


def test_a_name_that_is_found_exactly_too_is_exact() -> None:
    found, = read(b"User-agent: OurBot/1.0\nUser-agent: OurBot\nDisallow: /")
    assert isinstance(found, Statement)
    assert found.note == ""


def test_what_other_readers_take_from_here() -> None:
    robots = parse("\ufeffSitemap: https://site.example/ä.xml\nLicense: /all.xml # for all\nUser-agent: A\nLicense: /a.xml\nLicense: /b.xml\n"
                   "Disallow: /\nUser-agent: *\nSite-map: /s.xml".encode())
    assert robots.sitemaps == [(1, "https://site.example/ä.xml"), (8, "/s.xml")]
    assert robots.licenses("A") == ((4, "/a.xml"), (5, "/b.xml"))
    assert robots.licenses("b") == ((2, "/all.xml"),)
    assert list(robots.comments()) == [(2, "for all")]
    assert robots.names == ("a", "*")
    assert not robots.instead


def test_a_long_file_is_cut_at_a_line() -> None:
    head = b"User-agent: *\nDisallow: /private\n"
    filler = b"#" * (ROBOTS_BYTES - len(head) - len(b"\nAllow: /")) + b"\n"
    body = head + filler + b"Allow: /other-things\n"
    assert body[:ROBOTS_BYTES].endswith(b"Allow: /")     # half of this rule would allow everything else
    assert read(body, "/z") == [Fault(Carrier.ROBOTS_TXT, FaultKind.TRUNCATED, f"only the first {len(head + filler)} bytes were read")]
    assert parse(body).verdict("/private", "x") == (False, 2)
    assert not parse(body[:ROBOTS_BYTES]).cut


def test_a_file_without_line_ends_beyond_the_limit_says_nothing() -> None:
    fault, = read(b"Disallow: /" + b"a" * ROBOTS_BYTES)
    assert isinstance(fault, Fault)
    assert fault.kind is FaultKind.TRUNCATED


def test_a_body_that_was_cut_before_loses_its_last_line() -> None:
    body = b"User-agent: *\nDisallow: /\nAllow: /a"
    assert read(body)[0].preference is Preference.ALLOW
    assert read(body, access=Access.TRUNCATED)[0].preference is Preference.DISALLOW


def test_a_file_that_breaks_off_before_a_crawler_may_stop_reading_did_not_come() -> None:
    """Half a file may have lost the rule that turns us away; half a megabyte of it is all that has to be read (2.5)."""
    body = b"User-agent: *\nAllow: /\n"
    assert kinds(read(body, access=Access.TRUNCATED)) == [FaultKind.UNREACHABLE]
    assert kinds(read(body.ljust(ROBOTS_BYTES, b"#"), access=Access.TRUNCATED)) == []
    crawl = load("rfc9309-crawl")
    decided = assess(Asset("https://site.example/a"), [evidence(body, Access.TRUNCATED)], crawl, Asker("OurBot"))
    assert decided.decisions[Use.CRAWL].verdict is Verdict.PROHIBITED


def test_a_rule_longer_than_a_line_may_be_is_cut_and_a_fault() -> None:
    pattern = b"/" + b"a" * ROBOTS_LINE_BYTES
    body = b"User-agent: *\nDisallow: " + pattern + b"\n"
    statement, fault = read(body, pattern.decode())
    assert isinstance(statement, Statement)
    assert isinstance(fault, Fault)
    assert (statement.note, fault.kind, fault.where) == ("line-cut", FaultKind.TRUNCATED, "line 2")
    assert len(statement.quote) == QUOTE_CHARS
    assert read(b"User-agent: *\nDisallow: /x #" + b"x" * ROBOTS_LINE_BYTES, "/y") == []


def test_a_known_file_is_parsed_once() -> None:
    assert parse(b"User-agent: *") is parse(bytes(bytearray(b"User-agent: *")))
