"""What a generator of images is given: noise, and codes that have a meaning."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.random import RandomState
from torch import Tensor

from monai_harmonize.data.errors import InputError

__all__ = ["LatentCode"]

DISTRIBUTIONS = ("normal", "uniform")


@dataclass(frozen=True)
class LatentCode:
    """Layout of a latent code: noise, then each categorical code as a one-hot vector, then the continuous codes.

    A code is one vector, so that every generator is a function of one tensor, whatever it is conditioned on.

    Args:
        noise: numbers without a meaning of their own, z.
        categories: values of each categorical code, for example ``[2]`` for healthy and ill (the condition of CGAN and
            ACGAN, or what InfoGAN is to find by itself).
        continuous: codes that InfoGAN gives a meaning, uniform in [-1, 1].
        distribution: of the noise, ``"normal"``, or ``"uniform"`` in [-1, 1].

    Raises:
        InputError: negative numbers, no number at all, a category of fewer than two values, an unknown distribution.
    """

    noise: int = 64
    categories: Sequence[int] = ()
    continuous: int = 0
    distribution: str = "normal"

    def __post_init__(self) -> None:
        if self.noise < 0 or self.continuous < 0 or any(values < 2 for values in self.categories) or not self.channels:
            raise InputError(
                f"noise {self.noise}, categories {list(self.categories)}, continuous {self.continuous}: expected at "
                "least one number, and categories of two values or more."
            )
        if self.distribution not in DISTRIBUTIONS:
            raise InputError(f"distribution is {self.distribution!r}; expected one of {', '.join(DISTRIBUTIONS)}.")

    @property
    def channels(self) -> int:
        """Numbers of a code."""
        return self.noise + sum(self.categories) + self.continuous

    def draw(self, random: RandomState, values: Sequence[int | None] = ()) -> Tensor:
        """Draw a code.

        Args:
            random: where the numbers come from.
            values: of the first categorical codes; those that are not given, or ``None``, are drawn with equal chance.

        Returns:
            ``(channels,)``, float32.

        Raises:
            InputError: more values than there are categorical codes, or one that a code does not have.
        """
        if len(values) > len(self.categories):
            raise InputError(f"{len(values)} values are given; the latent code has {len(self.categories)} categories.")
        noise = random.normal(size=self.noise) if self.distribution == "normal" else random.uniform(-1, 1, self.noise)
        parts = [noise]
        for place, count in enumerate(self.categories):
            drawn = int(random.randint(count))
            given = values[place] if place < len(values) else None
            parts.append(one_hot(drawn if given is None else given, count))
        parts.append(random.uniform(-1, 1, self.continuous))
        return torch.from_numpy(np.concatenate(parts)).float()

    def category(self, code: Tensor, place: int = 0) -> Tensor:
        """One-hot vectors of a categorical code, ``(B, values)``, of codes ``(B, channels, 1, 1[, 1])``."""
        start = self.noise + sum(self.categories[:place])
        return code.flatten(1)[:, start : start + self.categories[place]]

    def numbers(self, code: Tensor) -> Tensor:
        """Continuous codes, ``(B, continuous)`` in [-1, 1], of codes ``(B, channels, 1, 1[, 1])``."""
        return code.flatten(1)[:, self.channels - self.continuous :]


def one_hot(value: int, count: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Vector of ``count`` zeros with a one at ``value``."""
    if not isinstance(value, int | np.integer) or not 0 <= value < count:
        raise InputError(f"value {value!r} of a categorical code; expected a whole number from 0 to {count - 1}.")
    vector = np.zeros(count)
    vector[value] = 1
    return vector
