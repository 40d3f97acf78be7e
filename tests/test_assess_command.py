"""`maymine assess`: order, errors in their place, any bytes, and a partner at the other end of a pipe."""
from __future__ import annotations

import base64
import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler import assess_input
from crawler.assess_input import InputError, parse_line
from crawler.cli import main
from crawler.commands.assess import answer
from rules import Access, Asker, Asset, Carrier, Evidence, assess, policies, to_record
from rules.record import dumps

ROOT = Path(__file__).parents[1]
RUNAWAY_S = 60
URL = "https://example.org/a"
COMMAND = [sys.executable, "-m", "crawler.cli", "assess"]


def line(url: str = URL, **more: object) -> str:
    return json.dumps({"url": url, "evidence": [], **more})


def run(text: str | bytes, *options: str):
    return CliRunner().invoke(main, ["assess", *options], input=text)


def error_of(text: str | bytes) -> str:
    done = run(text)
    assert done.exit_code == 3
    [said] = map(json.loads, done.stdout_bytes.decode().splitlines())
    assert said["error"]["line"] == 1
    return said["error"]["message"]


# ---- what is read

def test_a_line_becomes_the_record_that_rules_make():
    body = "User-agent: *\nDisallow: /\n"
    text = line(token="OurBot", media_type="Text/HTML; charset=utf-8", embedder="https://example.org/", commercial=False, country="de",
                evidence=[
                    {"carrier": "robots.txt", "body": body, "at": "2026-11-22T10:00:00+01:00", "status": 200},
                    {"carrier": "tdmrep.json", "access": "unavailable", "status": 404, "detail": "status 404"},
                    {"carrier": "http-fields", "body_base64": base64.b64encode(b"tdm-reservation: 1\xff").decode()},
                    {"carrier": "body", "uri": "https://cdn.example/a", "access": "obtained", "final_uri": "https://cdn.example/b"}])
    from datetime import UTC, datetime
    evidence = (
        Evidence(Carrier.ROBOTS_TXT, "https://example.org/robots.txt", datetime(2026, 11, 22, 9, tzinfo=UTC), Access.OBTAINED, body.encode(), 200),
        Evidence(Carrier.TDMREP_JSON, "https://example.org/.well-known/tdmrep.json", None, Access.UNAVAILABLE, status=404, detail="status 404"),
        Evidence(Carrier.HTTP_FIELDS, URL, None, Access.OBTAINED, b"tdm-reservation: 1\xff"),
        Evidence(Carrier.BODY, "https://cdn.example/a", None, Access.OBTAINED, b"", final_uri="https://cdn.example/b"))
    made = assess(Asset(URL, "text/html", "https://example.org/"), evidence, policies.load("strictest"), Asker("OurBot", False, "DE"))
    done = run(text + "\n", "--policy", "strictest")
    assert (done.exit_code, done.stdout) == (0, dumps(to_record(made)) + "\n")


def test_the_command_line_answers_what_a_line_leaves_out_about_the_asker():
    done = run(line() + "\n" + line(token="Other", commercial=True), "--token", "OurBot", "--non-commercial", "--country", "fr")
    first, second = (json.loads(text)["asker"] for text in done.stdout.splitlines())
    assert first == {"token": "OurBot", "commercial": False, "country": "FR"}
    assert second == {"token": "Other", "commercial": True, "country": "FR"}


@pytest.mark.parametrize("access", [a.value for a in Access])
def test_every_access_word_is_known_and_none_but_silence_permits(access):
    evidence = [{"carrier": "robots.txt", "access": access}, {"carrier": "http-fields", "body": ""}]
    record = json.loads(run(line(evidence=evidence)).stdout)
    verdict = record["decisions"]["tdm"]["verdict"]
    # A site that keeps its robots.txt from the public counts as having none (RFC 9309, 2.3.1.3).
    assert verdict == ("permitted" if access in ("obtained", "unavailable", "refused") else "undetermined")


