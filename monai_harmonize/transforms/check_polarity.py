"""Compare an image's polarity with that of the target site, and turn it on request."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.transforms import MapTransform, Transform
from monai.utils.enums import TransformBackends

from monai_harmonize.data.errors import InputError
from monai_harmonize.data.polarity import turn_polarity
from monai_harmonize.metrics.polarity import polarity_correlation, rank_thumbnail
from monai_harmonize.networks.site_harmonizer import SiteHarmonizer

__all__ = ["CheckPolarity", "CheckPolarityD", "CheckPolarityDict", "CheckPolarityd"]

CHOICES = ("report", "turn")


class CheckPolarity(Transform):
    """Turn the images of a site that a ``SiteHarmonizer`` was fitted to turn, and check every single one.

    The metadata get ``template_correlation``, Spearman's correlation of the image's thumbnail, after a turn of its
    site, with the target site's mean one (below 0: probably inverted), and ``polarity_corrected``. A turned image is
    written turned: its file was wrong.

    Args:
        harmonizer: knows the site's polarity and the template; ``None`` where no template is known: images stay.
        inverted: ``"report"`` leaves a single inverted image as it is, ``"turn"`` turns it.
        grey_range: scale of the images.

    Raises:
        InputError: another choice, or images are to be turned without a template.
    """

    backend = (TransformBackends.TORCH,)

    def __init__(
        self, harmonizer: SiteHarmonizer | None, inverted: str = "report", grey_range: tuple[float, float] = (-1.0, 1.0)
    ) -> None:
        if inverted not in CHOICES:
            raise InputError(f"inverted is {inverted!r}; expected one of {CHOICES}.")
        if harmonizer is None and inverted == "turn":
            raise InputError("inverted is 'turn', but nothing here knows the target site; turn them in the manifest.")
        self.harmonizer = harmonizer
        self.inverted = inverted
        self.grey_range = grey_range

    def __call__(self, image: MetaTensor) -> MetaTensor:
        """Check ``(1, W, H[, D])`` in the grey range."""
        if self.harmonizer is None:
            return image
        turn = float(self.harmonizer.polarity) < 0
        sign = -1.0 if turn else 1.0
        correlation = sign * polarity_correlation(rank_thumbnail(image), self.harmonizer.template.cpu())
        if correlation < 0 and self.inverted == "turn":
            turn, correlation = not turn, -correlation
        checked = turn_polarity(image, self.grey_range) if turn else image
        result = MetaTensor(checked, meta=dict(image.meta))
        result.meta["template_correlation"] = correlation
        result.meta["polarity_corrected"] = turn
        return result


class CheckPolarityd(MapTransform):
    """Dictionary version of ``CheckPolarity``.

    Args:
        keys: images to check.
        harmonizer: see ``CheckPolarity``, as the next two arguments.
        inverted: what to do with a single inverted image.
        grey_range: scale of the images.
        allow_missing_keys: whether keys may be absent.
    """

    backend = CheckPolarity.backend

    def __init__(
        self,
        keys: KeysCollection,
        harmonizer: SiteHarmonizer | None,
        inverted: str = "report",
        grey_range: tuple[float, float] = (-1.0, 1.0),
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.check = CheckPolarity(harmonizer, inverted, grey_range)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Check each image of an item."""
        item = dict(data)
        for key in self.key_iterator(item):
            item[key] = self.check(item[key])
        return item


CheckPolarityD = CheckPolarityDict = CheckPolarityd
