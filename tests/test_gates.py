"""Gates: the terms that they name, and hostile demands."""
from __future__ import annotations

import base64
import json
import time

import pytest

from rules.model import Access, Asker, Asset, Carrier, Circumstance, CircumstanceKind, Evidence, Terms
from rules.signals import gates

URL = "https://site.example/a"


def header(text: str | bytes, status: int | None = None, final_uri: str = "") -> list[Circumstance]:
    body = text.encode() if isinstance(text, str) else text
    return gates.header(Evidence(Carrier.HTTP_FIELDS, URL, None, Access.OBTAINED, body, status, final_uri), Asset(URL), Asker("OurBot"))


def page(body: bytes, media_type: str = "") -> list[Circumstance]:
    return gates.page(Evidence(Carrier.BODY, URL, None, Access.OBTAINED, body), Asset(URL, media_type), Asker("OurBot"))


def required(value: object) -> str:
    return "HTTP/1.1 402 x\r\nPayment-Required: " + base64.b64encode(json.dumps(value).encode()).decode()


@pytest.mark.parametrize("text, terms", [
    ("HTTP/1.1 402 x\r\ncrawler-price: usd 0.010", Terms(payment="crawl", amount="0.010", currency="USD")),
    ("HTTP/1.1 402 x\r\ncrawler-price: a lot", Terms(payment="crawl")),
    ("HTTP/1.1 402 x\r\nWWW-Authenticate: License\r\nLink: </l.xml>; rel=license; type=\"application/rsl+xml\"",
     Terms(url="https://site.example/l.xml", conditions=("licence",))),
    ("HTTP/1.1 402 x", None),
    ("HTTP/1.1 451 x\r\nLink: </order>; rel=blocked-by", Terms(url="https://site.example/order")),
    ("HTTP/1.1 451 x\r\nLink: <http://[order>; rel=blocked-by", None),
    (required({"x402Version": 2, "resource": {"url": URL}, "accepts": [{"amount": "1", "network": "base", "asset": "0xa", "scheme": "exact"}]}),
     Terms(url=URL, payment="x402", amount="1", conditions=("network=base", "asset=0xa", "scheme=exact"))),
    (required({"x402Version": 2, "accepts": [{"amount": 10 ** 40}]}), Terms(payment="x402", amount="1" + "0" * 40)),
    (required({"x402Version": 2, "accepts": []}), Terms(payment="x402")),
    (required([1]), Terms(payment="x402")),
])
def test_terms(text, terms):
    assert [c.terms for c in header(text)] == [terms]


def test_the_status_may_be_told_beside_the_fields():
    assert [c.kind for c in header("Server: x", 451)] == [CircumstanceKind.LEGALLY_BLOCKED]
    assert header("Server: x", 200) == []
    assert [c.kind for c in header("HTTP/1.1 403 x", 200)] == [CircumstanceKind.TECHNICAL_BARRIER]


@pytest.mark.parametrize("final, found", [
    ("https://site.example/login", True), ("https://id.example/users/sign_in?back=/a", True), ("https://site.example/sso/start", True),
    ("https://site.example/a/", False), ("https://login.example/a", False), ("https://site.example/blogin", False), ("", False), (URL, False),
])
def test_a_redirect_to_a_login(final, found):
    assert bool(header("HTTP/1.1 200 OK", final_uri=final)) is found


HOSTILE = {
    "link": "HTTP/1.1 451 x\r\nLink: " + "<a>;rel=x," * 100_000,
    "link quotes": "HTTP/1.1 451 x\r\nLink: " + '<a>;rel="' * 100_000,
    "open link": "HTTP/1.1 451 x\r\nLink: " + "<" * 1_000_000,
    "base64": "HTTP/1.1 402 x\r\nPayment-Required: " + "A" * 1_000_000,
    "deep": required(json.loads("[" * 150 + "]" * 150)),
    "deeper": "HTTP/1.1 402 x\r\nPayment-Required: " + base64.b64encode(b'{"x402Version":' + b"[" * 40_000).decode(),
    "digits": "HTTP/1.1 402 x\r\nPayment-Required: " + base64.b64encode(b'{"x402Version":1,"accepts":[{"amount":' + b"9" * 40_000 + b"}]}").decode(),
    "price": "HTTP/1.1 402 x\r\ncrawler-price: USD " + "1" * 1_000_000,
    "authenticate": "HTTP/1.1 401 x\r\nWWW-Authenticate: " + ", " * 500_000,
    "location": "HTTP/1.1 302 x\r\nLocation: " + "/log" * 250_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_fields_are_gates_and_cost_little(name):
    start = time.monotonic()
    found = header(HOSTILE[name])
    assert time.monotonic() - start < 5      # a bound on running away
    assert bool(found) is (name != "location")
    assert all(len(c.quote) <= 200 for c in found)


@pytest.mark.parametrize("body", [
    b'{"x402Version":' + b"[" * 60_000, b'{"x402Version": 1, "accepts": ' + b'{"a":' * 150, b"<input " * 18_000,
    b"<html><input type=" + b" " * 100_000 + b"password", b"<html>g-recaptcha" + b"<p" * 60_000, b"\xff" * 1000 + b"x402Version",
])
def test_hostile_pages(body):
    start = time.monotonic()
    page(body)
    assert time.monotonic() - start < 5      # a bound on running away
