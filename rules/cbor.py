"""CBOR as far as statements of preference use it: maps, arrays, text, simple values, numbers. Bounded and pure.

Facts (RFC 8949, https://www.rfc-editor.org/rfc/rfc8949)
- 3: the first three bits of an item are its major type, the other five its argument, or how many bytes of it follow.
- 3.2: 31 in their place opens an array, a map or a string without length, which ends with 0xff.
- 3.4: a tag stands before the item that it is about. OURS: it is passed over, for no statement depends on one; so nothing in
  fetched bytes can ask for dates, big numbers, patterns or items that hold themselves.
- 5.6: a map with a key twice is not valid. OURS: both pairs are kept, because the second may say less than the first.
- 5.3.1: bytes after the item are too much. OURS: they are passed over; what stands before them was said.
"""
from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from .limits import CBOR_DEPTH, CBOR_ITEMS

BREAK = object()
SIMPLE = {20: False, 21: True, 22: None, 23: None}
_ARGUMENT = {24: ">B", 25: ">H", 26: ">I", 27: ">Q"}
_FLOAT = {25: ">e", 26: ">f", 27: ">d"}


class NotCbor(ValueError):
    """The bytes are no CBOR that is read here. Says why."""


@dataclass(frozen=True, slots=True)
class Map:
    """The pairs of a map in the order in which they stand, with those whose key stands twice."""
    pairs: tuple[tuple[object, object], ...]

    def values(self, key: str) -> Iterator[object]:
        return (value for name, value in self.pairs if name == key)


def decode(data: bytes) -> object:
    """The first item: Map, list, str, bytes, int, float, bool or None. Raises NotCbor. Time grows with the size of the data."""
    return _Decoder(data).item(0)


class _Decoder:
    __slots__ = ("_at", "_data", "_items")

    def __init__(self, data: bytes) -> None:
        self._data, self._at, self._items = data, 0, 0

    def item(self, depth: int) -> object:
        self._items += 1
        if self._items > CBOR_ITEMS:
            raise NotCbor(f"more than {CBOR_ITEMS} items")
        if depth > CBOR_DEPTH:
            raise NotCbor(f"more than {CBOR_DEPTH} items stand inside one another")
        first = self._take(1)[0]
        major, short = first >> 5, first & 31
        if major == 7:
            return self._simple(short)
        count = self._argument(short, open_ended=2 <= major <= 5)
        match major:
            case 0:
                return count
            case 1:
                return -1 - (count or 0)
            case 2:
                return self._string(count, 2)
            case 3:
                return self._string(count, 3).decode("utf-8", "replace")
            case 4:
                return list(self._members(count, depth))
            case 5:
                return self._map(count, depth)
            case _:
                return self.item(depth + 1)

    def _take(self, count: int) -> bytes:
        end = self._at + count
        if end > len(self._data):
            raise NotCbor("it ends early")
        taken, self._at = self._data[self._at:end], end
        return taken

    def _argument(self, short: int, *, open_ended: bool) -> int | None:
        if short < 24:
            return short
        if form := _ARGUMENT.get(short):
            return int(struct.unpack(form, self._take(struct.calcsize(form)))[0])
        if short == 31 and open_ended:
            return None
        raise NotCbor("an item has no such length")

    def _simple(self, short: int) -> object:
        if short == 31:
            return BREAK
        if form := _FLOAT.get(short):
            return struct.unpack(form, self._take(struct.calcsize(form)))[0]
        if short == 24:
            self._take(1)
        elif short > 24:
            raise NotCbor("an item has no such length")
        return SIMPLE.get(short)

    def _string(self, count: int | None, major: int) -> bytes:
        if count is not None:
            return self._take(count)
        parts = []
        while (first := self._take(1)[0]) != 0xff:
            size = self._argument(first & 31, open_ended=False)
            if first >> 5 != major or size is None:
                raise NotCbor("a string has parts of another type")
            parts.append(self._take(size))
        return b"".join(parts)

    def _members(self, count: int | None, depth: int) -> Iterator[object]:
        left = count
        while left is None or left > 0:
            member = self.item(depth + 1)
            if member is BREAK:
                if left is None:
                    return
                raise NotCbor("a break stands inside of something with a length")
            yield member
            left = left if left is None else left - 1

    def _map(self, count: int | None, depth: int) -> Map:
        flat = list(self._members(None if count is None else 2 * count, depth))
        if len(flat) % 2:
            raise NotCbor("a key has no value")
        return Map(tuple(zip(flat[::2], flat[1::2], strict=True)))
