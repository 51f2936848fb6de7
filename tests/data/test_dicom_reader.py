"""The reader as a whole: MONAI's contract, polarity, and the real files."""

import shutil

import numpy as np
import pydicom
import pytest
from monai.data import ITKReader
from monai.transforms import LoadImage

from monai_harmonize.data.dicom_reader import DicomRadiographReader
from monai_harmonize.data.errors import ImageFileError


def read(path, **options):
    reader = DicomRadiographReader(**options)
    return reader.get_data(reader.read(path))


def test_array_is_columns_by_rows_and_metadata_hold_no_patient(tmp_path, make_dicom, ramp):
    grey, meta = read(make_dicom(tmp_path / "a.dcm", ramp, BitsStored=12, ImagerPixelSpacing=[0.2, 0.1]))
    assert grey.dtype == np.float32
    np.testing.assert_array_equal(grey, ramp.T)
    assert meta["spatial_shape"].tolist() == [4, 3]
    assert meta["grey_range"] == (0, 4095)
    assert (meta["source_format"], meta["bits_stored"], meta["polarity_turned"]) == ("dicom", 12, False)
    assert meta["space"] == "RAS"
    np.testing.assert_array_equal(meta["original_affine"], np.diag([-0.1, -0.2, 1, 1]))
    assert "SECRET" not in repr(meta)


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.uint16, np.int16])
@pytest.mark.parametrize("unused", [0, 1, 4])
def test_monochrome1_is_turned_within_the_nominal_range(tmp_path, make_dicom, dtype, unused):
    bits = 8 * np.dtype(dtype).itemsize - unused
    low = -(1 << (bits - 1)) if np.dtype(dtype).kind == "i" else 0
    high = low + (1 << bits) - 1
    values = np.array([[low, low + 1, 5], [6, high - 1, high]], dtype)
    header = {"BitsStored": bits, "RescaleSlope": "2", "RescaleIntercept": "-7"}
    plain, _ = read(make_dicom(tmp_path / "2.dcm", values, **header))
    turned, meta = read(make_dicom(tmp_path / "1.dcm", values, PhotometricInterpretation="MONOCHROME1", **header))
    assert meta["polarity_turned"] is True
    assert meta["grey_range"] == (2 * low - 7, 2 * high - 7)
    np.testing.assert_array_equal(plain, values.T.astype(float) * 2 - 7)
    np.testing.assert_array_equal(turned, 2.0 * (low + high) - 14 - plain)


@pytest.mark.parametrize(
    "header", [{"Modality": "CT"}, {"Modality": None, "SOPClassUID": "1.2.840.10008.5.1.4.1.1.2"}], ids=["CT", "class"]
)
def test_how_ct_is_displayed_does_not_change_its_hounsfield_units(tmp_path, make_dicom, ramp, header):
    stored = {**header, "RescaleSlope": 1, "RescaleIntercept": -1024, "PhotometricInterpretation": "MONOCHROME1"}
    grey, meta = read(make_dicom(tmp_path / "ct.dcm", ramp, **stored))
    np.testing.assert_array_equal(grey, ramp.T.astype(float) - 1024)
    assert meta["polarity_turned"] is False


def test_monai_load_image_takes_the_reader(tmp_path, make_dicom, ramp):
    path = make_dicom(tmp_path / "a.dcm", ramp, PixelSpacing=[0.2, 0.1])
    image = LoadImage(reader=DicomRadiographReader(), ensure_channel_first=True)(path)
    assert image.shape == (1, 4, 3)
    assert image.meta["filename_or_obj"] == str(path)
    assert image.pixdim.tolist() == pytest.approx([0.1, 0.2])


def test_window_is_applied_on_request_and_recorded(tmp_path, make_dicom, ramp):
    path = make_dicom(tmp_path / "a.dcm", ramp, WindowCenter="6", WindowWidth="1")
    grey, meta = read(path, apply_voi=True)
    np.testing.assert_array_equal(grey, np.where(ramp.T > 5, 65535, 0))
    assert meta["voi_applied"] is True


def test_data_set_without_preamble(tmp_path, make_dicom, ramp):
    dataset = pydicom.dcmread(make_dicom(tmp_path / "a.dcm", ramp, pydicom.uid.ImplicitVRLittleEndian))
    buffer = pydicom.filebase.DicomBytesIO()
    buffer.is_little_endian, buffer.is_implicit_VR = True, True
    pydicom.filewriter.write_dataset(buffer, dataset)
    bare = tmp_path / "bare.dcm"
    bare.write_bytes(buffer.getvalue())
    np.testing.assert_array_equal(read(bare)[0], ramp.T)


