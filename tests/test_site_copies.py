"""Which copy of a site's files stood at the time of a capture."""
from __future__ import annotations

from datetime import timedelta

import pytest

from crawler.archive import sites
from crawler.archive.captures import of_bytes, of_response
from crawler.archive.records import Location
from crawler.archive.sites import Copies, copy_of, origin, place
from rules import Access, Carrier
from tests.archives import AT

HOUR = timedelta(hours=1)
ROBOTS = "https://x.example/robots.txt"
WORDS = b"User-agent: *\nDisallow: /a\n"


def answer(body: bytes = WORDS, status: str = "200 OK", *fields: str) -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", *fields, "", ""]).encode() + body


def asked(url: str, block: bytes, at, record=None):
    return copy_of(of_response(url, block, at, record))


def copy(hours: float = 0, body: bytes = WORDS, status: str = "200 OK", *fields: str, url: str = ROBOTS):
    made = asked(url, answer(body, status, *fields), AT + hours * HOUR, Location("r.warc.gz", 7, "urn:x"))
    assert made is not None
    return made


def robots(*copies, url: str = "https://x.example/page", at=AT, as_of=None):
    evidence, locations = Copies(copies, as_of).of(url, at)
    assert evidence[0].carrier is Carrier.ROBOTS_TXT
    assert len(locations) == len(evidence)
    return evidence[0]


@pytest.mark.parametrize("hours, access, body, detail", [
    ([0], Access.OBTAINED, b"0", ""),
    ([-24], Access.OBTAINED, b"-24", ""),
    ([-30, -3], Access.OBTAINED, b"-3", ""),
    ([-3, 1], Access.OBTAINED, b"-3", ""),
    ([-25], Access.STALE, b"-25", "25.0 hours before the page"),
    ([1], Access.STALE, b"1", "1.0 hours after the page"),
    ([-100, 1], Access.STALE, b"1", "1.0 hours after the page"),
    ([-49, 96], Access.STALE, b"-49", "2.0 days before the page"),
])
def test_the_copy_of_that_day_stands_and_others_are_stale(hours, access, body, detail):
    got = robots(*(copy(h, str(h).encode()) for h in hours))
    assert (got.access, got.body, got.detail) == (access, body, detail)


def test_at_another_time_than_that_of_the_page_the_distance_is_from_there():
    for hours, told in ((100, "2.5 days after the time asked about"), (-30, "2.9 days before the time asked about")):
        assert robots(copy(hours), as_of=AT + 40 * HOUR).detail == told


def test_what_was_kept_without_its_response_says_something_and_is_never_silence():
    """As archives of our own keep it: WARC 1.1, 6.4, `resource`. The answer could have been an error, or empty."""
    made = copy_of(of_bytes(ROBOTS, WORDS, AT, Location("r.warc.gz", 7, "urn:x"), "text/plain"))
    assert made is not None
    assert (made.access, made.body, made.status, made.at) == (Access.TRUNCATED, WORDS, None, AT)
    for body in (b"", b"Service Unavailable", b"<html>502 Bad Gateway"):
        made = copy_of(of_bytes(ROBOTS, body, AT, None, "text/plain"))
        assert made is not None
        assert made.access is Access.TRUNCATED
    cut = copy_of(of_bytes(ROBOTS, WORDS, AT, None, "text/plain", "WARC-Truncated: length"))
    assert cut is not None
    assert cut.access is Access.TRUNCATED
    assert copy_of(of_bytes("https://x.example/page", WORDS, AT, None)) is None


def test_nothing_is_not_silence():
    got = robots(copy(url="https://other.example/robots.txt"))
    assert (got.access, got.uri) == (Access.NOT_COLLECTED, ROBOTS)


def test_no_time_is_stale():
    assert robots(copy(), at=None).access is Access.STALE
    assert robots(asked(ROBOTS, answer(), None)).access is Access.STALE


@pytest.mark.parametrize("status, hours, access", [
    ("404 Not Found", -1, Access.UNAVAILABLE), ("404 Not Found", -90, Access.STALE),
    ("403 Forbidden", -1, Access.REFUSED), ("503 Busy", -1, Access.UNREACHABLE),
    ("503 Busy", -90, Access.NOT_COLLECTED), ("403 Forbidden", 90, Access.NOT_COLLECTED)])
