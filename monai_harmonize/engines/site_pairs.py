"""What an evaluator of a translator among several sites is given, and measures of each pair of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import permutations
from typing import Any

import torch
from monai.handlers import IgniteMetricHandler, from_engine
from numpy.typing import ArrayLike
from torch import Tensor

from monai_harmonize.metrics.site_pair_distance import SitePairDistanceMetric

__all__ = ["prepare_translations", "site_pair_metrics"]


def prepare_translations(
    batch: Mapping[str, Any], device: torch.device | str | None = None, non_blocking: bool = False, **kwargs: Any
) -> tuple[Tensor, Tensor, tuple[Tensor], dict[str, Any]]:
    """Images for the network, where each comes from and is to go, and the latter as the network's second argument.

    The ``prepare_batch`` of MONAI's evaluators: what they call image and label.

    Args:
        batch: ``image``, ``(B, C, W, H[, D])`` in [-1, 1], and the numbers ``domain`` and ``target``, ``(B,)``.
        device: where they go.
        non_blocking: see ``torch.Tensor.to``.
        kwargs: further arguments of it, for the images.
    """
    image = torch.as_tensor(batch["image"]).to(device, non_blocking=non_blocking, **kwargs)
    numbers = torch.stack([torch.as_tensor(batch[key]) for key in ("domain", "target")], dim=1)
    numbers = numbers.to(device, non_blocking=non_blocking)
    return image, numbers, (numbers[:, 1],), {}


def site_pair_metrics(sites: Sequence[str], histograms: ArrayLike) -> dict[str, IgniteMetricHandler]:
    """``SitePairDistanceMetric`` of each ordered pair, by the names of its sites.

    Args:
        sites: names, in the order of their numbers.
        histograms: see ``SitePairDistanceMetric``.
    """
    return {
        f"{sites[source]}_to_{sites[target]}": IgniteMetricHandler(
            metric_fn=SitePairDistanceMetric(histograms, (source, target)),
            output_transform=from_engine(["pred", "label"]),
            save_details=False,
        )
        for source, target in permutations(range(len(sites)), 2)
    }
