"""A latent code for each item, so that what a generator draws depends on nothing but a seed and a position."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any, ClassVar

from monai.config import KeysCollection
from monai.transforms import MapTransform, Randomizable
from monai.utils import TransformBackends

from monai_harmonize.data.latent_code import LatentCode

__all__ = ["RandLatentCodeD", "RandLatentCodeDict", "RandLatentCoded"]


class RandLatentCoded(MapTransform, Randomizable):
    """Add a code ``(channels, 1, 1[, 1])`` to an item, drawn anew each time.

    In a ``PositionalDataset`` the draws belong to the place of an item in the training: an interrupted one goes on
    with the same codes, whatever the number of workers and processes.

    Args:
        keys: where the codes go.
        code: their layout.
        label_key: entry with the value of the first categorical code; ``None``, and items without it: drawn.
        spatial_dims: axes behind the channels, all of length 1.

    Raises:
        InputError: of an item whose label is no value of the code.
    """

    backend: ClassVar = [TransformBackends.TORCH]

    def __init__(
        self, keys: KeysCollection, code: LatentCode, label_key: Hashable | None = None, spatial_dims: int = 2
    ) -> None:
        super().__init__(keys)
        self.code = code
        self.label_key = label_key
        self.spatial_dims = spatial_dims

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Draw the codes of an item; the item itself is not changed."""
        item = dict(data)
        label = item.get(self.label_key) if self.label_key is not None else None
        values = [] if label is None else [int(label)]
        for key in self.keys:
            item[key] = self.code.draw(self.R, values).reshape(-1, *[1] * self.spatial_dims)
        return item


RandLatentCodeD = RandLatentCodeDict = RandLatentCoded
