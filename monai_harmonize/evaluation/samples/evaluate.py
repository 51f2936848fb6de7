"""From sets of images to numbers: distributions, mode collapse and memorisation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from monai_harmonize.evaluation.resampling import bootstrap_weights
from monai_harmonize.evaluation.samples.images import ImageSet
from monai_harmonize.evaluation.samples.table import (
    HELD_OUT,
    LOWER,
    SAMPLES,
    Row,
    mean_row,
    set_rows,
    shares_row,
    to_table,
)
from monai_harmonize.metrics.calibrated_alarm import Alarm, smallest_rate
from monai_harmonize.metrics.manifold_shares import ManifoldShares
from monai_harmonize.metrics.memorisation import Memorisation, memorisation, standardised_pixels
from monai_harmonize.metrics.mode_collapse import Modes, near_duplicates, reached_modes
from monai_harmonize.networks.pooled_features import PooledFeatures

__all__ = ["PIXELS", "Options", "SampleEvaluation", "evaluate_samples"]

PIXELS = "pixels"
# Side of the images whose pixels are compared: anatomy, without the noise that hides a copy.
PIXEL_SIZE = 64
IMAGES_AT_ONCE = 16
# So many real images per cluster tell a lost mode from chance.
IMAGES_PER_MODE = 10


@dataclass(frozen=True)
class Options:
    """How samples are judged.

    Args:
        neighbours: k of the manifolds of precision and recall.
        clusters: of the real images at most; fewer where there are few images.
        false_alarm_rate: of memorisation and near duplicates, per image.
        resamples: of the intervals.
        seed: of resamples, clusters and choices.
    """

    neighbours: int = 3
    clusters: int = 10
    false_alarm_rate: float = 0.01
    resamples: int = 200
    seed: int = 0


@dataclass(frozen=True)
class SampleEvaluation:
    """All numbers.

    Args:
        samples: the images that are judged.
        training: real images that the generator learned from.
        held_out: real images of other patients, if given.
        features: name of the features.
        memorised: nearest training images by space, ``PIXELS`` and the features' name.
        duplicates: alarm on samples that repeat each other.
        modes: clusters that samples reach.
        real_modes: the same of the held-out images.
        table: measures with intervals, see ``samples.table.COLUMNS``.
        per_sample: one row per sample.
    """

    samples: ImageSet
    training: ImageSet
    held_out: ImageSet | None
    features: str
    memorised: dict[str, Memorisation]
    duplicates: Alarm
    modes: Modes
    real_modes: Modes | None
    table: pd.DataFrame
    per_sample: pd.DataFrame

    def value(self, measure: str, of: str = SAMPLES) -> float:
        """Estimate of a measure; NaN where there is none."""
        rows = self.table[(self.table["measure"] == measure) & (self.table["of"] == of)]
        return float(rows["estimate"].iloc[0]) if len(rows) else float("nan")


def evaluate_samples(
    samples: ImageSet,
    training: ImageSet,
    held_out: ImageSet | None,
    features: PooledFeatures,
    options: Options,
    classifier: Callable[[Tensor], Tensor] | None = None,
    progress: bool = True,
) -> SampleEvaluation:
    """Every measure of samples against the images they were learned from.

    Where too few images calibrate an alarm at the wanted rate, the smallest rate that they allow is taken.

    Args:
        samples: images to judge.
        training: real images.
        held_out: real images of other patients; they calibrate the memorisation alarm and show, as samples in the
            samples' place, what a perfect generator would get.
        features: of the images, in evaluation mode on the processor.
        options: how.
        classifier: from images to logits, for the inception score.
        progress: whether to show progress bars.

    Raises:
        InputError: there are too few images for a measure.
    """
    rng = np.random.default_rng(options.seed)
    sets = [samples, training] if held_out is None else [samples, training, held_out]
    vectors = [vectors_of(each, features, progress) for each in sets]
    own, real = vectors[:2]

    def rows_of(of: str, images: ImageSet, found: Tensor) -> tuple[list[Row], ManifoldShares]:
        patients = (images.patients, training.patients)
        return set_rows(of, features.name, (found, real), patients, options.neighbours, options.resamples, rng)

    rows, shares = rows_of(SAMPLES, samples, own)
    if held_out is not None:
        rows += rows_of(HELD_OUT, held_out, vectors[2])[0]
    memorised = {
        name: compare_with_training(group, training, options.false_alarm_rate)
        for name, group in (
            (PIXELS, [standardised_pixels(each.pixels, PIXEL_SIZE) for each in sets]),
            (features.name, vectors),
        )
    }
    duplicate_rate = max(options.false_alarm_rate, smallest_rate(len(training)))
    distance, other, duplicates = near_duplicates(own, real, duplicate_rate, options.seed)
    clusters = max(1, min(options.clusters, len(training) // IMAGES_PER_MODE))
    # One of all clusters may differ by chance in one of twenty evaluations.
    modes = [reached_modes(each, real, clusters, 0.05 / clusters, options.seed) for each in vectors[:1] + vectors[2:]]
    weights = bootstrap_weights(samples.patients, options.resamples, rng)
    if classifier is not None:
        rows.append(shares_row(SAMPLES, logits_of(samples, classifier), weights))
    alarms = {**{f"memorised_{name}": each.alarm for name, each in memorised.items()}, "near_duplicates": duplicates}
    rows += [mean_row(name, SAMPLES, each.alarm.astype(float), weights, LOWER) for name, each in alarms.items()]
    rows += mode_rows(modes, len(samples), len(held_out or ()))
    per_sample = {
        "image": samples.names,
        **nearest_columns(memorised, training),
        f"precision_{features.name}": shares.precision.numpy(),
        f"density_{features.name}": shares.density.numpy(),
        "nearest_sample": [samples.names[number] for number in other],
        "nearest_sample_distance": distance,
        "near_duplicate": duplicates.alarm,
    }
    return SampleEvaluation(
        samples,
        training,
        held_out,
        features.name,
        memorised,
        duplicates,
        modes[0],
        modes[1] if held_out is not None else None,
        to_table(rows),
        pd.DataFrame(per_sample),
    )


def compare_with_training(vectors: Sequence[Tensor], training: ImageSet, false_alarm_rate: float) -> Memorisation:
    """Nearest training images of samples.

    Args:
        vectors: of samples, training images and, if there are any, held-out images.
        training: the training images.
        false_alarm_rate: if so many images can state it, else the smallest that they can.
    """
    rate = max(false_alarm_rate, smallest_rate(len(vectors[-1])))
    return memorisation(vectors[0], vectors[1], vectors[2] if len(vectors) > 2 else None, training.patients, rate)


def vectors_of(images: ImageSet, features: PooledFeatures, progress: bool) -> Tensor:
    """Features ``(N, K)``, float64."""
    parts = tqdm(torch.split(images.pixels, IMAGES_AT_ONCE), desc="Features", unit="batch", disable=not progress)
    return torch.cat([features(part) for part in parts]).double()


@torch.no_grad()
def logits_of(images: ImageSet, classifier: Callable[[Tensor], Tensor]) -> Tensor:
    """Logits of a classifier, ``(N, classes)``."""
    return torch.cat([classifier(part) for part in torch.split(images.pixels, IMAGES_AT_ONCE)])


def mode_rows(modes: list[Modes], samples: int, held_out: int) -> list[Row]:
    """Share of clusters reached, without intervals: clusters are not resampled."""
    return [
        {"measure": "modes_reached", "of": of, "estimate": each.reached, "better": "higher", "images": count}
        for of, each, count in zip((SAMPLES, HELD_OUT), modes, (samples, held_out), strict=False)
    ]


def nearest_columns(
    memorised: dict[str, Memorisation], training: ImageSet
) -> dict[str, NDArray[np.generic] | list[str]]:
    """Nearest training image of every sample, its distance, p-value and alarm, by space."""
    columns: dict[str, NDArray[np.generic] | list[str]] = {}
    for name, found in memorised.items():
        columns |= {
            f"nearest_training_{name}": [training.names[number] for number in found.neighbour],
            f"distance_{name}": found.distance,
            f"p_value_{name}": found.alarm.p_value,
            f"memorised_{name}": found.alarm.alarm,
            f"copy_{name}": found.alarm.copy,
        }
    return columns
