"""A second opinion on robots.txt: how crawlers of 1996 and of 2008 read it. It informs people and never decides.

**Facts** (https://www.robotstxt.org/norobots-rfc.txt, 1996; https://www.rfc-editor.org/rfc/rfc9309)
- 1996, 3.2.1: the first record whose name is a part of the robot's name applies; a blank line ends a record. RFC 9309, 2.2.1:
  the whole product token counts, groups of one name are joined, blank lines mean nothing.
- 1996, 3.2.2: the first line that fits decides, '*' and '$' are ordinary characters. RFC 9309, 2.2.2 and 2.2.3: the longest
  decides, '*' and '$' are special.
- 2008: the search engines' extension, '*' and '$' special, here with the first line that fits.
- robotexclusionrulesparser reads in both ways, by regular expressions made from the file, which can take minutes for one
  URL; so it is asked in a process of its own, with a limit on time and memory.
"""
from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TIME_S = 2                           # OURS: for both readings together
MEMORY_BYTES = 512 << 20             # OURS
READINGS = ("1996", "2008")          # in the order in which they are asked; the first needs no regular expressions


@dataclass(frozen=True, slots=True)
class Opinion:
    """What one reading says of one URL. `allowed` is None where it had no answer in time."""
    reading: str
    allowed: bool | None


def opinions(body: bytes, token: str, url: str, time_s: float = TIME_S) -> tuple[Opinion, ...]:
    """Ask every reading whether `token` may fetch `url`. Returns after `time_s` at the latest, but for starting a process."""
    question = json.dumps({"body": body.decode("latin-1"), "token": token, "url": url}).encode("ascii")
    with subprocess.Popen([sys.executable, "-P", str(Path(__file__))], stdin=subprocess.PIPE,  # noqa: S603, our own file
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as child:
        try:
            said, _ = child.communicate(question, timeout=time_s)
        except subprocess.TimeoutExpired:
            child.kill()
            said, _ = child.communicate()
    return tuple(Opinion(reading, answer) for reading, answer in zip(READINGS, _answers(said), strict=True))


def differing(body: bytes, token: str, url: str, allowed: bool) -> tuple[Opinion, ...]:
    """The readings that do not agree with ours, or had no answer in time."""
    return tuple(o for o in opinions(body, token, url) if o.allowed is not allowed)


def _answers(said: bytes) -> list[bool | None]:
    """One a reading; None for a line that did not come whole."""
    lines = said.decode("ascii", "replace").split("\n")
    known: dict[str, bool | None] = {"true": True, "false": False}
    return [known.get(lines[n]) if n < len(lines) - 1 else None for n in range(len(READINGS))]


def _answer() -> None:
    """The child: one question on standard input, one line for each reading on standard output."""
    _limit()
    from robotexclusionrulesparser import GYM2008, MK1996, RobotExclusionRulesParser
    syntaxes: dict[str, Any] = {"1996": MK1996, "2008": GYM2008}
    question = json.load(sys.stdin.buffer)
    parser = RobotExclusionRulesParser()
    parser.parse(question["body"])
    for reading in READINGS:
        allowed = parser.is_allowed(question["token"], question["url"], syntaxes[reading])
        print("true" if allowed else "false", flush=True)


def _limit() -> None:
    """The kernel ends the child, too, should the parent be gone."""
    try:
        import resource
    except ImportError:              # not on this system; the parent's clock remains
        return
    resource.setrlimit(resource.RLIMIT_CPU, (TIME_S, TIME_S + 1))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    _answer()
