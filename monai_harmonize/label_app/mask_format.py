"""Masks in the format that a viewer asks for; OHIF wants NRRD."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import SimpleITK

from monai_harmonize.label_app.displayed_options import chosen_name
from monai_harmonize.label_app.result_file import new_file

__all__ = ["in_wanted_format"]

EXTENSIONS = [".nrrd", ".nii.gz", ".nii", ".mha"]


def in_wanted_format(mask: Path, request: Mapping[str, Any]) -> Path:
    """The mask as ``result_extension`` of a request has it, 1 inside, with the same place in space.

    Args:
        mask: PNG or NIfTI, replaced where another format is wanted.
        request: may hold ``result_extension`` and ``result_compress``, names of MONAI Label.

    Raises:
        InputError: the extension is none that is written.
    """
    wanted = request.get("result_extension")
    if not wanted or mask.name.endswith(str(wanted)):
        return mask
    path = new_file(chosen_name("result_extension", EXTENSIONS, wanted))
    inside = SimpleITK.Cast(SimpleITK.ReadImage(str(mask)) > 0, SimpleITK.sitkUInt8)
    SimpleITK.WriteImage(inside, str(path), bool(request.get("result_compress", True)))
    mask.unlink()
    return path
