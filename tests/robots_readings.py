"""Other readers of robots.txt, questions for them, and the reasons for which their answers differ from ours.

A reason is a change to the file or the question that takes away what the two readers see differently. It explains a difference
if both agree once it is made; one reason is looked for first, then two, then all of them together.
"""
from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import combinations
from urllib.parse import quote

Question = tuple[str, str, str]          # text of the file, token, path and query
Reader = Callable[[str, str, str], bool]

FIELD = re.compile(r"[ \t]*([A-Za-z -]+?)[ \t]*:[ \t]*([^#]*)")
MISSPELLED = re.compile(r"[ \t]*(dissallow|dissalow|disalow|diasllow|disallaw|useragent|user agent)[ \t]*:?", re.IGNORECASE)
NO_COLON = re.compile(r"[ \t]*(user-agent|allow|disallow)[ \t]+([^ \t:]+)[ \t]*$", re.IGNORECASE)
KNOWN = ("user-agent", "allow", "disallow")
IN_URL = "%/:?[]@!$&'()*+,;=~"


def questions(text: str) -> Iterator[tuple[str, str]]:
    """Four askers and paths that the file itself suggests."""
    patterns = re.findall(r"(?im)^[ \t]*(?:dis)?allow[ \t]*:[ \t]*([^\s#]+)", text) or ["/a"]
    names = re.findall(r"(?im)^[ \t]*user-agent[ \t]*:[ \t]*([A-Za-z_-]+)[ \t\r]*$", text) or ["Googlebot"]
    first, middle, last = (_path(patterns[i]) for i in (0, len(patterns) // 2, -1))
    return iter((("FooBot", first), ("GPTBot", middle), (names[-1], last), ("FooBot", f"{last}?q=1")))


def _path(pattern: str) -> str:
    path = pattern.rstrip("$").replace("*", "x")
    return quote(path if path.startswith("/") else f"/{path}", safe=IN_URL)


def why(ours: Reader, theirs: Reader, question: Question) -> str:
    """Names of the fewest reasons that explain a difference; "unexplained"."""
    for count in (1, 2, len(REASONS)):
        for names in combinations(REASONS, count):
            changed = question
            for name in names:
                changed = REASONS[name](*changed)
            if ours(*changed) == theirs(*changed):
                return " + ".join(names) if count < 3 else "several"
    return "unexplained"


def _lines(change: Callable[[str, str, str], str | None]) -> Callable[[str, str, str], Question]:
    """A reason about single lines. `change` gets a line, the token and the line's field; None takes the line away."""
    def reason(text: str, token: str, path: str) -> Question:
        out = []
        for line in re.split(r"\r\n|\r|\n", text):
            found = FIELD.match(line)
            new = change(line, token, found[1].lower() if found else "")
            if new is not None:
                out.append(new)
        return "\n".join(out), token, path
    return reason


def _value(line: str) -> str:
    return line.partition("#")[0].partition(":")[2].strip()


def _other_record(line: str, token: str, field: str) -> str | None:
    known = field in KNOWN or not line.strip() or line.lstrip().startswith("#") or MISSPELLED.match(line) or NO_COLON.match(line)
    return line if known else None


def _after_token(line: str, token: str, field: str) -> str:
    found = re.match(r"[A-Za-z_-]+", _value(line))
    return f"User-agent: {found[0]}" if field == "user-agent" and found else line


def _part_of_name(line: str, token: str, field: str) -> str:
    if field != "user-agent":
        return line
    value, own = _value(line).lower(), token.lower()
    return line if value in (own, "*") or not (value in own or own in value) else "User-agent: zzz"


def _no_pattern(line: str, token: str, field: str) -> str | None:
    value = _value(line)
    return None if field in ("allow", "disallow") and value and value[0] not in "/*" else line


def _index_page(line: str, token: str, field: str) -> str | None:
    return None if field == "allow" and "/index.htm" in _value(line) else line


def _misspelled(line: str, token: str, field: str) -> str:
    if found := MISSPELLED.match(line):
        right = "User-agent" if found[1].lower().startswith("user") else "Disallow"
        return f"{right}: {line[found.end():].strip()}"
    return NO_COLON.sub(r"\1: \2", line)


def _no_uri(line: str, token: str, field: str) -> str:
    if field not in ("allow", "disallow"):
        return line
    return f"{field}: {quote(_value(line), safe=IN_URL)}"


def _no_wildcards(line: str, token: str, field: str) -> str | None:
    return None if field in ("allow", "disallow") and re.search(r"\*|\$", _value(line)) else line


def _longest_first(text: str, token: str, path: str) -> Question:
    """One group a name, its rules sorted so that the first that matches is the longest, an allow before a disallow."""
    groups: dict[str, list[tuple[str, str]]] = {}
    names: list[str] = []
    closed = True
    for line in re.split(r"\r\n|\r|\n", text):
        found = FIELD.match(line)
        field, value = (found[1].lower(), _value(line)) if found else ("", "")
        if field == "user-agent":
            names = [value.lower()] if closed else [*names, value.lower()]
            closed = False
            groups.setdefault(value.lower(), [])
        elif field in ("allow", "disallow"):
            closed = True
            for name in names:
                if value:
                    groups[name].append((value, field))
    out = []
    for name in sorted(groups, key=lambda n: n == "*"):
        rules = sorted(groups[name], key=lambda rule: (-len(rule[0]), rule[1]))
        out += [f"User-agent: {name}", *(f"{field}: {value}" for value, field in rules), *(() if rules else ("Disallow:",)), ""]
    return "\n".join(out), token, path


REASONS: dict[str, Callable[[str, str, str], Question]] = {
    "robots.txt itself": lambda text, token, path: (text, token, "/elsewhere") if path == "/robots.txt" else (text, token, path),
    "an empty query": lambda text, token, path: (text, token, path.removesuffix("?")),
    "byte order mark": lambda text, token, path: (text.lstrip("\ufeff"), token, path),
    "a record that is no rule splits a group": _lines(_other_record),
    "a blank line splits a group": _lines(lambda line, token, field: line if line.split("#")[0].strip() else None),
    "other line ends": lambda text, token, path: (re.sub("[\x0b\x0c\x1c-\x1e\x85\u2028\u2029]", " ", text), token, path),
    "text after a token": _lines(_after_token),
    "part of a name": _lines(_part_of_name),
    "no pattern": _lines(_no_pattern),
    "an allowed index page": _lines(_index_page),
    "misspelled": _lines(_misspelled),
    "no URI characters": _lines(_no_uri),
    "wildcards": _lines(_no_wildcards),
    "first match, groups apart": _longest_first,
}
