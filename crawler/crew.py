"""Workers, each a process of its own: one that dies is replaced, and its input is taken again.

**Facts**
- A worker may be killed at any time, by the system for want of memory or by what it reads. Its input goes to the end of the
  queue; one that has cost ATTEMPTS workers their lives is given up and named, and the next run of the same command tries it
  anew. So is one whose reading fails in a way that nobody foresaw.
- Where workers die one after another and nothing gets finished, the fault is not with an input; then all ends.
- A worker tells after each batch of pages that it goes on. One that is silent for SILENT_S hangs, as where a server of files
  never answers; it is killed. Where the whole job was stopped for a while, or the machine slept, nobody was silent.
- The largest inputs come first, so that no worker is left alone with one in the end.
"""
from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection, wait
from typing import Any

from rules import limits

from . import nursery
from .filtering import Finished, Job, Task, Worker
from .run import RunError

ATTEMPTS = 3                         # that an input may cost a worker its life
DEATHS = 4                           # times ATTEMPTS without an input finished: it is not the inputs
SILENT_S = 1_800.0                   # far more than a batch takes, be it a large one from far away
LOOK_S = 10.0                        # at most, between two looks at who is silent
LOST = f"ended {ATTEMPTS} workers; given up, and taken again when the same command is given"

Told = Callable[[Job, int, int], None]


class Crew:
    """Use `work`; `lost` has the inputs that were given up."""

    def __init__(self, task: Task, workers: int):
        self._task, self._workers = task, workers
        self._context = nursery.context()
        self._busy: dict[Connection, tuple[Any, Job]] = {}
        self._silent_s: dict[Connection, float] = {}         # those who are busy
        self._idle: list[tuple[Any, Connection]] = []
        self._deaths = 0                                     # since an input was finished
        self.lost: list[Finished] = []

    def work(self, jobs: Sequence[Job], tick: Told) -> Iterator[Finished]:
        """Every job that gets finished. Raises RunError where nothing can be written, or nobody lives long enough."""
        waiting = sorted(jobs, key=lambda job: job.size_bytes)
        attempts = Counter[int]()
        nursery.begin()
        try:
            while waiting or self._busy:
                while waiting and len(self._busy) < self._workers:
                    self._give(waiting)
                for pipe in self._told():
                    made = self._heard(pipe, tick)
                    if isinstance(made, Finished):
                        self._deaths = 0
                        yield made
                    elif made is not None:
                        self._died()
                        attempts[made.number] += 1
                        if attempts[made.number] < ATTEMPTS:
                            waiting.insert(0, made)
                        else:
                            self.lost.append(Finished(made.number, bytes=made.size_bytes, broken=1, damage=[LOST]))
        finally:
            self._dismiss()

    def _died(self) -> None:
        """Raises RunError where that goes on."""
        self._deaths += 1
        if self._deaths >= DEATHS * ATTEMPTS * self._workers:
            raise RunError(f"{self._deaths} workers ended one after another and finished nothing; is there memory?")

    def _give(self, waiting: list[Job]) -> None:
        """The next job to a worker that lives. Raises RunError."""
        try:
            process, pipe = self._idle.pop() if self._idle else self._hire()
        except (EOFError, OSError):                          # whoever starts them died, or cannot
            self._died()
            return
        try:
            pipe.send(waiting[-1])
        except (BrokenPipeError, ConnectionResetError):      # it died while it was idle
            self._bury(process, pipe)
            return
        self._busy[pipe], self._silent_s[pipe] = (process, waiting.pop()), 0.0

    def _told(self) -> list[Connection]:
        """Pipes of those who have something to tell, if only that they are dead. Kills who hangs."""
        begun = time.monotonic()
        told: list[Any] = wait(list(self._busy), LOOK_S)
        passed_s = min(time.monotonic() - begun, LOOK_S)     # more: nobody ran
        for pipe, (process, _) in self._busy.items():
            self._silent_s[pipe] = 0.0 if pipe in told else self._silent_s[pipe] + passed_s
            if self._silent_s[pipe] > SILENT_S:
                process.kill()
        return told

    def _heard(self, pipe: Connection, tick: Told) -> Finished | Job | None:
        """What is finished, or the job whose worker died; None: it goes on."""
        process, job = self._busy[pipe]
        try:
            word, value = pipe.recv()
        except (EOFError, OSError):
            del self._busy[pipe]
            self._bury(process, pipe)
            return job
        if word == "tick":
            tick(job, *value)
            return None
        if word == "unwritable":
            raise RunError(value)
        del self._busy[pipe]
        self._idle.append((process, pipe))
        if word == "failed":
            self.lost.append(Finished(job.number, bytes=job.size_bytes, broken=1, damage=[f"cannot be read here: {value}"]))
            return None
        return value  # type: ignore[no-any-return]  # a Finished

    def _hire(self) -> tuple[Any, Connection]:
        ours, theirs = self._context.Pipe()
        process = nursery.process(serve, self._task, theirs)
        try:
            process.start()
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        return process, ours

    def _bury(self, process: Any, pipe: Connection) -> None:
        pipe.close()
        process.join()

    def _dismiss(self) -> None:
        for process, pipe in [*self._idle, *((p, c) for c, (p, _) in self._busy.items())]:
            pipe.close()
            process.terminate()
            process.join()


def serve(task: Task, pipe: Connection) -> None:
    """The life of a worker process: jobs in, `Finished` out, until the pipe ends, as it does with the command."""
    def tick(at: int, pages: int) -> None:
        pipe.send(("tick", (at, pages)))
    try:
        worker = Worker(task)
        while True:
            job = pipe.recv()
            try:
                pipe.send(("done", worker.filter(job, tick)))
            except (EOFError, BrokenPipeError, ConnectionResetError):
                raise
            except OSError as error:
                pipe.send(("unwritable", str(error)))
            except Exception as error:  # noqa: BLE001  outermost loop of a process: the parent names the input
                pipe.send(("failed", f"{type(error).__name__}: {error}"[:limits.DETAIL_CHARS]))
    except (EOFError, BrokenPipeError, ConnectionResetError, KeyboardInterrupt):
        return
