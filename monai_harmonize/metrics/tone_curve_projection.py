"""The increasing curve that best explains what a harmonizer did, over one image or all images of a site."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from monai_harmonize.metrics.bounded_fit import bounded_increasing_fit

__all__ = ["ToneCurveProjection"]


class ToneCurveProjection:
    """Least-squares curve from inputs to outputs, strictly increasing and with bounded slopes, in constant memory.

    Pixels are averaged within equal steps of the input's grey level, so that any number of images costs the same to
    solve. Every image weighs the same, whatever its size.

    Args:
        num_knots: K, evenly spaced over ``grey_range``.
        slope_range: bounds [m, M] of the slopes, ``0 < m <= M``.
        grey_range: grey levels of the inputs; those beyond count in the outermost steps.
        bins: number of steps.
    """

    def __init__(
        self,
        num_knots: int = 128,
        slope_range: Sequence[float] = (0.25, 4.0),
        grey_range: Sequence[float] = (-1.0, 1.0),
        bins: int = 1024,
    ) -> None:
        self.slope_range = (float(slope_range[0]), float(slope_range[1]))
        self.grey_range = (float(grey_range[0]), float(grey_range[1]))
        self.num_knots = num_knots
        self.bins = bins
        self._sums = np.zeros((3, bins))

    def add(self, image: Tensor, output: Tensor) -> None:
        """Add a harmonizer's input and output.

        Args:
            image: any shape, float, in the unit of ``grey_range``.
            output: the same shape, in any unit.

        Raises:
            ValueError: shapes differ, or a value is NaN or infinite.
        """
        if image.shape != output.shape:
            raise ValueError(f"input and output have shapes {tuple(image.shape)} and {tuple(output.shape)}")
        grey, result = (values.detach().as_subclass(Tensor).double().flatten() for values in (image, output))
        if grey.numel() == 0 or not bool(torch.isfinite(grey).all() and torch.isfinite(result).all()):
            raise ValueError(f"a pair of shape {tuple(image.shape)} is empty or holds NaN or infinity")
        low, high = self.grey_range
        step = ((grey - low) * (self.bins / (high - low))).clamp_(0, self.bins - 1).long()
        for row, weights in enumerate((torch.ones_like(grey), grey, result)):
            total = torch.bincount(step, weights=weights, minlength=self.bins)
            self._sums[row] += total.cpu().numpy() / grey.numel()

    def solve(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Knots and the best curve's values at them, each ``(K,)``.

        Raises:
            ValueError: no pair was added, or the options are none of a curve (see ``bounded_increasing_fit``).
        """
        counts, grey, result = self._sums[:, self._sums[0] > 0]
        knots = np.linspace(*self.grey_range, self.num_knots)
        return knots, bounded_increasing_fit(grey / counts, result / counts, counts, knots, self.slope_range)
