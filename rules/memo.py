"""A bounded memory of pure results, keyed by the bytes they were made from: one parse a site, not one a page."""
from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from functools import wraps
from threading import Lock
from typing import TypeVar

from .limits import MEMO_BYTES

T = TypeVar("T")

OVERHEAD_BYTES = 512             # counted for each entry, so that empty bodies are bounded too


def memo(make: Callable[[bytes], T]) -> Callable[[bytes], T]:
    """Remember `make(body)` for the bodies used last, up to MEMO_BYTES of input. `make` must not raise."""
    kept: OrderedDict[bytes, T] = OrderedDict()
    held_bytes, turn = 0, Lock()

    @wraps(make)
    def remembered(body: bytes) -> T:
        nonlocal held_bytes
        try:
            value = kept[body]
            kept.move_to_end(body)
            return value
        except KeyError:
            pass
        value = make(body)
        with turn:                   # another thread may have made the same
            held_bytes += 0 if body in kept else len(body) + OVERHEAD_BYTES
            kept[body] = value
            while held_bytes > MEMO_BYTES and len(kept) > 1:
                old, _ = kept.popitem(last=False)
                held_bytes -= len(old) + OVERHEAD_BYTES
        return value
    return remembered


def latest(make: Callable[[bytes], T]) -> Callable[[bytes], T]:
    """Remember `make(body)` for the body asked for last, known by its identity: several readers ask, then none again."""
    kept: tuple[bytes, T] | None = None

    @wraps(make)
    def remembered(body: bytes) -> T:
        nonlocal kept
        held = kept
        if held is not None and held[0] is body:     # INVARIANT: bytes never change
            return held[1]
        value = make(body)
        kept = (body, value)
        return value
    return remembered
