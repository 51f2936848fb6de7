"""What a shift costs a classifier and what of it a method brings back, with intervals by patient, as Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from monai_harmonize.evaluation.resampling import bootstrap_weights, percentile_interval
from monai_harmonize.metrics.weighted_auc import weighted_auc
from monai_harmonize.transforms.site_shift import SITE_SHIFTS

Array = NDArray[np.float64]
# By method and shift, the scores of the test images, ``(seeds, N)``.
Scores = Mapping[tuple[str, str], Array]

NO_SHIFT = "no_shift"
NO_METHOD = "none"
TONE_SHIFTS = SITE_SHIFTS[:5]
RESAMPLES = 1000


def rates(labels: NDArray[np.int64], scores: Array, threshold: float) -> tuple[float, float, float]:
    """Accuracy, sensitivity and specificity at a threshold."""
    called = scores >= threshold
    right = called == (labels == 1)
    return float(right.mean()), float(called[labels == 1].mean()), float((~called)[labels == 0].mean())


class Comparison:
    """Scores of all methods under all shifts, and what follows from them.

    Args:
        labels: 0 or 1, ``(N,)``.
        patients: of the images; a resample draws patients.
        scores: see ``Scores``; holds ``NO_METHOD`` and ``NO_SHIFT``.
        thresholds: of each seed's classifier, fixed beforehand.
    """

    def __init__(
        self, labels: Sequence[int], patients: Sequence[str], scores: Scores, thresholds: Sequence[float]
    ) -> None:
        self.labels = np.asarray(labels)
        self.scores = scores
        self.thresholds = thresholds
        resampled = bootstrap_weights(patients, RESAMPLES, np.random.default_rng(0))
        # The first row is the data itself.
        weights = np.vstack([np.full(len(self.labels), 1 / len(self.labels)), resampled])
        self.aucs = {
            key: np.stack([weighted_auc(self.labels, seed, weights) for seed in found]) for key, found in scores.items()
        }
        self.methods = list(dict.fromkeys(method for method, _ in scores))

    def mean_auc(self, method: str, shifts: Sequence[str]) -> Array:
        """Mean over shifts, ``(seeds, 1 + R)``."""
        mean: Array = np.mean([self.aucs[method, shift] for shift in shifts], axis=0)
        return mean

    def recovered(self, method: str, shifts: Sequence[str], seed: int | None = None) -> Array:
        """Share of the AUC lost on average over the shifts that the method brings back, ``(1 + R,)``."""
        seeds = slice(None) if seed is None else slice(seed, seed + 1)
        clean, raw, now = (
            self.mean_auc(name, over)[seeds].mean(axis=0)
            for name, over in ((NO_METHOD, (NO_SHIFT,)), (NO_METHOD, shifts), (method, shifts))
        )
        share: Array = (now - raw) / (clean - raw)
        return share

    def rates(self, method: str, shifts: Sequence[str]) -> Array:
        """Accuracy, sensitivity and specificity at the fixed threshold, mean over seeds and shifts."""
        every = [
            rates(self.labels, scores, threshold)
            for shift in shifts
            for scores, threshold in zip(self.scores[method, shift], self.thresholds, strict=True)
        ]
        mean: Array = np.mean(every, axis=0)
        return mean

    def auc_table(self) -> str:
        """AUC of every method under every shift, mean over seeds."""
        columns = (NO_SHIFT, *SITE_SHIFTS)
        lines = [_row("method", *(name.replace("_", " ") for name in columns), "mean of ten"), _rule(len(columns) + 2)]
        for method in self.methods:
            each = [f"{self.mean_auc(method, (shift,))[:, 0].mean():.3f}" for shift in columns]
            lines.append(_row(method, *each, _with_interval(self.mean_auc(method, SITE_SHIFTS).mean(axis=0), ".3f")))
        return "\n".join(lines)

    def recovery_table(self) -> str:
        """What each method brings back, what it costs without a shift, and what happens at the fixed threshold."""
        head = [
            "method",
            "lost AUC recovered, mean of ten",
            "by seed",
            "five tone shifts",
            "random gamma",
            "AUC change without a shift",
            "by seed",
            "accuracy / sensitivity / specificity, ten shifts",
            "the same without a shift",
        ]
        lines = [_row(*head), _rule(len(head))]
        for method in self.methods:
            change = self.mean_auc(method, (NO_SHIFT,)) - self.mean_auc(NO_METHOD, (NO_SHIFT,))
            seeds = range(len(self.thresholds))
            lines.append(
                _row(
                    method,
                    _with_interval(self.recovered(method, SITE_SHIFTS), ".0%"),
                    ", ".join(f"{self.recovered(method, SITE_SHIFTS, seed)[0]:.0%}" for seed in seeds),
                    _with_interval(self.recovered(method, TONE_SHIFTS), ".0%"),
                    _with_interval(self.recovered(method, ("random_gamma",)), ".0%"),
                    _with_interval(change.mean(axis=0), "+.4f"),
                    ", ".join(f"{each:+.4f}" for each in change[:, 0]),
                    " / ".join(f"{rate:.3f}" for rate in self.rates(method, SITE_SHIFTS)),
                    " / ".join(f"{rate:.3f}" for rate in self.rates(method, (NO_SHIFT,))),
                )
            )
        return "\n".join(lines)


def _with_interval(values: Array, style: str) -> str:
    low, high = percentile_interval(values[1:], float(values[0]))
    if np.isnan(low):
        return f"{values[0]:{style}}"
    return f"{values[0]:{style}} [{low:{style}}, {high:{style}}]"


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _rule(columns: int) -> str:
    return f"|{'---|' * columns}"
