"""Stored values come out of every encoding, and cut data never do."""

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.encaps import encapsulate
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    RLELossless,
)

from monai_harmonize.data.dicom_header import PixelFormat
from monai_harmonize.data.dicom_pixels import stored_values
from monai_harmonize.data.errors import ImageFileError


def decode(path):
    dataset = dcmread(path)
    return stored_values(dataset, PixelFormat.of(dataset, path), path)


@pytest.mark.parametrize(
    "syntax",
    [ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian],
)
@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint16])
def test_native_encodings(tmp_path, make_dicom, syntax, dtype):
    values = np.arange(15, dtype=dtype).reshape(3, 5) * 17 - (100 if dtype is np.int16 else 0)
    np.testing.assert_array_equal(decode(make_dicom(tmp_path / "a.dcm", values, syntax)), values)


@pytest.mark.parametrize("signed", [False, True])
def test_rle(tmp_path, make_dicom, signed):
    values = np.random.default_rng(0).integers(-2048, 2048, (7, 5), dtype=np.int16)
    values = values if signed else (values + 2048).astype(np.uint16)
    dataset = dcmread(make_dicom(tmp_path / "native.dcm", values, BitsStored=12))
    dataset.compress(RLELossless)
    dataset.save_as(tmp_path / "rle.dcm")
    np.testing.assert_array_equal(decode(tmp_path / "rle.dcm"), values)


def test_jpeg_2000_of_a_real_codec(tmp_path, make_dicom):
    pytest.importorskip("pydicom.pixels", reason="pydicom 2 does not encode JPEG 2000")
    values = np.random.default_rng(0).integers(0, 2**15, (40, 33), dtype=np.uint16)
    dataset = dcmread(make_dicom(tmp_path / "native.dcm", values, BitsStored=15))
    dataset.compress(JPEG2000Lossless)
    dataset.save_as(tmp_path / "j2k.dcm")
    np.testing.assert_array_equal(decode(tmp_path / "j2k.dcm"), values)
    dataset.PixelData = encapsulate([dataset.PixelData[24:-200]])
    dataset.save_as(tmp_path / "cut.dcm")
    with pytest.raises(ImageFileError, match=r"JPEG 2000.*truncated"):
        decode(tmp_path / "cut.dcm")


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize(("stored", "high_bit"), [(12, 11), (12, 15), (10, 13)])
def test_unused_bits_are_dropped_and_the_sign_extended(tmp_path, make_dicom, signed, stored, high_bit):
    rng = np.random.default_rng(stored + high_bit)
    low = -(1 << (stored - 1)) if signed else 0
    values = rng.integers(low, low + (1 << stored), (6, 5))
    place = high_bit + 1 - stored
    garbage = rng.integers(0, 1 << 16, values.shape) & ~(((1 << stored) - 1) << place)
    raw = (((values & ((1 << stored) - 1)) << place) | garbage).astype(np.uint16)
    path = make_dicom(tmp_path / "a.dcm", raw, BitsStored=stored, HighBit=high_bit, PixelRepresentation=int(signed))
    np.testing.assert_array_equal(decode(path), values)


def test_short_pixel_data_are_truncated(tmp_path, make_dicom, ramp):
    path = make_dicom(tmp_path / "a.dcm", ramp, PixelData=b"\0" * 22)
    with pytest.raises(ImageFileError, match=r"\(7FE0,0010\) is 22 bytes long; 3 x 4 values need 24.*truncated"):
        decode(path)


def test_cut_jpeg_is_not_filled_with_grey(tmp_path, make_dicom, ramp):
    """libjpeg decodes a stream without its end and pads the image; such a file must not pass."""
    stream = encapsulate([b"\xff\xd8\xff\xe0 half of a picture"])
    path = make_dicom(tmp_path / "a.dcm", ramp.astype(np.uint8), JPEGBaseline8Bit, PixelData=stream)
    with pytest.raises(ImageFileError, match=r"JPEG Baseline.*truncated"):
        decode(path)


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2.4.100", "1.2.840.113619.5.2"], ids=["MPEG-2", "private"])
def test_missing_decoder_names_the_syntax_and_the_extra(tmp_path, make_dicom, ramp, syntax):
    path = make_dicom(tmp_path / "a.dcm", ramp)
    dataset = dcmread(path)
    dataset.file_meta.TransferSyntaxUID = syntax
    pixels = PixelFormat.of(dataset, path)
    with pytest.raises(ImageFileError, match=rf"\({syntax}\).*monai-harmonize\[dicom\]"):
        stored_values(dataset, pixels, path)


@pytest.mark.parametrize("syntax", [JPEG2000Lossless, JPEGBaseline8Bit])
def test_decoders_that_are_not_installed(tmp_path, make_dicom, ramp, syntax, monkeypatch):
    path = make_dicom(tmp_path / "a.dcm", ramp.astype(np.uint8), syntax, PixelData=encapsulate([b"\0\0\xff\xd9"]))

    def no_decoder(_):
        raise RuntimeError("all plugins are missing dependencies")

    monkeypatch.setattr("pydicom.dataset.Dataset.pixel_array", property(no_decoder))
    with pytest.raises(ImageFileError, match=rf"{syntax}.*monai-harmonize\[dicom\].*missing dependencies"):
        decode(path)


def test_damaged_rle_is_reported(tmp_path, make_dicom, ramp):
    path = make_dicom(tmp_path / "a.dcm", ramp, RLELossless, PixelData=encapsulate([b"\0" * 64]))
    with pytest.raises(ImageFileError, match=r"RLE Lossless.*cannot be decoded"):
        decode(path)


def test_compressed_data_have_no_odd_high_bit(tmp_path, make_dicom, ramp):
    data = encapsulate([b"\0" * 64])
    path = make_dicom(tmp_path / "a.dcm", ramp, RLELossless, PixelData=data, BitsStored=12, HighBit=15)
    with pytest.raises(ImageFileError, match=r"HighBit \(0028,0102\) is 15"):
        decode(path)
