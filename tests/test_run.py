"""A run keeps what it was given: through kills, other people's readers, other policies, and a changed byte."""
from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import textwrap
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from crawler import rerun
from crawler.archive import records, warc
from crawler.items import AssessedPage, CollectedPage
from crawler.recorded import rows
from crawler.rerun import Outcome
from crawler.run import Run, RunError, read_manifest
from rules import Access, Asker, Asset, Carrier, Evidence, Use, explain, find, judge, limits, load_policy, policies, to_record
from rules.policy import Policy
from rules.record import dumps

ROOT = Path(__file__).parents[1]
ASKER = Asker("OurBot")
START = datetime(2026, 11, 22, 10, tzinfo=UTC)
POLICIES = (policies.load("eu-dsm-art4"), policies.load("rfc9309-crawl"))
ROBOTS = b"User-agent: *\nDisallow: /private\n\nUser-agent: GPTBot\nDisallow: /\nContent-Usage: train-ai=n\n"
FIELDS = (b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\ncontent-encoding: gzip\r\nContent-Length: 5\r\n"
          b"X-Robots-Tag: otherbot: noai\r\nX-Robots-Tag: noindex\r\n")


def page(n: int, body: bytes | None = None) -> CollectedPage:
    """Every kind of page in turn: two sites, reservations of several kinds, failures."""
    site, at = f"https://site{n % 2}.example", START + timedelta(seconds=n, microseconds=n)
    url = f"{site}/{'private/' if n % 7 == 0 else ''}{n}?q=é"
    robots = (Evidence(Carrier.ROBOTS_TXT, f"{site}/robots.txt", START, Access.OBTAINED, ROBOTS, 200) if n % 2 else
              Evidence(Carrier.ROBOTS_TXT, f"{site}/robots.txt", START, Access.UNAVAILABLE, status=404, detail="status 404"))
    tdmrep = Evidence(Carrier.TDMREP_JSON, f"{site}/.well-known/tdmrep.json", START, Access.OBTAINED,
                      b'[{"location": "/", "tdm-reservation": 1, "tdm-policy": "https://site.example/p.json"}]', 200)
    if n % 5 == 0:
        down = [Evidence(c, url, at, Access.UNREACHABLE, status=503, detail="status 503") for c in (Carrier.HTTP_FIELDS, Carrier.BODY)]
        return CollectedPage(url, Asset(url), (robots, *down))
    fields = Evidence(Carrier.HTTP_FIELDS, url, at, Access.OBTAINED, FIELDS, 200)
    html = body or b"<html><head><meta name=robots content=noai></head><body>%d\r\n\r\n</body></html>" % n
    access = Access.TRUNCATED if n % 11 == 0 else Access.OBTAINED
    site_files = (robots, tdmrep) if n % 3 == 0 else (robots,)
    return CollectedPage(url, Asset(url, "text/html"), (*site_files, fields, Evidence(Carrier.BODY, url, at, access, html, 200)))


def assessed(collected: CollectedPage, by: tuple[Policy, ...] = POLICIES) -> AssessedPage:
    findings = find(collected.evidence, collected.asset, ASKER)
    return AssessedPage(collected, tuple(judge(collected.asset, ASKER, collected.evidence, findings, p) for p in by))


def make(folder: Path, pages: int = 40, evidence: str = "all", by: tuple[Policy, ...] = POLICIES) -> list[AssessedPage]:
    made = [assessed(page(n), by) for n in range(pages)]
    with Run.open(folder, by, ASKER, evidence) as run:
        assert all(run.write(one) for one in made)
    return made


def texts(made: list[AssessedPage]) -> list[str]:
    return sorted(dumps(to_record(a)) for one in made for a in one.assessments)


def stored(folder: Path, policy: str = "") -> list[str]:
    return sorted(dumps(row.record) for row in rows(folder, policy))


def outcomes(folder: Path) -> Counter[Outcome]:
    return Counter(one.outcome for one in rerun.replay(folder))


def warcs(folder: Path) -> list[Path]:
    return sorted((folder / "evidence").glob("*.warc.gz"))


