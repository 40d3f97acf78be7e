"""Which address is that of a copy, smaller or cut, and which that of its original.

**Facts** (HTML, 4.8.4.2.1: https://html.spec.whatwg.org/multipage/images.html#srcset-attributes)
- `srcset` holds candidates between commas, each with a width (`640w`) or a density (`2x`); they show the same.
- PRACTICE: WordPress names copies `name-300x200.jpg` and `name-scaled.jpg`; image services take the size from the query (`w`,
  `width`, `resize` ...); Cloudflare has it in the path (`/cdn-cgi/image/width=80/...`), Next.js has the original in the query.
- OURS: where a name only looks like that of a copy, its silence is held to be none; that keeps things back and lets none go.
- OURS: addresses that nobody linked are told and not asked for.
"""
from __future__ import annotations

import re
from collections import deque
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

_SIZED = re.compile(r"(.+)-(?:\d{2,5}x\d{2,5}|scaled)(\.[A-Za-z0-9]{2,5})")
_CLOUDFLARE = re.compile(r"(.*)/cdn-cgi/image/[^/]*=[^/]*/(.+)", re.DOTALL)
SIZES = frozenset({"w", "h", "width", "height", "resize", "fit", "size", "crop", "maxwidth", "maxheight", "max-w", "max-h",
                   "dpr", "thumb", "thumbnail", "scale"})
_DESCRIPTOR = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)[wx]")
CANDIDATES = 100                     # OURS: of one srcset


def original_of(url: str) -> str:
    """The original that the address of a copy names; "" where it looks like none."""
    parts = urlsplit(url)
    if (inner := _CLOUDFLARE.fullmatch(parts.path)) and inner[2]:
        base = f"{parts.scheme}://{parts.netloc}{inner[1]}/"
        return _other(inner[2] if "://" in inner[2] else urljoin(base, inner[2].lstrip("/")), url)
    query = parse_qsl(parts.query, keep_blank_values=True, max_num_fields=100) if parts.query.count("&") < 100 else []
    if parts.path.endswith("/_next/image"):
        return _other(urljoin(url, dict(query).get("url", "")), url)
    rest = [(name, value) for name, value in query if name.lower() not in SIZES]
    if len(rest) < len(query):
        return _other(parts._replace(query=urlencode(rest)).geturl(), url)
    folder, slash, name = parts.path.rpartition("/")
    if sized := _SIZED.fullmatch(name):
        return _other(parts._replace(path=f"{folder}{slash}{sized[1]}{sized[2]}").geturl(), url)
    return ""


def _other(found: str, url: str) -> str:
    return found if found != url and urlsplit(found).scheme in ("http", "https") else ""


def candidates(srcset: str) -> list[str]:
    """Addresses of a srcset as written, the largest first."""
    found: list[tuple[float, str]] = []
    words = deque(srcset.split())
    while words and len(found) < CANDIDATES:
        word = words.popleft()
        address, size = word.strip(","), 1.0
        ended = word.endswith(",")
        while words and not ended:           # descriptors, up to the comma that ends the candidate
            descriptor, comma, rest = words.popleft().partition(",")
            if told := _DESCRIPTOR.match(descriptor):
                size = float(told[1])
            if ended := bool(comma):
                words.extendleft([rest] if rest else [])
        if address:
            found.append((size, address))
    return [address for _, address in sorted(found, key=lambda c: -c[0])]
