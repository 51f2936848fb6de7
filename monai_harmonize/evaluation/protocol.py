"""The evaluation protocol: three conditions of a good harmonizer, measured with intervals and a baseline.

Lee et al. (HCIS 2020, "Experimental process") ask that the output (1) differs from the source site A, (2)
looks like the target site B and (3) loses no feature of its input. Measured here as distances between pooled
grey levels for (1) and (2), and for (3) as structural similarity to the input (their Table 1), the residual
of the best increasing tone curve and the agreement of gradients. Where a paired truth exists, the distance to
it is measured too. Added to the paper: every number for the raw images and for per-image histogram matching,
bootstrap intervals over patients, and the distance that B has to itself.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from monai_harmonize.evaluation.cases import Pairing
from monai_harmonize.evaluation.images import RAW, Load, load_item
from monai_harmonize.evaluation.measure import IMAGE_MEASURES, Measured, measure_images
from monai_harmonize.evaluation.resampling import bootstrap_weights, percentile_interval, split_half_distances
from monai_harmonize.metrics import jensen_shannon_distance, wasserstein_distance

__all__ = ["TARGET", "TARGET_HALVES", "Evaluation", "Measurement", "evaluate_harmonization"]

Array = NDArray[np.float64]
TARGET, TARGET_HALVES = "target", "target_halves"


@dataclass(frozen=True)
class Measurement:
    """One row of `results.csv`.

    Args:
        method: raw, harmonized, histogram_matched, truth, or target_halves for the target against itself.
        measure: name of the measure.
        estimate: of all images; the mean for measures of single images.
        low: lower end of the 95 % interval, NaN where there is none.
        high: upper end.
        sd: standard deviation over images, NaN for distances between sites.
        images: number of images behind it.
    """

    method: str
    measure: str
    estimate: float
    low: float
    high: float
    sd: float
    images: int


@dataclass(frozen=True)
class Evaluation:
    """Everything measured.

    Args:
        pairing: the files.
        measurements: numbers of the sites.
        per_image: numbers of single images, see `Measured`. A single image's distance to the target is no
            goal: brightness differs between patients.
        histograms: mean histogram by method and of the target, each `(bins,)`.
    """

    pairing: Pairing
    measurements: tuple[Measurement, ...]
    per_image: pd.DataFrame
    histograms: dict[str, Array]

    def get(self, method: str, measure: str) -> Measurement | None:
        """The measurement, or None where it does not exist."""
        found = (m for m in self.measurements if (m.method, m.measure) == (method, measure))
        return next(found, None)

    @property
    def results(self) -> pd.DataFrame:
        """The measurements as a table, one row each."""
        return pd.DataFrame([asdict(m) for m in self.measurements])


def evaluate_harmonization(
    pairing: Pairing, *, load: Load = load_item, seed: int = 0, resamples: int = 2000, progress: bool = True
) -> Evaluation:
    """Measures the three conditions on files.

    Args:
        pairing: cases and images of the target site, see `pair_manifest` and `pair_files`.
        load: reader of a record.
        seed: of the bootstrap and of the random halves of the target.
        resamples: number of both.
        progress: whether to show a progress bar.

    Returns:
        Numbers and tables; the same seed gives the same numbers.

    Raises:
        ValueError: images cannot be compared; the message has one line for each of them.
    """
    measured = measure_images(pairing, load=load, progress=progress)
    rng = np.random.default_rng(seed)
    weights = bootstrap_weights([case.group for case in pairing.cases], resamples, rng)
    target_groups = [str(item.get("patient", item["image"])) for item in pairing.targets]
    target_weights = bootstrap_weights(target_groups, resamples, rng)
    halves = split_half_distances(measured.target_histograms, target_groups, resamples, rng)
    measurements = [
        *_between_sites(measured, weights, target_weights),
        *_within_target(halves, len(target_groups)),
        *_of_images(measured.per_image, weights),
    ]
    histograms = {method: stack.mean(axis=0) for method, stack in measured.histograms.items()}
    histograms[TARGET] = measured.target_histograms.mean(axis=0)
    return Evaluation(pairing, tuple(measurements), measured.per_image, histograms)


def _between_sites(measured: Measured, weights: Array, target_weights: Array) -> Iterator[Measurement]:
    """Conditions 1 and 2; row 0 of every array is the data itself, the others are resamples."""

    def pooled(histograms: Array, resampling: Array) -> Array:
        return np.concatenate([histograms.mean(axis=0)[None], resampling @ histograms])

    count = len(weights[0])
    target = pooled(measured.target_histograms, target_weights)
    source = pooled(measured.histograms[RAW], weights)
    raw_distance = wasserstein_distance(source, target)
    for method, stack in measured.histograms.items():
        site = pooled(stack, weights)
        to_target = wasserstein_distance(site, target)
        values = {
            "wasserstein_to_target": to_target,
            "jensen_shannon_to_target": jensen_shannon_distance(site, target),
        }
        if method != RAW:
            # A raw site equal to the target leaves nothing to remain; the ratio is then not a number.
            ratio = np.divide(to_target, raw_distance, where=raw_distance > 0, out=np.full_like(to_target, math.nan))
            values |= {
                "remaining_share": ratio,
                "wasserstein_to_source": wasserstein_distance(site, source),
                "jensen_shannon_to_source": jensen_shannon_distance(site, source),
            }
        for measure, value in values.items():
            estimate = float(value[0])
            low, high = percentile_interval(value[1:], estimate)
            yield Measurement(method, measure, estimate, low, high, math.nan, count)


def _within_target(halves: Array, count: int) -> Iterator[Measurement]:
    if halves.size:
        middle = float(np.median(halves))
        low, high = percentile_interval(halves, middle)
        yield Measurement(TARGET_HALVES, "wasserstein_to_target", middle, low, high, math.nan, count)


def _of_images(per_image: pd.DataFrame, weights: Array) -> Iterator[Measurement]:
    names = per_image["image"].unique()
    for method, table in per_image.groupby("method", sort=False):
        for measure in IMAGE_MEASURES:
            values = table.set_index("image")[measure].reindex(names).to_numpy(np.float64)
            known = np.isfinite(values)
            if not known.any():
                continue
            mass = weights[:, known].sum(axis=1)
            means = (weights[:, known] @ values[known])[mass > 0] / mass[mass > 0]
            mean, count = float(values[known].mean()), int(known.sum())
            sd = float(values[known].std(ddof=1)) if count > 1 else math.nan
            low, high = percentile_interval(means, mean)
            yield Measurement(str(method), measure, mean, low, high, sd, count)
