"""Names and values that become folders of a study and parts of its configurations, where some texts are code."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

__all__ = ["CODE", "code_in", "problem_of_name"]

# First letters of code, references and macros in a configuration.
CODE = ("$", "@", "%")
# The entry of a configuration that names what is called.
CALLED = "_target_"


def problem_of_name(name: str) -> str | None:
    """Why a name cannot be a folder's, or ``None``."""
    if not name.strip() or not name.isprintable():
        return "is empty or holds a line break or another control character"
    if name.startswith(".") or "\\" in name or Path(name).name != name:
        return "names a folder and may hold no path"
    return f"starts with {name[0]}, which a configuration takes for code" if name.startswith(CODE) else None


def code_in(values: Any) -> Iterator[str]:
    """Parts of an entry that a configuration would run or look up instead of taking them as they are."""
    if isinstance(values, str):
        # MONAI looks for macros behind spaces, too.
        if values.lstrip().startswith(CODE):
            yield values
    elif isinstance(values, dict):
        for key, value in values.items():
            if CALLED in key or key.lstrip().startswith(CODE):
                yield key
            yield from code_in(value)
    elif isinstance(values, list):
        for value in values:
            yield from code_in(value)
