"""Patches at one place as in Fig. 9 of Lee et al.: at the lesion where the manifest marks one, else at most change."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray
from scipy.ndimage import label, uniform_filter
from skimage.io import imread
from skimage.transform import resize

from monai_harmonize.evaluation.cases import Item
from monai_harmonize.evaluation.classification.example_figure import (
    example_names,
    grey_window,
    image_grid,
    mark_inversion,
    short_name,
    title_columns,
)
from monai_harmonize.evaluation.classification.pictures import Pictures
from monai_harmonize.evaluation.classification.study_folder import RAW
from monai_harmonize.evaluation.classification.style import Look
from monai_harmonize.evaluation.images import Image, Load, load_item
from monai_harmonize.metrics import monotone_residual
from monai_harmonize.metrics.inversion import radiograph_body
from monai_harmonize.safety.drawing import show_image

__all__ = ["patch_figure", "patch_place"]

# A change below this share of the grey scale is rounding.
ROUNDING = 1e-3
# Centres of patches keep this share of a side away from the border: burnt-in letters stand there.
MARGIN = 0.25
# Side of a patch in parts of the image's shorter side.
PATCH_SHARE = 0.25
LESION, LUNGS = "lesion_mask", "lung_mask"


def patch_place(record: Item, images: dict[str, Image]) -> tuple[slice, slice, str]:
    """Where to look.

    Args:
        record: of the source image; its `lesion_mask` is an image file of the same field, 0 outside. `mask` is taken
            for one beside a `lung_mask`; alone, it is any organ.
        images: raw and every method's, one shape.

    Returns:
        Columns, rows and the reason in words.
    """
    shape = images[RAW].shape
    side = max(8, round(PATCH_SHARE * min(shape)))
    lesion = _lesion(record, shape)
    if lesion is not None:
        pieces, _ = label(lesion)
        largest = pieces == np.bincount(pieces[lesion]).argmax()
        centre = tuple(round(float(places.mean())) for places in np.nonzero(largest))
        reason = "at the lesion"
    else:
        blurred = uniform_filter(_change(images) * radiograph_body(images[RAW]), side)
        edges = [max(side // 2, round(MARGIN * length)) for length in shape]
        inner = blurred[edges[0] : shape[0] - edges[0], edges[1] : shape[1] - edges[1]]
        best = np.unravel_index(inner.argmax(), inner.shape)
        centre = tuple(int(place) + edge for place, edge in zip(best, edges, strict=True))
        reason = "at most change"
    start = [min(max(middle - side // 2, 0), length - side) for middle, length in zip(centre, shape, strict=True)]
    return slice(start[0], start[0] + side), slice(start[1], start[1] + side), reason


def patch_figure(pictures: Pictures, looks: dict[str, Look], *, count: int = 3, load: Load = load_item) -> Figure:
    """The source image with a frame, then the frame's content in the source and in every method.

    Each row has its own grey window, that of its source's patch widened to hold the middle 98 % of every method's.

    Args:
        pictures: of a direction.
        looks: names of the columns.
        count: rows, at most.
        load: reader of a record.
    """
    ranked = example_names(pictures, len(pictures.sources))
    names = [name for name in ranked if _lesion(pictures.sources[name], (8, 8)) is not None][::-1]
    names = list(dict.fromkeys([*names[:count], *example_names(pictures, count)]))[:count]
    columns = [RAW, *pictures.harmonized]
    low, high = grey_window(pictures)
    rows = [{column: pictures.load(column, name, load) for column in columns} for name in names]
    figure, grid = image_grid([np.zeros((2, 2), np.float32)] * len(names), len(columns) + 1)
    kinds = pictures.per_image.set_index(["method", "image"])["inversion"]
    for axes_row, name, images in zip(grid, names, rows, strict=True):
        across, down, reason = patch_place(pictures.sources[name], images)
        patches = {column: image[across, down] for column, image in images.items()}
        ends = np.array([np.quantile(patch, [0.01, 0.99]) for patch in patches.values()])
        darkest, brightest = float(ends[:, 0].min()), float(max(ends[:, 1].max(), ends[:, 0].min() + 1e-3))
        show_image(axes_row[0], images[RAW], "gray", low, high)
        size = across.stop - across.start
        axes_row[0].add_patch(Rectangle((across.start, down.start), size, size, fill=False, ec="#F0E442", lw=2))
        axes_row[0].set_ylabel(f"{short_name(name)}\n{reason}", fontsize=8)
        for axes, column in zip(axes_row[1:], columns, strict=True):
            show_image(axes, patches[column], "gray", darkest, brightest)
            if column != RAW:
                mark_inversion(axes, kinds[column, name], "IMAGE ")
    title_columns(grid[0], ["Where", *(looks[column].label for column in columns)])
    return figure


def _change(images: dict[str, Image]) -> NDArray[np.float64]:
    """What tone curves do not explain, squared; every method has one vote, however strong it is.

    Where all methods are tone curves, the change itself.
    """
    raw, others = images[RAW], [image for name, image in images.items() if name != RAW]
    for changes in ([monotone_residual(image, raw) for image in others], [image - raw for image in others]):
        squares = [np.square(change, dtype=np.float64) for change in changes]
        if any(square.mean() > ROUNDING**2 for square in squares):
            return np.asarray(sum(square / max(float(square.mean()), ROUNDING**2) for square in squares))
    return np.zeros(raw.shape)


def _lesion(record: Item, shape: tuple[int, ...]) -> NDArray[np.bool_] | None:
    """The lesion's pixels as `(columns, rows)`; None without a file or with an empty one."""
    path = record.get(LESION) or (record.get("mask") if LUNGS in record else None)
    if not isinstance(path, str) or not Path(path).is_file():
        return None
    mask = np.asarray(imread(path))
    mask = mask.max(axis=-1) if mask.ndim == 3 else mask
    marked: NDArray[np.bool_] = resize((mask > 0).astype(np.float32).T, shape, order=0) > 0.5
    return marked if marked.any() else None
