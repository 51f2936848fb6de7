"""The curve between stored values and grey levels, in closed form and there and back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from monai_harmonize.data.dicom_greyscale import GreyScale
from monai_harmonize.data.dicom_header import PixelFormat
from monai_harmonize.data.errors import ImageFileError


def pixel_format(bits=12, signed=False):
    return PixelFormat(1, 1, 16 if bits > 8 else 8, bits, bits - 1, signed, monochrome1=False)


def header(**attributes):
    dataset = Dataset()
    dataset.update({"BitsStored": 12, "PixelRepresentation": 0, **attributes})
    return dataset


def lut(keyword, entries, first=0):
    item = Dataset()
    item.LUTDescriptor = [len(entries), first, 16]
    item.LUTData = list(entries)
    dataset = header()
    setattr(dataset, keyword, Sequence([item]))
    return dataset


def test_without_a_modality_lut_the_stored_value_is_the_grey_level():
    scale = GreyScale.of(header(), pixel_format(), "a.dcm")
    assert scale.grey_range == (0, 4095)
    assert scale.to_grey(np.array([[7]], np.uint16)) == 7


def test_rescale():
    scale = GreyScale.of(header(RescaleSlope="2.5", RescaleIntercept="-1024"), pixel_format(12), "a.dcm")
    np.testing.assert_array_equal(scale.to_grey(np.array([0, 10, 4095])), [-1024, -999, 9213.5])
    assert scale.grey_range == (-1024, 9213.5)


def test_falling_slope_keeps_the_range_in_order():
    scale = GreyScale.of(header(RescaleSlope="-1", RescaleIntercept="100"), pixel_format(8), "a.dcm")
    assert scale.grey_range == (-155, 100)


def test_rounding_and_clipping_on_the_way_back():
    scale = GreyScale(pixel_format(8))
    np.testing.assert_array_equal(scale.to_stored(np.array([-3.0, 0.4, 0.6, 254.7, 900.0])), [0, 0, 1, 255, 255])


@given(
    bits=st.integers(1, 16),
    signed=st.booleans(),
    slope=st.floats(1e-3, 1e3).flatmap(lambda slope: st.sampled_from([slope, -slope, 1.0])),
    intercept=st.floats(-3e4, 3e4),
)
def test_every_stored_value_survives_there_and_back(bits, signed, slope, intercept):
    pixels = pixel_format(bits, signed)
    low, high = pixels.stored_range
    attributes = {"RescaleSlope": f"{slope:.10g}", "RescaleIntercept": f"{intercept:.10g}"}
    if abs(intercept) + 2**bits * abs(slope) > abs(slope) * 2**21:
        return  # possibly too fine for float32, see below
    scale = GreyScale.of(header(**attributes), pixels, "a.dcm")
    stored = np.arange(low, high + 1)
    grey = scale.to_grey(stored)
    assert grey.dtype == np.float32
    np.testing.assert_array_equal(scale.to_stored(grey), stored)
    assert (grey.min(), grey.max()) == pytest.approx(scale.grey_range, rel=1e-5, abs=1e-5 * abs(intercept) + 1e-6)


def test_modality_lut_sequence_and_its_ends():
    scale = GreyScale.of(lut("ModalityLUTSequence", [10, 20, 40], first=2), pixel_format(), "a.dcm")
    np.testing.assert_array_equal(scale.to_grey(np.array([0, 2, 3, 4, 4095])), [10, 10, 20, 40, 40])
    assert scale.grey_range == (10, 40)


def test_modality_lut_goes_back_to_the_nearest_entry():
    scale = GreyScale.of(lut("ModalityLUTSequence", [10, 20, 40]), pixel_format(), "a.dcm")
    grey = np.array([0.0, 14.0, 16.0, 29.0, 31.0, 99.0])
    np.testing.assert_array_equal(scale.to_grey(scale.to_stored(grey)), [10, 10, 20, 20, 40, 40])


def test_falling_modality_lut_goes_back():
    scale = GreyScale.of(lut("ModalityLUTSequence", [40, 20, 10]), pixel_format(), "a.dcm")
    np.testing.assert_array_equal(scale.to_stored(np.array([40.0, 20.0])), [0, 1])


def test_voi_only_on_request():
    dataset = header(WindowCenter="1000.5", WindowWidth="1001", PhotometricInterpretation="MONOCHROME2")
    dataset.update({"BitsAllocated": 16})
    plain = GreyScale.of(dataset, pixel_format(), "a.dcm")
    assert plain.to_grey(np.array([3000])) == 3000
    viewed = GreyScale.of(dataset, pixel_format(), "a.dcm", apply_voi=True)
    # PS3.3 C.11.2.1.2: flat below c - 0.5 - (w - 1) / 2 = 500 and above 1500, linear between.
    np.testing.assert_allclose(viewed.to_grey(np.array([0, 500, 1000, 1500, 4095])), [0, 0, 2047.5, 4095, 4095])


def test_voi_lut_sequence_follows_the_rescale():
    dataset = lut("VOILUTSequence", [5, 6, 9])
    dataset.update({"RescaleSlope": "2", "RescaleIntercept": "0"})
    scale = GreyScale.of(dataset, pixel_format(), "a.dcm", apply_voi=True)
    np.testing.assert_array_equal(scale.to_grey(np.array([0, 1, 2])), [5, 9, 9])


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        ({"RescaleSlope": "0"}, r"RescaleSlope \(0028,1053\) is 0"),
        ({"RescaleSlope": "1e-6", "RescaleIntercept": "1000"}, "too fine for float32"),
        ({"RescaleIntercept": float("inf")}, r"RescaleIntercept \(0028,1052\) is inf"),
    ],
)
def test_useless_rescale_is_refused(attributes, reason):
    with pytest.raises(ImageFileError, match=reason):
        GreyScale.of(header(**attributes), pixel_format(), "a.dcm")


@pytest.mark.parametrize("entries", [[7, 7, 7], []], ids=["constant", "empty"])
def test_useless_modality_lut_is_refused(entries):
    with pytest.raises(ImageFileError, match="LUT"):
        GreyScale.of(lut("ModalityLUTSequence", entries), pixel_format(), "a.dcm")
