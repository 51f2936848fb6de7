"""Augmentation by looks: training images as other sites would show them, according to trained harmonizers."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any, ClassVar

from monai.config import KeysCollection
from monai.transforms import MapTransform, RandomizableTransform
from monai.utils import TransformBackends

from monai_harmonize.data.errors import InputError
from monai_harmonize.engines.harmonized import Harmonized

__all__ = ["RandHarmonizedD", "RandHarmonizedDict", "RandHarmonizedd"]


class RandHarmonizedd(RandomizableTransform, MapTransform):
    """Render the images of an item in one look drawn from several (Lee et al. 2020 propose such augmentation).

    Args:
        keys: images, ``(1, W, H[, D])`` in [-1, 1]; all keys get the same look.
        looks: arguments of ``Harmonized``, one mapping per look, at least one; all have the same chance.
        prob: probability that anything is done.
        strength: range of the share of the look; the rest is the image as it was. ``(1, 1)`` is the whole look.
        allow_missing_keys: whether keys may be absent.

    Raises:
        InputError: no look, a wrong one, or a strength outside [0, 1].
    """

    backend: ClassVar = [TransformBackends.TORCH]

    def __init__(
        self,
        keys: KeysCollection,
        looks: Sequence[Mapping[str, Any]],
        prob: float = 0.5,
        strength: Sequence[float] = (1.0, 1.0),
        allow_missing_keys: bool = False,
    ) -> None:
        MapTransform.__init__(self, keys, allow_missing_keys)
        RandomizableTransform.__init__(self, prob)
        low, high = (float(share) for share in strength)
        if not looks:
            raise InputError("looks is empty; expected at least one mapping with a bundle.")
        if not 0 <= low <= high <= 1:
            raise InputError(f"strength is ({low:g}, {high:g}); expected 0 <= low <= high <= 1.")
        try:
            self.looks = [Harmonized(**look) for look in looks]
        except TypeError as error:
            raise InputError(f"looks: {error}; expected bundle, checkpoint, overlays, project and device.") from error
        self.strength = (low, high)
        self.look, self.share = 0, 0.0

    def randomize(self, data: Any = None) -> None:
        """Draw whether to act, the look and its share; always three draws, so that items do not shift each other."""
        super().randomize(data)
        self.look, self.share = int(self.R.randint(len(self.looks))), float(self.R.uniform(*self.strength))

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Render the images of an item; the item itself is not changed."""
        item = dict(data)
        self.randomize()
        if self._do_transform:
            for key in self.key_iterator(item):
                rendered = self.looks[self.look](item[key])
                item[key] = item[key] + self.share * (rendered - item[key]) if self.share < 1 else rendered
        return item


RandHarmonizedD = RandHarmonizedDict = RandHarmonizedd
