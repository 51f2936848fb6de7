"""Guarantee class G1: increasing at every place, and no more contrast added than the grid's bound."""

import sys
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from monai.networks.utils import convert_to_onnx
from torch import Tensor

from monai_harmonize.networks import BilateralGridGenerator
from monai_harmonize.networks.bilateral_grid import added_contrast_bound, apply_bilateral_grid

sys.path.insert(0, str(Path(__file__).parent))
from adversarial import adversarial, images, make_image, slope_ranges, weights

LEVEL = 1 / 32768  # of 16 bits


def make(image: Tensor, weight: tuple[float, int] = (1.0, 0), **options) -> BilateralGridGenerator:
    return adversarial(BilateralGridGenerator(image.ndim - 2, **{"grid_size": 4, **options}), *weight)


@given(images(), weights, slope_ranges, st.sampled_from([LEVEL, 1e-3, 0.1, 1.0]), st.integers(1, 9))
def test_at_every_place_the_slope_is_within_bounds(image, weight, slope_range, step, num_levels) -> None:
    slopes, offset = make(image, weight, slope_range=slope_range, num_levels=num_levels).grid(image)
    assert slopes.min() >= slope_range[0]
    assert slopes.max() <= slope_range[1]
    higher = image + step
    rise = apply_bilateral_grid(higher, slopes, offset) - apply_bilateral_grid(image, slopes, offset)
    assert (rise > 0).all()
    assert (rise >= slope_range[0] * (higher - image) - 5e-6).all()
    assert (rise <= slope_range[1] * (higher - image) + 5e-6).all()


@given(images(), weights, st.floats(-3, 3), st.integers(1, 9), st.integers(2, 7))
def test_the_bound_of_added_contrast_is_never_exceeded(image, weight, grey, num_levels, grid_size) -> None:
    """Beside its own contrast times some slope within bounds, which at one grey level is nothing."""
    generator = make(image, weight, num_levels=num_levels, grid_size=grid_size)
    (slopes, offset), bound = generator.grid(image), generator.added_contrast_bound(image)
    flat = torch.full_like(image, grey)
    per_image = bound.view(-1, *[1] * (image.ndim - 1))
    for picture in (image, flat):
        output = apply_bilateral_grid(picture, slopes, offset)
        for axis in range(2, image.ndim):
            change, own = output.diff(dim=axis), picture.diff(dim=axis)
            least, most = torch.minimum(0.25 * own, 4 * own), torch.maximum(0.25 * own, 4 * own)
            added = torch.maximum(change - most, least - change)
            assert (added <= per_image + 1e-5).all()


@given(weights, st.integers(0, 2**31), st.floats(-1.2, 1.2))
def test_the_bound_holds_for_the_gradient_in_its_euclidean_norm(weight, seed, grey) -> None:
    image = make_image("noise", (15, 22), 1, seed)
    generator = make(image, weight)
    slopes, offset = generator.grid(image)
    shades = apply_bilateral_grid(torch.full_like(image, grey), slopes, offset)[0, 0]
    norm = (shades.diff(dim=0)[:, :-1].square() + shades.diff(dim=1)[:-1].square()).sqrt()
    assert norm.max() <= generator.added_contrast_bound(image)[0] + 1e-5


def test_the_bound_is_reached_and_in_closed_form() -> None:
    """An offset that grows by 1 over 10 pixels of 0.5 mm, with all slopes alike."""
    slopes = torch.ones(1, 3, 2, 2)
    offset = torch.tensor([[0.0, 0.0], [1.0, 1.0]])[None, None]
    torch.testing.assert_close(added_contrast_bound(slopes, offset, [11, 5], [1.0, 1.0]), torch.tensor([0.1]))
    torch.testing.assert_close(added_contrast_bound(slopes, offset, [11, 5], [0.5, 0.5]), torch.tensor([0.2]))
    shades = apply_bilateral_grid(torch.full((1, 1, 11, 5), 0.3), slopes, offset)
    torch.testing.assert_close(shades.diff(dim=2), torch.full((1, 1, 10, 5), 0.1))
    # Slopes that differ by 1 across the image lie apart most at the ends of the range, by 1 there.
    slopes = torch.stack([torch.ones(2), 2 * torch.ones(2)]).expand(1, 3, 2, 2)
    bound = added_contrast_bound(slopes, torch.zeros(1, 1, 2, 2), [11, 5], [1.0, 1.0])
    torch.testing.assert_close(bound, torch.tensor([0.1]))
    ends = apply_bilateral_grid(torch.ones(1, 1, 11, 5), slopes, torch.zeros(1, 1, 2, 2))
    torch.testing.assert_close(ends.diff(dim=2), torch.full((1, 1, 10, 5), 0.1))


