"""What a network did to the reduced image is done to the native one."""

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from monai.inferers import SimpleInferer
from torch.nn import functional as F

from monai_harmonize.inferers import GuidedUpsamplingInferer, SeamlessInferer
from monai_harmonize.inferers.guided_upsampling import local_linear_model


def guided(working_size: int = 32, **options) -> GuidedUpsamplingInferer:
    return GuidedUpsamplingInferer(SimpleInferer(), working_size, **options)


@given(height=st.integers(1, 90), width=st.integers(1, 90))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_identity_stays_the_identity_at_any_size(textured, height: int, width: int) -> None:
    image = textured(height, width)
    torch.testing.assert_close(guided()(image, lambda reduced: reduced), image, rtol=0, atol=1e-9)


@pytest.mark.parametrize("size", [(96, 70), (45, 20, 33)])
def test_a_change_of_brightness_is_exact(textured, size) -> None:
    image = textured(*size)
    torch.testing.assert_close(guided()(image, lambda reduced: reduced - 0.3), image - 0.3, rtol=0, atol=1e-9)


@pytest.mark.parametrize(("slope", "offset"), [(0.5, 0.2), (2.0, -0.4), (-1.0, 0.0)])
def test_a_linear_map_is_the_same_linear_map_at_native_size(textured, slope: float, offset: float) -> None:
    """Exact up to the penalty, which is far below the variance of every window here."""
    image = textured(96, 70)
    output = guided(epsilon=1e-9)(image, lambda reduced: slope * reduced + offset)
    torch.testing.assert_close(output, slope * image + offset, rtol=0, atol=1e-5)


def test_native_detail_is_kept_and_scaled_by_the_local_slope(textured) -> None:
    smooth = F.interpolate(textured(16, 16), size=(128, 128), mode="bicubic")
    # One line of pixels: at a quarter of the size it is hardly there.
    line = torch.zeros_like(smooth)
    line[..., 61] = 0.5
    inferer = guided(epsilon=1e-7)
    for slope in (1.0, 0.6):
        output = inferer(smooth + line, lambda reduced, slope=slope: slope * reduced)
        flat = F.interpolate(
            slope * F.interpolate(smooth + line, size=(32, 32), mode="area"), (128, 128), mode="bilinear"
        )
        kept = output[..., 61] - (output[..., 59] + output[..., 63]) / 2
        there = slope * ((smooth + line)[..., 61] - ((smooth + line)[..., 59] + (smooth + line)[..., 63]) / 2)
        torch.testing.assert_close(kept, there, rtol=0, atol=0.01)
        # Plain enlargement of the network's output would have lost most of it.
        lost = flat[..., 61] - (flat[..., 59] + flat[..., 63]) / 2
        assert lost.abs().max() < 0.5 * there.abs().min()


def test_a_flat_region_keeps_its_fine_detail() -> None:
    """Detail that averages out at the working size has no say in the fit; its slope is then 1."""
    checkerboard = torch.arange(128).view(-1, 1) + torch.arange(128).view(1, -1)
    image = 0.2 + 0.05 * (2.0 * (checkerboard % 2) - 1)[None, None]
    output = guided()(image, lambda reduced: 0.25 * reduced)
    torch.testing.assert_close(output - output.mean(), image - image.mean(), rtol=0, atol=1e-4)
    assert float(output.mean()) == pytest.approx(0.25 * 0.2, abs=1e-4)


def test_small_images_go_straight_through(make_generator, textured) -> None:
    network, image = make_generator(), textured(32, 20)
    assert torch.equal(GuidedUpsamplingInferer(SeamlessInferer(), 32)(image, network), network(image))
    assert not torch.equal(GuidedUpsamplingInferer(SeamlessInferer(), 28)(image, network), network(image))


@pytest.mark.parametrize(("size", "seen"), [((100, 50), (32, 16)), ((33, 1), (32, 1)), ((400, 3, 200), (32, 1, 16))])
def test_the_network_sees_its_working_size(textured, size, seen) -> None:
    shapes = []

    def network(reduced, *, factor):
        shapes.append(tuple(reduced.shape[2:]))
        return factor * reduced

    assert guided()(textured(*size), network, factor=1.0).shape == (1, 1, *size)
    assert shapes == [seen]


def test_the_local_model_recovers_a_linear_map_up_to_its_penalty(textured) -> None:
    guide = textured(20, 24)
    for epsilon in (1e-12, 1e-2):
        slope, offset = local_linear_model(guide, 3 * guide + 0.5, 2, epsilon)
        if epsilon < 1e-9:
            torch.testing.assert_close(slope, torch.full_like(slope, 3.0), rtol=0, atol=1e-7)
            torch.testing.assert_close(offset, torch.full_like(offset, 0.5), rtol=0, atol=1e-7)
        else:
            assert (slope > 1).all()
            assert (slope < 3).all()


def test_the_local_model_in_one_window() -> None:
    """A radius beyond the image makes every window the whole image: the textbook ridge regression around slope 1."""
    guide = torch.tensor([[[[0.0, 1.0], [2.0, 5.0]]]], dtype=torch.float64)
    target = torch.tensor([[[[1.0, 0.0], [4.0, 3.0]]]], dtype=torch.float64)
    mean_x, mean_y, variance, covariance = 2.0, 2.0, 7.5 - 4.0, (0 + 0 + 8 + 15) / 4 - 4.0
    for epsilon in (1e-6, 0.5, 10.0):
        slope, offset = local_linear_model(guide, target, 3, epsilon)
        expected = (covariance + epsilon) / (variance + epsilon)
        torch.testing.assert_close(slope, torch.full_like(guide, expected))
        torch.testing.assert_close(offset, torch.full_like(guide, mean_y - expected * mean_x))


def test_a_flat_guide_has_slope_one() -> None:
    guide = torch.full((1, 1, 9, 9), 0.4, dtype=torch.float64)
    slope, offset = local_linear_model(guide, guide * 0 - 0.7, 2, 1e-3)
    torch.testing.assert_close(slope, torch.ones_like(slope))
    torch.testing.assert_close(offset, torch.full_like(offset, -1.1))


def test_windows_are_averaged_with_their_radius() -> None:
    """An impulse in the target is felt as far as two windows reach, and no farther."""
    guide = torch.zeros(1, 1, 21, 21, dtype=torch.float64)
    target = guide.clone()
    target[..., 10, 10] = 1.0
    for radius in (1, 3):
        _, offset = local_linear_model(guide, target, radius, 1e-3)
        touched = offset[0, 0].nonzero()
        assert touched.min() == 10 - 2 * radius
        assert touched.max() == 10 + 2 * radius
        assert float(offset.sum()) == pytest.approx(1.0)


@pytest.mark.parametrize("options", [{"working_size": 0}, {"radius": 0}, {"epsilon": 0.0}, {"epsilon": -1e-3}])
def test_impossible_options(options) -> None:
    with pytest.raises(ValueError, match=r"working_size, radius and epsilon are .*expected positive numbers"):
        GuidedUpsamplingInferer(SimpleInferer(), **{"working_size": 32, **options})
