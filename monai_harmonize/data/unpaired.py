"""Two unpaired sites as one data set, with an order that depends on nothing but a seed and a position."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from monai.data import Dataset
from monai.transforms import Randomizable
from torch.utils.data import DistributedSampler

from monai_harmonize.data.errors import InputError

__all__ = ["PositionSampler", "UnpairedDataset", "no_common_patient", "position_generator"]


def position_generator(seed: int, *entropy: int) -> np.random.RandomState:
    """Random numbers that belong to an epoch, or to a place in it."""
    return np.random.RandomState(np.random.MT19937(np.random.SeedSequence([seed, *entropy])))


def first_places(dataset: Dataset, by: Hashable) -> Iterator[tuple[Any, int]]:
    """Yield each patient that a data set knows ``by`` an entry of its records, and the place of its first image."""
    seen = set()
    for place, record in enumerate(dataset.data):
        patient = record.get(by)
        if patient is not None and patient not in seen:
            seen.add(patient)
            yield patient, place


def no_common_patient(datasets: Mapping[str, Dataset], by: Hashable) -> str:
    """Why no patient was found at all sites, and what to do."""
    found = []
    for name, dataset in datasets.items():
        sites = {record["site"] for record in dataset.data if "site" in record} or {name}
        named = sum(record.get(by) is not None for record in dataset.data)
        found.append((", ".join(sorted(sites)), f"{named} of {len(dataset.data)}"))
    return (
        f"No '{by}' was found at all of the sites {', '.join(site for site, _ in found)}. Expected images of the same "
        f"patients: a manifest with the column '{by}', in which rows of several sites agree. Of these images "
        f"{', '.join(f'{named} of {site}' for site, named in found)} have a '{by}'. Fill the column, or choose a "
        "method that needs no pairs, such as CycleGAN."
    )


class UnpairedDataset(Dataset, Randomizable):
    """Pair every image of site A with a random image of site B.

    The item at *position* ``p`` belongs to epoch ``p // len`` and is a pure function of the seed and ``p``: the order
    of A, the partner in B and every random transform are drawn from a generator made for that position. Workers,
    processes and an interruption therefore change nothing. ``PositionSampler`` yields such positions.

    Where some patients were imaged at both sites, ``pair_by`` names what tells it: such an image of A comes with its
    partner, both with the same draws of their random transforms, and ``paired`` is 1 for it and 0 for the others.

    Args:
        dataset_a: MONAI data set of site A (plain, cached or persistent), items are dicts.
        dataset_b: the same for site B.
        seed: seed of the order and of the random transforms.
        key: item key of the image; it becomes ``<key>_a`` and ``<key>_b``.
        pair_by: entry of the records that partners have in common, for example ``"patient"``; ``None``: no pairs.
        also: further item keys that come along as ``<key>_a`` and ``<key>_b`` where an item has them, for example a
            mask; other entries stay behind.

    Raises:
        ValueError: a site without images.
        InputError: ``pair_by`` is given, and no image of A has a partner.
    """

    def __init__(
        self,
        dataset_a: Dataset,
        dataset_b: Dataset,
        seed: int = 0,
        key: Hashable = "image",
        pair_by: Hashable | None = None,
        also: Sequence[Hashable] = (),
    ) -> None:
        for name, dataset in (("A", dataset_a), ("B", dataset_b)):
            if len(dataset) == 0:
                raise ValueError(f"Site {name} has no images; check the site's name and the split of the manifest.")
        self.dataset_a = dataset_a
        self.dataset_b = dataset_b
        self.seed = seed
        self.key = key
        self.pair_by = pair_by
        self.also = tuple(also)
        self.partners = {} if pair_by is None else dict(first_places(dataset_b, pair_by))
        if pair_by is not None and not any(record.get(pair_by) in self.partners for record in dataset_a.data):
            raise InputError(no_common_patient({"A": dataset_a, "B": dataset_b}, pair_by))

    def __len__(self) -> int:
        """Items of an epoch: every image of A once."""
        return len(self.dataset_a)

    def randomize(self, position: int) -> tuple[int, int]:
        """Draw the places in A and B of a position."""
        epoch, place = divmod(position, len(self))
        order = position_generator(self.seed, epoch).permutation(len(self))
        self.R = position_generator(self.seed, epoch, place)
        return int(order[place]), int(self.R.randint(len(self.dataset_b)))

    def __getitem__(self, position: int) -> dict[str, Any]:
        """Load the pair at a position of any epoch."""
        place_a, place_b = self.randomize(position)
        pair: dict[str, Any] = {}
        partner = None
        if self.pair_by is not None:
            partner = self.partners.get(self.dataset_a.data[place_a].get(self.pair_by))
            pair["paired"] = torch.tensor(float(partner is not None))
        seeds = [int(self.R.randint(2**31)) for _ in "ab"]
        if partner is not None:
            place_b, seeds[1] = partner, seeds[0]
        for site, dataset, place, seed in (
            ("a", self.dataset_a, place_a, seeds[0]),
            ("b", self.dataset_b, place_b, seeds[1]),
        ):
            if isinstance(dataset.transform, Randomizable):
                dataset.transform.set_random_state(seed=seed)
            item: Mapping[Hashable, Any] = dataset[place]
            pair[f"{self.key}_{site}"] = item[self.key]
            pair |= {f"{key}_{site}": item[key] for key in self.also if key in item}
        return pair


class PositionSampler(DistributedSampler[int]):
    """Positions of one epoch for ``UnpairedDataset`` or ``PositionalDataset``, shared out among processes.

    Args:
        dataset: data set whose items are addressed by position.
        num_replicas: processes.
        rank: this process.
    """

    def __init__(self, dataset: Dataset, num_replicas: int = 1, rank: int = 0) -> None:
        super().__init__(dataset, num_replicas=num_replicas, rank=rank, shuffle=False)

    def __iter__(self) -> Iterator[int]:
        """Yield positions of the epoch told by ``set_epoch``."""
        start = self.epoch * len(self.dataset)  # type: ignore[arg-type]
        return (start + index for index in super().__iter__())
