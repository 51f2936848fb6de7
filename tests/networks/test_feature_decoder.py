"""Decoder that mirrors an extractor."""

import pytest
import torch
from torch import nn

from monai_harmonize.data.errors import InputError
from monai_harmonize.networks import FeatureDecoder
from monai_harmonize.networks.convolution_blocks import ResidualBlock

# Of the three families of extractors.
MIRRORED = {
    "vgg": ([64, 128, 256, 512], [1, 2, 4, 8], [512, 256, 128, 64, 64]),
    "resnet": ([64, 256, 512], [2, 4, 8], [512, 256, 64, 32, 32]),
    "deep": ([64, 64, 1024], [2, 2, 16], [1024, 512, 256, 64, 32, 32]),
    "same size": ([8, 16], [1, 1], [16, 16]),
}


@pytest.mark.parametrize("name", MIRRORED)
def test_widths_mirror_the_extractor(name: str) -> None:
    channels, strides, widths = MIRRORED[name]
    network = FeatureDecoder(channels, strides)
    own = [layer for layer in network.layers if isinstance(layer, nn.Conv2d)]
    assert [layer.in_channels for layer in own] == [*widths[:-1], widths[-1]]
    features = torch.rand(2, channels[-1], 4, 5, generator=torch.Generator().manual_seed(0))
    image = network(features)
    assert image.shape == (2, 1, 4 * strides[-1], 5 * strides[-1])
    assert image.abs().max() <= 1


def test_clipped_pixels_are_within_the_scale_and_have_a_gradient() -> None:
    torch.manual_seed(0)
    network = FeatureDecoder([8, 16], [1, 2])
    features = torch.rand(1, 16, 4, 4)
    with torch.no_grad():
        network.layers[-1].bias.fill_(5.0)
    image = network(features)
    assert torch.equal(image, torch.ones_like(image))
    image.sum().backward()
    assert network.layers[-1].bias.grad.tolist() == [8 * 8]
    with torch.no_grad():
        network.layers[-1].bias.fill_(0.25)
    inside = network(features)
    assert inside.abs().max() < 1
    torch.testing.assert_close(inside, network.layers(features), atol=0, rtol=0)


def test_an_untrained_decoder_is_not_saturated_but_sees_its_features() -> None:
    torch.manual_seed(0)
    network = FeatureDecoder([64, 256, 512], [2, 4, 8])
    features = torch.randn(4, 512, 8, 8).relu()
    image = network(features)
    assert 0.02 < image.std() < 0.5
    assert (network(features.flip(0)) - image).abs().mean() > 0.01


def test_gradients_reach_every_weight() -> None:
    torch.manual_seed(0)
    network = FeatureDecoder([8, 16], [1, 2])
    optimizer = torch.optim.SGD(network.parameters(), 0.1)
    features = torch.rand(2, 16, 4, 4)
    # The blocks begin as the identity, so that their first convolution learns from the second step on.
    for _ in range(2):
        optimizer.zero_grad()
        network(features).square().sum().backward()
        optimizer.step()
    assert all(weight.grad is not None and weight.grad.abs().sum() > 0 for weight in network.parameters())


def test_it_is_blind_to_no_style() -> None:
    """No normalization: features twice as large do not give the same image."""
    torch.manual_seed(0)
    network = FeatureDecoder([8, 16], [1, 2])
    features = torch.rand(1, 16, 4, 4)
    assert (network(2 * features) - network(features)).abs().max() > 0.01


def test_a_block_is_a_residual_block_behind_a_doubling() -> None:
    torch.manual_seed(0)
    network = FeatureDecoder([8, 16], [1, 2], num_blocks=2).double()
    block = ResidualBlock(2, 8, None).double()
    plain = nn.Sequential(*network.layers)
    plain[2], plain[3] = nn.Upsample(scale_factor=2.0, mode="nearest"), block
    for layer in network.layers[3:5]:
        torch.nn.init.normal_(layer.layers[-1].weight)
    block.load_state_dict(network.layers[3].state_dict())
    features = torch.rand(1, 16, 3, 4, dtype=torch.float64)
    torch.testing.assert_close(network.layers(features), plain(features))
    # Files written before the block doubled keep their meaning.
    assert list(plain.state_dict()) == list(network.layers.state_dict())


def test_scripted_decoder_computes_the_same() -> None:
    network, features = FeatureDecoder([8, 16], [2, 4]), torch.rand(1, 16, 3, 5)
    torch.testing.assert_close(torch.jit.script(network)(features), network(features))


@pytest.mark.parametrize(
    ("channels", "strides", "blocks"),
    [([8], [3], 1), ([8, 16], [2], 1), ([], [], 1), ([8, 16], [4, 2], 1), ([0], [2], 1), ([8], [2], -1), ([8], [0], 1)],
)
def test_errors(channels: list[int], strides: list[int], blocks: int) -> None:
    with pytest.raises(InputError, match="expected"):
        FeatureDecoder(channels, strides, blocks)
