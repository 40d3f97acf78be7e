"""An archive of pages to measure with: HTML documentation of Debian packages, as if crawled from 150 real hosts.

The documents are those of FOLDERS under /usr/share/doc, as far as their packages are installed. They are shorter than
the pages of the web, so a page goes on with the bodies of other documents of its package until it is as long as pages of
Common Crawl are: 95 KB in the median, 150 KB on average. Their heads are bare, so each page wears what pages of the web wear
(PARTS, in shares that were counted on pages of news, shops and recipes). One page in twenty speaks by each of KINDS, so that
three in five speak: far more than on the web. `python -m tests.bench.corpus` tells what is in it. Kept beside the virtual
environment or in the temporary folder, never in the repository.
"""
from __future__ import annotations

import hashlib
import io
import json
import math
import os
import random
import re
import tarfile
import tempfile
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from statistics import NormalDist, fmean, median

from fastwarc.warc import ArchiveIterator, WarcRecordType
from warcio.statusandheaders import StatusAndHeaders

from tests import thirdparty
from tests.archives import Writer

ROOT = Path(__file__).parents[2]
DOCUMENTS = Path("/usr/share/doc")
FOLDERS = ("apache2-doc", "debian-handbook", "debian-policy", "linux-doc-6.1", "nodejs", "postgresql-doc-15", "python3.11", "sqlite3")
HOSTS, PAGES, SAMPLE = 150, 4_400, 400
OF_PACKAGE = 1_200                   # documents at most, so that no package makes up the web
LEAST_BYTES, MOST_BYTES = 2_000, 1_500_000
MEDIAN_BYTES, SPREAD = 95_000, 0.98  # of a lognormal distribution
START = datetime(2026, 11, 20, 6, tzinfo=UTC)
VERSION = "7"

CC, POLICY = "https://creativecommons.org/licenses/by/4.0/", "https://example.org/policy.json"
IN_HEAD = {
    "robots-meta": b'<meta name="robots" content="noai, noimageai">',
    "tdmrep": b'<meta name="tdm-reservation" content="1">',
    "licence": f'<link rel="license" href="{CC}">'.encode(),
    "schema.org": f'<script type="application/ld+json">{{"@context":"https://schema.org","@type":"Article","license":"{CC}"}}</script>'.encode(),
    "rsl": b'<link rel="license" type="application/rsl+xml" href="/license.xml">',
    "prose": b"<p>All rights reserved, including for text and data mining and the training of artificial intelligence.</p>",
}
IN_FIELDS = {
    "x-robots-tag": ("X-Robots-Tag", "noai"), "tdm-header": ("tdm-reservation", "1"), "tdm-policy": ("tdm-policy", POLICY),
    "content-usage": ("Content-Usage", "train-ai=n"), "content-signal": ("Content-Signal", "search=yes,ai-train=no"),
    "link-licence": ("Link", f'<{CC}>; rel="license"'),
}
def _json(**values: object) -> bytes:
    return json.dumps({"@context": "https://schema.org", **values}).replace("/", "\\/").encode()


