"""What is kept and dropped of files that are broken, or packed as few are: every record once, damage by name, other inputs done."""
from __future__ import annotations

import gzip
import io
import os
import struct
import subprocess
import sys
import zipfile
import zlib
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pytest

from crawler.archive import subsets
from crawler.archive.sources import Source
from crawler.archive.warc_pages import Archive
from crawler.recorded import rows
from tests.archives import Maker
from tests.test_filter import put


def page(name: str, body: bytes = b"<p>words") -> bytes:
    return gzip.decompress(Maker().add(f"https://x.example/{name}", body).data)


A, B, C, D = (page(name) for name in "ABCD")
NO_ID = B.replace(b"WARC-Record-ID", b"X-Record-ID")
EMPTY, JUNK = gzip.compress(b""), b"junkjunk"


def split(data: bytes, folder: Path, dropped: str) -> tuple[bytes, bytes, list[int]]:
    """What is kept and what is dropped: the pages of these names."""
    source, subset = Source(io.BytesIO(data), "a.warc.gz", len(data), everything=True), None
    files = subsets.Files(folder / "kept", folder / "dropped")
    for chunk in source.chunks():
        subset = subset or subsets.subset(source, files)
        subset.add(chunk.rows, [e.capture.asset.url[-1] not in dropped for e in chunk.rows], [("", [])] * len(chunk.rows))
    subset.close()
    return (folder / "kept").read_bytes(), (folder / "dropped").read_bytes(), [d.offset_bytes for d in source.damage]


def names(data: bytes) -> str:
    """Of the pages; with `?` for one without an id."""
    return "".join(e.capture.asset.url[-1] + ("" if e.record_id else "?") for e in Archive(io.BytesIO(data), "f", len(data)))


def contents(data: bytes) -> list[bytes]:
    """What the members hold that hold something."""
    found = []
    while data:
        inflate = zlib.decompressobj(31)
        found.append(inflate.decompress(data))
        assert inflate.eof
        data = inflate.unused_data
    return [one for one in found if one]


@pytest.mark.parametrize("packed, kept, dropped, damage", [
    ([A + NO_ID + C + D], "ACD", "B?", []), ([NO_ID + A + C], "AC", "B?", []), ([D, A + NO_ID, C], "DAC", "B?", []),
    ([A + B, C, D], "ACD", "B", []), ([A + B, None, C, D], "ACD", "B", []), ([D, None, A + B + C], "DAC", "B", []),
    ([A + B, JUNK, C, D], "ACD", "B", [1]), ([A, B + C, JUNK, D], "ACD", "B", [2]), ([A + B, C + D], "ACD", "B", [])])
def test_records_that_share_a_member_become_members_of_their_own(packed, kept, dropped, damage, tmp_path):
    parts = [EMPTY if part is None else part if part is JUNK else gzip.compress(part) for part in packed]
    left, right, broken = split(b"".join(parts), tmp_path, "B")
    assert (names(left), names(right)) == (kept, dropped)
    assert Counter(contents(left) + contents(right)) == Counter({"A": A, "B": B, "C": C, "D": D}[n] if n != "?" else NO_ID
                                                                for n in (kept + dropped).replace("B?", "?"))
    assert broken == [len(b"".join(parts[:n])) for n in damage]
    alone = [part for part in parts if part not in (EMPTY, JUNK) and gzip.decompress(part) in (A, C, D)]
    assert all(part in left for part in alone)       # byte for byte


def test_zstandard_frames_that_are_shared_become_frames_of_their_own(tmp_path):
    data = b"".join(pa.compress(part, "zstd", asbytes=True) for part in (A + B, C, D))
    left, right, broken = split(data, tmp_path, "BD")
    assert (names(left), names(right), broken) == ("AC", "BD", [])


@pytest.mark.parametrize("cut", [20, 60])
def test_what_breaks_off_in_a_shared_member_is_in_neither(cut, tmp_path):
    data = gzip.compress(C) + gzip.compress(B) + gzip.compress(A + page("D", bytes(range(256)) * 9))[:-cut]
    left, right, broken = split(data, tmp_path, "B")
    assert (contents(left), contents(right), broken) == ([C, A], [B], [len(gzip.compress(C) + gzip.compress(B))])


def test_a_record_in_two_members_is_whole_though_junk_lies_behind_it(tmp_path):
    data = b"".join((gzip.compress(A), gzip.compress(B[:90]), gzip.compress(B[90:]), JUNK, gzip.compress(C)))
    left, right, _ = split(data, tmp_path, "B")
    assert (contents(left), b"".join(contents(right))) == ([A, C], B)


# ---- the command

def wacz(path: Path) -> Path:
    """The second of its three archives is not what the ZIP says."""
    with zipfile.ZipFile(path, "w") as packed:
        for name in "abc":
            packed.writestr(f"archive/{name}.warc.gz", gzip.compress(page(name)))
        checksum = struct.pack("<I", packed.getinfo("archive/b.warc.gz").CRC)
    return put(path, path.read_bytes().replace(checksum, b"\x00\x01\x02\x03"))


def hostile(path: Path) -> Path:
    """A string of it begins a gigabyte behind its buffer."""
    table = pa.table({"url": ["https://x.example/F", "https://x.example/G"], "html": ["<p>", "<p>"]})
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    offsets = struct.pack("<3i", 0, 19, 38)
    data = path.read_bytes()
    assert offsets in data
    return put(path, data.replace(offsets, struct.pack("<3i", 0, 1 << 30, (1 << 30) + 19)))


@pytest.mark.parametrize("workers", [1, 2])
def test_broken_inputs_are_told_by_name_and_harm_no_other(workers, tmp_path):
    """By a process of its own: what leads out of a buffer ends it."""
    (tmp_path / "in").mkdir()
    put(tmp_path / "in" / "shared.warc.gz", gzip.compress(A + B) + JUNK + gzip.compress(C))
    wacz(tmp_path / "in" / "b.wacz")
    put(tmp_path / "in" / "cut.csv.gz", gzip.compress(b"url,html\nhttps://x.example/E,<p>\n")[:15])
    hostile(tmp_path / "in" / "e.arrow")
    put(tmp_path / "in" / "whole.warc.gz", gzip.compress(D))
    done = subprocess.run([sys.executable, "-m", "crawler.cli", "filter", tmp_path / "in", "-o", tmp_path / "run", "--sites", "none",
                           "--kept", tmp_path / "k", "--dropped", tmp_path / "d", "--workers", str(workers)],
                          capture_output=True, text=True, cwd=Path(__file__).parents[1], env={**os.environ, "COLUMNS": "300"}, timeout=60)
    assert done.returncode == 3, done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert Counter(row.requested[-1] for row in rows(tmp_path / "run", "eu-dsm-art4@2026-11-26")) == Counter("ABCDac")
    told = done.stdout + done.stderr
    for words in (f"shared.warc.gz: at byte {len(gzip.compress(A + B))}: ", "b.wacz: archive/b.warc.gz: Bad CRC-32", "cut.csv.gz: ", "e.arrow: "):
        assert words in told, told
    found = {path.name: names(path.read_bytes() + (tmp_path / "d" / path.name).read_bytes()) for path in (tmp_path / "k").iterdir()}
    assert found == {"b.wacz.warc.gz": "ac", "shared.warc.gz": "ABC", "whole.warc.gz": "D"}
