"""DICOM files made on the spot, one attribute at a time away from a plain digital X-ray."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian

PATIENT = "SECRET^PATIENT"
DX_FOR_PRESENTATION = "1.2.840.10008.5.1.4.1.1.1.1"


def build_dicom(path: Path, values: np.ndarray, syntax: str = ExplicitVRLittleEndian, **header: Any) -> Path:
    """Write stored values `(rows, columns)`; `header` overrides attributes, None leaves them out."""
    bits = header.get("BitsStored", 8 * values.dtype.itemsize)
    dataset = Dataset()
    defaults = {
        "SOPClassUID": DX_FOR_PRESENTATION,
        "SOPInstanceUID": "1.2.3.4.1",
        "StudyInstanceUID": "1.2.3.2",
        "SeriesInstanceUID": "1.2.3.3",
        "PatientName": PATIENT,
        "Modality": "DX",
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "Rows": values.shape[0],
        "Columns": values.shape[1],
        "BitsAllocated": 8 * values.dtype.itemsize,
        "BitsStored": bits,
        "HighBit": bits - 1,
        "PixelRepresentation": int(values.dtype.kind == "i"),
    }
    for keyword, value in {**defaults, **header}.items():
        if value is not None:
            setattr(dataset, keyword, value)
    big = UID(syntax) == pydicom.uid.ExplicitVRBigEndian
    data = values.astype(values.dtype.newbyteorder(">" if big else "<")).tobytes()
    if "PixelData" not in header and "FloatPixelData" not in header:
        dataset.add_new("PixelData", "OB" if values.dtype.itemsize == 1 else "OW", data + b"\0" * (len(data) % 2))
    if "PixelData" in dataset and UID(syntax).is_encapsulated:
        dataset["PixelData"].VR, dataset["PixelData"].is_undefined_length = "OB", True
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = UID(syntax)
    dataset.file_meta.MediaStorageSOPClassUID = dataset.get("SOPClassUID") or DX_FOR_PRESENTATION
    dataset.file_meta.MediaStorageSOPInstanceUID = "1.2.3.4.1"
    dataset.is_little_endian, dataset.is_implicit_VR = not big, UID(syntax).is_implicit_VR
    dataset.preamble = b"\0" * 128
    pydicom.dcmwrite(path, dataset, write_like_original=False)
    return path


@pytest.fixture(scope="session")
def make_dicom() -> Callable[..., Path]:
    """The builder `build_dicom`."""
    return build_dicom


@pytest.fixture
def ramp() -> np.ndarray:
    """Values 0 to 11 in 3 rows and 4 columns: no symmetry that could hide a swapped axis."""
    return np.arange(12, dtype=np.uint16).reshape(3, 4)


CT = "1.2.840.10008.5.1.4.1.1.2"


def build_series(
    folder: Path,
    shape: tuple[int, int, int] = (4, 3, 5),
    changes: dict[int, dict[str, Any]] | None = None,
    heights: Any = None,
    **header: Any,
) -> np.ndarray:
    """Write axial CT slices of 2 mm distance, whose file names run from head to foot; return HU `(W, H, D)`.

    `header` overrides attributes of all slices, `changes` those of the slice at a place, counted from the foot.
    """
    number = shape[2]
    stored = np.random.default_rng(0).integers(0, 3000, shape).astype(np.int16)
    folder.mkdir(parents=True, exist_ok=True)
    for place, height in enumerate(range(0, 2 * number, 2) if heights is None else heights):
        plain = {
            "SOPClassUID": CT,
            "SOPInstanceUID": f"1.2.3.4.{place + 1}",
            "Modality": "CT",
            "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"],
            "SeriesNumber": 3,
            "InstanceNumber": number - place,
            "ImageOrientationPatient": [1, 0, 0, 0, 1, 0],
            "ImagePositionPatient": [-10, -20.5, height],
            "PixelSpacing": [0.75, 0.5],
            "RescaleSlope": 1,
            "RescaleIntercept": -1024,
            "WindowCenter": 40,
            "WindowWidth": 400,
        }
        given = {**plain, **header, **(changes or {}).get(place, {})}
        build_dicom(folder / f"{number - place:03d}.dcm", stored[:, :, place].T.copy(), **given)
    return stored.astype(np.float32) - 1024


@pytest.fixture(scope="session")
def make_series() -> Callable[..., np.ndarray]:
    """The builder `build_series`."""
    return build_series
