"""Images and masks as the segmentation bundle of a study sees them, and its network."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from monai.bundle import ConfigWorkflow
from monai.data import MetaTensor
from monai.transforms import Compose, MapTransform, Padd
from numpy.typing import NDArray
from torch import Tensor

from monai_harmonize.cli.study.definition import Model
from monai_harmonize.cli.style_study.settings import StyleStudy
from monai_harmonize.data import records_with_masks
from monai_harmonize.data.patient_split import Record
from monai_harmonize.engines.weights import trained_weights

__all__ = ["Scan", "Segmentation"]


class Scan(NamedTuple):
    """A volume with its labels.

    Args:
        volume: ``(1, W, H, D)`` in [-1, 1].
        label: ``(W, H, D)``.
        affine: ``(4, 4)``, from voxels to millimetres.
    """

    volume: Tensor
    label: Tensor
    affine: NDArray[np.float64]


class Segmentation:
    """Images and labels as a segmentation bundle's validation sees them, and its network.

    Args:
        study: whose records are read.
        model: the bundle.
        weights: of the network; ``None`` where only images are read.
    """

    def __init__(self, study: StyleStudy, model: Model, weights: Path | None = None) -> None:
        options: dict[str, Any] = {"records": study.manifest, "site": study.sites.home, **model.train}
        workflow: ConfigWorkflow = model.find().workflow("train", model.overlays, options)
        self.parser = workflow.parser
        self.preprocess: Compose = self.parser.get_parsed_content("validate#preprocessing")
        self.preprocess_image = without_masks(self.preprocess)
        self.columns = tuple(self.parser.get_parsed_content("mask_columns"))
        if weights is not None:
            self.network = self.parser.get_parsed_content("network_def").eval()
            trained_weights(weights, self.network)
            self.inferer = self.parser.get_parsed_content("validate#inferer")

    def load(self, record: Record) -> Scan:
        """A record with its mask."""
        (item,) = records_with_masks([record], self.columns)
        found: Any = self.preprocess(item)
        image, label = (torch.as_tensor(found[key]).as_subclass(Tensor) for key in ("image", "label"))
        affine = found["image"].affine if isinstance(found["image"], MetaTensor) else torch.eye(4)
        return Scan(image.clamp(-1, 1), label[0], affine.double().numpy())

    def image(self, record: Record) -> Tensor:
        """Volume ``(1, W, H, D)`` in [-1, 1] of a record that needs no mask, as large as the scanner shows it."""
        # A class, which a manifest may call so, is no mask.
        item: Any = self.preprocess_image({name: value for name, value in record.items() if name != "label"})
        return torch.as_tensor(item["image"]).as_subclass(Tensor).clamp(-1, 1)

    @torch.no_grad()
    def __call__(self, volume: Tensor) -> Tensor:
        """Labels ``(W, H, D)``, 1 for the spine, of a volume ``(1, W, H, D)``."""
        logits = torch.as_tensor(self.inferer(volume[None], self.network))[0, 0]
        return (logits > 0).long()


def without_masks(preprocess: Compose) -> Compose:
    """The same for images alone, and without a frame around small ones, by which their look could be told."""
    kept = [deepcopy(one) for one in preprocess.flatten().transforms if not isinstance(one, Padd)]
    for one in kept:
        if isinstance(one, MapTransform):
            one.allow_missing_keys = True
    return Compose(kept)
