"""Filter many files: each input by one worker, a ledger of what is finished, and a run folder that other verbs can use.

    RUN/inputs.jsonl             the ledger: every input with its number, then a line for each that is finished
        records/000007001.parquet  records of input 7, first part
        sites.parquet            copies of robots.txt and the like that were found in the inputs
        sites.arrow              all copies that count, as workers share them; gone when the run has ended
        unfinished/              what is being written

**Facts**
- An input is finished when its line is in the ledger. The line says which files go where; they are put in place after it, and
  again when a run is taken up. So a kill at any time loses nothing that was finished and leaves nothing twice.
- Workers (crew.py) are processes of their own. One that dies is replaced; an input that they die of is given up, and named.
- What `--as-of now` means is fixed when a run begins, so that a run that is taken up decides all inputs by the same day.
"""
from __future__ import annotations

import json
import os
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from rules import Policy
from rules.record import ENGINE, time_from_text, time_text

from . import run as folders
from .archive import huggingface, inputs, sites, sources, warc
from .archive.columns import ColumnsError
from .archive.inputs import Input
from .crew import Crew
from .filtering import UNFINISHED, Finished, Job, Task, Worker, beginning, copies_in
from .interrupts import held_back
from .run import Manifest, RunError
from .versions import versions

LEDGER = "inputs.jsonl"
SITES = "sites.parquet"
MAPPED = "sites.arrow"               # the same, and that of --sites, for as long as the run goes on
TABLES = (inputs.PARQUET, inputs.ARROW, inputs.JSONL, inputs.CSV)
SAVED_S = 10.0                       # the manifest is written so often meanwhile


