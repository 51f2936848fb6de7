"""Reduce large images for analysis; small ones stay as they are."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

from monai.config import KeysCollection
from monai.transforms import MapTransform, Resize, Transform
from monai.utils.enums import TransformBackends
from torch import Tensor

from monai_harmonize.data.single_precision import single_precision

__all__ = ["ShrinkTo", "ShrinkToD", "ShrinkToDict", "ShrinkTod"]


class ShrinkTo(Transform):
    """Reduce an image by area averaging so that its longer side fits; never enlarge.

    Unlike MONAI's ``Resize`` it leaves an image alone that fits already, so that no detail is made up. The affine
    follows the size.

    Args:
        longest: pixels that the longest side may have.

    Raises:
        ValueError: fewer than one pixel.
    """

    backend = (TransformBackends.TORCH,)

    def __init__(self, longest: int) -> None:
        if longest < 1:
            raise ValueError(f"longest is {longest}; expected 1 or more")
        self.longest = longest
        self.resize = Resize(longest, size_mode="longest", mode="area")

    def __call__(self, image: Tensor) -> Tensor:
        """Reduce ``(C, W, H[, D])``; what is reduced becomes float32.

        Raises:
            InputError: a value that float32 does not hold.
        """
        return self.resize(single_precision(image)) if max(image.shape[1:]) > self.longest else image


class ShrinkTod(MapTransform):
    """Dictionary version of ``ShrinkTo``.

    Args:
        keys: images to reduce.
        longest: see ``ShrinkTo``.
        allow_missing_keys: whether keys may be absent.
    """

    backend = ShrinkTo.backend

    def __init__(self, keys: KeysCollection, longest: int, allow_missing_keys: bool = False) -> None:
        super().__init__(keys, allow_missing_keys)
        self.shrink = ShrinkTo(longest)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Reduce each image of an item."""
        item = dict(data)
        for key in self.key_iterator(item):
            item[key] = self.shrink(item[key])
        return item


ShrinkToD = ShrinkToDict = ShrinkTod
