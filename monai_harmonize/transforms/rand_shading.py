"""Random smooth shading: exposure that varies slowly over the image (heel effect, scatter, a tilted grid).

MONAI's ``RandBiasField`` is close, but in 2D its polynomial holds no term of the second axis alone (of the products
``P_i(x) P_j(y)`` only those with ``j <= i``), so that it never draws a shading from top to bottom.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform, RandomizableTransform
from monai.utils import MAX_SEED, TransformBackends
from numpy.random import RandomState
from torch import Tensor
from torch.nn.functional import interpolate

from monai_harmonize.data.errors import InputError

__all__ = ["RandShading", "RandShadingD", "RandShadingDict", "RandShadingd"]

INTERPOLATION = {2: "bicubic", 3: "trilinear"}


class RandShading(RandomizableTransform):
    """Multiply an image, counted from the low end of its grey range, by a random smooth field.

    The logarithm of the field is normal at a few nodes, the outermost on the corners, and interpolated between them.

    Args:
        prob: probability that a field is drawn at all.
        deviation: standard deviation of the logarithm at a node, 0 or more.
        nodes: along each axis, at least 2.
        grey_range: ends of the grey levels, in the unit of the images; the result is clipped to them.

    Raises:
        InputError: an option outside the above.
    """

    backend = (TransformBackends.TORCH,)

    def __init__(
        self,
        prob: float = 0.1,
        deviation: float = 0.2,
        nodes: int = 3,
        grey_range: Sequence[float] = (-1.0, 1.0),
    ) -> None:
        super().__init__(prob)
        low, high = grey_range
        if not 0 <= deviation < math.inf:
            raise InputError(f"deviation is {deviation:g}; expected 0 or more.")
        if nodes < 2:
            raise InputError(f"nodes is {nodes}; expected at least 2.")
        if not low < high:
            raise InputError(f"grey_range is ({low:g}, {high:g}); expected low < high.")
        self.deviation = float(deviation)
        self.nodes = nodes
        self.grey_range = (float(low), float(high))
        self.logarithm = np.zeros(())

    def randomize(self, data: Any = None) -> None:
        """Draw whether to act, and the ``logarithm`` of the field at the nodes; ``data`` is the spatial size."""
        super().randomize(data)
        if self._do_transform:
            self.logarithm = self.R.normal(0.0, self.deviation, size=[self.nodes] * len(data))

    def field(self, size: Sequence[int]) -> Tensor:
        """The last field at a spatial size, ``(W, H[, D])``, float32, above 0."""
        nodes = torch.from_numpy(self.logarithm).float()[None, None]
        return interpolate(nodes, tuple(size), mode=INTERPOLATION[len(size)], align_corners=True)[0, 0].exp()

    def __call__(self, image: Tensor, randomize: bool = True) -> Tensor:
        """Shade ``(C, W, H[, D])``, float; the shape stays.

        Args:
            image: grey levels in the unit of ``grey_range``.
            randomize: draw a new field; else the last one is used.
        """
        size = image.shape[1:]
        if randomize:
            self.randomize(size)
        if not self._do_transform:
            return image
        low, high = self.grey_range
        return (low + (image.float() - low) * self.field(size).to(image.device)).clamp(low, high)


class RandShadingd(RandomizableTransform, MapTransform):
    """Dictionary version of ``RandShading``; all keys get the same field.

    Args:
        keys: images to shade.
        prob: see ``RandShading``, as all further arguments.
        deviation: of the logarithm at a node.
        nodes: along each axis.
        grey_range: ends of the grey levels.
        allow_missing_keys: whether keys may be absent.
    """

    backend = RandShading.backend

    def __init__(
        self,
        keys: KeysCollection,
        prob: float = 0.1,
        deviation: float = 0.2,
        nodes: int = 3,
        grey_range: Sequence[float] = (-1.0, 1.0),
        allow_missing_keys: bool = False,
    ) -> None:
        MapTransform.__init__(self, keys, allow_missing_keys)
        RandomizableTransform.__init__(self, prob)
        self.shading = RandShading(1.0, deviation, nodes, grey_range)

    def set_random_state(self, seed: int | None = None, state: RandomState | None = None) -> RandShadingd:
        """Seed this transform, and from its draws its field: with one seed, both would draw the same numbers."""
        super().set_random_state(seed, state)
        self.shading.set_random_state(int(self.R.randint(MAX_SEED, dtype="uint32")))
        return self

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Shade the images of an item; the item itself is not changed."""
        item = dict(data)
        self.randomize(None)
        present = list(self.key_iterator(item))
        if self._do_transform and present:
            self.shading.randomize(item[present[0]].shape[1:])
            for key in present:
                item[key] = self.shading(item[key], randomize=False)
        return item


RandShadingD = RandShadingDict = RandShadingd
