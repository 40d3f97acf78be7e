"""Creative Commons addresses: every licence and public domain tool, its version and where it holds.

Facts (https://creativecommons.org/licenses/list.en, read 2026-11; https://spdx.org/licenses/)
- An address is `creativecommons.org/licenses/CODE/VERSION/` or `creativecommons.org/publicdomain/TOOL/1.0/`; a jurisdiction
  may follow, and after it a file: `deed`, `deed.LANGUAGE`, `legalcode`, `legalcode.LANGUAGE`, `rdf`, a badge.
- Both schemes and the host with `www.` lead to the same licence.
- Codes are made of elements: `by` attribution, `sa` share alike, `nd` no adaptations, `nc` non-commercial. Version 1.0 had
  them without `by` and in another order (`nd-nc`, `by-nd-nc`). Retired: all without `by`, `sampling`, `sampling+`,
  `nc-sampling+`, `devnations`.
- `zero` waives all rights. `mark` says that nobody has any. `licenses/publicdomain/` and `publicdomain/certification/` came
  before them.
- SPDX writes them `CC-BY-4.0`, `CC0-1.0`, `CC-BY-NC-SA-3.0-DE`; feeds of podcasts do so in lower case.
- OURS: an address without version is read, because what it grants depends on its code; one with a code or a version that
  never was is none, and so is one on another host.
"""
from __future__ import annotations

import re
from dataclasses import dataclass

HOSTS = frozenset({"creativecommons.org", "www.creativecommons.org"})

# What each code asks for, and the versions in which it was published.
ATTRIBUTION, SHARE_ALIKE, NO_ADAPTATIONS, NON_COMMERCIAL = "attribution", "share-alike", "no-adaptations", "non-commercial"
SAMPLES_ONLY, DEVELOPING_NATIONS = "samples-only", "developing-nations-only"
_ALL, _FIRST = ("1.0", "2.0", "2.1", "2.5", "3.0", "4.0"), ("1.0", "2.0", "2.1")
CODES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "by": ((ATTRIBUTION,), _ALL),
    "by-sa": ((ATTRIBUTION, SHARE_ALIKE), _ALL),
    "by-nd": ((ATTRIBUTION, NO_ADAPTATIONS), _ALL),
    "by-nc": ((ATTRIBUTION, NON_COMMERCIAL), _ALL),
    "by-nc-sa": ((ATTRIBUTION, NON_COMMERCIAL, SHARE_ALIKE), _ALL),
    "by-nc-nd": ((ATTRIBUTION, NON_COMMERCIAL, NO_ADAPTATIONS), _ALL),
    "sa": ((SHARE_ALIKE,), _FIRST),
    "nd": ((NO_ADAPTATIONS,), _FIRST),
    "nc": ((NON_COMMERCIAL,), _FIRST),
    "nc-sa": ((NON_COMMERCIAL, SHARE_ALIKE), _FIRST),
    "nc-nd": ((NON_COMMERCIAL, NO_ADAPTATIONS), _FIRST),
    "sampling": ((ATTRIBUTION, SAMPLES_ONLY), ("1.0",)),
    "sampling+": ((ATTRIBUTION, SAMPLES_ONLY), ("1.0",)),
    "nc-sampling+": ((ATTRIBUTION, NON_COMMERCIAL, SAMPLES_ONLY), ("1.0",)),
    "devnations": ((ATTRIBUTION, DEVELOPING_NATIONS), ("2.0",)),
    "zero": ((), ("1.0",)),
    "mark": ((), ("1.0",)),
}
OTHER_ORDER = {"by-nd-nc": "by-nc-nd", "nd-nc": "nc-nd", "by-sa-nc": "by-nc-sa", "sa-nc": "nc-sa"}
BEFORE_MARK = frozenset({"/licenses/publicdomain", "/publicdomain/certification/1.0/us", "/publicdomain/certification"})

_ADDRESS = re.compile(r"(?:https?:)?//([a-z.]+)(/[^?#]*)", re.IGNORECASE)
_PATH = re.compile(r"/(licenses|publicdomain)/([a-z+-]+)(?:/(\d\.\d)(?:/(igo|scotland|[a-z]{2}))?)?(?:/[a-z0-9._@-]*)?")
_SPDX = re.compile(r"cc-?(0|(?:by|sa|nd|nc)(?:-(?:sa|nd|nc))*|pdm)(?:-(\d\.\d)(?:-(igo|uk|[a-z]{2}))?)?")


@dataclass(frozen=True, slots=True)
class Licence:
    code: str                        # row of CODES
    version: str = ""                # "" where the address has none
    jurisdiction: str = ""           # "de", "igo"; "" where it is international or not ported

    @property
    def conditions(self) -> tuple[str, ...]:
        return CODES[self.code][0]

    @property
    def url(self) -> str:
        kind = "publicdomain" if self.code in ("zero", "mark") else "licenses"
        return "/".join(("https://creativecommons.org", kind, *filter(None, (self.code, self.version, self.jurisdiction)), ""))


def licence(text: str) -> Licence | None:
    """The licence that an address or an SPDX identifier names; None for every other. Linear in the length of the text."""
    text = text.strip()
    if found := _ADDRESS.match(text):
        return _of_path(found[2]) if found[1].lower() in HOSTS else None
    if found := _SPDX.fullmatch(text.lower()):
        code = {"0": "zero", "pdm": "mark"}.get(found[1], found[1])
        return _checked(code, found[2] or "", found[3] or "")
    return None


def _of_path(path: str) -> Licence | None:
    path = path.lower().replace("%2b", "+").rstrip("/")
    if path in BEFORE_MARK:
        return Licence("mark", "1.0")
    found = _PATH.fullmatch(path)
    if not found or (found[1] == "publicdomain") != (found[2] in ("zero", "mark")):
        return None
    return _checked(found[2], found[3] or "", found[4] or "")


def _checked(code: str, version: str, jurisdiction: str) -> Licence | None:
    code = OTHER_ORDER.get(code, code)
    if code not in CODES or (version and version not in CODES[code][1]):
        return None
    return Licence(code, version, jurisdiction)
