"""The terms of GAN against Eq. 1, and where their gradients go."""

import math

import pytest
import torch
from torch import nn

from monai_harmonize.losses import AdversarialCrossEntropy
from monai_harmonize.objectives import GAN


class Spread(nn.Module):
    """Generator whose images are flat, of the level of the code times a factor."""

    def __init__(self, factor: float = 2.0) -> None:
        super().__init__()
        self.factor = nn.Parameter(torch.tensor(factor))

    def forward(self, code: torch.Tensor) -> torch.Tensor:
        return self.factor * code[:, :1].expand(-1, -1, 2, 2)


class Mean(nn.Module):
    """Discriminator whose logit is the mean level plus a constant; a second number must not count."""

    def __init__(self, offset: float = 0.3) -> None:
        super().__init__()
        self.offset = nn.Parameter(torch.tensor(offset))

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        logit = image.mean((1, 2, 3)) + self.offset
        return torch.stack([logit, torch.full_like(logit, 100.0)], 1)


def batch() -> dict[str, torch.Tensor]:
    return {"image": torch.full((2, 1, 2, 2), 0.8), "code": torch.tensor([0.1, 0.4]).reshape(2, 1, 1, 1)}


def gather(groups) -> dict[str, float]:
    return {name: float(value) for group in groups for name, value in group.items()}


def log_sigmoid(logit: float) -> float:
    return -math.log1p(math.exp(-logit))


def test_terms_match_equation_1() -> None:
    objective, data = GAN(Spread(), Mean()), batch()
    logits = [2 * 0.1 + 0.3, 2 * 0.4 + 0.3]
    generator = gather(objective.generator_losses(data))
    assert generator == pytest.approx({"adversarial": -sum(map(log_sigmoid, logits)) / 2}, rel=1e-5)
    torch.testing.assert_close(data["fake"][:, 0, 0, 0], torch.tensor([0.2, 0.8]))
    expected = {
        "discriminator_real": -log_sigmoid(1.1),
        "discriminator_fake": -sum(log_sigmoid(-logit) for logit in logits) / 2,
    }
    assert gather(objective.discriminator_losses(data)) == pytest.approx(expected, rel=1e-5)


def test_the_saturating_form_is_the_second_line_of_equation_1() -> None:
    objective = GAN(Spread(), Mean(), adversarial_loss=AdversarialCrossEntropy(saturating=True))
    logits = [0.5, 1.1]
    terms = gather(objective.generator_losses(batch()))
    assert terms == pytest.approx({"adversarial": sum(log_sigmoid(-logit) for logit in logits) / 2}, rel=1e-5)
    plain = gather(GAN(Spread(), Mean()).discriminator_losses(batch()))
    assert gather(objective.discriminator_losses(batch())) == plain


def test_gradients_reach_the_own_side_only() -> None:
    objective, data = GAN(Spread(), Mean()), batch()
    (group,) = objective.generator_losses(data)
    group["adversarial"].backward()
    # A higher level would pass for real.
    assert objective.generators["generator"].factor.grad < 0
    objective = GAN(Spread(), Mean())
    for group in objective.discriminator_losses(data):
        objective.weighted_sum(group).backward()
    assert objective.generators["generator"].factor.grad is None
    assert objective.discriminators["discriminator"].offset.grad != 0


def test_without_a_generator_step_images_are_drawn_with_the_present_weights() -> None:
    objective, data = GAN(Spread(), Mean()), batch()
    with torch.no_grad():
        objective.generators["generator"].factor.fill_(3.0)
    alone = gather(objective.discriminator_losses(data))
    torch.testing.assert_close(data["fake"][:, 0, 0, 0], torch.tensor([0.3, 1.2]))
    assert not data["fake"].requires_grad
    assert alone["discriminator_fake"] == pytest.approx(-(log_sigmoid(-0.6) + log_sigmoid(-1.5)) / 2, rel=1e-5)
