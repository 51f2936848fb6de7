"""Ways of a radiograph to a model: another vendor's processing, an export, a film that was scanned."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import Any

import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform, RandomizableTransform
from monai.utils.enums import TransformBackends
from torch import Tensor

from monai_harmonize.transforms.site_shift import blurred

__all__ = [
    "ACQUISITION_CHAINS",
    "AcquisitionChain",
    "AcquisitionChainD",
    "AcquisitionChainDict",
    "AcquisitionChaind",
]

ACQUISITION_CHAINS = ("second_vendor", "windowed_export", "inverted_export", "digitised_film")


class AcquisitionChain(RandomizableTransform):
    """Send an image through one of the ways that users meet.

    - ``second_vendor``: a look-up table that brightens the lungs and flattens the mediastinum, then edge enhancement
      in two bands (details of about 0.5 and 3 % of the image's width, times 1.8 and 1.3);
    - ``windowed_export``: the window in which somebody looked at it, another one for every image, burnt into 8 bit;
    - ``inverted_export``: the same, exported from a workstation that showed it inverted;
    - ``digitised_film``: exposure and the S-shaped characteristic curve of a film (Hurter and Driffield 1890) with its
      base and fog, grain, then a scanner with a blur of 0.3 % of the width, uneven lamp and 8 bit.

    Args:
        name: one of ``ACQUISITION_CHAINS``.

    Raises:
        ValueError: another name.
    """

    backend = (TransformBackends.TORCH,)

    def __init__(self, name: str) -> None:
        super().__init__(prob=1.0)
        if name not in ACQUISITION_CHAINS:
            raise ValueError(f"name is {name!r}; expected one of {ACQUISITION_CHAINS}")
        self.name = name

    def __call__(self, image: Tensor) -> Tensor:
        """Send ``(1, W, H)`` on [0, 1], dense structures bright, on its way.

        Returns:
            The same shape and scale with the metadata; dense structures are dark after ``inverted_export``.
        """
        chains: Mapping[str, Callable[[Tensor], Tensor]] = {
            "second_vendor": second_vendor,
            "windowed_export": self.windowed_export,
            "inverted_export": lambda plain: 1 - self.windowed_export(plain),
            "digitised_film": self.digitised_film,
        }
        result: Tensor = image.clone()
        # Resizing and rounding leave the scale by a hair, where a power is no number.
        plain = image.as_subclass(Tensor).float().clamp(0.0, 1.0)
        result[...] = chains[self.name](plain).clamp(0.0, 1.0)
        return result

    def windowed_export(self, image: Tensor) -> Tensor:
        """Grey levels inside a window of 60 to 80 % of the scale, in 8 bit."""
        width = self.R.uniform(0.6, 0.8)
        low = self.R.uniform(0.05, 0.95 - width)
        return eight_bit((image - low) / width)

    def digitised_film(self, image: Tensor) -> Tensor:
        """What a scanner reads of a film."""
        side = max(image.shape[1:])
        exposure = 1.0 - image + self.R.normal(0.0, 0.04)
        fog, range_of_density, contrast = 0.22, 2.6, 7.0
        density = fog + range_of_density * torch.sigmoid(contrast * (exposure - 0.45))
        grain = torch.from_numpy(self.R.normal(0.0, 0.03, tuple(image.shape))).to(image)
        scanned = blurred(density + grain * density.sqrt(), max(0.003 * side, 0.3))
        columns, rows = (torch.linspace(-1, 1, length, device=image.device) for length in image.shape[1:])
        lamp = 1 - 0.12 * (columns[:, None] ** 2 + rows**2) / 2
        return eight_bit(1 - lamp * scanned / (fog + range_of_density))


def second_vendor(image: Tensor) -> Tensor:
    """Another look-up table and stronger edges."""
    side = max(image.shape[1:])
    toned = 0.06 + 0.88 * (1 - (1 - image**0.7) ** 1.25)
    fine, coarse = (blurred(toned, max(share * side, 0.5)) for share in (0.005, 0.03))
    return toned + 0.8 * (toned - fine) + 0.3 * (fine - coarse)


def eight_bit(image: Tensor) -> Tensor:
    """Levels on [0, 1] as eight bits hold them."""
    return (255 * image.clamp(0.0, 1.0)).round() / 255


class AcquisitionChaind(MapTransform, RandomizableTransform):
    """Dictionary version of ``AcquisitionChain``.

    Args:
        keys: images on [0, 1].
        name: see ``AcquisitionChain``.
        allow_missing_keys: whether keys may be absent.
    """

    backend = AcquisitionChain.backend

    def __init__(self, keys: KeysCollection, name: str, allow_missing_keys: bool = False) -> None:
        MapTransform.__init__(self, keys, allow_missing_keys)
        RandomizableTransform.__init__(self, prob=1.0)
        self.chain = AcquisitionChain(name)

    def set_random_state(self, seed: int | None = None, state: Any = None) -> AcquisitionChaind:
        """Seed windows, exposures and grain."""
        super().set_random_state(seed, state)
        self.chain.set_random_state(seed, state)
        return self

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Send each image of an item on its way."""
        item = dict(data)
        for key in self.key_iterator(item):
            item[key] = self.chain(item[key])
        return item


AcquisitionChainD = AcquisitionChainDict = AcquisitionChaind
