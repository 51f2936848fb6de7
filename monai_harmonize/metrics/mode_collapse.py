"""Mode collapse: kinds of images that no sample shows, and samples that repeat each other.

Both reviews name it among the main troubles of adversarial training. Two views beside recall:

- **Bins** (Richardson and Weiss 2018, "On GANs and GMMs", arXiv 1805.12462): the real images' k-means clusters and how
  many samples fall into each. A cluster with significantly fewer samples than real images is a lost mode.
- **Near duplicates** (after the birthday test of Arora and Zhang 2017, arXiv 1706.08224): samples that lie nearer to
  another sample than real images lie to each other. A generator that knows few images repeats them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm
from sklearn.cluster import KMeans
from torch import Tensor

from monai_harmonize.data.errors import InputError
from monai_harmonize.metrics.calibrated_alarm import Alarm, calibrated_alarm
from monai_harmonize.metrics.feature_sets import checked_sets, distances

__all__ = ["Modes", "near_duplicates", "reached_modes"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Modes:
    """Samples and real images by the real images' clusters.

    Args:
        real: share of the real images in each cluster, ``(C,)``, the largest first.
        samples: share of the samples in each, ``(C,)``.
        missing: clusters with significantly fewer samples than real images, ``(C,)``.
        crowded: clusters with significantly more, ``(C,)``.
        reached: share of clusters that a sample falls into. Higher is better.
        expected: the share that as many samples of the real images' distribution would reach on average.
    """

    real: Array
    samples: Array
    missing: NDArray[np.bool_]
    crowded: NDArray[np.bool_]
    reached: float
    expected: float


def reached_modes(
    features: Tensor, reference: Tensor, clusters: int = 10, significance: float = 0.05, seed: int = 0
) -> Modes:
    """Clusters of the real images that samples fall into.

    Args:
        features: of the samples, ``(N, K)``.
        reference: of the real images, ``(M, K)``.
        clusters: C, 1 to M.
        significance: of single clusters, of a two-sided test of two proportions: so many of 100 clusters differ between
            two sets of one distribution.
        seed: of k-means.

    Raises:
        InputError: see ``checked_sets``, or numbers outside the above.
    """
    first, second = checked_sets(features, reference)
    if not 1 <= clusters <= len(second) or not 0 < significance < 1:
        raise InputError(
            f"clusters is {clusters}, significance {significance}; expected 1 to {len(second)}, the number of real "
            "images, and a share between 0 and 1."
        )
    model = KMeans(clusters, n_init=4, random_state=seed).fit(second.cpu().numpy())
    numbers = model.predict(first.cpu().numpy()), model.labels_
    samples, real = (np.bincount(number, minlength=clusters) for number in numbers)
    order = np.argsort(-real, kind="stable")
    samples, real = samples[order], real[order]
    shares, real_shares = samples / len(first), real / len(second)
    pooled = (samples + real) / (len(first) + len(second))
    error = np.sqrt(pooled * (1 - pooled) * (1 / len(first) + 1 / len(second)))
    # One cluster holds all: nothing can differ.
    score = np.divide(shares - real_shares, error, out=np.zeros(clusters), where=error > 0)
    bound = norm.isf(significance / 2)
    return Modes(
        real=real_shares,
        samples=shares,
        missing=score < -bound,
        crowded=score > bound,
        reached=float((samples > 0).mean()),
        expected=float((1 - (1 - real_shares) ** len(first)).mean()),
    )


def near_duplicates(
    features: Tensor, reference: Tensor, false_alarm_rate: float = 0.01, seed: int = 0
) -> tuple[Array, NDArray[np.int64], Alarm]:
    """Samples that lie nearer to another sample than real images lie to each other.

    The more images there are the nearer is the nearest, so every image is compared with equally many others of its set,
    a random choice of the larger one's. Several real images of one patient lie near each other and make the alarm
    milder. Images of a set are no independent draws of their distances: the rate of false alarms holds roughly.

    Args:
        features: of the samples, ``(N, K)``, N at least 2.
        reference: of the real images, ``(M, K)``, M at least 2.
        false_alarm_rate: see ``calibrated_alarm``.
        seed: of the choice.

    Returns:
        Distance to the nearest of the chosen other samples and its number, each ``(N,)``, and the alarm.

    Raises:
        InputError: see ``checked_sets`` and ``calibrated_alarm``.
    """
    first, second = checked_sets(features, reference)
    rng = np.random.default_rng(seed)
    others = min(len(first), len(second)) - 1
    real, _ = _nearest_other(distances(second, second).cpu().numpy(), others, rng)
    found, number = _nearest_other(distances(first, first).cpu().numpy(), others, rng)
    return found, number, calibrated_alarm(found, real, false_alarm_rate)


def _nearest_other(among: Array, others: int, rng: np.random.Generator) -> tuple[Array, NDArray[np.int64]]:
    """Nearest of so many random others: distance and number, each ``(N,)``.

    Args:
        among: distances of a set's images, ``(N, N)``.
        others: 1 to N - 1.
        rng: source of randomness.
    """
    drawn = rng.random(among.shape)
    np.fill_diagonal(drawn, np.inf)
    last = np.partition(drawn, others - 1, axis=1)[:, others - 1]
    chosen = np.where(drawn <= last[:, None], among, np.inf)
    number = chosen.argmin(axis=1)
    return chosen[np.arange(len(among)), number], number
