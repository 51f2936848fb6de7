"""Distributed training of networks that ``DistributedDataParallel`` cannot wrap one by one."""

from __future__ import annotations

from collections.abc import Iterable

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

__all__ = ["average_gradients", "start_alike"]


def start_alike(networks: Iterable[nn.Module]) -> None:
    """Give every process the weights and buffers that process 0 has; does nothing in a single process.

    Args:
        networks: those in a ``DistributedDataParallel`` shell are left to it.
    """
    if not dist.is_initialized():
        return
    for value in unwrapped(networks).state_dict().values():
        dist.broadcast(value, 0)


@torch.no_grad()
def average_gradients(networks: Iterable[nn.Module]) -> None:
    """Replace each gradient by its mean over all processes, once per step; does nothing in a single process.

    For networks that share modules, or that are called by other methods than ``forward``. A shell around each would
    average what they share twice.

    Args:
        networks: those in a ``DistributedDataParallel`` shell are left to it.
    """
    if not dist.is_initialized():
        return
    gradients = [p.grad for p in unwrapped(networks).parameters() if p.grad is not None]
    running = [dist.all_reduce(gradient, async_op=True) for gradient in gradients]
    for work, gradient in zip(running, gradients, strict=True):
        work.wait()
        gradient.div_(dist.get_world_size())


def unwrapped(networks: Iterable[nn.Module]) -> nn.Module:
    """Networks without a shell, as one module, which names what they share once."""
    return nn.ModuleList([network for network in networks if not isinstance(network, DistributedDataParallel)])