@pytest.mark.parametrize("carrier", list(Carrier), ids=lambda c: c.value)
def test_every_carrier_is_known(carrier):
    asset, _, [evidence] = parse_line(line(evidence=[{"carrier": carrier.value, "uri": f"{URL}#x", "access": "obtained"}]).encode(), Asker("x"))
    assert (asset.url, evidence.carrier, evidence.has_bytes, evidence.body) == (URL, carrier, True, b"")


# ---- order and errors

def test_records_come_in_the_order_of_lines_and_policies_and_errors_in_their_place():
    lines = [line(f"https://example.org/{n}") for n in range(5)]
    lines[1], lines[3] = "{", ""
    done = run("\n".join(lines), "--policy", "strictest", "--policy", "eu-dsm-art4")
    said = [json.loads(text) for text in done.stdout.splitlines()]
    assert done.exit_code == 3
    assert [(s["asset"]["url"], s["policy"]["id"].split("@")[0]) if "asset" in s else s["error"]["line"] for s in said] == [
        ("https://example.org/0", "strictest"), ("https://example.org/0", "eu-dsm-art4"), 2,
        ("https://example.org/2", "strictest"), ("https://example.org/2", "eu-dsm-art4"), 4,
        ("https://example.org/4", "strictest"), ("https://example.org/4", "eu-dsm-art4")]


def evidence_line(**evidence: object) -> str:
    return line(evidence=[evidence])


@pytest.mark.parametrize("text, says", [
    ("\n", "the line is empty"),
    ("[]", "an object is wanted"),
    ('{"url": "https://a/", "evidence": [], "evidence": []}', "'evidence' stands twice"),
    ('{"evidence": []}', "'url' is missing"),
    (line(url="example.org"), "must start with a scheme"),
    (line(url="http://[::1"), "is not a URL"),
    (line(url="\ud800"), "surrogate"),
    (line(url=1), "'url' must be a string"),
    (line(colour="red"), "'colour' is not known here; known are url"),
    (line(commercial="no"), "must be true or false"),
    (line(country="DEU"), "two letters"),
    (line(token=""), "'token' is empty"),
    (line(evidence={}), "'evidence' must be a list"),
    (line(evidence=[1]), "evidence 1: an object is wanted"),
    (evidence_line(carrier="robots.txt"), "evidence 1: says neither 'access' nor 'body'"),
    (evidence_line(carrier="robots", body=""), "'robots' is no carrier; known are robots.txt"),
    (evidence_line(body=""), "'carrier' is missing"),
    (evidence_line(carrier="body", access="ok"), "'ok' is no access; known are obtained"),
    (evidence_line(carrier="body", body="", body_base64=""), "both given"),
    (evidence_line(carrier="body", body_base64="a"), "not base64"),
    (evidence_line(carrier="body", body_base64="é"), "not base64"),
    (evidence_line(carrier="body", body_base64="YQ==\nYQ=="), "not base64"),
    (evidence_line(carrier="body", body="\udcff"), "surrogate"),
    (evidence_line(carrier="body", body=None), "'body' must be a string"),
    (evidence_line(carrier="body", access="unavailable", body="x"), "without a body"),
    (evidence_line(carrier="body", body="", at="2026-11-22T10:00:00"), "offset from UTC"),
    (evidence_line(carrier="body", body="", at="yesterday"), "offset from UTC"),
    (json.dumps({"url": "https://example.org/i.jpg", "embedder": "https://example.org/", "evidence": [
        {"carrier": "body", "uri": "https://example.org/", "body": ""}]}), "is of the page around the item; say 'embedding-page'"),
    (evidence_line(carrier="body", body="", at="0001-01-01T00:00:00+14:00"), "offset from UTC"),
    (evidence_line(carrier="body", body="", status="200"), "three digits"),
    (evidence_line(carrier="body", body="", status=True), "three digits"),
    (evidence_line(carrier="body", body="", sha256=""), "'sha256' is not known here"),
    (line(url="urn:isbn:1", evidence=[{"carrier": "robots.txt", "body": ""}]), "'uri' is missing"),
    (evidence_line(carrier="rsl", body=""), "evidence 1: 'uri' is missing; which document is this rsl?"),
    ('{"url": NaN}', "not JSON: NaN"),
    ("[" * 100_000, "nested too deeply"),
    ('{"url": ' + "9" * 5_000 + "}", "a number is too long"),
    (b"\xff\xfe{\x00}\x00", "not UTF-8 at byte 0"),
    ('\x00', "not JSON"),
])
def test_a_bad_line_is_told_in_words(text, says):
    assert says in error_of(text)


