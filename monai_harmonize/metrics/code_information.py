"""How much a latent code tells of a visible factor of the images drawn from it.

InfoGAN (Chen et al. 2016, section 4) raises a bound on the mutual information of codes and images. Here the mutual
information of a code and one number of an image is estimated itself, by the distances of nearest neighbours (Kraskov,
Stögbauer, Grassberger 2004, and Ross 2014 for categories), as scikit-learn has it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from sklearn.feature_selection import mutual_info_regression

from monai_harmonize.data.errors import InputError

__all__ = ["CodeInformation", "code_information"]

# Of the estimates of permuted codes.
QUANTILE = 0.95


@dataclass(frozen=True)
class CodeInformation:
    """Mutual information of a code and a factor.

    Args:
        nats: the estimate, 0 or more.
        chance: 95 % quantile of the estimates where the codes are dealt to the images at random.
        p_value: share of these that reach the estimate, the estimate itself among them.
    """

    nats: float
    chance: float
    p_value: float


def code_information(
    codes: ArrayLike, factor: ArrayLike, categorical: bool = False, permutations: int = 19, seed: int = 0
) -> CodeInformation:
    """Estimate the mutual information, and what of it is chance.

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
    return CodeInformation(float(nats), float(np.quantile(by_chance, QUANTILE)), float(reached / (1 + permutations)))
