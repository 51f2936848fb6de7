"""The latent codes of samples, by number."""

from __future__ import annotations

from typing import Any

from monai.data import Dataset

from monai_harmonize.data.errors import InputError
from monai_harmonize.data.latent_code import LatentCode
from monai_harmonize.data.unpaired import position_generator

__all__ = ["LatentCodes"]


class LatentCodes(Dataset):
    """Codes of which sample ``n`` is a pure function of the seed and ``n``, however many are drawn.

    Items are dicts with ``code``, ``(channels, 1, 1[, 1])``, and ``number``.

    Args:
        code: their layout.
        samples: how many.
        seed: of the draws.
        label: value of the first categorical code of all of them; ``None``: the values take turns.
        spatial_dims: axes behind the channels.

    Raises:
        InputError: fewer than one sample, or a label that no code has.
    """

    def __init__(
        self, code: LatentCode, samples: int, seed: int = 0, label: int | None = None, spatial_dims: int = 2
    ) -> None:
        if samples < 1:
            raise InputError(f"samples is {samples}; expected 1 or more.")
        if label is not None and (not code.categories or not 0 <= label < code.categories[0]):
            valid = f"0 to {code.categories[0] - 1}" if code.categories else "none: it knows no classes"
            raise InputError(f"label is {label}; this generator knows {valid}.")
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
        values = []
        if self.code.categories:
            values = [number % self.code.categories[0] if self.label is None else self.label]
        code = self.code.draw(position_generator(self.seed, number), values)
        return {"code": code.reshape(-1, *[1] * self.spatial_dims), "number": number}
