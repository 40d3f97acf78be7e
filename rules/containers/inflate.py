"""Inflating what a stranger deflated: never more than asked for."""
from __future__ import annotations

import zlib

import brotli

from ..model import FaultKind


class NotInflated(ValueError):
    """Says why, and which fault that is."""
    def __init__(self, kind: FaultKind, detail: str) -> None:
        super().__init__(detail)
        self.kind = kind


def inflate(data: bytes, cap_bytes: int) -> bytes:
    """A zlib stream (RFC 1950). Raises NotInflated where it is none, is cut off or holds more than the cap."""
    stream = zlib.decompressobj()
    try:
        out = stream.decompress(data, cap_bytes + 1)
    except zlib.error as error:
        raise NotInflated(FaultKind.MALFORMED, "it is not compressed as it says") from error
    if len(out) > cap_bytes:
        raise NotInflated(FaultKind.TRUNCATED, f"it inflates to more than {cap_bytes} bytes")
    if not stream.eof:
        raise NotInflated(FaultKind.TRUNCATED, "it ends inside a compressed stream")
    return out


def inflate_brotli(data: bytes, cap_bytes: int) -> bytes:
    """A Brotli stream (RFC 7932). Raises NotInflated, as above."""
    try:
        stream = brotli.Decompressor()
        out = bytes(stream.process(data, output_buffer_limit=cap_bytes + 1))
    except brotli.error as error:
        raise NotInflated(FaultKind.MALFORMED, "it is not compressed as it says") from error
    if len(out) > cap_bytes:
        raise NotInflated(FaultKind.TRUNCATED, f"it inflates to more than {cap_bytes} bytes")
    if not stream.is_finished():
        raise NotInflated(FaultKind.TRUNCATED, "it ends inside a compressed stream")
    return out
