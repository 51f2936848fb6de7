"""Augmentation by style: training images as other scanners would show them (Xu, Li, Shin 2020, section 4.3)."""

from __future__ import annotations

import os
from collections.abc import Hashable, Mapping, Sequence
from typing import Any, ClassVar

import torch
from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.transforms import MapTransform, RandomizableTransform
from monai.utils import MAX_SEED, TransformBackends
from numpy.random import RandomState
from torch import Tensor

from monai_harmonize.data.errors import InputError
from monai_harmonize.data.hounsfield import Window
from monai_harmonize.engines.harmonized import Harmonized
from monai_harmonize.engines.style_arguments import is_number, strength_range, style_numbers
from monai_harmonize.engines.style_conditions import StyleConditions
from monai_harmonize.inferers import SeamlessInferer, VolumeStatisticsInferer
from monai_harmonize.networks import StyleTransferNet

__all__ = ["RandStyleTransfer", "RandStyleTransferD", "RandStyleTransferDict", "RandStyleTransferd"]

# Slices of a volume that are stylized at a time.
BATCH = 8


class DrawnStyle:
    """A style transfer network with one stored style at one strength, as a ``StatisticsNetwork``.

    Args:
        network: with its stored styles.
        style: number of the style.
        strength: share of the network's own alpha; 0 leaves the content's own style.
    """

    def __init__(self, network: StyleTransferNet, style: int, strength: float) -> None:
        self.network = network
        shares = torch.eye(len(network.style_weights), device=network.style_weights.device)
        self.weights = strength * network.alpha * shares[style]

    def statistics(self, slices: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and deviation of the channels of each slice."""
        return self.network.statistics(slices)

    def __call__(self, slices: Tensor, *, statistics: tuple[Tensor, Tensor] | None = None) -> Tensor:
        """Stylize ``(N, 1, W, H)``."""
        network = self.network
        return network.stylize(slices, network.style_means, network.style_deviations, self.weights, statistics)


class RandStyleTransfer(RandomizableTransform):
    """Draw an image in one of the styles that a trained style transfer network stores, at a random strength.

    Images with an affine are turned to the axes on which styles are learned, see ``slice_turn``, and back. A warning
    tells where their pixels are of another size than those that the style was learned on.

    The network is built at the first image, once in each process; it does not travel with the pickled transform, so
    that workers of a data loader start fast. Draws follow MONAI's seeding.

    Args:
        bundle: folder of a bundle whose network is a ``StyleTransferNet``, or its name below ``./bundles``.
        checkpoint: weights, or a folder with ``model.pt``; by default those that the bundle's inference names.
        overlays: further configurations of the bundle, after those noted beside the weights.
        options: values of top-level entries of its inference.
        prob: probability that anything is done.
        strength: range of the style strength, uniform, or one number; 0 is the network's reconstruction of the image.
        device: of the network; results are on the device of the image. Use the processor in workers.
        styles: numbers of the stored styles to draw from, with equal chance, or one number; by default all. Leave out
            the style that the images have already.
        window: HU through which the images are shown, see ``WindowHounsfield``, to be compared with the window that
            the network was trained on; by default it is not compared.

    Raises:
        InputError: as ``Harmonized``, or a probability or strength outside [0, 1], no style, another window than that
            of the network, or values of a wrong kind; at the first image, a network of another kind, or a style that
            it does not store.
    """

    backend: ClassVar = [TransformBackends.TORCH]

    def __init__(
        self,
        bundle: str | os.PathLike[str] = "adain_ct",
        checkpoint: str | os.PathLike[str] | None = None,
        overlays: Sequence[str] = (),
        options: Mapping[str, Any] | None = None,
        prob: float = 0.5,
        strength: float | Sequence[float] = (0.5, 1.0),
        device: str | torch.device = "cpu",
        styles: int | Sequence[int] | None = None,
        window: Window | None = None,
    ) -> None:
        if not (is_number(prob) and 0 <= prob <= 1):
            raise InputError(f"prob is {prob!r}; expected a number from 0 to 1.")
        super().__init__(prob)
        self.strength = strength_range(strength)
        self.styles = style_numbers(styles)
        self.harmonized = Harmonized(bundle, checkpoint, overlays, options, device)
        self.conditions = StyleConditions(self.harmonized.weights, window)
        # The network itself continues images to its stride.
        self.inferer = VolumeStatisticsInferer(SeamlessInferer(multiple=1), axis="axial", batch_size=BATCH)
        self.place, self.share = 0.0, 0.0

    @property
    def network(self) -> StyleTransferNet:
        """The trained network.

        Raises:
            InputError: the bundle's network is of another kind, or stores no style.
        """
        network = self.harmonized.network
        if not isinstance(network, StyleTransferNet):
            raise InputError(
                f"{self.harmonized.bundle.root}: its network is a {type(network).__name__}, which has no stored "
                "styles; use RandHarmonizedd for it."
            )
        if not network.style_weights.any():
            raise InputError(f"{self.harmonized.weights}: stores no style; train it with the bundle's train.json.")
        if self.styles is not None and max(self.styles) >= len(network.style_weights):
            raise InputError(
                f"{self.harmonized.weights}: stores {len(network.style_weights)} styles, numbered from 0 on; styles "
                f"are {list(self.styles)}."
            )
        return network

    def randomize(self, data: Any = None) -> None:
        """Draw whether to act, the style and its strength; always three draws, so that items are independent."""
        super().randomize(data)
        self.place, self.share = float(self.R.uniform()), float(self.R.uniform(*self.strength))

    @torch.no_grad()
    def __call__(self, image: Tensor, randomize: bool = True) -> Tensor:
        """Stylize a slice ``(1, W, H)``, or a volume ``(1, W, H, D)`` slice by slice with its own statistics.

        Args:
            image: within [-1, 1], for example of ``WindowHounsfieldd``; metadata are kept.
            randomize: draw anew; else the last draw is used.

        Returns:
            The shape of ``image``, float32, within [-1, 1].

        Raises:
            InputError: another shape, or values beyond [-1, 1].
        """
        if randomize:
            self.randomize()
        if not self._do_transform:
            return image
        plain = torch.as_tensor(image).as_subclass(Tensor)
        if plain.ndim not in (3, 4) or plain.shape[0] != 1:
            raise InputError(f"the image has shape {tuple(plain.shape)}; expected (1, W, H) or (1, W, H, D).")
        low, high = (float(end) for end in plain.aminmax())
        if not (low >= -1 and high <= 1):
            raise InputError(
                f"the image has values from {low:g} to {high:g}; expected -1 to 1. Put WindowHounsfieldd before this."
            )
        network = self.network
        numbers = range(len(network.style_weights)) if self.styles is None else self.styles
        style = DrawnStyle(network, numbers[int(self.place * len(numbers))], self.share)
        batch = plain[None].to(self.harmonized.device, torch.float32)
        if not isinstance(image, MetaTensor):
            return self.stylized(batch, style).to(plain.device)
        self.conditions.compare_spacing(image)
        placed: Tensor = MetaTensor(batch, meta=dict(image.meta))
        styled: Tensor = MetaTensor(self.stylized(placed, style).to(plain.device), meta=dict(image.meta))
        return styled

    def stylized(self, batch: Tensor, style: DrawnStyle) -> Tensor:
        """The only image of a batch in a style, a plain tensor."""
        result: Tensor = torch.as_tensor(self.inferer(batch, style)).as_subclass(Tensor)[0].clamp(-1.0, 1.0)
        return result


class RandStyleTransferd(RandomizableTransform, MapTransform):
    """Dictionary version of ``RandStyleTransfer``; all keys get the same style at the same strength.

    Labels need nothing: the content keeps its place.

    Args:
        keys: images, ``(1, W, H[, D])`` in [-1, 1].
        bundle: see ``RandStyleTransfer``, as all further arguments.
        checkpoint: weights.
        overlays: further configurations.
        options: values of its inference.
        prob: probability that anything is done.
        strength: range of the style strength, or one number.
        device: of the network.
        styles: numbers of the stored styles to draw from, or one number.
        window: HU through which the images are shown.
        allow_missing_keys: whether keys may be absent.
    """

    backend = RandStyleTransfer.backend

    def __init__(
        self,
        keys: KeysCollection,
        bundle: str | os.PathLike[str] = "adain_ct",
        checkpoint: str | os.PathLike[str] | None = None,
        overlays: Sequence[str] = (),
        options: Mapping[str, Any] | None = None,
        prob: float = 0.5,
        strength: float | Sequence[float] = (0.5, 1.0),
        device: str | torch.device = "cpu",
        styles: int | Sequence[int] | None = None,
        window: Window | None = None,
        allow_missing_keys: bool = False,
    ) -> None:
        MapTransform.__init__(self, keys, allow_missing_keys)
        self.style = RandStyleTransfer(bundle, checkpoint, overlays, options, prob, strength, device, styles, window)
        RandomizableTransform.__init__(self, prob)
        self.style.prob = 1.0

    def set_random_state(self, seed: int | None = None, state: RandomState | None = None) -> RandStyleTransferd:
        """Seed this transform, and from its draws its style: with one seed, both would draw the same numbers."""
        super().set_random_state(seed, state)
        self.style.set_random_state(int(self.R.randint(MAX_SEED, dtype="uint32")))
        return self

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Stylize the images of an item; the item itself is not changed."""
        item = dict(data)
        self.randomize(None)
        self.style.randomize()
        if self._do_transform:
            for key in self.key_iterator(item):
                item[key] = self.style(item[key], randomize=False)
        return item


RandStyleTransferD = RandStyleTransferDict = RandStyleTransferd
