"""What anyone sees of an image without knowing what it shows: how bright, how contrasty, where and how wide."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["VISIBLE_FACTORS", "visible_factors"]

VISIBLE_FACTORS = ("mean_level", "contrast", "centre_x", "centre_y", "spread_x", "spread_y")
# Brightness of an image that has none, so that its centre is its middle.
LEAST = 1e-6


def visible_factors(image: Tensor) -> dict[str, Tensor]:
    """Moments of the brightness of images, ``(B,)`` each, in double precision.

    ``mean_level`` and ``contrast`` are mean and standard deviation of the levels. The others are the mean place of the
    brightness along x (first axis) and y (second axis), and its standard deviation, as shares of the side: bright
    pixels weigh, black ones do not.

    Args:
        image: ``(B, 1, W, H)`` in [-1, 1], which is black to white.
    """
    grey = image[:, 0].detach().as_subclass(Tensor).double()
    bright = (grey + 1) / 2 + LEAST
    weights = bright / bright.sum((1, 2), keepdim=True)
    found = {"mean_level": grey.mean((1, 2)), "contrast": grey.std((1, 2), correction=0)}
    for axis, name in enumerate("xy"):
        shares = weights.sum(2 - axis)
        count = shares.shape[1]
        places = (torch.arange(count, device=image.device, dtype=torch.float64) + 0.5) / count
        centre = shares @ places
        found[f"centre_{name}"] = centre
        found[f"spread_{name}"] = (shares * (places - centre[:, None]) ** 2).sum(1).sqrt()
    return {name: found[name] for name in VISIBLE_FACTORS}
