"""A presentation state shows the original as the derived image looks, and touches nothing."""

import logging
from datetime import datetime
from pathlib import Path

import numpy as np
import pydicom
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from monai_harmonize.data import presentation_state
from monai_harmonize.data.dicom_writer import write_derived_dicom
from monai_harmonize.data.errors import ImageFileError, InputError
from monai_harmonize.data.presentation_state import write_presentation_state
from monai_harmonize.data.writer_contract import Maker
from monai_harmonize.transforms import LoadRadiograph, RestoreGreyLevels, ScaleGreyLevels
from tests.tools import run_tool

try:
    from pydicom.pixels import apply_modality_lut, apply_voi_lut
except ImportError:  # pydicom 2.4
    from pydicom.pixel_data_handlers.util import apply_modality_lut, apply_voi_lut

CREATED = datetime(2026, 1, 2, 3, 4, 5)
DIGEST = "0123456789abcdef"
CT = "1.2.840.10008.5.1.4.1.1.2"
SINGLE_CT = {"SOPClassUID": CT, "Modality": "CT"}


def darker(levels):
    """Not symmetric, so a wrong polarity shows."""
    return 2 * ((torch.as_tensor(levels) + 1) / 2) ** 1.6 - 1


def both(source, folder, curve=darker, polarity="normal", **options):
    """The derived image and the state of one source, by the same curve."""
    image = LoadRadiograph()(source, polarity)
    grey_range = image.meta["grey_range"]
    harmonized = RestoreGreyLevels(grey_range)(curve(ScaleGreyLevels(grey_range)(image)))
    derived, state = folder / "derived.dcm", folder / "state.pr.dcm"
    maker = Maker(**{"bundle": "test 1", "weights_digest": DIGEST, "created": CREATED, **options})
    write_derived_dicom(np.asarray(harmonized[0]), image.meta, derived, maker)
    write_presentation_state(curve, image.meta, state, maker)
    return derived, state


def stored(dataset):
    return dataset.pixel_array.astype(np.int64)


def shown_image(dataset):
    """Levels 0 to 255 of an image by its own modality LUT, window and polarity."""
    low, high = (0, 2**dataset.BitsStored - 1)
    if dataset.PixelRepresentation == 1:
        low, high = low - 2 ** (dataset.BitsStored - 1), high - 2 ** (dataset.BitsStored - 1)
    values = apply_voi_lut(apply_modality_lut(stored(dataset), dataset), dataset, prefer_lut=False)
    black, white = apply_modality_lut(np.array([low, high]), dataset)
    levels = 255 * (values - black) / (white - black)
    return 255 - levels if dataset.PhotometricInterpretation == "MONOCHROME1" else levels


