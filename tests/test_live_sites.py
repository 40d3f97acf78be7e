"""What sites say now, for pages that were captured before: asked politely, kept as copies, used by `filter --as-of now`."""
from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from crawler.archive import sites
from crawler.live_sites import copies
from crawler.recorded import rows
from rules import Access, Carrier, Evidence
from tests.archives import AT, Maker
from tests.test_filter import run
from tests.webserver import Web, free_port

ROBOTS = "https://x.example/robots.txt"


def maymine(*words: object, given: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "crawler.cli", *map(str, words)], capture_output=True, text=True, input=given, check=False,
                          cwd=Path(__file__).parents[1])


@pytest.mark.parametrize("evidence, made", [
    (Evidence(Carrier.ROBOTS_TXT, ROBOTS, AT, Access.OBTAINED, b"words", 200), [(ROBOTS, Access.OBTAINED, 200, b"words", "")]),
    (Evidence(Carrier.ROBOTS_TXT, ROBOTS, AT, Access.OBTAINED, b"words", 200, "https://www.x.example/robots.txt"),
     [(ROBOTS, Access.UNREACHABLE, 302, b"", "https://www.x.example/robots.txt"),
      ("https://www.x.example/robots.txt", Access.OBTAINED, 200, b"words", "")]),
    (Evidence(Carrier.ROBOTS_TXT, ROBOTS, AT, Access.UNREACHABLE, status=503), [(ROBOTS, Access.UNREACHABLE, 503, b"", "")]),
    (Evidence(Carrier.ROBOTS_TXT, ROBOTS, None, Access.NOT_COLLECTED), []),
    (Evidence(Carrier.BODY, ROBOTS, AT, Access.OBTAINED, b"words", 200), []),
])
def test_evidence_of_a_crawl_as_copies(evidence, made):
    assert [(c.uri, c.access, c.status, c.body, c.leads_to) for c in copies(evidence)] == made


def test_copies_give_back_the_evidence_that_they_were_made_of():
    e = Evidence(Carrier.ROBOTS_TXT, ROBOTS, AT, Access.OBTAINED, b"words", 200, "https://www.x.example/robots.txt")
    assert sites.Copies(copies(e)).of("https://x.example/a", AT + timedelta(hours=1))[0][0] == e


@pytest.mark.slow
def test_yesterdays_crawl_by_todays_words(tmp_path):
    nobody = f"http://127.0.0.1:{free_port()}"
    with Web() as web, Web() as other:
        web.put("/robots.txt", "User-agent: *\nDisallow: /closed\n", type="text/plain")
        web.put("/.well-known/tdmrep.json", '[{"location": "/reserved/*", "tdm-reservation": 1}]', type="application/json")
        other.put("/robots.txt", status=301, fields=[("Location", f"{web.url}/robots.txt")])
        pages = [f"{web.url}/open", f"{web.url}/closed", f"{web.url}/reserved/a", f"{other.url}/closed", f"{nobody}/a"]
        done = maymine("sites", "--live", "-", "--allow-private", "-o", tmp_path / "today.parquet", given="\n".join(pages * 3))
        assert done.returncode == 0, done.stderr
        assert not {"/open", "/closed", "/reserved/a"} & set(web.requests)
    maker = Maker().add(f"{web.url}/robots.txt", b"User-agent: *\nDisallow:\n", [("Content-Type", "text/plain")])
    for url in pages:
        maker.add(url, b"<p>words")
    given = maker.write(tmp_path / "old.warc.gz")
    now = max(c.at for c in sites.read(tmp_path / "today.parquet"))
    verdicts = {}
    today = ("--sites", tmp_path / "today.parquet", "--as-of", (now + timedelta(minutes=1)).isoformat())
    for name, more in (("then", ()), ("now", today), ("both", ("--sites", tmp_path / "today.parquet", "--sites", "inputs"))):
        code, out = run(given, "-o", tmp_path / name, *more)
        assert code == 0, out
        verdicts[name] = {row.requested.partition("127.0.0.1:")[2]: row.record["decisions"]["tdm"]["verdict"]
                          for row in rows(tmp_path / name) if not row.requested.endswith("robots.txt")}
    assert list(verdicts["now"].values()) == ["permitted", "prohibited", "prohibited", "prohibited", "undetermined"]
    assert list(verdicts["then"].values()) == [*["permitted"] * 3, *["undetermined"] * 2]
    assert list(verdicts["both"].values()) == ["undetermined", "undetermined", "prohibited", "undetermined", "undetermined"]     # by a stale file


@pytest.mark.slow
@pytest.mark.parametrize("words, given, told", [(("--live", "-"), "nothing\n", "no web address"), (("--live", "no-such-file.csv"), None, "no-such-file.csv"),
                                                ((), None, "Of which sites?")])
def test_what_is_no_command(words, given, told, tmp_path):
    done = maymine("sites", *words, "-o", tmp_path / "s.parquet", given=given)
    assert (done.returncode, told in done.stderr) == (2, True), done.stderr
    assert not (tmp_path / "s.parquet").exists()
