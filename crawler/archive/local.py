"""The name of a local file as Arrow takes it."""
from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO


def local(file: str | Path | BinaryIO) -> str | BinaryIO:
    """A relative name in which there is a colon would be an address to Arrow; an absolute one never is. Streams as they are."""
    return os.path.abspath(file) if isinstance(file, (str, Path)) else file
