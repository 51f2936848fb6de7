"""Frechet distance of two sets of features, FID where they are an Inception network's.

Source: Heusel et al. 2017, "GANs trained by a two time-scale update rule" (arXiv 1706.08500):

    |m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2))

of means and covariances. **Lower is better; 0 for equal sets.** It is biased: fewer images give a higher value, so only
values of equal numbers compare, and a difference to a published one means nothing. Not even the extractor's input
scaling may differ.

MONAI's ``get_fid_score`` takes the square root of the K x K product, which is singular below K images: there it gets
values below 0, prints a notice or stops, and takes long. The trace is the sum of singular values of the centred
features' product, which is exact for any number of images.
"""

from __future__ import annotations

import torch
from torch import Tensor

from monai_harmonize.metrics.feature_sets import as_shares, checked_sets

__all__ = ["frechet_distance"]


def frechet_distance(
    features: Tensor, reference: Tensor, weights: Tensor | None = None, reference_weights: Tensor | None = None
) -> Tensor:
    """Distance of the normal distributions with the means and covariances of two sets.

    Args:
        features: of the samples, ``(N, K)``, N at least 2.
        reference: of the real images, ``(M, K)``, M at least 2.
        weights: how often each sample counts, ``(N,)``, any scale; once by default.
        reference_weights: the same of the real images.

    Returns:
        A scalar, float64, at least 0, in squared units of the features.

    Raises:
        InputError: see ``checked_sets`` and ``as_shares``.
    """
    first, second = checked_sets(features, reference)
    means, factors = zip(_moments(first, weights), _moments(second, reference_weights), strict=True)
    shared = torch.linalg.svdvals(factors[0] @ factors[1].T).sum()
    spread = factors[0].square().sum() + factors[1].square().sum() - 2 * shared
    return torch.as_tensor((means[0] - means[1]).square().sum() + spread.clamp_min(0))


def _moments(features: Tensor, weights: Tensor | None) -> tuple[Tensor, Tensor]:
    """Mean ``(K,)`` and a factor F, ``(min(N, K), K)``, of the unbiased covariance F^T F."""
    shares = as_shares(weights, features)
    mean = shares @ features
    factor = (shares * len(features) / (len(features) - 1)).sqrt()[:, None] * (features - mean)
    return mean, factor if len(factor) <= factor.shape[1] else torch.linalg.qr(factor, mode="r").R
