"""A viewer offers every model for every image: the image decides whether a model may have it."""

from __future__ import annotations

from pathlib import Path

from monai.data import NibabelReader

from monai_harmonize.data.dicom_reader import read_dicom
from monai_harmonize.data.errors import ImageFileError, InputError
from monai_harmonize.data.formats import find_images
from monai_harmonize.data.nifti import DAMAGED, spatial_shape
from monai_harmonize.data.sniff import sniff_format
from monai_harmonize.engines.bundle import Bundle
from monai_harmonize.label_app.served_bundles import modality_of

__all__ = ["other_modality", "refuse_other_modality"]

CT = "CT"
FLAT = ("png", "jpeg")


def refuse_other_modality(bundle: Bundle, image: Path) -> None:
    """Refuse CT and volumes for models of radiographs, and everything else for models of CT.

    Args:
        bundle: the model.
        image: file or folder; the first DICOM file of a folder speaks for all.

    Raises:
        InputError: the model is of the other kind.
    """
    found = other_modality(bundle, image)
    if found is not None:
        wanted = modality_of(bundle)
        raise InputError(f"the image is {found}, {bundle.root.name} works on {wanted}; choose another model.")


def other_modality(bundle: Bundle, image: Path) -> str | None:
    """What an image is where a model is of another kind; ``None`` where it fits, or for its reader to tell.

    DICOM names its modality. PNG and JPEG hold no CT, a NIfTI volume of several slices is no radiograph.
    """
    wants_ct = modality_of(bundle) == CT
    try:
        first = find_images(image)[0]
        kind = sniff_format(first)
        if kind == "dicom":
            modality = read_dicom(first, header_only=True).get("Modality")
            return str(modality) if modality and (modality == CT) != wants_ct else None
        if kind == "nifti":
            return "a volume" if is_volume(first) and not wants_ct else None
    except ImageFileError:
        return None
    return f"a {kind.upper()} file" if kind in FLAT and wants_ct else None


def is_volume(path: Path) -> bool:
    """Whether a NIfTI file holds more than one slice; a damaged one is for its reader to tell."""
    try:
        return len(spatial_shape(NibabelReader().read(path), path)) > 2
    except DAMAGED:
        return False
