"""What the layers of a feature extractor see of an image: one contact sheet per layer.

Source: Xu, Li, Shin 2020, "Medical image processing with contextual style transfer", which chooses the layers
of its losses by looking at feature maps beforehand.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import torch
from matplotlib.figure import Figure
from numpy.typing import NDArray
from torch import Tensor

from monai_harmonize.data.atomic import atomic_path
from monai_harmonize.data.errors import InputError
from monai_harmonize.networks.feature_extractor import FeatureExtractor
from monai_harmonize.safety.drawing import show_image

__all__ = ["feature_map_figure", "write_feature_maps"]

COLUMNS = 6
# Width of a map, and height of a title.
INCHES, TITLE_INCHES = 1.7, 0.25


@torch.no_grad()
def write_feature_maps(
    extractor: FeatureExtractor, image: Tensor, folder: Path, name: str = "", num_channels: int = 23
) -> list[Path]:
    """Write the most active feature maps of every layer as ``<layer>.png``.

    Args:
        extractor: whose layers are shown.
        image: ``(1, W, H)`` in [-1, 1].
        folder: made where it is missing.
        name: of the extractor, for the titles.
        num_channels: shown of each layer, at most.

    Returns:
        The files, from the shallowest layer to the deepest.

    Raises:
        InputError: no single grey image, or no channel to show.
    """
    if image.ndim != 3 or image.shape[0] != 1 or num_channels < 1:
        raise InputError(
            f"the image has shape {tuple(image.shape)}, num_channels is {num_channels}; "
            "expected (1, W, H) and 1 or more."
        )
    features = extractor(image[None].float())
    paths = []
    for layer in extractor.layers:
        title = f"{name} {layer}".strip()
        figure = feature_map_figure(image[0].cpu().numpy(), features[layer][0].cpu().numpy(), title, num_channels)
        path = folder / f"{layer}.png"
        with atomic_path(path) as temporary:
            figure.savefig(temporary, format="png", dpi=120)
        paths.append(path)
    return paths


def feature_map_figure(
    image: NDArray[np.float32], maps: NDArray[np.float32], title: str, num_channels: int = 23
) -> Figure:
    """The image and the feature maps that vary most over it, each from 0 (black) to its own maximum (white).

    Args:
        image: ``(W, H)`` in [-1, 1].
        maps: of one layer, ``(C, W', H')``, 0 or more.
        title: of the sheet.
        num_channels: shown at most.
    """
    deviations = maps.std(axis=(1, 2))
    shown = np.argsort(-deviations, kind="stable")[:num_channels]
    rows = math.ceil((1 + len(shown)) / COLUMNS)
    height = INCHES * image.shape[1] / image.shape[0] + TITLE_INCHES
    figure = Figure(figsize=(INCHES * COLUMNS, height * rows + 2 * TITLE_INCHES), layout="constrained")
    grid = figure.subplots(rows, COLUMNS, squeeze=False).flat
    show_image(grid[0], image, "gray", -1, 1)
    grid[0].set_title("image", fontsize=9)
    for axes, channel in zip(grid[1:], shown, strict=False):
        show_image(axes, maps[channel], "gray", 0, max(float(maps[channel].max()), 1e-6))
        axes.set_title(f"{channel}: {maps[channel].mean():.2g} ± {deviations[channel]:.2g}", fontsize=9)
    for axes in grid[1 + len(shown) :]:
        axes.set_axis_off()
    silent = int((maps.max(axis=(1, 2)) <= 0).sum())
    figure.suptitle(
        f"{title}: {len(shown)} of {len(maps)} channels, {maps.shape[1]} x {maps.shape[2]}, {silent} silent; "
        "channel: mean ± deviation",
        fontsize=11,
    )
    return figure
