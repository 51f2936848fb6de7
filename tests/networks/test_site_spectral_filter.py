"""One radial gain for a site: real, positive, bounded, and of physical frequency."""

import math
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from monai_harmonize.networks.site_spectral_filter import SiteSpectralFilter, radial_frequency

sys.path.insert(0, str(Path(__file__).parent))
from adversarial import images

SPACING = (0.5, 0.5, 0.5)


def random_filter(seed: int, per_millimetre: bool = True, margin: float = 0.0) -> SiteSpectralFilter:
    """Gains anywhere within the bounds, often at them."""
    gain = np.clip(np.exp(np.random.default_rng(seed).normal(size=25)), 0.5, 2)
    network = SiteSpectralFilter(25, margin=margin)
    network.set_gain(2.0 ** np.linspace(-6, 3, 25), gain, per_millimetre)
    return network


@given(images(), st.integers(0, 2**31), st.booleans())
def test_every_coefficient_is_multiplied_by_a_gain_within_bounds(image, seed, per_millimetre) -> None:
    output = random_filter(seed, per_millimetre)(image, SPACING[: image.ndim - 2])
    axes = list(range(2, image.ndim))
    before, after = (torch.fft.fftn(one.double(), dim=axes) for one in (image, output))
    told = before.abs() > 1e-4 * image[0].numel()
    gain = (after / torch.where(told, before, 1))[told]
    assert gain.imag.abs().max() < 2e-2 if len(gain) else True
    assert ((gain.real > 0.5 - 2e-2) & (gain.real < 2 + 2e-2)).all()
    torch.testing.assert_close(output.mean(), image.mean(), atol=1e-5, rtol=0)
    assert output.shape == image.shape


@given(images(), st.floats(0, 0.5))
def test_it_is_the_identity_until_a_gain_is_set(image, margin) -> None:
    output = SiteSpectralFilter(margin=margin)(image)
    torch.testing.assert_close(output, image, atol=1e-5, rtol=0)


@given(st.integers(0, 2**31), st.floats(-1, 1), st.sampled_from([(7, 12), (1, 9), (5, 6, 7)]))
def test_a_constant_stays(seed, level, size) -> None:
    image = torch.full((1, 1, *size), level)
    output = random_filter(seed, margin=0.2)(image, SPACING[: len(size)])
    torch.testing.assert_close(output, image, atol=1e-5, rtol=0)


def wave(size: tuple[int, int], cycles: tuple[int, int], phase: float = 0.4) -> Tensor:
    axes = [2 * math.pi * n * torch.arange(length) / length for n, length in zip(cycles, size, strict=True)]
    return torch.cos(axes[0][:, None] + axes[1] + phase)[None, None]


@pytest.mark.parametrize("cycles", [(3, 0), (0, 5), (4, -2)])
@pytest.mark.parametrize("per_millimetre", [True, False])
def test_a_sinusoid_is_scaled_by_the_gain_at_its_frequency_and_not_moved(cycles, per_millimetre) -> None:
    size, spacing = (40, 48), (0.5, 0.25)
    image, network = wave(size, cycles), random_filter(1, per_millimetre)
    steps = spacing if per_millimetre else (1 / 40, 1 / 40)
    frequency = math.hypot(*(n / (length * step) for n, length, step in zip(cycles, size, steps, strict=True)))
    gain = np.interp(np.log2(frequency), np.log2(network.frequencies), network.gain)
    torch.testing.assert_close(network(image, spacing), float(gain) * image, atol=2e-5, rtol=0)


def test_beyond_the_knots_nothing_changes() -> None:
    network = SiteSpectralFilter(3, margin=0.0)
    network.set_gain([2, 3, 4], [2, 2, 2], per_millimetre=False)
    for cycles, gain in ((1, 1.0), (3, 2.0), (9, 1.0)):
        image = wave((32, 32), (cycles, 0))
        torch.testing.assert_close(network(image), gain * image, atol=1e-5, rtol=0)


def test_an_impulse_spreads_evenly_to_all_sides() -> None:
    image = torch.zeros(1, 1, 33, 33)
    image[..., 16, 16] = 1
    spread = random_filter(2)(image, (0.5, 0.5))
    assert not torch.allclose(spread, image, atol=0.01)
    for mirrored in (spread.flip(2), spread.flip(3), spread.mT):
        torch.testing.assert_close(mirrored, spread, atol=1e-6, rtol=0)
    assert float(spread.sum()) == pytest.approx(1, abs=1e-4)


def test_a_gain_per_mm_holds_at_every_resolution_and_one_per_side_for_every_spacing() -> None:
    coarse, fine = wave((32, 32), (3, 2)), wave((128, 128), (3, 2))
    physical = random_filter(4)
    torch.testing.assert_close(physical(fine, (0.25, 0.25))[..., ::4, ::4], physical(coarse, (1.0, 1.0)))
    relative = random_filter(4, per_millimetre=False)
    torch.testing.assert_close(relative(fine)[..., ::4, ::4], relative(coarse, (7.0, 7.0)), atol=1e-5, rtol=0)
    assert not torch.allclose(physical(coarse, (1.0, 1.0)), physical(coarse, (0.3, 0.3)), atol=0.01)


def test_opposite_edges_do_not_mix() -> None:
    image = torch.cat([torch.zeros(1, 1, 64, 32), torch.ones(1, 1, 64, 32)], dim=3)
    network = SiteSpectralFilter(2, margin=0.25)
    network.set_gain([8, 32], [0.5, 0.5], per_millimetre=False)
    output = network(image)
    bare = SiteSpectralFilter(2, margin=0.0)
    bare.load_state_dict(network.state_dict())
    assert (output[..., 0] - image[..., 0]).abs().max() < 0.05
    assert (bare(image)[..., 0] - image[..., 0]).abs().max() > 0.15


def test_frequencies_are_those_of_numpy() -> None:
    rows, columns = np.fft.fftfreq(9, 0.3), np.fft.rfftfreq(8, 0.7)
    expected = np.hypot(rows[:, None], columns)
    np.testing.assert_allclose(radial_frequency((9, 8), (0.3, 0.7)), expected, rtol=1e-6)


def test_a_gain_per_mm_needs_the_spacing() -> None:
    with pytest.raises(ValueError, match="the image has no pixel spacing"):
        random_filter(0)(torch.zeros(1, 1, 8, 8))


@pytest.mark.parametrize(
    ("frequencies", "gain", "message"),
    [
        ([1, 2], [1, 1], r"\(2,\) frequencies and \(2,\) gains; expected \(3,\)"),
        ([0, 1, 2], [1, 1, 1], "do not increase from above 0"),
        ([1, 3, 2], [1, 1, 1], "do not increase from above 0"),
        ([1, 2, 3], [1, 1, 2.5], r"gains lie in \[1, 2.5\]; expected \[0.5, 2\]"),
        ([1, 2, 3], [1, 1, float("nan")], r"gains lie in \[nan, nan\]"),
    ],
)
def test_wrong_gains_are_refused_and_change_nothing(frequencies, gain, message) -> None:
    network = SiteSpectralFilter(3)
    with pytest.raises(ValueError, match=message):
        network.set_gain(frequencies, gain, per_millimetre=False)
    assert network.gain.tolist() == [1, 1, 1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"gain_range": (1.5, 2)}, r"gain_range is \(1.5, 2\)"),
        ({"num_knots": 1}, "num_knots is 1"),
        ({"margin": -1}, "margin -1"),
    ],
)
def test_wrong_options_are_named(options, message) -> None:
    with pytest.raises(ValueError, match=message):
        SiteSpectralFilter(**options)
