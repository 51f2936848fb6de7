"""How the slices looked on which a style was learned, compared with those that are to be drawn in it."""

from __future__ import annotations

import logging
import math
from pathlib import Path

from torch import Tensor

from monai_harmonize.data.axial_axis import axial_axis
from monai_harmonize.data.errors import InputError
from monai_harmonize.data.hounsfield import Window, hounsfield_range
from monai_harmonize.data.spacing import pixel_spacing_of
from monai_harmonize.engines.weights import trained_settings

__all__ = ["StyleConditions"]

logger = logging.getLogger(__name__)

# Share by which pixels may be larger or smaller than those that a style was learned on.
SAME_SPACING = 0.1


class StyleConditions:
    """Window and spacing of a style network's training, as the JSON file beside its weights notes them.

    The statistics of a style are of features that some filters find in some pixels of some grey scale. Weights
    without notes are compared with nothing.

    Args:
        weights: of the style network.
        window: HU through which the images are shown; ``None``: not compared.

    Raises:
        InputError: the network was trained with another window.
    """

    def __init__(self, weights: Path, window: Window | None = None) -> None:
        trained = trained_settings(weights)
        learned, shown = trained.get("window"), None if window is None else list(hounsfield_range(window))
        if learned is not None and shown is not None and learned != shown:
            raise InputError(
                f"{weights}: was trained with window {learned}, and the images are shown through {shown}; train one "
                "with the window of the other."
            )
        self.weights = weights
        # Of the slices' plane alone, which is all that a network of slices sees.
        self.spacing: list[float] = list(trained.get("spacing", []))[:2]

    def compare_spacing(self, image: Tensor) -> None:
        """Warn, once, if the pixels of the first image whose spacing is known are of another size.

        Args:
            image: ``(1, W, H)``, or ``(1, W, H, D)`` of which the axial slices count.
        """
        given = pixel_spacing_of(image)
        if not self.spacing or given is None:
            return
        across = axial_axis(image) if len(given) == 3 else None
        here, learned = sorted(mm for axis, mm in enumerate(given) if axis != across), sorted(self.spacing)
        self.spacing = []
        if any(abs(math.log(one / two)) > math.log1p(SAME_SPACING) for one, two in zip(here, learned, strict=True)):
            logger.warning(
                "%s: its styles were learned on pixels of %.3g x %.3g mm; these images have %.3g x %.3g mm, where the "
                "same style has other statistics. Train the style network with the spacing of the images (--spacing).",
                self.weights, *learned, *here,
            )  # fmt: skip
