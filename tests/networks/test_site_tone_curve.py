"""One curve for a site: numpy's interpolation, strictly increasing, exactly undone."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from monai.networks.utils import convert_to_onnx

from monai_harmonize.networks.site_tone_curve import SiteToneCurve, piecewise_linear

sys.path.insert(0, str(Path(__file__).parent))
from adversarial import images, make_image

RANGES = st.sampled_from([(-1.0, 1.0), (0.0, 255.0), (0.0, 4095.0), (0.0, 65535.0), (-1024.0, 3071.0)])


def random_curve(seed: int, grey_range: tuple[float, float] = (-1.0, 1.0), num_knots: int = 33) -> SiteToneCurve:
    """Slopes anywhere within the bounds, often at them."""
    draws = np.random.default_rng(seed)
    slopes = np.clip(np.exp(draws.normal(scale=1.5, size=num_knots - 1)), 0.25, 4)
    knots = np.linspace(*grey_range, num_knots)
    start = grey_range[0] + draws.uniform(-0.5, 0.5) * (grey_range[1] - grey_range[0])
    curve = SiteToneCurve(num_knots, grey_range=grey_range)
    curve.set_knots(knots, start + np.concatenate([[0], np.cumsum(slopes * np.diff(knots))]))
    return curve


@given(st.integers(0, 2**31), RANGES)
def test_it_is_numpys_interpolation_and_can_be_undone(seed, grey_range) -> None:
    curve, (low, high) = random_curve(seed, grey_range), grey_range
    image = torch.from_numpy(np.random.default_rng(seed).uniform(low, high, (1, 9, 11))).float()
    expected = np.interp(image.double(), curve.source_levels.double(), curve.target_levels.double())
    unit = (high - low) * 1e-6
    np.testing.assert_allclose(curve(image), expected, atol=4 * unit)
    np.testing.assert_allclose(curve.inverse(curve(image)), image, atol=16 * unit)


@given(st.integers(0, 2**31), st.sampled_from([8, 12, 16]))
def test_no_two_levels_of_a_file_merge(seed, bits) -> None:
    low, high = 0.0, 2.0**bits - 1
    rises = random_curve(seed, (low, high))(torch.arange(2**bits).float()).diff()
    assert rises.min() >= 0.25 - 0.05
    assert rises.max() <= 4 + 0.05


@given(images(), st.integers(0, 2**31))
def test_order_level_sets_and_gradient_directions_are_kept(image, seed) -> None:
    output = random_curve(seed)(image)
    for axis in range(2, image.ndim):
        assert torch.equal(image.diff(dim=axis).sign(), output.diff(dim=axis).sign())
    order = image.flatten().argsort()
    steps, rises = image.flatten()[order].diff(), output.flatten()[order].diff()
    assert torch.equal(steps == 0, rises == 0)
    assert (rises >= 0).all()


def test_it_is_the_identity_until_knots_are_set_and_goes_on_beyond_them() -> None:
    image = make_image("beyond", (8, 9), 1, 0)
    torch.testing.assert_close(SiteToneCurve()(image), image, atol=1e-6, rtol=0)
    curve = SiteToneCurve(3)
    curve.set_knots([-1, 0, 1], [-1, 0, 0.5])
    torch.testing.assert_close(curve(torch.tensor([-3.0, -0.5, 0.5, 3.0])), torch.tensor([-3.0, -0.5, 0.25, 1.5]))
    torch.testing.assert_close(curve.inverse(torch.tensor([-3.0, 1.5])), torch.tensor([-3.0, 3.0]))


def test_stretch_is_taken_out_of_the_slopes() -> None:
    curve = SiteToneCurve(3, grey_range=(0, 4095))
    curve.set_knots([0, 2000, 4000], [0, 16000, 64000], stretch=16)
    torch.testing.assert_close(curve.slopes, torch.tensor([0.5, 1.5], dtype=torch.float64))
    with pytest.raises(ValueError, match=r"slopes lie in \[8, 24\]; expected \[0.25, 4\]"):
        curve.set_knots([0, 2000, 4000], [0, 16000, 64000])


def test_the_curve_is_part_of_the_state() -> None:
    curve, other = random_curve(3), SiteToneCurve(33)
    other.load_state_dict(curve.state_dict())
    image = make_image("noise", (5, 6), 1, 0)
    assert torch.equal(other(image), curve(image))


def test_it_exports() -> None:
    curve, image = random_curve(1), make_image("noise", (33, 20), 1, 0)
    scripted = torch.jit.script(curve)
    assert torch.equal(scripted(image), curve(image))
    assert torch.equal(scripted.inverse(image), curve.inverse(image))
    convert_to_onnx(curve, [image], verify=True, use_ort=True, dynamo=False, rtol=1e-4, atol=1e-5)


def test_any_knots_will_do_for_the_search() -> None:
    knots, values = np.array([-1, -0.9, 0.3, 1.0]), np.array([0.0, 0.3, 0.9, 1.5])
    image = np.random.default_rng(0).uniform(-1, 1, (4, 5))
    found = piecewise_linear(*(torch.from_numpy(array) for array in (image, knots, values)))
    np.testing.assert_allclose(found, np.interp(image, knots, values))


@pytest.mark.parametrize(
    ("source", "target", "message"),
    [
        ([-1, 1], [-1, 1], r"\(2,\) source levels given; expected 3"),
        ([-1, 0, 1], [-1, 0, 0], "target levels do not increase"),
        ([-1, 0, float("nan")], [-1, 0, 1], "source levels do not increase"),
        ([-1, 0.5, 1], [-1, 0, 1], "source levels are not evenly spaced"),
        ([-1, 0, 1], [-1, 0, 5], r"slopes lie in \[1, 5\]; expected \[0.25, 4\]"),
        ([-1, 0, 1], [-1, 0, 0.1], r"slopes lie in \[0.1, 1\]"),
    ],
)
def test_wrong_knots_are_refused_and_change_nothing(source, target, message) -> None:
    curve = SiteToneCurve(3)
    with pytest.raises(ValueError, match=message):
        curve.set_knots(source, target)
    assert curve.target_levels.tolist() == [-1, 0, 1]


@pytest.mark.parametrize(
    ("options", "message"),
    [({"num_knots": 1}, "num_knots is 1"), ({"slope_range": (2, 4)}, r"slope_range is \(2, 4\)")],
)
def test_wrong_options_are_named(options, message) -> None:
    with pytest.raises(ValueError, match=message):
        SiteToneCurve(**options)


def test_a_large_image_in_pieces_is_the_same_bit_by_bit() -> None:
    curve = SiteToneCurve(num_knots=32)
    knots = torch.linspace(-1, 1, 32, dtype=torch.float64)
    curve.set_knots(knots, 0.8 * knots**3 / 2 + 0.5 * knots)
    image = torch.rand(1, 1, 700, 800, generator=torch.Generator().manual_seed(0)) * 2.4 - 1.2
    rows = torch.cat([curve(row) for row in image.split(1, dim=2)], dim=2)
    assert torch.equal(curve(image), rows)
    assert torch.equal(curve(image.transpose(2, 3)), rows.transpose(2, 3))
    assert torch.equal(torch.jit.script(curve)(image), rows)
