"""A discriminator that steps more often than its generator, as a Wasserstein critic does."""

import sys
from pathlib import Path

import pytest
import torch
from ignite.engine import Events
from monai.data import DataLoader, Dataset
from torch.optim.swa_utils import AveragedModel

from monai_harmonize.data import InputError, LatentCode, PositionalDataset, PositionSampler
from monai_harmonize.engines import ObjectiveEvents, ObjectiveTrainer, RandomState, ReplayPool, ResumeHandler
from monai_harmonize.networks import ConvolutionalDiscriminator, ConvolutionalGenerator
from monai_harmonize.objectives import GAN
from monai_harmonize.transforms import RandLatentCoded

sys.path.insert(0, str(Path(__file__).parent))
from watching import at, moved, parameters, run, same


def make_trainer(folder: Path | None = None, **options) -> ObjectiveTrainer:
    torch.manual_seed(0)
    objective = GAN(ConvolutionalGenerator(2, 5, 1, 8, 4), ConvolutionalDiscriminator(2, 1, 1, 8, 4))
    optimizers = [torch.optim.Adam(network.parameters(), 1e-2, (0.5, 0.999)) for network in objective.networks.values()]
    items = [{"image": 2 * torch.rand(1, 8, 8) - 1} for _ in range(6)]
    dataset = PositionalDataset(Dataset(items, RandLatentCoded("code", LatentCode(5))), seed=1)
    loader = DataLoader(dataset, batch_size=2, sampler=PositionSampler(dataset))
    average = AveragedModel(objective.networks["generator"])
    handlers = []
    if folder is not None:
        shared = {**objective.networks, "average": average, "first": optimizers[0], "second": optimizers[1]}
        handlers.append(ResumeHandler(folder / "resume.pt", shared, {"random": RandomState()}, {}))
    return ObjectiveTrainer(
        "cpu", 4, loader, objective, *optimizers, averages={"generator": average}, train_handlers=handlers, **options
    )


def test_the_generator_moves_in_every_third_iteration_only() -> None:
    trainer = make_trainer(generator_interval=3)
    values = at(trainer, Events.ITERATION_STARTED, lambda: parameters(trainer))
    terms = at(trainer, Events.ITERATION_COMPLETED, lambda: set(trainer.state.output["losses"]))
    stepped = at(trainer, ObjectiveEvents.GENERATORS_STEPPED, lambda: trainer.state.iteration)
    run(trainer, 8)
    assert stepped == [3, 6]
    for iteration in range(1, 8):
        before, after = values[iteration - 1], values[iteration]
        assert moved(before["discriminator"], after["discriminator"])
        turn = iteration % 3 == 0
        assert moved(before["generator"], after["generator"]) == turn
        assert same(before["generator"], after["generator"]) != turn
        of_discriminator = {"discriminator_real", "discriminator_fake"}
        assert terms[iteration - 1] == (of_discriminator | {"adversarial"} if turn else of_discriminator)
    assert int(trainer.averages["generator"].n_averaged) == 2


def test_an_interval_goes_on_where_a_training_was_left(tmp_path: Path) -> None:
    whole = make_trainer(generator_interval=2)
    whole.run()
    first = make_trainer(tmp_path, generator_interval=2)
    first.add_event_handler(Events.EPOCH_COMPLETED(once=3), first.terminate)
    first.run()
    second = make_trainer(tmp_path, generator_interval=2)
    stepped = at(second, ObjectiveEvents.GENERATORS_STEPPED, lambda: second.state.iteration)
    second.run()
    assert stepped == [10, 12]
    expected, found = parameters(whole), parameters(second)
    assert all(same(expected[name], found[name]) for name in expected)


@pytest.mark.parametrize(
    "options",
    [
        {"generator_interval": 0},
        {"generator_interval": 2, "accumulation_steps": 2},
        {"generator_interval": 2, "replay_pools": {"fake": ReplayPool(2)}},
    ],
)
def test_an_interval_that_cannot_be_kept_is_refused(options: dict) -> None:
    with pytest.raises(InputError, match=f"generator_interval is {options['generator_interval']}"):
        make_trainer(**options)
