"""What has to be published about a run: the numbers against another reader, ties and rounding, every form, and bad input."""
from __future__ import annotations

import json
import random
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner

from crawler.cli import main
from crawler.items import AssessedPage, CollectedPage
from crawler.ledger import crawled, kinds
from crawler.ledger.crawled import Sum, listed, most
from crawler.ledger.domains import registrable
from crawler.report.page import embedded
from crawler.run import Run
from rules import Access, Asker, Asset, Carrier, Evidence, policies
from rules.strict_yaml import DataError
from tests.archives import Maker
from tests.runs import rewrite
from tests.test_run import POLICIES, assessed

AT = datetime(2026, 11, 22, 10, tzinfo=UTC)
SUFFIXES = ("example", "co.uk", "github.io", "or.jp")
MEDIA = ("text/html", "image/png", "")
ROBOTS = b"User-agent: *\nContent-Signal: ai-train=no\n"


def page(url: str, size: int | None, media: str = "text/html", robots: bytes = b"") -> AssessedPage:
    site = Evidence(Carrier.ROBOTS_TXT, url, AT, Access.OBTAINED, robots, 200)
    fields = Evidence(Carrier.HTTP_FIELDS, url, AT, Access.OBTAINED, b"HTTP/1.1 200 OK\r\n", 200)
    body = Evidence(Carrier.BODY, url, AT, Access.UNREACHABLE, status=503, detail="status 503") if size is None else \
        Evidence(Carrier.BODY, url, AT, Access.OBTAINED, b"x" * size, 200)
    return assessed(CollectedPage(url, Asset(url, media), (site, fields, body)))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Some 90 domains on some 200 hosts, with many equal sizes, failures, and reservations."""
    folder, dice = tmp_path_factory.mktemp("runs") / "run", random.Random(7)
    with Run.open(folder, POLICIES, Asker("OurBot"), "none") as out:
        for n in range(900):
            host = f"{dice.choice(('', 'www.', 'a.b.'))}d{dice.randrange(23)}.{dice.choice(SUFFIXES)}"
            size = dice.choice((None, 0, 10, 10, 20, dice.randrange(300)))
            out.write(page(f"https://{host}/{n}", size, dice.choice(MEDIA), dice.choice((b"", ROBOTS))))
    return folder


def summary(*args: object, code: int = 0) -> str:
    result = CliRunner().invoke(main, ["summary", *map(str, args)])
    assert result.exit_code == code, result.output
    return result.output


def data(*args: object) -> dict:
    return json.loads(summary(*args, "--for", "eu", "--format", "json"))


SQL = """
    WITH items AS (
        SELECT regexp_extract(host, '([^.]+\\.(example|co\\.uk|github\\.io|or\\.jp))$', 1) AS domain, size_bytes,
               list_filter(decisions, lambda d: d.use = 'train-genai')[1].verdict = 'permitted' AS kept
        FROM read_parquet($records)
        WHERE policy.id = $policy AND size_bytes IS NOT NULL AND (NOT $after OR kept) AND ($media = '*' OR asset.media_type = $media)),
    domains AS (SELECT domain, sum(size_bytes) AS bytes, count(*) AS items FROM items GROUP BY domain)
    SELECT domain, bytes, items FROM domains ORDER BY bytes DESC, domain LIMIT (SELECT CAST(ceil($share * count(*)) AS BIGINT) FROM domains)
