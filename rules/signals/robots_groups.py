"""The lines of a robots.txt, its groups, and what its rules answer: parsed once, asked for any number of crawlers at a time.

Facts (RFC 9309, https://www.rfc-editor.org/rfc/rfc9309)
- 2.2: lines end with CR, LF or CRLF and with nothing else; `#` starts a comment; field names have no case.
- 2.2.1: a group is a run of user-agent lines and the rules after it. Product tokens are equal without regard to case, never by
  prefix or part. Groups of one token are merged; `*` holds only for crawlers that no group names; rules before the first
  user-agent line hold for nobody.
- 2.2.2: the most octets win and allow wins a tie (robots_match.py); an empty pattern decides nothing; /robots.txt is allowed.
- 2.2.4: other records must not interfere: they end neither a group nor a run of user-agent lines.
- 2.5: at least 500 KiB are parsed. OURS: a longer file is cut after its last complete line, since half a rule can mean more.

Leniency, each named in the note of what it leads to
- PRACTICE (google/robotstxt, robots.cc of 2026-04-01): a byte order mark, even its first octets only; misspelled names and
  names that begin like a known one; a colon left out between two words; text after `*` or after a token (`Bot/1.0`, `Foo Bar`);
  lines cut at 16,663 octets; `Allow: /dir/index.html` allows `/dir/` too. What starts with neither `/` nor `*` is no pattern.
- OURS: so are names that begin like Content-Usage or Content-Signal, or have `_` for `-`; a file in UTF-16 is read by its mark.
- OURS: a name that is no product token (`img2dataset`, `Kangaroo Bot`) names the crawler of exactly that name. Where a space
  follows a token, the token is named as well; digits and dots inside a word do not end it, so `AI2Bot` is never `AI`.
- OURS: Content-Usage, Content-Signal, License and the rules about training belong to the user-agent lines above them up to the
  rule before (draft-ietf-aipref-attach-05, 4: they are rules), while for Allow and Disallow they are other records (2.2.4). So
  `A, Content-Signal, B, Disallow` turns A and B away, and B does not inherit what A alone was told.
"""
from __future__ import annotations

import re
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ..limits import ROBOTS_BYTES, ROBOTS_LINE_BYTES
from ..memo import memo
from .page_instead import is_page
from .robots_match import Path, Patterns, Rank, normal_path, normal_pattern

WS = " \t"
BOM = b"\xef\xbb\xbf"
ROOT: Path = ("/", "")
PLANS = 64                               # OURS: sets of tokens whose answers are prepared for one file
OUTCOMES = 1_024                         # OURS: answers kept for one set

FIELDS = ("user-agent", "allow", "disallow", "content-usage", "content-signal", "disallowaitraining", "allowaitraining",
          "license", "sitemap")
MISSPELLED = (("user-agent", "user-agent"), ("useragent", "user-agent"), ("user agent", "user-agent"), ("allow", "allow"),
              ("content-signal", "content-signal"), ("content_signal", "content-signal"), ("content-usage", "content-usage"),
              ("content_usage", "content-usage"),
              *((typo, "disallow") for typo in
                ("disallow", "dissallow", "dissalow", "disalow", "diasllow", "disallaw")),
              ("sitemap", "sitemap"), ("site-map", "sitemap"))

