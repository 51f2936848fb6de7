"""What a training is judged by: statistics of few plain numbers, none of which knows an engine."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import pdist
from scipy.stats import kendalltau, theilslopes, wasserstein_distance

__all__ = [
    "dependence",
    "depth_ratio",
    "falls",
    "grey_level_gap",
    "no_better_than_grey",
    "rise",
    "separation",
    "spread",
    "swing",
]

Array = NDArray[Any]
# Layers at either end whose gradients are compared, as a share of all; with fewer layers there is no depth.
END = 1 / 3
FEWEST_LAYERS = 4
# Kendall's tau above which losses are said to rise rather than to wander.
CONSISTENT = 0.6
# Share of its earlier half that the later half of a history must have left for progress.
PROGRESS = 0.9
FEWEST_REVIEWS = 3


def spread(images: Array) -> float:
    """Root mean square distance of images from their mean image, per pixel.

    Args:
        images: ``(N, ...)``, any unit, at least two.
    """
    return float(np.sqrt(images.var(axis=0).mean()))


def dependence(outputs: Array, inputs: Array) -> float:
    """How well the distances between inputs tell those between their outputs: the correlation of Mantel (1967).

    1 where outputs are inputs of another contrast; around 0 where they have nothing to do with each other.

    Args:
        outputs: ``(N, ...)``, at least three.
        inputs: as many, in the same order, any shape and unit.

    Returns:
        Pearson's correlation of the pairwise Euclidean distances; 0 where all of one kind are equally far apart,
        1 where that is so of the inputs, which then tell nothing.
    """
    from_outputs, from_inputs = (pdist(images.reshape(len(images), -1)) for images in (outputs, inputs))
    if np.ptp(from_inputs) <= 1e-6 * from_inputs.max(initial=0.0):
        return 1.0
    if np.ptp(from_outputs) <= 1e-6 * from_outputs.max(initial=0.0):
        return 0.0
    return float(np.corrcoef(from_outputs, from_inputs)[0, 1])


def grey_level_gap(generated: Array, real: Array) -> float:
    """Distance of the pooled grey levels of two sets of images, in standard deviations of the real ones.

    Args:
        generated: any shape and unit.
        real: any shape, same unit.

    Returns:
        Wasserstein-1 distance over the standard deviation; 0 for equal distributions, infinite where the real ones
        are constant and the others are not the same.
    """
    distance, width = wasserstein_distance(generated.ravel(), real.ravel()), float(real.std())
    return float(distance / width) if width else math.inf * (distance > 0) if distance else 0.0


def separation(real: Array, generated: Array) -> float:
    """Share of pairs in which a discriminator takes the real patch for more real than the generated one.

    The area under its receiver operating characteristic, whatever the adversarial loss is: 1 where it is always
    right, 1/2 where it guesses (equal logits count half), 0 where it is always wrong.

    Args:
        real: logits of real patches, any shape.
        generated: logits of generated patches, any shape.
    """
    ordered = np.sort(real.ravel())
    below = np.searchsorted(ordered, generated.ravel(), side="left") + np.searchsorted(
        ordered, generated.ravel(), side="right"
    )
    return float(1 - below.mean() / (2 * len(ordered)))


def depth_ratio(gradients: Array) -> float:
    """Gradients of the first layers in parts of those of the last ones.

    Args:
        gradients: root mean square per weight, one value per layer, first layer first; NaN where there was none.

    Returns:
        Median over the first third of the layers by that over the last; NaN of fewer than 4 layers, or where the last
        ones have no gradient either.
    """
    layers = gradients[~np.isnan(gradients)]
    if len(layers) < FEWEST_LAYERS:
        return math.nan
    end = max(1, int(END * len(layers)))
    first, last = float(np.median(layers[:end])), float(np.median(layers[-end:]))
    return first / last if last > 0 and math.isfinite(last) else math.nan


def rise(values: Array, least: float = 0.0) -> float:
    """Consistent growth of a loss over its history, in parts of its level.

    Args:
        values: one value per review, oldest first, at least three; 0 or more.
        least: level below which growth does no harm, and which counts as the level then.

    Returns:
        Slope of Theil and Sen over the whole history by the median; 0 unless Kendall's tau with time exceeds 0.6.
    """
    level, time = max(float(np.median(values)), least), np.arange(len(values))
    if level <= 0 or not kendalltau(time, values).statistic > CONSISTENT:
        return 0.0
    return float(theilslopes(values, time).slope * (len(values) - 1) / level)


def swing(values: Array, least: float = 0.0) -> float:
    """Oscillation of a loss without progress, in parts of its level.

    Args:
        values: one value per review, oldest first, at least four; 0 or more.
        least: level below which oscillation does no harm, and which counts as the level then.

    Returns:
        Median size of the steps from review to review by the median; 0 where the later half lies a tenth or more
        below the earlier half.
    """
    half, level = len(values) // 2, max(float(np.median(values)), least)
    if level <= 0 or np.median(values[half:]) < PROGRESS * np.median(values[:half]):
        return 0.0
    return float(np.median(np.abs(np.diff(values))) / level)


def falls(values: Array) -> bool:
    """Whether the last value of a history is a tenth or more below the median of those before; so said of fewer than 3.

    Args:
        values: one value per review, oldest first; 0 or more.
    """
    return len(values) < FEWEST_REVIEWS or bool(values[-1] < PROGRESS * np.median(values[:-1]))


def no_better_than_grey(error: float, deviation: float) -> float:
    """Mean absolute error of reconstructed images in parts of what one grey level per image would achieve.

    Args:
        error: mean absolute error.
        deviation: mean absolute deviation of the images from their own mean grey levels, same unit.

    Returns:
        0 for perfect reconstructions; 1 and more where a uniformly grey image would do; NaN for images that are grey.
    """
    return error / deviation if deviation > 0 else math.nan
