"""Images and documents of a page: what to ask for, and what of the page goes with them.

**Facts** (HTML, 4.8: https://html.spec.whatwg.org/multipage/embedded-content.html; Open Graph: https://ogp.me/)
- Images of a page: `img`, `source` in `picture`, `video poster`, `og:image`. Documents are links whose names end as those of
  files do; what comes is known by its bytes alone.
- Words of a page about its images (`noimageai`) bear on an image that is embedded in it, so the page and its header go with
  the image as evidence. OURS: of several pages that embed an image, with the first one that was seen.
- OURS: of a `srcset` the largest is asked for, as the original of the others, and the one that `src` names.
"""
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from urllib.parse import urljoin, urlsplit

from selectolax.lexbor import LexborHTMLParser, LexborNode

from rules import Access, Asset, Carrier, Evidence, limits
from rules.html import is_html

from .items import CollectedPage
from .renditions import candidates, original_of

FILES = (".pdf", ".epub", ".jpg", ".jpeg", ".png", ".gif", ".webp", ".avif", ".heic", ".jxl", ".svg", ".tif", ".tiff", ".psd",
         ".mp3", ".m4a", ".wav", ".flac", ".mp4", ".m4v", ".mov", ".webm", ".avi", ".docx", ".pptx", ".xlsx", ".odt", ".ods",
         ".odp")
EMBEDDED = {Carrier.HTTP_FIELDS: Carrier.EMBEDDING_FIELDS, Carrier.BODY: Carrier.EMBEDDING_PAGE}
KEY = "maymine_medium"               # in the meta of a request


@dataclass(frozen=True, slots=True)
class Medium:
    """An image or a document to ask for, and where it was found."""
    url: str
    embedder: str                    # the page
    variant_of: str = ""
    embedded: bool = True            # False: linked
    evidence: tuple[Evidence, ...] = ()      # what the page says, where it is embedded

    def of(self, page: CollectedPage) -> CollectedPage:
        """What came, with what the page around it says."""
        asset = replace(page.asset, embedder=self.embedder, variant_of=self.variant_of)
        return replace(page, asset=asset, evidence=(*page.evidence, *self.evidence))


def media(page: CollectedPage) -> list[Medium]:
    """Images and documents of a page, each once, at most limits.MEDIA_OF_PAGE; none where it is no page."""
    body = next((e for e in page.evidence if e.carrier is Carrier.BODY and e.has_bytes), None)
    if body is None or not is_html(body.body, page.asset.media_type):
        return []
    around = embedding(page)
    out: dict[str, Medium] = {}
    for url, original, embedded in _found(body.body, page.asset):
        if len(out) >= limits.MEDIA_OF_PAGE:
            break
        if url not in out and url != page.asset.url:
            out[url] = Medium(url, page.asset.url, original, embedded, around if embedded else ())
    return list(out.values())


def embedding(page: CollectedPage) -> tuple[Evidence, ...]:
    """The header and the bytes of a page as evidence about what is embedded in it."""
    return tuple(_around(e, page.asset.url) for e in page.evidence if e.carrier in EMBEDDED)


def unseen(embedder: str) -> tuple[Evidence, ...]:
    """The same of a page that is not at hand any more."""
    return tuple(Evidence(carrier, embedder, None, Access.NOT_COLLECTED, detail="the crawl was interrupted after this page")
                 for carrier in EMBEDDED.values())


def _around(e: Evidence, url: str) -> Evidence:
    long = len(e.body) > limits.HTML_BYTES
    return replace(e, carrier=EMBEDDED[e.carrier], uri=url, final_uri="", body=e.body[:limits.HTML_BYTES],
                   access=Access.TRUNCATED if long and e.access is Access.OBTAINED else e.access)


def _found(body: bytes, asset: Asset) -> Iterator[tuple[str, str, bool]]:
    """Address, address of the original, whether it is embedded; http alone, and absolute."""
    tree = LexborHTMLParser(body[:limits.HTML_BYTES])
    first = tree.css_first("base[href]")
    base = _absolute((first.attributes.get("href") if first else "") or "", asset.url) or asset.url
    for node in tree.css("img,source,video[poster],meta[property='og:image'],a[href]"):
        tag = node.tag
        if tag == "a":
            url = _absolute(node.attributes.get("href") or "", base)
            if urlsplit(url).path.lower().endswith(FILES):
                yield url, original_of(url), False
        elif tag in ("video", "meta"):
            url = _absolute(node.attributes.get("poster" if tag == "video" else "content") or "", base)
            if url:
                yield url, original_of(url), True
        elif tag == "img" or (node.parent is not None and node.parent.tag == "picture"):
            yield from _image(node, base)


def _image(node: LexborNode, base: str) -> Iterator[tuple[str, str, bool]]:
    offered = [url for one in candidates((node.attributes.get("srcset") or "")[:limits.FIELD_LINES_BYTES])
               if (url := _absolute(one, base))]
    largest = offered[0] if offered else ""
    if largest:
        yield largest, original_of(largest), True
    src = _absolute(node.attributes.get("src") or "", base)
    if src and src != largest:
        yield src, (original_of(largest) or largest) if src in offered else original_of(src), True


def _absolute(href: str, base: str) -> str:
    """Without a fragment; "" for what no HTTP leads to."""
    try:
        url = urljoin(base, href.strip()).partition("#")[0]
        parts = urlsplit(url)
    except ValueError:
        return ""
    return url if href.strip() and parts.scheme in ("http", "https") and parts.netloc and len(url) <= limits.URL_CHARS else ""
