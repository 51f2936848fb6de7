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

__all__ = ["frozen_segmenter", "segmenter_weights"]

SEGMENTATION = "lung_segmentation_cxr"


def segmenter_weights(checkpoint: str | os.PathLike[str], bundle: str = SEGMENTATION) -> Path:
    """The weights of a segmentation network that a user names.

    Args:
        checkpoint: weights, or a folder with ``model.pt``.
        bundle: folder of the bundle that they were trained with, or its name.

    Raises:
        InputError: there are none; the message has the command that makes them.
    """
    found = find_bundle(bundle)
    weights = found.chosen_weights(Path(checkpoint))
    if not weights.is_file():
        raise InputError(
            f"{weights}: there is no segmentation network; train it on images of the site that it is to read with "
            f"`python -m monai.bundle run --config_file {found.config('train')} --site NAME`, or name another file."
        )
    return weights


def frozen_segmenter(
    checkpoint: str | os.PathLike[str], bundle: str = SEGMENTATION, device: str | torch.device = "cpu"
) -> nn.Module:
    """The network of a segmentation bundle with trained weights, in evaluation mode and without gradients.

    Args:
        checkpoint: see ``segmenter_weights``.
        bundle: see ``segmenter_weights``.
        device: of the network.

    Raises:
        InputError: as of ``segmenter_weights``, or the weights are another network's.
    """
    weights = segmenter_weights(checkpoint, bundle)
    parser = ConfigParser()
    parser.read_config(str(find_bundle(bundle).config("inference")))
    network: nn.Module = parser.get_parsed_content("network_def")
    trained_weights(weights, network)
    return network.requires_grad_(False).eval().to(device)
