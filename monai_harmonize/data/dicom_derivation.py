"""Header of a derived image: the source's header, changed as the standard asks and nowhere else."""

from __future__ import annotations

from dataclasses import replace
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
from monai_harmonize.data.writer_contract import SOFTWARE, Maker

__all__ = [
    "add_equipment",
    "derived_instance_uid",
    "derived_series_uid",
    "derived_uid",
    "is_harmonized",
    "mark_as_derived",
    "series_description",
    "source_identity",
]

DIGITAL_XRAY_FAMILY = "1.2.840.10008.5.1.4.1.1.1."  # DX, mammography and intra-oral image storage
PRIVATE_SCHEME = "99MONAIHARMONIZE"
SERIES_NUMBER_OFFSET = 1000
LOSSY_SYNTAXES = (JPEGBaseline8Bit, JPEGExtended12Bit, JPEGLSNearLossless)
# True of the source's pixels, or of its bytes, only.
STALE_KEYWORDS = (
    "SmallestImagePixelValue",
    "LargestImagePixelValue",
    "SmallestPixelValueInSeries",
    "LargestPixelValueInSeries",
    "HistogramSequence",
    "RealWorldValueMappingSequence",
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


def derived_series_uid(maker: Maker, source_series: str) -> UID:
    """Series Instance UID (0020,000E) of what a maker makes of a series."""
    return derived_uid("series", *maker.identity, source_series)


def derived_instance_uid(maker: Maker, source_instance: str) -> UID:
    """SOP Instance UID (0008,0018) of what a maker makes of an image."""
    return derived_uid("instance", *maker.identity, source_instance)


def is_harmonized(dataset: Dataset) -> bool:
    """Whether an object was made by this software: it stands in Contributing Equipment Sequence (0018,A001)."""
    equipment = dataset.get("ContributingEquipmentSequence") or []
    return any(item.get("Manufacturer") == SOFTWARE for item in equipment)


def coded(value: str, meaning: str, scheme: str = "DCM") -> Sequence:
    """One code, as a sequence of one item."""
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = value, scheme, meaning
    return Sequence([code])


def mark_as_derived(
    dataset: Dataset,
    path: str | PathLike[str],
    maker: Maker,
    series: str = "",
) -> None:
    """Change a source's header in place into that of the image derived from it.

    Changed: Image Type, instance and series identity, dates of the content, derivation, source image,
    contributing equipment. Removed: what describes the source's own pixel values or bytes. Presentation LUT
    Shape is made to agree with Photometric Interpretation. Study, frame of reference, patient, geometry, modality
    LUT, Burned In Annotation, and the history of lossy compression stay; for windows and VOI LUTs see
    ``dicom_voi``. The UIDs follow from the source's, the software's version, the bundle and its weights, so that a
    repeated run gives the same object, other weights or options another one.

    Args:
        dataset: source data set with its file meta information.
        path: source file, for errors.
        maker: who makes it; its time is that of Content Date (0008,0023) and Instance Creation Date (0008,0012).
        series: what stands for the Series Instance UID (0020,000E) of a source that lacks it.

    Raises:
        ImageFileError: the source has no SOP Class UID or a Series Number that is no number.
    """
    maker = replace(maker, bundle=maker.bundle.replace("\\", "/"), created=maker.now)  # a backslash separates values
    source_class, known_instance = source_identity(dataset, path)
    source_instance = known_instance or str(path)
    # Anonymised files may lack the series: each of their images then becomes a series, never one for all, unless the
    # caller knows better.
    source_series = str(dataset.get("SeriesInstanceUID") or series or source_instance)
    dataset.SOPClassUID = source_class
    dataset.ImageType = derived_image_type(dataset, source_class)
    dataset.SOPInstanceUID = derived_instance_uid(maker, source_instance)
    dataset.SeriesInstanceUID = derived_series_uid(maker, source_series)
    dataset.SeriesNumber = whole_number(dataset, path, "SeriesNumber", default=0) + SERIES_NUMBER_OFFSET
    dataset.SeriesDescription = series_description(dataset, maker.bundle)
    dataset.ContentDate = dataset.InstanceCreationDate = maker.now.strftime("%Y%m%d")
    dataset.ContentTime = dataset.InstanceCreationTime = maker.now.strftime("%H%M%S.%f")
    add_derivation(dataset, str(maker))
    if known_instance:
        add_source_image(dataset, source_class, known_instance)
    add_equipment(dataset, maker)
    if "PresentationLUTShape" in dataset or source_class.startswith(DIGITAL_XRAY_FAMILY):  # PS3.3 C.8.11.3.1.1
        inverse = dataset.get("PhotometricInterpretation") == "MONOCHROME1"
        dataset.PresentationLUTShape = "INVERSE" if inverse else "IDENTITY"
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


def source_identity(dataset: Dataset, path: str | PathLike[str]) -> tuple[str, str]:
    """SOP Class and Instance UID (0008,0016 and 0018) of a source; the instance may be unknown, then empty.

    Raises:
        ImageFileError: the class is in neither the header nor the file meta information.
    """
    source_class = dataset.get("SOPClassUID") or dataset.file_meta.get("MediaStorageSOPClassUID")
    if not source_class:
        raise tag_error(path, "SOPClassUID", "missing", "a DICOM file cannot be written without; repair the header")
    return str(source_class), str(
        dataset.get("SOPInstanceUID") or dataset.file_meta.get("MediaStorageSOPInstanceUID") or ""
    )


def series_description(dataset: Dataset, bundle: str) -> str:
    """Series Description (0008,103E): the source's, then ours, within 64 characters."""
    suffix = f"[harmonized {bundle}".rstrip()[:39] + "]"
    return f"{str(dataset.get('SeriesDescription') or '')[: 63 - len(suffix)]} {suffix}".strip()


def add_derivation(dataset: Dataset, provenance: str) -> None:
    """Continue Derivation Description (0008,2111) and Derivation Code Sequence (0008,9215) of the source.

    The standard's codes (CID 7203, extensible) know filters and projections but no change of grey levels, so the
    code is of a private scheme (PS3.16 8.2: its designator begins with 99) rather than a misused public one.
    """
    text = f"Grey levels harmonized by {provenance}; size and geometry kept.".replace("\\", "/")
    if dataset.get("Modality") == "CT":
        text += " Values are no calibrated Hounsfield units."
    history = str(dataset.get("DerivationDescription") or "")
    dataset.DerivationDescription = f"{history[: 1022 - len(text)]}; {text}" if history else text
    code = coded("HARMONIZATION", "Grey level harmonization", PRIVATE_SCHEME)
    dataset.DerivationCodeSequence = Sequence([*(dataset.get("DerivationCodeSequence") or []), *code])


def add_source_image(dataset: Dataset, source_class: str, source_instance: str) -> None:
    """Put the source first into Source Image Sequence (0008,2112); older sources stay as history."""
    source = Dataset()
    source.ReferencedSOPClassUID = source_class
    source.ReferencedSOPInstanceUID = source_instance
    source.SpatialLocationsPreserved = "YES"
    source.PurposeOfReferenceCodeSequence = coded("121322", "Source image for image processing operation")
    dataset.SourceImageSequence = Sequence([source, *(dataset.get("SourceImageSequence") or [])])


def add_equipment(dataset: Dataset, maker: Maker) -> None:
    """Append this software to Contributing Equipment Sequence (0018,A001); the scanner stays as it is.

    Manufacturer's Model Name (0008,1090) is the bundle, Software Versions (0018,1020) are the software's and the
    weights'.
    """
    equipment = Dataset()
    equipment.PurposeOfReferenceCodeSequence = coded("109102", "Processing Equipment")
    equipment.Manufacturer = SOFTWARE
    equipment.ManufacturerModelName = maker.bundle[:64] or SOFTWARE
    equipment.SoftwareVersions = [__version__, *([maker.weights[:64]] if maker.weights else [])]
    equipment.ContributionDateTime = maker.now.strftime("%Y%m%d%H%M%S.%f")
    equipment.ContributionDescription = f"Harmonization of grey levels by {maker}"
    previous = dataset.get("ContributingEquipmentSequence") or []
    dataset.ContributingEquipmentSequence = Sequence([*previous, equipment])
