"""CGAN, ACGAN and InfoGAN do what their papers say they do, on images with one visible factor."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
import torch
from ignite.engine import Events
from monai.data import DataLoader, Dataset
from sklearn.metrics import roc_auc_score
from torch import Tensor

from monai_harmonize.data import LatentCode
from monai_harmonize.engines import ObjectiveTrainer
from monai_harmonize.metrics.code_information import code_information
from monai_harmonize.metrics.visible_factors import visible_factors
from monai_harmonize.networks import ConvolutionalDiscriminator, ConvolutionalGenerator
from monai_harmonize.objectives import ACGAN, CGAN, GAN, InfoGAN

SIZE, BATCH = 8, 16
CLASSES = LatentCode(8, [2])
NUMBERS = LatentCode(16, continuous=1)


def learned(
    make: Callable[..., GAN],
    code: LatentCode,
    image_of: Callable[[int], Tensor],
    planes: int = 0,
    outputs: int = 0,
    steps: int = 100,
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


def dark_or_bright(number: int) -> Tensor:
    """Dark images for class 0, bright ones for class 1, with a gradient of any direction."""
    random = np.random.default_rng(number)
    across, along = random.uniform(-0.3, 0.3, 2)
    ramp = torch.linspace(-1, 1, SIZE)
    return (0.5 if number % 2 else -0.5) + across * ramp[None, :, None] + along * ramp[None, None, :]


def bar(number: int) -> Tensor:
    """A bright bar at any place along x."""
    place = np.random.default_rng(number).uniform(0.15, 0.85)
    profile = torch.exp(-(((torch.arange(SIZE) + 0.5) / SIZE - place) ** 2) / (2 * 0.12**2))
    return (2 * profile - 1)[None, :, None].expand(1, SIZE, SIZE).clone()


def recognised(codes: Tensor, images: Tensor) -> float:
    """AUC of the mean level for the class that was asked for."""
    return float(roc_auc_score(CLASSES.category(codes).argmax(1), images.mean((1, 2, 3))))


def test_a_told_discriminator_makes_the_generator_draw_what_is_asked_for() -> None:
    codes, images, _ = learned(partial(CGAN, code=CLASSES), CLASSES, dark_or_bright, planes=2)
    assert recognised(codes, images) > 0.95
    # Nothing makes the generator of a plain GAN heed the class in its code.
    codes, images, _ = learned(GAN, CLASSES, dark_or_bright)
    assert recognised(codes, images) == pytest.approx(0.5, abs=0.15)


def test_a_classifying_discriminator_makes_the_generator_draw_what_is_asked_for() -> None:
    codes, images, losses = learned(partial(ACGAN, code=CLASSES), CLASSES, dark_or_bright, outputs=2)
    assert recognised(codes, images) > 0.95
    for name in ("classification", "classification_real", "classification_fake"):
        first, last = (np.mean([step[name] for step in part]) for part in (losses[:3], losses[-20:]))
        assert first == pytest.approx(np.log(2), abs=0.1)
        assert last < 0.1


@pytest.mark.parametrize(("weight", "least", "most"), [(1.0, 0.5, np.inf), (0.0, 0.0, 0.1)])
def test_a_code_finds_the_visible_factor_where_its_information_counts(weight: float, least: float, most: float) -> None:
    weights = {"numbers": weight, "recognised_numbers": weight}
    make = partial(InfoGAN, code=NUMBERS, loss_weights=weights)
    codes, images, _ = learned(make, NUMBERS, bar, outputs=1, steps=300)
    places = visible_factors(images)["centre_x"]
    # With and without information the bars stand at many places.
    assert places.std() > 0.1
    found = code_information(NUMBERS.numbers(codes)[:, 0], places, permutations=19)
    assert least <= found.nats <= most
    assert (found.nats > found.chance) == bool(weight)
