"""Header of a derived image: the source's header, changed as the standard asks and nowhere else."""

from __future__ import annotations

from datetime import datetime
from os import PathLike

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    UID,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLSNearLossless,
    generate_uid,
)

from monai_harmonize import __version__
from monai_harmonize.data.dicom_header import tag_error, whole_number

__all__ = ["derived_uid", "mark_as_derived"]

SOFTWARE = "monai-harmonize"
DIGITAL_XRAY_FAMILY = "1.2.840.10008.5.1.4.1.1.1."  # DX, mammography and intra-oral image storage
SERIES_NUMBER_OFFSET = 1000
LOSSY_SYNTAXES = (JPEGBaseline8Bit, JPEGExtended12Bit, JPEGLSNearLossless)
# True of the source's pixels, or of its bytes, only.
STALE_KEYWORDS = (
    "SmallestImagePixelValue",
    "LargestImagePixelValue",
    "SmallestPixelValueInSeries",
    "LargestPixelValueInSeries",
    "IconImageSequence",
    "DigitalSignaturesSequence",
    "MACParametersSequence",
    "ExtendedOffsetTable",
    "ExtendedOffsetTableLengths",
    "DataSetTrailingPadding",
)


def derived_uid(*origins: str) -> UID:
    """UID that follows from its origins, so that the same work done again names the same object."""
    return generate_uid(entropy_srcs=[SOFTWARE, __version__, *origins])


def coded(value: str, meaning: str) -> Sequence:
    """One code of the DICOM coding scheme, as a sequence of one item."""
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = value, "DCM", meaning
    return Sequence([code])


def mark_as_derived(dataset: Dataset, path: str | PathLike[str], bundle: str, created: datetime) -> None:
    """Change a source's header in place into that of the image derived from it.

    Changed: Image Type, instance and series identity, dates of the content, derivation, source image,
    contributing equipment. Removed: what describes the source's own pixel values or bytes. Study, frame of
    reference, patient, geometry, LUTs, windows (the grey range stays the same), Burned In Annotation, and the
    history of lossy compression stay. The UIDs follow from the source's, the software's version and
    ``bundle``, so that a repeated run gives the same object.

    Args:
        dataset: source data set with its file meta information.
        path: source file, for errors.
        bundle: name and version of the method (and digest of the weights, if they change without it).
        created: time for Content Date (0008,0023) and Instance Creation Date (0008,0012).

    Raises:
        ImageFileError: the source has no SOP Class UID or a Series Number that is no number.
    """
    bundle = bundle.replace("\\", "/")  # the separator of values
    source_class = str(dataset.get("SOPClassUID") or dataset.file_meta.get("MediaStorageSOPClassUID") or "")
    source_instance = str(dataset.get("SOPInstanceUID") or dataset.file_meta.get("MediaStorageSOPInstanceUID") or path)
    # Anonymised files may lack the series: each of their images then becomes a series, never one for all.
    source_series = str(dataset.get("SeriesInstanceUID") or source_instance)
    if not source_class:
        raise tag_error(path, "SOPClassUID", "missing", "a DICOM file cannot be written without; repair the header")
    dataset.SOPClassUID = source_class
    dataset.ImageType = derived_image_type(dataset, source_class)
    dataset.SOPInstanceUID = derived_uid("instance", bundle, source_instance)
    dataset.SeriesInstanceUID = derived_uid("series", bundle, source_series)
    dataset.SeriesNumber = whole_number(dataset, path, "SeriesNumber", default=0) + SERIES_NUMBER_OFFSET
    suffix = f"[harmonized {bundle}".rstrip()[:39] + "]"
    dataset.SeriesDescription = f"{str(dataset.get('SeriesDescription') or '')[: 63 - len(suffix)]} {suffix}".strip()
    dataset.ContentDate = dataset.InstanceCreationDate = created.strftime("%Y%m%d")
    dataset.ContentTime = dataset.InstanceCreationTime = created.strftime("%H%M%S.%f")
    dataset.DerivationDescription = derivation_text(dataset, bundle)
    if source_instance != str(path):
        add_source_image(dataset, source_class, source_instance)
    add_equipment(dataset, bundle)
    if dataset.file_meta.TransferSyntaxUID in LOSSY_SYNTAXES:
        dataset.LossyImageCompression = "01"  # PS3.3 C.7.6.1.1.5: once lossy, always lossy
    for keyword in STALE_KEYWORDS:
        if keyword in dataset:
            delattr(dataset, keyword)


def derived_image_type(dataset: Dataset, source_class: str) -> list[str]:
    r"""Image Type (0008,0008): value 1 is DERIVED.

    Value 2 of digital X-ray stays PRIMARY, since the pixels come from the exposure (PS3.3 C.8.11.3.1.1, which
    also wants a third value, possibly empty); elsewhere it is SECONDARY, since the image was made after the
    examination (C.7.6.1.1.2). Further values, as a CT's AXIAL, stay.
    """
    old = dataset.get("ImageType") or []
    values = [str(value).strip() for value in ([old] if isinstance(old, str) else old)]
    if source_class.startswith(DIGITAL_XRAY_FAMILY):
        values += [""] * (3 - len(values))
        return ["DERIVED", values[1] or "PRIMARY", *values[2:]]
    return ["DERIVED", "SECONDARY", *values[2:]]


def derivation_text(dataset: Dataset, bundle: str) -> str:
    """Derivation Description (0008,2111): the source's history, then ours."""
    text = f"Grey levels harmonized by {SOFTWARE} {__version__} {bundle}".rstrip() + "; size and geometry kept."
    if dataset.get("Modality") == "CT":
        text += " Values are no calibrated Hounsfield units."
    history = str(dataset.get("DerivationDescription") or "")
    return f"{history[: 1022 - len(text)]}; {text}" if history else text


def add_source_image(dataset: Dataset, source_class: str, source_instance: str) -> None:
    """Put the source first into Source Image Sequence (0008,2112); older sources stay as history."""
    source = Dataset()
    source.ReferencedSOPClassUID = source_class
    source.ReferencedSOPInstanceUID = source_instance
    source.SpatialLocationsPreserved = "YES"
    source.PurposeOfReferenceCodeSequence = coded("121322", "Source image for image processing operation")
    dataset.SourceImageSequence = Sequence([source, *(dataset.get("SourceImageSequence") or [])])


def add_equipment(dataset: Dataset, bundle: str) -> None:
    """Append this software to Contributing Equipment Sequence (0018,A001); the scanner stays as it is."""
    equipment = Dataset()
    equipment.PurposeOfReferenceCodeSequence = coded("109102", "Processing Equipment")
    equipment.Manufacturer = SOFTWARE
    equipment.ManufacturerModelName = SOFTWARE
    equipment.SoftwareVersions = __version__
    equipment.ContributionDescription = f"Harmonization {bundle}".rstrip()
    previous = dataset.get("ContributingEquipmentSequence") or []
    dataset.ContributingEquipmentSequence = Sequence([*previous, equipment])
