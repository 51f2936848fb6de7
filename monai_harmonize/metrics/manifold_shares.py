"""Fidelity and variety of samples apart from each other: precision and recall, density and coverage.

Sources: Kynkaanniemi et al. 2019, "Improved precision and recall metric for assessing generative models" (arXiv
1904.06991); Naeem et al. 2020, "Reliable fidelity and diversity metrics for generative models"
(arXiv 2002.09797). A set's manifold is the union of balls around its images that reach to their k-th nearest
neighbours.

====================  ====================================================================  ==================
precision             share of samples in the manifold of the real images: are they real?  higher is better
recall                share of real images in the manifold of the samples: all kinds?      higher is better
density               real balls around a sample, over k: an outlier's wide ball weighs    higher is better,
                      little                                                                1 for equal sets
coverage              share of real images whose ball holds a sample                       higher is better
====================  ====================================================================  ==================

A generator that shows a few kinds of images well has a high precision and a low recall: mode collapse, which FID and
KID mix with poor images. A few outliers among the samples widen their manifold and raise recall, not coverage.
All depend on the numbers of images, so compare with the values of held-out real images in the same numbers.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from monai_harmonize.data.errors import InputError
from monai_harmonize.metrics.feature_sets import checked_sets, distances

__all__ = ["ManifoldShares", "manifold_shares"]


@dataclass(frozen=True)
class ManifoldShares:
    """Values of single images; each measure is their mean.

    Args:
        precision: of every sample 0 or 1, ``(N,)``.
        recall: of every real image 0 or 1, ``(M,)``.
        density: of every sample, ``(N,)``, at least 0.
        coverage: of every real image 0 or 1, ``(M,)``.
    """

    precision: Tensor
    recall: Tensor
    density: Tensor
    coverage: Tensor


def manifold_shares(features: Tensor, reference: Tensor, neighbours: int = 3) -> ManifoldShares:
    """Precision, recall, density and coverage of samples against real images.

    Args:
        features: of the samples, ``(N, K)``.
        reference: of the real images, ``(M, K)``.
        neighbours: k, at least 1 and below the number of images of both sets; Kynkaanniemi et al. take 3, Naeem et
            al. 5.

    Returns:
        float64.

    Raises:
        InputError: see ``checked_sets``, or k outside the above.
    """
    first, second = checked_sets(features, reference)
    if not 1 <= neighbours < min(len(first), len(second)):
        raise InputError(
            f"neighbours is {neighbours}; expected 1 to {min(len(first), len(second)) - 1}, less than there are images."
        )
    between = distances(first, second)
    own_reach, real_reach = (radii(each, neighbours) for each in (first, second))
    in_real = between <= real_reach
    return ManifoldShares(
        precision=in_real.any(dim=1).double(),
        recall=(between <= own_reach[:, None]).any(dim=0).double(),
        density=in_real.sum(dim=1).double() / neighbours,
        coverage=in_real.any(dim=0).double(),
    )


def radii(features: Tensor, neighbours: int) -> Tensor:
    """Distance of every vector to its k-th nearest other one, ``(N,)``."""
    among = distances(features, features).fill_diagonal_(float("inf"))
    return torch.kthvalue(among, neighbours, dim=1).values
