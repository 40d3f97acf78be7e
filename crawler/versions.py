"""Versions of what makes a record, as a manifest keeps them."""
from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

LIBRARIES = ("maymine", "scrapy", "pyarrow", "lxml", "selectolax")


def versions() -> dict[str, str]:
    """Of Python and of those LIBRARIES that are there."""
    out = {"python": platform.python_version()}
    for library in LIBRARIES:
        try:
            out[library] = version(library)
        except PackageNotFoundError:
            continue
    return out
