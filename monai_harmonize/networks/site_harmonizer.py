"""What brings every image of one site to the look of another: polarity, curve, and on request a filter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn

from monai_harmonize.networks.site_spectral_filter import SiteSpectralFilter
from monai_harmonize.networks.site_tone_curve import SiteToneCurve

__all__ = ["THUMBNAIL_SIZE", "SiteHarmonizer"]

THUMBNAIL_SIZE = 32


class SiteHarmonizer(nn.Module):
    """One fixed map for all images of a site, fitted without a label and without a gradient.

    Class G0 without ``spectral_filter``: a strictly increasing curve. With it class G2: the curve, a radial gain, and
    a second curve fitted after it. Images are expected the right way up: for a site whose files are inverted
    ``polarity`` says so, and ``CheckPolarity`` or ``turned`` puts them right beforehand.

    Args:
        num_knots: of each curve.
        slope_range: of each curve, see ``SiteToneCurve``.
        spectral_filter: whether there are a filter and a second curve.
        gain_range: of the filter, see ``SiteSpectralFilter``.
        grey_range: scale of the images.

    Attributes:
        polarity: 1, or -1 for a site whose images are to be turned within ``grey_range`` beforehand.
        template: mean rank thumbnail of the target site, ``(32, 32)``, by which an image's polarity is checked.
        tone_variation: share of the variation in tone from image to image that this map leaves and that images of the
            target do not have, in [0, 1]; see ``metrics.tone_variation``. 0 until it is measured.
    """

    __jit_unused_properties__: ClassVar = ["guarantee_class", "declared_curve"]

    def __init__(
        self,
        num_knots: int = 128,
        slope_range: Sequence[float] = (0.25, 4.0),
        spectral_filter: bool = False,
        gain_range: Sequence[float] = (0.5, 2.0),
        grey_range: Sequence[float] = (-1.0, 1.0),
    ) -> None:
        super().__init__()
        self.middle = float(grey_range[0]) / 2 + float(grey_range[1]) / 2
        self.polarity: Tensor
        self.template: Tensor
        self.tone_variation: Tensor
        self.register_buffer("polarity", torch.tensor(1.0))
        self.register_buffer("template", torch.zeros(THUMBNAIL_SIZE, THUMBNAIL_SIZE))
        self.register_buffer("tone_variation", torch.tensor(0.0))
        self.curve = SiteToneCurve(num_knots, slope_range, grey_range)
        self.filter: SiteSpectralFilter | None = None
        self.second_curve: SiteToneCurve | None = None
        if spectral_filter:
            self.filter = SiteSpectralFilter(gain_range=gain_range)
            self.second_curve = SiteToneCurve(num_knots, slope_range, grey_range)

    @property
    def guarantee_class(self) -> str:
        """G0, or G2 with a filter."""
        return self.curve.guarantee_class if self.filter is None else self.filter.guarantee_class

    @property
    def declared_curve(self) -> SiteToneCurve | None:
        """The curve that is all of the map; ``None`` with a filter."""
        return self.curve if self.filter is None else None

    def turned(self, image: Tensor) -> Tensor:
        """The image as its site should have delivered it."""
        return (image - self.middle) * self.polarity + self.middle

    def toned(self, image: Tensor) -> Tensor:
        """After the first curve."""
        return torch.as_tensor(self.curve(image))

    def sharpened(self, image: Tensor, spacing: list[float] | None = None) -> Tensor:
        """After the filter."""
        toned = self.toned(image)
        return toned if self.filter is None else torch.as_tensor(self.filter(toned, spacing))

    def forward(self, image: Tensor, spacing: list[float] | None = None) -> Tensor:
        """Harmonize.

        Args:
            image: ``(B, C, H, W[, D])`` in the grey range, float, the right way up.
            spacing: mm per pixel along each spatial axis, for a filter in cycles per mm.

        Returns:
            The same shape, not clipped.
        """
        sharpened = self.sharpened(image, spacing)
        return sharpened if self.second_curve is None else torch.as_tensor(self.second_curve(sharpened))
