"""An intent put into a robots.txt that is there already: lines are added, and where one contradicts, it becomes a comment.

**Facts**
- RFC 9309, 2.2 (https://www.rfc-editor.org/rfc/rfc9309): what a line ends with, and what a group is. 2.2.1: a crawler that a
  group names hears nothing of the other groups, so every group gets what is said to all.
- draft-ietf-aipref-attach-05, 4: the longest Content-Usage path is taken whole, and lines of one path combine. So a path that
  the file has gets a line with what is said about it, too.
- INVARIANT: every line of the file is in the result, in its order, as it was or behind `KEPT`; so are its byte order mark and
  its line ends. OURS: a file in UTF-16 becomes one in UTF-8.
- OURS: crawlers that are turned away keep no Allow line: in a group of theirs alone these become comments; from a group that
  others share their user-agent lines do. A group that would be left without a rule gets one.
- OURS: where a crawler gets a group of its own and is let into a folder, the Disallow lines of `*` are repeated in that group.
- OURS: a file that ends in user-agent lines is closed by an empty Disallow, or what is added would be about them.
"""
from __future__ import annotations

import re
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import unquote

from rules.signals.robots_groups import Line, RobotsTxt, names_of_line, read_line

from . import words
from .intent import Away, Intent, Leave

KEPT = "# maymine: was: "
MAX_BYTES = 400_000                      # of the file that is there: a crawler need not read more than 500 KiB (RFC 9309, 2.5)

_LINE = re.compile(rb"[^\r\n]*(?:\r\n|\r|\n|$)")
_MARK = b"\xef\xbb\xbf"


class NoRobotsTxt(ValueError):
    """The bytes are no robots.txt, or none that can be added to."""


@dataclass(slots=True)
class _Record:
    """A line of the file, and what is to be done with it."""
    text: str                            # one character an octet, without its end
    end: str
    line: Line | None                    # what it says; None: nothing that is known
    is_out: bool = False                 # becomes a comment
    after: list[str] = field(default_factory=list)


def merge(body: bytes, intent: Intent, rsl_url: str = "") -> bytes:
    """The file with what the intent says. Merging the same again changes nothing. NoRobotsTxt: why it was left alone."""
    if body.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        body = body.decode("utf-16", "replace").encode("utf-8", "replace")
    robots = RobotsTxt(body)
    if robots.instead or b"\0" in body:
        raise NoRobotsTxt(f"this is {robots.instead or 'binary data'}, no robots.txt")
    if len(body) > MAX_BYTES:
        raise NoRobotsTxt(f"it has more than {MAX_BYTES} bytes; crawlers need not read what would be added")
    mark = _MARK if body.startswith(_MARK) else b""
    records = _records(body[len(mark):])
    newline = "\r\n" if any(r.end == "\r\n" for r in records) else "\n"
    away = {name.lower(): let for names, let in words.turned_away(intent) for name in names}
    if intent.away is Away.EVERYONE:
        away["*"] = intent.leaves
    _turn_away(records, away)
    _speak(records, intent)
    top = [line for line in ([f"License: {rsl_url}"] if rsl_url else []) if line not in {r.text.strip() for r in records}]
    return mark + _written(records, newline, top, _added(records, intent)).encode("latin-1")


def _records(body: bytes) -> list[_Record]:
    out = []
    for number, raw in enumerate(_LINE.findall(body), 1):
        text = raw.decode("latin-1")
        bare = text.rstrip("\r\n")
        if text:
            out.append(_Record(bare, text[len(bare):], read_line(number, bare.partition("#")[0])))
    return out


def _runs(records: Sequence[_Record], closing: tuple[str, ...] = ()) -> list[tuple[list[int], list[int]]]:
    """Groups: indices of user-agent lines, and of the rules after them. `closing`: the fields that end the user-agent lines;
    () for every rule, as for what is said beside Allow and Disallow."""
    out: list[tuple[list[int], list[int]]] = []
    closed = True
    for n, record in enumerate(records):
        if record.line is None or record.line.field == "sitemap" or record.is_out:
            continue
        if record.line.field == "user-agent":
            if closed:
                out.append(([], []))
            out[-1][0].append(n)
            closed = bool(record.after)      # a rule is to follow
        elif out:
            closed = closed or not closing or record.line.field in closing
            out[-1][1].append(n)
    return out