def check_archives(folder: Path) -> int:
    """Both readers open every file and agree with every digest; the number of records."""
    from fastwarc.warc import ArchiveIterator as FastIterator
    from warcio.archiveiterator import ArchiveIterator
    count = 0
    for file in warcs(folder):
        with file.open("rb") as stream:
            for record in ArchiveIterator(stream, check_digests="raise"):
                record.content_stream().read()
                assert record.digest_checker.passed or record.length == 0, "warcio looks at nothing that is empty"
                count += 1
        with file.open("rb") as stream:
            fast = list(FastIterator(stream, parse_http=False, func_filter=lambda r: r.verify_block_digest()))
            count -= len(fast)
    assert count == 0, "one reader saw more records, or sound ones, than the other"
    return len(fast)


def test_what_goes_in_comes_out(tmp_path: Path) -> None:
    made = make(tmp_path)
    assert stored(tmp_path) == texts(made)


def test_a_row_knows_the_size_of_the_body(tmp_path: Path) -> None:
    made = make(tmp_path)
    sizes = {one.page.requested: len(e.body) if (e := one.page.evidence[-1]).has_bytes else None for one in made}
    assert {row.requested: row.size_bytes for row in rows(tmp_path)} == sizes
    assert {None} < set(sizes.values())
    rerun.decide(tmp_path, policies.load("strictest"))
    assert {row.requested: row.size_bytes for row in rows(tmp_path, "strictest@" + policies.load("strictest").version)} == sizes


def test_a_page_is_in_a_run_once(tmp_path: Path) -> None:
    made = make(tmp_path, 5)
    with Run.open(tmp_path, POLICIES, ASKER) as run:
        assert run.finished() == {one.page.requested for one in made}
        assert not run.write(made[0])
        assert run.write(assessed(page(7)))
        assert not run.write(assessed(page(7)))
    assert len(stored(tmp_path)) == 6 * len(POLICIES)


def test_a_run_can_be_read_while_it_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crawler.run.JOURNAL_BYTES", 20_000)
    made = [assessed(page(n)) for n in range(20)]
    with Run.open(tmp_path, POLICIES, ASKER) as run:
        for n, one in enumerate(made, 1):
            run.write(one)
            assert len(stored(tmp_path)) == n * len(POLICIES)
        assert (tmp_path / "records" / "000001.parquet").exists()
        with pytest.raises(RunError, match="another process"):
            Run.open(tmp_path, POLICIES, ASKER)
    assert stored(tmp_path) == texts(made)
    assert len(read_manifest(tmp_path)["parts"]) > 2


def test_manifest(tmp_path: Path) -> None:
    made = make(tmp_path)
    manifest = json.loads((tmp_path / "manifest.json").read_text("utf-8"))
    assert manifest["status"] == "complete"
    assert datetime.fromisoformat(manifest["started"]) <= datetime.fromisoformat(manifest["ended"])
    assert manifest["asker"]["token"] == "OurBot"
    for policy, entry in zip(POLICIES, manifest["policies"], strict=True):
        assert (entry["id"], entry["digest"], entry["title"]) == (policy.id, policy.digest, policy.title)
        assert load_policy((tmp_path / entry["file"]).read_text("utf-8")).digest == policy.digest
    expected = Counter((a.policy, use.value, d.verdict.value) for one in made for a in one.assessments for use, d in a.decisions.items())
    assert {(p, u, v): n for p, uses in manifest["counts"].items() for u, by in uses.items() for v, n in by.items()} == expected
    assert sum(part["rows"] for part in manifest["parts"]) == len(made) * len(POLICIES)
    for entry in (*manifest["parts"], *manifest["files"]):
        assert warc.digest_of(tmp_path / entry["file"]) == {k: entry[k] for k in ("bytes", "sha256")}


def test_an_interrupted_run_says_so(tmp_path: Path) -> None:
    def break_off() -> None:
        with Run.open(tmp_path, POLICIES, ASKER) as run:
            run.write(assessed(page(1)))
            raise KeyError
    with pytest.raises(KeyError):
        break_off()
    assert read_manifest(tmp_path)["status"] == "interrupted"
    assert len(stored(tmp_path)) == len(POLICIES)


@pytest.mark.parametrize(("policies", "asker", "says"), [
    (POLICIES[:1], ASKER, "was begun with the policies"),
    (POLICIES, Asker("OtherBot"), "another asker"),
])
def test_a_run_is_taken_up_as_it_was_begun(tmp_path: Path, policies: tuple[Policy, ...], asker: Asker, says: str) -> None:
    make(tmp_path, 1)
    with pytest.raises(RunError, match=says):
        Run.open(tmp_path, policies, asker)
    Run.open(tmp_path, POLICIES, ASKER).close()


