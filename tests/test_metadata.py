"""What pages say of themselves: addresses of licences, hostile pages, and pages that are not parsed."""
from __future__ import annotations

import subprocess
import sys
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules import Asker, Asset, Carrier, Evidence
from rules.creative_commons import CODES, Licence, licence
from rules.html_work import compiled, survey
from rules.limits import FINDINGS, HTML_DEPTH
from rules.metadata import describe
from rules.metadata import read as read_page
from rules.model import Access, FaultKind
from rules.signals import account, feeds
from rules.signals import licence as reader

BASE = "https://site.example/a"
LINK = '<a rel=license href="https://creativecommons.org/licenses/by/4.0/">c</a>'
BLOCK = '<script type="application/ld+json">{"@type":"Article","license":"https://creativecommons.org/licenses/by/4.0/"}</script>'
ENOUGH_S = 30                        # a runaway takes hours


@pytest.mark.parametrize("text, code, version, jurisdiction", [
    ("http://creativecommons.org/licenses/by/2.0/", "by", "2.0", ""),
    ("https://www.creativecommons.org/licenses/by-sa/4.0/deed.de", "by-sa", "4.0", ""),
    ("//creativecommons.org/licenses/by-nc-nd/3.0/igo/legalcode.fr", "by-nc-nd", "3.0", "igo"),
    ("HTTPS://CreativeCommons.org/licenses/BY/2.5/Scotland", "by", "2.5", "scotland"),
    (" https://creativecommons.org/licenses/by/4.0?ref=chooser-v1#x ", "by", "4.0", ""),
    ("https://creativecommons.org/licenses/by-nd-nc/1.0/", "by-nc-nd", "1.0", ""),
    ("https://creativecommons.org/licenses/nd-nc/1.0/", "nc-nd", "1.0", ""),
    ("https://creativecommons.org/licenses/nc-sampling%2B/1.0/", "nc-sampling+", "1.0", ""),
    ("https://creativecommons.org/licenses/sampling+/1.0/br/", "sampling+", "1.0", "br"),
    ("https://creativecommons.org/licenses/devnations/2.0/", "devnations", "2.0", ""),
    ("https://creativecommons.org/licenses/by", "by", "", ""),
    ("https://creativecommons.org/publicdomain/zero/1.0/", "zero", "1.0", ""),
    ("https://creativecommons.org/publicdomain/mark/1.0/deed.en", "mark", "1.0", ""),
    ("https://creativecommons.org/licenses/publicdomain/", "mark", "1.0", ""),
    ("CC-BY-SA-3.0-DE", "by-sa", "3.0", "de"),
    ("cc-by-4.0", "by", "4.0", ""),
    ("CC0-1.0", "zero", "1.0", ""),
    ("cc-by-nc-nd", "by-nc-nd", "", ""),
])
def test_an_address_of_creative_commons(text, code, version, jurisdiction):
    assert licence(text) == Licence(code, version, jurisdiction)


@pytest.mark.parametrize("text", [
    "", "https://creativecommons.org/", "https://creativecommons.org/licenses/", "https://creativecommons.org/licenses/by/9.9/",
    "https://creativecommons.org/licenses/mit/", "https://creativecommons.org/licenses/zero/1.0/", "https://creativecommons.org/about/",
    "https://creativecommons.org/publicdomain/by/1.0/", "https://evil.example/creativecommons.org/licenses/by/4.0/",
    "https://creativecommons.org.evil.example/licenses/by/4.0/", "https://creativecommons.org@evil.example/licenses/by/4.0/",
    "https://wiki.creativecommons.org/licenses/by/4.0/", "https://creativecommons.org/licenses/by/4.0/../../zero/1.0/x/y",
    "cc-by-by-4.0", "cc-9.0", "MIT", "javascript:alert(1)",
])
def test_every_other_address_is_none(text):
    assert licence(text) is None


@pytest.mark.parametrize("code", CODES)
def test_the_address_of_a_licence_leads_back_to_it(code):
    for version in CODES[code][1]:
        found = Licence(code, version, "de" if code.startswith("by") else "")
        assert licence(found.url) == found


