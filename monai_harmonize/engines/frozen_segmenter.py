"""A trained segmentation network that looks on at another training."""

from __future__ import annotations

import os
from pathlib import Path

import torch
from monai.bundle import ConfigParser
from torch import nn

from monai_harmonize.data.errors import InputError
from monai_harmonize.engines.bundle import find_bundle
from monai_harmonize.engines.weights import trained_weights

__all__ = ["frozen_segmenter"]


def frozen_segmenter(
    checkpoint: str | os.PathLike[str], bundle: str = "lung_segmentation_cxr", device: str | torch.device = "cpu"
) -> nn.Module:
    """The network of a segmentation bundle with trained weights, in evaluation mode and without gradients.

    Args:
        checkpoint: weights, or a folder with ``model.pt``.
        bundle: folder of the bundle that they were trained with, or its name.
        device: of the network.

    Raises:
        InputError: there are no such weights, with the command that makes them; or they are another network's.
    """
    found = find_bundle(bundle)
    weights = found.chosen_weights(Path(checkpoint))
    if not weights.is_file():
        raise InputError(
            f"{weights}: there is no segmentation network; train it on images of the site that it is to read with "
            f"`python -m monai.bundle run --config_file {found.config('train')} --site NAME`, or name another file."
        )
    parser = ConfigParser()
    parser.read_config(str(found.config("inference")))
    network: nn.Module = parser.get_parsed_content("network_def")
    trained_weights(weights, network)
    return network.requires_grad_(False).eval().to(device)
