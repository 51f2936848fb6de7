"""One iteration: which networks move, when, and by what."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from ignite.engine import Events
from monai.data import MetaTensor
from torch import Tensor
from torch.nn.functional import mse_loss

from monai_harmonize.engines import ObjectiveEvents, ObjectiveTrainer, ReplayPool
from monai_harmonize.engines.objective_trainer import move_images
from monai_harmonize.networks import UNITTranslator
from monai_harmonize.objectives import CycleGAN

sys.path.insert(0, str(Path(__file__).parent))
from training import make_trainer, weights

GENERATORS = ("generator_ab", "generator_ba")
DISCRIMINATORS = ("discriminator_a", "discriminator_b")
State = dict[str, list[Tensor | None]]


def run(trainer: ObjectiveTrainer, iterations: int) -> ObjectiveTrainer:
    """Train for a few iterations only."""
    trainer.add_event_handler(Events.ITERATION_COMPLETED(once=iterations), trainer.terminate)
    trainer.run()
    return trainer


def at(trainer: ObjectiveTrainer, event: Events | ObjectiveEvents, take: Callable[[], object]) -> list:
    """Collect a value whenever an event is fired."""
    taken: list = []
    trainer.add_event_handler(event, lambda: taken.append(take()))
    return taken


def parameters(trainer: ObjectiveTrainer) -> State:
    return {name: [p.detach().clone() for p in net.parameters()] for name, net in trainer.objective.networks.items()}


def gradients(trainer: ObjectiveTrainer) -> State:
    return {
        name: [None if p.grad is None else p.grad.clone() for p in net.parameters()]
        for name, net in trainer.objective.networks.items()
    }


def at_step(trainer: ObjectiveTrainer) -> tuple[list[State], list[State]]:
    """Collect all gradients whenever the generators', or the discriminators', optimizer is about to step."""
    taken: tuple[list[State], list[State]] = ([], [])
    for optimizer, into in zip((trainer.generator_optimizer, trainer.discriminator_optimizer), taken, strict=True):
        optimizer.register_step_pre_hook(lambda *_, into=into: into.append(gradients(trainer)))
    return taken


def same(one: list[Tensor | None], other: list[Tensor | None]) -> bool:
    return all(
        a is b or (a is not None and b is not None and torch.equal(a, b)) for a, b in zip(one, other, strict=True)
    )


def moved(one: list[Tensor], other: list[Tensor]) -> bool:
    """Whether every convolution's weights changed; a bias before an instance norm has no effect."""
    return all(not torch.equal(a, b) for a, b in zip(one, other, strict=True) if a.ndim > 1)


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


def test_averages_follow_the_formula() -> None:
    trainer = make_trainer()
    average, generator = trainer.averages["generator_ab"], trainer.objective.networks["generator_ab"]
    now = at(trainer, ObjectiveEvents.GENERATORS_STEPPED, lambda: [p.detach().clone() for p in generator.parameters()])
    averaged = at(trainer, Events.ITERATION_COMPLETED, lambda: [p.detach().clone() for p in average.parameters()])
    run(trainer, 4)
    expected = now[0]
    for values, found in zip(now, averaged, strict=True):
        expected = [torch.lerp(old, new, 0.1) for old, new in zip(expected, values, strict=True)]
        assert same(expected, found)
    assert not same(now[-1], averaged[-1])


def gradients_after(iterations: int, **options) -> tuple[State, State, int]:
    """Gradients in double precision after one optimizer step of either side, and the number of steps."""
    trainer = make_trainer(dropout=0.0, pool_size=0, double=True, **options)
    steps: list[int] = []
    trainer.generator_optimizer.register_step_post_hook(lambda *_: steps.append(1))
    of_generators, of_discriminators = at_step(trainer)
    run(trainer, iterations)
    return of_generators[-1], of_discriminators[-1], len(steps)


def test_accumulated_gradients_are_those_of_the_larger_batch() -> None:
    """Instance norm treats every image by itself, so that nothing else differs."""
    whole = gradients_after(1, batch_size=2)
    parts = gradients_after(2, batch_size=1, accumulation_steps=2)
    assert whole[2] == parts[2] == 1
    for side, names in ((0, GENERATORS), (1, DISCRIMINATORS)):
        for name in names:
            for one, other in zip(whole[side][name], parts[side][name], strict=True):
                torch.testing.assert_close(one, other, rtol=1e-8, atol=1e-12)
                assert one.ndim == 1 or one.abs().sum() > 0


def test_no_gradient_crosses_the_end_of_an_epoch() -> None:
    """What is saved after an epoch is then all there is; an epoch's last group may be smaller."""
    trainer = make_trainer(accumulation_steps=2)  # of three iterations per epoch
    steps: list[int] = []
    trainer.generator_optimizer.register_step_post_hook(lambda *_: steps.append(trainer.state.iteration))
    run(trainer, 6)
    assert steps == [2, 3, 5, 6]


