"""Increasing curves that vary smoothly over the image, predicted from its thumbnail (guarantee class G1)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from monai.networks.layers.factories import Conv
from torch import Tensor, nn

from monai_harmonize.data.errors import InputError
from monai_harmonize.networks.bilateral_grid import added_contrast_bound, apply_bilateral_grid, grid_curves
from monai_harmonize.networks.image_summary import area_thumbnail, cumulative_histogram
from monai_harmonize.networks.tone_curve_generator import BoundedSlope, check_summary, clear_last
from monai_harmonize.networks.within_scale import used_levels, within_scale

__all__ = ["BilateralGridGenerator"]


class BilateralGridGenerator(nn.Module):
    """Grid generator: no structure can turn, and the contrast that it adds is bounded by a number that it tells.

    A small network reads a thumbnail and a cumulative histogram of the image and predicts slopes on a coarse grid
    (space x grey level), each within ``slope_range`` by its activation, and a smooth offset. At every place the
    output is their integral along grey level, and stays within [-1, 1] but for rare levels (``within_scale``). An
    untrained network is the identity.

    Args:
        spatial_dims: 2 or 3.
        grid_size: nodes along each spatial axis, at least 2.
        num_levels: segments in grey level, over [-1, 1].
        slope_range: bounds [m, M] of the slopes, ``0 < m < 1 < M``.
        histogram_bins: levels of the cumulative histogram.
        channels: width of the first convolution.

    Raises:
        InputError: an option outside the above.
    """

    guarantee_class = "G1"

    def __init__(
        self,
        spatial_dims: int,
        grid_size: int = 8,
        num_levels: int = 16,
        slope_range: Sequence[float] = (0.25, 4.0),
        histogram_bins: int = 64,
        channels: int = 16,
    ) -> None:
        super().__init__()
        if grid_size < 2 or num_levels < 1:
            raise InputError(f"grid_size is {grid_size}, num_levels {num_levels}; expected at least 2 and 1.")
        self.thumbnail_size = 4 * grid_size
        check_summary(spatial_dims, self.thumbnail_size, 4, histogram_bins)
        self.histogram_bins = histogram_bins
        self.slope = BoundedSlope(slope_range)
        convolution = Conv[Conv.CONV, spatial_dims]
        width = 2 * channels
        self.thumbnail_layers = nn.Sequential(
            convolution(1, channels, 3, stride=2, padding=1),
            nn.GELU(),
            convolution(channels, width, 3, stride=2, padding=1),
            nn.GELU(),
            convolution(width, width, 3, padding=1),
        )
        self.histogram_layer = nn.Linear(histogram_bins, width)
        self.grid_layers = nn.Sequential(
            nn.GELU(), convolution(width, width, 1), nn.GELU(), convolution(width, num_levels + 1, 1)
        )
        clear_last(self.grid_layers)

    def forward(self, image: Tensor) -> Tensor:
        """Apply the image's own grid.

        Args:
            image: ``(B, 1, H, W[, D])`` in [-1, 1], float, any spatial size.

        Returns:
            The same shape, in [-1, 1] but for the rarest levels; inputs beyond it keep their distance from its ends.
        """
        slopes, offset = self.grid(image)
        return apply_bilateral_grid(image.float(), slopes, offset)

    @torch.jit.export
    def grid(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Slopes ``(B, num_levels, g, g[, g])`` and offset ``(B, 1, g, g[, g])`` of each image, float32."""
        thumbnail = area_thumbnail(image.float(), self.thumbnail_size).clamp(-1.0, 1.0)
        histogram = self.histogram_layer(cumulative_histogram(thumbnail, self.histogram_bins))
        features = self.thumbnail_layers(thumbnail)
        features = features + histogram.view([histogram.shape[0], -1] + [1] * (image.ndim - 2))
        # Half precision ends here: curves and their order need all bits.
        prediction = self.grid_layers(features).float()
        values = grid_curves(self.slope(prediction[:, 1:]), 2.0 * torch.tanh(prediction[:, :1]))
        values = within_scale(values, used_levels(image), self.slope.smallest)
        segments = values.shape[1] - 1
        slopes = (values[:, 1:] - values[:, :-1]) * (segments / 2.0)
        # Segments that were not bent get back what their difference has rounded.
        slopes = slopes.clamp(self.slope.smallest, self.slope.largest)
        return slopes, (values[:, segments // 2] + values[:, (segments + 1) // 2])[:, None] / 2

    @torch.jit.export
    def added_contrast_bound(self, image: Tensor, spacing: list[float] | None = None) -> Tensor:
        """Bound of the contrast that is added to each image, see ``bilateral_grid.added_contrast_bound``.

        Args:
            image: as for ``forward``.
            spacing: length of a pixel along each axis in mm; without it the bound is per pixel.

        Returns:
            ``(B,)``, grey levels (of [-1, 1]) per mm or pixel.
        """
        slopes, offset = self.grid(image)
        size = list(image.shape[2:])
        steps = [1.0 for _ in size] if spacing is None else spacing
        return added_contrast_bound(slopes, offset, size, steps)