_TOKEN = re.compile(r"[a-z_-]+")
_NAME = re.compile(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*")     # a token, or what many take for one
_TWO_WORDS = re.compile(r"[ \t]*([^ \t]+)[ \t]+([^ \t]+)[ \t]*")

Verdict = tuple[bool, int]               # allowed, and the line that says so; 0: no line does


@dataclass(frozen=True, slots=True)
class Line:
    """A rule: where it stands and what it says."""
    number: int
    field: str                           # one of FIELDS
    value: str                           # one character an octet
    note: str = ""                       # the deviation it took to read it


@dataclass(slots=True)
class Group:
    """Names of crawlers and the lines for them, with patterns in the normal form of robots_match."""
    names: dict[str, str] = field(default_factory=dict)      # key of a name -> deviation, "" if none
    rules: list[Line] = field(default_factory=list)
    block: int = -1                      # index into RobotsTxt.blocks of its patterns


Decision = tuple[Group, Line]


class RobotsTxt:
    """One parsed file. Answers are remembered, so ask it again and do not copy it."""

    def __init__(self, body: bytes) -> None:
        self.cut = len(body) > ROBOTS_BYTES
        if self.cut:
            body = whole_lines(body[:ROBOTS_BYTES])
        self.read_bytes = len(body)
        body, self._bom_note = _without_bom(body)
        self._lines = body.decode("latin-1").replace("\r\n", "\n").replace("\r", "\n").split("\n")
        self.sitemaps: list[tuple[int, str]] = []            # line, URL
        self.cut_lines: list[int] = []                       # rules longer than a line may be
        self._licences: list[Line] = []                      # outside every group
        self.unaddressed: Sequence[Line] = ()                # words before the first user-agent line, for nobody
        self.crawling: list[Group] = []                      # with Allow and Disallow
        self.speaking: list[Group] = []                      # with everything else
        self._parse()
        self.crawling, self.speaking = _merged(self.crawling), _merged(self.speaking)
        self.blocks: list[Patterns] = []
        shared: dict[tuple[tuple[str, int], ...], int] = {}
        for group in self.crawling:
            patterns = tuple((line.value, int(line.field == "allow")) for line in group.rules)
            if (block := shared.get(patterns)) is None:
                block = shared[patterns] = len(self.blocks)
                self.blocks.append(Patterns(patterns))
            group.block = block
        self._crawling_by_name = _by_name(self.crawling)
        self._speaking_by_name = _by_name(self.speaking)
        self._licensed = bool(self._licences) or any(line.field == "license" for g in self.speaking for line in g.rules)
        self._plans: dict[tuple[str, ...], _Plan] = {}
        self._last_tokens: tuple[str, ...] = ()
        self._last_plan = _Plan(self, ())

    @property
    def names(self) -> Sequence[str]:
        """Keys of all names in user-agent lines, in order of appearance; "*" is one of them."""
        return tuple(self._crawling_by_name)

    def key(self, token: str) -> str | None:
        """The name in the file that is this crawler's own; None where only "*" could hold for it. "/version" is ignored."""
        name = token.encode("utf-8", "surrogatepass").decode("latin-1").lower()
        for key in (name, name.partition("/")[0]):
            if key in self._crawling_by_name and key != "*":
                return key
        return None

    def crawling_for(self, key: str) -> Sequence[Group]:
        return self._crawling_by_name.get(key, ())

    def speaking_for(self, key: str) -> Sequence[Group]:
        return self._speaking_by_name.get(key, ())

    def verdicts(self, path_and_query: str, tokens: tuple[str, ...]) -> tuple[Verdict, ...]:
        """For each token whether it may fetch the path, and the line that decides. Rules shared by tokens are matched once."""
        if tokens is not self._last_tokens:      # the same tuple as before need not be hashed
            if tokens not in self._plans:
                if len(self._plans) >= PLANS:
                    self._plans.clear()
                self._plans[tokens] = _Plan(self, tokens)
            self._last_tokens, self._last_plan = tokens, self._plans[tokens]
        return self._last_plan.answer(path_and_query)

    def verdict(self, path_and_query: str, token: str) -> Verdict:
        return self.verdicts(path_and_query, (token,))[0]

    def decide(self, key: str, ranks: Mapping[int, Rank | None]) -> Decision | None:
        """The group and the line that decide for a name. `ranks`: of the blocks of its groups, matched with this path."""
        best: tuple[Rank, Group] | None = None
        for group in self.crawling_for(key):
            rank = ranks[group.block]
            if rank is not None and (best is None or rank[:2] > best[0][:2]):
                best = rank, group
        return (best[1], best[1].rules[-best[0][2]]) if best else None

    def licenses(self, token: str) -> tuple[tuple[int, str], ...]:
        """Line and URL of the License records for a crawler (RSL 1.0): those of its group take the place of the global ones."""
        if not self._licensed:
            return ()
        own = [line for group in self.speaking_for(self.key(token) or "*") for line in group.rules if line.field == "license"]
        return tuple((line.number, octets(line.value)) for line in own or self._licences)

    def comments(self) -> Iterator[tuple[int, str]]:
        """Line and text of every comment."""
        for number, line in enumerate(self._lines, 1):
            _, mark, text = line.partition("#")
            if mark:
                yield number, octets(text.strip(WS))

    def text(self, number: int) -> str:
        """A line as it is written."""
        return octets(self._lines[number - 1].strip(WS))

    @property
    def instead(self) -> str:
        """What the body seems to be, where it is no robots.txt at all; "" otherwise."""
        if self.crawling or self.sitemaps or self._licences:
            return ""
        if is_page("\n".join(self._lines[:20]).encode("latin-1")):
            return "a page"
        return "binary data" if any("\0" in line for line in self._lines) else ""

    def _parse(self) -> None:
        crawling = speaking = Group()    # before the first user-agent line: rules for nobody
        self.unaddressed = speaking.rules
        crawling_closed = speaking_closed = True
        for number, raw in enumerate(self._lines, 1):
            text = raw.partition("#")[0]
            if not text:
                continue
            if (line := read_line(number, text, self._bom_note if number == 1 else "")) is None:
                continue
            if line.note == "line-cut":
                self.cut_lines.append(number)
            if line.field == "user-agent":
                if crawling_closed:
                    self.crawling.append(crawling := Group())
                if speaking_closed:
                    self.speaking.append(speaking := Group())
                crawling_closed = speaking_closed = False
                for name, deviation in names_of_line(line):
                    for group in (crawling, speaking):
                        group.names[name] = min(group.names.get(name, deviation), deviation)
            elif line.field in ("allow", "disallow"):
                crawling_closed = speaking_closed = True
                crawling.rules += _rules(line)
            elif line.field == "sitemap":
                self.sitemaps.append((number, octets(line.value)))
            elif line.field == "license" and not self.crawling:
                self._licences.append(line)
            else:
                speaking_closed = True
                speaking.rules.append(line)


class _Plan:
    """Which rules hold for which of these tokens. Where the rules' results are as before, so is the answer."""
    __slots__ = ("_blocks", "_keys", "_known", "_patterns", "_robots", "_same")

    def __init__(self, robots: RobotsTxt, tokens: tuple[str, ...]) -> None:
        self._robots = robots
        self._keys = tuple(robots.key(token) or "*" for token in tokens)
        blocks = dict.fromkeys(g.block for key in self._keys for g in robots.crawling_for(key))
        self._same = {i: robots.blocks[i].best(ROOT) for i in blocks if robots.blocks[i].same_for_all}
        self._blocks = tuple(i for i in blocks if i not in self._same)
        self._patterns = [robots.blocks[i] for i in self._blocks]
        self._known: dict[tuple[Rank | None, ...], tuple[Verdict, ...]] = {}

    def answer(self, path_and_query: str) -> tuple[Verdict, ...]:
        if path_and_query == "/robots.txt":
            return ((True, 0),) * len(self._keys)
        path = normal_path(path_and_query)
        ranks = tuple([patterns.best(path) for patterns in self._patterns])
        found = self._known.get(ranks)
        if found is None:
            if len(self._known) >= OUTCOMES:
                self._known.clear()
            found = self._known[ranks] = self._verdicts(self._same | dict(zip(self._blocks, ranks, strict=True)))
        return found

    def _verdicts(self, ranks: Mapping[int, Rank | None]) -> tuple[Verdict, ...]:
        made: dict[str, Verdict] = {}
        for key in self._keys:
            if key not in made:
                decision = self._robots.decide(key, ranks)
                made[key] = (decision[1].field == "allow", decision[1].number) if decision else (True, 0)
        return tuple(made[key] for key in self._keys)


@memo
def parse(body: bytes) -> RobotsTxt:
    """Groups and rules of a body. Never raises; time and memory grow with its size, up to limits.ROBOTS_BYTES."""
    return RobotsTxt(body)


def whole_lines(body: bytes) -> bytes:
    """A body that was cut somewhere, up to its last line end."""
    return body[:max(body.rfind(b"\n"), body.rfind(b"\r")) + 1]


def octets(text: str) -> str:
    """Text as UTF-8, which is what one character an octet stands for."""
    return text.encode("latin-1").decode("utf-8", "replace")


def _without_bom(body: bytes) -> tuple[bytes, str]:
    if body.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        return body.decode("utf-16", "replace").encode("utf-8", "replace"), "utf-16"
    for size, note in ((3, ""), (2, "bom-truncated"), (1, "bom-truncated")):
        if body.startswith(BOM[:size]):
            return body[size:], note
    return body, ""


def read_line(number: int, text: str, note: str = "") -> Line | None:
    """A line without its comment; None where it is none of FIELDS."""
    if len(text) > ROBOTS_LINE_BYTES:
        text, note = text[:ROBOTS_LINE_BYTES], "line-cut"
    name, colon, value = text.partition(":")
    if not colon:
        words = _TWO_WORDS.fullmatch(text)
        if words is None:
            return None
        name, value = words.groups()
        note = note or "colon-missing"
    name = name.strip(WS).lower()
    if name not in FIELDS:
        known = next((known for typo, known in MISSPELLED if name.startswith(typo)), None)
        if known is None:
            return None
        name, note = known, note or "field-misspelled"
    return Line(number, name, value.strip(WS), note)


def names_of_line(line: Line) -> Iterator[tuple[str, str]]:
    """Keys under which a user-agent line is found, each with the deviation that it took."""
    name = line.value.lower()
    if name == "*" or _TOKEN.fullmatch(name):
        yield name, line.note
    elif name.startswith(("* ", "*\t")):
        yield "*", line.note or "text-after-star"
    else:
        cut = _NAME.match(name)
        rest = name[cut.end():] if cut else name
        if rest.startswith("/") and cut:
            yield cut[0], line.note or "text-after-token"
        elif name:
            yield name, line.note or "token-not-rfc9309"
            if cut and rest:
                yield cut[0], line.note or "text-after-token"


def _rules(line: Line) -> Iterator[Line]:
    """The rule of an Allow or Disallow line, in normal form; a second one for an index page; none without a pattern."""
    if not line.value.startswith(("/", "*")):
        return
    yield Line(line.number, line.field, normal_pattern(line.value), line.note)
    folder, _, page = line.value.rpartition("/")
    if line.field == "allow" and page.startswith("index.htm"):
        yield Line(line.number, "allow", normal_pattern(f"{folder}/$"), line.note or "index-page")


def _merged(groups: Sequence[Group]) -> list[Group]:
    """Groups of the same names as one, rules in their order (2.2.1)."""
    out: dict[tuple[tuple[str, str], ...], Group] = {}
    for group in groups:
        first = out.setdefault(tuple(group.names.items()), group)
        if first is not group:
            first.rules += group.rules
    return list(out.values())


def _by_name(groups: Sequence[Group]) -> dict[str, list[Group]]:
    out: dict[str, list[Group]] = {}
    for group in groups:
        for name in group.names:
            out.setdefault(name, []).append(group)
    return out
