"""Random, mutated and hostile robots.txt: findings and no exception, in time that grows with the size alone."""
from __future__ import annotations

import random
import time

import pytest

from rules.model import Access, Asker, Asset, Carrier, Evidence, Fault, Finding, Preference, Statement
from rules.signals import SIGNALS, robots_txt
from rules.signals.robots_groups import RobotsTxt

RUNAWAY_S = 5.0                          # for 1 MiB; the aim is 0.25
PIECES = [
    b"User-agent: ", b"Disallow: ", b"Allow: ", b"Content-Usage: ", b"Content-Signal: ", b"DisallowAITraining: ", b"AllowAITraining: ",
    b"License: ", b"Sitemap: ", b"disalow ", b"useragent:", b"*", b"/", b"/*a*b$", b"/%2", b"%62", b"?a=http://b", b"GPTBot", b"CCBot",
    b"ClaudeBot", b"OurBot", b"OurBot/1.0", b"Kangaroo Bot", b"img2dataset", b"train-ai=n", b"train-ai=y, search=n", b"ai-train=no",
    b"use=reference", b"use=immediate", b"\n", b"\n", b"\n", b"\r", b"\r\n", b"\xef\xbb\xbf", b"\xff", b"\x00", b"\xe2\x80\xae",
    b"#", b" ", b"\t", b":", b"=", b",", b"<html>", b"\xf0\x9f\xa4\x96",
]
SEED = b"""User-agent: *
Content-Signal: search=yes,ai-train=no,use=reference
Content-Usage: /blog/ train-ai=n, search=y
Disallow: /*?s=*&x=
Allow: /docs/index.html

User-agent: GPTBot
User-agent: CCBot/2.0
Disallow: /
DisallowAITraining: /
License: https://site.example/license.xml
"""
URLS = ("https://site.example/", "https://site.example/blog/1?a=http://b", "https://site.example/%2/a b\ud800", "", "::", "https://[")
HOSTILE = {
    "stars": b"User-agent: *\nDisallow: /" + b"*a" * 30 + b"*z\n",
    "many star patterns": b"User-agent: *\n" + b"".join(b"Disallow: /*%d*a*b*c*$\n" % n for n in range(40_000)),
    "one-letter lines": b"a\n" * 1_000_000,
    "groups": b"User-agent: a\nAllow: /\n" * 1_000_000,
    "names": b"".join(b"User-agent: a%d\n" % n for n in range(20_000)) + b"".join(b"Content-Signal: ai-train=no,x=%d\n" % n for n in range(9_000)),
    "groups of two": b"".join(b"User-agent: a\nUser-agent: b%d\nAllow: /%d\n" % (n, n) for n in range(20_000)),
    "preferences": b"User-agent: *\n" + b"".join(b"Content-Usage: /a train-ai=n, x=%d\n" % n for n in range(30_000)),
    "paths of preferences": b"".join(b"User-agent: a%d\nContent-Usage: /a%d train-ai=n\n" % (n, n) for n in range(20_000)),
    "lengths": b"User-agent: *\n" + b"".join(b"Disallow: /%s\n" % (b"a" * n) for n in range(1_400)),
    "queries": b"User-agent: *\n" + b"".join(b"Disallow: /*?*%d:*a\n" % n for n in range(50_000)),
    "zeros": b"\0" * (1 << 20),
    "one line": b"Disallow: /" + b"a" * (1 << 20),
    "spaces": b" " * (1 << 20) + b"\n" + b" \t" * (1 << 19),
    "percent": b"User-agent: *\nDisallow: /" + b"%zz%" * (1 << 18),
    "right to left": "User-agent: \u202e*\nDisallow: \u202e/\n".encode() * 20_000,
    "dictionary": b"User-agent: *\nContent-Usage: " + b"a=n, " * 3_000 + b"\n",
}


def read(body: bytes, url: str, token: str = "OurBot") -> list[Finding]:
    return robots_txt.read(Evidence(Carrier.ROBOTS_TXT, "https://site.example/robots.txt", None, Access.OBTAINED, body), Asset(url), Asker(token))


def check(findings: list[Finding]) -> None:
    """Whatever is said stays within what the table of signals admits."""
    for f in findings:
        assert isinstance(f, Fault | Statement)
        if isinstance(f, Statement):
            row = SIGNALS[f.signal]
            assert f.use in row.uses
            assert f.audience in row.audiences
            assert f.form in row.forms
            assert f.where.startswith("line ")
            assert f.quote
            assert row.terms or f.terms is None
            assert (f.form.value == "exact") == (f.note == "" and f.form.value != "legacy")


def test_random_bodies() -> None:
    dice = random.Random(9309)
    said = 0
    for _ in range(2_000):
        body = b"".join(dice.choices(PIECES, k=dice.randrange(40)))
        findings = read(body, dice.choice(URLS), dice.choice(("OurBot", "GPTBot", "Kangaroo Bot", "", "*", "\ud800")))
        check(findings)
        said += bool(findings)
    assert said > 100


@pytest.mark.slow
def test_mutated_bodies() -> None:
    dice = random.Random(9651)
    for _ in range(2_000):
        body = bytearray(SEED)
        for _ in range(dice.randrange(1, 8)):
            at = dice.randrange(len(body))
            body[at:at + dice.randrange(6)] = dice.choice((dice.randbytes(dice.randrange(4)), dice.choice(PIECES)))
        check(read(bytes(body), dice.choice(URLS), dice.choice(("OurBot", "GPTBot", "CCBot"))))


@pytest.mark.slow
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_bodies(name: str) -> None:
    body = HOSTILE[name]
    start = time.process_time()
    RobotsTxt(body)
    parsed = time.process_time()
    for tail in ("a" * 2_000, "a" * 1_999 + "?" + "a:" * 500):
        check(read(body, f"https://site.example/{tail}"))
    done = time.process_time()
    print(f"\n{name}: {len(body)} bytes, parsed in {(parsed - start) * 1000:.0f} ms, read twice in {(done - parsed) * 1000:.0f} ms")
    assert done - start < RUNAWAY_S


def test_stars_are_searched_and_not_tried() -> None:
    body = b"User-agent: *\nDisallow: /" + b"*a" * 30 + b"*z$\nAllow: /" + b"a*" * 30 + b"\n"
    finding, = read(body, "https://site.example/" + "a" * 2_000)
    assert isinstance(finding, Statement)
    assert finding.preference is Preference.ALLOW
    finding, = read(body, "https://site.example/" + "a" * 2_000 + "z")
    assert isinstance(finding, Statement)
    assert finding.preference is Preference.DISALLOW