def test_failures(status, hours, access):
    got = robots(copy(hours, b"no words", status))
    assert (got.access, got.body) == (access, b"")


def test_redirects_are_followed_to_the_copy_of_that_time_and_the_rules_stay_those_of_the_first():
    moved = copy(-1, b"", "301 Moved", "Location: https://www.x.example/robots.txt")
    there = "https://www.x.example/robots.txt"
    got = robots(moved, copy(-1, b"old", url=there), copy(-0.5, b"new", url=there), copy(3, b"later", url=there))
    assert (got.access, got.body, got.uri, got.final_uri) == (Access.OBTAINED, b"new", ROBOTS, there)


def test_a_redirect_that_nobody_followed_is_not_silence():
    got = robots(copy(0, b"", "302 Found", "Location: /robots-en.txt"))
    assert got.access is Access.NOT_COLLECTED
    assert "robots-en" in got.detail


def test_circles_and_long_ways_are_unavailable_as_in_a_crawl():
    assert robots(copy(0, b"", "301 Moved", "Location: /robots.txt")).access is Access.UNAVAILABLE
    hops = [copy(0, b"", "301 Moved", f"Location: https://h{n + 1}.example/robots.txt", url=f"https://h{n}.example/robots.txt")
            for n in range(9)]
    assert robots(*hops, url="https://h0.example/").access is Access.UNAVAILABLE
    assert robots(*hops[4:], copy(url="https://h9.example/robots.txt"), url="https://h4.example/").access is Access.OBTAINED


def test_as_of_another_time():
    now = AT + 2 * timedelta(days=300)
    copies = (copy(0, b"then"), copy(600 * 24 - 1, b"now"))
    assert robots(*copies).body == b"then"
    got = robots(*copies, as_of=now)
    assert (got.body, got.access) == (b"now", Access.OBTAINED)


def test_the_second_place_of_a_file_counts_where_the_first_has_none():
    base = "https://x.example"
    copies = (copy(0, b"", "404 Not Found", url=f"{base}/trust.txt"), copy(0, b"datatrainingallowed=no", url=f"{base}/.well-known/trust.txt"))
    evidence, _ = Copies(copies).of(f"{base}/a", AT)
    assert [(e.carrier, e.access) for e in evidence] == [
        (Carrier.ROBOTS_TXT, Access.NOT_COLLECTED), (Carrier.TRUST_TXT, Access.OBTAINED)]


def test_the_same_copies_give_the_same_objects():
    held = Copies([copy()])
    assert held.of("https://x.example/a", AT + HOUR)[0] is held.of("https://x.example/b", AT + 2 * HOUR)[0]


@pytest.mark.parametrize("url, written", [
    ("http://X.example:80/robots.txt", "http://x.example/robots.txt"), ("https://x.example:8443/ai.txt", "https://x.example:8443/ai.txt"),
    ("https://me:secret@x.example/robots.txt", ROBOTS), ("https://x.example/robots.txt?a", ""), ("https://x.example/a/robots.txt", ""),
    ("ftp://x.example/robots.txt", ""), ("https://[::1]/robots.txt", "https://[::1]/robots.txt"), ("http://[bad/robots.txt", ""),
    ("https://x.example:99999/robots.txt", ""), ("https://x.example/robots.txt#a", "")])
def test_addresses_of_site_files(url, written):
    assert place(url) == written


def test_origin_never_raises():
    assert origin("http://x.example:bad/") == origin("nonsense") == ""


def test_on_disk_and_back(tmp_path):
    copies = [copy(), copy(-9, b"\x00\xff"), copy(0, b"", "301 Moved", "Location: /robots.txt"), asked(ROBOTS, b"junk", None)]
    assert sites.write(tmp_path / "s.parquet", copies) == 4
    back = list(sites.read(tmp_path / "s.parquet"))
    shown = [(c.uri, c.at, c.access, c.status, c.body, c.leads_to, c.detail, c.record) for c in back]
    assert sorted(map(repr, shown)) == sorted(repr((c.uri, c.at, c.access, c.status, c.body, c.leads_to, c.detail, c.record)) for c in copies)
