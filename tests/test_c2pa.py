"""C2PA: files of many formats signed here, read with and without validation, tampered with, and mutated."""
from __future__ import annotations

import random
import struct
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import brotli
import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.cbor import Map, NotCbor, decode
from rules.containers import parts
from rules.jumbf import Reading, contents
from rules.limits import ASSERTION_BYTES, ASSERTIONS, CBOR_DEPTH, JUMBF_DEPTH
from rules.model import Access, Asker, Asset, Carrier, Evidence, Fault, FaultKind, Form, Preference, Statement, Use
from rules.signals.c2pa import read

from .fixtures import c2pa as made

RUNAWAY_S = 5
REFUSED = {"entries": {"cawg.ai_generative_training": {"use": "notAllowed"}}}


def found(body: bytes) -> list:
    return read(Evidence(Carrier.BODY, "https://site.example/a", None, Access.OBTAINED, body), Asset("https://site.example/a"), Asker("mybot"))


def uses(body: bytes) -> set[Use]:
    return {f.use for f in found(body) if isinstance(f, Statement)}


# ---- CBOR, beside another reader of it

def plain(value: object) -> object:
    if isinstance(value, Map):
        return {key: plain(each) for key, each in value.pairs}
    return [plain(each) for each in value] if isinstance(value, list) else value


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-2**63, 2**64 - 1) | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=30)


@given(VALUES, st.booleans())
def test_cbor_is_read_as_written(value, canonical):
    assert plain(decode(cbor2.dumps(value, canonical=canonical))) == value
    assert plain(decode(cbor2.dumps(value, indefinite_containers=True))) == value


@given(st.binary(max_size=60))
def test_cbor_of_any_bytes(data):
    """What another strict reader takes is read the same, where neither tags nor numbers beyond 64 bits are in it."""
    try:
        ours = plain(decode(data))
    except NotCbor:
        with pytest.raises(cbor2.CBORDecodeError):
            cbor2.loads(data)
        return
    try:
        theirs = cbor2.loads(data)
    except (cbor2.CBORDecodeError, TypeError):
        return                       # tags that say more, keys that are maps, text that is no UTF-8
    if isinstance(theirs, (int, str, bytes, bool, type(None))):
        assert ours == theirs or data[0] >= 0xc0


@pytest.mark.parametrize("data", [b"\x81" * (CBOR_DEPTH + 2), b"\xc1" * 10_000, b"\x9f" * 100_000, b"\x9b" + b"\xff" * 8, b"\x5b" + b"\xff" * 8,
                                  b"\xbf\x01\xff", b"", b"\xa1", b"\x7f\x41a\xff", b"\x1f", b"\x9f" + b"\0" * 1_000_000])
def test_hostile_cbor(data):
    start = time.perf_counter()
    with pytest.raises(NotCbor):
        decode(data)
    assert time.perf_counter() - start < RUNAWAY_S


@pytest.mark.parametrize("data, value", [
    ("5f42010243030405ff", b"\1\2\3\4\5"), ("7f657374726561646d696e67ff", "streaming"), ("f6", None), ("f7", None), ("f0", None), ("f8ff", None),
    ("f93e00", 1.5), ("fb3ff199999999999a", 1.1), ("9fff", []), ("c11a514b67b0", 1363896240), ("3863", -100)])
def test_cbor_of_the_specification(data, value):
    """RFC 8949, appendix A."""
    assert plain(decode(bytes.fromhex(data))) == value


@pytest.mark.parametrize("data", ["fc", "fd", "fe", "5f41015fffff", "5f6161ff", "8202ff", "1c", "5f5cff"])
def test_cbor_that_is_not_well_formed(data):
    """RFC 8949, appendix F."""
    with pytest.raises(NotCbor):
        decode(bytes.fromhex(data))


# ---- JUMBF

def test_nested_and_endless_boxes_are_bounded():
    deep = b""
    for _ in range(JUMBF_DEPTH + 5):
        deep = made.superbox("store", "c2pa", deep)
    for store in (deep, struct.pack(">I4s", 8, b"free") * 200_000, struct.pack(">I4s", 8, b"jumb") * 200_000):
        reading, start = Reading(), time.perf_counter()
        list(contents(store, reading))
        assert reading.failure
        assert reading.failure[0] is FaultKind.TRUNCATED
        assert time.perf_counter() - start < RUNAWAY_S


def test_padding_is_no_damage():
    reading = Reading()
    assert list(contents(made.store([[{"data": REFUSED}]]) + bytes(500), reading))
    assert reading.failure is None


def test_a_compressed_manifest_in_another_is_told():
    inner = made.superbox("manifest", "in", made.box(b"brob", brotli.compress(made.superbox("manifest", "deep", made.box(b"cbor", b"\xa0")))))
    assert [f.kind for f in found(made.superbox("store", "c2pa", made.superbox("manifest", "m", made.box(b"brob", brotli.compress(inner)))))] \
        == [FaultKind.MALFORMED]


