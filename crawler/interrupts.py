"""Ctrl-C and SIGTERM: who hears them, and what is done whole before they count.

**Facts**
- Python runs handlers in its main thread, between two steps of whatever runs there, and only that thread can set them
  (https://docs.python.org/3/library/signal.html, 'Signals and threads'). In another thread nothing is ever interrupted.
"""
from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

NUMBERS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def handled(handler: Callable[[int, Any], None]) -> Iterator[None]:
    """They go to the handler while the block runs. In the main thread."""
    before = {number: signal.signal(number, handler) for number in NUMBERS}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)


@contextmanager
def held_back() -> Iterator[None]:
    """They wait until the block has ended, so that it is done whole."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    with handled(lambda number, frame: came.append(number)):
        yield
    for number in came[:1]:
        signal.raise_signal(number)
