"""Members that are unpacked at once: the same records as out of a stream, whatever happened to the file."""
from __future__ import annotations

import gzip
import io
import random
import re
from itertools import accumulate
from typing import Any

import pytest
import zstandard

from crawler.archive import bounds, members
from crawler.archive.members import Members
from crawler.archive.warc_pages import Archive
from crawler.archive.warc_pages import read as read_again
from rules import Carrier
from tests.archives import Maker

HARMS = 400


def made(dice: random.Random) -> list[bytes]:
    """Records of all kinds."""
    maker = Maker()
    for n in range(dice.randint(2, 6)):
        url = f"http://x.example/{n}"
        body = dice.choice((b"", b"<p>words " * dice.randint(1, 900), dice.randbytes(dice.randint(1, 3_000)), gzip.compress(b"<p>") + b"more"))
        match dice.randrange(6):
            case 0:
                maker.request(url)
            case 1:
                maker.add(url, body, kind=dice.choice(("resource", "conversion", "metadata")))
            case 2:
                maker.add(url, b"", kind="revisit", warc={"WARC-Payload-Digest": "sha1:AAAA"})
            case _:
                maker.add(url, body, warc=dice.choice((None, {"WARC-Truncated": "length"}, {"WARC-Payload-Digest": "sha1:AAAA"})))
    return [maker.data[a:b] for a, b in zip(maker.offsets, [*maker.offsets[1:], None], strict=True)]


def harmed(member: bytes, dice: random.Random) -> bytes:
    record = gzip.decompress(member)
    at = dice.randrange(len(member))
    match dice.randrange(9):
        case 0:
            return member[:at]
        case 1:
            return member[:at] + bytes([member[at] ^ dice.randrange(1, 256)]) + member[at + 1:]
        case 2:
            return member + dice.randbytes(dice.randint(1, 30))
        case 3:
            return dice.randbytes(dice.randint(1, 30)) + member
        case 4:
            more = dice.choice((-30, -1, 1, 30, 5_000, 10**13))
            return gzip.compress(re.sub(rb"(?<=Content-Length: )\d+", lambda m: b"%d" % max(0, int(m[0]) + more), record, count=1))
        case 5:
            return gzip.compress(record + dice.choice((b"\r\n", b"\n", b"x", b"\r\n\r\n")))
        case 6:
            return gzip.compress(record[:-dice.choice((1, 2, 4))])
        case 7:
            return gzip.compress(record.replace(b"\r\nContent-Length: ", b"\r\nContent-Length: 7\r\nContent-Length: ", 1))
        case _:
            old, new = dice.choice(((b"\r\n", b"\n"), (b"WARC-Type", b"warc-TYPE"), (b"Content-Length", b"Content-Length "), (b"WARC/1.0", b"WARC/0.17"),
                                    (b"WARC-Date: ", b"WARC-Date: x"), (b"WARC-Record-ID", b"X-ID"), (b"WARC-Type: ", b"X-Type: "),
                                    (b"WARC-Target-URI: ", b"WARC-Target-URI: \r\n  ")))
            return gzip.compress(record.replace(old, new, 1 if new != b"\n" else -1))


@pytest.mark.parametrize("everything", [False, True], ids=["pages", "everything"])
def test_what_is_unpacked_at_once_is_what_is_streamed(monkeypatch, everything):
    def read(data: bytes) -> tuple[object, ...]:
        archive = Archive(io.BytesIO(data), "f", len(data), everything, again=lambda: io.BytesIO(data))
        return list(archive), archive.damage, archive._payloads

    for seed in range(HARMS):
        dice = random.Random(seed)
        packed = made(dice)
        for at in dice.sample(range(len(packed)), dice.randrange(3)):
            packed[at] = harmed(packed[at], dice)
        if not dice.randrange(8):
            packed[-2:] = [gzip.compress(b"".join(gzip.decompress(made(dice)[0]) for _ in range(2)))]
        data = b"".join(packed)
        with monkeypatch.context() as without:
            without.setattr(members, "gzip_decompress", None)
            streamed = read(data)
        assert read(data) == streamed, seed


