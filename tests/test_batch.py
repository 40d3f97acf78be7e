"""Tables of pages in, records out: the same as page by page."""
from __future__ import annotations

import base64
import json
from datetime import UTC, datetime

import pyarrow as pa
import pytest

from crawler.archive import columns, records
from crawler.archive.batch import REASONS, VERDICT, Batches
from crawler.archive.captures import of_response
from crawler.archive.columns import ColumnsError
from crawler.archive.deciding import Decider
from crawler.archive.fields import FROM_MAPPING, NOT_UNDERSTOOD, field_lines
from crawler.archive.records import Location, Row
from crawler.archive.sites import Copies, copy_of
from rules import Access, Asker, Evidence, Use, assess, policies, to_record
from tests.archives import AT

ASKER = Asker("OurBot")
POLICIES = [policies.load(name) for name in ("eu-dsm-art4", "rfc9309-crawl", "strictest")]
SITES = Copies([copy_of(of_response("https://x.example/robots.txt", b"HTTP/1.1 200 OK\r\n\r\nUser-agent: *\nDisallow: /closed\n", AT,
                        Location("r.warc.gz", 7, "urn:x")))])
HEAD = "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n"
PAGES = [
    {"url": "https://x.example/a", "html": "<p>words", "http_headers": HEAD, "date": AT},
    {"url": "https://x.example/closed", "html": "<p>words", "http_headers": HEAD, "date": AT},
    {"url": "https://x.example/b", "html": "<meta name=robots content=noai>", "http_headers": HEAD, "date": AT},
    {"url": "https://x.example/c", "html": "<p>words", "http_headers": HEAD + "tdm-reservation: 1\r\nX-Robots-Tag: noai\r\n", "date": AT},
    {"url": "https://other.example:8080/c?q=ä", "html": "", "http_headers": None, "date": None},
    {"url": "https://x.example/d", "html": None, "http_headers": HEAD.replace("200 OK", "404 Not Found"), "date": AT},
    {"url": None, "html": "<p>lost", "http_headers": HEAD, "date": AT},
] * 3
TABLE = pa.RecordBatch.from_pylist(PAGES)


def one_by_one(batches: Batches) -> pa.Table:
    rows = []
    for capture in batches.columns(TABLE.schema).captures(TABLE):
        site, where = SITES.of(capture.asset.url, capture.at)
        if capture.asset.url:
            for policy in POLICIES:
                a = assess(capture.asset, (*site, capture.fields, capture.body), policy, ASKER)
                rows.append(Row(capture.asset.url, to_record(a), (*where, None, None), records.body_bytes((capture.body,))))
    return records.table(rows)


def test_records_are_those_of_assess_one_by_one():
    batches = Batches(POLICIES, ASKER, SITES)
    got = batches.records(TABLE)
    assert got.schema == records.RECORDS
    assert got.num_rows == 3 * 6 * len(POLICIES)
    assert pa.Table.from_batches([got]).to_pylist() == one_by_one(batches).to_pylist()
    got.validate(full=True)


def test_a_batch_depends_on_nothing_before_it():
    batches = Batches(POLICIES, ASKER, SITES)
    first = batches.records(TABLE)
    assert batches.records(TABLE.slice(4)) .equals(first.slice(4 * 3))
    assert Batches(POLICIES, ASKER, SITES).records(TABLE).equals(first)


def test_no_rows_give_no_rows():
    batches = Batches(POLICIES, ASKER, SITES)
    assert batches.records(TABLE.slice(0, 0)).num_rows == 0
    assert batches.verdicts(TABLE.slice(0, 0)).schema.names == [*TABLE.schema.names, VERDICT, REASONS]


def test_verdicts_are_columns_beside_the_rows_that_came():
    got = Batches(["eu-dsm-art4"], ASKER, SITES).verdicts(TABLE.slice(0, 7))
    assert got.drop_columns([VERDICT, REASONS]).equals(TABLE.slice(0, 7))
    assert got[VERDICT].to_pylist() == ["permitted", "prohibited", "prohibited", "prohibited", "undetermined", "undetermined",
                                        "undetermined"]
    assert got[REASONS][6].as_py() == ["no-address"]
    again = Batches(["eu-dsm-art4"], ASKER, SITES).verdicts(got)
    assert again.equals(got)


