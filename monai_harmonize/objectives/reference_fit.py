"""What the traditional methods learn of a site: one pass over its images, no source image needed."""

from __future__ import annotations

import torch
from torch import Tensor

from monai_harmonize.data.errors import InputError
from monai_harmonize.metrics.site_reference import ReferenceStatistics, SiteReference
from monai_harmonize.networks.histogram_matching import HistogramMatching
from monai_harmonize.objectives.site_fit import SiteFit

__all__ = ["ReferenceFit"]


class ReferenceFit(SiteFit):
    """Fit the reference of the target site, and the network of its mean cumulative histogram.

    Args:
        network: gets the site's levels.
        templates: how many images are kept as templates of the random-image method.
        seed: of their choice.

    Attributes:
        reference: the site's, once solved.
    """

    def __init__(self, network: HistogramMatching, templates: int = 32, seed: int = 0) -> None:
        super().__init__()
        self.network = network
        self.templates = templates
        self.seed = seed
        self.reference: SiteReference | None = None
        self.start()

    def start(self) -> None:
        """Forget all images."""
        self.statistics = ReferenceStatistics()

    def add(self, image: Tensor, spacing: list[float] | None, of_target: bool) -> None:  # noqa: ARG002 - levels have no scale
        """Note an image of the target site; others say nothing."""
        if of_target:
            for one in image:
                self.statistics.add(one.cpu().numpy())

    def solve(self) -> None:
        """Set reference and network.

        Raises:
            InputError: the target site has no image with tone, or more than one channel, or the network other steps.
        """
        reference = self.statistics.reference(self.templates, self.seed)
        levels = torch.tensor(reference.channels[0].mean_cdf)
        if len(reference.channels) > 1 or levels.shape != self.network.target_levels.shape:
            raise InputError(
                f"{len(reference.channels)} channels and {len(levels)} levels; expected one channel and "
                f"{len(self.network.target_levels)} levels."
            )
        self.network.target_levels.copy_(levels)
        self.reference = reference
