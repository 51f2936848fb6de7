"""Measures of whole sets of images, by their names, and as a metric of MONAI evaluators."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from monai.metrics import CumulativeIterationMetric
from torch import Tensor

from monai_harmonize.data.errors import InputError
from monai_harmonize.metrics.frechet_distance import frechet_distance
from monai_harmonize.metrics.kernel_distance import kernel_distance
from monai_harmonize.metrics.manifold_shares import manifold_shares
from monai_harmonize.networks.pooled_features import PooledFeatures

__all__ = ["SET_MEASURES", "FeatureSetMetric"]

Measure = Callable[[Tensor, Tensor], Tensor]

SET_MEASURES: dict[str, Measure] = {
    "fid": frechet_distance,
    "kid": kernel_distance,
    "precision": lambda features, reference: manifold_shares(features, reference).precision.mean(),
    "recall": lambda features, reference: manifold_shares(features, reference).recall.mean(),
    "density": lambda features, reference: manifold_shares(features, reference).density.mean(),
    "coverage": lambda features, reference: manifold_shares(features, reference).coverage.mean(),
}


class FeatureSetMetric(CumulativeIterationMetric):
    """A distance of the distributions of an evaluator's outputs and of real images, gathered from all processes.

    For MONAI evaluators through ``monai.handlers.IgniteMetricHandler``. Called with outputs and real images, each
    ``(B, 1, W, H[, D])`` in [-1, 1], or lists of them without ``B``; which output stands beside which real image does
    not matter. ``get_buffer`` gives the features of both, ``(N, K)`` each.

    Args:
        features: on the device of the images; its name becomes part of the metric's.
        measure: one of ``SET_MEASURES``: ``fid`` and ``kid`` (lower is better), ``precision``, ``recall``, ``density``,
            ``coverage`` (higher is better).

    Raises:
        InputError: an unknown measure.
    """

    def __init__(self, features: PooledFeatures, measure: str = "fid") -> None:
        if measure not in SET_MEASURES:
            raise InputError(f"measure {measure!r} is not known; expected one of {', '.join(SET_MEASURES)}.")
        self.features = features
        self.measure = measure
        super().__init__()

    def __str__(self) -> str:
        return f"{self.measure}_{self.features.name}"

    @torch.no_grad()
    def _compute_tensor(self, y_pred: Tensor, y: Tensor) -> list[Tensor]:
        return [self.features(y_pred), self.features(y)]

    def _compute_list(self, y_pred: Sequence[Tensor], y: Sequence[Tensor]) -> list[Tensor]:
        """Images one by one, as they may differ in size."""
        parts = [self._compute_tensor(image[None], real[None]) for image, real in zip(y_pred, y, strict=True)]
        return [torch.cat(part) for part in zip(*parts, strict=True)]

    def aggregate(self) -> Tensor:
        """The measure of all images, a float64 scalar.

        Raises:
            ValueError: no image was given since the last reset.
            InputError: there are too few images for the measure.
        """
        buffers = self.get_buffer()
        if buffers is None:
            raise ValueError(f"no image was given since the last reset, so there is no {self}")
        return SET_MEASURES[self.measure](*buffers)
