"""Gradient correlation in closed form."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from monai_harmonize.losses import gradient_correlation


@given(st.integers(0, 2**31), st.sampled_from([(5, 7), (4, 3, 6)]), st.floats(0.1, 10), st.floats(-3, 3))
def test_brightness_and_contrast_do_not_matter_and_inversion_turns_the_sign(
    seed: int, shape: tuple[int, ...], contrast: float, brightness: float
) -> None:
    rng = torch.Generator().manual_seed(seed)
    image, other = torch.rand(2, 2, 1, *shape, generator=rng)
    found = gradient_correlation(image, other)
    torch.testing.assert_close(gradient_correlation(image, contrast * other + brightness), found, atol=1e-4, rtol=0)
    torch.testing.assert_close(gradient_correlation(-image, other), -found, atol=1e-5, rtol=0)
    torch.testing.assert_close(gradient_correlation(image, image), torch.ones(2), atol=1e-5, rtol=0)


def test_it_is_the_mean_of_the_correlation_coefficients_of_both_directions() -> None:
    image, other = torch.rand(2, 1, 1, 6, 5).unbind(0)
    expected = np.mean([
        np.corrcoef(np.diff(image[0, 0], axis=axis).ravel(), np.diff(other[0, 0], axis=axis).ravel())[0, 1]
        for axis in (0, 1)
    ])  # fmt: skip
    assert float(gradient_correlation(image, other)) == pytest.approx(expected, abs=1e-5)


def test_flat_images_have_no_edges_and_finite_gradients() -> None:
    image = torch.zeros(1, 1, 4, 4, requires_grad=True)
    found = gradient_correlation(image, torch.rand(1, 1, 4, 4))
    assert float(found) == 0
    found.sum().backward()
    assert image.grad.isfinite().all()
