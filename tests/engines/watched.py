"""Small trainings that are healthy, or ill on purpose, under a watch."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from monai.data import DataLoader, Dataset
from monai.networks.nets import PatchDiscriminator
from torch import nn

from monai_harmonize.data import UnpairedDataset
from monai_harmonize.engines import ObjectiveTrainer, TrainingWatch
from monai_harmonize.networks import ResNetGenerator
from monai_harmonize.objectives import CycleGAN

OUTPUTS = {
    "generator_ab": {"generated": "fake_b", "real": "image_b", "source": "image_a"},
    "generator_ba": {"generated": "fake_a", "real": "image_a", "source": "image_b"},
}
REAL = {"discriminator_a": "image_a", "discriminator_b": "image_b"}
FALLING = {"cycle_a": "image_a", "cycle_b": "image_b", "identity_a": "image_a", "identity_b": "image_b"}
SHORT = {"every": 1, "looks": 8, "patience": 2, "warm_up": 1, "history": 4}


def blobs(count: int, seed: int, floor: float = 0.0) -> Dataset:
    """Site of images ``(1, 32, 32)`` in [-1, 1]: five bright blobs on dark, or on a grey floor."""
    generator = torch.Generator().manual_seed(seed)
    axis = torch.linspace(-1, 1, 32)
    items = []
    for _ in range(count):
        middles = 1.2 * torch.rand(5, 2, generator=generator) - 0.6
        sizes = 0.15 + 0.3 * torch.rand(5, generator=generator)
        distances = (axis[:, None] - middles[:, 0, None, None]) ** 2 + (axis - middles[:, 1, None, None]) ** 2
        drawn = torch.exp(-distances / sizes[:, None, None] ** 2).sum(0) / 2
        items.append({"image": 2 * (floor + (1 - floor) * drawn.clamp(0, 1)[None]) - 1})
    return Dataset(items)


def small_generator() -> nn.Module:
    return ResNetGenerator(2, channels=4, num_blocks=1, upsampling="resize", skip=True)


def small_discriminator() -> nn.Module:
    return PatchDiscriminator(2, channels=4, in_channels=1, num_layers_d=2, norm="INSTANCE")


def watched_trainer(
    folder: Path,
    *,
    generators: tuple[nn.Module, nn.Module] | None = None,
    learning_rates: tuple[float, float] = (4e-4, 4e-4),
    epochs: int = 4,
    floor: float = 0.1,
    options: Mapping[str, Any] = SHORT,
    loss_weights: Mapping[str, float] | None = None,
    **trainer_options: Any,
) -> ObjectiveTrainer:
    """CycleGAN between two sites of 8 images each, the second with a floor; its watch writes into the folder."""
    torch.manual_seed(0)
    generators = generators or (small_generator(), small_generator())
    discriminators = (small_discriminator(), small_discriminator())
    optimizers = [
        torch.optim.Adam([p for net in nets for p in net.parameters() if p.requires_grad], rate, (0.5, 0.999))
        for nets, rate in zip((generators, discriminators), learning_rates, strict=True)
    ]
    trainer = ObjectiveTrainer(
        "cpu",
        epochs,
        DataLoader(UnpairedDataset(blobs(8, 1), blobs(8, 2, floor=floor), seed=3), batch_size=1),
        CycleGAN(*generators, *discriminators, loss_weights=loss_weights),
        *optimizers,
        **trainer_options,
    )
    TrainingWatch(folder / "watch.json", OUTPUTS, REAL, FALLING, folder / "events", options).attach(trainer)
    return trainer


def noticed(folder: Path) -> dict[str, set[str]]:
    """Names of what was noticed, by symptom."""
    found: dict[str, set[str]] = {}
    for notice in json.loads((folder / "watch.json").read_text())["notices"]:
        found.setdefault(notice["symptom"], set()).add(notice["name"])
    return found


def last_values(folder: Path) -> dict[str, dict[str, float]]:
    return json.loads((folder / "watch.json").read_text())["values"]
