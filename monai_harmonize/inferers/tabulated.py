"""A curve by table: one multiplication per grey level that there is, not per voxel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from monai.inferers import Inferer
from torch import Tensor

__all__ = ["TabulatedInferer"]

# Whole numbers of 16 bits, signed: HU of a CT.
LOWEST, HIGHEST = -(2**15), 2**15 - 1
# Voxels at a time, so that intermediate arrays stay small.
CHUNK = 2**20


class TabulatedInferer(Inferer):
    """Apply a network that maps every grey level alone (class G0) through a table of its results.

    Gives the network's own results, bit by bit, for images of whole numbers within 16 bits, as CT in HU; other
    images go to the network.
    """

    def __call__(self, inputs: Tensor, network: Callable[..., Tensor], *args: Any, **kwargs: Any) -> Tensor:
        """Harmonize an image of any shape, float; the shape stays.

        Args:
            inputs: grey levels.
            network: a map of each element alone.
            args: passed to the network.
            kwargs: passed to the network.
        """
        image = torch.as_tensor(inputs).as_subclass(Tensor)
        levels = torch.arange(LOWEST, HIGHEST + 1, dtype=image.dtype, device=image.device)
        table = torch.as_tensor(network(levels, *args, **kwargs)).as_subclass(Tensor)
        # NIfTI volumes lie in memory the other way round, which the result keeps.
        strides = image.stride()
        order = sorted(range(image.ndim), key=lambda axis: -strides[axis])
        ordered = image.permute(order)
        result = torch.empty(ordered.shape, dtype=image.dtype, device=image.device)
        chunks = zip(torch.split(ordered.reshape(-1), CHUNK), torch.split(result.view(-1), CHUNK), strict=True)
        for voxels, harmonized in chunks:
            place = voxels.to(torch.int32)
            # Infinity and NaN become some integer, which they do not equal.
            if not torch.equal(place.to(voxels.dtype), voxels) or place.min() < LOWEST or place.max() > HIGHEST:
                return torch.as_tensor(network(image, *args, **kwargs))
            torch.index_select(table, 0, place.sub_(LOWEST), out=harmonized)
        return result.permute([order.index(axis) for axis in range(image.ndim)])
