"""Wasserstein loss, gradient penalty and clipped weights in closed form."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from ignite.engine import Engine
from torch import nn

from monai_harmonize.data import InputError
from monai_harmonize.engines import ObjectiveEvents, WeightClipping
from monai_harmonize.losses import WassersteinLoss, gradient_penalty
from monai_harmonize.networks import ConvolutionalDiscriminator, ConvolutionalGenerator
from monai_harmonize.objectives import WGAN


class Plane(nn.Module):
    """Critic that is linear in the pixels, its gradient the same everywhere."""

    def __init__(self, slopes: torch.Tensor) -> None:
        super().__init__()
        self.slopes = nn.Parameter(slopes)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return image.flatten(1) @ self.slopes[:, None]


class Level(nn.Module):
    """Generator of flat images."""

    def __init__(self) -> None:
        super().__init__()
        self.factor = nn.Parameter(torch.tensor(2.0))

    def forward(self, code: torch.Tensor) -> torch.Tensor:
        return self.factor * code.expand(-1, -1, 2, 2)


def test_the_terms_are_the_critics_means() -> None:
    objective = WGAN(Level(), Plane(torch.tensor([1.0, 2.0, 0.0, -0.5])))
    data = {"image": torch.full((2, 1, 2, 2), 0.4), "code": torch.tensor([0.1, 0.3]).reshape(2, 1, 1, 1)}
    (terms,) = objective.generator_losses(data)
    assert {name: float(value) for name, value in terms.items()} == pytest.approx({"adversarial": -2.5 * 0.4})
    critic, penalty = objective.discriminator_losses(data)
    assert {name: float(value) for name, value in critic.items()} == pytest.approx(
        {"discriminator_real": -2.5 * 0.4, "discriminator_fake": 2.5 * 0.4}
    )
    assert float(penalty["gradient_penalty"]) == pytest.approx((5.25**0.5 - 1) ** 2, rel=1e-5)
    silent = WGAN(*objective.networks.values(), loss_weights={"gradient_penalty": 0.0})
    assert len(list(silent.discriminator_losses(data))) == 1


@given(st.integers(0, 2**31), st.sampled_from([(4, 4), (3, 2, 5)]))
def test_a_plane_is_penalised_by_its_slope_wherever_the_images_are(seed: int, shape: tuple[int, ...]) -> None:
    rng = torch.Generator().manual_seed(seed)
    real, fake = torch.rand(2, 3, 1, *shape, generator=rng)
    share = torch.rand(3, generator=rng)
    slopes = torch.randn(real[0].numel(), generator=rng)
    penalty = gradient_penalty(Plane(slopes), real, fake, share)
    torch.testing.assert_close(penalty, (slopes.norm() - 1) ** 2, rtol=1e-4, atol=1e-5)
    assert float(gradient_penalty(Plane(slopes / slopes.norm()), real, fake, share)) == pytest.approx(0, abs=1e-9)


def test_the_penalty_is_taken_at_the_mixture() -> None:
    # Of half the squared level the gradient is the level itself.
    def critic(image: torch.Tensor) -> torch.Tensor:
        return image.flatten(1).square().sum(1) / 2

    real, fake = torch.full((2, 1, 1, 1), 3.0), torch.full((2, 1, 1, 1), 1.0)
    penalty = gradient_penalty(critic, real, fake, torch.tensor([0.25, 1.0]))
    assert float(penalty) == pytest.approx(((1.5 - 1) ** 2 + (3 - 1) ** 2) / 2)


def test_the_penalty_moves_the_critic_towards_slope_1_in_single_precision() -> None:
    plane = Plane(torch.tensor([2.0, 0.0, 0.0, 0.0]))
    images = torch.rand(2, 3, 1, 2, 2)
    with torch.autocast("cpu", torch.bfloat16):
        penalty = gradient_penalty(plane, *images, torch.rand(3))
    assert penalty.dtype == torch.float32
    penalty.backward()
    # (s - 1)^2 has the slope 2 (s - 1).
    torch.testing.assert_close(plane.slopes.grad, torch.tensor([2.0, 0, 0, 0]))


def test_a_critics_estimate_is_the_distance_that_lies_between_two_levels() -> None:
    """Trained on images at two levels, 1-Lipschitz critics estimate how far apart they are."""
    torch.manual_seed(0)
    critic = nn.Sequential(nn.Flatten(), nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 1))
    objective = WGAN(Level(), critic)
    optimizer = torch.optim.Adam(critic.parameters(), 1e-2, (0.5, 0.9))
    data = {"image": torch.full((16, 1, 2, 2), 0.7), "code": torch.full((16, 1, 1, 1), 0.1)}
    for _ in range(300):
        optimizer.zero_grad()
        losses = {}
        for group in objective.discriminator_losses(dict(data)):
            objective.weighted_sum(group).backward()
            losses |= group
        optimizer.step()
    estimate = -float(losses["discriminator_real"] + losses["discriminator_fake"])
    assert estimate == pytest.approx((0.7 - 0.2) * 2, rel=0.1)  # the norm of four equal steps


@pytest.mark.parametrize("clipped", [False, True])
def test_the_critics_estimate_falls_as_the_samples_come_nearer(clipped: bool) -> None:
    """With the penalty it is no less than the distance of the mean images, which no distance of distributions is below.

    A clipped critic has another slope than 1, so what it estimates is a multiple of the distance.
    """
    torch.manual_seed(0)
    generator = ConvolutionalGenerator(2, 4, 1, 8, 8)
    critic = ConvolutionalDiscriminator(2, 1, 1, 8, 16, norm=None)
    objective = WGAN(generator, critic, {"gradient_penalty": 0.0} if clipped else None)
    if clipped:
        optimizers = [torch.optim.RMSprop(generator.parameters(), 3e-3), torch.optim.RMSprop(critic.parameters(), 1e-3)]
    else:
        optimizers = [
            torch.optim.Adam(network.parameters(), 5e-3, (0.0, 0.9)) for network in objective.networks.values()
        ]
    disc = 1.5 * (torch.linspace(-1, 1, 8)[:, None] ** 2 + torch.linspace(-1, 1, 8) ** 2 < 0.6).float() - 0.8
    estimates, distances = [], []
    for iteration in range(1, 501):
        data = {"image": disc + 0.1 * torch.randn(16, 1, 1, 1), "code": torch.randn(16, 4, 1, 1)}
        losses = {}
        optimizers[1].zero_grad()
        for group in objective.discriminator_losses(data):
            objective.weighted_sum(group).backward()
            losses |= group
        optimizers[1].step()
        if clipped:
            WeightClipping([critic], 0.01).clip()
        estimates.append(-float(losses["discriminator_real"] + losses["discriminator_fake"]))
        distances.append(float((data["fake"].mean(0) - data["image"].mean(0)).norm()))
        if iteration % 5 == 0:
            optimizers[0].zero_grad()
            data.pop("fake")
            (group,) = objective.generator_losses(data)
            group["adversarial"].backward()
            optimizers[0].step()
    # Once the critic has learned to tell them apart.
    estimate, distance = torch.tensor([estimates, distances])[:, 50:].unflatten(1, (9, 50)).mean(2)
    # Steps of a clipped critic's size are smaller.
    share = 0.5 if clipped else 0.25
    assert estimate[-1] < share * estimate[0]
    assert distance[-1] < share * distance[0]
    assert float(torch.corrcoef(torch.stack([estimate, distance]))[0, 1]) > 0.9
    assert clipped or (estimate > 0.95 * distance).all()


def test_the_loss_is_the_same_game_for_both() -> None:
    values = torch.tensor([1.0, 2.0, -6.0])
    for side in (True, False):
        assert float(WassersteinLoss()(values, target_is_real=True, for_discriminator=side)) == 1.0
        assert float(WassersteinLoss()(values, target_is_real=False, for_discriminator=side)) == -1.0


def test_weights_are_clipped_after_each_step_of_the_critic() -> None:
    critic, other = nn.Linear(3, 1), nn.Linear(3, 1)
    engine = Engine(lambda engine, _: engine.fire_event(ObjectiveEvents.DISCRIMINATORS_STEPPED))
    engine.register_events(*ObjectiveEvents)
    WeightClipping([critic], 0.05).attach(engine)
    with torch.no_grad():
        for network in (critic, other):
            network.weight.copy_(torch.tensor([[-1.0, 0.01, 1.0]]))
    engine.run([0])
    torch.testing.assert_close(critic.weight.detach(), torch.tensor([[-0.05, 0.01, 0.05]]))
    assert float(critic.bias.abs()) <= 0.0500001
    assert float(other.weight.abs().max()) == 1.0
    with pytest.raises(InputError, match="limit is 0"):
        WeightClipping([critic], 0)
