"""Evidence in WARC: written so that a kill leaves whole records, read back to the very bytes.

**Facts** (WARC 1.1, ISO 28500:2017: https://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/)
- 5.3, 5.4, 5.12: `response` is a full protocol response; `resource` is bytes without it; `metadata` describes another record.
- 5.8, 5.9: block digest over the whole block, payload digest over what the HTTP message carries. "sha256:" and hexadecimal.
- 5.13: WARC-Truncated says that the record holds less than came: `length`, because it is long; `unspecified`, as here where
  the body was not kept at all.
- Annex D.2: each record is a gzip member of its own, so that a file can be read from any offset and be added to.
PRACTICE: Common Crawl stores bodies with their codings undone and puts `X-Crawler-` before the names of the fields that would
promise a coding or a length. So do we; taking it away again gives the field section back as it came.
OURS: where that is not exact, fields become a `metadata` record and the body a `resource`. Files at a site come without their
fields, so they are `resource` records.
"""
from __future__ import annotations

import gzip
import hashlib
import os
import re
import zlib
from collections import OrderedDict
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from rules import limits
from rules.model import Access, Asset, Carrier, Evidence
from rules.record import ENGINE

from .records import Location

FILE_BYTES = 1 << 30                 # the WARC standard's advice for a file, Annex C
BLOCK_BYTES = limits.MEDIA_BYTES + 2 * limits.FIELDS_BYTES
CHUNK_BYTES = 1 << 20
KEEP = ("all", "site", "none")
SOFTWARE = f"maymine/{ENGINE}"
DATE = "%Y-%m-%dT%H:%M:%S.%fZ"
PAGE = (Carrier.HTTP_FIELDS, Carrier.BODY)
JSON_CARRIERS = (Carrier.TDMREP_JSON, Carrier.ACCOUNT)

_CODED_NAME = rb"(?=(?:content-encoding|transfer-encoding|content-length)[ \t]*:)"
_CODED = re.compile(rb"^" + _CODED_NAME, re.IGNORECASE | re.MULTILINE)
_PREFIX = b"X-Crawler-"
_PREFIXED = re.compile(rb"\n" + rb"(?i:" + _PREFIX + _CODED_NAME + b")")
_UNSAFE = re.compile("[^!-~]")


class UnreadableEvidence(Exception):
    """The bytes are not where they were put. Says why, for a person."""


class Writer:
    """Evidence of one session of a run, in files of its own: `evidence/000003.warc.gz` and on."""

    def __init__(self, folder: Path, number: int, keep: str):
        self.folder, self.number, self.keep = folder, number, keep
        self.sealed: list[dict[str, object]] = []        # files that are complete: {file, bytes, sha256}
        self._file = -1
        self._offset = 0
        self._sum = hashlib.sha256()
        self._site: OrderedDict[tuple[object, ...], Location] = OrderedDict()

    def write(self, asset: Asset, evidence: Sequence[Evidence]) -> tuple[Location | None, ...]:
        """Where each piece lies now; None where it has no bytes, or is not to be kept. Raises OSError."""
        if self.keep == "none":
            return (None,) * len(evidence)
        page: dict[Carrier, Evidence] = {e.carrier: e for e in evidence if e.carrier in PAGE and _has(e)}
        if self.keep == "site":
            page.pop(Carrier.BODY, None)
        others = [self._other(e) for e in evidence]
        kept = self._page(asset, page.get(Carrier.HTTP_FIELDS), page.get(Carrier.BODY))
        return tuple(kept[e.carrier] if e is page.get(e.carrier) else at for e, at in zip(evidence, others, strict=True))

    def seal(self) -> None:
        """End the file; its digest is among `sealed` now."""
        if self._file >= 0:
            os.close(self._file)
            self.sealed.append({"file": self._name, "bytes": self._offset, "sha256": self._sum.hexdigest()})
            self._file, self.number = -1, self.number + 1

    def _page(self, asset: Asset, fields: Evidence | None, body: Evidence | None) -> dict[Carrier, Location]:
        """One response record where fields and body come back exactly, one record each where not."""
        out: dict[Carrier, Location] = {}
        block = response_block(fields.body, body.body if body else b"") if fields else None
        if fields and block is not None:
            cut = "unspecified" if body is None else "length" if Access.TRUNCATED in (fields.access, body.access) else ""
            head_bytes = len(block) - len(body.body if body else b"")
            at = self._record("response", fields, "application/http;msgtype=response", block, cut, head_bytes)
            return dict.fromkeys((fields.carrier, body.carrier) if body else (fields.carrier,), at)
        if fields:
            out[Carrier.HTTP_FIELDS] = self._record("metadata", fields, "text/plain", fields.body)
        if body:
            media_type = asset.media_type or "application/octet-stream"
            out[Carrier.BODY] = self._record("resource", body, media_type, body.body, _cut(body))
        return out

    def _other(self, e: Evidence) -> Location | None:
        """A file of the site, once for all pages that it speaks for."""
        if e.carrier in PAGE or not _has(e):
            return None
        # What registers say is the same at any time: the time is that of the page
        key = (e.carrier, e.uri, None if e.carrier is Carrier.REGISTER else e.at, e.final_uri, e.digest)
        if key not in self._site:
            media_type = "application/json" if e.carrier in JSON_CARRIERS else "text/plain"
            self._site[key] = self._record("resource", e, media_type, e.body, _cut(e))
            if len(self._site) > limits.SITES_CACHED:
                self._site.popitem(last=False)
        self._site.move_to_end(key)
        return self._site[key]

    def _record(self, kind: str, e: Evidence, media_type: str, block: bytes, cut: str = "", head_bytes: int = 0) -> Location:
        record_id = f"urn:uuid:{uuid4()}"
        lines = [("WARC-Target-URI", e.final_uri or e.uri)] + ([("WARC-Truncated", cut)] if cut else [])
        if kind != "metadata":
            lines.append(("WARC-Payload-Digest", _digest(block[head_bytes:])))
        member = _member(kind, record_id, e.at or datetime.now(UTC), media_type, block, lines)
        if self._file < 0 or self._offset + len(member) > FILE_BYTES:
            self.seal()
            self._begin()
        return Location(self._name, self._append(member), record_id)

    @property
    def _name(self) -> str:
        return f"{self.folder.name}/{self.number:06}.warc.gz"

    def _begin(self) -> None:
        self.folder.mkdir(exist_ok=True)
        self._file = os.open(self.folder.parent / self._name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o644)
        self._offset, self._sum = 0, hashlib.sha256()
        about = f"software: {SOFTWARE}\r\nformat: WARC File Format 1.1\r\n".encode()
        self._append(_member("warcinfo", f"urn:uuid:{uuid4()}", datetime.now(UTC), "application/warc-fields", about, []))

    def _append(self, member: bytes) -> int:
        offset = self._offset
        append(self._file, member, offset)
        self._offset += len(member)
        self._sum.update(member)
        return offset