def shown_through(state, dataset):
    """Levels 0 to 255 of an image's stored values by a state's modality LUT, VOI LUT and Presentation LUT."""
    rescaled = stored(dataset) * float(state.RescaleSlope) + float(state.RescaleIntercept)
    assert np.array_equal(rescaled, np.rint(rescaled))
    voi = state.SoftcopyVOILUTSequence[0]
    voi.is_little_endian = True  # pydicom 2.4 asks for it
    values = apply_voi_lut(rescaled.astype(np.int64), voi) / 65535 * 255
    return 255 - values if state.PresentationLUTShape == "INVERSE" else values


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    allocated=st.sampled_from([8, 16]),
    unused=st.integers(0, 6),
    signed=st.booleans(),
    photometric=st.sampled_from(["MONOCHROME1", "MONOCHROME2"]),
    scale=st.sampled_from([(None, None), ("1", "0"), ("1", "-1024"), ("3", "5"), ("-2", "7"), ("0.25", "0.5")]),
    polarity=st.sampled_from(["normal", "inverted"]),
    header=st.sampled_from([{}, {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.1", "Modality": "CR"}]),
    seed=st.integers(0, 2**31),
)
def test_a_radiograph_looks_like_its_derived_image(
    tmp_path, make_dicom, allocated, unused, signed, photometric, scale, polarity, header, seed
):
    raw = np.random.default_rng(seed).integers(0, 1 << allocated, (20, 30)).astype(f"u{allocated // 8}")
    attributes = {
        "BitsStored": allocated - unused,
        "PixelRepresentation": int(signed),
        "PhotometricInterpretation": photometric,
        "RescaleSlope": scale[0],
        "RescaleIntercept": scale[1],
        "WindowCenter": 50,
        "WindowWidth": 10,
        **header,
    }
    mask = (1 << (allocated - unused)) - 1
    values = (raw & mask).astype(raw.dtype)
    if signed:
        shift = allocated - attributes["BitsStored"]
        values = (values << shift).astype(raw.dtype).view(f"i{allocated // 8}") >> shift
    source = make_dicom(tmp_path / "source.dcm", values, **attributes)
    derived, state = both(source, tmp_path, polarity=polarity)
    original = pydicom.dcmread(source)
    expected = shown_image(pydicom.dcmread(derived))
    # The derived image rounds to its bits: half a step of 3 (2 bits) shows, half of 4095 does not.
    tolerance = 0.5 * 255 / mask + 0.01
    np.testing.assert_allclose(shown_through(pydicom.dcmread(state), original), expected, atol=tolerance)


@pytest.mark.parametrize("scale", [("1", "-1024"), ("0.5", "-1000"), ("1", "0"), ("2", "-3000")])
@pytest.mark.parametrize("window", [("40", "400"), (["-600", "40"], ["1500", "400"]), (None, None)])
@pytest.mark.parametrize("signed", [False, True])
def test_a_ct_slice_looks_like_its_derived_image(tmp_path, make_dicom, scale, window, signed):
    values = np.arange(4096).reshape(64, 64) - 2048 * signed
    names = ("RescaleSlope", "RescaleIntercept", "WindowCenter", "WindowWidth")
    header = dict(zip(names, (*scale, *window), strict=True))
    dtype = np.int16 if signed else np.uint16
    source = make_dicom(tmp_path / "ct.dcm", values.astype(dtype), BitsStored=12, **SINGLE_CT, **header)
    derived, state = both(source, tmp_path, lambda levels: torch.as_tensor(levels) * 0.95 + 0.01)
    original, shown = pydicom.dcmread(source), shown_image(pydicom.dcmread(derived))
    np.testing.assert_allclose(shown_through(pydicom.dcmread(state), original), shown, atol=1)
    if float(scale[0]).is_integer():
        assert pydicom.dcmread(state).RescaleType == "HU"


def test_what_stands_in_the_state(tmp_path, make_dicom, ramp):
    header = {"PatientID": "7", "PatientSex": "?", "StudyDate": "1999.1.1", "PatientAge": "040Y", "SeriesNumber": 4}
    header |= {"SpecificCharacterSet": "ISO_IR 100", "PatientName": "Größe^Jörg", "ImagerPixelSpacing": [0.2, 0.1]}
    header |= {"ShutterShape": "RECTANGULAR", "ShutterLeftVerticalEdge": 2, "SeriesDescription": "PA"}
    source = make_dicom(tmp_path / "a.dcm", ramp, BitsStored=12, **header)
    before = source.read_bytes()
    _, path = both(source, tmp_path)
    state = pydicom.dcmread(path)
    for keyword in ("PatientID", "PatientName", "PatientSex", "PatientAge", "StudyDate", "StudyInstanceUID"):
        assert state[keyword].value == pydicom.dcmread(source)[keyword].value, keyword
    assert (state.ShutterShape, state.ShutterLeftVerticalEdge) == ("RECTANGULAR", 2)
    assert (state.Modality, state.SOPClassUID.name) == ("PR", "Grayscale Softcopy Presentation State Storage")
    series = state.ReferencedSeriesSequence[0]
    assert series.SeriesInstanceUID == "1.2.3.3"
    assert [item.ReferencedSOPInstanceUID for item in series.ReferencedImageSequence] == ["1.2.3.4.1"]
    area = state.DisplayedAreaSelectionSequence[0]
    assert list(area.DisplayedAreaTopLeftHandCorner) == [1, 1]
    assert list(area.DisplayedAreaBottomRightHandCorner) == [4, 3]
    assert list(area.PresentationPixelSpacing) == [0.2, 0.1]
    assert (state.ContentLabel, state.ContentDescription) == ("HARMONIZED", "Harmonized test 1")
    assert (state.SeriesNumber, state.SeriesDescription) == (2004, "PA [harmonized test 1]")
    assert (state.PresentationCreationDate, state.PresentationCreationTime) == ("20260102", "030405.000000")
    ours = state.ContributingEquipmentSequence[-1]
    assert (ours.ManufacturerModelName, ours.SoftwareVersions[-1]) == ("test 1", f"weights SHA-256 {DIGEST}")
    assert "PixelData" not in state
    assert source.read_bytes() == before


def test_names_are_not_logged(tmp_path, make_dicom, ramp, caplog):
    caplog.set_level(logging.DEBUG)
    both(make_dicom(tmp_path / "a.dcm", ramp, PatientName="SECRET"), tmp_path)
    assert "SECRET" not in caplog.text


def test_identity_follows_from_source_curve_and_weights(tmp_path, make_dicom, ramp):
    source = make_dicom(tmp_path / "a.dcm", ramp)
    other = make_dicom(tmp_path / "b.dcm", ramp, SOPInstanceUID="1.2.3.4.2")

    def uids(path=source, **options):
        state = pydicom.dcmread(both(path, tmp_path, **options)[1])
        return state.SOPInstanceUID, state.SeriesInstanceUID

    first = uids()
    assert uids() == first
    assert uids(other)[0] != first[0]
    assert uids(other)[1] == first[1]
    assert uids(curve=lambda levels: levels * 0.5)[0] != first[0]
    for options in ({"weights_digest": "f" * 12}, {"bundle": "test 2"}):
        assert not set(uids(**options)) & set(first)
    derived = pydicom.dcmread(both(source, tmp_path)[0])
    assert not {derived.SOPInstanceUID, derived.SeriesInstanceUID} & set(first)


def test_what_cannot_be_a_state(tmp_path, make_dicom, ramp, monkeypatch):
    source = make_dicom(tmp_path / "a.dcm", ramp)
    meta = LoadRadiograph()(source).meta
    target = tmp_path / "out" / "a.pr.dcm"

    def refused(reason, error=ImageFileError, curve=darker, meta=meta, target=target):
        with pytest.raises(error, match=reason):
            write_presentation_state(curve, meta, target)

    refused("source itself", target=source)
    refused("is png", meta={**meta, "source_format": "png"})
    refused("apply_voi", meta={**meta, "voi_applied": True})
    refused("not increasing", InputError, curve=lambda levels: -levels)
    for keyword in ("StudyInstanceUID", "SeriesInstanceUID"):
        path = make_dicom(tmp_path / "lacks.dcm", ramp, **{keyword: None})
        refused(rf"lacks.dcm: {keyword} .* is missing", meta=LoadRadiograph()(path).meta)
    monkeypatch.setattr(presentation_state, "optional_import", lambda name: (None, False))
    refused("pip install monai-harmonize", InputError)
    assert not target.parent.exists()


def samples(real_data, with_broken_uids):
    files = sorted((real_data / "dicom").glob("*.dcm"))
    return [path for path in files if with_broken_uids or not path.name.startswith("bad_")]


def mild(levels):
    """Little enough that HU stay in their windows."""
    return 2 * ((torch.as_tensor(levels) + 1) / 2) ** 1.005 - 1


@pytest.mark.real_data
def test_real_images_look_like_their_derived_images(real_data, tmp_path):
    for path in samples(real_data, with_broken_uids=True):
        source = pydicom.dcmread(path)
        derived, state = both(path, tmp_path, mild if source.Modality == "CT" else darker)
        shown = shown_image(pydicom.dcmread(derived))
        assert np.ptp(shown) > 200, path.name
        # Half a HU, which the derived image rounds away, is 1.3 levels in the narrowest window here (100 HU).
        tolerance = 1.3 if source.Modality == "CT" else 1
        np.testing.assert_allclose(shown_through(pydicom.dcmread(state), source), shown, atol=tolerance)


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize(
    ("kind", "scale"), [("DX", (None, None)), ("CT", ("1", "-1024")), ("CT", ("0.5", "-1000"))], ids=str
)
def test_dcmtk_shows_the_same(tmp_path, make_dicom, photometric, kind, scale):
    values = np.arange(4096, dtype=np.uint16).reshape(64, 64)
    header = SINGLE_CT | {"WindowCenter": "40", "WindowWidth": "400"} if kind == "CT" else {}
    header |= {"RescaleSlope": scale[0], "RescaleIntercept": scale[1], "PhotometricInterpretation": photometric}
    header |= {"PatientID": "7", "InstanceNumber": 1}
    source = make_dicom(tmp_path / "a.dcm", values, BitsStored=12, **header)
    derived, state = both(source, tmp_path)
    done = run_tool("dcmp2pgm", "dcmtk", "-p", state, source, tmp_path / "a.pgm")
    assert done.returncode == 0, done.stderr
    in_dcmtk = np.asarray(Image.open(tmp_path / "a.pgm")).astype(float)
    assert np.ptp(in_dcmtk) > 200
    np.testing.assert_allclose(in_dcmtk, shown_image(pydicom.dcmread(derived)), atol=1.5)  # it rounds down


def complaints(path):
    """Errors of dciodvfy, without those about values that the source has already."""
    report = run_tool("dciodvfy", "dicom3tools", path).stderr
    return {line for line in report.splitlines() if "Error" in line}


@pytest.mark.real_data
def test_both_outputs_are_as_valid_as_their_source(real_data, tmp_path):
    for path in samples(real_data, with_broken_uids=False):
        for output in both(path, tmp_path):
            assert complaints(output) <= complaints(path), (path.name, output.name)


def test_phantoms_are_valid(chest_data, tmp_path):
    source = next(Path(chest_data).rglob("*.dcm"))
    for output in both(source, tmp_path):
        assert complaints(output) <= complaints(source)