def test_other_peoples_folders_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.doc").write_text("my only copy")
    with pytest.raises(RunError, match=r"thesis\.doc"):
        Run.open(tmp_path, POLICIES, ASKER)
    assert os.listdir(tmp_path) == ["thesis.doc"]


def test_a_part_that_is_gone_is_told(tmp_path: Path) -> None:
    make(tmp_path)
    part = tmp_path / read_manifest(tmp_path)["parts"][0]["file"]
    part.unlink()
    for use in (lambda: stored(tmp_path), lambda: rerun.decide(tmp_path, policies.load("strictest")), lambda: Run.open(tmp_path, POLICIES, ASKER)):
        with pytest.raises((records.Unreadable, RunError), match=rf"{part.name}.* not there"):
            use()
    assert outcomes(tmp_path)[Outcome.RECORD_DIFFERS] == 1


@pytest.mark.parametrize("planted", ["records/000099.parquet", "journal/000099.jsonl"])
def test_what_was_put_into_a_run_that_is_complete_is_not_of_it(tmp_path: Path, planted: str) -> None:
    run, other = tmp_path / "run", tmp_path / "other"
    made = make(run)
    make(other, 3)
    with Run.open(other, POLICIES, ASKER) as more:
        more.write(assessed(page(7)))
        (run / planted).write_bytes(next((other / planted).parent.iterdir()).read_bytes())
    assert stored(run) == texts(made)
    with pytest.raises(RunError, match=f"{Path(planted).name} is not of this run"):
        Run.open(run, POLICIES, ASKER)
    assert stored(run) == texts(made)
    (run / planted).unlink()
    Run.open(run, POLICIES, ASKER).close()
    assert stored(run) == texts(made)


def test_surrogates_that_stand_alone_do_no_harm(tmp_path: Path) -> None:
    tdmrep = Evidence(Carrier.TDMREP_JSON, "https://a.example/.well-known/tdmrep.json", START, Access.OBTAINED,
                      b'[{"location": "/", "tdm-reservation": 1, "tdm-policy": "https://a.example/\\ud800"}]', detail="\udcff")
    with Run.open(tmp_path, POLICIES, ASKER) as run:
        run.write(assessed(CollectedPage("https://a.example/\udcff", Asset("https://a.example/\udcff"), (tdmrep,))))
    assert len(stored(tmp_path)) == 2
    assert check_archives(tmp_path)


# ---- other people's readers

def test_duckdb_reads_it(tmp_path: Path) -> None:
    import duckdb
    made = make(tmp_path)
    found = duckdb.sql(f"""
        select asset.url, policy.id, d.use, d.verdict, r.rule, findings[r.finding + 1].kind, host, epoch(collected_at)
        from (select *, unnest(decisions) d from '{tmp_path}/records/*.parquet'), unnest(d.reasons) as t(r)""").fetchall()
    expected = [(a.asset.url, a.policy, use.value, d.verdict.value, r.rule, to_record(a)["findings"][r.finding]["kind"])
                for one in made for a in one.assessments for use, d in a.decisions.items() for r in d.reasons]
    assert Counter(row[:6] for row in found) == Counter(expected)
    assert {row[6] for row in found} == {"site0.example", "site1.example"}
    assert max(row[7] for row in found) == max(e.at for one in made for e in one.page.evidence if e.at).timestamp()


def test_pandas_reads_it(tmp_path: Path) -> None:
    import pandas as pd
    made = make(tmp_path)
    frame = pd.read_parquet(tmp_path / "records")
    assert len(frame) == len(made) * len(POLICIES)
    verdicts = Counter(d["verdict"] for decisions in frame.decisions for d in decisions)
    assert verdicts == Counter(d.verdict.value for one in made for a in one.assessments for d in a.decisions.values())
    assert set(frame.asset.str["url"]) == {one.page.asset.url for one in made}


def test_warcio_and_fastwarc_read_it(tmp_path: Path) -> None:
    from fastwarc.warc import ArchiveIterator, WarcRecordType
    made = make(tmp_path)
    assert check_archives(tmp_path) > 0
    with warcs(tmp_path)[0].open("rb") as stream:
        responses = {r.headers["WARC-Target-URI"]: (r.http_headers.status_code, r.http_content_type, r.reader.read())
                     for r in ArchiveIterator(stream, record_types=WarcRecordType.response, auto_decode="all")}
    assert responses == {one.page.asset.url.replace("é", "%C3%A9"): (200, "text/html", one.page.evidence[-1].body)
                         for one in made if one.page.evidence[-1].has_bytes}


