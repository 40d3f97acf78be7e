"""WARC files of others, whole and broken, as captures."""
from __future__ import annotations

import base64
import gzip
import hashlib
import io
import random
import re
import zlib
from itertools import accumulate

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.archive import bounds, members, payload
from crawler.archive.warc_pages import Archive, Entry
from crawler.archive.warc_pages import read as read_again
from rules import Access, Carrier
from tests import thirdparty
from tests.archives import HTML, Maker

PAGE = b"<html><meta name=robots content=noai>" + b"words " * 500


def read(data: bytes, everything: bool = False) -> tuple[list[Entry], Archive]:
    archive = Archive(io.BytesIO(data), "a.warc.gz", len(data), everything, again=lambda: io.BytesIO(data))
    return list(archive), archive


def bodies(entries: list[Entry]) -> list[tuple[str, int]]:
    return [(e.capture.asset.url[-1], len(e.capture.body.body)) for e in entries if e.capture]


def three(gzip: bool = True) -> Maker:
    maker = Maker(gzip)
    for n in range(3):
        maker.add(f"http://x.example/{n}", PAGE)
    return maker


THREE = three()
WHOLE = [(str(n), len(PAGE)) for n in range(3)]


@pytest.mark.parametrize("name, pages, broken", [
    ("clipped.warc.gz", 1, 1), ("clueweb-quirk.warc.gz", 29, 0), ("warcfile.warc.gz", 16, 0), ("whirlwind.warc.gz", 1, 0)])
def test_real_files(name, pages, broken):
    entries, archive = read(thirdparty.path(f"warc/{name}").read_bytes(), everything=True)
    captures = [e.capture for e in entries if e.capture]
    assert (len(captures), len(archive.damage)) == (pages, broken)
    for capture in captures:
        assert capture.fields.body.startswith(b"HTTP/1.")
        assert capture.fields.status
        assert b"X-Crawler-" not in capture.fields.body
        assert capture.body.access is (Access.TRUNCATED if broken else Access.OBTAINED) or capture.fields.status != 200


def test_a_head_with_bare_lf_keeps_its_fields_and_its_body():
    entries, _ = read(thirdparty.path("warc/clueweb-quirk.warc.gz").read_bytes())
    first = entries[0].capture
    assert first.asset.media_type == "text/html"
    assert b"P3P" in first.fields.body
    assert first.body.body.startswith(b"<html>")
    assert first.at is None                          # its date is none


@pytest.mark.parametrize("pack", [
    lambda maker: maker.data, lambda maker: gzip.decompress(maker.data), lambda maker: gzip.compress(gzip.decompress(maker.data)),
    lambda maker: b"".join(zstandard.ZstdCompressor().compress(gzip.decompress(maker.data[a:b])) for a, b in zip(
        maker.offsets, [*maker.offsets[1:], None], strict=True)),
], ids=["gzip", "plain", "one gzip member", "zstd"])
def test_every_packing(pack):
    entries, archive = read(pack(three()))
    assert bodies(entries) == WHOLE
    assert not archive.damage


@pytest.mark.parametrize("harm, left", [
    (lambda d, o: d[:o[1]] + b"not a record at all" + d[o[1]:], "012"),
    (lambda d, o: d[:o[1]] + bytes(40) + d[o[1]:], "012"),
    (lambda d, o: d[:o[1] + 60] + b"\xff\x00" * 20 + d[o[1] + 100:], "02"),
    (lambda d, o: d[:o[1]] + b"\x00" + d[o[1] + 1:], "02"),
    (lambda d, o: d[:o[1] + 70] + d[o[2]:], "02"),
    (lambda d, o: d[:o[2] + 80], "01"),
    (lambda d, o: d[:o[2] + 5], "01"),
    (lambda d, o: b"<html>a page under a wrong name</html>" * 100, ""),
], ids=["junk between", "zeros between", "corrupt member", "broken magic", "cut in the middle", "cut at the end", "cut in a member's head",
        "no archive"])
