"""Generator that grows: it draws 4x4 pixels first and then doubles the size, stage by stage, while it learns.

Source: Karras et al. 2018, "Progressive growing of GANs for improved quality, stability, and variation" (PGGAN),
sections 2 and 4 and appendix A. Written from the paper. Ours: any number of spatial dimensions, progress as a buffer.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from monai_harmonize.networks.convolutional_generator import START, doublings
from monai_harmonize.networks.equalised_convolution import EqualisedConvolution
from monai_harmonize.networks.growth import doubled, mixed, stage_share

__all__ = ["SLOPE", "GrowingGenerator", "PixelNorm", "stage_widths"]

# Of the leaky rectifiers below zero.
SLOPE = 0.2


class PixelNorm(nn.Module):
    """Features of each pixel over their root mean square (section 4.2)."""

    def forward(self, features: Tensor) -> Tensor:
        """Normalise ``(B, C, W, H[, D])``."""
        return features * torch.rsqrt(features.square().mean(dim=1, keepdim=True) + 1e-8)


class GrowingGenerator(nn.Module):
    """A stage doubles the features and has two convolutions, and one more of its own to make an image of them.

    How far it has grown is the buffer ``progress``, see ``growth``; a new network is fully grown, and
    ``engines.ProgressiveGrowing`` sets it back. While it learns, stages that are not reached cost nothing.

    Args:
        spatial_dims: 2 or 3.
        in_channels: numbers of a code.
        out_channels: of the image.
        image_size: side of the image, 4 times a power of two.
        channels: width of the last stage; it doubles towards the first one.
        max_channels: and no further than this.

    Raises:
        InputError: ``spatial_dims`` or ``image_size`` outside the above.
    """

    def __init__(
        self,
        spatial_dims: int,
        in_channels: int,
        out_channels: int = 1,
        image_size: int = 64,
        channels: int = 16,
        max_channels: int = 128,
    ) -> None:
        super().__init__()
        self.stages = doublings(spatial_dims, image_size)
        widths = stage_widths(self.stages, channels, max_channels)

        def convolution(
            before: int, width: int, kernel: int, padding: int, fan_in: int | None = None
        ) -> list[nn.Module]:
            layer = EqualisedConvolution(spatial_dims, before, width, kernel, padding, fan_in=fan_in)
            return [layer, nn.LeakyReLU(SLOPE), PixelNorm()]

        # Of the kernels on a single pixel one weight per channel meets it.
        first = convolution(in_channels, widths[0], START, START - 1, in_channels)
        blocks = [nn.Sequential(PixelNorm(), *first, *convolution(widths[0], widths[0], 3, 1))]
        for before, width in pairwise(widths):
            doubling = nn.Upsample(scale_factor=2.0, mode="nearest")
            blocks.append(nn.Sequential(doubling, *convolution(before, width, 3, 1), *convolution(width, width, 3, 1)))
        self.blocks = nn.ModuleList(blocks)
        self.to_image = nn.ModuleList(
            EqualisedConvolution(spatial_dims, width, out_channels, 1, gain=1.0) for width in widths
        )
        self.progress: Tensor
        self.register_buffer("progress", torch.tensor(float(self.stages)))

    def forward(self, code: Tensor) -> Tensor:
        """Draw images.

        Args:
            code: ``(B, in_channels, 1, 1[, 1])``.

        Returns:
            ``(B, out_channels, W, H[, D])``; within [-1, 1] unless the network is in training.
        """
        features = code
        image = torch.zeros_like(code[:, :1])
        for stage, (block, to_image) in enumerate(zip(self.blocks, self.to_image)):  # noqa: B905 - TorchScript
            if stage > 0:
                image = doubled(image)
            # Exported without a question, so that every progress is exported as it is.
            if not self.training or float(self.progress) > stage - 1:
                features = block(features)
                image = mixed(image, to_image(features), stage_share(self.progress, stage))
        return image if self.training else image.clamp(-1.0, 1.0)


def stage_widths(stages: int, channels: int, max_channels: int) -> list[int]:
    """Features of each stage, the coarsest first."""
    return [min(channels * 2 ** (stages - stage), max_channels) for stage in range(stages + 1)]
