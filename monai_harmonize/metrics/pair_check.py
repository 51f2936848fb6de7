"""What two grey images must be for a measure to compare them."""

from __future__ import annotations

from torch import Tensor

from monai_harmonize.data.errors import InputError

__all__ = ["check_levels", "check_pair"]

# Rounding of images that were clipped to [-1, 1].
TOLERANCE = 1e-3


def check_pair(image: Tensor, reference: Tensor) -> None:
    """Refuse what are no pairs of grey images ``(B, 1, W, H[, D])`` in [-1, 1].

    Raises:
        InputError: shapes differ or do not fit, or a grey level is not in [-1, 1].
    """
    if image.shape != reference.shape or image.ndim not in {4, 5} or image.shape[1] != 1:
        raise InputError(
            f"images are {tuple(image.shape)} and {tuple(reference.shape)}; expected the same, (B, 1, W, H[, D])."
        )
    check_levels(image)
    check_levels(reference)


def check_levels(image: Tensor) -> None:
    """Raise ``InputError`` where a grey level is NaN or lies outside [-1, 1]."""
    # Written so that NaN is refused, too.
    if not (image.min() >= -1 - TOLERANCE and image.max() <= 1 + TOLERANCE):
        raise InputError(
            f"grey levels lie in {float(image.min()):g} to {float(image.max()):g}; expected [-1, 1]: scale and clip "
            "first."
        )
