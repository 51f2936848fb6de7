"""One strictly increasing curve for all images of a site (guarantee class G0)."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn

from monai_harmonize.data.errors import InputError
from monai_harmonize.networks.uniform_curve import uniform_curve

__all__ = ["SiteToneCurve", "piecewise_linear"]


class SiteToneCurve(nn.Module):
    """Continuous piecewise-linear curve through knots, applied to every pixel alike.

    No structure can appear, vanish or turn: the order of grey levels is kept and every contrast is multiplied by a
    number within ``slope_range``. A power of two is taken out of the slopes beforehand, ``stretch``: where a site
    leaves four of its sixteen bits unused, filling them is no gain in contrast. It is 1 for sites that fill their
    range. Beyond the knots the outer segments go on, so nothing is clipped here; a writer clips to its bit depth.

    The curve is the identity until ``set_knots``. It is part of the state dict.

    Args:
        num_knots: K, at least 2.
        slope_range: bounds [m, M] of ``slopes``, ``0 < m <= 1 <= M``.
        grey_range: ends of the identity's knots, in the unit of the images.

    Attributes:
        source_levels: knots, increasing by equal steps, ``(K,)``.
        target_levels: what they become, strictly increasing, ``(K,)``.
        stretch: power of two, scalar.

    Raises:
        InputError: an option outside the above.
    """

    guarantee_class = "G0"

    def __init__(
        self,
        num_knots: int = 128,
        slope_range: Sequence[float] = (0.25, 4.0),
        grey_range: Sequence[float] = (-1.0, 1.0),
    ) -> None:
        super().__init__()
        smallest, largest = (float(slope) for slope in slope_range)
        if num_knots < 2:
            raise InputError(f"num_knots is {num_knots}; expected 2 or more.")
        if not 0 < smallest <= 1 <= largest:
            raise InputError(f"slope_range is ({smallest:g}, {largest:g}); expected 0 < m <= 1 <= M.")
        self.slope_range = (smallest, largest)
        self.source_levels: Tensor
        self.target_levels: Tensor
        self.stretch: Tensor
        self.register_buffer("source_levels", torch.linspace(float(grey_range[0]), float(grey_range[1]), num_knots))
        self.register_buffer("target_levels", self.source_levels.clone())
        self.register_buffer("stretch", torch.tensor(1.0))

    @torch.jit.unused
    def set_knots(self, source_levels: ArrayLike, target_levels: ArrayLike, stretch: float = 1.0) -> None:
        """Replace the curve.

        Args:
            source_levels: increasing by equal steps, ``(K,)``.
            target_levels: grey levels that they become, strictly increasing, ``(K,)``.
            stretch: see the class.

        Raises:
            InputError: another shape, not increasing, not finite, steps that differ, or a slope outside the bounds.
        """
        levels = [torch.as_tensor(np.asarray(values, dtype=np.float64)) for values in (source_levels, target_levels)]
        for name, values in zip(("source", "target"), levels, strict=True):
            if values.shape != self.source_levels.shape:
                raise InputError(f"{tuple(values.shape)} {name} levels given; expected {len(self.source_levels)}.")
            if not (torch.isfinite(values).all() and (values.diff() > 0).all()):
                raise InputError(f"The curve's {name} levels do not increase strictly.")
        steps = levels[0].diff()
        if (steps / steps.mean() - 1).abs().max() > 1e-3:
            raise InputError("The curve's source levels are not evenly spaced; give knots of numpy.linspace.")
        slopes = levels[1].diff() / steps / stretch
        smallest, largest = self.slope_range
        # Room for the rounding of levels to float32.
        if slopes.min() < smallest * (1 - 1e-4) or slopes.max() > largest * (1 + 1e-4):
            raise InputError(
                f"The curve's slopes lie in [{float(slopes.min()):g}, {float(slopes.max()):g}]; "
                f"expected [{smallest:g}, {largest:g}]."
            )
        self.source_levels.copy_(levels[0])
        self.target_levels.copy_(levels[1])
        self.stretch.fill_(stretch)

    @property
    def slopes(self) -> Tensor:
        """Slope of each segment over ``stretch``, ``(K - 1,)``, float64."""
        return self.target_levels.double().diff() / self.source_levels.double().diff() / self.stretch

    def forward(self, image: Tensor) -> Tensor:
        """Apply the curve to grey levels of any shape, float; the shape stays, values are not clipped."""
        chunk = 262144
        if image.numel() <= chunk or image.requires_grad:
            return uniform_curve(image, self.source_levels, self.target_levels)
        # In pieces that stay in a processor's cache: fresh memory for whole radiographs takes longer than the curve.
        flat = image.reshape(-1)
        result = torch.empty_like(flat)
        for start in range(0, flat.numel(), chunk):
            part = flat[start : start + chunk]
            result[start : start + chunk] = uniform_curve(part, self.source_levels, self.target_levels)
        return result.view(image.shape)

    @torch.jit.export
    def inverse(self, image: Tensor) -> Tensor:
        """Undo ``forward``, exact up to the rounding of the image's type."""
        return piecewise_linear(image, self.target_levels, self.source_levels)


def piecewise_linear(image: Tensor, knots: Tensor, values: Tensor) -> Tensor:
    """Continuous piecewise-linear curve of every element; the outer segments go on beyond the knots.

    Args:
        image: any shape, floating point.
        knots: strictly increasing, ``(K,)``.
        values: at the knots, ``(K,)``.
    """
    segment = torch.bucketize(image, knots[1:-1], right=True)
    slopes = torch.diff(values) / torch.diff(knots)
    return torch.addcmul(values[segment], image - knots[segment], slopes[segment]).to(image.dtype)
