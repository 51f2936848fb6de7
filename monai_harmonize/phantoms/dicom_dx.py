"""Radiographs as DICOM Digital X-Ray Image Storage - For Presentation (PS3.3 A.26)."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import DigitalXRayImageStorageForPresentation, generate_uid

from monai_harmonize.data.dicom_writer import save_explicit_little_endian
from monai_harmonize.phantoms.sites import Site


@dataclass(frozen=True)
class Exposure:
    """What the header says about one radiograph.

    Attributes:
        patient: Patient ID (0010,0020) and Patient's Name (0010,0010).
        sex: Patient's Sex (0010,0040).
        pixel: pixel edge in mm at the detector, Imager Pixel Spacing (0018,1164).
        key: text from which the unique identifiers are derived; the same key gives the same file.
    """

    patient: str
    sex: str
    pixel: float
    key: str


def quantize(image: NDArray[np.float32], bits: int, inverted: bool) -> NDArray[np.uint16]:
    """Stored values (rows, columns) of grey levels in [0, 1]; `inverted` (MONOCHROME1): dense is low."""
    highest = 2**bits - 1
    stored = np.round(np.clip(image, 0, 1).astype(np.float64) * highest).astype(np.uint16)
    return np.asarray(highest - stored if inverted else stored, np.uint16)


def _code(value: str, meaning: str) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, "SCT", meaning
    return item


def _identity(dataset: Dataset, site: Site, exposure: Exposure) -> None:
    """Patient, study, series and equipment modules; type 2 attributes that a phantom lacks stay empty."""
    dataset.SOPClassUID = DigitalXRayImageStorageForPresentation
    dataset.SOPInstanceUID = generate_uid(entropy_srcs=["instance", exposure.key])
    dataset.StudyInstanceUID = generate_uid(entropy_srcs=["study", exposure.key])
    dataset.SeriesInstanceUID = generate_uid(entropy_srcs=["series", exposure.key])
    dataset.PatientID = dataset.PatientName = exposure.patient
    dataset.PatientSex = exposure.sex
    for keyword in ("PatientBirthDate", "StudyDate", "StudyTime", "StudyID", "AccessionNumber"):
        setattr(dataset, keyword, "")
    dataset.ReferringPhysicianName = ""
    dataset.Modality = "DX"
    dataset.PresentationIntentType = "FOR PRESENTATION"
    dataset.SeriesNumber = dataset.InstanceNumber = 1
    dataset.Manufacturer = "monai-harmonize phantom"
    dataset.InstitutionName = site.name


def _geometry(dataset: Dataset, site: Site, exposure: Exposure) -> None:
    """Anatomy, positioning and detector modules (PS3.3 C.8.11.2, C.8.11.4 and C.8.11.5)."""
    dataset.BodyPartExamined = "CHEST"
    dataset.AnatomicRegionSequence = Sequence([_code("51185008", "Chest")])
    dataset.ImageLaterality = "U"
    dataset.ViewPosition = "PA"
    dataset.ViewCodeSequence = Sequence([_code("272479007", "postero-anterior")])
    dataset.PositionerType = ""
    dataset.PatientOrientation = ["L", "F"]
    dataset.KVP = site.kilovolt
    dataset.DetectorType = "SCINTILLATOR"
    dataset.ImagerPixelSpacing = [round(exposure.pixel, 6)] * 2
    dataset.AcquisitionContextSequence = Sequence()


def _pixels(dataset: Dataset, site: Site, image: NDArray[np.float32]) -> None:
    """Image Pixel and DX Image modules (PS3.3 C.7.6.3 and C.8.11.3)."""
    inverted = site.photometric == "MONOCHROME1"
    dataset.ImageType = ["DERIVED", "PRIMARY"]
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = site.photometric
    dataset.Rows, dataset.Columns = image.shape
    dataset.BitsAllocated = 16
    dataset.BitsStored = site.bits
    dataset.HighBit = site.bits - 1
    dataset.PixelRepresentation = 0
    dataset.PixelIntensityRelationship = "LIN" if site.response == "linear" else "LOG"
    dataset.PixelIntensityRelationshipSign = 1 if inverted else -1
    dataset.RescaleIntercept, dataset.RescaleSlope, dataset.RescaleType = 0, 1, "US"
    dataset.PresentationLUTShape = "INVERSE" if inverted else "IDENTITY"
    dataset.WindowCenter, dataset.WindowWidth = 2 ** (site.bits - 1), 2**site.bits
    dataset.LossyImageCompression = "00"
    dataset.BurnedInAnnotation = "NO"
    dataset.PixelData = quantize(image, site.bits, inverted).astype("<u2").tobytes()


def write_dx(path: Path, image: NDArray[np.float32], site: Site, exposure: Exposure) -> None:
    """Write one radiograph.

    Args:
        path: file to write.
        image: (rows, columns) grey levels in [0, 1], bright = dense.
        site: machine; decides bit depth, photometric interpretation and exposure values.
        exposure: patient and geometry.
    """
    dataset = Dataset()
    _identity(dataset, site, exposure)
    _geometry(dataset, site, exposure)
    _pixels(dataset, site, image)
    save_explicit_little_endian(dataset, path)
