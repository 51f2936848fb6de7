"""The terms of GAN against Eq. 1, and where their gradients go."""

import math

import pytest
import torch
from monai.networks.nets import FullyConnectedNet
from torch import nn

from monai_harmonize.losses import AdversarialCrossEntropy
from monai_harmonize.networks import FullyConnectedGenerator
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


def test_the_game_of_the_first_gan_ends_where_nobody_tells_drawn_from_real() -> None:
    """Theorem 1 of Goodfellow et al. 2014: then the discriminator's loss is log 4, the generator's log 2."""
    torch.manual_seed(0)
    generator = FullyConnectedGenerator(2, 2, 1, 2, [16])
    discriminator = nn.Sequential(nn.Flatten(), FullyConnectedNet(4, 1, [16], act="leakyrelu", adn_ordering="A"))
    objective = GAN(generator, discriminator)
    optimizers = [torch.optim.Adam(network.parameters(), 5e-3, (0.5, 0.999)) for network in (generator, discriminator)]
    told = []
    for step in range(600):
        levels = 0.4 + 0.2 * torch.randn(64, 1, 1, 1)
        data = {"image": levels.expand(-1, 1, 2, 2), "code": torch.randn(64, 2, 1, 1)}
        sides = [objective.generator_losses, objective.discriminator_losses]
        losses = {}
        # The discriminator begins alone.
        for side in (1,) if step < 100 else (0, 1):
            optimizers[side].zero_grad()
            (group,) = sides[side](data)
            objective.weighted_sum(group).backward()
            optimizers[side].step()
            losses |= {name: float(value) for name, value in group.items()}
        told.append((losses.get("adversarial", 0), losses["discriminator_real"] + losses["discriminator_fake"]))
    alone, game = torch.tensor(told[90:100]).mean(0), torch.tensor(told[-200:]).mean(0)
    assert alone[1] < 0.7 * math.log(4)
    assert game.tolist() == pytest.approx([math.log(2), math.log(4)], rel=0.05)
    with torch.no_grad():
        drawn = generator(torch.randn(1000, 2, 1, 1)).mean((1, 2, 3))
    assert drawn.mean() == pytest.approx(0.4, abs=0.1)
    assert drawn.std() == pytest.approx(0.2, abs=0.1)
