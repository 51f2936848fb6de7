"""CGAN, ACGAN and InfoGAN: what is told to whom, in closed form, and where the gradients go."""

import math

import pytest
import torch
from torch import nn

from monai_harmonize.data import LatentCode
from monai_harmonize.objectives import ACGAN, CGAN, InfoGAN
from monai_harmonize.objectives.gan import GAN


class Spread(nn.Module):
    """Generator whose images are flat, of the level of the code's first number times a factor."""

    def __init__(self, factor: float = 2.0) -> None:
        super().__init__()
        self.factor = nn.Parameter(torch.tensor(factor))

    def forward(self, code: torch.Tensor) -> torch.Tensor:
        return self.factor * code[:, :1].expand(-1, -1, 2, 2)


class Lines(nn.Module):
    """Discriminator whose numbers are the means of the channels times factors."""

    def __init__(self, *factors: list[float]) -> None:
        super().__init__()
        self.factors = nn.Parameter(torch.tensor(factors))

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        self.seen = image.shape
        return image.mean((2, 3)) @ self.factors.T


def batch(code: LatentCode, values: list[list[float]]) -> dict[str, torch.Tensor]:
    codes = torch.tensor(values)
    assert codes.shape[1] == code.channels
    return {"image": torch.full((len(codes), 1, 2, 2), 0.5), "code": codes[:, :, None, None]}


def gather(groups) -> dict[str, float]:
    return {name: float(value) for group in groups for name, value in group.items()}


def log_sigmoid(logit: float) -> float:
    return -math.log1p(math.exp(-logit))


def log_softmax(logits: list[float], place: int) -> float:
    return logits[place] - math.log(sum(map(math.exp, logits)))


def test_a_conditional_discriminator_sees_the_class_of_each_image() -> None:
    code = LatentCode(1, [2])
    objective = CGAN(Spread(), Lines([1.0, 0.2, -0.7]), code)
    data = batch(code, [[0.1, 1, 0], [0.3, 0, 1]])
    logits = [0.2 + 0.2, 0.6 - 0.7]
    assert gather(objective.generator_losses(data)) == pytest.approx(
        {"adversarial": -sum(map(log_sigmoid, logits)) / 2}, rel=1e-5
    )
    found = gather(objective.discriminator_losses(data))
    real = [0.5 + 0.2, 0.5 - 0.7]
    assert found["discriminator_real"] == pytest.approx(-sum(map(log_sigmoid, real)) / 2, rel=1e-5)
    assert found["discriminator_fake"] == pytest.approx(-sum(log_sigmoid(-one) for one in logits) / 2, rel=1e-5)


def test_classes_become_planes_of_volumes_too() -> None:
    discriminator = nn.Conv3d(3, 1, 4)
    objective = CGAN(Spread(), discriminator, LatentCode(1, [2]))
    code = torch.tensor([[0.1, 0, 1]])[:, :, None, None, None]
    judged = objective.judged(torch.zeros(1, 1, 4, 4, 4), {"code": code})
    expected = discriminator.weight[0, 2].sum() + discriminator.bias[0]
    torch.testing.assert_close(judged.flatten(), expected[None])


def test_an_auxiliary_classifier_tells_the_class_of_real_and_generated_images() -> None:
    code = LatentCode(1, [2])
    objective = ACGAN(Spread(), Lines([1.0], [3.0], [-1.0]), code)
    data = batch(code, [[0.1, 1, 0], [0.3, 0, 1]])
    wrong = -(log_softmax([0.6, -0.2], 0) + log_softmax([1.8, -0.6], 1)) / 2
    generator = gather(objective.generator_losses(data))
    assert generator["classification"] == pytest.approx(wrong, rel=1e-5)
    found = gather(objective.discriminator_losses(data))
    assert found["classification_fake"] == pytest.approx(wrong, rel=1e-5)
    on_real = -(log_softmax([1.5, -0.5], 0) + log_softmax([1.5, -0.5], 1)) / 2
    assert found["classification_real"] == pytest.approx(on_real, rel=1e-5)
    plain = gather(GAN(Spread(), Lines([1.0], [3.0], [-1.0])).discriminator_losses(data))
    assert {name: found[name] for name in plain} == plain


def test_infogan_recognises_all_codes_but_the_noise() -> None:
    code = LatentCode(1, [2, 3], continuous=2)
    factors = [[1.0], [1.0], [-1.0], [0.5], [0.0], [2.0], [0.7], [-0.4]]
    objective = InfoGAN(Spread(), Lines(*factors), code)
    data = batch(code, [[0.1, 1, 0, 0, 0, 1, -0.3, 0.9], [0.3, 0, 1, 1, 0, 0, 0.2, 0.4]])
    expected = {"categories": 0.0, "numbers": 0.0}
    for level, (two, three), numbers in ((0.2, (0, 2), (-0.3, 0.9)), (0.6, (1, 0), (0.2, 0.4))):
        expected["categories"] -= log_softmax([level, -level], two) / 2
        expected["categories"] -= log_softmax([0.5 * level, 0, 2 * level], three) / 2
        told = (0.7 * level, -0.4 * level)
        expected["numbers"] += sum((one - other) ** 2 for one, other in zip(told, numbers, strict=True)) / 2 / 2
    found = gather(objective.generator_losses(data))
    assert {name: found[name] for name in expected} == pytest.approx(expected, rel=1e-5)
    recognised = gather(objective.discriminator_losses(data))
    assert {name: recognised[f"recognised_{name}"] for name in expected} == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    ("code", "terms"),
    [
        (LatentCode(1, [2]), {"categories"}),
        (LatentCode(1, continuous=2), {"numbers"}),
        (LatentCode(1), set()),
    ],
)
def test_terms_of_codes_that_there_are_none_of_are_left_out(code: LatentCode, terms: set[str]) -> None:
    objective = InfoGAN(Spread(), Lines(*[[1.0]] * code.channels), code)
    data = batch(code, [[0.1] * code.channels])
    assert set(gather(objective.generator_losses(data))) == {"adversarial"} | terms


@pytest.mark.parametrize("family", [ACGAN, InfoGAN])
def test_gradients_reach_the_own_side_only(family: type[GAN]) -> None:
    code = LatentCode(1, [2])
    objective, data = family(Spread(), Lines([1.0], [3.0], [-1.0]), code), batch(code, [[0.1, 1, 0]])
    generator, discriminator = (next(network.parameters()) for network in objective.networks.values())
    for group in objective.discriminator_losses(data):
        objective.weighted_sum(group).backward()
    assert generator.grad is None
    assert (discriminator.grad != 0).all()
    objective.discriminators["discriminator"].requires_grad_(False)
    only_class = {name: 0.0 for name in objective.default_weights if name.endswith(("adversarial", "numbers"))}
    objective = family(*objective.networks.values(), code, loss_weights=only_class)
    for group in objective.generator_losses(data):
        assert "adversarial" not in group
        objective.weighted_sum(group).backward()
    # Brighter images look more like the first class.
    assert generator.grad < 0