HOSTILE = {
    "many links": LINK * 50_000,
    "deep links": "<div>" * 400 + LINK * 20_000,
    "links in figures": ("<figure>" + LINK) * 5_000,
    "a figure of many parts": "<figure>" + "<p>" * 100_000 + LINK * 500,
    "many blocks": BLOCK * 5_000,
    "many blocks that are no JSON": BLOCK.replace("}", "") * 5_000,
    "one large block": BLOCK.replace("Article", "x" * 3_000_000),
    "a block of braces": '<script type="application/ld+json">"license"' + "}" * 500_000 + "</script>",
    "a block of brackets": '<script type="application/ld+json">{"license":' + "[" * 500_000 + "</script>",
    "a block of comments": '<script type="application/ld+json">"license"' + "/**/" * 120_000 + "</script>",
    "a wide block": '<script type="application/ld+json">[' + '{"license":"x"},' * 30_000 + "1]</script>",
    "a wide graph": '<script type="application/ld+json">{"@graph":[' + '{"license":"x"},' * 30_000 + "1]}</script>",
    "links too deep": "<div>" * (HTML_DEPTH + 1) + LINK,
    "items too deep": "<div>" * (HTML_DEPTH + 1) + "<b itemprop=license itemscope>x</b>",
    "a number that is too long": '<script type="application/ld+json">{"license":' + "1" * 100_000 + "}</script>",
    "many items": "<div itemscope><i itemprop=license>x</i></div>" * 30_000,
    "nested items": "<div itemscope itemprop=license>" * 2_000,
    "nested properties": "<div itemscope>" + "<div itemprop=license>" * 450 + "x" * 500_000,
    "many properties": "<div itemscope>" + "<b itemprop=license>y</b>" * 30_000,
    "many references": "<p id=a>" + "<b itemprop=license>x</b>" * 300 + ("<i itemscope itemref='" + "a " * 3_000 + "'></i>") * 60,
    "references in a circle": "<i id=a itemscope itemprop=license itemref=b></i><i id=b itemscope itemprop=license itemref=a></i>" * 200,
    "many names": "<div itemscope><b itemprop='" + "license " * 300_000 + "'>x</b></div>",
    "many metas": "<meta name=dc.rights content=x>" * 50_000,
    "a long name": "<meta name='dc." + "a" * 1_000_000 + ".license' content=x><meta name=dc.license content=y>",
    "rel without end": " license " + "rel=" * 500_000 + " license",
    "quotes without end": 'rel="' * 400_000 + " license",
    "addresses that are none": "<a rel=license href='http://[x'>c</a><div itemscope><a itemprop=license href='http://[::1'>x</a></div>",
    "characters that XML has not": "<div itemscope><b itemprop=license>\0\x01\ufffe</b></div>" + BLOCK.replace("by", "\x0b"),
}


