"""Writing into files: what changes, what must not, what other programs read then, and how it is taken back."""
from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import signal
import stat
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pikepdf
import pyexiv2
import pytest
from lxml import etree
from PIL import Image

from crawler.declare import likeness, packet, pixels, tag
from crawler.declare.splice import NotWritten, Splice, spliced, undoing
from crawler.declare.tag import UndoList, entries, plan, restore, sweep, write
from crawler.declare.values import VALUES, Tag, parse
from rules import Preference, Statement, Use
from rules.containers import kind, parts
from rules.signals import xmp
from rules.vocab import ATOMS
from tests.fixtures import media
from tests.fixtures.pictures import PICTURES, extended, multi_picture, pdf, picture, png_packet, saved, segment, tiff_pages
from tests.fixtures.pictures import packet as made

ROOT = Path(__file__).parents[1]
EXIFTOOL = ROOT / ".venv/exiftool/node_modules/exiftool-vendored.pl/bin/exiftool"
NO_TRAINING = Tag(*parse("no-ai-training"))
NO_MINING = Tag(*parse("no-mining"))
ALL_WORDS = [w + (":Only with leave" if v.needs == "TEXT" else ":https://art.example/r" if v.needs else "") for w, v in VALUES.items()]
RICH = Tag(*parse("see-constraints:Nur mit Erlaubnis & <schriftlich>"), "https://art.example/rights", "https://art.example/ask?a=1&b=2")


@pytest.fixture(scope="module")
def bodies() -> dict[str, bytes]:
    return {name: make() for name, make in PICTURES.items()}


def tagged(folder: Path, name: str, body: bytes, what: Tag = NO_TRAINING, **how: bool) -> bytes:
    """The file after; the undo list is called `undo`."""
    path = folder / name
    path.write_bytes(body)
    change = plan(path, what, **how)
    assert change is not None
    undo = UndoList(folder / "undo")
    try:
        if change.splices:
            write(change, undo)
    finally:
        undo.close()
    return path.read_bytes()


def words(body: bytes) -> set[str]:
    return set(tag.mining(body))


# ---- what is written, and what is kept

@pytest.mark.parametrize("name", PICTURES)
def test_it_says_so_afterwards_and_nothing_else_changes(name: str, bodies: dict[str, bytes], tmp_path: Path) -> None:
    before = bodies[name]
    after = tagged(tmp_path, name, before)
    assert words(after) == {NO_TRAINING.uri}
    assert kind(after) == kind(before)
    assert pixels.same(before, after) is (None if name.endswith(".pdf") else True)
    assert other_metadata(after) == other_metadata(before)
    assert not parts(after).faults
    assert plan(tmp_path / name, NO_TRAINING).splices == ()
    assert [restore(e) for e in entries(tmp_path / "undo")] == [True]
    assert (tmp_path / name).read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([name, "undo"])


def other_metadata(body: bytes) -> set[tuple[str, ...]]:
    """Every element and attribute of every packet but Data Mining and empty frames."""
    out = set()
    for part in parts(body).xmp:
        tree = etree.fromstring(part.data.decode().partition("?>")[2].rpartition("<?xpacket")[0].strip().encode())
        for e in tree.iter():
            if isinstance(e.tag, str) and e.tag != f"{{{packet.PLUS}}}DataMining":
                out |= {(e.tag, (e.text or "").strip()), *((e.tag, str(k), str(v)) for k, v in e.attrib.items())}
    return {one for one in out if len(one) > 2 or one[1]} - {(packet.DESCRIPTION, f"{{{packet.RDF}}}about", "")}


