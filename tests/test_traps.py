"""Each known way to miss an opt-out in an archive without a word: the page is never permitted, nor passed by."""
from __future__ import annotations

import gzip
import random
import re
import zlib
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
import zstandard

from crawler.recorded import rows
from tests.archives import HTML, Maker
from tests.test_filter import SITE, run

URL = f"{SITE}/page"
NO = b"<html><head><meta name=robots content=noai></head><body>" + b"<p>words " * 300
PLAIN = b"<html><body>" + b"<p>words " * 300
OPEN = b"User-agent: *\nDisallow:\n"


def page(body: bytes = PLAIN, *fields: tuple[str, str], before: bytes = b"", after: bytes = b"", gz: bool = True, **more: object) -> bytes:
    """robots.txt, the page, and another that is open."""
    maker = Maker(gz).add(f"{SITE}/robots.txt", OPEN, [("Content-Type", "text/plain")]).add(URL, body, [*HTML, *fields], **more)
    maker.add(f"{SITE}/other", PLAIN)
    a, b = maker.offsets[1:]
    return maker.data[:a] + before + maker.data[a:b] + after + maker.data[b:]


def changed(change: Callable[[bytes], bytes], body: bytes = NO, pack: bool = True, which: int = 1) -> bytes:
    """The bytes of one record changed, the others as they are."""
    maker = Maker().add(f"{SITE}/robots.txt", OPEN, [("Content-Type", "text/plain")]).add(URL, body).add(f"{SITE}/other", PLAIN)
    records = [gzip.decompress(maker.data[a:b]) for a, b in zip(maker.offsets, [*maker.offsets[1:], None], strict=True)]
    records[which] = change(records[which])
    return b"".join(gzip.compress(r) if pack else r for r in records)


def longer(by: int) -> Callable[[bytes], bytes]:
    return lambda r: re.sub(rb"Content-Length: (\d+)", lambda m: b"Content-Length: %d" % (int(m[1]) + by), r, count=1)


def bare_lf(record: bytes) -> bytes:
    head, block = record.split(b"\r\n\r\n", 1)
    fields, body = block.split(b"\r\n\r\n", 1)
    block = fields.replace(b"\r\n", b"\n") + b"\n\n" + body.removesuffix(b"\r\n\r\n")
    return re.sub(rb"Content-Length: \d+", b"Content-Length: %d" % len(block), head, count=1) + b"\r\n\r\n" + block + b"\r\n\r\n"


def squeezed(kind: str) -> tuple[bytes, str]:
    import brotli
    return {"gzip": gzip.compress(NO), "deflate": zlib.compress(NO), "br": brotli.compress(NO), "zstd": zstandard.ZstdCompressor().compress(NO)}[kind], kind


