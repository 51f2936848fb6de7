"""Which of several labelled objects a mask without numbers means: in each voxel the nearest one."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any, ClassVar

import numpy as np
import torch
from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.transforms import MapTransform
from monai.utils import TransformBackends
from numpy.typing import NDArray
from scipy.spatial import KDTree
from torch import Tensor

from monai_harmonize.data.spacing import pixel_spacing_of
from monai_harmonize.metrics.label_hausdorff import surface_points

__all__ = ["NumberByNearestD", "NumberByNearestDict", "NumberByNearestd", "number_by_nearest"]


def number_by_nearest(mask: NDArray[np.bool_], labels: NDArray[Any], spacing: tuple[float, ...]) -> NDArray[np.float32]:
    """Give every voxel of a mask the label that the truth has there, or else the nearest one.

    So a mask of the whole spine is scored vertebra by vertebra: what it misses of a vertebra and what it invents
    around it count there and nowhere else.

    Args:
        mask: ``(W, H[, D])``.
        labels: same shape, whole numbers, 0 for background.
        spacing: mm per voxel along each axis.

    Returns:
        ``(W, H[, D])``; 0 outside the mask, and everywhere where the truth has no label.

    Raises:
        InputError: a label is no whole number.
    """
    numbered = np.where(mask, labels, 0).astype(np.float32)
    points = surface_points(labels, int(labels.max(initial=0)) + 1, spacing)
    invented = mask & (labels == 0)
    if points and invented.any():
        # From outside, the nearest voxel of an object is on its surface.
        owners = np.repeat(list(points), [len(places) for places in points.values()])
        nearest = KDTree(np.concatenate(list(points.values()))).query(np.argwhere(invented) * np.asarray(spacing))[1]
        numbered[invented] = owners[nearest]
    return numbered


class NumberByNearestd(MapTransform):
    """Replace masks by ``number_by_nearest``.

    Args:
        keys: masks, ``(1, W, H[, D])``, above 0 inside.
        labels_key: label map of the same shape, with the affine for distances in mm.
        allow_missing_keys: do not fail where a key is absent.
    """

    backend: ClassVar = [TransformBackends.NUMPY]

    def __init__(self, keys: KeysCollection, labels_key: str, allow_missing_keys: bool = False) -> None:
        super().__init__(keys, allow_missing_keys)
        self.labels_key = labels_key

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Number the masks of an item; the item itself is not changed."""
        item = dict(data)
        labels = item[self.labels_key]
        plain = torch.as_tensor(labels).as_subclass(Tensor)[0].cpu().numpy()
        spacing = tuple(pixel_spacing_of(labels) or [1.0] * plain.ndim)
        for key in self.key_iterator(item):
            mask = torch.as_tensor(item[key]).as_subclass(Tensor)[0].cpu().numpy() > 0
            numbered = torch.from_numpy(number_by_nearest(mask, plain, spacing))[None].to(item[key].device)
            known = isinstance(item[key], MetaTensor)
            item[key] = MetaTensor(numbered, meta=dict(item[key].meta)) if known else numbered
        return item


NumberByNearestD = NumberByNearestDict = NumberByNearestd