# What pages of the web wear: in how many, and one of which, in the head or (the last two) in the body.
PARTS: tuple[tuple[float, tuple[bytes, ...]], ...] = (
    (0.95, (b'<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="description" content="Everything about it.">',)),
    (0.42, (*[b"<meta name='robots' content='index, follow, max-image-preview:large, max-snippet:-1, max-video-preview:-1' />"] * 5,
            *[b'<meta name="robots" content="index,follow">'] * 3, b'<meta name="robots" content="max-image-preview:large"/>',
            b'<META NAME="ROBOTS" CONTENT="NOINDEX, FOLLOW">')),
    (0.70, (b'<link rel="canonical" href="https://www.example.org/a/b/"><meta property="og:locale" content="en_US"><meta property="og:type" '
            b'content="article"><meta property="og:title" content="A title &#8211; A site"><meta property="og:url" content="https://www.example.org/a/b/">'
            b'<meta property="og:image" content="https://www.example.org/wp-content/uploads/2026/11/a-1200x630.jpg"><meta name="twitter:card" content="summary">',)),
    (0.42, (b'<script type="application/ld+json" class="yoast-schema-graph">' + _json(**{"@graph": [
                {"@type": "WebPage", "@id": "https://www.example.org/a/b/", "name": "A title \u2013 A site", "inLanguage": "en-US"},
                {"@type": "BreadcrumbList", "itemListElement": [{"@type": "ListItem", "position": 1, "name": "Home"}]},
                {"@type": "Organization", "name": "A site", "logo": {"@type": "ImageObject", "url": "https://www.example.org/l.png", "width": 512}}]}) + b"</script>",
            b'<script type="application/ld+json">' + _json(**{"@type": "NewsArticle", "headline": "A headline", "datePublished": "2026-11-20T06:00:00+00:00",
                "author": [{"@type": "Person", "name": "A Person"}], "publisher": {"@type": "NewsMediaOrganization", "name": "A paper"}}) + b"</script>",
            b'<script type="application/ld+json">\n' + _json(**{"@type": "Product", "name": "A thing", "offers": {"@type": "Offer", "price": "9.90"}}) + b"\n</script>")),
    (0.90, (b'<script async src="https://www.googletagmanager.com/gtag/js?id=G-0123456789"></script><script>window.dataLayer=window.dataLayer||[];'
            b"function gtag(){dataLayer.push(arguments);}gtag('js',new Date());gtag('config','G-0123456789',{'anonymize_ip':true});</script>",)),
    (0.40, (b"<script>window._wpemojiSettings={\"baseUrl\":\"https:\\/\\/s.w.org\\/images\\/core\\/emoji\\/15.0.3\\/72x72\\/\",\"ext\":\".png\"};"
            b"/*! This file is auto-generated */ !function(s,n){var o,i;function t(e){return e.getContext('2d')}i=['flag','emoji'],n.supports={everything:!0};"
            b"t('\\ud83d\\udc26\\u200d\\u2b1b')}(window,document);</script><style>img.wp-smiley{display:inline!important;border:none!important}</style>"
            b"<link rel='stylesheet' href='https://www.example.org/wp-includes/css/dist/block-library/style.min.css?ver=6.8' media='all' />"
            b"<link rel=\"https://api.w.org/\" href=\"https://www.example.org/wp-json/\"><style>.a{color:#32373c;background:var(--b)}@media(max-width:600px){.a{float:none}}</style>",)),
    (0.10, (b'<script id="__NEXT_DATA__" type="application/json">{"props":{"html":"' + rb"\u003cp\u003eA text with \u0026amp; in it\u003c/p\u003e" * 40 + b'"}}</script>',)),
    (0.60, (b'<footer class="site-footer"><p>&copy; 2026 A site. All rights reserved. <a href="/privacy">Privacy</a> <a href="/terms">Terms of use</a></p></footer>',)),
    (0.15, (b'<article itemscope itemtype="https://schema.org/Article"><meta itemprop="dateModified" content="2026-11-20"><span itemprop="author" itemscope '
            b'itemtype="https://schema.org/Person"><span itemprop="name">A Person</span></span></article>',)),
)
IN_BODY = 2                          # of PARTS, the last
BODY = re.compile(rb"<body[^>]*>(.*)</body", re.IGNORECASE | re.DOTALL)
KINDS = (*IN_HEAD, *IN_FIELDS)
COUNTED = {name: re.compile(pattern, re.IGNORECASE) for name, pattern in {
    "robots meta": rb"<meta[^>]+name=.?robots", "ld+json": rb"application/ld\+json", "rel=license": rb"<[^>]+rel=.?license",
    "itemprop": rb"<[^>]+itemprop=", "the word AI": rb"\bAI\b", "mining": rb"\bmining\b", "training": rb"\btraining\b", "license": rb"license"}.items()}
