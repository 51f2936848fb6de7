"""Any trained harmonizer bundle as a transform of another model's images."""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import torch
from monai.bundle import ConfigParser
from monai.config import KeysCollection
from monai.data import MetaTensor, list_data_collate
from monai.transforms import MapTransform, Transform
from monai.utils import TransformBackends
from torch import Tensor

from monai_harmonize.data.errors import InputError
from monai_harmonize.data.reader_contract import planar_affine
from monai_harmonize.engines.bundle import find_bundle
from monai_harmonize.engines.weights import trained_weights
from monai_harmonize.networks.weights_digest import digest_of_weights

__all__ = ["Harmonized", "HarmonizedD", "HarmonizedDict", "Harmonizedd", "digest_of_harmonizer"]

IMAGE = "image"
# Steps of a bundle's preprocessing that the images have behind them.
DONE_BEFORE = ("LoadRadiographd", "CheckHounsfieldd", "ScaleGreyLevelsd", "SelectItemsd")
SITE = "site"
# Where the inferer of slices of an inferer of volumes stands.
INNER = "inferer#inferer"


class Harmonized(Transform):
    """Give an image the look of a bundle's target site, as the bundle's own inference does before it writes.

    Network, inferer and whatever the preprocessing does after scaling (polarity) come from ``inference.json`` and its
    overlays, with the settings and overlays that are noted beside the weights; no data set is touched. The network is
    built at the first image, once in each process, and does not travel with the pickled transform.

    Args:
        bundle: folder of a bundle, or its name below ``./bundles``; configurations of a bundle are code, so take only
            those that you trust.
        checkpoint: weights, or a folder with ``model.pt``; by default those that the configuration names.
        overlays: further configurations, names within the bundle or JSON files, after those noted beside the weights.
        options: values of top-level entries of ``inference.json``: ``{"method": "nyul"}`` of ``histogram_cxr``, or
            ``{"project": "g0"}`` to replace each output by its best guaranteed map, see ``ProjectionInferer``.
        device: of the network; results are on the device of the image. Use the processor in workers of a data loader.

    Raises:
        InputError: there is no such bundle, weights or configuration, the bundle is no harmonizer of single images, or
            it cannot do this; at the first image, weights that do not fit.
    """

    backend: ClassVar = [TransformBackends.TORCH]

    def __init__(
        self,
        bundle: str | os.PathLike[str],
        checkpoint: str | os.PathLike[str] | None = None,
        overlays: Sequence[str] = (),
        options: Mapping[str, Any] | None = None,
        device: str | torch.device = "cpu",
    ) -> None:
        self.bundle = find_bundle(str(bundle))
        if "guarantee_class" not in self.bundle.metadata:
            raise InputError(f"{self.bundle.root}: is no harmonizer; name one that is.")
        self.bundle.check_harmonizes_single_images()
        self.options = dict(options or {})
        if self.options.get("project") == SITE:
            raise InputError(
                "project is 'site', one curve for all images of a site, which are not known here; harmonize the folder "
                "first and give the result, or take g0 or g1."
            )
        weights = Path(str(checkpoint if checkpoint is not None else self.parser(overlays)["checkpoint"]))
        self.weights = weights / "model.pt" if weights.is_dir() else weights
        if not self.weights.is_file():
            raise InputError(f"{self.weights}: there are no trained weights of {self.bundle.root}; train it first.")
        self.overlays = list(dict.fromkeys((*self.bundle.fitted_overlays(self.weights), *overlays)))
        self.options = {**self.bundle.inference_settings(self.weights, self.overlays), **self.options}
        # Now rather than at the first image.
        self.parser(self.overlays)
        self.device = torch.device(device)
        self.built: tuple[Callable[..., Any], Callable[..., Tensor], torch.nn.Module] | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "built": None}

    def parser(self, overlays: Sequence[str]) -> ConfigParser:
        """The bundle's inference without images; top-level paths are resolved, nothing is built."""
        parser = ConfigParser()
        parser.read_config([str(file) for file in self.bundle.files("inference", overlays, self.options)])
        parser.read_meta(str(self.bundle.config("metadata")))
        parser.update({**self.options, "bundle_root": str(self.bundle.root)})
        if isinstance(parser["inferer"], dict) and "site_images" in parser["inferer"]:
            parser["inferer#site_images"] = []
        if INNER in parser and parser.get(f"{INNER}#_target_", "").endswith(".WindowedInferer"):
            parser[INNER] = parser[f"{INNER}#inferer"]  # images are shown through a window already
        parser["checkpoint"] = parser.get_parsed_content("checkpoint")
        return parser

    def build(self) -> tuple[Callable[..., Any], Callable[..., Tensor], torch.nn.Module]:
        """Remaining preprocessing, inferer and network with its weights."""
        parser = self.parser(self.overlays)
        parser["checkpoint"] = str(self.weights)  # other files of the bundle lie beside it
        network = parser.get_parsed_content("network_def")
        trained_weights(self.weights, network)
        steps = [
            parser.get_parsed_content(f"preprocessing#transforms#{place}")
            for place, step in enumerate(parser["preprocessing"]["transforms"])
            if step["_target_"].split(".")[-1] not in DONE_BEFORE
        ]

        def prepare(item: Any) -> Any:
            for step in steps:
                item = step(item)
            return item

        return prepare, parser.get_parsed_content("inferer"), network.to(self.device).eval()

    @property
    def network(self) -> torch.nn.Module:
        """The trained network, built where it was not yet; on ``device``, in evaluation mode."""
        self.built = self.built or self.build()
        return self.built[2]

    @torch.no_grad()
    def __call__(self, image: Tensor) -> Tensor:
        """Harmonize one image.

        Args:
            image: ``(1, W, H[, D])`` on the scale of the bundle's network, mostly [-1, 1]; metadata are kept and tell
                the pixel spacing to those that need it.

        Returns:
            The shape of ``image``, clipped to the value range that the bundle's metadata declare.
        """
        self.built = self.built or self.build()
        prepare, inferer, network = self.built
        known = isinstance(image, MetaTensor)
        placed = image if known else MetaTensor(image, affine=torch.from_numpy(planar_affine((1.0, 1.0))))
        ready = prepare({IMAGE: placed})[IMAGE]
        batch = list_data_collate([{IMAGE: ready}])[IMAGE].to(self.device)
        low, high = self.bundle.metadata["network_data_format"]["outputs"]["pred"]["value_range"]
        result = torch.as_tensor(inferer(batch, network)).as_subclass(Tensor)[0].clamp(low, high).to(image.device)
        return MetaTensor(result, meta=dict(ready.meta)) if known else result


