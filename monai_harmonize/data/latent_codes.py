"""The latent codes of samples, by number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from monai.data import Dataset

from monai_harmonize.data.errors import InputError
from monai_harmonize.data.latent_code import LatentCode
from monai_harmonize.data.unpaired import position_generator

__all__ = ["LatentCodes"]


class LatentCodes(Dataset):
    """Codes of which sample ``n`` is a pure function of the seed and ``n``, however many are drawn.

    Items are dicts with ``code``, ``(channels, 1, 1[, 1])``, and ``number``; where codes have categories, also the
    value of the first one, ``class``, and its name, ``class_name``.

    Args:
        code: their layout.
        samples: how many.
        seed: of the draws.
        label: value of the first categorical code of all of them; ``None``: the values take turns.
        spatial_dims: axes behind the channels.
        names: of the values of the first categorical code; by default ``label 0`` and so on.

    Raises:
        InputError: fewer than one sample, a label that no code has, names that are no list, or another number of them.
    """

    def __init__(
        self,
        code: LatentCode,
        samples: int,
        seed: int = 0,
        label: int | None = None,
        spatial_dims: int = 2,
        names: Sequence[str] | None = None,
    ) -> None:
        if samples < 1:
            raise InputError(f"samples is {samples}; expected 1 or more.")
        classes = code.categories[0] if code.categories else 0
        if label is not None and (type(label) is not int or not 0 <= label < classes):
            valid = f"0 to {classes - 1}" if classes else "none: it knows no classes"
            raise InputError(f"label is {label!r}; this generator knows {valid}.")
        if names is not None and not isinstance(names, list | tuple):
            raise InputError(f"names of classes are {names!r}; expected a list such as ['healthy','ill'].")
        if names is not None and len(names) != classes:
            raise InputError(f"{len(names)} names of classes are given; this generator knows {classes} classes.")
        self.names = [f"label {value}" for value in range(classes)] if names is None else list(names)
        self.code = code
        self.samples = samples
        self.seed = seed
        self.label = label
        self.spatial_dims = spatial_dims

    def __len__(self) -> int:
        """Samples."""
        return self.samples

    def __getitem__(self, number: int) -> dict[str, Any]:
        """Draw the code of a sample."""
        if not 0 <= number < self.samples:
            raise IndexError(number)
        item: dict[str, Any] = {"number": number}
        values = []
        if self.code.categories:
            item["class"] = number % self.code.categories[0] if self.label is None else self.label
            item["class_name"] = self.names[item["class"]]
            values = [item["class"]]
        code = self.code.draw(position_generator(self.seed, number), values)
        return item | {"code": code.reshape(-1, *[1] * self.spatial_dims)}
