"""The crawler that a User-Agent names.

**Facts**
- RFC 9110, 10.1.5 (https://www.rfc-editor.org/rfc/rfc9110#section-10.1.5): products and comments, of no fixed form.
  PRACTICE: a crawler names its token anywhere, mostly inside a comment (`compatible; GPTBot/1.2; ...`).
- OURS: a name counts where no letter, digit, `_` or `-` touches it, so `GPTBot` is not in `MyGPTBotX`; the first in the
  text wins, and of those that start there the longest (`Googlebot-Image`).
- A name is a claim: anybody can send it (addresses.py).
"""
from __future__ import annotations

import re
from functools import cache, lru_cache

from rules.agents import Agent, agents

MOST_NAMES = 200_000                 # User-Agents remembered; a log that has more is forged, and is classified again


@cache
def _pattern() -> re.Pattern[str]:
    names = sorted(map(re.escape, agents()), key=len, reverse=True)
    return re.compile(rf"(?<![\w-])(?:{'|'.join(names)})(?![\w-])", re.IGNORECASE | re.ASCII)


@lru_cache(10_000)
def named(agent: str) -> Agent | None:
    """Who a User-Agent says it is; None: nobody that agents.yaml knows."""
    found = _pattern().search(agent)
    return agents()[found[0].lower()] if found else None


class Names(dict[bytes, bool]):
    """Whether a crawler may be named, by the bytes in which a log has a User-Agent; each is looked at once. The bytes may still
    be escaped: what they are and what they mean are both tried."""

    def __missing__(self, raw: bytes) -> bool:
        if len(self) >= MOST_NAMES:
            self.clear()
        self[raw] = found = _any_name(raw)
        return found


def _any_name(raw: bytes) -> bool:
    from urllib.parse import unquote
    text = raw.decode("latin-1")
    pattern = _pattern()
    if pattern.search(text):
        return True
    if "%" in text and pattern.search(unquote(unquote(text))):
        return True
    return bool("+" in text and pattern.search(text.replace("+", " "))) or bool("\\" in text)
