"""How far translations among several sites are in grey level from the sites they were to be brought to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from monai.metrics import CumulativeIterationMetric
from numpy.typing import ArrayLike

from monai_harmonize.metrics.grey_level_distance import wasserstein_distance
from monai_harmonize.metrics.grey_level_histogram import grey_level_histogram

__all__ = ["SitePairDistanceMetric"]

Images = torch.Tensor | Sequence[torch.Tensor]


class SitePairDistanceMetric(CumulativeIterationMetric):
    """1-Wasserstein distance between translations, pooled by pair of sites, and the target site's own images.

    The mean over all ordered pairs that were shown, so that no direction is bought with another. For MONAI evaluators
    through ``monai.handlers.IgniteMetricHandler`` with ``save_details=False``, as ``SiteDistanceMetric``.

    Args:
        histograms: of each site's own images on ``value_range``, ``(sites, bins)``, see ``pooled_histogram``.
        pair: numbers of source and target, to measure these alone; ``None`` for all.
        value_range: grey levels of the images given.

    Raises:
        ValueError: histograms of another shape, or a pair that is none of different sites.
    """

    def __init__(
        self,
        histograms: ArrayLike,
        pair: tuple[int, int] | None = None,
        value_range: Sequence[float] = (-1.0, 1.0),
    ) -> None:
        self.histograms = np.asarray(histograms, dtype=np.float64)
        if self.histograms.ndim != 2 or len(self.histograms) < 2:
            raise ValueError(f"histograms have shape {self.histograms.shape}, expected (sites, bins) of 2 or more")
        self.sites, self.bins = self.histograms.shape
        every = [(one, other) for one in range(self.sites) for other in range(self.sites) if one != other]
        if pair is not None and tuple(pair) not in every:
            raise ValueError(f"pair is {pair}, expected the numbers of two of {self.sites} sites")
        self.pairs = every if pair is None else [(int(pair[0]), int(pair[1]))]
        self.value_range = (float(value_range[0]), float(value_range[1]))
        super().__init__()

    def reset(self) -> None:
        """Forget all images."""
        super().reset()
        # Present from the start, so that a process that got no image still takes part in the gathering.
        self._buffers = [[torch.zeros(len(self.pairs) * self.bins, dtype=torch.float64)]]

    def extend(self, *data: Any) -> None:
        """Add the sums of a batch to the running ones instead of keeping them."""
        self._buffers = [[self._buffers[0][0] + data[0]]]
        self._synced = False

    def _compute_list(self, y_pred: Images, y: Images | None = None, **_: Any) -> list[torch.Tensor]:
        """As for a batch."""
        return self._compute_tensor(y_pred, y)

    def _compute_tensor(self, y_pred: Images, y: Images | None = None, **_: Any) -> list[torch.Tensor]:
        """Sums of the histograms of images by pair.

        Args:
            y_pred: translations, each ``(C, W, H[, D])``.
            y: of each the numbers of its source and target, ``(2,)``.
        """
        sums = np.zeros((len(self.pairs), self.bins))
        for image, numbers in zip(y_pred, [] if y is None else y, strict=True):
            source, target = (int(number) for number in numbers)
            if (source, target) in self.pairs:
                histogram = grey_level_histogram(image, bins=self.bins, value_range=self.value_range)
                sums[self.pairs.index((source, target))] += histogram
        return [torch.from_numpy(sums).flatten()]

    def aggregate(self) -> torch.Tensor:
        """Mean distance over the pairs, as a share of the grey scale, a float64 scalar.

        Raises:
            ValueError: no image of these pairs was given since the last reset.
        """
        (buffer,) = self.get_buffer() if isinstance(self.get_buffer(), list) else [self.get_buffer()]
        sums = buffer.reshape(-1, len(self.pairs), self.bins).sum(dim=0).numpy()
        shown = [place for place, one in enumerate(sums) if one.sum() > 0]
        if not shown:
            raise ValueError("no image of these pairs was given since the last reset, so there is no distance")
        targets = [self.pairs[place][1] for place in shown]
        distances = wasserstein_distance(sums[shown], self.histograms[targets])
        return torch.as_tensor(distances.mean(), dtype=torch.float64)
