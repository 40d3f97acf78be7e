"""Gates: what a status line, its fields and the page behind it say of payment, login, challenges and legal blocks.

Facts (RFC 9110, 15.5, https://www.rfc-editor.org/rfc/rfc9110#section-15.5; RFC 7725; Cloudflare, pay per crawl, 2026-04-23;
x402, transports v1 and v2, https://github.com/x402-foundation/x402; RSL 1.0, Crawler Authorization Protocol)
- 9110, 15.5.2 and 15.5.4: 401 wants authentication, 403 refuses. 15.5.3: 402 is for payment. 10.2.3: Retry-After says when to
  come again; 429 and 503 are no word about rights.
- 7725, 3 and 4: 451 is a legal block; a link with the relation `blocked-by` names who blocks.
- Cloudflare: `crawler-price: USD 0.01` is the price of one request, sent with 402. OURS: a price is a price with any status.
- x402 v2: the field PAYMENT-REQUIRED holds base64 of JSON; v1: JSON in the body. `accepts` lists amount, asset and network.
- RSL: `WWW-Authenticate: License` asks for a licence; a link of the type application/rsl+xml names the document.
- Cloudflare: the field `cf-mitigated: challenge` marks a challenge.
- OURS: a login is known by the path that a redirect leads to, where the path asked for is none; a wall in a page by markup that
  stands on challenge pages alone, or by a CAPTCHA or password field on a page that shows next to nothing else.
- Nothing is paid, accepted or solved by being read.
"""
from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urljoin

from ..html import is_html
from ..limits import GATE_BYTES, GATE_JSON_BYTES, GATE_JSON_PARTS, QUOTE_CHARS, URL_CHARS, WALL_TEXT_BYTES
from ..model import Asker, Asset, Circumstance, CircumstanceKind, Evidence, Finding, Terms
from ..scan import Trigger
from . import http_fields
from .link_field import links
from .prose import shown

PAYWALLED, BARRIER, BLOCKED = CircumstanceKind.PAYWALLED, CircumstanceKind.TECHNICAL_BARRIER, CircumstanceKind.LEGALLY_BLOCKED
RSL_TYPE = "application/rsl+xml"
PRICE, PAYMENT, CHALLENGE = b"crawler-price", b"payment-required", b"cf-mitigated"       # fields that speak with any status
REDIRECTS = (301, 302, 303, 307, 308)

_PRICE = re.compile(r"\s*([A-Za-z]{3})\s+(\d{1,12}(?:\.\d{1,12})?)\s*")
_LICENSE = re.compile(r"(?:^|,)\s*license(?:\s|,|$)", re.IGNORECASE)
_LOGIN = re.compile(r"/(?:log[-_]?in|sign[-_]?in|auth|sso|wp-login\.php)(?:[/?#.]|$)", re.IGNORECASE)
_AUTHORITY = re.compile(r"[a-z][a-z0-9+.-]{0,20}://[^/?#]*", re.IGNORECASE)

# Words of markup that stand on challenge pages alone.
CHALLENGES = (b"_cf_chl_opt", b"captcha-delivery.com/captcha", b"px-captcha", b"/_incapsula_resource?cwudnsai=",
              b"awswafcookiedomainlist")
# Words that stand on ordinary pages, too.
WIDGETS = (b"g-recaptcha", b"h-captcha", b"cf-turnstile")


WHITE = b" \t\n\r\f\v"


def _is_bare(text: bytes) -> bool:
    """Whether a page that shows this text shows next to nothing; of most pages a start tells that they do not."""
    looked_at = 2 * WALL_TEXT_BYTES
    while len(text[:looked_at].translate(None, WHITE)) <= WALL_TEXT_BYTES:
        if looked_at >= len(text):
            return True
        looked_at *= 4
    return False


TRIGGERS = Trigger((b"x402version", *CHALLENGES, *WIDGETS, b"<input password"), lambda seen: _is_bare(seen.shown), CHALLENGES)
_PASSWORD = re.compile(rb"<input[^<>]{0,500}type\s{0,5}=\s{0,5}[\"']?password")


def header(evidence: Evidence, asset: Asset, asker: Asker) -> list[Finding]:
    """What the header section says of gates."""
    body, low = evidence.body, http_fields.lowered(evidence.body)
    status = http_fields.status(body) or evidence.status or 0
    if status < 300 and not evidence.final_uri and not (PRICE in low or PAYMENT in low or CHALLENGE in low):
        return []
    return list(_header(body, status, evidence.uri or asset.url, evidence.final_uri))


