"""An intent put into a robots.txt that is there: no line is lost, no other rule changes, and the same again changes nothing."""
from __future__ import annotations

import random
import tarfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.declare.site import intent as wishes
from crawler.declare.site import words
from crawler.declare.site.intent import STANCES, Intent
from crawler.declare.site.kit import Contradiction, Wishes, make
from crawler.declare.site.meaning import names
from crawler.declare.site.merge import KEPT, MAX_BYTES, NoRobotsTxt, merge
from crawler.declare.site.targets import targets
from rules.signals.robots_groups import RobotsTxt

from . import thirdparty

RSL = "https://art.example/license.xml"
TOKENS = (*names(), "Googlebot-Image", "BadBot", "AhrefsBot")


def intent(stance: str, *leaves: str) -> Intent:
    return Intent("https://art.example", STANCES[stance].said, STANCES[stance].away, wishes.in_order(map(wishes.leave, leaves)),
                  contact="ana@art.example")


def lines(body: bytes) -> list[bytes]:
    return body.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")


def check(body: bytes, meant: Intent) -> bytes:
    """Everything that holds for every file. AssertionError, NoRobotsTxt, Contradiction."""
    out = merge(body, meant, RSL)
    if not body.startswith((b"\xff\xfe", b"\xfe\xff")):
        after = iter(lines(out))
        for line in filter(None, lines(body)):
            assert any(other in (line, KEPT.encode() + line) for other in after), f"lost: {line[:80]!r}"
        assert out.startswith(b"\xef\xbb\xbf") is body.startswith(b"\xef\xbb\xbf")
    assert merge(out, meant, RSL) == out
    old, new = RobotsTxt(body), RobotsTxt(out)
    away = {name.lower() for group, _ in words.turned_away(meant) for name in group}
    stay = tuple(t for t in (*TOKENS, *(n for n in old.names if n.isascii() and n != "*")) if t.lower() not in away)
    if meant.away is not wishes.Away.EVERYONE:
        patterns = list(dict.fromkeys(line.value.replace("*", "x").rstrip("$") or "/" for group in old.crawling for line in group.rules))
        random.Random(0).shuffle(patterns)
        for path in ("/", "/a/b.html", "/images/x.png", *patterns[:40]):
            assert [allowed for allowed, _ in old.verdicts(path, stay)] == [allowed for allowed, _ in new.verdicts(path, stay)], path
    assert sorted(url for _, url in old.sitemaps) == sorted(url for _, url in new.sitemaps)
    made = make(meant, targets()["static"], Wishes(robots=body))         # and the whole comes to what is meant
    assert made.files["robots.txt"].encode("utf-8", "surrogateescape") in (out, merge(body, meant))
    return out


PLAIN = b"User-agent: *\nDisallow: /private/\nSitemap: https://art.example/sitemap.xml\n"


BODIES = [
    b"", b"\n", b"# nothing yet", PLAIN, PLAIN.replace(b"\n", b"\r\n"), b"\xef\xbb\xbf" + PLAIN, PLAIN.replace(b"\n", b"\r"), PLAIN.rstrip(),
    b"User-agent: GPTBot\nAllow: /blog/\nDisallow: /\n\nUser-agent: *\nAllow: /\n",
    b"User-agent: GPTBot\nUser-agent: Googlebot\nAllow: /\nDisallow: /x\n",
    b"User-agent: *\nUser-agent: GPTBot\nDisallow: /x/\nAllow: /x/y/\n",
    b"User-agent: GPTBot\n\nUser-agent: *\nContent-Signal: search=yes\nDisallow: /a/\n",
    b"User-agent: *\nContent-Usage: /blog/ search=y\nAllow: /\n", b"User-agent: Googlebot\nDisallow: /n/\n\nUser-agent: CCBot",
    b"Disallow: /nobody/\nUser-agent: *\nDisallow:\n", b"Crawl-delay: 3\nUser-agent: Yandex\nClean-param: a\nHost: art.example\n",
    b"User-agent : GPTBot # ours\nDisallow : /x # why\n", b"user agent: ccbot\ndissallow: /y\n", "User-agent: *\nDisallow: /größe/\n".encode(),
    b"User-agent: *\nDisallow: /\xff\xfe/\n", "User-agent: *\nDisallow: /a/\n".encode("utf-16"), b"User-agent: *\nUser-agent: Foo\n",
]


@pytest.mark.parametrize("body, stance", [
    pytest.param(body, stance, marks=() if n % len(STANCES) == m else pytest.mark.slow)
    for n, body in enumerate(BODIES) for m, stance in enumerate(STANCES)])
def test_nothing_is_lost_and_all_is_said(body, stance):
    check(body, intent(stance))
    check(body, intent(stance, "/press/=train", "/press/kit/=all"))


def test_what_contradicts_becomes_a_comment():
    out = check(b"User-agent: GPTBot\nAllow: /blog/\nDisallow: /tmp/\n", intent("turn-away"))
    assert b"# maymine: was: Allow: /blog/\nDisallow: /tmp/\n" in out
    assert RobotsTxt(out).verdict("/blog/1", "GPTBot")[0] is False


