"""The images of a case on one common grey scale, [0, 1] from their files' nominal ranges."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monai_harmonize.data.errors import InputError
from monai_harmonize.evaluation.cases import Case, Item
from monai_harmonize.metrics.structure import SSIM_WINDOW
from monai_harmonize.transforms.load_radiograph import LoadRadiographd
from monai_harmonize.transforms.match_histogram import MatchHistogram

__all__ = ["HARMONIZED", "MATCHED", "RAW", "TRUTH", "Load", "load_case", "load_item", "load_unit_image"]

RAW, HARMONIZED, MATCHED, TRUTH = "raw", "harmonized", "histogram_matched", "truth"

Image = NDArray[np.float32]
# Takes a record, returns a channel-first image (1, W, H) with `meta["grey_range"]`.
Load = Callable[[Item], Any]


def load_item(item: Item) -> Any:
    """Image of a manifest record, `(1, W, H)`, polarity as the record says, see `LoadRadiographd`."""
    record: dict[Hashable, Any] = dict(item.items())
    return LoadRadiographd(keys="image")(record)["image"]


def load_unit_image(item: Item, load: Load = load_item) -> Image:
    """Image of a record on the common scale.

    Args:
        item: manifest record.
        load: reader.

    Returns:
        Shape `(W, H)`, the nominal grey range of the file mapped to [0, 1] and clipped there.

    Raises:
        InputError: not one channel of a 2D image, smaller than the window of SSIM, NaN, infinity or constant;
            the message names the file.
    """
    path = item["image"]
    loaded = load(item)
    low, high = loaded.meta["grey_range"]
    image = np.asarray(loaded, dtype=np.float32)
    if image.ndim != 3 or image.shape[0] != 1:
        raise InputError(f"{path}: expected one channel of a 2D image, shape (1, W, H), got {image.shape}")
    if min(image.shape[1:]) < SSIM_WINDOW:
        raise InputError(
            f"{path}: {image.shape[1]} x {image.shape[2]} pixels, smaller than {SSIM_WINDOW} x {SSIM_WINDOW}"
        )
    if not np.isfinite(image).all():
        raise InputError(f"{path}: {int((~np.isfinite(image)).sum())} pixels are NaN or infinite")
    if np.ptp(image) == 0:
        raise InputError(f"{path}: every pixel is {image.flat[0]:g}; a constant image shows nothing to compare")
    unit: Image = np.clip((image[0] - low) / (high - low), 0, 1).astype(np.float32)
    return unit


def load_case(case: Case, load: Load = load_item) -> dict[str, Image]:
    """All images of a case by method: raw, harmonized, histogram_matched and, where it exists, truth.

    `histogram_matched` is the traditional method of Lee et al. (HCIS 2020): the raw image's cumulative
    histogram carried onto that of one random image of the target site.

    Raises:
        InputError: as `load_unit_image`, or an image differs from the raw one in size.
    """
    raw = load_unit_image(case.source, load)
    images = {RAW: raw, HARMONIZED: load_unit_image(case.harmonized, load)}
    images[MATCHED] = MatchHistogram(load_unit_image(case.template, load)[None])(raw[None])[0]
    if case.truth is not None:
        images[TRUTH] = load_unit_image(case.truth, load)
    for item, method in ((case.harmonized, HARMONIZED), (case.truth, TRUTH)):
        if item is not None and images[method].shape != raw.shape:
            raise InputError(
                f"{item['image']}: {images[method].shape} pixels (columns, rows), but its source "
                f"{case.source['image']} has {raw.shape}"
            )
    return images
