"""A code in the lowest bits is found; an honest pair of curves is not suspected."""

import pytest
import torch
from torch import Tensor

from monai_harmonize.data.errors import InputError
from monai_harmonize.safety.hidden_code import blurred, hidden_code_test

LEVEL = 2 / 255


def batch(shape=(2, 1, 48, 40)) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(3)) * 1.6 - 0.8


def smooth(image: Tensor) -> Tensor:
    for _ in range(20):
        image = blurred(image, 1.0)
    return image


def hide(image: Tensor) -> Tensor:
    """Keeps a blurred image to the eye, and the input's value as an amplitude below half an 8-bit level."""
    coarse = torch.round(smooth(image) / LEVEL) * LEVEL
    return coarse + image * (0.4 * LEVEL)


def reveal(image: Tensor) -> Tensor:
    return (image - torch.round(image / LEVEL) * LEVEL) / (0.4 * LEVEL)


def test_hidden_code_is_found() -> None:
    image = batch()
    found = hidden_code_test(image, hide, reveal)
    assert found.cycle_error < 1e-4
    assert found.quantised > 0.2  # the code is gone, and with it the input
    assert found.ratio > 100
    assert found.amplification > 20


@pytest.mark.parametrize("slope", [0.25, 1.0, 4.0])
def test_honest_pair_amplifies_by_its_own_slope(slope: float) -> None:
    image = batch() * 0.2
    found = hidden_code_test(image, lambda x: slope * x, lambda y: y / slope)
    assert found.cycle_error == pytest.approx(0, abs=1e-6)
    assert found.amplification == pytest.approx(1 / slope, rel=1e-4)


def test_a_pair_that_loses_detail_honestly_is_not_suspected() -> None:
    """Its cycle error is large and a disturbance adds little."""
    found = hidden_code_test(batch(), smooth, lambda y: y)
    assert found.cycle_error > 0.1
    assert found.ratio == pytest.approx(1, abs=0.05)
    assert found.amplification < 5


def test_errors_are_shares_of_the_scale() -> None:
    image = batch()
    one = hidden_code_test(image, lambda x: x, lambda y: y + 0.2)
    same = hidden_code_test((image + 1) / 2, lambda x: x, lambda y: y + 0.1, grey_range=(0.0, 1.0))
    assert one.cycle_error == pytest.approx(0.1, rel=1e-5)
    assert same.cycle_error == pytest.approx(0.1, rel=1e-5)
    assert same.noisy == pytest.approx(one.noisy, rel=1e-5)


def test_noise_is_one_level_and_follows_the_seed() -> None:
    runs = [hidden_code_test(batch((1, 1, 8, 200, 200)), lambda x: x, lambda y: y, seed=s) for s in (0, 0, 1)]
    assert runs[0] == runs[1] != runs[2]
    assert runs[0].noisy == pytest.approx(1 / 255, rel=0.01)
    assert runs[0].quantised == pytest.approx(1 / 255 / 12**0.5, rel=0.02)


def test_blur_keeps_the_mean_and_each_axis_alike() -> None:
    image = torch.zeros(1, 1, 9, 9)
    image[..., 4, 4] = 1
    spread = blurred(image)
    assert spread.sum() == pytest.approx(1)
    torch.testing.assert_close(spread, spread.mT)
    assert spread[0, 0, 4, 3] / spread[0, 0, 4, 4] == pytest.approx(torch.exp(torch.tensor(-2.0)).item())


def test_wrong_batches() -> None:
    with pytest.raises(InputError, match=r"shape \(4, 4\)"):
        hidden_code_test(torch.zeros(4, 4), lambda x: x, lambda y: y)
    with pytest.raises(InputError, match="expected one shape"):
        hidden_code_test(batch(), lambda x: x, lambda y: y[..., 1:])
