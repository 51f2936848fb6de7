"""Two sets of feature vectors that a measure compares: checked, in double precision, with weights for resampling."""

from __future__ import annotations

import torch
from torch import Tensor

from monai_harmonize.data.errors import InputError

__all__ = ["as_shares", "checked_sets", "distances"]


def checked_sets(features: Tensor, reference: Tensor, least: int = 2) -> tuple[Tensor, Tensor]:
    """Both sets in double precision, without gradients.

    Args:
        features: of the samples, ``(N, K)``.
        reference: of the real images, ``(M, K)``.
        least: images that each set needs.

    Raises:
        InputError: shapes do not fit, a set is too small, or a value is NaN or infinite.
    """
    sets = [values.detach().as_subclass(Tensor).double() for values in (features, reference)]
    if any(values.ndim != 2 for values in sets) or sets[0].shape[1] != sets[1].shape[1] or not sets[0].shape[1]:
        raise InputError(
            f"features have shapes {tuple(features.shape)} and {tuple(reference.shape)}; expected (images, features), "
            "of both sets by the same extractor."
        )
    for values, name in zip(sets, ("samples", "real images"), strict=True):
        if len(values) < least:
            raise InputError(f"there are {len(values)} {name}; the measure needs {least} at least.")
        if not values.isfinite().all():
            raise InputError(f"a feature of the {name} is NaN or infinite.")
    return sets[0], sets[1].to(sets[0].device)


def as_shares(weights: Tensor | None, features: Tensor) -> Tensor:
    """Weights of the images of a set, ``(N,)``, sum 1; all alike by default.

    Raises:
        InputError: another number of weights, a negative one, or all 0.
    """
    if weights is None:
        return features.new_full((len(features),), 1 / max(len(features), 1))
    shares = torch.as_tensor(weights).to(features)
    if shares.shape != (len(features),) or not (shares >= 0).all() or not 0 < shares.sum() < float("inf"):
        raise InputError(
            f"weights of shape {tuple(shares.shape)} for {len(features)} images; expected one number of 0 or more per "
            "image, not all 0."
        )
    return shares / shares.sum()


def distances(features: Tensor, reference: Tensor) -> Tensor:
    """Euclidean distance of every sample to every reference, ``(N, M)``, exactly 0 for equal vectors."""
    return torch.cdist(features, reference, compute_mode="donot_use_mm_for_euclid_dist")
