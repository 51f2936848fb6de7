"""The trainer and the plain loop of the paper compute the same gradients and the same weights."""

import copy
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from monai.networks.nets import PatchDiscriminator
from torch import nn

from monai_harmonize.engines import ObjectiveEvents, ObjectiveTrainer, ReplayPool
from monai_harmonize.networks import ResNetGenerator, UNITTranslator
from monai_harmonize.objectives import UNIT, CycleGAN

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
from measurement import count_operations
from plain_cyclegan import PlainCycleGAN
from plain_unit import PlainUNIT

Gradients = list[list[torch.Tensor]]


def networks(dtype: torch.dtype) -> list[nn.Module]:
    """Two generators, two discriminators."""
    torch.manual_seed(0)
    made = [ResNetGenerator(2, channels=4, num_blocks=1) for _ in range(2)]
    made += [PatchDiscriminator(2, 4, 1, num_layers_d=2, norm="INSTANCE") for _ in range(2)]
    return [network.to(dtype) for network in made]


def batches(count: int, dtype: torch.dtype) -> list[dict[str, torch.Tensor]]:
    generator = torch.Generator().manual_seed(1)
    shape = (2, 1, 16, 16)
    return [
        {key: 2 * torch.rand(shape, generator=generator, dtype=dtype) - 1 for key in ("image_a", "image_b")}
        for _ in range(count)
    ]


def optimizers(nets: list[nn.Module], seen: Gradients) -> list[torch.optim.Adam]:
    """Adam of the generators and of the discriminators; each notes the gradients it is given."""
    made = []
    for group in (nets[:2], nets[2:]):
        optimizer = torch.optim.Adam(nn.ModuleList(group).parameters(), 1e-3, (0.5, 0.999))
        optimizer.register_step_pre_hook(
            lambda own, *_: seen.append([p.grad.clone() for p in own.param_groups[0]["params"]])
        )
        made.append(optimizer)
    return made


def plain(nets: list[nn.Module], data: list[dict[str, torch.Tensor]], pool: int, seen: Gradients) -> Callable:
    loop = PlainCycleGAN(nets[:2], nets[2:], *optimizers(nets, seen), [ReplayPool(pool, seed) for seed in (0, 1)])

    def run() -> None:
        for batch in data:
            loop.step(batch["image_a"], batch["image_b"])

    return run


def ours(nets: list[nn.Module], data: list[dict[str, torch.Tensor]], pool: int, seen: Gradients) -> ObjectiveTrainer:
    pools = {"fake_a": ReplayPool(pool, 0), "fake_b": ReplayPool(pool, 1)}
    return ObjectiveTrainer("cpu", 1, data, CycleGAN(*nets), *optimizers(nets, seen), replay_pools=pools)


@pytest.mark.parametrize("pool", [0, 3])
def test_gradients_and_weights_agree_in_double_precision(pool: int) -> None:
    # Six batches of two images: a pool of three is full after the second and exchanges from then on.
    data = batches(6, torch.float64)
    reference, own = networks(torch.float64), networks(torch.float64)
    expected: Gradients = []
    seen: Gradients = []
    plain(reference, data, pool, expected)()
    ours(own, data, pool, seen).run()

    assert len(seen) == len(expected) == 12
    for one, other in zip(seen, expected, strict=True):
        for gradient, wanted in zip(one, other, strict=True):
            torch.testing.assert_close(gradient, wanted, rtol=1e-9, atol=1e-9)
    for one, other in zip(own, reference, strict=True):
        for weight, wanted in zip(one.parameters(), other.parameters(), strict=True):
            torch.testing.assert_close(weight, wanted, rtol=1e-9, atol=1e-9)
    untrained = networks(torch.float64)
    for one, other in zip(own, untrained, strict=True):
        assert not torch.equal(next(one.parameters()), next(other.parameters()))


def test_the_replay_pool_changes_what_the_discriminators_learn() -> None:
    data = batches(6, torch.float64)
    seen: dict[int, Gradients] = {0: [], 3: []}
    for pool, gradients in seen.items():
        ours(networks(torch.float64), data, pool, gradients).run()
    differ = [
        any(not torch.equal(a, b) for a, b in zip(one, other, strict=True))
        for one, other in zip(seen[0], seen[3], strict=True)
    ]
    assert differ[1] is False  # the first discriminator step: the pool still returns what it is given
    assert any(differ[3::2])


def test_gradients_are_close_in_single_precision() -> None:
    data = batches(1, torch.float32)
    expected: Gradients = []
    seen: Gradients = []
    plain(networks(torch.float32), data, 0, expected)()
    ours(networks(torch.float32), data, 0, seen).run()
    for one, other in zip(seen, expected, strict=True):
        scale = max(float(gradient.abs().max()) for gradient in other)
        assert scale > 0
        for gradient, wanted in zip(one, other, strict=True):
            torch.testing.assert_close(gradient, wanted, rtol=1e-4, atol=1e-5 * scale)


