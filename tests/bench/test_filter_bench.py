"""What filtering costs beside reading alone, and beside what one would assemble otherwise. CPU time, in one run."""
from __future__ import annotations

import resource
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fastwarc.warc import ArchiveIterator, WarcRecordType

from crawler.archive import inputs, sites
from crawler.filtering import Finished, Job, Task, Worker, collect
from crawler.run import text_of
from rules import Asker, policies
from rules.agents import agents
from tests.bench import corpus

pytestmark = [pytest.mark.bench, pytest.mark.timeout(1_800)]

POLICIES = [policies.load(name) for name in ("eu-dsm-art4", "rfc9309-crawl", "strictest")]
ROUNDS, OTHERS_PAGES = 5, 40
RATIO, STRETCH = 60.0, 30.0      # (b) to (a) at most; (d) to (b) at least is a tenth of what is wanted


class Filter:
    """Filters one file again and again in this process."""

    def __init__(self, folder: Path, exact: bool):
        made = corpus.folder()
        folder.mkdir()
        sites.write(folder / "sites.parquet", collect(inputs.expand([str(made / "robots.warc.gz")]))[0])
        texts = tuple((text_of(p), p.file) for p in POLICIES)
        self._worker = Worker(Task(texts, Asker("maymine"), str(folder), (str(folder / "sites.parquet"),), exact=exact))
        self._number = 0

    def __call__(self, file: Path) -> Finished:
        self._number += 1
        return self._worker.filter(Job(self._number, str(file), file.stat().st_size, file.name), lambda at, pages: None)


def read(file: Path) -> tuple[int, int]:
    """(a): pages and bytes."""
    pages = held = 0
    for record in ArchiveIterator(str(file), record_types=WarcRecordType.response, parse_http=True, quirks_mode=True, fsspec_args=False):
        held += len(record.reader.read())
        pages += 1
    return pages, held


def others(file: Path, most: int) -> int:
    """(d): warcio, Protego for every AI crawler, datadiligence where it can be had, extruct; no reasons, no records."""
    from extruct import extract
    from protego import Protego
    from warcio.archiveiterator import ArchiveIterator as Records
    try:
        from datadiligence.evaluators import HttpEvaluator  # type: ignore[import-not-found]
        evaluator: Any = HttpEvaluator(user_agent="maymine")
    except ImportError:
        evaluator = None
    robots = {host: Protego.parse(body.decode("utf-8", "replace")) for host, body in corpus.robots()}
    tokens = [agent.token for agent in agents().values()]
    pages = 0
    with file.open("rb") as stream:
        for record in Records(stream):
            if record.rec_type != "response":
                continue
            url, body = record.rec_headers.get_header("WARC-Target-URI"), record.content_stream().read()
            for token in tokens:
                robots[url.split("/")[2]].can_fetch(url, token)
            if evaluator is not None:
                evaluator.is_allowed(headers=dict(record.http_headers.headers))
            extract(body, base_url=url, errors="ignore")
            pages += 1
            if pages == most:
                break
    return pages


def cpu_s(work: Callable[[], Any]) -> tuple[float, Any]:
    start = time.process_time()
    out = work()
    return time.process_time() - start, out


def records_of(folder: Path, made: Finished) -> list[dict[str, Any]]:
    paths = [Path(source) for source, _ in made.moves]
    return pa.concat_tables([pq.read_table(path) for path in paths]).to_pylist()


@pytest.mark.filterwarnings("default")      # of extruct's own readers
def test_filtering_against_reading_and_against_others(tmp_path, capsys):
    sample = corpus.folder() / "sample.warc.gz"
    fast, exact = Filter(tmp_path / "fast", False), Filter(tmp_path / "exact", True)
    fast(sample)                                                     # compiles its scan, proves its policies
    rounds = [(cpu_s(lambda: read(sample)), cpu_s(lambda: fast(sample))) for _ in range(ROUNDS)]
    (pages, held), made = rounds[-1][0][1], rounds[-1][1][1]
    bare, filtering = (median(r[n][0] for r in rounds) / pages for n in (0, 1))
    slow_s, slow_made = cpu_s(lambda: exact(sample))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        others_s, done = cpu_s(lambda: others(sample, OTHERS_PAGES))
    slow, theirs = slow_s / pages, others_s / done
    with capsys.disabled():
        print(f"\n{pages} pages of {held / pages / 1000:.0f} KB, three policies, one core\n"
              f"{'':38}{'us/page':>10}{'records/s':>12}{'MB/s':>8}{'ratio':>8}")
        for name, s in (("(a) FastWARC, fields parsed, body read", bare), ("(b) maymine filter", filtering),
                        ("(c) maymine filter --exact", slow), ("(d) warcio + Protego + extruct", theirs)):
            print(f"{name:38}{s * 1e6:>10,.0f}{1 / s:>12,.0f}{held / pages / s / 1e6:>8,.1f}{s / bare:>8.2f}")
        print(f"(d)/(b) {theirs / filtering:.1f}; {sum(p['bytes'] for p in made.parts) / sum(p['rows'] for p in made.parts):.0f} bytes a record")
    assert records_of(tmp_path / "fast", made) == records_of(tmp_path / "exact", slow_made)
    assert filtering < RATIO * bare
    assert theirs > STRETCH / 10 * filtering


def test_memory_does_not_grow_with_the_archive(tmp_path, capsys):
    """Ten times as many pages, of the same sort."""
    fast = Filter(tmp_path / "fast", False)
    fast(corpus.folder() / "sample.warc.gz")
    small = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    fast(corpus.folder() / "pages.warc.gz")
    large = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with capsys.disabled():
        print(f"\nmemory: {small / 1024:.0f} MB after {corpus.SAMPLE} pages, {large / 1024:.0f} MB after {corpus.PAGES}")
    assert large < 1.5 * small