def test_what_can_be_read_is_read_and_the_rest_is_counted(harm, left):
    maker = three()
    entries, archive = read(harm(maker.data, maker.offsets))
    assert "".join(url for url, _ in bodies(entries)) == left
    assert len(archive.damage) == 1


def records_of(maker: Maker) -> list[bytes]:
    return [gzip.decompress(maker.data[a:b]) for a, b in zip(maker.offsets, [*maker.offsets[1:], None], strict=True)]


PACK = {"gzip": lambda r: gzip.compress(r), "plain": lambda r: r, "zstd": lambda r: zstandard.ZstdCompressor().compress(r),
        "zstd without sizes": lambda r: zstandard.ZstdCompressor(write_content_size=False).compress(r)}


@pytest.mark.parametrize("everything", [False, True], ids=["pages", "everything"])
@pytest.mark.parametrize("which, wrong", [(which, wrong) for which in range(4) for wrong in (10, 700, 5_000, 10**7, 10**12, -9, -1_500)
                                          if which != 1 or wrong > -20])      # the second is a request, and short
@pytest.mark.parametrize("pack", PACK)
def test_a_length_that_is_told_wrongly_is_noticed_and_harms_no_neighbour(pack, wrong, which, everything):
    """FastWARC goes on into the records that follow, and passes them by without a word."""
    made = Maker().add("http://x.example/0", PAGE).request("http://x.example/1").add("http://x.example/1", PAGE).add("http://x.example/2", PAGE)
    records = records_of(made)
    records[which] = re.sub(rb"Content-Length: (\d+)", lambda m: b"Content-Length: %d" % (int(m[1]) + wrong), records[which], count=1)
    data = b"".join(map(PACK[pack], records))
    entries, archive = read(data, everything)
    pages = [e.capture for e in entries if e.capture]
    assert [(c.asset.url, c.body.body) for c in pages] == [(f"http://x.example/{n}", PAGE) for n in range(3)]
    assert [c.body.access is Access.TRUNCATED for c in pages] == [which == n for n in (0, 2, 3)]
    assert [d.offset_bytes for d in archive.damage] == [len(b"".join(map(PACK[pack], records[:which])))]
    assert "Content-Length says" in archive.damage[0].why
    for c in pages:
        assert read_again(io.BytesIO(data), c.location, Carrier.BODY) == PAGE


@pytest.mark.parametrize("wrong", [1, 2, 4, -1])
@pytest.mark.parametrize("pack", PACK)
def test_line_ends_more_or_less_harm_nothing(pack, wrong):
    """PRACTICE: some writers count the line ends after a block, or leave some out."""
    records = records_of(Maker().add("http://x.example/0", PAGE + b"\n").add("http://x.example/1", PAGE))
    records[0] = re.sub(rb"Content-Length: (\d+)", lambda m: b"Content-Length: %d" % (int(m[1]) + wrong), records[0], count=1)
    entries, archive = read(b"".join(map(PACK[pack], records)))
    assert [e.capture.body.body.rstrip() for e in entries] == [PAGE.rstrip()] * 2
    assert not archive.damage


def test_a_record_about_records_is_none_that_goes_on():
    inside = three(False).data
    for data in (Maker().add("http://x.example/0", inside).add("http://x.example/1", PAGE).data,
                 Maker(False).add("http://x.example/0", inside).add("http://x.example/1", PAGE).data):
        entries, archive = read(data)
        assert bodies(entries) == [("0", len(inside)), ("1", len(PAGE))]
        assert not archive.damage


def test_a_head_written_in_another_way_is_no_damage():
    odd = gzip.decompress(three().data).replace(b"WARC-Type: response", b"WARC-Type:response").replace(b"WARC-Date: ", b"WARC-Date:\t  ")
    for data in (odd, b"".join(gzip.compress(r.replace(b"WARC-Type: ", b"WARC-Type:")) for r in records_of(three()))):
        entries, archive = read(data)
        assert bodies(entries) == WHOLE
        assert not archive.damage


