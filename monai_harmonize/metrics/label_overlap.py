"""Pixel accuracy, intersection over union and Dice of label maps, of single images or of all their pixels together.

MONAI's ``DiceMetric`` and ``MeanIoU`` know two rules for a label that the truth lacks: it never counts, or it counts as
right where the prediction lacks it, too. Of some thirty vertebrae a CT shows eight, so the one hides inventions and the
other lifts every mean. Here a label counts as soon as prediction or truth has it, as in the usual definition of mean
intersection over union. Everything follows from the confusion matrix, without a channel per label.
"""

from __future__ import annotations

from abc import abstractmethod

import torch
from monai.metrics import CumulativeIterationMetric
from torch import Tensor

from monai_harmonize.data.errors import InputError

__all__ = [
    "ConfusionMetric",
    "LabelDiceMetric",
    "LabelIoUMetric",
    "PixelAccuracyMetric",
    "confusion_matrix",
    "label_dice",
    "label_iou",
    "label_map",
    "mean_over_images",
    "pixel_accuracy",
]

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


class ConfusionMetric(CumulativeIterationMetric):
    """A score that follows from the confusion matrix of an image; what those below have in common.

    For MONAI evaluators through ``monai.handlers.IgniteMetricHandler``, whose ``metric_details`` then are the scores of
    single images. Called with tensors ``(B, 1, H, W[, D])`` of labels or ``(B, num_classes, H, W[, D])`` with a channel
    per label, or lists of them without ``B``; a call returns the confusion matrices, ``(B, K, K)``.

    Args:
        num_classes: number of labels, background included; images need not show all of them.
        pooled: count the pixels of all images together, as if they were one, instead of the mean over images. Large
            images and frequent labels then weigh more, and a label that an image lacks costs it nothing.

    Raises:
        InputError: fewer than two labels.
    """

    def __init__(self, num_classes: int, pooled: bool = False) -> None:
        if num_classes < 2:
            raise InputError(f"num_classes is {num_classes}; expected at least 2, background included.")
        self.num_classes = num_classes
        self.pooled = pooled
        super().__init__()

    def _compute_tensor(self, y_pred: Tensor, y: Tensor) -> Tensor:
        pairs = ([label_map(labels, self.num_classes) for labels in pair] for pair in zip(y_pred, y, strict=True))
        return torch.stack([confusion_matrix(given, true, self.num_classes) for given, true in pairs])

    @abstractmethod
    def scores(self, confusion: Tensor) -> Tensor:
        """Scores of confusion matrices: from ``(N, K, K)`` to ``(N, C)``."""

    def confusions(self) -> Tensor:
        """Confusion matrix of every image so far, ``(N, K, K)``, of all processes.

        Raises:
            ValueError: no image was given since the last reset.
        """
        counts = super().get_buffer()
        if counts is None:
            raise ValueError("no image was given since the last reset, so there is no score")
        return torch.as_tensor(counts)

    def get_buffer(self) -> Tensor:
        """Scores of every image so far, ``(N, C)``, float64; NaN where a label does not count."""
        return self.scores(self.confusions())

    def aggregate(self) -> Tensor:
        """Mean score as a float64 scalar; NaN where no label counts.

        Raises:
            ValueError: no image was given since the last reset.
        """
        confusions = self.confusions()
        return mean_over_images(self.scores(confusions.sum(0, keepdim=True) if self.pooled else confusions))


class PixelAccuracyMetric(ConfusionMetric):
    """``pixel_accuracy``, ``C`` = 1: "PA" of Xu et al. 2020, table 2, who do not say whether it is pooled."""

    def scores(self, confusion: Tensor) -> Tensor:
        """Share of right pixels, ``(N, 1)``."""
        return pixel_accuracy(confusion)[..., None]


class LabelIoUMetric(ConfusionMetric):
    """``label_iou`` and its mean, "MIoU" of Xu et al. 2020, table 2, who do not say whether background is in it.

    Args:
        num_classes: as for ``ConfusionMetric``.
        pooled: as for ``ConfusionMetric``.
        include_background: count label 0 among the labels; ``C`` is then ``num_classes``, else one less. Background is
            easy, and with few labels it lifts the mean.
    """

    def __init__(self, num_classes: int, pooled: bool = False, include_background: bool = True) -> None:
        self.first = 0 if include_background else 1
        super().__init__(num_classes, pooled)

    def scores(self, confusion: Tensor) -> Tensor:
        """Intersection over union of each label, ``(N, C)``."""
        return label_iou(confusion)[..., self.first :]


class LabelDiceMetric(ConfusionMetric):
    """``label_dice`` of each label without background, for example of each vertebra; ``C`` = ``num_classes - 1``.

    A label that the prediction misses or invents counts 0.
    """

    def scores(self, confusion: Tensor) -> Tensor:
        """Dice coefficient of each label but the background, ``(N, C)``."""
        return label_dice(confusion)[..., 1:]
