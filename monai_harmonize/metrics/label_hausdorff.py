"""Hausdorff distance in mm of each label of label maps with many labels of which an image shows some.

The same numbers as MONAI's ``compute_hausdorff_distance`` gives for one label at a time. That one wants a channel per
label and erodes the volume once per label and map; here the surfaces of all labels come from one pass over each map.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from monai.data import MetaTensor
from monai.metrics import CumulativeIterationMetric
from numpy.typing import NDArray
from scipy.ndimage import find_objects
from scipy.spatial import KDTree
from torch import Tensor

from monai_harmonize.data.errors import InputError
from monai_harmonize.data.spacing import SPACING_KNOWN, pixel_spacing_of
from monai_harmonize.metrics.confusion import label_map, mean_over_images

__all__ = ["LabelHausdorffMetric", "label_hausdorff"]

Points = dict[int, NDArray[np.float64]]


def label_hausdorff(
    prediction: NDArray[Any],
    truth: NDArray[Any],
    num_classes: int,
    spacing: Sequence[float],
    *,
    percentile: float = 95.0,
    absent: float = math.inf,
) -> NDArray[np.float64]:
    """Distance between the surfaces of prediction and truth, of each label but the background.

    A percentile of the distances of the predicted surface's pixels to the true surface, or the other way round,
    whichever is larger. Pixels of a surface have a neighbour (4 in images, 6 in volumes) without the label, or lie on
    the border of the image; distances are between centres of pixels.

    Args:
        prediction: labels 0 to ``num_classes - 1``, any type, 2D or 3D.
        truth: same shape.
        num_classes: number of labels, background (0) included.
        spacing: mm per pixel along each axis.
        percentile: 95 for the usual robust distance, 100 for the largest.
        absent: what a label gets that only one of the two has. Infinity by default, so that a missed vertebra cannot
            hide in a mean; a length in mm, for example the diagonal of the image, as some challenges do; NaN leaves it
            out, which rewards a network that misses difficult labels.

    Returns:
        ``(num_classes - 1,)`` in mm, from label 1 on; NaN where neither has the label.

    Raises:
        InputError: shapes differ, a value is no label, or spacing or percentile is none.
    """
    if prediction.shape != truth.shape or len(spacing) != truth.ndim:
        raise InputError(
            f"prediction of shape {prediction.shape} for labels of shape {truth.shape} with {len(spacing)} lengths of "
            "spacing; expected the same shape and one length per axis."
        )
    if not all(0 < length < math.inf for length in spacing) or not 0 < percentile <= 100:
        raise InputError(
            f"spacing is {list(spacing)}, percentile {percentile:g}; expected > 0 mm and 0 < percentile <= 100."
        )
    first, second = (surface_points(labels, num_classes, spacing) for labels in (prediction, truth))
    distances = np.full(num_classes - 1, np.nan)
    for label in first.keys() | second.keys():
        if label not in first or label not in second:
            distances[label - 1] = absent
            continue
        pair = first[label], second[label]
        ways = (KDTree(to, leafsize=32).query(of)[0] for of, to in (pair, pair[::-1]))
        distances[label - 1] = max(float(np.percentile(way, percentile)) for way in ways)
    return distances


def surface_points(labels: NDArray[Any], num_classes: int, spacing: Sequence[float]) -> Points:
    """Places in mm of the surface pixels of each label that occurs, background left out; ``(P, axes)`` per label.

    Args:
        labels: labels 0 to ``num_classes - 1``, 2D or 3D.
        num_classes: number of labels.
        spacing: mm per pixel along each axis.

    Raises:
        InputError: a value is no label.
    """
    lowest, highest = labels.min(initial=0), labels.max(initial=0)
    if not (lowest >= 0 and highest < num_classes):
        raise InputError(f"labels lie in {lowest:g} to {highest:g}; expected 0 to {num_classes - 1}.")
    whole: NDArray[Any] = labels.astype(np.uint8 if num_classes <= 256 else np.int32)
    if not np.array_equal(whole, labels):
        raise InputError("a label is no whole number; labels are resampled with mode 'nearest'.")
    boxes = [box for box in find_objects(whole) if box is not None]
    if not boxes:
        return {}
    # The smallest box around all labels: beyond its faces lies background, or nothing.
    box = tuple(slice(min(s.start for s in axis), max(s.stop for s in axis)) for axis in zip(*boxes, strict=True))
    whole = whole[box]
    edges = np.zeros(whole.shape, dtype=np.bool_)
    for axis in range(whole.ndim):
        along, on_edge = np.moveaxis(whole, axis, 0), np.moveaxis(edges, axis, 0)
        changes = along[1:] != along[:-1]
        on_edge[1:] |= changes
        on_edge[:-1] |= changes
        on_edge[[0, -1]] = True
    edges &= whole > 0
    places, values = np.argwhere(edges), whole[edges]
    origin = [side.start for side in box]
    return {int(label): (places[values == label] + origin) * np.asarray(spacing) for label in np.unique(values)}


class LabelHausdorffMetric(CumulativeIterationMetric):
    """``label_hausdorff`` of each label and its mean; lower is better.

    For MONAI evaluators through ``monai.handlers.IgniteMetricHandler``. Called with tensors ``(B, 1, H, W[, D])`` of
    labels or ``(B, num_classes, H, W[, D])`` with a channel per label, or lists of them without ``B``; a call returns
    the distances ``(B, num_classes - 1)``, float32, and ``get_buffer`` those of all images.

    Args:
        num_classes: number of labels, background included; images need not show all of them.
        percentile: as for ``label_hausdorff``.
        absent: as for ``label_hausdorff``; infinity makes the mean infinite as soon as one label is missed.
        spacing: mm per pixel along each axis of every image; by default that of the labels, or of the prediction where
            the labels are plain tensors. 1 for each axis gives pixels.

    Raises:
        InputError: on a call, besides those of ``label_hausdorff``: the spacing is not known.
    """

    def __init__(
        self,
        num_classes: int,
        percentile: float = 95.0,
        absent: float = math.inf,
        spacing: Sequence[float] | None = None,
    ) -> None:
        self.num_classes = num_classes
        self.percentile = percentile
        self.absent = absent
        self.spacing = spacing
        super().__init__()

    def _compute_tensor(self, y_pred: Tensor, y: Tensor) -> Tensor:
        rows = [self._of_image(given, true) for given, true in zip(y_pred, y, strict=True)]
        return torch.as_tensor(np.stack(rows), dtype=torch.float32, device=y_pred.device)

    def _of_image(self, prediction: Tensor, truth: Tensor) -> NDArray[np.float64]:
        given, true = (label_map(labels, self.num_classes).cpu().numpy() for labels in (prediction, truth))
        spacing = self.spacing or spacing_of(truth) or spacing_of(prediction)
        if spacing is None:
            raise InputError(
                "the labels have no known pixel spacing, and a distance in mm needs one; give spacing to the metric, "
                "1 for each axis for a distance in pixels."
            )
        return label_hausdorff(given, true, self.num_classes, spacing, percentile=self.percentile, absent=self.absent)

    def aggregate(self) -> Tensor:
        """Mean over the labels of an image that count, then over images, as a scalar; NaN where none counts.

        Raises:
            ValueError: no image was given since the last reset.
        """
        distances = self.get_buffer()
        if distances is None:
            raise ValueError("no image was given since the last reset, so there is no distance")
        return mean_over_images(distances)


def spacing_of(labels: Tensor) -> list[float] | None:
    """Millimetres per pixel of ``(C, H, W[, D])``; readers of other packages say nothing of whether it is known."""
    if isinstance(labels, MetaTensor) and SPACING_KNOWN not in labels.meta:
        labels = MetaTensor(labels, meta={**labels.meta, SPACING_KNOWN: True})
    return pixel_spacing_of(labels)
