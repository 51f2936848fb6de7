"""Whole runs: epochs, their order and continuation, and the batches they take."""

import sys
from pathlib import Path

import torch
from ignite.engine import Events
from monai.data import MetaTensor
from torch import Tensor

from monai_harmonize.engines.objective_trainer import move_images

sys.path.insert(0, str(Path(__file__).parent))
from training import make_trainer, weights
from watching import at, run


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


def test_any_iterable_of_batches_will_do() -> None:
    trainer = make_trainer()
    trainer.data_loader = list(trainer.data_loader)
    assert run(trainer, 2).state.iteration == 2


def test_batches_become_plain_tensors() -> None:
    batch = {"image_a": MetaTensor(torch.ones(1, 1, 2, 2), meta={"a": 1}), "name": ["x"], "image_b": torch.zeros(1)}
    moved_batch = move_images(batch, "cpu", dtype=torch.float64)
    assert set(moved_batch) == {"image_a", "image_b"}
    assert all(type(value) is Tensor and value.dtype == torch.float64 for value in moved_batch.values())
