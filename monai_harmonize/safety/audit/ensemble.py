"""Do several trainings of one method agree? Where they do not, the change was the training's, not the data's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from monai_harmonize.data.errors import InputError

__all__ = ["Disagreement", "disagreement_of", "ensemble_deviation"]

Translate = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Disagreement:
    """Spread between the members of an ensemble.

    Args:
        members: trainings compared.
        deviation: root mean square over images and pixels of the standard deviation between members, share of the
            grey scale.
        change: root mean square of the members' mean change of the input, share of the grey scale.
        worst: 99.9th percentile of the standard deviation.
    """

    members: int
    deviation: float
    change: float
    worst: float

    @property
    def relative(self) -> float:
        """Deviation over change; 0 where all members leave every image as it is."""
        if self.change == 0:
            return 0.0 if self.deviation == 0 else float("inf")
        return self.deviation / self.change


@torch.no_grad()
def ensemble_deviation(image: Tensor, members: Sequence[Translate]) -> tuple[Tensor, Tensor]:
    """Standard deviation between members, pixel by pixel, and what they changed on average.

    Args:
        image: batch ``(B, C, H, W[, D])`` on [-1, 1].
        members: at least two trained harmonizers.

    Returns:
        Two tensors of the batch's shape, shares of the grey scale: the deviation (with n - 1) and the mean change.

    Raises:
        InputError: fewer than two members.
    """
    if len(members) < 2:
        raise InputError(f"an ensemble of {len(members)}; give at least two trained harmonizers")
    outputs = torch.stack([(torch.as_tensor(member(image)) + 1).clamp(0, 2) / 2 for member in members])
    return outputs.std(dim=0), outputs.mean(dim=0) - (image + 1) / 2


def disagreement_of(
    deviations: Sequence[NDArray[np.float32]], changes: Sequence[NDArray[np.float32]], members: int
) -> Disagreement:
    """Summary over images of what ``ensemble_deviation`` gives."""
    deviation, change = (np.concatenate([image.ravel() for image in images]) for images in (deviations, changes))
    return Disagreement(
        members,
        float(np.sqrt(np.square(deviation).mean())),
        float(np.sqrt(np.square(change).mean())),
        float(np.quantile(deviation, 0.999)),
    )