@pytest.mark.parametrize("portable", [False, True], ids=["hyperscan", "portable"])
def test_a_sound_file_is_read_to_its_end(monkeypatch, portable):
    monkeypatch.setattr(members, "WINDOW_BYTES", 100)
    monkeypatch.setattr(members._SCAN, "portable", portable or members._SCAN.portable)
    packed = made(random.Random(1))
    found = Members(io.BytesIO(b"".join(packed)), 0, b"", True)
    assert [bytes(one.content) for one in found] == list(map(gzip.decompress, packed))
    assert (found.at, found.next) == (len(b"".join(packed[:-1])), len(b"".join(packed)))


def test_a_page_can_forge_no_record():
    """Its bytes can look like an end and a beginning, as they do where they are stored as they are."""
    forged = gzip.compress(gzip.decompress(Maker().add("http://victim.example/", b"<meta name=robots content=noai>").data))
    for body in (forged, forged * 20, b"\x1f\x8b\x08" * 50, (100).to_bytes(4, "little").join([b"\x1f\x8b\x08"] * 50)):
        record = gzip.decompress(Maker().add("http://x.example/", body).data)
        data = gzip.compress(record, 0) + Maker().add("http://y.example/", b"<p>").data
        archive = Archive(io.BytesIO(data), "f", len(data))
        assert [entry.capture.asset.url for entry in archive] == ["http://x.example/", "http://y.example/"]
        assert not archive.damage


def test_what_lies_between_two_that_are_alike_is_told():
    one = Maker().add("http://x.example/", b"<p>").data
    for between in (b"no member at all", gzip.compress(b"no record"), bytes(9)):
        data = one + between + one
        archive = Archive(io.BytesIO(data), "f", len(data))
        assert [entry.offset_bytes for entry in archive] == [0, len(one + between)]
        assert [d.offset_bytes for d in archive.damage] == [len(one)]


def test_members_that_share_are_streamed_once():
    pages = [Maker().request("http://x.example/").data for _ in range(3)] + [Maker().add(f"http://x.example/{n}", b"<p>").data for n in range(3)]
    shared = gzip.compress(b"".join(map(gzip.decompress, pages[1:5])))
    data = pages[0] + shared + pages[5]
    archive = Archive(io.BytesIO(data), "f", len(data), everything=True)
    first, last = len(pages[0]), len(pages[0] + shared)
    assert [entry.offset_bytes for entry in archive] == [0, *[first] * 4, last]
    assert not archive.damage


@pytest.mark.parametrize("at_once", [True, False], ids=["at once", "streamed"])
def test_members_with_nothing_in_them_end_nothing(monkeypatch, at_once):
    if not at_once:
        monkeypatch.setattr(members, "gzip_decompress", None)
    empty, page = gzip.compress(b""), Maker().add("http://x.example/", b"<p>").data
    data = page + empty + page + empty * 2 + page + empty
    archive = Archive(io.BytesIO(data), "f", len(data))
    places = [0, len(page + empty), len(data) - len(page + empty)]
    assert [entry.offset_bytes for entry in archive] == places
    assert not archive.damage


def test_long_members_are_streamed_between_others(monkeypatch):
    monkeypatch.setattr(members, "MOST_BYTES", 3_000)
    maker = Maker()
    for n in range(9):
        maker.add(f"http://x.example/{n}", b"words " * (2_000 if n % 4 == 1 else 20))
    calls = []
    streamed = Archive._records
    monkeypatch.setattr(Archive, "_records", lambda self, stream: calls.append(stream.tell() - bounds.AHEAD) or streamed(self, stream))
    archive = Archive(io.BytesIO(maker.data), "f", len(maker.data))
    assert [entry.offset_bytes for entry in archive] == maker.offsets
    assert calls == [maker.offsets[1], maker.offsets[5], len(maker.data)]
    assert not archive.damage


