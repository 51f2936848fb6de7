"""What the traditional methods need to know of a site, from its images alone; numbers only, nothing of a patient."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monai_harmonize.data.errors import InputError
from monai_harmonize.metrics.energy_bands import EnergyBands
from monai_harmonize.metrics.level_counts import LevelCounts, level_counts

__all__ = ["LANDMARKS", "ChannelReference", "ReferenceStatistics", "SiteReference", "region_of"]

# Percentiles of Nyul and Udupa (1999): the deciles within the ends of the histogram that are looked at.
LANDMARKS = (1.0, 10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 80.0, 90.0, 99.0)
# Levels of the mean cumulative distribution, and of each image that may be drawn as a template.
STEPS, TEMPLATE_STEPS = 2048, 256
TEMPLATES = 32


@dataclass(frozen=True)
class ChannelReference:
    """A site's look in one channel, in the unit of its images.

    Args:
        mean_cdf: levels at even steps of the mean of the images' cumulative distributions, from the lowest level to
            that of all pixels.
        landmarks: mean levels at the percentiles ``LANDMARKS``, every image brought to the mean range before.
        mean: of the images' means.
        deviation: mean of the images' standard deviations.
        energies: mean standard deviation of every frequency band and of the low-pass residual, ``SIGMAS``.
        low_pass_mean: mean of the images' low-pass means.
        templates: levels at even steps of single images' cumulative distributions, drawn at random.
    """

    mean_cdf: tuple[float, ...]
    landmarks: tuple[float, ...]
    mean: float
    deviation: float
    energies: tuple[float, ...]
    low_pass_mean: float
    templates: tuple[tuple[float, ...], ...]

    def landmark(self, percentile: float) -> float:
        """Mean level at one of the percentiles ``LANDMARKS``.

        Raises:
            InputError: another percentile.
        """
        if float(percentile) not in LANDMARKS:
            raise InputError(f"percentile is {percentile}; the site's reference knows {LANDMARKS}.")
        return self.landmarks[LANDMARKS.index(float(percentile))]


@dataclass(frozen=True)
class SiteReference:
    """A site's look.

    Args:
        channels: one entry for every channel of its images.
        images: how many were seen.
    """

    channels: tuple[ChannelReference, ...]
    images: int

    def channel(self, place: int, count: int) -> ChannelReference:
        """Reference of one of ``count`` channels; a single one serves all.

        Raises:
            InputError: the site's images had another number of channels.
        """
        if len(self.channels) not in (1, count):
            raise InputError(f"the image has {count} channels; the site's reference has {len(self.channels)}.")
        return self.channels[place if len(self.channels) > 1 else 0]

    @classmethod
    def fit(
        cls,
        images: Iterable[Any],
        masks: Iterable[Any] | None = None,
        templates: int = TEMPLATES,
        seed: int = 0,
    ) -> SiteReference:
        """Reference of a site's images.

        Args:
            images: each ``(C, ...)``, array or tensor, all in the unit of the images to harmonize later.
            masks: for each image the pixels that count, ``(...)`` or ``(1, ...)``, or ``None``; all by default.
            templates: how many images are kept as templates of the random-image method.
            seed: of their choice.

        Raises:
            InputError: no image has two grey levels, or their channels differ in number.
        """
        statistics = ReferenceStatistics()
        for image, mask in ((image, None) for image in images) if masks is None else zip(images, masks, strict=True):
            statistics.add(image, mask)
        return statistics.reference(templates, seed)


@dataclass(frozen=True)
class _Seen:
    """One channel of one image."""

    steps: NDArray[np.float32]
    template: NDArray[np.float32]
    landmarks: NDArray[np.float64]
    moments: tuple[float, float]
    energies: NDArray[np.float64]
    low_pass_mean: float


class ReferenceStatistics:
    """Collects what ``SiteReference`` needs, some 10 kB for an image."""

    def __init__(self) -> None:
        self.seen: list[list[_Seen]] = []

    def add(self, image: Any, mask: Any = None) -> None:
        """Note one image ``(C, ...)``; one without two grey levels in each channel says nothing and is left out.

        Raises:
            InputError: it has another number of channels than those before.
        """
        array = np.asarray(image)
        inside = None if mask is None else np.asarray(mask).astype(bool).reshape(array.shape[1:])
        counts = [level_counts(plane, region_of(plane, inside)) for plane in array]
        if self.seen and len(self.seen[0]) != len(counts):
            raise InputError(f"an image has {len(counts)} channels, those before have {len(self.seen[0])}.")
        if all(counted.has_tone for counted in counts):
            self.seen.append([seen(plane, counted, inside) for plane, counted in zip(array, counts, strict=True)])

    def reference(self, templates: int = TEMPLATES, seed: int = 0) -> SiteReference:
        """The site's look; see ``SiteReference.fit``."""
        if not self.seen:
            raise InputError("The site has no images of at least two grey levels; check its name and the split.")
        channels = len(self.seen[0])
        kept = min(len(self.seen), max(1, templates // channels))
        drawn = np.sort(np.random.default_rng(seed).permutation(len(self.seen))[:kept])
        return SiteReference(
            tuple(pooled([image[channel] for image in self.seen], drawn) for channel in range(channels)),
            len(self.seen),
        )


def region_of(plane: NDArray[Any], inside: NDArray[np.bool_] | None) -> NDArray[np.bool_] | None:
    """Finite pixels of the region; ``None`` where that is the whole image."""
    if plane.dtype.kind != "f":
        return inside
    finite = np.isfinite(plane)
    if inside is None:
        return None if finite.all() else finite
    both: NDArray[np.bool_] = inside & finite
    return both


def seen(plane: NDArray[Any], counts: LevelCounts, inside: NDArray[np.bool_] | None) -> _Seen:
    """What one channel of an image adds."""
    region = region_of(plane, inside)
    filled = plane.astype(np.float32) if region is None else np.where(np.isfinite(plane), plane, counts.mean)
    bands = EnergyBands(filled.astype(np.float32), region)
    return _Seen(
        counts.quantiles(np.arange(1, STEPS + 1) / STEPS).astype(np.float32),
        counts.quantiles(np.arange(TEMPLATE_STEPS + 1) / TEMPLATE_STEPS).astype(np.float32),
        counts.percentiles(LANDMARKS),
        (counts.mean, counts.deviation),
        bands.energies(),
        bands.low_pass_mean(),
    )


def pooled(images: Sequence[_Seen], drawn: NDArray[np.int64]) -> ChannelReference:
    """Means over images of one channel."""
    levels = np.sort(np.concatenate([image.steps for image in images])).astype(np.float64)
    mean_cdf = np.concatenate([levels[:1], levels[len(images) - 1 :: len(images)]])
    mean, deviation = np.mean([image.moments for image in images], axis=0)
    return ChannelReference(
        tuple(map(float, mean_cdf)),
        tuple(map(float, mean_landmarks(np.stack([image.landmarks for image in images])))),
        float(mean),
        float(deviation),
        tuple(map(float, np.mean([image.energies for image in images], axis=0))),
        float(np.mean([image.low_pass_mean for image in images])),
        tuple(tuple(map(float, images[place].template)) for place in drawn),
    )


def mean_landmarks(landmarks: NDArray[np.float64]) -> NDArray[np.float64]:
    """Standard scale of Nyul and Udupa: landmarks ``(N, L)`` brought to the mean outer ones and averaged, ``(L,)``."""
    low, high = landmarks[:, :1], landmarks[:, -1:]
    span = np.where(high > low, high - low, 1.0)
    relative: NDArray[np.float64] = ((landmarks - low) / span).mean(axis=0)
    # Images whose outer landmarks coincide must not shorten the scale.
    relative /= relative[-1] if relative[-1] > 0 else 1.0
    scale: NDArray[np.float64] = low.mean() + relative * (high.mean() - low.mean())
    return scale
