"""A folder of slices read as a volume, as ITK reads it, within a bound of memory."""

import subprocess
import sys

import numpy as np
import pydicom
import pytest
from monai.data import ITKReader
from monai.transforms import LoadImage

from monai_harmonize.data.dicom_series_reader import DicomSeriesReader
from monai_harmonize.data.errors import ImageFileError


def read(path, **options):
    reader = DicomSeriesReader(**options)
    return reader.get_data(reader.read(path))


def read_with_itk(path):
    reader = ITKReader()
    values, meta = reader.get_data(reader.read(path))
    return np.asarray(values), meta["affine"]


def test_values_and_metadata(tmp_path, make_series) -> None:
    hounsfield = make_series(tmp_path / "ct")
    volume, meta = read(tmp_path / "ct")
    assert volume.dtype == np.float32
    np.testing.assert_array_equal(volume, hounsfield)
    assert meta["spatial_shape"].tolist() == [4, 3, 5]
    assert meta["grey_range"] == (-32768 - 1024, 32767 - 1024)
    assert (meta["source_format"], meta["bits_stored"], meta["polarity_turned"]) == ("dicom_series", 16, False)
    assert meta["spacing_known"] is True
    assert "SECRET" not in repr(meta)


def test_itk_reads_the_same_volume_at_the_same_place(tmp_path, make_series) -> None:
    make_series(tmp_path / "ct", ImageOrientationPatient=[0.8, 0.6, 0, -0.6, 0.8, 0])
    volume, meta = read(tmp_path / "ct")
    expected, affine = read_with_itk(tmp_path / "ct")
    np.testing.assert_array_equal(volume, expected)
    np.testing.assert_allclose(meta["affine"], affine, atol=1e-6)


def test_every_slice_has_its_own_rescale_and_range(tmp_path, make_series) -> None:
    hounsfield = make_series(tmp_path, changes={1: {"RescaleSlope": 2, "RescaleIntercept": -500}})
    volume, meta = read(tmp_path)
    expected = hounsfield.copy()
    expected[..., 1] = (hounsfield[..., 1] + 1024) * 2 - 500
    np.testing.assert_array_equal(volume, expected)
    assert meta["grey_range"] == (-2 * 32768 - 500, 2 * 32767 - 500)


def test_how_ct_is_displayed_does_not_change_its_hounsfield_units(tmp_path, make_series) -> None:
    hounsfield = make_series(tmp_path, PhotometricInterpretation="MONOCHROME1")
    volume, meta = read(tmp_path)
    np.testing.assert_array_equal(volume, hounsfield)
    assert meta["polarity_turned"] is False


def test_monochrome1_of_another_modality_is_turned(tmp_path, make_series) -> None:
    other = {"Modality": "MR", "SOPClassUID": "1.2.840.10008.5.1.4.1.1.4"}
    hounsfield = make_series(tmp_path, PhotometricInterpretation="MONOCHROME1", **other)
    volume, meta = read(tmp_path)
    np.testing.assert_array_equal(volume, sum(meta["grey_range"]) - hounsfield)
    assert meta["polarity_turned"] is True


def test_window_on_request(tmp_path, make_series) -> None:
    hounsfield = make_series(tmp_path)
    volume, meta = read(tmp_path, apply_voi=True)
    assert meta["voi_applied"] is True
    assert volume[hounsfield < -161].max() == volume.min() < volume.max() == volume[hounsfield > 241].min()


def test_monai_load_image_takes_the_reader(tmp_path, make_series) -> None:
    hounsfield = make_series(tmp_path / "ct")
    image = LoadImage(reader=DicomSeriesReader(), ensure_channel_first=True)(tmp_path / "ct")
    np.testing.assert_array_equal(image[0], hounsfield)
    assert image.pixdim.tolist() == pytest.approx([0.5, 0.75, 2])


def test_what_is_no_series(tmp_path, make_series) -> None:
    with pytest.raises(ImageFileError, match="no such folder"):
        read(tmp_path / "none")
    make_series(tmp_path / "ct")
    with pytest.raises(ImageFileError, match="no such folder; give one folder of DICOM slices"):
        read(tmp_path / "ct" / "001.dcm")
    dataset = pydicom.dcmread(tmp_path / "ct" / "002.dcm")
    dataset.PixelData = dataset.PixelData[:10]
    dataset.save_as(tmp_path / "ct" / "002.dcm")
    with pytest.raises(ImageFileError, match=r"002\.dcm: PixelData .*truncated"):
        read(tmp_path / "ct")


MEASURE = """
import pathlib, re, sys
from monai_harmonize.transforms import LoadRadiograph
def kilobytes(name):
    return int(re.search(name + r":\\s+(\\d+) kB", pathlib.Path("/proc/self/status").read_text())[1])
before = kilobytes("VmRSS")
image = LoadRadiograph()(sys.argv[1])
print((kilobytes("VmHWM") - before) * 1024 / (4 * image.numel()))
"""


@pytest.mark.long
@pytest.mark.skipif(sys.platform != "linux", reason="memory is told by /proc")
def test_memory_is_little_more_than_the_volume(tmp_path, make_series) -> None:
    make_series(tmp_path / "ct", shape=(512, 512, 60))
    told = subprocess.run(
        [sys.executable, "-c", MEASURE, str(tmp_path / "ct")], capture_output=True, text=True, check=True
    )
    assert 0.9 < float(told.stdout) < 1.8


@pytest.mark.real_data
def test_real_series_equals_itk(real_data) -> None:
    folder = real_data / "ct" / "totalseg_dicom_siemens"
    volume, meta = read(folder)
    expected, affine = read_with_itk(folder)
    assert volume.shape == (512, 512, 20)
    np.testing.assert_array_equal(volume, expected)
    np.testing.assert_allclose(meta["affine"], affine, atol=1e-9)
