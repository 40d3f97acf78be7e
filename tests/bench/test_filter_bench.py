"""What filtering costs beside reading alone, on a part of the corpus; the whole of it: `python -m tests.bench.filter_table`."""
from __future__ import annotations

import resource

import pytest

from tests.bench import corpus
from tests.bench.filter_table import Filter, differences, measured, mutated, table

RATIO, OTHERS = 7.0, 30.0       # (b) to (a) at most, (d) to (b) at least: a wide margin


@pytest.mark.bench
@pytest.mark.timeout(1_800)
def test_filtering_against_reading_and_against_others(tmp_path, capsys):
    medians, pages, held = measured(corpus.folder() / "sample.warc.gz", tmp_path, others_pages=20)
    with capsys.disabled():
        print("\n" + "\n".join(table(medians, pages, held, 20)))
    assert medians[1] < RATIO * medians[0]
    assert medians[3] > OTHERS * medians[1]


@pytest.mark.bench
@pytest.mark.timeout(1_800)
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


@pytest.mark.slow
@pytest.mark.timeout(1_800)
def test_the_fast_way_and_the_exact_one_write_the_same_records(tmp_path):
    """A slice; the whole: `python -m tests.bench.filter_table identical`."""
    mutated(tmp_path / "mutated.warc.gz", 1_500)
    assert differences(corpus.folder() / "sample.warc.gz", tmp_path / "sample") == (0, 3 * corpus.SAMPLE)
    assert differences(tmp_path / "mutated.warc.gz", tmp_path / "mutated") == (0, 4_500)
