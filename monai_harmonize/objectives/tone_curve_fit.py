"""The increasing curve that carries one site's grey levels onto another's, from pooled quantiles."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from monai_harmonize.data.errors import InputError
from monai_harmonize.metrics.bounded_fit import bounded_increasing_fit
from monai_harmonize.metrics.grey_level_histogram import GreyLevelHistogram
from monai_harmonize.networks.site_tone_curve import SiteToneCurve
from monai_harmonize.objectives.site_fit import SiteFit

__all__ = ["ToneCurveFit", "quantiles_of"]

# Every level of a 16-bit file has its own bin.
BINS = 65536
QUANTILES = 2000
# Levels rarer than this, markers and dead pixels, do not set the site's range.
RARE = 1e-4


class ToneCurveFit(SiteFit):
    """Fit a ``SiteToneCurve`` so that the source site's quantiles come as near to the target's as its slopes allow.

    The pool of a site is the mean of its images' histograms, so that it is the site that is carried over and every
    image keeps what sets it apart from its neighbours. The squared distance of the quantile functions, the squared
    2-Wasserstein distance of the curve's result to the target, is minimal among all curves with these knots.

    Args:
        curve: gets the knots.
        grey_range: scale of the images; levels beyond count at its ends.
        before: see ``SiteFit``.
    """

    def __init__(
        self,
        curve: SiteToneCurve,
        grey_range: Sequence[float] = (-1.0, 1.0),
        before: Callable[[Tensor, list[float] | None], Tensor] | None = None,
    ) -> None:
        super().__init__(before)
        self.curve = curve
        self.grey_range = (float(grey_range[0]), float(grey_range[1]))
        self.start()

    def start(self) -> None:
        """Forget all images."""
        self.source = GreyLevelHistogram(BINS, self.grey_range)
        self.target = GreyLevelHistogram(BINS, self.grey_range)

    def add(self, image: Tensor, spacing: list[float] | None, of_target: bool) -> None:  # noqa: ARG002 - a curve has no scale
        """Note the grey levels of one image."""
        (self.target if of_target else self.source).add(image)

    def solve(self) -> None:
        """Set the curve's knots.

        Raises:
            InputError: a site has no images, or all of its pixels have one grey level.
        """
        steps = (np.arange(QUANTILES) + 0.5) / QUANTILES
        levels = {name: self.range_of(name) for name in ("source", "target")}
        (low, high), (target_low, target_high) = levels["source"], levels["target"]
        # Whole bits that one site leaves unused and the other fills are no contrast.
        stretch = 2.0 ** np.trunc(np.log2((target_high - target_low) / (high - low)))
        knots = np.linspace(low, high, len(self.curve.source_levels))
        smallest, largest = self.curve.slope_range
        values = bounded_increasing_fit(
            quantiles_of(self.source, steps),
            quantiles_of(self.target, steps),
            np.ones(QUANTILES),
            knots,
            (smallest * stretch, largest * stretch),
            # Within the scale, so that a writer has nothing to clip but the rarest levels.
            self.grey_range,
        )
        self.curve.set_knots(knots, values, stretch)

    def range_of(self, name: str) -> tuple[float, float]:
        """Lowest and highest grey level of a site, without the rarest."""
        histogram: GreyLevelHistogram = getattr(self, name)
        if histogram.images == 0:
            raise InputError(f"The {name} site has no images; check its name and the split in the manifest.")
        low, high = (float(level) for level in quantiles_of(histogram, np.array([RARE, 1 - RARE])))
        if not high > low:
            raise InputError(f"All images of the {name} site have one grey level, {low:g}; they hold no tone to fit.")
        return low, high


def quantiles_of(histogram: GreyLevelHistogram, steps: NDArray[np.float64]) -> NDArray[np.float64]:
    """Grey level below which a share ``steps`` of the pool lies; the centre of its bin."""
    cumulated = np.cumsum(histogram.density)
    place = np.searchsorted(cumulated, steps * cumulated[-1])
    levels: NDArray[np.float64] = histogram.centres[np.minimum(place, histogram.bins - 1)]
    return levels
