"""Latent codes that differ in one code only, so that a person sees what it means."""

from __future__ import annotations

from typing import Any

import torch
from monai.data import Dataset
from torch import Tensor

from monai_harmonize.data.errors import InputError
from monai_harmonize.data.latent_code import LatentCode
from monai_harmonize.data.latent_codes import LatentCodes

__all__ = ["CodeTraversal"]


class CodeTraversal(Dataset):
    """Rows of codes: each takes a sample's code and leads one of its codes through its values, all else as it is.

    Continuous codes go from -1 to 1, categorical ones through all their values. The samples are those of
    ``LatentCodes`` of the same seed. Items are dicts with ``code``, ``(channels, 1, 1[, 1])``, ``number`` and ``row``,
    which tells the code and the sample.

    Args:
        code: layout of the codes.
        samples: rows of each code.
        steps: values of a continuous code.
        seed: of the samples.
        spatial_dims: axes behind the channels.

    Raises:
        InputError: fewer than one sample or than two steps, or a layout of nothing but noise.
    """

    def __init__(
        self, code: LatentCode, samples: int = 1, steps: int = 8, seed: int = 0, spatial_dims: int = 2
    ) -> None:
        if steps < 2:
            raise InputError(f"steps is {steps}; expected 2 or more.")
        if not code.categories and not code.continuous:
            raise InputError("the latent code is nothing but noise; a traversal needs categories or continuous codes.")
        bases = LatentCodes(code, samples, seed, spatial_dims=spatial_dims)
        items: list[dict[str, Any]] = []
        for name, first, values in varied(code, steps):
            for base in bases:
                for value in values:
                    varying = base["code"].clone()
                    varying[first : first + len(value)] = value.reshape(-1, *[1] * spatial_dims)
                    row = f"{name}, sample {base['number']}"
                    items.append({"code": varying, "number": len(items), "row": row})
        super().__init__(items)


def varied(code: LatentCode, steps: int) -> list[tuple[str, int, Tensor]]:
    """Name of each code that has a meaning, its first place in the vector, and its values ``(values, places)``."""
    start, found = code.noise, []
    for number, count in enumerate(code.categories, 1):
        found.append((f"category {number}", start, torch.eye(count)))
        start += count
    for number in range(1, code.continuous + 1):
        found.append((f"code {number}", start, torch.linspace(-1, 1, steps)[:, None]))
        start += 1
    return found
