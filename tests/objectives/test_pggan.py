"""PGGAN: its terms, what its critic is shown, and when its networks grow."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from ignite.engine import Events
from monai.data import DataLoader, Dataset
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from monai_harmonize.data import InputError, LatentCode, PositionalDataset, PositionSampler
from monai_harmonize.engines import ObjectiveTrainer, ProgressiveGrowing, ResumeHandler
from monai_harmonize.engines.progressive_growing import progress_at
from monai_harmonize.networks import GrowingDiscriminator, GrowingGenerator
from monai_harmonize.networks.growth import shown_at
from monai_harmonize.objectives import PGGAN, WGAN
from monai_harmonize.transforms import RandLatentCoded


def make(image_size: int = 16) -> PGGAN:
    torch.manual_seed(0)
    return PGGAN(GrowingGenerator(2, 5, 1, image_size, 4, 8), GrowingDiscriminator(2, 1, 1, image_size, 4, 8))


def set_progress(objective: PGGAN, progress: float) -> None:
    for network in objective.networks.values():
        network.progress.fill_(progress)


@pytest.mark.parametrize("progress", [0.0, 0.4, 1.0, 2.0])
def test_the_critic_is_shown_real_images_as_coarse_as_drawn_ones(progress: float) -> None:
    objective = make()
    set_progress(objective, progress)
    data = {"image": torch.rand(3, 1, 16, 16), "code": torch.randn(3, 5, 1, 1)}
    seen = []
    objective.discriminators["discriminator"].register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    torch.manual_seed(1)
    terms = {name: value for group in objective.discriminator_losses(dict(data)) for name, value in group.items()}
    shown = shown_at(data["image"], torch.tensor(progress), 2)
    torch.testing.assert_close(seen[0], shown)
    # But for the drift, and for the resolution, it is the game of WGAN.
    torch.manual_seed(1)
    plain = WGAN(*objective.networks.values())
    groups = plain.discriminator_losses({**data, "image": shown})
    expected = {name: value for group in groups for name, value in group.items()}
    with torch.no_grad():
        expected["drift"] = objective.discriminators["discriminator"](shown).square().mean()
    torch.testing.assert_close(terms, expected)
    assert objective.loss_weights["drift"] == 0.001


@given(st.integers(1, 6), st.floats(0, 1.5), st.floats(0, 0.01))
def test_progress_never_falls_and_never_jumps(stages: int, share: float, step: float) -> None:
    before, after = progress_at(share, stages), progress_at(share + step, stages)
    assert 0 <= before <= after <= stages
    assert after - before <= 2 * stages * step + 1e-9


def test_each_stage_learns_by_itself_as_long_as_the_next_one_fades_in() -> None:
    places = [0.0, 0.24, 0.25, 0.375, 0.5, 0.74, 0.875, 1.0, 1.3]
    assert [progress_at(place, 2) for place in places] == pytest.approx([0, 0, 0, 0.5, 1, 1, 1.5, 2, 2])


def make_trainer(folder) -> tuple[ObjectiveTrainer, list[tuple[float, ...]]]:
    """Four epochs of three iterations, growing in the first nine; and the progress that each network had in each."""
    objective = make(8)
    average = AveragedModel(objective.generator, multi_avg_fn=get_ema_multi_avg_fn(0.5))
    optimizers = [torch.optim.Adam(network.parameters(), 1e-2) for network in objective.networks.values()]
    items = [{"image": 2 * torch.rand(1, 8, 8) - 1} for _ in range(6)]
    dataset = PositionalDataset(Dataset(items, RandLatentCoded("code", LatentCode(5))), seed=1)
    loader = DataLoader(dataset, batch_size=2, sampler=PositionSampler(dataset))
    networks = [*objective.networks.values(), average]
    resume = ResumeHandler(folder / "resume.pt", {**objective.networks, "average": average}, {})
    handlers = [ProgressiveGrowing(networks, growing=0.75), resume]
    trainer = ObjectiveTrainer(
        "cpu", 4, loader, objective, *optimizers, averages={"generator": average}, train_handlers=handlers
    )
    found = []
    plain = [*objective.networks.values(), average.module]
    trainer.add_event_handler(
        Events.ITERATION_COMPLETED, lambda: found.append(tuple(float(network.progress) for network in plain))
    )
    return trainer, found


def test_growth_follows_the_iteration_also_after_a_break(tmp_path) -> None:
    whole, expected = make_trainer(tmp_path / "whole")
    whole.run()
    growing = [progress_at(iteration / 9, 1) for iteration in range(1, 13)]
    assert expected == [pytest.approx((value,) * 3) for value in growing]
    assert growing[0] == 0
    assert growing[8:] == [1] * 4
    first, before = make_trainer(tmp_path)
    first.add_event_handler(Events.EPOCH_COMPLETED(once=2), first.terminate)
    first.run()
    second, after = make_trainer(tmp_path)
    second.run()
    assert before + after == expected


def test_a_share_outside_the_training_is_refused() -> None:
    for growing in (0, 1.1):
        with pytest.raises(InputError, match=f"growing is {growing}"):
            ProgressiveGrowing([], growing)
