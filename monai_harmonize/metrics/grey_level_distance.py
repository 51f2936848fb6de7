"""How far apart two sites are in grey level: 1-Wasserstein and Jensen-Shannon distance of their histograms.

Written from the definitions; the tests compare with `scipy.stats.wasserstein_distance` and
`scipy.spatial.distance.jensenshannon`, which take one pair at a time or compare bin positions one by one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from monai.metrics import CumulativeIterationMetric
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.distance import jensenshannon

from monai_harmonize.metrics.grey_level_histogram import DEFAULT_BINS, grey_level_histogram

__all__ = ["SiteDistanceMetric", "jensen_shannon_distance", "wasserstein_distance"]

Images = torch.Tensor | Sequence[torch.Tensor]


def _shares(histogram: ArrayLike) -> NDArray[np.float64]:
    values = np.asarray(histogram, dtype=np.float64)
    total = values.sum(axis=-1, keepdims=True)
    if not np.isfinite(values).all() or (values < 0).any() or (total <= 0).any():
        raise ValueError("a histogram must hold finite values >= 0 and at least one above 0")
    shares: NDArray[np.float64] = values / total
    return shares


def _same_bins(p: ArrayLike, q: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    first, second = _shares(p), _shares(q)
    if first.shape[-1] != second.shape[-1]:
        raise ValueError(f"histograms have {first.shape[-1]} and {second.shape[-1]} bins; use the same bins")
    return first, second


def wasserstein_distance(p: ArrayLike, q: ArrayLike) -> NDArray[np.float64]:
    """1-Wasserstein distance: the area between the two cumulative distributions.

    It is the mean change of grey level that the cheapest monotone rearrangement of one distribution into the
    other needs, so 0.10 reads "ten percent of the grey scale on average".

    Args:
        p: histogram(s), shape `(..., bins)`, need not be normalised.
        q: histogram(s) on the same bins; leading axes broadcast.

    Returns:
        Shape `(...)`, in units of the whole scale: 0 equal, at most 1.

    Raises:
        ValueError: numbers of bins differ, or a histogram is empty or has negative or non-finite entries.
    """
    first, second = _same_bins(p, q)
    distance: NDArray[np.float64] = np.abs(np.cumsum(first - second, axis=-1)).mean(axis=-1)
    return distance


def jensen_shannon_distance(p: ArrayLike, q: ArrayLike, *, bins: int = 64) -> NDArray[np.float64]:
    """Jensen-Shannon distance to base 2 (the square root of the divergence), 0 equal, 1 no common level.

    It does not know that neighbouring levels are alike: a contrast-stretched 8-bit image leaves every other
    fine bin empty and would count as far from its smooth twin. The histograms are therefore added up to
    coarse bins first.

    Args:
        p: histogram(s), shape `(..., n)`, need not be normalised.
        q: histogram(s) on the same bins; leading axes broadcast.
        bins: number of coarse bins, a divisor of n.

    Returns:
        Shape `(...)`.

    Raises:
        ValueError: as `wasserstein_distance`, or `bins` does not divide the number of bins.
    """
    first, second = _same_bins(p, q)
    if bins < 1 or first.shape[-1] % bins:
        raise ValueError(f"{bins} coarse bins do not divide {first.shape[-1]} bins")
    coarse_p, coarse_q = (h.reshape(*h.shape[:-1], bins, -1).sum(axis=-1) for h in (first, second))
    distance: NDArray[np.float64] = np.asarray(jensenshannon(coarse_p, coarse_q, base=2, axis=-1))
    # Rounding can push the divergence of equal histograms a hair below zero, whose root is NaN.
    return np.nan_to_num(distance, nan=0.0)


class SiteDistanceMetric(CumulativeIterationMetric):
    """1-Wasserstein distance between all harmonized images of an epoch, pooled, and the target site's images.

    For MONAI evaluators through `monai.handlers.IgniteMetricHandler` with `save_details=False` (a pooled
    distance has no value per image). Lower is better: select checkpoints with
    `CheckpointSaver(key_metric_negative_sign=True)`. Memory does not grow with the number of images, and the
    processes of a distributed run are pooled.

    Args:
        value_range: grey levels of the images given, mapped to [0, 1] for the distance.
        bins: number of histogram bins.
        target_histogram: the target site's histogram on the same scale, `bins` values. Without it the second
            argument of the call, images of the target site, is accumulated as the target; with it, that
            argument is not used.
        in_grey_levels: report the distance in the unit of ``value_range``, for example HU, not as a share of it.

    Raises:
        ValueError: `target_histogram` does not have `bins` values.
    """

    def __init__(
        self,
        value_range: Sequence[float] = (-1.0, 1.0),
        bins: int = DEFAULT_BINS,
        target_histogram: Sequence[float] | None = None,
        in_grey_levels: bool = False,
    ) -> None:
        self.value_range = (float(value_range[0]), float(value_range[1]))
        self.bins = bins
        self.unit = self.value_range[1] - self.value_range[0] if in_grey_levels else 1.0
        self.target_histogram = None if target_histogram is None else _shares(target_histogram)
        if self.target_histogram is not None and self.target_histogram.shape != (bins,):
            raise ValueError(f"target_histogram has shape {self.target_histogram.shape}, expected ({bins},)")
        super().__init__()

    def reset(self) -> None:
        """Forget all images."""
        super().reset()
        # Present from the start, so that a process that got no image still takes part in the gathering.
        self._buffers = [[torch.zeros(self.bins, dtype=torch.float64)] for _ in range(2)]

    def extend(self, *data: Any) -> None:
        """Add histograms, each item `(B, bins)`, to the running sums instead of keeping them."""
        self._buffers = [[running[0] + batch.sum(dim=0)] for running, batch in zip(self._buffers, data, strict=True)]
        self._synced = False

    def _compute_list(self, y_pred: Images, y: Images | None = None, **_: Any) -> list[torch.Tensor]:
        """As for a batch: outputs and targets are no pairs, so their numbers and sizes may differ."""
        return self._compute_tensor(y_pred, y)

    def _compute_tensor(self, y_pred: Images, y: Images | None = None, **_: Any) -> list[torch.Tensor]:
        """Histograms of harmonized and of target images, each `(B, bins)`, from images `(B, C, ...)`."""
        outputs = self._histograms(y_pred)
        if self.target_histogram is not None:
            return [outputs, torch.from_numpy(self.target_histogram)[None]]
        if y is None:
            raise ValueError("give images of the target site as the second argument, or target_histogram")
        return [outputs, self._histograms(y)]

    def _histograms(self, images: Images) -> torch.Tensor:
        rows = [grey_level_histogram(i, bins=self.bins, value_range=self.value_range) for i in images]
        return torch.from_numpy(np.stack(rows))

    def aggregate(self) -> torch.Tensor:
        """Distance of the pooled histograms, a float64 scalar; of the whole scale or ``in_grey_levels``.

        Raises:
            ValueError: no image was given since the last reset.
        """
        output, target = (buffer.sum(dim=0) for buffer in self.get_buffer())
        if not bool(output.sum() > 0):
            raise ValueError("no image was given since the last reset, so there is no distance")
        distance = float(wasserstein_distance(output.numpy(), target.numpy()))
        return torch.as_tensor(self.unit * distance, dtype=torch.float64)
