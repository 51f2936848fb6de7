"""The best grid: found again where one made the output, smooth where nothing is known."""

import numpy as np
import pytest
import torch
from scipy.optimize import lsq_linear

from monai_harmonize.metrics import bilateral_grid_fit
from monai_harmonize.metrics.bilateral_grid_fit import neighbours, node_products
from monai_harmonize.networks.bilateral_grid import apply_bilateral_grid, segment_rises


def random_grid(size: tuple[int, ...], levels: int) -> tuple[torch.Tensor, torch.Tensor]:
    draws = torch.Generator().manual_seed(0)
    slopes = 0.4 + 2 * torch.rand(1, levels, *size, generator=draws)
    return slopes, torch.rand(1, 1, *size, generator=draws) - 0.5


@pytest.mark.parametrize("size", [(30, 41), (14, 15, 16)])
def test_the_linear_system_is_the_grid_itself(size) -> None:
    grid_size, levels = 3, 4
    slopes, offset = random_grid((grid_size,) * len(size), levels)
    image = 2 * torch.rand(1, 1, *size) - 1
    places = [np.arange(length) * (grid_size - 1) / (length - 1) for length in size]
    rises = segment_rises(image.flatten().double(), levels).T.numpy()
    system = node_products(places, np.column_stack([rises, np.ones(len(rises))]), grid_size)
    unknowns = torch.cat([slopes, offset], dim=1)[0].movedim(0, -1).flatten().double().numpy()
    exact = apply_bilateral_grid(image, slopes, offset).flatten().numpy()
    np.testing.assert_allclose(system @ unknowns, exact, atol=1e-5)


def test_differences_of_neighbours_are_squared_and_summed() -> None:
    values = np.arange(9.0) ** 2
    grid = values.reshape(3, 3)
    expected = (np.diff(grid, axis=0) ** 2).sum() + (np.diff(grid, axis=1) ** 2).sum()
    assert values @ (neighbours(3, 2) @ values) == pytest.approx(expected)


def test_it_is_as_good_as_an_exact_solver() -> None:
    draws = torch.Generator().manual_seed(1)
    image = 2 * torch.rand(24, 20, generator=draws) - 1
    output = torch.sin(4 * image) + torch.linspace(-1, 1, 20) + 0.1 * torch.randn(24, 20, generator=draws)
    slopes, offset = bilateral_grid_fit(image, output, 2, 3, smoothness=1e-4)
    found = apply_bilateral_grid(image[None, None], slopes, offset)[0, 0]
    places = [np.linspace(0, 1, length) for length in image.shape]
    rises = segment_rises(image.flatten().double(), 3).T.numpy()
    system = node_products(places, np.column_stack([rises, np.ones(len(rises))]), 2).toarray()
    bounds = np.tile([0.25] * 3 + [-np.inf], 4), np.tile([4.0] * 3 + [np.inf], 4)
    exact = lsq_linear(system, output.flatten().double().numpy(), bounds)
    best = 2 * exact.cost / output.numel()
    assert float((found - output).square().mean()) == pytest.approx(best, rel=0.01)


def test_where_a_level_is_absent_its_slope_is_that_of_the_neighbours() -> None:
    """The left half holds dark pixels only, the right half all."""
    image = 2 * torch.rand(64, 64, generator=torch.Generator().manual_seed(0)) - 1
    image[:32] = -image[:32].abs()
    slopes, _ = bilateral_grid_fit(image, torch.where(image > 0, 3 * image, 0.5 * image), 4, 2)
    torch.testing.assert_close(slopes[0, 1], torch.full((4, 4), 3.0), atol=0.02, rtol=0)
    torch.testing.assert_close(slopes[0, 0], torch.full((4, 4), 0.5), atol=0.02, rtol=0)


def test_shapes_must_agree() -> None:
    with pytest.raises(ValueError, match="shapes"):
        bilateral_grid_fit(torch.zeros(4, 4), torch.zeros(4, 5))
