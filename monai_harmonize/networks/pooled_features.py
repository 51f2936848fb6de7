"""One feature vector per image, for distances of whole sets of images (FID, KID, precision and recall).

The extractor decides what such a distance sees, so its name, layer and weights stand in the name of every result.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from monai_harmonize.data.errors import InputError
from monai_harmonize.networks.feature_extractor import DEFAULT_LAYERS, FeatureExtractor
from monai_harmonize.networks.inception_classifier import InceptionClassifier

__all__ = ["EXTRACTORS", "PooledFeatures"]

INCEPTION, FID_INCEPTION = "inception_v3", "fid_inception"
EXTRACTORS = (*DEFAULT_LAYERS, INCEPTION, FID_INCEPTION)
IMAGES_AT_ONCE = 16
# What the network of the original FID was made for (Szegedy et al. 2016).
SIZE = 299


class PooledFeatures(nn.Module):
    """From grey images to the means of a layer's channels over the image.

    Three kinds of extractors:

    - ``vgg19``, ``resnet50``, ... of ``FeatureExtractor``, at the size of the images, any layer.
    - ``inception_v3``: torchvision's, its last features (2048) of images at 299x299. Not the network of published FIDs.
    - ``fid_inception``: the TorchScript file ``inception-2015-12-05.pt`` of published FIDs, which clean-fid uses; the
      images reach 299x299 by the antialiased bicubic filter as there. The file is a program: take it from its authors.

    Args:
        extractor: see above.
        weights: a file, or the name of torchvision's weights (``"IMAGENET1K_V1"``, downloaded and cached).
        random_weights: draw the weights instead, always the same ones. Such distances compare with no published number;
            ``name`` says so. Not for the two Inceptions.
        layer: of ``FeatureExtractor``; by default the deepest of its ``DEFAULT_LAYERS``.
        orthogonal: volumes have the means over their slices along each of the three axes, one behind the other; by
            default those along the last axis alone.
        slice_step: of volumes, every so many-th slice.

    Attributes:
        name: what results are called by, for example ``resnet50_layer2.3_IMAGENET1K_V1``.

    Raises:
        InputError: an unknown extractor or layer, or a step below 1; neither weights nor ``random_weights``, or both;
            weights that are absent, damaged or of another network.
    """

    def __init__(
        self,
        extractor: str = "resnet50",
        weights: str | os.PathLike[str] | None = None,
        random_weights: bool = False,
        layer: str | None = None,
        orthogonal: bool = False,
        slice_step: int = 1,
    ) -> None:
        super().__init__()
        if slice_step < 1:
            raise InputError(f"slice_step is {slice_step}; expected 1 or more.")
        self.axes = (-3, -2, -1) if orthogonal else (-1,)
        self.slice_step = slice_step
        if extractor not in EXTRACTORS:
            raise InputError(f"extractor {extractor!r} is not known; expected one of {', '.join(EXTRACTORS)}.")
        if (weights is None) != random_weights:
            raise InputError(
                f"weights is {weights} and random_weights {random_weights}; give the weights of {extractor} (a file, "
                "or 'IMAGENET1K_V1' to download torchvision's), or random_weights=True for numbers that compare with "
                "no published ones."
            )
        inception = extractor not in DEFAULT_LAYERS
        if inception and (weights is None or layer is not None):
            raise InputError(f"{extractor} needs weights and has no choice of layers; layer is {layer}.")
        self.layer = DEFAULT_LAYERS[extractor][-1] if not inception and layer is None else layer
        words = "random_weights" if weights is None else Path(weights).name.partition(".")[0]
        slices = "orthogonal" * orthogonal, f"every_{slice_step}" * (slice_step > 1)
        self.name = "_".join(filter(None, (extractor, self.layer, words, *slices)))
        self.network: Callable[[Tensor], Tensor]
        if extractor == FID_INCEPTION:
            self.network = scripted_inception(weights)
        elif extractor == INCEPTION:
            self.network = InceptionClassifier(str(weights))
            self.network.network.fc = nn.Identity()
        else:
            self.network = PooledLayer(FeatureExtractor(extractor, [str(self.layer)], weights))
        self.fixed = extractor == FID_INCEPTION
        self.eval()

    @torch.no_grad()
    def forward(self, image: Tensor) -> Tensor:
        """Feature vectors.

        Args:
            image: ``(B, 1, W, H)`` in [-1, 1], or volumes ``(B, 1, W, H, D)``, whose vector is the mean over their
                slices along the last axis, or along each.

        Returns:
            ``(B, K)``, float32; of volumes with ``orthogonal`` ``(B, 3 K)``.

        Raises:
            InputError: another shape.
        """
        if image.ndim not in {4, 5} or image.shape[1] != 1:
            raise InputError(f"images have shape {tuple(image.shape)}; expected (B, 1, W, H[, D]).")
        plain = image.as_subclass(Tensor).float()
        if plain.ndim == 4:
            return self._means(plain, 1)
        first = self.slice_step // 2
        stacks = [plain.movedim(axis, 1)[:, min(first, plain.shape[axis] - 1) :: self.slice_step] for axis in self.axes]
        return torch.cat([self._means(stack.flatten(0, 1), stack.shape[1]) for stack in stacks], dim=1)

    def _means(self, slices: Tensor, count: int) -> Tensor:
        """Mean vectors ``(B, K)`` of ``count`` slices each, ``(B count, 1, W, H)``."""
        vectors = torch.cat([self._vectors(part) for part in torch.split(slices, IMAGES_AT_ONCE)])
        return vectors.reshape(-1, count, vectors.shape[1]).mean(dim=1)

    def _vectors(self, image: Tensor) -> Tensor:
        if self.fixed:
            levels = (image.clamp(-1, 1) + 1) * 127.5
            resized = F.interpolate(levels, (SIZE, SIZE), mode="bicubic", align_corners=False, antialias=True)
            # As the network was trained: 8 bit levels, of which 128 is taken for the middle.
            levels = (resized.clamp(0, 255) - 128) / 128
            return torch.as_tensor(self.network(levels.expand(-1, 3, -1, -1))).reshape(len(image), -1)
        return self.network(image)


class PooledLayer(nn.Module):
    """Means over the image of the channels of an extractor's only layer."""

    def __init__(self, extractor: FeatureExtractor) -> None:
        super().__init__()
        self.extractor = extractor

    def forward(self, image: Tensor) -> Tensor:
        """Means ``(B, K)`` of images ``(B, 1, W, H)`` in [-1, 1]."""
        (features,) = self.extractor(image).values()
        return torch.as_tensor(features.mean(dim=(2, 3)))


def scripted_inception(path: str | os.PathLike[str] | None) -> nn.Module:
    """Layers up to the last features of the TorchScript file of published FIDs.

    Raises:
        InputError: there is no such file, or it is another one.
    """
    try:
        layers = torch.jit.load(str(path), map_location="cpu").layers  # type: ignore[no-untyped-call]
    except (ValueError, RuntimeError, AttributeError) as error:
        raise InputError(
            f"weights {path}: is no TorchScript file of the FID's Inception; expected inception-2015-12-05.pt."
        ) from error
    if not isinstance(layers, nn.Module):
        raise InputError(f"weights {path}: its layers are no network; expected inception-2015-12-05.pt.")
    return layers.eval()