TRAPS: dict[str, tuple[str, bytes]] = {          # what may be said of the page: verdicts but "permitted"; the archive
    "a field that stands twice": ("prohibited", page(PLAIN, ("X-Robots-Tag", "noindex"), ("X-Robots-Tag", "noai"))),
    "a head with bare LF": ("prohibited", changed(bare_lf)),
    "a head with bare LF, in a field": ("prohibited", changed(lambda r: bare_lf(r.replace(b"text/html", b"text/html\r\ntdm-reservation: 1")), PLAIN)),
    "a member that is cut": ("undetermined", page(NO)[:len(page(NO)) // 2]),
    "bytes between members": ("prohibited", page(NO, before=b"junk between" * 9)),
    "zeros between members": ("prohibited", page(NO, before=bytes(99))),
    "a length that is too long": ("prohibited", changed(longer(700))),
    "a length that is too long, of the record before": ("prohibited", changed(longer(1_500), which=0)),
    "a length that is too long, of the record before, not packed": ("prohibited", changed(longer(1_500), pack=False, which=0)),
    "a length that is too short": ("prohibited", changed(longer(-2_500), PLAIN + NO)),
    "a length that is too short, not packed": ("prohibited", changed(longer(-2_500), PLAIN + NO, pack=False)),
    "a coding that was undone and is still named": ("prohibited", page(NO, ("Content-Encoding", "gzip"))),
    "a coding that nobody can undo": ("undetermined", page(b"\x1f\x9d\x90" + bytes(range(200)) * 3, ("Content-Encoding", "compress"))),
    "a coding that breaks off": ("undetermined", page(gzip.compress(NO)[:-30], ("Content-Encoding", "gzip"))),
    "a coding that was renamed": ("prohibited", page(NO, ("X-Crawler-Content-Encoding", "br"))),
    "chunks that were left": ("prohibited", page(b"%x\r\n%s\r\n0\r\n\r\n" % (len(NO), NO), ("Transfer-Encoding", "chunked"))),
    "one member for all": ("prohibited", gzip.compress(page(NO, gz=False))),
    "a record that was cut when it was made": ("undetermined", page(PLAIN, warc={"WARC-Truncated": "length"})),
    "an address in angle brackets": ("prohibited", changed(lambda r: r.replace(b"WARC-Target-URI: " + URL.encode(), b"WARC-Target-URI: <" + URL.encode() + b">"))),
    "a date that is none": ("prohibited", changed(lambda r: re.sub(rb"WARC-Date: [^\r]*", b"WARC-Date: long ago", r))),
} | {f"a body in {kind}": ("prohibited", page(squeezed(kind)[0], ("Content-Encoding", kind))) for kind in ("gzip", "deflate", "br", "zstd")}


@pytest.mark.parametrize("name", TRAPS)
def test_no_trap_makes_a_page_permitted(name: str, tmp_path: Path) -> None:
    verdict, data = TRAPS[name]
    (tmp_path / "a.warc.gz").write_bytes(data)
    code, out = run(tmp_path / "a.warc.gz", "-o", tmp_path / "run")
    assert code in (0, 3), out
    told = {row.requested: row.record["decisions"]["tdm"]["verdict"] for row in rows(tmp_path / "run")}
    assert told.get(URL) == verdict, (told, out)
    if name != "a member that is cut":
        assert told[f"{SITE}/other"] == ("undetermined" if "record before" in name else "permitted")     # that is robots.txt


def test_the_same_page_without_a_trap_is_permitted(tmp_path: Path) -> None:
    (tmp_path / "a.warc.gz").write_bytes(page(PLAIN))
    run(tmp_path / "a.warc.gz", "-o", tmp_path / "run")
    assert {row.requested: row.record["decisions"]["tdm"]["verdict"] for row in rows(tmp_path / "run")}[URL] == "permitted"


@pytest.mark.slow
@pytest.mark.parametrize("gz", [True, False], ids=["gzip", "plain"])
def test_whatever_is_harmed_what_is_whole_is_kept_or_dropped_once(gz: bool, tmp_path: Path) -> None:
    """Bytes changed, cut out, doubled and put between, at random; records that nobody touched come out byte for byte."""
    chance = random.Random(11)
    for n in range(15):
        maker = Maker(gz)
        for m in range(8):
            maker.request(f"{SITE}/{m}").add(f"{SITE}/{m}", NO if m % 2 else PLAIN)
        bounds = [*maker.offsets, len(maker.data)]
        records = [maker.data[a:b] for a, b in pairwise(bounds)]
        harmed = chance.randrange(1, len(records))
        data = bytearray(records[harmed])
        at = chance.randrange(len(data))
        match n % 5:
            case 0:
                data[at] ^= chance.randrange(1, 256)
            case 1:
                del data[at:at + chance.randrange(1, 300)]
            case 2:
                data[at:at] = chance.randbytes(chance.randrange(1, 300))
            case 3:
                data[:0] = b"WARC/1.0\r\njunk"
            case _:
                data = bytearray(re.sub(rb"Content-Length: (\d+)", lambda m: b"Content-Length: %d" % (int(m[1]) + 1_000),
                                        gzip.decompress(data) if gz else data, count=1))
                data = bytearray(gzip.compress(data)) if gz else data
        (tmp_path / f"{n}.warc").write_bytes(b"".join([*records[:harmed], data, *records[harmed + 1:]]))
        code, out = run(tmp_path / f"{n}.warc", "-o", tmp_path / f"run{n}", "--kept", tmp_path / f"k{n}", "--dropped", tmp_path / f"d{n}")
        assert code in (0, 3), out
        left = [path.read_bytes() for side in "kd" for path in (tmp_path / f"{side}{n}").iterdir()]
        for m, record in enumerate(records):
            if m != harmed:
                assert sum(one.count(record) for one in left) == 1, (n, m, harmed, code, out)
        told = Counter(row.requested for row in rows(tmp_path / f"run{n}"))
        assert all(told[f"{SITE}/{m // 2}"] == 1 for m in range(1, len(records), 2) if m != harmed), (n, harmed, told)
