"""Masks in the format that a viewer asks for; OHIF wants plain NRRD, version 3 with two bytes a voxel."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK

from monai_harmonize.label_app.displayed_options import chosen_name
from monai_harmonize.label_app.result_file import new_file

__all__ = ["centroids", "in_wanted_format"]

EXTENSIONS = [".nrrd", ".nii.gz", ".nii", ".mha"]
TYPES = {
    "uint8": SimpleITK.sitkUInt8,
    "uint16": SimpleITK.sitkUInt16,
    "uint32": SimpleITK.sitkUInt32,
    "int16": SimpleITK.sitkInt16,
    "int32": SimpleITK.sitkInt32,
    "float32": SimpleITK.sitkFloat32,
}


def in_wanted_format(mask: Path, request: Mapping[str, Any]) -> Path:
    """The mask as a request has it, 1 inside, with the same place in space.

    Args:
        mask: PNG or NIfTI, replaced where another format or type is wanted.
        request: may hold ``result_extension``, ``result_dtype`` and ``result_compress``, names of MONAI Label.

    Raises:
        InputError: the extension or type is none that is written.
    """
    own = next(end for end in (".nii.gz", mask.suffix) if mask.name.endswith(end))
    offered = list(dict.fromkeys([own, *EXTENSIONS]))
    wanted = chosen_name("result_extension", offered, request.get("result_extension") or own)
    kind = chosen_name("result_dtype", list(TYPES), request.get("result_dtype") or "uint8")
    if wanted == own and (kind == "uint8" or own not in EXTENSIONS):
        return mask
    path = new_file(wanted)
    inside = SimpleITK.Cast(SimpleITK.ReadImage(str(mask)) > 0, TYPES[kind])
    SimpleITK.WriteImage(inside, str(path), bool(request.get("result_compress", True)))
    mask.unlink()
    return path


def centroids(mask: Path, labels: Mapping[str, int]) -> dict[str, list[int]]:
    """Of every label its value and the voxel in the middle of what is marked, ``[value, x, y(, z)]``.

    Labels of which nothing is marked are left out. OHIF shows nothing where an answer holds no such entry.
    """
    # SimpleITK's arrays count (z, y, x).
    marked = np.argwhere(SimpleITK.GetArrayViewFromImage(SimpleITK.ReadImage(str(mask))) > 0)[:, ::-1]
    middle = [int(mean) for mean in marked.mean(axis=0)] if len(marked) else []
    return {name: [value, *middle] for name, value in labels.items() if middle}
