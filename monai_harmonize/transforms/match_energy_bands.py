"""The strength of detail of every size, and the low-pass rest, as at a site."""

from __future__ import annotations

from typing import Any

import numpy as np
from monai.config import KeysCollection
from numpy.typing import NDArray

from monai_harmonize.data.errors import InputError
from monai_harmonize.metrics.energy_bands import EnergyBands
from monai_harmonize.metrics.level_counts import LevelCounts
from monai_harmonize.transforms.channelwise import (
    Channelwise,
    Channelwised,
    Reference,
    finite_region,
    keep_not_finite,
    of_type,
    site_reference,
)

__all__ = ["MatchEnergyBands", "MatchEnergyBandsD", "MatchEnergyBandsDict", "MatchEnergyBandsd"]

# Steps of the gains that end the iteration.
CONVERGED = 1e-3


class MatchEnergyBands(Channelwise):
    """Multiply every frequency band so that its standard deviation within a region becomes a site's.

    Philipsen et al. Localized energy-based normalization of medical images: application to chest radiography. IEEE
    Transactions on Medical Imaging 34:1965, 2015. The bands of the sum are measured anew and multiplied again, since
    bands overlap. The low-pass residual gets the site's mean and deviation. Localized means the mask: of the lungs, for
    example, in the site's images and here alike.

    Args:
        reference: the site's, or its file.
        gain_range: within which the gain of a band stays in all, so that noise or blur is not multiplied without end.
        iterations: at most.
        dtype: see ``Channelwise``.

    Raises:
        InputError: the range does not hold 1, or there is no iteration.
    """

    def __init__(
        self,
        reference: Reference,
        gain_range: tuple[float, float] = (0.25, 4.0),
        iterations: int = 10,
        dtype: str | None = None,
    ) -> None:
        super().__init__(dtype)
        if not 0 < gain_range[0] <= 1 <= gain_range[1] or iterations < 1:
            raise InputError(f"gain_range is {gain_range}, iterations {iterations}; expected a range around 1, and 1.")
        self.reference = site_reference(reference)
        self.gain_range = (float(gain_range[0]), float(gain_range[1]))
        self.iterations = iterations

    def harmonize(
        self,
        plane: NDArray[Any],
        inside: NDArray[np.bool_] | None,
        counts: LevelCounts,
        channel: tuple[int, int],
        result: NDArray[Any],
    ) -> None:
        """Bring the bands of one channel to the site's."""
        target = self.reference.channel(*channel)
        pixels, region = finite_region(plane, inside, counts.mean)
        bands = EnergyBands(pixels, region)
        wanted = np.asarray(target.energies)
        gains = np.ones(wanted.size)
        # Detail is bounded; the residual's contrast is the grey scale's own and is not.
        limits = np.array([self.gain_range] * (wanted.size - 1) + [(0.0, np.inf)]).T
        for _ in range(self.iterations):
            own = bands.energies()
            # A band that the image does not hold, as the finest of a small image, is left alone.
            held = own > 1e-6 * counts.deviation
            reached = np.clip(gains * np.divide(wanted, own, out=np.ones_like(own), where=held), *limits)
            steps, gains = reached / np.maximum(gains, 1e-12), reached
            if np.abs(steps - 1).max() < CONVERGED:
                break
            bands.amplify(steps)
        image = bands.image() + pixels.dtype.type(target.low_pass_mean - bands.low_pass_mean())
        result[...] = of_type(image, result.dtype)
        keep_not_finite(plane, result)


class MatchEnergyBandsd(Channelwised):
    """Dictionary version of ``MatchEnergyBands``.

    Args:
        keys: images to match.
        reference: see ``MatchEnergyBands``.
        gain_range: see ``MatchEnergyBands``.
        iterations: see ``MatchEnergyBands``.
        dtype: see ``Channelwise``.
        mask_key: item's mask, see ``Channelwise``; an item may lack it.
        allow_missing_keys: whether keys may be absent.
    """

    def __init__(
        self,
        keys: KeysCollection,
        reference: Reference,
        gain_range: tuple[float, float] = (0.25, 4.0),
        iterations: int = 10,
        dtype: str | None = None,
        mask_key: str | None = None,
        allow_missing_keys: bool = False,
    ) -> None:
        transform = MatchEnergyBands(reference, gain_range, iterations, dtype)
        super().__init__(keys, transform, mask_key, allow_missing_keys)


MatchEnergyBandsD = MatchEnergyBandsDict = MatchEnergyBandsd
