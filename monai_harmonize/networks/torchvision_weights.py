"""Weights that torchvision's networks learned on colour photographs, for one grey channel; by name or from a file."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from monai_harmonize.data.errors import InputError
from monai_harmonize.networks.torchvision_import import torchvision
from monai_harmonize.networks.weights_digest import state_of_file

__all__ = ["COLOUR_DEVIATION", "COLOUR_MEAN", "grey_filters", "state_of_weights"]

# Mean and standard deviation of red, green and blue in [0, 1] that torchvision's weights expect.
COLOUR_MEAN = (0.485, 0.456, 0.406)
COLOUR_DEVIATION = (0.229, 0.224, 0.225)
# Counts of batches that old files lack and that no network in evaluation mode reads.
COUNTER = "num_batches_tracked"


def grey_filters(colour: Tensor) -> Tensor:
    """Filters of a grey level x in [-1, 1] and a plane of ones that do what colour filters do with grey images.

    Red, green and blue are all (x + 1) / 2, then standardized: their sum is x times ``w / (2 s)`` plus
    ``w (1 / 2 - m) / s``, summed over the colours. Zeros that pad the plane of ones stand for zeros that pad the
    standardized image, so that the border agrees as well; a bias instead of the plane would reach into it.

    Args:
        colour: filters w of standardized red, green and blue, ``(K, 3, H, W)``.

    Returns:
        ``(K, 2, H, W)``.
    """
    mean, deviation = (colour.new_tensor(values)[:, None, None] for values in (COLOUR_MEAN, COLOUR_DEVIATION))
    return torch.stack([(colour / (2 * deviation)).sum(1), (colour * (0.5 - mean) / deviation).sum(1)], dim=1)


def state_of_weights(name: str, weights: str | os.PathLike[str], free: Sequence[str]) -> Mapping[str, Tensor]:
    """State dict of a network of torchvision, by the name of its weights or from a file.

    Args:
        name: of the network, as torchvision's ``get_model`` knows it.
        weights: name of weights of torchvision (``"IMAGENET1K_V1"``, downloaded and cached), or a file.
        free: beginnings of the names of layers that may differ or be absent, such as the last one.

    Raises:
        InputError: there are no such weights, they cannot be downloaded, or are of another network.
    """
    known = torchvision.models.get_model_weights(name).__members__
    if str(weights) in known:
        try:
            state = known[str(weights)].get_state_dict(progress=False)
        except OSError as error:
            raise InputError(
                f"weights {weights}: cannot be downloaded ({error}); give a file with torchvision's {name}."
            ) from error
    elif os.path.isfile(weights):
        state = state_of_file(weights)
    else:
        raise InputError(
            f"weights {weights}: there is no such file; expected one, or a name out of {', '.join(known)}."
        )
    state = {current_name(str(key)): value for key, value in state.items()} if isinstance(state, Mapping) else {}
    with torch.device("meta"):
        expected = shapes_of(torchvision.models.get_model(name).state_dict(), free)
    found = shapes_of(state, free)
    wrong = sorted(key for key in expected.keys() | found.keys() if expected.get(key) != found.get(key))
    if wrong:
        raise InputError(
            f"weights {weights}: are not those of torchvision's {name}; {wrong[0]} is "
            f"{found.get(wrong[0], 'missing')}, expected {expected.get(wrong[0], 'no such entry')}."
        )
    return state


def current_name(key: str) -> str:
    """Name that torchvision gives today to an entry of its DenseNet files, where ``norm.1`` stands for ``norm1``."""
    return re.sub(r"(\.denselayer\d+\.(?:norm|conv))\.(\d)\.", r"\1\2.", key)


def shapes_of(state: Mapping[str, Tensor], free: Sequence[str]) -> dict[str, tuple[int, ...]]:
    """Shapes of a state dict without its free layers and counters."""
    return {
        key: tuple(getattr(value, "shape", ()))
        for key, value in state.items()
        if not key.startswith(tuple(free)) and not key.endswith(COUNTER)
    }