def test_groups_that_lose_their_only_rule_stay_apart():
    out = check(b"User-agent: Googlebot\nAllow: /\nUser-agent: bingbot\nAllow: /\n", intent("closed")).decode()
    assert out.count("Content-Usage: train-ai=n, ai-use=n, search=n\n") == out.count("Disallow: /\n") == out.count("\n\n") + 2


def test_who_shares_a_group_leaves_it_and_the_others_stay():
    out = check(b"User-agent: GPTBot\nUser-agent: Googlebot\nAllow: /\nDisallow: /x\n", intent("turn-away"))
    assert out.startswith(b"License: https://art.example/license.xml\n# maymine: was: User-agent: GPTBot\nUser-agent: Googlebot\n")


def test_a_new_group_repeats_what_is_kept_from_all():
    out = check(PLAIN, intent("turn-away", "/private/=train", "/press/=train"))
    assert RobotsTxt(out).verdict("/press/1", "GPTBot")[0]
    out = check(b"User-agent: *\nDisallow: /press/secret/\n", intent("turn-away", "/press/=train"))
    assert not RobotsTxt(out).verdict("/press/secret/1", "GPTBot")[0]
    assert RobotsTxt(out).verdict("/press/1", "GPTBot")[0]


def test_every_named_group_hears_what_is_said_to_all():
    out = check(b"User-agent: Googlebot\nDisallow: /n/\n\nUser-agent: *\nDisallow: /a/\n", intent("no-train")).decode()
    assert out.count("Content-Usage: train-ai=n, search=y\n") == out.count("Content-Signal: search=yes, ai-train=no\n") == 3


@pytest.mark.parametrize("body, why", [
    (b"<!doctype html><title>Not found</title>", "a page"), (b"\x00\x01\x02", "binary"), (b"User-agent: *\n" + b"#" * MAX_BYTES, "more than"),
])
def test_what_is_no_robots_txt_is_left_alone(body, why):
    with pytest.raises(NoRobotsTxt, match=why):
        merge(body, intent("reserve"))


@pytest.mark.parametrize("body, quote", [
    (b"User-agent: *\nContent-Signal: search=no\n", "Content-Signal: search=no"),
    (b"User-agent: Googlebot\nContent-Usage: search=n\n", "Content-Usage: search=n"),
    (b"License: https://elsewhere.example/rsl.xml\nUser-agent: *\nAllow: /\n", ""),
])
def test_preferences_that_contradict_are_named(body, quote):
    with pytest.raises(Contradiction) as caught:
        make(intent("reserve"), targets()["static"], Wishes(robots=body))
    assert quote in {getattr(f, "quote", "") for d in caught.value.differences for f in d.because}


LINES = st.sampled_from([b"User-agent: *", b"user-agent: GPTBot", b"User-agent: Googlebot # x", b"Allow: /", b"Disallow: /a/", b"Disallow:", b"allow: /b/",
                         b"Content-Signal: search=yes", b"Content-Usage: /c/ search=y", b"# note", b"", b"Sitemap: https://a/s", b"Crawl-delay: 1",
                         b"\xef\xbb\xbfUser-agent: CCBot", b"nonsense", b"User-agent:", b"\xff"])


ANY = (st.lists(LINES, max_size=12), st.sampled_from([b"\n", b"\r\n", b"\r"]), st.booleans(),
       st.sampled_from([("reserve", ()), ("turn-away", ("/b/=train",)), ("closed", ("/a/=all",)), ("no-ai", ())]))


@settings(max_examples=15, deadline=None)
@given(*ANY)
def test_whatever_stands_there(lines, end, is_closed, wish):
    check(end.join(lines) + (end if is_closed else b""), intent(wish[0], *wish[1]))


@pytest.mark.slow
@settings(max_examples=500, deadline=None)
@given(*ANY)
def test_whatever_stands_there_at_length(lines, end, is_closed, wish):
    check(end.join(lines) + (end if is_closed else b""), intent(wish[0], *wish[1]))


@pytest.mark.parametrize("every, stance, leaves", [
    (300, "reserve", ()), (311, "search-only", ("/press/=train",)),
    *(pytest.param(1, stance, leaves, marks=[pytest.mark.slow, pytest.mark.timeout(1_200)])
      for stance, leaves in (("reserve", ()), ("turn-away", ("/press/=train",)))),
    *(pytest.param(9, stance, leaves, marks=[pytest.mark.slow, pytest.mark.timeout(900)])
      for stance, leaves in (("closed", ("/press/=all",)), ("no-train", ()), ("open", ()))),
])
def test_real_files_keep_every_line_and_every_rule(every, stance, leaves):
    merged = pages = contradicted = explained = 0
    with tarfile.open(thirdparty.path("robots-real.tar.xz")) as archive:
        for member in list(archive)[::every]:
            file = archive.extractfile(member)
            body = file.read() if file else b""
            try:
                check(body, intent(stance, *leaves))
                merged += 1
            except NoRobotsTxt:
                pages += 1
            except Contradiction as contradiction:
                contradicted += 1
                explained += any(d.because for d in contradiction.differences)
    print(f"\n{stance}: {merged} merged, {pages} are pages, {contradicted} contradict and are refused")
    assert contradicted == explained
    assert merged > 2 * (pages + contradicted)
