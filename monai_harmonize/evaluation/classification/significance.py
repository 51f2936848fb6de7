"""Which differences between areas are more than chance: paired and unpaired tests, corrected for their number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from monai_harmonize.evaluation.classification.scores import Scores, ScoreSet
from monai_harmonize.evaluation.classification.study_folder import OWN, RAW
from monai_harmonize.metrics.delong import AucTest, auc_interval, delong_covariance, paired_auc_test, unpaired_auc_test

__all__ = ["MEAN_OF_SEEDS", "auc_tests", "holm"]

# The row whose scores are the mean log odds of all seeds; the others are one seed each.
MEAN_OF_SEEDS = "mean of seeds"


def auc_tests(scores: ScoreSet) -> pd.DataFrame:
    """Tests of a direction, those of the mean of the seeds' log odds first, then of every seed.

    A method and raw have the same images: DeLong's paired test. Own images are of other patients: an unpaired test,
    which takes the two sites' patients for independent.

    Returns:
        Columns `scores` (mean of seeds or a seed), `first`, `second`, `paired`, `auc_first`, its interval `auc_low` and
        `auc_high` (logit), `auc_second`, `difference`, `standard_error`, `statistic`, `p_value`, and `p_holm`:
        corrected over the methods of one family, those against raw and those against own apart; raw against own is a
        family of its own.
    """
    methods = [name for name in scores.others if name != RAW]
    rows = []
    for seed in (None, *range(len(scores.seeds))):
        name = MEAN_OF_SEEDS if seed is None else f"seed {scores.seeds[seed]}"
        families = (
            [_paired(scores.others[method], scores.others[RAW], seed) for method in methods],
            [_unpaired(scores.others[method], scores.own, seed) for method in methods],
            [_unpaired(scores.others[RAW], scores.own, seed)],
        )
        pairs = ([(m, RAW) for m in methods], [(m, OWN) for m in methods], [(RAW, OWN)])
        for family, names in zip(families, pairs, strict=True):
            corrected = holm([row["p_value"] for row in family])
            for row, (first, second), p_holm in zip(family, names, corrected, strict=True):
                rows.append({"scores": name, "first": first, "second": second, **row, "p_holm": p_holm})
    return pd.DataFrame(rows)


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down correction (Scandinavian Journal of Statistics 1979), in the order given."""
    order = np.argsort(p_values)
    count, worst = len(p_values), 0.0
    corrected = [0.0] * count
    for rank, place in enumerate(order):
        worst = max(worst, min(1.0, (count - rank) * p_values[place]))
        corrected[place] = worst
    return corrected


def _of(scores: Scores, seed: int | None) -> NDArray[np.float64]:
    return scores.mean_logits if seed is None else scores.probabilities[seed]


def _paired(first: Scores, second: Scores, seed: int | None) -> dict[str, Any]:
    both = np.stack([_of(first, seed), _of(second, seed)])
    areas, covariance = delong_covariance(first.labels, both, first.patients)
    test = paired_auc_test(first.labels, both[0], both[1], first.patients)
    return _row(True, areas[0], covariance[0, 0], areas[1], test)


def _unpaired(first: Scores, second: Scores, seed: int | None) -> dict[str, Any]:
    groups = []
    for scores in (first, second):
        areas, covariance = delong_covariance(scores.labels, _of(scores, seed), scores.patients)
        groups.append((float(areas[0]), float(covariance[0, 0]), len(set(scores.patients))))
    return _row(False, groups[0][0], groups[0][1], groups[1][0], unpaired_auc_test(*groups))


def _row(paired: bool, area: float, variance: float, other: float, test: AucTest) -> dict[str, Any]:
    low, high = auc_interval(float(area), float(variance))
    names = {"paired": paired, "auc_first": area, "auc_low": low, "auc_high": high, "auc_second": other}
    return {**names, **asdict(test)}