def _header(body: bytes, status: int, uri: str, final_uri: str) -> Iterator[Circumstance]:
    where = f"status {status}"
    prices = [*_prices(body), *_payments(body)]
    yield from prices
    licence = _licence_wanted(body) if status in (401, 402) else ""
    if licence:
        target = next((link.href for link in links(body) if link.type == RSL_TYPE), "")
        yield _found(PAYWALLED, "www-authenticate", licence, Terms(url=_absolute(uri, target), conditions=("licence",)))
    elif status == 402 and not prices:
        yield _found(PAYWALLED, where, where)
    elif status in (401, 403):
        yield _found(BARRIER, where, where)
    elif status == 451:
        blocker = next((link.href for link in links(body) if "blocked-by" in link.rels), "")
        yield _found(BLOCKED, where, blocker or where, Terms(url=order) if (order := _absolute(uri, blocker)) else None)
    for value in http_fields.values(body, CHALLENGE)[:1]:
        if value.strip().lower() == "challenge":
            yield _found(BARRIER, "cf-mitigated", value)
    target = final_uri
    if not target and status in REDIRECTS:
        target = next(iter(http_fields.values(body, b"location")), "")
    if target and target != uri and _is_login(target) and not _is_login(uri):
        yield _found(BARRIER, "redirect", target)


def page(evidence: Evidence, asset: Asset, asker: Asker) -> list[Finding]:
    """What stands in place of the asset: a challenge, a login, a demand for payment as x402 v1 writes it."""
    body = evidence.body
    if len(body) > GATE_BYTES:
        return []
    if b"x402Version" in body and (terms := _x402(body)):
        return [_found(PAYWALLED, "x402", f"x402 {terms.amount}", terms, "body")]
    if not is_html(body, asset.media_type):
        return []
    lowered = body.lower()
    widget = next((word for word in CHALLENGES if word in lowered), b"")
    if not widget and _is_bare(shown(body, asset.media_type)):
        widget = next((word for word in WIDGETS if word in lowered), b"") or (b"password" if _PASSWORD.search(lowered) else b"")
    return [_found(BARRIER, "html", widget.decode(), source="body")] if widget else []


def _found(kind: CircumstanceKind, where: str, quote: str, terms: Terms | None = None,
           source: str = "http-fields") -> Circumstance:
    return Circumstance(kind, source, where, quote[:QUOTE_CHARS], terms)


def _prices(body: bytes) -> Iterator[Circumstance]:
    for value in http_fields.values(body, PRICE)[:1]:
        price = _PRICE.fullmatch(value[:QUOTE_CHARS])
        amount, currency = (price[2], price[1].upper()) if price else ("", "")
        yield _found(PAYWALLED, "crawler-price", value, Terms(payment="crawl", amount=amount, currency=currency))


def _payments(body: bytes) -> Iterator[Circumstance]:
    for value in http_fields.values(body, PAYMENT)[:1]:
        terms = None
        if len(value) <= GATE_JSON_BYTES:
            try:
                terms = _x402(base64.b64decode(value.strip().encode("ascii", "replace"), validate=True))
            except ValueError:
                terms = None
        yield _found(PAYWALLED, "payment-required", f"x402 {terms.amount}" if terms else value, terms or Terms(payment="x402"))


def _licence_wanted(body: bytes) -> str:
    values = http_fields.values(body, b"www-authenticate")
    return next((value for value in values if _LICENSE.search(value[:GATE_JSON_BYTES])), "")


def _x402(payload: bytes) -> Terms | None:
    """The first offer of a demand; None where the bytes are none. Amounts count the smallest part of their asset."""
    if len(payload) > GATE_JSON_BYTES or payload.count(b"[") + payload.count(b"{") > GATE_JSON_PARTS:
        return None
    try:
        said = json.loads(payload, parse_int=str, parse_float=str)
    except ValueError:
        return None
    offers = said.get("accepts") if isinstance(said, dict) and "x402Version" in said else None
    if not isinstance(offers, list) or not offers or not isinstance(offers[0], dict):
        return None
    offer, resource = offers[0], said.get("resource")
    url = _text(resource.get("url") if isinstance(resource, dict) else resource) or _text(offer.get("resource"))
    amount = _text(offer.get("amount")) or _text(offer.get("maxAmountRequired"))
    conditions = tuple(f"{name}={value}" for name in ("network", "asset", "scheme") if (value := _text(offer.get(name))))
    return Terms(url=url, conditions=conditions, payment="x402", amount=amount)


def _text(value: Any) -> str:
    return value[:QUOTE_CHARS] if isinstance(value, str) else ""


def _is_login(uri: str) -> bool:
    return bool(_LOGIN.search(_AUTHORITY.sub("", uri[:URL_CHARS], count=1)))


def _absolute(base: str, href: str) -> str:
    try:
        return urljoin(base, href)[:URL_CHARS] if href else ""
    except ValueError:
        return ""
