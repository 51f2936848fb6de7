"""Small versions of generated, real and source images, pooled over many iterations."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import interpolate

from monai_harmonize.data.errors import InputError
from monai_harmonize.engines.watch.measures import dependence, grey_level_gap, spread
from monai_harmonize.metrics.inversion import measure_inversion

__all__ = ["PictureProbe", "Pictures"]

SIDE = 64
# Images of a batch, and of a review where each is compared with its input.
MOST_OF_BATCH = 4
MOST_COMPARED = 8
# Below this range, in grey levels of [-1, 1], an image has no edge to compare.
FLAT = 1e-3
KEYS = {"generated", "real", "source"}
Looks = list[NDArray[Any]]


@dataclass(frozen=True)
class Pictures:
    """What was seen of a generator's images between two reviews; NaN where there was nothing to measure.

    Args:
        spread: of generated images, in parts of that of real ones, see ``variety``.
        dependence: of outputs on inputs.
        gap: between grey levels of generated and real images.
        rank_correlation: of output and input, median.
        flipped_edges: share of the input's edges, median.
    """

    spread: float
    dependence: float
    gap: float
    rank_correlation: float
    flipped_edges: float


class PictureProbe:
    """Small images of each generator, kept on the device until ``take``.

    Args:
        outputs: by generator, the batch keys of its images: ``generated``, ``real`` and, for a translator,
            ``source``, whose images are in the same order as the generated ones.

    Raises:
        InputError: an entry with other keys.
    """

    def __init__(self, outputs: Mapping[str, Mapping[str, str]]) -> None:
        for name, keys in outputs.items():
            if not {"generated", "real"} <= set(keys) <= KEYS:
                raise InputError(f"outputs#{name} has {sorted(keys)}; expected generated, real and perhaps source.")
        self.outputs = {name: dict(keys) for name, keys in outputs.items()}
        self.looks: dict[str, list[Tensor]] = {}

    @torch.no_grad()
    def look(self, batch: Mapping[str, Any]) -> None:
        """Keep small versions of the images of an iteration."""
        for key in {key for keys in self.outputs.values() for key in keys.values()}:
            self.looks.setdefault(key, []).append(small(batch[key][:MOST_OF_BATCH]))

    def take(self) -> dict[str, Pictures]:
        """What was seen since the last call, by generator."""
        looks = {key: [one.cpu().double().numpy() for one in images] for key, images in self.looks.items()}
        self.looks.clear()
        return {
            name: measured(*(looks[keys[role]] if role in keys else None for role in ("generated", "real", "source")))
            for name, keys in self.outputs.items()
            if {*keys.values()} <= looks.keys()
        }


def small(images: Tensor) -> Tensor:
    """Mean over channels, the middle slice of a volume, 64 pixels wide and high: ``(B, 64, 64)``, float32."""
    images = images[..., images.shape[-1] // 2] if images.ndim == 5 else images
    return interpolate(images.detach().float(), size=(SIDE, SIDE), mode="area").mean(dim=1)


def measured(generated_looks: Looks | None, real_looks: Looks | None, source_looks: Looks | None) -> Pictures:
    """All statistics of looks at images ``(B, H, W)``."""
    if generated_looks is None or real_looks is None:
        return Pictures(*[math.nan] * 5)
    generated, real = np.concatenate(generated_looks), np.concatenate(real_looks)
    source = None if source_looks is None else np.concatenate(source_looks)
    if len(generated) < 2 or not all(map(finite, (generated, real, source))):
        return Pictures(*[math.nan] * 5)
    among_real = variety(real_looks)
    ratio = variety(generated_looks) / among_real if among_real > 0 else math.nan
    gap = grey_level_gap(generated, real)
    if source is None:
        return Pictures(ratio, math.nan, gap, math.nan, math.nan)
    depends = dependence(generated, source) if len(source) > 2 else math.nan
    chosen = np.linspace(0, len(source) - 1, min(MOST_COMPARED, len(source))).astype(int)
    pairs = [(generated[i], source[i]) for i in chosen if np.ptp(source[i]) > FLAT and np.ptp(generated[i]) > FLAT]
    found = [measure_inversion(image, reference) for image, reference in pairs]
    if not found:
        return Pictures(ratio, depends, gap, math.nan, math.nan)
    rank_correlation = float(np.median([one.rank_correlation for one in found]))
    flipped_edges = float(np.median([one.flipped_edges for one in found]))
    return Pictures(ratio, depends, gap, rank_correlation, flipped_edges)


def variety(looks: Looks) -> float:
    """``spread`` within batches, where one image that changes from step to step is one; of single images over looks."""
    batches = [look for look in looks if len(look) > 1]
    if not batches:
        return spread(np.concatenate(looks))
    return math.sqrt(float(np.mean([spread(batch) ** 2 for batch in batches])))


def finite(images: NDArray[Any] | None) -> bool:
    """Whether there are no images or all their values are numbers."""
    return images is None or bool(np.isfinite(images).all())
