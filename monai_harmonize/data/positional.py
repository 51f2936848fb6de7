"""One data set in an order, and with random transforms, that depend on nothing but a seed and a position."""

from __future__ import annotations

from typing import Any

from monai.data import Dataset
from monai.transforms import Randomizable

from monai_harmonize.data.unpaired import position_generator

__all__ = ["PositionalDataset"]


class PositionalDataset(Dataset, Randomizable):
    """Shuffle a data set by position, so that an interrupted training continues with the same items.

    The item at position ``p`` belongs to epoch ``p // len`` and is a pure function of the seed and ``p``, as in
    ``UnpairedDataset``; ``PositionSampler`` yields the positions. Workers and processes change nothing.

    Args:
        dataset: MONAI data set (plain, cached or persistent).
        seed: seed of the order and of the random transforms.

    Raises:
        ValueError: a data set without items.
    """

    def __init__(self, dataset: Dataset, seed: int = 0) -> None:
        if len(dataset) == 0:
            raise ValueError("the data set has no items; check the site and the split of the manifest.")
        self.dataset = dataset
        self.seed = seed

    def __len__(self) -> int:
        """Items of an epoch."""
        return len(self.dataset)

    def randomize(self, position: int) -> int:
        """Draw the place in the data set of a position."""
        epoch, place = divmod(position, len(self))
        self.R = position_generator(self.seed, epoch, place)
        return int(position_generator(self.seed, epoch).permutation(len(self))[place])

    def __getitem__(self, position: int) -> Any:
        """Load the item at a position of any epoch."""
        place = self.randomize(position)
        if isinstance(self.dataset.transform, Randomizable):
            self.dataset.transform.set_random_state(seed=int(self.R.randint(2**31)))
        return self.dataset[place]
