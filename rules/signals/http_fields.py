"""Response fields as they came: order and repetition kept, and what could not be read of them said once.

Facts (RFC 9110 and RFC 9112, https://www.rfc-editor.org/rfc/rfc9110)
- 9110, 5.1: field names are case-insensitive. 5.3: several lines of one name may be joined by commas, in their order; what
  does so loses the scope of an X-Robots-Tag, so lines are kept apart here.
- 9112, 5: `name: value` with optional white space around the value. 5.2: a line that starts with white space goes on with the
  line before it (obs-fold) and is read as one space.
- 9112, 2.2: a bare LF may end a line; a bare CR ends none. An empty line ends the section. 9110, 15.2 and 15.4: what follows an
  interim response or a redirect, as dumps keep them, is another response; the last one is meant.
- OURS: white space before the colon is accepted, although 9112, 5.1 lets nobody send it: what stands there may be a
  reservation.
- OURS: a line without colon that names a signal is malformed; what lies beyond a cap and names a signal is truncated.
"""
from __future__ import annotations

import re
from dataclasses import dataclass

from ..limits import FIELD_BYTES, FIELD_LINES, FIELD_LINES_BYTES, FIELDS_BYTES
from ..memo import latest
from ..model import Asker, Asset, Carrier, Evidence, Fault, FaultKind, Finding

# Fields whose words are signals, in lower case; of others nothing is missed when they are odd or long.
SIGNALLING = (b"content-usage", b"content-signal", b"x-robots-tag", b"tdm-reservation", b"tdm-policy")

_STATUS = re.compile(rb"HTTP/\d(?:\.\d)? +(\d{3})(?!\d)", re.IGNORECASE)
_END = re.compile(rb"\r?\n[ \t]*\r?\n")
_NAME = re.compile(rb"[!-9;-~]+")
# What almost all are: lines as they should be, after a status line.
_ORDINARY = re.compile(rb"(?:HTTP/\d(?:\.\d)? +\d{3}(?!\d)[^\r\n]*+\r?\n)?+(?:[!-9;-~]++:[^\r\n]*+(?:\r?\n|\Z))*+(?:\r?\n)?+")
_LINE = re.compile(rb"^([!-9;-~]+):([^\r\n]*)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class _Section:
    fields: tuple[tuple[bytes, bytes], ...]
    faults: tuple[Fault, ...]


def fields(body: bytes) -> tuple[tuple[bytes, bytes], ...]:
    """(name in lower case, value) of every field line, in order; folded lines joined, values of signals within FIELD_BYTES."""
    return _section(body).fields


def values(body: bytes, name: bytes) -> list[str]:
    """The value of every line of a field, in order, never joined. `name` in lower case."""
    if name not in lowered(body):
        return []
    return [value.decode("utf-8", "replace") for n, value in fields(body) if n == name]


def status(body: bytes) -> int | None:
    """Status code of the first line, if that is a status line."""
    line = _STATUS.match(body, _start(body))
    return int(line[1]) if line else None


def faults(evidence: Evidence, asset: Asset, asker: Asker) -> list[Finding]:
    """What of the section could speak and could not be read."""
    low = lowered(evidence.body)
    return list(_section(evidence.body).faults) if any(name in low for name in SIGNALLING) else []


@latest
def lowered(body: bytes) -> bytes:
    """A header section in lower case."""
    return body.lower()


@latest
def _section(body: bytes) -> _Section:
    if len(body) <= FIELD_BYTES and body.count(b"\n") < FIELD_LINES and _ORDINARY.fullmatch(body):
        return _Section(tuple([(name.lower(), value.strip(b" \t")) for name, value in _LINE.findall(body)]), ())
    found: list[list[bytes]] = []
    troubles: dict[Fault, None] = {}
    body = body[_start(body):]
    kept, rest = body, b""
    if len(body) > FIELDS_BYTES:
        cut = body.rfind(b"\n", 0, FIELDS_BYTES) + 1
        kept, rest = body[:cut], body[cut:]
    if end := _END.search(kept):
        kept, rest = kept[:end.start()], b""
    lines = kept.split(b"\n")
    if len(lines) > FIELD_LINES:
        lines, rest = lines[:FIELD_LINES], b"\n".join((*lines[FIELD_LINES:], rest))
    for number, raw in enumerate(lines):
        line = raw.rstrip(b"\r \t")
        name, colon, value = line.partition(b":")
        if colon and b"\r" not in line and _NAME.fullmatch(name):      # as they should be
            found.append([name.lower(), value.strip(b" \t")])
        elif line[:1] in (b" ", b"\t") and found:
            found[-1].append(line.strip(b" \t"))
        elif not (number == 0 and _STATUS.match(line)):
            name = name.strip(b" \t").lower()
            if b"\r" in line and (odd := _named(line)):
                troubles[_fault(FaultKind.MALFORMED, odd, "a line end inside a line")] = None
            if colon and _NAME.fullmatch(name):
                found.append([name, value.strip(b" \t")])
            elif name := _named(line):
                troubles[_fault(FaultKind.MALFORMED, name, "no field line")] = None
    rest = rest.lower()
    for name in SIGNALLING:
        if name in rest:
            troubles[_fault(FaultKind.TRUNCATED, name, f"beyond {FIELD_LINES} lines or {FIELDS_BYTES} bytes")] = None
    out: list[tuple[bytes, bytes]] = []
    held_bytes = dict.fromkeys(SIGNALLING, 0)
    for name, value, *folded in found:
        if folded:
            value = b" ".join((value, *folded))
        if name in held_bytes:
            held_bytes[name] += len(value)
            if held_bytes[name] > FIELD_LINES_BYTES:
                troubles[_fault(FaultKind.TRUNCATED, name, f"lines of more than {FIELD_LINES_BYTES} bytes")] = None
                continue
            if len(value) > FIELD_BYTES:
                value = value[:value.rfind(b",", 0, FIELD_BYTES) + 1].rstrip(b", ") or value[:FIELD_BYTES]
                troubles[_fault(FaultKind.TRUNCATED, name, f"a value longer than {FIELD_BYTES} bytes")] = None
        out.append((name, value))
    return _Section(tuple(out), tuple(troubles))


def _start(body: bytes) -> int:
    """Where the section of the last response begins."""
    start = 0
    if b"\nHTTP/" not in body[:FIELDS_BYTES]:
        return start
    while (line := _STATUS.match(body, start)) and line[1].startswith((b"1", b"3")):
        end = _END.search(body, start)
        if end is None or not _STATUS.match(body, end.end()):
            break
        start = end.end()
    return start


def _named(line: bytes) -> bytes:
    lowered = line.lower()
    return next((name for name in SIGNALLING if name in lowered), b"")


def _fault(kind: FaultKind, name: bytes, detail: str) -> Fault:
    return Fault(Carrier.HTTP_FIELDS, kind, detail, name.decode())