def test_a_mark_at_the_beginning_of_the_stream_is_no_error():
    assert run(b"\xef\xbb\xbf" + line().encode()).exit_code == 0


@settings(max_examples=100)
@given(st.one_of(st.binary(max_size=200), st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=8) | st.sampled_from([URL, "robots.txt", "obtained"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from([*assess_input.LINE_KEYS, *assess_input.EVIDENCE_KEYS, "x"]), inner, max_size=6)).map(
            lambda value: json.dumps(value).encode())))
def test_any_line_gets_an_answer_that_is_json_in_utf_8(text):
    [(said, good)] = answer(7, text.replace(b"\n", b" "), (policies.load("eu-dsm-art4"),), Asker("OurBot"))
    value = json.loads(said.encode("utf-8"))
    assert ("error" not in value) is good
    if not good:
        assert value["error"]["line"] == 7
        assert "mistake in maymine" not in value["error"]["message"]


def test_parse_line_raises_nothing_but_its_own():
    with pytest.raises(InputError):
        parse_line(b"{" * 10, Asker("x"))


# ---- streams

def test_a_line_that_is_too_long_is_skipped_and_the_next_is_read(monkeypatch):
    monkeypatch.setattr(assess_input, "LINE_BYTES", 2_000)
    long = line(evidence=[{"carrier": "body", "body": "x" * 3_000_000}])
    fits = line(evidence=[{"carrier": "body", "body": ""}])
    exact = fits + " " * (2_000 - len(fits))
    done = run("\n".join([fits, long, exact, exact + " ", fits]))
    said = [json.loads(text) for text in done.stdout.splitlines()]
    assert [s.get("error", {}).get("line") for s in said] == [None, 2, None, 4, None]
    assert "it was skipped" in said[1]["error"]["message"]


@pytest.mark.slow
def test_a_real_line_of_more_than_the_limit_needs_no_more_memory_than_the_limit():
    code = ("import resource, sys; sys.argv = ['maymine', 'assess']\n"
            "resource.setrlimit(resource.RLIMIT_AS, (900 << 20,) * 2)\n"
            "from crawler.cli import main; main()")
    child = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT)
    for _ in range(400):
        child.stdin.write(b"x" * (1 << 20))
    child.stdin.write(b"\n" + line().encode())
    out, _ = child.communicate(timeout=RUNAWAY_S)
    first, second = map(json.loads, out.splitlines())
    assert first["error"]["line"] == 1
    assert second["asset"]["url"] == URL
    assert child.returncode == 3


def test_a_partner_gets_each_answer_before_it_asks_again():
    child = subprocess.Popen([*COMMAND, "--policy", "strictest", "--policy", "eu-dsm-art4"], stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE, cwd=ROOT)
    with child:
        for n in range(3):
            child.stdin.write(line(f"https://example.org/{n}").encode() + b"\n")
            child.stdin.flush()
            for policy in ("strictest", "eu-dsm-art4"):
                said = json.loads(child.stdout.readline())
                assert (said["asset"]["url"], said["policy"]["id"].split("@")[0]) == (f"https://example.org/{n}", policy)
        child.stdin.close()
        assert child.stdout.read() == b""
        assert child.wait(RUNAWAY_S) == 0


def test_nobody_reads_any_more(tmp_path):
    file = tmp_path / "many.jsonl"
    file.write_text((line() + "\n") * 2_000, "utf-8")
    done = subprocess.run(["bash", "-c", f"set -o pipefail; {' '.join(COMMAND)} <'{file}' | head -n 1"], cwd=ROOT, capture_output=True,
                          timeout=RUNAWAY_S)
    assert done.stdout.count(b"\n") == 1
    assert b"Traceback" not in done.stderr
