"""What a crawl still has to do, in the run folder: an append-only file, so that a killed crawl goes on where it was.

**Facts**
- Scrapy's JOBDIR takes a request off the disk before it is downloaded, and remembers it as seen; killed in between, it is
  lost (Scrapy 2.19, core/scheduler.py: https://github.com/scrapy/scrapy/tree/2.19). Here nothing is taken off: what has been
  found, less what has a record, is what there is to do.
- INVARIANT: what is found on a page is written before the record of the page is.
- A line is one JSON value (JSON Lines); the last line of a killed writer may be cut, and is not counted.
- An empty path is the same as / (RFC 9110, 4.2.3: https://www.rfc-editor.org/rfc/rfc9110).
- OURS: what could not be asked for is no URL here, neither to keep nor to take up again.
"""
from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Set
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urldefrag, urlsplit

from w3lib.url import safe_url_string

from rules import limits

_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s]")


def key_of(url: str) -> str:
    """The spelling under which a URL is asked for, recorded and compared: Scrapy's, without fragment, and with a path.

    Raises ValueError for what is no absolute URL with a place, or has no host where HTTP needs one.
    """
    key = urldefrag(safe_url_string(url.strip())).url
    if not _ABSOLUTE.match(key):
        raise ValueError(f"'{url[:limits.DETAIL_CHARS]}' is no web address; these begin with https:// or http://")
    parts = urlsplit(key)
    if parts.scheme in ("http", "https"):
        if not parts.hostname:
            raise ValueError(f"'{url[:limits.DETAIL_CHARS]}' names no host")
        parts.port  # noqa: B018, raises ValueError for what is no port
        if not parts.path:                           # RFC 9110, 4.2.3: the same as /
            return parts._replace(path="/").geturl()
    return key


class Frontier:
    """URLs found so far with their depth, and the sitemaps still to be read. `path` None keeps them in memory only."""

    def __init__(self, path: Path | None = None):
        self.depths: dict[str, int] = {}
        self.media: dict[str, tuple[str, str, bool]] = {}    # page where it was found, original, whether it is embedded there
        self.sitemaps: dict[str, bool] = {}          # whether it has been read
        self._file: BinaryIO | None = None
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._load(path)

    def _load(self, path: Path) -> None:
        whole_bytes = 0
        if path.exists():
            with path.open("rb") as lines:
                for number, line in enumerate(lines, 1):
                    if not line.endswith(b"\n"):
                        break
                    whole_bytes += len(line)
                    try:
                        self._take(json.loads(line))
                    except (ValueError, RecursionError) as error:
                        raise ValueError(f"{path}:{number}: {error}") from error
        self._file = path.open("ab")
        self._file.truncate(whole_bytes)

    def _take(self, entry: dict[str, object]) -> None:
        match entry:
            case {"url": str(url), "depth": int(depth)} if _ABSOLUTE.match(url):
                if self.depths.setdefault(url, depth) == depth and "medium" in entry:
                    self.media.setdefault(url, _medium(entry))
            case {"sitemap": str(url)}:
                self.sitemaps.setdefault(url, False)
            case {"read": str(url)}:
                self.sitemaps[url] = True

    def add(self, urls: Iterable[str], depth: int, finder: str = "", most: int = 0) -> list[str]:
        """Keep those that are new, while there are fewer than `most` (0: any number), and give them back, spelled as kept."""
        new: list[str] = []
        for url in urls:
            if most and len(self.depths) >= most:
                break
            try:
                key = key_of(url)
            except ValueError:
                continue
            if len(key) <= limits.URL_CHARS and key not in self.depths:
                self.depths[key] = depth
                new.append(key)
        self._write({"url": url, "depth": depth} | ({"from": finder} if finder else {}) for url in new)
        return new

    def add_medium(self, url: str, depth: int, finder: str, original: str, embedded: bool, most: int = 0) -> str:
        """The same for an image or a document of a page: as it is spelled; "" if it is not new."""
        try:
            key = key_of(url)
        except ValueError:
            return ""
        if key in self.depths or len(key) > limits.URL_CHARS or (most and len(self.depths) >= most):
            return ""
        self.depths[key], self.media[key] = depth, (finder, original, embedded)
        self._write([{"url": key, "depth": depth, "from": finder, "medium": [original, embedded]}])
        return key

    def add_sitemaps(self, urls: Iterable[str]) -> list[str]:
        new = [url for url in dict.fromkeys(urls) if url not in self.sitemaps and len(url) <= limits.URL_CHARS]
        new = new[:max(0, limits.SITEMAPS - len(self.sitemaps))]
        self.sitemaps.update(dict.fromkeys(new, False))
        self._write({"sitemap": url} for url in new)
        return new

    def sitemap_read(self, url: str) -> None:
        self.sitemaps[url] = True
        self._write([{"read": url}])

    def unread_sitemaps(self) -> list[str]:
        return [url for url, read in self.sitemaps.items() if not read]

    def pending(self, finished: Set[str]) -> Iterator[tuple[str, int]]:
        """URL and depth of everything without a record."""
        return ((url, depth) for url, depth in list(self.depths.items()) if url not in finished)

    def left(self, finished: Set[str]) -> int:
        """How much there is to do: URLs without a record, and sitemaps unread."""
        return sum(1 for _ in self.pending(finished)) + len(self.unread_sitemaps())

    def _write(self, entries: Iterable[dict[str, object]]) -> None:
        if self._file is not None:
            self._file.write(b"".join(json.dumps(e, ensure_ascii=False).encode() + b"\n" for e in entries))
            self._file.flush()                       # in the hands of the system: outlives the process

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


def _medium(entry: dict[str, object]) -> tuple[str, str, bool]:
    match entry:
        case {"from": str(finder), "medium": [str(original), bool(embedded)]}:
            return finder, original, embedded
    return "", "", True
