"""Images of the same patients at several sites as one data set."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

from monai.data import Dataset
from monai.transforms import Randomizable

from monai_harmonize.data.errors import InputError
from monai_harmonize.data.unpaired import first_places, no_common_patient, position_generator

__all__ = ["SamePatientDataset"]


class SamePatientDataset(Dataset, Randomizable):
    """Bring together what every site has of one patient; patients whom a site has not examined are left out.

    Random transforms draw the same for all images of an item, so that what was aligned stays aligned. The item at
    position ``p`` belongs to epoch ``p // len`` and is a pure function of the seed and ``p``, as in
    ``UnpairedDataset``; ``PositionSampler`` yields the positions.

    Args:
        datasets: by name of the site, MONAI data set (plain, cached or persistent) whose items are dicts.
        seed: seed of the order and of the random transforms.
        key: item key of the image; it becomes ``<key>_<name>``, other entries stay behind.
        by: entry of the records that tells the patient. Of several images of one patient at a site the first counts.

    Raises:
        InputError: no patient was examined at all sites.
    """

    def __init__(
        self, datasets: Mapping[str, Dataset], seed: int = 0, key: Hashable = "image", by: Hashable = "patient"
    ) -> None:
        self.datasets = dict(datasets)
        self.seed = seed
        self.key = key
        places = [dict(first_places(dataset, by)) for dataset in self.datasets.values()]
        self.places = [[one[patient] for one in places] for patient in places[0] if all(patient in p for p in places)]
        if not self.places:
            raise InputError(no_common_patient(self.datasets, by))

    def __len__(self) -> int:
        """Items of an epoch: every patient once."""
        return len(self.places)

    def randomize(self, position: int) -> int:
        """Draw the patient of a position."""
        epoch, place = divmod(position, len(self))
        self.R = position_generator(self.seed, epoch, place)
        return int(position_generator(self.seed, epoch).permutation(len(self))[place])

    def __getitem__(self, position: int) -> dict[str, Any]:
        """Load the images of one patient at a position of any epoch."""
        places = self.places[self.randomize(position)]
        seed = int(self.R.randint(2**31))
        images = {}
        for (name, dataset), place in zip(self.datasets.items(), places, strict=True):
            if isinstance(dataset.transform, Randomizable):
                dataset.transform.set_random_state(seed=seed)
            images[f"{self.key}_{name}"] = dataset[place][self.key]
        return images
