"""Properties of the U-Net generator."""

from itertools import pairwise

import pytest
import torch
from torch import nn

from monai_harmonize.networks import UNetGenerator

SMALL = {"channels": (4, 8, 16), "strides": (2, 2)}


def picture(spatial_dims: int = 2) -> torch.Tensor:
    return 2 * torch.rand(2, 1, *[16, 20, 12][:spatial_dims], generator=torch.Generator().manual_seed(1)) - 1


@pytest.mark.parametrize("spatial_dims", [2, 3])
@pytest.mark.parametrize("norm", ["instance", "batch", None])
@pytest.mark.parametrize("strides", [(2, 2), (1, 2), (1, 4)])
def test_shape_and_range(spatial_dims: int, norm: str | None, strides: tuple[int, int]) -> None:
    network, image = UNetGenerator(spatial_dims, channels=(4, 8, 16), strides=strides, norm=norm), picture(spatial_dims)
    output = network(image)
    assert output.shape == image.shape
    assert output.abs().max() < 1
    assert network.multiple == strides[0] * strides[1]


def test_parameter_count_is_that_of_the_papers_widths() -> None:
    widths = [1, 64, 128, 256, 512, 512, 512, 512, 512]
    down = list(pairwise(widths))
    # What comes up and what comes across are the input of a layer; the lowest has no wider one below it.
    up = [(2 * i, o) for o, i in down[:-1]]
    expected = sum(9 * i * o + o for i, o in [*down, *up])
    with torch.device("meta"):
        network = UNetGenerator(2)
    assert sum(parameter.numel() for parameter in network.parameters()) == expected


def test_skip_makes_the_untrained_network_nearly_the_identity() -> None:
    image = torch.linspace(-1, 1, 256).reshape(1, 1, 16, 16)
    for strides in ((2, 2), (1, 2)):
        output = UNetGenerator(2, channels=(4, 8, 16), strides=strides, skip=True)(image)
        torch.testing.assert_close(output, 0.99 * image, atol=1e-5, rtol=0)
    assert (UNetGenerator(2, **SMALL)(image) - image).abs().max() > 0.5


def test_instance_norm_leaves_it_brightness_by_the_first_layer() -> None:
    torch.manual_seed(0)
    network, image = UNetGenerator(2, **SMALL), torch.rand(1, 1, 16, 16) - 0.5
    for parameter in network.parameters():
        parameter.data.mul_(10)
    assert (network(image) - network(image + 0.3)).abs().mean() > 1e-3
    assert sum(isinstance(module, nn.InstanceNorm2d) for module in network.modules()) == 3


def test_no_layer_draws_a_checkerboard() -> None:
    """Inside, what becomes of a flat image is flat after every upsampling."""
    torch.manual_seed(0)
    network = UNetGenerator(2, channels=(4, 8, 16, 16), strides=(2, 2, 2), norm=None)
    for parameter in network.parameters():
        parameter.data.mul_(20)
    inside = network(torch.full((1, 1, 128, 128), 0.5))[..., 56:72, 56:72]
    assert inside.std() < 1e-4
    assert not any(isinstance(module, nn.ConvTranspose2d) for module in network.modules())


@pytest.mark.parametrize("spatial_dims", [2, 3])
def test_scripted_network_computes_the_same(spatial_dims: int) -> None:
    torch.manual_seed(0)
    network = UNetGenerator(spatial_dims, **SMALL, skip=True).eval()
    for parameter in network.parameters():
        nn.init.normal_(parameter, std=0.1)
    image = picture(spatial_dims)[..., :12]
    torch.testing.assert_close(torch.jit.script(network)(image), network(image))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"spatial_dims": 1}, "spatial_dims is 1"),
        ({"spatial_dims": 2, "channels": (4,), "strides": ()}, r"channels are \[4\]"),
        ({"spatial_dims": 2, "channels": (4, 8), "strides": (2, 2)}, r"strides \[2, 2\]"),
        ({"spatial_dims": 2, "channels": (4, 8), "strides": (0,)}, r"strides \[0\]"),
        ({"spatial_dims": 2, "skip": True, "out_channels": 3}, "got 1 and 3"),
    ],
)
def test_wrong_options_are_named(options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        UNetGenerator(**options)
