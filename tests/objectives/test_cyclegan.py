"""The terms of CycleGAN against closed forms, and where their gradients go."""

import pytest
import torch
from monai.networks.nets import PatchDiscriminator
from torch import nn

from monai_harmonize.data import InputError
from monai_harmonize.networks import ResNetGenerator
from monai_harmonize.objectives import CycleGAN


class Scale(nn.Module):
    """Generator that multiplies."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = nn.Parameter(torch.tensor(factor))

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return self.factor * image


class Level(nn.Module):
    """Discriminator whose logits are the image plus a constant; like MONAI's it returns a list."""

    def __init__(self, offset: float = 0.0) -> None:
        super().__init__()
        self.offset = nn.Parameter(torch.tensor(offset))

    def forward(self, image: torch.Tensor) -> list[torch.Tensor]:
        return [image, image + self.offset]


class Shift(nn.Module):
    """Loss of shape that tells its arguments: ten times the translation, plus the image, plus the mask if any."""

    def forward(self, translation: torch.Tensor, image: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
        return (10 * translation + image + (0 if mask is None else mask)).mean()


def linear_objective(**options) -> CycleGAN:
    shape_losses = {"a": Shift(), "b": Shift()}
    return CycleGAN(Scale(2.0), Scale(0.25), Level(0.1), Level(-0.2), shape_losses=shape_losses, **options)


def batch() -> dict[str, torch.Tensor]:
    images = {"image_a": torch.full((1, 1, 2, 2), 0.4), "image_b": torch.full((1, 1, 2, 2), 0.8)}
    return {**images, "paired": torch.zeros(1)}


def gather(groups) -> dict[str, float]:
    return {name: float(value) for group in groups for name, value in group.items()}


def test_generator_terms_match_the_equations() -> None:
    data = batch()
    terms = gather(linear_objective().generator_losses(data))
    expected = {
        "adversarial_ab": (0.8 - 0.2 - 1) ** 2,  # Eq. 6: D_B(2 * 0.4) against 1
        "cycle_a": abs(0.25 * 2 * 0.4 - 0.4),  # Eq. 5
        "adversarial_ba": (0.2 + 0.1 - 1) ** 2,
        "cycle_b": abs(2 * 0.25 * 0.8 - 0.8),
        "identity_b": abs(2 * 0.8 - 0.8),  # Eq. 12
        "identity_a": abs(0.25 * 0.4 - 0.4),
    }
    assert terms == pytest.approx(expected, rel=1e-5)
    torch.testing.assert_close(data["fake_b"], 2 * data["image_a"])
    assert not data["fake_a"].requires_grad


def test_discriminator_terms_match_the_equations() -> None:
    data = batch() | {"fake_a": torch.full((1, 1, 2, 2), 0.5), "fake_b": torch.full((1, 1, 2, 2), -0.5)}
    terms = gather(linear_objective().discriminator_losses(data))
    assert terms["discriminator_a"] == pytest.approx(((0.5 - 1) ** 2 + 0.6**2) / 2, rel=1e-5)
    assert terms["discriminator_b"] == pytest.approx(((0.6 - 1) ** 2 + 0.7**2) / 2, rel=1e-5)


def test_identity_generators_cost_nothing_but_the_adversarial_terms() -> None:
    objective = CycleGAN(nn.Identity(), nn.Identity(), Level(), Level())
    terms = gather(objective.generator_losses(batch()))
    assert [terms[name] for name in ("cycle_a", "cycle_b", "identity_a", "identity_b")] == [0, 0, 0, 0]


def test_the_least_squares_loss_sees_logits_not_an_activation_of_them() -> None:
    objective = CycleGAN(Scale(-3.0), Scale(1.0), Level(), Level())
    terms = gather(objective.generator_losses(batch()))
    assert terms["adversarial_ab"] == pytest.approx((-1.2 - 1) ** 2, rel=1e-5)


@pytest.mark.parametrize("term", sorted(CycleGAN.default_weights))
def test_weight_zero_skips_the_term_and_only_that(term: str) -> None:
    objective = linear_objective(loss_weights={**dict.fromkeys(CycleGAN.default_weights, 1.0), term: 0.0})
    data = batch()
    terms = gather(objective.generator_losses(data)) | gather(objective.discriminator_losses(data))
    assert set(terms) == set(CycleGAN.default_weights) - {term}


def test_weights_are_checked_and_used() -> None:
    with pytest.raises(ValueError, match=r"\['cycel'\].*cycle_a"):
        linear_objective(loss_weights={"cycel": 1.0})
    for wrong in (-1.0, float("nan")):
        with pytest.raises(ValueError, match="at least 0"):
            linear_objective(loss_weights={"cycle_a": wrong})
    objective = linear_objective(loss_weights={"cycle_a": 3.0})
    total = objective.weighted_sum({"cycle_a": torch.tensor(2.0), "identity_a": torch.tensor(0.5)})
    assert float(total) == pytest.approx(3 * 2 + 5 * 0.5)


def test_gradients_flow_where_they_must_and_nowhere_else() -> None:
    torch.manual_seed(0)
    generators = [ResNetGenerator(2, channels=4, num_blocks=1) for _ in range(2)]
    discriminators = [PatchDiscriminator(2, 4, 1, num_layers_d=1, norm="instance") for _ in range(2)]
    data = {name: 2 * torch.rand(1, 1, 16, 16) - 1 for name in ("image_a", "image_b")}
    only_adversarial = dict.fromkeys(("cycle_a", "cycle_b", "identity_a", "identity_b"), 0.0)
    objective = CycleGAN(*generators, *discriminators, loss_weights=only_adversarial)
    for group in objective.generator_losses(data):
        objective.weighted_sum(group).backward()
    for network in generators:
        assert any(p.grad is not None and p.grad.abs().sum() > 0 for p in network.parameters())
        network.zero_grad(set_to_none=True)
    for network in discriminators:
        network.zero_grad(set_to_none=True)
    for group in objective.discriminator_losses(data):
        objective.weighted_sum(group).backward()
    assert all(p.grad is None for network in generators for p in network.parameters())
    assert all(p.grad is not None for network in discriminators for p in network.parameters())


@pytest.mark.parametrize("spatial_dims", [2, 3])
def test_grouped_gradients_equal_those_of_the_whole_sum(spatial_dims: int) -> None:
    torch.manual_seed(0)
    networks = [ResNetGenerator(spatial_dims, channels=4, num_blocks=1).double() for _ in range(2)]
    networks += [PatchDiscriminator(spatial_dims, 4, 1, num_layers_d=1, norm="instance").double() for _ in range(2)]
    objective = CycleGAN(*networks)
    shape = (1, 1, *[16] * spatial_dims)
    data = {name: 2 * torch.rand(shape, dtype=torch.float64) - 1 for name in ("image_a", "image_b")}

    sum(objective.weighted_sum(group) for group in objective.generator_losses(dict(data))).backward()
    whole = [p.grad.clone() for network in networks for p in network.parameters()]
    for network in networks:
        network.zero_grad(set_to_none=True)
    for group in objective.generator_losses(dict(data)):
        objective.weighted_sum(group).backward()
    grouped = [p.grad for network in networks for p in network.parameters()]
    for one, other in zip(whole, grouped, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-12)


def test_gradient_consistency_is_told_of_turned_edges() -> None:
    weights = {"gradient_a": 0.25, "gradient_b": 0.25}
    ramp = torch.rand(1, 1, 4, 4)
    data = {"image_a": ramp, "image_b": ramp.flip(2)}
    # The first generator doubles, the second inverts.
    objective = CycleGAN(Scale(2.0), Scale(-0.25), Level(), Level(), loss_weights=weights)
    terms = gather(objective.generator_losses(data))
    assert terms["gradient_a"] == pytest.approx(0, abs=1e-5)
    assert terms["gradient_b"] == pytest.approx(2, abs=1e-5)
    assert "gradient_a" not in gather(linear_objective().generator_losses(batch()))


def test_only_pairs_are_compared_with_their_truth() -> None:
    objective = linear_objective(loss_weights={"paired_a": 1.0, "paired_b": 2.0})
    images = torch.tensor([0.4, -0.2, 0.3]).reshape(3, 1, 1, 1)
    truth = torch.tensor([0.9, 0.9, 0.1]).reshape(3, 1, 1, 1)
    data = {"image_a": images, "image_b": truth, "paired": torch.tensor([1.0, 0.0, 1.0])}
    terms = gather(objective.generator_losses(data))
    assert terms["paired_a"] == pytest.approx((abs(0.8 - 0.9) + abs(0.6 - 0.1)) / 2, rel=1e-5)
    assert terms["paired_b"] == pytest.approx((abs(0.225 - 0.4) + abs(0.025 - 0.3)) / 2, rel=1e-5)
    data["paired"] = torch.zeros(3)
    assert gather(objective.generator_losses(data))["paired_a"] == 0
    del data["paired"]
    with pytest.raises(InputError, match="set pair_by"):
        gather(objective.generator_losses(data))


def test_the_shape_of_a_translation_is_that_of_its_image_or_of_its_mask() -> None:
    objective = linear_objective(loss_weights={"shape_a": 1.0, "shape_b": 1.0})
    data = batch() | {"lung_mask_b": torch.full((1, 1, 2, 2), 100.0)}
    terms = gather(objective.generator_losses(data))
    assert terms["shape_a"] == pytest.approx(10 * 0.8 + 0.4, rel=1e-5)
    assert terms["shape_b"] == pytest.approx(10 * 0.2 + 0.8 + 100, rel=1e-5)
    assert "shape_a" not in gather(linear_objective().generator_losses(batch()))


def test_each_shape_is_read_by_the_network_of_its_look() -> None:
    shape_losses = {"b": Shift()}
    networks = (Scale(2.0), Scale(0.25), Level(), Level())
    terms = CycleGAN(*networks, loss_weights={"shape_a": 1.0}, shape_losses=shape_losses).generator_losses(batch())
    assert "shape_a" in gather(terms)
    with pytest.raises(ValueError, match=r"shape_b counts; give shape_losses of the look of 'a'"):
        CycleGAN(*networks, loss_weights={"shape_b": 1.0}, shape_losses=shape_losses)
