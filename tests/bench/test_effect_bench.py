"""What one page says to every known crawler: all at once, and crawler by crawler, over real robots.txt files of the usual size."""
from __future__ import annotations

import tarfile
import time

import pytest

from crawler.effect import effect, known_tokens
from rules import Access, Asset, Carrier, Evidence

from .. import thirdparty

pytestmark = pytest.mark.bench

USUAL_BYTES = range(2_500, 3_400)
PAGE = b"<!doctype html><meta name=robots content='noai, noimageai'><meta name=tdm-reservation content=1><title>A</title>" + b"<p>word</p>" * 500
WANTED = 5                               # the aim is 10


def test_all_crawlers_cost_as_much_as_a_few() -> None:
    with tarfile.open(thirdparty.path("robots-real.tar.xz")) as archive:
        bodies = [f.read() for m in archive if m.size in USUAL_BYTES and (f := archive.extractfile(m))]
    together_s = one_by_one_s = 0.0
    for body in bodies:
        given = [Evidence(Carrier.ROBOTS_TXT, "https://a.example/robots.txt", None, Access.OBTAINED, body),
                 Evidence(Carrier.TDMREP_JSON, "https://a.example/.well-known/tdmrep.json", None, Access.UNAVAILABLE),
                 Evidence(Carrier.HTTP_FIELDS, "https://a.example/a", None, Access.OBTAINED, b"X-Robots-Tag: noai\r\n"),
                 Evidence(Carrier.BODY, "https://a.example/a", None, Access.OBTAINED, PAGE)]
        asset = Asset("https://a.example/a", "text/html")
        effect(asset, given, known_tokens()[:1])
        start = time.process_time()
        effect(asset, given)
        between = time.process_time()
        for token in known_tokens():
            effect(asset, given, [token])
        together_s, one_by_one_s = together_s + between - start, one_by_one_s + time.process_time() - between
    each_ms = 1e3 / len(bodies)
    print(f"\n{len(bodies)} pages, {len(known_tokens())} crawlers x 4: {together_s * each_ms:.2f} ms a page at once, "
          f"{one_by_one_s * each_ms:.1f} ms one by one; ratio {one_by_one_s / together_s:.0f}")
    assert one_by_one_s / together_s > WANTED
