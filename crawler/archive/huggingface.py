"""Data sets of Hugging Face on disk: what lies beside their Arrow files, so that a subset can be loaded as the whole could.

**Facts** (datasets, `Dataset.save_to_disk`: https://huggingface.co/docs/datasets/package_reference/main_classes)
- state.json names the files in their order; dataset_info.json has the features; dataset_dict.json names the splits of a folder.
- The schema of each Arrow file says its features too, under the key "huggingface"; columns that they do not name cannot be
  loaded.
"""
from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import pyarrow as pa

from .batch import REASONS, VERDICT
from .inputs import STATE, Input, InputError, read_at

INFO, SPLITS = "dataset_info.json", "dataset_dict.json"
KEY = b"huggingface"
FEATURES: Mapping[str, Any] = {
    VERDICT: {"dtype": "string", "_type": "Value"},
    REASONS: {"feature": {"dtype": "string", "_type": "Value"}, "_type": "Sequence"}}


def with_features(schema: pa.Schema) -> pa.Schema:
    """The schema with the features of the columns of verdicts, if it tells features."""
    told = (schema.metadata or {}).get(KEY)
    try:
        info = json.loads(told or b"{}")
        info["info"]["features"] |= FEATURES
    except (ValueError, KeyError, TypeError):
        return schema
    return schema.with_metadata({**schema.metadata, KEY: json.dumps(info).encode()})


def complete(found: Iterable[Input], sides: Iterable[str]) -> None:
    """Make the subsets of data sets in these folders data sets of their own; other inputs need nothing."""
    sets: dict[tuple[str, str], list[str]] = {}
    for one in found:
        if one.under:
            sets.setdefault((one.uri.rpartition("/")[0], one.under), []).append(one.name)
    for side in filter(None, sides):
        for (source, under), names in sets.items():
            _complete(Path(side), source, under, names)


def _complete(side: Path, source: str, under: str, names: Iterable[str]) -> None:
    """Put beside the Arrow files in `side/under` what makes them a data set; `source` is the folder that they were made of."""
    target = side / under
    target.mkdir(parents=True, exist_ok=True)
    state = _read(f"{source}/{STATE}")
    there = [{"filename": name} for name in names if (target / name).exists()]
    state |= {"_data_files": there, "_fingerprint": uuid4().hex[:16]}
    info = _read(f"{source}/{INFO}")
    if isinstance(info.get("features"), dict):
        info["features"] |= FEATURES
    for name, value in ((STATE, state), (INFO, info)):
        (target / name).write_text(json.dumps(value, indent=2), "utf-8")
    splits = _read(f"{source.rpartition('/')[0]}/{SPLITS}") if "/" in under else {}
    if splits:
        (target.parent / SPLITS).write_text(json.dumps(splits), "utf-8")


def _read(uri: str) -> dict[str, Any]:
    """{}: it is not there, or none."""
    try:
        value = json.loads(read_at(uri, lambda stream: stream.read()))
    except (OSError, ValueError, InputError):
        return {}
    return value if isinstance(value, dict) else {}
