"""Projection: what is left of any network is a map of the class, and the best one."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from monai.inferers import SimpleInferer
from torch import Tensor, nn

from monai_harmonize.data.errors import InputError
from monai_harmonize.inferers import ProjectionInferer
from monai_harmonize.metrics import ToneCurveProjection
from monai_harmonize.networks import BilateralGridGenerator
from monai_harmonize.networks.bilateral_grid import apply_bilateral_grid

sys.path.insert(0, str(Path(__file__).parents[1] / "networks"))
from adversarial import adversarial, images, make_image, weights


def free(spatial_dims: int) -> nn.Module:
    """A network that can draw anything, at any size."""
    convolution = (nn.Conv2d, nn.Conv3d)[spatial_dims - 2]
    return nn.Sequential(convolution(1, 4, 3, padding=1), nn.ReLU(), convolution(4, 1, 3, padding=1))


def smooth(*size: int, seed: int = 0) -> Tensor:
    """Image without sharp edges, which a smaller copy shows as well."""
    noise = make_image("noise", (5,) * len(size), 1, seed)
    mode = "bicubic" if len(size) == 2 else "trilinear"
    return nn.functional.interpolate(noise, size=size, mode=mode, align_corners=False).clamp(-1, 1)


@given(images(), weights)
def test_whatever_the_network_does_the_output_is_one_increasing_curve_of_the_input(image, weight) -> None:
    network = adversarial(free(image.ndim - 2), *weight)
    output = ProjectionInferer(SimpleInferer(), "g0", working_size=16)(image, network)
    assert output.shape == image.shape
    for before, after in zip(image.flatten(1), output.flatten(1), strict=True):
        order = before.argsort()
        steps, rises = before[order].diff(), after[order].diff()
        # Levels of thousands, as such networks give, leave a float few bits for the slopes; beyond [-1, 1] the rounding
        # of the outer segment is drawn out over as many segments.
        rounding = 64 * torch.finfo(torch.float32).eps * max(1.0, float(after.abs().max()))
        assert (rises >= 0.25 * steps - rounding).all()
        assert (rises <= 4 * steps + rounding).all()
        assert (rises[steps == 0] == 0).all()


@given(images(dims=(2,)), weights, st.integers(0, 2**31))
def test_whatever_the_network_does_no_place_of_a_grid_turns(image, weight, seed) -> None:
    image, network = image.clamp(-1, 1), adversarial(free(2), min(weight[0], 30.0), weight[1])
    inferer = ProjectionInferer(SimpleInferer(), "g1", working_size=16, grid_size=3, num_levels=4)
    seen: list[tuple[Tensor, Tensor]] = []

    def remember(native: Tensor, slopes: Tensor, offset: Tensor) -> Tensor:
        seen.append((slopes, offset))
        return apply_bilateral_grid(native, slopes, offset)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("monai_harmonize.inferers.projection.apply_bilateral_grid", remember)
        output = inferer(image, network)
    assert output.isfinite().all()
    for slopes, _ in seen:
        assert slopes.min() >= 0.25
        assert slopes.max() <= 4


@pytest.mark.parametrize("size", [(90, 61), (20, 24, 17)])
def test_a_curve_of_the_class_is_found_again_at_native_resolution(size) -> None:
    image = smooth(*size)
    inferer = ProjectionInferer(SimpleInferer(), "g0", working_size=max(size) // 2, num_knots=65)
    output = inferer(image, lambda small: small + 0.3 * torch.sin(2 * small))
    error = (output - (image + 0.3 * torch.sin(2 * image))).abs()
    assert error.mean() < 1e-3
    assert error.max() < 0.02


def test_inventions_are_dropped_and_the_style_is_kept() -> None:
    image = smooth(64, 64)

    def network(small: Tensor) -> Tensor:
        drawn = 0.5 * small + 0.2
        drawn[..., 20:24, 20:24] += 1.0
        return drawn

    output = ProjectionInferer(SimpleInferer(), "g0", working_size=64)(image, network)
    left = output - (0.5 * image + 0.2)
    assert left.abs().mean() < 0.02
    assert left[..., 20:24, 20:24].mean() < 0.2


@pytest.mark.parametrize("size", [(64, 50), (16, 18, 14)])
def test_a_grid_of_the_class_is_found_again(size) -> None:
    dims = len(size)
    network = adversarial(BilateralGridGenerator(dims, grid_size=3, num_levels=4), 0.4, 3)
    image = make_image("noise", size, 1, 1)
    options = {"working_size": 64, "grid_size": 3, "num_levels": 4}
    exact = network(image)
    grid = ProjectionInferer(SimpleInferer(), "g1", **options)(image, network)
    curve = ProjectionInferer(SimpleInferer(), "g0", **options)(image, network)
    assert (grid - exact).abs().mean() < 0.02
    assert (grid - exact).abs().mean() < 0.1 * (curve - exact).abs().mean()


def test_no_curve_within_the_bounds_fits_better() -> None:
    image, network = make_image("noise", (32, 32), 1, 0), adversarial(free(2), 1.0, 5)
    target = network(image)
    best = (ProjectionInferer(SimpleInferer(), "g0", 32, num_knots=9)(image, network) - target).square().mean()
    draws = np.random.default_rng(0)
    for _ in range(200):
        values = np.cumsum(np.append(0, draws.uniform(0.25, 4, 8) / 4))
        curve = torch.from_numpy(np.interp(image.numpy(), np.linspace(-1, 1, 9), values)).float()
        curve += (target - curve).mean()
        assert (curve - target).square().mean() >= best - 1e-5


def test_the_network_sees_its_working_size_and_each_image_is_fitted_by_itself() -> None:
    sizes: list[tuple[int, ...]] = []

    def network(small: Tensor) -> Tensor:
        sizes.append(tuple(small.shape))
        return small * torch.tensor([0.5, 2.0]).view(2, 1, 1, 1)

    image = torch.cat([smooth(40, 80, seed=0), smooth(40, 80, seed=1)])
    output = ProjectionInferer(SimpleInferer(), "g0", working_size=32)(image, network)
    assert sizes == [(2, 1, 16, 32)]
    torch.testing.assert_close(output, image * torch.tensor([0.5, 2.0]).view(2, 1, 1, 1), atol=2e-3, rtol=0)


def test_none_leaves_everything_to_the_wrapped_inferer() -> None:
    image = smooth(40, 30)
    output = ProjectionInferer(SimpleInferer(), "none", working_size=8)(image, torch.neg)
    assert torch.equal(output, -image)


def test_the_opposite_of_increasing_becomes_the_smallest_slope() -> None:
    image = smooth(32, 32)
    output = ProjectionInferer(SimpleInferer(), "g0", working_size=32)(image, torch.neg)
    centred = image - image.mean()
    torch.testing.assert_close(output - output.mean(), 0.25 * centred, atol=1e-3, rtol=0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"project": "g4"}, r"project is 'g4'; expected one of \('site', 'g0', 'g1', 'none'\)"),
        ({"slope_range": (0, 1)}, r"slope_range is \(0, 1\)"),
        ({"working_size": 0}, "are 0, 16, 128, 8; expected at least 1, 1, 2 and 2"),
        ({"grid_size": 1}, "are 256, 16, 128, 1"),
    ],
)
def test_wrong_options_are_named(options, message) -> None:
    with pytest.raises(ValueError, match=message):
        ProjectionInferer(SimpleInferer(), **options)


def test_more_than_one_channel_is_refused() -> None:
    with pytest.raises(ValueError, match="3 channels"):
        ProjectionInferer(SimpleInferer())(torch.zeros(1, 3, 8, 8), nn.Identity())


def test_a_site_gets_one_curve_from_all_of_its_images() -> None:
    """A network that treats every image by its own mean: the site's curve is none of theirs, and the same for all."""
    batches = [{"image": smooth(1, 40, 36, seed=seed)[None, 0] * 0.4 + shift} for seed, shift in ((0, -0.3), (1, 0.3))]
    batches.insert(1, {"failures": ["unreadable"]})

    def network(image: Tensor) -> Tensor:
        return 0.5 * image - 0.5 * image.mean()

    inferer = ProjectionInferer(SimpleInferer(), "site", working_size=64, site_images=batches)
    ramp = torch.linspace(-0.5, 0.5, 64).view(1, 1, 8, 8)
    first, second = (inferer(ramp, network), inferer(ramp + 0.1, network))
    assert bool((first.flatten().diff() > 0).all())
    # One map: where the shifted ramp has a level of the first, it has its value.
    expected = np.interp(ramp.flatten()[20:40].numpy() + 0.1, ramp.flatten().numpy(), first.flatten().numpy())
    np.testing.assert_allclose(second.flatten()[20:40].numpy(), expected, atol=2e-3)
    both = ToneCurveProjection()
    for batch in batches:
        if "image" in batch:
            both.add(batch["image"], network(batch["image"]))
    knots, values = both.solve()
    np.testing.assert_allclose(first.flatten().numpy(), np.interp(ramp.flatten().numpy(), knots, values), atol=1e-5)


def test_a_site_without_images_is_refused() -> None:
    with pytest.raises(InputError, match="no image of the site"):
        ProjectionInferer(SimpleInferer(), "site")(smooth(1, 8, 8)[None, 0], lambda image: image)