def test_more_assertions_than_are_read():
    told = found(made.store([[{"data": REFUSED}] * (ASSERTIONS + 1)]))
    assert [f.kind for f in told if isinstance(f, Fault)] == [FaultKind.TRUNCATED]
    assert {f.preference for f in told if isinstance(f, Statement)} == {Preference.DISALLOW}


def test_an_assertion_that_is_too_long_is_a_fault():
    (fault,) = found(made.store([[{"data": {"entries": {"cawg.data_mining": {"use": "x" * ASSERTION_BYTES}}}}]]))
    assert fault.kind is FaultKind.MALFORMED
    assert "longer" in fault.detail


def test_a_compressed_bomb_is_bounded():
    bomb = made.superbox("store", "c2pa", made.superbox("manifest", "m", made.box(b"brob", brotli.compress(bytes(64 << 20)))))
    start = time.perf_counter()
    assert [f.kind for f in found(bomb)] == [FaultKind.TRUNCATED]
    assert time.perf_counter() - start < RUNAWAY_S


def test_marks_of_text_are_paired_in_linear_time():
    start = time.perf_counter()
    found(b"-----BEGIN C2PA MANIFEST-----" * 100_000)
    found(b"<script type=application/c2pa " * 100_000)
    found(b"<link rel=" + b"c2pa-manifest" * 200_000)
    assert time.perf_counter() - start < RUNAWAY_S


def mutated(dice: random.Random, body: bytes) -> bytes:
    out = bytearray(body)
    for _ in range(dice.randint(1, 6)):
        at = dice.randrange(len(out))
        match dice.randrange(4):
            case 0:
                del out[at:at + dice.randint(1, 8)]
            case 1:
                out[at:at] = dice.randbytes(dice.randint(1, 8))
            case 2:
                out[at:at + 4] = struct.pack(">I", dice.choice((0, 1, 7, 9, 0xffffffff, 0x80000000)))
            case _:
                out[at] ^= 1 << dice.randrange(8)
    return bytes(out)


SEEDS = {
    "store": made.sidecar(manifests=[[{"data": REFUSED}], [{"label": "c2pa.training-mining", "data": REFUSED, "written": "json"}]]),
    "compressed": made.sidecar(manifests=[[{"data": REFUSED}]], compressed="9999"),
    "jpeg": made.jpeg(manifests=[[{"data": REFUSED}]]), "png": made.png(manifests=[[{"data": REFUSED}]]),
    "page": made.page(manifests=[[{"data": REFUSED}]]), "text": made.text(manifests=[[{"data": REFUSED}]]),
}


@pytest.mark.parametrize("name", SEEDS)
@pytest.mark.parametrize("rounds", [100, pytest.param(1_500, marks=pytest.mark.slow)])
def test_mutations(name, rounds):
    dice = random.Random(name)
    for _ in range(rounds):
        for finding in found(mutated(dice, SEEDS[name])):
            assert isinstance(finding, Statement | Fault)


# ---- with the reference implementation

def signed_fixtures():
    pytest.importorskip("c2pa", reason="the extra c2pa is not installed")
    from .fixtures import c2pa_signed
    return c2pa_signed


MEDIA_TYPES = ("image/jpeg", "image/png", "image/webp", "image/tiff", "image/gif", "image/svg+xml", "image/avif", "audio/wav", "audio/mpeg",
               "video/mp4", "application/pdf", "application/vnd.openxmlformats-officedocument.wordprocessingml.document")


@pytest.mark.parametrize("label, form", [("cawg.training-mining", Form.EXACT), ("c2pa.training-mining", Form.LEGACY)])
@pytest.mark.parametrize("media_type", MEDIA_TYPES)
def test_what_was_signed_is_read(media_type, label, form):
    signed = signed_fixtures()
    assert set(signed.PLAIN) == set(MEDIA_TYPES)
    assert not found(signed.PLAIN[media_type])
    findings = found(signed.signed(media_type, signed.PLAIN[media_type], label))
    assert [(f.use, f.form) for f in findings] == [(Use.TRAIN_GENAI, form)]
    assert findings[0].where.endswith(label)


def test_a_compressed_manifest_and_that_of_an_ingredient():
    signed = signed_fixtures()
    plain_jpeg = signed.PLAIN["image/jpeg"]
    assert uses(signed.signed("image/jpeg", plain_jpeg, compressed=True)) == {Use.TRAIN_GENAI}
    original = signed.signed("image/jpeg", plain_jpeg)
    allowed = {"entries": {"cawg.ai_generative_training": {"use": "allowed"}}}
    edited = signed.signed("image/jpeg", original, data=allowed, edited=True)
    assert uses(signed.signed("image/jpeg", plain_jpeg, data=allowed)) == set()
    assert uses(edited) == {Use.TRAIN_GENAI}


