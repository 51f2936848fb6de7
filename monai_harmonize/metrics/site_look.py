"""The look of a site: where the summaries of its images lie, and how far an image or a batch lies from there.

Distances are those of Mahalanobis with the shrunk covariance of Ledoit and Wolf (Journal of Multivariate Analysis
88:365, 2004). How rare a distance is among images of the site is told by rank among the distances of its own images,
each from a look that was learned without its patient; so a p-value promises no more than that images of the site are
exchangeable (Vovk, Gammerman, Shafer: Algorithmic Learning in a Random World, 2005, chapter 2).
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.covariance import LedoitWolf

from monai_harmonize.data.errors import InputError

__all__ = ["FEWEST_IMAGES", "LIKENESS", "SiteLook", "effective_count"]

Array = NDArray[np.float64]

# Fewer distances have no five percent; with fewer no image could be told to be of another site.
FEWEST_IMAGES = 20
# Correlation of images of one batch beyond that of their site: one ward, one disease, one week, or put together because
# they look alike. Without it many more batches of known sites are called unknown (docs/domain_selection.md).
LIKENESS = 0.1
# Added to the spread of every feature, in its unit: a level that all images of a site share, such as the black of a
# shutter, must not make a hair's breadth infinite.
SPREAD = 0.02
# Ends beyond which single images no longer pull: the quantiles 5 % and 95 %, and half of their distance beyond.
ENDS = (0.05, 0.95)


def effective_count(images: int) -> float:
    """Independent images that a batch of ``images`` is worth, ``n / (1 + (n - 1) LIKENESS)`` (Kish's design effect)."""
    return images / (1.0 + (images - 1) * LIKENESS)


@dataclass(frozen=True)
class SiteLook:
    """A site, learned from summaries of its images; numbers only, nothing of a patient.

    Args:
        mean: of the summaries, ``(F,)``, far ones drawn in.
        covariance: ``(F, F)``, shrunk.
        distances: squared, of the site's own images, each from the look without its patient, increasing, ``(N,)``.
    """

    mean: Array
    covariance: Array
    distances: Array

    @classmethod
    def fit(cls, summaries: ArrayLike, patients: Sequence[Hashable] | None = None) -> SiteLook:
        """Learn a site.

        Args:
            summaries: of its images, ``(N, F)``, see ``look_summary``.
            patients: of each image; every image is one of its own by default.

        Raises:
            InputError: fewer than ``FEWEST_IMAGES`` images, or of fewer than that many patients.
        """
        points = np.asarray(summaries, dtype=np.float64)
        names = range(len(points)) if patients is None else patients
        _, owner = np.unique([str(name) for name in names], return_inverse=True)
        people = int(owner.max()) + 1 if owner.size else 0
        if people < FEWEST_IMAGES:
            raise InputError(
                f"{len(points)} images of {people} patients; a site is learned from {FEWEST_IMAGES} patients at least."
            )
        own = np.empty(len(points))
        for person in range(people):
            out = owner == person
            own[out] = cls(*moments(points[~out]), np.zeros(len(points) - out.sum())).distance(points[out])
        return cls(*moments(points), np.sort(own))

    @property
    def images(self) -> int:
        """How many it was learned from."""
        return len(self.distances)

    @cached_property
    def precision(self) -> Array:
        """Inverse of the covariance."""
        return np.asarray(np.linalg.inv(self.covariance))

    @cached_property
    def log_volume(self) -> float:
        """Logarithm of the covariance's determinant."""
        return float(np.linalg.slogdet(self.covariance)[1])

    def distance(self, means: ArrayLike, images: int = 1) -> Array:
        """Squared distance from the site, of one scale for every number of images.

        Args:
            means: mean summaries of batches, ``(..., F)``.
            images: in each of them.

        Returns:
            ``(...)``; about F for batches of the site.
        """
        away = np.asarray(means, dtype=np.float64) - self.mean
        return np.asarray(np.einsum("...i,ij,...j->...", away, self.precision, away) / self.variance(images))

    def variance(self, images: int) -> float:
        """Variance of a batch's mean around the site's, in units of the covariance."""
        return 1.0 / effective_count(images) + 1.0 / self.images

    def p_value(self, means: ArrayLike, images: int = 1) -> Array:
        """Share of the site's own images at least as far away, counted with the batch itself; ``(...)`` in (0, 1].

        For batches it is on the safe side: means scatter less around their middle than images do.
        """
        far = self.images - np.searchsorted(self.distances, self.distance(means, images))
        return np.asarray((1 + far) / (self.images + 1))

    def log_likelihood(self, means: ArrayLike, images: int = 1) -> Array:
        """Logarithm of the normal density of a batch's mean, but for a constant; ``(...)``."""
        spread = self.log_volume + len(self.mean) * np.log(self.variance(images))
        return np.asarray(-0.5 * (self.distance(means, images) + spread))


def moments(points: Array) -> tuple[Array, Array]:
    """Mean and shrunk covariance of points ``(N, F)``, far ones drawn in."""
    low, high = np.quantile(points, ENDS, axis=0)
    reach = (high - low) / 2
    near = np.clip(points, low - reach, high + reach)
    mean = near.mean(axis=0)
    spread = np.sqrt(near.var(axis=0) + SPREAD**2)
    # Shrunk between features of one scale.
    shrunk = LedoitWolf(assume_centered=True).fit((near - mean) / spread).covariance_
    return mean, shrunk * np.outer(spread, spread) + SPREAD**2 * np.eye(len(mean))
