"""Settings of our own crawls; a foreign project gets its share of them from addon.py.

**Facts**
- A crawler says who it is and where to complain (RFC 9309, 2.2.1: the product token is part of the identification string;
  RFC 9110, 10.1.5: product, then a comment).
- MAYMINE_TOKEN: product token. MAYMINE_CONTACT: URL for site owners. MAYMINE_POLICIES: names of policies, or paths of files.
  MAYMINE_RUN: run folder; "" records nothing. MAYMINE_EVIDENCE: which bytes are kept, all, site or none.
  MAYMINE_ALLOW_PRIVATE: networks and hosts that may be reached though private. MAYMINE_TRUST_PROXY: leave that check to the
  proxy. MAYMINE_COMMERCIAL, MAYMINE_COUNTRY: what else statements may single out about the asker. MAYMINE_REGISTERS: files of
  registers, or NAME=FILE. MAYMINE_BAD_ROWS: `refuse` a register that holds bad rows, or `name` them and use the rest.
"""
from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rules import Asker, limits
from rules.record import ENGINE

if TYPE_CHECKING:
    from scrapy.settings import BaseSettings

BOT_NAME = "maymine"
SPIDER_MODULES = ["crawler.spiders"]
ADDONS = {"crawler.addon.Maymine": 300}

CONCURRENT_REQUESTS = 32
CONCURRENT_ITEMS = 2                 # of one response; Scrapy 2.19 starts so many tasks for each, and ours never wait
CONCURRENT_REQUESTS_PER_DOMAIN = 2
AUTOTHROTTLE_ENABLED = True
AUTOTHROTTLE_START_DELAY = 0.5
AUTOTHROTTLE_TARGET_CONCURRENCY = 1.0
DOWNLOAD_TIMEOUT = 60
DOWNLOAD_MAXSIZE = 2 * limits.MEDIA_BYTES
DOWNLOAD_WARNSIZE = 0
REDIRECT_MAX_TIMES = limits.REDIRECTS
REDIRECT_PRIORITY_ADJUST = 0
METAREFRESH_ENABLED = False          # the page that says so is an asset itself
COOKIES_ENABLED = False
REFERRER_POLICY = "no-referrer"
RETRY_TIMES = 1
TELNETCONSOLE_ENABLED = False
REMOTE_CONTROL_ENABLED = False
LOG_LEVEL = "INFO"

# What the addon sets where nobody else did.
DEFAULTS: dict[str, object] = {
    "MAYMINE_CONTACT": "", "MAYMINE_POLICIES": ["eu-dsm-art4"], "MAYMINE_RUN": "", "MAYMINE_EVIDENCE": "all",
    "MAYMINE_ALLOW_PRIVATE": [], "MAYMINE_TRUST_PROXY": False, "MAYMINE_COMMERCIAL": True, "MAYMINE_COUNTRY": "",
    "MAYMINE_REGISTERS": [], "MAYMINE_BAD_ROWS": "refuse",
}
TOKEN = re.compile(r"[A-Za-z_-]+")   # RFC 9309, 2.2.1


def user_agent(token: str, contact: str) -> str:
    """Product and version, then where to complain."""
    return f"{token}/{ENGINE}" + (f" (+{contact})" if contact else "")


def asker_of(settings: BaseSettings) -> Asker:
    """Who asks. Raises ValueError for a token that robots.txt could never name."""
    token = settings.get("MAYMINE_TOKEN") or ""
    if not TOKEN.fullmatch(token):
        raise ValueError(f"MAYMINE_TOKEN: '{token}' is no product token; letters, - and _ only (RFC 9309, 2.2.1)")
    return Asker(token, settings.getbool("MAYMINE_COMMERCIAL"), (settings.get("MAYMINE_COUNTRY") or "").upper())
