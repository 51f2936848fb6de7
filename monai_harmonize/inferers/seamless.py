"""Translate an image of any size: in one piece, or in blended tiles without seams."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil, prod
from typing import Any

import torch
from monai.inferers import Inferer, SlidingWindowInferer
from torch import Tensor, nn
from torch.nn import functional as F

from monai_harmonize.data.errors import InputError
from monai_harmonize.inferers.fixed_instance_norm import fixed_instance_norm

__all__ = ["SeamlessInferer"]

INTERPOLATION = {2: "bilinear", 3: "trilinear"}


class SeamlessInferer(Inferer):
    """Run a translator over a whole image, padded to what the network accepts.

    Up to ``max_pixels`` the image goes through in one piece. A larger one is cut into tiles that MONAI's sliding window
    blends with Gaussian weights; every instance-norm layer keeps the statistics that it had on the whole image, reduced
    to ``max_pixels``, so they do not differ from tile to tile.

    Args:
        multiple: each spatial size is padded to a multiple of this, the network's total stride.
        min_size: smallest spatial size that the network accepts, a multiple of ``multiple``.
        max_pixels: largest image (padded pixels or voxels) that goes through in one piece.
        tile: edge of a tile in pixels, a multiple of ``multiple``.
        overlap: share of a tile that overlaps its neighbour; half a tile should exceed the receptive field.

    Raises:
        InputError: sizes, or a step from tile to tile, that are not multiples of ``multiple``.
    """

    def __init__(
        self,
        multiple: int = 4,
        min_size: int = 16,
        max_pixels: int = 2**22,
        tile: int = 512,
        overlap: float = 0.5,
    ) -> None:
        for name, value in (("min_size", min_size), ("tile", tile)):
            if value <= 0 or value % multiple:
                raise InputError(f"{name} is {value}; expected a positive multiple of {multiple}.")
        step = int(tile * (1 - overlap))
        if overlap < 0 or step < 1 or step % multiple:
            # Else the network's strides would lie differently in each tile.
            raise InputError(f"overlap is {overlap}; expected tile * (1 - overlap) to be a multiple of {multiple}.")
        self.multiple = multiple
        self.min_size = min_size
        self.max_pixels = max_pixels
        self.tile = tile
        self.overlap = overlap

    def __call__(self, inputs: Tensor, network: Callable[..., Tensor], *args: Any, **kwargs: Any) -> Tensor:
        """Translate.

        Args:
            inputs: ``(B, C, H, W[, D])``, any spatial size, in the network's range.
            network: maps such a tensor to one of the same spatial size.
            args: passed to the network.
            kwargs: passed to the network.

        Returns:
            The network's output, cut back to the input's spatial size.
        """
        size = inputs.shape[2:]
        padded = self.pad(inputs)
        if padded.shape[2:].numel() <= self.max_pixels:
            output = network(padded, *args, **kwargs)
        else:
            output = self._tiled(padded, network, *args, **kwargs)
        for axis, length in enumerate(size, start=2):
            output = output.narrow(axis, 0, length)
        return output

    def pad(self, image: Tensor) -> Tensor:
        """Pad at the far ends by reflection, as far as the image reaches, then by its last value."""
        while True:
            target = [max(self.min_size, ceil(n / self.multiple) * self.multiple) for n in image.shape[2:]]
            missing = [goal - length for goal, length in zip(target, image.shape[2:], strict=True)]
            if not any(missing):
                return image
            reflected = [min(gap, length - 1) for gap, length in zip(missing, image.shape[2:], strict=True)]
            mode, amounts = ("reflect", reflected) if any(reflected) else ("replicate", missing)
            image = F.pad(image, [n for gap in reversed(amounts) for n in (0, gap)], mode=mode)
            if mode == "reflect":
                rest = [goal - length for goal, length in zip(target, image.shape[2:], strict=True)]
                image = F.pad(image, [n for gap in reversed(rest) for n in (0, gap)], mode="replicate")

    def _tiled(self, image: Tensor, network: Callable[..., Tensor], *args: Any, **kwargs: Any) -> Tensor:
        if len(image) > 1:  # since statistics belong to one image
            return torch.cat([self._tiled(one[None], network, *args, **kwargs) for one in image])
        dims = image.ndim - 2
        edges = [min(self.tile, length) for length in image.shape[2:]]
        window = SlidingWindowInferer(roi_size=edges, overlap=self.overlap)
        # MONAI's own Gaussian has a floor, under which tiles meet in a step at the rim of the image.
        weights = [torch.signal.windows.gaussian(edge, std=edge / 8) for edge in edges]
        window.roi_weight_map = torch.stack(torch.meshgrid(*weights, indexing="ij")).prod(0)
        if not isinstance(network, nn.Module):
            return torch.as_tensor(window(image, network, *args, **kwargs))
        scale = (self.max_pixels / prod(image.shape[2:])) ** (1 / dims)
        reduced = F.interpolate(image, scale_factor=scale, mode=INTERPOLATION[dims], antialias=dims == 2)
        with fixed_instance_norm(network, self.pad(reduced)):
            return torch.as_tensor(window(image, network, *args, **kwargs))
