"""A place where the graph is cut, so that what lies behind it can be backpropagated and freed piece by piece."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

__all__ = ["cut"]


@contextmanager
def cut(tensor: Tensor) -> Iterator[Tensor]:
    """Detach an intermediate result that several groups of terms need.

    For use in ``Objective.generator_losses``: groups that are yielded within the context see the result as the
    beginning of their graph and leave their gradients there; at its end the sum goes once through what lies before.
    The gradients of the parameters are those of one graph, but only one group's graph is alive beside the part
    before the cut. Each group must have been backpropagated before the next one is asked for, as the trainer does.

    Args:
        tensor: result that is to be used more than once.

    Yields:
        The same values as a leaf; ``tensor`` itself where no gradient is wanted.
    """
    if not tensor.requires_grad:
        yield tensor
        return
    leaf = tensor.detach().requires_grad_()
    yield leaf
    if leaf.grad is not None:
        # The trainer computes terms under autocast, but backpropagates outside of it.
        with torch.autocast(tensor.device.type, enabled=False):
            torch.autograd.backward(tensor, leaf.grad)
