"""RSL beyond its vectors: who refers to documents, hostile documents, and laws of evaluation. Links of RFC 8288."""
from __future__ import annotations

import time
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.assess import find
from rules.limits import (
    AI_TXT_BYTES,
    FEED_BYTES,
    HTML_ELEMENTS,
    RSL_BYTES,
    RSL_CONTENTS,
    RSL_DEPTH,
    RSL_REFERENCES,
    TDM_PERMISSIONS,
    TDM_POLICY_BYTES,
    TDMREP_BYTES,
)
from rules.model import Access, Asker, Asset, Carrier, Evidence, Fault, FaultKind, Form, Preference, Statement, Use
from rules.references import references
from rules.signals import READERS, rsl, tdm_policy
from rules.signals.link_field import links
from rules.vocab import bears

ASSET, ASKER = Asset("https://site.example/a/b"), Asker("mybot")
OPEN, CLOSE = '<rsl xmlns="https://rslstandard.org/rsl">', "</rsl>"
RUNAWAY_S = 5
TYPE = "application/rsl+xml"
ALL, ENTITY = '<permits type="usage">all</permits>', '<permits type="usage">&a;</permits>'


def evidence(carrier: Carrier, text: str | bytes, uri: str = "https://site.example/a/b") -> Evidence:
    return Evidence(carrier, uri, None, Access.OBTAINED, text if isinstance(text, bytes) else text.encode())


def licence(*terms: str) -> str:
    return "<license>" + "".join(terms) + "</license>"


def content(*licences: str, url: str = "/") -> str:
    return f'<content url="{url}">' + "".join(licences) + "</content>"


def said(text: str | bytes, asset: Asset = ASSET, asker: Asker = ASKER) -> dict[Use, set[Preference]]:
    out: dict[Use, set[Preference]] = {}
    for f in rsl.document(evidence(Carrier.RSL, text), asset, asker):
        if isinstance(f, Statement):
            out.setdefault(f.use, set()).add(f.preference)
    return out


def faults(carrier: Carrier, text: str | bytes) -> list[FaultKind]:
    return [f.kind for read in READERS[carrier] for f in read(evidence(carrier, text), ASSET, ASKER) if isinstance(f, Fault)]


def targets(*given: Evidence, asset: Asset = ASSET, asker: Asker = ASKER) -> list[str]:
    return [r.uri for r in references(given, asset, asker)]


# ---- who refers to documents

ROBOTS = "License: https://site.example/all.xml\nUser-agent: ExampleBot\nLicense: https://site.example/own.xml\nDisallow:"


@pytest.mark.parametrize("token, uri", [("ExampleBot", "own.xml"), ("mybot", "all.xml")])
def test_a_group_has_its_own_licence(token, uri):
    assert targets(evidence(Carrier.ROBOTS_TXT, ROBOTS), asker=Asker(token)) == [f"https://site.example/{uri}"]


@pytest.mark.parametrize("field, uris", [
    (f'<https://l.example/x.xml>; rel="license"; type="{TYPE}"', ["https://l.example/x.xml"]),
    (f'<https://l.example/x.xml>;REL=License;TYPE="{TYPE}; charset=utf-8"', ["https://l.example/x.xml"]),
    (f'</a>; rel=next, </l.xml#frag>; rel="next license"; type="{TYPE}"', ["https://site.example/l.xml"]),
    (f'<https://l.example/x.xml>; rel=license; title="a, <b>; type=no"; type={TYPE}', ["https://l.example/x.xml"]),
    ('<https://creativecommons.org/licenses/by/4.0/>; rel=license', []),
    (f'<https://l.example/x.xml>; rel=next; rel=license; type={TYPE}', []),
    (f'<https://l.example/x.xml>; rel=license; type={TYPE}; anchor="/other"', []),
    (f'<https://l.example/x.xml>; rel=license; type={TYPE}; anchor="#top"', ["https://l.example/x.xml"]),
    (f'<//user@l.example/x.xml>; rel=license; type={TYPE}', []),
    (f'<https://[l.example/x.xml>; rel=license; type={TYPE}', []),
])
def test_links_of_a_response(field, uris):
    assert targets(evidence(Carrier.HTTP_FIELDS, f"Link: {field}")) == uris


