"""Pixels written in the source's own format; reading them back gives what was written."""

import itk
import numpy as np
import pydicom
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.uid import (
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    RLELossless,
)

from monai_harmonize.data.dicom_reader import DicomRadiographReader
from monai_harmonize.data.dicom_writer import write_derived_dicom
from monai_harmonize.data.errors import ImageFileError
from monai_harmonize.data.writer_contract import Maker


def load(path, **options):
    reader = DicomRadiographReader(**options)
    grey, meta = reader.get_data(reader.read(path))
    return grey, {**meta, "filename_or_obj": str(path)}


PIXEL_KEYWORDS = ("Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation")


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    allocated=st.sampled_from([8, 16]),
    unused=st.integers(0, 7),
    gap=st.integers(0, 7),
    signed=st.booleans(),
    photometric=st.sampled_from(["MONOCHROME1", "MONOCHROME2"]),
    slope=st.sampled_from(["1", "-1", "2", "0.25", "0.0123", "-3.7"]),
    intercept=st.sampled_from(["0", "-1024", "0.5", "333.3"]),
    shape=st.tuples(st.integers(1, 5), st.integers(1, 5)),
    seed=st.integers(0, 2**31),
)
def test_identity_round_trip_is_exact(
    tmp_path, make_dicom, allocated, unused, gap, signed, photometric, slope, intercept, shape, seed
):
    stored = allocated - unused
    header = {
        "BitsStored": stored,
        "HighBit": stored - 1 + min(gap, unused),
        "PixelRepresentation": int(signed),
        "PhotometricInterpretation": photometric,
        "RescaleSlope": slope,
        "RescaleIntercept": intercept,
    }
    raw = np.random.default_rng(seed).integers(0, 1 << allocated, shape).astype(f"u{allocated // 8}")
    source = make_dicom(tmp_path / "source.dcm", raw, **header)
    grey, meta = load(source)
    write_derived_dicom(grey, meta, tmp_path / "derived.dcm", Maker("test 1"))
    again, new_meta = load(tmp_path / "derived.dcm")
    np.testing.assert_array_equal(again, grey)
    assert new_meta["grey_range"] == meta["grey_range"]
    assert new_meta["polarity_turned"] == meta["polarity_turned"] == (photometric == "MONOCHROME1")
    old, new = pydicom.dcmread(source), pydicom.dcmread(tmp_path / "derived.dcm")
    for keyword in (*PIXEL_KEYWORDS, "PhotometricInterpretation", "RescaleSlope", "RescaleIntercept"):
        assert new[keyword].value == old[keyword].value, keyword


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian, RLELossless])
def test_every_encoding_becomes_explicit_little_endian(tmp_path, make_dicom, ramp, syntax):
    native = ExplicitVRLittleEndian if syntax == RLELossless else syntax
    source = make_dicom(tmp_path / "source.dcm", ramp, native, PixelPaddingValue=11, PatientID="7")
    if syntax == RLELossless:
        dataset = pydicom.dcmread(source)
        dataset.compress(RLELossless)
        dataset.save_as(source)
    grey, meta = load(source)
    np.testing.assert_array_equal(grey, ramp.T)
    write_derived_dicom(grey[:, ::-1], meta, tmp_path / "derived.dcm")
    derived = pydicom.dcmread(tmp_path / "derived.dcm")
    assert derived.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
    assert derived.file_meta.MediaStorageSOPInstanceUID == derived.SOPInstanceUID
    assert derived.PixelPaddingValue == 11
    expected = ramp[::-1].copy()
    expected[2, 3] = 11
    np.testing.assert_array_equal(derived.pixel_array, expected)


def test_monochrome1_pixels_are_turned_back(tmp_path, make_dicom, ramp):
    source = make_dicom(tmp_path / "a.dcm", ramp, BitsStored=12, PhotometricInterpretation="MONOCHROME1")
    grey, meta = load(source)
    write_derived_dicom(grey + 3, meta, tmp_path / "derived.dcm")
    derived = pydicom.dcmread(tmp_path / "derived.dcm")
    assert derived.PhotometricInterpretation == "MONOCHROME1"
    # brighter by 3 is 3 less in a stored value that is shown dark where it is high; 0 is the lowest
    np.testing.assert_array_equal(derived.pixel_array, np.maximum(ramp.astype(int) - 3, 0))


