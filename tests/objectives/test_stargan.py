"""The terms of StarGAN against closed forms, and where their gradients go."""

import math

import pytest
import torch
from torch import nn

from monai_harmonize.data import InputError
from monai_harmonize.networks.domain_translator import DomainTranslator
from monai_harmonize.objectives.stargan import StarGAN


class Shift(nn.Module):
    """Generator that adds a level for each domain."""

    def __init__(self, *levels: float) -> None:
        super().__init__()
        self.levels = nn.Parameter(torch.tensor(levels))

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        shape = [1, -1] + [1] * (image.dim() - 2)
        return image[:, :1] + (self.levels.reshape(shape) * image[:, 1:]).sum(1, keepdim=True)


class Level(nn.Module):
    """Critic whose numbers are factors times the mean level."""

    def __init__(self, *factors: float) -> None:
        super().__init__()
        self.factors = nn.Parameter(torch.tensor(factors))

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return image.flatten(1).mean(1, keepdim=True) * self.factors


def batch() -> dict[str, torch.Tensor]:
    images = torch.stack([torch.full((1, 2, 2), 0.2), torch.full((1, 2, 2), -0.4)])
    return {"image": images, "domain": torch.tensor([0, 1]), "target": torch.tensor([1, 1])}


def objective(**options) -> StarGAN:
    return StarGAN(DomainTranslator(Shift(0.1, 0.5), 2), Level(2.0, 1.0, -1.0), **options)


def gather(groups) -> dict[str, float]:
    return {name: float(value) for group in groups for name, value in group.items()}


def log_share(level: float, domain: int) -> float:
    logits = (level, -level)
    return logits[domain] - math.log(sum(map(math.exp, logits)))


def test_terms_match_the_equations() -> None:
    game, data = objective(), batch()
    terms = gather(game.generator_losses(data))
    fakes = (0.7, 0.1)
    assert terms == pytest.approx(
        {
            "adversarial": -2 * sum(fakes) / 2,
            "domain": -sum(log_share(level, 1) for level in fakes) / 2,
            # Back to domains 0 and 1: 0.1 and 0.5 are added once more.
            "reconstruction": (0.6 + 1.0) / 2,
        },
        rel=1e-5,
    )
    torch.testing.assert_close(data["fake"][:, 0, 0, 0], torch.tensor(fakes))
    found = gather(game.discriminator_losses(data))
    assert found == pytest.approx(
        {
            "discriminator_real": -2 * (0.2 - 0.4) / 2,
            "discriminator_fake": 2 * sum(fakes) / 2,
            "domain_real": -(log_share(0.2, 0) + log_share(-0.4, 1)) / 2,
            # Each of four pixels has a quarter of the slope 2.
            "gradient_penalty": (2 / 4 * 4**0.5 - 1) ** 2,
        },
        rel=1e-5,
        abs=1e-6,
    )


def test_forward_goes_to_the_target_and_is_exported() -> None:
    translator = DomainTranslator(Shift(0.1, 0.5, -0.3), 3, target=2).eval()
    image = torch.rand(2, 1, 4, 4)
    torch.testing.assert_close(translator(image), image - 0.3)
    torch.testing.assert_close(torch.jit.script(translator)(image), image - 0.3)
    volume = torch.rand(1, 1, 3, 3, 3)
    torch.testing.assert_close(translator(volume), volume - 0.3)


def test_gradients_reach_the_own_side_only() -> None:
    game, data = objective(), batch()
    generator, critic = game.translator.generator.levels, game.discriminators["discriminator"].factors
    for group in game.discriminator_losses(data):
        game.weighted_sum(group).backward()
    assert generator.grad is None
    assert (critic.grad != 0).any()
    for group in game.generator_losses(data):
        game.weighted_sum(group).backward()
    assert (generator.grad != 0).all()


@pytest.mark.parametrize("term", sorted(StarGAN.default_weights))
def test_weight_zero_skips_the_term_and_only_that(term: str) -> None:
    game, data = objective(loss_weights={term: 0.0}), batch()
    terms = gather(game.generator_losses(data)) | gather(game.discriminator_losses(data))
    assert set(terms) == set(StarGAN.default_weights) - {term}


@pytest.mark.parametrize(("domains", "target"), [(1, 0), (2, 2), (3, -1)])
def test_domains_that_there_are_none_of_are_refused(domains: int, target: int) -> None:
    with pytest.raises(InputError, match=f"target is {target} of {domains} domains"):
        DomainTranslator(Shift(0.0), domains, target)
