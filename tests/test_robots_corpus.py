"""Real files: nothing raises, nothing takes long, and where other readers answer otherwise the reason is known and counted."""
from __future__ import annotations

import tarfile
import time
from collections import Counter
from pathlib import Path

import pytest
import yaml
from jwm.robotstxt.googlebot import RobotsMatcher
from protego import Protego
from robotexclusionrulesparser import MK1996, RobotExclusionRulesParser

from rules.assess import read
from rules.model import Access, Asker, Asset, Carrier, Evidence, Fault
from rules.signals.robots_groups import RobotsTxt, parse

from . import thirdparty
from .robots_readings import Reader, questions, why

pytestmark = pytest.mark.slow

SITE = "https://site.example"
DIFFERENCES = Path(__file__).with_name("data") / "robots_differences.yaml"
RUNAWAY_S = 2.0                          # for one file; the aim is 0.05


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    with tarfile.open(thirdparty.path("robots-real.tar.xz")) as archive:
        found = {m.name: f.read() for m in archive if m.isfile() and (f := archive.extractfile(m))}
    assert len(found) == 2111
    return found


def ours(text: str, token: str, path: str) -> bool:
    return parse(text.encode()).verdict(path, token)[0]


def google(text: str, token: str, path: str) -> bool:
    return bool(RobotsMatcher().OneAgentAllowedByRobots(text, token, SITE + path))


def protego(text: str, token: str, path: str) -> bool:
    return bool(Protego.parse(text).can_fetch(SITE + path, token))


def of_1996(text: str, token: str, path: str) -> bool:
    """Without wildcards this reader makes no regular expression, so it needs no clock."""
    reader = RobotExclusionRulesParser()
    reader.parse(text)
    return bool(reader.is_allowed(token, SITE + path, MK1996))


def test_no_file_raises_or_takes_long(files: dict[str, bytes]) -> None:
    times = []
    faults: Counter[str] = Counter()
    for name, body in files.items():
        evidence = Evidence(Carrier.ROBOTS_TXT, f"{SITE}/robots.txt", None, Access.OBTAINED, body)
        start = time.perf_counter()
        RobotsTxt(body)
        for finding in read(evidence, Asset(f"{SITE}/a/b.html?c=d"), Asker("OurBot")):
            if isinstance(finding, Fault):
                faults[finding.detail] += 1
        times.append((time.perf_counter() - start, name))
    slowest, name = max(times)
    print(f"\n{len(times)} files, {sum(t for t, _ in times):.2f} s; slowest {slowest * 1000:.0f} ms, {name}; faults {dict(faults)}")
    assert slowest < RUNAWAY_S


@pytest.mark.parametrize("name, theirs", [("google", google), ("protego", protego), ("1996", of_1996)])
def test_differences_are_explained(files: dict[str, bytes], name: str, theirs: Reader) -> None:
    found: Counter[str] = Counter()
    for body in files.values():
        text = body.decode("utf-8", "replace")
        for token, path in questions(text):
            if ours(text, token, path) != theirs(text, token, path):
                found[why(ours, theirs, (text, token, path))] += 1
    known = {reason: int(count) for reason, count in yaml.safe_load(DIFFERENCES.read_text("utf-8"))[name].items()}
    print(f"\n{name}: {sum(found.values())} of {4 * len(files)} answers differ: {dict(found)}")
    assert not {reason: count for reason, count in found.items() if count > known.get(reason, 0)}
    assert "unexplained" not in known


def test_a_real_difference_is_not_explained_away() -> None:
    def always(text: str, token: str, path: str) -> bool:
        return True

    assert why(ours, always, ("User-agent: *\nDisallow: /a", "FooBot", "/a")) == "unexplained"
