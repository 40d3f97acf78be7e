"""The bytes of a response as an archive keeps them -> the bytes that the readers want: codings undone where they are there.

**Facts** (RFC 9110 and RFC 9112: https://www.rfc-editor.org/rfc/rfc9110)
- 9112, 7.1: chunks are a size in hexadecimal, a line end, that many bytes and a line end; a chunk of size 0 ends them.
- 9110, 8.4: Content-Encoding names the codings in the order in which they were applied. `x-gzip` is `gzip` (8.4.1.3).
- PRACTICE: archives often keep a body with its codings undone and the fields as they were; Common Crawl then writes
  `X-Crawler-` before their names, others do not. So a coding is undone where the bytes are coded, and believed done where not.
- OURS: deflate is taken with the zlib wrapper (8.4.1.2) and without it, as browsers do. What is broken in its middle counts as
  far as it goes, and as truncated. A coding that nobody here can undo leaves no bytes: they are truncated too, and no silence.
"""
from __future__ import annotations

import re
import zlib
from io import BytesIO

from rules import limits

NAMES = {name: b"\n" + name for name in (b"content-type", b"content-encoding", b"transfer-encoding", b"location")}
_CHUNK_SIZE = re.compile(rb"[ \t]*([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n]{0,4096})?\r?\n")
_TRAILER = re.compile(rb"(?:[^\s:]+:[^\r\n]*\r?\n)*\s*\Z")
CHUNKS = 1_000_000               # OURS: of one body; more break it off
CODINGS = 4                      # OURS: one on top of another
_CONTROL = re.compile(rb"[\x01-\x08\x0e-\x1a\x7f]")
_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_STATUS = re.compile(rb"HTTP/\d(?:\.\d)? +(\d{3})(?!\d)", re.IGNORECASE)

UNKNOWN_CODING = "the content-coding cannot be undone here: "
BROKEN_CODING = "the content-coding breaks off"
BROKEN_CHUNKS = "the transfer-coding breaks off"
NOTHING = b"", BROKEN_CODING         # what is not coded so at all


def head_end(data: bytes | bytearray, start: int, limit: int) -> tuple[int, int]:
    """Where the lines end, and where the empty line after them does. (0, 0): nowhere before the limit."""
    end = data.find(b"\n\r\n", start, limit)
    bare = data.find(b"\n\n", start, end + 1 if end >= 0 else limit)
    if bare >= 0:
        return bare + 1, bare + 2
    return (end + 1, end + 3) if end >= 0 else (0, 0)


def head_of(block: bytes | bytearray, start: int = 0, end: int | None = None) -> tuple[bytes, int]:
    """Status line and field lines with their line ends, and where the body starts. (b"", 0): there is no whole head."""
    limit = start + limits.FIELDS_BYTES
    lines_end, body_at = head_end(block, start, limit if end is None else min(limit, end))
    if not body_at or not block.startswith((b"HTTP/", b"http/"), start):
        return b"", 0
    return bytes(block[start:lines_end]), body_at


def named(head: bytes, low: bytes = b"") -> dict[bytes, bytes]:
    """The fields that tell how to read the body, names in lower case; repeated codings joined, of others the first. `low`: the
    head in lower case."""
    out: dict[bytes, bytes] = {}
    low = low or head.lower()
    for name, line_start in NAMES.items():
        at = low.find(line_start)
        while at >= 0:
            line = head[at + 1 + len(name):_line_end(head, at + 1)].strip()
            if line.startswith(b":"):
                value = line[1:].lstrip()
                if name not in out:
                    out[name] = value
                elif name.endswith(b"encoding"):
                    out[name] += b"," + value
            at = low.find(line_start, at + 1)
    return out


def _line_end(head: bytes, at: int) -> int:
    end = head.find(b"\n", at)
    return end if end >= 0 else len(head)


def status_of(head: bytes) -> int | None:
    line = _STATUS.match(head)
    return int(line[1]) if line else None


def media_type(content_type: bytes) -> str:
    """The essence of a Content-Type, lower case."""
    return content_type.partition(b";")[0].strip().lower().decode("latin-1")


