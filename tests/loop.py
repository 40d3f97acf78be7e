"""Runs a coroutine to its end in the event loop of Scrapy's reactor, which a process has one of."""
from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, TypeVar

from scrapy.utils.reactor import install_reactor, is_reactor_installed

T = TypeVar("T")


def in_loop(work: Coroutine[Any, Any, T]) -> T:
    if not is_reactor_installed():
        install_reactor("twisted.internet.asyncioreactor.AsyncioSelectorReactor")
    from twisted.internet import reactor
    return reactor._asyncioEventloop.run_until_complete(work)  # type: ignore[attr-defined]  # the asyncio reactor has it
