"""One iteration: which networks move, when, and by what."""

import sys
from pathlib import Path

import pytest
import torch
from ignite.engine import Events
from torch import Tensor
from torch.nn.functional import mse_loss

from monai_harmonize.engines import ObjectiveEvents, ReplayPool
from monai_harmonize.networks import UNITTranslator
from monai_harmonize.objectives import CycleGAN

sys.path.insert(0, str(Path(__file__).parent))
from training import make_trainer
from watching import DISCRIMINATORS, GENERATORS, at, at_step, gradients, moved, parameters, run, same


def test_one_step_moves_all_four_networks() -> None:
    trainer = make_trainer()
    before = parameters(trainer)
    after = parameters(run(trainer, 1))
    assert all(moved(before[name], after[name]) for name in (*GENERATORS, *DISCRIMINATORS))


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_one_step_moves_all_parts_of_unit_by_its_own_optimizer(precision: str) -> None:
    trainer = make_trainer(unit=UNITTranslator, precision=precision)
    moments = [Events.ITERATION_STARTED, ObjectiveEvents.GENERATORS_STEPPED, ObjectiveEvents.DISCRIMINATORS_STEPPED]
    values = [at(trainer, moment, lambda: parameters(trainer)) for moment in moments]
    of_generators, of_discriminators = at_step(trainer)
    run(trainer, 2)
    for iteration in range(2):
        start, middle, end = (taken[iteration] for taken in values)
        assert all(same(start[name], middle[name]) and moved(middle[name], end[name]) for name in DISCRIMINATORS)
        assert all(moved(start[name], middle[name]) and same(middle[name], end[name]) for name in GENERATORS)
        assert all(grad is not None for name in GENERATORS for grad in of_generators[iteration][name])
        assert all(grad is None for name in GENERATORS for grad in of_discriminators[iteration][name])
        assert all(grad is None for name in DISCRIMINATORS for grad in of_generators[iteration][name])


@pytest.mark.parametrize("source", ["a", "b"])
def test_either_direction_of_unit_moves_what_both_share(source: str) -> None:
    target = {"a": "b", "b": "a"}[source]
    silent = [f"{term}_{target}" for term in ("kl", "reconstruction", "cycle_kl", "cycle")]
    silent.append(f"adversarial_{target}{source}")
    trainer = make_trainer(unit=UNITTranslator, loss_weights=dict.fromkeys(silent, 0.0))
    shared = trainer.objective.networks["generator_ab"].shared_encoder[-1].weight
    before = shared.detach().clone()
    run(trainer, 1)
    assert not torch.equal(shared, before)


def test_each_step_leaves_the_other_side_alone() -> None:
    trainer = make_trainer()
    moments = [Events.ITERATION_STARTED, ObjectiveEvents.GENERATORS_STEPPED, ObjectiveEvents.DISCRIMINATORS_STEPPED]
    values = [at(trainer, moment, lambda: parameters(trainer)) for moment in moments]
    of_generators, of_discriminators = at_step(trainer)
    left = at(trainer, ObjectiveEvents.DISCRIMINATORS_STEPPED, lambda: gradients(trainer))
    run(trainer, 3)
    for iteration in range(3):
        start, middle, end = (taken[iteration] for taken in values)
        assert all(same(start[name], middle[name]) and moved(middle[name], end[name]) for name in DISCRIMINATORS)
        assert all(moved(start[name], middle[name]) and same(middle[name], end[name]) for name in GENERATORS)
        generators, discriminators = of_generators[iteration], of_discriminators[iteration]
        assert all(grad is not None for name in GENERATORS for grad in generators[name])
        assert all(grad is not None for name in DISCRIMINATORS for grad in discriminators[name])
        assert all(grad is None for name in DISCRIMINATORS for grad in generators[name])
        assert all(grad is None for name in GENERATORS for grad in discriminators[name])
        assert all(grad is None for grads in left[iteration].values() for grad in grads)


