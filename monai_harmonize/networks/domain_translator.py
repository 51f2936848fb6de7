"""One generator for any number of domains, which are shown to it as planes behind the image.

Source: Choi et al. 2018, "StarGAN: unified generative adversarial networks for multi-domain image-to-image
translation", section 3. Written from the paper.
"""

from __future__ import annotations

from copy import copy

import torch
from torch import Tensor, nn

from monai_harmonize.data.errors import InputError

__all__ = ["DomainTranslator"]


class DomainTranslator(nn.Module):
    """A generator and the domain to which images go when nothing else is said.

    A plane is the same everywhere. An instance norm behind a convolution takes that away again, and with it all that
    the generator is told: give it another norm, ``"batch"`` or ``("group", {"num_groups": 4})``.

    Args:
        generator: ``(B, C + domains, W, H[, D])``, image and planes, to the image ``(B, C, W, H[, D])`` in [-1, 1].
        domains: how many there are.
        target: number of the domain to which images go.

    Raises:
        InputError: fewer than two domains, or a target that is none of them.
    """

    def __init__(self, generator: nn.Module, domains: int, target: int = 0) -> None:
        super().__init__()
        if domains < 2 or not 0 <= target < domains:
            raise InputError(f"target is {target} of {domains} domains; expected two domains or more, and one of them.")
        self.generator = generator
        self.planes: Tensor
        self.register_buffer("planes", torch.eye(domains))
        self.target = target

    def forward(self, image: Tensor, domain: Tensor | None = None) -> Tensor:
        """Image ``(B, C, W, H[, D])`` in [-1, 1] as it would be in the target domain, or in ``domain``, ``(B,)``."""
        if domain is None:
            domain = torch.full((image.shape[0],), self.target, device=image.device)
        return self.translate(image, domain)

    def translate(self, image: Tensor, domain: Tensor) -> Tensor:
        """Each image of a batch as it would be in its domain, numbers ``(B,)``."""
        planes = self.planes[domain]
        for axis in range(2, image.dim()):
            planes = planes.unsqueeze(axis)
        translated: Tensor = self.generator(torch.cat([image, planes.to(image) * torch.ones_like(image[:, :1])], dim=1))
        return translated

    def toward(self, target: int) -> DomainTranslator:
        """This translator with another target; both have the same generator and weights.

        Raises:
            InputError: there is no such domain.
        """
        if not 0 <= target < len(self.planes):
            raise InputError(f"target is {target} of {len(self.planes)} domains; expected one of them.")
        other = copy(self)
        other.target = target
        return other