def test_the_generator_step_leaves_the_discriminators_alone() -> None:
    nets = networks(torch.float64)
    trainer = ours(nets, batches(1, torch.float64), 0, [])
    discriminators = [parameter for network in nets[2:] for parameter in network.parameters()]
    before = copy.deepcopy(discriminators)
    for place, parameter in enumerate(discriminators):
        parameter.grad = torch.full_like(parameter, float(place))
    moments = []

    @trainer.on(ObjectiveEvents.GENERATORS_STEPPED)
    def check() -> None:
        moments.append("generators")
        assert all(parameter.requires_grad for parameter in discriminators)
        for place, (parameter, old) in enumerate(zip(discriminators, before, strict=True)):
            assert torch.equal(parameter, old)
            assert torch.equal(parameter.grad, torch.full_like(parameter, float(place)))

    trainer.run()
    assert moments == ["generators"]
    assert not torch.equal(discriminators[0], before[0])


def test_both_loops_compute_the_same_operations() -> None:
    data = batches(1, torch.float32)
    counts = [
        count_operations(plain(networks(torch.float32), data, 0, [])),
        count_operations(ours(networks(torch.float32), data, 0, []).run),
    ]
    assert counts[0] == counts[1] > 0


def unit_networks(dtype: torch.dtype) -> list[nn.Module]:
    """Two translators with a common latent space, two discriminators."""
    discriminators = networks(torch.float32)[2:]
    translator = UNITTranslator(2, channels=4, num_blocks=2)
    return [network.to(dtype) for network in (translator, translator.partner(), *discriminators)]


def train_both(
    dtype: torch.dtype, count: int, precision: str = "float32"
) -> tuple[list[list[nn.Module]], list[Gradients], list[int]]:
    """Networks, gradients of every step and operations, of the plain loop of UNIT and of the trainer."""
    nets, seen, counts = [unit_networks(dtype) for _ in range(2)], ([], []), []
    data = batches(count, dtype)
    loop = PlainUNIT(nets[0][:2], nets[0][2:], *optimizers(nets[0], seen[0]), getattr(torch, precision))
    trainer = ObjectiveTrainer("cpu", 1, data, UNIT(*nets[1]), *optimizers(nets[1], seen[1]), precision=precision)

    def plainly() -> None:
        for batch in data:
            loop.step(batch["image_a"], batch["image_b"])

    for run in (plainly, trainer.run):
        torch.manual_seed(2)
        counts.append(count_operations(run))
    return nets, list(seen), counts


def test_unit_gradients_and_weights_agree_in_double_precision() -> None:
    nets, (expected, seen), _ = train_both(torch.float64, 3)
    assert len(seen) == len(expected) == 6
    for one, other in zip(seen, expected, strict=True):
        for gradient, wanted in zip(one, other, strict=True):
            torch.testing.assert_close(gradient, wanted, rtol=1e-7, atol=1e-7)
    untrained = unit_networks(torch.float64)
    for own, reference, start in zip(nets[1], nets[0], untrained, strict=True):
        for weight, wanted, before in zip(own.parameters(), reference.parameters(), start.parameters(), strict=True):
            if weight.ndim > 1:  # the gradient of a bias before an instance norm is rounding noise, which Adam enlarges
                torch.testing.assert_close(weight, wanted, rtol=1e-7, atol=1e-9)
                assert not torch.equal(weight, before)


def test_unit_gradients_are_close_in_single_precision() -> None:
    _, (expected, seen), _ = train_both(torch.float32, 1)
    for one, other in zip(seen, expected, strict=True):
        scale = max(float(gradient.abs().max()) for gradient in other)
        assert scale > 0
        for gradient, wanted in zip(one, other, strict=True):
            torch.testing.assert_close(gradient, wanted, rtol=1e-4, atol=1e-5 * scale)


def test_unit_gradients_are_close_under_autocast() -> None:
    """Also for the parts that are first computed without a graph."""
    _, (expected, seen), _ = train_both(torch.float32, 1, "bfloat16")
    for one, other in zip(seen, expected, strict=True):
        for gradient, wanted in zip(one, other, strict=True):
            # A bias before an instance norm has none but rounding noise.
            if wanted.ndim > 1:
                assert torch.cosine_similarity(gradient.flatten(), wanted.flatten(), dim=0) > 0.9


def test_unit_recomputes_less_than_it_saves() -> None:
    """The shared block is computed once per code; the two ends of a translator twice."""
    _, _, counts = train_both(torch.float32, 1)
    assert counts[1] < counts[0]