def test_networks_of_the_other_side_are_frozen_meanwhile_and_freed_afterwards() -> None:
    trainer = make_trainer()
    seen: dict[str, list[bool]] = {name: [] for name in DISCRIMINATORS}
    for name in DISCRIMINATORS:
        network = trainer.objective.networks[name]
        network.register_forward_pre_hook(
            lambda module, _, name=name: seen[name].append(any(p.requires_grad for p in module.parameters()))
        )

    def trained() -> bool:
        return all(p.requires_grad for net in trainer.objective.networks.values() for p in net.parameters())

    free = [at(trainer, moment, trained) for moment in ObjectiveEvents]
    run(trainer, 2)
    # One look in the generator step, then the real and the generated image in the step of its own.
    assert seen == {name: [False, True, True] * 2 for name in DISCRIMINATORS}
    assert free == [[True, True], [True, True]]


def test_what_the_user_froze_stays_frozen() -> None:
    trainer = make_trainer()
    first = {name: next(iter(net.parameters())) for name, net in trainer.objective.networks.items()}
    before = {name: parameter.requires_grad_(False).clone() for name, parameter in first.items()}
    run(trainer, 2)
    for name, parameter in first.items():
        assert not parameter.requires_grad
        assert torch.equal(parameter, before[name])
        assert all(p.requires_grad for p in list(trainer.objective.networks[name].parameters())[1:])


def test_an_exception_leaves_nothing_frozen() -> None:
    trainer = make_trainer()
    frozen = trainer.objective.networks["discriminator_a"]

    def fail(*_: object) -> None:
        assert not any(parameter.requires_grad for parameter in frozen.parameters())
        raise ArithmeticError

    frozen.register_forward_hook(fail)
    with pytest.raises(ArithmeticError):
        trainer.run()
    assert all(p.requires_grad for network in trainer.objective.networks.values() for p in network.parameters())


class Blank(ReplayPool):
    """A pool that remembers nothing but black images."""

    def __call__(self, images: Tensor) -> Tensor:
        assert not images.requires_grad
        return torch.zeros_like(images)


def test_only_the_discriminator_step_reads_the_pools() -> None:
    plain, blank = make_trainer(dropout=0.0), make_trainer(dropout=0.0)
    blank.replay_pools = {"fake_a": Blank(), "fake_b": Blank()}
    real: list[Tensor] = []
    discriminator = blank.objective.networks["discriminator_b"]
    discriminator.register_forward_hook(lambda module, inputs, output: real.append(output[-1].detach()))
    expected, found = run(plain, 1).state.output, run(blank, 1).state.output
    for name, value in expected["losses"].items():
        assert (found["losses"][name] == value) == (name not in DISCRIMINATORS), name
    assert torch.equal(found["fake_b"], expected["fake_b"])
    assert found["fake_b"].abs().max() > 0
    _, on_real, on_blank = real
    loss = (mse_loss(on_real, torch.ones_like(on_real)) + mse_loss(on_blank, torch.zeros_like(on_blank))) / 2
    assert found["losses"]["discriminator_b"] == pytest.approx(float(loss), rel=1e-6)


def test_the_output_names_every_term_but_those_of_weight_zero() -> None:
    output = run(make_trainer(), 1).state.output
    counted = {name for name, weight in CycleGAN.default_weights.items() if weight}
    assert set(output["losses"]) == counted
    assert all(isinstance(value, float) for value in output["losses"].values())
    assert set(output) == {"losses", "image_a", "image_b", "fake_a", "fake_b"}
    skipped = {"identity_a": 0.0, "cycle_b": 0.0, "discriminator_a": 0.0}
    losses = run(make_trainer(loss_weights=skipped), 1).state.output["losses"]
    assert set(losses) == counted - set(skipped)


def test_a_side_without_terms_does_not_step() -> None:
    trainer = make_trainer(loss_weights=dict.fromkeys(DISCRIMINATORS, 0.0))
    before = parameters(trainer)
    after = parameters(run(trainer, 2))
    assert all(same(before[name], after[name]) for name in DISCRIMINATORS)
    assert all(moved(before[name], after[name]) for name in GENERATORS)
