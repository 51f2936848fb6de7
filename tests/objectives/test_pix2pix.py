"""The terms of pix2pix against closed forms, and where their gradients go."""

import math

import pytest
import torch
from monai.networks.nets import PatchDiscriminator
from torch import nn
from torch.nn.functional import l1_loss

from monai_harmonize.objectives import Pix2Pix


class Scale(nn.Module):
    """Generator that multiplies."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = nn.Parameter(torch.tensor(factor))

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return self.factor * image


class Pair(nn.Module):
    """Discriminator whose logits are a weighted sum of the two images; like MONAI's it returns a list."""

    def __init__(self, first: float, second: float) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.tensor([first, second]))

    def forward(self, pair: torch.Tensor) -> list[torch.Tensor]:
        assert pair.shape[1] == 2
        return [pair, self.weights[0] * pair[:, :1] + self.weights[1] * pair[:, 1:]]


def batch() -> dict[str, torch.Tensor]:
    return {"image_a": torch.full((1, 1, 2, 2), 0.4), "image_b": torch.full((1, 1, 2, 2), 0.9)}


def gather(groups) -> dict[str, float]:
    return {name: float(value) for group in groups for name, value in group.items()}


def log_sigmoid(logit: float) -> float:
    return -math.log1p(math.exp(-logit))


def test_terms_match_the_equations() -> None:
    objective, data = Pix2Pix(Scale(2.0), Pair(0.5, -1.0)), batch()
    fake = 0.5 * 0.4 - 0.8
    expected = {"adversarial": -log_sigmoid(fake), "pixel": 0.1}
    assert gather(objective.generator_losses(data)) == pytest.approx(expected, rel=1e-5)
    torch.testing.assert_close(data["fake_b"], 2 * data["image_a"])
    assert not data["fake_b"].requires_grad
    expected = {"discriminator_real": -log_sigmoid(0.5 * 0.4 - 0.9), "discriminator_fake": -log_sigmoid(-fake)}
    assert gather(objective.discriminator_losses(data)) == pytest.approx(expected, rel=1e-5)


def test_the_discriminator_is_told_the_source_and_steps_at_half_speed() -> None:
    objective, data = Pix2Pix(Scale(2.0), Pair(0.5, -1.0)), batch()
    list(objective.generator_losses(data))
    (group,) = objective.discriminator_losses(data)
    objective.weighted_sum(group).backward()
    real, fake = (1 / (1 + math.exp(-logit)) for logit in (0.2 - 0.9, 0.2 - 0.8))
    expected = torch.tensor([(real - 1) * 0.4 + fake * 0.4, (real - 1) * 0.9 + fake * 0.8]) / 2
    torch.testing.assert_close(objective.discriminators["discriminator_b"].weights.grad, expected)
    assert objective.generators["generator_ab"].factor.grad is None


@pytest.mark.parametrize("term", sorted(Pix2Pix.default_weights))
def test_weight_zero_skips_the_term_and_only_that(term: str) -> None:
    objective, data = Pix2Pix(Scale(2.0), Pair(0.5, -1.0), loss_weights={term: 0.0}), batch()
    terms = gather(objective.generator_losses(data)) | gather(objective.discriminator_losses(data))
    assert set(terms) == set(Pix2Pix.default_weights) - {term}


def test_without_the_adversarial_term_it_is_a_plain_regression() -> None:
    data = batch()
    objective = Pix2Pix(Scale(2.0), Pair(0.5, -1.0), loss_weights={"adversarial": 0.0, "pixel": 1.0})
    (group,) = objective.generator_losses(data)
    objective.weighted_sum(group).backward()
    other = Scale(2.0)
    l1_loss(other(data["image_a"]), data["image_b"]).backward()
    torch.testing.assert_close(objective.generators["generator_ab"].factor.grad, other.factor.grad)
    assert objective.discriminators["discriminator_b"].weights.grad is None
    assert torch.equal(objective.generators["generator_ab"].factor.grad, torch.tensor(-0.4))


class Neighbour(nn.Module):
    """What the next patient truly looks like at site B: a real image, but of another."""

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return -image.roll(1, dims=0)


class Blind(nn.Module):
    """A discriminator that is shown nothing of the source."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, pair: torch.Tensor) -> list[torch.Tensor]:
        return self.network(torch.cat([0 * pair[:, :1], pair[:, 1:]], dim=1))


def trained_loss(blind: bool, steps: int = 60) -> float:
    """How wrong a discriminator is after a training on the images of sites that show each other's negative."""
    torch.manual_seed(0)
    network: nn.Module = PatchDiscriminator(2, channels=8, in_channels=2, num_layers_d=1, norm="INSTANCE")
    objective = Pix2Pix(Neighbour(), Blind(network) if blind else network)
    optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
    losses = []
    for _ in range(steps):
        image = 2 * torch.rand(8, 1, 16, 16) - 1
        data = {"image_a": image, "image_b": -image, "fake_b": objective.generators["generator_ab"](image)}
        (group,) = objective.discriminator_losses(data)
        loss = objective.weighted_sum(group)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss))
    return sum(losses[-10:]) / 10


def test_images_of_other_patients_are_told_apart_only_by_their_source() -> None:
    """A translation that belongs to another image passes for real where the discriminator is not told the source."""
    assert trained_loss(blind=False) < 0.2
    assert trained_loss(blind=True) > 0.95 * math.log(2)
