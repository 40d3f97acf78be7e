"""What an owner wishes to say about a site: for each use yes, no or nothing, who is turned away, and where it is otherwise.

**Facts**
- RFC 9309, 2.2 (https://www.rfc-editor.org/rfc/rfc9309): lines of robots.txt end with CR or LF, `#` starts a comment, `*` and
  `$` in a path are special; a path is compared octet by octet.
- TDMRep, 5.1 (https://www.w3.org/community/reports/tdmrep/CG-FINAL-tdmrep-20240510/): a reservation is of all mining or none.
  OURS: where mining is reserved, leave to train or to use for AI under a path lifts the reservation of that path, and the uses
  that stay refused there are refused in other words.
- OURS: a refusal of training also turns the control tokens away (Google-Extended, Applebot-Extended), for they fetch nothing
  and rules for them are the words that their operators say they obey; but not one that also controls a use that is allowed.
- OURS: crawlers that also index for search, fetchers for users, previews and tools are no trainers and are not turned away with
  them.
- OURS: values that could mean something in robots.txt, a configuration or a page are refused or percent-encoded here, so no
  writer sees them. Writers escape nonetheless.
"""
from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from urllib.parse import SplitResult, quote, unquote, urlsplit

from rules import Use
from rules.agents import FOR_TRAINING, Agent, Purpose

from ...effect import CONTROLS, SERVES

Said = Mapping[Use, bool]                # absent: nothing is said

USES = {"search": Use.SEARCH, "train": Use.TRAIN_GENAI, "ai-use": Use.AI_USE, "tdm": Use.TDM_OTHER}     # on the command line
LIFTING = frozenset({Use.TRAIN_GENAI, Use.AI_USE, Use.TDM_OTHER})      # leave for one of these lifts a reservation of all

SEVERAL = {"all": frozenset(USES.values()), "tdm": LIFTING}            # words for several uses

MAX_CHARS = 300
_SEGMENT = re.compile(r"[\w/.~+,=@! -]+")
_HOST = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)*|\[[0-9a-f:.]+\]")
_MAIL = re.compile(r"[A-Za-z0-9._+-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")


class Away(Enum):
    """Who may not fetch at all."""
    NOBODY = "nobody"
    TRAINERS = "trainers"                # crawlers run for training and data sets
    EVERYONE = "everyone"


@dataclass(frozen=True, slots=True)
class Leave:
    """A folder in which uses are allowed that are not allowed elsewhere."""
    path: str                            # decoded, from `/` to `/`
    uses: frozenset[Use]                 # Use.CRAWL: whoever is turned away elsewhere may fetch here

    @property
    def encoded(self) -> str:
        return quote(self.path, safe="/~+,=@!")


@dataclass(frozen=True, slots=True)
class Intent:
    origin: str                          # https://art.example, without a slash at the end
    said: Said                           # where TDM_OTHER is, so are training and use for AI, as TDMRep speaks of all
    away: Away = Away.NOBODY
    leaves: tuple[Leave, ...] = ()       # as in_order gives them
    owner: str = ""
    contact: str = ""                    # an address of mail, or a URL
    terms: str = ""                      # URL of a page for people

    def leave(self, path: str) -> Leave | None:
        """The one that holds for a path, decoded."""
        return next((leave for leave in self.leaves if path.startswith(leave.path)), None)

    def at(self, path: str) -> Said:
        """What is said about a path, decoded."""
        leave = self.leave(path)
        if leave is None:
            return self.said
        lifted = leave.uses & LIFTING and self.said.get(Use.TDM_OTHER) is False
        return {**self.said, **dict.fromkeys(leave.uses - {Use.CRAWL}, True), **({Use.TDM_OTHER: True} if lifted else {})}

    def turns_away(self, agent: Agent | None) -> bool:
        """Whether a crawler is turned away, but for the paths of `lets_in`."""
        if self.away is Away.EVERYONE:
            return True
        if agent is None:
            return False
        if agent.purpose in CONTROLS:
            return self.said.get(Use.TRAIN_GENAI) is False and not any(self.said.get(use) for use in SERVES[agent.purpose])
        return (self.away is Away.TRAINERS and agent.purpose in FOR_TRAINING
                and agent.purpose is not Purpose.SEARCH_INDEX_AND_TRAINING)

    def lets_in(self, agent: Agent | None, leave: Leave) -> bool:
        """Whether one that is turned away elsewhere may fetch here."""
        if agent is not None and agent.purpose in CONTROLS:
            return bool(leave.uses & SERVES[agent.purpose])
        return self.away is Away.EVERYONE or bool(leave.uses & {Use.TRAIN_GENAI, Use.TDM_OTHER, Use.CRAWL})

    @property
    def varies(self) -> frozenset[Use]:
        """Uses about which not the same is said everywhere."""
        return frozenset(use for use in USES.values() for leave in self.leaves
                         if self.at(leave.path).get(use) != self.said.get(use))


def names_of(agent: Agent) -> tuple[str, ...]:
    """The name of a crawler, and those of its other names that are product tokens (RFC 9309, 2.2.1)."""
    return (agent.token, *(name for name in agent.also_known_as if re.fullmatch("[A-Za-z_-]+", name)))


@dataclass(frozen=True, slots=True)
class Stance:
    """A set of wishes under one name."""
    said: Said
    away: Away = Away.NOBODY


