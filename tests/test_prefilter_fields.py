"""Readers of header sections that are not called would have found nothing: on vectors and their mutations."""
from __future__ import annotations

import random

import pytest

from rules import prefilter, prefilter_fields
from rules.model import Access, Asker, Asset, Carrier, Evidence
from rules.references import references
from rules.signals import READERS, gates, http_fields

from . import test_vectors

ASSET, ASKER = Asset("https://site.example/a", "text/html"), Asker("OurBot")
READ = READERS[Carrier.HTTP_FIELDS]
SECTIONS = [test_vectors.evidence("http-fields", given).body for p in test_vectors.vectors()
            for carrier, given in p.values[0]["given"].items() if carrier == "http-fields"]
PIECES = (b"HTTP/1.1 402 Payment\r\n", b"HTTP/1.1 403 No\n", b"\r\n", b"\r\n\r\n", b"\0", b"&#108;", b"rsl&", b"r\0s\0l", b"Link: ", b"rel=license", b": ",
          b"location: /login\r\n", b'Link: </l>; rel="license"; type="application/rsl+xml"\r\n', b"Crawler-Price: USD 1\r\n", b"cf-mitigated: challenge\n",
          b"x" * 70, *(word for word in prefilter_fields._ALL if isinstance(word, bytes)))


def fields(body: bytes, status: int | None = None, final_uri: str = "") -> Evidence:
    return Evidence(Carrier.HTTP_FIELDS, ASSET.url, None, Access.OBTAINED, body, status, final_uri)


def missed(evidence: Evidence) -> list:
    """What readers find that are not called, gates where it does not look, and references that are not seen."""
    called = prefilter.readers(evidence, ASSET)
    status = http_fields.status(evidence.body) or evidence.status or 0
    looked = set(gates._header(evidence.body, status, evidence.uri, evidence.final_uri))
    found = [f for read in READ if read not in called for f in read(evidence, ASSET, ASKER)]
    seen = set(references((evidence,), ASSET, ASKER))
    return [*found, *(looked ^ set(gates.header(evidence, ASSET, ASKER))),
            *(seen ^ set(references((evidence,), ASSET, ASKER, exact=True)))]


@pytest.mark.parametrize("final_uri", ["", "https://site.example/login"])
@pytest.mark.parametrize("status", [None, 200, 302, 402, 451])
def test_nothing_is_missed_in_vectors(status: int | None, final_uri: str) -> None:
    assert len(SECTIONS) > 80
    for body in SECTIONS:
        assert missed(fields(body, status, final_uri)) == [], body


def test_nothing_is_missed_in_mutations() -> None:
    dice, spoke = random.Random(20261126), 0
    for _ in range(6_000):
        body = bytearray(dice.choice(SECTIONS))
        for _ in range(dice.randint(1, 4)):
            at = dice.randrange(len(body) + 1)
            body[at:at + dice.choice((0, 0, 0, 1, 7, 40))] = dice.choice(PIECES)
        if dice.random() < 0.3:
            body = body.swapcase()
        evidence = fields(bytes(body), dice.choice((None, 200, 301, 401)))
        assert missed(evidence) == [], evidence
        spoke += any(read(evidence, ASSET, ASKER) for read in READ)
    assert spoke > 2_000


def test_few_read_what_is_silent() -> None:
    silent = fields(b"HTTP/1.1 200 OK\r\nDate: Fri, 20 Nov 2026 06:00:00 GMT\r\nContent-Type: text/html\r\nLink: </a>; rel=preload\r\n\r\n")
    assert prefilter.readers(silent, ASSET) == (gates.header,)
    assert prefilter.readers(silent, ASSET, exact=True) == READ
    assert {gates.header, *prefilter_fields.WORDS} == set(READ)
