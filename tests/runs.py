"""Runs as others might have left them."""
from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from crawler import run as folders
from crawler.archive import warc


def rewrite(folder: Path, change: Callable[[pa.Table], pa.Table]) -> None:
    """Change the records of a run, and what its manifest says of them."""
    manifest = folders.read_manifest(folder)
    for entry in manifest["parts"]:
        path = folder / entry["file"]
        pq.write_table(change(pq.read_table(path)), path)
        entry.update(warc.digest_of(path))
    folders.write_manifest(folder, manifest)
