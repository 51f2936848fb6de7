"""Grey levels as float32, in which images are computed with."""

from __future__ import annotations

import torch
from monai.data import MetaTensor
from monai.utils import ImageMetaKey
from torch import Tensor

from monai_harmonize.data.errors import InputError

__all__ = ["single_precision"]


def single_precision(image: Tensor) -> Tensor:
    """An image as float32; what is NaN or infinite already stays so.

    Args:
        image: any shape and type of real numbers; metadata stay.

    Raises:
        InputError: a finite value that float32 does not hold, which would become infinite.
    """
    single = image.float()
    if image.dtype == torch.float64 and bool((single.isinf() & image.isfinite()).any()):
        meta = image.meta if isinstance(image, MetaTensor) else {}
        largest = float(image[image.isfinite()].abs().max())
        raise InputError(
            f"{meta.get(ImageMetaKey.FILENAME_OR_OBJ, 'image')}: has values up to {largest:g} in size; expected those "
            f"that float32 holds, up to {torch.finfo(torch.float32).max:.3g}. Clip or rescale the image."
        )
    return single
