"""What filtering costs beside reading alone, and beside what one would assemble otherwise: CPU time of one process, in one run.

    python -m tests.bench.filter_table              the table, over the whole corpus
    python -m tests.bench.filter_table identical    whether the fast way and --exact write the same records, there and on mutated pages
    python -m tests.bench.filter_table memory       the most memory that ten copies of the corpus take, beside one
    python -m tests.bench.filter_table profile      where the time of the fast way goes
"""
from __future__ import annotations

import cProfile
import hashlib
import io
import pstats
import random
import resource
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from fastwarc.warc import ArchiveIterator, WarcRecordType

from crawler.archive import inputs, members, payload, sites
from crawler.filtering import Finished, Job, Task, Worker, collect
from crawler.run import text_of
from rules import Asker, html_work, policies, prefilter
from rules.agents import agents
from rules.signals import prose
from tests.archives import Writer
from tests.bench import corpus

POLICIES = [policies.load(name) for name in ("eu-dsm-art4", "rfc9309-crawl", "strictest")]
ROUNDS, OTHERS_PAGES, MUTATED, COPIES = 5, 40, 10_000, 10
NAMES = ("(a) FastWARC, fields parsed, body read", "(b) maymine filter", "(c) maymine filter --exact",
         "(d) warcio + Protego + datadiligence + extruct", "(e) of (b): unpacking, SHA-256, walk, words")


class Filter:
    """Filters one file again and again in this process."""

    def __init__(self, folder: Path, exact: bool):
        made = corpus.folder()
        folder.mkdir(parents=True)
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


def steps(file: Path) -> int:
    """(e): the compiled steps that (b) cannot do without, one after another; pages. Only where all is compiled."""
    pages = 0
    with file.open("rb") as stream:
        for whole in members.Members(stream, 0, b"", False):
            _, body_at = payload.head_of(whole.content, whole.block_at, whole.block_end)
            body = bytes(memoryview(whole.content)[body_at:whole.block_end])
            hashlib.sha256(body).hexdigest()
            prose.SCAN.places(html_work.survey(body).shown)
            prefilter._scan_loose().held(body)
            pages += 1
    return pages


def others(file: Path, first: int, most: int) -> int:
    """(d) on some pages: warcio, Protego for every AI crawler, datadiligence where it can be had, extruct; no reasons, no records."""
    from extruct import extract
    from protego import Protego
    from warcio.archiveiterator import ArchiveIterator as Records
    try:
        from datadiligence.evaluators import HttpEvaluator  # type: ignore[import-not-found]  # it may not be there
        evaluator: Any = HttpEvaluator(user_agent="maymine")
    except ImportError:
        evaluator = None
    robots = {host: Protego.parse(body.decode("utf-8", "replace")) for host, body in corpus.robots()}
    tokens = [agent.token for agent in agents().values()]
    pages = -first
    with file.open("rb") as stream:
        for record in Records(stream):
            if record.rec_type != "response":
                continue
            pages += 1
            if pages <= 0:
                continue
            url, body = record.rec_headers.get_header("WARC-Target-URI"), record.content_stream().read()
            for token in tokens:
                robots[url.split("/")[2]].can_fetch(url, token)
            if evaluator is not None:
                evaluator.is_allowed(headers=dict(record.http_headers.headers))
            extract(body, base_url=url, errors="ignore")
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


def measured(file: Path, folder: Path, rounds: int = ROUNDS, others_pages: int = OTHERS_PAGES) -> tuple[list[float], int, int]:
    """Seconds a page of (a) to (e), medians of interleaved rounds; pages and bytes. (c) reads the sample alone, (d) other pages in
    each round."""
    fast, exact = Filter(folder / "fast", False), Filter(folder / "exact", True)
    sample = corpus.folder() / "sample.warc.gz"
    fast(sample)                     # compiles its scans, proves its policies
    exact(sample)
    seconds: list[list[float]] = [[] for _ in NAMES]
    each = others_pages // rounds
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")              # of extruct's own readers
        others(sample, 0, 1)
        for n in range(rounds):
            s, (pages, held) = cpu_s(lambda: read(file))
            seconds[0].append(s / pages)
            seconds[1].append(cpu_s(lambda: fast(file))[0] / pages)
            seconds[2].append(cpu_s(lambda: exact(sample))[0] / corpus.SAMPLE)
            seconds[3].append(cpu_s(partial(others, file, n * each, each))[0] / each)
            seconds[4].append(cpu_s(lambda: steps(file))[0] / pages)
    return list(map(median, seconds)), pages, held