@pytest.mark.parametrize("many", [2_000, 100_000], ids=["near", "far"])
def test_nothing_is_read_twice_where_long_members_lie_between_others(monkeypatch, many):
    """Going back is dear in a ZIP."""
    monkeypatch.setattr(members, "MOST_BYTES", 3_000)
    maker = Maker()
    for n in range(9):
        maker.add(f"http://x.example/{n}", random.Random(n).randbytes(many if n % 4 == 1 else 90))
    back: list[int] = []

    class Stream(io.BytesIO):
        def seek(self, offset: int, whence: int = 0) -> int:
            back.append(offset - self.tell())
            return super().seek(offset, whence)

    archive = Archive(Stream(maker.data), "f", len(maker.data))
    assert [entry.offset_bytes for entry in archive] == maker.offsets
    assert len([n for n in back if n < 0]) <= 3      # for the packing, and to look at the end


def page(name: str, body: bytes = b"<p>words", **more: Any) -> bytes:
    return gzip.decompress(Maker().add(f"http://x.example/{name}", body, **more).data)


def without(monkeypatch: pytest.MonkeyPatch, at_once: bool) -> None:
    if not at_once:
        monkeypatch.setattr(members, "gzip_decompress", None)


def zstd(content: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(content)


AT_ONCE = pytest.mark.parametrize("at_once", [True, False], ids=["at once", "streamed"])
A, B, C, D = (page(name, b"<p>words" * n) for n, name in enumerate("ABCD", 1))


def read(data: bytes) -> tuple[list[tuple[int, str]], list[int]]:
    """Places and names of the pages, each of which can be read again; places of damage."""
    archive = Archive(io.BytesIO(data), "f", len(data), again=lambda: io.BytesIO(data))
    found = []
    for entry in archive:
        capture = entry.capture
        if entry.kind == "response":
            assert read_again(io.BytesIO(data), capture.location, Carrier.BODY) == capture.body.body
        found.append((entry.offset_bytes, capture.asset.url[-1]))
    return found, [d.offset_bytes for d in archive.damage]


@AT_ONCE
@pytest.mark.parametrize("pack", [gzip.compress, zstd])
@pytest.mark.parametrize("between", [[], [b""], [b"", b""]])
@pytest.mark.parametrize("before", [[], [D]])
def test_records_that_share_a_member_are_where_it_begins(monkeypatch, at_once, pack, between, before):
    """FastWARC puts those of a first member where the second begins."""
    without(monkeypatch, at_once)
    packed = [pack(one) for one in (*before, A + B, *between, C, D)]
    starts = list(accumulate(map(len, packed), initial=0))
    first, last = len(before), len(packed) - 2
    if pack is zstd:
        starts[last] = starts[first + 1]             # what FastWARC reads from an empty frame on
    wanted = [(0, "D")] * first + [(starts[first], "A"), (starts[first], "B"), (starts[last], "C"), (starts[last + 1], "D")]
    assert read(b"".join(packed)) == (wanted, [])


@AT_ONCE
@pytest.mark.parametrize("before", [0, 1, 3])
def test_members_with_nothing_in_them_can_come_first(monkeypatch, at_once, before):
    without(monkeypatch, at_once)
    empty = gzip.compress(b"") * before
    data = empty + gzip.compress(A) + empty + gzip.compress(B)
    assert read(data) == ([(len(empty), "A"), (len(data) - len(gzip.compress(B)), "B")], [])


@AT_ONCE
def test_many_records_that_share_a_member_are_not_looked_at_one_by_one(monkeypatch, at_once):
    """Or time would grow with the square of their number."""
    without(monkeypatch, at_once)
    looked: list[int] = []
    real = bounds.real
    monkeypatch.setattr(bounds, "real", lambda stream, magic, start, limit: looked.append(start) or real(stream, magic, start, limit))
    dice = random.Random(1)
    many = b"".join(page(str(n % 10), dice.randbytes(16_000)) for n in range(500))
    data = gzip.compress(A) + gzip.compress(many, 1) + gzip.compress(B)
    archive = Archive(io.BytesIO(data), "f", len(data))
    assert [entry.offset_bytes for entry in archive] == [0, *[len(gzip.compress(A))] * 500, len(data) - len(gzip.compress(B))]
    assert len(looked) < 9
    assert not archive.damage


@AT_ONCE
@pytest.mark.parametrize("junk", [b"x", b"no record", b"<html>" * 40])
@pytest.mark.parametrize("before", [[], [A], [page("R", b"", kind="revisit", warc={"WARC-Payload-Digest": "sha1:AAAA"})]], ids=["first", "page", "revisit"])
def test_a_member_that_is_no_record_hides_none(monkeypatch, at_once, junk, before):
    """And harms none: the record before it ends where its own member does."""
    without(monkeypatch, at_once)
    packed = [gzip.compress(one) for one in (*before, junk, B, C)]
    starts = list(accumulate(map(len, packed), initial=0))
    found, damage = read(b"".join(packed))
    assert found[len(before):] == [(starts[-3], "B"), (starts[-2], "C")]
    assert damage == [starts[len(before)]]


@AT_ONCE
@pytest.mark.parametrize("end", [b"", gzip.compress(B)])
def test_members_that_are_no_records_are_passed_at_once(monkeypatch, at_once, end):
    without(monkeypatch, at_once)
    calls: list[int] = []
    streamed = Archive._records
    monkeypatch.setattr(Archive, "_records", lambda self, stream: calls.append(stream.tell()) or streamed(self, stream))
    start, junk = gzip.compress(A), gzip.compress(b"x") * 500
    assert read(start + junk + end) == ([(0, "A"), *([(len(start + junk), "B")] if end else [])], [len(start)])
    assert len(calls) < 5


@AT_ONCE
def test_a_member_that_is_no_record_hides_none_of_the_size_of_the_last(monkeypatch, at_once):
    without(monkeypatch, at_once)
    packed = [gzip.compress(one) for one in (A, b"x", page("E"), B)]
    starts = list(accumulate(map(len, packed), initial=0))
    assert read(b"".join(packed)) == ([(0, "A"), (starts[2], "E"), (starts[3], "B")], [starts[1]])


@AT_ONCE
def test_a_record_can_begin_in_one_member_and_go_on_in_the_next(monkeypatch, at_once):
    without(monkeypatch, at_once)
    packed = [gzip.compress(one) for one in (A, B[:4], B[4:], C)]
    starts = list(accumulate(map(len, packed), initial=0))
    assert read(b"".join(packed)) == ([(0, "A"), (starts[1], "B"), (starts[3], "C")], [])


@AT_ONCE
def test_damage_has_its_place_however_often_one_starts_behind_it_in_vain(monkeypatch, at_once):
    without(monkeypatch, at_once)
    packed = list(map(gzip.compress, (A, B, C)))
    broken = packed[1][:40] + b"\xff" * 9 + gzip.compress(b"") + b"\x1f\x8b\x08 and so on" + packed[1][70:]
    data = packed[0] + broken + packed[2]
    assert read(data) == ([(0, "A"), (len(packed[0] + broken), "C")], [len(packed[0])])


@AT_ONCE
def test_no_page_is_taken_for_a_record_where_damage_lies_behind_it(monkeypatch, at_once):
    without(monkeypatch, at_once)
    one = gzip.compress(page("A", gzip.compress(page("V", b"<meta name=robots content=noai>"))), 0)
    data = one + b"junkjunk" + gzip.compress(C)
    assert read(data) == ([(0, "A"), (len(one) + 8, "C")], [len(one)])
