"""The package's own tables (agents, words, policies), read once. Nothing else in `rules` opens a file."""
from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def read(name: str) -> str:
    """Text of a table by its path in the package: 'agents.yaml'. FileNotFoundError: there is none."""
    return files(__package__).joinpath(*name.split("/")).read_text("utf-8")


@cache
def names(folder: str, ending: str) -> tuple[str, ...]:
    """Names, without their ending, of the tables in a folder, sorted."""
    return tuple(sorted(f.name.removesuffix(ending) for f in files(__package__).joinpath(folder).iterdir()
                        if f.name.endswith(ending)))
