"""The module beside the notebooks that tidies them."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def tidy() -> ModuleType:
    """``tutorials/tidy.py``, which no package holds."""
    path = Path(__file__).resolve().parents[2] / "tutorials" / "tidy.py"
    spec = importlib.util.spec_from_file_location("tidy", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
