"""Weights and what they were trained with: read those that were trained before, write new ones."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from torch import nn

from monai_harmonize.data.atomic import atomic_path
from monai_harmonize.data.errors import InputError
from monai_harmonize.data.site_numbers import PLAIN_NAME
from monai_harmonize.engines.resume import save_atomically
from monai_harmonize.networks.weights_digest import state_of_file

__all__ = [
    "FittedBy",
    "fitted_by",
    "record_fit",
    "save_settings",
    "save_weights",
    "trained_setting",
    "trained_settings",
    "trained_sites",
    "trained_weights",
    "weights_if_any",
]

# Entry of the JSON file beside weights that is no setting of the configuration.
FITTED_BY = "fitted_by"


@dataclass(frozen=True)
class FittedBy:
    """What made weights, so that inference can be set up alike.

    Args:
        bundle: name of the bundle.
        overlays: names of its configurations that inference needs after ``inference``.
    """

    bundle: str
    overlays: Sequence[str] = ()


def trained_settings(path: str | os.PathLike[str]) -> dict[str, Any]:
    """What weights were trained with besides the network, from the JSON file of the same name; empty without one.

    Args:
        path: the weight file.

    Raises:
        InputError: the file is damaged, or holds more than numbers and lists of them or of plain names: settings
            become part of a configuration, where a text can be code.
    """
    settings = {name: value for name, value in content_beside(path).items() if name != FITTED_BY}
    for name, value in settings.items():
        parts = value if isinstance(value, list) else [value]
        named = isinstance(value, list) and all(isinstance(part, str) and PLAIN_NAME.fullmatch(part) for part in parts)
        if not named and not all(isinstance(part, int | float) for part in parts):
            raise InputError(f"{beside(path)}: its {name} is no number; get it again with the weights.")
    return settings


def trained_setting(path: str | os.PathLike[str], name: str) -> float:
    """One setting of ``trained_settings`` that inference cannot do without.

    Raises:
        InputError: it is not there; the message names the option that replaces it.
    """
    settings = trained_settings(path)
    if name not in settings:
        raise InputError(f"{beside(path)}: holds no {name}; train with the bundle's train.json, or give --{name}.")
    if isinstance(settings[name], list):
        raise InputError(f"{beside(path)}: its {name} is no single number; get it again with the weights.")
    return float(settings[name])


def trained_sites(path: str | os.PathLike[str], default: Sequence[str]) -> list[str]:
    """Names of the sites that a model knows, in the order of their numbers.

    Args:
        path: the weight file.
        default: names where none are noted beside the weights.

    Raises:
        InputError: as ``trained_settings``, or the sites are no names.
    """
    sites = trained_settings(path).get("sites", default)
    if isinstance(sites, int | float) or not all(isinstance(site, str) for site in sites):
        raise InputError(f"{beside(path)}: its sites are no names; get it again with the weights.")
    return list(sites)


def fitted_by(path: str | os.PathLike[str]) -> FittedBy | None:
    """What ``record_fit`` noted of weights, if it did.

    Raises:
        InputError: the JSON file beside the weights is damaged.
    """
    noted = content_beside(path).get(FITTED_BY)
    if noted is None:
        return None
    try:
        return FittedBy(str(noted["bundle"]), tuple(map(str, noted["overlays"])))
    except (KeyError, TypeError) as error:
        raise InputError(f"{beside(path)}: is damaged; get it again with the weights.") from error


def record_fit(path: str | os.PathLike[str], fit: FittedBy) -> None:
    """Note what made weights in the JSON file beside them; settings that stand there stay."""
    content = {**content_beside(path), FITTED_BY: asdict(fit)}
    save_settings(path, content)


def beside(path: str | os.PathLike[str]) -> Path:
    """The JSON file that belongs to weights."""
    return Path(path).with_suffix(".json")


def content_beside(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Content of the JSON file that belongs to weights; empty without one."""
    if not beside(path).is_file():
        return {}
    try:
        content = json.loads(beside(path).read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{beside(path)}: is damaged; get it again with the weights.") from error
    if not isinstance(content, dict):
        raise InputError(f"{beside(path)}: is damaged; get it again with the weights.")
    return content


def trained_weights(path: str | os.PathLike[str], network: nn.Module, **settings: Any) -> Path:
    """Load a flat state dict into the network that it was trained with, tensors only, no pickled code.

    Args:
        path: the weight file.
        network: receives the weights.
        settings: what is in use now, for example ``image_size``; compared with ``trained_settings``.

    Returns:
        The path.

    Raises:
        InputError: there is no such file, it is damaged, or it belongs to another network or other settings.
    """
    if not Path(path).is_file():
        raise InputError(
            f"{path}: there are no trained weights. Train first with the bundle's train.json, name another file, or, "
            "where the bundle lies in another folder, that folder with --bundle_root."
        )
    for name, value in trained_settings(path).items():
        if name in settings and settings[name] != value:
            option = f'"{value}"' if isinstance(value, list) else value
            raise InputError(f"{path}: was trained with {name} {value}, not {settings[name]}; add --{name} {option}.")
    state = state_of_file(path)
    try:
        network.load_state_dict(state)
    except (RuntimeError, TypeError, AttributeError) as error:
        raise InputError(
            f"{path}: holds the weights of another network; give the overlay that they were trained with after "
            "inference.json (NAME_inference where the bundle has it)."
        ) from error
    return Path(path)


def weights_if_any(path: str | os.PathLike[str], network: nn.Module) -> nn.Module | None:
    """The network with weights, or ``None`` where there is no such file; errors as of ``trained_weights``."""
    if not Path(path).is_file():
        return None
    trained_weights(path, network)
    return network


def save_settings(path: str | os.PathLike[str], settings: Mapping[str, Any]) -> None:
    """Write what weights were trained with into the JSON file beside them, from where ``trained_settings`` reads it."""
    with atomic_path(beside(path)) as temporary:
        temporary.write_text(json.dumps(dict(settings)) + "\n", encoding="utf-8")


def save_weights(network: nn.Module, path: str | os.PathLike[str]) -> Path:
    """Write a network's flat state dict; the file appears whole or not at all.

    Args:
        network: what was trained or fitted.
        path: file; missing folders are made.

    Returns:
        The path.
    """
    save_atomically({name: value.cpu() for name, value in network.state_dict().items()}, Path(path))
    return Path(path)