FIELDS = [
    ("Date", "Fri, 20 Nov 2026 06:00:00 GMT"), ("Content-Type", "text/html; charset=utf-8"), ("X-Crawler-Content-Encoding", "gzip"),
    ("Server", "nginx"), ("Vary", "Accept-Encoding"), ("Cache-Control", "max-age=600"), ("ETag", 'W/"5f3c-1a2b"'),
    ("Strict-Transport-Security", "max-age=63072000; includeSubDomains"), ("X-Frame-Options", "SAMEORIGIN"), ("X-Content-Type-Options", "nosniff"),
    ("Set-Cookie", "session=0123456789abcdef0123456789abcdef; Path=/; HttpOnly; Secure"), ("Connection", "keep-alive"),
]


def folder() -> Path:
    """pages.warc.gz, sample.warc.gz (the first of them) and robots.warc.gz in it, made if need be."""
    base = ROOT / ".venv" if (ROOT / ".venv").is_dir() else Path(tempfile.gettempdir())
    sources = list(documents())
    name = hashlib.sha256(f"{VERSION} {len(sources)} {sum(p.stat().st_size for p in sources)}".encode()).hexdigest()[:12]
    made = base / "maymine-bench" / name
    if not made.is_dir():
        made.parent.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=made.parent) as work:
            build(Path(work), sources)
            os.rename(work, made)
            Path(work).mkdir()
    return made


def documents() -> Iterator[Path]:
    """Distinct ones, at most OF_PACKAGE of each package, in an order that mixes the packages."""
    known: dict[Path, None] = {}
    taken: Counter[str] = Counter()
    paths = (p for name in FOLDERS for p in (DOCUMENTS / name).rglob("*.htm*") if p.is_file() and not p.is_symlink() and p.suffix != ".gz")
    for path in sorted(paths, key=lambda p: hashlib.sha256(str(p).encode()).digest()):
        if LEAST_BYTES <= path.stat().st_size <= MOST_BYTES and taken[package(path)] < OF_PACKAGE:
            taken[package(path)] += 1
            known[path] = None
    yield from known


def package(path: Path) -> str:
    """Name of its folder of documentation."""
    return path.relative_to(DOCUMENTS).parts[0]


@cache
def inside(path: Path) -> bytes:
    """The body of a document."""
    found = BODY.search(path.read_bytes())
    return found[1] if found else b""


def build(folder: Path, sources: list[Path]) -> None:
    hosts = robots()
    with (folder / "robots.warc.gz").open("wb") as out:
        writer = Writer(out, gzip=True)
        for host, body in hosts:
            put(writer, f"https://{host}/robots.txt", body, [("Content-Type", "text/plain")], START)
    write(folder / "pages.warc.gz", sources, hosts, PAGES)
    write(folder / "sample.warc.gz", sources, hosts, SAMPLE)


def write(target: Path, sources: list[Path], hosts: list[tuple[str, bytes]], pages: int) -> None:
    of_package: dict[str, list[Path]] = {}
    for path in sources:
        of_package.setdefault(package(path), []).append(path)
    following: Counter[str] = Counter()
    with target.open("wb") as out:
        writer = Writer(out, gzip=True)
        for n in range(pages):
            first = sources[n % len(sources)]
            mine = of_package[package(first)]
            text, following[package(first)] = joined(mine, following[package(first)], length(n))
            body, fields = page(n, dressed(n, text))
            url = f"https://{hosts[n % HOSTS][0]}/{first.relative_to('/usr').as_posix()}?n={n}"
            when = START + timedelta(seconds=n % 80_000)
            request = StatusAndHeaders("GET / HTTP/1.1", [("User-Agent", "CCBot/2.0"), ("Host", hosts[n % HOSTS][0])], is_http_request=True)
            writer.write_record(writer.create_warc_record(url, "request", payload=io.BytesIO(b""), http_headers=request))
            put(writer, url, body, fields, when)
            writer.write_record(writer.create_warc_record(url, "metadata", payload=io.BytesIO(b"fetchTimeMs: 123\r\ncharset: UTF-8\r\n"),
                                                          warc_content_type="application/warc-fields"))


