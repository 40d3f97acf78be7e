"""One URL, sixty crawlers: all at once here, one by one with Protego, over real files of the usual size."""
from __future__ import annotations

import statistics
import tarfile
import time

import pytest
from protego import Protego

from rules.agents import agents
from rules.signals.robots_groups import RobotsTxt

from .. import thirdparty

pytestmark = pytest.mark.bench

TOKENS = tuple(dict.fromkeys(agent.token for agent in agents().values()))[:60]
PATHS = ("/blog/post-3.html", "/blog/post?id=3", "/en/products/chairs/blue-chair-12345", "/")
USUAL_BYTES = range(2_500, 3_400)
ROUNDS = 20                              # of ours, for one of Protego's
WANTED = 50                              # the aim is 100


def test_sixty_crawlers_cost_as_much_as_one() -> None:
    with tarfile.open(thirdparty.path("robots-real.tar.xz")) as archive:
        bodies = [f.read() for m in archive if m.size in USUAL_BYTES and (f := archive.extractfile(m))]
    assert len(bodies) > 50
    ours_s = theirs_s = 0.0
    ratios = []
    for body in bodies:
        robots, protego = RobotsTxt(body), Protego.parse(body.decode("utf-8", "replace"))
        robots.verdicts("/", TOKENS)
        protego.can_fetch("https://site.example/", TOKENS[0])
        start = time.process_time()
        for _ in range(ROUNDS):
            for path in PATHS:
                robots.verdicts(path, TOKENS)
        between = time.process_time()
        for path in PATHS:
            for token in TOKENS:
                protego.can_fetch(f"https://site.example{path}", token)
        end = time.process_time()
        ours, theirs = (between - start) / ROUNDS, end - between
        ours_s, theirs_s = ours_s + ours, theirs_s + theirs
        ratios.append(theirs / ours)
    each_us = 1e6 / len(bodies) / len(PATHS)
    print(f"\n{len(bodies)} files, 1 URL x {len(TOKENS)} crawlers: {ours_s * each_us:.1f} us here, {theirs_s * each_us:.1f} us with Protego; "
          f"ratio {theirs_s / ours_s:.0f}, median of files {statistics.median(ratios):.0f}")
    assert theirs_s / ours_s > WANTED
