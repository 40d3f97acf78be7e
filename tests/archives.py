"""WARC files made for tests by warcio, and pages for them."""
from __future__ import annotations

import io
from datetime import UTC, datetime
from pathlib import Path

from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

AT = datetime(2026, 11, 20, 12, tzinfo=UTC)
HTML = [("Content-Type", "text/html; charset=utf-8")]


class Writer(WARCWriter):
    """Leaves no temporary file open."""
    _create_temp_file = staticmethod(io.BytesIO)


class Maker:
    """A WARC file in memory; `offsets` are those of its records."""

    def __init__(self, gzip: bool = True):
        self._out = io.BytesIO()
        self._writer = Writer(self._out, gzip=gzip)
        self.offsets: list[int] = []

    def add(self, url: str, body: bytes, fields: list[tuple[str, str]] | None = None, status: str = "200 OK",
            at: datetime = AT, kind: str = "response", warc: dict[str, str] | None = None) -> Maker:
        self.offsets.append(self._out.tell())
        http = StatusAndHeaders(status, HTML if fields is None else fields, protocol="HTTP/1.1")
        kwargs = {"http_headers": http} if kind in ("response", "revisit") else {"warc_content_type": "text/html"}
        record = self._writer.create_warc_record(
            url, kind, payload=io.BytesIO(body), **kwargs,
            warc_headers_dict={"WARC-Date": at.strftime("%Y-%m-%dT%H:%M:%SZ"), **(warc or {})})
        self._writer.write_record(record)
        return self

    def request(self, url: str, to: str = "") -> Maker:
        self.offsets.append(self._out.tell())
        http = StatusAndHeaders("GET / HTTP/1.1", [("Host", "x.example")], is_http_request=True)
        self._writer.write_record(self._writer.create_warc_record(
            url, "request", payload=io.BytesIO(b""), http_headers=http,
            warc_headers_dict={"WARC-Concurrent-To": to} if to else None))
        return self

    @property
    def data(self) -> bytes:
        return self._out.getvalue()

    def write(self, path: Path) -> Path:
        path.write_bytes(self.data)
        return path
