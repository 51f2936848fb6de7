"""A misspelt option of a bundle is an error, not a training with other values."""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Sequence
from difflib import get_close_matches

from monai.bundle import ConfigParser
from monai.bundle.scripts import run
from monai.utils import ensure_tuple

from monai_harmonize.data.errors import InputError

__all__ = ["known_arguments"]


def known_arguments(arguments: Sequence[str] | None = None) -> None:
    """Check the options of ``python -m monai.bundle run --config_file ... --name value``.

    MONAI adds an unknown option to the configuration, where nobody reads it.

    Args:
        arguments: the command line; by default that of this process.

    Raises:
        InputError: an option is neither one of ``run`` nor a top-level entry of the configuration files; the message
            lists the valid ones.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    options = [option[2:].partition("=") for option in given if option.startswith("--")]
    names = [name for name, _, _ in options]
    if "config_file" not in names:
        return
    text = options[names.index("config_file")][2] or given[given.index("--config_file") + 1]
    files = ensure_tuple(ast.literal_eval(text) if text.startswith(("[", "(")) else text)
    valid = set(ConfigParser.load_config_files(files))
    entries = {name.replace("::", "#").split("#")[0] for name in names}
    unknown = sorted(entries - valid - set(inspect.signature(run).parameters))
    if unknown:
        near = [match for name in unknown for match in get_close_matches(name, valid, 1)]
        hint = f" Did you mean {', '.join(near)}?" if near else ""
        raise InputError(f"Unknown options {', '.join(unknown)}.{hint} Valid ones: {', '.join(sorted(valid))}.")
