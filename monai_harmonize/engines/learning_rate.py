"""Learning-rate schedule of CycleGAN."""

from __future__ import annotations

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

from monai_harmonize.data.errors import InputError

__all__ = ["LinearDecay"]


class LinearDecay(LambdaLR):
    """Constant rate, then a straight line towards zero (Zhu et al. 2017, appendix 7.1: 100 epochs each).

    Args:
        optimizer: optimizer whose rate changes after each epoch.
        epochs: epochs of the whole training.
        decay_from: epochs at the constant rate.

    Raises:
        InputError: ``decay_from`` outside [0, epochs].
    """

    def __init__(self, optimizer: Optimizer, epochs: int, decay_from: int) -> None:
        if not 0 <= decay_from <= epochs:
            raise InputError(f"decay_from is {decay_from}; expected a number from 0 to epochs ({epochs}).")
        span = epochs - decay_from + 1
        super().__init__(optimizer, lambda epoch: 1.0 - max(0, epoch + 1 - decay_from) / span)