def test_averages_are_updated_once_per_step() -> None:
    trainer = make_trainer(accumulation_steps=3)
    run(trainer, 6)
    assert int(trainer.averages["generator_ab"].n_averaged) == 2


def test_bfloat16_computes_nearly_the_same_losses() -> None:
    single, half = run(make_trainer(dropout=0.0), 1), run(make_trainer(dropout=0.0, precision="bfloat16"), 1)
    one, other = single.state.output["losses"], half.state.output["losses"]
    assert one.keys() == other.keys()
    assert all(other[name] == pytest.approx(one[name], rel=0.05) for name in one)
    assert one != other
    assert all(p.dtype == torch.float32 for net in half.objective.networks.values() for p in net.parameters())
    assert half.state.output["fake_b"].dtype == torch.bfloat16


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"precision": "double"}, r"precision is 'double'; expected one of \['bfloat16', 'float16', 'float32'\]"),
        ({"precision": "float16"}, "precision 'float16' needs CUDA, the device is cpu; use 'bfloat16'"),
        ({"accumulation_steps": 0}, "accumulation_steps is 0; expected 1 or more"),
    ],
)
def test_wrong_options(options, told) -> None:
    with pytest.raises(ValueError, match=told):
        make_trainer(**options)


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
    assert set(output["losses"]) == set(CycleGAN.default_weights)
    assert all(isinstance(value, float) for value in output["losses"].values())
    assert set(output) == {"losses", "image_a", "image_b", "fake_a", "fake_b"}
    skipped = {"identity_a": 0.0, "cycle_b": 0.0, "discriminator_a": 0.0}
    losses = run(make_trainer(loss_weights=skipped), 1).state.output["losses"]
    assert set(losses) == set(CycleGAN.default_weights) - set(skipped)


def test_a_side_without_terms_does_not_step() -> None:
    trainer = make_trainer(loss_weights=dict.fromkeys(DISCRIMINATORS, 0.0))
    before = parameters(trainer)
    after = parameters(run(trainer, 2))
    assert all(same(before[name], after[name]) for name in DISCRIMINATORS)
    assert all(moved(before[name], after[name]) for name in GENERATORS)


def test_a_second_run_continues() -> None:
    whole, parts = make_trainer(dropout=0.0), make_trainer(dropout=0.0)
    whole.run()
    parts.state.max_epochs = 1
    parts.run()
    assert parts.state.iteration == 3
    parts.state.max_epochs = 4
    parts.run()
    assert (parts.state.epoch, parts.state.iteration) == (4, 12)
    expected = weights(whole)
    assert all(torch.equal(value, expected[name]) for name, value in weights(parts).items())


def test_every_epoch_has_its_own_order() -> None:
    """Also when workers fetch the next epoch's first batches before it starts."""
    shown = []
    for workers in (0, 2):
        trainer = make_trainer(workers=workers)
        trainer.state.max_epochs = 3
        shown.append(at(trainer, Events.ITERATION_COMPLETED, lambda t=trainer: t.state.output["image_a"].sum().item()))
        trainer.run()
    assert shown[0] == shown[1]
    assert len(set(shown[0])) == 9


def test_networks_train_even_when_a_validation_left_them_in_evaluation_mode() -> None:
    trainer = make_trainer()
    network = trainer.objective.networks["generator_ab"]
    trainer.add_event_handler(Events.ITERATION_COMPLETED, network.eval)
    modes: list[bool] = []
    network.register_forward_pre_hook(lambda module, _: modes.append(module.training))
    run(trainer, 2)
    assert modes
    assert all(modes)


def test_channels_last_computes_the_same() -> None:
    plain, last = run(make_trainer(dropout=0.0), 2), make_trainer(dropout=0.0, channels_last=True)
    kernel = last.objective.networks["generator_ab"].layers[3].weight
    assert kernel.is_contiguous(memory_format=torch.channels_last)
    run(last, 2)
    assert last.state.output["losses"] == pytest.approx(plain.state.output["losses"], rel=1e-3)
    assert last.state.output["image_a"].is_contiguous(memory_format=torch.channels_last)


def test_any_iterable_of_batches_will_do() -> None:
    trainer = make_trainer()
    trainer.data_loader = list(trainer.data_loader)
    assert run(trainer, 2).state.iteration == 2


def test_batches_become_plain_tensors() -> None:
    batch = {"image_a": MetaTensor(torch.ones(1, 1, 2, 2), meta={"a": 1}), "name": ["x"], "image_b": torch.zeros(1)}
    moved_batch = move_images(batch, "cpu", dtype=torch.float64)
    assert set(moved_batch) == {"image_a", "image_b"}
    assert all(type(value) is Tensor and value.dtype == torch.float64 for value in moved_batch.values())
