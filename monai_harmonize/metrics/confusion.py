"""Confusion matrix of label maps, and what follows from it: pixel accuracy, intersection over union and Dice.

MONAI's ``DiceMetric`` and ``MeanIoU`` know two rules for a label that the truth lacks: it never counts, or it counts as
right where the prediction lacks it, too. Of some thirty vertebrae a CT shows eight, so the one hides inventions and the
other lifts every mean. Here a label counts as soon as prediction or truth has it, as in the usual definition of mean
intersection over union. Everything follows from the confusion matrix, without a channel per label.
"""

from __future__ import annotations

import torch
from torch import Tensor

from monai_harmonize.data.errors import InputError

__all__ = ["confusion_matrix", "label_dice", "label_iou", "label_map", "mean_over_images", "pixel_accuracy"]

# Pixels at a time, so that the pairs of a whole CT are never in memory.
CHUNK = 2**20


def label_map(labels: Tensor, num_classes: int) -> Tensor:
    """Label of each pixel.

    Args:
        labels: ``(1, H, W[, D])`` with labels, or ``(num_classes, H, W[, D])`` with a channel per label, of which the
            highest one counts.
        num_classes: number of labels, background included.

    Returns:
        ``(H, W[, D])``, a plain tensor.

    Raises:
        InputError: another number of channels.
    """
    plain = labels.as_subclass(Tensor)
    if plain.shape[0] == 1:
        return plain[0]
    if plain.shape[0] != num_classes:
        raise InputError(
            f"{plain.shape[0]} channels for {num_classes} labels; expected 1 with labels, or one per label."
        )
    return plain.argmax(dim=0)


def confusion_matrix(prediction: Tensor, truth: Tensor, num_classes: int) -> Tensor:
    """How many pixels of each true label were given each label.

    Args:
        prediction: whole numbers 0 to ``num_classes - 1`` of any type, any shape.
        truth: same shape.
        num_classes: number of labels, background (0) included.

    Returns:
        ``(num_classes, num_classes)``, int64; a row per true label, a column per predicted one.

    Raises:
        InputError: shapes differ, or a value is no label.
    """
    if prediction.shape != truth.shape:
        raise InputError(f"prediction of shape {tuple(prediction.shape)} for labels of shape {tuple(truth.shape)}.")
    counts = torch.zeros(num_classes**2, dtype=torch.int64, device=truth.device)
    pieces = (torch.split(values.as_subclass(Tensor).reshape(-1), CHUNK) for values in (prediction, truth))
    for given, true in zip(*pieces, strict=True):
        row, column = (_whole_labels(values, num_classes) for values in (true, given))
        counts += torch.bincount(row * num_classes + column, minlength=num_classes**2)
    return counts.reshape(num_classes, num_classes)


def _whole_labels(values: Tensor, num_classes: int) -> Tensor:
    whole = values.long()
    # NaN and infinity differ from the whole number that they become.
    wrong = (whole != values) | (whole < 0) | (whole >= num_classes)
    if wrong.any():
        raise InputError(
            f"{float(values[wrong][0]):g} is no label; expected whole numbers from 0 to {num_classes - 1}. Labels are "
            "resampled with mode 'nearest', and num_classes counts the background."
        )
    return whole


def pixel_accuracy(confusion: Tensor) -> Tensor:
    """Share of all pixels, background included, that got their label (Long et al. 2015, section 5).

    Args:
        confusion: ``(..., K, K)`` of ``confusion_matrix``.

    Returns:
        ``(...)``, float64, 0 to 1. Most pixels of a CT are background, so this alone says little.
    """
    counts = confusion.double()
    return counts.diagonal(dim1=-2, dim2=-1).sum(-1) / counts.sum((-2, -1))


def label_iou(confusion: Tensor) -> Tensor:
    """Intersection over union of each label; ``confusion`` as in ``pixel_accuracy``.

    Returns:
        ``(..., K)``, float64: 0 where only one of prediction and truth has the label, NaN where neither has.
    """
    both, predicted, true = _common_predicted_true(confusion)
    return both / (predicted + true - both)


def label_dice(confusion: Tensor) -> Tensor:
    """Dice coefficient of each label; arguments and rules as ``label_iou``."""
    both, predicted, true = _common_predicted_true(confusion)
    return 2 * both / (predicted + true)


def _common_predicted_true(confusion: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    counts = confusion.double()
    return counts.diagonal(dim1=-2, dim2=-1), counts.sum(-2), counts.sum(-1)


def mean_over_images(scores: Tensor) -> Tensor:
    """Mean over labels, then over images, each without NaN; NaN where nothing counts.

    Args:
        scores: ``(N, C)``.
    """
    return scores.nanmean(dim=1).nanmean()
