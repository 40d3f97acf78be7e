"""Containers: what stands in them is handed out as it stands there, whatever the container; harm is a fault with a reason."""
from __future__ import annotations

import random
import socket
import time

import pytest

from rules.assess import read
from rules.containers import kind, parts
from rules.model import Access, Asker, Asset, Carrier, Evidence, Fault, Finding, Statement
from tests.fixtures import media

KIND = {"bigtiff": "tiff", "m4a": "mp4"}
RUNAWAY_S = 5


def found(body: bytes, media_type: str = "") -> list[Finding]:
    return read(Evidence(Carrier.BODY, "https://site.example/x", None, Access.OBTAINED, body),
                Asset("https://site.example/x", media_type), Asker("mybot"))


def gist(body: bytes) -> list[tuple[object, ...]]:
    """What a file says, but for the place where it stands."""
    return [(f.signal, f.use, f.preference, f.form, f.subject, f.note) if isinstance(f, Statement) else (type(f), getattr(f, "kind", ""))
            for f in found(body)]


@pytest.mark.parametrize("name", media.XMP)
def test_a_packet_is_handed_out(name: str) -> None:
    told = parts(media.file(name))
    assert told.kind == KIND.get(name, name.partition("-")[0] if name != "flac" else "mp3")
    assert not told.faults
    packet = media.packet("prohibited")
    if told.kind == "svg":
        assert b"DataMining" in told.xmp[0].data
    else:
        assert told.xmp[-1].data.removesuffix(media.TAIL.encode()) == packet.removesuffix(media.TAIL.encode())
    assert told.xmp[-1].where.startswith(f"{told.kind}/")


@pytest.mark.parametrize("name", media.JUMBF)
def test_a_manifest_store_is_handed_out(name: str) -> None:
    told = parts(media.file(f"jumbf-{name}"))
    assert [p.data for p in told.jumbf] == [media.STORE]
    assert not told.faults


@pytest.mark.parametrize("name", media.IIM)
def test_datasets_are_handed_out(name: str) -> None:
    told = parts(media.file(f"iim-{name}"))
    assert [p.data.rstrip(b"\0") for p in told.iim] == [media.IIM_DATA.rstrip(b"\0")]
    assert not told.faults


# What a container cannot hold: packets without marks where these find them, zeros in GIF (XMP Part 3, 1.1.4), in SVG what breaks it all.
UNMARKED = {*media.ENCODED, "blank", "no-wrapper", "rdf-only", "doctype"}
CANNOT = {"eps": UNMARKED - {*media.ENCODED}, "xmp": UNMARKED, "gif": {*media.ENCODED, "blank"},
          **dict.fromkeys(("svg", "svg-rdf", "svg-doctype"), UNMARKED | {"no-rdf", "not-well-formed", "blank"})}


@pytest.mark.parametrize("name", media.XMP)
def test_every_container_says_the_same(name: str) -> None:
    for spelling in {*media.SPELLINGS, *media.ENCODED} - CANNOT.get(name, set()):
        assert gist(media.file(f"{name}+{spelling}")) == gist(media.file(f"jpeg+{spelling}")), spelling


@pytest.mark.parametrize("body", [b"", b"<", b"<!doctype html><svg></svg>", b"<html><svg/></html>", b"\xff", b"GIF", b"The free text", b"II", b"\0\0\0\0",
                                  "<p>".encode("utf-16"), b"RIFF1234", b"plain text, nothing else"])
def test_other_bytes_are_no_container(body: bytes) -> None:
    assert parts(body).xmp == parts(body).faults == ()
    assert kind(body) in ("", "gif")


def test_documents_are_named() -> None:
    assert (kind(b"%PDF-1.7\n"), kind(b"PK\x03\x04rest")) == ("pdf", "zip")


def test_several_packets_each_count() -> None:
    one, two = (media.segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + media.packet(name)) for name in ("allowed", "prohibited"))
    told = {(f.preference.value, f.where) for f in found(media.jpeg(one, two)) if isinstance(f, Statement)}
    assert told == {("allow", "jpeg/app1"), ("disallow", "jpeg/app1")}


def test_tags_of_exif_in_jpeg() -> None:
    exif = media.tiff(700, media.packet("prohibited"))
    assert gist(media.jpeg(media.segment(0xE1, b"Exif\0\0" + exif))) == gist(media.file("jpeg"))


