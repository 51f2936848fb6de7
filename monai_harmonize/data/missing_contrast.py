"""All images of a patient, one of which is to be filled in."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

import torch
from monai.data import CacheDataset, Dataset
from torch import Tensor

from monai_harmonize.data.errors import InputError
from monai_harmonize.data.manifest import Manifest
from monai_harmonize.data.same_patient import SamePatientDataset
from monai_harmonize.data.site_numbers import checked_sites

__all__ = ["MissingContrastDataset", "datasets_of_sites"]


class MissingContrastDataset(SamePatientDataset):
    """Patients as in ``SamePatientDataset``, and which of the images is missing; a pure function of seed and position.

    An item has ``image``, all contrasts ``(N, W, H[, D])`` in the order of ``datasets``, the number of the ``target``
    and which contrasts are ``shown``, ``(N,)`` of type bool: at least one, and never the target.

    Args:
        datasets: by name of the contrast, see ``SamePatientDataset``; images of the same size.
        hidden: probability by which another contrast is not shown.
        seed: of the order, the random transforms and what is missing.
        key: item key of the image.
        by: entry of the records that tells the patient.

    Raises:
        InputError: fewer than two contrasts, a probability outside [0, 1], or see ``SamePatientDataset``.
    """

    def __init__(
        self,
        datasets: Mapping[str, Dataset],
        hidden: float = 0.0,
        seed: int = 0,
        key: Hashable = "image",
        by: Hashable = "patient",
    ) -> None:
        super().__init__(datasets, seed, key, by)
        if len(self.datasets) < 2 or not 0 <= hidden <= 1:
            raise InputError(
                f"{len(self.datasets)} contrasts, each hidden with a probability of {hidden}; expected two or more, "
                "and 0 to 1."
            )
        self.hidden = hidden

    def __getitem__(self, position: int) -> dict[str, Any]:
        """Load the images of one patient at a position of any epoch."""
        images = super().__getitem__(position).values()
        target, kept = self.R.choice(len(self.datasets), 2, replace=False)
        shown = self.R.random_sample(len(self.datasets)) >= self.hidden
        shown[kept], shown[target] = True, False
        return {
            "image": torch.cat([torch.as_tensor(image).as_subclass(Tensor) for image in images]),
            "target": torch.tensor(int(target)),
            "shown": torch.from_numpy(shown),
        }


def datasets_of_sites(
    manifest: Manifest, sites: Sequence[str], split: str, transform: Callable[..., Any], **options: Any
) -> dict[str, CacheDataset]:
    """A cached data set of each site.

    Args:
        manifest: where they come from.
        sites: their names, in the order of the result.
        split: of all of them.
        transform: of all of them.
        options: of ``CacheDataset``.

    Raises:
        InputError: ``sites`` is no list of two or more different plain names.
        ManifestError: see ``Manifest.select``.
    """
    return {
        site: CacheDataset(manifest.select(site=site, split=split), transform=transform, **options)
        for site in checked_sites(sites)
    }
