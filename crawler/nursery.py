"""Where workers come from: a process that has loaded and compiled what they need, and forks.

**Facts**
- Loading and compiling takes as long as some thousand pages take, and a fork a few milliseconds. So the fork server of the
  standard library (https://docs.python.org/3/library/multiprocessing.html, 'Contexts and start methods') does it once, with
  ready.py, while the command reads its policies and looks at its inputs; a worker that replaces another is there at once.
- Forking is right there, and would not be in the command itself: the server is a fresh process with one thread of Python, in
  which nothing holds a lock, no input or output is open, and Arrow was given nothing that it would start the threads of its
  pools for. The threads that OpenBLAS and jemalloc start when they are loaded take care of themselves (pthread_atfork(3)).
- The server ignores Ctrl-C, its workers do not. It ends when the command and all workers have, however they did: it reads a
  pipe that only they hold. One that died is started again with the next worker.
- A forked process has the environment that the server was started with, and so none of the keys to a store that were set
  later: each gets that of the command as it is now.
- There is no fork on Windows, and the system's own libraries do not bear it on macOS: each worker loads for itself there.
"""
from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Callable, Mapping
from typing import Any

FORKS = sys.platform not in ("win32", "darwin") and "forkserver" in multiprocessing.get_all_start_methods()
LOADED = ["__main__", "crawler.ready"]


def context() -> Any:
    """That of multiprocessing to start workers in."""
    return multiprocessing.get_context("forkserver" if FORKS else "spawn")


def begin() -> None:
    """Start loading; the sooner the better. Nothing happens a second time."""
    if FORKS:
        from multiprocessing import forkserver
        multiprocessing.set_forkserver_preload(LOADED)
        forkserver.ensure_running()


def process(work: Callable[..., None], *args: Any) -> Any:
    """One that does this work, and ends with the command; to be started."""
    return context().Process(target=_in_environment, args=(dict(os.environ), work, args), daemon=True)


def _in_environment(environment: Mapping[str, str], work: Callable[..., None], args: tuple[Any, ...]) -> None:
    os.environ.clear()
    os.environ.update(environment)
    work(*args)
