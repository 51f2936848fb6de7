"""Inception-v3 as a classifier of grey images of any size."""

from __future__ import annotations

import os
import warnings

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from monai_harmonize.data.errors import InputError
from monai_harmonize.networks.torchvision_import import torchvision
from monai_harmonize.networks.torchvision_weights import state_of_weights

__all__ = ["InceptionClassifier"]

# Pixels along each side of what the network was made for (Szegedy et al. 2016).
SIZE = 299
# Layers of which the number of classes, or their presence, is free.
LAST = "fc."
AUXILIARY = "AuxLogits."


class InceptionClassifier(nn.Module):
    """torchvision's Inception-v3 with trained weights, frozen, for scores such as ``conditional_inception_score``.

    Images are brought to 299x299 pixels and repeated in red, green and blue, without the standardization to colour
    statistics that torchvision takes back before the first layer: the network sees [-1, 1].

    Args:
        weights: a file with the state dict of torchvision's network, its last layer of any number of classes, with or
            without the auxiliary classifier; or the name of weights of torchvision (``"IMAGENET1K_V1"``, downloaded
            and cached), which know photographs.

    Attributes:
        out_channels: number of classes of the weights.

    Raises:
        InputError: weights that are absent, damaged or of another network.
    """

    def __init__(self, weights: str | os.PathLike[str]) -> None:
        super().__init__()
        with warnings.catch_warnings():
            # Of torchvision, about the random weights that are drawn for nobody.
            warnings.simplefilter("ignore", FutureWarning)
            state = state_of_weights("inception_v3", weights, free=(LAST, AUXILIARY))
        last = state.get(f"{LAST}weight")
        if last is None:
            raise InputError(f"weights {weights}: lack the last layer ({LAST}weight), so there are no classes to tell.")
        self.out_channels = int(last.shape[0])
        with torch.device("meta"):
            self.network = torchvision.models.inception_v3(
                num_classes=self.out_channels, aux_logits=False, transform_input=False, init_weights=False
            )
        kept = {name: value for name, value in state.items() if not name.startswith(AUXILIARY)}
        self.network.load_state_dict(kept, assign=True)
        self.requires_grad_(False)
        self.eval()

    def forward(self, image: Tensor) -> Tensor:
        """Logits of images.

        Args:
            image: ``(B, 1, W, H)`` in [-1, 1].

        Returns:
            ``(B, out_channels)``.
        """
        resized = interpolate(image, size=(SIZE, SIZE), mode="bilinear", align_corners=False, antialias=True)
        return torch.as_tensor(self.network(resized.expand(-1, 3, -1, -1)))