def test_links_of_a_page():
    page = (f'<html><head><link rel="stylesheet license" type="{TYPE.upper()}" href="l.xml"></head>'
            f'<body><p><link rel=license type="application/rsl&#43;xml" href="https://l.example/"></body></html>')
    assert targets(evidence(Carrier.BODY, page)) == ["https://site.example/a/l.xml", "https://l.example/"]
    assert targets(evidence(Carrier.BODY, page.encode("utf-16"))) == ["https://site.example/a/l.xml", "https://l.example/"]


def test_a_relative_address_is_told():
    (found,) = references((evidence(Carrier.ROBOTS_TXT, "License: /l.xml", "https://site.example/robots.txt"),), ASSET, ASKER)
    assert found.where == "robots.txt line 1, relative"


def test_redirects_change_the_place_that_an_address_is_relative_to():
    moved = Evidence(Carrier.ROBOTS_TXT, "https://site.example/robots.txt", None, Access.OBTAINED, b"License: l.xml",
                     final_uri="https://www.site.example/x/robots.txt")
    assert targets(moved) == ["https://www.site.example/x/l.xml"]


def test_a_document_that_nobody_fetched_is_a_fault():
    field = evidence(Carrier.HTTP_FIELDS, f"Link: <https://l.example/>; rel=license; type={TYPE}")
    assert [(f.carrier, f.kind) for f in find((field,), ASSET, ASKER)] == [(Carrier.RSL, FaultKind.NOT_COLLECTED)]
    document = evidence(Carrier.RSL, OPEN + content(licence('<permits type="usage">all</permits>')) + CLOSE, "https://l.example/")
    assert {f.use for f in find((field, document), ASSET, ASKER)} == {Use.SEARCH, Use.TDM}


def test_a_policy_that_nobody_fetched_is_none():
    field = evidence(Carrier.HTTP_FIELDS, "tdm-reservation: 1\ntdm-policy: /policy.json")
    (reference,) = references((field,), ASSET, ASKER)
    assert (reference.carrier, reference.uri) == (Carrier.TDM_POLICY, "https://site.example/policy.json")
    assert all(isinstance(f, Statement) for f in find((field,), ASSET, ASKER))


def test_policies_are_looked_for_where_something_is_reserved():
    assert targets(evidence(Carrier.HTTP_FIELDS, "tdm-reservation: 0\ntdm-policy: /policy.json")) == []
    page = '<head><meta name="tdm-reservation" content="1"><meta name="tdm-policy" content="p.html"></head>'
    assert targets(evidence(Carrier.BODY, f"<html>{page}</html>")) == ["https://site.example/a/p.html"]
    file = '[{"location": "/", "tdm-reservation": 1, "tdm-policy": "https://p.example/"}]'
    assert targets(evidence(Carrier.TDMREP_JSON, file)) == ["https://p.example/"]


def test_more_references_than_are_followed():
    many = "".join(f"License: https://l.example/{n}\n" for n in range(RSL_REFERENCES + 1))
    assert len(targets(evidence(Carrier.ROBOTS_TXT, many))) == RSL_REFERENCES
    assert faults(Carrier.ROBOTS_TXT, many) == [FaultKind.TRUNCATED]


# ---- hostile documents

