"""Lookup tables of presentation states, against their closed form."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset

from monai_harmonize.data.dicom_greyscale import GreyScale
from monai_harmonize.data.dicom_header import PixelFormat
from monai_harmonize.data.errors import InputError
from monai_harmonize.data.presentation_lut import PresentationLUT, harmonized_levels
from monai_harmonize.networks.site_tone_curve import SiteToneCurve

LEVELS = np.arange(256, dtype=np.float32)
META = {"grey_range": (0, 255), "polarity_turned": False}


def pixels(bits=12, signed=False):
    return PixelFormat(4, 4, 16, bits, bits - 1, signed, False)


def table(curve, scale, turned=False, grey_range=None, **header):
    dataset = Dataset()
    dataset.update(header)
    meta = {"grey_range": grey_range or scale.grey_range, "polarity_turned": turned}
    return PresentationLUT.of(curve, dataset, scale, meta)


def brighter(levels):
    """Bright levels grow together, dark ones spread: not symmetric, so a wrong polarity shows."""
    return 1 - (1 - levels) ** 2 / 2


@given(bits=st.integers(2, 16), turned=st.booleans())
def test_identity_is_a_ramp_over_all_values(bits, turned):
    lut = table(lambda levels: levels, GreyScale(pixels(bits)), turned)
    assert (lut.slope, lut.intercept, lut.first, lut.unit) == (1, 0, 0, "US")
    assert lut.entries.dtype == np.uint16
    assert np.abs(lut.entries - np.linspace(0, 65535, 2**bits)).max() <= 1


@pytest.mark.parametrize("turned", [False, True])
def test_the_curve_is_defined_on_bright_is_dense(turned):
    lut = table(brighter, GreyScale(pixels()), turned)
    levels = np.linspace(-1, 1, 4096)
    expected = -brighter(-levels) if turned else brighter(levels)
    entries = np.pad(lut.entries, (lut.first, 4096 - lut.first - len(lut.entries)), mode="edge")
    np.testing.assert_allclose(entries, (expected + 1) / 2 * 65535, atol=1)
    assert len(lut.entries) < 4096  # the flat end of the curve is left out


def test_a_module_serves_as_curve():
    curve = SiteToneCurve(num_knots=3)
    curve.set_knots([-1, 0, 1], [-1, -0.5, 1])
    lut = table(curve, GreyScale(pixels(8)))
    np.testing.assert_allclose(lut.entries[[0, 51, 255]], [0, 6553.5, 65535], atol=1)


def test_hounsfield_units_keep_their_scale_and_window():
    header = {"Modality": "CT", "WindowCenter": 40, "WindowWidth": 400}
    lut = table(lambda levels: levels, GreyScale(pixels(12), 1, -1024), **header)
    assert (lut.slope, lut.intercept, lut.unit) == (1, -1024, "HU")
    assert (lut.first, len(lut.entries)) == (-160, 400)  # C.11.2.1.2.1: from 39.5 - 399/2 to 39.5 + 399/2
    np.testing.assert_allclose(lut.entries, np.linspace(0, 65535, 400), atol=1)


def test_a_narrower_range_is_clipped_as_in_the_image():
    lut = table(lambda levels: levels, GreyScale(pixels(12), 1, -1024), grey_range=(-200, 200), Modality="CT")
    assert (lut.first, len(lut.entries)) == (-200, 401)
    np.testing.assert_allclose(lut.entries[[0, -1]] / 65535 * 4095 - 1024, [-200, 200], atol=0.1)


@pytest.mark.parametrize(
    "scale",
    [
        GreyScale(pixels(16, signed=True), 1, -1024),  # more values than a signed descriptor counts
        GreyScale(pixels(16), 3, 5),
        GreyScale(pixels(12), 1, -40000),
        GreyScale(pixels(12, signed=True), 0.25, 7.5),
        GreyScale(pixels(8), -0.5, 3),
        GreyScale(pixels(8, signed=True), table=np.linspace(0, 1, 256).astype(np.float32) ** 2),
    ],
    ids=["many", "long", "far", "fraction", "falling", "table"],
)
def test_other_scales_become_one_entry_per_stored_value(scale):
    lut = table(lambda levels: levels, scale)
    low, high = scale.pixels.stored_range
    assert (lut.slope, lut.intercept, lut.unit, lut.first) == (1, -low, "US", 0)
    grey = scale.to_grey(np.arange(low, high + 1))
    expected = (grey - grey.min()) / (grey.max() - grey.min()) * 65535
    entries = np.pad(lut.entries, (0, len(expected) - len(lut.entries)), mode="edge")
    np.testing.assert_allclose(entries, expected, atol=1)


@given(exponent=st.floats(0.4, 2.5), turned=st.booleans())
def test_entries_never_fall(exponent, turned):
    lut = table(lambda levels: 2 * ((levels + 1) / 2) ** exponent - 1, GreyScale(pixels()), turned)
    assert (np.diff(lut.entries.astype(int)) >= 0).all()
    assert lut.entries[0] == 0
    assert lut.entries[-1] == 65535


@pytest.mark.parametrize(
    ("curve", "reason"),
    [
        (lambda levels: -levels, "not increasing"),
        (lambda levels: torch.sin(5 * levels), "not increasing"),
        (lambda levels: levels * 0, "not increasing"),
        (lambda levels: levels / 0, "not finite"),
        (lambda levels: levels[::2], "another number"),
    ],
    ids=["falling", "wave", "constant", "infinite", "shape"],
)
def test_what_is_no_tone_curve(curve, reason):
    with pytest.raises(InputError, match=reason):
        harmonized_levels(LEVELS, curve, GreyScale(pixels(8)), META)


def test_numpy_curves_will_do():
    levels = harmonized_levels(LEVELS, lambda x: np.interp(x, [-1, 0, 1], [-1, 0.5, 3]), GreyScale(pixels(8)), META)
    assert levels[[0, 255]].tolist() == [0, 255]
    assert levels.dtype == np.float32