def length(n: int) -> int:
    """Bytes of page n: the same in every corpus."""
    share = (int.from_bytes(hashlib.sha256(b"%d" % n).digest()[:6]) + 1) / (2**48 + 2)
    return min(int(MEDIAN_BYTES * math.exp(SPREAD * NormalDist().inv_cdf(share))), MOST_BYTES)


def joined(sources: list[Path], at: int, wanted_bytes: int) -> tuple[bytes, int]:
    """A document and the bodies of those that follow, and which comes next."""
    whole = sources[at % len(sources)].read_bytes()
    end = whole.lower().rfind(b"</body")
    parts, tail = [whole[:end] if end > 0 else whole], whole[end:] if end > 0 else b""
    held, at = len(whole), at + 1
    while held < wanted_bytes:
        parts.append(inside(sources[at % len(sources)])[:wanted_bytes - held])
        held, at = held + len(parts[-1]), at + 1
    return b"".join([*parts, tail]), at


def dressed(n: int, body: bytes) -> bytes:
    """A page with what pages of the web wear: the same for the same number."""
    dice = random.Random(n)
    worn = [dice.choice(part) if dice.random() < share else b"" for share, part in PARTS]
    place, end = body.find(b"</head>"), body.lower().rfind(b"</body")
    end = end if end > place else len(body)
    head, feet = b"\n".join(worn[:-IN_BODY]), b"\n".join(worn[-IN_BODY:])
    return b"".join((body[:place], head, body[place:end], feet, body[end:])) if place >= 0 else b"".join((head, body[:end], feet, body[end:]))


def page(n: int, body: bytes) -> tuple[bytes, list[tuple[str, str]]]:
    """A page with the words of the kind that is its turn, if one is."""
    kind = KINDS[n % 20] if n % 20 < len(KINDS) else ""
    if kind in IN_HEAD:
        place = body.find(b"</head>")
        body = body[:place] + IN_HEAD[kind] + body[place:] if place >= 0 else IN_HEAD[kind] + body
    return body, [*FIELDS, ("X-Crawler-Content-Length", str(len(body) // 5)), ("Content-Length", str(len(body))),
                  *([IN_FIELDS[kind]] if kind in IN_FIELDS else [])]


def put(writer: Writer, url: str, body: bytes, fields: list[tuple[str, str]], at: datetime) -> None:
    http = StatusAndHeaders("200 OK", fields, protocol="HTTP/1.1")
    writer.write_record(writer.create_warc_record(url, "response", payload=io.BytesIO(body), http_headers=http,
                                                  warc_headers_dict={"WARC-Date": at.strftime("%Y-%m-%dT%H:%M:%SZ")}))


def robots() -> list[tuple[str, bytes]]:
    with tarfile.open(thirdparty.path("robots-real.tar.xz")) as packed:
        files = sorted((m for m in packed if m.isfile() and m.size > 40), key=lambda m: hashlib.sha256(m.name.encode()).digest())
        return [(Path(m.name).name.lower(), packed.extractfile(m).read()) for m in files[:HOSTS]]


def told() -> Iterator[str]:
    """What the archive holds, line by line."""
    sizes, packages, words = [], Counter[str](), Counter[str]()
    for record in ArchiveIterator(str(folder() / "pages.warc.gz"), record_types=WarcRecordType.response, quirks_mode=True, fsspec_args=False):
        body = record.reader.read()
        sizes.append(len(body))
        packages[record.headers["WARC-Target-URI"].split("/")[5]] += 1
        words.update(name for name, pattern in COUNTED.items() if pattern.search(body))
    yield f"{len(sizes)} pages, {sum(sizes) / 1e6:.0f} MB, median {median(sizes) / 1000:.0f} KB, mean {fmean(sizes) / 1000:.0f} KB"
    for counted in (packages, words):
        yield ", ".join(f"{name} {number / len(sizes):.1%}" for name, number in counted.most_common())


if __name__ == "__main__":
    print("\n".join(told()))