def test_the_verdict_counts_what_was_asked_for():
    crawl = Batches(POLICIES, ASKER, SITES, by=["rfc9309-crawl"]).verdicts(TABLE)[VERDICT].to_pylist()
    assert crawl[:4] == ["permitted", "prohibited", "permitted", "permitted"]
    search = Batches(POLICIES, ASKER, SITES, by=["strictest"], uses=[Use.SEARCH]).verdicts(TABLE)[REASONS].to_pylist()
    assert all(reason.startswith("strictest@") for row in search[:6] for reason in row)


@pytest.mark.parametrize("schema, found", [
    (["URL", "TEXT"], {"url": "URL", "text": "TEXT"}),
    (["WARC-Target-URI", "html", "WARC-Date"], {"url": "WARC-Target-URI", "body": "html", "at": "WARC-Date"}),
    (["text", "id", "dump", "url", "date", "file_path"], {"url": "url", "text": "text", "at": "date", "id": "id"}),
    (["url", "content", "content_type", "fetch_status", "http_headers"],
     {"url": "url", "body": "content", "fields": "http_headers", "status": "fetch_status", "media_type": "content_type"}),
])
def test_columns_are_found_by_their_names(schema, found):
    got = columns.find(pa.schema([(name, pa.string()) for name in schema]))
    assert got.names == found
    assert all(name in got.told for name in found.values())


def test_columns_inside_metadata_and_by_hand():
    schema = pa.schema([("text", pa.string()), ("metadata", pa.struct([("url", pa.string()), ("date", pa.string())])), ("raw", pa.binary())])
    assert columns.find(schema).names == {"url": "metadata.url", "text": "text", "at": "metadata.date"}
    assert columns.find(schema, {"body": "raw", "text": ""}).names == {"url": "metadata.url", "body": "raw", "at": "metadata.date"}
    for given in ({"body": "none"}, {"colour": "raw"}, {"url": ""}):
        with pytest.raises(ColumnsError):
            columns.find(schema, given)
    rows = pa.RecordBatch.from_pylist([{"text": "x", "metadata": {"url": "http://x.example/", "date": "2026-11-20T12:00:00Z"}}], schema)
    (capture,) = columns.find(schema).captures(rows)
    assert (capture.asset.url, capture.at) == ("http://x.example/", AT)


def test_what_was_dropped_is_not_collected_and_text_is_not_the_page():
    rows = pa.RecordBatch.from_pylist([{"url": "http://x.example/", "text": "words"}])
    (capture,) = columns.find(rows.schema).captures(rows)
    assert capture.fields.access is Access.NOT_COLLECTED
    assert (capture.body.access, capture.body.body) == (Access.TRUNCATED, b"words")
    assert set(Batches(["strictest"], ASKER).verdicts(rows)[VERDICT].to_pylist()) == {"prohibited"}


@pytest.mark.parametrize("value, lines, detail", [
    ("HTTP/1.1 200 OK\r\nA: b\r\nA: c\r\n\r\n", b"HTTP/1.1 200 OK\r\nA: b\r\nA: c\r\n\r\n", ""),
    (b"A: b", b"A: b\r\n", ""),
    ({"A": "b", "X": ["c", "d"]}, b"HTTP/1.1 200 \r\nA: b\r\nX: c\r\nX: d\r\n", FROM_MAPPING),
    ('{"A": "b\\r\\nX: y"}', b"HTTP/1.1 200 \r\nA: b  X: y\r\n", NOT_UNDERSTOOD),
    ([["A", "b"], ["A", "c"]], b"HTTP/1.1 200 \r\nA: b\r\nA: c\r\n", ""),
    ([{"name": "A", "value": "b"}, {"key": "A", "value": "c"}], b"HTTP/1.1 200 \r\nA: b\r\nA: c\r\n", ""),
    ([{"odd": 1}, 3, None], b"", NOT_UNDERSTOOD), ("{broken", b"", NOT_UNDERSTOOD), ("", b"", ""), (None, b"", ""),
    (7, b"", NOT_UNDERSTOOD), ("garbage no colon", b"garbage no colon\r\n", NOT_UNDERSTOOD), ("{}", b"", ""),
    ({"A": "b", "X": None}, b"HTTP/1.1 200 \r\nA: b\r\n", FROM_MAPPING), (["A: b", "X: c"], b"A: b\r\nX: c\r\n", ""),
    ({"name": ["A", "X"], "value": ["b", "c"]}, b"HTTP/1.1 200 \r\nA: b\r\nX: c\r\n", FROM_MAPPING),
    ("HTTP/1.1 301 \r\nA: b\r\n\r\nHTTP/2 200\r\nA: c\r\n", b"HTTP/1.1 301 \r\nA: b\r\n\r\nHTTP/2 200\r\nA: c\r\n", ""),
    ('NEL: {"report_to":"a"}\nA: b\n c', b'NEL: {"report_to":"a"}\nA: b\n c\r\n', ""),
    ("A: b\n\nX: c\n", b"A: b\n\nX: c\n", NOT_UNDERSTOOD),
    ([("A", b"\xe4")], "HTTP/1.1 200 \r\nA: ä\r\n".encode(), ""),
])
def test_fields_in_any_shape(value, lines, detail):
    assert field_lines(value, 200) == (lines, detail, detail != NOT_UNDERSTOOD)


