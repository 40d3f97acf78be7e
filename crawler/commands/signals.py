"""`maymine signals`: what is read, straight from the table that reads it."""
from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from . import options

if TYPE_CHECKING:
    from rules.signals import Signal

COLUMNS = ("signal", "protocol", "carrier", "uses", "forms", "spec", "vectors")
VECTORS = Path(__file__).parents[2] / "tests" / "vectors"        # in a source checkout


@click.command("signals", epilog=options.example("maymine signals", "maymine signals --format jsonl | grep tdmrep"))
@options.format("text", "json", "jsonl", "markdown")
def command(form: str) -> None:
    """List every signal that is read: protocol, carrier, uses, forms, specification.

    In a source checkout the last column counts the test vectors that expect the signal.
    """
    from rules.signals import SIGNALS

    from ..terminal import table
    from .output import values
    rows = [describe(s, vectors) for vectors in (count_vectors(),) for s in SIGNALS.values()]
    if form in ("json", "jsonl"):
        values(form, rows)
    elif form == "markdown":
        click.echo(markdown(rows))
    else:
        table(columns(rows), map(cells, rows))


def columns(rows: list[dict[str, Any]]) -> tuple[str, ...]:
    return tuple(name for name in COLUMNS if name in rows[0])


def cells(row: dict[str, Any]) -> list[Any]:
    """What a person reads of a row, in the order of COLUMNS."""
    return [", ".join(row[name]) if isinstance(row[name], list) else row[name] for name in COLUMNS if name in row]


def markdown(rows: list[dict[str, Any]]) -> str:
    """The table as the README has it. Specifications lead to where they are."""
    lines = [columns(rows), tuple("---:" if name == "vectors" else "---" for name in columns(rows)),
             *(cells({**row, "signal": f"`{row['signal']}`", "spec": link(row["spec"], row["url"])}) for row in rows)]
    return "\n".join(f"| {' | '.join(str(cell).replace('|', chr(92) + '|') for cell in line)} |" for line in lines)


def link(text: str, url: str) -> str:
    return f"[{text}]({url})" if url else text


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
