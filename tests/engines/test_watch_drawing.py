"""The watch of trainings that draw images from codes: what is ill is noticed, what looks ill and is not is left."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from monai.data import DataLoader, Dataset
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch import nn

from monai_harmonize.data import LatentCode, PositionalDataset
from monai_harmonize.engines import ObjectiveTrainer, TrainingWatch
from monai_harmonize.networks import ConvolutionalDiscriminator, ConvolutionalGenerator
from monai_harmonize.objectives import GAN, WGAN
from monai_harmonize.transforms import RandLatentCoded

sys.path.insert(0, str(Path(__file__).parent))
from watched import SHORT, blobs, last_values, noticed


class OneAtATime(nn.Module):
    """Generator that has a single image at any time, another one in each step."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, code: torch.Tensor) -> torch.Tensor:
        return self.network(code.roll(1, 0) * 0 + code[:1])


class Rolled(nn.Module):
    """Generator with the grey levels of the real images, each in turn and moved by half its width."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.factor = nn.Parameter(next(network.parameters()).new_ones(()))
        self.images = real_images(32)
        self.drawn = 0

    def forward(self, code: torch.Tensor) -> torch.Tensor:
        places = (self.drawn + torch.arange(len(code))) % len(self.images)
        self.drawn += len(code)
        return self.factor * self.images[places].roll(8, -1)


def real_images(count: int) -> torch.Tensor:
    """Blobs, ``(count, 1, 16, 16)``."""
    return torch.stack([nn.functional.avg_pool2d(item["image"], 2) for item in blobs(count, 1)])


def drawing_trainer(
    folder: Path,
    objective: type[GAN] = GAN,
    learning_rates: tuple[float, float] = (2e-3, 2e-3),
    norms: tuple[str | None, str | None] = ("batch", "batch"),
    epochs: int = 4,
    shell: type[nn.Module] = nn.Sequential,
    options: Mapping[str, Any] | None = SHORT,
    **more: Any,
) -> ObjectiveTrainer:
    """Training of images ``(1, 16, 16)`` with blobs, eight iterations of four images an epoch. No options, no watch."""
    torch.manual_seed(0)
    generator = shell(ConvolutionalGenerator(2, 8, 1, 16, 8, norms[0]))
    networks = (generator, ConvolutionalDiscriminator(2, 1, 1, 16, 8, norms[1]))
    optimizers = [
        torch.optim.Adam(network.parameters(), rate, (0.5, 0.999))
        for network, rate in zip(networks, learning_rates, strict=True)
    ]
    items = [{"image": image} for image in real_images(32)]
    data = PositionalDataset(Dataset(items, RandLatentCoded("code", LatentCode(8))), seed=3)
    trainer = ObjectiveTrainer("cpu", epochs, DataLoader(data, batch_size=4), objective(*networks), *optimizers, **more)
    if options is None:
        return trainer
    outputs = {"generator": {"generated": "fake", "real": "image"}}
    watch = TrainingWatch(folder / "watch.json", outputs, {"discriminator": "image"}, None, folder / "events", options)
    watch.attach(trainer)
    return trainer


def drawn(folder: Path, **options: Any) -> dict[str, set[str]]:
    drawing_trainer(folder, **options).run()
    return noticed(folder)


def test_a_healthy_drawing_training_is_left_in_peace(tmp_path: Path, caplog) -> None:
    caplog.set_level("INFO")
    assert drawn(tmp_path, epochs=10) == {}
    assert "Watch: nothing noticed in 10 reviews." in caplog.messages
    values = last_values(tmp_path)
    assert 0.5 < values["spread"]["generator"] < 1.5
    assert values["rank_correlation"] == values["dependence"] == {"generator": None}


def test_a_discriminator_that_learns_a_hundred_times_faster_dominates(tmp_path: Path) -> None:
    found = drawn(tmp_path, learning_rates=(2e-4, 2e-2), epochs=5)
    assert found["dominance"] == {"discriminator"}
    assert last_values(tmp_path)["separation"]["discriminator"] > 0.995


def test_who_has_the_grey_levels_is_not_dominated(tmp_path: Path) -> None:
    assert drawn(tmp_path, shell=Rolled, learning_rates=(1e-6, 2e-2), epochs=8) == {}
    values = last_values(tmp_path)
    assert values["separation"]["discriminator"] == 1
    assert values["gap"]["generator"] == pytest.approx(0, abs=1e-3)


def test_one_image_that_changes_from_step_to_step_is_a_collapse(tmp_path: Path) -> None:
    """Pooled over the steps its images are as different as real ones."""
    found = drawn(tmp_path, shell=OneAtATime, norms=(None, "batch"), learning_rates=(2e-2, 2e-3))
    assert found["spread"] == {"generator"}
    assert last_values(tmp_path)["spread"]["generator"] == pytest.approx(0, abs=1e-6)


def test_a_critic_that_is_always_right_does_not_dominate(tmp_path: Path) -> None:
    slow = {"learning_rates": (1e-5, 5e-3), "norms": ("batch", None), "epochs": 6}
    assert "dominance" not in drawn(tmp_path, objective=WGAN, **slow)
    values = last_values(tmp_path)
    assert values["separation"]["discriminator"] == 1
    assert "dominance" not in values
    assert drawn(tmp_path, objective=GAN, **slow)["dominance"] == {"discriminator"}


@pytest.mark.parametrize(
    ("interval", "every", "reviewed_at"),
    [(1, 1, [8, 16, 24, 32, 40, 48]), (3, 1, [24, 48]), (3, 5, [45]), (5, 5, [40])],
)
def test_only_iterations_in_which_the_generator_steps_are_looked_at(
    tmp_path: Path, interval: int, every: int, reviewed_at: list[int]
) -> None:
    """Eight looks make a review; no step was left out, although loss scaling is on and only some iterations step."""
    options = {"generator_interval": interval, "gradient_scaler": torch.amp.GradScaler("cpu")}
    drawing_trainer(tmp_path, epochs=6, options={**SHORT, "every": every}, **options).run()
    (path,) = (tmp_path / "events").glob("events.out.tfevents.*")
    events = EventAccumulator(str(path)).Reload()
    for name in ("spread/generator", "separation/discriminator"):
        assert [event.step for event in events.Scalars(f"watch/{name}")] == reviewed_at
    for name in ("generator", "discriminator"):
        assert max(event.value for event in events.Scalars(f"watch/not_finite/{name}")) < 0.1


def test_a_watch_changes_no_bit_of_a_drawing_training(tmp_path: Path) -> None:
    found = []
    for watch in (SHORT, None):
        trainer = drawing_trainer(tmp_path, WGAN, norms=("batch", None), epochs=3, generator_interval=3, options=watch)
        trainer.run()
        found.append([value for net in trainer.objective.networks.values() for value in net.state_dict().values()])
    assert last_values(tmp_path)["spread"]["generator"] > 0
    assert all(map(torch.equal, *found))