def append(file: int, data: bytes, size_bytes: int) -> None:
    """Add `data` to a file of that size, handed to the system before this returns; all of it, or OSError and nothing."""
    view = memoryview(data)
    try:
        while view:
            view = view[os.write(file, view):]
    except OSError:
        os.ftruncate(file, size_bytes)
        raise


def response_block(fields: bytes, body: bytes) -> bytes | None:
    """The block of a response record; None where `fields` would not come back from it exactly."""
    block = _CODED.sub(_PREFIX, fields) + b"\r\n" + body
    return block if fields.startswith(b"HTTP/") and split(block) == (fields, body) else None


def split(block: bytes) -> tuple[bytes, bytes]:
    """Field section and body out of the block of a response record that we wrote."""
    head, end, body = block.partition(b"\r\n\r\n")
    return unprefixed(head + end[:2]), body


def unprefixed(head: bytes) -> bytes:
    """The field section as it came; it starts with a status line."""
    return _PREFIXED.sub(b"\n", head)


def read(file: Path, at: Location, carrier: Carrier) -> bytes:
    """The bytes of a piece of evidence. Raises UnreadableEvidence."""
    from fastwarc.warc import ArchiveIterator
    try:
        with file.open("rb") as stream:
            stream.seek(at.offset_bytes)
            record = next(iter(ArchiveIterator(stream, parse_http=False)), None)
            if record is None or (record.record_id or "").strip("<>") != at.record_id:
                raise UnreadableEvidence(f"{at.file}: no record {at.record_id} at byte {at.offset_bytes}")
            block = record.reader.read(BLOCK_BYTES)
            kind = record.headers.get("WARC-Type")
    except (OSError, ValueError) as error:
        raise UnreadableEvidence(f"{at.file}: {error}") from error
    if kind != "response":
        return block
    return split(block)[0 if carrier is Carrier.HTTP_FIELDS else 1]


def mend(file: Path) -> dict[str, object]:
    """Cut off the member that a kill left unfinished. {bytes, sha256} of what remains. Raises OSError."""
    whole = size = 0
    with file.open("rb+") as stream:
        inflate = zlib.decompressobj(31)
        while chunk := stream.read(CHUNK_BYTES):
            size += len(chunk)
            while chunk:
                try:
                    inflate.decompress(chunk, CHUNK_BYTES)
                except zlib.error:                       # not what a kill leaves; replay will tell
                    return digest_of(file)
                chunk = inflate.unconsumed_tail
                if inflate.eof:
                    chunk = inflate.unused_data
                    whole = size - len(chunk)
                    inflate = zlib.decompressobj(31)
        stream.truncate(whole)
    return digest_of(file)


def digest_of(file: Path) -> dict[str, object]:
    """{bytes, sha256} of a file. Raises OSError."""
    with file.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
        return {"bytes": stream.tell(), "sha256": digest}


def _member(kind: str, record_id: str, at: datetime, media_type: str, block: bytes, lines: list[tuple[str, str]]) -> bytes:
    head = [("WARC-Type", kind), ("WARC-Record-ID", f"<{record_id}>"), ("WARC-Date", at.astimezone(UTC).strftime(DATE)), *lines,
            ("WARC-Block-Digest", _digest(block)), ("Content-Type", media_type), ("Content-Length", str(len(block)))]
    text = "".join(f"{name}: {_line(value)}\r\n" for name, value in head)
    return gzip.compress(b"WARC/1.1\r\n" + text.encode("ascii") + b"\r\n" + block + b"\r\n\r\n", 6, mtime=0)


def _has(e: Evidence) -> bool:
    """Whether there are bytes to keep. What no crawl of ours would have kept is not written, as it could not be read again."""
    return e.has_bytes and not e.recorded and len(e.body) <= limits.MEDIA_BYTES


def _cut(e: Evidence) -> str:
    return "length" if e.access is Access.TRUNCATED else ""


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def _line(value: str) -> str:
    """A field value in ASCII without spaces; what is neither is percent-encoded, as RFC 3986 wants it in a URI."""
    return _UNSAFE.sub(lambda m: "".join(f"%{b:02X}" for b in m[0].encode("utf-8", "replace")), value)
