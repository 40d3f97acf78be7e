"""Samples out of a tar file, as webdataset and img2dataset make them: members of one name, one after another.

**Facts**
- webdataset (https://github.com/webdataset/webdataset): consecutive members whose names are the same up to the first dot of
  the last part are one sample; what follows the dot says what a member is.
- img2dataset (https://github.com/rom1504/img2dataset): `key.jpg`, `key.txt` (the caption), `key.json` (url, sha256, ...).
  Beside each `00000.tar` lie `00000.parquet`, which has the same rows without the images, and `00000_stats.json`.
- PRACTICE: the image may have been scaled and written anew; what it said in its metadata may be gone.
OURS: the response fields were not kept. Members that are no files (links, devices) are passed by.
"""
from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

from rules import limits

BODIES = {                           # suffix -> media type
    "jpg": "image/jpeg", "jpeg": "image/jpeg", "png": "image/png", "webp": "image/webp", "gif": "image/gif",
    "tif": "image/tiff", "tiff": "image/tiff", "avif": "image/avif", "svg": "image/svg+xml",
    "html": "text/html", "htm": "text/html",
    "pdf": "application/pdf", "mp3": "audio/mpeg", "wav": "audio/wav", "flac": "audio/flac", "mp4": "video/mp4",
    "bin": "",
}
ROLES = ("url", "body", "text", "media_type", "key")     # that a row may have, whatever its first sample has
FIELDS_OF_JSON = "json"
JSON_BYTES = 16 << 20
PARTS = 1_000                        # members of a sample that are looked at


@dataclass(slots=True)
class Sample:
    """Where the members of one sample lie in the tar file, and what they say."""
    key: str
    start_bytes: int
    end_bytes: int
    row: dict[str, Any]              # as a row of a table: the members of its JSON, "body", "text", "key"
    trouble: str = ""


def samples(stream: BinaryIO) -> Iterator[Sample]:
    """Every sample in the order of the file. Raises tarfile.TarError where the rest cannot be read, OSError."""
    sample: Sample | None = None
    parts = 0
    with tarfile.open(fileobj=stream, mode="r:") as tar:
        while (member := tar.next()) is not None:
            tar.members = []  # type: ignore[attr-defined]  # it would keep all of them
            folder, slash, name = member.name.rpartition("/")
            base, _, kind = name.partition(".")
            key = folder + slash + base
            if sample is None or sample.key != key:
                if sample is not None:
                    sample.end_bytes = member.offset
                    yield sample
                sample, parts = Sample(key, member.offset, 0, {"key": key}), 0
            parts += 1
            if member.isfile() and parts <= PARTS:
                _add(sample, kind.lower(), member, tar)
            sample.end_bytes = member.offset_data + _padded(member.size)
        if sample is not None:
            yield sample
            stream.seek(sample.end_bytes)
        rest = stream.read(tarfile.BLOCKSIZE)        # a head that is cut is no error for tarfile
        if rest.strip(b"\0") or len(rest) % tarfile.BLOCKSIZE:
            raise tarfile.ReadError("the file breaks off")


def _add(sample: Sample, kind: str, member: tarfile.TarInfo, tar: tarfile.TarFile) -> None:
    most = JSON_BYTES if kind == FIELDS_OF_JSON else limits.MEDIA_BYTES + 1
    if kind not in (FIELDS_OF_JSON, "txt", "url", *BODIES):
        return
    file = tar.extractfile(member)
    data = file.read(most) if file is not None else b""
    if len(data) < min(member.size, most):
        sample.trouble = f"{member.name} breaks off"
    if kind == FIELDS_OF_JSON:
        try:
            told = json.loads(data)
        except (ValueError, RecursionError):
            told = None
        if isinstance(told, dict):
            sample.row = {**told, **sample.row}      # what lies beside it counts
        else:
            sample.trouble = sample.trouble or f"{member.name} is no JSON object"
    elif kind == "txt":
        sample.row.setdefault("text", data.decode("utf-8", "replace"))
    elif kind == "url":
        sample.row.setdefault("url", data.decode("utf-8", "replace").strip())
    else:
        if "body" not in sample.row:
            sample.row |= {"body": data, "media_type": BODIES[kind]}


def _padded(size: int) -> int:
    return -(-size // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE
