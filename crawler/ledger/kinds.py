"""What kind of source a domain is, by a list that the operator can replace; and what a corpus is made of.

**Facts**
- A list says `kind: [domains]`, or has a row `domain,kind` each. An entry holds for a domain and all below it; the longest
  entry that fits counts. So `gov` is an entry, too.
- OURS: the list that comes with maymine (kinds.yaml) is short and says how it was made. What no entry names is `not listed`,
  and is shown with its share: a small part of news in a list of few newspapers says little.
"""
from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from rules.strict_yaml import DataError, load

from .crawled import Sum
from .domains import registrable
from .money import apportion

NOT_LISTED = "not listed"
OWN = "kinds.yaml"


@dataclass(frozen=True, slots=True)
class Part:
    """One kind of source. Shares are tenths of a per cent of the whole, and add up to 1,000."""
    kind: str
    domains: int
    items: int
    bytes: int
    share_items: int
    share_bytes: int


def own() -> dict[str, str]:
    """The list that comes with maymine: domain -> kind."""
    return from_yaml(files(__package__).joinpath(OWN).read_text("utf-8"), OWN)


def read(path: Path) -> dict[str, str]:
    """A list of the operator, CSV or YAML. Raises DataError with file:line, OSError, UnicodeDecodeError."""
    text = path.read_text("utf-8-sig")
    return from_csv(text, str(path)) if path.suffix.lower() == ".csv" else from_yaml(text, str(path))


def from_yaml(text: str, name: str) -> dict[str, str]:
    out: dict[str, str] = {}
    for kind, node in load(text, name).pairs().items():
        for one in node.each():
            _put(out, one.text(), kind, f"{name}:{one.line}")
    return out


def from_csv(text: str, name: str) -> dict[str, str]:
    rows = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    out: dict[str, str] = {}
    try:
        if sorted(rows.fieldnames or ()) != ["domain", "kind"]:
            raise DataError(f"{name}:1: the columns domain and kind are wanted, and no others")
        for row in rows:
            if None in row.values() or None in row:
                raise DataError(f"{name}:{rows.line_num}: two values are wanted: domain,kind")
            _put(out, row["domain"], row["kind"], f"{name}:{rows.line_num}")
    except csv.Error as error:
        raise DataError(f"{name}:{rows.line_num}: {error}") from error
    return out


def _put(out: dict[str, str], domain: str, kind: str, place: str) -> None:
    domain, kind = domain.strip().lower().rstrip("."), kind.strip()
    if not kind or kind == NOT_LISTED:
        raise DataError(f"{place}: '{kind}' is no name of a kind")
    if not domain or any(c in domain for c in "/:@ *"):
        raise DataError(f"{place}: '{domain}' is no domain; write it like example.org")
    try:
        domain = domain.encode("idna").decode("ascii") if not domain.isascii() else domain
    except UnicodeError:
        raise DataError(f"{place}: '{domain}' is no domain") from None
    if out.get(domain, kind) != kind:
        raise DataError(f"{place}: '{domain}' is {out[domain]} above, and cannot be {kind}, too")
    out[domain] = kind


def kind_of(host: str, kinds: Mapping[str, str]) -> str:
    """The kind of the longest entry that a host is, or lies below."""
    labels = host.split(".")
    for n in range(len(labels)):
        if (name := ".".join(labels[n:])) in kinds:
            return kinds[name]
    return NOT_LISTED


def composition(hosts: Mapping[str, Mapping[str, Sum]], kinds: Mapping[str, str]) -> list[Part]:
    """What a corpus is made of, the largest kind first, `not listed` last. `hosts`: host -> modality -> Sum."""
    sums: dict[str, Sum] = {}
    domains: dict[str, set[str]] = {}
    for host, modalities in hosts.items():
        kind = kind_of(host, kinds)
        total = sums.setdefault(kind, Sum())
        domains.setdefault(kind, set()).add(registrable(host))
        for one in modalities.values():
            total.add(one.items, one.bytes, False)
    order = sorted(sums, key=lambda k: (k == NOT_LISTED, -sums[k].bytes, -sums[k].items, k))
    items = _shares([sums[k].items for k in order])
    bytes_ = _shares([sums[k].bytes for k in order])
    return [Part(k, len(domains[k]), sums[k].items, sums[k].bytes, items[n], bytes_[n]) for n, k in enumerate(order)]


def _shares(values: list[int]) -> list[int]:
    return apportion(1_000, values) if sum(values) else [0] * len(values)


def per_cent(tenths: int) -> str:
    return f"{tenths // 10}.{tenths % 10} %"
