"""One generator that fills in any missing image of a patient from all the others.

Source: Lee et al. 2019, "CollaGAN: collaborative GAN for missing image data imputation", section 3. Written from the
paper. Its generator has one encoder for each contrast; here the contrasts are channels of one input. Ours: the output
is the mean of the given images and what the generator adds, so that normalised features need not carry brightness.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from monai_harmonize.networks.domain_translator import DomainTranslator

__all__ = ["BACKGROUND", "CollaborativeTranslator"]

# Grey level of an image that is not there: the zeros of the paper, whose images begin at 0.
BACKGROUND = -1.0


class CollaborativeTranslator(nn.Module):
    """A generator, its contrasts, and the one that it makes when nothing else is said.

    The image of the wanted contrast is blanked here, so that no result depends on it, whatever the caller left there.

    Args:
        generator: ``(B, 2 * contrasts, W, H[, D])``, images and planes of the wanted contrast, to what is added to the
            mean of the images before tanh, ``(B, 1, W, H[, D])``. Its last convolution begins at 0.
        contrasts: how many there are.
        target: number of the contrast of ``forward`` alone.

    Raises:
        InputError: fewer than two contrasts, or a target that is none of them.
    """

    def __init__(self, generator: nn.Module, contrasts: int, target: int = 0) -> None:
        super().__init__()
        self.translator = DomainTranslator(generator, contrasts, target)
        self.background = BACKGROUND
        # Keeps the inverse of tanh finite for grey levels at the ends of the range.
        self.skip_limit = 0.99
        convolutions = [module for module in generator.modules() if isinstance(module, nn.modules.conv._ConvNd)]
        for parameter in (parameter for last in convolutions[-1:] for parameter in last.parameters()):
            nn.init.zeros_(parameter)

    def forward(self, images: Tensor, target: Tensor | None = None) -> Tensor:
        """Fill in one contrast of each patient.

        Args:
            images: ``(B, contrasts, W, H[, D])`` in [-1, 1]; what is missing is -1 everywhere.
            target: numbers ``(B,)`` of the wanted contrasts.

        Returns:
            ``(B, 1, W, H[, D])`` in (-1, 1).
        """
        if target is None:
            target = torch.full((images.shape[0],), self.translator.target, device=images.device)
        wanted = self.translator.planes[target]
        given = (images.flatten(2).amax(dim=2) > self.background) & (wanted < 0.5)
        for _ in range(images.dim() - 2):
            given = given.unsqueeze(-1)
        given = given.to(images.dtype)
        shown = given * images + (1.0 - given) * self.background
        mean = (given * images).sum(dim=1, keepdim=True) / given.sum(dim=1, keepdim=True).clamp(min=1.0)
        added = self.translator.translate(shown, target)
        return torch.tanh(added + torch.atanh(self.skip_limit * mean.clamp(-1.0, 1.0)))