BOMBS = {
    "laughs": '<!DOCTYPE rsl [<!ENTITY a "ha">' + "".join(f'<!ENTITY a{n} "{"&a;" * 10}">' for n in range(9)) + f"]>{OPEN}&a;{CLOSE}",
    "external": f'<!DOCTYPE rsl SYSTEM "file:///etc/passwd">{OPEN}{CLOSE}',
    "hidden": f"<!-- <a> --><?x <a?> <!DOCTYPE rsl []>{OPEN}{CLOSE}",
    "undefined": f"{OPEN}&nbsp;{CLOSE}",
    "wide": OPEN + "<content/>" * 100_000 + CLOSE,
    "deep": OPEN + "<a>" * (RSL_DEPTH + 1) + "</a>" * (RSL_DEPTH + 1) + CLOSE,
    "deepest": OPEN + "<a>" * 80_000,
    "control": f"{OPEN}\x01{CLOSE}",
    "empty": OPEN + CLOSE,
    "feed": "<rss/>",
    "many": OPEN + content(licence(), url="/x") * (RSL_CONTENTS + 1) + CLOSE,
    "attributes": OPEN + "<content " + " ".join(f'a{n}=""' for n in range(20_000)) + "/>" + CLOSE,
    "words": OPEN + content(licence(f'<permits type="usage">{"x" * 10 + " " * 200_000}</permits>')) + CLOSE,
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_a_fault_and_costs_little(name):
    started = time.perf_counter()
    findings = rsl.document(evidence(Carrier.RSL, BOMBS[name]), ASSET, ASKER)
    assert any(isinstance(f, Fault) and f.detail for f in findings)
    assert not any(isinstance(f, Statement) and f.preference is Preference.ALLOW for f in findings)
    assert time.perf_counter() - started < RUNAWAY_S


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-8-sig", "utf-7"])
def test_an_encoding_hides_no_document_type(encoding):
    text = f'<!DOCTYPE rsl [<!ENTITY a "all">]>{OPEN}{content(licence(ENTITY))}{CLOSE}'
    assert said(text.encode(encoding)) == {}
    assert faults(Carrier.RSL, text.encode(encoding)) == [FaultKind.MALFORMED]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig", "iso-8859-1", "windows-1252"])
def test_encodings_that_are_read(encoding):
    declared = f"<?xml version='1.0' encoding='{encoding.removesuffix('-sig')}'?>"
    text = f'\n{declared}{OPEN}{content(licence(ALL))}<!-- é -->{CLOSE}'
    assert said(text.encode(encoding)) == {Use.SEARCH: {Preference.ALLOW}, Use.TDM: {Preference.ALLOW}}


def test_wildcards_without_end():
    url = "/" + "*a" * 1_000 + "$"
    started = time.perf_counter()
    assert said(OPEN + content(licence('<prohibits type="usage">all</prohibits>'), url=url) + CLOSE,
                Asset("https://site.example/" + "a" * 2_000 + "b")) == {}
    assert time.perf_counter() - started < RUNAWAY_S


def test_nothing_long_is_cut_to_something_else():
    far = OPEN + content(licence(f'<prohibits type="usage">{" " * 5_000}x:y {"x:z " * 5_000}all</prohibits>')) + CLOSE
    assert said(far) == {Use.SEARCH: {Preference.DISALLOW}, Use.TDM: {Preference.DISALLOW}}
    long = OPEN + content(licence(ALL), url="/a/" + "b" * 5_000) + CLOSE
    assert said(long, Asset("https://site.example/a/" + "b" * 4_000)) == {}
    assert faults(Carrier.RSL, long) == [FaultKind.MALFORMED]


def test_the_largest_document_is_read():
    text = OPEN + content(licence('<prohibits type="usage">all</prohibits>'))
    text += " " * (RSL_BYTES - len(text) - len(CLOSE)) + CLOSE
    assert said(text) == {Use.SEARCH: {Preference.DISALLOW}, Use.TDM: {Preference.DISALLOW}}
    assert faults(Carrier.RSL, text + " ") == [FaultKind.TRUNCATED]


@pytest.mark.parametrize("bomb", ["<a>,", "<", ';a="', '<a>;b="\\', "<a>" + ";" * 50, "<a>;rel=license", "\\", ',"'])
def test_a_bomb_of_links(bomb):
    body = ("Link: " + bomb * (60_000 // len(bomb)) + f", <https://l.example/>; rel=license; type={TYPE}").encode()
    started = time.perf_counter()
    assert len(links(body)) <= HTML_ELEMENTS
    rsl.header(evidence(Carrier.HTTP_FIELDS, body), ASSET, ASKER)
    assert time.perf_counter() - started < RUNAWAY_S


def test_links_beyond_the_cap_are_a_fault():
    body = "\n".join([f"Link: {'<a>,' * 1_000}"] * 10) + f"\nLink: <https://l.example/>; rel=license; type={TYPE}"
    assert FaultKind.TRUNCATED in faults(Carrier.HTTP_FIELDS, body)


def test_a_page_beyond_reason_is_a_fault():
    page = "<html><body>" + "<b><p>" * 20_000 + f'<link rel=license type="{TYPE}" href="/l.xml">'
    assert FaultKind.MALFORMED in faults(Carrier.BODY, page)


# ---- laws

USAGE = ("all", "ai-all", "ai-train", "ai-input", "ai-index", "search")
words = st.lists(st.sampled_from(USAGE), min_size=1, max_size=3).map(" ".join)
users = st.sampled_from(["commercial", "non-commercial", "education", "commercial education", "non-commercial personal"])
geos = st.sampled_from(["EU", "US", "AT CH"])
terms = st.fixed_dictionaries({}, optional={
    "permits usage": words, "prohibits usage": words, "permits user": users, "prohibits user": users, "permits geo": geos,
    "prohibits geo": geos, "payment": st.sampled_from(["free", "crawl", "attribution"])})


def written(chosen: dict[str, str]) -> str:
    out = []
    for key, value in chosen.items():
        name, _, kind = key.partition(" ")
        out.append(f'<payment type="{value}"/>' if name == "payment" else f'<{name} type="{kind}">{value}</{name}>')
    return licence(*out)


licences = st.lists(terms, min_size=1, max_size=3)
contents = st.lists(st.tuples(st.sampled_from(["/", "/a/", "/a/b", "/c"]), licences), min_size=1, max_size=3)


def text(chosen: list[tuple[str, list[dict[str, str]]]]) -> str:
    return OPEN + "".join(content(*map(written, its), url=url) for url, its in chosen) + CLOSE


def is_refused(findings: list[object], use: Use) -> bool:
    return any(isinstance(f, Statement) and f.preference is Preference.DISALLOW and bears(f.use, f.preference, use) for f in findings)


def is_allowed(findings: list[object], use: Use) -> bool:
    statements = [f for f in findings if isinstance(f, Statement) and bears(f.use, f.preference, use)]
    return (any(f.preference is Preference.ALLOW for f in statements) and not any(isinstance(f, Fault) for f in findings)
            and not is_refused(findings, use))


@given(contents)
def test_order_has_no_meaning(chosen):
    backwards = [(url, its[::-1]) for url, its in chosen[::-1]]
    one, other = (said(text(c)) for c in (chosen, backwards))
    for use in Use:
        assert {p for u, told in one.items() for p in told if bears(u, p, use)} == \
               {p for u, told in other.items() for p in told if bears(u, p, use)}


@given(contents, st.sampled_from(["/", "/a/", "/a/b"]), words)
def test_a_prohibition_more_never_loosens(chosen, url, word):
    more = [*chosen, (url, [{"prohibits usage": word}])]
    before, after = (rsl.document(evidence(Carrier.RSL, text(c)), ASSET, ASKER) for c in (chosen, more))
    for use in Use:
        assert is_refused(after, use) or not is_refused(before, use)
        assert not is_allowed(after, use) or is_allowed(before, use) or any(isinstance(f, Fault) for f in before)


@given(contents)
def test_an_unknown_asker_gets_no_more_than_every_known_one(chosen):
    unknown = rsl.document(evidence(Carrier.RSL, text(chosen)), ASSET, Asker("mybot", commercial=False))
    known = [rsl.document(evidence(Carrier.RSL, text(chosen)), ASSET, Asker("mybot", commercial=False, country=country))
             for country in ("AT", "US", "CH", "JP")]
    for use in Use:
        if is_allowed(unknown, use):
            assert all(is_allowed(one, use) or any(isinstance(f, Fault) for f in one) for one in known)


@pytest.mark.parametrize("commercial, country", [*product((True, False), ("", "AT", "US"))])
@given(contents)
def test_what_does_not_conform_permits_nothing(commercial, country, chosen):
    broken = text(chosen).replace(CLOSE, "<permit/>" + CLOSE)
    assert Preference.ALLOW not in set().union(*said(broken, asker=Asker("mybot", commercial, country)).values(), set())


# ---- what does not conform

FLAWED = {
    "two permits": licence(ALL, ALL), "no type": licence("<permits>all</permits>"), "two payments": licence(ALL, "<payment/><payment/>"),
    "two amounts": licence(ALL, "<payment><amount/><amount/></payment>"), "payment": licence(ALL, '<payment type="beer"/>'),
    "case": licence('<permits type="usage">ALL</permits>'), "geo": licence(ALL, '<prohibits type="geo">Mars</prohibits>'),
    "user": licence(ALL, '<prohibits type="user">robots</prohibits>'), "no license": "", "child": licence(ALL) + "<licence/>",
    "payment child": licence(ALL, "<payment><price/></payment>"),
}


@pytest.mark.parametrize("name", FLAWED)
def test_a_flaw_is_a_fault_and_permits_nothing(name):
    body = OPEN + content(FLAWED[name]) + CLOSE
    assert faults(Carrier.RSL, body) == [FaultKind.MALFORMED]
    assert Preference.ALLOW not in set().union(*said(body).values(), set())


def test_flaws_are_told_once_and_not_all_of_them():
    body = OPEN + "<same/>" * 20 + "".join(f"<x{n}/>" for n in range(20)) + CLOSE
    (fault,) = rsl.document(evidence(Carrier.RSL, body), ASSET, ASKER)[-1:]
    assert isinstance(fault, Fault)
    assert fault.detail.count("<same>") == 1
    assert "<x0>" in fault.detail
    assert "x19" not in fault.detail


@pytest.mark.parametrize("attributes", ["", 'url=""', 'url="articles/"', 'url="ftp://site.example/"', 'url="https://*.example/"',
                                        'url="https://u@site.example/"', 'url="/" encrypted="TRUE"'])
def test_a_content_that_is_none(attributes):
    body = f"{OPEN}<content {attributes}>{licence(ALL)}</content>{CLOSE}"
    assert faults(Carrier.RSL, body) == [FaultKind.MALFORMED]
    assert Preference.ALLOW not in set().union(*said(body).values(), set())


@pytest.mark.parametrize("terms, condition", [
    ('<payment><accepts type="application/x402+json">{}</accepts></payment>', "accepts=application/x402+json"),
    ('<reporting type="audit"/><reporting type="audit"/>', "reporting=audit")])
def test_conditions(terms, condition):
    found = rsl.document(evidence(Carrier.RSL, OPEN + content(licence(ALL, terms)) + CLOSE), ASSET, ASKER)
    assert {f.terms.conditions for f in found if isinstance(f, Statement) and f.terms} == {(condition,)}
    encrypted = f'{OPEN}<content url="/" encrypted="true">{licence(ALL)}</content>{CLOSE}'
    assert said(encrypted) == {Use.SEARCH: {Preference.DISALLOW}, Use.TDM: {Preference.DISALLOW}}


@pytest.mark.parametrize("payment", ['<payment type="inference"/>', '<payment><amount currency="XBT">1</amount></payment>'])
def test_what_is_of_the_draft_is_legacy(payment):
    found = rsl.document(evidence(Carrier.RSL, OPEN + content(licence(ALL, payment)) + CLOSE), ASSET, ASKER)
    assert {f.form for f in found if isinstance(f, Statement)} == {Form.LEGACY}


@pytest.mark.parametrize("url", ["https://SITE.example:443/a", "http://site.example/", "https://site.example", "*"])
def test_urls_that_match(url):
    assert said(OPEN + content(licence(ALL), url=url) + CLOSE) == {Use.SEARCH: {Preference.ALLOW}, Use.TDM: {Preference.ALLOW}}


def test_a_host_in_another_script():
    body = OPEN + content(licence(ALL), url="https://m\u00fcller.example/") + CLOSE
    assert said(body, Asset("https://xn--mller-kva.example/x")) == {Use.SEARCH: {Preference.ALLOW}, Use.TDM: {Preference.ALLOW}}
    assert said(OPEN + content(licence(ALL), url="https://\u00fc..example/") + CLOSE) == {}


def test_an_alternate_elsewhere():
    body = OPEN + content(licence(ALL) + "<alternate>https://cdn.example/a</alternate>", url="/x") + CLOSE
    assert said(body, Asset("https://cdn.example/a")) == {Use.SEARCH: {Preference.ALLOW}, Use.TDM: {Preference.ALLOW}}
    assert said(body, Asset("https://site.example/a")) == {}


def test_more_scripts_than_are_read():
    script = f'<script type="{TYPE}">{OPEN}{content(licence(ALL), url="")}{CLOSE}</script>'
    page = "<html><head><script type=module></script><link rel=next href=/>" + script * (RSL_REFERENCES + 1)
    assert faults(Carrier.BODY, page) == [FaultKind.TRUNCATED]


@pytest.mark.parametrize("text, kinds", [
    ('<rss xmlns:rsl="https://rslstandard.org/rsl">', [FaultKind.MALFORMED]),
    ('<rss xmlns:rsl="https://rslstandard.org/rsl">' + " " * FEED_BYTES, [FaultKind.TRUNCATED]),
    ('<?xml version="1.0"?><x xmlns:rsl="https://rslstandard.org/rsl"/>', []),
    ('<rss xmlns:rsl="https://rslstandard.org/rsl"/>', [])])
def test_feeds_that_cannot_be_read(text, kinds):
    assert [f.kind for f in rsl.feed(evidence(Carrier.FEED, text), ASSET, ASKER) if isinstance(f, Fault)] == kinds


@pytest.mark.parametrize("head, codec", [("<?xml version='1.0' encoding='ebcdic-cp-us'?>", "ascii"), ("", "latin-1")])
def test_encodings_that_are_not_read(head, codec):
    assert faults(Carrier.RSL, f"{head}{OPEN}<!-- \u00e9 -->{CLOSE}".encode(codec, "replace")) == [FaultKind.MALFORMED]


# ---- the smaller files

@pytest.mark.parametrize("carrier, head", [(Carrier.TRUST_TXT, "datatrainingallowed=no\n"), (Carrier.AI_TXT, "User-agent: *\nDisallow: /\n")])
def test_a_long_file_is_read_in_part(carrier, head):
    body = head + "#" * 60 + "\n" + "# x\n" * (AI_TXT_BYTES // 4)
    found = [f for read in READERS[carrier] for f in read(evidence(carrier, body), ASSET, ASKER)]
    assert {f.preference if isinstance(f, Statement) else f.kind for f in found} == {Preference.DISALLOW, FaultKind.TRUNCATED}


def test_a_long_file_of_tdmrep_is_a_fault():
    assert faults(Carrier.TDMREP_JSON, "[" + " " * TDMREP_BYTES + "]") == [FaultKind.TRUNCATED]


def test_a_long_policy_keeps_its_reservation():
    (found,) = tdm_policy.read(evidence(Carrier.TDM_POLICY, " " * (TDM_POLICY_BYTES + 1)), ASSET, ASKER)
    assert isinstance(found, Statement)
    assert found.preference is Preference.DISALLOW


@pytest.mark.parametrize("body", ["[]", "1", '"x"', "[" * 100_000, '{"permission": [1]}', '{"permission": {"action": 1, "duty": [1]}}',
                                  '{"permission": [' + '{"duty": {"action": {"@id": "x"}}},' * 500 + "]}", "\ufeff{}"])
def test_odd_policies_only_refuse(body):
    found = tdm_policy.read(evidence(Carrier.TDM_POLICY, body), ASSET, ASKER)
    assert found
    assert {f.preference for f in found if isinstance(f, Statement)} == {Preference.DISALLOW}
    assert len(found) <= TDM_PERMISSIONS
