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
- There is no fork on Windows, and the system's own libraries do not bear it on macOS: each worker loads for itself there.
"""
from __future__ import annotations

import multiprocessing
import sys
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