# ---- harm

# Files that mean no harm to a reader, but that lack something: what can be read of them is read.
SPEAKS_AND_HAS_NO_FAULT = {"policies-many"}
SPEAKS = SPEAKS_AND_HAS_NO_FAULT | {"jpeg-junk", "rsl-many"}


@pytest.mark.parametrize("name", media.HOSTILE)
def test_harm_is_a_fault_with_a_reason(name: str) -> None:
    body = media.file(f"hostile+{name}")
    start = time.process_time()
    told = found(body)
    took_s = time.process_time() - start
    faults = [f for f in told if isinstance(f, Fault)]
    assert bool(faults) != (name in SPEAKS_AND_HAS_NO_FAULT)
    assert all(f.detail and f.where for f in faults)
    assert len(faults) == len(set(faults))
    assert any(isinstance(f, Statement) for f in told) == (name in SPEAKS)
    assert took_s < RUNAWAY_S


def cuts(body: bytes) -> list[int]:
    return sorted({*range(1, min(len(body), 64)), *range(64, len(body), max(len(body) // 60, 1)), len(body) - 1})


@pytest.mark.parametrize("name", media.XMP)
def test_a_file_that_breaks_off(name: str) -> None:
    """Where the packet is gone or cut, there is a fault or a container that nobody can know any more."""
    body = media.file(name)
    at = body.find(b"DMI-PROHIBITED")
    for cut in cuts(body):
        told = found(body[:cut])
        if kind(body[:cut]) and 64 < cut < at and name not in ("mp3-end", "eps"):
            assert any(isinstance(f, Fault) for f in told), cut


def mutated(dice: random.Random, body: bytes) -> bytes:
    out = bytearray(body)
    for _ in range(dice.randint(1, 8)):
        at = dice.randrange(len(out) + 1)
        match dice.randrange(6):
            case 0:
                out[at:at + dice.randint(1, 40)] = b""
            case 1:
                out[at:at] = dice.randbytes(dice.randint(1, 9))
            case 2:
                out[at:at + 4] = dice.choice((b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\0\0\0\1", b"\0\0\0\x08"))
            case 3:
                out[at:at] = out[at:at + dice.randint(1, 400)]
            case _:
                out[at:at + 1] = bytes([dice.randrange(256)])
    return bytes(out)


def slowest_s(name: str, rounds: int) -> float:
    dice, body, slowest = random.Random(name), media.file(name), 0.0
    for _ in range(rounds):
        one = mutated(dice, body)
        start = time.process_time()
        told = found(one)
        slowest = max(slowest, time.process_time() - start)
        assert all(f.detail for f in told if isinstance(f, Fault))
    return slowest


ALL = (*media.XMP, *(f"jumbf-{name}" for name in media.JUMBF), *(f"iim-{name}" for name in media.IIM))


@pytest.mark.parametrize("name", ALL)
def test_some_mutations(name: str) -> None:
    assert slowest_s(name, 50) < RUNAWAY_S


@pytest.mark.slow
def test_many_mutations() -> None:
    took_s = {name: slowest_s(name, 1_500) for name in ALL}
    worst = max(took_s, key=lambda name: took_s[name])
    print(f"\nslowest of 1500 mutations of each of {len(ALL)} files: {worst}, {took_s[worst] * 1e3:.1f} ms")
    assert took_s[worst] < 1


def test_nothing_is_fetched() -> None:
    """Files that refer to a server, which hears nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        url = f"http://127.0.0.1:{server.getsockname()[1]}/x"
        declared = media.doctype(f'<!ENTITY e SYSTEM "{url}">', "&e;")
        referring = media.described(
            f'<dcterms:provenance>{url}</dcterms:provenance><tdm:reservation>1</tdm:reservation><tdm:policy>{url}</tdm:policy>'
            f'<cc:license rdf:resource="{url}"/><xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="{url}"/>').encode()
        svg_doctype = f'<!DOCTYPE svg PUBLIC "x" "{url}">'.encode()
        for body in (*(wrap(referring) for wrap in media.XMP.values()), *(media.XMP[name](declared) for name in ("jpeg", "png", "mp4", "svg")),
                     media.svg(referring, svg_doctype), media.svg(f'<?xml-stylesheet href="{url}"?>'.encode() + media.unwrapped(referring))):
            assert found(body)
        with pytest.raises(BlockingIOError):
            server.accept()
