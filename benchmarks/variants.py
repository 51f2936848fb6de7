"""What is compared: the plain loop and the package's trainer, from the same weights, on the same batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from monai.networks.nets import PatchDiscriminator
from plain_adain import CONTENT_WEIGHT, STYLE_WEIGHT, PlainAdaIN, PlainDecoder
from plain_cyclegan import PlainCycleGAN
from plain_unit import PlainUNIT
from torch import nn
from torch.optim import Adam, Optimizer

from monai_harmonize.engines import ObjectiveTrainer, ReplayPool
from monai_harmonize.networks import ResNetGenerator, StyleTransferNet, UNITTranslator
from monai_harmonize.objectives import UNIT, CycleGAN, StyleTransfer

__all__ = ["REFERENCE", "VARIANTS", "Adversarial", "Setup", "Step", "make_step"]

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
class Adversarial:
    """What differs between the methods with discriminators.

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


ADVERSARIAL = {
    "CycleGAN": Adversarial(resnets, PlainCycleGAN, CycleGAN, 2e-4, pools=True),
    "UNIT": Adversarial(partners, lambda *parts: PlainUNIT(*parts[:4], dtype=parts[-1]), UNIT, 1e-4, pools=False),
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
    if setup.method == "AdaIN":
        return style_transfer_step(loop, precision, setup)
    return adversarial_step(loop, precision, setup)


def images(setup: Setup) -> tuple[torch.Tensor, ...]:
    """A batch of each site."""
    shape = (setup.batch, 1, setup.size, setup.size)
    return tuple(torch.empty(shape, device=setup.device).uniform_(-1, 1) for _ in range(2))


def adversarial_step(loop: str, precision: str, setup: Setup) -> Step:
    """A step with discriminators."""
    method = ADVERSARIAL[setup.method]
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
    image_a, image_b = images(setup)
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


def style_transfer_step(loop: str, precision: str, setup: Setup) -> Step:
    """A step of the decoder: the whole batch at once, or ours, image by image, for the gradient of the whole batch.

    Raises:
        ValueError: another width than the encoder's.
    """
    network = StyleTransferNet(num_blocks=setup.blocks).to(setup.device)
    if setup.channels != network.extractor.channels[0]:
        raise ValueError(f"channels is {setup.channels}; the encoder has {network.extractor.channels[0]}.")
    image_a, image_b = images(setup)
    if loop == "plain":
        decoder = PlainDecoder(network)
        plain = PlainAdaIN(network.extractor, decoder, adam(decoder), getattr(torch, precision))
        return lambda: plain.step(image_a, image_b)
    weights = {"contextual": 0.0, "content": CONTENT_WEIGHT, "style": STYLE_WEIGHT}
    trainer = ObjectiveTrainer(
        setup.device,
        1,
        [{"image_a": a, "image_b": b} for a, b in zip(image_a.split(1), image_b.split(1), strict=True)],
        StyleTransfer(network, weights),
        adam(network),
        precision=precision,
        channels_last=True,
        accumulation_steps=setup.batch,
    )
    # One epoch, which is one step of the optimizer.
    return trainer.run


def adam(network: nn.Module) -> Adam:
    """Huang's optimizer."""
    return Adam(network.parameters(), 1e-4)
