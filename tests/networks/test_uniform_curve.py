"""Evenly spaced knots: the same curve as a search finds, in order also where floats round."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from monai_harmonize.networks.site_tone_curve import piecewise_linear
from monai_harmonize.networks.uniform_curve import uniform_curve

SLOPES = st.lists(st.floats(0.25, 4.0), min_size=1, max_size=40)


@given(SLOPES, st.floats(-5, 5), st.floats(-1500, 3000), st.floats(0.1, 5000), st.integers(0, 2**32 - 1))
def test_it_is_numpys_interpolation(slopes, start, lowest, width, seed) -> None:
    knots = np.linspace(lowest, lowest + width, len(slopes) + 1)
    values = start + np.concatenate([[0], np.cumsum(slopes)])
    image = np.random.default_rng(seed).uniform(knots[0], knots[-1], (2, 1, 5, 7))
    found = uniform_curve(torch.from_numpy(image), torch.from_numpy(knots), torch.from_numpy(values))
    np.testing.assert_allclose(found.numpy(), np.interp(image, knots, values), rtol=1e-9, atol=1e-9)


def test_outer_segments_go_on() -> None:
    curve = uniform_curve(torch.tensor([-3.0, 3.0]), torch.tensor([-1.0, 0.0, 1.0]), torch.tensor([-2.0, 0.0, 0.5]))
    assert curve.tolist() == [-6.0, 1.5]


def test_each_image_of_a_batch_has_its_own_curve() -> None:
    torch.manual_seed(0)
    image, knots = 2 * torch.rand(3, 1, 6, 5, 4) - 1, torch.linspace(-1, 1, 9)
    values = torch.rand(3, 9).cumsum(1)
    whole = uniform_curve(image, knots, values)
    for one, curve, found in zip(image, values, whole, strict=True):
        torch.testing.assert_close(found, piecewise_linear(one, knots, curve))


def test_not_a_number_stays_and_harms_no_other_pixel() -> None:
    image = torch.tensor([float("nan"), 0.5, float("inf"), -float("inf")])
    found = uniform_curve(image, torch.tensor([-1.0, 1.0]), torch.tensor([-2.0, 2.0]))
    assert found.isnan().tolist() == [True, False, False, False]
    assert found[1:].tolist() == [1.0, float("inf"), -float("inf")]


@pytest.mark.parametrize("bits", [8, 12, 16])
def test_no_two_levels_of_a_file_merge_at_the_smallest_slope(bits: int) -> None:
    levels = torch.linspace(-1, 1, 2**bits)
    values = 2.0 + 0.25 * torch.linspace(-1, 1, 128)
    assert (uniform_curve(levels, torch.linspace(-1, 1, 128), values).diff() > 0).all()


def test_gradients_are_those_of_the_curve() -> None:
    torch.manual_seed(0)
    image = (2 * torch.rand(2, 1, 3, 4, dtype=torch.float64) - 1).requires_grad_()
    values = torch.rand(2, 5, dtype=torch.float64).cumsum(1).requires_grad_()
    knots = torch.linspace(-1, 1, 5, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda x, v: uniform_curve(x, knots, v), (image, values))
