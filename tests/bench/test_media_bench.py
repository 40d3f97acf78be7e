"""Metadata in pictures against two other readers, in one run."""
from __future__ import annotations

import io
import time
from collections.abc import Callable

import pyexiv2
import pytest
from PIL import Image

from rules import Asker, Asset, Carrier, Evidence
from rules.containers import parts
from rules.model import Access, Statement
from rules.signals import READERS, xmp
from tests.fixtures import media

pytestmark = pytest.mark.bench

ROUNDS = 200
ASSET, ASKER = Asset("https://site.example/a.jpg", "image/jpeg"), Asker("OurBot")
NOTES = "<dc:subject><rdf:Bag>" + "".join(f"<rdf:li>word {n}</rdf:li>" for n in range(30)) + "</rdf:Bag></dc:subject>"
PACKET = media.described(f"<plus:DataMining>{media.P}</plus:DataMining>{NOTES}").encode()


def picture(size: int, packet: bytes) -> bytes:
    """A JPEG of so many bytes; what is lacking stands in its scan."""
    small = media.jpeg_xmp(packet) if packet else media.jpeg()
    return small[:-2] + bytes(range(200)) * ((size - len(small)) // 200) + small[-2:]


def fastest_ms(run: Callable[[bytes], object], body: bytes, rounds: int) -> float:
    best = float("inf")
    for _ in range(rounds):
        fresh = bytes(bytearray(body))           # or the readers would remember it
        start = time.perf_counter()
        run(fresh)
        best = min(best, time.perf_counter() - start)
    return best * 1e3


def of(body: bytes) -> Evidence:
    return Evidence(Carrier.BODY, ASSET.url, None, Access.OBTAINED, body)


def with_pyexiv2(body: bytes) -> object:
    with pyexiv2.ImageData(body) as image:
        return image.read_xmp()


def with_pillow(body: bytes) -> object:
    with Image.open(io.BytesIO(body)) as image:
        return image.info.get("xmp")


READ: dict[str, Callable[[bytes], object]] = {
    "every reader of bodies": lambda body: [f for read in READERS[Carrier.BODY] for f in read(of(body), ASSET, ASKER)],
    "container": parts, "container and XMP": lambda body: xmp.read(of(body), ASSET, ASKER),
    "pyexiv2": with_pyexiv2, "Pillow, packet only": with_pillow}


@pytest.mark.parametrize("name, size, packet, rounds", [
    ("40 kB with XMP", 40_000, PACKET, ROUNDS), ("40 kB without", 40_000, b"", ROUNDS), ("8 MB without", 8_000_000, b"", 20)])
def test_pictures_against_other_readers(name: str, size: int, packet: bytes, rounds: int, capsys: pytest.CaptureFixture[str]) -> None:
    body = picture(size, packet)
    said = xmp.read(of(body), ASSET, ASKER)
    assert bool(packet) == any(isinstance(f, Statement) for f in said)
    took_ms = {reader: fastest_ms(read, body, rounds) for reader, read in READ.items()}
    with capsys.disabled():
        print(f"\nJPEG, {name}: " + "; ".join(f"{reader} {ms:.3f} ms" for reader, ms in took_ms.items()))
    assert took_ms["container and XMP"] < 3 * took_ms["pyexiv2"] + 0.05
    assert took_ms["container"] < 1
