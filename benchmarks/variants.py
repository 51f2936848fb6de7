"""What is compared: the plain loop and the package's trainer, from the same weights, on the same batch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from monai.networks.nets import PatchDiscriminator
from plain_cyclegan import PlainCycleGAN
from torch import nn
from torch.optim import Adam

from monai_harmonize.engines import ObjectiveTrainer, ReplayPool
from monai_harmonize.networks import ResNetGenerator
from monai_harmonize.objectives import CycleGAN

__all__ = ["REFERENCE", "VARIANTS", "Setup", "Step", "make_step"]

Step = Callable[[], None]
REFERENCE = "plain float32"
VARIANTS = (REFERENCE, "plain bfloat16", "ours float32", "ours bfloat16")


@dataclass(frozen=True)
class Setup:
    """Size of the problem; the defaults are the paper's."""

    size: int = 256
    blocks: int = 9
    channels: int = 64
    batch: int = 1
    pool: int = 50
    device: str = "cpu"
    threads: int = 1

    def prepare(self) -> None:
        """Let torch use the threads, and start every variant from the same random state."""
        torch.set_num_threads(self.threads)
        torch.manual_seed(0)


def make_step(variant: str, setup: Setup) -> Step:
    """Build networks, optimizers and pools; the result runs one training step, data already on the device.

    Raises:
        ValueError: the variant is none of ``VARIANTS``.
    """
    if variant not in VARIANTS:
        raise ValueError(f"variant is {variant!r}; expected one of {VARIANTS}.")
    setup.prepare()
    loop, precision = variant.split()
    generators: list[nn.Module] = [
        ResNetGenerator(2, channels=setup.channels, num_blocks=setup.blocks).to(setup.device) for _ in range(2)
    ]
    discriminators: list[nn.Module] = [
        PatchDiscriminator(2, setup.channels, 1, norm="INSTANCE").to(setup.device) for _ in range(2)
    ]
    generator_optimizer, discriminator_optimizer = (
        Adam([parameter for network in networks for parameter in network.parameters()], 2e-4, (0.5, 0.999))
        for networks in (generators, discriminators)
    )
    pools = [ReplayPool(setup.pool, seed) for seed in (0, 1)]
    shape = (setup.batch, 1, setup.size, setup.size)
    image_a, image_b = (torch.empty(shape, device=setup.device).uniform_(-1, 1) for _ in range(2))
    if loop == "plain":
        plain = PlainCycleGAN(
            generators,
            discriminators,
            generator_optimizer,
            discriminator_optimizer,
            pools,
            getattr(torch, precision),
        )
        return lambda: plain.step(image_a, image_b)
    trainer = ObjectiveTrainer(
        setup.device,
        1,
        [{"image_a": image_a, "image_b": image_b}],
        CycleGAN(generators[0], generators[1], discriminators[0], discriminators[1]),
        generator_optimizer,
        discriminator_optimizer,
        replay_pools={"fake_a": pools[0], "fake_b": pools[1]},
        precision=precision,
    )
    # One epoch of one iteration; a finished engine starts anew.
    return trainer.run
