"""How much a latent code tells of a visible factor of the images drawn from it.

InfoGAN (Chen et al. 2016, section 4) raises a bound on the mutual information of codes and images. Here the mutual
information of a code and one number of an image is estimated itself, by the distances of nearest neighbours (Kraskov,
Stögbauer, Grassberger 2004, and Ross 2014 for categories), as scikit-learn has it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import t as student
from sklearn.feature_selection import mutual_info_regression

from monai_harmonize.data.errors import InputError

__all__ = ["CodeInformation", "code_information"]

# Of the estimates of permuted codes.
QUANTILE = 0.95
# Parts of the images that are left out in turn for the interval.
PARTS = 8


@dataclass(frozen=True)
class CodeInformation:
    """Mutual information of a code and a factor.

    Args:
        nats: the estimate, 0 or more.
        low: lower end of its 95 % interval over draws of images, 0 or more.
        high: upper end.
        chance: 95 % quantile of the estimates where the codes are dealt to the images at random.
        p_value: share of these that reach the estimate, the estimate itself among them.
    """

    nats: float
    low: float
    high: float
    chance: float
    p_value: float


def code_information(
    codes: ArrayLike, factor: ArrayLike, categorical: bool = False, permutations: int = 19, seed: int = 0
) -> CodeInformation:
    """Estimate the mutual information, how sure it is, and what of it is chance.

    The interval is Student's with the standard error of the jackknife over ``PARTS`` disjoint parts of the images, each
    left out in turn (Efron 1982, "The jackknife, the bootstrap and other resampling plans", chapter 3). Drawing images
    twice, as a bootstrap does, would make neighbours at distance 0.

    Args:
        codes: value of the code of each image, ``(N,)``.
        factor: what is seen of each image, ``(N,)``.
        categorical: whether the code has categories rather than numbers.
        permutations: how often the codes are dealt at random.
        seed: of the permutations, and of the tiny noise that breaks ties.

    Raises:
        InputError: shapes differ, fewer than 8 images, no permutation, or a value is NaN or infinite.
    """
    code, seen = np.asarray(codes, dtype=float), np.asarray(factor, dtype=float)
    if code.ndim != 1 or code.shape != seen.shape or len(code) < 8 or permutations < 1:
        raise InputError(
            f"codes of shape {code.shape}, a factor of shape {seen.shape}, {permutations} permutations; expected one "
            "number per image, of 8 images or more, and a permutation."
        )
    if not (np.isfinite(code).all() and np.isfinite(seen).all()):
        raise InputError("a code or a factor is NaN or infinite.")
    random = np.random.default_rng(seed)
    dealt = np.stack([code, *[random.permutation(code) for _ in range(permutations)]], axis=1)
    nats, *by_chance = mutual_info_regression(dealt, seen, discrete_features=categorical, random_state=seed)
    reached = 1 + sum(other >= nats for other in by_chance)
    margin = standard_error(code, seen, categorical, random.permutation(len(code)) % PARTS, seed)
    margin *= float(student.ppf((1 + QUANTILE) / 2, PARTS - 1))
    return CodeInformation(
        float(nats),
        float(max(nats - margin, 0)),
        float(nats + margin),
        float(np.quantile(by_chance, QUANTILE)),
        float(reached / (1 + permutations)),
    )


def standard_error(
    code: NDArray[np.float64], seen: NDArray[np.float64], categorical: bool, part: NDArray[np.int64], seed: int
) -> float:
    """Of the estimate of all images, by leaving out the images of each part in turn."""
    without = [
        mutual_info_regression(
            code[part != left, None], seen[part != left], discrete_features=categorical, random_state=seed
        )[0]
        for left in range(PARTS)
    ]
    return float(np.std(without) * np.sqrt(PARTS - 1))
