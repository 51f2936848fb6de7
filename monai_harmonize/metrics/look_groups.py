"""A folder of images of several origins split by look, none of the origins being known beforehand."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import solve_triangular
from scipy.special import softmax
from sklearn.mixture import GaussianMixture

from monai_harmonize.metrics.site_gallery import SiteGallery
from monai_harmonize.metrics.site_look import SPREAD

__all__ = ["FEWEST_OF_GROUP", "MOST_GROUPS", "likely_sites", "look_groups", "unlike_groups"]

MOST_GROUPS = 6
# Images that a group needs on average; fewer have no look of their own.
FEWEST_OF_GROUP = 5
# Images of one site are no normal distribution. With the Bayesian information criterion itself, 20 images of one
# hospital fell into three groups on average, with twice its penalty into one.
PENALTY = 2.0
# Images as which a larger folder counts: in the end enough images of one site always fall apart.
MOST_EVIDENCE = 40
STEPS = 50


def look_groups(summaries: ArrayLike, gallery: SiteGallery, seed: int = 0) -> NDArray[np.int64]:
    """Group images of several origins, known and unknown ones; in how many groups is found out.

    Images are first shared out among the known sites, see ``likely_sites``; then what each site got is split where it
    is not of one look, see ``unlike_groups``, since images of an unknown origin went to the nearest site.

    Args:
        summaries: of the images, ``(N, F)``, see ``look_summary``.
        gallery: the known sites.
        seed: see ``unlike_groups``.

    Returns:
        Number of each image's group, counted from 0 in the order of the groups' first images, ``(N,)``.
    """
    points = np.asarray(summaries, dtype=np.float64)
    sites = likely_sites(points, gallery)
    found = np.zeros(len(points), dtype=np.int64)
    for site in np.unique(sites):
        own = sites == site
        found[own] = site * MOST_GROUPS + unlike_groups(points[own], gallery.within, seed)
    _, first, number = np.unique(found, return_index=True, return_inverse=True)
    place: NDArray[np.int64] = np.argsort(np.argsort(first))[number]
    return place


def likely_sites(points: NDArray[np.float64], gallery: SiteGallery) -> NDArray[np.int64]:
    """Place of the known site that each image is most likely from, ``(N,)``.

    The share of each site among the images is estimated with them (expectation and maximisation), so that in a folder
    of one site a few images that look a little more like another stay with the others.
    """
    density = np.stack([look.log_likelihood(points) for look in gallery.sites.values()])
    shares = np.full(len(density), 1 / len(density))
    for _ in range(STEPS):
        counts = softmax(density + np.log(shares)[:, None], axis=0).sum(axis=1)
        shares = (counts + 1 / len(density)) / (len(points) + 1)
    place: NDArray[np.int64] = np.argmax(density + np.log(shares)[:, None], axis=0)
    return place


def unlike_groups(points: NDArray[np.float64], within: NDArray[np.float64], seed: int = 0) -> NDArray[np.int64]:
    """Group images by look alone.

    Features are freed of what differs between images of one site, so that what is left of their differences in a folder
    of one origin is alike in all directions. A mixture of spherical normal distributions is fitted for every number
    of groups, and the number with the least information criterion of Schwarz is taken, its penalty doubled and the
    likelihood that of at most ``MOST_EVIDENCE`` images.

    Args:
        points: summaries of the images, ``(N, F)``.
        within: covariance of images of one site, ``(F, F)``.
        seed: of the mixtures' first guesses.

    Returns:
        Number of each image's group, below ``MOST_GROUPS``, ``(N,)``.
    """
    factor = np.linalg.cholesky(within)
    alike = solve_triangular(factor, points.T, lower=True).T
    evidence = min(len(points), MOST_EVIDENCE)
    best, found = np.inf, np.zeros(len(points), dtype=np.int64)
    for count in range(1, min(MOST_GROUPS, len(points) // FEWEST_OF_GROUP) + 1):
        mixture = GaussianMixture(count, covariance_type="spherical", reg_covar=SPREAD, n_init=3, random_state=seed)
        told = mixture.fit_predict(alike)
        numbers = count - 1 + count * (alike.shape[1] + 1)
        criterion = -2 * float(mixture.score(alike)) * evidence + PENALTY * numbers * np.log(evidence)
        if criterion < best:
            best, found = criterion, told
    return found