def test_a_site_file_is_kept_once(tmp_path: Path) -> None:
    made = make(tmp_path)
    where = {at for row in rows(tmp_path) for e, at in zip(row.record["evidence"], row.locations, strict=True)
             if e["carrier"] == "robots.txt" and at}
    assert len(where) == 1 < len(made)


@pytest.mark.parametrize("fields", [
    FIELDS, b"", b"tdm-reservation: 1", b"tdm-reservation: 1\r\n", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\n\nA: b\n", b"HTTP/1.1 200 OK",
    b"HTTP/1.1 200 OK\r\nX-Crawler-Content-Encoding: br\r\n", b"HTTP/1.1 200 OK\r\n\r\nA: b\r\n", b"\x00\xff\r\r\n", FIELDS + b"\r\n",
])
@pytest.mark.parametrize("body", [b"", b"x", b"\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", bytes(range(256)) * 10])
def test_any_bytes_come_back(tmp_path: Path, fields: bytes, body: bytes) -> None:
    url = "https://a.example/ \x1b\r\nWARC-Type: forged"
    evidence = (Evidence(Carrier.HTTP_FIELDS, url, None, Access.OBTAINED, fields), Evidence(Carrier.BODY, url, None, Access.STALE, body))
    writer = warc.Writer(tmp_path / "evidence", 1, "all")
    at = writer.write(Asset(url, "text/html\r\nforged: 1"), evidence)
    writer.seal()
    assert [warc.read(tmp_path / place.file, place, e.carrier) for e, place in zip(evidence, at, strict=True) if place] == [fields, body]
    check_archives(tmp_path)


def test_a_body_that_could_not_be_read_again_is_not_kept(tmp_path: Path) -> None:
    body = Evidence(Carrier.BODY, "https://a.example/", START, Access.OBTAINED, bytes(limits.MEDIA_BYTES + 1))
    assert warc.Writer(tmp_path / "evidence", 1, "all").write(Asset("https://a.example/"), [body]) == (None,)


# ---- replay

def test_replay_of_what_is_as_it_was(tmp_path: Path) -> None:
    made = make(tmp_path)
    assert outcomes(tmp_path) == {Outcome.SAME: len(made) * len(POLICIES)}


@pytest.mark.parametrize(("keep", "left"), [("site", {"body"}), ("none", {"robots.txt", "tdmrep.json", "http-fields", "body"})])
def test_replay_says_what_was_not_kept(tmp_path: Path, keep: str, left: set[str]) -> None:
    make(tmp_path, evidence=keep)
    told = [one for one in rerun.replay(tmp_path) if one.outcome is not Outcome.SAME]
    assert {word for one in told for word in one.detail.split(", ")} == left
    assert rerun.summary(outcomes(tmp_path)) is Outcome.NOT_KEPT
    if keep == "site":
        check_archives(tmp_path)


@pytest.mark.slow
def test_replay_reports_any_changed_byte_of_the_evidence(tmp_path: Path) -> None:
    make(tmp_path, 6)
    file, rng = warcs(tmp_path)[0], random.Random(4)
    whole = file.read_bytes()
    changed = []
    for place in rng.sample(range(len(whole)), 60):
        file.write_bytes(whole[:place] + bytes([whole[place] ^ 1 << rng.randrange(8)]) + whole[place + 1:])
        found = outcomes(tmp_path)
        assert rerun.summary(found) is Outcome.EVIDENCE_CHANGED
        changed.append(found[Outcome.EVIDENCE_CHANGED])
    assert max(changed) > 1, "the record whose evidence changed is named, not the file alone"
    file.write_bytes(whole)
    assert rerun.summary(outcomes(tmp_path)) is Outcome.SAME
    file.unlink()
    assert rerun.summary(outcomes(tmp_path)) is Outcome.EVIDENCE_CHANGED


