"""Archives and documents: beside other readers of them, hostile, and mutated."""
from __future__ import annotations

import io
import random
import struct
import time
import zipfile
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.containers import parts
from rules.containers.inflate import NotInflated
from rules.containers.zip_file import directory
from rules.limits import CARD_BYTES, DOCUMENT_BYTES, FEED_BYTES, MEDIA_PARTS, PDF_BYTES, XMP_BYTES, ZIP_MEMBERS
from rules.model import Access, Asker, Asset, Carrier, Evidence, Fault, FaultKind, Statement
from rules.signals import READERS

from .fixtures import documents as made

RUNAWAY_S = 20
URL = "https://site.example/a"
RESERVED = '<meta name="tdm:reservation" content="1"/>'


def found(body: bytes, carrier: Carrier = Carrier.BODY) -> list:
    evidence = Evidence(carrier, URL, None, Access.OBTAINED, body)
    return [f for reader in READERS[carrier] for f in reader(evidence, Asset(URL), Asker("mybot"))]


def faults(body: bytes) -> set[FaultKind]:
    """Of a body that must be read in time."""
    start = time.perf_counter()
    findings = found(body)
    assert time.perf_counter() - start < RUNAWAY_S
    assert not any(isinstance(f, Statement) for f in findings)
    return {f.kind for f in findings if isinstance(f, Fault)}


# ---- archives

NAMES = st.text(st.characters(min_codepoint=33, blacklist_categories=("Cs",), blacklist_characters="\\/"), min_size=1, max_size=20)


@settings(max_examples=60)
@given(st.dictionaries(NAMES, st.binary(max_size=300), max_size=6), st.booleans(), st.binary(max_size=40), st.binary(max_size=30))
def test_an_archive_is_read_as_written(members, is_stored, before, comment):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED if is_stored else zipfile.ZIP_DEFLATED) as archive:
        archive.comment = comment.replace(b"P", b"")
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name), data)
    read = directory(before + out.getvalue())
    assert read.failure is None
    assert {name: read.read(name, 1_000) for name in read.members} == members


def test_wide_fields():
    """An archive whose directory is described by the wide record alone."""
    plain = made.archive({"a": "text"})
    end = plain.rindex(b"PK\x05\x06")
    *_, count, size, offset, _ = struct.unpack("<4s4H2LH", plain[end:end + 22])
    wide = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, count, count, size, offset)
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, end, 1)
    last = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 0xffff, 0xffff, 0xffffffff, 0xffffffff, 0)
    body = plain[:end] + wide + locator + last
    assert zipfile.ZipFile(io.BytesIO(body)).read("a") == b"text"
    assert directory(body).read("a", 100) == b"text"


def one_member(data: bytes = b"text", method: int = 0, wide: bool = False,) -> bytes:
    """An archive of `a.xmp`. `wide`: its size and place stand in the second of two extra fields."""
    name, crc = b"a.xmp", zlib.crc32(data)
    local = struct.pack("<4s5H3L2H", b"PK\3\4", 45, 0, method, 0, 0, crc, len(data), len(data), len(name), 0) + name + data
    extra = (struct.pack("<3H", 9, 2, 0) + struct.pack("<2H2Q", 1, 16, len(data), 0)) if wide else b""
    record = struct.pack("<4s6H3L5H2L", b"PK\1\2", 45, 45, 0, method, 0, 0, crc, 0xffffffff if wide else len(data), len(data), len(name),
                         len(extra), 0, 0, 0, 0, 0xffffffff if wide else 0) + name + extra
    return local + record + struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 1, 1, len(record), len(local), 0)


def test_wide_fields_of_one_member():
    body = one_member(wide=True)
    assert zipfile.ZipFile(io.BytesIO(body)).read("a.xmp") == b"text"
    assert directory(body).read("a.xmp", 100) == b"text"


def test_wide_fields_that_are_not_there():
    body = one_member(wide=True).replace(struct.pack("<2H", 1, 16), struct.pack("<2H", 7, 16))
    assert faults(body) == {FaultKind.MALFORMED}


def test_a_wide_directory_that_is_not_there():
    plain = one_member()
    end = plain.rindex(b"PK\5\6")
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, 0, 1)
    for before in (b"", locator):
        assert faults(plain[:end] + before + struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 0xffff, 0xffff, 9, 0xffffffff, 0)) == {FaultKind.MALFORMED}


@pytest.mark.parametrize("body, detail", [
    (one_member(method=14), "packed in a way that is not read"), (one_member(b" " * (XMP_BYTES + 1)), f"longer than {XMP_BYTES} bytes"),
    (made.archive({f"{n}.xmp": "" for n in range(MEDIA_PARTS + 1)}), f"more than {MEDIA_PARTS} members"),
    (one_member(b"x" * 200).replace(struct.pack("<3L", zlib.crc32(b"x" * 200), 200, 200), struct.pack("<3L", 0, 999, 999)), "ends early")],
    ids=["method", "longer", "many", "early"])