def _turn_away(records: list[_Record], away: dict[str, tuple[Leave, ...]]) -> None:
    for agents_at, rules_at in _runs(records, ("allow", "disallow")):
        lets = {n: next((away[name] for name in _names(records[n]) if name in away), None) for n in agents_at}
        let = lets[agents_at[0]]
        if let is None or set(lets.values()) != {let}:       # others share the group: these get one of their own
            for n in (n for n in agents_at if lets[n] is not None):
                records[n].is_out = True
            continue
        folders = [leave.encoded for leave in let]
        for n in rules_at:
            records[n].is_out = _field(records[n]) == "allow" and _value(records[n]) not in folders
        have = {f"{_field(records[n])}: {_value(records[n])}".lower() for n in rules_at if not records[n].is_out}
        records[agents_at[-1]].after += [line for line in words.away_rules(let) if line.lower() not in have]


def _speak(records: list[_Record], intent: Intent) -> None:
    everyone = words.to_everyone(intent)
    for agents_at, rules_at in _runs(records):
        own = [_value(records[n]) for n in rules_at if _field(records[n]) == "content-usage"]
        have = {f"{_field(records[n])}: {_value(records[n])}".lower() for n in rules_at}
        paths = dict.fromkeys(value.replace("\t", " ").partition(" ")[0] for value in own if value.startswith("/"))
        lines = [*everyone, *(f"Content-Usage: {path} {statement}" for path in paths
                              if (statement := words.usage(intent.at(_decoded(path)))))]
        records[agents_at[-1]].after += [line for line in dict.fromkeys(lines) if line.lower() not in have]


def _added(records: Sequence[_Record], intent: Intent) -> list[str]:
    """Groups for crawlers that the file does not name, and one for all if it has none."""
    everyone, out = words.to_everyone(intent), []
    named = {name for r in records if not r.is_out and r.line and r.line.field == "user-agent" for name in _names(r)}
    refused = [f"Disallow: {_value(records[n])}" for agents_at, rules_at in _runs(records, ("allow", "disallow"))
               if any("*" in _names(records[n]) for n in agents_at) for n in rules_at
               if _field(records[n]) == "disallow" and _value(records[n])]
    for names, let in words.turned_away(intent):
        if new := [name for name in names if name.lower() not in named]:
            repeated = dict.fromkeys(refused) if let else ()
            out += ["", *(f"User-agent: {name}" for name in new), *repeated, *words.away_rules(let), *everyone]
    if "*" not in named:
        rules = words.away_rules(intent.leaves) if intent.away is Away.EVERYONE else ["Allow: /"]     # closes the group
        out += ["", "User-agent: *", *rules, *everyone] if everyone or intent.away is Away.EVERYONE else []
    return out


def _written(records: Sequence[_Record], newline: str, top: Sequence[str], added: Sequence[str]) -> str:
    out = [line + newline for line in top]
    open_names = False
    for record in records:
        end = record.end or (newline if record.after or added else "")
        out.append((KEPT if record.is_out else "") + record.text + end)
        out += [line + newline for line in record.after]
        if record.line and not record.is_out:
            named = record.line.field
            open_names = named == "user-agent" or (open_names and named not in ("allow", "disallow"))
            open_names = open_names and not any(line.startswith(("Allow", "Disallow")) for line in record.after)
    closing = ["Disallow:"] if open_names and added else []
    return "".join([*out, *(line + newline for line in (*closing, *added))])


def _names(record: _Record) -> set[str]:
    return {name for name, _ in names_of_line(record.line)} if record.line else set()


def _field(record: _Record) -> str:
    return record.line.field if record.line else ""


def _value(record: _Record) -> str:
    return record.line.value if record.line else ""


def _decoded(path: str) -> str:
    return unquote(path.encode("latin-1").decode("utf-8", "replace"))
