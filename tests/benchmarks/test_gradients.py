"""The trainer's grouped backpropagation takes the step of the plain loop."""

import sys
from pathlib import Path

import pytest
import torch
from monai.networks.nets import PatchDiscriminator
from torch.optim import Adam

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
from plain_cyclegan import PlainCycleGAN

from monai_harmonize.engines import ObjectiveTrainer, ReplayPool
from monai_harmonize.networks import ResNetGenerator
from monai_harmonize.objectives import CycleGAN


def parts(dtype: torch.dtype, pool: int) -> tuple[list, list, list]:
    torch.manual_seed(0)
    networks = [ResNetGenerator(2, channels=4, num_blocks=2).to(dtype) for _ in range(2)]
    networks += [PatchDiscriminator(2, 4, 1, num_layers_d=2, norm="INSTANCE").to(dtype) for _ in range(2)]
    optimizers = [
        Adam([p for network in half for p in network.parameters()], 2e-4, (0.5, 0.999))
        for half in (networks[:2], networks[2:])
    ]
    return networks, optimizers, [ReplayPool(pool, seed) for seed in (0, 1)]


@pytest.mark.parametrize("pool", [0, 2])
@pytest.mark.parametrize(
    # Adam divides by the gradient's size, which turns float32 rounding of a tiny gradient into a whole step.
    ("dtype", "steps", "tolerance"),
    [(torch.float64, 5, 1e-8), (torch.float32, 1, 1e-3)],
)
def test_gradients_and_weights_equal_those_of_the_plain_loop(dtype, steps, tolerance, pool) -> None:
    generator = torch.Generator().manual_seed(1)
    batches = [
        {name: 2 * torch.rand(1, 1, 32, 32, dtype=dtype, generator=generator) - 1 for name in ("image_a", "image_b")}
        for _ in range(steps)
    ]
    plain_networks, optimizers, pools = parts(dtype, pool)
    plain = PlainCycleGAN(plain_networks[:2], plain_networks[2:], *optimizers, pools)
    networks, optimizers, pools = parts(dtype, pool)
    trainer = ObjectiveTrainer(
        "cpu",
        1,
        batches,
        CycleGAN(*networks),
        *optimizers,
        replay_pools={"fake_a": pools[0], "fake_b": pools[1]},
    )
    trainer.run()
    for batch in batches:
        plain.step(batch["image_a"], batch["image_b"])
    for ours, theirs in zip(networks, plain_networks, strict=True):
        for one, other in zip(ours.parameters(), theirs.parameters(), strict=True):
            torch.testing.assert_close(one.grad, other.grad, atol=tolerance, rtol=tolerance)
            if dtype == torch.float64:
                torch.testing.assert_close(one, other, atol=tolerance, rtol=tolerance)
