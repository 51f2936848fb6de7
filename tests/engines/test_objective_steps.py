"""Optimizer steps: of several batches, in several precisions, followed by averages."""

import sys
from pathlib import Path

import pytest
import torch
from ignite.engine import Events

from monai_harmonize.engines import ObjectiveEvents
from monai_harmonize.engines.objective_trainer import move_images

sys.path.insert(0, str(Path(__file__).parent))
from training import make_trainer
from watching import DISCRIMINATORS, GENERATORS, State, at, at_step, run, same


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


def test_channels_last_computes_the_same() -> None:
    plain, last = run(make_trainer(dropout=0.0), 2), make_trainer(dropout=0.0, channels_last=True)
    kernel = last.objective.networks["generator_ab"].layers[3].weight
    assert kernel.is_contiguous(memory_format=torch.channels_last)
    run(last, 2)
    assert last.state.output["losses"] == pytest.approx(plain.state.output["losses"], rel=1e-3)
    assert last.state.output["image_a"].is_contiguous(memory_format=torch.channels_last)


def test_numbers_that_come_with_the_images_have_no_memory_format() -> None:
    batch = {"image": torch.rand(2, 3, 4, 4), "domain": torch.tensor([0, 1]), "name": ["a", "b"]}
    moved = move_images(batch, "cpu", channels_last=True)
    assert moved["image"].is_contiguous(memory_format=torch.channels_last)
    assert moved.keys() == {"image", "domain"}
    assert moved["domain"].tolist() == [0, 1]


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
