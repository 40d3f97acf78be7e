"""`maymine signals`: what is read, straight from the table that reads it."""
from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from . import options

if TYPE_CHECKING:
    from rules.signals import Signal

VECTORS = Path(__file__).parents[2] / "tests" / "vectors"        # in a source checkout


@click.command("signals", epilog=options.example("maymine signals", "maymine signals --format jsonl | grep tdmrep"))
@options.format("text", "json", "jsonl")
def command(form: str) -> None:
    """List every signal that is read: protocol, carrier, specification.

    In a source checkout the last column counts the test vectors that expect the signal.
    """
    from rules.signals import SIGNALS

    from ..terminal import table
    from .output import values
    vectors = count_vectors()
    rows = [describe(s, vectors) for s in SIGNALS.values()]
    if form != "text":
        values(form, rows)
        return
    columns: tuple[str, ...] = ("signal", "protocol", "carrier", "uses", "forms", "spec")
    cells = [[row["signal"], row["protocol"], row["carrier"], ", ".join(row["uses"]), ", ".join(row["forms"]), row["spec"]]
             for row in rows]
    if vectors is not None:
        columns = (*columns, "vectors")
        cells = [[*cell, row["vectors"]] for cell, row in zip(cells, rows, strict=True)]
    table(columns, cells)


def describe(s: Signal, vectors: dict[str, int] | None) -> dict[str, Any]:
    """One row. `vectors` is left out where there are none to count."""
    return {
        "signal": s.id, "protocol": s.protocol, "carrier": s.carrier.value, "rank": s.rank, "spec": s.spec, "url": s.url,
        "uses": [u.value for u in s.uses], "forms": [f.value for f in s.forms],
        "preferences": [p.value for p in s.preferences], "audiences": [a.value for a in s.audiences],
        "subjects": [x.value for x in s.subjects], "terms": s.terms,
        "circumstances": [c.value for c in s.circumstances],
        **({} if vectors is None else {"vectors": vectors.get(s.id, 0)}),
    }


def count_vectors(folder: Path = VECTORS) -> dict[str, int] | None:
    """Signal -> vectors that expect it. None: not a source checkout."""
    if not folder.is_dir():
        return None
    from collections import Counter

    import yaml
    counts: Counter[str] = Counter()
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    for file in sorted(folder.rglob("*.yaml")):
        for vector in yaml.load(file.read_text("utf-8"), loader) or ():  # noqa: S506, either is the safe loader
            counts.update({f["signal"] for f in vector.get("findings") or () if "signal" in f})
    return dict(counts)