def test_a_member_that_is_not_read_is_a_fault(body, detail):
    (fault,) = parts(body).faults
    assert detail in fault.detail


def test_a_member_can_be_too_much():
    bomb = made.archive({"META-INF/container.xml": b" " * (DOCUMENT_BYTES + 1)})
    assert len(bomb) < 10_000
    assert faults(bomb) == {FaultKind.TRUNCATED}
    with pytest.raises(NotInflated):
        directory(bomb).read("META-INF/container.xml", 10)


def test_more_members_than_are_looked_at():
    record = struct.pack("<4s6H3L5H2L", b"PK\x01\x02", 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0) + b"a"
    count = ZIP_MEMBERS + 1
    body = b"PK\x03\x04" + record * count + struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, count, count, len(record) * count, 4, 0)
    assert faults(body) == {FaultKind.TRUNCATED}


def test_extra_fields_without_end():
    extra = struct.pack("<2H", 9, 0) * 16_000
    record = struct.pack("<4s6H3L5H2L", b"PK\x01\x02", 0, 0, 0, 0, 0, 0, 0, 0xffffffff, 0, 1, len(extra), 0, 0, 0, 0, 0xffffffff) + b"a" + extra
    body = b"PK\x03\x04" + record * 200 + struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 200, 200, len(record) * 200, 4, 0)
    assert faults(body) == set()


@pytest.mark.parametrize("package", ["<a>" * 10_000, "<package>" + "<meta>" * 300_000, "<package prefix='" + "a: b " * 200_000 + "'/>",
                                     "<package>" + "<meta name='tdm:policy' content='x'/>" * 60_000 + "</package>"])
def test_hostile_packages(package):
    assert faults(made.epub(package=package)) <= {FaultKind.MALFORMED}


def test_an_epub_of_many_renditions():
    container = "<container><rootfiles>" + "<rootfile full-path='OEBPS/content.opf'/>" * 20 + "</rootfiles></container>"
    body = made.archive({"META-INF/container.xml": container, "OEBPS/content.opf": made.PACKAGE.format(metadata=RESERVED, attributes="")})
    findings = found(body)
    assert [f.kind for f in findings if isinstance(f, Fault)] == [FaultKind.TRUNCATED]
    assert len([f for f in findings if isinstance(f, Statement)]) == 1


# ---- PDF

def raw_pdf(*objects: bytes) -> bytes:
    out, offsets = b"%PDF-1.7\n", []
    for number, text in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, text)
    table = b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1) + b"".join(b"%010d 00000 n \n" % at for at in offsets)
    return out + table + b"trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, len(out))


def stream(entries: bytes, data: bytes) -> bytes:
    return b"<<%s/Length %d>>stream\n%s\nendstream" % (entries, len(data), data)


ZEROS = zlib.compress(bytes(PDF_BYTES + (1 << 20)), 9)
CATALOGUE = b"<</Type/Catalog/Pages 2 0 R/Metadata 3 0 R>>", b"<</Type/Pages/Kids[4 0 R]/Count 1>>"
PAGE = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>"
HOSTILE_PDF = {
    "metadata bomb": lambda: raw_pdf(*CATALOGUE, stream(b"/Filter/FlateDecode", ZEROS), PAGE),
    "metadata bomb twice": lambda: raw_pdf(*CATALOGUE, stream(b"/Filter[/FlateDecode/FlateDecode]", zlib.compress(ZEROS)), PAGE),
    "table bomb": lambda: b"%PDF-1.7\n" + b"1 0 obj\n" + stream(b"/Type/XRef/Size 9000000/W[1 4 2]/Root 1 0 R/Filter/FlateDecode", ZEROS)
                          + b"\nendobj\nstartxref\n9\n%%EOF",
    "open streams": lambda: b"%PDF-1.7\n" + b"".join(b"%d 0 obj<</Length 9>>stream\n" % n for n in range(9_000)),
    "more open streams": lambda: b"%PDF-1.7\n" + b"".join(b"%d 0 obj<</Length 9>>stream\n" % n for n in range(150_000)),
    "open objects": lambda: b"%PDF-1.7\n" + b"1 0 obj\n" * 500_000,
    "nesting": lambda: raw_pdf(b"[" * 1_000_000),
    "open dictionaries": lambda: b"%PDF-1.7\n1 0 obj " + b"<</A" * 500_000,
    "trailers": lambda: b"%PDF-1.7\n" + b"trailer\n<</Root 1 0 R>>\n" * 150_000,
    "starts of tables": lambda: b"%PDF-1.7\n" + b"startxref\n9\n" * 300_000 + b"startxref\n9\n%%EOF",
    "tables": lambda: b"%PDF-1.7\n" + b"xref\n" * 800_000 + b"startxref\n9\n%%EOF",
    "attachments": lambda: raw_pdf(b"<</Type/Catalog/Pages 2 0 R/Metadata 3 0 R/AF[" + b"3 0 R " * 100_000 + b"]>>", CATALOGUE[1], b"null", PAGE),
    "long metadata": lambda: raw_pdf(*CATALOGUE, stream(b"", b" " * (XMP_BYTES + 1)), PAGE),
    "no dictionary": lambda: raw_pdf(b"<</Type/Catalog/Pages 2 0 R/Metadata 5/AF 7>>", CATALOGUE[1], b"null", PAGE),
    "an attachment of nothing": lambda: raw_pdf(b"<</Type/Catalog/Pages 2 0 R/AF[<</AFRelationship/C2PA_Manifest/EF 5>>]>>", CATALOGUE[1], b"null", PAGE),
    "too long": lambda: b"%PDF-1.7\n" + bytes(PDF_BYTES),
}
HARMLESS = {"attachments", "no dictionary"}


