"""Strengths and numbers of styles as a command line gives them: one value, or several."""

from __future__ import annotations

from typing import Any

from monai_harmonize.data.errors import InputError

__all__ = ["is_number", "strength_range", "style_numbers"]


def strength_range(strength: Any) -> tuple[float, float]:
    """Lowest and highest strength.

    Args:
        strength: one number, or a pair.

    Raises:
        InputError: anything else, or not 0 <= lowest <= highest <= 1.
    """
    parts = (strength, strength) if is_number(strength) else strength
    if not (isinstance(parts, list | tuple) and len(parts) == 2 and all(map(is_number, parts))):
        raise InputError(f"strength is {strength!r}; expected a number, or the lowest and the highest.")
    low, high = float(parts[0]), float(parts[1])
    if not 0 <= low <= high <= 1:
        raise InputError(f"strength is ({low:g}, {high:g}); expected 0 <= low <= high <= 1.")
    return low, high


def style_numbers(styles: Any) -> tuple[int, ...] | None:
    """Numbers of stored styles.

    Args:
        styles: one number, several, or ``None`` for all.

    Raises:
        InputError: anything else, no number, or one below 0.
    """
    if styles is None:
        return None
    parts = [styles] if type(styles) is int else styles
    if not (isinstance(parts, list | tuple | range) and all(type(part) is int for part in parts)):
        raise InputError(f"styles are {styles!r}; expected the number of a stored style, or a list of some.")
    if not parts or min(parts) < 0:
        raise InputError(f"styles are {list(parts)}; expected at least one number of a stored style, from 0 on.")
    return tuple(parts)


def is_number(value: Any) -> bool:
    """Whether a value is a number and no truth value."""
    return isinstance(value, int | float) and not isinstance(value, bool)
