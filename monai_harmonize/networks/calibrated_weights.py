"""Random weights under which a deep network still tells images apart.

He's initialization keeps the mean square of the features from layer to layer, but less and less of it is variation,
more and more a constant that every image shares, and channels become alike or silent. Standardizing every channel on
some images counters that (after Mishkin and Matas 2016, "All you need is a good init"). On a slice of a spine CT the
channels of ``relu4_1`` of VGG19 then have an effective rank of 24 instead of 6, those of the deepest default layers of
ResNet50 and DenseNet121 of 8 and 7 instead of 3 and 4, and none is silent instead of up to 6 %. Such features
serve for trying and testing; what they know of anatomy is little beside what ImageNet's weights know.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from monai_harmonize.networks.torchvision_import import torchvision

__all__ = ["draw_calibrated_weights", "natural_noise"]

NUM_IMAGES = 4
SIZE = 64
BatchNorm = torchvision.ops.FrozenBatchNorm2d


def draw_calibrated_weights(network: nn.Module, seed: int) -> None:
    """Draw weights such that channels have mean 0 and deviation 1 on images with the spectrum of natural ones.

    Convolutions with a bias are scaled and shifted; where there is batch normalization, its statistics are set.

    Args:
        network: of convolutions and frozen batch normalization; its first layer sees grey level and a plane of ones,
            and takes nothing from the plane.
        seed: the same seed draws the same weights, whatever was drawn before; PyTorch's own generator stays.
    """
    generator = torch.Generator().manual_seed(seed)
    handles = []
    first = True
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu", generator=generator)
            if first:
                nn.init.zeros_(layer.weight[:, 1])
                first = False
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
                handles.append(layer.register_forward_hook(standardize))
        elif isinstance(layer, BatchNorm):
            nn.init.ones_(layer.weight)
            nn.init.zeros_(layer.bias)
            handles.append(layer.register_forward_pre_hook(take_statistics))
    grey = natural_noise(generator)
    with torch.no_grad():
        network(torch.cat([grey, torch.ones_like(grey)], dim=1))
    for handle in handles:
        handle.remove()


def natural_noise(generator: torch.Generator) -> Tensor:
    """Noise with an amplitude of one over the frequency, in [-1, 1], ``(N, 1, W, H)``."""
    frequency = torch.hypot(torch.fft.fftfreq(SIZE)[:, None], torch.fft.rfftfreq(SIZE)[None])
    white = torch.randn(NUM_IMAGES, 1, SIZE, SIZE, generator=generator)
    noise = torch.fft.irfft2(torch.fft.rfft2(white) / frequency.clamp(min=1 / SIZE), s=(SIZE, SIZE))
    lowest, highest = noise.amin((1, 2, 3), keepdim=True), noise.amax((1, 2, 3), keepdim=True)
    return torch.as_tensor(2 * (noise - lowest) / (highest - lowest) - 1)


def standardize(layer: nn.Conv2d, _: tuple[Tensor, ...], output: Tensor) -> Tensor:
    """Scale and shift the filters of a convolution by what they gave."""
    variance, mean = torch.var_mean(output, dim=(0, 2, 3), correction=0)
    scale = torch.rsqrt(variance + 1e-5)
    layer.weight.mul_(scale[:, None, None, None])
    torch.as_tensor(layer.bias).copy_(-mean * scale)
    return (output - mean[:, None, None]) * scale[:, None, None]


def take_statistics(layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
    """Set the statistics of batch normalization to those of its input."""
    variance, mean = torch.var_mean(inputs[0], dim=(0, 2, 3), correction=0)
    layer.get_buffer("running_var").copy_(variance)
    layer.get_buffer("running_mean").copy_(mean)
