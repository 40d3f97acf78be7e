"""Modules as they are where something that they can do without is not installed."""
from __future__ import annotations

import importlib.util
import sys
from types import ModuleType

import pytest


def imported_without(module: ModuleType, absent: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module anew, where an import of any of these fails."""
    for name in absent:
        monkeypatch.setitem(sys.modules, name, None)
        package, _, own = name.rpartition(".")
        if package and hasattr(sys.modules[package], own):
            monkeypatch.delattr(sys.modules[package], own)
    assert module.__file__
    spec = importlib.util.spec_from_file_location(f"{module.__name__}_without", module.__file__)
    assert spec
    assert spec.loader
    without = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, without)
    spec.loader.exec_module(without)
    return without
