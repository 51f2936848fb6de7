"""The terms of MGAN against closed forms, where their gradients go, and what a step moves."""

import pytest
import torch
from torch import Tensor, nn

from monai_harmonize.engines import ObjectiveTrainer
from monai_harmonize.networks import DecodedFeatures, FeatureDiscriminator
from monai_harmonize.objectives import MGAN

EVERY = dict.fromkeys(MGAN.default_weights, 1.0)


class Scale(nn.Module):
    """Generator that multiplies."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = nn.Parameter(torch.tensor(factor))

    def forward(self, image: Tensor) -> Tensor:
        return self.factor * image


class Level(nn.Module):
    """Discriminator whose features are three times the image and whose logits are the image plus a constant."""

    def __init__(self, offset: float) -> None:
        super().__init__()
        self.offset = nn.Parameter(torch.tensor(offset))

    def forward(self, image: Tensor) -> list[Tensor]:
        return [3 * image, image + self.offset]


def linear_objective(**options) -> MGAN:
    return MGAN(Scale(2.0), Level(-0.2), **options)


def batch() -> dict[str, Tensor]:
    """Two pixels of either site, one of them beyond the margin."""
    return {
        "image_a": torch.tensor([0.4, 0.9]).reshape(1, 1, 1, 2),
        "image_b": torch.tensor([0.8, 1.6]).reshape(1, 1, 1, 2),
    }


def gather(groups) -> dict[str, float]:
    return {name: float(value.detach()) for group in groups for name, value in group.items()}


def test_generator_terms_in_closed_form() -> None:
    data = batch()
    terms = gather(linear_objective(loss_weights=EVERY).generator_losses(data))
    expected = {
        "adversarial_ab": (1 - (0.8 - 0.2)) / 2,  # 1.8 - 0.2 is beyond the margin
        "content_a": ((3 * 0.4) ** 2 + (3 * 0.9) ** 2) / 2,
        "identity_b": (0.8 + 1.6) / 2,
    }
    assert terms == pytest.approx(expected, rel=1e-5)
    torch.testing.assert_close(data["fake_b"], 2 * data["image_a"])
    assert not data["fake_b"].requires_grad


def test_discriminator_term_in_closed_form() -> None:
    data = batch() | {"fake_b": torch.tensor([-0.5, -2.0]).reshape(1, 1, 1, 2)}
    terms = gather(linear_objective().discriminator_losses(data))
    real = (1 - 0.6) / 2  # 1.6 - 0.2 is beyond the margin
    fake = (1 - 0.7) / 2  # so is -2.2
    assert terms == pytest.approx({"discriminator_b": (real + fake) / 2}, rel=1e-5)


@pytest.mark.parametrize("term", sorted(MGAN.default_weights))
def test_weight_zero_skips_the_term_and_only_that(term: str) -> None:
    objective = linear_objective(loss_weights={**EVERY, term: 0.0})
    data = batch()
    terms = gather(objective.generator_losses(data)) | gather(objective.discriminator_losses(data))
    assert set(terms) == set(EVERY) - {term}


def test_by_default_content_and_texture_alone() -> None:
    assert set(gather(linear_objective().generator_losses(batch()))) == {"adversarial_ab", "content_a"}


def networks() -> tuple[DecodedFeatures, FeatureDiscriminator]:
    torch.manual_seed(0)
    generator = DecodedFeatures(layers=["relu1_1", "relu1_2"], num_blocks=0)
    # An image that is no flat grey.
    nn.init.normal_(generator.decoder.layers[-1].get_parameter("weight"), std=0.1)
    return generator, FeatureDiscriminator(layer="relu1_2", content_layer="relu2_1", channels=8)


@pytest.fixture
def images() -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(1)
    return {f"image_{site}": torch.rand(2, 1, 16, 12, generator=generator) * 2 - 1 for site in "ab"}


def test_a_training_step_moves_exactly_the_decoder_and_the_convolutions_of_the_discriminator(
    images: dict[str, Tensor],
) -> None:
    generator, discriminator = networks()
    before = [{name: value.clone() for name, value in one.state_dict().items()} for one in (generator, discriminator)]
    optimizers = [torch.optim.SGD(one.parameters(), lr=0.1) for one in (generator, discriminator)]
    trainer = ObjectiveTrainer("cpu", 2, [images], MGAN(generator, discriminator, EVERY), *optimizers)
    trainer.run()
    for network, old, learns in zip((generator, discriminator), before, ("decoder.", "judge."), strict=True):
        moved = {name for name, value in network.state_dict().items() if not torch.equal(value, old[name])}
        assert moved == {name for name in old if name.startswith(learns)}
        assert {name for name, _ in network.named_parameters()} == moved
        # The frozen network is stored: random weights could not be had elsewhere.
        assert any(name.startswith("extractor.") for name in old)
    assert set(trainer.state.output["losses"]) == set(EVERY)


def test_gradients_reach_the_side_that_learns_alone(images: dict[str, Tensor]) -> None:
    generator, discriminator = networks()
    objective = MGAN(generator, discriminator)
    for group in objective.generator_losses(images):
        objective.weighted_sum(group).backward()
    assert all(parameter.grad.abs().sum() > 0 for parameter in generator.parameters())
    for network in (generator, discriminator):
        network.zero_grad(set_to_none=True)
    for group in objective.discriminator_losses(images):
        objective.weighted_sum(group).backward()
    assert all(parameter.grad is None for parameter in generator.parameters())
    assert all(parameter.grad.abs().sum() > 0 for parameter in discriminator.parameters())


def test_content_alone_is_satisfied_by_the_image_itself(images: dict[str, Tensor]) -> None:
    _, discriminator = networks()
    alone = {**dict.fromkeys(EVERY, 0.0), "content_a": 1.0}
    assert gather(MGAN(nn.Identity(), discriminator, alone).generator_losses(images)) == {"content_a": 0.0}
    changed = gather(MGAN(Scale(-1.0), discriminator, alone).generator_losses(images))
    assert changed["content_a"] > 0.1
