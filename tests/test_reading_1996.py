"""The second opinion: it disagrees where it should, agrees where it should, and never keeps anybody waiting."""
from __future__ import annotations

from time import monotonic

import pytest

from crawler.reading_1996 import TIME_S, Opinion, differing, opinions

HOST = "https://example.org"


def readings(body, url, token="maymine"):
    return {o.reading: o.allowed for o in opinions(body.encode(), token, HOST + url)}


@pytest.mark.parametrize("body, url, says", [
    ("User-agent: *\nDisallow: /private\n", "/private/a", {"1996": False, "2008": False}),
    ("User-agent: *\nDisallow: /private\n", "/public", {"1996": True, "2008": True}),
    ("User-agent: *\nDisallow: /*.pdf$\n", "/a.pdf", {"1996": True, "2008": False}),
    ("User-agent: *\nDisallow: /\nAllow: /open\n", "/open/a", {"1996": False, "2008": False}),
    ("User-agent: *\n\nDisallow: /\n", "/a", {"1996": True, "2008": True}),
    ("User-agent: may\nDisallow: /\n", "/a", {"1996": False, "2008": False}),
    ("", "/a", {"1996": True, "2008": True}),
], ids=["prefix", "elsewhere", "wildcard", "first line that fits", "blank line ends a record", "a part of the name", "empty"])
def test_each_reading_keeps_to_its_text(body, url, says):
    assert readings(body, url) == says


def test_where_they_disagree_with_rfc_9309():
    body = b"User-agent: *\nDisallow: /*.pdf$\n"
    assert differing(body, "maymine", f"{HOST}/a.pdf", allowed=False) == (Opinion("1996", True),)
    assert differing(body, "maymine", f"{HOST}/a.html", allowed=True) == ()


def test_a_file_of_stars_ends_in_time_and_the_plain_reading_still_answers():
    bomb = "User-agent: *\nDisallow: /" + "a*" * 40 + "b$\n"
    start = monotonic()
    said = readings(bomb, "/" + "a" * 400)
    assert monotonic() - start < 10 * TIME_S
    assert said == {"1996": True, "2008": None}


@pytest.mark.parametrize("body", [b"\x00\xff\xfe" * 1000, b"User-agent: *\nDisallow: %\xff%zz", b"\xef\xbb\xbfUser-agent: *\nDisallow: /"])
def test_bytes_of_any_kind_get_an_answer(body):
    assert [o.reading for o in opinions(body, "maymine", f"{HOST}/a")] == ["1996", "2008"]


def test_no_time_is_no_answer():
    assert {o.allowed for o in opinions(b"", "maymine", HOST, time_s=0.0001)} == {None}