def test_fields_stay_apart_and_in_order():
    made = Maker().add("http://x.example/", PAGE, [*HTML, ("X-Robots-Tag", "noindex"), ("x-robots-tag", "noai")])
    entries, _ = read(made.data)
    assert b"X-Robots-Tag: noindex\r\nx-robots-tag: noai\r\n" in entries[0].capture.fields.body


@pytest.mark.parametrize("fields, body", [
    ([("Content-Encoding", "gzip")], gzip.compress(PAGE, mtime=0)),
    ([("Content-Encoding", "gzip")], PAGE),
    ([("Content-Encoding", "deflate")], zlib.compress(PAGE)),
    ([("Content-Encoding", "deflate")], zlib.compress(PAGE)[2:-4]),
    ([("Content-Encoding", "deflate")], PAGE),
    ([("Content-Encoding", "br")], PAGE),
    ([("Content-Encoding", "zstd")], zstandard.ZstdCompressor().compress(PAGE)),
    ([("X-Crawler-Content-Encoding", "gzip")], PAGE),
    ([("Transfer-Encoding", "chunked")], b"%x\r\n%s\r\n0\r\n\r\n" % (len(PAGE), PAGE)),
    ([("Transfer-Encoding", "chunked"), ("Content-Encoding", "gzip")],
     (lambda z: b"5\r\n" + z[:5] + b"\r\n%x;x=y\r\n" % (len(z) - 5) + z[5:] + b"\r\n0\r\n\r\n")(gzip.compress(PAGE, mtime=0))),
    ([("Transfer-Encoding", "chunked")], b"%x \t\r\n%s\r\n000\r\nExpires: never\r\n\r\n" % (len(PAGE), PAGE)),
    ([("Transfer-Encoding", "chunked")], PAGE),
    ([("Content-Encoding", "identity")], PAGE),
])
def test_codings_are_undone_where_they_are_there(fields, body):
    capture = read(Maker().add("http://x.example/", body, [*HTML, *fields]).data)[0][0].capture
    assert capture.body.body == PAGE
    assert capture.body.access is Access.OBTAINED


LONG = b"<p>" + b" ".join(b"%x" % random.Random(n).getrandbits(60) for n in range(9_000))


@pytest.mark.parametrize("page", [PAGE, LONG], ids=["short", "long"])
def test_brotli_is_undone(page):
    """A long page in Brotli begins with `[`, as JSON does."""
    import brotli
    body = brotli.compress(page)
    assert body.startswith(b"[") is (page is LONG)
    capture = read(Maker().add("http://x.example/", body, [*HTML, ("Content-Encoding", "br")]).data)[0][0].capture
    assert capture.body.body == page


@pytest.mark.parametrize("body", [b'["noai"]', b"{}", b"<p>", b"No AI training.", b";p em@meaAp@o KCAo# Sl+o", "<p>Wörter".encode(),
                                  b"\x89PNG\r\n\x1a\n"])
@pytest.mark.parametrize("coding", [b"deflate", b"gzip", b"zstd"])
def test_what_was_undone_before_stays_as_it_is(coding, body):
    """Some text can be inflated: to nothing that anybody wrote."""
    assert payload.decoded(body, {b"content-encoding": coding}) == (body, "")


@pytest.mark.parametrize("body", [b"0 results\nNo AI training of this text", b"0\nNo AI training", b"Dad says: no AI training\nmore", b"5 words\nmore",
                                  b"", b"\n"])
def test_what_never_was_in_chunks_stays_as_it_is(body):
    assert payload.decoded(body, {b"transfer-encoding": b"chunked"}) == (body, "")


@pytest.mark.parametrize("body", [b"0\r\n\r\n", b"0\n\n", b"0\r\n", b"0;x=y\r\n\r\n", b"0\r\nExpires: never\r\nx: y\r\n\r\n"])
def test_no_chunks_are_an_empty_body(body):
    assert payload.decoded(body, {b"transfer-encoding": b"chunked"}) == (b"", "")


