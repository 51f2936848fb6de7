"""Random increasing tone curve with bounded slopes: what another site's processing could have made of an image."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform, RandomizableTransform
from monai.utils import MAX_SEED, TransformBackends
from numpy.random import RandomState
from numpy.typing import NDArray
from torch import Tensor

from monai_harmonize.data.errors import InputError
from monai_harmonize.data.single_precision import single_precision
from monai_harmonize.networks.uniform_curve import uniform_curve

__all__ = ["CURVES", "RandToneCurve", "RandToneCurveD", "RandToneCurveDict", "RandToneCurved", "bounded_slopes"]

Values = NDArray[np.float64]
SEGMENTS = 256


def control_points(grey: Values, random: RandomState) -> Values:
    """Slopes between six random ones, linear in the logarithm."""
    slopes: Values = np.exp(np.interp(grey, np.linspace(0, 1, 6), random.normal(scale=0.7, size=6)))
    return slopes


def gamma(grey: Values, random: RandomState) -> Values:
    """Slopes of ``grey ** g``, g between 1/4 and 4."""
    exponent = math.exp(random.uniform(-1, 1) * math.log(4))
    slopes: Values = grey ** (exponent - 1)
    return slopes


def sigmoid(grey: Values, random: RandomState) -> Values:
    """Slopes of a sigmoid, or of its inverse, which flattens the middle instead of the ends."""
    shape: Values = np.cosh(random.uniform(1, 5) * (grey - random.uniform(0.3, 0.7))) ** 2
    return shape if random.uniform() < 0.5 else 1 / shape


def window(grey: Values, random: RandomState) -> Values:
    """Slopes of a window: all of the contrast between two grey levels, as little as allowed outside."""
    width = random.uniform(0.4, 0.9)
    lower = random.uniform(0, 1 - width)
    slopes: Values = np.where((grey >= lower) & (grey <= lower + width), 1.0, 1e-6)
    return slopes


CURVES: dict[str, Callable[[Values, RandomState], Values]] = {
    "control_points": control_points,
    "gamma": gamma,
    "sigmoid": sigmoid,
    "window": window,
}


def bounded_slopes(shape: Values, slope_range: tuple[float, float], rise: float) -> Values:
    """Slopes proportional to ``shape`` where the bounds allow it, with mean ``rise``.

    Args:
        shape: above 0, ``(K,)``.
        slope_range: bounds [m, M].
        rise: within [m, M].
    """
    below, above = np.log(slope_range[0] / shape.max()), np.log(slope_range[1] / shape.min())
    for _ in range(60):  # bisection: the mean grows with the factor
        factor = (below + above) / 2
        slopes: Values = np.clip(shape * np.exp(factor), *slope_range)
        below, above = (factor, above) if slopes.mean() < rise else (below, factor)
    return slopes


class RandToneCurve(RandomizableTransform):
    """Apply a strictly increasing curve, drawn from families that real processing resembles.

    The curve maps the grey range into itself: onto a share of it drawn from ``rise_range``, placed at random, so that
    nothing is clipped. Use it to teach a network what harmonization undoes, or as augmentation.

    Args:
        prob: probability that a curve is drawn at all.
        slope_range: bounds [m, M] of the slopes, ``0 < m <= 1 <= M``.
        rise_range: share of the grey range that the curve covers, within [m, 1].
        grey_range: ends of the grey levels, in the unit of the images; beyond them the outer slopes go on.
        curves: families to draw from, with equal chance, out of ``CURVES``.

    Raises:
        InputError: an option outside the above.
    """

    backend = (TransformBackends.TORCH,)

    def __init__(
        self,
        prob: float = 0.1,
        slope_range: Sequence[float] = (0.25, 4.0),
        rise_range: Sequence[float] = (0.5, 1.0),
        grey_range: Sequence[float] = (-1.0, 1.0),
        curves: Sequence[str] = tuple(CURVES),
    ) -> None:
        super().__init__(prob)
        (smallest, largest), (least, most), (low, high) = slope_range, rise_range, grey_range
        unknown = sorted(set(curves) - set(CURVES))
        if unknown or not curves:
            raise InputError(f"curves names {unknown or 'none'}; expected some of {sorted(CURVES)}.")
        if not 0 < smallest <= 1 <= largest < math.inf:
            raise InputError(f"slope_range is ({smallest:g}, {largest:g}); expected 0 < m <= 1 <= M.")
        if not smallest <= least <= most <= 1:
            raise InputError(f"rise_range is ({least:g}, {most:g}); expected to lie within ({smallest:g}, 1).")
        if not low < high:
            raise InputError(f"grey_range is ({low:g}, {high:g}); expected low < high.")
        self.slope_range = (float(smallest), float(largest))
        self.rise_range = (float(least), float(most))
        self.grey_range = (float(low), float(high))
        self.curves = tuple(curves)
        self.values = np.linspace(low, high, SEGMENTS + 1)

    def randomize(self, data: Any = None) -> None:
        """Draw whether to act, and the curve: ``values`` at evenly spaced knots over ``grey_range``."""
        super().randomize(data)
        if not self._do_transform:
            return
        family = CURVES[self.curves[self.R.randint(len(self.curves))]]
        shape = family((np.arange(SEGMENTS) + 0.5) / SEGMENTS, self.R)
        slopes = bounded_slopes(shape, self.slope_range, self.R.uniform(*self.rise_range))
        climbed = np.concatenate([[0.0], np.cumsum(slopes) / SEGMENTS])
        start = self.R.uniform(0, max(0.0, 1 - climbed[-1]))
        low, high = self.grey_range
        self.values = low + (high - low) * (start + climbed)

    def __call__(self, image: Tensor, randomize: bool = True) -> Tensor:
        """Distort ``(C, W, H[, D])``, float; the shape stays.

        Args:
            image: grey levels in the unit of ``grey_range``.
            randomize: draw a new curve; else the last one is used.

        Raises:
            InputError: a value that float32 does not hold.
        """
        if randomize:
            self.randomize()
        if not self._do_transform:
            return image
        values = torch.as_tensor(self.values, device=image.device)
        return uniform_curve(single_precision(image), torch.as_tensor(self.grey_range, device=image.device), values)


class RandToneCurved(RandomizableTransform, MapTransform):
    """Dictionary version of ``RandToneCurve``; all keys get the same curve.

    Args:
        keys: images to distort.
        prob: see ``RandToneCurve``, as all further arguments.
        slope_range: bounds of the slopes.
        rise_range: share of the grey range that the curve covers.
        grey_range: ends of the grey levels.
        curves: families to draw from.
        allow_missing_keys: whether keys may be absent.
    """

    backend = RandToneCurve.backend

    def __init__(
        self,
        keys: KeysCollection,
        prob: float = 0.1,
        slope_range: Sequence[float] = (0.25, 4.0),
        rise_range: Sequence[float] = (0.5, 1.0),
        grey_range: Sequence[float] = (-1.0, 1.0),
        curves: Sequence[str] = tuple(CURVES),
        allow_missing_keys: bool = False,
    ) -> None:
        MapTransform.__init__(self, keys, allow_missing_keys)
        RandomizableTransform.__init__(self, prob)
        self.curve = RandToneCurve(1.0, slope_range, rise_range, grey_range, curves)

    def set_random_state(self, seed: int | None = None, state: RandomState | None = None) -> RandToneCurved:
        """Seed this transform, and from its draws its curve: with one seed, both would draw the same numbers."""
        super().set_random_state(seed, state)
        self.curve.set_random_state(int(self.R.randint(MAX_SEED, dtype="uint32")))
        return self

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Distort the images of an item; the item itself is not changed."""
        item = dict(data)
        self.randomize(None)
        if self._do_transform:
            self.curve.randomize()
            for key in self.key_iterator(item):
                item[key] = self.curve(item[key], randomize=False)
        return item


RandToneCurveD = RandToneCurveDict = RandToneCurved
