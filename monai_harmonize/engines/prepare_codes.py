"""What an evaluator of a generator takes from a batch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

__all__ = ["prepare_codes"]


def prepare_codes(
    batch: Mapping[str, Any], device: torch.device | str | None = None, non_blocking: bool = False, **kwargs: Any
) -> tuple[Tensor, Tensor | None]:
    """Codes for the network, and real images to compare with where the batch has them.

    The ``prepare_batch`` of MONAI's evaluators: what they call image and label.

    Args:
        batch: ``code``, ``(B, K, 1, 1[, 1])``, and maybe ``image``, ``(B, C, W, H[, D])`` in [-1, 1].
        device: where they go.
        non_blocking: see ``torch.Tensor.to``.
        kwargs: further arguments of it.
    """
    found = [
        None if batch.get(key) is None else torch.as_tensor(batch[key]).to(device, non_blocking=non_blocking, **kwargs)
        for key in ("code", "image")
    ]
    return torch.as_tensor(found[0]), found[1]