@pytest.mark.parametrize("fields, body", [
    ([("Content-Encoding", "gzip")], gzip.compress(PAGE, mtime=0)[:-20]),
    ([("Content-Encoding", "compress")], b"\x1f\x9d\x90\x01\x02\x03" * 9),
    ([("Transfer-Encoding", "chunked")], b"%x\r\n%s" % (len(PAGE) + 9, PAGE)),
])
def test_a_coding_that_cannot_be_undone_is_no_silence(fields, body):
    capture = read(Maker().add("http://x.example/", body, [*HTML, *fields]).data)[0][0].capture
    assert capture.body.access is Access.TRUNCATED
    assert capture.body.detail


def test_revisits():
    digest = {"WARC-Payload-Digest": "sha1:" + base64.b32encode(hashlib.sha1(PAGE).digest()).decode()}
    made = (Maker().add("http://x.example/a", PAGE)
            .add("http://x.example/b", b"", kind="revisit", warc=digest)
            .add("http://x.example/c", b"", kind="revisit", warc={"WARC-Payload-Digest": "sha1:BBBB"}))
    entries, _ = read(made.data)
    first, again, unknown = (e.capture for e in entries)
    assert again.body.body == PAGE
    assert again.body_location == first.location != again.location
    assert again.fields.status == 200
    assert unknown.body.access is Access.NOT_COLLECTED


def test_records_without_a_response():
    made = (Maker().add("http://x.example/r", PAGE, kind="resource").add("http://x.example/t", b"words", kind="conversion")
            .add("urn:pageinfo:x", b"{}", kind="resource"))
    resource, text, other = read(made.data, everything=True)[0]
    assert resource.capture.fields.access is Access.NOT_COLLECTED
    assert resource.capture.body.body == PAGE
    assert text.capture.body.access is Access.TRUNCATED       # the page that it was made from is gone
    assert other.capture is None


@pytest.mark.parametrize("status, access", [
    ("404 Not Found", Access.UNAVAILABLE), ("403 Forbidden", Access.REFUSED), ("503 Busy", Access.UNREACHABLE),
    ("301 Moved", Access.UNAVAILABLE), ("206 Partial Content", Access.TRUNCATED)])
def test_the_status_tells_what_the_body_is_worth(status, access):
    assert read(Maker().add("http://x.example/", PAGE, status=status).data)[0][0].capture.body.access is access


def test_what_was_cut_counts_as_cut():
    made = Maker().add("http://x.example/", PAGE, warc={"WARC-Truncated": "length"})
    assert read(made.data)[0][0].capture.body.access is Access.TRUNCATED


def test_no_whole_head_is_no_silence():
    capture = read(Maker(False).add("http://x.example/", b"", []).data.replace(b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\n12"))[0][0].capture
    assert capture.fields.access is Access.TRUNCATED
    assert capture.body.access is Access.TRUNCATED


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_no_harm_raises(data):
    broken = bytearray(THREE.data)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(broken) - 1))
        match data.draw(st.sampled_from(("flip", "cut", "double"))):
            case "flip":
                broken[at] ^= data.draw(st.integers(1, 255))
            case "cut":
                del broken[at:at + data.draw(st.integers(1, 200))]
            case _:
                broken[at:at] = broken[at:at + 50]
        if not broken:
            return
    entries, archive = read(bytes(broken), everything=True)
    captures = [e.capture for e in entries if e.capture]
    whole = [c for c in captures if c.body.body == PAGE and c.body.access is Access.OBTAINED]
    assert len(whole) == 3 or archive.damage or len(captures) > len(whole)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300), st.sampled_from([b"gzip", b"deflate", b"br", b"zstd", b"x", b"gzip, br", b"chunked"]))
