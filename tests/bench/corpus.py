"""An archive of real pages to measure with: HTML documentation of Debian packages, as if crawled from 150 real hosts.

The documents are those that are installed under /usr/share/doc; install documentation packages for more. They are shorter than
the pages of the web, so a page goes on with the bodies of other documents until it is as long as pages of Common Crawl are:
95 KB in the median, 150 KB on average. One page in twenty speaks by each of KINDS. Kept beside the virtual environment or in the temporary folder, never in the repository.
"""
from __future__ import annotations

import hashlib
import io
import math
import os
import re
import tarfile
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import NormalDist

from warcio.statusandheaders import StatusAndHeaders

from tests import thirdparty
from tests.archives import Writer

ROOT = Path(__file__).parents[2]
DOCUMENTS = Path("/usr/share/doc")
HOSTS, PAGES, SAMPLE = 150, 4_000, 400
LEAST_BYTES, MOST_BYTES = 2_000, 1_500_000
MEDIAN_BYTES, SPREAD = 95_000, 0.98  # of a lognormal distribution
START = datetime(2026, 11, 20, 6, tzinfo=UTC)
VERSION = "5"

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
BODY = re.compile(rb"<body[^>]*>(.*)</body", re.IGNORECASE | re.DOTALL)
KINDS = (*IN_HEAD, *IN_FIELDS)
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
    """Distinct ones, in an order that mixes the packages."""
    known: set[Path] = set()
    for path in sorted(p.resolve() for pattern in ("*.html", "*.htm") for p in DOCUMENTS.rglob(pattern) if p.is_file()):
        if path not in known and LEAST_BYTES <= path.stat().st_size <= MOST_BYTES:
            known.add(path)
    yield from sorted(known, key=lambda p: hashlib.sha256(str(p).encode()).digest())


def build(folder: Path, sources: list[Path]) -> None:
    hosts = robots()
    with (folder / "robots.warc.gz").open("wb") as out:
        writer = Writer(out, gzip=True)
        for host, body in hosts:
            put(writer, f"https://{host}/robots.txt", body, [("Content-Type", "text/plain")], START)
    write(folder / "pages.warc.gz", sources, hosts, PAGES)
    write(folder / "sample.warc.gz", sources, hosts, SAMPLE)


def write(target: Path, sources: list[Path], hosts: list[tuple[str, bytes]], pages: int) -> None:
    with target.open("wb") as out:
        writer = Writer(out, gzip=True)
        at = 0
        for n in range(pages):
            path = sources[at % len(sources)]
            text, at = joined(sources, at, length(n))
            body, fields = page(n, text)
            url = f"https://{hosts[n % HOSTS][0]}/{path.relative_to('/usr').as_posix()}?n={n}"
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
        more = BODY.search(sources[at % len(sources)].read_bytes())
        at += 1
        if more:
            parts.append(more[1][:wanted_bytes - held])
            held += len(parts[-1])
    return b"".join([*parts, tail]), at


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
