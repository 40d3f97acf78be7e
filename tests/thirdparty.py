"""Files of others that tests read and nobody commits. They lie beside the repository."""
from __future__ import annotations

import os
from pathlib import Path

import pytest

DATA = Path(__file__).parents[2] / "shared" / "data"


def path(name: str) -> Path:
    """A file of the shared data. Without it the test is skipped, but in continuous integration it fails."""
    found = DATA / name
    if not found.exists():
        message = f"needs {found}"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return found
