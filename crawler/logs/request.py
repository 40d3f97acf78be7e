"""One request as a server wrote it down, whatever the format of its log."""
from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

SECOND = 1_000_000                   # times are whole microseconds since 1970-01-01T00:00:00Z
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Request(NamedTuple):
    """What a line says. Text is as the client sent it: unescaped once, otherwise untouched, and to be trusted by nobody."""
    at: int                          # when, in microseconds
    address: str                     # of the client, or of who stands before it; "" if the log does not say
    host: str                        # with its port where the log tells one; "" if not told
    scheme: str                      # "http", "https" or ""
    method: str
    target: str                      # path and query; "" where the line has no readable request
    status: int                      # 0: not told
    size: int | None                 # bytes of the answer; None: not told, which is not zero
    agent: str                       # User-Agent


def instant(at: datetime) -> int:
    """A time in microseconds. `at` must be aware."""
    return (at - EPOCH) // _MICROSECOND


def moment(at: int) -> datetime:
    """The aware time in UTC."""
    return EPOCH + timedelta(microseconds=at)


def told(at: int) -> str:
    """As ISO 8601 with Z, to the second, or finer where there is more."""
    return moment(at).isoformat().replace("+00:00", "Z")
