"""What a client may set: the entries that ``inference.json`` lists under ``displayable_configs``.

Values of a configuration are code: a text that starts with ``$`` is run. So a text from a client is taken only where it
is one of the listed choices, and numbers only as numbers.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from monai_harmonize.data.errors import InputError
from monai_harmonize.engines.bundle import Bundle, read_config

__all__ = ["DISPLAYED", "chosen_name", "chosen_options", "displayed_options"]

DISPLAYED = "displayable_configs"
# Characters of a value that a message repeats.
SHOWN = 80


def displayed_options(bundle: Bundle) -> dict[str, Any]:
    """Options by name: a list of choices, the first is the default, or a number."""
    offered: dict[str, Any] = read_config(bundle.config("inference")).get(DISPLAYED, {})
    return offered


def chosen_options(offered: Mapping[str, Any], request: Mapping[str, Any]) -> dict[str, Any]:
    """Values of the options that a request sets; what it does not set is left to the configuration.

    Args:
        offered: see ``displayed_options``.
        request: whatever a client sends; other names are not looked at. A client that shows a list of choices and
            whose user chose none sends back the list.

    Raises:
        InputError: a value is none of the choices, or no finite number where a number is expected.
    """
    return {
        name: chosen_name(name, value, request[name]) if isinstance(value, list) else chosen_number(name, request[name])
        for name, value in offered.items()
        if name in request and request[name] != value
    }


def chosen_name(name: str, choices: list[str], given: object) -> str:
    """One of the choices.

    Raises:
        InputError: it is none of them.
    """
    for choice in choices:
        if given == choice:
            return choice
    raise InputError(f"{name} is {given!r:.{SHOWN}}; expected one of {', '.join(choices)}.")


def chosen_number(name: str, given: object) -> float:
    """A finite number, also as text.

    Raises:
        InputError: it is none.
    """
    try:
        number = float(given) if isinstance(given, str | int | float) and not isinstance(given, bool) else math.nan
    except (ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise InputError(f"{name} is {given!r:.{SHOWN}}; expected a number.")
    return number
