"""The table of findings (findings.yaml), and one finding of one audit."""
from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cache
from importlib.resources import files

from rules.strict_yaml import load

PLACES = ("site", "robots.txt", "tdmrep.json", "headers", "pages", "images", "licence", "ai.txt", "trust.txt")


class Status(Enum):
    """In the order in which a report tells them."""
    BROKEN = "broken"                # it is said, and it does not work
    CONTRADICTS = "contradicts"      # it is said, and something else says otherwise
    MISSING = "missing"              # it is not said
    UNSEEN = "unseen"                # it could not be looked at
    STATED = "stated"                # it is said


MORE = " …"
TO_MEND = (Status.BROKEN, Status.CONTRADICTS, Status.MISSING)


@dataclass(frozen=True, slots=True)
class Kind:
    """A row of the table."""
    id: str
    status: Status
    place: str                       # one of PLACES
    spec: str
    url: str
    fix: str = ""                    # id of how to mend it; "" where nothing is to be mended


@dataclass(frozen=True, slots=True)
class Place:
    """Where a finding stands. `quote` holds words of strangers."""
    url: str
    where: str = ""                  # "line 4", "meta 1"
    quote: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """One finding. `parameters` are those of its messages."""
    id: str
    parameters: Mapping[str, str | int] = field(default_factory=dict)
    places: tuple[Place, ...] = ()

    @property
    def kind(self) -> Kind:
        return kinds()[self.id]


@cache
def kinds() -> Mapping[str, Kind]:
    """The table. DataError: it is broken."""
    root = load(files(__package__).joinpath("findings.yaml").read_text("utf-8"), "findings.yaml").fields(("specs", "findings"))
    specs = {key: node.fields(("name", "url")) for key, node in root["specs"].pairs().items()}
    out: dict[str, Kind] = {}
    for key, node in root["findings"].pairs().items():
        row = node.fields(("status", "place", "spec"), ("fix",))
        spec = specs[row["spec"].word(specs)]
        out[key] = Kind(key, row["status"].member(Status), row["place"].word(PLACES), spec["name"].text(), spec["url"].text(),
                        row["fix"].text() if "fix" in row else "")
        if (out[key].status in TO_MEND) is not bool(out[key].fix):
            node.error(f"'{key}' is {out[key].status.value}, and that {'asks for' if not out[key].fix else 'has no'} fix")
    return out


def listed(words: Iterable[str], most: int = 40) -> str:
    """Words between commas; of many the first."""
    words = list(words)
    return ", ".join(words[:most]) + (MORE if len(words) > most else "")
