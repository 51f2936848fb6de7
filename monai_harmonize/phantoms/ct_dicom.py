"""CT volumes as series of DICOM CT Image Storage (PS3.3 A.3)."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.uid import CTImageStorage, generate_uid

from monai_harmonize.data.dicom_writer import save_explicit_little_endian

INTERCEPT = -1024  # HU of the stored value 0


@dataclass(frozen=True)
class Acquisition:
    """What a header says of a scan.

    Attributes:
        site: Institution Name (0008,0080).
        patient: Patient ID (0010,0020) and Patient's Name (0010,0010).
        kilovolt: KVP (0018,0060).
        body_part: Body Part Examined (0018,0015).
        kernel: Convolution Kernel (0018,1210); empty where unknown.
        padding: HU of Pixel Padding Value (0028,0120); None where every pixel shows something.
    """

    site: str
    patient: str
    kilovolt: float
    body_part: str
    kernel: str = ""
    padding: int | None = None


@dataclass(frozen=True)
class Geometry:
    """Where voxels lie, in mm, in DICOM's directions: to the patient's left, back and head.

    Attributes:
        spacing: voxel edges.
        corner: centre of the first voxel.
    """

    spacing: tuple[float, float, float]
    corner: tuple[float, float, float]


def write_ct_series(
    folder: Path,
    volume: NDArray[np.int16],
    acquisition: Acquisition,
    geometry: Geometry,
    key: str,
) -> list[Path]:
    """Write one series, a file per slice from foot to head.

    Args:
        folder: existing folder.
        volume: HU (columns, rows, slices), to the patient's left, back and head.
        acquisition: what the header says of it.
        geometry: where its voxels lie.
        key: text from which the unique identifiers are derived; the same key gives the same files.

    Returns:
        The files.
    """
    paths = []
    for number, pixels in enumerate(np.moveaxis(volume, -1, 0), start=1):
        dataset = _header(acquisition, key)
        dataset.SOPInstanceUID = generate_uid(entropy_srcs=["instance", key, str(number)])
        dataset.InstanceNumber = number
        _place(dataset, geometry, number - 1)
        _pixels(dataset, pixels.T, acquisition.padding)
        paths.append(folder / f"{number:04d}.dcm")
        save_explicit_little_endian(dataset, paths[-1])
    return paths


def _header(acquisition: Acquisition, key: str) -> Dataset:
    """Patient, study, series and equipment; type 2 attributes that a phantom lacks stay empty."""
    dataset = Dataset()
    dataset.SOPClassUID = CTImageStorage
    dataset.StudyInstanceUID = generate_uid(entropy_srcs=["study", key])
    dataset.SeriesInstanceUID = generate_uid(entropy_srcs=["series", key])
    dataset.FrameOfReferenceUID = generate_uid(entropy_srcs=["frame", key])
    dataset.PatientID = dataset.PatientName = acquisition.patient
    for keyword in ("PatientBirthDate", "PatientSex", "StudyDate", "StudyTime", "StudyID", "AccessionNumber"):
        setattr(dataset, keyword, "")
    dataset.ReferringPhysicianName = dataset.PositionReferenceIndicator = dataset.AcquisitionNumber = ""
    dataset.Modality = "CT"
    dataset.SeriesNumber = 1
    dataset.Manufacturer = "monai-harmonize phantom"
    dataset.InstitutionName = acquisition.site
    dataset.KVP = acquisition.kilovolt
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    dataset.BodyPartExamined = acquisition.body_part
    if acquisition.kernel:
        dataset.ConvolutionKernel = acquisition.kernel
    dataset.PatientPosition = "HFS"
    return dataset


def _place(dataset: Dataset, geometry: Geometry, above: int) -> None:
    """Image Plane module (PS3.3 C.7.6.2)."""
    spacing, (left, back, head) = geometry.spacing, geometry.corner
    corner = (left, back, head + above * spacing[2])
    dataset.PixelSpacing = [round(spacing[1], 6), round(spacing[0], 6)]
    dataset.SliceThickness = round(spacing[2], 6)
    dataset.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    dataset.ImagePositionPatient = [round(value, 6) for value in corner]


def _pixels(dataset: Dataset, hounsfield: NDArray[np.int16], padding: int | None) -> None:
    """Image Pixel and CT Image modules (PS3.3 C.7.6.3 and C.8.2.1)."""
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.Rows, dataset.Columns = hounsfield.shape
    dataset.BitsAllocated = dataset.BitsStored = 16
    dataset.HighBit = 15
    dataset.PixelRepresentation = 1
    dataset.RescaleIntercept, dataset.RescaleSlope, dataset.RescaleType = INTERCEPT, 1, "HU"
    dataset.WindowCenter, dataset.WindowWidth = 40, 400
    if padding is not None:
        dataset.PixelPaddingValue = padding - INTERCEPT
    dataset.PixelData = (hounsfield - INTERCEPT).astype("<i2").tobytes()
