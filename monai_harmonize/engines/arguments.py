"""A misspelt option of a bundle is an error, and so is one of another kind, not a training with other values."""

from __future__ import annotations

import inspect
import pydoc
import sys
from collections.abc import Collection, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from fire.parser import DefaultParseValue
from monai.bundle import ConfigParser
from monai.bundle.config_item import ConfigComponent
from monai.bundle.scripts import run
from monai.utils import ensure_tuple

from monai_harmonize.data.errors import InputError
from monai_harmonize.engines.option_kinds import wrong_kinds

__all__ = ["LEVEL", "hint", "known_arguments", "unknown_options"]

# Levels of a nested name, as MONAI writes them.
LEVEL, OTHER_LEVEL = "#", "::"


def known_arguments(arguments: Sequence[str] | None = None) -> None:
    """Check the options of ``python -m monai.bundle run --config_file ... --name value``.

    MONAI adds an unknown option to the configuration, where nobody reads it.

    Args:
        arguments: the command line; by default that of this process.

    Raises:
        InputError: an option is neither one of ``run`` nor an entry of the configuration files, see
            ``unknown_options``; the message lists the valid ones. Or its value is of another kind, see ``wrong_kinds``.
    """
    options = options_of(sys.argv[1:] if arguments is None else arguments)
    if "config_file" not in options:
        return
    content = ConfigParser.load_config_files(ensure_tuple(options["config_file"]))
    own = set(inspect.signature(run).parameters)
    overrides = {name: value for name, value in options.items() if name not in own}
    unknown = unknown_options(content, overrides)
    if unknown:
        told, valid = ", ".join(unknown), ", ".join(sorted({other for others in unknown.values() for other in others}))
        raise InputError(f"Unknown options {told}.{hint(unknown)} Valid ones: {valid or 'none'}.")
    wrong = wrong_kinds(content, overrides)
    if wrong:
        raise InputError(" ".join(wrong))


def options_of(arguments: Sequence[str]) -> dict[str, Any]:
    """Options of a command line and their values, read as Fire reads them for MONAI."""
    found: dict[str, Any] = {}
    for place, argument in enumerate(arguments):
        if argument.startswith("--"):
            name, given, value = argument[2:].partition("=")
            following = arguments[place + 1 : place + 2]
            if not given:
                value = "True" if not following or following[0].startswith("--") else following[0]
            found[name] = DefaultParseValue(value)
    return found


def unknown_options(content: Mapping[str, Any], names: Collection[str]) -> dict[str, list[str]]:
    """Options that set nothing that a configuration knows.

    A nested option ``a#b`` may set what stands there, or any argument of the component ``a``. A plain group of
    entries takes no others, unless it is empty.

    Args:
        content: the configuration, overlays included.
        names: of options, ``a``, ``a#b`` or ``a::b``.

    Returns:
        For each unknown name, up to the level that is unknown, the valid ones of that level.
    """
    given = {name.replace(OTHER_LEVEL, LEVEL) for name in names}
    found: dict[str, list[str]] = {}
    for name in sorted(given):
        place: Any = content
        parts = name.split(LEVEL)
        for depth, part in enumerate(parts):
            start = LEVEL.join(parts[:depth])
            if start in given:
                break  # the whole group is replaced by another option
            valid = entries_of(place, top=depth == 0)
            if valid is not None and part not in valid:
                found[LEVEL.join(parts[: depth + 1])] = [f"{start}{LEVEL * bool(depth)}{entry}" for entry in valid]
                break
            if isinstance(place, Mapping) and part not in place:
                break
            place = place[int(part)] if isinstance(place, list) else place[part]
    return found


def hint(unknown: Mapping[str, Sequence[str]]) -> str:
    """What may have been meant by the keys of ``unknown_options``, as a sentence; empty where nothing is near."""
    words = {name: valid for name, valid in unknown.items() if not name[-1:].isdigit()}
    near = [match for name, valid in words.items() for match in get_close_matches(name, valid, 1)]
    return f" Did you mean {', '.join(near)}?" if near else ""


def entries_of(place: Any, top: bool) -> list[str] | None:
    """Names that a part of a configuration has or takes; ``None`` where it takes any."""
    if isinstance(place, list):
        return [str(number) for number in range(len(place))]
    if not isinstance(place, Mapping):
        return []
    if ConfigComponent.is_instantiable(place):
        return arguments_of(place)
    return sorted(place) if top or place else None


def arguments_of(component: Mapping[str, Any]) -> list[str] | None:
    """Names that a component has or takes; ``None`` where it takes any, or its class is only known when it is made."""
    target = component["_target_"]
    if not isinstance(target, str) or target.startswith(("$", "@")):
        return None
    try:
        made: Any = pydoc.locate(str(ConfigComponent(component).resolve_module_name()))
        parameters = inspect.signature(made).parameters
    except (TypeError, ValueError, pydoc.ErrorDuringImport):
        return None
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()):
        return None
    return sorted({*component, *parameters, *ConfigComponent.non_arg_keys})
