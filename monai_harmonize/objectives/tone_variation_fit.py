"""Whether one map for the whole site is enough, from how much its images still differ in tone under it."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from torch import Tensor

from monai_harmonize.metrics.tone_variation import ToneVariance, shrinkage_factor
from monai_harmonize.networks.site_harmonizer import SiteHarmonizer
from monai_harmonize.objectives.site_fit import SiteFit

__all__ = ["FEWEST_IMAGES", "PER_IMAGE_SWITCH", "ToneVariationFit"]

logger = logging.getLogger(__name__)

# A variance from fewer images says little.
FEWEST_IMAGES = 10
# Of ten simulated shifts of one site (docs/site_shifts.md) the one with a tone of its own for every image reaches 0.49,
# the nine others 0.00; of real pairs of sites one for which a single curve is enough reaches 0.38.
PER_IMAGE_SWITCH = 0.45


class ToneVariationFit(SiteFit):
    """Last part of a site's fit: measures and reports, changes no image.

    Args:
        harmonizer: gets ``tone_variation``; its other parts must be fitted.
        grey_range: scale of the images; levels beyond count at its ends.
    """

    def __init__(self, harmonizer: SiteHarmonizer, grey_range: Sequence[float] = (-1.0, 1.0)) -> None:
        super().__init__(before=lambda image, spacing: harmonizer(harmonizer.turned(image), spacing))
        self.harmonizer = harmonizer
        self.grey_range = (float(grey_range[0]), float(grey_range[1]))
        self.start()

    def start(self) -> None:
        """Forget all images."""
        self.source = ToneVariance(self.grey_range)
        self.target = ToneVariance(self.grey_range)

    def add(self, image: Tensor, spacing: list[float] | None, of_target: bool) -> None:  # noqa: ARG002 - tone has no scale
        """Note the tone of one image."""
        (self.target if of_target else self.source).add(image)

    def solve(self) -> None:
        """Set the harmonizer's ``tone_variation`` and say what it means."""
        fewest = min(self.source.images, self.target.images)
        found = shrinkage_factor(self.source.variance, self.target.variance) if fewest >= FEWEST_IMAGES else 0.0
        self.harmonizer.tone_variation.fill_(found)
        if fewest < FEWEST_IMAGES:
            logger.info("Variation of tone within the site not judged: %d images, %d needed.", fewest, FEWEST_IMAGES)
        elif found >= PER_IMAGE_SWITCH:
            logger.warning(
                "Images of this site differ in tone by themselves: %.0f %% of their variation is not that of the "
                "target's images, and no map for the whole site undoes it. A per-image network may help; measure.",
                100 * found,
            )
        else:
            logger.info(
                "One map for the whole site is enough: %.0f %% of what its images differ in tone is its own.",
                100 * found,
            )
