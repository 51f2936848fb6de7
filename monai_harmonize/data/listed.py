"""Options that are lists of names."""

from __future__ import annotations

from collections.abc import Sequence

from monai_harmonize.data.errors import InputError

__all__ = ["listed"]


def listed(option: str, names: Sequence[str]) -> list[str]:
    """Names of an option as a list.

    Args:
        option: its name, for the error.
        names: any sequence of texts but a text, whose letters are no names.

    Raises:
        InputError: a lone text.
    """
    if isinstance(names, str):
        raise InputError(f"{option} is {names!r}; expected a list of names, such as {[names]}.")
    return list(names)