@pytest.mark.parametrize("word", ALL_WORDS)
@pytest.mark.parametrize("name", ["baseline.jpg", "packet.png", "table.pdf"])
def test_each_value_is_read_back_as_it_is_meant(word: str, name: str, bodies: dict[str, bytes], tmp_path: Path) -> None:
    what = Tag(*parse(word))
    after = tagged(tmp_path, name, bodies[name], what)
    said = [f for f in tag._find(after) if isinstance(f, Statement) and f.signal.startswith("plus")]
    denied = {a for s in said if s.preference is Preference.DISALLOW for a in ATOMS[s.use]}
    assert words(after) == {what.uri}
    assert not denied if what.value.word in ("allowed", "unspecified") else Use.TRAIN_GENAI in denied
    assert (Use.TRAIN_OTHER in denied) == (what.value.word not in ("allowed", "unspecified", "no-genai-training"))
    assert (Use.SEARCH in denied) <= (what.value.word != "except-search")
    if what.detail:
        told = {c for s in said if s.terms for c in (*s.terms.conditions, s.terms.url)}
        assert any(what.detail in one for one in told)


def test_what_stands_beside_the_value_is_written_and_merged(tmp_path: Path) -> None:
    licensor = ('<plus:Licensor><rdf:Seq><rdf:li rdf:parseType="Resource"><plus:LicensorName>Ana</plus:LicensorName></rdf:li></rdf:Seq>'
                "</plus:Licensor>")
    after = tagged(tmp_path, "a.jpg", saved(picture(), "JPEG", xmp=made(licensor)), RICH)
    (held,) = xmp.packets(after)
    assert held.values("OtherConstraints") == ["Nur mit Erlaubnis & <schriftlich>"]
    assert held.values("WebStatement") == ["https://art.example/rights"]
    assert held.values("LicensorURL") == ["https://art.example/ask?a=1&b=2"]
    assert b"LicensorName>Ana<" in after
    assert plan(tmp_path / "a.jpg", RICH).splices == ()


def test_a_policy_goes_into_documents_alone(bodies: dict[str, bytes], tmp_path: Path) -> None:
    what = Tag(*parse("no-mining"), tdm_policy="https://art.example/tdm.json")
    after = tagged(tmp_path, "a.pdf", bodies["packet.pdf"], what)
    assert {f.signal for f in tag._find(after) if isinstance(f, Statement)} == {"plus.xmp", "tdmrep.xmp"}
    (tmp_path / "undo").unlink()
    assert b"tdmrep" not in tagged(tmp_path, "a.png", bodies["packet.png"], what)


ALLOWED = {(packet.DESCRIPTION, f"{{{packet.PLUS}}}DataMining", v) for v in ("DMI-ALLOWED", "http://ns.useplus.org/ldf/vocab/DMI-ALLOWED")}
FORMS = {
    "attribute": made(attributes='plus:DataMining="http://ns.useplus.org/ldf/vocab/DMI-ALLOWED"'),
    "element": made("<plus:DataMining>DMI-ALLOWED</plus:DataMining><dc:rights/>"),
    "resource": made('<plus:DataMining rdf:resource="http://ns.useplus.org/ldf/vocab/DMI-ALLOWED"/>'),
    "twice": made("<plus:DataMining>x</plus:DataMining>", 'plus:DataMining="DMI-ALLOWED"'),
    "prefix": made('<p:DataMining xmlns:p="http://ns.useplus.org/ldf/xmp/1.0/">DMI-ALLOWED</p:DataMining>'),
    "two descriptions": made().replace(b"</rdf:RDF>", b'<rdf:Description rdf:about="" plus:DataMining="DMI-ALLOWED"/></rdf:RDF>'),
    "no description": made().replace(b"<rdf:RDF>", b"<rdf:RDF><!--").replace(b"</rdf:RDF>", b"--></rdf:RDF>"),
    "rsl": made('<rsl xmlns="https://rslstandard.org/rsl"><content url=""/></rsl>'),
    "comments": made("<!-- kept --><?kept too?>"),
    "declared": b"<?xml version='1.0' encoding='UTF-8'?>" + made(),
    "no frame": made().partition(b"?>")[2].rpartition(b"<?xpacket")[0],
    "zeros": made() + b"\0\0\0",
    "room": made(room=2_000),
}


