"""Requests of crawlers, put in order of time: in memory while they are few, on disk when they are many.

**Facts**
- Logs come in files that overlap, and a line is written when its answer ends: so order is made here, not assumed.
- SQLite keeps a database without a name in memory until it is larger than its cache, then in a temporary file that is gone
  with the connection (https://www.sqlite.org/inmemorydb.html, 'Temporary databases').
"""
from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass

from .request import Request

AT_ONCE = 2_000
_COLUMNS = "at, address, host, scheme, method, target, status, size, token, file, line"


@dataclass(frozen=True, slots=True)
class Hit:
    """A request under the name of a crawler, and the line that tells of it."""
    at: int
    address: str
    host: str
    scheme: str
    method: str
    target: str
    status: int
    size: int | None
    token: str
    file: int                        # index into the list of files
    line: int                        # from 1


class Store:
    def __init__(self) -> None:
        self._db = sqlite3.connect("", isolation_level=None)
        self._db.execute("PRAGMA journal_mode = OFF")
        self._db.execute("PRAGMA cache_size = -65536")       # KiB
        self._db.execute(f"CREATE TABLE hits ({_COLUMNS})")  # names of ours
        self._waiting: list[tuple[object, ...]] = []
        self.hosts: dict[str, int] = {}

    def add(self, r: Request, host: str, token: str, file: int, line: int) -> None:
        self._waiting.append((r.at, r.address, host, r.scheme, r.method, r.target, r.status, r.size, token, file, line))
        self.hosts[host] = self.hosts.get(host, 0) + 1
        if len(self._waiting) >= AT_ONCE:
            self._write()

    def _write(self) -> None:
        marks = ",".join("?" * len(_COLUMNS.split(",")))
        self._db.execute("BEGIN")
        self._db.executemany(f"INSERT INTO hits VALUES ({marks})", self._waiting)  # noqa: S608, question marks alone
        self._db.execute("COMMIT")
        self._waiting.clear()

    def __len__(self) -> int:
        return sum(self.hosts.values())

    def in_order(self) -> Iterator[Hit]:
        """By time, then as they were read."""
        self._write()
        for row in self._db.execute(f"SELECT {_COLUMNS} FROM hits ORDER BY at, rowid"):  # noqa: S608, names of ours
            yield Hit(*row)

    def close(self) -> None:
        self._db.close()
