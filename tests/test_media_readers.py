"""Our reading of Data Mining beside exiftool, pyexiv2 and Pillow, on every file that we make.

What one of them finds, we find; or we say that the file cannot be read (a document type, which exiftool skips).
"""
from __future__ import annotations

import io
import json
import os
import subprocess
import warnings
from pathlib import Path

import pyexiv2
import pytest
from PIL import Image

from rules.signals.xmp import packets
from tests.fixtures import media

EXIFTOOL = str(Path(__file__).parents[1] / ".venv/exiftool/node_modules/exiftool-vendored.pl/bin/exiftool")
EXTENSIONS = {"jpeg": "jpg", "tiff": "tif", "bigtiff": "tif", "heic": "heic", "eps": "eps", "mov": "mov"}
FILES = {f"{name}+{spelling}" for name in media.XMP for spelling in ("prohibited", "attribute", "bare-key", "resource", "rsl", "utf-16-be", "absent")}
FILES |= {f"jpeg+{spelling}" for spelling in (*media.SPELLINGS, *media.ENCODED)}


def exiftool(folder: Path) -> set[str]:
    """Names of the files in which it finds the property."""
    if not Path(EXIFTOOL).exists():
        message = f"needs {EXIFTOOL}; `make test` installs it"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    run = subprocess.run(["perl", EXIFTOOL, "-j", "-n", "-XMP-plus:DataMining", str(folder)], capture_output=True, check=False, timeout=250)
    return {Path(row["SourceFile"]).stem for row in json.loads(run.stdout) if row.get("DataMining")}


def with_pyexiv2(body: bytes) -> bool:
    try:
        with pyexiv2.ImageData(body) as image:
            return bool(image.read_xmp().get("Xmp.plus.DataMining"))
    except (RuntimeError, UnicodeDecodeError):
        return False


def with_pillow(body: bytes) -> bool:
    try:
        with warnings.catch_warnings(action="ignore"), Image.open(io.BytesIO(body)) as image:
            packet = image.info.get("xmp") or b""
    except (OSError, SyntaxError, ValueError):
        return False
    return b"DataMining>" in packet or b"DataMining=" in packet or b"DataMining rdf" in packet


def ours(body: bytes) -> bool:
    return any(p.name == "DataMining" and p.value.strip() for packet in packets(body) for p in packet.properties)


@pytest.mark.slow
def test_beside_other_readers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pyexiv2.set_log_level(4)
    bodies = {name: media.file(name) for name in sorted(FILES)}
    for name, body in bodies.items():
        container = name.partition("+")[0]
        (tmp_path / f"{name}.{EXTENSIONS.get(container, container.partition('-')[0])}").write_bytes(body)
    found = {"exiftool": exiftool(tmp_path), "ours": {n for n, b in bodies.items() if ours(b)},
             "pyexiv2": {n for n, b in bodies.items() if with_pyexiv2(b)}, "Pillow": {n for n, b in bodies.items() if with_pillow(b)}}
    columns = ("ours", "exiftool", "pyexiv2", "Pillow")
    with capsys.disabled():
        print(f"\nfiles with Data Mining: {len(bodies)} files; " + "; ".join(f"{c} {len(found[c])}" for c in columns))
        for name in bodies:
            marks = [name in found[c] for c in columns]
            if len(set(marks)) > 1:
                print(f"  {name:40}" + "".join(f"{c if mark else '-':10}" for c, mark in zip(columns, marks, strict=True)))
    refused = {n for n, b in bodies.items() if any(p.fault for p in packets(b))}
    missed = {c: found[c] - found["ours"] - refused for c in columns}
    assert not missed["exiftool"]
    assert missed["pyexiv2"] <= {"jpeg+foreign-namespace"}                     # it knows prefixes alone
    assert missed["Pillow"] <= {"jpeg+foreign-namespace", "jpeg+empty"}        # it hands out bytes
    assert len(found["exiftool"]) > len(bodies) / 2 < len(found["pyexiv2"]) + len(found["Pillow"])
