"""A change to a file as the few places that differ, so that it can be undone to the byte.

**Facts**
- OURS: writers give splices and no new files; what no splice names is the same before and after (INVARIANT, by construction).
"""
from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


class NotWritten(ValueError):
    """The file is left as it is. The message says why, for the person who owns it."""


@dataclass(frozen=True, slots=True)
class Splice:
    """At an offset of the file before, `old` bytes become `new` ones."""
    at: int
    old: bytes
    new: bytes


def spliced(body: bytes, splices: Iterable[Splice]) -> bytes:
    """The file after. Raises ValueError where splices overlap, or the file is not the one that they were made for."""
    out: list[bytes] = []
    done = 0
    for s in sorted(splices, key=lambda s: s.at):
        end = s.at + len(s.old)
        if s.at < done or body[s.at:end] != s.old:
            raise ValueError(f"other bytes stand at {s.at}")
        out += (body[done:s.at], s.new)
        done = end
    return b"".join((*out, body[done:]))


def undoing(splices: Sequence[Splice]) -> list[Splice]:
    """What leads back, in offsets of the file after."""
    out: list[Splice] = []
    grown = 0
    for s in sorted(splices, key=lambda s: s.at):
        out.append(Splice(s.at + grown, s.new, s.old))
        grown += len(s.new) - len(s.old)
    return out
