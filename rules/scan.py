"""Which of many words bytes hold, and where: one pass for all of them.

Facts (Hyperscan 5.4, https://intel.github.io/hyperscan/dev-reference/)
- All patterns are looked for at once, and time grows with the bytes alone. It runs on x86-64; elsewhere the words are looked
  for one by one, with the same answers (tested).
- A compiled set has one scratch space, which one scan at a time may use ('Scratch Space'); so threads take turns.
- Compiling takes some 50 ms, once in a process and not before the first scan.
- OURS: a few literals are found by _words.c in a third of that time.
"""
from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from threading import Lock
from typing import Any

from .html_work import Survey

try:
    from ._words import Words
except ImportError:                  # it was installed where there is no compiler
    Words = None  # type: ignore[assignment, misc]  # then it is never called
try:
    import hyperscan
except ImportError:                  # no wheel for this machine
    hyperscan = None  # type: ignore[assignment]  # then it is never called

FEW = 32                         # words that are found without Hyperscan


@dataclass(frozen=True, slots=True)
class Spread:
    """What takes linear time in Hyperscan alone, and a pattern that finds it, and perhaps more, in linear time in `re`."""
    pattern: bytes
    portable: re.Pattern[bytes]


# Literals in lower case, where a space stands between parts that must all be held, in whatever order; or a pattern for bytes
# in lower case, that takes linear time in `re` as well.
Word = bytes | re.Pattern[bytes] | Spread


@dataclass(frozen=True, slots=True)
class Trigger:
    """What a reader waits for in a body: one of `words`. Where the tags of a page are certain, what is `told` of it or one of
    the `loose` words takes their place; without `told` all words are loose."""
    words: tuple[Word, ...]
    told: Callable[[Survey], bool] | None = None
    loose: tuple[bytes, ...] = ()


class Scan:
    """A set of words, told by their numbers. `portable`: do without what is compiled."""

    def __init__(self, words: Iterable[Word], *, portable: bool = hyperscan is None) -> None:
        self.portable = portable
        self._turn = Lock()
        self._last: tuple[bytes, list[int]] = b"", []
        wanted = [tuple(word.split(b" ")) if isinstance(word, bytes) else (word,) for word in words]
        self._parts: list[Word] = list(dict.fromkeys(part for parts in wanted for part in parts))
        number = {part: n for n, part in enumerate(self._parts)}
        literals = tuple(part for part in self._parts if isinstance(part, bytes) and len(part) > 3)
        self._few = Words(literals) if Words is not None and len(literals) == len(self._parts) <= FEW else None
        self._words = [frozenset(number[part] for part in parts) for parts in wanted]
        self._is_each_part = [tuple(parts) for parts in self._words] == [(n,) for n in range(len(self._parts))]

    def held(self, data: bytes) -> list[int]:
        """The numbers of the words that the data holds, in whatever case."""
        found: set[int]
        if self.portable:
            low = data.lower()
            found = {n for n, part in enumerate(self._parts) if next(_ends(part, low), 0)}
        elif self._few:
            found = set(self._few.held(data))
        else:
            found = set()
            with self._turn:
                self._once.scan(data, match_event_handler=lambda n, start, end, flags, context: found.add(n))
        if self._is_each_part or not found:
            return sorted(found)
        return [word for word, parts in enumerate(self._words) if parts <= found]

    def places(self, data: bytes) -> list[int]:
        """Where words, of one part each, stand: ends, in order. Keeps the last answer: several readers ask."""
        last = self._last
        if last[0] is data:                          # INVARIANT: bytes never change
            return last[1]
        found: set[int] = set()
        if self.portable:
            low = data.lower()
            found.update(end for part in self._parts for end in _ends(part, low))
        else:
            with self._turn:
                self._each.scan(data, match_event_handler=lambda n, start, end, flags, context: found.add(end))
        places = sorted(found)
        self._last = data, places
        return places

    @cached_property
    def _once(self) -> Any:
        return self._compiled(hyperscan.HS_FLAG_SINGLEMATCH)

    @cached_property
    def _each(self) -> Any:
        return self._compiled(0)

    def _compiled(self, flags: int) -> Any:
        database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
        sources = [re.escape(part) if isinstance(part, bytes) else part.pattern for part in self._parts]
        database.compile(expressions=sources, ids=list(range(len(sources))),
                         flags=[flags | hyperscan.HS_FLAG_CASELESS | hyperscan.HS_FLAG_DOTALL] * len(sources))
        return database


def _ends(part: Word, low: bytes) -> Iterator[int]:
    at = 0
    if not isinstance(part, bytes):
        pattern = part.portable if isinstance(part, Spread) else part
        while found := pattern.search(low, at):
            yield found.end()
            at = found.start() + 1                   # another can end inside it
        return
    at = low.find(part)
    while at >= 0:
        yield at + len(part)
        at = low.find(part, at + 1)
