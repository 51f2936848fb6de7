"""Self-supervision: the loss in closed form, and a training by the engine without discriminators."""

import pytest
import torch
from ignite.engine import Events
from monai.data import DataLoader, Dataset
from monai.transforms import Compose, CopyItemsd
from torch import Tensor, nn

from monai_harmonize.engines import ObjectiveTrainer
from monai_harmonize.networks import ToneCurveGenerator
from monai_harmonize.objectives import ToneCurveSelfSupervision
from monai_harmonize.transforms import RandToneCurved


def test_loss_is_the_mean_absolute_error_to_the_undistorted_image() -> None:
    image = torch.rand(2, 1, 4, 4)
    batch = {"image": image, "distorted": image + 0.25}
    (group,) = ToneCurveSelfSupervision(nn.Identity()).generator_losses(batch)
    torch.testing.assert_close(group, {"reconstruction": torch.tensor(0.25)})
    assert torch.equal(batch["restored"], batch["distorted"])


def test_weight_zero_computes_nothing_and_an_unknown_term_is_named() -> None:
    objective = ToneCurveSelfSupervision(nn.Identity(), {"reconstruction": 0.0})
    assert list(objective.generator_losses({})) == []
    assert list(objective.discriminator_losses({})) == []
    with pytest.raises(ValueError, match="adversarial"):
        ToneCurveSelfSupervision(nn.Identity(), {"adversarial": 1.0})


def phantom(seed: int) -> Tensor:
    """Images of one look: two grey levels and a ramp between."""
    draws = torch.Generator().manual_seed(seed)
    ramp = torch.linspace(-0.8, 0.6, 24).expand(1, 24, 24)
    return ramp + 0.05 * torch.randn(1, 24, 24, generator=draws)


def trainer(network: nn.Module, epochs: int) -> ObjectiveTrainer:
    distortion = Compose([CopyItemsd("image", names=["distorted"]), RandToneCurved("distorted", prob=1.0)])
    distortion.set_random_state(0)
    loader = DataLoader(Dataset([{"image": phantom(seed)} for seed in range(16)], distortion), batch_size=8)
    optimizer = torch.optim.Adam(network.parameters(), 3e-3)
    return ObjectiveTrainer("cpu", epochs, loader, ToneCurveSelfSupervision(network), optimizer)


def test_the_engine_trains_it_without_discriminators_and_it_learns_to_undo_curves() -> None:
    torch.manual_seed(0)
    network = ToneCurveGenerator(2, num_knots=32)
    found: list[dict[str, float]] = []
    training = trainer(network, 40)
    training.add_event_handler(Events.ITERATION_COMPLETED, lambda: found.append(training.state.output["losses"]))
    training.run()
    losses = [terms["reconstruction"] for terms in found]
    assert set(found[0]) == {"reconstruction"}
    assert sum(losses[-10:]) < 0.45 * sum(losses[:10])


def test_discriminators_without_an_optimizer_are_refused() -> None:
    network = nn.Conv2d(1, 1, 1)
    objective = ToneCurveSelfSupervision(network)
    objective.discriminators = {"discriminator_a": nn.Conv2d(1, 1, 1)}
    with pytest.raises(ValueError, match=r"\['discriminator_a'\] have no optimizer; give discriminator_optimizer"):
        ObjectiveTrainer("cpu", 1, [], objective, torch.optim.Adam(network.parameters()))
