"""Harmonization that can be switched on and off: a Grayscale Softcopy Presentation State beside the original image."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from copy import deepcopy
from datetime import datetime
from os import PathLike
from pathlib import Path
from typing import Any

from monai.utils import optional_import
from pydicom.dataset import Dataset
from pydicom.tag import Tag
from pydicom.uid import UID

from monai_harmonize import __version__
from monai_harmonize.data.atomic import atomic_path
from monai_harmonize.data.dicom_derivation import add_equipment, derived_uid, series_description, source_identity
from monai_harmonize.data.dicom_geometry import pixel_spacing
from monai_harmonize.data.dicom_greyscale import GreyScale
from monai_harmonize.data.dicom_header import PixelFormat, damaged_values_named, tag_error, whole_number
from monai_harmonize.data.dicom_reader import read_dicom
from monai_harmonize.data.dicom_writer import refuse_applied_voi, save_explicit_little_endian
from monai_harmonize.data.errors import ImageFileError, InputError
from monai_harmonize.data.presentation_lut import PresentationLUT, ToneCurve
from monai_harmonize.data.writer_contract import SOFTWARE, UNKNOWN, Maker, refuse_source, source_path

__all__ = ["state_series_uid", "write_presentation_state"]

SERIES_NUMBER_OFFSET = 2000
IDENTITY_KEYWORDS = (
    "PatientID",
    "PatientName",
    "PatientBirthDate",
    "PatientSex",
    "AccessionNumber",
    "StudyID",
    "StudyDate",
    "StudyTime",
    "ReferringPhysicianName",
)
SHUTTER_KEYWORDS = (
    "ShutterShape",
    "ShutterLeftVerticalEdge",
    "ShutterRightVerticalEdge",
    "ShutterUpperHorizontalEdge",
    "ShutterLowerHorizontalEdge",
    "CenterOfCircularShutter",
    "RadiusOfCircularShutter",
    "VerticesOfThePolygonalShutter",
    "ShutterPresentationValue",
)


def state_series_uid(maker: Maker, source_series: str) -> UID:
    """Series Instance UID (0020,000E) of a maker's presentation states of a series."""
    return derived_uid("presentation series", *maker.identity, source_series)


def write_presentation_state(
    curve: ToneCurve,
    meta: Mapping[str, Any],
    destination: str | PathLike[str],
    maker: Maker = UNKNOWN,
) -> None:
    """Write a tone curve as a presentation state (PS3.3 A.33.1) of the image that it was read from.

    The image itself is not touched: whoever opens the state sees it as the derived image of
    ``write_derived_dicom`` looks, whoever does not sees the original. The curve, followed by the derived image's
    (first) window, is the Softcopy VOI LUT (C.11.8) with 16-bit entries, one for every grey level of the file, so
    that no grey levels merge that the derived image's bit depth would merge. MONOCHROME1 becomes Presentation LUT
    Shape INVERSE (C.11.6). The displayed area is the whole image; a display shutter of the source is kept.

    Shown through the state, a pixel differs from the derived image by what the derived image's rounding to stored
    values shifts it. Pixels of Pixel Padding Value (0028,0120), which the derived image keeps, go through the curve.

    Args:
        curve: increasing tone curve on [-1, 1] of ``meta["grey_range"]``, bright = dense, for example
            ``SiteToneCurve``; see ``harmonized_levels``.
        meta: metadata as ``LoadRadiograph`` gives them; ``filename_or_obj`` names the image.
        destination: path of the new file; missing folders are made.
        maker: who makes it, for the description and the UIDs.

    Raises:
        InputError: highdicom is not installed, or the curve is not increasing.
        ImageFileError: the source is no DICOM image that can be read, lacks the UIDs by which a state refers to it,
            or is the destination.
    """
    source = source_path(meta)
    refuse_applied_voi(meta, source)
    if meta["source_format"] != "dicom":
        raise ImageFileError(source, f"is {meta['source_format']}; a presentation state refers to a DICOM image")
    refuse_source(source, Path(destination))
    dataset = read_dicom(source)
    with damaged_values_named(source):
        pixels = PixelFormat.of(dataset, source)
        lut = PresentationLUT.of(curve, dataset, GreyScale.of(dataset, pixels, source), meta)
        state = softcopy_state(dataset, source, lut, pixels.monochrome1, maker)
        add_equipment(state, maker)
        stamp(state, maker.now)
        with atomic_path(Path(destination)) as temporary:
            save_explicit_little_endian(state, temporary)