class Harmonizedd(MapTransform):
    """Dictionary version of ``Harmonized``; without a bundle it leaves the images as they are.

    So raw images and those of any harmonizer differ by one value of a configuration.

    Args:
        keys: images.
        bundle: see ``Harmonized``, as the next four arguments; ``None``: nothing is done.
        checkpoint: weights.
        overlays: further configurations.
        options: values of its inference.
        device: of the network.
        allow_missing_keys: whether keys may be absent.
    """

    backend = Harmonized.backend

    def __init__(
        self,
        keys: KeysCollection,
        bundle: str | os.PathLike[str] | None = None,
        checkpoint: str | os.PathLike[str] | None = None,
        overlays: Sequence[str] = (),
        options: Mapping[str, Any] | None = None,
        device: str | torch.device = "cpu",
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        if bundle is None and (checkpoint is not None or overlays or options):
            raise InputError("a checkpoint, overlays or options are given without the bundle of the harmonizer.")
        self.harmonized = None if bundle is None else Harmonized(bundle, checkpoint, overlays, options, device)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Harmonize the images of an item; the item itself is not changed."""
        item = dict(data)
        if self.harmonized is not None:
            for key in self.key_iterator(item):
                item[key] = self.harmonized(item[key])
        return item


HarmonizedD = HarmonizedDict = Harmonizedd


def digest_of_harmonizer(bundle: str | os.PathLike[str] | None, *args: Any, **kwargs: Any) -> str | None:
    """Fingerprint of the weights that a harmonizer uses, however their file is called; ``None`` without a bundle.

    Args:
        bundle: see ``Harmonized``, as all further arguments.
        args: further arguments.
        kwargs: further arguments.

    Raises:
        InputError: as ``Harmonized``, or the weights are damaged.
    """
    return None if bundle is None else digest_of_weights(Harmonized(bundle, *args, **kwargs).weights)