@pytest.mark.parametrize("page", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_page_is_read_in_bounded_time(page):
    start = time.monotonic()
    found = describe(("<!doctype html>" + page).encode(), BASE)
    assert time.monotonic() - start < ENOUGH_S
    assert len(found.properties) <= 20_000
    assert len(found.faults) <= 10


@pytest.mark.parametrize("name", ["many links", "many blocks", "a block of brackets", "many items", "many references", "many metas",
                                  "nested items", "a wide block", "a wide graph", "links too deep", "items too deep"])
def test_what_lies_beyond_a_cap_is_a_fault(name):
    assert describe(("<!doctype html>" + HOSTILE[name]).encode(), BASE).faults


PARTS = st.sampled_from([
    "<a ", "<link ", "<div ", "<p>", "</p>", ">", "<!--", "-->", "<script>", "</script>", "<title>", "<template>", '"', "'", "=", " ", "\n",
    "rel=", "REL = ", "license", "LICENSE", "lic&#101;nse", "&#x6c;icense", "nofollow ", "property=", "cc:", "dct&colon;license", "itemprop=",
    "itemscope ", "href=x ", "href='https://creativecommons.org/licenses/by/4.0/' ", "content=x ", "<meta name=", "dc.rights", "dcterms.license ",
    "DC&period;Rights ", LINK, BLOCK, BLOCK.replace("license", "lic\\u0065nse"), BLOCK.replace("license", "isAccessibleForFree"),
    BLOCK.replace("+", "&#43;"), BLOCK.replace("+", "&plus;"), '<script type="application/ld+json">{"a":"<!--<script>",', '"license":"x"}',
    "isAccessibleForFree", "usageInfo", "about=/x ", "<figure>", "<aside>", "<svg>", "<select>", "<frameset>", "\0", "é",
])


@settings(max_examples=400, deadline=None)
@given(st.lists(PARTS, max_size=14).map("".join))
def test_a_page_that_is_not_parsed_had_nothing_to_say(page):
    body = ("<!doctype html>" + page).encode()
    found, all_found = describe(body, BASE), describe(body, BASE, exact=True)
    assert (found.properties, found.faults) == (all_found.properties, all_found.faults)


@pytest.mark.parametrize("page", [
    "<p>Our license is a page.</p>", "<script>var license = related = 'x'</script>", '<link rel="stylesheet" href="license.css">',
    '<script type="application/ld+json">{"@type": "Organization", "name": "M\\u00fcller"}</script>', "<p>human rights, dc rights</p>",
    '<div itemscope><b itemprop="name">x</b></div>', "caf&eacute; &amp; &#8217; &#39; &#x27;",
])
def test_a_page_without_the_words_in_their_places_is_not_parsed(page):
    assert not compiled or not survey(page.encode()).told_end


READERS = ((Carrier.BODY, reader.html), (Carrier.BODY, feeds.body), (Carrier.HTTP_FIELDS, reader.header), (Carrier.FEED, feeds.feed),
           (Carrier.ACCOUNT, account.read))
SEEDS = ["<!doctype html>" + LINK + BLOCK, '<feed xmlns="http://www.w3.org/2005/Atom"><link rel="license" href="x"/><entry/></feed>',
         "Link: <https://creativecommons.org/licenses/by/4.0/>; rel=license", '{"$type": "org.user-intents.declaration", "x": {"allow": 1}}',
         '<rss><channel><item><link>x</link><license xmlns="http://web.resource.org/cc/">y</license></item></channel></rss>']


@settings(max_examples=300, deadline=None)
@given(seed=st.sampled_from(SEEDS), at=st.integers(0, 300), put=st.binary(max_size=6), drop=st.integers(0, 8))
def test_no_reader_raises(seed, at, put, drop):
    body = seed.encode()
    body = body[:at] + put + body[at + drop:]
    for carrier, read in READERS:
        for media_type in ("", "text/html", "application/rss+xml"):
            out = read(Evidence(carrier, BASE, None, Access.OBTAINED, body), Asset(BASE, media_type), Asker("OurBot"))
            assert isinstance(out, list)


@pytest.mark.parametrize("feed", [
    "<rss><channel>" + "<item><copyright>x</copyright></item>" * 50_000 + "</channel></rss>", "<rss>license" + "<a>" * 100_000,
    "<!DOCTYPE rss [<!ENTITY a 'license'><!ENTITY b '&a;&a;'>]><rss>&b;</rss>", "<rss license='" + "x" * 5_000_000,
    "<rss><channel>" + '<license xmlns="http://web.resource.org/cc/">https://x.example/%d</license>' * 3_000 + "</channel></rss>",
])
def test_a_hostile_feed_is_read_in_bounded_time(feed):
    start = time.monotonic()
    evidence = Evidence(Carrier.FEED, BASE, None, Access.OBTAINED, feed.encode())
    assert len(feeds.feed(evidence, Asset(BASE), Asker("OurBot"))) <= 501
    assert time.monotonic() - start < ENOUGH_S


@pytest.mark.parametrize("body, kind", [(b"[" * 200_000, FaultKind.MALFORMED), (b"1" * 10_000, FaultKind.MALFORMED),
                                        (b" " * 2_000_000, FaultKind.TRUNCATED)])
def test_a_hostile_account_is_a_fault(body, kind):
    evidence = Evidence(Carrier.ACCOUNT, BASE, None, Access.OBTAINED, body)
    assert [f.kind for f in account.read(evidence, Asset(BASE), Asker("OurBot"))] == [kind]


def test_an_account_says_no_more_than_is_worth_keeping():
    body = b"[" + b",".join(b'{"indexable": %d}' % n for n in range(FINDINGS + 9)) + b"]"
    told = account.read(Evidence(Carrier.ACCOUNT, BASE, None, Access.OBTAINED, body), Asset(BASE), Asker("OurBot"))
    assert [f.kind for f in told] == [FaultKind.MALFORMED] * FINDINGS + [FaultKind.TRUNCATED]


def test_the_last_page_is_read_once():
    body = ("<!doctype html>" + LINK).encode()
    assert read_page(body, "text/html", BASE) is read_page(body, "text/html", BASE)
    assert read_page(body, "text/html", BASE).base != read_page(body, "text/html", f"{BASE}/b").base


def test_extruct_is_loaded_by_the_first_page_that_needs_it():
    code = "import sys, rules, rules.signals; assert 'extruct' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