NO = "Content-Usage: train-ai=n"


@pytest.mark.parametrize("value", [
    {"headers": {"Content-Usage": "train-ai=n"}}, {"headers": json.dumps({"Content-Usage": "train-ai=n"})}, {"headers": NO},
    {"any": json.dumps({"A": "b"})}, {"A": "b", "any": json.dumps({"Content-Usage": "train-ai=n"})}, {"A": {"b": "c"}},
    json.dumps({"headers": {"Content-Usage": "train-ai=n"}}), json.dumps(NO), "garbage no colon", "A: b\ngarbage\nX: c",
    f"b'{NO}'", repr({"Content-Usage": "train-ai=n"}), "Headers({'Content-Usage': 'train-ai=n'})", base64.b64encode(NO.encode()),
    f"x: y\\r\\n{NO}", f"x: y\\n{NO}", f"x: y, {NO}", {"x": f"y\r\n{NO}"}, NO.encode("utf-16"), f"A: b\r{NO}", f"A: b\r\n\r\n{NO}",
    [["A", "b"], NO], [["A", "b", "c"]], {"name": "A", "value": ["b"]}, 7, "\n" * 100_000 + "x", "A: b\n" * 300_000 + NO])
def test_what_is_no_field_line_is_no_silence(value):
    row = {"url": "http://x.example/", "html": "<p>words", "headers": value, "status": 200}
    (capture,) = columns.Columns({"url": "url", "body": "html", "fields": "headers", "status": "status"}).captures_of([row])
    assert (capture.fields.access, bool(capture.fields.detail)) == (Access.TRUNCATED, True)


@pytest.mark.parametrize("headers, status, verdict", [
    ("A: b", 200, "permitted"), ("A: b", "200 OK", "permitted"), ("A: b", "success", "permitted"), ("A: b", "200.0", "permitted"),
    ("garbage", "200", "undetermined"), ("A: b", "abc", "undetermined"), ("A: b", "-1", "undetermined"), ("A: b", "99999", "undetermined"),
    (f"x: y\\r\\n{NO}", "200", "prohibited"), (f"garbage\n{NO}", "200", "prohibited")])
def test_what_was_not_understood_permits_nothing(headers, status, verdict):
    rows = pa.RecordBatch.from_pylist([{"url": "https://x.example/", "html": "<p>words", "headers": headers, "status": str(status),
                                        "date": "2026-11-20T12:00:00Z"}])
    found = Batches(["eu-dsm-art4"], ASKER, SITES).verdicts(rows)
    assert found[VERDICT].to_pylist() == [verdict]


@pytest.mark.parametrize("value, at", [
    (AT, AT), ("2026-11-20T12:00:00Z", AT), ("2026-11-20 13:00:00+01:00", AT), ("2026-11-20T12:00:00", AT), ("20261120120000", AT),
    (int(AT.timestamp()), AT), (int(AT.timestamp()) * 1000, AT), (20261120120000, AT), (AT.replace(tzinfo=None), AT),
    ("2026-11-20", None), (datetime(2026, 11, 20, tzinfo=UTC).date(), None), ("yesterday", None), (None, None), (True, None), (float("nan"), None),
    (-5, None), (10**30, None)])
def test_times_in_any_shape(value, at):
    assert columns.time_of(value) == at


def test_an_image_of_hugging_face():
    rows = pa.RecordBatch.from_pylist([{"url": "http://x.example/", "image": {"bytes": b"\xff\xd8\xff", "path": None}}])
    (capture,) = columns.find(rows.schema).captures(rows)
    assert capture.body.body == b"\xff\xd8\xff"


def test_the_same_findings_are_decided_once():
    decider = Decider(POLICIES, ASKER, SITES)
    (_, decided), = Batches(POLICIES, ASKER, decider=decider).decided(TABLE)
    assert decided[0].answers is decided[7].answers
    assert decided[0].answers is not decided[1].answers
    assert all(isinstance(e, Evidence) for d in decided if d for e in d.evidence)
