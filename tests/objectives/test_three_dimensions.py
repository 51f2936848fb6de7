"""Every objective that draws images draws volumes, too: its steps move the weights that they should, and no others."""

from collections.abc import Callable

import pytest
import torch
from monai.data import DataLoader, Dataset
from monai.networks.nets import FullyConnectedNet
from torch import nn

from monai_harmonize.data import LatentCode, PositionalDataset
from monai_harmonize.engines import ObjectiveTrainer
from monai_harmonize.networks import (
    ConvolutionalDiscriminator,
    ConvolutionalGenerator,
    FullyConnectedGenerator,
    GrowingDiscriminator,
    GrowingGenerator,
    LaplacianPyramidDiscriminator,
    LaplacianPyramidGenerator,
)
from monai_harmonize.objectives import ACGAN, CGAN, GAN, LAPGAN, PGGAN, WGAN, InfoGAN, Objective
from monai_harmonize.transforms import RandLatentCoded

SIZE = 16
PLAIN, CLASSES, CODES = LatentCode(5), LatentCode(5, (3,)), LatentCode(5, (3,), 2)


def convolutional(code: LatentCode = PLAIN, shown: int = 1, told: int = 1, norm: str | None = "batch") -> tuple:
    """Networks of DCGAN."""
    discriminator = ConvolutionalDiscriminator(3, shown, told, SIZE, 2, norm)
    return ConvolutionalGenerator(3, code.channels, 1, SIZE, 2), discriminator


def growing(progress: float) -> Objective:
    """PGGAN that has grown so far."""
    objective = PGGAN(GrowingGenerator(3, 5, 1, SIZE, 2, 4), GrowingDiscriminator(3, 1, 1, SIZE, 2, 4))
    for network in objective.networks.values():
        network.progress.fill_(progress)
    return objective


def first_gan() -> Objective:
    """Fully connected networks."""
    discriminator = nn.Sequential(nn.Flatten(), FullyConnectedNet(SIZE**3, 1, [4], act="relu", adn_ordering="A"))
    return GAN(FullyConnectedGenerator(3, 5, 1, SIZE, [4]), discriminator)


def pyramid() -> Objective:
    """LAPGAN of two levels."""
    generator = LaplacianPyramidGenerator(3, 5, 1, SIZE, 2, level_noise=2)
    return LAPGAN(generator, LaplacianPyramidDiscriminator(3, 1, SIZE, 2))


FAMILIES: dict[str, tuple[Callable[[], Objective], LatentCode]] = {
    "dcgan": (lambda: GAN(*convolutional()), PLAIN),
    "gan": (first_gan, PLAIN),
    "wgan_gp": (lambda: WGAN(*convolutional(norm=None)), PLAIN),
    "lapgan": (pyramid, PLAIN),
    "pggan_first_stage": (lambda: growing(0.0), PLAIN),
    "pggan_fading_in": (lambda: growing(1.5), PLAIN),
    "pggan_grown": (lambda: growing(2.0), PLAIN),
    "cgan": (lambda: CGAN(*convolutional(CLASSES, 1 + 3), code=CLASSES), CLASSES),
    "acgan": (lambda: ACGAN(*convolutional(CLASSES, told=1 + 3), code=CLASSES), CLASSES),
    "infogan": (lambda: InfoGAN(*convolutional(CODES, told=1 + 3 + 2), code=CODES), CODES),
}
# Beginnings of the names of weights that have to rest, of generator and discriminator.
RESTING: dict[str, tuple[set[str], set[str]]] = {
    # What is added to all of a critic's values cancels between drawn and real images.
    "wgan_gp": (set(), {"layers.4.bias"}),
    "pggan_first_stage": (
        {"blocks.1", "blocks.2", "to_image.1", "to_image.2"},
        {"blocks.", "from_image.1", "from_image.2"},
    ),
    "pggan_fading_in": ({"to_image.0"}, {"from_image.0"}),
    "pggan_grown": ({"to_image.0", "to_image.1"}, {"from_image.0", "from_image.1"}),
}


def moved(before: dict[str, torch.Tensor], network: nn.Module) -> set[str]:
    """Weights that are others than before."""
    return {name for name, weight in network.named_parameters() if not torch.equal(weight, before[name])}


def expected(network: nn.Module, resting: set[str]) -> set[str]:
    """All weights but those whose names begin so."""
    return {name for name, _ in network.named_parameters() if not name.startswith(tuple(resting))}


@pytest.mark.parametrize("family", FAMILIES)
def test_steps_in_volumes_move_one_side_after_the_other(family: str) -> None:
    torch.manual_seed(0)
    make, code = FAMILIES[family]
    objective, (at_rest, at_rest_too) = make(), RESTING.get(family, (set(), set()))
    items = [{"image": 2 * torch.rand(1, *[SIZE] * 3) - 1, "label": torch.tensor(number)} for number in (0, 2, 1)]
    draw = RandLatentCoded("code", code, "label" if code.categories else None, spatial_dims=3)
    loader = DataLoader(PositionalDataset(Dataset(items, draw)), batch_size=3)
    sides = objective.generators["generator"], objective.discriminators["discriminator"]
    optimizers = [torch.optim.SGD(network.parameters(), 0.1) for network in sides]
    for interval in (2, 1):
        before = [{name: weight.detach().clone() for name, weight in side.named_parameters()} for side in sides]
        # Of two iterations that a generator's step waits for, one is the discriminator's alone.
        ObjectiveTrainer("cpu", 1, loader, objective, *optimizers, generator_interval=interval).run()
        generator, discriminator = (moved(*pair) for pair in zip(before, sides, strict=True))
        assert discriminator == expected(sides[1], at_rest_too)
        assert generator == (set() if interval == 2 else expected(sides[0], at_rest))
    assert all(weight.isfinite().all() for side in sides for weight in side.parameters())
    drawn = sides[0](torch.stack([torch.as_tensor(item["code"]) for item in map(draw, items)]))
    assert drawn.shape == (3, 1, *[SIZE] * 3)
    assert drawn.isfinite().all()
