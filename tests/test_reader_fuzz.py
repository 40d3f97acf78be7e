"""Every reader, on bytes of every kind: findings inside what its row declares, in bounded time, and never an exception."""
from __future__ import annotations

import json
import random
import time
from pathlib import Path

import pytest
import yaml

from rules.limits import DETAIL_CHARS, QUOTE_CHARS
from rules.model import Access, Asker, Asset, Carrier, Circumstance, Evidence, Fault, Finding, Statement
from rules.signals import READERS, SIGNALS, Reader

from .test_vectors import body

ROUNDS = 2_000
RUNAWAY_S = 5                    # for 1 MiB
ASSETS = (Asset("https://site.example/a/b?c=d"), Asset("https://site.example/a.png", "image/png"),
          Asset("https://site.example/", "text/html"), Asset("https://site.example/", "application/xhtml+xml"), Asset(""), Asset("\ud800%zz"))
ASKERS = (Asker("mybot"), Asker("GPTBot"), Asker("*"), Asker(""))
ALL_READERS = [pytest.param(carrier, reader, id=f"{carrier.value}:{reader.__module__.removeprefix('rules.')}.{reader.__name__}")
               for carrier, readers in READERS.items() for reader in readers]

WORDS = ("noai", "noimageai", "noindex", "none", "max-snippet", "unavailable_after", "nosnippet", "DisallowAITraining", "mybot", "GPTBot",
         "robots", "X-Robots-Tag", "Content-Usage", "Content-Signal", "tdm-reservation", "tdm-policy", "train-ai", "search", "ai-train", "use",
         "reference", "yes", "no", "y", "n", "0", "1", "User-agent", "Disallow", "Allow", "/", "*", "$", ":", ",", ";", "=", " ", "\t", "\r\n",
         "\n", "\"", "'", "<meta name=", " content=", ">", "<!--", "-->", "<script>", "</script>", "<template>", "<svg>", "<table>", "<b>", "</p>",
         "[", "]", "{", "}", "\"location\"", "\"tdm-reservation\"", "\0", "\ufeff", "\u202e", "\u212a", "%2A", "%", "&#110;", "&amp;", "(", ")",
         "?1", "HTTP/1.1 200 OK", "\ud7ff", "é", "😀")


def seeds(carrier: Carrier) -> list[bytes]:
    """What the vectors give on a carrier."""
    given = [v["given"][carrier.value] for path in sorted(Path(__file__).with_name("vectors").glob("*.yaml"))
             for v in yaml.load(path.read_text("utf-8"), yaml.CBaseLoader) if carrier.value in v["given"]]
    return [g.encode() if isinstance(g, str) else body(g) for g in given] or [b""]


def mutated(dice: random.Random, body: bytes) -> bytes:
    out = bytearray(body)
    for _ in range(dice.randint(1, 6)):
        at = dice.randrange(len(out) + 1)
        match dice.randrange(5):
            case 0:
                out[at:at + dice.randint(0, 8)] = b""
            case 1:
                out[at:at] = dice.choice(WORDS).encode()
            case 2:
                out[at:at] = dice.randbytes(dice.randint(1, 4))
            case 3:
                out += out[at:]
            case _:
                out[at:at + 1] = bytes([dice.randrange(256)])
    return bytes(out[:4_096])


def domain_error(finding: Finding, carrier: Carrier) -> str:
    """What in a finding lies outside what the table of signals says of it."""
    if isinstance(finding, Circumstance):
        return ""
    if isinstance(finding, Fault):
        return "" if finding.carrier is carrier and len(finding.detail) <= DETAIL_CHARS else "fault"
    row = SIGNALS[finding.signal]
    checks = {
        "carrier": row.carrier is carrier, "audience": finding.audience in row.audiences, "form": finding.form in row.forms,
        "preference": finding.preference in row.preferences, "subject": finding.subject in row.subjects, "use": finding.use in row.uses,
        "terms": row.terms or not finding.terms, "quote": len(finding.quote) <= QUOTE_CHARS, "superseded": not finding.superseded_by,
        "note": bool(finding.note) or finding.form.value != "lenient",
    }
    return ", ".join(name for name, fine in checks.items() if not fine)


def check(carrier: Carrier, reader: Reader, body: bytes, asset: Asset, asker: Asker) -> list[Finding]:
    findings = reader(Evidence(carrier, "https://site.example/", None, Access.OBTAINED, body), asset, asker)
    for finding in findings:
        assert not domain_error(finding, carrier), (domain_error(finding, carrier), finding, body[:500])
    return findings


