"""Trainings of small generators in seconds, by the engine of the bundles."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from ignite.engine import Events
from monai.data import DataLoader, Dataset
from torch import Tensor

from monai_harmonize.data import LatentCode
from monai_harmonize.engines import ObjectiveTrainer
from monai_harmonize.networks import ConvolutionalDiscriminator, ConvolutionalGenerator
from monai_harmonize.objectives.gan import GAN

SIZE, BATCH = 8, 16


def learned(
    make: Callable[..., GAN],
    code: LatentCode,
    image_of: Callable[[int], Tensor],
    planes: int = 0,
    outputs: int = 0,
    steps: int = 200,
) -> tuple[Tensor, Tensor, list[dict[str, float]]]:
    """Train on images of ``image_of``, number ``n`` of the class ``n % 2``; return codes, samples, losses by step."""
    torch.manual_seed(0)
    generator = ConvolutionalGenerator(2, code.channels, image_size=SIZE, channels=8)
    discriminator = ConvolutionalDiscriminator(2, 1 + planes, 1 + outputs, image_size=SIZE, channels=8)
    random = np.random.RandomState(0)
    # Numbers of images, and with them classes, take turns.
    items = [{"code": drawn(code, random, number), "image": image_of(number)} for number in range(BATCH * steps)]
    losses: list[dict[str, float]] = []
    trainer = ObjectiveTrainer(
        device="cpu",
        max_epochs=1,
        train_data_loader=DataLoader(Dataset(items), batch_size=BATCH),
        objective=make(generator, discriminator),
        generator_optimizer=torch.optim.Adam(generator.parameters(), 0.002, (0.5, 0.999)),
        discriminator_optimizer=torch.optim.Adam(discriminator.parameters(), 0.002, (0.5, 0.999)),
    )
    trainer.add_event_handler(
        Events.ITERATION_COMPLETED,
        lambda engine: losses.append({name: float(value) for name, value in engine.state.output["losses"].items()}),
    )
    trainer.run()
    codes = torch.stack([drawn(code, random, number) for number in range(300)])
    with torch.no_grad():
        return codes, generator.eval()(codes), losses


def drawn(code: LatentCode, random: np.random.RandomState, number: int) -> Tensor:
    """Code of the class that an image of the number has."""
    return code.draw(random, [number % 2] if code.categories else ())[:, None, None]
