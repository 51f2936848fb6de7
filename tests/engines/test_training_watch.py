"""Trainings that are ill are noticed, one illness after the other, and a healthy one is not."""

import sys
from pathlib import Path

import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).parent))
from watched import SHORT, last_values, noticed, small_generator, watched_trainer


class Ignorant(nn.Module):
    """Generator whose images have nothing to do with its inputs."""

    def __init__(self) -> None:
        super().__init__()
        self.network = small_generator()

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return self.network(2 * torch.rand_like(image) - 1)


class Tone(nn.Module):
    """One slope and one shift."""

    def __init__(self, slope: float) -> None:
        super().__init__()
        self.layer = nn.Conv2d(1, 1, 1)
        nn.init.constant_(self.layer.weight, slope)
        nn.init.zeros_(self.layer.bias)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return self.layer(image).clamp(-1, 1)


def frozen_at_constant() -> nn.Module:
    """Generator whose last layer is zero and does not learn."""
    network = small_generator()
    network.skip = False
    network.layers[-1].requires_grad_(False)
    return network


def sigmoid_chain() -> nn.Module:
    """Deep generator of saturated layers without normalisation."""
    layers: list[nn.Module] = [nn.Conv2d(1, 4, 3, padding=1)]
    for _ in range(8):
        layers += [nn.Sigmoid(), nn.Conv2d(4, 4, 3, padding=1)]
    return nn.Sequential(*layers, nn.Sigmoid(), nn.Conv2d(4, 1, 3, padding=1), nn.Tanh())


def trained(folder: Path, **options) -> dict[str, set[str]]:
    watched_trainer(folder, **options).run()
    return noticed(folder)


def test_a_healthy_training_is_left_in_peace(tmp_path: Path, caplog) -> None:
    caplog.set_level("INFO")
    assert trained(tmp_path) == {}
    assert "Watch: nothing noticed in 5 reviews." in caplog.messages


def test_a_generator_with_a_constant_last_layer_has_collapsed(tmp_path: Path) -> None:
    found = trained(tmp_path, generators=(frozen_at_constant(), small_generator()))
    assert found["spread"] == {"generator_ab"}
    assert last_values(tmp_path)["spread"]["generator_ab"] == 0
    assert last_values(tmp_path)["spread"]["generator_ba"] > 0.3


def test_a_generator_that_ignores_its_input_is_told_from_one_that_does_not(tmp_path: Path) -> None:
    found = trained(tmp_path, generators=(Ignorant(), small_generator()), options={**SHORT, "looks": 12})
    assert found["dependence"] == {"generator_ab"}


def test_a_chain_of_sigmoids_has_vanishing_gradients_in_its_first_layers(tmp_path: Path) -> None:
    found = trained(tmp_path, generators=(sigmoid_chain(), small_generator()))
    assert found["first_layers"] == {"generator_ab"}
    assert last_values(tmp_path)["first_layers"]["generator_ab"] < 1e-3
    assert last_values(tmp_path)["first_layers"]["generator_ba"] > 0.05


def test_a_discriminator_that_learns_a_hundred_times_faster_dominates(tmp_path: Path) -> None:
    found = trained(tmp_path, learning_rates=(4e-5, 4e-3), floor=0.4, epochs=6)
    assert found == {"dominance": {"discriminator_a", "discriminator_b"}}


def test_discriminators_that_do_not_learn_are_fooled(tmp_path: Path) -> None:
    found = trained(tmp_path, learning_rates=(1e-3, 0.0), floor=0.4)
    assert found == {"blindness": {"discriminator_a", "discriminator_b"}}


def test_inverted_generators_satisfy_the_cycle_and_are_noticed(tmp_path: Path) -> None:
    found = trained(tmp_path, generators=(Tone(-1.0), Tone(-1.0)), learning_rates=(1e-4, 1e-4))
    assert found["rank_correlation"] == found["flipped_edges"] == {"generator_ab", "generator_ba"}
    assert last_values(tmp_path)["no_better_than_grey"]["cycle_a"] < 0.1


def test_too_large_a_learning_rate_does_not_converge(tmp_path: Path) -> None:
    found = trained(tmp_path, learning_rates=(0.5, 4e-4))
    assert found["no_better_than_grey"] & {"cycle_a", "cycle_b", "identity_a", "identity_b"}