@pytest.mark.parametrize("media_type", ["image/jpeg", "video/mp4", "application/pdf"])
def test_validation(media_type):
    signed = signed_fixtures()
    from crawler.c2pa_validation import State, validate
    whole = signed.signed(media_type, signed.PLAIN[media_type])
    untrusted = validate(whole, media_type)
    assert (untrusted.state, untrusted.codes) == (State.VALID, ("signingCredential.untrusted",))
    assert untrusted.signer == "Test signer, Example"
    assert validate(whole, media_type, anchors=signed.anchor()).state is State.TRUSTED
    assert validate(signed.PLAIN[media_type], media_type).state is State.NONE


def test_a_tampered_file_is_invalid_and_still_restricts():
    signed = signed_fixtures()
    from crawler.c2pa_validation import State, validate
    whole = signed.signed("image/png", signed.PLAIN["image/png"])
    assertion = whole.replace(b"notAllowed", b"notAllowEd")
    pixels = whole.replace(b"IHDR\0\0\0\x01", b"IHDR\0\0\0\x02")
    assert len({whole, assertion, pixels}) == 3
    for body in (assertion, pixels):
        told = validate(body, "image/png", anchors=signed.anchor())
        assert told.state is State.INVALID
        assert told.codes
        assert uses(body) == {Use.TRAIN_GENAI}


def test_what_validation_cannot_read():
    signed_fixtures()
    from crawler.c2pa_validation import State, validate
    assert validate(b"text", "text/plain").state is State.UNREAD
    assert validate(b"\xff\xd8\xff", "image/jpeg").state in (State.UNREAD, State.NONE)
    assert validate(b"x", "image/jpeg", timeout_s=0.001).state is State.UNREAD


@contextmanager
def listening():
    """A server on this machine, and how often somebody asked it for something."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port, asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_validation_fetches_nothing():
    """A file that names a manifest elsewhere: by default the library asks for it, with our settings it does not."""
    signed_fixtures()
    import io

    import c2pa

    from crawler.c2pa_validation import State, validate
    with listening() as (port, asked):
        xmp = (f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description '
               f'rdf:about="" xmlns:dcterms="http://purl.org/dc/terms/" dcterms:provenance="http://127.0.0.1:{port}/m.c2pa"/></rdf:RDF></x:xmpmeta>')
        body = made.jpeg(xmp=xmp)
        assert validate(body, "image/jpeg").state is State.REMOTE
        assert [f.kind for f in found(body)] == [FaultKind.NOT_COLLECTED]
        assert asked == []
        with c2pa.Context() as context, pytest.raises(c2pa.C2paError):
            c2pa.Reader("image/jpeg", io.BytesIO(body), context=context)
        assert asked == ["/m.c2pa"]


@pytest.mark.slow
@pytest.mark.parametrize("media_type", MEDIA_TYPES)
def test_mutations_of_signed_files(media_type):
    signed = signed_fixtures()
    whole, dice, worst_s = signed.signed(media_type, signed.PLAIN[media_type]), random.Random(media_type), 0.0
    for _ in range(1_500):
        body = mutated(dice, whole)
        start = time.perf_counter()
        assert all(isinstance(f, Statement | Fault) for f in found(body))
        assert parts(body).kind in (parts(whole).kind, parts(body).kind)
        worst_s = max(worst_s, time.perf_counter() - start)
    assert worst_s < RUNAWAY_S


@pytest.mark.bench
def test_the_scan_costs_a_fraction_of_a_validation():
    signed = signed_fixtures()
    import io

    import c2pa

    from crawler.c2pa_validation import OFFLINE
    ratios = []
    for media_type in MEDIA_TYPES:
        whole, ours, theirs = signed.signed(media_type, signed.PLAIN[media_type]), [], []
        for n in range(20):
            body = whole + b" " * (n % 2)            # other bytes each time, so that nothing is remembered
            start = time.perf_counter()
            found(body)
            between = time.perf_counter()
            with c2pa.Context.from_dict(OFFLINE) as context, c2pa.Reader(media_type, io.BytesIO(whole), context=context) as reader:
                reader.json()
            ours.append(between - start)
            theirs.append(time.perf_counter() - between)
        ours_ms, theirs_ms = (sorted(times)[10] * 1e3 for times in (ours, theirs))
        ratios.append(theirs_ms / ours_ms)
        print(f"\n{media_type}: {ours_ms:.2f} ms here, {theirs_ms:.2f} ms with validation by c2pa-python", end="")
    assert sorted(ratios)[len(ratios) // 2] > 1.5