def test_no_body_raises(body, coding):
    for magic in (b"", b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd", b"5\r\n"):
        out, trouble = payload.decoded(magic + body, {b"content-encoding": coding, b"transfer-encoding": coding}, 1000)
        assert len(out) <= 1000
        assert isinstance(trouble, str)


def test_a_bomb_is_not_unpacked():
    bomb = gzip.compress(bytes(50 << 20))
    body, trouble = payload.decoded(bomb, {b"content-encoding": b"gzip"}, 1 << 20)
    assert len(body) == 1 << 20
    assert trouble


@pytest.mark.parametrize("head, fields", [
    (b"HTTP/1.1 200 OK\r\nContent-Type : a/b \r\ncontent-type: c/d\r\n", {b"content-type": b"a/b"}),
    (b"HTTP/1.1 200 OK\nCONTENT-ENCODING:gzip\nContent-Encoding: br", {b"content-encoding": b"gzip,br"}),
    (b"HTTP/1.1 200 OK\r\nContent-Types: a/b\r\nX-Location: x\r\nLocation: /y\r\n", {b"location": b"/y"}),
    (b"", {}), (b"content-type: of no status line", {}),
])
def test_the_fields_that_tell_how_to_read_a_body(head, fields):
    assert payload.named(head) == fields


@pytest.mark.parametrize("share", [0.002, 0.01, 0.5, 0.99])
@pytest.mark.parametrize("pack", ["gzip", "plain", "zstd", "one gzip"])
def test_a_record_that_is_cut_is_there_and_named(pack, share):
    body = bytes(random.Random(1).choices(b"abcdefghij <>\n", k=200_000))
    maker = Maker(pack == "gzip").add("https://x.example/0", b"<p>first").add("https://x.example/1", body)
    data, start = maker.data, maker.offsets[1]
    if pack == "zstd":
        first, second = (zstandard.ZstdCompressor().compress(part) for part in (data[:start], data[start:]))
        data, start = first + second, len(first)
    elif pack == "one gzip":
        data, start = gzip.compress(data), len(gzip.compress(data[:start]))
    data = data[:start + int((len(data) - start) * share)]
    found = Archive(io.BytesIO(data), "f", len(data))
    entries = [e for e in found if e.capture]
    assert found.damage
    if share > (0.9 if pack == "zstd" else 0.005):   # else the address itself is cut, or the first block of the frame
        assert [e.capture.asset.url for e in entries] == ["https://x.example/0", "https://x.example/1"]
        assert all("https://x.example/1" in d.why for d in found.damage)
    for e in entries[1:]:
        assert e.capture.body.access is Access.TRUNCATED


@pytest.mark.parametrize("pack", ["gzip", "plain", "zstd"])
def test_records_are_where_they_lie_however_far_the_reader_is_ahead(monkeypatch, pack):
    monkeypatch.setattr(members, "gzip_decompress", None)
    dice, maker = random.Random(1), Maker()
    text = b" ".join(dice.choices([dice.randbytes(4).hex().encode() for _ in range(2_000)], k=60_000))
    for n in range(10):
        maker.request(f"http://x.example/{n}").add(f"http://x.example/{n}", text[dice.randrange(9_000):])
    packed = list(map(PACK[pack], records_of(maker)))
    data = b"".join(packed)
    starts = [0, *accumulate(map(len, packed))]
    assert [e.offset_bytes for e in Archive(io.BytesIO(data), "f", len(data), everything=True)] == starts[:-1]


def test_a_stream_that_is_watched_tells_again_what_it_gave():
    for seed in range(300):
        dice = random.Random(seed)
        data = dice.randbytes(500)
        whole, held = io.BytesIO(data), dice.choice((0, 0, 9, 100))
        stream = bounds.Watched(whole, 0, whole.read(held))
        for _ in range(dice.randint(1, 40)):
            stream.read(dice.choice((1, 2, 5, 30)))
        for _ in range(10):
            at, size = dice.randint(0, stream.tell() - bounds.AHEAD), dice.randint(1, 18)
            assert stream.bytes_at(at, size) == data[at:min(at + size, stream.tell() - bounds.AHEAD)]
        at = dice.randint(0, stream.tell() - bounds.AHEAD)
        since = stream.since(at)
        assert since is None or since == data[at:whole.tell()]
