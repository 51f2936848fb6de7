"""Kernel distance of two sets of features, KID where they are an Inception network's.

Source: Binkowski et al. 2018, "Demystifying MMD GANs" (arXiv 1801.01401): the squared maximum mean discrepancy under
the kernel ``(x . y / K + 1)^3``. **Lower is better.** The estimate is unbiased for any number of images, unlike the
Frechet distance's: for sets of one distribution its mean is 0, so that it may be negative.

Subsets, as its authors report it: mean and deviation over random subsets of equal size. The deviation is the spread of
single subsets, not the uncertainty of the mean; where a subset is the whole set it is 0. MONAI's ``MMDMetric`` has the
linear kernel only, which compares nothing but means.
"""

from __future__ import annotations

import torch
from torch import Tensor

from monai_harmonize.data.errors import InputError
from monai_harmonize.metrics.feature_sets import as_shares, checked_sets

__all__ = ["kernel_distance", "kernel_distances_of_subsets", "kernel_matrices", "mean_discrepancy"]


def kernel_distance(
    features: Tensor, reference: Tensor, weights: Tensor | None = None, reference_weights: Tensor | None = None
) -> Tensor:
    """Unbiased squared discrepancy of two whole sets.

    Args:
        features: of the samples, ``(N, K)``, N at least 2.
        reference: of the real images, ``(M, K)``, M at least 2.
        weights: how often each sample counts, ``(N,)``, any scale; pairs of an image with itself never do.
        reference_weights: the same of the real images.

    Returns:
        A scalar, float64.

    Raises:
        InputError: see ``checked_sets`` and ``as_shares``.
    """
    first, second = checked_sets(features, reference)
    shares = as_shares(weights, first), as_shares(reference_weights, second)
    return mean_discrepancy(kernel_matrices(first, second), *shares)


def kernel_distances_of_subsets(
    features: Tensor, reference: Tensor, subset_size: int = 100, subsets: int = 100, seed: int = 0
) -> Tensor:
    """Unbiased squared discrepancies of random subsets, drawn without replacement.

    Args:
        features: of the samples, ``(N, K)``.
        reference: of the real images, ``(M, K)``.
        subset_size: images of either set, 2 to the smaller set's number.
        subsets: how many, at least 1.
        seed: of the draws.

    Returns:
        ``(subsets,)``, float64; their mean and deviation are what is reported.

    Raises:
        InputError: see ``checked_sets``, or numbers outside the above.
    """
    first, second = checked_sets(features, reference)
    if not 2 <= subset_size <= min(len(first), len(second)) or subsets < 1:
        raise InputError(
            f"subset_size is {subset_size}, subsets {subsets}; expected 2 to {min(len(first), len(second))} images of "
            "both sets, and 1 subset or more."
        )
    rng = torch.Generator().manual_seed(seed)
    found = []
    for _ in range(subsets):
        chosen = [
            each[torch.randperm(len(each), generator=rng)[:subset_size].to(each.device)] for each in (first, second)
        ]
        found.append(kernel_distance(*chosen))
    return torch.stack(found)


def kernel_matrices(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Kernel among the first ``(N, N)``, among the second ``(M, M)`` and between them ``(N, M)``."""
    between = ((x @ y.T / x.shape[1] + 1) ** 3 for x, y in ((first, first), (second, second), (first, second)))
    among_first, among_second, across = between
    return among_first, among_second, across


def mean_discrepancy(kernels: tuple[Tensor, Tensor, Tensor], shares: Tensor, reference_shares: Tensor) -> Tensor:
    """Discrepancy of weighted sets, without the pairs of an image with itself.

    Args:
        kernels: see ``kernel_matrices``.
        shares: of the first, ``(N,)``, sum 1.
        reference_shares: of the second, ``(M,)``, sum 1.
    """
    among = []
    for kernel, weights in zip(kernels[:2], (shares, reference_shares), strict=True):
        alone = weights.square()
        among.append((weights @ kernel @ weights - alone @ kernel.diagonal()) / (1 - alone.sum()))
    return among[0] + among[1] - 2 * (shares @ kernels[2] @ reference_shares)
