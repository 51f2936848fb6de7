"""Whether the source site's images are inverted, by vote."""

from __future__ import annotations

import logging

import torch
from torch import Tensor

from monai_harmonize.data.errors import InputError
from monai_harmonize.metrics.polarity import polarity_correlation, rank_thumbnail
from monai_harmonize.networks.site_harmonizer import SiteHarmonizer
from monai_harmonize.objectives.site_fit import SiteFit

__all__ = ["PolarityFit"]

logger = logging.getLogger(__name__)

CHOICES = ("refuse", "turn", "keep")


class PolarityFit(SiteFit):
    """Compare each source image with the target site's mean thumbnail by rank and let the majority decide.

    No increasing curve can undo an inversion and no distance of histograms shows one, so this comes first. The
    target site is taken to be right.

    Args:
        harmonizer: gets the polarity and the target site's thumbnail.
        inverted: ``"refuse"`` raises for an inverted source site, ``"turn"`` turns all of its images,
            ``"keep"`` only reports.

    Raises:
        InputError: another choice.
    """

    def __init__(self, harmonizer: SiteHarmonizer, inverted: str = "refuse") -> None:
        super().__init__()
        if inverted not in CHOICES:
            raise InputError(f"inverted is {inverted!r}; expected one of {CHOICES}.")
        self.harmonizer = harmonizer
        self.inverted = inverted
        self.start()

    def start(self) -> None:
        """Forget all images."""
        self.thumbnails: dict[bool, list[Tensor]] = {False: [], True: []}

    def add(self, image: Tensor, spacing: list[float] | None, of_target: bool) -> None:  # noqa: ARG002
        """Note one image's thumbnail."""
        self.thumbnails[of_target].append(rank_thumbnail(image))

    def solve(self) -> None:
        """Set polarity and template.

        Raises:
            InputError: a site has no images, or most source images are inverted and that is to be refused.
        """
        for of_target, name in ((False, "source"), (True, "target")):
            if not self.thumbnails[of_target]:
                raise InputError(f"The {name} site has no images; check its name and the split in the manifest.")
        template = torch.stack(self.thumbnails[True]).mean(dim=0)
        votes = [polarity_correlation(thumbnail, template) < 0 for thumbnail in self.thumbnails[False]]
        told = f"{sum(votes)} of {len(votes)} source images are inverted against the target site"
        most = 2 * sum(votes) > len(votes)
        if most and self.inverted == "refuse":
            raise InputError(
                f"{told}. Correct their polarity in the manifest (column polarity: inverted), or turn the whole "
                "site with --inverted turn."
            )
        turn = most and self.inverted == "turn"
        (logger.warning if any(votes) else logger.info)("%s%s.", told, "; all are turned" if turn else "")
        self.harmonizer.polarity.fill_(-1.0 if turn else 1.0)
        self.harmonizer.template.copy_(template)
