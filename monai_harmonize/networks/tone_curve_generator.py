"""One strictly increasing curve per image, predicted from its thumbnail and histogram (guarantee class G0)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from monai.networks.layers.factories import Conv
from torch import Tensor, nn

from monai_harmonize.data.errors import InputError
from monai_harmonize.networks.image_summary import area_thumbnail, cumulative_histogram
from monai_harmonize.networks.uniform_curve import uniform_curve
from monai_harmonize.networks.within_scale import used_levels, within_scale

__all__ = ["BoundedSlope", "ToneCurveGenerator"]


class ToneCurveGenerator(nn.Module):
    """Curve generator: whatever its weights, no structure can appear, vanish or turn.

    A small network reads a thumbnail and a cumulative histogram of the image and predicts the slopes of a continuous
    piecewise-linear curve, each within ``slope_range`` by its activation, and the level of mid-grey. The curve keeps
    the image's grey levels, but for the rarest, within [-1, 1] (``within_scale``) and is applied to every pixel of the
    native image alike. An untrained network is the identity.

    Args:
        spatial_dims: 2 or 3.
        num_knots: K, evenly spaced over [-1, 1], at least 2.
        slope_range: bounds [m, M] of the slopes, ``0 < m < 1 < M``.
        thumbnail_size: cells along each axis of the thumbnail, a multiple of 8.
        histogram_bins: levels of the cumulative histogram.
        channels: width of the first convolution.
        hidden: width of the hidden layers.

    Raises:
        InputError: an option outside the above.
    """

    guarantee_class = "G0"

    def __init__(
        self,
        spatial_dims: int,
        num_knots: int = 128,
        slope_range: Sequence[float] = (0.25, 4.0),
        thumbnail_size: int = 32,
        histogram_bins: int = 64,
        channels: int = 8,
        hidden: int = 128,
    ) -> None:
        super().__init__()
        check_summary(spatial_dims, thumbnail_size, 8, histogram_bins)
        if num_knots < 2:
            raise InputError(f"num_knots is {num_knots}; expected 2 or more.")
        self.num_knots = num_knots
        self.thumbnail_size = thumbnail_size
        self.histogram_bins = histogram_bins
        self.slope = BoundedSlope(slope_range)
        convolution = Conv[Conv.CONV, spatial_dims]
        layers: list[nn.Module] = []
        for wide in (1, channels, 2 * channels):
            narrow = channels if wide == 1 else 2 * wide
            layers += [convolution(wide, narrow, 3, stride=2, padding=1), nn.GELU()]
        self.thumbnail_layers = nn.Sequential(*layers)
        self.curve_layers = nn.Sequential(
            nn.Linear(4 * channels + histogram_bins, hidden),
            nn.GELU(),
            nn.Linear(hidden, hidden),
            nn.GELU(),
            nn.Linear(hidden, num_knots),
        )
        clear_last(self.curve_layers)

    def forward(self, image: Tensor) -> Tensor:
        """Apply the image's own curve.

        Args:
            image: ``(B, 1, H, W[, D])`` in [-1, 1], float, any spatial size.

        Returns:
            The same shape, in [-1, 1] but for the rarest levels; the outer segments hold for inputs beyond it.
        """
        knots, values = self.curve(image)
        return uniform_curve(image.float(), knots, values)

    @torch.jit.export
    def curve(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Knots ``(K,)`` and each image's values at them, ``(B, K)``, strictly increasing, float32."""
        thumbnail = area_thumbnail(image.float(), self.thumbnail_size).clamp(-1.0, 1.0)
        features = self.thumbnail_layers(thumbnail).flatten(2).mean(dim=2)
        histogram = cumulative_histogram(thumbnail, self.histogram_bins)
        # Half precision ends here: curves and their order need all bits.
        prediction = self.curve_layers(torch.cat([features, histogram], dim=1)).float()
        knots = torch.linspace(-1.0, 1.0, self.num_knots, device=image.device)
        rises = self.slope(prediction[:, 1:]) * (2.0 / (self.num_knots - 1))
        climbed = torch.cat([torch.zeros_like(rises[:, :1]), rises.cumsum(dim=1)], dim=1)
        middle = uniform_curve(torch.zeros_like(rises[:, :1]), knots, climbed)
        values = climbed - middle + 2.0 * torch.tanh(prediction[:, :1])
        return knots, within_scale(values, used_levels(image), self.slope.smallest)


class BoundedSlope(nn.Module):
    """Map any number to a slope within ``[m, M]``, zero to 1: a sigmoid in the logarithm of the slope.

    Args:
        slope_range: ``0 < m < 1 < M``.

    Raises:
        InputError: other bounds.
    """

    def __init__(self, slope_range: Sequence[float]) -> None:
        super().__init__()
        smallest, largest = (float(slope) for slope in slope_range)
        if not 0 < smallest < 1 < largest < math.inf:
            raise InputError(f"slope_range is ({smallest:g}, {largest:g}); expected 0 < m < 1 < M.")
        self.smallest, self.largest = smallest, largest
        self.lowest, self.span = math.log(smallest), math.log(largest) - math.log(smallest)
        self.shift = math.log(-self.lowest / math.log(largest))

    def forward(self, prediction: Tensor) -> Tensor:
        """Slopes of any shape; the last clamp takes away what rounding adds."""
        logarithm = self.lowest + self.span * torch.sigmoid(prediction + self.shift)
        return logarithm.exp().clamp(self.smallest, self.largest)


def clear_last(layers: nn.Sequential) -> None:
    """Zero the last layer, so that an untrained network predicts zeros."""
    for parameter in layers[-1].parameters():
        nn.init.zeros_(parameter)


def check_summary(spatial_dims: int, thumbnail_size: int, stride: int, histogram_bins: int) -> None:
    """Refuse options of the image's summary that do not fit."""
    if spatial_dims not in (2, 3):
        raise InputError(f"spatial_dims is {spatial_dims}; expected 2 or 3.")
    if thumbnail_size < stride or thumbnail_size % stride:
        raise InputError(f"thumbnail_size is {thumbnail_size}; expected a positive multiple of {stride}.")
    if histogram_bins < 2:
        raise InputError(f"histogram_bins is {histogram_bins}; expected 2 or more.")
