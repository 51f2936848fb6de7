"""What is compared: the plain loop and the package's trainer, from the same weights, on the same batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from monai.networks.nets import PatchDiscriminator
from plain_cyclegan import PlainCycleGAN
from plain_unit import PlainUNIT
from torch import nn
from torch.optim import Adam, Optimizer

from monai_harmonize.engines import ObjectiveTrainer, ReplayPool
from monai_harmonize.networks import ResNetGenerator, UNITTranslator
from monai_harmonize.objectives import UNIT, CycleGAN

__all__ = ["METHODS", "REFERENCE", "VARIANTS", "Method", "Setup", "Step", "make_step"]

Step = Callable[[], None]
REFERENCE = "plain float32"
VARIANTS = (REFERENCE, "plain bfloat16", "ours float32", "ours bfloat16")


@dataclass(frozen=True)
class Setup:
    """Size of the problem; the defaults are those of the CycleGAN papers."""

    size: int = 256
    blocks: int = 9
    channels: int = 64
    batch: int = 1
    pool: int = 50
    device: str = "cpu"
    threads: int = 1
    method: str = "CycleGAN"

    def prepare(self) -> None:
        """Let torch use the threads, and start every variant from the same random state."""
        torch.set_num_threads(self.threads)
        torch.manual_seed(0)


@dataclass(frozen=True)
class Method:
    """What differs between the methods.

    Args:
        generators: makes A to B and B to A.
        plain: makes the reference of networks, optimizers, pools and dtype.
        objective: the package's, of four networks.
        learning_rate: of Adam.
        pools: whether the discriminators learn from a history of generated images.
    """

    generators: Callable[[Setup], list[nn.Module]]
    plain: Callable[
        [Sequence[nn.Module], Sequence[nn.Module], Optimizer, Optimizer, Sequence[ReplayPool], torch.dtype],
        PlainCycleGAN | PlainUNIT,
    ]
    objective: type[CycleGAN | UNIT]
    learning_rate: float
    pools: bool


def resnets(setup: Setup) -> list[nn.Module]:
    """Two separate generators."""
    return [ResNetGenerator(2, channels=setup.channels, num_blocks=setup.blocks) for _ in range(2)]


def partners(setup: Setup) -> list[nn.Module]:
    """Two translators with one latent space."""
    translator = UNITTranslator(2, channels=setup.channels, num_blocks=setup.blocks)
    return [translator, translator.partner()]


METHODS = {
    "CycleGAN": Method(resnets, PlainCycleGAN, CycleGAN, 2e-4, pools=True),
    "UNIT": Method(partners, lambda *parts: PlainUNIT(*parts[:4], dtype=parts[-1]), UNIT, 1e-4, pools=False),
}


def make_step(variant: str, setup: Setup) -> Step:
    """Build networks, optimizers and pools; the result runs one training step, data already on the device.

    Raises:
        ValueError: the variant is none of ``VARIANTS``.
    """
    if variant not in VARIANTS:
        raise ValueError(f"variant is {variant!r}; expected one of {VARIANTS}.")
    setup.prepare()
    loop, precision = variant.split()
    method = METHODS[setup.method]
    generators = [network.to(setup.device) for network in method.generators(setup)]
    discriminators: list[nn.Module] = [
        PatchDiscriminator(2, setup.channels, 1, norm="INSTANCE").to(setup.device) for _ in range(2)
    ]
    generator_optimizer, discriminator_optimizer = (
        # A list of modules names weights that two of them share once.
        Adam(nn.ModuleList(networks).parameters(), method.learning_rate, (0.5, 0.999))
        for networks in (generators, discriminators)
    )
    pools = [ReplayPool(setup.pool, seed) for seed in (0, 1)] if method.pools else []
    shape = (setup.batch, 1, setup.size, setup.size)
    image_a, image_b = (torch.empty(shape, device=setup.device).uniform_(-1, 1) for _ in range(2))
    if loop == "plain":
        dtype = getattr(torch, precision)
        plain = method.plain(generators, discriminators, generator_optimizer, discriminator_optimizer, pools, dtype)
        return lambda: plain.step(image_a, image_b)
    trainer = ObjectiveTrainer(
        setup.device,
        1,
        [{"image_a": image_a, "image_b": image_b}],
        method.objective(*generators, *discriminators),
        generator_optimizer,
        discriminator_optimizer,
        replay_pools=dict(zip(("fake_a", "fake_b"), pools, strict=False)),
        precision=precision,
    )
    # One epoch of one iteration; a finished engine starts anew.
    return trainer.run
