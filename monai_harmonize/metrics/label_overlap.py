"""Pixel accuracy, intersection over union and Dice as metrics, of single images or of all their pixels together.

Which labels count, and why MONAI's ``DiceMetric`` and ``MeanIoU`` count others: see ``confusion``.
"""

from __future__ import annotations

from abc import abstractmethod

import torch
from monai.metrics import CumulativeIterationMetric
from torch import Tensor

from monai_harmonize.data.errors import InputError
from monai_harmonize.metrics.confusion import (
    confusion_matrix,
    label_dice,
    label_iou,
    label_map,
    mean_over_images,
    pixel_accuracy,
)

__all__ = ["ConfusionMetric", "LabelDiceMetric", "LabelIoUMetric", "PixelAccuracyMetric"]


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