def table(medians: list[float], pages: int, held: int, others_pages: int = OTHERS_PAGES) -> Iterator[str]:
    yield f"{pages} pages of {held / pages / 1000:.0f} KB, three policies, one core; (c) on {corpus.SAMPLE}, (d) on {others_pages} of them"
    yield f"{'':48}{'us/page':>10}{'records/s':>12}{'MB/s':>8}{'ratio':>9}"
    for name, s in zip(NAMES, medians, strict=True):
        yield f"{name:48}{s * 1e6:>10,.0f}{1 / s:>12,.0f}{held / pages / s / 1e6:>8,.1f}{s / medians[0]:>9.2f}"
    yield f"(d)/(b) {medians[3] / medians[1]:.1f}; hyperscan {'no' if prefilter._scan().portable else 'yes'}, compiled walk " \
          f"{'yes' if prefilter.compiled else 'no'}"


# ---- the same answers

PIECES = (b"<meta name=robots content=noai>", b"<link rel=license href=https://creativecommons.org/licenses/by/4.0/>", b"<!--", b"-->", b"<script>",
          b"</script>", b"<title>", b"<textarea>", b"<select>", b"</select>", b"<svg>", b"</svg>", b"<b>", b"<p>", b"</p>", b"<table>", b"<html about=/x>",
          b'<script type="application/ld+json">{"license":"https://creativecommons.org/licenses/by-nc/4.0/"}</script>', b"<base href=/b/>", b"</head>",
          b"<p>No part of this site may be used for text and data mining or to train AI.</p>", b"<frameset>", b"<plaintext>", b"<template>", b"<math>",
          b'<link rel=license type="application/rsl+xml" href=/r.xml>', b'<span itemscope><a itemprop=license href=/l></a></span>', b"'", b'"', b"<", b">",
          b"&#105;", b"&#x2d;", b"\\u0065", b"\xc2\xad", b"\xe2\x80\x8b", b"\0", b"\xff", b'<meta charset="windows-1251">', b'"copyrightNotice": "', b"<br>")
SPELLINGS: tuple[Callable[[bytes], bytes], ...] = (
    *[lambda b: b] * 12, bytes.upper, bytes.swapcase, lambda b: b"\xef\xbb\xbf" + b, lambda b: b.decode("utf-8", "replace").encode("utf-16"),
    lambda b: b"<?xml version='1.0'?>" + b, lambda b: b.replace(b" ", b"\n"))


def mutated(target: Path, number: int) -> None:
    """An archive of mutations of pages of the corpus: their starts and a stretch of them, with pieces put in and taken out."""
    dice, bodies = random.Random(number), list[bytes]()
    for record in ArchiveIterator(str(corpus.folder() / "sample.warc.gz"), record_types=WarcRecordType.response, quirks_mode=True, fsspec_args=False):
        bodies.append(record.reader.read())
    words = [*PIECES, *(word for word in prefilter._words() if isinstance(word, bytes))]
    with target.open("wb") as out:
        writer = Writer(out, gzip=True)
        for n in range(number):
            whole = dice.choice(bodies)
            at = dice.randrange(len(whole))
            body = bytearray(whole[:dice.choice((300, 3_000, 9_000))] + whole[at:at + dice.choice((0, 500, 9_000))])
            for _ in range(dice.randint(1, 6)):
                at = dice.randrange(len(body) + 1)
                body[at:at + dice.choice((0, 0, 0, 1, 7, 90))] = dice.choice(words)
            if dice.random() < 0.1:
                del body[dice.randrange(len(body)):]
            corpus.put(writer, f"https://host{n % corpus.HOSTS}.example/{n}", dice.choice(SPELLINGS)(bytes(body)), corpus.FIELDS, corpus.START)


def differences(file: Path, folder: Path) -> tuple[int, int]:
    """Records that are not the same, and records."""
    sides = []
    for exact in (False, True):
        made = Filter(folder / f"exact-{exact}", exact)(file)
        sides.append(pa.concat_tables([pq.read_table(path) for path, _ in made.moves]))
    if sides[0].equals(sides[1]):
        return 0, sides[0].num_rows
    fast, slow = (side.to_pylist() for side in sides)
    return sum(a != b for a, b in zip(fast, slow, strict=True)), len(slow)


# ---- the command

def main(what: str) -> None:
    pages = corpus.folder() / "pages.warc.gz"
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work)
        if what == "identical":
            mutated(folder / "mutated.warc.gz", MUTATED)
            for name, file in (("corpus", pages), ("mutated", folder / "mutated.warc.gz")):
                print(f"{name}: %d of %d records differ" % differences(file, folder / name), flush=True)
        elif what == "memory":
            fast, most = Filter(folder / "fast", False), list[float]()
            for n in range(COPIES):
                fast(pages)
                most.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
                print(f"after {n + 1} copies: at most {most[-1]:.0f} MB, {most[-1] / most[0]:.3f} of one", flush=True)
        elif what == "profile":
            fast = Filter(folder / "fast", False)
            fast(pages)
            profile = cProfile.Profile(time.process_time)
            profile.runcall(fast, pages)
            told = io.StringIO()
            pstats.Stats(profile, stream=told).sort_stats("tottime").print_stats(40)
            print(told.getvalue())
        else:
            print("\n".join(table(*measured(pages, folder))))


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "table")