@pytest.mark.parametrize("name", ["a.dcm", "a"])
@pytest.mark.parametrize("content", [b"", b"no image at all " * 40, b"\0" * 128 + b"DICM"])
def test_other_files_are_no_dicom(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ImageFileError, match="not a DICOM file") as caught:
        read(path)
    assert caught.value.path == str(path)


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9, 0.999])
def test_cut_file(tmp_path, make_dicom, share):
    path = make_dicom(tmp_path / "a.dcm", np.zeros((64, 64), np.uint16))
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(ImageFileError, match=r"truncated|damaged|missing"):
        read(path)


def test_damaged_value_in_the_header(tmp_path, make_dicom, ramp):
    path = make_dicom(tmp_path / "a.dcm", ramp)
    content = path.read_bytes()
    columns = bytes.fromhex("28001100") + b"US\2\0"
    assert content.count(columns) == 1
    path.write_bytes(content.replace(columns, columns[:4] + b"U\xaa\2\0"))
    with pytest.raises(ImageFileError, match=r"a\.dcm: .*(damaged|missing)"):
        read(path)


def test_values_that_break_their_rules_are_not_logged(tmp_path, make_dicom, ramp, caplog, recwarn):
    """pydicom's warning would show the value: a date of birth, an instance."""
    path = make_dicom(tmp_path / "uid.dcm", ramp)
    content = path.read_bytes()
    syntax = pydicom.uid.ExplicitVRLittleEndian.encode()
    path.write_bytes(content.replace(syntax, b"1.SECRET" + syntax[8:], 1))
    with pytest.raises(ImageFileError):
        DicomRadiographReader().get_data(DicomRadiographReader().read(path))
    assert "SECRET" not in caplog.text
    assert not [warning for warning in recwarn if "SECRET" in str(warning.message)]


def test_missing_file_and_several_files(tmp_path, make_dicom, ramp):
    with pytest.raises(ImageFileError, match="no such file"):
        read(tmp_path / "none.dcm")
    path = make_dicom(tmp_path / "a.dcm", ramp)
    with pytest.raises(ImageFileError, match="one file at a time"):
        read([path, path])


def test_suffixes_of_other_formats_are_declined():
    reader = DicomRadiographReader()
    assert reader.verify_suffix(["IM0001", "a.DCM"])
    assert not reader.verify_suffix("a.nii.gz")


@pytest.mark.real_data
def test_philips_film_is_turned(real_data):
    grey, meta = read(real_data / "dicom" / "RG1_J2KI_CR_CHEST_philips.dcm")
    assert grey.shape == (1841, 1955)
    assert (grey.min(), grey.max()) == (6255, 31964)
    assert meta["grey_range"] == (0, 32767)
    spine, lungs = grey[870:960, 500:900], np.concatenate([grey[400:600, 300:600], grey[1200:1400, 300:600]])
    assert lungs.mean() < spine.mean()  # lungs dark
    assert grey[300:1500, -200:].mean() > grey[300:1500, 300:500].mean()  # belly below, not above


@pytest.mark.real_data
def test_real_files_equal_monai_itk_reader(real_data):
    """ITK turns MONOCHROME1 in the same way, so everything but a lossy JPEG must be equal."""
    files = [*(real_data / "dicom").glob("*.dcm"), *sorted((real_data / "ct").rglob("*.dcm"))[:3]]
    assert len(files) == 8
    for path in files:
        grey, meta = read(path)
        itk_reader = ITKReader()
        expected, itk_meta = itk_reader.get_data(itk_reader.read(path))
        tolerance = 1 if path.name == "rsna_CR_CHEST.dcm" else 0  # two decoders round the cosine transform
        np.testing.assert_allclose(grey, np.asarray(expected)[..., 0], atol=tolerance, err_msg=path.name)
        np.testing.assert_allclose(meta["affine"], itk_meta["affine"], err_msg=path.name)


@pytest.mark.real_data
def test_truncated_real_files(real_data, tmp_path):
    for source in (real_data / "dicom").glob("*.dcm"):
        path = tmp_path / source.name
        shutil.copyfile(source, path)
        path.chmod(0o644)
        path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
        with pytest.raises(ImageFileError, match=r"truncated|missing"):
            read(path)
