"""What the terms of RSL documents come to for one asset and one asker.

Facts (RSL-SPEC-1.0 with errata to 2026-08-07, https://rslstandard.org/rsl; read in secondary text, except for excerpts)
- 3.1.1: order has no meaning; the narrower scope (path, usage class, user class) counts before the broader; in the effective
  scope a prohibition beats a permission; in doubt no right is added. 3.5: beside a `permits` nothing else of its type is
  allowed.
- 3.4.1.2: `user` says who answers for the use. 3.5: `geo` holds countries (ISO 3166-1) or `EU`.
- 3.6: what is both permitted and prohibited is not licensed.

OURS, where the specification leaves room; never towards more rights
- In one licence a prohibition beats a permission however broad it is. Across licences with the same url it does, too; narrower
  usage and user classes only choose among licences that permit, and of equals the one that asks for something counts.
- A licence that names other users or countries than the asker's permits nothing and does not speak to the asker. Whether it
  does may be unknown; if the answer hangs on that, there is none.
- A licence without `permits` of usage permits nothing by itself; if it asks for something, it asks for it whatever the use.
- What does not conform permits nothing; what it prohibits counts.
"""
from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum

from ..model import Asker, Asset, Preference, Terms
from .rsl_document import ATOMS, HOLDS, USAGES, Content, License, match

# Member states, which the country `EU` of `geo` stands for (ISO 3166-1).
EU = frozenset({"AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IT", "LT", "LU",
                "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK"})
BROADEST = 3                             # of a licence that names no usage


class Kind(IntEnum):
    SILENT = 0
    DENIED = 1                           # not on a list that is closed
    GRANTED = 2                          # perhaps for something in return
    PROHIBITED = 3


@dataclass(frozen=True, slots=True)
class Standing:
    """What a licence may mean for one use of one asker."""
    kind: Kind
    license: License | None = None
    rank: tuple[int, int, int] = (0, 0, 0)       # of grants: the smallest counts

    @property
    def terms(self) -> Terms | None:
        return self.license.terms if self.license and self.kind is Kind.GRANTED else None

    @property
    def preference(self) -> Preference | None:
        if self.kind is Kind.SILENT:
            return None
        return Preference.ALLOW if self.kind is Kind.GRANTED and self.terms is None else Preference.DISALLOW


SILENT = Standing(Kind.SILENT)


def evaluate(contents: Sequence[Content], asset: Asset, asker: Asker, *,
             attached: bool = False) -> dict[str, tuple[Standing, ...]]:
    """For each of ATOMS all that the terms can mean for the asker; one standing, unless the asker is not known well enough.

    `attached`: the contents stand in the asset itself, so those whose url is another still speak of it, but permit nothing.
    """
    levels: dict[int, list[License]] = {}
    strangers: list[License] = []
    for content in contents:
        octets = match(content, asset.url)
        if octets is not None:
            levels.setdefault(octets, []).extend(content.licenses)
        elif attached:
            strangers += content.licenses
    ordered = [levels[octets] for octets in sorted(levels, reverse=True)]
    out = {}
    for atom in ATOMS:
        found = _narrowest([[standings(one, atom, asker) for one in level] for level in ordered])
        foreign = _narrowest([[standings(one, atom, asker) for one in strangers]])
        out[atom] = _restrictive(found, foreign) if strangers else found
    return out


def _restrictive(found: tuple[Standing, ...], foreign: tuple[Standing, ...]) -> tuple[Standing, ...]:
    """What restricts among terms that may be about another asset comes before what permits."""
    if all(s.preference is Preference.DISALLOW for s in found):
        return found
    return foreign if any(s.preference is Preference.DISALLOW for s in foreign) else found


def _narrowest(levels: Iterable[list[tuple[Standing, ...]]]) -> tuple[Standing, ...]:
    """What the narrowest level that speaks comes to; broader ones count as far as it may be silent."""
    out: dict[Standing, None] = {}
    for level in levels:
        outcomes = _combined(level)
        out.update(dict.fromkeys(s for s in outcomes if s.kind is not Kind.SILENT))
        if SILENT not in outcomes:
            return tuple(out)
    return (*out, SILENT)


def _combined(licenses: list[tuple[Standing, ...]]) -> list[Standing]:
    """All that licences with the same url can come to together."""
    sure = [s[0] for s in licenses if len(s) == 1]
    perhaps = [s for standings in licenses if len(standings) > 1 for s in standings]
    if prohibited := [s for s in sure if s.kind is Kind.PROHIBITED]:
        return prohibited[:1]
    out = [s for s in perhaps if s.kind is Kind.PROHIBITED]
    out += sorted((s for s in perhaps if s.kind is Kind.GRANTED), key=lambda s: s.rank)
    if granted := [s for s in sure if s.kind is Kind.GRANTED]:
        return [*out, min(granted, key=lambda s: s.rank)]
    if denied := [s for s in sure if s.kind is Kind.DENIED]:
        return [*out, denied[0]]
    out += [s for s in perhaps if s.kind is Kind.DENIED]
    return [*out, SILENT] if all(SILENT in standings for standings in licenses) else out


def standings(license: License, atom: str, asker: Asker) -> tuple[Standing, ...]:
    """What one licence may mean for a use; more than one answer where it is not known whether it speaks to the asker."""
    base = _of_usage(license, atom)
    out = [base]
    listed = _all(_member(license.permits.get(kind), kind, asker) for kind in ("user", "geo"))
    barred = _any(_member(license.prohibits.get(kind, ()), kind, asker) for kind in ("user", "geo"))
    if barred is not False and base.kind is not Kind.DENIED:
        out = [Standing(Kind.PROHIBITED, license), *(out if barred is None else ())]
    if listed is not True:
        out = [Standing(Kind.DENIED, license), *(out if listed is None else ())]
    return tuple(dict.fromkeys(out))


def _of_usage(license: License, atom: str) -> Standing:
    if any(atom in HOLDS[word] for word in license.prohibits.get("usage", ()) if word in HOLDS):
        return Standing(Kind.PROHIBITED, license)
    words = license.permits.get("usage")
    broad = [BROADEST] if words is None else [USAGES[word] for word in words if word in HOLDS and atom in HOLDS[word]]
    if not broad:
        return Standing(Kind.DENIED, license)
    if words is None and license.terms is None:
        return SILENT
    return Standing(Kind.GRANTED, license, (min(broad), "user" not in license.permits, license.terms is None))


def _member(words: tuple[str, ...] | None, kind: str, asker: Asker) -> bool | None:
    """Whether the asker is among those that a list names; None: nobody can know. A list that is not there names everyone."""
    if words is None:
        return True
    if kind == "geo":
        if not asker.country:
            return None if words else False
        return asker.country in words or ("EU" in words and asker.country in EU)
    if ("commercial" if asker.commercial else "non-commercial") in words:
        return True
    return None if not asker.commercial and {"education", "government", "personal"} & set(words) else False


def _all(answers: Iterable[bool | None]) -> bool | None:
    told = set(answers)
    return False if False in told else None if None in told else True


def _any(answers: Iterable[bool | None]) -> bool | None:
    told = set(answers)
    return True if True in told else None if None in told else False