def _said(**words: bool) -> Said:
    return {USES[word.replace("_", "-")]: answer for word, answer in words.items()}


STANCES: dict[str, Stance] = {
    "reserve": Stance(_said(search=True, train=False, ai_use=False, tdm=False)),
    "no-train": Stance(_said(search=True, train=False)),
    "no-ai": Stance(_said(train=False, ai_use=False)),
    "answers": Stance(_said(search=True, train=False, ai_use=True)),
    "turn-away": Stance(_said(search=True, train=False), Away.TRAINERS),
    "search-only": Stance(_said(search=True, train=False, ai_use=False, tdm=False), Away.TRAINERS),
    "closed": Stance(_said(search=False, train=False, ai_use=False, tdm=False), Away.EVERYONE),
    "open": Stance(_said(search=True, train=True, ai_use=True, tdm=True)),
}
RECOMMENDED = "search-only"              # by an audit, for the site and for its pictures


# Values of people, each checked and brought into one form. ValueError: what is wrong, in a sentence.

def origin(value: str) -> str:
    """Scheme, host and port of a site."""
    parts = _split(value if "://" in value else f"https://{value}")
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise ValueError(f"'{value}' is more than an origin; robots.txt speaks for a whole host, so give https://HOST")
    return f"{parts.scheme}://{parts.netloc.lower()}"


def address(value: str) -> str:
    """A URL, with every character encoded that means something in a configuration."""
    parts = _split(value)
    if parts.fragment:
        raise ValueError(f"'{value}' has a '#', which starts a comment in robots.txt; give the address without it")
    path, query = quote(parts.path, safe="/%~+,=@!:"), quote(parts.query, safe="/%~+,=@!:&?")
    return f"{parts.scheme}://{parts.netloc.lower()}{path or '/'}" + (f"?{query}" if query else "")


def _split(value: str) -> SplitResult:
    if len(value) > MAX_CHARS or any(c.isspace() or unicodedata.category(c).startswith("C") for c in value):
        raise ValueError(f"'{value[:80]}' is no address: it is too long, or has blanks or control characters")
    try:
        parts = urlsplit(value)
        host = (parts.hostname or "").encode("idna").decode() if "[" not in parts.netloc else f"[{parts.hostname}]"
        port = parts.port
    except (ValueError, UnicodeError):
        raise ValueError(f"'{value}' is no address") from None
    if parts.scheme not in ("http", "https") or not _HOST.fullmatch(host) or parts.username is not None:
        raise ValueError(f"'{value}' is no http or https address of a host")
    return parts._replace(netloc=host if port is None else f"{host}:{port}")


def name(value: str) -> str:
    """A name as people write it, on one line."""
    value = unicodedata.normalize("NFC", " ".join(value.split()))
    if len(value) > MAX_CHARS or any(unicodedata.category(c) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp") for c in value):
        raise ValueError("a name is at most 300 characters on one line, without control characters")
    return value


def contact(value: str) -> str:
    """An address of mail or a URL."""
    if "://" in value:
        return address(value)
    if not _MAIL.fullmatch(value) or len(value) > MAX_CHARS:
        raise ValueError(f"'{value[:80]}' is neither an address of mail nor a URL")
    return value


def leave(value: str) -> Leave:
    """`/press/=train,ai-use`."""
    path, sign, words = value.rpartition("=")
    path = _folder(path)
    uses: set[Use] = set()
    for word in words.split(",") if sign else ():
        if word not in (*USES, *SEVERAL, "fetch"):
            raise ValueError(f"'{word[:40]}' is no use; known are {', '.join(USES)}, fetch and all")
        uses |= SEVERAL.get(word) or {Use.CRAWL if word == "fetch" else USES[word]}
    if not uses:
        raise ValueError(f"'{value[:80]}' names no use; write it like /press/=train")
    return Leave(path, frozenset(uses))


def _folder(path: str) -> str:
    try:
        decoded = unicodedata.normalize("NFC", unquote(path, errors="strict"))
    except UnicodeDecodeError:
        raise ValueError(f"'{path[:80]}' is not UTF-8") from None
    if not decoded.startswith("/") or not decoded.endswith("/") or len(decoded) < 3 or len(decoded) > MAX_CHARS:
        raise ValueError(f"'{path[:80]}' is no folder of the site; write it from slash to slash, like /press/")
    if not _SEGMENT.fullmatch(decoded) or "//" in decoded or {".", ".."} & set(decoded.split("/")):
        raise ValueError(f"'{path[:80]}' has characters that mean something else in some server; "
                         "letters, digits, blanks and . _ ~ + , = @ ! - are fine")
    return decoded


def in_order(leaves: Iterable[Leave]) -> tuple[Leave, ...]:
    """The longest path first, as the first that matches counts; a folder has the leave of the folders it lies in, too.
    ValueError: a path twice."""
    given = tuple(leaves)
    out = tuple(Leave(one.path, frozenset().union(*(other.uses for other in given if one.path.startswith(other.path))))
                for one in sorted(given, key=lambda one: (-len(one.path), one.path)))
    if len({one.path for one in out}) < len(out):
        raise ValueError("a path is excepted twice; name all its uses at once, like /press/=train,ai-use")
    return out
