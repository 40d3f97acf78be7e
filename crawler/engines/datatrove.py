"""datatrove: a reader that keeps what decides, and a filter that says why; for pipelines like that of FineWeb.

    from datatrove.executor import LocalPipelineExecutor
    from datatrove.pipeline.writers import JsonlWriter
    from crawler.engines.datatrove import decide, pages
    if __name__ == "__main__":                   # it starts processes, which read this file again
        LocalPipelineExecutor([
            pages("crawl", glob_pattern="*.warc.gz"),
            decide(policies=["eu-dsm-art4"], asker="YourBot", sites="sites.parquet", exclusion_writer=JsonlWriter("dropped")),
            JsonlWriter("kept"),
        ], tasks=16).run()

**Facts** (https://github.com/huggingface/datatrove)
- Its own WarcReader drops the response fields, and pages that it cannot decode. `pages` keeps both: the fields in `metadata`,
  the bytes as the one `media` of a document, until `decide` has read them.
- A filter of datatrove counts what it drops by reason (`dropped_...`), and writes the reason beside what it excludes
  (`filter_reason`). So does this one, as a step of its own: the package of filters wants nltk and more.
- Documents of other readers are decided by the columns that they have: their text is the text of a page, or the page itself
  with `columns={"body": "text"}`.
"""
from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import count, islice
from pathlib import Path
from typing import Any, Unpack

import pyarrow as pa
import pyarrow.parquet as pq

from rules import html

from ..archive import batch as batches
from ..archive import columns, payload, sources
from ..archive import pages as captured
from ..archive import records as rows
from ..archive.captures import Capture
from ..archive.columns import Columns
from ..archive.deciding import Decided
from ..archive.local import local
from .plan import Plan, Words, missing, plan, worker

try:
    from datatrove.data import Document, Media, MediaType
    from datatrove.pipeline.base import PipelineStep
    from datatrove.pipeline.readers.base import BaseDiskReader
    from datatrove.utils.logging import logger
except ImportError as error:
    raise missing("datatrove", error) from error

BATCH = 256                          # documents decided together
VERDICTS = ("permitted", "undetermined", "prohibited")
BOMS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_CHARSET = re.compile(rb"charset\s*=\s*[\"']?([A-Za-z0-9_:.-]+)", re.IGNORECASE)


def pages(folder: Any, **given: Any) -> Pages:
    """A reader of archives and data sets; `given` as for the readers of datatrove: glob_pattern, paths_file, limit, skip."""
    return Pages(folder, **given)


def decide(keep: Sequence[str] = ("permitted",), exclusion_writer: Any = None, records: str | Path = "",
           **words: Unpack[Words]) -> Decide:
    """A filter. `keep`: verdicts that are kept. `records`: a folder for the records, a file a task. `words` as in `plan`.
    Raises PlanError."""
    if unknown := [word for word in keep if word not in VERDICTS]:
        raise ValueError(f"'{unknown[0]}' is no verdict; there are {', '.join(VERDICTS)}")
    return Decide(plan(**words), tuple(keep), exclusion_writer, str(records))


class Pages(BaseDiskReader):  # type: ignore[misc]  # datatrove has no types
    """One document a page; `text` is the page decoded, "" where it is no text."""
    name = "🕷 maymine"

    def read_file(self, filepath: str) -> Iterator[Document]:
        """What cannot be read is counted as `damage`, and told in the log."""
        uri = self.data_folder.resolve_paths(filepath)
        opened = partial(self.data_folder.open, filepath, "rb", compression=None)
        with opened() as stream:
            size_bytes = stream.seek(0, 2)
            stream.seek(0)
            found = captured.rows_of(sources.Source(stream, uri, size_bytes, again=opened))
            for number in count():
                with self.track_time():
                    row = next(found, None)
                    made = document(row, uri, number) if row and not row.get("damage") else None
                if row is None:
                    return
                if made is not None:
                    yield made
                else:
                    self.stat_update("damage")
                    logger.warning("{}", row["damage"])


def document(row: dict[str, Any], uri: str, number: int) -> Document:
    """A row of PAGES as a document."""
    row = {name: value for name, value in row.items() if value is not None}
    body, head, at = row.pop("body", b""), row.pop("http_headers", None), row.pop("warc_date", None)
    id = row.pop("record_id", f"{uri}/{number}")
    media = [Media(id, MediaType.DOCUMENT, row["url"], media_bytes=body)] if body else []
    if head is not None:
        row["http_headers"] = head.decode("latin-1")
    return Document(text_of(body, row.get("media_type", ""), head or b""), id, media, {
        **row, "date": at and at.isoformat(), "file_path": uri})