def test_replay_reports_evidence_that_was_packed_anew(tmp_path: Path) -> None:
    """Whoever changes a page and packs the archive well again is found out by the digest in the record."""
    import gzip
    made = assessed(page(1, b"<meta name=robots content=noai>"))
    with Run.open(tmp_path, POLICIES, ASKER) as run:
        run.write(made)
    file = warcs(tmp_path)[0]
    at = next(rows(tmp_path)).locations[-1]
    assert at
    content = file.read_bytes()
    file.write_bytes(content[:at.offset_bytes] + gzip.compress(gzip.decompress(content[at.offset_bytes:]).replace(b"content=noai", b"content=none")))
    told = list(rerun.replay(tmp_path))
    assert any(one.of == made.page.requested and "body: digest was sha256:" in one.detail for one in told)


def test_replay_reports_a_changed_record(tmp_path: Path) -> None:
    make(tmp_path, 3)
    part = tmp_path / "records" / "000001.parquet"
    kept = list(records.read(part))
    kept[0].record["decisions"]["tdm"]["verdict"] = "permitted"
    records.write(part, records.table(kept))
    told = [one for one in rerun.replay(tmp_path) if one.outcome is Outcome.RECORD_DIFFERS]
    assert [(one.of, one.detail) for one in told[1:]] == [(kept[0].requested, "differs in decisions")]
    assert told[0].of == "records/000001.parquet"


# ---- decide


@pytest.mark.slow
def test_deciding_from_findings_is_deciding_from_bytes(tmp_path: Path) -> None:
    shipped = tuple(map(policies.load, ("eu-dsm-art4", "gb-29a", "kr-permission-first", "rfc9309-crawl", "strictest")))
    for base in shipped[:4]:
        folder = tmp_path / base.name
        made = make(folder, 25, "none", (base,))
        for policy in shipped:
            if policy is not base:
                rerun.decide(folder, policy)
            assert stored(folder, policy.id) == texts([assessed(one.page, (policy,)) for one in made])
        assert len(read_manifest(folder)["policies"]) == len(shipped)


@pytest.mark.slow
def test_decide_joins_the_run_once(tmp_path: Path) -> None:
    strict = policies.load("strictest")
    made = make(tmp_path)
    counts = rerun.decide(tmp_path, strict)
    assert read_manifest(tmp_path)["counts"][strict.id] == counts
    assert outcomes(tmp_path) == {Outcome.SAME: len(made) * 3}
    with pytest.raises(RunError, match="--again"):
        rerun.decide(tmp_path, strict)
    assert rerun.decide(tmp_path, strict, again=True) == counts
    with pytest.raises(RunError, match="stay as they are"):
        rerun.decide(tmp_path, POLICIES[0], again=True)
    assert len(stored(tmp_path)) == len(made) * 3
    with Run.open(tmp_path, POLICIES, ASKER) as run:
        assert len(run.finished()) == len(made)


def test_decide_into_another_place(tmp_path: Path) -> None:
    strict, run, out = policies.load("strictest"), tmp_path / "run", tmp_path / "what-if"
    made = make(run)
    before = {p: p.read_bytes() for p in run.rglob("*") if p.is_file()}
    rerun.decide(run, strict, out)
    assert {p: p.read_bytes() for p in run.rglob("*") if p.is_file()} == before
    assert stored(out) == texts([assessed(one.page, (strict,)) for one in made])
    assert outcomes(out) == {Outcome.SAME: len(made)}
    with pytest.raises(RunError, match="was begun with"):
        Run.open(out, POLICIES, ASKER)


