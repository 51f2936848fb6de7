"""Properties of the ResNet generator."""

import pytest
import torch

from monai_harmonize.networks import ResNetGenerator


@pytest.mark.parametrize("spatial_dims", [2, 3])
@pytest.mark.parametrize("upsampling", ["deconv", "resize"])
@pytest.mark.parametrize("norm", ["instance", "batch", None])
def test_shape_and_range(spatial_dims: int, upsampling: str, norm: str | None) -> None:
    network = ResNetGenerator(spatial_dims, channels=4, num_blocks=1, upsampling=upsampling, norm=norm)
    image = 2 * torch.rand(2, 1, *[16, 20, 12][:spatial_dims]) - 1
    output = network(image)
    assert output.shape == image.shape
    assert output.abs().max() < 1


def test_parameter_count_is_that_of_the_paper() -> None:
    # c7s1-64, d128, d256, nine R256, u128, u64, c7s1-1, each convolution with a bias.
    convolutions = [
        (1, 64, 7),
        (64, 128, 3),
        (128, 256, 3),
        *[(256, 256, 3)] * 18,
        (256, 128, 3),
        (128, 64, 3),
    ]
    expected = sum(i * o * k * k + o for i, o, k in [*convolutions, (64, 1, 7)])
    assert sum(p.numel() for p in ResNetGenerator(2).parameters()) == expected


def test_skip_makes_the_untrained_network_nearly_the_identity() -> None:
    image = torch.linspace(-1, 1, 256).reshape(1, 1, 16, 16)
    output = ResNetGenerator(2, channels=4, num_blocks=1, skip=True)(image)
    torch.testing.assert_close(output, 0.99 * image, atol=1e-5, rtol=0)
    without = ResNetGenerator(2, channels=4, num_blocks=1)(image)
    assert (without - image).abs().max() > 0.5


def test_instance_norm_makes_it_blind_to_brightness_and_no_norm_does_not() -> None:
    torch.manual_seed(0)
    image = torch.rand(1, 1, 16, 16) - 0.5
    blind = ResNetGenerator(2, channels=4, num_blocks=1)
    seeing = ResNetGenerator(2, channels=4, num_blocks=1, norm=None)
    torch.testing.assert_close(blind(image), blind(image + 0.3), atol=1e-3, rtol=0)
    with torch.no_grad():
        for parameter in seeing.parameters():
            parameter.mul_(10)
    assert (seeing(image) - seeing(image + 0.3)).abs().max() > 1e-3


@pytest.mark.parametrize("spatial_dims", [2, 3])
def test_scripted_network_computes_the_same(spatial_dims: int) -> None:
    network = ResNetGenerator(spatial_dims, channels=4, num_blocks=1, skip=True).eval()
    torch.nn.init.normal_(network.layers[-1].weight)
    image = 2 * torch.rand(1, 1, *[16] * spatial_dims) - 1
    torch.testing.assert_close(torch.jit.script(network)(image), network(image))


def test_mirrored_input_with_mirrored_kernels_is_the_mirrored_output() -> None:
    torch.manual_seed(0)
    network = ResNetGenerator(2, channels=4, num_blocks=1, upsampling="resize").eval()
    image = torch.rand(1, 1, 17, 16)[..., :16, :]
    transposed = ResNetGenerator(2, channels=4, num_blocks=1, upsampling="resize").eval()
    transposed.load_state_dict({k: v.mT if v.ndim == 4 else v for k, v in network.state_dict().items()})
    torch.testing.assert_close(transposed(image.mT), network(image).mT)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"spatial_dims": 1}, "spatial_dims is 1"),
        ({"spatial_dims": 2, "num_blocks": -1}, "num_blocks is -1"),
        ({"spatial_dims": 2, "upsampling": "nearest"}, "upsampling is 'nearest'"),
        ({"spatial_dims": 2, "skip": True, "out_channels": 3}, "got 1 and 3"),
    ],
)
def test_wrong_options_are_named(options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ResNetGenerator(**options)
