"""The terms of pix2pix against closed forms, and where their gradients go."""

import math

import pytest
import torch
from torch import nn

from monai_harmonize.objectives.pix2pix import Pix2Pix


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