def decoded(body: bytes, fields: dict[bytes, bytes], limit: int = limits.MEDIA_BYTES) -> tuple[bytes, str]:
    """At most `limit` bytes of the body with its codings undone, and why that is not all of it ("" if it is)."""
    trouble = ""
    if b"chunked" in fields.get(b"transfer-encoding", b"").lower():
        body, trouble = _unchunked(body)
    if coded := fields.get(b"content-encoding"):
        for coding in reversed(_codings(coded)):
            body, why = _undone(body, coding, limit)
            trouble = trouble or why
    if len(body) > limit:
        return body[:limit], trouble or "the body is longer than what is kept of it"
    return body, trouble


def _codings(value: bytes) -> list[bytes]:
    words = (word.strip().lower() for word in value.split(b","))
    return [word for word in words if word not in (b"", b"identity", b"none")][:CODINGS]


def _unchunked(body: bytes) -> tuple[bytes, str]:
    """Bodies that are not in chunks come back as they are: somebody undid it and kept the field."""
    out: list[bytes] = []
    at = 0
    while len(out) < CHUNKS and (size := _CHUNK_SIZE.match(body, at)):
        end = size.end() + int(size[1], 16)
        if end == size.end():
            if not out and not _TRAILER.match(body, end):
                break                                # text that begins with a line "0"
            return b"".join(out), ""
        if end < len(body) and body[end] not in b"\r\n":
            break
        out.append(body[size.end():end])
        at = end + (2 if body[end:end + 2] == b"\r\n" else 1)
    return (b"".join(out), BROKEN_CHUNKS) if out else (body, "")


def _undone(body: bytes, coding: bytes, limit: int) -> tuple[bytes, str]:
    if not body:
        return body, ""
    if coding in (b"gzip", b"x-gzip"):
        return _inflated(body, 31, limit) if body.startswith(_GZIP) else (body, "")
    if coding == b"deflate":
        inflated = _inflated(body, 15, limit)
        if inflated == NOTHING and not _is_text(body):           # without the wrapper, much text can be inflated to something
            inflated = _inflated(body, -15, limit)
        return (body, "") if inflated == NOTHING else inflated
    if coding == b"zstd":
        return _streamed("ZstdReader", body, limit) if body.startswith(_ZSTD) else (body, "")
    if coding == b"br":
        if _is_text(body):
            return body, ""
        return _streamed("BrotliReader", body, limit)
    return (body, "") if _is_text(body) else (b"", UNKNOWN_CODING + coding[:20].decode("latin-1"))


def _inflated(body: bytes, window_bits: int, limit: int) -> tuple[bytes, str]:
    """Members one after another; what breaks off counts as far as it goes."""
    out, held = [], 0
    while body:
        inflate = zlib.decompressobj(window_bits)
        whole = True
        try:
            out.append(inflate.decompress(body, limit + 1 - held))
        except zlib.error:
            return b"".join(out), BROKEN_CODING
        held += len(out[-1])
        whole = inflate.eof
        if not whole or held > limit:
            return b"".join(out), "" if held > limit else BROKEN_CODING
        rest = inflate.unused_data
        body = rest if window_bits == 31 and rest.startswith(_GZIP) and len(rest) < len(body) else b""
    return b"".join(out), ""


def _streamed(reader: str, body: bytes, limit: int) -> tuple[bytes, str]:
    """By FastWARC, which has Brotli and Zstandard built in."""
    from fastwarc import stream_io
    out, held = [], 0
    try:
        stream = getattr(stream_io, reader)(BytesIO(body))
        while held <= limit and (part := stream.read(1 << 16)):
            out.append(part)
            held += len(part)
    except (OSError, ValueError):
        return b"".join(out), BROKEN_CODING
    return b"".join(out), ""


def _is_text(body: bytes) -> bool:
    """Whether the bytes can be no compressed data: a coding was named and had been undone.
    PRACTICE: large bodies in Brotli begin with `[`; what is compressed soon has bytes that no text has."""
    start = body[:256]
    if start.lstrip(b"\xef\xbb\xbf \t\r\n\x00")[:1] in (b"<", b"{", b"["):
        return not _CONTROL.search(start)
    return start.isascii() and not _CONTROL.search(start) and b"\x00" not in start


def zstd_start(packed: bytes, limit: int) -> bytes:
    """The first bytes out of the beginning of a Zstandard stream."""
    return _streamed("ZstdReader", packed, limit)[0][:limit]
