"""One of the traditional methods as an inferer: those that are no network are transforms."""

from __future__ import annotations

from collections.abc import Callable
from os import PathLike
from typing import Any

import torch
from monai.inferers import Inferer
from torch import Tensor

from monai_harmonize.data.errors import InputError
from monai_harmonize.transforms.channelwise import Channelwise, Reference
from monai_harmonize.transforms.equalise_histogram import EqualiseHistogram
from monai_harmonize.transforms.equalise_locally import EqualiseLocally
from monai_harmonize.transforms.match_energy_bands import MatchEnergyBands
from monai_harmonize.transforms.match_mean_and_deviation import MatchMeanAndDeviation
from monai_harmonize.transforms.match_random_image import MatchRandomImage
from monai_harmonize.transforms.percentile_window import PercentileWindow
from monai_harmonize.transforms.standardise_landmarks import StandardiseLandmarks

__all__ = ["MEAN_CDF", "METHODS", "TraditionalInferer"]

# What the network does.
MEAN_CDF = "mean_cdf"
# The one that draws.
RANDOM_IMAGE = "random_image"
TRANSFORMS: dict[str, Callable[[Reference], Channelwise]] = {
    "nyul": StandardiseLandmarks,
    "percentile_window": PercentileWindow,
    "z_score": MatchMeanAndDeviation,
    "clahe": EqualiseLocally,
    "equalization": EqualiseHistogram,
    "energy_bands": MatchEnergyBands,
}
METHODS = (MEAN_CDF, RANDOM_IMAGE, *TRANSFORMS)


class TraditionalInferer(Inferer):
    """Harmonize whole images at native size by the method of a name.

    Args:
        method: one of ``METHODS``; ``"mean_cdf"`` is the network, which needs no file.
        reference: file of the site's reference, for the others.
        seed: of ``"random_image"``.

    Raises:
        InputError: there is no such method, or the file cannot be used.
    """

    def __init__(self, method: str, reference: str | PathLike[str], seed: int = 0) -> None:
        if method not in METHODS:
            raise InputError(f"method is {method!r}; expected one of {', '.join(METHODS)}.")
        self.transform: Channelwise | None = None
        if method == RANDOM_IMAGE:
            self.transform = MatchRandomImage(reference, seed)
        elif method != MEAN_CDF:
            self.transform = TRANSFORMS[method](reference)

    def __call__(self, inputs: Tensor, network: Callable[..., Tensor], *args: Any, **kwargs: Any) -> Tensor:
        """Harmonize ``(B, C, H, W[, D])`` in [-1, 1]; the result is clipped to [-1, 1].

        Args:
            inputs: images.
            network: called for ``"mean_cdf"``.
            args: passed to the network.
            kwargs: passed to the network.
        """
        images = torch.as_tensor(inputs).as_subclass(Tensor)
        if self.transform is None:
            return torch.as_tensor(network(images, *args, **kwargs)).clamp(-1.0, 1.0)
        return torch.stack([torch.as_tensor(self.transform(image)) for image in images]).clamp(-1.0, 1.0)