def softcopy_state(dataset: Dataset, source: Path, lut: PresentationLUT, inverse: bool, maker: Maker) -> Dataset:
    """Build the object; ``dataset``, the source, is used up."""
    highdicom, installed = optional_import("highdicom")
    if not installed:
        raise InputError("Presentation states need highdicom: pip install monai-harmonize[dicom].")
    kept = prepare_reference(dataset, source)
    entries = hashlib.sha256(lut.entries.tobytes()).hexdigest()
    state = highdicom.pr.GrayscaleSoftcopyPresentationState(
        referenced_images=[dataset],
        series_instance_uid=state_series_uid(maker, dataset.SeriesInstanceUID),
        series_number=whole_number(dataset, source, "SeriesNumber", default=0) + SERIES_NUMBER_OFFSET,
        sop_instance_uid=derived_uid("presentation state", *maker.identity, entries, dataset.SOPInstanceUID),
        instance_number=max(1, whole_number(dataset, source, "InstanceNumber", default=1)),
        manufacturer=SOFTWARE,
        manufacturer_model_name=SOFTWARE,
        software_versions=__version__,
        device_serial_number=None,
        content_label="HARMONIZED",
        content_description=f"Harmonized {maker.bundle}".rstrip()[:64],
        modality_lut_transformation=highdicom.ModalityLUTTransformation(
            rescale_slope=lut.slope, rescale_intercept=lut.intercept, rescale_type=lut.unit
        ),
        voi_lut_transformations=[highdicom.pr.SoftcopyVOILUTTransformation(voi_luts=[voi_lut(highdicom, lut)])],
        presentation_lut_transformation=highdicom.PresentationLUTTransformation(
            presentation_lut_shape="INVERSE" if inverse else "IDENTITY"
        ),
        series_description=series_description(dataset, maker.bundle),
    )
    state.Laterality = ""  # type 2C (PS3.3 C.7.3.1); the image may have it, then it follows
    for element in kept:
        state[element.tag] = element
    spacing = pixel_spacing(dataset, source)
    if spacing is not None and spacing[0] != spacing[1]:
        area = state.DisplayedAreaSelectionSequence[0]
        area.PresentationPixelSpacing = list(spacing[::-1])
        del area.PresentationPixelAspectRatio
    return state


def prepare_reference(dataset: Dataset, source: Path) -> Dataset:
    """Make a source fit to be referenced, and give the elements that the state takes over as they are.

    Attributes of the patient are emptied in ``dataset``: highdicom logs names and refuses dates and sexes that it
    finds odd, but a state must say of the patient what its image says.

    Raises:
        ImageFileError: a UID that the reference needs is missing.
    """
    dataset.SOPClassUID, dataset.SOPInstanceUID = source_identity(dataset, source)
    for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"):
        if not dataset.get(keyword):
            raise tag_error(source, keyword, "missing", "a presentation state refers to its image by it")
    kept = Dataset()
    for keyword in ("SpecificCharacterSet", "Laterality", *IDENTITY_KEYWORDS, *SHUTTER_KEYWORDS):
        if keyword in dataset:
            kept.add(deepcopy(dataset[keyword]))
    for keyword in IDENTITY_KEYWORDS:
        setattr(dataset, keyword, "")
    if "SpecificCharacterSet" in dataset:
        del dataset.SpecificCharacterSet
    return kept


def voi_lut(highdicom: Any, lut: PresentationLUT) -> Dataset:
    """One item of VOI LUT Sequence (0028,3010).

    highdicom takes no negative first value; the standard does (C.11.2.1.1), as signed numbers.
    """
    item = highdicom.VOILUT(max(lut.first, 0), lut.entries, lut_explanation="Harmonization")
    descriptor = [len(lut.entries) % 2**16, lut.first, 16]
    item.add_new(Tag("LUTDescriptor"), "SS" if lut.first < 0 else "US", descriptor)
    return item


def stamp(state: Dataset, created: datetime) -> None:
    """Set the dates of creation (0070,0082 and 0008,0012) and their times."""
    state.PresentationCreationDate = state.InstanceCreationDate = created.strftime("%Y%m%d")
    state.PresentationCreationTime = state.InstanceCreationTime = created.strftime("%H%M%S.%f")