@pytest.mark.parametrize("carrier, reader", ALL_READERS)
def test_random_bytes(carrier: Carrier, reader: Reader) -> None:
    dice = random.Random(carrier.value)
    for _ in range(ROUNDS // 2):
        check(carrier, reader, dice.randbytes(dice.randint(0, 200)), dice.choice(ASSETS), dice.choice(ASKERS))
    for _ in range(ROUNDS // 2):
        words = "".join(dice.choice(WORDS) for _ in range(dice.randint(1, 40)))
        check(carrier, reader, words.encode("utf-8", "surrogatepass"), dice.choice(ASSETS), dice.choice(ASKERS))


@pytest.mark.parametrize("carrier, reader", ALL_READERS)
def test_mutated_vectors(carrier: Carrier, reader: Reader) -> None:
    dice, given = random.Random(carrier.value), seeds(carrier)
    said = 0
    for _ in range(ROUNDS):
        said += bool(check(carrier, reader, mutated(dice, dice.choice(given)), dice.choice(ASSETS), dice.choice(ASKERS)))
    if {row.carrier for row in SIGNALS.values() if row.read is reader and row.uses and row.preferences} == {carrier}:
        assert said               # the vectors that it started from do speak


MIB = 1 << 20


def fill(unit: str | bytes, start: str = "", size: int = MIB) -> bytes:
    unit = unit if isinstance(unit, bytes) else unit.encode()
    return (start.encode() + unit * (size // len(unit) + 1))[:size]


HOSTILE = {
    "nul": fill(b"\0"), "ff": fill(b"\xff"), "lf": fill("\n"), "cr": fill("\r"), "space": fill(" "), "colon": fill(":"), "bidi": fill("\u202e"),
    "open array": fill("["), "objects": fill("{},", "["), "open object": fill('{"a":'), "quotes": fill('"'), "escapes": fill('\\"', "["),
    "commas": fill(",]"), "one key": fill('"a":1,', "[{"), "digits": fill("1", "["), "stars": json.dumps([{"location": "/" + "*a" * 5_000, "tdm-reservation": 1}] * 90).encode(),
    "rules": json.dumps([{"location": f"/{i}*x*y$", "tdm-reservation": 1} for i in range(18_000)]).encode()[:MIB],
    "long field": fill("noai, ", "X-Robots-Tag: "), "long usage": fill("train-ai=n, ", "Content-Usage: "), "inner list": fill("n ", "Content-Usage: a=("),
    "long signal": fill("ai-train=no,", "Content-Signal: "), "tdm field": fill("1,", "tdm-reservation: "), "folds": fill("\n noai", "X-Robots-Tag: x"),
    "field lines": fill("X-Robots-Tag: a:b:c:noai\n"), "usage lines": fill("Content-Usage: train-ai=n\r\n"), "scopes": fill("a:", "x-robots-tag: "),
    "no colons": fill("x-robots-tag noai\n"), "words": fill("noai ", "X-Robots-Tag: "), "groups": fill("User-agent: *\nContent-Usage: train-ai=n\n"),
    "patterns": fill("Disallow: /*a*a*a*a*a$\n", "User-agent: *\n"), "agents": fill("User-agent: mybot\n"), "comments": fill("# "),
    "deep": fill("<div>"), "metas": fill("<meta name=robots content=noai>", "<html>"), "open metas": fill("<meta name=robots ", "<html>"),
    "open quotes": fill('<meta a="', "<html>"), "formatting": fill("<b a=1><p>", "<html>"), "comments in html": fill("<!--", "<html>"), "lt": fill("<", "<html>"),
    "references": fill("&#x6e;", "<meta name=robots content="), "utf-16": fill("<p>".encode("utf-16-le"), "").replace(b"<", b"<", 1),
    "xml": fill("<script/>", '<?xml version="1.0"?><html>'), "prolog": fill("<!---->"), "directives": fill("noai:", '<html><meta name=robots content="'),
}


# Each reader meets some of them at once, and all of them in the slow tests.
FAST = 8
MEETINGS = [pytest.param(name, *reader.values, id=f"{name}-{reader.id}", marks=[pytest.mark.slow] * bool((n + m) % FAST))
            for n, name in enumerate(HOSTILE) for m, reader in enumerate(ALL_READERS)]


@pytest.mark.parametrize("name, carrier, reader", MEETINGS)
def test_hostile_bytes(name: str, carrier: Carrier, reader: Reader) -> None:
    start = time.process_time()
    check(carrier, reader, HOSTILE[name], ASSETS[0], ASKERS[0])
    check(carrier, reader, HOSTILE[name], ASSETS[2], ASKERS[1])
    assert time.process_time() - start < 2 * RUNAWAY_S


@pytest.mark.slow
@pytest.mark.parametrize("carrier, reader", ALL_READERS)
def test_many_mutations(carrier: Carrier, reader: Reader) -> None:
    dice, given = random.Random(99), seeds(carrier)
    for _ in range(20 * ROUNDS):
        check(carrier, reader, mutated(dice, mutated(dice, dice.choice(given))), dice.choice(ASSETS), dice.choice(ASKERS))


def test_a_check_can_fail() -> None:
    """The checks above see a statement that its row does not admit."""
    row = SIGNALS["content-signal.header"]
    said = check(row.carrier, row.read, b"Content-Signal: ai-train=no\n", ASSETS[0], ASKERS[0])[0]
    assert isinstance(said, Statement)
    assert domain_error(said, Carrier.BODY) == "carrier"