"""


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("share", [0.1, 0.05])
@pytest.mark.parametrize("media", ["*", "image/png"])
def test_the_list_is_what_duckdb_makes_of_the_same_records(run: Path, after: bool, share: float, media: str) -> None:
    wanted = duckdb.connect().execute(SQL, {"records": str(run / "records" / "*.parquet"), "policy": POLICIES[0].id, "after": after, "share": share,
                                  "media": media}).fetchall()
    made = data(run, "--count", "kept" if after else "collected", *(["--sme"] if share < .1 else []))["domains"]
    found = made["listed"] if media == "*" else made["by_modality"]["image"]
    bytes_, items = ("kept_bytes", "kept_items") if after else ("bytes", "items")
    assert [(d["domain"], d[bytes_], d[items]) for d in found] == wanted
    assert len(wanted) > 2


def test_sums_are_those_of_the_records(run: Path) -> None:
    made = data(run)
    total, items, came = duckdb.connect().execute("SELECT sum(size_bytes), count(*), count(size_bytes) FROM read_parquet($1) WHERE policy.id = $2",
                                        [str(run / "records" / "*.parquet"), POLICIES[0].id]).fetchone()
    assert (made["items"]["bytes"], made["items"]["asked_for"], made["items"]["with_content"]) == (total, items, came)
    for part in (made["modalities"].values(), made["hosts"], made["kinds"]["parts"]):
        assert sum(one["bytes"] for one in part) == total
        assert sum(one["items"] for one in part) == came
    signals = next(p for p in made["protocols"] if p["protocol"] == "content-signal")
    assert signals["items"] == made["items"]["verdicts"]["prohibited"] > 0
    assert signals["standing"] == ["honoured: the use is prohibited"]
    assert next(p for p in made["protocols"] if p["protocol"] == "licence")["standing"] == ["without effect"]


@pytest.mark.parametrize("domains, tenth, sme", [(0, 0, 0), (1, 1, 1), (9, 1, 1), (10, 1, 1), (11, 2, 1), (20, 2, 1), (21, 3, 2),
                                                 (20_000, 2_000, 1_000), (20_001, 2_001, 1_000), (10 ** 17 + 1, 10 ** 16 + 1, 1_000)])
def test_a_tenth_is_rounded_up(domains: int, tenth: int, sme: int) -> None:
    assert (listed(domains), listed(domains, sme=True)) == (tenth, sme)


def test_of_equals_the_first_by_name_is_listed() -> None:
    sums = {name: Sum(1, 5) for name in ("c", "a", "b")} | {"z": Sum(1, 9)} | {f"y{n}": Sum(1, 1) for n in range(7)}
    assert [name for name, _ in most(sums)] == ["z", "a"]
    assert most(sums | {"kept": Sum(1, 9, 1, 1)}, after=True) == [("kept", Sum(1, 9, 1, 1))]


@pytest.mark.parametrize("host, domain", [
    ("www.a.co.uk", "a.co.uk"), ("a.b.example.org", "example.org"), ("ann.github.io", "ann.github.io"), ("x.ann.github.io", "ann.github.io"),
    ("github.io", "github.io"), ("localhost", "localhost"), ("192.0.2.7", "192.0.2.7"), ("2001:db8::1", "2001:db8::1"), ("A.EXAMPLE.", "a.example"),
    ("www.bücher.de", "xn--bcher-kva.de"), ("www.xn--bcher-kva.de", "xn--bcher-kva.de"), ("", ""), ("co.uk", "co.uk")])
def test_registrable_domains(host: str, domain: str) -> None:
    assert registrable(host) == domain


# ---- kinds of sources

def test_the_longest_entry_says_the_kind() -> None:
    listed = {"org": "others", "news.example.org": "news", "example.org": "shop"}
    assert [kinds.kind_of(host, listed) for host in ("a.news.example.org", "example.org", "a.org", "org.example")] == \
        ["news", "shop", "others", kinds.NOT_LISTED]


def test_shares_add_up() -> None:
    hosts = {f"{n}.{kind}.example": {"text": Sum(1, 1)} for n, kind in enumerate("abc")}
    parts = kinds.composition(hosts, {f"{kind}.example": kind for kind in "abc"})
    assert [(p.kind, kinds.per_cent(p.share_bytes)) for p in parts] == [("a", "33.4 %"), ("b", "33.3 %"), ("c", "33.3 %")]


def test_the_own_list_has_every_domain_once_and_gives_one_its_kind() -> None:
    own = kinds.own()
    assert {"news", "code", "images", "government"} <= set(own.values())
    assert kinds.kind_of("www.motie.go.kr", own) == "government"
    assert not [name for name in own if registrable(name) != name and name.count(".") > 1 and kinds.kind_of(name.partition(".")[2], own) == own[name]]


def test_a_list_of_the_operator_replaces_it(run: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine.csv"
    mine.write_text("domain,kind\nco.uk,news\nd3.example,code\n")
    made = data(run, "--kinds", mine)
    assert made["kinds"]["list"] == "mine.csv"
    assert {p["kind"] for p in made["kinds"]["parts"]} == {"news", "code", "not listed"}
    uk = sum(h["bytes"] for h in made["hosts"] if h["host"].endswith(".co.uk"))
    assert next(p for p in made["kinds"]["parts"] if p["kind"] == "news")["bytes"] == uk


@pytest.mark.parametrize("name, text, wrong", [
    ("a.csv", "domain,kind\na.example,news\nhttps://b.example/,news\n", "a.csv:3: 'https://b.example/' is no domain"),
    ("a.csv", "domain\na.example\n", "a.csv:1: the columns domain and kind are wanted"),
    ("a.csv", "domain,kind\na.example\n", "a.csv:2: two values are wanted"),
    ("a.csv", "domain,kind\na.example,news\na.example,code\n", "a.csv:3: 'a.example' is news above"),
    ("a.csv", "domain,kind\na.example,not listed\n", "a.csv:2: 'not listed' is no name of a kind"),
    ("a.yaml", "news: [a.example]\ncode: [a.example]\n", "a.yaml:2: 'a.example' is news above"),
    ("a.yaml", "news:\n  b: c\n", "a.yaml:2: a single value is wanted here"),
])
def test_a_list_that_is_none_is_refused_with_its_line(run: Path, tmp_path: Path, name: str, text: str, wrong: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(DataError, match=wrong.replace("(", "\\(")):
        kinds.read(tmp_path / name)
    assert wrong.partition(":")[2] in summary(run, "--for", "eu", "--kinds", tmp_path / name, code=2).replace("\n", " ")


# ---- forms


@pytest.mark.slow
def test_every_form_holds_the_same(run: Path, tmp_path: Path) -> None:
    from docx import Document
    made = data(run)
    for form in ("json", "html", "docx"):
        assert summary(run, "--for", "eu", "-o", tmp_path / f"s.{form}") == ""
    assert json.loads((tmp_path / "s.json").read_text("utf-8")) == made
    assert embedded((tmp_path / "s.html").read_text("utf-8")) == made
    word = Document(str(tmp_path / "s.docx"))
    tables = {t.rows[0].cells[0].text: t for t in word.tables if t.rows[0].cells[0].text in ("domain", "protocol")}
    assert [row.cells[0].text for row in tables["protocol"].rows][1:] == [p["protocol"] for p in made["protocols"]]
    text = "\n".join(cell.text for t in word.tables for row in t.rows for cell in row.cells)
    assert made["domains"]["listed"][0]["domain"] in text
    assert "[to be filled in by the provider]" in text
    shown = summary(run, "--for", "eu")
    assert made["domains"]["listed"][0]["domain"] in shown
    assert "11/2026 to 11/2026" in shown


def test_what_strangers_wrote_is_shown_and_not_obeyed(tmp_path: Path) -> None:
    from docx import Document
    folder = tmp_path / "r<b>"
    with Run.open(folder, POLICIES, Asker("OurBot"), "none") as out:
        out.write(page("https://\u202e<script>alert(1)<.example/", 5))
        out.write(page("https://a\x01b.example/", 5))
    for form in ("html", "docx"):
        summary(folder, "--for", "eu", "-o", tmp_path / f"s.{form}")
    html = (tmp_path / "s.html").read_text("utf-8")
    assert "<script>alert" not in html
    assert "\u202e" not in html.partition('<script type="application/json"')[0]
    Document(str(tmp_path / "s.docx"))
    assert "\u202e" not in summary(folder, "--for", "eu")


def test_archives_are_named_and_claim_no_crawler(tmp_path: Path) -> None:
    maker = Maker()
    for n in range(5):
        maker.add(f"https://x{n}.example/", b"<p>text " * (n + 1))
    archive = maker.write(tmp_path / "their.warc.gz")
    assert CliRunner().invoke(main, ["filter", str(archive), "-o", str(tmp_path / "run")]).exit_code in (0, 3)
    made = data(tmp_path / "run")
    assert made["crawlers"] == {"own": False, "token": "maymine", "engine": made["crawlers"]["engine"], "archives": ["their.warc.gz"]}
    assert made["items"]["bytes"] == 8 * 15
    assert "solves no captcha" not in summary(tmp_path / "run", "--for", "eu")


def test_a_run_without_sizes_is_told(tmp_path: Path) -> None:
    """A run of before, whose records have no column of sizes."""
    folder = tmp_path / "run"
    with Run.open(folder, POLICIES, Asker("OurBot"), "none") as out:
        out.write(page("https://a.example/", 5))
    rewrite(folder, lambda rows: rows.drop_columns(["size_bytes"]))
    assert "knows the size of no item" in summary(folder, "--for", "eu", code=3)
    assert crawled.add_up(folder, POLICIES[0].id, "tdm").unmeasured == 1


def test_a_run_that_is_being_written_counts_what_is_finished(tmp_path: Path) -> None:
    with Run.open(tmp_path / "run", POLICIES, Asker("OurBot"), "none") as out:
        out.write(page("https://a.example/", 5))
        made = data(tmp_path / "run")
    assert (made["status"], made["items"]["bytes"]) == ("running", 5)


@pytest.mark.parametrize("words, wrong", [
    (("--policy", "strictest"), "was not decided by 'strictest'"), (("--use", "search"), "does not answer for 'search'"),
    (("-o", "x.pdf"), "ends in none of .html, .docx, .json")])
def test_what_cannot_be_asked_is_told(run: Path, words: tuple[str, ...], wrong: str) -> None:
    assert wrong in " ".join(summary(run, "--for", "eu", *words, code=2).split())


def test_the_policy_chooses_what_is_kept(run: Path) -> None:
    assert data(run, "--policy", "rfc9309-crawl")["use"] == "crawl"
    assert data(run, "--policy", policies.load("eu-dsm-art4").id)["use"] == "train-genai"
