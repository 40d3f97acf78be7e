"""Answers that are asked for once, shared by all who wait for them, and kept until they are old."""
from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Coroutine, Hashable, Iterable
from time import monotonic
from typing import Any, Generic, TypeVar

from scrapy.exceptions import IgnoreRequest
from scrapy.utils.defer import deferred_from_coro, maybe_deferred_to_future
from twisted.internet.defer import Deferred, FirstError, gatherResults

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
Clock = Callable[[], float]              # seconds


class Once(Generic[K, V]):
    """The latest `most` answers by key. `clock` counts seconds."""

    def __init__(self, most: int, clock: Clock = monotonic):
        self._most, self._clock = most, clock
        self._kept: OrderedDict[K, tuple[V, float]] = OrderedDict()
        self._waiting: dict[K, list[Deferred[V]]] = {}

    def known(self, key: K) -> V | None:
        """What is at hand and fresh."""
        value, until = self._kept.get(key, (None, 0.0))
        if value is None or until <= self._clock():
            return None
        self._kept.move_to_end(key)
        return value

    async def of(self, key: K, ask: Callable[[], Awaitable[tuple[V, float]]]) -> V:
        """The answer, from `ask` if need be, which also tells for how many seconds it is good."""
        if (value := self.known(key)) is not None:
            return value
        if key in self._waiting:
            turn: Deferred[V] = Deferred()
            self._waiting[key].append(turn)
            return await maybe_deferred_to_future(turn)
        self._waiting[key] = []
        try:
            value, good_s = await ask()
        except BaseException:
            for turn in self._waiting.pop(key):
                turn.errback(IgnoreRequest("the crawl ended before there was an answer"))
            raise
        self._kept[key] = value, self._clock() + good_s
        self._kept.move_to_end(key)
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)
        for turn in self._waiting.pop(key):
            turn.callback(value)
        return value


async def together(asked: Iterable[Coroutine[Any, Any, V]]) -> list[V]:
    """All answers, asked for at the same time, in the order of the questions. Raises what the first to fail raises."""
    try:
        return await maybe_deferred_to_future(gatherResults([deferred_from_coro(each) for each in asked], consumeErrors=True))
    except FirstError as error:
        raise error.subFailure.value from None  # type: ignore[misc]  # a Failure holds what was raised
