"""The per-image grid network: trained as the curve network is, on images that are shaded across as well."""

from __future__ import annotations

from pathlib import Path

import torch
from curve_network import SIZE, DistortedImages, trained
from torch import Tensor

from monai_harmonize.networks import BilateralGridGenerator
from monai_harmonize.transforms import RandShading

FIELDS = 5000


class ShadedImages(DistortedImages):
    """Batches as of ``DistortedImages``; half of the copies are shaded after their curve.

    Args:
        images: ``(N, 1, H, W)`` in [-1, 1].
        seed: of all draws.
    """

    def __init__(self, images: Tensor, seed: int) -> None:
        super().__init__(images, seed)
        shading = RandShading(1.0).set_random_state(seed)
        self.fields = torch.ones(FIELDS, 1, SIZE, SIZE)
        for field in self.fields[: FIELDS // 2]:
            shading.randomize((SIZE, SIZE))
            field[0] = shading.field((SIZE, SIZE))

    def distorted(self, images: Tensor, values: Tensor) -> Tensor:
        """Images under curves, then under fields of ``RandShading``."""
        curved = super().distorted(images, values)
        drawn = torch.randint(FIELDS, (len(images),), generator=self.generator)
        return ((curved + 1) * self.fields[drawn] - 1).clamp(-1.0, 1.0)


def trained_grid_network(images: Tensor, file: Path, seed: int = 0) -> BilateralGridGenerator:
    """Train on target images ``(N, 1, H, W)`` in [-1, 1] unless ``file`` holds the weights already."""
    torch.manual_seed(seed)
    return trained(BilateralGridGenerator(2), file, lambda: ShadedImages(images, seed))
