"""A place where the graph is cut, so that what lies behind it can be backpropagated and freed piece by piece."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

__all__ = ["cut", "recomputed"]


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
    backpropagate(tensor, leaf)


@contextmanager
def recomputed(compute: Callable[[], Tensor]) -> Iterator[Tensor]:
    """As ``cut``, but the part before the cut is computed again at the end instead of being kept alive.

    For parts that are large in memory and cheap in time, such as those at full resolution.

    Args:
        compute: makes the result of leaves; the same on every call, so without randomness. Batch norms in it count
            their statistics twice.

    Yields:
        The result as a leaf; without asking for a gradient where none is wanted.
    """
    wanted = torch.is_grad_enabled()
    with torch.no_grad():
        leaf = compute()
    leaf.requires_grad_(wanted)
    yield leaf
    if leaf.grad is not None:
        backpropagate(compute(), leaf)


def backpropagate(tensor: Tensor, leaf: Tensor) -> None:
    """Send the gradients that gathered at a leaf through what lies before it."""
    if leaf.grad is not None and tensor.requires_grad:
        # The trainer computes terms under autocast, but backpropagates outside of it.
        with torch.autocast(tensor.device.type, enabled=False):
            torch.autograd.backward(tensor, leaf.grad)
