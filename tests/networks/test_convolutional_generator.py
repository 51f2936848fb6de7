"""Generator and discriminator of DCGAN: sizes, structure, export."""

import math

import pytest
import torch
from torch import nn

from monai_harmonize.data import InputError
from monai_harmonize.networks import ConvolutionalDiscriminator, ConvolutionalGenerator


@pytest.mark.parametrize(("spatial_dims", "image_size"), [(2, 8), (2, 32), (2, 64), (3, 16)])
def test_a_code_becomes_an_image_and_an_image_numbers(spatial_dims: int, image_size: int) -> None:
    generator = ConvolutionalGenerator(spatial_dims, 5, 2, image_size, 4)
    image = generator(torch.randn(3, 5, *[1] * spatial_dims))
    assert image.shape == (3, 2, *[image_size] * spatial_dims)
    assert image.abs().max() < 1
    discriminator = ConvolutionalDiscriminator(spatial_dims, 2, 7, image_size, 4)
    assert discriminator(image).shape == (3, 7)


@pytest.mark.parametrize("network", [ConvolutionalGenerator, ConvolutionalDiscriminator])
def test_widths_double_per_halving_and_norms_are_where_the_paper_has_them(network: type[nn.Module]) -> None:
    layers = network(2, 1, 1, 64, 16).layers
    convolutions = [layer for layer in layers if isinstance(layer, nn.modules.conv._ConvNd)]
    widths = [(layer.in_channels, layer.out_channels) for layer in convolutions]
    if network is ConvolutionalGenerator:
        assert widths == [(1, 128), (128, 64), (64, 32), (32, 16), (16, 1)]
        assert isinstance(layers[-1], nn.Tanh)
        assert isinstance(layers[1], nn.BatchNorm2d)
    else:
        assert widths == [(1, 16), (16, 32), (32, 64), (64, 128), (128, 1)]
        assert isinstance(layers[1], nn.LeakyReLU)
        assert layers[1].negative_slope == 0.2
    assert not isinstance(layers[-2], nn.BatchNorm2d)
    assert sum(isinstance(layer, nn.BatchNorm2d) for layer in layers) == (4 if network is ConvolutionalGenerator else 3)
    # Kernels of the paper's initialisation, N(0, 0.02).
    weights = torch.cat([layer.weight.flatten() for layer in convolutions])
    assert float(weights.detach().std()) == pytest.approx(0.02, rel=0.05)


def test_without_a_norm_no_image_of_a_batch_depends_on_another() -> None:
    discriminator = ConvolutionalDiscriminator(2, 1, 1, 16, 4, norm=None)
    images = torch.rand(3, 1, 16, 16, requires_grad=True)
    (slope,) = torch.autograd.grad(discriminator(images)[0, 0], images)
    assert slope[0].abs().max() > 0
    assert slope[1:].abs().max() == 0


def test_the_exported_generator_draws_the_same() -> None:
    generator = ConvolutionalGenerator(2, 5, 1, 16, 4).eval()
    code = torch.randn(2, 5, 1, 1)
    torch.testing.assert_close(torch.jit.script(generator)(code), generator(code))


@pytest.mark.parametrize("size", [4, 7, 48, 65])
def test_a_size_that_no_doubling_reaches_is_refused(size: int) -> None:
    nearest = 4 * 2 ** max(1, round(math.log2(size / 4)))
    assert nearest != size
    for network in (ConvolutionalGenerator, ConvolutionalDiscriminator):
        with pytest.raises(InputError, match=f"image_size is {size}"):
            network(2, 1, 1, size)
        with pytest.raises(InputError, match="spatial_dims is 1"):
            network(1, 1, 1, 16)