def text_of(body: bytes, media_type: str, head: bytes) -> str:
    """The text by the encoding that a browser would take; "" for what is no text."""
    if not body or not (media_type.startswith("text/") or html.is_html(body, media_type)):
        return ""
    told = _CHARSET.search(payload.named(b"\n" + head).get(b"content-type", b""))
    codec = html.CODECS.get(told[1].decode().lower()) if told and not body.startswith(BOMS) else None
    return body.decode(codec, "replace") if codec else html.utf8(body).decode("utf-8", "replace").removeprefix("\ufeff")


class Decide(PipelineStep):  # type: ignore[misc]  # datatrove is untyped
    """Keeps the documents whose verdict is among `keep`; each has `maymine_verdict` and `maymine_reasons` in its metadata."""
    type = "🔻 - FILTER"
    name = "⚖ maymine"

    def __init__(self, made: Plan, keep: tuple[str, ...], exclusion_writer: Any, records: str):
        super().__init__()
        self.plan, self.keep, self.exclusion_writer, self.records = made, keep, exclusion_writer, records
        self._found: dict[frozenset[str], Columns] = {}

    def run(self, data: Iterable[Document], rank: int = 0, world_size: int = 1) -> Iterator[Document]:
        """Raises ColumnsError where documents have nothing that could be an address."""
        documents = iter(data)
        with self.exclusion_writer or contextlib.nullcontext() as writer, _Records(self.records, rank) as written:
            while batch := list(islice(documents, BATCH)):
                with self.track_time("batch"):
                    said = self._decide(batch, written)
                for doc, reason in zip(batch, said, strict=True):
                    self.stat_update("total")
                    if not reason:
                        self.stat_update("forwarded")
                        self.update_doc_stats(doc)
                        yield doc
                        continue
                    self.stat_update("dropped", f"dropped_{reason}")
                    if writer:
                        doc.metadata["filter_reason"] = reason
                        writer.write(doc, rank)

    def _decide(self, batch: list[Document], written: _Records) -> list[str]:
        """Why each document is dropped; "" for one that is kept."""
        work, reasons, found = worker(self.plan), list[str](), list[Decided]()
        for doc in batch:
            capture = self._capture(doc)
            decided = work.decider.decide(capture) if capture.asset.url else None
            verdict, why = work.verdict(decided)
            doc.metadata[batches.VERDICT], doc.metadata[batches.REASONS] = verdict, list(why)
            reasons.append("" if verdict in self.keep else work.strictest(decided))
            found += [decided] if decided is not None else []
        written.add(work.decider.table, found)
        return reasons

    def _capture(self, doc: Document) -> Capture:
        kept = doc.metadata.pop(captured.CAPTURE, None)
        if kept is not None:                         # of Pages: its bytes are not wanted any more
            head = doc.metadata.get("http_headers")
            media, doc.media = doc.media, [m for m in doc.media if m.type != MediaType.DOCUMENT or m.id != doc.id]
            body = next((m.media_bytes for m in media if m.id == doc.id), None)
            return captured.capture_of(head.encode("latin-1") if head is not None else None, body, kept)
        row = {"text": doc.text, "id": doc.id, **doc.metadata}
        names = frozenset(row)
        if names not in self._found:
            self._found[names] = columns.find(pa.schema([(name, pa.string()) for name in row]), dict(self.plan.columns))
        (capture,) = self._found[names].captures_of([row])
        return capture


class _Records:
    """Records of one task, in a file of its own, if they are wanted."""

    def __init__(self, folder: str, rank: int):
        self._path, self._wanted = Path(folder) / f"{rank:05}.parquet", bool(folder)
        self._writer: Any = None

    def __enter__(self) -> _Records:
        if self._wanted:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._writer = pq.ParquetWriter(local(self._path), rows.RECORDS, compression="zstd")
        return self

    def add(self, table: Any, decided: list[Decided]) -> None:
        if self._writer is not None and decided:
            self._writer.write_table(table(decided))

    def __exit__(self, *error: object) -> None:
        if self._writer is not None:
            self._writer.close()