@pytest.mark.parametrize("form", FORMS)
def test_packets_of_every_form(form: str) -> None:
    (after,) = packet.edited([FORMS[form]], NO_TRAINING)
    body = png_packet(after)
    assert words(body) == {NO_TRAINING.uri}, after
    assert tag._mining(body) == tag._mining(packet.edited([], NO_TRAINING)[0])
    if form != "no frame":
        assert other_metadata(png_packet(after)) >= other_metadata(png_packet(FORMS[form])) - ALLOWED
    assert packet.edited([after], NO_TRAINING) == [after]
    if form == "comments":
        assert b"<!-- kept --><?kept too?>" in after
    if form == "rsl":
        assert b'<rsl xmlns="https://rslstandard.org/rsl"><content url=""/></rsl>' in after
    if form in ("room", "zeros"):
        assert len(after) == len(FORMS[form]) if form == "room" else after.endswith(b"\0\0\0")


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be"])
def test_a_wide_packet_becomes_utf_8(codec: str, tmp_path: Path) -> None:
    after = tagged(tmp_path, "a.jpg", saved(picture(), "JPEG", xmp=made("<dc:x>ü</dc:x>").decode().encode(codec)))
    assert words(after) == {NO_TRAINING.uri}
    assert "<dc:x>ü".encode() in after


def test_a_long_extension_stays_to_the_byte(bodies: dict[str, bytes], tmp_path: Path) -> None:
    before = bodies["extended.jpg"]
    after = tagged(tmp_path, "a.jpg", before)
    start = before.index(b"http://ns.adobe.com/xmp/extension/")
    assert before[start:] == after[-len(before[start:]):]


def test_a_second_value_is_replaced_too(tmp_path: Path) -> None:
    body = saved(picture(), "JPEG")
    said = [segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + made("", f'plus:DataMining="DMI-{w}"')) for w in ("ALLOWED", "PROHIBITED")]
    assert words(tagged(tmp_path, "a.jpg", body[:2] + b"".join(said) + body[2:])) == {NO_TRAINING.uri}
    (tmp_path / "undo").unlink()
    pages = tiff_pages((made(""), made("", 'plus:DataMining="DMI-ALLOWED"')))
    assert words(tagged(tmp_path, "a.tif", pages)) == {NO_TRAINING.uri}


def test_webp_says_its_canvas(bodies: dict[str, bytes], tmp_path: Path) -> None:
    for name, size, alpha in (("lossy.webp", (48, 36), 0), ("lossless.webp", (47, 35), 0), ("alpha.webp", (48, 36), 0x10)):
        after = tagged(tmp_path, name, bodies[name])
        assert after[12:16] == b"VP8X"
        assert after[20] & ~0x10 == 4
        assert after[20] & 0x10 >= alpha
        assert (int.from_bytes(after[24:27], "little") + 1, int.from_bytes(after[27:30], "little") + 1) == size
        assert int.from_bytes(after[4:8], "little") == len(after) - 8
        (tmp_path / "undo").unlink()


def test_pdf_grows_at_its_end_and_can_be_tagged_again(tmp_path: Path) -> None:
    for name, before in {"a": pdf(), "b": pdf(made(), streams=True), "c": pdf(made(room=100), streams=True, linearize=True)}.items():
        path = tmp_path / f"{name}.pdf"
        after = tagged(tmp_path, path.name, before, Tag(*parse("allowed")))
        assert after.startswith(before)
        (tmp_path / "undo").unlink()
        again = tagged(tmp_path, path.name, after, NO_MINING)
        assert again.startswith(after)
        assert words(again) == {NO_MINING.uri}
        with pikepdf.open(path) as document:
            assert not document.check_pdf_syntax()
            assert len(document.pages) == 1
        (tmp_path / "undo").unlink()


# ---- other programs

# What the header of a file says of what is in it, where a kind of file has such a header.
HEADERS = {"File:FileType", "RIFF:WebP_Flags", "RIFF:ImageWidth", "RIFF:ImageHeight", "RIFF:AlphaIsUsed", "RIFF:HorizontalScale",
           "RIFF:VerticalScale", "RIFF:VP8Version", "GIF:GIFVersion", "PDF:Linearized"}
