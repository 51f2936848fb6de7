"""History of generated images that keeps a discriminator from forgetting.

Source: Shrivastava et al. 2017, section 2.3; used by CycleGAN with 50 images (Zhu et al. 2017, section 4).
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from monai_harmonize.data.errors import InputError

__all__ = ["ReplayPool"]


class ReplayPool:
    """Pool of earlier generated images, exchanged at random with the fresh ones.

    Until the pool is full every image is stored and returned. Afterwards an image is, with probability one half,
    swapped for a random stored one. The pool draws from a generator of its own, so that its state can be saved.

    Args:
        size: images to hold; 0 returns every batch unchanged.
        seed: seed of the draws.
    """

    def __init__(self, size: int = 50, seed: int = 0) -> None:
        if size < 0:
            raise InputError(f"size is {size}; expected 0 or more.")
        self.size = size
        self.images: list[Tensor] = []
        self.generator = torch.Generator().manual_seed(seed)

    def __call__(self, images: Tensor) -> Tensor:
        """Exchange a batch ``(B, C, ...)`` of detached images; shape, dtype and device stay."""
        if self.size == 0:
            return images
        return torch.stack([self._exchange(image) for image in images])

    def _exchange(self, image: Tensor) -> Tensor:
        if len(self.images) < self.size:
            self.images.append(image.clone())
            return image
        if torch.rand((), generator=self.generator) < 0.5:
            return image
        place = int(torch.randint(self.size, (), generator=self.generator))
        stored, self.images[place] = self.images[place], image.clone()
        return stored.to(image)

    def state_dict(self) -> dict[str, Any]:
        """Stored images and the state of the draws."""
        return {"images": [image.cpu() for image in self.images], "generator": self.generator.get_state()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from a state of ``state_dict``.

        Raises:
            ValueError: the state holds more images than this pool may.
        """
        if len(state["images"]) > self.size:
            raise InputError(f"The saved pool holds {len(state['images'])} images; this pool holds {self.size}.")
        self.images = list(state["images"])
        self.generator.set_state(state["generator"])