def test_ct_shown_inverted_is_written_with_its_own_values_and_display(tmp_path, make_dicom, ramp):
    header = {"Modality": "CT", "RescaleIntercept": -1024, "RescaleSlope": 1}
    source = make_dicom(tmp_path / "a.dcm", ramp // 2, PhotometricInterpretation="MONOCHROME1", **header)
    grey, meta = load(source)
    write_derived_dicom(grey + 3, meta, tmp_path / "derived.dcm")
    derived = pydicom.dcmread(tmp_path / "derived.dcm")
    assert derived.PhotometricInterpretation == "MONOCHROME1"
    np.testing.assert_array_equal(derived.pixel_array, ramp // 2 + 3)


def test_a_film_turned_by_its_manifest_keeps_its_own_polarity(tmp_path, make_dicom, ramp):
    grey, meta = load(make_dicom(tmp_path / "a.dcm", ramp))
    write_derived_dicom(65535 - grey, {**meta, "polarity_turned": True}, tmp_path / "derived.dcm")
    derived = pydicom.dcmread(tmp_path / "derived.dcm")
    assert derived.PhotometricInterpretation == "MONOCHROME2"
    np.testing.assert_array_equal(derived.pixel_array, ramp)


def test_values_are_rounded_and_clipped_to_the_stored_bits(tmp_path, make_dicom):
    source = make_dicom(tmp_path / "a.dcm", np.zeros((1, 5), np.int16), BitsStored=12)
    grey, meta = load(source)
    grey = np.array([-9999, -3.4, 0.6, 2047.4, 9999], np.float32)[:, None]
    write_derived_dicom(grey, meta, tmp_path / "derived.dcm")
    assert pydicom.dcmread(tmp_path / "derived.dcm").pixel_array.tolist() == [[-2048, -3, 1, 2047, 2047]]


@pytest.mark.parametrize(
    ("padding", "kept"),
    [
        ({"PixelPaddingValue": -2000}, [-2000]),
        ({"PixelPaddingValue": 63536}, [-2000]),
        ({"PixelPaddingValue": -2000, "PixelPaddingRangeLimit": -1990}, [-2000, -1995]),
    ],
    ids=["signed", "written unsigned", "range"],
)
def test_padding_keeps_the_value_of_the_source(tmp_path, make_dicom, padding, kept):
    values = np.array([[-2000, -1995, 7]], np.int16)
    source = make_dicom(tmp_path / "a.dcm", values)
    dataset = pydicom.dcmread(source)
    for keyword, value in padding.items():
        dataset.add_new(keyword, "US" if value > 32767 else "SS", value)
    dataset.save_as(source)
    grey, meta = load(source)
    write_derived_dicom(np.full_like(grey, 100), meta, tmp_path / "derived.dcm")
    stored = pydicom.dcmread(tmp_path / "derived.dcm").pixel_array
    np.testing.assert_array_equal(stored, np.where(np.isin(values, kept), values, 100))


@pytest.mark.parametrize("modality", ["CT", "DX"])
def test_windows_that_fit_the_new_levels(tmp_path, make_dicom, ramp, modality):
    header = {"Modality": modality, "WindowCenter": 40, "WindowWidth": 400, "RescaleSlope": 1, "RescaleIntercept": -9}
    grey, meta = load(make_dicom(tmp_path / "a.dcm", ramp, BitsStored=12, **header))
    write_derived_dicom(grey, meta, tmp_path / "derived.dcm")
    derived = pydicom.dcmread(tmp_path / "derived.dcm")
    expected = (40, 400) if modality == "CT" else (2039, 4096)
    assert (derived.WindowCenter, derived.WindowWidth) == expected


@pytest.mark.parametrize(("slope", "intercept"), [("1", "-1024"), ("0.5", "-1000.5"), ("-2", "3071")])
def test_hounsfield_units_survive_within_half_a_slope(tmp_path, make_dicom, slope, intercept):
    header = {"Modality": "CT", "SOPClassUID": "1.2.840.10008.5.1.4.1.1.2", "RescaleType": "HU"}
    values = np.arange(4096, dtype=np.uint16).reshape(64, 64)
    header |= {"RescaleSlope": slope, "RescaleIntercept": intercept, "BitsStored": 12}
    grey, meta = load(make_dicom(tmp_path / "a.dcm", values, **header))
    wanted = grey * np.float32(0.97) + np.sin(grey)
    wanted = wanted.clip(*meta["grey_range"])
    write_derived_dicom(wanted, meta, tmp_path / "derived.dcm")
    in_itk = itk.array_from_image(itk.imread(str(tmp_path / "derived.dcm"))).squeeze().T
    half = abs(float(slope)) / 2 + 1e-3
    np.testing.assert_allclose(load(tmp_path / "derived.dcm")[0], wanted, atol=half)
    np.testing.assert_allclose(in_itk, wanted, atol=half)


def test_itk_reads_the_written_file(tmp_path, make_dicom, ramp):
    source = make_dicom(tmp_path / "a.dcm", ramp, BitsStored=12, ImagerPixelSpacing=[0.2, 0.1])
    grey, meta = load(source)
    write_derived_dicom(grey * 2, meta, tmp_path / "derived.dcm", Maker("test 1"))
    image = itk.imread(str(tmp_path / "derived.dcm"))
    np.testing.assert_array_equal(itk.array_from_image(image).squeeze(), ramp * 2)
    assert list(image.GetSpacing())[:2] == pytest.approx([0.1, 0.2])


def test_repeated_runs_name_the_same_object(tmp_path, make_dicom, ramp):
    grey, meta = load(make_dicom(tmp_path / "a.dcm", ramp))
    uids = set()
    for _ in range(2):
        write_derived_dicom(grey, meta, tmp_path / "derived.dcm", Maker("test 1"))
        uids.add(pydicom.dcmread(tmp_path / "derived.dcm").SOPInstanceUID)
    assert len(uids) == 1


def test_nothing_is_written_of_what_cannot_be_right(tmp_path, make_dicom, ramp):
    (tmp_path / "in").mkdir()
    source = make_dicom(tmp_path / "in" / "a.dcm", ramp)
    before = source.read_bytes()
    grey, meta = load(source)
    spoilt = grey.copy()
    spoilt[1, 1] = np.nan
    destination = tmp_path / "out" / "a.dcm"
    for image, new_meta, target, reason in [
        (grey[:-1], meta, destination, r"size \(3, 3\).*\(4, 3\)"),
        (spoilt, meta, destination, "1 pixels .* NaN"),
        (grey, load(source, apply_voi=True)[1], destination, "apply_voi"),
        (grey, meta, source, "source itself"),
        (grey, meta, tmp_path / "in" / ".." / "in" / "a.dcm", "source itself"),
    ]:
        with pytest.raises(ImageFileError, match=reason):
            write_derived_dicom(image, new_meta, target)
    with pytest.raises(ValueError, match="polarity_turned"):
        write_derived_dicom(grey, {"filename_or_obj": str(source)}, destination)
    assert source.read_bytes() == before
    assert not destination.parent.exists()


def test_interrupted_write_leaves_no_file(tmp_path, make_dicom, ramp, monkeypatch):
    grey, meta = load(make_dicom(tmp_path / "a.dcm", ramp))

    def full_disk(path, *_, **__):
        path.write_bytes(b"half")
        raise OSError("no space left")

    monkeypatch.setattr(pydicom, "dcmwrite", full_disk)
    with pytest.raises(OSError, match="no space"):
        write_derived_dicom(grey, meta, tmp_path / "out" / "derived.dcm")
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.real_data
def test_real_files_round_trip_in_pydicom_and_itk(real_data, tmp_path):
    files = [*(real_data / "dicom").glob("*.dcm"), *sorted((real_data / "ct").rglob("*.dcm"))[:2]]
    for source in files:
        grey, meta = load(source)
        destination = tmp_path / source.name
        write_derived_dicom(grey, meta, destination, Maker("test 1"))
        again, new_meta = load(destination)
        np.testing.assert_array_equal(again, grey, err_msg=source.name)
        np.testing.assert_array_equal(new_meta["affine"], meta["affine"], err_msg=source.name)
        old, new = pydicom.dcmread(source), pydicom.dcmread(destination)
        for keyword in (*PIXEL_KEYWORDS, "PhotometricInterpretation"):
            assert new[keyword].value == old[keyword].value, (source.name, keyword)
        # ITK shows MONOCHROME1 turned, as our reader does.
        in_itk = itk.array_from_image(itk.imread(str(destination))).squeeze()
        np.testing.assert_array_equal(in_itk.T, grey, err_msg=source.name)
