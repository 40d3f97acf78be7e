"""Which of many words bytes hold, and where: one pass for all of them.

Facts (Hyperscan 5.4, https://intel.github.io/hyperscan/dev-reference/)
- All patterns are looked for at once, and time grows with the bytes alone. It runs on x86-64; elsewhere the words are looked
  for one by one, with the same answers (tested).
- A compiled set has one scratch space, which one scan at a time may use ('Scratch Space'); so threads take turns.
- Compiling takes some 50 ms, once in a process and not before the first scan.
"""
from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cached_property
from threading import Lock
from typing import Any

try:
    import hyperscan
except ImportError:                  # no wheel for this machine
    hyperscan = None  # type: ignore[assignment]

# Literals in lower case, where a space stands between parts that must all be held, in whatever order; or a pattern for bytes
# in lower case, that takes linear time in `re` as well.
Word = bytes | re.Pattern[bytes]


class Scan:
    """A set of words, told by their numbers. `portable`: do without Hyperscan.

    `within`: sets all of whose words are among these, each one part, whose places are found in the same pass, so that they need
    not look again."""

    def __init__(self, words: Iterable[Word], *, portable: bool = hyperscan is None, within: Iterable[Scan] = ()) -> None:
        self.portable = portable
        self._turn = Lock()
        self._known: tuple[bytes, list[int]] | None = None       # places in the data looked at last
        self._within = tuple(within)
        wanted = [tuple(sorted(word.split(b" "), key=len)) if isinstance(word, bytes) else (word,) for word in words]
        self._parts: list[Word] = list(dict.fromkeys(part for parts in wanted for part in parts))
        number = {part: n for n, part in enumerate(self._parts)}
        self._words = [(frozenset(number[part] for part in parts), number[parts[-1]]) for parts in wanted]
        self._alone: dict[int, list[int]] = {}       # part -> the words that are nothing else
        for word, (held, part) in enumerate(self._words):
            if len(held) == 1:
                self._alone.setdefault(part, []).append(word)
        self._placed: dict[int, list[int]] = {}      # part -> which of `within` hold it
        for which, one in enumerate(self._within):
            for placed in one._parts:
                self._placed.setdefault(number[placed], []).append(which)
        self._joint = [(word, held) for word, (held, _) in enumerate(self._words) if len(held) > 1]

    def held(self, data: bytes) -> list[int]:
        """The numbers of the words that the data holds, in whatever case."""
        if self.portable:
            low = data.lower()
            found = {n for n, part in enumerate(self._parts) if next(_ends(part, low), 0)}
        else:
            found = set()
            ends: list[list[int]] = [[] for _ in self._within]
            placed = self._placed

            def see(n: int, start: int, end: int, flags: int, context: object) -> None:
                found.add(n)
                for one in placed.get(n, ()):
                    ends[one].append(end)

            with self._turn:
                self._once.scan(data, match_event_handler=see if placed else lambda n, start, end, flags, context: found.add(n))
            for within, places in zip(self._within, ends, strict=True):
                within._known = data, sorted(set(places))
        if not found:
            return []
        return sorted((*(word for part in found for word in self._alone.get(part, ())),
                       *(word for word, parts in self._joint if parts <= found)))

    def places(self, data: bytes) -> list[int]:
        """Where the words that are held stand, or the longest part of each: ends, in order."""
        known = self._known
        if known and known[0] is data:               # INVARIANT: bytes never change
            return known[1]
        found: list[tuple[int, int]] = []
        if self.portable:
            low = data.lower()
            found += ((n, end) for n, part in enumerate(self._parts) for end in _ends(part, low))
        else:
            with self._turn:
                self._each.scan(data, match_event_handler=lambda n, start, end, flags, context: found.append((n, end)))
        held = {n for n, _ in found}
        told = {longest for parts, longest in self._words if parts <= held}
        return sorted({end for n, end in found if n in told})

    @cached_property
    def _once(self) -> Any:
        return self._compiled([0 if n in self._placed else hyperscan.HS_FLAG_SINGLEMATCH for n in range(len(self._parts))])

    @cached_property
    def _each(self) -> Any:
        return self._compiled([0] * len(self._parts))

    def _compiled(self, flags: list[int]) -> Any:
        database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
        sources = [re.escape(part) if isinstance(part, bytes) else part.pattern for part in self._parts]
        database.compile(expressions=sources, ids=list(range(len(sources))),
                         flags=[f | hyperscan.HS_FLAG_CASELESS | hyperscan.HS_FLAG_DOTALL for f in flags])
        return database


def _ends(part: Word, low: bytes) -> Iterator[int]:
    if not isinstance(part, bytes):
        yield from (m.end() for m in part.finditer(low))
        return
    at = low.find(part)
    while at >= 0:
        yield at + len(part)
        at = low.find(part, at + 1)
