"""What another site may do to a radiograph: ten simulated shifts, for testing models and harmonizers."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import Any

import torch
from monai.config import KeysCollection
from monai.networks.layers import GaussianFilter
from monai.transforms import MapTransform, RandomizableTransform
from monai.utils.enums import TransformBackends
from torch import Tensor

__all__ = ["SITE_SHIFTS", "SiteShift", "SiteShiftD", "SiteShiftDict", "SiteShiftd"]

# The first five are pure increasing curves, the same for every image of the site.
SITE_SHIFTS = (
    "gamma_bright",
    "gamma_dark",
    "sigmoid",
    "window",
    "low_contrast",
    "random_gamma",
    "unsharp",
    "noise_blur",
    "shading",
    "composite",
)


def blurred(image: Tensor, sigma: float) -> Tensor:
    """Gaussian blur of ``(C, W, H)`` with edges continued."""
    radius = round(4 * sigma)
    padded = torch.nn.functional.pad(image[None], [radius] * 4, mode="replicate")
    return torch.as_tensor(GaussianFilter(2, sigma)(padded))[0, :, radius:-radius, radius:-radius]


def sigmoid(image: Tensor) -> Tensor:
    """S-curve with a slope of 2 in the middle and 0.3 at the ends, through (0, 0) and (1, 1)."""
    return (torch.sigmoid(8 * (image - 0.5)) - 0.018) / 0.964


def ramp(image: Tensor) -> Tensor:
    """From -1 at the first corner to 1 at the opposite one, ``(1, W, H)``."""
    columns, rows = (torch.linspace(-1, 1, length, device=image.device) for length in image.shape[1:])
    return ((columns[:, None] + rows) / 2)[None]


class SiteShift(RandomizableTransform):
    """Give an image the look of a simulated site.

    - ``gamma_bright``, ``gamma_dark``: ``x ** 0.5`` and ``x ** 2``;
    - ``sigmoid``: an S-curve; ``window``: levels from 0.15 to 0.85 spread over the whole range, the rest cut off;
    - ``low_contrast``: ``0.3 + 0.4 x``;
    - ``random_gamma``: an exponent between 1/2.5 and 2.5, another for every image;
    - ``unsharp``: twice the detail finer than 2 pixels added; ``noise_blur``: blur of 1 pixel, then noise of 0.04;
    - ``shading``: an oblique gradient of exposure of 25 % either way;
    - ``composite``: gamma 0.7, shading of 15 %, unsharp with half the strength, noise of 0.02.

    Only random gamma and the noise draw random numbers.

    Args:
        name: one of ``SITE_SHIFTS``.

    Raises:
        ValueError: another name.
    """

    backend = (TransformBackends.TORCH,)

    def __init__(self, name: str) -> None:
        super().__init__(prob=1.0)
        if name not in SITE_SHIFTS:
            raise ValueError(f"name is {name!r}; expected one of {SITE_SHIFTS}")
        self.name = name

    def __call__(self, image: Tensor) -> Tensor:
        """Shift ``(1, W, H)`` on [0, 1]; the result is clipped to [0, 1] and keeps the metadata."""
        plain = image.as_subclass(Tensor).float()
        shifts: Mapping[str, Callable[[], Tensor]] = {
            "gamma_bright": lambda: plain**0.5,
            "gamma_dark": lambda: plain**2,
            "sigmoid": lambda: sigmoid(plain),
            "window": lambda: (plain - 0.15) / 0.7,
            "low_contrast": lambda: 0.3 + 0.4 * plain,
            "random_gamma": lambda: plain ** float(2.5 ** self.R.uniform(-1, 1)),
            "unsharp": lambda: self.unsharp(plain, 2.0),
            "noise_blur": lambda: self.noisy(blurred(plain, 1.0), 0.04),
            "shading": lambda: plain * (1 + 0.25 * ramp(plain)),
            "composite": lambda: self.noisy(self.unsharp(plain**0.7 * (1 + 0.15 * ramp(plain)), 1.0), 0.02),
        }
        shifted = shifts[self.name]().clamp(0.0, 1.0)
        result: Tensor = image.clone()
        result[...] = shifted
        return result

    def unsharp(self, image: Tensor, strength: float) -> Tensor:
        """Image with its detail finer than 2 pixels multiplied by ``1 + strength``."""
        return image + strength * (image - blurred(image, 2.0))

    def noisy(self, image: Tensor, deviation: float) -> Tensor:
        """Image with white noise."""
        noise = torch.from_numpy(self.R.normal(0.0, deviation, tuple(image.shape)))
        return image + noise.to(image)


class SiteShiftd(MapTransform, RandomizableTransform):
    """Dictionary version of ``SiteShift``.

    Args:
        keys: images on [0, 1].
        name: see ``SiteShift``.
        allow_missing_keys: whether keys may be absent.
    """

    backend = SiteShift.backend

    def __init__(self, keys: KeysCollection, name: str, allow_missing_keys: bool = False) -> None:
        MapTransform.__init__(self, keys, allow_missing_keys)
        RandomizableTransform.__init__(self, prob=1.0)
        self.shift = SiteShift(name)

    def set_random_state(self, seed: int | None = None, state: Any = None) -> SiteShiftd:
        """Seed the random gamma and the noise."""
        super().set_random_state(seed, state)
        self.shift.set_random_state(seed, state)
        return self

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Shift each image of an item."""
        item = dict(data)
        for key in self.key_iterator(item):
            item[key] = self.shift(item[key])
        return item


SiteShiftD = SiteShiftDict = SiteShiftd
