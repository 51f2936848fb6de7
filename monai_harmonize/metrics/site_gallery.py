"""Known sites, and of which of them a batch of images of unknown origin is, if of any."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import softmax

from monai_harmonize.data.errors import InputError
from monai_harmonize.metrics.look_summary import turned_summary
from monai_harmonize.metrics.site_look import SiteLook

__all__ = ["LEVEL", "Origin", "SiteGallery"]

# Share of the batches of known sites that may be called unknown.
LEVEL = 0.05


@dataclass(frozen=True)
class Origin:
    """Where a batch of images is from.

    Args:
        site: name of the site; ``None`` for none of the known ones.
        nearest: that name, or the name of the nearest site.
        probability: of the nearest site among the known ones, all of them as likely beforehand; it says nothing of
            whether the batch is from any of them.
        p_value: share of the nearest site's own images that lie as far from it.
        turned: site that the batch would be of with bright and dark swapped, where it is of none as it is.
    """

    site: str | None
    nearest: str
    probability: float
    p_value: float
    turned: str | None = None


@dataclass(frozen=True)
class SiteGallery:
    """Looks of sites by name.

    Args:
        sites: at least one.

    Raises:
        InputError: there is none.
    """

    sites: Mapping[str, SiteLook]

    def __post_init__(self) -> None:
        if not self.sites:
            raise InputError("a gallery of no sites; learn one at least.")

    @property
    def within(self) -> NDArray[np.float64]:
        """Mean covariance of the sites, ``(F, F)``: what differs between images of one site."""
        mean: NDArray[np.float64] = np.mean([look.covariance for look in self.sites.values()], axis=0)
        return mean

    def origin(self, summaries: ArrayLike, level: float = LEVEL) -> Origin:
        """Site of images that have one origin.

        Of the sites in which the batch is not too rare the most probable one is told. A batch that is too rare in all
        of them is of unknown origin.

        Args:
            summaries: of the images, ``(N, F)``, see ``look_summary``.
            level: p-value below which a batch is too rare, at least one in the number of each site's images and 1.

        Raises:
            InputError: there is no image, or a site was learned from too few for this level.
        """
        points = np.atleast_2d(np.asarray(summaries, dtype=np.float64))
        if not len(points):
            raise InputError("no image is given; expected one at least.")
        self.refuse_level(level)
        found = self.told(points, level)
        if found.site is not None:
            return found
        other = self.told(turned_summary(points), level)
        return Origin(None, found.nearest, found.probability, found.p_value, other.site)

    def told(self, points: NDArray[np.float64], level: float) -> Origin:
        """As ``origin``, of the images as they are."""
        names, looks = list(self.sites), list(self.sites.values())
        mean, count = points.mean(axis=0), len(points)
        p_values = np.array([look.p_value(mean, count) for look in looks])
        likely = np.array([look.log_likelihood(mean, count) for look in looks])
        near = -np.array([look.distance(mean, count) for look in looks])
        possible = p_values >= level
        place = int(np.argmax(np.where(possible, likely, -np.inf)) if possible.any() else np.argmax(near))
        site = names[place] if possible.any() else None
        return Origin(site, names[place], float(softmax(likely)[place]), float(p_values[place]))

    def refuse_level(self, level: float) -> None:
        """Raise ``InputError`` for a level at which nothing could ever be unknown."""
        for name, look in self.sites.items():
            least = 1 / (look.images + 1)
            if not least <= level < 1:
                raise InputError(
                    f"level is {level:g}; expected {least:.3f} to 1, since {name} was learned from {look.images} "
                    "images. Learn it from more of them, or ask for less."
                )