def test_a_decide_that_was_killed_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    strict = policies.load("strictest")
    made = make(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr("crawler.run.write_manifest", lambda *_: (_ for _ in ()).throw(OSError("killed")))
        with pytest.raises(OSError, match="killed"):
            rerun.decide(tmp_path, strict)
    assert stored(tmp_path) == texts(made)
    rerun.decide(tmp_path, strict)
    assert len(stored(tmp_path)) == 3 * len(made)


# ---- explain

def test_a_record_is_explained_by_the_policy_as_it_was(tmp_path: Path) -> None:
    make(tmp_path, 12)
    told = rerun.about(tmp_path, page(3).requested)
    assert [policy.id for _, _, policy in told] == [p.id for p in POLICIES]
    tdm = next(e for e in explain(told[0][1], told[0][2]) if e.use is Use.TDM)
    assert tdm.verdict == "prohibited"
    assert any("tdmrep" in sentence for sentence in tdm.because)
    assert tdm.citations == ("Directive (EU) 2019/790, Article 4(3)",)
    assert rerun.about(tmp_path, "https://nowhere.example/") == []


def test_a_policy_that_was_changed_explains_nothing(tmp_path: Path) -> None:
    make(tmp_path, 2)
    copy = tmp_path / read_manifest(tmp_path)["policies"][0]["file"]
    copy.write_text(copy.read_text("utf-8").replace("then: prohibit", "then: hold"), "utf-8")
    with pytest.raises(RunError, match="digest"):
        rerun.about(tmp_path, page(1).requested)
    assert rerun.summary(outcomes(tmp_path)) is Outcome.NOT_KEPT


# ---- kill -9

CHILD = textwrap.dedent("""
    import sys
    from tests import test_run as t
    import crawler.run as r
    r.JOURNAL_BYTES = 30_000
    run = r.Run.open(sys.argv[1], t.POLICIES, t.ASKER)
    had = set(run.finished())
    for n in range(int(sys.argv[2])):
        one = t.page(n)
        if one.requested not in had:
            run.write(t.assessed(one))
            print(one.requested, flush=True)
    run.close()
""")


def killed(folder: Path, pages: int, after: int, acknowledged: set[str]) -> bool:
    """Write in a child and kill it some moment after so many pages; whether it had come to its end."""
    command = [sys.executable, "-c", CHILD, str(folder), str(pages)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONIOENCODING": "utf-8"}) as child:
        assert child.stdout
        lines = [child.stdout.readline() for _ in range(after)]
        time.sleep(random.uniform(0, 0.02))
        os.kill(child.pid, signal.SIGKILL)
        acknowledged.update(line.strip() for line in [*lines, *child.stdout.readlines()] if line.endswith("\n"))
        return child.wait() == 0


def check_killed_run(folder: Path, pages: int, acknowledged: set[str]) -> None:
    Run.open(folder, POLICIES, ASKER).close(complete=False)
    per_page = Counter(row.requested for row in rows(folder))
    assert acknowledged <= per_page.keys(), "lost"
    assert set(per_page.values()) <= {len(POLICIES)}, "twice"
    check_archives(folder)
    assert rerun.summary(outcomes(folder)) is Outcome.SAME
    assert not list(folder.rglob("*.new")) + list(folder.rglob("*.jsonl"))


@pytest.mark.slow
def test_kill_9_and_go_on(tmp_path: Path) -> None:
    acknowledged: set[str] = set()
    killed(tmp_path, 500, 50, acknowledged)
    assert acknowledged
    check_killed_run(tmp_path, 500, acknowledged)


@pytest.mark.slow
def test_kill_9_again_and_again(tmp_path: Path) -> None:
    """500 pages, killed wherever it was, until all are there; the files are looked at after every kill."""
    acknowledged = set[str]()
    rounds = 0
    while not killed(tmp_path, 500, random.randrange(1, 120), acknowledged):
        rounds += 1
        check_killed_run(tmp_path, 500, acknowledged)
    assert rounds > 2
    assert stored(tmp_path) == texts([assessed(page(n)) for n in range(500)])


@pytest.mark.parametrize("left", range(0, 400, 7))
def test_a_cut_archive_is_mended_at_every_place(tmp_path: Path, left: int) -> None:
    writer = warc.Writer(tmp_path / "evidence", 1, "all")
    writer.write(page(1).asset, page(1).evidence)
    writer.seal()
    file = warcs(tmp_path)[0]
    whole = file.read_bytes()
    at = min(left * len(whole) // 400, len(whole) - 1)
    file.write_bytes(whole[:at])
    warc.mend(file)
    kept = file.read_bytes()
    assert whole.startswith(kept)
    if kept:
        check_archives(tmp_path)
    file.write_bytes(whole)
    assert warc.mend(file) == warc.digest_of(file)
    assert file.read_bytes() == whole


def test_a_journal_cut_at_any_byte_loses_only_what_was_not_finished(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    run = Run.open(folder, POLICIES, ASKER, "none")
    for n in range(3):
        run.write(assessed(page(n)))
    journal = next((folder / "journal").iterdir())
    whole = journal.read_bytes()
    for at in [*range(0, len(whole), 997), len(whole)]:
        journal.write_bytes(whole[:at])
        assert len(list(rows(folder))) == whole[:at].count(b"\n") * len(POLICIES)
    run.close()