OF_BIG_TIFF = (frozenset(), frozenset({"IFD0:ApplicationNotes"}))      # there exiftool also tells the packet as a whole

@pytest.mark.slow
def test_exiftool_reads_every_file_as_it_was_but_for_the_value(bodies: dict[str, bytes], tmp_path: Path) -> None:
    if not EXIFTOOL.exists():
        message = f"needs {EXIFTOOL}; `make test` installs it"
        if os.environ.get("CI") == "true" and not shutil.which("exiftool"):
            pytest.fail(message)
        if not shutil.which("exiftool"):
            pytest.skip(message)
    program = ["perl", str(EXIFTOOL)] if EXIFTOOL.exists() else ["exiftool"]
    told = []
    for folder in ("before", "after"):
        (tmp_path / folder).mkdir()
        for name, body in bodies.items():
            (tmp_path / folder / name).write_bytes(body)
    for name in bodies:
        undo = UndoList(tmp_path / f"{name}.undo")
        write(plan(tmp_path / "after" / name, RICH), undo)
        undo.close()
    for folder in ("before", "after"):
        run = subprocess.run([*program, "-j", "-G1", "-n", "-struct", "-validate", "-all", str(tmp_path / folder)], capture_output=True, check=False, timeout=200)
        told.append({Path(row["SourceFile"]).name: row for row in json.loads(run.stdout)})
    before, after = told
    assert set(before) == set(after) == set(bodies)
    for name in bodies:
        assert str(after[name].pop("XMP-plus:DataMining", after[name])).endswith("-SEECONSTRAINT"), name
        assert after[name].pop("XMP-plus:OtherConstraints") == "Nur mit Erlaubnis & <schriftlich>"
        assert after[name].pop("XMP-xmpRights:WebStatement") == "https://art.example/rights"
        assert after[name].pop("XMP-plus:Licensor")
        changed = {k for k in {*before[name], *after[name]} if before[name].get(k) != after[name].get(k)}
        assert {k for k in changed if not k.startswith(("System:", "SourceFile"))} <= HEADERS | OF_BIG_TIFF[name == "big.tif"], (name, changed)
        assert after[name].get("ExifTool:Validate", "0 0 0") == before[name].get("ExifTool:Validate", "0 0 0"), name


def test_exiv2_reads_what_it_can(bodies: dict[str, bytes], tmp_path: Path) -> None:
    pyexiv2.set_log_level(4)
    for name, body in bodies.items():
        if name.endswith((".gif", ".pdf")) or name == "big.tif":
            continue
        after = tagged(tmp_path, name, body)
        with pyexiv2.ImageData(body) as old, pyexiv2.ImageData(after) as new:
            said = new.read_xmp()
            assert said.pop("Xmp.plus.DataMining") == NO_TRAINING.uri, name
            assert said == old.read_xmp(), name
            assert new.read_exif() == old.read_exif() or name.endswith(".tif"), name
            assert (new.read_icc(), new.read_iptc()) == (old.read_icc(), old.read_iptc()), name
        (tmp_path / "undo").unlink()


# ---- what is left alone

def refuses(folder: Path, body: bytes, what: Tag = NO_TRAINING) -> str:
    path = folder / "refused"
    path.write_bytes(body)
    undo = UndoList(folder / "no-undo")
    with pytest.raises(NotWritten) as told:
        write(plan(path, what), undo)
    undo.close()
    assert path.read_bytes() == body
    assert not [p for p in folder.iterdir() if p.name.startswith(".maymine")]
    return str(told.value)


@pytest.mark.parametrize("container", ["jpeg", "png", "webp", "tiff", "gif"])
def test_signed_files_are_left_alone(container: str, tmp_path: Path) -> None:
    body = media.file(f"jumbf-{container}")
    assert "signed" in refuses(tmp_path, body)
    assert words(tagged(tmp_path, "told", body, break_signature=True)) == {NO_TRAINING.uri}