class Filtering:
    """A run that is made from archives and tables. Use as a context manager: it locks the folder."""

    def __init__(self, folder: Path, task: Task, policies: Sequence[Policy], found: Sequence[Input],
                 registers: Sequence[dict[str, Any]] = ()):
        self.folder, self.task, self.found = folder, task, list(found)
        self._policies, self._registers = policies, list(registers)
        self.finished: dict[int, Finished] = {}
        self.jobs: list[Job] = []
        self.manifest: Manifest = {}
        self._numbers: dict[int, Job] = {}
        self._saved = 0.0

    def begin(self, as_of: str) -> None:
        """Take up what is there, or begin; `as_of` in the words of the command line. Raises RunError, OSError."""
        folder, task = self.folder, self.task
        if (folder / "manifest.json").exists():
            self.manifest = folders.read_manifest(folder)
            folders.same(folder, self.manifest, self._policies, task.asker)
            if "filter" not in self.manifest:
                raise RunError(f"{folder} was made by a crawl; name another folder")
            told = self.manifest["filter"]
            if told["as_of"] != as_of:
                raise RunError(f"{folder} was begun with --as-of {told['as_of']}; go on with that, or name another folder")
            if told.get("columns", {}) != dict(task.columns):
                raise RunError(f"{folder} was begun with other columns; go on with --column as it was, or name another folder")
            self._same_subsets(told)
            self.task = replace(task, as_of=time_from_text(told["time"]))
            folders.same_registers(folder, self.manifest, self._registers)
        else:
            for where in map(Path, filter(None, (task.kept, task.dropped))):
                if where.is_dir() and (left := sorted(os.listdir(where))):
                    raise RunError(f"{where} holds other things ({left[0]}); name a folder that is empty or new")
            self.manifest = folders.begin(folder, self._policies, task.asker)
            self.manifest["filter"] = {"as_of": as_of, "time": time_text(task.as_of), "columns": dict(task.columns),
                                       "subsets": _subsets(task)}
            self.manifest |= {"registers": self._registers} if self._registers else {}
            folders.write_manifest(folder, self.manifest)
        self._take_up()
        self.manifest |= {"status": "running", "ended": None, "engine": ENGINE, "versions": versions()}
        folders.write_manifest(folder, self.manifest)

    def check(self, words: Sequence[str]) -> None:
        """Whether all can be used that the command line names, before anything is made; `words` of `--sites`.

        Raises RunError, InputError.
        """
        self._site_files(words)
        if self.task.columns and (first := next((one for one in self.found if inputs.sort_of_name(one.name) in TABLES), None)):
            try:
                with inputs.opened(first.uri) as stream:
                    next(sources.Source(stream, first.uri, first.size_bytes, given=self.task.columns).chunks(), None)
            except ColumnsError as error:
                raise RunError(f"--column: {first.uri}: {error}") from error
            except sources.FAILURES:
                pass                                 # told when it is read

    def _site_files(self, words: Sequence[str]) -> tuple[list[str], list[Input]]:
        """Tables of copies, and archives to look for them. Raises RunError, InputError."""
        tables = [word for word in words if word not in ("inputs", "none") and word.endswith(".parquet")]
        for name in tables:
            try:
                with inputs.opened(name) as stream:
                    if not set(sites.SITES.names) <= set(pq.read_schema(stream).names):
                        raise RunError(f"{name} is no file of 'maymine sites'")
            except (OSError, pa.ArrowException) as error:
                raise RunError(f"{name} cannot be read: {error}") from error
        archives = inputs.expand([word for word in words if word not in ("inputs", "none", *tables)])
        if other := next((one.uri for one in archives if inputs.sort_of_name(one.name) in TABLES), None):
            raise RunError(f"{other} is a table without words of sites; --sites takes archives and files of 'maymine sites'")
        return tables, archives

    def _same_subsets(self, told: Manifest) -> None:
        """What is kept is made once, while an input is read. Raises RunError."""
        had, has = told.get("subsets"), _subsets(self.task)
        if had is not None and (changed := [name for name, value in has.items() if had.get(name) != value]):
            was = ", ".join(f"{name} {had.get(name) or '(none)'}" for name in changed)
            raise RunError(f"{self.folder} was begun with {was}, and what is finished is not split again; go on with that, or "
                           "name another folder by -o")

    def find_sites(self, words: Sequence[str]) -> list[str]:
        """Make the words of `--sites` files of copies; what of them could not be read. Raises RunError, InputError, OSError."""
        tables, archives = self._site_files(words)
        if "inputs" in words:
            archives += [one for one in self.found if inputs.sort_of_name(one.name) in (inputs.WARC, inputs.WACZ, inputs.ARC)]
        damage = self._collect(archives)
        if archives:
            tables.append(str(self.folder / SITES))
        if tables and self.jobs:
            new = self.folder / (MAPPED + ".new")
            sites.write_mapped(new, (copy for name in tables for copy in _copies(name)))
            new.replace(self.folder / MAPPED)
            self.task = replace(self.task, mapped=str(self.folder / MAPPED))
        asked = {one.uri for one in self.found}
        return [text for text in damage if not any(text.startswith(uri) for uri in asked)]

    def _collect(self, archives: Sequence[Input]) -> list[str]:
        """Copies out of archives, those that were not looked through before; what could not be read, then or now."""
        told = self.manifest["filter"]
        known, damage = told.setdefault("collected", []), told.setdefault("damage", [])
        path = self.folder / SITES
        if fresh := [one for one in archives if one.uri not in set(known)]:
            new = path.with_name(SITES + ".new")
            sites.write(new, chain(_copies(str(path)) if known and path.exists() else (), copies_in(fresh, damage)))
            new.replace(path)
            known += [one.uri for one in fresh]
            folders.write_manifest(self.folder, self.manifest)
        return list(damage)

    def results(self) -> list[Finished]:
        """What became of each input that was named, as far as it is finished, in their order."""
        numbers = {job.uri: job.number for job in self._numbers.values()}
        return [self.finished[n] for one in self.found if (n := numbers[one.uri]) in self.finished]

    def uri_of(self, made: Finished) -> str:
        return self._numbers[made.done].uri

    def _ledger(self) -> list[dict[str, Any]]:
        """The finished lines of the ledger."""
        try:
            data = (self.folder / LEDGER).read_bytes()
        except FileNotFoundError:
            return []
        whole = data[:data.rfind(b"\n") + 1]
        if len(whole) < len(data):
            os.truncate(self.folder / LEDGER, len(whole))
        try:
            return [json.loads(line) for line in whole.splitlines()]
        except ValueError as error:
            raise RunError(f"{self.folder / LEDGER} cannot be read: {error}") from error

    def _take_up(self) -> None:
        numbers: dict[str, Job] = {}
        for line in self._ledger():
            if "done" in line:
                self.finished[line["done"]] = Finished(**line)
            else:
                numbers[line["uri"]] = Job(**line)
        changed = self._changed(numbers)
        for done in self.finished.values():
            self._settle(done)
        shutil.rmtree(self.folder / UNFINISHED, ignore_errors=True)
        taken = Counter(_unpacked(job.name) for job in numbers.values())
        fresh = []
        for one in self.found:
            if one.uri not in numbers:
                name = f"{one.under}/{one.name}" if one.under else one.name
                name, key = (f"{len(numbers) + 1:06}-{name}" if taken[_unpacked(name)] else name), _unpacked(name)
                taken[key] += 1
                numbers[one.uri] = Job(len(numbers) + 1, one.uri, one.size_bytes, name, one.modified_ns)
                fresh.append(asdict(numbers[one.uri]))
        self._append([*fresh, *changed])
        self._numbers = {job.number: job for job in numbers.values()}
        for where in map(Path, filter(None, (self.task.kept, self.task.dropped))):
            where.mkdir(parents=True, exist_ok=True)
        for other in self._clear_subsets():
            if len(fresh) == len(numbers):
                raise RunError(f"{other.parent} holds other things ({other.name}); name a folder that is empty or new")
        self.jobs = [job for one in self.found if (job := numbers[one.uri]).number not in self.finished]

    def _clear_subsets(self) -> list[Path]:
        """Remove what workers that died left unfinished beside subsets; what else lies there."""
        ours, others = tuple(beginning(job.name) for job in self._numbers.values()), []
        for where in map(Path, filter(None, (self.task.kept, self.task.dropped))):
            for left in where.iterdir():
                if left.name.startswith(ours) and left.name.endswith(".unfinished"):
                    left.unlink()
                else:
                    others.append(left)
        return others

    def _changed(self, numbers: dict[str, Job]) -> list[dict[str, Any]]:
        """Lines for inputs that are other ones now and were not looked at yet. Raises RunError for those that were."""
        lines = []
        for one in self.found:
            job = numbers.get(one.uri)
            if job is None or (job.size_bytes == one.size_bytes and (
                    0 in (job.modified_ns, one.modified_ns) or job.modified_ns == one.modified_ns)):
                continue
            if job.number in self.finished or one.uri in self.manifest["filter"].get("collected", ()):
                raise RunError(f"{one.uri} has changed since {self.folder} was begun; name another folder by -o")
            numbers[one.uri] = replace(job, size_bytes=one.size_bytes, modified_ns=one.modified_ns)
            lines.append(asdict(numbers[one.uri]))
        return lines

    def done(self, made: Finished) -> None:
        """Write down that an input is finished, then put its files in place; both or neither, whatever interrupts."""
        with held_back():
            self._append([asdict(made)])
            self.finished[made.done] = made
            self._settle(made)
        if time.monotonic() - self._saved > SAVED_S:
            folders.write_manifest(self.folder, self.manifest)
            self._saved = time.monotonic()

    def _settle(self, made: Finished) -> None:
        for source, target in made.moves:
            if os.path.exists(source):
                os.makedirs(os.path.dirname(target), exist_ok=True)
                os.replace(source, target)
        named = {part["file"] for part in self.manifest["parts"]}
        fresh = [part for part in made.parts if part["file"] not in named]
        kept = {entry["file"] for entry in self.manifest["files"]}
        self.manifest["files"] += [entry for entry in made.files if entry["file"] not in kept]
        self.manifest["parts"] += fresh
        if fresh or not made.parts:
            for policy, uses in made.counts.items() if fresh else ():
                for use, verdicts in uses.items():
                    total = self.manifest["counts"].setdefault(policy, {}).setdefault(use, {})
                    for verdict, n in verdicts.items():
                        total[verdict] = total.get(verdict, 0) + n

    def _append(self, lines: Iterable[dict[str, Any]]) -> None:
        text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines).encode("utf-8", "replace")
        if not text:
            return
        file = os.open(self.folder / LEDGER, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            warc.append(file, text, os.fstat(file).st_size)
            os.fsync(file)
        finally:
            os.close(file)

    def end(self, complete: bool) -> None:
        shutil.rmtree(self.folder / UNFINISHED, ignore_errors=True)
        (self.folder / MAPPED).unlink(missing_ok=True)
        if complete:                                 # and so no worker lives
            self._clear_subsets()
            huggingface.complete(self.found, (self.task.kept, self.task.dropped))
        self.manifest |= {"status": folders.COMPLETE if complete else "interrupted", "ended": time_text(datetime.now(UTC))}
        folders.write_manifest(self.folder, self.manifest)

    def work(self, workers: int, tick: Callable[[Job, int, int], None]) -> Iterator[Finished]:
        """Every job that is not finished; each is in the ledger when it is yielded, but for those that were given up."""
        crew = Crew(self.task, workers)
        for made in self._alone(tick) if workers <= 1 else crew.work(self.jobs, tick):
            self.done(made)
            yield made
        for made in crew.lost:                       # not in the ledger: they are taken again
            self.finished[made.done] = made
            yield made

    def _alone(self, tick: Callable[[Job, int, int], None]) -> Iterator[Finished]:
        if not self.jobs:
            return
        worker = Worker(self.task, self._policies)
        for job in self.jobs:
            yield worker.filter(job, lambda at, pages, job=job: tick(job, at, pages))  # type: ignore[misc]  # a default binds the loop variable


def _copies(name: str) -> Iterator[sites.Copy]:
    with inputs.opened(name) as stream:
        yield from sites.read(stream)


def _subsets(task: Task) -> dict[str, str]:
    """What decides where a page is written, in the words of the command line."""
    return {"--kept": task.kept, "--dropped": task.dropped, "--keep": ",".join(sorted(set(task.keep))),
            "--by": ", ".join(sorted(set(task.by))), "--use": ", ".join(sorted({use.value for use in task.uses}))}


def _unpacked(name: str) -> str:
    """What the names of subsets have in common with others of the same sort in another packing."""
    return name.removesuffix(".gz").removesuffix(".zst")