@pytest.mark.parametrize("name", HOSTILE_PDF)
def test_hostile_pdf(name):
    assert bool(faults(HOSTILE_PDF[name]())) is (name not in HARMLESS)


@pytest.mark.parametrize("mode", ["disable", "preserve", "generate"])
def test_pdf_with_objects_in_streams(mode):
    import pikepdf
    body = made.pdf(inside="<tdm:reservation>1</tdm:reservation>", object_stream_mode=getattr(pikepdf.ObjectStreamMode, mode),
                    compress_streams=mode == "generate")
    assert [f.signal for f in found(body)] == ["tdmrep.xmp"]


# ---- the others

@pytest.mark.parametrize("body", [b"---\nlicense: [" + b"mit, " * 200_000, b"---\n" + b"license: mit\n" * 100_000 + b"---\n",
                                  b"---\n" * 300_000, b"---\nlicense:\n" + b"- mit\n" * 200_000 + b"---\n", b"---\nlicense: mit\n---\n" + b"x" * CARD_BYTES,
                                  b'{"a": "mlcommons.org/croissant", "b": ' + b"[" * 500_000, b"<ONIXMessage>" + b"<Product>" * 300_000,
                                  b"<ONIXMessage>" + b"<Product/>" * 100_000 + b"</ONIXMessage>", b"<ONIXMessage>" + b" " * FEED_BYTES])
def test_hostile_texts(body):
    assert faults(body) <= {FaultKind.MALFORMED, FaultKind.TRUNCATED}


def test_a_long_croissant_is_a_fault():
    assert faults(b'{"a": "mlcommons.org/croissant", "license": "' + b"x" * CARD_BYTES + b'"}') == {FaultKind.TRUNCATED}


# ---- mutations

SEEDS = {
    "epub": made.epub(metadata=RESERVED, attributes='prefix="tdm: http://www.w3.org/ns/tdmrep#"'),
    "office": made.office(properties={"tdm-reservation": "1"}), "odf": made.odf(meta='<meta:user-defined meta:name="tdm-reservation">1</meta:user-defined>'),
    "pdf": made.pdf(inside="<tdm:reservation>1</tdm:reservation>"),
    "encrypted pdf": made.pdf(inside="<tdm:reservation>1</tdm:reservation>", password=""),
    "onix": b"<ONIXMessage><Product><EpubUsageConstraint><EpubUsageType>11</EpubUsageType><EpubUsageStatus>03</EpubUsageStatus></EpubUsageConstraint></Product></ONIXMessage>",
    "card": b"---\nlicense:\n- cc-by-4.0\nextra_gated_prompt: >\n  Text and data mining is prohibited.\n---\n# Data\n",
    "croissant": b'{"conformsTo": "http://mlcommons.org/croissant/1.1", "license": ["cc-by-4.0"], "usageInfo": {"@id": "x"}}',
}
PIECES = (b"PK\x01\x02", b"PK\x05\x06", b"/Prev 0", b"/Length 999999999", b" 0 R", b"<<", b"endobj", b"stream\n", b"99999999999", b"<!DOCTYPE", b"&x;",
          b"---\n", b"[", b"{", b'"', b"\0", b"\xff\xff\xff\xff")


def mutated(dice: random.Random, body: bytes) -> bytes:
    out = bytearray(body)
    for _ in range(dice.randint(1, 8)):
        at = dice.randrange(len(out))
        match dice.randrange(4):
            case 0:
                del out[at:at + dice.randint(1, 20)]
            case 1:
                out[at:at] = dice.choice(PIECES)
            case 2:
                out[at:at] = out[dice.randrange(len(out)):][:50]
            case _:
                out[at] = dice.randrange(256)
    return bytes(out) or b"\0"


@pytest.mark.parametrize("name", SEEDS)
@pytest.mark.parametrize("rounds", [60, pytest.param(1_500, marks=pytest.mark.slow)])
def test_mutations(name, rounds):
    dice = random.Random(name)
    assert found(SEEDS[name])
    for _ in range(rounds):
        body = mutated(dice, SEEDS[name])
        start = time.perf_counter()
        found(body)
        parts(body)
        assert time.perf_counter() - start < RUNAWAY_S