def test_what_a_signature_elsewhere_binds_is_left_alone(tmp_path: Path) -> None:
    body = png_packet(made('<t:provenance xmlns:t="http://purl.org/dc/terms/">https://a.example/m.c2pa</t:provenance>'))
    assert "elsewhere" in refuses(tmp_path, body)


def test_signed_and_encrypted_documents_are_left_alone(tmp_path: Path) -> None:
    document = pikepdf.new()
    document.add_blank_page()
    document.Root.AcroForm = pikepdf.Dictionary(SigFlags=3, Fields=pikepdf.Array())
    document.save(tmp_path / "signed.pdf")
    assert "signed" in refuses(tmp_path, (tmp_path / "signed.pdf").read_bytes())
    document.save(tmp_path / "locked.pdf", encryption=pikepdf.Encryption(owner="o", user=""))
    assert "encrypted" in refuses(tmp_path, (tmp_path / "locked.pdf").read_bytes())


def test_what_cannot_be_written_is_said(tmp_path: Path) -> None:
    jpeg_of = partial(saved, picture(), "JPEG")
    assert "not well-formed" in refuses(tmp_path, jpeg_of(xmp=b"<x:xmpmeta>"))
    assert "document type" in refuses(tmp_path, jpeg_of(xmp=b"<!DOCTYPE x [<!ENTITY e 'x'>]>" + made().partition(b"?>")[2]))
    assert "no rdf:RDF" in refuses(tmp_path, png_packet(b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>"))
    assert "65502" in refuses(tmp_path, jpeg_of(xmp=made("<dc:x>" + "x" * 64_900 + "</dc:x>")))
    assert "would move them" in refuses(tmp_path, multi_picture(made()))
    assert "another place" in refuses(tmp_path, extended("<plus:DataMining>DMI-ALLOWED</plus:DataMining>"))
    assert "another place" in refuses(tmp_path, media.file("png-raw+allowed") if "png-raw" in media.XMP else extended("<plus:DataMining>x</plus:DataMining>"))
    assert "exiftool" in refuses(tmp_path, media.file("mp4"))
    assert "raw file" in refuses(tmp_path, b"II*\0\x10\0\0\0CR" + bytes(40))


def test_room_in_a_packet_saves_the_places_of_pictures(tmp_path: Path) -> None:
    body = multi_picture(made(room=2_000))
    after = tagged(tmp_path, "a.jpg", body)
    assert len(after) == len(body)
    assert words(after) == {NO_TRAINING.uri}


LONG = {"bomb", "bomb-raw", "bomb-brotli", "tags", "extensions", "tiff-resources"}


@pytest.mark.parametrize("what", [pytest.param(f"hostile+{name}", marks=[pytest.mark.slow] * (name in LONG)) for name in media.HOSTILE])
def test_hostile_files_are_left_alone_or_right(what: str, tmp_path: Path) -> None:
    body = media.file(what)
    start = time.monotonic()
    try:
        after = tagged(tmp_path, "a", body)
        assert words(after) == {NO_TRAINING.uri}
    except (NotWritten, AssertionError):
        assert (tmp_path / "a").read_bytes() == body
    assert time.monotonic() - start < 60


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_mutated_files_are_left_alone_or_right(bodies: dict[str, bytes], tmp_path: Path) -> None:
    """Whatever is done to a file: it is refused with its bytes as they were, or tagged and restored to the byte."""
    dice = random.Random(7)
    done = 0
    for name, body in bodies.items():
        for _ in range(40):
            bad = bytearray(body)
            for _ in range(dice.choice((1, 1, 2, 5))):
                at = dice.randrange(len(bad))
                bad[at:at + dice.choice((0, 1, 4))] = dice.randbytes(dice.choice((0, 1, 4)))
            bad = bad[:dice.randrange(len(bad))] if dice.random() < 0.1 else bad
            path = tmp_path / name
            path.write_bytes(bad)
            undo = UndoList(tmp_path / "undo")
            try:
                change = plan(path, NO_TRAINING)
                if change:
                    write(change, undo)
                    assert words(path.read_bytes()) == {NO_TRAINING.uri}
                    assert [restore(e) for e in entries(tmp_path / "undo")] == [True]
                    done += 1
            except NotWritten:
                pass
            undo.close()
            (tmp_path / "undo").unlink(missing_ok=True)
            assert path.read_bytes() == bad
    assert done > len(bodies) * 10


def test_splices_lead_there_and_back() -> None:
    dice = random.Random(3)
    for _ in range(200):
        body = dice.randbytes(60)
        cuts = sorted(dice.sample(range(60), 6))
        made_of = [Splice(a, body[a:b], dice.randbytes(dice.randrange(5))) for a, b in zip(cuts[::2], cuts[1::2], strict=True)]
        after = spliced(body, made_of)
        assert spliced(after, undoing(made_of)) == body
    with pytest.raises(ValueError, match="other bytes"):
        spliced(b"abc", [Splice(0, b"b", b"")])
    with pytest.raises(ValueError, match="other bytes"):
        spliced(b"abc", [Splice(0, b"ab", b""), Splice(1, b"b", b"")])


# ---- the file system

def test_times_modes_and_links_are_kept(bodies: dict[str, bytes], tmp_path: Path) -> None:
    path, link = tmp_path / "a.png", tmp_path / "link.png"
    path.write_bytes(bodies["rgb.png"])
    path.chmod(0o640)
    os.utime(path, ns=(1_000_000_000_123_456_789, 1_100_000_000_987_654_321))
    link.symlink_to("a.png")
    undo = UndoList(tmp_path / "undo")
    write(plan(link, NO_TRAINING), undo)
    undo.close()
    now = path.stat()
    assert (stat.S_IMODE(now.st_mode), now.st_mtime_ns) == (0o640, 1_100_000_000_987_654_321)
    assert link.is_symlink()
    assert words(path.read_bytes()) == {NO_TRAINING.uri}


def test_a_file_that_changes_meanwhile_is_left_alone(bodies: dict[str, bytes], tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(bodies["rgb.png"])
    change = plan(path, NO_TRAINING)
    path.write_bytes(bodies["alpha.png"])
    with pytest.raises(NotWritten, match="changed"):
        write(change, UndoList(tmp_path / "undo"))
    assert path.read_bytes() == bodies["alpha.png"]
    path.write_bytes(bodies["rgb.png"])

    class Meanwhile(UndoList):
        def add(self, change: tag.Change) -> None:
            path.write_bytes(bodies["palette.png"])

    with pytest.raises(NotWritten, match="changed"):
        write(plan(path, NO_TRAINING), Meanwhile(tmp_path / "undo"))
    assert path.read_bytes() == bodies["palette.png"]
    assert [p.name for p in tmp_path.iterdir()] == ["a.png"]


def test_an_undo_list_is_not_trusted(bodies: dict[str, bytes], tmp_path: Path) -> None:
    after = tagged(tmp_path, "a.png", bodies["rgb.png"])
    path, undo = tmp_path / "a.png", tmp_path / "undo"
    line = json.loads(undo.read_text())
    path.write_bytes(after + b"more")
    with pytest.raises(NotWritten, match="changed since"):
        restore(entries(undo)[0])
    path.write_bytes(after)
    for bad in ({"splices": [[0, 4, ""]]}, {"splices": [[10**9, 4, "AAAA"]]}, {"splices": [[5, 5, ""], [0, 9, ""]]}):
        undo.write_text(json.dumps({**line, **bad}))
        with pytest.raises(NotWritten, match="lead back"):
            restore(entries(undo)[0])
        assert path.read_bytes() == after
    for bad in ("x", "[]", '{"file": 1}', json.dumps({**line, "splices": [[-1, 2, ""]]}), json.dumps({**line, "splices": [[0, 1, "!"]]}),
                json.dumps({**line, "file": "a\0b"}), "[" * 100_000):
        undo.write_text(bad)
        with pytest.raises(NotWritten, match="line 1"):
            entries(undo)


def test_what_killed_writers_left_is_swept_and_what_living_ones_write_is_not(tmp_path: Path) -> None:
    import fcntl
    dead, living, other = (tmp_path / name for name in (".maymine-dead.new", ".maymine-living.new", ".maymine.txt"))
    for path in (dead, living, other):
        path.write_bytes(b"x")
    with living.open("r+b") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        sweep(tmp_path)
        assert [dead.exists(), living.exists(), other.exists()] == [False, True, True]


KILLED = """
import sys
from pathlib import Path
from crawler.declare.tag import UndoList, plan, write
from crawler.declare.values import Tag, parse
folder = Path(sys.argv[1])
undo = UndoList(folder / f"undo-{sys.argv[2]}")
print("ready", flush=True)
for turn in range(1_000):
    for path in sorted(folder.glob("*.jpg")):
        change = plan(path, Tag(*parse(f"see-constraints:{sys.argv[2]} {turn}")))
        write(change, undo)
        print(turn, flush=True)
"""


@pytest.mark.slow
def test_a_kill_leaves_the_old_file_or_the_new_one(tmp_path: Path) -> None:
    body = saved(picture(size=(700, 500)), "JPEG", quality=95)
    for n in range(3):
        (tmp_path / f"{n}.jpg").write_bytes(body)
    dice = random.Random(5)
    seen = {hashlib.sha256(body).hexdigest()}
    for turn in range(12):
        child = subprocess.Popen([sys.executable, "-c", KILLED, str(tmp_path), str(turn)], cwd=ROOT, stdout=subprocess.PIPE)
        assert child.stdout
        for _ in range(dice.randrange(2, 9)):
            child.stdout.readline()
        time.sleep(dice.random() / 50)
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()
        lists = [tmp_path / f"undo-{turn}"]
        seen |= {e.after for one in lists for e in entries_of_killed(one)}
        for path in tmp_path.glob("*.jpg"):
            assert hashlib.sha256(path.read_bytes()).hexdigest() in seen
            assert pixels.same(body, path.read_bytes())
    for turn in reversed(range(12)):
        for entry in entries_of_killed(tmp_path / f"undo-{turn}"):
            restore(entry)
    assert {path.read_bytes() for path in tmp_path.glob("*.jpg")} == {body}
    assert not list(tmp_path.glob(".maymine*"))


def entries_of_killed(path: Path) -> list[tag.Entry]:
    """The list may lack its last line feed, then its file was not touched."""
    if not path.exists():
        return []
    text = path.read_bytes()
    path.write_bytes(text[:text.rfind(b"\n") + 1])
    return entries(path)


# ---- likeness

HASHES = {0: "c495396ab839c76a", 1: "c095396ab879c76a", 2: "c495396ab839976a", 3: "c495396a3838cf7a"}


@pytest.mark.parametrize("turn", HASHES)
def test_hashes_are_those_of_imagehash(turn: int) -> None:
    """As imagehash 4.3.2 makes them with Pillow 13."""
    assert f"{likeness.phash(picture('RGB', (300, 200), turn)):016x}" == HASHES[turn]


def test_copies_are_told_from_other_pictures() -> None:
    from PIL import ImageOps
    master = picture("RGB", (600, 400), 1)
    shown = likeness.hashes(master)
    copies = [master.resize((150, 100)), master.convert("L"), ImageOps.pad(master, (500, 500), color="white"), ImageOps.mirror(master),
              ImageOps.fit(master, (300, 300)), master.crop((30, 20, 570, 380)), likeness.picture(saved(master, "JPEG", quality=20)),
              likeness.picture(saved(master, "WEBP", quality=20))]
    assert all(likeness.distance(likeness.phash(copy), shown) <= likeness.MATCH for copy in copies)
    noise = Image.effect_noise((600, 400), 90)
    assert likeness.distance(likeness.phash(noise), shown) > likeness.LOOK
    for bad in (b"", b"\x89PNG\r\n\x1a\nxx", media.file("hostile+jpeg-junk")[:60]):
        with pytest.raises(likeness.NoPicture):
            likeness.picture(bad)
