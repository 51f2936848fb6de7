"""DICOM files of phantoms."""

from pathlib import Path

import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.uid import DigitalXRayImageStorageForPresentation

from monai_harmonize.phantoms.dicom_dx import Exposure, quantize, write_dx
from monai_harmonize.phantoms.sites import SITES

IMAGE = np.linspace(0, 1, 12, dtype=np.float32).reshape(3, 4)
EXPOSURE = Exposure(patient="PHANTOM-x", sex="F", pixel=1.5, key="0/256/x")


@given(st.integers(8, 16), st.floats(0, 1, width=32), st.booleans())
@settings(deadline=None)
def test_quantization_is_exact_to_half_a_step(bits: int, grey: float, inverted: bool) -> None:
    stored = int(quantize(np.array([grey], np.float32), bits, inverted)[0])
    highest = 2**bits - 1
    back = (highest - stored if inverted else stored) / highest
    assert abs(back - grey) <= 0.5 / highest + 1e-9


@pytest.mark.parametrize("site", SITES.values(), ids=lambda site: site.name)
def test_header_and_pixels(site, tmp_path: Path) -> None:
    write_dx(tmp_path / "x.dcm", IMAGE, site, EXPOSURE)
    dataset = pydicom.dcmread(tmp_path / "x.dcm")
    inverted = site.photometric == "MONOCHROME1"
    assert dataset.SOPClassUID == DigitalXRayImageStorageForPresentation
    assert dataset.file_meta.MediaStorageSOPInstanceUID == dataset.SOPInstanceUID
    assert (dataset.Modality, dataset.PresentationIntentType) == ("DX", "FOR PRESENTATION")
    assert (dataset.PatientID, dataset.PatientSex) == ("PHANTOM-x", "F")
    assert (dataset.BodyPartExamined, dataset.ViewPosition) == ("CHEST", "PA")
    assert list(dataset.PatientOrientation) == ["L", "F"]
    assert [float(value) for value in dataset.ImagerPixelSpacing] == [1.5, 1.5]
    assert float(dataset.KVP) == site.kilovolt
    assert dataset.PhotometricInterpretation == site.photometric
    assert dataset.PresentationLUTShape == ("INVERSE" if inverted else "IDENTITY")
    assert dataset.PixelIntensityRelationshipSign == (1 if inverted else -1)
    assert (dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit) == (16, site.bits, site.bits - 1)
    assert dataset.PixelRepresentation == 0
    assert (dataset.Rows, dataset.Columns) == (3, 4)
    lowest, highest = float(dataset.WindowCenter), float(dataset.WindowWidth)
    assert (lowest - highest / 2, lowest + highest / 2) == (0, 2**site.bits)
    stored = dataset.pixel_array
    dense = stored.max() - stored.astype(int) if inverted else stored
    assert stored.max() == 2**site.bits - 1
    np.testing.assert_allclose(dense / (2**site.bits - 1), IMAGE, atol=0.51 / (2**site.bits - 1))


def test_identifiers_follow_from_the_key(tmp_path: Path) -> None:
    site = SITES["site_a"]
    other = Exposure(EXPOSURE.patient, EXPOSURE.sex, EXPOSURE.pixel, "0/256/y")
    for name, exposure in (("a", EXPOSURE), ("b", EXPOSURE), ("c", other)):
        write_dx(tmp_path / name, IMAGE, site, exposure)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    first, third = (pydicom.dcmread(tmp_path / name) for name in "ac")
    identifiers = [
        dataset[keyword].value
        for dataset in (first, third)
        for keyword in ("SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID")
    ]
    assert len(set(identifiers)) == 6
    assert all(pydicom.uid.UID(value).is_valid for value in identifiers)
