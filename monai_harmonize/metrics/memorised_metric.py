"""The check of memorisation as a metric of MONAI evaluators, for images and volumes."""

from __future__ import annotations

from collections.abc import Hashable

import torch
from monai.data import Dataset
from monai.metrics import CumulativeIterationMetric
from torch import Tensor

from monai_harmonize.metrics.calibrated_alarm import smallest_rate
from monai_harmonize.metrics.memorisation import memorisation, standardised_pixels

__all__ = ["MemorisedMetric"]


class MemorisedMetric(CumulativeIterationMetric):
    """Share of an evaluator's outputs that lie nearer to a training image than real images of other patients do.

    For MONAI evaluators through ``monai.handlers.IgniteMetricHandler``. Called with outputs and real images of patients
    that nothing was trained on, each ``(B, 1, W, H[, D])``, or lists of them without ``B``. Compared are standardised
    pixels, see ``standardised_pixels``. Where images are random patches, no training patch need lie at the very place
    of a sample; held-out patches do not either, so the comparison stays fair but sees less.

    Args:
        training: data set of the training; an item is a dict, or a list of them as random crops give it.
        count: items of it to compare with, from the first on; a ``PositionalDataset`` has some in every epoch.
        false_alarm_rate: per real image, see ``calibrated_alarm``; or the smallest that the held-out images allow.
        side: pixels per side that are compared.
        key: entry of the images.
    """

    def __init__(
        self,
        training: Dataset,
        count: int,
        false_alarm_rate: float = 0.05,
        side: int = 64,
        key: Hashable = "image",
    ) -> None:
        super().__init__()
        self.training = training
        self.count = count
        self.false_alarm_rate = false_alarm_rate
        self.side = side
        self.key = key

    def _compute_tensor(self, y_pred: Tensor, y: Tensor) -> list[Tensor]:
        return [standardised_pixels(images, self.side).cpu() for images in (y_pred, y)]

    def aggregate(self) -> Tensor:
        """The share, a float64 scalar.

        Raises:
            ValueError: no image was given since the last reset.
        """
        buffers = self.get_buffer()
        if buffers is None:
            raise ValueError("no image was given since the last reset, so nothing can be memorised")
        samples, held_out = buffers
        items = (self.training[place] for place in range(self.count))
        parts = [part for item in items for part in (item if isinstance(item, list) else [item])]
        real = torch.stack([torch.as_tensor(part[self.key]) for part in parts])
        rate = max(self.false_alarm_rate, smallest_rate(len(held_out)))
        found = memorisation(samples, standardised_pixels(real, self.side), held_out, false_alarm_rate=rate)
        return torch.as_tensor(found.alarm.alarm).double().mean()
