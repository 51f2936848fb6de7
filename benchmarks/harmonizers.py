"""What is compared: each method, fitted or not, is a function of images ``(N, 1, H, W)`` in [-1, 1]."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from monai_harmonize.metrics import SiteReference
from monai_harmonize.networks import SiteHarmonizer
from monai_harmonize.objectives import fit_site
from monai_harmonize.transforms import MatchHistogram, MatchMeanAndDeviation, PercentileWindow

Harmonize = Callable[[Tensor], Tensor]


def unchanged(images: Tensor) -> Tensor:
    """No harmonization."""
    return images


def percentile_window(images: Tensor) -> Tensor:
    """Each image's grey levels from its 1st to its 99th percentile over the whole range."""
    return each(PercentileWindow((-1.0, 1.0)), images)


def z_score(target: Tensor) -> Harmonize:
    """Each image to the mean and the standard deviation that target images have on average."""
    transform = MatchMeanAndDeviation(SiteReference.fit(target))
    return lambda images: each(transform, images)


def histogram_matching(target: Tensor, seed: int = 0) -> Harmonize:
    """Each image to the histogram of a target image drawn at random, as is often done."""

    def harmonize(images: Tensor) -> Tensor:
        drawn = np.random.default_rng(seed).integers(len(target), size=len(images))
        return torch.stack([MatchHistogram(target[row])(image) for image, row in zip(images, drawn, strict=True)])

    return harmonize


def each(transform: Callable[[Tensor], Tensor], images: Tensor) -> Tensor:
    """A transform of one image, for all."""
    return torch.stack([transform(image) for image in images])


def fitted_site_harmonizer(source: Tensor, target: Tensor, spectral_filter: bool) -> SiteHarmonizer:
    """Curve, or curve and filter, from unlabelled images of both sites."""
    harmonizer = SiteHarmonizer(spectral_filter=spectral_filter)
    fit_site(harmonizer, *([image[None] for image in images] for images in (source, target)))
    return harmonizer.eval()


def applied(network: nn.Module) -> Harmonize:
    """A network as a function, 32 images at a time."""

    @torch.inference_mode()
    def harmonize(images: Tensor) -> Tensor:
        return torch.cat([network(part) for part in images.split(32)])

    return harmonize
