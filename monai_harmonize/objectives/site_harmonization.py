"""How a ``SiteHarmonizer`` is fitted: polarity, curve, filter, the curve after the filter, and a last look."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from monai_harmonize.data.spacing import pixel_spacing_of
from monai_harmonize.networks.site_harmonizer import SiteHarmonizer
from monai_harmonize.objectives.polarity_fit import PolarityFit
from monai_harmonize.objectives.site_fit import SiteFit
from monai_harmonize.objectives.spectral_filter_fit import SpectralFilterFit
from monai_harmonize.objectives.tone_curve_fit import ToneCurveFit
from monai_harmonize.objectives.tone_variation_fit import ToneVariationFit

__all__ = ["fit_site", "site_fits"]


def site_fits(
    harmonizer: SiteHarmonizer, grey_range: Sequence[float] = (-1.0, 1.0), inverted: str | None = "refuse"
) -> list[SiteFit]:
    """Parts of a harmonizer in the order in which they are fitted.

    Args:
        harmonizer: gets polarity, knots, gain and tone variation.
        grey_range: scale of the images.
        inverted: what to do with a source site whose images are inverted, see ``PolarityFit``;
            ``None`` for images whose unit leaves no doubt, as HU.
    """
    fits: list[SiteFit] = [
        *([] if inverted is None else [PolarityFit(harmonizer, inverted)]),
        ToneCurveFit(harmonizer.curve, grey_range, before=lambda image, _: harmonizer.turned(image)),
    ]
    if harmonizer.filter is not None and harmonizer.second_curve is not None:
        second_curve = ToneCurveFit(
            harmonizer.second_curve,
            grey_range,
            before=lambda image, spacing: harmonizer.sharpened(harmonizer.turned(image), spacing),
        )
        fits += [
            SpectralFilterFit(harmonizer.filter, before=lambda image, _: harmonizer.toned(harmonizer.turned(image))),
            second_curve,
            # The second curve has changed contrast, and with it the spectrum; it is then fitted anew.
            SpectralFilterFit(
                harmonizer.filter,
                refine=True,
                before=lambda image, spacing: harmonizer(harmonizer.turned(image), spacing),
            ),
            second_curve,
        ]
    fits.append(ToneVariationFit(harmonizer, grey_range))
    return fits


@torch.no_grad()
def fit_site(
    harmonizer: SiteHarmonizer,
    source: Sequence[Tensor],
    target: Sequence[Tensor],
    grey_range: Sequence[float] = (-1.0, 1.0),
    inverted: str | None = "refuse",
) -> None:
    """Fit all parts to images in memory, as ``SiteFitter`` does to those of a data loader.

    Args:
        harmonizer: gets polarity, knots, gain and tone variation.
        source: images ``(1, C, H, W[, D])`` of one site, each of any size; a ``MetaTensor`` may know its spacing.
        target: of the other site.
        grey_range: see ``site_fits``.
        inverted: see ``site_fits``.

    Raises:
        InputError: see the parts.
    """
    for part in site_fits(harmonizer, grey_range, inverted):
        part.start()
        for add, images in ((part.add_source, source), (part.add_target, target)):
            for image in images:
                add(torch.as_tensor(image).as_subclass(Tensor), pixel_spacing_of(image))
        part.solve()
