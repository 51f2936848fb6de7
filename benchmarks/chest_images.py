"""The images of one site and their splits, small and in memory."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from monai.transforms import Compose, Resized
from torch import Tensor

from monai_harmonize.data.manifest import load_manifest
from monai_harmonize.data.patient_split import hold_out_validation
from monai_harmonize.transforms import LoadRadiographd, ScaleGreyLevelsd

SIZE = 128


@dataclass(frozen=True)
class Split:
    """Images ``(N, 1, 128, 128)`` in [-1, 1], labels (1 is ill) and patients of one split."""

    images: Tensor
    labels: list[int]
    patients: list[str]


def load_splits(manifest: Path, site: str, cache: Path) -> dict[str, Split]:
    """Train, validation and test of a site; the split of the manifest, validation taken from train by patient."""
    records = [record for record in load_manifest(manifest, manifest.parent).records if record["site"] == site]
    records = hold_out_validation(records, 0.15)
    file = cache / f"{site}_{SIZE}.pt"
    images = torch.load(file, weights_only=True) if file.exists() else _load(records)
    if not file.exists():
        torch.save(images, file)
    splits = {}
    for name in ("train", "validation", "test"):
        rows = [row for row, record in enumerate(records) if record["split"] == name]
        chosen = [records[row] for row in rows]
        splits[name] = Split(
            images[rows], [int(record["label"]) for record in chosen], [record["patient"] for record in chosen]
        )
    return splits


def _load(records: list[dict]) -> Tensor:
    read = Compose([LoadRadiographd("image"), ScaleGreyLevelsd("image"), Resized("image", (SIZE, SIZE), mode="area")])
    return torch.stack([torch.as_tensor(read(dict(record))["image"]).as_subclass(Tensor) for record in records])
