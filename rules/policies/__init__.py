"""The policies that come with the project, one YAML file each."""
from __future__ import annotations

from functools import cache

from ..data import names as tables
from ..data import read
from ..policy import Policy, load_policy


def names() -> tuple[str, ...]:
    """Names of the policies that come with the project, sorted."""
    return tables("policies", ".yaml")


@cache
def load(name: str) -> Policy:
    """One of them, proved. KeyError: there is none of that name."""
    if name not in names():
        raise KeyError(name)
    return load_policy(read(f"policies/{name}.yaml"), f"{name}.yaml")
