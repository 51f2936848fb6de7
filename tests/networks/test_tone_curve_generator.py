"""Guarantee class G0, whatever the weights and images."""

import sys
from functools import cache
from pathlib import Path

import pytest
import torch
from hypothesis import given
from monai.networks.utils import convert_to_onnx
from torch import Tensor

from monai_harmonize.networks import ToneCurveGenerator
from monai_harmonize.networks.site_tone_curve import piecewise_linear

sys.path.insert(0, str(Path(__file__).parent))
from adversarial import adversarial, images, make_image, slope_ranges, weights

LEVEL = 1 / 32768  # of 16 bits


bare = cache(ToneCurveGenerator)


def make(image: Tensor, weight: tuple[float, int] = (1.0, 0), **options) -> ToneCurveGenerator:
    return adversarial(bare(image.ndim - 2, **options), *weight)


@given(images(), weights, slope_ranges)
def test_curves_increase_with_slopes_within_bounds(image, weight, slope_range) -> None:
    knots, values = make(image, weight, slope_range=slope_range).curve(image)
    slopes = values.double().diff(dim=1) / knots.double().diff()
    assert slopes.min() >= slope_range[0] * (1 - 1e-3)
    assert slopes.max() <= slope_range[1] * (1 + 1e-3)


@given(images(), weights)
def test_grey_levels_keep_their_order_and_none_merge(image, weight) -> None:
    output = make(image, weight)(image)
    for before, after in zip(image.flatten(1), output.flatten(1), strict=True):
        order = before.argsort()
        steps, rises = before[order].diff(), after[order].diff()
        assert (rises[steps == 0] == 0).all(), "one level set, one level"
        assert (rises[steps > 0] > 0).all()
        # Curves of float32 reach levels of 8, whose sums round by a fraction of a level of 16 bits.
        assert (rises >= 0.25 * steps - LEVEL / 3).all()
        assert (rises <= 4 * steps + LEVEL / 3).all()


@given(images(kinds=("noise", "blobs", "ramp", "extremes")), weights)
def test_gradient_directions_are_kept(image, weight) -> None:
    output = make(image, weight)(image)
    for axis in range(2, image.ndim):
        assert torch.equal(image.diff(dim=axis).sign(), output.diff(dim=axis).sign())


@given(images(), weights)
def test_the_curve_can_be_undone(image, weight) -> None:
    generator = make(image, weight)
    output, (knots, values) = generator(image), generator.curve(image)
    for before, after, curve in zip(image, output, values, strict=True):
        torch.testing.assert_close(piecewise_linear(after, curve, knots), before, atol=LEVEL / 4, rtol=0)


@pytest.mark.parametrize("slope_range", [(0.25, 4.0), (0.1, 1.5)])
@pytest.mark.parametrize("size", [(17, 40), (9, 8, 5)])
def test_untrained_it_is_the_identity(size, slope_range) -> None:
    image = make_image("beyond", size, 2, 0)
    network = ToneCurveGenerator(len(size), slope_range=slope_range)
    torch.testing.assert_close(network(image), image, atol=2e-6, rtol=0)


def test_weights_reach_both_bounds_and_every_part_of_the_image_matters() -> None:
    image = make_image("noise", (64, 64), 4, 0)
    # Within a tenth of the scale both bounds have room.
    knots, values = make(image, (30.0, 1)).curve(0.1 * image)
    slopes = values.diff(dim=1) / knots.diff()
    assert slopes.min() < 0.26
    assert slopes.max() > 3.9
    generator = make(image, (0.5, 1))
    brighter, mirrored = image.clone(), image.flip(2) * torch.linspace(0, 1, 64)
    brighter[1] += 0.1
    assert not torch.allclose(generator.curve(brighter)[1][1], generator.curve(image)[1][1], atol=1e-3)
    assert torch.equal(generator.curve(brighter)[1][0], generator.curve(image)[1][0])
    assert not torch.allclose(generator.curve(mirrored)[1], generator.curve(mirrored.flip(3))[1], atol=1e-3), (
        "the thumbnail is seen, not only the histogram"
    )


def test_the_curve_does_not_depend_on_resolution() -> None:
    image = make_image("noise", (32, 32), 1, 3)
    finer = image.repeat_interleave(9, 2).repeat_interleave(9, 3)
    generator = make(image, (0.3, 2))
    torch.testing.assert_close(generator.curve(finer)[1], generator.curve(image)[1], atol=1e-4, rtol=1e-4)


def test_every_parameter_gets_a_gradient() -> None:
    torch.manual_seed(0)
    generator = ToneCurveGenerator(2)
    image = make_image("noise", (32, 32), 2, 0)
    torch.nn.init.normal_(generator.curve_layers[-1].weight, 0, 0.1)
    (generator(image) - image**3).abs().mean().backward()
    assert all(parameter.grad is not None and parameter.grad.abs().sum() > 0 for parameter in generator.parameters())


def test_half_precision_does_not_break_the_order() -> None:
    image = make_image("ramp", (64, 64), 1, 0)
    generator = make(image, (1.0, 4))
    with torch.autocast("cpu", torch.bfloat16):
        output = generator(image)
    assert output.dtype == torch.float32
    assert (output.flatten().diff()[image.flatten().diff() > 0] > 0).all()


def test_it_is_small() -> None:
    assert 40_000 < sum(parameter.numel() for parameter in ToneCurveGenerator(2).parameters()) < 60_000


@pytest.mark.parametrize("size", [(33, 47), (9, 12, 7)])
def test_it_exports_to_torchscript(size) -> None:
    image = make_image("noise", size, 2, 0)
    generator = make(image)
    scripted = torch.jit.script(generator)
    torch.testing.assert_close(scripted(image), generator(image))
    torch.testing.assert_close(scripted.curve(image), generator.curve(image))


@pytest.mark.slow
@pytest.mark.parametrize(("size", "dynamo"), [((33, 47), True), ((33, 47), False), ((9, 12, 7), False)])
def test_it_exports_to_onnx(size, dynamo) -> None:
    image = make_image("noise", size, 1, 0)
    convert_to_onnx(make(image), [image], verify=True, use_ort=True, dynamo=dynamo, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"spatial_dims": 1}, "spatial_dims is 1"),
        ({"num_knots": 1}, "num_knots is 1"),
        ({"slope_range": (1.0, 4.0)}, r"slope_range is \(1, 4\)"),
        ({"slope_range": (0.0, 4.0)}, r"slope_range is \(0, 4\)"),
        ({"thumbnail_size": 30}, "thumbnail_size is 30; expected a positive multiple of 8"),
        ({"histogram_bins": 1}, "histogram_bins is 1"),
    ],
)
def test_wrong_options_are_named(options, message) -> None:
    with pytest.raises(ValueError, match=message):
        ToneCurveGenerator(**{"spatial_dims": 2, **options})
