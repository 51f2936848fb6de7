"""Random weights that are standardized on noise."""

import torch
from torch import nn

from monai_harmonize.networks.calibrated_weights import BatchNorm, draw_calibrated_weights, natural_noise


def layers() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(2, 8, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(8, 16, 3, stride=2, padding=1, bias=False),
        BatchNorm(16),
        nn.ReLU(),
        nn.Conv2d(16, 12, 3),
    )


def noise(seed: int) -> torch.Tensor:
    grey = natural_noise(torch.Generator().manual_seed(seed))
    return torch.cat([grey, torch.ones_like(grey)], dim=1)


@torch.no_grad()
def test_channels_are_standardized_on_the_noise_and_nearly_on_other_noise() -> None:
    network = layers()
    draw_calibrated_weights(network, seed=0)
    for seed, tolerance in ((0, 1e-3), (7, 0.5)):
        features = noise(0) if seed == 0 else noise(seed)
        if seed == 0:
            # The generator drew the weights first.
            generator = torch.Generator().manual_seed(0)
            for layer in network:
                if isinstance(layer, nn.Conv2d):
                    torch.randn(layer.weight.shape, generator=generator)
            grey = natural_noise(generator)
            features = torch.cat([grey, torch.ones_like(grey)], dim=1)
        for position, layer in enumerate(network):
            features = layer(features)
            if position in (0, 3, 5):
                variance, mean = torch.var_mean(features, dim=(0, 2, 3), correction=0)
                torch.testing.assert_close(mean, torch.zeros_like(mean), atol=tolerance, rtol=0)
                torch.testing.assert_close(variance, torch.ones_like(mean), atol=2 * tolerance, rtol=0)


def test_the_same_seed_draws_the_same_and_hooks_are_gone() -> None:
    first, second = layers(), layers()
    for network in (first, second):
        draw_calibrated_weights(network, seed=3)
    for one, two in zip(first.state_dict().values(), second.state_dict().values(), strict=True):
        assert torch.equal(one, two)
    image = noise(5)
    assert torch.equal(first(image), first(image))
    assert torch.equal(first[0].weight[:, 1], torch.zeros(8, 3, 3))


def test_noise_has_the_spectrum_of_natural_images() -> None:
    image = natural_noise(torch.Generator().manual_seed(0))
    assert torch.equal(image.amin((1, 2, 3)), -torch.ones(len(image)))
    assert torch.equal(image.amax((1, 2, 3)), torch.ones(len(image)))
    power = torch.fft.rfft2(image).abs().square().mean((0, 1))
    frequency = torch.hypot(torch.fft.fftfreq(64)[:, None], torch.fft.rfftfreq(64)[None])
    low, high = ((frequency > at / 1.2) & (frequency < at * 1.2) for at in (0.05, 0.4))
    # A power of one over the square of the frequency.
    assert 30 < power[low].mean() / power[high].mean() < 130
