"""A viewer offers every model for every image: what DICOM says of an image decides whether a model may have it."""

from __future__ import annotations

from pathlib import Path

from monai_harmonize.data.dicom_reader import read_dicom
from monai_harmonize.data.errors import ImageFileError, InputError
from monai_harmonize.data.formats import find_images
from monai_harmonize.data.sniff import sniff_format
from monai_harmonize.engines.bundle import Bundle
from monai_harmonize.label_app.served_bundles import modality_of

__all__ = ["refuse_other_modality"]

CT = "CT"


def refuse_other_modality(bundle: Bundle, image: Path) -> None:
    """Refuse CT for models of radiographs, and everything else for models of CT; other formats name no modality.

    Args:
        bundle: the model.
        image: file or folder; the first DICOM file of a folder speaks for all.

    Raises:
        InputError: the model is of the other kind.
    """
    try:
        first = find_images(image)[0]
        found = read_dicom(first, header_only=True).get("Modality") if sniff_format(first) == "dicom" else None
    except ImageFileError:  # for the reader to tell
        return
    wanted = modality_of(bundle)
    if found and (found == CT) != (wanted == CT):
        raise InputError(f"the image is {found}, {bundle.root.name} works on {wanted}; choose another model.")
