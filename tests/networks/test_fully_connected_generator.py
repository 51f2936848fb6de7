"""The first GAN's networks."""

import pytest
import torch
from monai.networks.nets import FullyConnectedNet

from monai_harmonize.data import InputError
from monai_harmonize.networks import FullyConnectedGenerator


@pytest.mark.parametrize("spatial_dims", [2, 3])
def test_every_pixel_depends_on_every_number_of_the_code(spatial_dims: int) -> None:
    torch.manual_seed(0)
    generator = FullyConnectedGenerator(spatial_dims, 3, 2, 6, [16])
    code = torch.randn(2, 3, *[1] * spatial_dims, requires_grad=True)
    image = generator(code)
    assert image.shape == (2, 2, *[6] * spatial_dims)
    assert image.abs().max() < 1
    for pixel in (image[0].flatten()[0], image[0].flatten()[-1]):
        (slope,) = torch.autograd.grad(pixel, code, retain_graph=True)
        assert (slope[0] != 0).all()
        assert (slope[1] == 0).all()
    torch.testing.assert_close(torch.jit.script(generator)(code), image)


def test_monai_has_the_discriminator() -> None:
    discriminator = FullyConnectedNet(36, 1, [16], act="leakyrelu", adn_ordering="A")
    assert discriminator(torch.rand(5, 1, 6, 6)).shape == (5, 1)


def test_other_dimensions_are_refused() -> None:
    with pytest.raises(InputError, match="spatial_dims is 1"):
        FullyConnectedGenerator(1, 3)
