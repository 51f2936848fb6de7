"""Names of sites and methods, which become folders of a study and values of its configurations."""

from __future__ import annotations

from pathlib import Path

__all__ = ["problem_of_name"]

# First letters of code, references and macros in a configuration.
CODE = ("$", "@", "%")


def problem_of_name(name: str) -> str | None:
    """Why a name cannot be a folder's, or ``None``."""
    if not name.strip() or not name.isprintable():
        return "is empty or holds a line break or another control character"
    if name.startswith(".") or "\\" in name or Path(name).name != name:
        return "names a folder and may hold no path"
    return f"starts with {name[0]}, which a configuration takes for code" if name.startswith(CODE) else None