def test_a_finer_raster_has_a_smaller_bound_per_pixel_and_the_same_per_mm() -> None:
    image = make_image("noise", (16, 16), 1, 0)
    generator = make(image, (0.3, 5))
    finer = image.repeat_interleave(4, 2).repeat_interleave(4, 3)
    coarse, fine = (generator.added_contrast_bound(one) for one in (image, finer))
    torch.testing.assert_close(fine, coarse * 15 / 63, rtol=1e-3, atol=0)
    coarse, fine = (generator.added_contrast_bound(i, [mm, mm]) for i, mm in ((image, 1.0), (finer, 15 / 63)))
    torch.testing.assert_close(fine, coarse, rtol=1e-3, atol=0)


def test_one_column_of_nodes_is_the_integral_of_its_slopes() -> None:
    slopes = torch.tensor([0.5, 2.0, 1.0, 4.0]).view(1, 4, 1, 1).expand(1, 4, 2, 2)
    levels = torch.tensor([-2.0, -1.0, -0.5, 0.0, 0.25, 0.5, 1.0, 2.0]).view(1, 1, 1, 8)
    found = apply_bilateral_grid(levels, slopes, torch.full((1, 1, 2, 2), 0.1)).flatten()
    expected = torch.tensor([-2.25, -1.25, -1.0, 0.0, 0.25, 0.5, 2.5, 3.5]) + 0.1
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("size", [(17, 40), (9, 8, 5), (1, 1)])
def test_untrained_it_is_the_identity(size) -> None:
    image = make_image("beyond", size, 2, 0)
    network = BilateralGridGenerator(len(size))
    torch.testing.assert_close(network(image), image, atol=2e-6, rtol=0)
    torch.testing.assert_close(network.added_contrast_bound(image), torch.zeros(2), atol=1e-5, rtol=0)


def test_places_differ_and_every_parameter_gets_a_gradient() -> None:
    image = make_image("noise", (40, 40), 2, 0)
    generator = make(image, (0.5, 1)).requires_grad_(True)
    shades = apply_bilateral_grid(torch.zeros_like(image), *generator.grid(image))
    assert shades[0].std() > 0.1
    (generator(image) - image**3).abs().mean().backward()
    assert all(parameter.grad is not None and parameter.grad.abs().sum() > 0 for parameter in generator.parameters())


@pytest.mark.parametrize("size", [(33, 47), (9, 12, 7)])
def test_it_exports_to_torchscript(size) -> None:
    image = make_image("noise", size, 2, 0)
    generator = make(image)
    scripted = torch.jit.script(generator)
    torch.testing.assert_close(scripted(image), generator(image))
    torch.testing.assert_close(scripted.grid(image), generator.grid(image))
    torch.testing.assert_close(scripted.added_contrast_bound(image), generator.added_contrast_bound(image))


@pytest.mark.long
@pytest.mark.parametrize(("size", "dynamo"), [((33, 47), True), ((33, 47), False), ((9, 12, 7), False)])
def test_it_exports_to_onnx(size, dynamo) -> None:
    image = make_image("noise", size, 1, 0)
    convert_to_onnx(make(image, (0.3, 0)), [image], verify=True, use_ort=True, dynamo=dynamo, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"spatial_dims": 4}, "spatial_dims is 4"),
        ({"grid_size": 1}, "grid_size is 1"),
        ({"num_levels": 0}, "num_levels 0"),
        ({"slope_range": (2.0, 4.0)}, r"slope_range is \(2, 4\)"),
    ],
)
def test_wrong_options_are_named(options, message) -> None:
    with pytest.raises(ValueError, match=message):
        BilateralGridGenerator(**{"spatial_dims": 2, **options})
